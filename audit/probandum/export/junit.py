"""JUnit XML: one test suite a probe, one test case a judged finding.

A broken limit is a failure, what is not to be trusted an error. An inconclusive finding is skipped with
``type="inconclusive"``, a waived one with ``type="waived"``, a waiver that accepts nothing with ``type="note"``: none
is a pass, and no reader counts it as one.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence

from probandum.export.outcome import Entry, Outcome, State
from probandum.export.writing import legal, line
from probandum.withholding import hidden

_TAGS = {
    State.ERROR: "error",
    State.FAIL: "failure",
    State.INCONCLUSIVE: "skipped",
    State.WAIVED: "skipped",
    State.NOTE: "skipped",
}


def render(outcome: Outcome) -> bytes:
    """The report of one gate."""
    suites: dict[str, list[Entry]] = {}
    for entry in outcome.entries:
        suites.setdefault(entry.probe, []).append(entry)
    counts = _counts(outcome.entries)
    del counts["skipped"]  # readers know it of a suite alone
    root = ET.Element("testsuites", {"name": line(f"probandum: {outcome.system}", 255), **counts})
    for probe, entries in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": line(probe, 255), **_counts(entries)})
        if probe in outcome.seconds:
            suite.set("time", f"{outcome.seconds[probe]:.3f}")
        if outcome.started is not None:
            suite.set("timestamp", outcome.started)
        for entry in entries:
            _case(suite, entry)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data + b"\n"


def _case(suite: ET.Element, entry: Entry) -> None:
    name = entry.id.removeprefix(f"{entry.probe}/") if entry.finding is not None else entry.slice
    case = ET.SubElement(suite, "testcase", classname=entry.probe, name=line(name))
    properties = ET.SubElement(case, "properties")
    for key, value in _properties(entry):
        ET.SubElement(properties, "property", name=key, value=line(value))
    if entry.state in _TAGS:
        kind = entry.finding.sub_reason if entry.state is State.ERROR and entry.finding else entry.state
        made = ET.SubElement(case, _TAGS[entry.state], type=str(kind or entry.state), message=line(entry.message))
        made.text = legal(entry.text)


def _properties(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "location", f"{entry.spot.path}:{entry.spot.line}"
    if entry.finding is None:
        return
    finding, estimate = entry.finding, entry.finding.estimate
    yield "id", finding.id
    yield "verdict", finding.verdict.value
    if estimate.value is not None:
        yield "estimate", repr(estimate.value)
        if estimate.bounded:
            yield "interval", f"{estimate.low!r} to {estimate.high!r} at {estimate.level:g}"
        yield "unit", estimate.unit
    if not hidden(estimate):
        yield "n", str(estimate.n)
    if finding.limit is not None:
        yield "limit", f"{finding.limit.direction} {finding.limit.threshold:g}"
    for key, state in finding.controls.items():
        yield f"control.{key}", state


def _counts(entries: Sequence[Entry]) -> dict[str, str]:
    found = Counter(_TAGS.get(entry.state, "passed") for entry in entries)
    names = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(entries)), **{name: str(found[tag]) for name, tag in names.items()}}
