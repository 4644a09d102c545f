"""What is looked at beside the reasons of a decision: other values of an attribute, rows nearby, what is unusual."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probandum.evidence import Capability, Floats, Request, Table
from probandum.gaps import absent
from probandum.probe import Ask
from probandum.reasons import Counted, Flip, Near, Spread
from probandum.stats import proportion_interval
from probandum.subject import Bools, Codes, Subject, as_text
from probandum_probes.explain.counterfactual.space import Constraints, Space
from probandum_probes.explain.rows import Decided, decided
from probandum_probes.explain.worlds import answered

#: Values of a column that are tried at most; rows near an estimate, and the fewest of these that say anything.
MOST_VALUES, NEAREST, FEWEST = 100, 100, 30
#: Rows whose distance from each other says what is usual.
USUAL_ROWS = 500


def flips(ask: Ask, whole: Decided, place: int, stated: Sequence[tuple[str, str]]) -> list[Flip]:
    """Of every attribute that the system is told, with which other values it decides otherwise on one row.

    ``stated``: attributes with the column that states each. At most 100 values of a column are tried, spread evenly.
    """
    found = []
    features = whole.features
    row = features.take([place])
    for attribute, name in stated:
        values = np.unique(features[name])
        values = values[~absent(values)]
        if len(values) > MOST_VALUES:
            values = values[np.linspace(0, len(values) - 1, MOST_VALUES).round().astype(np.int64)]
        values = values[values != row[name][0]]
        if not len(values):
            continue
        others = {column: np.repeat(row[column], len(values)) for column in features} | {name: values}
        (answer,) = ask([Request(kind=Capability.PREDICT, inputs=Table(others))])
        answered(answer, "a changed row")
        changing = values[decided(ask.subject, answer) != whole.labels[place]]
        told = tuple(as_text(changing).tolist())
        tried = tuple(as_text(values).tolist())
        found.append(Flip(attribute=attribute, name=name, tried=tried, changing=told))
    return found


def near(ask: Ask, whole: Decided, place: int, shown: str) -> Near | None:
    """How many of the 100 rows with the nearest estimates turned out as the estimate says.

    Each of another person. None where the plan names no outcome, the class ``shown`` is not the one that it detects,
    rows are fewer than 30, or stand for others: a count of such rows is no share of persons.
    """
    subject, answer = ask.subject, whole.answer
    if subject.weight is not None:
        return None
    if subject.positive is None or subject.decision is None or shown != subject.decision.positive:
        return None
    estimates = answer.values[:, answer.labels.index(shown)]
    apart = np.abs(estimates - estimates[place])
    nearest = np.argsort(apart, kind="stable")
    nearest = first_rows(nearest[subject.persons[nearest] != subject.persons[place]], subject)[:NEAREST]
    if len(nearest) < FEWEST:
        return None
    return Near(
        low=float(estimates[nearest].min()),
        high=float(estimates[nearest].max()),
        came_true=counted(int(subject.positive[nearest].sum()), len(nearest)),
    )


def unusual(ask: Ask, features: Table, after: Table, constraints: Constraints) -> Bools:
    """Which changed rows lie further from the nearest row than 95 % of rows, one a person, lie from each other."""
    space = Space.of(features, features, constraints)
    rows = space.encoded(features)
    sample = first_rows(ask.rng("usual").permutation(len(rows)), ask.subject)[:USUAL_ROWS]
    seen, changed = rows[sample], space.encoded(after)
    usual = np.array([_nearest(space, seen[[at]], np.delete(seen, at, axis=0)) for at in range(len(seen))])
    nearest = np.array([_nearest(space, changed[[at]], rows) for at in range(len(changed))])
    return np.asarray(nearest > np.quantile(usual, 0.95))


def _nearest(space: Space, row: Floats, others: Floats) -> float:
    return float(space.costs(row, others).sum(axis=1).min()) if len(others) else 0.0


def first_rows(places: Codes, subject: Subject) -> Codes:
    """Of each person the row that stands first among ``places``, in their order; all of them where rows are persons.

    >>> subject = Subject(table=Table({"who": np.array(["a", "b", "a"])}), cluster="who")
    >>> first_rows(np.array([2, 0, 1]), subject).tolist()
    [2, 1]
    """
    _, first = np.unique(subject.persons[places], return_index=True)
    return np.asarray(places[np.sort(first)])


def counted(events: int, of: int) -> Counted:
    """A share with its Wilson interval.

    >>> counted(50, 100).share.low.__round__(4)
    0.4038
    """
    interval = proportion_interval(events, of)
    return Counted(events=events, of=of, share=Spread(value=events / of, low=interval.low, high=interval.high))
