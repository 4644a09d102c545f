"""Features that stand in for an attribute: whether they tell it, and how much of the score gap runs through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability, Response
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.stats import Area
from probandum.subject import Bools, Codes, Grouping, Outcomes, Subject
from probandum_probes.bias.carried import carriers
from probandum_probes.bias.counting import SMALLEST_GROUP, decisions, groups_of, refuse_no_groups
from probandum_probes.bias.predicting import MOST_ROWS, alone, folds, together
from probandum_probes.bias.proxy_associations import PERMUTATIONS, Association, association
from probandum_probes.bias.proxy_controls import proxy_only, shuffled_attribute
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.removal import Removal, Removed, outcomes_of, without
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.score_gaps import Explained, Gap, explained
from probandum_probes.bias.scored import RowValues, pairs_of, sizes_of
from probandum_probes.estimates import exactly, from_counts, from_draws, from_interval

#: From this AUC on a feature is called a proxy, and so many rows allow a verdict.
PROXY = 0.6
SMALLEST = 500
#: Beyond so much of a difference in selection there is something to carry: the usual tolerance, or a fifth of the
#: larger rate where outcomes are rare.
TOLERATED, PART = 0.05, 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """How well features tell two groups apart: all together, and each alone with its adjusted p-value."""

    together: Area
    alone: Mapping[str, Area]
    associations: Mapping[str, tuple[Association, float]]

    @property
    def proxies(self) -> tuple[str, ...]:
        """The features that alone tell a member of one group from one of the other in six pairs of ten."""
        return tuple(name for name, area in self.alone.items() if area.value >= PROXY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pair:
    """Two groups that are compared: their rows in order, and which features carry the attribute itself."""

    grouping: Grouping
    pair: tuple[int, int]
    features: tuple[str, ...]
    own: tuple[str, ...]

    @property
    def where(self) -> Groups:
        return groups_of(self.grouping, *self.pair)

    @property
    def rows(self) -> Codes:
        return np.flatnonzero(np.isin(self.grouping.codes, self.pair))

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(name for name in self.features if name not in self.own)

    def marked(self, names: tuple[str, ...]) -> Bools:
        return np.isin(np.array(self.features), np.array(names, dtype=np.str_))


@probe(
    "bias.proxies",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={
        "attribute-auc": "share",
        "feature-auc": "share",
        "cramers-v": "correlation",
        "distance-correlation": "correlation",
        "association-p": "p-value",
        "selection-difference": "share difference",
        "score-gap": "logit difference",
        "feature-contribution": "logit difference",
        "attribute-share": "share",
        "proxy-share": "share",
        "selection-difference-removed": "share difference",
        "accuracy-removed": "share difference",
    },
    facets=("feature",),
    attributes="plan",
)
class Proxies:
    """Whether features tell an attribute that they do not name, and how much of the gap in scores runs through them.

    (a) Shown, and never a FAIL, since lawful features tell much about people. ``attribute-auc``: how well gradient-
    boosted trees on all features but those that carry the attribute itself tell a group g from its reference h,
    in five held-out folds (mean of their AUCs, DeLong), neutral 0.5; ``feature-auc``: the same of one feature, by the
    group's share in the other folds among rows with its value, or in its bin (20 of a number). ``cramers-v`` of texts,
    ``distance-correlation`` of numbers (500 rows), both from 0 to 1, neutral 0 and biased upwards in small samples
    (bootstrap about the value); ``association-p``: the p-value of 999 permutations of it, adjusted over the features
    after Benjamini and Hochberg.

    (b) ``score-gap``: mean log-odds of the favourable decision in g less those in h, over ``inputs`` explained rows of
    each group; ``feature-contribution``: what a feature adds to it, the difference of its mean interventional Shapley
    values over 30 rows; these add up to the gap. ``proxy-share`` = the part of the gap that features with an AUC of
    0.6 and more add, ``attribute-share`` the part of those that carry the attribute itself (bootstrap over rows);
    below 0 or above 1 where others pull the other way. ``proxy-share`` alone may be judged, and only where selection
    rates differ: not where they lie within 0.05 of each other (or a fifth of the larger rate), nor where their
    difference or the gap is not told from 0, or the two point in opposite directions, nor under 500 rows, or 30 in
    either group.

    (c) Shown: ``selection-difference-removed`` and ``accuracy-removed``: what the selection difference g - h, beside
    it as ``selection-difference``, and the share of right decisions gain once all proxies are dealt out anew among the
    rows together (``removal: permuted``), or typical in all of them (``typical``); paired.

    What carries the attribute itself bears its name, has one value in each group, or is a number whose ranges in the
    groups do not overlap. Without a declared reference each two groups are compared once. Recorded decisions allow (a)
    alone. ``sample``: ask about so many rows only, drawn with the plan's seed. Of more than 20,000 rows of two groups
    so many tell the AUCs.

    Definitions: DeLong, DeLong and Clarke-Pearson 1988; Cramer 1946; Szekely, Rizzo and Bakirov 2007; Lundberg and Lee
    2017.
    """

    controls = (
        Examined(name="shuffled attribute", kind="negative", function=shuffled_attribute),
        Examined(name="decisions by a proxy alone", kind="positive", function=proxy_only),
    )

    def __init__(self, *, inputs: int = 100, removal: Removal = "permuted", sample: int | None = None) -> None:
        refuse_sample("bias.proxies", sample)
        if inputs < 2:
            raise UsageError(f"suites.bias.proxies.inputs: {inputs}; expected at least 2")
        if removal not in ("permuted", "typical"):
            raise UsageError(f"suites.bias.proxies.removal: {removal!r}; expected permuted or typical")
        self.inputs = inputs
        self.removal = removal
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions, then about the rows to be explained, then about rows without their proxies."""
        ask = sampled_rows(ask, self.sample)
        subject, answer = decisions(ask)
        refuse_no_groups(subject)
        features = features_of(subject)
        outcomes = subject.outcomes(answer)
        why_not = _unexplained(subject, answer, features)
        known = explained(ask, answer, features, self.inputs) if why_not is None else why_not
        compared = {name: once(pairs_of(grouping)) for name, grouping in subject.groupings.items()}
        kept = RowValues(subject, 2 * self.inputs * sum(map(len, compared.values())))
        for name, grouping in subject.groupings.items():
            own = carriers(replace(subject, features=features), grouping) if features else ()
            if not compared[name]:
                only = Groups(attribute=name, group=grouping.names[int(sizes_of(grouping).argmax())])
                why = f"{name} has no two groups to compare"
                yield unsaid("proxy-share", why, only, Verdict.INCONCLUSIVE, n=len(subject))
            for pair in compared[name]:
                place = _Pair(grouping=grouping, pair=pair, features=features, own=own)
                yield from self._compared(ask, place, outcomes, known, kept)

    def told(
        self, subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask
    ) -> Told:
        """Part (a) of two groups: how well the features ``names`` tell them apart."""
        where = str(groups_of(grouping, *pair))
        rows = np.flatnonzero(np.isin(grouping.codes, pair))
        rows = np.sort(ask.rng("rows", where).permutation(rows)[:MOST_ROWS])
        table, member = subject.table.select(names).take(rows), grouping.codes[rows] == pair[0]
        fold = folds(member, ask.rng("folds", where))
        seed = int(ask.rng("trees", where).integers(2**31))
        found = {name: association(table[name], member, ask.rng("association", where, name)) for name in names}
        adjusted = stats.benjamini_hochberg([each.p for each in found.values()])
        return Told(
            together=together(table, member, fold, seed=seed),
            alone={name: alone(table[name], member, fold) for name in names},
            associations={name: (each, q) for (name, each), q in zip(found.items(), adjusted, strict=True)},
        )

    def _compared(
        self, ask: Ask, place: _Pair, outcomes: Outcomes, known: Explained | str, kept: RowValues
    ) -> Iterator[Measure]:
        """All three parts of one comparison."""
        sizes = sizes_of(place.grouping)[list(place.pair)]
        n = int(sizes.sum())
        if sizes.min() < SMALLEST_GROUP:
            small = int(place.pair[int(sizes.argmin())])
            why = f"{place.grouping.names[small]} has {sizes.min() or 'no'} rows; a verdict needs {SMALLEST_GROUP}"
            reason = SubReason.SMALL_GROUP
            yield unsaid("proxy-share", why, place.where, Verdict.INCONCLUSIVE, n=n, reason=reason)
            return
        proxies: tuple[str, ...] = ()
        if place.others:
            told = self.told(ask.subject, place.grouping, place.pair, place.others, ask)
            proxies = told.proxies
            yield from _associated(place, told)
        else:
            what = "are read" if not place.features else f"but {', '.join(place.own)}, which carries it itself"
            missing = Estimate.missing(f"no features {what}", n=n, unit="share")
            yield Measure(metric="attribute-auc", groups=place.where, estimate=missing, mode="disclosure")
        selection = _selection(place, outcomes)
        yield Measure(metric="selection-difference", groups=place.where, estimate=selection, mode="disclosure")
        if isinstance(known, str):
            reason = SubReason.NO_CAPABILITY
            yield unsaid("proxy-share", known, place.where, Verdict.NOT_APPLICABLE, n=n, reason=reason)
        else:
            yield from self._carried(ask, place, known, proxies, selection, kept)
        yield from self._removed(ask, place, outcomes, proxies)

    def _carried(
        self,
        ask: Ask,
        place: _Pair,
        known: Explained,
        proxies: tuple[str, ...],
        selection: Estimate,
        kept: RowValues,
    ) -> Iterator[Measure]:
        """Part (b): the gap in scores, what each feature adds to it, and the part that proxies carry."""
        group, reference = (known.of(place.grouping, side, self.inputs) for side in place.pair)
        gap, n = Gap(group=group, reference=reference), len(group) + len(reference)
        whole = gap.whole()
        estimate = from_interval(whole, n=n, unit="logit", design="towards the favourable decision")
        yield Measure(metric="score-gap", groups=place.where, estimate=estimate, mode="disclosure")
        for index, name in enumerate(place.features):
            yield Measure(
                metric="feature-contribution",
                groups=place.where,
                facets={"feature": name},
                estimate=from_interval(gap.contribution(index), n=n, unit="logit", design=_kind(name, place, proxies)),
                mode="disclosure",
            )
        barred = _barred(place, selection, whole)
        if whole.low <= 0 <= whole.high:
            verdict, reason, why = barred or (Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE, _NO_GAP)
            yield unsaid("proxy-share", why, place.where, verdict, n=n, reason=reason)
            missing = Estimate.missing(_NO_GAP, n=n, unit="share")
            yield Measure(metric="attribute-share", groups=place.where, estimate=missing, mode="disclosure")
            return
        shares = {"attribute-share": place.own, "proxy-share": proxies}
        found = {}
        for metric, names in shares.items():
            marked, rng = place.marked(names), ask.rng("bootstrap", str(place.where), metric)
            design = f"carried by {', '.join(names)}" if names else f"no feature has an AUC of {PROXY:g} and more"
            if metric == "attribute-share" and not names:
                design = f"no feature carries {place.grouping.attribute} itself"
            draws = gap.share_draws(marked, rng)
            found[metric] = from_draws("bootstrap", gap.share(marked), draws, n=n, unit="share", design=design)
        yield Measure(
            metric="attribute-share", groups=place.where, estimate=found["attribute-share"], mode="disclosure"
        )
        yield self._judged(place, known, gap, proxies, found["proxy-share"], barred, kept)

    def _judged(
        self,
        place: _Pair,
        known: Explained,
        gap: Gap,
        proxies: tuple[str, ...],
        estimate: Estimate,
        barred: tuple[Verdict, SubReason, str] | None,
        kept: RowValues,
    ) -> Measure:
        """The part of the gap that proxies carry, with what it takes to compare two audits."""
        verdict, reason, why = barred or (None, None, None)
        influence = np.zeros(len(place.grouping.codes))
        sides = [np.zeros(len(influence), dtype=bool) for _ in place.pair]
        added = gap.influence(place.marked(proxies))
        for rows, side, each in zip(sides, place.pair, added, strict=True):
            places = known.places(place.grouping, side, self.inputs)
            rows[places], influence[places] = True, each
        assert estimate.value is not None
        return Measure(
            metric="proxy-share",
            groups=place.where,
            estimate=estimate,
            verdict=verdict,
            sub_reason=reason,
            why=why,
            items=kept.items(estimate.value, influence, *sides, unit="share"),
        )

    def _removed(self, ask: Ask, place: _Pair, outcomes: Outcomes, proxies: tuple[str, ...]) -> Iterator[Measure]:
        """Part (c): the same rows without their proxies."""
        n, why = len(place.rows), None
        if ask.subject.answers:
            why = "decisions were recorded, and nobody can ask how changed rows would have been decided"
        elif not proxies:
            why = f"no feature has an AUC of {PROXY:g} and more"
        unlabelled = "the plan names no label, so nobody can say which decisions were right"
        removed: Removed | None = None
        if why is None:
            rng = ask.rng("removal", str(place.where))
            after = without(ask, proxies, place.rows, self.removal, rng)
            inside = place.grouping.codes[place.rows] == place.pair[0]
            removed = Removed(before=outcomes_of(outcomes, place.rows), after=after, group=inside)
        for metric in ("selection-difference-removed", "accuracy-removed"):
            if removed is None or (metric == "accuracy-removed" and outcomes.positive is None):
                estimate = Estimate.missing(why or unlabelled, n=n, unit="share")
            else:
                estimate = removed.selection() if metric != "accuracy-removed" else removed.accuracy()
                estimate = replace(estimate, design=f"{', '.join(proxies)} {self.removal} together")
            yield Measure(metric=metric, groups=place.where, estimate=estimate, mode="disclosure")


