"""What variants of a system give up for what: energy against quality, and which gaps between groups moved with it.

Each variant (a precision, a batch size, a smaller model) has a record of the same suites on the same data. Two of them
are compared item by item, so that a small loss shows. One is dominated where another takes less and is better, each
beyond its 95 % one-sided bound; where an interval holds 0, nothing is said.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from probandum import stats
from probandum.comparing import Measured, compare, differences_of
from probandum.comparison import Change, Comparison
from probandum.errors import RecordError, meant_or_known
from probandum.finding import Estimate, finding_id
from probandum.weighing import basis_of

#: Places of a plan in which variants of one system may differ.
VARIED = ("execution.dtype", "execution.batch_tokens", "execution.batch_invariant")
#: A variant is no worse where its loss of quality is shown to be smaller than this (measurement F-3).
MARGIN = 0.01
#: What of a plan says which variant it is.
_SHOWN = ("execution.", "target.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A variant beside the first one: how far cost and quality moved, and the gaps that moved beyond chance."""

    cost: Estimate
    quality: Estimate
    gaps: tuple[Change, ...]
    compared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One record. ``beside`` is None of the first; ``dominated``: the variants that take less and are better."""

    run: str
    differs: str
    cost: Estimate
    quality: Estimate
    beside: Beside | None
    dominated: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffs:
    """All variants, in the order in which they were given. ``higher``: whether more of the quality is better."""

    cost: str
    quality: str
    higher: bool
    variants: tuple[Variant, ...]

    @property
    def front(self) -> tuple[Variant, ...]:
        """Those that no other dominates."""
        return tuple(each for each in self.variants if not each.dominated)


def trade_offs(records: Sequence[Measured], *, cost: str, quality: str, higher: bool = True) -> TradeOffs:
    """Every variant beside the first and each other; ``cost`` and ``quality``: ids of quantities that all measure.

    RecordError names the record that lacks one, or that two cannot be compared.
    """
    values = [_values(each, cost, quality) for each in records]
    pairs = {pair: compare(*(records[place] for place in pair), varied=VARIED) for pair in _pairs(len(records))}
    worse = {(a, b) for a, b in pairs if _worse(pairs[a, b], cost, quality, higher=higher)}
    worse |= {(b, a) for a, b in pairs if _worse(pairs[a, b], cost, quality, higher=higher, turned=True)}
    variants = tuple(
        Variant(
            run=record.named.run,
            differs=_differs(records[0], record) if b else "",
            cost=values[b][0],
            quality=values[b][1],
            beside=_beside(pairs[0, b], cost, quality) if b else None,
            dominated=tuple(other.named.run for a, other in enumerate(records) if (a, b) in worse),
        )
        for b, record in enumerate(records)
    )
    return TradeOffs(cost=cost, quality=quality, higher=higher, variants=variants)


def _pairs(n: int) -> Iterator[tuple[int, int]]:
    return itertools.combinations(range(n), 2)


def _values(record: Measured, *names: str) -> list[Estimate]:
    known = {
        finding_id(f"{probe}/{each.metric}", each.groups, each.facets): each.estimate
        for probe, result in record.results.items()
        for each in result.measures
    }
    for name in names:
        if name not in known:
            raise RecordError(f"{record.folder}: it does not measure {name}{meant_or_known(name, known)}")
        if known[name].value is None:
            raise RecordError(f"{record.folder}: {name} has no value: {known[name].why}")
    return [known[name] for name in names]


def _beside(comparison: Comparison, cost: str, quality: str) -> Beside:
    gaps = [each for each in comparison.changes if each.groups is not None and each.groups.reference is not None]
    return Beside(
        cost=_change(comparison, cost),
        quality=_change(comparison, quality),
        gaps=tuple(each for each in gaps if _moved(each.estimate)),
        compared=len(gaps),
    )


def _change(comparison: Comparison, name: str) -> Estimate:
    found = next((each.estimate for each in comparison.changes if each.of == name), None)
    if found is None or found.value is None:
        why = "no items of it were kept" if found is None else found.why
        raise RecordError(f"{name}: run {comparison.new.run} cannot be compared with run {comparison.base.run}: {why}")
    return found


def _moved(change: Estimate) -> bool:
    return (
        change.value is not None
        and change.low is not None
        and change.high is not None
        and not (change.low <= 0.0 <= change.high)
    )


def _worse(comparison: Comparison, cost: str, quality: str, *, higher: bool, turned: bool = False) -> bool:
    """Whether the new record takes more and is worse, each beyond its one-sided bound at 95 %; ``turned``: the base."""
    more = _bounds(_change(comparison, cost))
    moved = _bounds(_change(comparison, quality))
    takes_more = more.high < 0 if turned else more.low > 0
    return takes_more and (moved.high < 0 if higher is not turned else moved.low > 0)


def _bounds(estimate: Estimate) -> stats.Interval:
    assert estimate.method is not None
    return stats.bounds(estimate.method, level=0.90, **basis_of(estimate))


def no_worse(change: Estimate, *, higher: bool) -> bool:
    """Whether the loss of quality is shown to be less than one point of a hundred."""
    found = _bounds(change)
    return found.low > -MARGIN if higher else found.high < MARGIN


def _differs(first: Measured, record: Measured) -> str:
    """In what a variant differs from the first, as its plan says it."""
    found = [each for each in differences_of(first, record, varied=VARIED) if each.what.startswith(_SHOWN)]
    named = [f"{each.what.partition('.')[2]} {each.new}" for each in found]
    if first.named.version != record.named.version:
        named.insert(0, f"version {record.named.version}")
    return ", ".join(named) or f"model {record.named.identity}"
