"""Shapley values by permutations there and back, as the shap library draws them."""

from __future__ import annotations

import numpy as np

from probandum.evidence import Capability, Floats
from probandum.subject import Bools, Codes
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World


@explainer("shap.permutation", explains=Capability.PREDICT)
class Permutation(Explainer):
    """Interventional Shapley values by antithetic permutations over a background of 100 rows.

    Exact for models whose log-odds hold interactions of two columns at most. A permutation there and back takes
    2 d + 1 versions, each asked over the whole background; ``samples`` is rounded down to whole permutations, one
    at least, which is the default: ``explain.seed-stability`` says whether a system needs more. One round for all
    instances, and the values of shap.explainers.Permutation under the same seed, since permutations are drawn alike.
    Castro et al. 2009; Mitchell et al. 2022.
    """

    kind = "Shapley values, interventional"
    complete = True
    constructed = True
    default_samples = 1

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance, so that the others do not matter."""
        seeds = [instance.seed(seed) for instance in world.instances]
        ranks = [self._ranks(len(instance), own) for instance, own in zip(world.instances, seeds, strict=True)]
        scores = world.scores(
            [
                Removal(instance=index, operator=world.reference, kept=there_and_back(ranked), seed=own)
                for index, (ranked, own) in enumerate(zip(ranks, seeds, strict=True))
            ]
        )
        return [
            Explanation(
                attributions=steps_of(each.log_odds, ranked).mean(axis=0),
                base=float(each.log_odds[0]),
                evaluations=len(each.log_odds),
                seed=own,
            )
            for each, ranked, own in zip(scores, ranks, seeds, strict=True)
        ]

    def _ranks(self, width: int, seed: int) -> Codes:
        """At which step each feature enters, shape (permutations, features); each shuffles the one before it."""
        rng, order = np.random.RandomState(seed), np.arange(width)
        drawn = np.empty((max(1, self.samples // (2 * width + 1)), width), dtype=np.int64)
        for permutation in drawn:
            rng.shuffle(order)
            permutation[order] = np.arange(width)
        return drawn


def there_and_back(ranks: Codes) -> Bools:
    """Versions along each permutation: features enter one by one, then leave in the same order.

    Shape (permutations * (2 d + 1), features), from nothing over everything to nothing.

    >>> there_and_back(np.array([[1, 0]])).astype(int).tolist()
    [[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]
    """
    permutations, width = ranks.shape
    steps = np.arange(2 * width + 1)[None, :, None]
    kept = np.where(steps <= width, ranks[:, None, :] < steps, ranks[:, None, :] >= steps - width)
    return kept.reshape(permutations * (2 * width + 1), width)


def steps_of(values: Floats, ranks: Codes) -> Floats:
    """Of each permutation and feature the mean step of f where it enters and where it leaves, in its own shape.

    >>> steps_of(np.array([0.0, 1.0, 3.0, 2.0, 0.0]), np.array([[1, 0]])).tolist()  # f: nothing, b, both, a, nothing
    [[2.0, 1.0]]
    """
    permutations, width = ranks.shape
    steps = np.diff(values.reshape(permutations, 2 * width + 1), axis=1)
    enters = np.take_along_axis(steps[:, :width], ranks, axis=1)
    leaves = np.take_along_axis(steps[:, width:], ranks, axis=1)
    return np.asarray((enters - leaves) / 2)
