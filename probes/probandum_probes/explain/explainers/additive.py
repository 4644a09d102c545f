"""Shapley values of linear models and scorecards, in closed form."""

from __future__ import annotations

import numpy as np

from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World

#: How far the effect of a column may lie apart between being the only one known and the only one unknown, as a share
#: of the largest attribution: what float32 leaves.
TOLERANCE = 1e-4


@explainer("shap.linear", explains=Capability.PREDICT)
class Additive(Explainer):
    """Exact interventional Shapley values of systems whose log-odds add up over columns, over a background of 100 rows.

    phi_j = f(x) - mean of f over x with column j of the background: w_j (x_j - E x_j) for a linear model in log-odds,
    and as well defined for a scorecard. 2 d + 2 versions, in one round for all instances. The system tells by its
    answers that it is of this kind: each column must do the same whether it is the only one known or the only one
    unknown, and UsageError names the first instance of which that does not hold.
    """

    kind = "Shapley values, interventional"
    complete = True
    sampled = False
    by_default = False
    default_samples = 1

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed."""
        removals = []
        for index, instance in enumerate(world.instances):
            lone = np.eye(len(instance), dtype=bool)
            kept = np.concatenate([lone[:1] & False, lone[:1] | True, lone, ~lone])
            removals.append(Removal(instance=index, operator=world.reference, kept=kept))
        found = []
        for instance, each in zip(world.instances, world.scores(removals), strict=True):
            nothing, everything, effects = each.log_odds[0], each.log_odds[1], each.log_odds[2:]
            first, last = effects[: len(instance)] - nothing, everything - effects[len(instance) :]
            apart = float(np.abs(first - last).max())
            if apart > TOLERANCE * max(1.0, float(np.abs(last).max())):
                raise UsageError(
                    f"shap.linear: {instance.key}: what a column does depends on the others, by {apart:.2g} in "
                    "log-odds, so the system is neither linear nor a scorecard",
                    remedy="shap.permutation, shap.kernel and shap.exact explain any system; shap.tree boosted trees",
                )
            found.append(
                Explanation(
                    attributions=(first + last) / 2,
                    base=float(nothing),
                    evaluations=len(each.log_odds),
                    seed=seed,
                )
            )
        return found
