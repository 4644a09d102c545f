"""Leave one out: the simplest acceptable explainer, and the baseline that others must not fall behind."""

from __future__ import annotations

import numpy as np

from probandum.evidence import Capability
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World


@explainer("occlusion", explains=[Capability.CLASSIFY, Capability.PREDICT])
class Occlusion(Explainer):
    """How far the log-odds fall when one feature alone is removed: a word deleted or masked, a column at its median.

    phi_j = f(x) - f(x without j); for texts the mean over deletion and masking. One round for all instances.
    It claims no completeness, and two features that stand in for each other both get nothing.
    """

    sampled = False
    default_samples = 1

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed."""
        removals = [
            Removal(instance=index, operator=operator, kept=~np.eye(len(instance), dtype=bool))
            for index, instance in enumerate(world.instances)
            for operator in world.occlusions
        ]
        scores = iter(world.scores(removals))
        return [
            Explanation(
                attributions=instance.score - np.mean([next(scores).log_odds for _ in world.occlusions], axis=0),
                base=None,
                evaluations=len(world.occlusions) * len(instance),
                seed=seed,
            )
            for instance in world.instances
        ]
