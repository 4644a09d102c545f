"""Leave one out: the simplest acceptable explainer, and the baseline that others must not fall behind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from probandum.evidence import Capability
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World


@explainer("occlusion", explains=[Capability.CLASSIFY, Capability.PREDICT])
class Occlusion(Explainer):
    """How far the log-odds fall when one feature alone is removed, averaged over two ways to remove it.

    phi_j = f(x) - f(x without j). Words are deleted, and masked; columns are set to their median, and to the values
    of a background, over which f is averaged. ``occlusion.delete`` and its kin take one way alone. One round for all
    instances. It claims no completeness, and two features that stand in for each other both get nothing.
    """

    sampled = False
    default_samples = 1
    strategy: ClassVar[str | None] = None

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed."""
        operators = world.occlusions if self.strategy is None else (self.strategy,)
        scores = world.scores(
            [
                Removal(instance=index, operator=operator, kept=~np.eye(len(instance), dtype=bool))
                for index, instance in enumerate(world.instances)
                for operator in operators
            ]
        )
        count = len(operators)
        return [
            Explanation(
                attributions=instance.score - np.mean([each.log_odds for each in own], axis=0),
                base=None,
                evaluations=count * len(instance),
                seed=seed,
            )
            for instance, own in zip(world.instances, zip(*[iter(scores)] * count, strict=True), strict=True)
        ]


@explainer("occlusion.delete", explains=Capability.CLASSIFY)
class Deletion(Occlusion):
    """How far the log-odds fall when one word alone is deleted."""

    by_default = False
    strategy = "delete"


@explainer("occlusion.mask", explains=Capability.CLASSIFY)
class Masking(Occlusion):
    """How far the log-odds fall when three dots stand in place of one word alone."""

    by_default = False
    strategy = "mask"


@explainer("occlusion.median", explains=Capability.PREDICT)
class AtMedian(Occlusion):
    """How far the log-odds fall when one column alone is at its median, a text at its most frequent value."""

    by_default = False
    strategy = "median"


@explainer("occlusion.row", explains=Capability.PREDICT)
class AtAnotherRow(Occlusion):
    """How far the log-odds fall when one column alone has the value of another row, drawn once for each instance."""

    by_default = False
    strategy = "row"


@explainer("occlusion.background", explains=Capability.PREDICT)
class OverBackground(Occlusion):
    """How far the log-odds fall, on average, when one column alone has the values of 100 other rows."""

    by_default = False
    strategy = "background"
