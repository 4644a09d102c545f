"""What thresholds by group, or reweighted rows, would change on rows held out: advice, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import UNKNOWN, Bools, Codes, Grouping, Outcomes, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import (
    FALSE_POSITIVES,
    SELECTION,
    SMALLEST_GROUP,
    TRUE_POSITIVES,
    Rate,
    cell_of,
    count,
    groups_of,
    once,
    pair_of,
)
from probandum_probes.bias.halving import first_half
from probandum_probes.bias.mitigation_controls import nothing_to_close, planted_and_closed
from probandum_probes.bias.remedies import CONSTRAINTS, REWEIGHING, reweighing, stand_in, thresholds
from probandum_probes.bias.removal import only, outcomes_of
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import Scored, pairs_of, scored, sizes_of
from probandum_probes.bias.tallies import unit_of
from probandum_probes.bias.weighted import Shares, persons_of, shift
from probandum_probes.estimates import from_counts

#: What each remedy is meant to bring together.
_MEANT: dict[str, tuple[Rate, ...]] = {
    "thresholds-for-equal-selection": (SELECTION,),
    "thresholds-for-equal-errors": (TRUE_POSITIVES, FALSE_POSITIVES),
    REWEIGHING: (SELECTION,),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Remedy:
    """What was decided on the held-out rows of an attribute, and what a remedy would have decided."""

    method: str
    subject: Subject
    grouping: Grouping
    before: Outcomes
    after: Outcomes
    design: str


@probe(
    "bias.mitigation",
    version=1,
    requirements=(*DECISIONS, "ai-act:art-10:2:g"),
    needs=Capability.PREDICT,
    metrics={
        "selection-difference": "share difference",
        "tpr-difference": "share difference",
        "fpr-difference": "share difference",
        "accuracy-change": "share difference",
    },
    facets=("method", "stage"),
    attributes="plan",
    honours=("weight", "cluster"),
)
class Mitigation:
    """What thresholds by group or reweighted rows would do to a gap and to accuracy on rows held out, as advice only.

    Shown, never judged, and never applied: the audited system stays as it is. Half of the rows, drawn with the plan's
    seed, is fitted on, and every figure is of the other half, ``stage: before`` and ``stage: after``, group minus
    reference (Newcombe). ``accuracy-change``: the share of right decisions after less that before, of the same rows
    (paired; Tango 1998), neutral 0, below 0 where a remedy costs accuracy.

    ``thresholds-for-equal-selection`` (``selection-difference``) and ``thresholds-for-equal-errors``
    (``tpr-difference``, ``fpr-difference``): fairlearn's ``ThresholdOptimizer`` on the system's own scores, with the
    constraint demographic parity or equalized odds and the objective accuracy. It sets a threshold for each group, and
    draws lots in places, so it needs to know the attribute of every person when it decides.
    ``reweighing`` (``selection-difference``): weights P(g) P(y) / P(g, y) in training. The system cannot be trained
    here; before and after are a stand-in, gradient-boosted trees on the same features that find as large a share
    positive as the system does. It needs the attribute in training, and not when it decides.

    Rows of one person, or of one id where the plan names no persons, stay in one half. Where the plan declares
    ``weight`` or ``cluster`` of its rows, every share and every interval is of the population and over persons
    (linearised, CR2), who are what counts. Training takes the weights; fairlearn's thresholds take none, and are
    fitted on rows repeated in proportion to theirs.

    Whether an attribute may be known, stored or used, at decision time or in training, is a question of law that no
    figure here answers. The label may itself be biased: error rates and accuracy then rest on that. Rows that state no
    group are left out. It takes a label and scores; 30 rows of every group in both halves, and positives and negatives
    of every group in the fitted half. Without a declared reference each two groups are compared once.
    ``sample``: ask about so many rows only, drawn with the plan's seed.

    Hardt, Price and Srebro 2016 (thresholds); Kamiran and Calders 2012 (weights).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=nothing_to_close),
        Examined(name="planted gap closed", kind="positive", function=planted_and_closed),
    )

    def __init__(self, *, sample: int | None = None) -> None:
        refuse_sample("bias.mitigation", sample)
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, fit the remedies on one half, and compare on the other."""
        ask = sampled_rows(ask, self.sample)
        found = scored(ask, None)
        if isinstance(found, str):
            yield _absent(found, None, len(ask.subject), SubReason.NO_DATA)
            return
        fit = first_half(ask)
        for name, grouping in found.subject.groupings.items():
            small = too_small(found, grouping, fit)
            if small is not None:
                only_one = Groups(attribute=name, group=grouping.names[int(sizes_of(grouping).argmax())])
                yield _absent(small, only_one, len(found.subject), SubReason.SMALL_GROUP)
                continue
            seed = int(ask.rng("lots", name).integers(2**31))
            for method in CONSTRAINTS:
                yield from _shown(by_thresholds(found, grouping, fit, method, seed=seed))
            weighted = _by_weights(found, grouping, fit, seed=seed)
            if isinstance(weighted, str):
                yield from _without_features(weighted, grouping, len(found.subject))
            else:
                yield from _shown(weighted)


def too_small(found: Scored, grouping: Grouping, fit: Bools) -> str | None:
    """Why no remedy can be fitted to an attribute; None where one can."""
    subject, standing = found.subject, found.subject.weights > 0
    who = "persons" if subject.design else "rows"
    named = [index for index, name in enumerate(grouping.names) if name != UNKNOWN and (grouping.codes == index).any()]
    if len(named) < 2:
        return f"{grouping.attribute} has no two groups to compare"
    for index in named:
        for half, rows in (("fitted", fit), ("held-out", ~fit)):
            size = persons_of(subject, rows & (grouping.codes == index))
            if size < SMALLEST_GROUP:
                return f"{grouping.names[index]} has {size or 'no'} {who} in the {half} half; it takes {SMALLEST_GROUP}"
        labels = found.positive[fit & standing & (grouping.codes == index)]
        if labels.all() or not labels.any():
            return f"all rows of {grouping.names[index]} in the fitted half have the same label"
    return None


def by_thresholds(found: Scored, grouping: Grouping, fit: Bools, method: str, *, seed: int) -> Remedy:
    """Thresholds by group on the system's own scores, on the held-out rows that state their group."""
    known = _known(grouping)
    codes = grouping.codes[known]
    score, positive = found.score[known], found.positive[known]
    weights = found.subject.weights[known] if found.subject.weight is not None else None
    detected = thresholds(
        score, positive, codes, fit[known], constraint=CONSTRAINTS[method], seed=seed, weights=weights
    )
    held = known[~fit[known]]
    outcomes = found.subject.outcomes(found.answer)
    return Remedy(
        method=method,
        subject=only(found.subject, held),
        grouping=replace(grouping, codes=grouping.codes[held]),
        before=outcomes_of(outcomes, held),
        after=_decided(found.subject, detected[~fit[known]], found.positive[held]),
        design=f"advice, not applied; needs {grouping.attribute} of every person at decision time",
    )


