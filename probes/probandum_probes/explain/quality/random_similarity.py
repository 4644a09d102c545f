"""How alike explanations of the audited system and of random ones are, held against those of random ones alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.stats import mean_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import Explainer
from probandum_probes.explain.quality.base import items_of, population, seed_of
from probandum_probes.explain.quality.comparing import over_null, rankable, spearman
from probandum_probes.explain.worlds import World

#: Inputs that a verdict needs.
FEWEST = 30
#: Random systems that each explainer explains: ten pairs of them.
SYSTEMS = 5
#: What may be judged.
JUDGED = "similarity-over-null"


def attributions(world: World, explainer: Explainer, *, seed: int) -> list[Floats]:
    """What one explainer says of all inputs."""
    return [each.attributions for each in explainer.explain(world, seed=seed)]


def similarities(first: Sequence[Floats], second: Sequence[Floats]) -> Floats:
    """Spearman's correlation of the sizes, input by input; 0 where either explanation ranks nothing."""
    return np.array(
        [spearman(a, b) if rankable(a) and rankable(b) else 0.0 for a, b in zip(first, second, strict=True)]
    )


def paired(random: Sequence[Sequence[Floats]]) -> Floats:
    """How alike explanations of two random systems are, shape (inputs, pairs)."""
    return np.column_stack([similarities(first, second) for first, second in combinations(random, 2)])


def system_seeds(ask: Ask) -> list[int]:
    """A seed for every random system."""
    return [seed_of(ask, "system", str(place)) for place in range(SYSTEMS)]


def similarity(
    ask: Ask,
    world: World,
    facets: Mapping[str, str],
    real: Sequence[Floats],
    random: Sequence[Sequence[Floats]],
    *,
    what: str,
) -> Iterator[Measure]:
    """What is judged of one explainer, the similarity itself and the null; ``what``: which systems are random.

    Where fewer than two inputs are ranked there is nothing to compare.
    """
    name = facets["explainer"]
    places = [place for place, each in enumerate(real) if rankable(each)]
    n = len(places)
    if n < 2:
        why = f"{name} gives attributions of more than one size for {n} of {len(world)} inputs: nothing is ranked"
        yield not_applicable(facets, why, n, SubReason.NO_DYNAMIC_RANGE)
        return
    alike = np.mean([similarities(real, each) for each in random], axis=0)[places]
    null = paired(random)
    value, draws = over_null(alike, null[places], rng=ask.rng("bootstrap", *facets.values()))
    few = n < FEWEST
    design = f"{population(world)}; {len(random)} {what}, null of {null.shape[1]} pairs"
    if n < len(world):
        design += f"; {len(world) - n} inputs whose attributions rank nothing left out"
    yield Measure(
        metric=JUDGED,
        estimate=from_draws("bootstrap", value, draws, n=n, unit="score", design=design),
        facets=facets,
        verdict=Verdict.INCONCLUSIVE if few else None,
        sub_reason=SubReason.UNDERPOWERED if few else None,
        why=f"{n} inputs; a verdict needs {FEWEST}" if few else None,
        items=items_of(world, alike - (float(alike.mean()) - value), "score", places=places),
    )
    yield shown(ask, world, "similarity", facets, alike, places)
    yield shown(ask, world, "null-similarity", facets, null[places].mean(axis=1), places)


def shown(
    ask: Ask,
    world: World,
    metric: str,
    facets: Mapping[str, str],
    values: Floats,
    places: Sequence[int],
    *,
    unit: str = "score",
) -> Measure:
    """A mean over inputs that is not judged."""
    draws = mean_draws(values, rng=ask.rng("bootstrap", *facets.values(), metric))
    return Measure(
        metric=metric,
        estimate=from_draws(
            "bootstrap", float(values.mean()), draws, n=len(values), unit=unit, design=population(world)
        ),
        facets=facets,
        mode="disclosure",
        items=items_of(world, values, unit, places=places),
    )


def not_applicable(facets: Mapping[str, str], why: str, n: int, reason: SubReason) -> Measure:
    """That nothing can be judged of an explainer, and why."""
    return Measure(
        metric=JUDGED,
        estimate=Estimate.missing(why, n=n, unit="score"),
        facets=facets,
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=reason,
        why=why,
    )
