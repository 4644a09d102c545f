"""What a short document in Word has in place of a first page, a legend and wide styles."""

from __future__ import annotations

from probandum_reports.front import Front, closing, origins
from probandum_reports.glyphs import MARKS
from probandum_reports.messages import said
from probandum_reports.ooxml import Controls, Element, Piece, element, name_of, paragraph, run
from probandum_reports.view import View
from probandum_reports.wording import ORIGINS

#: Half points from which letters are those of titles; how much smaller they get, and all others, and the least.
_TITLES, _SMALLER, _SMALL, _LEAST = 27, 0.6, 0.81, 13
#: What is left of the space around paragraphs, and of that within the cells of tables.
_SPACE, _CELL = 0.3, 0.5


def head(view: View, page: Front) -> list[Piece]:
    """Title, what tells the record from every other, and the status, in three lines."""
    document = view.document
    return [
        paragraph(run(document.title), style="Title"),
        paragraph(run(f"{document.subtitle} · {page.line}", style="Small")),
        paragraph(run(document.status, element("b"), style="Small")),
    ]


def imprint(view: View, page: Front, controls: Controls) -> list[Piece]:
    """In small print what the marks mean, the law, the digests in full, and what is locked."""
    counts = origins(view.document)
    marks = [f"{MARKS[name]} {word}: {counts[name]}" for name, (word, _) in ORIGINS.items() if counts[name]]
    stated: list[Piece] = []
    for fact in closing(view.document):
        value = controls.locked(fact.path, fact.label or fact.path, [run(fact.value, style="Fine")])
        stated += [run(f"{' · ' if stated else ''}{fact.label}: ", style="Fine"), value]
    locked = said("Measured and recorded values are locked against editing; fields to fill show a placeholder.")
    closed = f"{locked} {said('Written from a sealed record by')} {page.author}."
    return [
        paragraph(run("   ".join(marks), style="Fine"), looks=[element("spacing", before=80, after=20)]),
        paragraph(*stated),
        paragraph(run(closed, style="Fine")),
    ]


def tighten(styles: Element) -> None:
    """Make the letters of all styles smaller, and the space around them less."""
    for name in ("sz", "szCs"):
        for size in styles.iter(name_of(name)):
            half = int(size.get(name_of("val")))
            size.set(name_of("val"), str(max(round(half * (_SMALLER if half >= _TITLES else _SMALL)), _LEAST)))
    for spacing in styles.iter(name_of("spacing")):
        for side in ("before", "after"):
            if spacing.get(name_of(side)) is not None:
                spacing.set(name_of(side), str(round(int(spacing.get(name_of(side))) * _SPACE)))
        if spacing.get(name_of("line")) is not None:
            spacing.set(name_of("line"), str(min(int(spacing.get(name_of("line"))), 245)))
    for margins in styles.iter(name_of("tblCellMar")):
        for side in ("top", "bottom"):
            margin = margins.find(name_of(side))
            margin.set(name_of("w"), str(round(int(margin.get(name_of("w"))) * _CELL)))
