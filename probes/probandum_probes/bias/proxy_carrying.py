"""How much of a gap in scores runs through proxies, and when that may be judged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum import stats
from probandum.evidence import Response
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.subject import Outcomes, Subject
from probandum_probes.bias.predicting import Sampled
from probandum_probes.bias.proxy_places import NONE, Place
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.score_gaps import Explained, Gap
from probandum_probes.bias.scored import RowValues
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import PersonValues, Shares
from probandum_probes.estimates import from_counts, from_draws, from_interval

#: So many rows, or persons, allow a verdict.
SMALLEST = 500
#: Beyond so much of a difference in selection there is something to carry: the usual tolerance, or a fifth of the
#: larger rate where outcomes are rare.
TOLERATED, PART = 0.05, 0.2
_NO_GAP = "the gap in scores is not told from 0, so that nothing is carried"

_Barred = tuple[Verdict, SubReason, str]


def unexplained(subject: Subject, answer: Response, features: tuple[str, ...]) -> str | None:
    """Why no row can be explained; None where they can."""
    if subject.answers:
        return "decisions were recorded, and nobody can ask how changed rows would have been scored"
    if "favourable" in answer.labels or answer.values.ndim == 1:
        return "the system answers decisions alone; explanations need class probabilities of changed rows"
    return None if features else "no feature is read, so there is nothing to explain"


def selection_of(place: Place, outcomes: Outcomes) -> Estimate:
    """The difference in selection, whose value is that of ``bias.group-rates``."""
    if place.subject.design:
        return Shares.of(outcomes.favourable, place.subject, place.grouping.codes).difference(place.pair)
    sides = [outcomes.favourable[place.grouping.codes == side] for side in place.pair]
    return from_counts("newcombe", [(int(side.sum()), len(side)) for side in sides])


def selected_alike(place: Place, outcomes: Outcomes) -> str | None:
    """Why there is no difference in selection that features could carry; None where there may be one.

    By two one-sided 95 % bounds within 0.05, or a fifth of the larger rate.
    """
    selection, shares = (
        selection_of(place, outcomes),
        Shares.of(outcomes.favourable, place.subject, place.grouping.codes),
    )
    assert selection.method is not None
    tolerated = min(TOLERATED, PART * max(shares.value(side) for side in place.pair))
    sure = stats.bounds(selection.method, level=0.9, counts=selection.counts, moments=selection.moments)
    if -tolerated <= sure.low and sure.high <= tolerated:
        return f"selection rates lie within {tolerated:.2g} of each other: there is no disparity that features carry"
    return None


def carrying(
    ask: Ask,
    place: Place,
    outcomes: Outcomes,
    known: Explained,
    inputs: int,
    proxies: tuple[str, ...],
    kept: RowValues | PersonValues,
) -> Iterator[Measure]:
    """The gap in scores, what each feature adds to it, and the part that proxies carry."""
    gap = _gap(place, known, inputs)
    n, whole = gap.n, gap.whole()
    design = design_in_words(place.subject) if place.subject.design else None
    told = "; ".join(filter(None, ("towards the favourable decision", design)))
    estimate = from_interval(whole, n=n, unit="logit", design=told)
    yield Measure(metric="score-gap", groups=place.where, estimate=estimate, mode="disclosure")
    for index, name in enumerate(place.features):
        words = "; ".join(filter(None, (place.kind(name, proxies), design))) or None
        yield Measure(
            metric="feature-contribution",
            groups=place.where,
            facets={"feature": name},
            estimate=from_interval(gap.contribution(index), n=n, unit="logit", design=words),
            mode="disclosure",
        )
    barred = _barred(place, outcomes, whole)
    if whole.low <= 0 <= whole.high:
        verdict, reason, why = barred or (Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE, _NO_GAP)
        yield unsaid("proxy-share", why, place.where, verdict, n=n, reason=reason)
        missing = Estimate.missing(_NO_GAP, n=n, unit="share")
        yield Measure(metric="attribute-share", groups=place.where, estimate=missing, mode="disclosure")
        return
    itself = f"no feature carries {place.grouping.attribute} itself"
    shares = [
        _share(ask, place, gap, metric, names, nobody)
        for metric, names, nobody in (("attribute-share", place.own, itself), ("proxy-share", proxies, NONE))
    ]
    yield Measure(metric="attribute-share", groups=place.where, estimate=shares[0], mode="disclosure")
    yield _judged(place, known, inputs, gap, proxies, shares[1], barred, kept)


def _gap(place: Place, known: Explained, inputs: int) -> Gap:
    """The attributions of both groups."""
    group, reference = (known.of(place.grouping, side, inputs) for side in place.pair)
    rows = np.concatenate([known.places(place.grouping, side, inputs) for side in place.pair])
    return Gap(group=group, reference=reference, sampled=Sampled.of(place.subject, rows))


def _share(ask: Ask, place: Place, gap: Gap, metric: str, names: tuple[str, ...], nobody: str) -> Estimate:
    """The part of the gap that the features ``names`` add."""
    marked, rng = place.marked(names), ask.rng("bootstrap", str(place.where), metric)
    design = f"carried by {', '.join(names)}" if names else nobody
    if place.subject.design:
        design = f"{design}; {design_in_words(place.subject)}"
    return from_draws(
        "bootstrap", gap.share(marked), gap.share_draws(marked, rng), n=gap.n, unit="share", design=design
    )


def _judged(
    place: Place,
    known: Explained,
    inputs: int,
    gap: Gap,
    proxies: tuple[str, ...],
    estimate: Estimate,
    barred: _Barred | None,
    kept: RowValues | PersonValues,
) -> Measure:
    """The part of the gap that proxies carry, with what it takes to compare two audits."""
    verdict, reason, why = barred or (None, None, None)
    influence = np.zeros(len(place.grouping.codes))
    sides = [np.zeros(len(influence), dtype=bool) for _ in place.pair]
    added = gap.influence(place.marked(proxies))
    for rows, side, each in zip(sides, place.pair, added, strict=True):
        places = known.places(place.grouping, side, inputs)
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


def _barred(place: Place, outcomes: Outcomes, gap: stats.Interval) -> _Barred | None:
    """Why a share carried by proxies gets no verdict; None where there is a disparity that they may carry."""
    selection, n = selection_of(place, outcomes), place.n
    assert selection.low is not None and selection.high is not None
    if (alike := selected_alike(place, outcomes)) is not None:
        return Verdict.NOT_APPLICABLE, SubReason.TRIVIAL, alike
    if n < SMALLEST:
        why = f"both groups have {n} {place.who}; a verdict needs {SMALLEST}"
        return Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, why
    if selection.low <= 0 <= selection.high:
        why = "the difference in selection is not told from 0, so that nobody can say whether it has carriers"
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why
    if gap.low <= 0 <= gap.high:
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, _NO_GAP
    if gap.value * (selection.value or 0.0) < 0:
        why = "selection and scores differ in opposite directions, so that a share of the one says nothing of the other"
        return Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE, why
    return None
