"""Annotations of a GitHub workflow: lines on standard output that the runner turns into marks on the audit file.

The runner takes ten of a kind from a step; where there are more, the last one says how many.
"""

from __future__ import annotations

from probandum.export.outcome import Entry, Outcome, State
from probandum.export.writing import line
from probandum.units import counted

MOST = 10
_KINDS = {
    "error": (State.ERROR, State.FAIL),
    "warning": (State.INCONCLUSIVE,),
    "notice": (State.WAIVED, State.NOTE),
}


def annotate(outcome: Outcome) -> list[str]:
    """One line an annotation, errors first."""
    made = []
    for kind, states in _KINDS.items():
        entries = [entry for state in states for entry in outcome.entries if entry.state is state]
        shown = entries if len(entries) <= MOST else entries[: MOST - 1]
        made += [_command(kind, entry) for entry in shown]
        if len(entries) > len(shown):
            more = f"and {counted(len(entries) - len(shown), f'more {kind}')}; the summary and the reports hold them"
            made.append(f"::{kind} title=probandum::{escaped(more)}")
    return made


def _command(kind: str, entry: Entry) -> str:
    place = f"file={_property(entry.spot.path)},line={entry.spot.line}"
    return f"::{kind} {place},title={_property(line(entry.check, 200))}::{escaped(line(entry.message))}"


def escaped(text: str) -> str:
    """``text`` as the message of a workflow command.

    >>> escaped("100 %\\n::error::x")
    '100 %25%0A::error::x'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return escaped(text).replace(":", "%3A").replace(",", "%2C")
