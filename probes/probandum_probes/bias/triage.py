"""Where a gap between groups comes from: slices of rows searched on one half and confirmed on the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.gaps import numbers_in
from probandum.keywords import Distinct
from probandum.plan_names import Names, Stratifying
from probandum.probe import Ask, Measure, probe
from probandum.subject import Bools, Grouping, Outcomes, Subject
from probandum.units import so_many
from probandum_probes.bias.carried import carriers, features_of
from probandum_probes.bias.counting import SELECTION, decisions, groups_of, once, refuse_no_groups
from probandum_probes.bias.factors import MOST_VALUES, strata_of
from probandum_probes.bias.halving import first_half
from probandum_probes.bias.rates import against_decisions
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import pairs_of, sizes_of
from probandum_probes.bias.slices import CONFIRMED, FEWEST, Factor, Seen, Trial, search
from probandum_probes.bias.triage_controls import no_slices, planted_slice
from probandum_probes.bias.weighted import persons_of
from probandum_probes.estimates import from_interval, point

Rate = Literal["selection-difference", "tpr-difference", "fpr-difference"]
_RATES: tuple[Rate, ...] = ("selection-difference", "tpr-difference", "fpr-difference")
_WHAT = "suites.bias.triage"


@probe(
    "bias.triage",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={
        "slice-excess": "share difference",
        "slice-difference": "share difference",
        "difference-outside": "share difference",
        "slice-p": "p-value",
        "slices-confirmed": "share",
    },
    facets=("gap", "slice"),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=(),
)
class Triage:
    """In which slice of the rows, by one column or two, a gap between groups is wider than in the rest of them.

    A clue for whoever looks into a gap, and never judged. One half of the rows, drawn with the plan's seed, is
    searched: every value of a text, every bin of a number (``bins``), every declared group of another attribute, and
    every two of these together, with 30 rows of both groups inside and outside. Of the ``slices`` in which the gap
    lies furthest beyond the rest, in standard errors and in the direction of the whole gap, all are then looked at
    once in the other half, and every figure is of that half: ``slice-excess`` = gap inside - gap outside, neutral 0
    (Welch); ``slice-difference`` and ``difference-outside``, the two gaps (Newcombe); ``slice-p``, one-sided that the
    excess is 0 or points the other way (shares with one of each added, Agresti and Caffo 2000), adjusted after Holm
    over the slices of two groups. A slice is confirmed where
    that is at most 0.05; the others are shown as not confirmed. ``slices-confirmed`` counts them. What the search
    itself saw stands beside each slice and is too large: it was picked.

    ``gap``: ``selection-difference``, or with labels ``tpr-difference`` (slices of positives) or ``fpr-difference`` (of
    negatives); where decisions run against the labels (``bias.group-rates``) nothing is searched for in the
    last two. ``columns``: which to look at, by default the model's features, else all that are no label, name or
    answer; those that carry the attribute itself are left out, and so are texts with more than 50 values. Without a
    declared reference each two groups are compared once.

    Rows of one person, or of one id where the plan names no persons, stay in one half. Where the plan declares
    ``weight`` or ``cluster`` of its rows, gaps are of the population, every smallest number counts persons, and
    intervals rest on them: linearised, CR2, of the excess and its p-value by as many persons as say as much.

    A slice says where a gap is, not why. Chung et al. 2019 (search for slices); Holm 1979.
    """

    controls = (
        Examined(name="permuted groups", kind="negative", function=no_slices),
        Examined(name="planted slice", kind="positive", function=planted_slice),
    )

    def __init__(
        self,
        *,
        gap: Rate = "selection-difference",
        columns: Annotated[tuple[Annotated[str, Names("column"), Stratifying()], ...], Distinct()] = (),
        bins: int = 4,
        slices: int = 5,
        sample: int | None = None,
    ) -> None:
        refuse_sample("bias.triage", sample)
        if gap not in _RATES:
            raise UsageError(f"{_WHAT}.gap: {gap!r}; expected {', '.join(_RATES)}")
        if bins < 2 or slices < 1:
            raise UsageError(f"{_WHAT}: bins {bins}, slices {slices}; expected at least 2 bins and 1 slice")
        self.gap = gap
        self.columns = columns
        self.bins = bins
        self.slices = slices
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, search one half of them, and look at what was found in the other."""
        ask = sampled_rows(ask, self.sample)
        subject, answer = decisions(ask)
        refuse_no_groups(subject)
        outcomes = subject.outcomes(answer)
        if self.gap != SELECTION.gap and outcomes.positive is None:
            why = "the plan names no label, so nobody can say which decisions were errors"
            yield self._absent(why, None, len(subject))
            return
        against = None if self.gap == SELECTION.gap else against_decisions(subject, outcomes)
        if against is not None:
            yield self._absent(f"no search: {against.why}", None, len(subject), SubReason.AGAINST_LABELS)
            return
        for grouping in subject.groupings.values():
            yield from self._attribute(ask, grouping, outcomes)

    def factors(self, subject: Subject, grouping: Grouping) -> list[Factor]:
        """The columns by which slices are cut, coded."""
        plain = features_of(subject)
        declared = tuple(name for name in subject.groupings if name not in plain)
        names = self.columns or (*plain, *declared)
        own = {grouping.attribute, *carriers(subject, grouping)}
        found = []
        for name in names:
            if name in own or (not self.columns and _too_many(subject, name)):
                continue
            coded = strata_of(subject, (name,), self.bins, what=f"{_WHAT}.columns")
            if len(coded.names) > 1:
                found.append(Factor(name=name, codes=coded.codes, names=coded.names))
        return found

    def trial(self, subject: Subject, outcomes: Outcomes, grouping: Grouping, pair: tuple[int, int]) -> Trial:
        """What is compared of two groups."""
        event, among = outcomes.favourable, np.ones(len(grouping.codes), dtype=bool)
        if self.gap != "selection-difference":
            assert outcomes.positive is not None
            event, among = outcomes.detected, outcomes.positive if self.gap == "tpr-difference" else ~outcomes.positive
        group, reference = (among & (grouping.codes == side) for side in pair)
        return Trial(event=event, group=group, reference=reference, subject=subject)

    def _attribute(self, ask: Ask, grouping: Grouping, outcomes: Outcomes) -> Iterator[Measure]:
        subject, halves = ask.subject, first_half(ask)
        pairs = once(pairs_of(grouping))
        if not pairs:
            only = Groups(attribute=grouping.attribute, group=grouping.names[int(sizes_of(grouping).argmax())])
            yield self._absent(f"{grouping.attribute} has no two groups to compare", only, len(subject))
            return
        factors = self.factors(subject, grouping)
        for pair in pairs:
            trial = self.trial(subject, outcomes, grouping, pair)
            yield from self._compared(factors, trial, groups_of(grouping, *pair), halves)

    def _compared(self, factors: Sequence[Factor], trial: Trial, where: Groups, first: Bools) -> Iterator[Measure]:
        """The slices of two groups."""
        n, who = persons_of(trial.subject, trial.group | trial.reference), "persons" if trial.subject.design else "rows"
        for name, persons in zip((where.group, where.reference), trial.persons(first), strict=True):
            if persons < 2 * FEWEST:
                why = f"{name} has {so_many(persons, who)} in the half that is searched; it takes {2 * FEWEST}"
                yield self._absent(why, where, n, SubReason.SMALL_GROUP)
                return
        towards = trial.towards(first)
        found, looked = search(factors, trial, first, towards=towards, most=self.slices)
        if not found:
            yield self._absent(f"of {looked} slices none is wider apart than the rest", where, n)
            return
        seen = [Seen.of(trial, each.rows, ~first) for each in found]
        adjusted = stats.holm([1.0 if each is None else each.p(towards) for each in seen])
        for rank, (one, each, p) in enumerate(zip(found, seen, adjusted, strict=True), start=1):
            seen_there = f"{one.excess:+.3f}, {one.score:.1f} standard errors"
            told = f"searched in the other half, rank {rank} of {looked}: {seen_there}"
            yield from self._shown(where, one.name, each, p, told)
        kept = sum(p <= CONFIRMED for p in adjusted)
        said = f"{kept} of {len(found)} slices, picked among {looked}"
        yield Measure(
            metric="slices-confirmed",
            groups=where,
            facets={"gap": self.gap},
            estimate=point(kept / len(found), n=n, unit="share", design=said),
            mode="disclosure",
        )

    def _shown(self, where: Groups, name: str, seen: Seen | None, p: float, told: str) -> Iterator[Measure]:
        """One slice, in the half in which it was not searched."""
        facets = {"gap": self.gap, "slice": name}
        if seen is None:
            why = f"not confirmed: fewer than {FEWEST} persons of a group in the half that confirms; {told}"
            missing = Estimate.missing(why, unit="share")
            yield Measure(metric="slice-excess", groups=where, facets=facets, estimate=missing, mode="disclosure")
            return
        verdict = "confirmed" if p <= CONFIRMED else "not confirmed: it may have been picked by chance"
        told = f"{verdict}; {told}" if seen.shares is None else seen.shares.told(f"{verdict}; {told}")
        shown = {
            "slice-excess": from_interval(seen.excess(), n=seen.n, unit="share", design=told),
            "slice-difference": seen.gap("inside", verdict),
            "difference-outside": seen.gap("outside", verdict),
            "slice-p": point(p, n=seen.n, unit="p-value", design=f"{verdict}; Holm over the slices of these groups"),
        }
        for metric, estimate in shown.items():
            yield Measure(metric=metric, groups=where, facets=facets, estimate=estimate, mode="disclosure")

    def _absent(self, why: str, where: Groups | None, n: int, reason: SubReason = SubReason.NO_DATA) -> Measure:
        """Why nothing is said."""
        missing = Estimate.missing(why, n=n, unit="share")
        return Measure(
            metric="slice-excess",
            groups=where,
            facets={"gap": self.gap},
            estimate=missing,
            mode="disclosure",
            verdict=Verdict.NOT_APPLICABLE if reason is SubReason.NO_DATA else Verdict.INCONCLUSIVE,
            sub_reason=reason,
            why=why,
        )


def _too_many(subject: Subject, name: str) -> bool:
    """Whether a column of texts has more values than make slices."""
    if name in subject.groupings or numbers_in(subject.table[name]) is not None:
        return False
    return len(np.unique(subject.table[name])) > MOST_VALUES
