"""Shapley values of boosted trees, which the model's own target computes exactly."""

from __future__ import annotations

from typing import ClassVar

from probandum.evidence import Capability
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import World


@explainer("shap.tree", explains=Capability.PREDICT)
class Tree(Explainer):
    """Exact interventional Shapley values of boosted trees, over a background of 100 rows.

    The model's target computes them with shap's TreeExplainer, whose own check that they add up is never turned off:
    where it fails there is an error and no explanation. Of targets sklearn, xgboost and lightgbm, with two classes.
    Lundberg et al. 2020.
    """

    kind = "Shapley values, interventional"
    complete = True
    arithmetic = "single"
    sampled = False
    by_default = False
    masks = False
    default_samples = 1
    method: ClassVar[str] = "tree-interventional"

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed; one round."""
        found = world.attributed(self.method, range(len(world)))
        return [Explanation(attributions=each.attributions, base=each.base, evaluations=1, seed=seed) for each in found]


@explainer("shap.tree-path-dependent", explains=Capability.PREDICT)
class PathDependentTree(Tree):
    """Exact Shapley values of boosted trees over the rows that they were trained on, as each tree counts them.

    No background is used: an absent column sends a row down both ways of a tree, in the share of training rows that
    took them. Faster than shap.tree, and true to the trees rather than to the model. Lundberg et al. 2020.
    """

    kind = "Shapley values, path-dependent"
    method = "tree-path-dependent"
