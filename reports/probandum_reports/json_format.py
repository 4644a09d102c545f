"""A document as JSON: the whole tree, and beside it every finding once, under the id that its numbers name.

One line a node and one a finding, so that two documents can be compared line by line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from probandum import codec
from probandum.document import Fact, Gap, Number, Text
from probandum.speech import bare
from probandum_reports.view import View

FORMAT = 2
_WORDS = ("title", "about", "value", "interval", "n", "verdict", "limit", "reason", "controls", "method")


def render(view: View) -> bytes:
    """Canonical JSON: front matter, nodes each with their ``kind``, and the findings they show."""
    document = view.document
    plain: Mapping[str, object] = {
        "format": FORMAT,
        "id": document.id,
        "title": document.title,
        "subtitle": document.subtitle,
        "status": document.status,
        "as_of": view.dossier.as_of,
        "digests": dict(view.dossier.digests),
        "seal": dict(view.dossier.seal),
        "requirements": list(document.requirements),
    }
    if view.dossier.decision is not None:
        plain = {**plain, "decision": view.dossier.decision}
    listed = (_node(view, node) for node in document.nodes)
    named = {name: _finding(view, name) for name in document.findings()}
    parts = [
        *(b"%s:%s" % (codec.encode(key), codec.encode(value)) for key, value in plain.items()),
        b'"front":%s' % _lines(b"[]", (codec.encode(_node(view, fact)) for fact in document.front)),
        b'"nodes":%s' % _lines(b"[]", map(codec.encode, listed)),
        b'"findings":%s'
        % _lines(b"{}", (b"%s:%s" % (codec.encode(name), codec.encode(each)) for name, each in named.items())),
    ]
    return bare((b"{\n%s\n}\n" % b",\n".join(parts)).decode()).encode()


def _lines(brackets: bytes, entries: Iterable[bytes]) -> bytes:
    return b"%c\n%s\n%c" % (brackets[0], b",\n".join(entries), brackets[1])


def _finding(view: View, name: str) -> dict[str, Any]:
    """A finding as published, with the words in which every format says it."""
    shown = view.shown(name)
    return view.public(name) | {"shown": {word: getattr(shown, word) for word in _WORDS}}


def _node(view: View, node: object) -> Any:
    """A node as a mapping with its kind and what it states; text stays text."""
    if isinstance(node, tuple):
        return [_node(view, inner) for inner in node]
    if not is_dataclass(node) or isinstance(node, type):
        return node
    stated = {each.name: getattr(node, each.name) for each in fields(node)}
    plain: dict[str, Any] = {"kind": type(node).__name__.lower()}
    plain |= {name: _node(view, value) for name, value in stated.items() if value is not None}
    if isinstance(node, Number | Gap):
        plain["text"] = view.inline(node)
    if isinstance(node, Number | Fact | Gap | Text):
        plain["provenance"] = view.provenance(node)
    return plain
