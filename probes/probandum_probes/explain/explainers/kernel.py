"""Kernel SHAP: Shapley values by a weighted regression over versions that are drawn as the shap library draws them."""

from __future__ import annotations

from itertools import combinations
from math import ceil, comb
from typing import NamedTuple

import numpy as np

from probandum.evidence import Capability, Floats
from probandum.subject import Bools
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World, distinct

#: What the library takes beside two versions a column.
USUAL = 2048


class Drawn(NamedTuple):
    """Versions of the columns that vary, and their weights: ``kept`` (versions, columns), ``weights`` (versions,)."""

    kept: Bools
    weights: Floats


@explainer("shap.kernel", explains=Capability.PREDICT)
class Kernel(Explainer):
    """Interventional Shapley values by a weighted regression over versions, each asked over a background of 100 rows.

    2 d + 2,048 versions by default, of which those of few or of nearly all columns are taken whole; up to 11 columns
    that is every version, and the values are exact. One round for all instances, and the values of
    shap.KernelExplainer under the same seed with ``l1_reg=False``. The library's own default keeps ten columns only
    and is left out: on 20 columns it multiplies the error by five. Lundberg and Lee 2017.
    """

    kind = "Shapley values, interventional"
    complete = True
    constructed = True
    by_default = False
    default_samples = USUAL

    def __init__(self, samples: int | None = None) -> None:
        super().__init__(samples)
        self._usual = samples is None

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance, so that the others do not matter."""
        seeds = [instance.seed(seed) for instance in world.instances]
        varying = [world.varying(index) for index in range(len(world))]
        drawn = [self._drawn(int(each.sum()), own) for each, own in zip(varying, seeds, strict=True)]
        scores = world.scores(
            [
                Removal(instance=index, operator=world.reference, kept=_whole(each.kept, which), seed=own)
                for index, (each, which, own) in enumerate(zip(drawn, varying, seeds, strict=True))
            ]
        )
        found = []
        for each, which, values, own in zip(drawn, varying, scores, seeds, strict=True):
            attributions = np.zeros(len(which))
            attributions[which] = regressed(each, values.log_odds)
            found.append(
                Explanation(
                    attributions=attributions,
                    base=float(values.log_odds[0]),
                    evaluations=len(values.log_odds),
                    seed=own,
                )
            )
        return found

    def _drawn(self, width: int, seed: int) -> Drawn:
        return coalitions(width, 2 * width + USUAL if self._usual else self.samples, np.random.RandomState(seed))


def coalitions(width: int, samples: int, rng: np.random.RandomState) -> Drawn:
    """At most ``samples`` versions of ``width`` columns, neither empty nor whole.

    Sizes s and d - s together weigh (d - 1) / (s (d - s)); from the smallest s on, a size is taken whole where its
    share of the samples left reaches. From the others pairs of a version and its complement are drawn, and a version
    that comes again counts again.

    >>> kept, weights = coalitions(3, 100, np.random.RandomState(0))
    >>> len(kept), weights.round(6).tolist()
    (6, [0.166667, 0.166667, 0.166667, 0.166667, 0.166667, 0.166667])
    """
    if width < 2:
        return Drawn(np.zeros((0, width), dtype=bool), np.zeros(0))
    samples = min(samples, 2**width - 2) if width <= 30 else samples
    sizes, paired = ceil((width - 1) / 2), (width - 1) // 2
    share = np.array([(width - 1) / (size * (width - size)) for size in range(1, sizes + 1)])
    share[:paired] *= 2
    share /= share.sum()
    kept: list[Bools] = []
    weights: list[Floats] = []
    left, full, rest = samples, 0, share.copy()
    for size in range(1, sizes + 1):
        subsets = comb(width, size)
        count = 2 * subsets if size <= paired else subsets
        if left * rest[size - 1] / count < 1 - 1e-8:
            break
        full, left = size, left - count
        if rest[size - 1] < 1:
            rest /= 1 - rest[size - 1]
        whole = np.zeros((subsets, width), dtype=bool)
        whole[np.arange(subsets)[:, None], np.array(list(combinations(range(width), size)))] = True
        kept += [whole, ~whole] if size <= paired else [whole]
        weights.append(np.full(count, share[size - 1] / count))
    if full < sizes and left > 0:
        likely = share.copy()
        likely[:paired] /= 2  # a draw of a paired size brings two versions
        likely = likely[full:] / likely[full:].sum()
        pairs, counts = _pairs(width, left, full + 1 + rng.choice(sizes - full, 4 * left, p=likely), paired, rng)
        kept.append(pairs)
        weights.append(counts * share[full:].sum() / counts.sum())
    return Drawn(np.concatenate(kept), np.concatenate(weights))


def _pairs(width: int, left: int, sizes: np.ndarray, paired: int, rng: np.random.RandomState) -> tuple[Bools, Floats]:
    """Drawn versions with their complements, ``left`` at most, each once, and how often each was drawn.

    The library draws one permutation a version, so that equal seeds allow nothing else here.
    """
    kept, done, spent = np.zeros((0, width), dtype=bool), 0, 0
    while spent < left and done < len(sizes):
        taken = sizes[done : done + left // 2 + 1]
        ranks = np.argsort([rng.permutation(width) for _ in taken], axis=1)
        kept = np.concatenate([kept, ranks < taken[:, None]])
        done = len(kept)
        first, places = distinct(kept)
        new = np.zeros(done, dtype=bool)
        new[first] = True
        costs = np.where(new, 1 + (sizes[:done] <= paired), 0)
        spent = int(costs.sum())
    used = np.cumsum(costs) - costs < left
    order = np.sort(first[used[first]])
    counts = np.bincount(places[used], minlength=len(first)).astype(np.float64)[places[order]]
    with_complement = sizes[order] <= paired
    if costs[order].sum() > left:  # the last complement has no place left
        with_complement[-1] = False
    versions = np.concatenate([kept[order], ~kept[order[with_complement]]])
    return versions, np.concatenate([counts, counts[with_complement]])


def _whole(kept: Bools, varying: Bools) -> Bools:
    """Versions of all columns: nothing, everything, and those drawn; columns that never vary stay as they are."""
    masks = np.ones((len(kept) + 2, len(varying)), dtype=bool)
    masks[:, varying] = np.concatenate([np.zeros((1, kept.shape[1])), np.ones((1, kept.shape[1])), kept])
    return masks


def regressed(drawn: Drawn, values: Floats) -> Floats:
    """Attributions of the columns that vary; ``values``: f of nothing, of everything, and of the versions.

    The weighted least squares of f - f(nothing) by what is kept, whose weights add up to f(everything) - f(nothing).
    """
    nothing, everything, found = values[0], values[1], values[2:]
    width = drawn.kept.shape[1]
    if width < 2:
        return np.full(width, everything - nothing)
    kept = drawn.kept.astype(np.float64)
    sides = kept[:, :-1] - kept[:, -1:]
    target = found - nothing - kept[:, -1] * (everything - nothing)
    weighted = drawn.weights[:, None] * sides
    solved = np.linalg.lstsq(weighted.T @ sides, weighted.T @ target, rcond=None)[0]
    return np.append(solved, everything - nothing - solved.sum())
