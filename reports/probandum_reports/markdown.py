"""A document as Markdown: readable as it stands, with every finding linked, under its id, to its evidence page.

Charts are named and not drawn; the table that follows each of them holds its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from probandum.document import Cell, Fact, Figure, Gap, Heading, Inline, Listing, Node, Number, Table, Text
from probandum_reports import hub_metadata
from probandum_reports.directions import directed
from probandum_reports.front import closing, front, who
from probandum_reports.glyphs import MARKS
from probandum_reports.messages import said
from probandum_reports.pages import visible
from probandum_reports.view import View, mark_of
from probandum_reports.wording import ORIGINS

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")
#: What would call a person or a team where the text is posted. No backslash helps there; an empty comment does.
_CALL = re.compile(r"(?<!\w)@(?=\w)")
#: What would start a list, a rule, a quotation or a heading at the start of a line.
_OPENING = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)")


def render(view: View) -> bytes:
    """The document as UTF-8 Markdown, ending in a newline."""
    document = view.document
    if document.brief:
        return _short(view)
    blocks = [hub_metadata.front(view)] if document.hub_metadata else []
    blocks += [f"# {escape(document.title)}", escape(document.subtitle), f"**Status:** {escape(document.status)}"]
    blocks.append(_grid(("", ""), [(escape(fact.label or ""), _fact(view, fact)) for fact in document.front]))
    for node in document.nodes:
        blocks += _blocks(view, node)
    return ("\n\n".join(block for block in blocks if block) + "\n").encode()


def _short(view: View) -> bytes:
    """A short document: its head in three lines, a section right under its heading, marks explained at the end."""
    document = view.document
    blocks = [
        f"# {escape(document.title)}\n{opening(f'{document.subtitle} · {front(view).line}')}",
        f"**Status:** {escape(document.status)}",
    ]
    under = False
    for node in document.nodes:
        for place, block in enumerate(_brief_blocks(view, node)):
            if under and place == 0:
                blocks[-1] += f"\n{block}"
            else:
                blocks.append(block)
        under = isinstance(node, Heading)
    marks = [f"{MARKS[mark]} {ORIGINS[mark][0].lower()}" for mark in ("recorded", "declared")]
    marks.append(said("what stands with an interval is measured"))
    ends = [f"{fact.label}: {fact.value}" for fact in closing(document)]
    blocks.append(f"{said('Marks')}: {'; '.join(marks)}. {escape(' · '.join(ends))}")
    return ("\n\n".join(block for block in blocks if block) + "\n").encode()


def _brief_blocks(view: View, node: Node) -> Iterable[str]:
    """The blocks of a short document: a heading says its provision, and a table of one row or of labels is no table."""
    if isinstance(node, Heading):
        cited = f" ({escape(node.citation)})" if node.citation is not None else ""
        yield f"{'#' * min(node.level + 1, 6)} {escape(node.text)}{cited}"
    elif isinstance(node, Table):
        yield _brief_table(view, node)
    elif isinstance(node, Figure):
        yield from filter(None, (opening(node.reading), _brief_table(view, node.twin)))
    else:
        yield from _blocks(view, node)


def _brief_table(view: View, table: Table) -> str:
    cells = [[_cell(view, cell) for cell in row] for row in table.rows]
    header = [escape(name) for name in table.header]
    if len(cells) == 1 and len(header) > 2:
        return "\n".join(f"- {name}: {cell}" for name, cell in zip(header, cells[0], strict=True))
    if len(header) == 2:
        return "\n".join(f"- {label}: {cell}" for label, cell in cells)
    return _grid(header, cells)


def escape(text: str) -> str:
    r"""``text`` so that Markdown shows it and obeys none of it, anywhere but at the start of a block.

    >>> print(escape("*a* <b> | c"), escape("@all: $x$"), escape("a@example.org"))
    \*a\* \<b\> \| c @<!-- -->all: \$x\$ a@example.org
    """
    return directed(_CALL.sub("@<!-- -->", _verbatim(text)))


def _verbatim(text: str) -> str:
    """:func:`escape` for what a reader may copy, such as an id."""
    return _SPECIAL.sub(r"\\\1", " ".join(visible(text).split()))


def opening(text: str) -> str:
    r""":func:`escape` for the start of a block, where a number or a dash would begin a list.

    >>> print(opening("1. a"), opening("- a"))
    1\. a \- a
    """
    return _OPENING.sub(_defused, escape(text))


def _defused(match: re.Match[str]) -> str:
    mark = match.group(2)
    return f"{match.group(1)}{mark[:-1]}\\{mark[-1]}"


def _blocks(view: View, node: Node) -> Iterable[str]:
    if isinstance(node, Heading):
        yield f"{'#' * min(node.level + 1, 6)} {escape(node.text)}"
        if node.citation is not None:
            yield f"*{escape(node.citation)}*"
    elif isinstance(node, Text):
        text = opening(node.text)
        yield {"note": f"> {text}", "warning": f"> **⚠ {text}**"}.get(node.style, text)
    elif isinstance(node, Table):
        yield from _table(view, node)
    elif isinstance(node, Figure):
        yield f"*{escape(said('Figure: {caption}.', caption=node.caption))}* {escape(node.alt)}"
        if node.reading:
            yield opening(node.reading)
        yield from _table(view, node.twin)
    elif isinstance(node, Listing):
        yield "\n".join(f"- {' '.join(_inline(view, inline) for inline in entry)}" for entry in node.entries)
    else:
        yield _inline(view, node)


def _table(view: View, table: Table) -> Iterable[str]:
    yield f"**{escape(table.caption)}**"
    yield _grid([escape(name) for name in table.header], [[_cell(view, cell) for cell in row] for row in table.rows])


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(view: View, cell: Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    if isinstance(cell, Number) and cell.label is None:
        return _result(view, cell)
    return _inline(view, cell)


def _inline(view: View, node: Inline) -> str:
    if isinstance(node, Text):
        return opening(node.text)
    if isinstance(node, Number):
        shown = view.number(node)
        label = node.label or ", ".join(part for part in (shown.title, shown.about) if part)
        return f"{escape(label)}: {_result(view, node)}"
    if isinstance(node, Gap):
        return f"**{'☐' if node.origin == 'human' else '⚠'} {escape(view.inline(node))}**"
    return (f"{escape(node.label)}: " if node.label else "") + _fact(view, node)


def _fact(view: View, fact: Fact) -> str:
    told, mark = view.provenance(fact), mark_of(fact)
    if told and view.document.brief and mark in ("recorded", "declared"):
        owner = f" *({escape(who(fact) or said('by nobody named'))})*" if mark == "declared" else ""
        return f"{escape(fact.value)} {MARKS[mark]}{owner}"
    return escape(fact.value) + (f" *({escape(told)})*" if told else "")


def _result(view: View, node: Number) -> str:
    shown = view.number(node)
    parts = [shown.value] if shown.suppressed or not shown.interval else [f"{shown.value} ({shown.interval})"]
    if not shown.suppressed:
        parts.append(shown.n)
    title = _verbatim(node.finding).replace('"', '\\"')
    link = f'[{escape(said("evidence"))}]({shown.href} "{title}")'
    return f"{escape(', '.join(parts))}, **{escape(shown.verdict)}** ({link})"
