"""Controls of association tests: vectors that are what the attributes are, and targets whose sets mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.probe import Ask
from probandum_probes.bias.association_tests import (
    NO_SPREAD,
    effect_size,
    largest_effect,
    permutation_test,
    unit,
)
from probandum_probes.bias.association_vectors import near_to, texts_of

Outcome = tuple[bool | None, str]

#: Random partitions that the negative control tests, and how often they may come out below 5 %.
PARTITIONS = 1000
_ALPHA = 0.05
_FALSE_ALARM = 0.01
_CLOSE = 1e-6


def finds_aligned_vectors(probe: Any, ask: Ask) -> Outcome:
    """Every word of X lies where A does on average, and of Y where B does: the effect is the largest there is."""
    test = probe.chosen[0]
    texts = {
        side: {text for word in words for _, level in probe.levels() for text in texts_of(word, level)}
        for side, words in (("x", test.x.words), ("y", test.y.words), ("a", test.a.words), ("b", test.b.words))
    }

    def aligned(request: Request, response: Response) -> Response:
        values = response.outputs
        if response.error is not None or response.refused or values is None or not values.any(axis=1).all():
            return response
        member = {side: np.array([text in known for text in request.texts]) for side, known in texts.items()}
        moved, directions = values.copy(), unit(values)
        moved[member["x"]] = directions[member["a"]].mean(axis=0)
        moved[member["y"]] = directions[member["b"]].mean(axis=0)
        return replace(response, outputs=moved)

    vectors = probe.vectors(ChangedAnswers(ask, aligned))
    if vectors.broken is not None:
        return None, vectors.broken
    x, y = near_to(vectors, test, ())
    x, y = x.ravel(), y.ravel()
    effect, most = effect_size(x, y), largest_effect(len(x))
    if effect is None or abs(float(x.mean() - y.mean())) < NO_SPREAD:
        return None, f"the vectors of {test.a.name} and {test.b.name} are alike: there is no room for an effect"
    found = permutation_test(x, y, ask.rng("aligned"))
    held = abs(effect - most) < _CLOSE and found.p <= 1 / found.partitions
    return held, f"aligned vectors: effect {effect:.4f} of at most {most:.4f}, p = {found.p:.2g}"


def quiet_on_permuted_words(probe: Any, ask: Ask) -> Outcome:
    """Where chance says which targets are X, p lies below 5 % in 5 % of partitions."""
    from scipy.stats import binom

    vectors, test = probe.vectors(ask), probe.chosen[0]
    if vectors.broken is not None:
        return None, vectors.broken
    x, y = (each.ravel() for each in near_to(vectors, test, ()))
    if effect_size(x, y) is None:
        return None, "every word is associated alike"
    rng = ask.rng("permuted")
    everything = permutation_test(x, y, rng).sums
    drawn = np.sort(everything)
    observed = everything[rng.integers(0, len(everything), size=PARTITIONS)]
    p = (len(drawn) - np.searchsorted(drawn, observed, side="left")) / len(drawn)
    below = int((p <= _ALPHA).sum())
    most = int(binom.ppf(1 - _FALSE_ALARM / 2, PARTITIONS, _ALPHA))
    return below <= most, f"p was at most 0.05 in {below} of {PARTITIONS} random partitions, at most {most} by chance"
