"""How good changes are that flip decisions: whether they are allowed, how usual what they make is, how firm they are.

Nothing here rests on the search: constraints are held against the rows themselves.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from probandum.evidence import Floats, Table
from probandum.subject import Bools, Codes
from probandum_probes.explain.counterfactual.answers import Answers
from probandum_probes.explain.counterfactual.search import Found
from probandum_probes.explain.counterfactual.space import Constraints, Space

#: The neighbour of a row whose distance says how usual it is, and rows that are looked at for it.
NEIGHBOUR, MOST_ROWS = 5, 1000
#: Noise on the numbers of a changed row, as a part of what their changes are measured by, and draws a row.
NOISE, DRAWS = 0.1, 10
#: Distances that are held at once.
_AT_ONCE = 2**20


def respected(before: Table, after: Table, seen: Table, constraints: Constraints) -> Bools:
    """Of each changed row whether all that it may not do is left undone, shape (rows,).

    Immutable features stay, others move the way they may, numbers stay within what was seen, and texts are among it.

    >>> before, after = Table({"age": np.array([30.0, 30.0])}), Table({"age": np.array([31.0, 29.0])})
    >>> respected(before, after, Table({"age": np.array([18.0, 80.0])}), Constraints(increase_only=("age",))).tolist()
    [True, False]
    """
    kept = np.ones(len(before), dtype=bool)
    for name in before:
        was, now, known = before[name], after[name], seen[name]
        same = (was == now) | ((was != was) & (now != now))  # a cell without a value is like another
        if name in constraints.immutable:
            kept &= same
        elif known.dtype.kind in "fiub":
            kept &= same | ((now >= np.nanmin(known)) & (now <= np.nanmax(known)))
            if name in constraints.increase_only:
                kept &= same | (now >= was)
            if name in constraints.decrease_only:
                kept &= same | (now <= was)
        else:
            kept &= same | np.isin(now, known)
    return kept


def neighbour_percentiles(space: Space, after: Floats, known: Floats, apart: Bools) -> Floats:
    """Of each changed row the share of known rows that lie no further from their own neighbours, shape (rows,).

    ``known``: some of the rows that were seen. ``apart[i, j]``: changed row i was made of known row j, which is then no
    neighbour of it. Distances are costs; of both the fifth nearest counts. NaN nowhere: six known rows are needed.
    """
    usual = np.sort(_fifth(space, known, known, np.eye(len(known), dtype=bool)))
    return np.searchsorted(usual, _fifth(space, after, known, apart), side="right") / len(usual)


def _fifth(space: Space, rows: Floats, known: Floats, apart: Bools) -> Floats:
    """The cost from each row to its fifth nearest among the known ones, but those that are set ``apart``."""
    found = np.zeros(len(rows))
    size = max(1, _AT_ONCE // (len(known) * rows.shape[1]))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        distances = space.costs(rows[part][:, None, :], known[None, :, :]).sum(axis=2)
        distances[apart[part]] = np.inf
        found[part] = np.partition(distances, NEIGHBOUR - 1, axis=1)[:, NEIGHBOUR - 1]
    return found


def diversity(space: Space, found: Found) -> tuple[Codes, Floats]:
    """The rows with more than one changed row, and the mean cost between any two of them (Mothilal et al. 2020)."""
    after = space.encoded(found.after)
    rows, starts, many = np.unique(found.of, return_index=True, return_counts=True)
    total, pairs = np.zeros(len(rows)), many * (many - 1) / 2
    for first, second in combinations(range(int(many.max(initial=0))), 2):
        has = np.flatnonzero(many > second)
        total[has] += space.costs(after[starts[has] + first], after[starts[has] + second]).sum(axis=1)
    several = pairs > 0
    return rows[several], total[several] / pairs[several]


def steadiness(space: Space, answers: Answers, after: Floats, rng: np.random.Generator) -> Floats:
    """The share of noisy copies of each changed row that are decided favourably, asked in one round, shape (rows,).

    Numbers that may change get normal noise of a tenth of their scale, as multiples of what their column is one of, and
    within what was tried; codes and texts stay.
    """
    scales = np.array([0.0 if each.fixed or each.step is None else each.scale or 0.0 for each in space.features])
    noisy = np.repeat(after, DRAWS, axis=0)
    noisy += NOISE * scales * rng.normal(size=noisy.shape)
    for place in np.flatnonzero(scales):
        feature = space.features[place]
        noisy[:, place] = np.clip(feature.rounded(noisy[:, place]), feature.values[0], feature.values[-1])
    decided = answers(space.table(noisy)).favourable
    return np.asarray(decided.reshape(-1, DRAWS).mean(axis=1))
