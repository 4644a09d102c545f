"""A gate's outcome as CI services are told of it: one entry a judged finding, one a cause that is no finding, and one
a waiver that accepts nothing.

A record that fails its verification has no findings that one could trust: its entries are the steps that failed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from probandum.accounting import Account
from probandum.finding import Finding, Verdict
from probandum.gating import GateResult, facts
from probandum.places import Spot, from_root, spot_on
from probandum.waiving import waiver_words

#: Where what has no place is shown: the name that an audit file has where nobody chose another.
NOWHERE = Spot(path="audit.yaml", line=1, end=1)


class State(StrEnum):
    """How an entry stands; what is waived did not pass and does not block, and a note is of no finding at all."""

    ERROR = "error"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    WAIVED = "waived"
    NOTE = "note"
    PASS = "pass"


_HEADS = {
    State.ERROR: "Error",
    State.FAIL: "Limit broken",
    State.INCONCLUSIVE: "Inconclusive",
    State.WAIVED: "Waived",
    State.NOTE: "Note",
    State.PASS: "Pass",
}
_STATES = {Verdict.PASS: State.PASS, Verdict.FAIL: State.FAIL, Verdict.INCONCLUSIVE: State.INCONCLUSIVE}
#: A problem in a plan starts with its place.
_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)", re.DOTALL)
#: What a cause that is no finding means, by its code; 1 is always a finding.
_CAUSES = {2: State.ERROR, 3: State.INCONCLUSIVE, 4: State.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to tell. ``check``: the metric, or what of the gate; ``slice``: the groups and facets, or the cause."""

    check: str
    slice: str
    state: State
    text: str
    spot: Spot
    finding: Finding | None = None

    @property
    def id(self) -> str:
        """The finding's id, or a name for the cause."""
        return f"{self.check}?{self.slice}" if self.slice else self.check

    @property
    def probe(self) -> str:
        """The probe that measured it; ``gate`` for a cause that is no finding."""
        return "gate" if self.finding is None else self.finding.probe

    @property
    def message(self) -> str:
        """One line that says all."""
        return f"{_HEADS[self.state]}: {self.text}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What was gated and how it ended.

    ``run``: a short name of the record. ``started``: when the run began, ISO time. ``summaries`` and ``seconds``: what
    each probe measures, and how long it took. ``spots``: lines of the plan by place (see ``places``).
    """

    result: GateResult
    system: str
    version: str = ""
    tool: str
    run: str = ""
    started: str | None = None
    as_of: str = ""
    findings: tuple[Finding, ...] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    spots: Mapping[str, Spot] = field(default_factory=dict)
    accounts: tuple[Account, ...] = ()
    signed: bool = False

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Causes that are no finding, waivers that accept nothing, then every finding with a verdict, as planned."""
        judged = [finding for finding in self.findings if finding.verdict is not Verdict.NOT_APPLICABLE]
        return (*self._causes(), *self._idle(), *(self._entry(finding) for finding in judged))

    def fingerprint(self, entry: Entry) -> str:
        """What is the same in every run that says this of this system: SHA-256, never over a value.

        Over ``v1|system|probe|check|slice``, with ``|`` and ``\\`` escaped in the parts.
        """
        parts = ("v1", self.system, entry.probe, entry.check, entry.slice)
        said = "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
        return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()

    def _entry(self, finding: Finding) -> Entry:
        text = "; ".join([finding.id, *facts(finding)])
        state = _STATES.get(finding.verdict, State.ERROR)
        if finding.waiver is not None:
            text += f"; {waiver_words(finding.waiver)}"
            state = State.WAIVED
        spot = None if finding.limit is None else spot_on(self.spots, "limits", finding.limit.line)
        return Entry(
            check=finding.metric,
            slice=finding.id.removeprefix(finding.metric).removeprefix("?"),
            state=state,
            text=text,
            spot=spot or self.spots.get(f"suites.{finding.probe}") or self.start,
            finding=finding,
        )

    def _causes(self) -> list[Entry]:
        """The slice is the cause without what changes from run to run: digests behind a colon, and line numbers."""
        seen: Counter[str] = Counter()
        made = []
        for cause in self.result.causes:
            if cause.finding is not None:
                continue
            text, spot = cause.text, self.start
            if (placed := _PLACED.fullmatch(text)) is not None:
                text, number = placed["text"], int(placed["line"])
                spot = Spot(path=from_root(Path(placed["file"])), line=number, end=int(placed["column"]))
            said = re.sub(r" \(line \w+\)", "", text.partition(":")[0])
            seen[said] += 1
            name = said if seen[said] == 1 else f"{said} ({seen[said]})"
            made.append(Entry(check="gate", slice=name, state=_CAUSES[cause.code], text=text, spot=spot))
        return made

    def _idle(self) -> Iterator[Entry]:
        for each in self.result.idle:
            spot = spot_on(self.spots, "waivers", each.waiver.line) or self.start
            slice = f"waiver for {each.waiver.finding}"
            yield Entry(check="gate", slice=slice, state=State.NOTE, text=each.said, spot=spot)

    @property
    def start(self) -> Spot:
        """The first line of the audit file, for what has no line of its own."""
        return self.spots.get("", NOWHERE)
