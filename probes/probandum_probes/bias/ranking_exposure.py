"""Rankings: how much attention the places of each group get, and how many of a group are on top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Floats, Items
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.plan_names import Names
from probandum.probe import Ask, Measure, probe
from probandum.subject import UNKNOWN, Bools, Grouping, Subject
from probandum.units import so_many
from probandum_probes.bias.counting import SMALLEST_GROUP, groups_of
from probandum_probes.bias.outcomes import alike, numbers_of, pairs_of
from probandum_probes.bias.ranking_controls import no_gap, planted_gap
from probandum_probes.bias.rankings import Ranking, log_ratio, sums_by_list
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.scored import RowValues, sizes_of
from probandum_probes.bias.tallies import Two
from probandum_probes.bias.weighted import refuse_recurring
from probandum_probes.estimates import exactly, from_counts, from_draws, from_interval, from_moments

#: The fewest lists, where there are several, that allow a verdict: as many as of templates.
SMALLEST_LISTS = 20
#: What a limit may judge.
_JUDGED = ("exposure-ratio", "top-share-difference")


@probe(
    "bias.ranking-exposure",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={
        "mean-exposure": "share",
        "exposure-ratio": "ratio",
        "top-share": "share",
        "pool-share": "share",
        "top-share-difference": "share difference",
        "tied-at-the-cut": "share",
    },
    attributes="plan",
    honours=("cluster",),
    judged=("exposure-ratio", "top-share-difference"),
)
class RankingExposure:
    """How much attention a ranking gives to each group, and whether its top has as many of a group as the pool.

    Rows are ranked by the number that is decided on them, the favourable end first, in one list or in those that the
    column ``lists`` names (a search, a vacancy). A rank gets the attention 1 / log2(1 + rank); rows that tie share what
    their ranks get. ``exposure-ratio`` = mean attention of g / of h, neutral 1; without a declared reference every
    ordered pair is compared. ``top-share-difference`` = share of g among the first ``top`` (by default 10) - share of g
    in the pool (everybody who was ranked), from -1 to 1, neutral 0. Ties at the cut are broken by the plan's seed
    (``tied-at-the-cut`` says how many). ``mean-exposure``, ``top-share`` and ``pool-share`` are shown and not judged.

    Of one list the ratio's interval inverts tests of a race for the places that both groups hold, in which one group
    runs with other odds (Plackett and Luce); the top's is exact given the pool: Fisher's noncentral hypergeometric
    distribution, its odds said as the share that they lead to. Of several lists both rest on lists: linearised CR2 on
    the logarithm of the ratio, and Student's t of the lists' differences.

    A verdict needs 30 rows in each group, in several lists 20 lists with both groups, and a list longer than its top.
    A person stands in a place: where the plan declares ``cluster`` each person must be ranked once, and a person who is
    ranked twice, in one list or in two, is an ERROR. ``weight`` is not honoured: a place holds one person, and no
    weight moves anybody up or down.

    Singh and Joachims 2018 (exposure); Jarvelin and Kekalainen 2002 (discount).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_gap),
        Examined(name="group ranked last", kind="positive", function=planted_gap),
    )

    def __init__(self, *, lists: Annotated[str, Names("column")] | None = None, top: int = 10) -> None:
        if top < 1:
            raise DataError(f"suites.bias.ranking-exposure.top: {top}", remedy="expected 1 or more")
        self.lists = lists
        self.top = top

    def groupings(self, subject: Subject) -> list[Grouping]:
        """The attributes whose groups are compared: those that the plan declares."""
        return list(subject.groupings.values())

    def ranking(self, ask: Ask) -> Ranking | str:
        """The rows as the system ranks them, or why it does not; DataError where a person is ranked twice."""
        refuse_recurring(
            ask.subject,
            what="a ranking places each person once, and lists that share persons are no independent observations",
            remedy="audit rows in which each person is ranked once, such as one list, or every person's first",
        )
        numbers = numbers_of(ask, None, 0.5)
        return numbers if isinstance(numbers, str) else Ranking.of(numbers, self.lists, self.top, ask.rng("ties"))

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all numbers at once, rank, and compare."""
        ranking = self.ranking(ask)
        if isinstance(ranking, str):
            for metric in _JUDGED:
                yield _unsaid(metric, ranking, None, Verdict.NOT_APPLICABLE, SubReason.NO_DATA, n=0)
            return
        n = len(ranking.lists)
        if alike(ranking.score):
            why, nobody = "everybody who was ranked ties", Verdict.NOT_APPLICABLE
            for metric in _JUDGED:
                yield _unsaid(metric, why, None, nobody, SubReason.TRIVIAL, n=n)
            return
        tied = exactly(
            ranking.tied_at_the_cut / n, n=n, unit="share", design="of all rows; a seeded draw broke these ties"
        )
        yield Measure(metric="tied-at-the-cut", estimate=tied, mode="disclosure")
        for grouping in self.groupings(ranking.numbers.subject):
            for group in range(len(grouping.names)):
                yield from _Group(ranking, grouping, group).measures()
            pairs = pairs_of(ranking.numbers, grouping)
            if not pairs:
                only = Groups(attribute=grouping.attribute, group=grouping.names[0])
                why = f"{grouping.attribute} has no two groups to compare"
                yield _unsaid("exposure-ratio", why, only, Verdict.INCONCLUSIVE, SubReason.NO_DATA, n=n)
            for pair in pairs:
                yield _ratio(ranking, grouping, pair, ask)


class _Group:
    """One group: what attention it gets, and its shares of the top and of the pool."""

    def __init__(self, ranking: Ranking, grouping: Grouping, group: int) -> None:
        self._ranking, self._grouping, self._group = ranking, grouping, group
        self._where = Groups(attribute=grouping.attribute, group=grouping.names[group])
        self._size = int(sizes_of(grouping)[group])

    def measures(self) -> Iterator[Measure]:
        """Shown, but for the difference of the two shares."""
        ranking, inside, where = self._ranking, self._grouping.codes == self._group, self._where
        if self._size == 0:
            return
        mean = float(ranking.exposure[inside].mean())
        told = exactly(mean, n=self._size, unit="share", design="mean attention in this ranking; the first place has 1")
        yield Measure(metric="mean-exposure", groups=where, estimate=told, mode="disclosure")
        pool = exactly(float(inside.mean()), n=self._size, unit="share", design="of everybody who was ranked")
        yield Measure(metric="pool-share", groups=where, estimate=pool, mode="disclosure")
        on_top, top, members = (part.astype(np.float64) for part in ranking.counts(self._grouping, self._group))
        if len(ranking.names) == 1:
            counts = ((int(on_top[0]), int(top[0])),)
            shown = replace(from_counts("wilson", counts), n=self._size, n_effective=None)
        else:
            shown = self._over_lists(on_top / top)
        yield Measure(metric="top-share", groups=where, estimate=shown, mode="disclosure")
        if UNKNOWN in self._where.group.split("*"):
            return
        yield self._difference(on_top, top, members)

    def _over_lists(self, values: Floats) -> Estimate:
        design = "cluster=list"
        return from_interval(stats.mean_interval(values), n=self._size, unit="share", design=design)

    def _difference(self, on_top: Floats, top: Floats, members: Floats) -> Measure:
        """The share of the top less that of the pool, with what each row, or each list, adds to it."""
        ranking = self._ranking
        among = float((members / ranking.sizes).mean())
        shares = (float((on_top / top).mean()), among, among)
        several = len(ranking.names) > 1
        longer = ranking.sizes > top
        barred = _barred(self._grouping, (self._group,), ranking)
        if not longer.all():
            barred = f"a list has no more than the {ranking.top} rows of its top; name a smaller top"
        alone = members[0] == len(ranking.lists)
        if not several and (alone or not longer.all()):
            why = f"everybody who was ranked is {self._where.group}" if alone else str(barred)
            return _unsaid(
                "top-share-difference", why, self._where, Verdict.INCONCLUSIVE, SubReason.NO_DATA, n=self._size
            )
        if several:
            differences = on_top / top - members / ranking.sizes
            estimate = replace(self._over_lists(differences), rates=shares)
            items: Items | None = _lists(ranking, differences)
        else:
            counts = ((int(on_top[0]), int(top[0])), (int(members[0]), int(ranking.sizes[0])))
            estimate = from_counts("hypergeometric", counts, n=self._size)
            estimate = replace(estimate, n_effective=None, rates=shares)
            inside = (self._grouping.codes == self._group).astype(np.float64)
            added = inside * ranking.on_top * len(inside) / top[0] - inside
            everybody = np.ones(len(inside), dtype=np.bool_)
            items = _rows(ranking, added / len(inside), everybody, float(added.mean()), unit="share")
        return _said("top-share-difference", self._where, estimate, barred, items)


def _ratio(ranking: Ranking, grouping: Grouping, pair: Two, ask: Ask) -> Measure:
    """The mean attention of a group over that of its reference."""
    where = groups_of(grouping, *pair)
    sizes = sizes_of(grouping)[list(pair)]
    barred = _barred(grouping, pair, ranking)
    n = int(sizes.sum())
    if min(sizes) < 2:
        return _unsaid("exposure-ratio", str(barred), where, Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, n=n)
    sides = [grouping.codes == group for group in pair]
    means = [float(ranking.exposure[side].mean()) for side in sides]
    ratio = means[0] / means[1]
    added = np.zeros(len(ranking.lists))
    for side, mean, sign, size in zip(sides, means, (1.0, -1.0), sizes.tolist(), strict=True):
        added[side] = sign * ratio * (ranking.exposure[side] / mean - 1) / size
    if len(ranking.names) == 1:
        both = sides[0] | sides[1]
        rng = ask.rng("races", str(where))
        draws = stats.exposure_ratio_draws(ranking.exposure[both], sides[0][both], rng=rng)
        estimate = from_draws(
            "inverted", ratio, draws, n=n, unit="ratio", design="a race for the places that both hold"
        )
        return _said("exposure-ratio", where, estimate, barred, _rows(ranking, added, both, ratio, unit="ratio"))
    sums = sums_by_list(ranking, grouping)
    if min(sums.size(group) for group in pair) < 2:
        why = str(barred)
        return _unsaid("exposure-ratio", why, where, Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, n=n)
    found = log_ratio(sums, pair)
    moments = (found.mean, found.standard_error, found.df)
    estimate = from_moments("log-t", moments, n=n, unit="ratio", design="cluster=list")
    by_list = np.asarray(np.bincount(ranking.lists, weights=added, minlength=len(ranking.names)), dtype=np.float64)
    return _said("exposure-ratio", where, estimate, barred, _lists(ranking, ratio + len(by_list) * by_list))


def _barred(grouping: Grouping, groups: tuple[int, ...], ranking: Ranking) -> str | None:
    """Why these groups allow no verdict; None where they do."""
    for group in groups:
        inside = grouping.codes == group
        size = int(inside.sum())
        if size < SMALLEST_GROUP:
            return f"{grouping.names[group]} has {so_many(size, 'rows')}; a verdict needs {SMALLEST_GROUP}"
        lists = len(np.unique(ranking.lists[inside]))
        if len(ranking.names) > 1 and lists < SMALLEST_LISTS:
            return f"{grouping.names[group]} is in {lists} lists; a verdict over several needs {SMALLEST_LISTS}"
    return None


def _said(metric: str, where: Groups, estimate: Estimate, barred: str | None, items: Items | None) -> Measure:
    verdict = None if barred is None else Verdict.INCONCLUSIVE
    reason = None if barred is None else SubReason.SMALL_GROUP
    return Measure(
        metric=metric, groups=where, estimate=estimate, verdict=verdict, sub_reason=reason, why=barred, items=items
    )


def _lists(ranking: Ranking, values: Floats) -> Items:
    """An item a list, whose mean the quantity is."""
    strata = ("list",) * len(ranking.names)
    return Items(keys=ranking.names, strata=strata, values=tuple(values.tolist()), unit="list")


def _rows(ranking: Ranking, added: Floats, picked: Bools, value: float, *, unit: str) -> Items | None:
    """An item a row, from what it adds to the quantity about its mean; None where there are too many."""
    nobody = np.zeros(len(picked), dtype=np.bool_)
    about = added - added[picked].mean()
    return RowValues(ranking.numbers.subject, int(picked.sum())).items(value, about, picked, nobody, unit=unit)


def _unsaid(metric: str, why: str, where: Groups | None, verdict: Verdict, reason: SubReason, *, n: int) -> Measure:
    """A comparison that does not exist, with its reason."""
    unit = "ratio" if metric == "exposure-ratio" else "share"
    missing = Estimate.missing(why, n=n, unit=unit)
    return Measure(metric=metric, groups=where, estimate=missing, verdict=verdict, sub_reason=reason, why=why)
