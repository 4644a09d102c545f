"""explain.efficiency: do attributions add up to what they explain?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability, Floats, Items, Request
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, probe
from probandum_probes.explain.explaining import Explainer, Explanation
from probandum_probes.explain.quality import QualityProbe, population, seed_of, unable
from probandum_probes.explain.worlds import Instance, Removal, Scores, World

#: Log-odds below which a difference to the base value is taken as this, so that a constant model divides by no 0.
SMALLEST_GAP = 1e-6
#: Inputs that the controls look at.
CONTROL_INPUTS = 5
#: What the planted fault shifts: this share of f(x) - base, spread over all features.
PLANTED = 0.1


def residual(attributions: Floats, base: float, score: float) -> float:
    """r = abs(sum phi + base - f(x)) / max(abs(f(x) - base), 1e-6); 0 where attributions add up.

    >>> residual(np.array([0.5, 0.4]), 1.0, 2.0)
    0.1
    """
    gap = abs(float(attributions.sum()) + base - score)
    return round(gap / max(abs(score - base), SMALLEST_GAP), 15)


class LinearWorld(World):
    """The same instances under a model that is linear in which features are kept: its attributions are known."""

    def __init__(self, world: World) -> None:
        super().__init__(world.ask, world.instances)
        self._world = world
        self.operators = world.operators

    @staticmethod
    def weights(width: int) -> Floats:
        """(-1)^j (j + 1) / d, shape (width,): what every explainer that is exact for linear models must find."""
        return np.arange(1, width + 1) / width * (-1.0) ** np.arange(width)

    def first(self, count: int) -> World:
        """The same model on fewer instances."""
        return LinearWorld(self._world.first(count))

    def request(self, removal: Removal) -> tuple[Request, int]:
        """As the real system would be asked; it is not."""
        return self._world.request(removal)

    def pieces(self, instance: int) -> tuple[str, ...]:
        """The features of an instance."""
        return self.instances[instance].features

    def scores(self, removals: Sequence[Removal]) -> list[Scores]:
        """0.25 + the weights of what is kept."""
        sums = [0.25 + removal.kept @ self.weights(removal.kept.shape[1]) for removal in removals]
        return [Scores(1 / (1 + np.exp(-total)), total) for total in sums]
