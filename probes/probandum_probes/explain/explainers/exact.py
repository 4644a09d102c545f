"""Exact Shapley values: every version of an input is asked about, so nothing is estimated."""

from __future__ import annotations

from math import comb

import numpy as np

from probandum.errors import UsageError
from probandum.evidence import Capability, Floats
from probandum.subject import Bools
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World

#: The most features: 4,096 versions.
MOST_FEATURES = 12


@explainer("shap.exact", explains=[Capability.CLASSIFY, Capability.PREDICT])
class Exact(Explainer):
    """Shapley values from all versions of an input, for rows and texts of at most 12 features.

    Absent columns take the values of a background of 100 rows in turn, absent words are three dots. 2^d versions,
    those of all instances in one round; one matrix product an instance. ``samples`` plays no part.
    Shapley 1953; Lundberg and Lee 2017.
    """

    kind = "Shapley values, interventional"
    complete = True
    constructed = True
    sampled = False
    by_default = False
    default_samples = 2**MOST_FEATURES

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed; UsageError where an instance has too many features."""
        for instance in world.instances:
            if len(instance) > MOST_FEATURES:
                raise UsageError(
                    f"shap.exact: {instance.key} has {len(instance)} features; expected {MOST_FEATURES} at most",
                    remedy="of more features shap.permutation and shap.kernel (rows) or shap.partition (texts) speak",
                )
        scores = world.scores(
            [
                Removal(instance=index, operator=world.reference, kept=versions(len(instance)))
                for index, instance in enumerate(world.instances)
            ]
        )
        return [
            Explanation(
                attributions=each.log_odds @ shapley_weights(len(instance)),
                base=float(each.log_odds[0]),
                evaluations=len(each.log_odds),
                seed=seed,
            )
            for instance, each in zip(world.instances, scores, strict=True)
        ]


def versions(width: int) -> Bools:
    """All subsets of ``width`` features, shape (2^width, width); nothing first, everything last.

    >>> versions(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    kept: Bools = (np.arange(2**width)[:, None] >> np.arange(width)) % 2 == 1
    return kept


def shapley_weights(width: int) -> Floats:
    """What f of each subset counts for each feature, shape (2^width, width).

    (s - 1)! (d - s)! / d! for a feature within a subset of s features, - s! (d - s - 1)! / d! for one outside.

    >>> shapley_weights(2).tolist()  # half of f(1, 0) - f(0, 0) and half of f(1, 1) - f(0, 1) for the first
    [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]
    """
    kept = versions(width)
    size = kept.sum(axis=1)
    within = np.array([0.0, *(1 / (s * comb(width, s)) for s in range(1, width + 1))])
    outside = np.array([*(1 / ((width - s) * comb(width, s)) for s in range(width)), 0.0])
    weights: Floats = np.where(kept, within[size][:, None], -outside[size][:, None])
    return weights
