"""Explanations of a model whose weights are drawn anew from the output on: the randomisation test of model parameters.

Adebayo et al. 2018; of its known criticisms (Yona and Greenfeld 2021; Kokhlikyan et al. 2021; Binder et al. 2023) the
null of two random models takes out what the inputs alone force, and the rise of entropy compares no two orders at all
(Hedstrom et al. 2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from probandum.evidence import Floats
from probandum.probe import Ask, Measure
from probandum_probes.explain.explaining import Explainer
from probandum_probes.explain.quality.base import seed_of
from probandum_probes.explain.quality.comparing import cleaned, rankable
from probandum_probes.explain.quality.complexity import complexity
from probandum_probes.explain.quality.random_similarity import (
    attributions,
    shown,
    similarities,
    similarity,
    system_seeds,
)
from probandum_probes.explain.quality.random_systems import with_random_weights
from probandum_probes.explain.worlds import World

#: The steps of the cascade before the last: the head, and a share of the layers behind it.
STEPS: Mapping[str, float] = {"head": 0.0, "quarter": 0.25, "half": 0.5, "three-quarters": 0.75}
#: The last step, at which every weight is drawn anew.
ALL = "all"
#: Inputs that a mean needs.
_FEWEST = 2


def weight_cascade(ask: Ask, world: World, explainer: Explainer) -> Iterator[Measure]:
    """Similarity of one explainer's explanations at full randomisation, at each step before, and what entropy does.

    Each layer is drawn by its own seed, so that the steps of a cascade are one model on its way to chance.
    """
    seed, seeds = seed_of(ask, explainer.name), system_seeds(ask)
    real = attributions(world, explainer, seed=seed)
    worlds = [with_random_weights(world, layers=1.0, seed=each) for each in seeds]
    random = [attributions(each, explainer, seed=seed) for each in worlds]
    facets = {"explainer": explainer.name, "layers": ALL}
    yield from similarity(ask, world, facets, real, random, what="models with weights drawn anew")
    places = [place for place, each in enumerate(real) if rankable(each)]
    if len(places) < _FEWEST:
        return
    for step, share in STEPS.items():
        changed = with_random_weights(world, layers=share, seed=seeds[0])
        alike = similarities(real, attributions(changed, explainer, seed=seed))[places]
        yield shown(ask, world, "similarity", {**facets, "layers": step}, alike, places)
    yield from _entropy_rise(ask, world, explainer.name, real, random)


def _entropy_rise(
    ask: Ask, world: World, name: str, real: Sequence[Floats], random: Sequence[Sequence[Floats]]
) -> Iterator[Measure]:
    """How much more evenly explanations are spread once no weight is left, over inputs of which all say something."""
    every = [real, *random]
    places = [place for place in range(len(world)) if all(cleaned(said[place]).any() for said in every)]
    if len(places) < _FEWEST:
        return
    entropies = np.array([[complexity(said[place]).entropy for place in places] for said in every])
    rise = entropies[1:].mean(axis=0) - entropies[0]
    yield shown(ask, world, "entropy-rise", {"explainer": name}, rise, places, unit="nat")
