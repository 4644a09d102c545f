"""Decisions that change when an attribute is changed, and nothing else of the row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from probandum import stats
from probandum.controls import ChangedSubject, Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import Bools, Codes, Grouping, Outcomes, Subject
from probandum.units import so_many
from probandum_probes.bias.carried import Carriers, all_as, named_carriers
from probandum_probes.bias.counting import (
    SMALLEST_EXPECTED,
    SMALLEST_GROUP,
    decisions,
    groups_of,
    refuse_no_groups,
)
from probandum_probes.bias.flip_controls import blind, planted_flips
from probandum_probes.bias.rates import unsaid_all
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import RowValues, pairs_of, rows_compared
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import PersonValues, Shares, persons_of, shift, values_of
from probandum_probes.estimates import from_counts, from_interval

FLIPS = "attribute-flip-rate"
SHIFT = "attribute-shift"
LOGITS = "attribute-logit-shift"
#: What a limit may judge.
_JUDGED = (FLIPS, SHIFT)
_COLUMNS = "suites.bias.attribute-flip.columns"


class _Sides(NamedTuple):
    """The rows of two groups with the decision and the score that each gets as a member of either."""

    rows: Bools
    group: Outcomes
    reference: Outcomes


@probe(
    "bias.attribute-flip",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={FLIPS: "share", SHIFT: "share difference", LOGITS: "logit difference"},
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("attribute-flip-rate", "attribute-shift"),
)
class AttributeFlip:
    """How many decisions change when a row's attribute alone is changed, which is not causal, and in whose favour.

    Every row of a group g and its reference h is asked as it is and with the columns that carry the attribute set to
    what is typical of the other group. ``attribute-flip-rate`` = rows decided otherwise / rows, from 0 to 1, neutral 0
    (Clopper and Pearson 1934); ``attribute-shift`` = (rows favoured as g only - rows favoured as h only) / rows, from
    -1 to 1, neutral 0 (Tango 1998, at 0 McNemar's exact test); both may be judged. ``attribute-logit-shift``, shown:
    the mean of the log-odds of the favourable decision as g less those as h, where scores are probabilities.

    Not causal: what depends on the attribute, such as a career that was broken off, stays as it is. A system that does
    not take the attribute has no flips whatever it does to people, so that nothing is said of it (``trivial``); other
    features may stand in for the attribute all the same.

    ``columns`` says which features carry an attribute, such as ``{sex: [female, title]}``: all of them are changed
    together. Without it these are the features that bear the attribute's name, have one value in each group, or are
    numbers whose ranges in the groups do not overlap. Typical of a group is its one value, else the lower median of
    its numbers and the most frequent of its texts. Recorded decisions cannot be asked about changed rows.

    A verdict needs 30 rows in both groups; "at most 0.01" takes 299 rows of which none flips. Rows that state no group
    are left out. Where the plan declares ``weight`` or ``cluster`` of its rows, shares are of the population, n and
    every smallest number count persons, and bounds of the rate are exact ones of as many persons as say as much by the
    linearised variance (CR2; Korn and Graubard 1998), those of the shift CR2's; a verdict on the shift then needs 5
    persons who are decided otherwise, or none.

    ``sample``: ask about so many rows only, drawn with the plan's seed. Each row is asked once as it is and once more
    for every group. Over 200,000 rows in all comparisons together no items are kept, and a limit on a change needs a
    sample.

    Kusner et al. 2017 (why this is not counterfactual fairness).
    """

    controls = (
        Examined(name="blind to the attribute", kind="negative", function=blind),
        Examined(name="planted flips", kind="positive", function=planted_flips),
    )

    def __init__(self, *, columns: Carriers | None = None, sample: int | None = None) -> None:
        refuse_sample("bias.attribute-flip", sample)
        for attribute, names in (columns or {}).items():
            if isinstance(names, str) or not names:
                raise DataError(f"{_COLUMNS}.{attribute}: {names!r}", remedy="expected a list of features")
        self.columns = {attribute: tuple(names) for attribute, names in (columns or {}).items()}
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask about the rows as they are and as members of every group, and compare."""
        if ask.subject.answers:
            why = "decisions were recorded, and nobody can ask how changed rows would have been decided"
            reason = SubReason.NO_CAPABILITY
            yield from unsaid_all(_JUDGED, why, None, Verdict.NOT_APPLICABLE, n=len(ask.subject), reason=reason)
            return
        ask = sampled_rows(ask, self.sample)
        subject = ask.subject
        refuse_no_groups(subject)
        carried = {name: self.carried(subject, grouping) for name, grouping in subject.groupings.items()}
        decisions(ask)  # a system that does not decide on the rows as they are is not asked about others
        kept = values_of(subject, 2 * rows_compared(list(subject.groupings.values())))
        for name, grouping in subject.groupings.items():
            yield from _compared(ask, grouping, carried[name], kept)

    def carried(self, subject: Subject, grouping: Grouping) -> tuple[str, ...]:
        """The features that carry an attribute; DataError where the plan names one that the model does not take."""
        return named_carriers(subject, grouping, self.columns, what=_COLUMNS)


def _compared(
    ask: Ask, grouping: Grouping, columns: Sequence[str], kept: RowValues | PersonValues
) -> Iterator[Measure]:
    """Every comparison of one attribute."""
    subject = ask.subject
    only = Groups(attribute=grouping.attribute, group=grouping.names[int(np.bincount(grouping.codes).argmax())])
    pairs = pairs_of(grouping)
    if not columns:
        n = persons_of(subject, np.ones(len(subject), dtype=np.bool_))
        why = (
            f"no feature carries {grouping.attribute}, so that changing it changes no decision; "
            "other features may stand in for it"
        )
        yield from unsaid_all(_JUDGED, why, only, Verdict.NOT_APPLICABLE, n=n, reason=SubReason.TRIVIAL)
        return
    if not pairs:
        n = persons_of(subject, np.ones(len(subject), dtype=np.bool_))
        why = f"{grouping.attribute} has no two groups to compare"
        yield from unsaid_all(_JUDGED, why, only, Verdict.INCONCLUSIVE, n=n)
        return
    used = dict.fromkeys(index for pair in pairs for index in pair)
    sizes = {index: persons_of(subject, grouping.codes == index) for index in used}
    found = {index: decided_as(ask, grouping, index, columns) for index in used if sizes[index]}
    who = "persons" if subject.design else "rows"
    for pair in pairs:
        where = groups_of(grouping, *pair)
        small = next(
            (
                f"{grouping.names[index]} has {so_many(sizes[index], who)}; a verdict needs {SMALLEST_GROUP}"
                for index in pair
                if sizes[index] < SMALLEST_GROUP
            ),
            None,
        )
        rows = np.isin(grouping.codes, pair)
        n = persons_of(subject, rows)
        if not all(sizes[index] for index in pair) or n < 2:
            reason = SubReason.SMALL_GROUP
            yield from unsaid_all(_JUDGED, str(small), where, Verdict.INCONCLUSIVE, n=n, reason=reason)
            continue
        sides = _Sides(rows, found[pair[0]], found[pair[1]])
        design = f"not causal: {', '.join(columns)} alone changed"
        yield from _measures(subject, sides, where, grouping.codes == pair[0], design, small, kept)
        yield _logits(sides, subject, where, design)


def decided_as(ask: Ask, grouping: Grouping, group: int, columns: Sequence[str]) -> Outcomes:
    """What is decided on all rows as members of one group."""
    subject, answer = decisions(ChangedSubject(ask, lambda rows: all_as(rows, grouping, group, columns)))
    return subject.outcomes(answer)


def _measures(
    subject: Subject,
    sides: _Sides,
    where: Groups,
    group: Bools,
    design: str,
    small: str | None,
    kept: RowValues | PersonValues,
) -> Iterator[Measure]:
    """How many decisions flip, and in whose favour."""
    rows = sides.rows
    signed = sides.group.favourable.astype(np.int64) - sides.reference.favourable
    if subject.design:
        rate, moved, few = _weighted(subject, signed, rows, design)
    else:
        n, better, worse = int(rows.sum()), int((signed[rows] > 0).sum()), int((signed[rows] < 0).sum())
        rate = from_counts("clopper-pearson", ((better + worse, n),), design=design)
        moved, few = from_counts("mcnemar-tango", ((better, worse), (n, n)), n=n, design=design), None
    weights = subject.weights * rows
    for metric, estimate, values, barred in (
        (FLIPS, rate, np.abs(signed), small),
        (SHIFT, moved, signed, small or few),
    ):
        assert estimate.value is not None
        influence: Floats = weights * (values - estimate.value) / weights.sum()
        yield Measure(
            metric=metric,
            groups=where,
            estimate=estimate,
            verdict=None if barred is None else Verdict.INCONCLUSIVE,
            sub_reason=None if barred is None else SubReason.SMALL_GROUP,
            why=barred,
            items=kept.items(estimate.value, influence, group & rows, ~group & rows, unit="share"),
        )


def _weighted(subject: Subject, signed: Codes, rows: Bools, design: str) -> tuple[Estimate, Estimate, str | None]:
    """The rate and the shift over persons, and why the shift allows no verdict."""
    flips = Shares.of(np.abs(signed), subject, np.zeros(len(signed), dtype=np.int64), rows)
    persons, changed = flips.sums.size(0), persons_of(subject, rows & (signed != 0))
    few = f"of {persons} persons {changed} are decided otherwise; a verdict on the shift needs {SMALLEST_EXPECTED}"
    moved = shift(signed, subject, rows, design)
    return flips.share(0, design), moved, few if 0 < changed < SMALLEST_EXPECTED else None


def _logits(sides: _Sides, subject: Subject, where: Groups, design: str) -> Measure:
    """By how much the log-odds of the favourable decision move."""
    n, decision = persons_of(subject, sides.rows), subject.decision
    assert decision is not None  # decisions were read by it
    scores = [side.score for side in (sides.group, sides.reference)]
    if any(score is None or not ((score[sides.rows] > 0) & (score[sides.rows] < 1)).all() for score in scores):
        why = "it takes probabilities between 0 and 1 for every row"
        missing = Estimate.missing(why, n=n, unit="logit")
        return Measure(metric=LOGITS, groups=where, estimate=missing, mode="disclosure")
    first, second = (np.log(p) - np.log1p(-p) for p in (np.asarray(score)[sides.rows] for score in scores))
    towards = 1.0 if decision.favourable == decision.positive else -1.0
    moved = towards * (first - second)
    if subject.design:
        rows = np.flatnonzero(sides.rows)
        one = np.zeros(len(rows), dtype=np.int64)
        sums = stats.ClusterSums.of(moved, subject.weights[rows], subject.persons[rows], one)
        interval = sums.contrast({0: 1.0}).interval(level=0.95, method="cr2")
        design = f"{design}; {design_in_words(subject)}"
    else:
        interval = stats.mean_interval(moved)
    estimate = from_interval(interval, n=n, unit="logit", design=design)
    return Measure(metric=LOGITS, groups=where, estimate=estimate, mode="disclosure")
