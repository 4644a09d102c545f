"""Controls of probes that compare decisions between groups: no gap where there is none, and a planted one found.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Response
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Probe
from probandum.subject import Decision, Grouping, Outcomes, Subject
from probandum_probes.bias.counting import (
    COMPARED,
    FALSE_POSITIVES,
    SELECTION,
    TRUE_POSITIVES,
    Mask,
    compared,
    count,
    decisions,
    groups_of,
    pair_of,
    too_small,
)
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded

#: Worlds without an effect that the negative control draws, and the fewest that tell anything.
NULL_DRAWS = 1000
FEWEST_DRAWS = 200
#: How often intervals may err in such worlds: 5 %, and a point for being approximations.
NULL_ERROR = 0.06
#: The smallest gap that the positive control plants.
PLANTED = 0.10
#: How often a control may fail by chance.
FALSE_ALARM = 0.01 / 2
#: The level of each of two intervals from independent worlds without an effect, see ``excluded_twice``.
TWICE = 0.99


def no_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Permuted groups have no gap that the probe may find, and of groups drawn alike few intervals may show one."""
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    subject, answer = decisions(ask)
    outcomes = subject.outcomes(answer)
    attributes = _attributes(probe, subject)
    place = _sharpest(attributes, outcomes)
    if place is None:
        return None, "no two groups are large enough to be compared"
    grouping, group, reference, _ = place
    where = groups_of(grouping, group, reference)
    seen = []
    for number in ("first", "second"):
        world = permuted(subject, ask.rng("permuted", number).permutation(len(subject)))
        gap = differences(probe, Recorded(ask, subject=world, answer=answer), where)[SELECTION.gap]
        seen.append(stats.bounds("newcombe", level=TWICE, counts=gap.counts))
    if (apart := still_apart(seen, where)) is not None:
        return False, apart
    drawn, rejected = _null_worlds(attributes, outcomes, ask.rng("null"))
    if drawn < FEWEST_DRAWS:
        return None, f"only {drawn} of {NULL_DRAWS} worlds without a gap had groups large enough to be compared"
    return few_false(drawn, rejected)


