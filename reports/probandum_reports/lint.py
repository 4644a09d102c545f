"""What a document, and the pages around it, must hold before they may be written: a breach is an error, no warning.

1. No claim that no tool can make of a system, nor one in the words of our own probes; whose author is another says so.
2. Every number is a finding of the record. 3. Every fact says what stands at its path. 4. Every finding of the record
appears in a document that is said to hold them all. 5. Every gap says what is missing, which provision asks, and who
can supply it. 6. Anchors and fields are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html.parser import HTMLParser

from probandum.document import Document, Fact, Figure, Gap, Heading, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum_reports import (
    classification,
    coverage,
    energy_parts,
    facts,
    form_fields,
    spreads,
    summing_up,
    swarms,
    tallies,
)
from probandum_reports.claims import claim
from probandum_reports.nodes import walk
from probandum_reports.selecting import asked
from probandum_reports.tables import name
from probandum_reports.view import View
from probandum_reports.waivers import standings

_OF_FINDING = re.compile(
    r"finding:(?P<id>.*?)\.(?P<what>verdict|reason|limit|threshold|limit_source|held_against|method|spread-\d+|swarm)"
)
#: Who says again what stands at a path under a name of its own.
_RESOLVED: Mapping[str, Callable[[Dossier, str], str | None]] = {
    "coverage": coverage.resolve,
    "coverage.asked": coverage.resolve,
    "energy": energy_parts.resolve,
    "form": form_fields.resolve,
    "outcome": summing_up.resolve,
    "states": coverage.counted_at,
    "tally": tallies.resolve,
}
_OF_WAIVER = re.compile(r"waiver:(?P<id>.*)\.(?P<what>owner|reason|expires|bound|state)")


def check(view: View) -> None:
    """RecordError naming every breach of the view's document."""
    found = list(breaches(view))
    if found:
        raise RecordError(f"document {view.document.id}: {'; '.join(found)}", remedy="mend the template or the builder")


def check_page(name: str, page: bytes) -> None:
    """RecordError where an HTML page says in its own voice what the product never says of a system."""
    voice = _Voice()
    voice.feed(page.decode())
    found = [f"the claim {said!r} stands in {text[:60]!r}" for text in voice.texts if (said := claim(text)) is not None]
    if found:
        raise RecordError(f"{name}: {'; '.join(found)}", remedy="mend the template")


class _Voice(HTMLParser):
    """The texts of a page that are the product's own.

    Values, names and quotations are others': what stands in cells, lists of facts, links, names of findings, code
    and quotes, and whatever says ``data-by`` whom.
    """

    _THEIRS = frozenset({"a", "dd", "td", "h3", "code", "pre", "q", "title", "style", "svg"})
    _VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take down whose words follow."""
        if tag in self._VOID:
            return
        given = dict(attributes)
        row = tag == "th" and str(given.get("scope", "")).startswith("row")
        theirs = tag in self._THEIRS or "data-by" in given or row
        self._open.append((tag, theirs or (bool(self._open) and self._open[-1][1])))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element that closes itself says nothing."""

    def handle_endtag(self, tag: str) -> None:
        """Back to whoever spoke before."""
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep what is said by nobody else."""
        if data.strip() and not (self._open and self._open[-1][1]):
            self.texts.append(" ".join(data.split()))


def breaches(view: View) -> Iterator[str]:
    """Every breach in words, in reading order."""
    document = view.document
    nodes = [*document.front, *walk(document.nodes)]
    # 1. words
    shown = [view.shown(finding.id) for finding in view.dossier.findings]
    names = {name(each) for each in shown} | coverage.summaries()
    columns = {said for each in shown for said in (each.facets.get("feature", ""), each.facets.get("at", ""))}
    quoted = (*view.quoted, *sorted(filter(claim, columns), key=lambda each: (-len(each), each)))
    reviewers = sorted((each.name for each in facts.reviews(view.dossier, document.id)), key=len, reverse=True)
    for text in (_without(document.status, reviewers), *_prose(document, nodes)):
        if text not in names and (said := claim(_without(text, quoted))) is not None:
            yield f"the claim {said!r} stands in {text[:60]!r}"
    yield from _of_probes(view)
    # 2. and 3. what carries data
    known = {finding.id for finding in view.dossier.findings}
    for node in nodes:
        if isinstance(node, Number) and node.finding not in known:
            yield f"number {node.finding} is no finding of the record"
        elif isinstance(node, Fact) and (problem := _unfounded(view, node)) is not None:
            yield problem
    # 4. every finding
    every = {finding.id for finding in view.dossier.findings if asked(finding)}
    for missing in sorted(every - set(document.findings())) if document.every_finding else ():
        yield f"finding {missing} does not appear"
    # 5. gaps
    fields: dict[str, str] = {}
    paths = {node.card for node in nodes if isinstance(node, Gap)}
    for node in nodes:
        if isinstance(node, Gap):
            if not (node.what.strip() and node.citation.strip() and node.supplier.strip()):
                yield f"gap {node.field_id} lacks what, citation or supplier"
            # 6. one field, one question; what a path of the card answers may be asked in several words
            if node.field_id not in paths and fields.setdefault(node.field_id, node.what) != node.what:
                yield f"two gaps share the field {node.field_id}"
    anchors: set[str] = set()
    for node in nodes:
        if isinstance(node, Heading):
            if node.anchor in anchors:
                yield f"two headings share the anchor {node.anchor}"
            anchors.add(node.anchor)


def _of_probes(view: View) -> Iterator[str]:
    """Claims in what our own probes say of themselves; what their controls saw has names of people's data in it."""
    for result in view.dossier.results:
        for text in [result.summary, *(each.name for each in result.controls)] if not result.author else ():
            if (said := claim(text)) is not None:
                yield f"the claim {said!r} stands in {text[:60]!r}, which {result.probe} says"