_NO_GAP = "the gap in scores is not told from 0, so that nothing is carried"


def features_of(subject: Subject) -> tuple[str, ...]:
    """What may tell an attribute: the model's features, else every column but labels, names and answers."""
    apart = {subject.label, subject.row_id, *subject.answers}
    return subject.features or tuple(name for name in subject.table if name not in apart)


def once(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each two groups once: what is said of one order is said of the other.

    >>> once([(0, 1), (1, 0), (1, 2)])
    [(0, 1), (1, 2)]
    """
    return [pair for place, pair in enumerate(pairs) if pair[::-1] not in pairs[:place]]


def _unexplained(subject: Subject, answer: Response, features: tuple[str, ...]) -> str | None:
    """Why no row can be explained; None where they can."""
    if subject.answers:
        return "decisions were recorded, and nobody can ask how changed rows would have been scored"
    if "favourable" in answer.labels or answer.values.ndim == 1:
        return "the system answers decisions alone; explanations need class probabilities of changed rows"
    return None if features else "no feature is read, so there is nothing to explain"


def _associated(place: _Pair, told: Told) -> Iterator[Measure]:
    """Part (a) as measures."""
    n = len(place.rows)
    aside = f"without {', '.join(place.own)}, which carries the attribute itself" if place.own else None
    area = told.together
    estimate = from_interval(area.interval(), n=len(area.above), unit="share", design=aside)
    yield Measure(metric="attribute-auc", groups=place.where, estimate=estimate, mode="disclosure")
    for name, one in told.alone.items():
        found, adjusted = told.associations[name]
        facets = {"feature": name}
        said = f"{PERMUTATIONS} permutations, p = {found.p:.3g} before adjustment over {len(told.alone)} features"
        for metric, each in (
            ("feature-auc", from_interval(one.interval(), n=len(one.above), unit="share")),
            (found.metric, from_draws("bootstrap", found.value, found.draws, n=found.n, unit="correlation")),
            ("association-p", exactly(adjusted, n=min(n, found.n), unit="p-value", design=said)),
        ):
            yield Measure(metric=metric, groups=place.where, facets=facets, estimate=each, mode="disclosure")


def _selection(place: _Pair, outcomes: Outcomes) -> Estimate:
    """The difference in selection, as ``bias.group-rates`` has it."""
    sides = [outcomes.favourable[place.grouping.codes == side] for side in place.pair]
    return from_counts("newcombe", [(int(side.sum()), len(side)) for side in sides])


def _barred(place: _Pair, selection: Estimate, gap: stats.Interval) -> tuple[Verdict, SubReason, str] | None:
    """Why a share carried by proxies gets no verdict; None where there is a disparity that they may carry."""
    assert selection.counts is not None and selection.low is not None and selection.high is not None
    n, larger = len(place.rows), max(x / trials for x, trials in selection.counts)
    tolerated = min(TOLERATED, PART * larger)
    sure = stats.bounds("newcombe", level=0.9, counts=selection.counts)
    if -tolerated <= sure.low and sure.high <= tolerated:
        why = f"selection rates lie within {tolerated:.2g} of each other: there is no disparity that features carry"
        return Verdict.NOT_APPLICABLE, SubReason.TRIVIAL, why
    if n < SMALLEST:
        return Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, f"both groups have {n} rows; a verdict needs {SMALLEST}"
    if selection.low <= 0 <= selection.high:
        why = "the difference in selection is not told from 0, so that nobody can say whether it has carriers"
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why
    if gap.low <= 0 <= gap.high:
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, _NO_GAP
    if gap.value * (selection.value or 0.0) < 0:
        why = "selection and scores differ in opposite directions, so that a share of the one says nothing of the other"
        return Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE, why
    return None


def _kind(name: str, place: _Pair, proxies: tuple[str, ...]) -> str | None:
    """What a feature is to the attribute."""
    if name in place.own:
        return f"carries {place.grouping.attribute} itself"
    return f"a proxy: alone it has an AUC of {PROXY:g} and more" if name in proxies else None
