"""What thresholds by group, or reweighted rows, would change on rows held out: advice, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import UNKNOWN, Bools, Codes, Grouping, Outcomes, Subject
from probandum_probes.bias.advised import advised_pairs, left_out
from probandum_probes.bias.areas import overall_area
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import (
    SELECTION,
    groups_of,
    once,
)
from probandum_probes.bias.halving import first_half
from probandum_probes.bias.mitigation_controls import nothing_to_close, planted_and_closed
from probandum_probes.bias.remedied import Remedy, shown
from probandum_probes.bias.remedies import CONSTRAINTS, REWEIGHING, reweighing, stand_in, thresholds
from probandum_probes.bias.removal import only, outcomes_of
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import Scored, pairs_of, scored, sizes_of
from probandum_probes.bias.weighted import persons_of


@probe(
    "bias.mitigation",
    version=1,
    requirements=(*DECISIONS, "ai-act:art-10:2:g"),
    needs=Capability.PREDICT,
    metrics={
        "selection-difference": "share difference",
        "tpr-difference": "share difference",
        "fpr-difference": "share difference",
        "selection-rate": "share",
        "accuracy-change": "share difference",
    },
    facets=("method", "stage"),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=(),
)
class Mitigation:
    """What thresholds by group or reweighted rows would do to a gap and to accuracy on rows held out, as advice only.

    Shown, never judged, and never applied: the audited system stays as it is. Half of the rows, drawn with the plan's
    seed, is fitted on, and every figure is of the other half, ``stage: before`` and ``stage: after``, group minus
    reference (Newcombe). ``selection-rate``: the level of each group before and after (Wilson), since a remedy that
    grants everybody, or nobody, closes every gap; one that does to 99 % says so. ``accuracy-change``: the share of
    right decisions after less that before, of the same rows (paired; Tango 1998), neutral 0, below 0 where a remedy
    costs accuracy.

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
    group are left out. It takes a label and scores, and no advice is fitted to scores that run against the labels. A
    group with fewer than 30 rows in a half, or with one label alone in the fitted half, is left out by name, and the
    others are advised. Without a declared reference each two groups are compared once.
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
        overall = overall_area(found.subject, found.score, found.positive)
        if overall is not None and overall.verdict is Verdict.ERROR:
            yield _absent(f"no advice: {overall.why}", None, len(ask.subject), SubReason.AGAINST_LABELS)
            return
        fit = first_half(ask)
        for grouping in found.subject.groupings.values():
            yield from self._attribute(ask, found, grouping, fit)

    def _attribute(self, ask: Ask, found: Scored, grouping: Grouping, fit: Bools) -> Iterator[Measure]:
        """Every remedy for one attribute, and whom none can be fitted to."""
        name, n = grouping.attribute, len(found.subject)
        sizes = sizes_of(grouping)
        if sum(size > 0 and group != UNKNOWN for group, size in zip(grouping.names, sizes, strict=True)) < 2:
            only_one = Groups(attribute=name, group=grouping.names[int(sizes.argmax())])
            yield _absent(f"{name} has no two groups to compare", only_one, n, SubReason.SMALL_GROUP)
            return
        out = left_out(found, grouping, fit)
        for pair in once(pairs_of(grouping)):
            if (why := next((out[index] for index in pair if index in out), None)) is not None:
                yield _absent(why, groups_of(grouping, *pair), n, SubReason.SMALL_GROUP)
        if not advised_pairs(grouping, out):
            return
        seed = int(ask.rng("lots", name).integers(2**31))
        for method in CONSTRAINTS:
            yield from shown(by_thresholds(found, grouping, fit, method, seed=seed, out=out))
        weighted = _by_weights(found, grouping, fit, seed=seed, out=out)
        if isinstance(weighted, str):
            yield from _without_features(weighted, grouping, n, out)
        else:
            yield from shown(weighted)


def by_thresholds(
    found: Scored, grouping: Grouping, fit: Bools, method: str, *, seed: int, out: Mapping[int, str]
) -> Remedy:
    """Thresholds by group on the system's own scores, on the held-out rows of groups that are not left out."""
    known = _known(grouping, out)
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
        pairs=advised_pairs(grouping, out),
        design=f"advice, not applied; needs {grouping.attribute} of every person at decision time"
        + _without(grouping, out),
    )


def _by_weights(found: Scored, grouping: Grouping, fit: Bools, *, seed: int, out: Mapping[int, str]) -> Remedy | str:
    """A stand-in with weights, beside the same one without, on the held-out rows of groups that are not left out."""
    features = features_of(found.subject)
    if not features:
        return "no feature is read, so that no stand-in can be trained"
    known = _known(grouping, out)
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
        pairs=advised_pairs(grouping, out),
        design=f"advice, not applied; of a stand-in for the system; needs {grouping.attribute} in training"
        + _without(grouping, out),
    )


def _known(grouping: Grouping, out: Mapping[int, str]) -> Codes:
    """The rows that state their group, one that is not left out."""
    unknown = [index for index, name in enumerate(grouping.names) if name == UNKNOWN or index in out]
    return np.flatnonzero(~np.isin(grouping.codes, unknown))


def _without(grouping: Grouping, out: Mapping[int, str]) -> str:
    """Which groups with rows a remedy leaves out, in words."""
    sizes = sizes_of(grouping)
    names = [grouping.names[index] for index in out if sizes[index]]
    return f"; leaves out {', '.join(names)}" if names else ""


def _decided(subject: Subject, detected: Bools, positive: Bools) -> Outcomes:
    """Outcomes of rows that a remedy found positive or not."""
    decision = subject.decision
    assert decision is not None  # decisions were read by it
    towards = decision.favourable == decision.positive
    return Outcomes(favourable=detected if towards else ~detected, detected=detected, positive=positive)


def _without_features(why: str, grouping: Grouping, n: int, out: Mapping[int, str]) -> Iterator[Measure]:
    """A remedy that cannot be shown."""
    for pair in advised_pairs(grouping, out):
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
