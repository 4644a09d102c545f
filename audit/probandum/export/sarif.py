"""SARIF 2.1.0 for code scanning: what did not pass, each at the line of its limit in the audit file.

Within what GitHub takes: a location for every result, no empty text, at most 5,000 results (it shows no more), the
gravest first. What is left out is said in the file. Passes are not written: each result would become an alert.
A waived finding is a note with its waiver as an accepted suppression.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from probandum import codec
from probandum.export.outcome import Entry, Outcome, State
from probandum.export.writing import line
from probandum.gating import meaning
from probandum.units import counted
from probandum.withholding import hidden

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: What code scanning shows of a run, of a text, and of a rule's tags.
MOST_RESULTS, MOST_TEXT, MOST_TAGS = 5000, 1000, 10
_LEVELS = {
    State.ERROR: "error",
    State.FAIL: "error",
    State.INCONCLUSIVE: "warning",
    State.WAIVED: "note",
    State.NOTE: "note",
}
_HELP = (
    "FAIL: after correction for all that was judged, the bound on the bad side breaks the limit at the line shown. "
    "Inconclusive: the data allow neither verdict; the text says how many observations one would need. "
    "Error: the measurement is not to be trusted, since the probe, the system or a control failed. "
    "The audit's reports hold the estimate, its interval and the raw evidence."
)


def render(outcome: Outcome) -> bytes:
    """The SARIF file of one gate."""
    told = [entry for entry in outcome.entries if entry.state in _LEVELS]
    order = list(_LEVELS)
    told.sort(key=lambda entry: order.index(entry.state))
    left = len(told) - MOST_RESULTS + 1 if len(told) > MOST_RESULTS else 0
    checks: dict[str, list[Entry]] = {}
    for entry in told[: len(told) - left]:
        checks.setdefault(entry.check, []).append(entry)
    index = {check: number for number, check in enumerate(checks)}
    results = [_result(entry, outcome, index[entry.check]) for entry in told[: len(told) - left]]
    if left:
        results.append(_left_out(outcome, left, index.setdefault("gate", len(index))))
    driver = {
        "name": "probandum",
        "version": outcome.tool,
        "semanticVersion": outcome.tool,
        "rules": [_rule(check, outcome, checks.get(check, [])) for check in index],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"probandum/{slug(outcome.system)}/{outcome.run or 'none'}"},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(outcome, left)],
        "results": results,
    }
    return codec.pretty({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def slug(text: str) -> str:
    """``text`` as one part of a path.

    >>> slug("Credit scorer / EU"), slug("…")
    ('credit-scorer-eu', 'system')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80] or "system"


def _left_out(outcome: Outcome, count: int, rule: int) -> dict[str, Any]:
    text = f"{counted(count, 'more finding')} not listed here: code scanning shows {MOST_RESULTS:,} results at most"
    entry = Entry(check="gate", slice="left out", state=State.INCONCLUSIVE, text=text, spot=outcome.start)
    return {**_result(entry, outcome, rule), "message": {"text": text}}


def _rule(check: str, outcome: Outcome, entries: Sequence[Entry]) -> dict[str, Any]:
    findings = [entry.finding for entry in entries if entry.finding is not None]
    if findings:
        probe, metric = findings[0].probe, findings[0].metric.partition("/")[2]
        short = f"{metric.replace('-', ' ').capitalize()}, measured by {probe}."
        full = outcome.summaries.get(probe) or short
        tags = ["responsible-ai", probe.partition(".")[0], *_unique(r for f in findings for r in f.requirements)]
    else:
        short = "The gate's own reasons."
        full = "What keeps an audit from being judged, or its record from being trusted."
        tags = ["responsible-ai"]
    return {
        "id": line(check, 255),
        "shortDescription": {"text": line(short, MOST_TEXT)},
        "fullDescription": {"text": line(full, MOST_TEXT)},
        "help": {"text": _HELP},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": [line(tag, 255) for tag in tags[:MOST_TAGS]], "problem.severity": "error"},
    }


def _result(entry: Entry, outcome: Outcome, rule: int) -> dict[str, Any]:
    spot = entry.spot
    result: dict[str, Any] = {
        "ruleId": line(entry.check, 255),
        "ruleIndex": rule,
        "level": _LEVELS[entry.state],
        "message": {"text": line(entry.message, MOST_TEXT)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(spot.path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": spot.line, "startColumn": 1, "endLine": spot.line, "endColumn": spot.end},
                },
                "logicalLocations": [{"fullyQualifiedName": line(entry.id, MOST_TEXT), "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": outcome.fingerprint(entry)},
    }
    if entry.finding is not None:
        result["properties"] = _properties(entry)
        if (waiver := entry.finding.waiver) is not None:
            said = f"{waiver.owner}, until {waiver.expires}: {waiver.reason}"
            result["suppressions"] = [
                {"kind": "external", "status": "accepted", "justification": line(said, MOST_TEXT)}
            ]
    return result


def _properties(entry: Entry) -> dict[str, Any]:
    """The numbers behind a result, for those who read the file itself."""
    assert entry.finding is not None
    estimate = entry.finding.estimate
    values = {
        "verdict": entry.finding.verdict.value,
        "subReason": entry.finding.sub_reason,
        "estimate": estimate.value,
        "low": estimate.low if estimate.bounded else None,
        "high": estimate.high if estimate.bounded else None,
        "level": estimate.level if estimate.bounded and not hidden(estimate) else None,
        "n": None if hidden(estimate) else estimate.n,
        "unit": line(estimate.unit, 255) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _invocation(outcome: Outcome, left: int) -> dict[str, Any]:
    result = outcome.result
    made: dict[str, Any] = {
        "executionSuccessful": result.code not in (2, 4),
        "exitCode": result.code,
        "exitCodeDescription": meaning(result),
    }
    if outcome.started is not None:
        made["startTimeUtc"] = _utc(outcome.started)
    if left:
        text = f"{counted(left, 'finding')} of {len(outcome.entries):,} left out; findings.json in the record has all."
        made["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return made


def _utc(started: str) -> str:
    """An ISO time as SARIF writes it.

    >>> _utc("2026-11-25T18:00:00+01:00")
    '2026-11-25T17:00:00Z'
    """
    moment = datetime.datetime.fromisoformat(started).astimezone(datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
