"""How well explanations hold in each group of the rows, and how far the best and the worst served lie apart.

A figure of a group is a ratio of sums over its rows, ``sum of tops / sum of bottoms``: a mean where all bottoms are 1,
a normalised score where they are the distances from chance to the best, R2 where tops are bottoms less squared errors.
An explanation that holds less in one group than in another misleads about that group: Balagopalan et al. 2022, Dai et
al. 2022.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.stats import has_dynamic_range
from probandum.stats.resampling import DRAWS, sorted_draws, weighted_sums
from probandum.subject import Codes, Grouping
from probandum_probes.bias.counting import SMALLEST_GROUP, stated
from probandum_probes.bias.scored import sizes_of
from probandum_probes.estimates import from_draws
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import World

#: The group of what is said of all groups of an attribute together.
ALL = "all"


def group_metrics(metric: str) -> dict[str, str]:
    """What is measured of ``metric`` by group, by unit.

    >>> group_metrics("local-fit")
    {'local-fit-by-group': 'score', 'local-fit-gap': 'score difference'}
    """
    return {f"{metric}-by-group": "score", f"{metric}-gap": "score difference"}


def divided(ask: Ask, world: World) -> Iterator[tuple[Grouping, Codes]]:
    """The attributes that are declared of rows, and which group of each every input is in; texts have none."""
    if not isinstance(world, RowWorld):
        return
    subject = ask.subject
    named = zip(subject.keys(), subject.contents(), strict=True)
    row_of = {name: row for row, name in enumerate(named)}  # rows alike in name and content are of one group
    rows = [row_of[each.key, each.content] for each in world.instances]
    for grouping in subject.groupings.values():
        yield grouping, grouping.codes[rows]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ratio:
    """The figure of one group: its value, and resampled ones in the order in which they were drawn."""

    value: float
    draws: Floats
    n: int

    @classmethod
    def of(cls, tops: Floats, bottoms: Floats, rng: np.random.Generator) -> Ratio | None:
        """From the rows of a group; None where what stands below tells nothing apart, as in ``has_dynamic_range``."""
        if not has_dynamic_range(np.zeros(len(bottoms)), bottoms):
            return None
        sums = weighted_sums(np.stack([tops, bottoms], axis=1), rng=rng, draws=DRAWS)
        if (sums[:, 1] <= 0).any():  # so few rows carry the figure that some resamples have none of them
            return None
        return cls(value=float(tops.sum() / bottoms.sum()), draws=sums[:, 0] / sums[:, 1], n=len(tops))


def by_group(
    ask: Ask,
    grouping: Grouping,
    codes: Codes,
    tops: Floats,
    bottoms: Floats,
    *,
    metric: str,
    design: str,
    facets: Mapping[str, str],
) -> Iterator[Measure]:
    """A figure a group and the largest gap between two, from a top and a bottom a row, shape (rows,) each.

    ``codes``: the group of each of these rows. A group of fewer than 30 of them has no figure, and the gap is one
    between the others.
    """
    found: dict[str, Ratio] = {}
    for group in stated(grouping, sizes_of(grouping)):
        name, rows = grouping.names[group], np.flatnonzero(codes == group)
        where = Groups(attribute=grouping.attribute, group=name)
        if len(rows) < SMALLEST_GROUP:
            why = f"fewer than {SMALLEST_GROUP} of these inputs are of {name}; a figure of a group needs as many"
            yield _none(f"{metric}-by-group", where, facets, why)
            continue
        ratio = Ratio.of(tops[rows], bottoms[rows], ask.rng("by group", metric, *facets.values(), str(where)))
        if ratio is None:
            why = f"on the inputs of {name} the metric tells no explanation apart"
            yield _none(f"{metric}-by-group", where, facets, why, flat=True)
            continue
        found[name] = ratio
        yield Measure(
            metric=f"{metric}-by-group",
            groups=where,
            facets=facets,
            estimate=from_draws(
                "bootstrap", ratio.value, sorted_draws(ratio.draws, DRAWS), n=ratio.n, unit="score", design=design
            ),
            mode="disclosure",
        )
    yield _gap(metric, Groups(attribute=grouping.attribute, group=ALL), found, facets, design)


def _gap(
    metric: str,
    where: Groups,
    found: Mapping[str, Ratio],
    facets: Mapping[str, str],
    design: str,
) -> Measure:
    if len(found) < 2:
        why = f"{where.attribute} has no two groups with a figure to compare"
        return _none(f"{metric}-gap", where, facets, why)
    value, draws = largest_gap(list(found.values()))
    names = sorted(found, key=lambda name: found[name].value)
    told = f"{design}; from {names[0]} to {names[-1]}, of {len(found)} groups, each resampled by itself"
    return Measure(
        metric=f"{metric}-gap",
        groups=where,
        facets=facets,
        estimate=from_draws(
            "bootstrap", value, draws, n=sum(each.n for each in found.values()), unit="score", design=told
        ),
        mode="disclosure",
    )


def largest_gap(found: Sequence[Ratio]) -> tuple[float, tuple[float, ...]]:
    """The largest difference between two groups, 0 or more, and sorted draws whose percentiles are its interval.

    The largest of several differences is too large on average, and its resampled values are larger still. So the
    interval is the value less and plus the percentile of how far, at most, any of the resampled differences lies from
    its own: the largest true one is no further from the largest seen. Half of the draws stand on either side.

    >>> same = [Ratio(value=value, draws=np.full(DRAWS, value), n=30) for value in (0.5, 0.75, 0.625)]
    >>> value, draws = largest_gap(same)
    >>> value, draws[0], draws[-1]
    (0.25, 0.25, 0.25)
    """
    values = np.array([each.value for each in found])
    off = np.column_stack([each.draws for each in found]) - values
    furthest = off.max(axis=1) - off.min(axis=1)  # the largest |resampled difference - difference| of all pairs
    value = float(np.ptp(values))
    half = DRAWS // 2
    return value, sorted_draws(np.concatenate([np.maximum(value - furthest[:half], 0), value + furthest[half:]]), DRAWS)


def _none(
    metric: str,
    where: Groups,
    facets: Mapping[str, str],
    why: str,
    *,
    flat: bool = False,
) -> Measure:
    """A figure that is not given. That of few persons does not say how many they are, here as in documents."""
    return Measure(
        metric=metric,
        groups=where,
        facets=facets,
        estimate=Estimate.missing(why, unit="score"),
        mode="disclosure",
        verdict=Verdict.NOT_APPLICABLE if flat else Verdict.INCONCLUSIVE,
        sub_reason=SubReason.NO_DYNAMIC_RANGE if flat else SubReason.SMALL_GROUP,
        why=why,
    )
