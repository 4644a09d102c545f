"""How well an order of features accounts for an answer, and what the best and a random order would reach.

A feature is removed by every operator of the world in turn (texts: deleted, masked; rows: set to the median, to
another row's value), and probabilities are averaged over operators before anything is compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from probandum.evidence import Floats
from probandum.probe import Ask
from probandum.stats import has_dynamic_range
from probandum.subject import Bools
from probandum_probes.explain.worlds import Removal, World

#: Shares of the features that are removed or kept.
SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
#: Random orders an input.
RANDOM_ORDERS = 20

#: What orders are scored by.
METRICS = ("comprehensiveness", "sufficiency", "deletion", "insertion")

Order = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faithfulness:
    """Scores of one contender on every input, shape (instances,) each; larger is better for all four.

    ``comprehensiveness``: mean over shares q of p(x) - p(x without the first q). ``sufficiency``: mean of
    p(only the first q) - p(x). ``deletion``: the area between p(x) and p over the share removed, 0 to 1.
    ``insertion``: the area between p over the share added, 0 to 1, and p(nothing). ``whole``: p(x) - p(nothing), by
    which areas of normalised probabilities divide.
    """

    comprehensiveness: Floats
    sufficiency: Floats
    deletion: Floats
    insertion: Floats
    whole: Floats

    @property
    def area_removed(self) -> Floats:
        """The area under p(x without the first q) - p(nothing): of ``whole``, what is left; smaller is better."""
        return self.whole - self.deletion


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Every contender's scores beside those of random orders, as their mean, and of the greedy oracle."""

    contenders: Mapping[str, Faithfulness]
    random: Mapping[str, Floats]
    oracle: Faithfulness

    def gain(self, name: str, metric: str) -> Floats:
        """M - R of one contender, input by input."""
        own: Floats = getattr(self.contenders[name], metric)
        return own - self.random[metric]

    def span(self, metric: str) -> Floats:
        """O - R, input by input."""
        best: Floats = getattr(self.oracle, metric)
        return best - self.random[metric]

    def separates(self, metric: str) -> bool:
        """Whether the metric tells a random order from the best one on these inputs at all."""
        return has_dynamic_range(self.random[metric], getattr(self.oracle, metric))


def scored(
    ask: Ask,
    world: World,
    orders: Mapping[str, Sequence[Order]],
    *,
    keeping: Mapping[str, Sequence[Order]] | None = None,
    oracle: tuple[list[Order], list[Order]] | None = None,
) -> Scored:
    """Scores of ``orders``, of 20 random orders and of the greedy oracle, from one round after the search."""
    removing, kept = oracle or greedy_orders(world)
    random = random_orders(world, ask.rng("random"))
    chance = {f"random {index}": order for index, order in enumerate(random)}
    found = faithfulness(world, {**orders, **chance, "oracle": removing}, keeping={**(keeping or {}), "oracle": kept})
    return Scored(
        contenders={name: found[name] for name in orders},
        random={metric: np.mean([getattr(found[name], metric) for name in chance], axis=0) for metric in METRICS},
        oracle=found["oracle"],
    )


def sizes(width: int) -> tuple[int, ...]:
    """How many of ``width`` features each share is: max(1, ceil(q d)).

    >>> sizes(12)
    (1, 1, 2, 3, 6)
    """
    return tuple(max(1, math.ceil(round(share * width, 9))) for share in SHARES)


def ranked(attributions: Floats) -> Order:
    """Features from the one that speaks most for the class to the one that speaks most against; ties in order.

    >>> ranked(np.array([0.0, 2.0, -1.0, 2.0])).tolist()
    [1, 3, 0, 2]
    """
    return np.argsort(-attributions, kind="stable")


def by_size(attributions: Floats) -> Order:
    """Features from the largest attribution to the smallest, whichever way they speak; ties in order.

    >>> by_size(np.array([0.5, 2.0, -3.0])).tolist()
    [2, 1, 0]
    """
    return ranked(np.abs(attributions))


def random_orders(world: World, rng: np.random.Generator, count: int = RANDOM_ORDERS) -> list[list[Order]]:
    """``count`` orders of each instance's features.

    Scores depend on the order alone, and a random permutation of signed attributions has every order equally
    often: one set of random orders serves all explainers.
    """
    return [[rng.permutation(len(instance)) for instance in world.instances] for _ in range(count)]


