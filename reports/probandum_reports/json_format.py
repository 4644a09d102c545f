"""A document as JSON: the whole tree, with every number expanded to the finding it shows."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from probandum import codec
from probandum.document import Fact, Gap, Number, Text
from probandum_reports.view import View

FORMAT = 1
_WORDS = (
    *("title", "about", "value", "interval", "n", "verdict"),
    *("limit", "limit_source", "reason", "controls", "method"),
)


def render(view: View) -> bytes:
    """Indented canonical JSON: front matter, nodes each with their ``kind``, and what is still open."""
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
        }
    )


def _node(view: View, node: object) -> Any:
    """A node as a mapping with its kind; text stays text."""
    if isinstance(node, tuple):
        return [_node(view, inner) for inner in node]
    if not is_dataclass(node) or isinstance(node, type):
        return node
    plain: dict[str, Any] = {"kind": type(node).__name__.lower()}
    plain |= {each.name: _node(view, getattr(node, each.name)) for each in fields(node)}
    if isinstance(node, Number):
        shown = view.number(node)
        plain["finding"] = view.public(node.finding)
        plain["shown"] = {name: getattr(shown, name) for name in _WORDS} | {"evidence": shown.href}
    if isinstance(node, Number | Fact | Gap | Text):
        plain["text"] = view.inline(node)
        plain["provenance"] = view.provenance(node)
    return plain
