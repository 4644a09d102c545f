"""Features taken away at random, and what an explanation foretells of the answer: what infidelity is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from probandum.evidence import Floats
from probandum.subject import Bools
from probandum_probes.explain.worlds import Removal, World


class Removed(NamedTuple):
    """Of one input which features each removal takes, shape (removals, features), and how far f falls, (removals,)."""

    gone: Bools
    fall: Floats


class Moments(NamedTuple):
    """Means over removals of what is foretold, I.phi, and of what happens, f(x) - f(x - I); shape (inputs,) each."""

    error: Floats
    happened: Floats
    both: Floats
    foretold: Floats


def draw_removals(width: int, count: int, rng: np.random.Generator, *, runs: bool = False) -> Bools:
    """``count`` sets of 1 to ``width`` features, each size alike; ``runs``: of neighbours only, the squares of a text.

    >>> draw_removals(1, 2, np.random.default_rng(0)).tolist()
    [[True], [True]]
    """
    sizes = rng.integers(1, width + 1, size=count)[:, None]
    if runs:
        starts = rng.integers(0, width - sizes + 1)
        order = np.arange(width)[None, :] - starts
        return (order >= 0) & (order < sizes)
    gone: Bools = rng.permuted(np.tile(np.arange(width), (count, 1)), axis=1) < sizes
    return gone


def remove(world: World, count: int, *, seed: int, runs: bool = False) -> list[Removed]:
    """``count`` removals of every input and what becomes of f, averaged over ways to remove; one round for all."""
    gone = [
        draw_removals(len(each), count, np.random.default_rng(each.seed(seed)), runs=runs) for each in world.instances
    ]
    scores = iter(
        world.scores(
            [
                Removal(instance=index, operator=operator, kept=~each, seed=seed)
                for index, each in enumerate(gone)
                for operator in world.operators
            ]
        )
    )
    return [
        Removed(each, instance.score - np.mean([next(scores).log_odds for _ in world.operators], axis=0))
        for each, instance in zip(gone, world.instances, strict=True)
    ]


def moments(removed: Sequence[Removed], attributions: Sequence[Floats]) -> Moments:
    """What infidelity and its scale follow from; ``error`` is infidelity itself.

    >>> once = Removed(np.array([[True, False], [True, True]]), np.array([1.0, 3.0]))  # phi foretells 2 and 3
    >>> [part.tolist() for part in moments([once], [np.array([2.0, 1.0])])]
    [[0.5], [5.0], [5.5], [6.5]]
    """
    rows = []
    for each, phi in zip(removed, attributions, strict=True):
        foretold = each.gone @ phi
        rows.append(
            [
                np.mean((foretold - each.fall) ** 2),
                np.mean(each.fall**2),
                np.mean(foretold * each.fall),
                np.mean(foretold**2),
            ]
        )
    return Moments(*np.array(rows, dtype=np.float64).reshape(-1, 4).T)