def _null_worlds(attributes: Sequence[Grouping], outcomes: Outcomes, rng: np.random.Generator) -> tuple[int, int]:
    """How many worlds were drawn in which groups are samples of all rows, and how many intervals excluded parity.

    Each world asks one comparison, in turn, so that the worlds are independent of each other.
    """
    tables = [(grouping, count(grouping, outcomes)) for grouping in attributes]
    rates = COMPARED if outcomes.positive is not None else (SELECTION,)
    asked = [
        (cells, rate, group, reference)
        for grouping, cells in tables
        for group, reference in compared(grouping, cells)
        for rate in rates
        if too_small(rate, ("", ""), *pair_of(rate, cells, group, reference)) is None
    ]
    drawn, rejected = 0, 0
    for number in range(NULL_DRAWS):
        cells, rate, group, reference = asked[number % len(asked)]
        alike = cells.sum(axis=0) / cells.sum()
        world = np.stack([rng.multinomial(cells[index].sum(), alike) for index in (group, reference)])
        pair, rows = pair_of(rate, world, 0, 1)
        if too_small(rate, ("", ""), pair, rows) is not None:
            continue
        drawn += 1
        as_ratio = rate is SELECTION and (number // len(asked)) % 2 == 1
        interval = stats.bounds("koopman" if as_ratio else "newcombe", level=0.95, counts=pair)
        rejected += not interval.low <= (1.0 if as_ratio else 0.0) <= interval.high
    return drawn, rejected


def planted_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Decisions on one group turned round: the probe must say by how much, and tell the new gap from the old.

    The planted gap is at least (z at 5 % over all one-sided hypotheses + z at 1 %) standard errors wide.
    """
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    subject, answer = decisions(ask)
    before = subject.outcomes(answer)
    place = _sharpest(_attributes(probe, subject), before)
    if place is None:
        return None, "no two groups are large enough to be compared"
    grouping, group, reference, hypotheses = place
    where = groups_of(grouping, group, reference)
    inside, outside = grouping.codes == group, grouping.codes == reference
    n, alpha = int(inside.sum()), 0.05 / hypotheses
    error = math.sqrt(_variance(before.favourable[inside]) + _variance(before.favourable[outside]))
    wanted = math.ceil(max(PLANTED, (z_at(alpha) + z_at(0.01)) * error) * n)
    worse = int(before.favourable[inside].sum()) >= wanted
    pool = np.flatnonzero(inside & (before.favourable == worse))
    if len(pool) < wanted or subject.decision is None:
        return None, f"no room for a gap of {wanted / n:.3f} in {where.group}, n = {n}"

    changed = turn_round(answer, ask.rng("planted").choice(pool, size=wanted, replace=False), subject.decision)
    measured = differences(probe, ChangedAnswers(ask, lambda request, response: changed), where)
    for metric, gap in directly(subject.outcomes(changed), inside, outside).items():
        value = measured[metric].value
        if value is None or abs(value - gap) > 1e-9:
            return False, f"{metric} of {where} came out as {value}; by the rows' means it is {gap}"
    old, new = directly(before, inside, outside)[SELECTION.gap], measured[SELECTION.gap]
    side: Literal["above", "below"] = "below" if worse else "above"
    p = stats.p_value("newcombe", old, side=side, counts=new.counts)
    planted, moved = (-wanted if worse else wanted) / n, (new.value or 0.0) - old
    said = f"a gap of {planted:+.4f} was planted in {where}; the difference moved by {moved:+.4f}, p = {p:.2g}"
    return abs(moved - planted) < 1e-9 and p < alpha, said


def _sharpest(attributes: Sequence[Grouping], outcomes: Outcomes) -> tuple[Grouping, int, int, int] | None:
    """The comparison of selection rates that sees most, and how many one-sided hypotheses there are in all."""
    found: list[tuple[float, Grouping, int, int]] = []
    for grouping in attributes:
        cells = count(grouping, outcomes)
        for group, reference in compared(grouping, cells):
            pair, rows = pair_of(SELECTION, cells, group, reference)
            if too_small(SELECTION, ("", ""), pair, rows) is None:
                found.append((1 / rows[0] + 1 / rows[1], grouping, group, reference))
    if not found:
        return None
    _, grouping, group, reference = min(found, key=lambda each: each[0])
    return grouping, group, reference, 2 * len(found)


def excluded_twice(intervals: Sequence[stats.Interval]) -> bool:
    """Whether intervals of two worlds without an effect lie on one side of 0: by chance once in 20,000 times."""
    return all(each.low > 0 for each in intervals) or all(each.high < 0 for each in intervals)


def still_apart(
    seen: Sequence[stats.Interval], where: Groups, *, permuted: str = "permuted twice", digits: str = "+.4f"
) -> str | None:
    """What intervals of two permuted worlds show that they must not; None where they do not."""
    if not excluded_twice(seen):
        return None
    told = " and ".join(f"{wide.low:{digits}} to {wide.high:{digits}}" for wide in seen)
    return f"groups were {permuted}, and {where} still differed by {told}"


def few_false(drawn: int, rejected: int, *, found: str = "intervals show") -> tuple[bool, str]:
    """Whether no more of the worlds without a gap seem to have one than chance allows, and the numbers behind it.

    >>> few_false(1000, 25)
    (True, '25 of 1000 intervals show a gap where there is none; up to 80 may')
    """
    from scipy.stats import binom

    allowed = int(binom.ppf(1 - FALSE_ALARM, drawn, NULL_ERROR))
    return rejected <= allowed, f"{rejected} of {drawn} {found} a gap where there is none; up to {allowed} may"


def turn_round(answer: Response, rows: npt.NDArray[np.intp], decision: Decision) -> Response:
    """``answer`` with the decisions on ``rows`` turned into the other one."""
    values, labels = answer.values.copy(), answer.labels
    if "favourable" in labels:
        columns = np.ix_(rows, np.array([labels.index("favourable"), labels.index("detected")]))
        values[columns] = 1.0 - values[columns]
        return Response(outputs=values, labels=labels)
    scores = values if values.ndim == 1 else values[:, labels.index(decision.positive)]
    positive = (scores[rows] < (0.5 if decision.threshold is None else decision.threshold)).astype(np.float64)
    if values.ndim == 2:
        values[rows] = ((1.0 - positive) / (len(labels) - 1))[:, None]
        scores = values[:, labels.index(decision.positive)]
    scores[rows] = positive
    return Response(outputs=values, labels=labels)


def directly(outcomes: Outcomes, group: Mask, reference: Mask) -> dict[str, float]:
    """Gaps between two groups, masks of rows, by means over their rows: a second opinion on the table of counts."""

    def gap(events: Mask, among: Mask) -> float:
        return float(events[group & among].mean() - events[reference & among].mean())

    gaps = {SELECTION.gap: gap(outcomes.favourable, group | reference)}
    if outcomes.positive is not None:
        for rate, among in ((TRUE_POSITIVES, outcomes.positive), (FALSE_POSITIVES, ~outcomes.positive)):
            if (group & among).any() and (reference & among).any():
                gaps[rate.gap] = gap(outcomes.detected, among)
    return gaps


def _attributes(probe: Probe, subject: Subject) -> list[Grouping]:
    """The attributes that the probe compares groups of."""
    found: list[Grouping] = probe.groupings(subject)  # type: ignore[attr-defined]
    return found


def differences(probe: Probe, ask: Ask, where: Groups) -> dict[str, Estimate]:
    """What the probe itself says of one pair of groups."""
    return {each.metric: each.estimate for each in probe.measure(ask) if each.groups == where}


def permuted(subject: Subject, order: npt.NDArray[np.int64]) -> Subject:
    """The same rows and groups, each row with another row's groups."""
    groups = {name: replace(each, codes=each.codes[order]) for name, each in subject.groupings.items()}
    return replace(subject, groupings=groups)


def _variance(favourable: Mask) -> float:
    """Of the mean; shares enter as (x + 1) / (n + 2), so that none is taken as certain."""
    share = (favourable.sum() + 1) / (len(favourable) + 2)
    return float(share * (1 - share) / len(favourable))


def z_at(alpha: float) -> float:
    """The normal deviate above which ``alpha`` of the distribution lies."""
    return -NormalDist().inv_cdf(alpha)