def _without(text: str, quoted: Iterable[str]) -> str:
    """``text`` without the words of others in it, such as the names of columns.

    >>> _without("source of fair value", ["fair value"])
    'source of '
    """
    for each in quoted:
        text = text.replace(each, "")
    return text


def _unfounded(view: View, fact: Fact) -> str | None:
    """Why a fact does not say what stands at its path; None where it does."""
    if fact.path.startswith("proposal:") and fact.origin != "proposed":
        return f"fact {fact.path} is a proposal and does not say so"
    if fact.path.startswith(f"{classification.PLACE}."):
        said = classification.resolved(view.dossier, fact.path)
    elif fact.path.startswith("proposal:"):
        return None
    elif (match := _OF_FINDING.fullmatch(fact.path)) is not None:
        said = _of_finding(view, match["id"], match["what"])
    elif (found := _RESOLVED.get(fact.path.partition(":")[0])) is not None:
        said = found(view.dossier, fact.path.partition(":")[2])
    elif fact.path.startswith("decision:"):
        said = view.decided.get(fact.path.removeprefix("decision:"))
    elif (match := _OF_WAIVER.fullmatch(fact.path)) is not None:
        said = _of_waiver(view, match["id"], match["what"])
    else:
        said = facts.resolve(view.dossier, fact.path, origin=fact.origin)
    return None if said == fact.value else f"fact {fact.path} says {fact.value[:40]!r}, its source {str(said)[:40]!r}"


def _of_finding(view: View, finding_id: str, what: str) -> str | None:
    try:
        shown = view.shown(finding_id)
        if what.startswith("spread-"):
            line = spreads.rows(shown.finding, view)[int(what.removeprefix("spread-"))]
            return line.said(shown.finding.estimate.unit)
        return swarms.told(shown.finding, view) if what == "swarm" else str(getattr(shown, what))
    except RecordError:
        return None


def _of_waiver(view: View, finding_id: str, what: str) -> str | None:
    found = (each for each in standings(view.dossier) if each.waiver.finding == finding_id)
    return next((each.said(what) for each in found), None)


def _prose(document: Document, nodes: Iterable[object]) -> Iterator[str]:
    """All text that is ours; the status, which names reviewers, apart."""
    yield from (document.title, document.subtitle)
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Text | Heading):
            yield node.text
        elif isinstance(node, Table):
            yield from (node.caption, *node.header)
        elif isinstance(node, Figure):
            yield node.caption
        elif isinstance(node, Gap):
            yield node.what
