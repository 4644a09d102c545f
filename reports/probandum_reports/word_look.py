"""The look of a Word document: page, header and footer, marks, and what its properties say."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from probandum.document import Document
from probandum.finding import Verdict
from probandum_reports import word_brief
from probandum_reports.charting import COLOURS, MUTED
from probandum_reports.front import Front
from probandum_reports.labels import SYSTEM, TITLE, cut
from probandum_reports.messages import said, tag
from probandum_reports.ooxml import Piece, element, field, lettered, name_of, paragraph, placed, run, trees
from probandum_reports.word_styles import ACCENT, HUMAN, restyle

TONES: Mapping[str, str] = {
    "measured": ACCENT,
    "recorded": MUTED,
    "declared": "#3a4a94",
    "proposed": "#7a5200",
    "human": HUMAN,
    "missing": "#a8321f",
    **{verdict.value: tone for verdict, tone in COLOURS.items()},
    Verdict.NOT_APPLICABLE: MUTED,
}


def dress(word: Any, front: Front, document: Document) -> None:
    """Give the empty document ``word`` our styles, page, header, footer and properties."""
    _plain(word)
    restyle(word.styles.element)
    if document.brief:
        word_brief.tighten(word.styles.element)
    _page(word.sections[0], front, document)
    _properties(word.core_properties, front, document.title)


def _plain(word: Any) -> None:
    """Take out what the library's own template brings along: a picture of another document, and old settings."""
    for holder in (word.part.package, word.part):
        for name, relation in list(holder.rels.items()):
            if relation.reltype.rpartition("/")[2] in ("thumbnail", "stylesWithEffects", "customXml"):
                del holder.rels[name]
    settings = word.settings.element
    for setting in settings.iter(name_of("compatSetting")):
        if setting.get(name_of("name")) == "compatibilityMode":
            setting.set(name_of("val"), "15")
    for language in settings.iter(name_of("themeFontLang")):
        language.set(name_of("val"), _spoken())
    for revisions in list(settings.iter(name_of("rsids"))):
        settings.remove(revisions)


def _page(section: Any, front: Front, document: Document) -> None:
    from docx.shared import Mm

    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(21)
    section.top_margin, section.bottom_margin = (Mm(14), Mm(15)) if document.brief else (Mm(26), Mm(23))
    section.header_distance = section.footer_distance = Mm(8 if document.brief else 12)
    section.different_first_page_header_footer = True
    day = said("as of {day}", day=front.day.isoformat())
    _fill(section.header, "Header", [run(cut(document.title, TITLE))], [run(day)])
    for footer in (section.footer, section.first_page_footer):
        number, count = field("PAGE", run("1")), field("NUMPAGES", run("1"))
        pages = placed(said("page {page} of {pages}"), page=number, pages=count)
        _fill(footer, "Footer", [run(f"{cut(front.system, SYSTEM)} · {front.seal_short}")], pages)


def _fill(place: Any, style: str, left: list[Piece], right: list[Piece]) -> None:
    root = place._element
    for old in list(root):
        root.remove(old)
    root.extend(trees(paragraph(*left, element("r", element("tab")), *right, style=style)))


def _spoken() -> str:
    """The language of the document, as Word names it."""
    return "-".join(filter(None, tag()))


def _properties(core: Any, front: Front, title: str) -> None:
    core.title, core.subject, core.comments = (
        lettered(text)[:255] for text in (title, front.system, front.description)
    )
    core.author = core.last_modified_by = front.author
    core.language, core.keywords, core.category, core.version = _spoken(), "", "", ""
    core.created = core.modified = core.last_printed = datetime.datetime.combine(front.day, datetime.time())
    core.revision = 1
