"""What variants of a system give up for what: energy against quality, and against the gaps between groups.

Each variant (a precision, a batch size, a cache, a prompt, a smaller model) has a record of the same suites on the same
data. Two of them are compared item by item, so that a small loss shows. One is dominated where another is better and
takes less, each beyond its 95 % one-sided bound, and the energy beyond what separate audits drift by; where an interval
holds 0, nothing is said. Energy that was sampled or estimated (grades C and D) is shown and compared with nothing.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from probandum import stats
from probandum.comparing import Measured, compare
from probandum.comparison import Comparison
from probandum.errors import RecordError, UsageError, meant_or_known
from probandum.finding import Estimate, finding_id
from probandum.headcounts import Figure
from probandum.probe import Measure
from probandum.tradeoffs import Beside, Gap, TradeOffs, Variant
from probandum.variants import traits
from probandum.weighing import basis_of
from probandum.withholding import withheld_figures

#: Places of a plan in which variants of one system may differ.
VARIED = ("execution.dtype", "execution.batch_tokens", "execution.batch_invariant")
#: A variant is no worse where its loss of quality is shown to be smaller than this (measurement F-3).
MARGIN = 0.01
#: What separate audits of one system may differ by in energy or time: the margin of a regression (measurement C).
DRIFT = 0.02
#: How often items that move are all missed, at most.
_MISSED = 0.05
_ALIKE = (
    "variants are asked the same: let their plans extend one another, and change the target or how it is executed alone"
)
_SECONDS = "without a meter, name seconds: --cost energy.inference/seconds-per-request"


def trade_offs(records: Sequence[Measured], *, cost: str, quality: str, higher: bool = True) -> TradeOffs:
    """Every variant beside the first and each other; ``cost`` and ``quality``: ids of quantities that all measure.

    UsageError where there are no two variants, or one is given twice. RecordError names the record that lacks a
    figure, or that two cannot be compared.
    """
    names = _names(records)
    if cost == quality:
        raise UsageError(f"{cost}: it is the cost and the quality", remedy="name two quantities")
    values = [_Values.of(each, cost, quality) for each in records]
    pairs = {
        (a, b): _Pair(compare(records[a], records[b], varied=VARIED), names[a], names[b], cost, quality)
        for a, b in itertools.combinations(range(len(records)), 2)
    }
    metered = {place for place, each in enumerate(values) if not each.coarse}
    beside = {(a, b): each.beside(comparable={a, b} <= metered) for (a, b), each in pairs.items()}
    worse = {(a, b) for (a, b), each in beside.items() if _worse(each, higher=higher)}
    worse |= {(b, a) for (a, b), each in beside.items() if _worse(each, higher=higher, turned=True)}
    apart = {pair for (a, b), each in beside.items() if each.cost.value is None for pair in ((a, b), (b, a))}
    variants = tuple(
        Variant(
            name=names[b],
            run=record.named.run,
            differs=traits(records[0], record) if b else (),
            cost=values[b].cost,
            grade=values[b].grade,
            quality=values[b].quality,
            per_good=per_good(values[b].cost, values[b].quality) if higher else None,
            beside=beside[0, b] if b else None,
            dominated=tuple(names[a] for a in range(len(records)) if (a, b) in worse),
            uncompared=tuple(names[a] for a in range(len(records)) if (a, b) in apart),
        )
        for b, record in enumerate(records)
    )
    comparisons = tuple(pairs[0, b].comparison for b in range(1, len(records)))
    return TradeOffs(
        cost=cost,
        quality=quality,
        higher=higher,
        variants=variants,
        gaps=tuple(_gaps(records, comparisons, leaving=(cost, quality))),
        system=records[0].named.system,
        statements=tuple(each.named.statement for each in records),
        withheld={name: words for each in records for name, words in _withheld(each).items()},
    )


def _withheld(record: Measured) -> Mapping[str, str]:
    figures = [
        Figure(name, f"{probe}/{each.metric}", each.groups, each.facets, each.estimate)
        for probe, result in record.results.items()
        for each in result.measures
        for name in [finding_id(f"{probe}/{each.metric}", each.groups, each.facets)]
    ]
    return withheld_figures(figures, record.plan["ask"].get("groups") or ())


def _names(records: Sequence[Measured]) -> list[str]:
    """What each record is called: its folder's name, with the run behind it where two folders share one."""
    if len(records) < 2:
        raise UsageError("trade-offs are between variants, and one record was given", remedy="name two records or more")
    seen: dict[str, Measured] = {}
    for each in records:
        if (other := seen.setdefault(each.named.statement, each)) is not each:
            raise UsageError(
                f"{each.folder}: the same record as {other.folder}", remedy="name each variant's record once"
            )
    often = Counter(each.folder.resolve().name for each in records)
    return [
        name if often[name := each.folder.resolve().name] == 1 else f"{name} ({each.named.run})" for each in records
    ]


class _Values(NamedTuple):
    """What one record says of cost and quality, and how its energy was read."""

    cost: Estimate
    quality: Estimate
    grade: str | None

    @property
    def coarse(self) -> bool:
        """Whether its energy was sampled or estimated, and is compared with nothing."""
        return self.grade is not None and self.grade > "B"

    @classmethod
    def of(cls, record: Measured, cost: str, quality: str) -> _Values:
        known = _measures(record)
        for name in (cost, quality):
            if name not in known:
                raise RecordError(
                    f"{record.folder}: it does not measure {name}{meant_or_known(name, known)}",
                    remedy="name a quantity that all the records measure",
                )
            if known[name].estimate.value is None:
                raise RecordError(
                    f"{record.folder}: {name} has no value: {known[name].estimate.why}",
                    remedy=_SECONDS if name == cost else "name a quantity that all the records measure",
                )
        measure = known[cost]
        grades = [record.windows[key].reading.grade for key in measure.evidence if key in record.windows]
        timed = measure.estimate.unit == "second"
        return cls(measure.estimate, known[quality].estimate, None if timed else max(grades, default=None))


