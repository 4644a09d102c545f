"""The typesetter: files in, PDF or PNG out, with the shipped fonts and nothing else of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from probandum.document import Figure, Number
from probandum_reports import figures
from probandum_reports.lettering import fonts, printable, written
from probandum_reports.messages import said
from probandum_reports.needs import need
from probandum_reports.view import View


class TypesettingError(ValueError):
    """The typesetter refused; the message is its own."""


def typeset(files: Mapping[str, bytes], **options: Any) -> bytes:
    """``main.typ`` of ``files``, compiled; TypesettingError where it breaks a rule of the chosen standards."""
    typst = need("typst")
    try:
        made: bytes = typst.compile(dict(files), font_paths=[str(fonts())], ignore_system_fonts=True, **options)
    except typst.TypstError as error:
        raise TypesettingError(" ".join(str(error).split())) from error
    return made


def picture(figure: Figure, view: View) -> tuple[bytes, Figure]:
    """The chart as SVG in letters that the shipped fonts hold, and the figure as it stands beside that chart.

    A row whose name they cannot write is drawn under its number, and the rows of the table are numbered then; a heat
    map, whose names stand at its edges, is drawn row by row.
    """
    names, known = _names(figure, view)
    if figure.kind == "heat" and len(known) < len(names):
        figure = replace(figure, kind="rates")
    beside = {
        name: names[name] if name in known else said("row {n} of the table", n=_row(figure, name)) for name in names
    }
    drawn = figures.draw(figure, view, beside=beside).decode()
    chart = printable(drawn.replace("DejaVu Sans", "Inter")).encode()
    return chart, figure if len(known) == len(names) else _numbered(figure)


def beside_picture(figure: Figure, view: View) -> Figure:
    """The figure as it stands beside its chart, which is not drawn."""
    names, known = _names(figure, view)
    return figure if len(known) == len(names) else _numbered(figure)


def _names(figure: Figure, view: View) -> tuple[Mapping[str, str], list[str]]:
    """What the rows of a chart are called, and which of them the shipped fonts can write."""
    names = figures.labels(figure, view)
    return names, [name for name, label in names.items() if written(label)]


def _row(figure: Figure, finding: str) -> int:
    """The row of the table that holds a finding, from 1."""
    rows = enumerate(figure.twin.rows, 1)
    return next(
        place for place, row in rows if any(isinstance(cell, Number) and cell.finding == finding for cell in row)
    )


def _numbered(figure: Figure) -> Figure:
    """The figure with the rows of its table numbered, and a caption that says why."""
    rows = tuple((f"{number}. {first}", *rest) for number, (first, *rest) in enumerate(figure.twin.rows, 1))
    caption = said(
        "{caption}. The chart has no letters for some of the names: it gives their row in the table",
        caption=figure.caption,
    )
    return replace(figure, caption=caption, twin=replace(figure.twin, rows=rows))


def raster(svg: bytes) -> bytes:
    """A chart as PNG of 220 dots an inch on white, 168 mm wide, for formats that hold no SVG."""
    page = b'#set page(width: 168mm, height: auto, margin: 0mm)\n#image("chart.svg", width: 100%)'
    return typeset({"main.typ": page, "chart.svg": svg}, format="png", ppi=220)
