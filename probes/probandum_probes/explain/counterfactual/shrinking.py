"""Changes made smaller: one feature of many changed rows brought back as far as their decisions stay flipped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from probandum.evidence import Floats
from probandum.subject import Bools, Codes
from probandum_probes.explain.counterfactual.space import Space, rounded

#: Parts that a way is cut into, and how often: what is left is a hundred-millionth of the way.
PARTS, ROUNDS = 10, 8

#: Asks whether changed rows flip, and how near they come: which row each is made of, and the rows.
Asked = Callable[[Codes, Floats], tuple[Bools, Floats]]


def shrunk(space: Space, ask: Asked, of: Codes, before: Floats, after: Floats, places: Codes) -> Floats:
    """``after``, in each row the feature ``places[i]`` as near to ``before`` as the decision stays flipped.

    Its first round also asks about the rows with the feature back where it was, and about every value that was seen in
    between of codes. Where a decision flips more than once on the way, the flip that is found is a smallest one nearby.
    """
    each = np.arange(len(places))
    start, end = before[each, places], after[each, places].copy()
    near = start.copy()
    for turn in range(ROUNDS):
        which, values = _between(space, places, near, end, first=turn == 0)
        if not len(which):
            break
        rows = after[which].copy()
        rows[np.arange(len(which)), places[which]] = values
        flipped, _ = ask(of[which], rows)
        far = np.abs(values - start[which])
        closest = np.full(len(places), np.inf)
        np.minimum.at(closest, which[flipped], far[flipped])
        hit = far == closest[which]
        end[which[hit]] = values[hit]
        reached = np.abs(end - start)
        outside = ~flipped & (far < reached[which])
        farthest = np.full(len(places), -1.0)
        np.maximum.at(farthest, which[outside], far[outside])
        last = outside & (far == farthest[which])
        near[which[last]] = values[last]
    moved = after.copy()
    moved[each, places] = end
    return moved


def _between(space: Space, places: Codes, near: Floats, end: Floats, *, first: bool) -> tuple[Codes, Floats]:
    """Which rows are asked about next, and with which values, all of them nearer than ``end``.

    ``first``: the value where each began is among them, and all that were seen of codes.
    """
    steps = np.array([np.nan if each.step is None else each.step for each in space.features])[places]
    way = (end - near)[:, None] * np.arange(1, PARTS) / PARTS
    points = near[:, None] + way
    points = rounded(points, steps[:, None])
    inside = _inside(points, near, end) & ~np.isnan(steps)[:, None]
    row, column = np.nonzero(inside)
    which, values = [row], [points[row, column]]
    if first:
        moved = np.flatnonzero(end != near)
        which.append(moved)
        values.append(near[moved])
        codes = np.isnan(steps) & np.array([each.scale is not None for each in space.features])[places]
        widest = max(len(each.values) for each in space.features)
        seen = np.full((len(space.features), widest), np.nan)
        for place, each in enumerate(space.features):
            seen[place, : len(each.values)] = each.values
        held = seen[places]
        row, column = np.nonzero(_inside(held, near, end) & codes[:, None])
        which.append(row)
        values.append(held[row, column])
    return np.concatenate(which), np.concatenate(values)


def _inside(points: Floats, near: Floats, end: Floats) -> Bools:
    """Which points lie between two ends, neither of them."""
    low, high = np.minimum(near, end)[:, None], np.maximum(near, end)[:, None]
    return np.asarray((points > low) & (points < high))
