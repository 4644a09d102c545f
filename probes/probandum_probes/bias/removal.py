"""What becomes of decisions once some features no longer tell one row from another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from probandum.controls import ChangedSubject
from probandum.evidence import Column, Table
from probandum.finding import Estimate
from probandum.probe import Ask, Measure
from probandum.subject import Bools, Codes, Outcomes, Subject
from probandum_probes.bias.carried import typical
from probandum_probes.bias.counting import decisions
from probandum_probes.bias.proxy_places import NONE, Place
from probandum_probes.bias.weighted import change_of_gap, shift
from probandum_probes.estimates import from_counts

Removal = Literal["permuted", "typical"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Removed:
    """Outcomes of the same rows as they are and without some features; ``group``: which rows are the group's."""

    subject: Subject
    before: Outcomes
    after: Outcomes
    group: Bools

    def selection(self) -> Estimate:
        """The selection difference without the features less that with them (paired; Bonett and Price 2012)."""
        signed = self.after.favourable.astype(np.int64) - self.before.favourable
        if self.subject.design:
            return change_of_gap(signed, self.subject, self.group)
        counts = []
        for side in (self.group, ~self.group):
            n = int(side.sum())
            counts += [(int((signed[side] > 0).sum()), int((signed[side] < 0).sum())), (n, n)]
        return from_counts("paired-gap", counts, n=len(signed))

    def accuracy(self) -> Estimate:
        """The share of decisions that come true without the features less that with them (Tango 1998)."""
        assert self.before.positive is not None
        right = [each.detected == self.before.positive for each in (self.after, self.before)]
        if self.subject.design:
            signed = right[0].astype(np.int64) - right[1]
            return shift(signed, self.subject, np.ones(len(signed), dtype=np.bool_))
        better, worse = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
        return from_counts("mcnemar-tango", ((better, worse), (len(right[0]),) * 2), n=len(right[0]))


def without_proxies(
    ask: Ask, place: Place, outcomes: Outcomes, proxies: tuple[str, ...], how: Removal
) -> Iterator[Measure]:
    """What the selection difference and the share of right decisions gain once all proxies are removed together."""
    why = None
    if ask.subject.answers:
        why = "decisions were recorded, and nobody can ask how changed rows would have been decided"
    elif not proxies:
        why = NONE
    unlabelled = "the plan names no label, so nobody can say which decisions were right"
    removed: Removed | None = None
    if why is None:
        after = without(ask, proxies, place.rows, how, ask.rng("removal", str(place.where)))
        removed = Removed(
            subject=only(place.subject, place.rows),
            before=outcomes_of(outcomes, place.rows),
            after=after,
            group=place.grouping.codes[place.rows] == place.pair[0],
        )
    for metric in ("selection-difference-removed", "accuracy-removed"):
        if removed is None or (metric == "accuracy-removed" and outcomes.positive is None):
            estimate = Estimate.missing(why or unlabelled, n=place.n, unit="share")
        else:
            estimate = removed.selection() if metric != "accuracy-removed" else removed.accuracy()
            told = "; ".join(filter(None, (f"{', '.join(proxies)} {how} together", estimate.design)))
            estimate = replace(estimate, design=told)
        yield Measure(metric=metric, groups=place.where, estimate=estimate, mode="disclosure")


def without(ask: Ask, features: Sequence[str], rows: Codes, how: Removal, rng: np.random.Generator) -> Outcomes:
    """What is decided on ``rows`` once ``features`` are dealt out anew among them together, or typical in all."""

    def changed(subject: Subject) -> Subject:
        fewer = only(subject, rows)
        order = rng.permutation(len(rows))
        columns: dict[str, Column] = dict(fewer.table.columns)
        for name in features:
            column = columns[name]
            everybody = np.ones(len(rows), dtype=bool)
            columns[name] = column[order] if how == "permuted" else np.repeat(typical(column, everybody), len(rows))
        return replace(fewer, table=Table(columns))

    subject, answer = decisions(ChangedSubject(ask, changed))
    return subject.outcomes(answer)


def only(subject: Subject, rows: Codes) -> Subject:
    """The subject with some of its rows, in the order given."""
    groupings = {name: replace(each, codes=each.codes[rows]) for name, each in subject.groupings.items()}
    return replace(subject, table=subject.table.take(rows), groupings=groupings)


def outcomes_of(outcomes: Outcomes, rows: Codes) -> Outcomes:
    """The outcomes of some rows, in the order given."""
    return Outcomes(
        favourable=outcomes.favourable[rows],
        detected=outcomes.detected[rows],
        positive=None if outcomes.positive is None else outcomes.positive[rows],
        score=None if outcomes.score is None else outcomes.score[rows],
    )