def _measures(record: Measured) -> dict[str, Measure]:
    return {
        finding_id(f"{probe}/{each.metric}", each.groups, each.facets): each
        for probe, result in record.results.items()
        for each in result.measures
    }


class _Pair(NamedTuple):
    """Two records, compared once."""

    comparison: Comparison
    base: str
    new: str
    cost: str
    quality: str

    def beside(self, *, comparable: bool) -> Beside:
        """How far cost and quality moved; ``comparable``: whether both energies were read by counters."""
        told = "metered at grade C or D, and energy is compared at A and B alone"
        quality = self._change(self.quality)  # first: records of other data say so
        cost = self._change(self.cost) if comparable else Estimate.missing(told, unit="relative")
        if comparable and (crowded := next(each.crowded for each in self.comparison.changes if each.of == self.cost)):
            cost = Estimate.missing(crowded, unit="relative")
        return Beside(cost=cost, quality=quality)

    def _change(self, name: str) -> Estimate:
        found = next((each.estimate for each in self.comparison.changes if each.of == name), None)
        if found is None or found.value is None:
            why = "no items of it were kept" if found is None else found.why
            raise RecordError(f"{name}: {self.new} cannot be compared with {self.base}: {why}", remedy=_ALIKE)
        return found


def _gaps(records: Sequence[Measured], comparisons: Sequence[Comparison], *, leaving: Sequence[str]) -> Iterator[Gap]:
    """Differences between groups that a limit could judge, in the order of the first record."""
    known = [_measures(each) for each in records]
    changes = [{each.of: each for each in comparison.changes} for comparison in comparisons]
    for name, measure in known[0].items():
        if name in leaving or measure.mode != "gate" or not _is_gap(measure):
            continue
        nothing = Estimate.missing("the record does not measure it", unit=measure.estimate.unit)
        yield Gap(
            of=name,
            unit=measure.estimate.unit,
            values=tuple(each[name].estimate if name in each else nothing for each in known),
            changes=(None, *(each.get(name) for each in changes)),
        )


def _is_gap(measure: Measure) -> bool:
    against = measure.groups is not None and measure.groups.reference is not None
    return against or measure.estimate.unit.endswith("difference")


def _worse(beside: Beside, *, higher: bool, turned: bool = False) -> bool:
    """Whether the new record takes more and is worse, each beyond its one-sided bound at 95 %; ``turned``: the base."""
    if beside.cost.value is None:
        return False
    more, moved = _bounds(beside.cost), _bounds(beside.quality)
    takes_more = more.high < 1 / (1 + DRIFT) - 1 if turned else more.low > DRIFT
    return takes_more and (moved.high < 0 if higher is not turned else moved.low > 0)


def _bounds(estimate: Estimate) -> stats.Interval:
    assert estimate.method is not None
    return stats.bounds(estimate.method, level=0.90, **basis_of(estimate))


def no_worse(change: Estimate, *, higher: bool) -> bool:
    """Whether the loss of quality is shown to be less than one point of a hundred.

    Where no item moved at all an interval of no width would show anything; what the loss may be all the same is the
    largest share of items of which none would be met, at 95 %: 1 - .05^(1/n), which takes 299 to fall below a point.

    >>> still = {"value": 0.0, "low": 0.0, "high": 0.0, "unit": "share", "method": "t"}
    >>> [
    ...     no_worse(Estimate(n=n, n_effective=float(n), moments=(0.0, 0.0, n - 1.0), **still), higher=True)
    ...     for n in (298, 299)
    ... ]
    [False, True]
    """
    if change.value == change.low == change.high == 0.0:
        missed: float = _MISSED ** (1 / (change.n_effective or change.n or 1))
        return 1 - missed < MARGIN
    found = _bounds(change)
    return found.low > -MARGIN if higher else found.high < MARGIN


def per_good(cost: Estimate, quality: Estimate) -> Estimate | None:
    """Cost over a quality that is a share, such as joules for an answer that is right; None where it is no share.

    Delta method on the logarithm: the squares of both relative errors add up. 20 J an answer of which half are right
    are 40 J an answer that is right; errors of 3 % and 4 % make 5 %.

    >>> exact = {"method": "t", "n": 9}
    >>> twenty = Estimate(value=20.0, low=20 * math.exp(-0.03), high=20 * math.exp(0.03), unit="joule", **exact)
    >>> half = Estimate(value=0.5, low=0.5 * math.exp(-0.04), high=0.5 * math.exp(0.04), unit="share", **exact)
    >>> found = per_good(twenty, half)
    >>> found.value, round(math.log(found.high / 40.0), 6)
    (40.0, 0.05)
    """
    numbers = (cost.value, cost.low, cost.high, quality.value, quality.low, quality.high)
    if quality.unit != "share" or any(each is None or each <= 0 for each in numbers):
        return None
    value, low, high, share, least, most = (float(each) for each in numbers if each is not None)
    down = math.hypot(math.log(value / low), math.log(most / share))
    up = math.hypot(math.log(high / value), math.log(share / least))
    found = value / share
    return Estimate(
        value=found,
        low=found * math.exp(-down),
        high=found * math.exp(up),
        n=min(cost.n, quality.n),
        unit=cost.unit,
        method="delta",
        design="cost over quality, their errors independent",
    )