def faithfulness(
    world: World, orders: Mapping[str, Sequence[Order]], *, keeping: Mapping[str, Sequence[Order]] | None = None
) -> dict[str, Faithfulness]:
    """Scores of every contender, from one round. ``orders[name][i]``: that contender's order for instance i.

    ``keeping``: contenders that keep features in another order than they remove them in: the greedy oracle.
    """
    kept_orders = {**orders, **(keeping or {})}
    removals = []
    for index, instance in enumerate(world.instances):
        cuts = _cuts(len(instance))
        versions = [_cut(orders[name][index], cuts, keep=False) for name in orders]
        versions += [_cut(kept_orders[name][index], cuts, keep=True) for name in orders]
        kept = np.concatenate(versions)
        removals += [Removal(instance=index, operator=operator, kept=kept) for operator in world.operators]
    scores = iter(world.scores(removals))
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in orders}
    for instance in world.instances:
        mean = np.mean([next(scores).probability for _ in world.operators], axis=0)
        cuts = _cuts(len(instance))
        removed, kept_only = mean.reshape(2, len(orders), len(cuts))
        places = [cuts.index(size) for size in sizes(len(instance))]
        shares = np.array([0, *cuts]) / len(instance)
        for name, without, only in zip(orders, removed, kept_only, strict=True):
            fall = instance.probability - without
            rise = only - without[-1]  # the last version removes everything
            areas = (np.trapezoid(np.concatenate([[0.0], curve]), shares) for curve in (fall, rise))
            found[name].append(
                (fall[places].mean(), (only[places] - instance.probability).mean(), *areas, float(fall[-1]))
            )
    names = [field.name for field in fields(Faithfulness)]
    return {
        name: Faithfulness(**dict(zip(names, np.array(rows).reshape(-1, len(names)).T, strict=True)))
        for name, rows in found.items()
    }


def greedy_orders(world: World) -> tuple[list[Order], list[Order]]:
    """The orders a greedy search finds by asking the system: for removing, and for keeping.

    Each step removes the feature whose loss lowers p most, or adds the one that raises it most, ties in order;
    after half of the features, the last share that counts, the rest follows in its own order. One round a step.
    """
    found: list[list[list[int]]] = [[[] for _ in world.instances] for _ in range(2)]
    steps = max(sizes(len(instance))[-1] for instance in world.instances)
    for step in range(steps):
        active = [index for index, instance in enumerate(world.instances) if step < sizes(len(instance))[-1]]
        removals, left = [], {}
        for index in active:
            width = len(world.instances[index])
            left[index] = [[j for j in range(width) if j not in chosen[index]] for chosen in found]
            versions = [
                _extended(width, chosen[index], rest, keep=keep)
                for keep, chosen, rest in zip((False, True), found, left[index], strict=True)
            ]
            kept = np.concatenate(versions)
            removals += [Removal(instance=index, operator=operator, kept=kept) for operator in world.operators]
        scores = iter(world.scores(removals))
        for index in active:
            mean = np.mean([next(scores).probability for _ in world.operators], axis=0)
            losing, winning = mean.reshape(2, -1)
            found[0][index].append(left[index][0][int(losing.argmin())])
            found[1][index].append(left[index][1][int(winning.argmax())])
    removing, keeping = (
        [
            np.array([*chosen, *(j for j in range(len(instance)) if j not in chosen)])
            for instance, chosen in zip(world.instances, each, strict=True)
        ]
        for each in found
    )
    return removing, keeping


def _cuts(width: int) -> list[int]:
    """The sizes at which paths are read, each once, and the whole."""
    return sorted({*sizes(width), width})


def _cut(order: Order, cuts: Sequence[int], *, keep: bool) -> Bools:
    """Masks of the first 1, 2, ... features of ``order`` kept alone, or taken away."""
    masks = np.full((len(cuts), len(order)), not keep)
    for mask, size in zip(masks, cuts, strict=True):
        mask[order[:size]] = keep
    return masks


def _extended(width: int, chosen: Sequence[int], rest: Sequence[int], *, keep: bool) -> Bools:
    """Masks of ``chosen`` and one more of ``rest`` each, kept alone or taken away."""
    masks = np.full((len(rest), width), not keep)
    masks[:, list(chosen)] = keep
    masks[np.arange(len(rest)), list(rest)] = keep
    return masks
