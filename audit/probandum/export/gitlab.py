"""GitLab code quality: one issue a finding that did not pass, at the line of its limit in the audit file."""

from __future__ import annotations

from probandum import codec
from probandum.export.outcome import Outcome, State
from probandum.export.writing import line

_SEVERITIES = {
    State.ERROR: "critical",
    State.FAIL: "major",
    State.INCONCLUSIVE: "minor",
    State.WAIVED: "info",
    State.NOTE: "info",
}


def render(outcome: Outcome) -> bytes:
    """The report, a list of issues; GitLab drops all but the first of one fingerprint, and ours differ."""
    issues = [
        {
            "description": line(entry.message),
            "check_name": line(entry.check, 255),
            "fingerprint": outcome.fingerprint(entry),
            "severity": _SEVERITIES[entry.state],
            "location": {"path": entry.spot.path, "lines": {"begin": entry.spot.line}},
        }
        for entry in outcome.entries
        if entry.state in _SEVERITIES
    ]
    return codec.pretty(issues)
