"""What varies where an explanation is drawn again under other seeds: noise, picks, signs, ranks and coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from probandum.evidence import Floats
from probandum.subject import Bools, Codes
from probandum_probes.explain.quality.comparing import NEGLIGIBLE, TOP, kendall, rankable

#: How many standard errors the interval of a coefficient reaches to either side, as its index has it.
REACH = 1.96


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stability:
    """Per input, shape (inputs,), how the attributions of its strongest features vary over seeds.

    ``noise`` and ``size``: mean standard deviation and mean absolute value of the top features, by mean.
    ``overlap``: Kuncheva's index, for the inputs where it exists. ``agreement``: share of signs that are the
    mean's. ``places``: which inputs these are; those whose attributions are all 0 have no ranking.
    """

    noise: Floats
    size: Floats
    overlap: Floats
    agreement: Floats
    places: tuple[int, ...]
    overlapping: tuple[int, ...]


def stability(runs: Sequence[Floats]) -> Stability:
    """What varies over seeds; ``runs``: one array an input, shape (seeds, features)."""
    noise, size, overlap, agreement, places, overlapping = [], [], [], [], [], []
    for place, run in enumerate(runs):
        if np.abs(run).max() <= NEGLIGIBLE:
            continue
        top = strongest(run)
        mean = run.mean(axis=0)[top]
        places.append(place)
        noise.append(float(deviations(run[:, top]).mean()))
        size.append(float(np.abs(mean).mean()))
        agreement.append(float((np.sign(run[:, top]) == np.sign(mean)).mean()))
        if run.shape[1] > TOP:
            overlap.append(kuncheva(picked(run)))
            overlapping.append(place)
    return Stability(
        noise=np.array(noise),
        size=np.array(size),
        overlap=np.array(overlap),
        agreement=np.array(agreement),
        places=tuple(places),
        overlapping=tuple(overlapping),
    )


def strongest(run: Floats) -> Codes:
    """The five features that are largest by their mean over seeds; ``run``, shape (seeds, features)."""
    return np.argsort(-np.abs(run.mean(axis=0)), kind="stable")[:TOP]


def picked(run: Floats) -> Bools:
    """Which five features are the largest under each seed, shape (seeds, features)."""
    members = np.zeros(run.shape, dtype=bool)
    np.put_along_axis(members, np.argsort(-np.abs(run), axis=1, kind="stable")[:, :TOP], True, axis=1)
    return members


def deviations(run: Floats) -> Floats:
    """Standard deviation of each feature over seeds, exactly 0 where nothing varies; ``run``, shape (seeds, features).

    >>> deviations(np.array([[1.0, 0.1], [3.0, 0.1], [2.0, 0.1]])).tolist()
    [1.0, 0.0]
    """
    return np.where(np.ptp(run, axis=0) == 0, 0.0, run.std(axis=0, ddof=1))


def kuncheva(members: Bools) -> float:
    """K = (r - k^2/d) / (k - k^2/d) of top-k sets, shape (runs, d), r their mean overlap over pairs of runs.

    1 where all runs pick the same k features, about 0 by chance. ValueError where k = d: every pick is the same.

    >>> kuncheva(np.array([[1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool))  # r = 1 = k^2/d
    0.0
    """
    k, d = int(members[0].sum()), int(members.shape[1])
    if k >= d:
        raise ValueError(f"the top {k} of {d} features are all of them; expected more features than {k}")
    return (_shared(members) - k * k / d) / (k - k * k / d)


def variables_stability(members: Bools) -> float:
    """VSI of top-k sets, shape (runs, d): the share of k that two runs have in common, over pairs of runs.

    Visani et al. 2020.

    >>> variables_stability(np.array([[1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool))
    0.5
    """
    return _shared(members) / int(members[0].sum())


def coefficients_stability(values: Floats, errors: Floats) -> float:
    """CSI: the share of pairs of runs whose intervals of a coefficient overlap, over features.

    ``values`` and their standard ``errors``, shape (runs, features); an interval is a value +- 1.96 errors. Visani et
    al. 2020.

    >>> coefficients_stability(np.array([[1.0, 5.0], [2.0, 9.0]]), np.ones((2, 2)))
    0.5
    """
    one, other = np.triu_indices(len(values), 1)
    reach = REACH * (errors[one] + errors[other]) + NEGLIGIBLE
    return float((np.abs(values[one] - values[other]) <= reach).mean())


def tau(run: Floats) -> float | None:
    """Mean tau-b of the sizes under two seeds, over pairs; None where some seed ranks nothing.

    >>> tau(np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]))
    1.0
    """
    if not all(rankable(each) for each in run):
        return None
    return float(np.mean([kendall(first, second) for first, second in combinations(run, 2)]))


def _shared(members: Bools) -> float:
    """How many features two runs pick alike, on average over pairs of runs."""
    alike = members.astype(np.int64) @ members.astype(np.int64).T
    return float(alike[np.triu_indices(len(members), 1)].mean())
