"""What is looked at beside the reasons of a decision: other values of an attribute, and rows with estimates nearby."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probandum.evidence import Capability, Request, Table
from probandum.gaps import absent
from probandum.probe import Ask
from probandum.reasons import Counted, Flip, Near, Spread
from probandum.stats import proportion_interval
from probandum.subject import as_text
from probandum_probes.explain.rows import Decided, decided
from probandum_probes.explain.worlds import answered

#: Values of a column that are tried at most; rows near an estimate, and the fewest of these that say anything.
MOST_VALUES, NEAREST, FEWEST = 100, 100, 30


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

    None where the plan names no outcome, the class ``shown`` is not the one that it detects, or rows are fewer than 30.
    """
    subject, answer = ask.subject, whole.answer
    if subject.positive is None or subject.decision is None or shown != subject.decision.positive:
        return None
    estimates = answer.values[:, answer.labels.index(shown)]
    apart = np.abs(estimates - estimates[place])
    nearest = np.argsort(apart, kind="stable")
    nearest = nearest[nearest != place][:NEAREST]
    if len(nearest) < FEWEST:
        return None
    return Near(
        low=float(estimates[nearest].min()),
        high=float(estimates[nearest].max()),
        came_true=counted(int(subject.positive[nearest].sum()), len(nearest)),
    )


def counted(events: int, of: int) -> Counted:
    """A share with its Wilson interval.

    >>> counted(50, 100).share.low.__round__(4)
    0.4038
    """
    interval = proportion_interval(events, of)
    return Counted(events=events, of=of, share=Spread(value=events / of, low=interval.low, high=interval.high))
