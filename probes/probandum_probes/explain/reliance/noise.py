"""How much attribution a column of pure noise would get: what reliance on an attribute is held against.

The columns that carry the attribute are dealt out anew among the rows, so that they say nothing and have the same
values equally often. Beside all that the system already looks at, a weight is learnt for them from as many outcomes as
there are rows, drawn by the system's own probabilities: one step of Newton from a weight of 0, which is the efficient
estimate (Le Cam 1956). So the system is not trained again, and needs no label.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probandum.evidence import Floats
from probandum.gaps import absent, numbers_in
from probandum.probe import Ask
from probandum.subject import Codes, Subject, as_text
from probandum_probes.bias.halving import order_of_persons

#: How often the columns are dealt out, and which of their shares is the limit.
DEALT, PERCENTILE = 199, 0.95
#: Information below which an outcome is certain, so that nothing is learnt from it.
_CERTAIN = 1e-12


def noise_masses(ask: Ask, columns: Sequence[str], probability: Floats) -> Floats:
    """Mean |phi| in log-odds of the columns together, once for each time they are dealt out, shape (199,).

    ``probability``: of one class by the system, shape (rows,).
    """
    subject, rng = ask.subject, ask.rng("noise", *columns)
    weights = subject.weights / subject.weights.mean()
    numbers = [each for name in columns if (each := _numbers(subject, name)) is not None]
    texts = [codes for name in columns for codes in _codes(subject, name)]
    found = np.zeros(DEALT)
    for time in range(DEALT):
        order = order_of_persons(subject, rng)
        missed: Floats = (rng.random(len(subject)) < probability) - probability
        parts = [_of_number(values[order], missed, probability, weights) for values in numbers]
        parts += [_of_levels(codes[order], missed, probability, weights) for codes in texts]
        found[time] = sum(parts)
    return found


def noise_share(masses: Floats, whole: float) -> float:
    """The 95th percentile of the share of noise beside features whose mean |phi| is ``whole``.

    >>> noise_share(np.arange(100.0), 95.0)
    0.5
    """
    return float(np.quantile(masses / (masses + whole), PERCENTILE, method="higher"))


def _numbers(subject: Subject, name: str) -> Floats | None:
    """A column of numbers, a gap as their mean, so that it counts for nothing among them; None where it holds texts."""
    numbers = numbers_in(subject.table[name])
    return None if numbers is None else np.where(absent(numbers), np.nanmean(numbers), numbers)


def _codes(subject: Subject, name: str) -> list[Codes]:
    """A column of texts as codes of its values, a gap one of them; of numbers with gaps whether a row has one."""
    numbers = numbers_in(subject.table[name])
    if numbers is None:
        return [np.unique(as_text(subject.table[name]), return_inverse=True)[1].reshape(-1)]
    return [absent(numbers).astype(np.int64)] if absent(numbers).any() else []


def _of_number(values: Floats, missed: Floats, probability: Floats, weights: Floats) -> float:
    """Mean |phi| of one weight for a number."""
    information = weights * probability * (1 - probability)
    if information.sum() <= _CERTAIN:
        return 0.0
    apart = values - np.average(values, weights=information)
    curvature = float(information @ apart**2)
    if curvature <= _CERTAIN:
        return 0.0
    weight = float((weights * missed) @ apart) / curvature
    return abs(weight) * float(np.average(np.abs(values - np.average(values, weights=weights)), weights=weights))


def _of_levels(codes: Codes, missed: Floats, probability: Floats, weights: Floats) -> float:
    """Mean |phi| of one weight for each value of a text."""
    information = np.bincount(codes, weights=weights * probability * (1 - probability))
    slope = np.bincount(codes, weights=weights * missed)
    known = information > _CERTAIN
    level = np.divide(slope, information, out=np.zeros(len(slope)), where=known)
    rows = np.bincount(codes, weights=weights)
    return float(np.average(np.abs(level - np.average(level, weights=rows)), weights=rows))