def _by_weights(found: Scored, grouping: Grouping, fit: Bools, *, seed: int) -> Remedy | str:
    """A stand-in with weights, beside the same one without, on the held-out rows that state their group."""
    features = features_of(found.subject)
    if not features:
        return "no feature is read, so that no stand-in can be trained"
    known = _known(grouping)
    subject = only(found.subject, known)
    fitted, positive = fit[known], found.positive[known]
    detected = subject.outcomes(replace(found.answer, outputs=found.answer.values[known])).detected[fitted]
    counted = subject.weights[fitted] if subject.design else None
    share, persons = float(np.average(detected, weights=counted)), persons_of(subject, fitted)
    weights = reweighing(positive[fitted], grouping.codes[known][fitted], counted)
    table = subject.table.select(features)
    plain, weighted = (
        stand_in(table, positive, fitted, share=share, seed=seed, weights=each, counted=counted, persons=persons)
        for each in (counted if subject.weight is not None else None, weights)
    )
    held = known[~fitted]
    return Remedy(
        method=REWEIGHING,
        subject=only(found.subject, held),
        grouping=replace(grouping, codes=grouping.codes[held]),
        before=_decided(found.subject, plain[~fitted], found.positive[held]),
        after=_decided(found.subject, weighted[~fitted], found.positive[held]),
        design=f"advice, not applied; of a stand-in for the system; needs {grouping.attribute} in training",
    )


