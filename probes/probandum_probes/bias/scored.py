"""Scores beside labels: what comparisons of scores need of the rows, and whether scores run with the labels at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.controls import AskThrough
from probandum.evidence import Floats, Items, Request, Response
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.bias.counting import Cells, Mask, compared, decisions, refuse_no_groups
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.estimates import from_interval

#: The metric of all rows together.
OVERALL = "overall-auc"
#: Items that a probe keeps at most: of more rows a comparison with a baseline needs a sample.
MOST_ITEMS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Rows with their scores and labels; the higher the score, the more likely the row is held to be positive."""

    subject: Subject
    answer: Response
    score: Floats
    positive: Mask


def of_rows(found: Scored, rows: Codes) -> Scored:
    """Some of the rows, in this order, with the answer to all of them."""
    subject = found.subject
    groupings = {name: replace(each, codes=each.codes[rows]) for name, each in subject.groupings.items()}
    fewer = replace(subject, table=subject.table.take(rows), groupings=groupings)
    return replace(found, subject=fewer, score=found.score[rows], positive=found.positive[rows])


def scored(ask: Ask, sample: int | None) -> Scored | str:
    """The rows with scores and labels, or why there are none; DataError where the plan names no groups."""
    subject, answer = decisions(sampled_rows(ask, sample))
    refuse_no_groups(subject)
    outcomes = subject.outcomes(answer)
    if outcomes.positive is None:
        return "the plan names no label, so nobody can say whether scores come true"
    if outcomes.score is None:
        return "the system's decisions come without scores"
    return Scored(subject=subject, answer=answer, score=outcomes.score, positive=outcomes.positive)


def probabilities(ask: Ask, sample: int | None) -> Scored | str:
    """The rows with probabilities and labels, or why there are none."""
    found = scored(ask, sample)
    if isinstance(found, str):
        return found
    low, high = float(found.score.min()), float(found.score.max())
    if low < 0 or high > 1:
        return f"its scores run from {low:g} to {high:g} and are no probabilities"
    return found


class Recorded(AskThrough):
    """Answers that were given already, under other declarations of the rows: nothing is asked."""

    def __init__(self, ask: Ask, *, subject: Subject, answer: Response) -> None:
        super().__init__(ask, subject=subject)
        self._answer = answer

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """The recorded answer, to each request for all rows."""
        return [self._answer for _ in requests]


def rescored(found: Scored, scores: Floats) -> Response:
    """The recorded answer with other scores: other classes share what is left of 1, decisions of a log stay."""
    answer, decision = found.answer, found.subject.decision
    values, labels = answer.values.copy(), answer.labels
    if values.ndim == 1:
        return Response(outputs=scores, labels=labels)
    if "favourable" in labels:
        values[:, labels.index("score")] = scores
        return Response(outputs=values, labels=labels)
    assert decision is not None  # the scores were read by it
    values[:] = ((1.0 - scores) / max(len(labels) - 1, 1))[:, None]
    values[:, labels.index(decision.positive)] = scores
    return Response(outputs=values, labels=labels)


def against_labels(score: Floats, positive: Mask, *, what: str = "scores", level: float = 0.95) -> Measure | None:
    """How well the scores of all rows rank positives over negatives; None where either kind has no two rows.

    Shown and never judged. Where its interval at ``level`` lies below 0.5 the scores run against the labels, and that
    is an ERROR which stands before every figure by group: such figures would be read the wrong way round.
    """
    if min(positive.sum(), (~positive).sum()) < 2:
        return None
    area = stats.area(score, positive, ~positive)
    interval = area.interval()
    estimate = from_interval(interval, n=len(score), unit="share")
    if area.interval(level=level).high >= 0.5:
        return Measure(metric=OVERALL, estimate=estimate, mode="disclosure")
    return opposed(estimate, what=what)


def opposed(estimate: Estimate, *, what: str) -> Measure:
    """The ERROR that scores, or decisions, run against the labels, with their AUC."""
    why = (
        f"the {what} run against the labels: their AUC is {estimate.value:.3f} ({estimate.low:.3f} to "
        f"{estimate.high:.3f}). Either the system does worse than chance, or the plan names the other value as "
        f"positive, or the {what} are read the wrong way round; settle which before reading any figure by group"
    )
    return Measure(
        metric=OVERALL,
        estimate=estimate,
        mode="disclosure",
        verdict=Verdict.ERROR,
        sub_reason=SubReason.AGAINST_LABELS,
        why=why,
    )


def pairs_of(grouping: Grouping) -> list[tuple[int, int]]:
    """Which groups are compared with which: all with the declared reference, else every ordered pair."""
    return compared(grouping, sizes_of(grouping)[:, None])


def sizes_of(grouping: Grouping) -> Cells:
    """Rows by group, shape (groups,)."""
    return np.bincount(grouping.codes, minlength=len(grouping.names))


class RowValues:
    """Items of rows under names of their own: a quantity as the mean of what each row adds to it.

    ``value + n * influence`` of each of n rows has the quantity as its mean and, over two audits of the same rows, the
    change as the mean of its differences: DeLong's paired variance for AUCs, that of paired means for means.
    """

    def __init__(self, subject: Subject, most: int) -> None:
        self._subject = subject
        self._kept = most <= MOST_ITEMS
        self._names = _own_names(subject.keys()) if self._kept else ()
        self._contents = subject.contents() if self._kept else ()

    def items(self, value: float, influence: Floats, group: Bools, other: Bools, *, unit: str) -> Items | None:
        """Of one comparison of two groups, masks of rows; None where there are too many rows to keep them."""
        if not self._kept:
            return None
        rows = np.flatnonzero(group | other)
        return Items(
            keys=tuple(self._names[row] for row in rows),
            strata=tuple("group" if inside else "reference" for inside in group[rows]),
            values=tuple((value + len(rows) * influence[rows]).tolist()),
            unit=unit,
            contents=tuple(self._contents[row] for row in rows),
        )


def rows_compared(groupings: Sequence[Grouping]) -> int:
    """How many items all comparisons hold together."""
    return sum(
        int(sizes_of(grouping)[[group, other]].sum()) for grouping in groupings for group, other in pairs_of(grouping)
    )


def _own_names(keys: Sequence[str]) -> tuple[str, ...]:
    """Names that are all different: a row whose name was met before says for the how-manieth time.

    >>> _own_names(["Ann", "Bo", "Ann"])
    ('Ann', 'Bo', 'Ann (2)')
    """
    if len(set(keys)) == len(keys):
        return tuple(keys)
    met: Counter[str] = Counter()
    found = []
    for key in keys:
        met[key] += 1
        found.append(key if met[key] == 1 else f"{key} ({met[key]})")
    return tuple(found)
