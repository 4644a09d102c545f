"""A document as JSON: the whole tree, and beside it every finding once, under the id that its numbers name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from probandum import codec
from probandum.document import Fact, Gap, Number, Text
from probandum_reports.view import View

FORMAT = 2
_WORDS = (
    *("title", "about", "value", "interval", "n", "verdict"),
    *("limit", "limit_source", "reason", "controls", "method"),
)


def render(view: View) -> bytes:
    """Indented canonical JSON: front matter, nodes each with their ``kind``, and the findings they show."""
    document = view.document
    return codec.pretty(
        {
            "format": FORMAT,
            "id": document.id,
            "title": document.title,
            "subtitle": document.subtitle,
            "status": document.status,
            "as_of": view.dossier.as_of,
            "digests": dict(view.dossier.digests),
            "seal": dict(view.dossier.seal),
            "requirements": list(document.requirements),
            "front": [_node(view, fact) for fact in document.front],
            "nodes": [_node(view, node) for node in document.nodes],
            "findings": {name: _finding(view, name) for name in document.findings()},
        }
    )


def _finding(view: View, name: str) -> dict[str, Any]:
    """A finding as published, with the words in which every format says it."""
    shown = view.shown(name)
    return view.public(name) | {"shown": {word: getattr(shown, word) for word in _WORDS}}


def _node(view: View, node: object) -> Any:
    """A node as a mapping with its kind; text stays text."""
    if isinstance(node, tuple):
        return [_node(view, inner) for inner in node]
    if not is_dataclass(node) or isinstance(node, type):
        return node
    plain: dict[str, Any] = {"kind": type(node).__name__.lower()}
    plain |= {each.name: _node(view, getattr(node, each.name)) for each in fields(node)}
    if isinstance(node, Number | Fact | Gap | Text):
        plain["text"] = view.inline(node)
        plain["provenance"] = view.provenance(node)
    return plain