def _known(grouping: Grouping) -> Codes:
    """The rows that state their group."""
    unknown = [index for index, name in enumerate(grouping.names) if name == UNKNOWN]
    return np.flatnonzero(~np.isin(grouping.codes, unknown))


def _decided(subject: Subject, detected: Bools, positive: Bools) -> Outcomes:
    """Outcomes of rows that a remedy found positive or not."""
    decision = subject.decision
    assert decision is not None  # decisions were read by it
    towards = decision.favourable == decision.positive
    return Outcomes(favourable=detected if towards else ~detected, detected=detected, positive=positive)


def _shown(remedy: Remedy) -> Iterator[Measure]:
    """Before and after of every comparison, and what it costs."""
    grouping, subject = remedy.grouping, remedy.subject
    everybody = np.ones(len(subject), dtype=np.bool_)
    for pair in once(pairs_of(grouping)):
        for rate in _MEANT[remedy.method]:
            for stage, outcomes in (("before", remedy.before), ("after", remedy.after)):
                yield Measure(
                    metric=rate.gap,
                    groups=groups_of(grouping, *pair),
                    facets={"method": remedy.method, "stage": stage},
                    estimate=_difference(remedy, rate, outcomes, pair),
                    mode="disclosure",
                )
    right = [each.detected == each.positive for each in (remedy.after, remedy.before)]
    if subject.design:
        cost = shift(right[0].astype(np.int64) - right[1], subject, everybody, remedy.design)
    else:
        better, worse = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
        n = len(subject)
        cost = from_counts("mcnemar-tango", ((better, worse), (n, n)), n=n, design=remedy.design)
    yield Measure(
        metric="accuracy-change",
        groups=Groups(attribute=grouping.attribute, group="all"),
        facets={"method": remedy.method},
        estimate=cost,
        mode="disclosure",
    )


def _difference(remedy: Remedy, rate: Rate, outcomes: Outcomes, pair: tuple[int, int]) -> Estimate:
    """One gap; missing where a group has nobody whom the rate counts."""
    grouping, cells = remedy.grouping, cell_of(outcomes)
    shares = Shares.of(rate.events[cells], remedy.subject, grouping.codes, rate.trials[cells])
    unit = unit_of(rate) if remedy.subject.design else rate.unit
    for index in pair:
        if not shares.sums.size(index):
            return Estimate.missing(f"{grouping.names[index]} has no held-out {unit}", unit="share")
    if remedy.subject.design:
        return shares.difference(pair, remedy.design)
    counts, _ = pair_of(rate, count(grouping, outcomes), *pair)
    return from_counts("newcombe", counts, design=remedy.design)


def _without_features(why: str, grouping: Grouping, n: int) -> Iterator[Measure]:
    """A remedy that cannot be shown."""
    for pair in once(pairs_of(grouping)):
        yield Measure(
            metric=SELECTION.gap,
            groups=groups_of(grouping, *pair),
            facets={"method": REWEIGHING, "stage": "after"},
            estimate=Estimate.missing(why, n=n, unit="share"),
            mode="disclosure",
        )


def _absent(why: str, where: Groups | None, n: int, reason: SubReason) -> Measure:
    """Why there is no advice."""
    return Measure(
        metric="accuracy-change",
        groups=where,
        facets={},
        estimate=Estimate.missing(why, n=n, unit="share"),
        mode="disclosure",
        verdict=Verdict.NOT_APPLICABLE if reason is SubReason.NO_DATA else Verdict.INCONCLUSIVE,
        sub_reason=reason,
        why=why,
    )
