"""Fail-closed accounting: what became of every input that an audit set out to ask.

An input is one prompt, text or row. It is counted under the probe that asked for it first, controls included, and
each metered energy window counts the inputs that were answered in it. What the system answered and a probe then
could not read as an answer to its question, the probe says in a finding of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from probandum.evidence import Observation
from probandum.probe import ProbeResult, Window
from probandum.speech import said

State = Literal["measured", "not_applicable", "error", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The inputs of one probe: ``attempted == assessed + errored + refused + unparsable``.

    ``planned``: what the probe asked for; more than ``attempted`` where the system broke before it answered.
    ``cached``: how many of the attempted were answered before the run, from the shared cache, and ``cached_days`` the
    first and the last day of these answers.
    ``errored``: the answer was an error. ``refused``: the system declined. ``unparsable``: an answer that holds
    neither a number nor a text. ``state`` missing: the plan names the probe, and the record holds nothing of it.
    """

    probe: str
    state: State
    planned: int
    attempted: int
    assessed: int
    errored: int
    refused: int
    unparsable: int
    cached: int = 0
    cached_days: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every planned input was assessed."""
        return self.state == "measured" and self.assessed == self.planned


def accounts(
    planned: Iterable[str],
    results: Sequence[ProbeResult],
    observations: Iterable[Observation],
    windows: Mapping[str, Window],
) -> tuple[Account, ...]:
    """One account a planned probe, in the plan's order, from what a sealed record holds.

    ``windows`` are read once ``observations`` have ended, so that one pass over a journal may give both.
    """
    found = {result.probe: result for result in results}
    tallies = {probe: [0, 0, 0, 0, 0] for probe in planned}
    cached: dict[str, Counter[str]] = {}
    for observation in observations:
        if (day := observation.cached_on) is not None:
            cached.setdefault(observation.probe, Counter())[day] += int(observation.asked["n"])
        _add(tallies.setdefault(observation.probe, [0, 0, 0, 0, 0]), observation.outcomes)
    made = []
    for probe, counts in tallies.items():
        result = found.get(probe)
        metered = 0 if result is None else _metered(result, windows)
        _add(counts, (metered, metered, 0, 0, 0))
        attempted, assessed, errored, refused, unparsable = counts
        days = cached.get(probe, Counter())
        made.append(
            Account(
                probe=probe,
                state="missing" if result is None else result.status,
                planned=attempted if result is None else result.planned + metered,
                attempted=attempted,
                assessed=assessed,
                errored=errored,
                refused=refused,
                unparsable=unparsable,
                cached=sum(days.values()),
                cached_days=tuple(dict.fromkeys((min(days), max(days)))) if days else (),
            )
        )
    return tuple(made)


def total(each: Sequence[Account]) -> dict[str, int]:
    """The sums over all probes; each input is in one account alone."""
    names = ("planned", "attempted", "assessed", "errored", "refused", "unparsable")
    return {name: sum(getattr(account, name) for account in each) for name in names}


def from_cache(each: Sequence[Account]) -> str:
    """How many inputs the shared cache answered, and when these answers were given; empty where there are none.

    >>> base = dict(state="measured", planned=3, attempted=3, assessed=3, errored=0, refused=0, unparsable=0)
    >>> from_cache([Account(probe="bias.a", **base, cached=2, cached_days=("2026-11-01", "2026-11-03"))])
    '2 answered from the shared cache, on 2026-11-01 to 2026-11-03'
    """
    days = sorted({day for account in each for day in account.cached_days})
    if not days:
        return ""
    when = days[0] if days[0] == days[-1] else said("{first} to {last}", first=days[0], last=days[-1])
    many = sum(account.cached for account in each)
    return said("{n:,} answered from the shared cache, on {days}", n=many, days=when)


def _metered(result: ProbeResult, windows: Mapping[str, Window]) -> int:
    """Inputs answered in the windows that are evidence of the probe."""
    keys = {key for measure in result.measures for key in measure.evidence if key in windows}
    return sum(windows[key].requests for key in keys)


def _add(counts: list[int], more: Iterable[int]) -> None:
    counts[:] = [a + b for a, b in zip(counts, more, strict=True)]
