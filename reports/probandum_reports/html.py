"""What people see in a browser: documents, the entry page of an audit, and evidence pages.

Each is one self-contained file: inline style and drawings, no script, no network. The same dossier gives the
same bytes.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from markupsafe import Markup

from probandum.document import Document, Figure, Gap, Heading
from probandum.finding import Verdict
from probandum_reports import charting, coverage, figures, waterfalls
from probandum_reports.evidence import evidence
from probandum_reports.front import closing, front, origins
from probandum_reports.index import index
from probandum_reports.nodes import gaps
from probandum_reports.pages import anchor, fill, frame
from probandum_reports.strips import strips
from probandum_reports.view import View, mark_of
from probandum_reports.wording import EXPLAINED

__all__ = ["evidence", "index", "render"]

#: A reference to an id inside an attribute or a style.
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
#: Chart colours as the style sheet knows them, so that a chart follows the reader's light or dark.
_VARIABLES: Mapping[str, str] = {
    charting.INK: "--ink",
    charting.MUTED: "--muted",
    charting.RULE: "--rule",
    charting.BAND: "--band",
    charting.PAPER: "--sheet",
    waterfalls.AGAINST: "--against",
    **{colour: f"--{verdict.value.lower()}" for verdict, colour in charting.COLOURS.items()},
    charting.COLOURS[Verdict.NOT_APPLICABLE]: "--measured",
}


def render(view: View) -> bytes:
    """A document as one HTML file."""
    document = _in_order(view.document)
    shown = [view.shown(name) for name in document.findings()]
    return fill(
        "document.html",
        view=view,
        document=document,
        shapes=strips(each.finding for each in shown if not each.suppressed),
        counts=origins(document),
        front=front(view),
        closing=closing(document),
        mark_of=mark_of,
        leads=partial(coverage.leads, view),
        gaps=list(filter(_first_time(), gaps(document.nodes))),
        arrives=_first_time(),
        alone=view.dossier.decision is not None,
        meaning={} if view.dossier.decision is None else EXPLAINED,
        contents=_contents(document),
        plots={
            place: _plots(node, view, prefix=f"figure-{place}-")
            for place, node in enumerate(document.nodes)
            if isinstance(node, Figure)
        },
        **frame(view.dossier),
    )


def _plots(figure: Figure, view: View, *, prefix: str) -> list[tuple[str, Markup]]:
    """The chart in each width it is drawn in, with the class that says when it is shown."""
    small = figures.draw_narrow(figure, view)
    whole = inlined(figures.draw(figure, view), prefix=prefix)
    if small is None:
        return [("plot", whole)]
    return [("plot wide", whole), ("plot narrow", inlined(small, prefix=f"{prefix}narrow-"))]


def _in_order(document: Document) -> Document:
    """The document with no heading more than one level below the one before it."""
    level, nodes = 0, []
    for node in document.nodes:
        if isinstance(node, Heading):
            level = min(node.level, level + 1)
            node = replace(node, level=level)
        nodes.append(node)
    return replace(document, nodes=tuple(nodes))


def _first_time() -> Callable[[Gap], bool]:
    """A function that says of each field whether it is met for the first time."""
    met: set[str] = set()

    def first(gap: Gap) -> bool:
        name = anchor(gap.field_id)
        new = name not in met
        met.add(name)
        return new

    return first


def _contents(document: Document) -> list[tuple[Heading, list[Heading]]]:
    """Chapters, each with its sections."""
    chapters: list[tuple[Heading, list[Heading]]] = []
    for node in document.nodes:
        if isinstance(node, Heading) and node.level == 1:
            chapters.append((node, []))
        elif isinstance(node, Heading) and node.level == 2 and chapters:
            chapters[-1][1].append(node)
    return chapters


def inlined(svg: bytes, *, prefix: str) -> Markup:
    """An SVG file as part of a page: ids of its own, colours of the page, no namespaces, no metadata."""
    root = ET.fromstring(svg)
    names = {element.get("id"): f"{prefix}{element.get('id')}" for element in root.iter() if element.get("id")}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in list(element.attrib):
            value = element.attrib.pop(key)
            plain = key.rpartition("}")[2]
            element.set(plain, _pointed(value, names) if plain != "style" else _coloured(_pointed(value, names)))
    for metadata in root.findall("metadata"):
        root.remove(metadata)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    title = root.find("title")
    if title is not None:
        root.set("aria-label", title.text or "")
        root.remove(title)
    return Markup(ET.tostring(root, encoding="unicode", short_empty_elements=True))


def _pointed(value: str, names: Mapping[str | None, str]) -> str:
    """An attribute whose references follow the renamed ids."""
    if value in names:
        return names[value]
    if value.startswith("#") and value[1:] in names:
        return f"#{names[value[1:]]}"
    return _REFERENCE.sub(lambda found: f"url(#{names.get(found[1], found[1])})", value)


def _coloured(style: str) -> str:
    for colour, name in _VARIABLES.items():
        style = style.replace(colour, f"var({name})")
    return style
