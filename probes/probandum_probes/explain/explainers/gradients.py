"""Gradients of a text classifier by its embeddings, which the model's own target computes, added up by word."""

from __future__ import annotations

from typing import ClassVar

from probandum.evidence import Capability
from probandum_probes.explain.explaining import Explainer, Explanation, explainer, residual
from probandum_probes.explain.worlds import Attributed, World

#: Points of the line at first, and the most after doubling.
FEWEST_STEPS = 50
MOST_STEPS = 800
#: How far attributions and base may fall short of f, as a share of f(x) - base.
GOAL = 0.01


class Gradients(Explainer):
    """Base of explainers that ask the model itself: no version of an input is made."""

    sampled = False
    by_default = False
    masks = False
    default_samples = 1


@explainer("gradients.input", explains=Capability.CLASSIFY)
class GradientTimesInput(Gradients):
    """Of each word the sum over its tokens of embedding times gradient of the log-odds.

    One pass there and back an input. It claims no completeness: it is the first step from the text to nothing and
    takes it for the whole way. Shrikumar et al. 2016.
    """

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed."""
        found = world.attributed("gradient-x-input", range(len(world)))
        return [Explanation(attributions=each.attributions, base=None, evaluations=1, seed=seed) for each in found]


@explainer("gradients.integrated", explains=Capability.CLASSIFY)
class IntegratedGradients(Gradients):
    """Gradients along the straight line from embeddings of zeros to those of the text, added up by word.

    50 points at first, and twice as many for every input whose attributions and base fall short of f by more than
    1 % of f(x) - base, until none does or 800 points were taken (``samples``, where given): ``explain.efficiency``
    says how far they fall short in the end. Special tokens stay as they are. ``gradients.integrated-pad`` begins at
    the embedding of the padding token. Sundararajan, Taly, Yan 2017.
    """

    kind = "integrated gradients from zeros"
    complete = True
    arithmetic = "integral"
    default_samples = MOST_STEPS
    baseline: ClassVar[str] = "zero"

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """The same under every seed; a round for each doubling."""
        left, steps = list(range(len(world))), min(FEWEST_STEPS, self.samples)
        found: dict[int, tuple[Attributed, int]] = {}
        taken = 0
        while left:
            taken += steps
            said = world.attributed("integrated-gradients", left, baseline=self.baseline, steps=steps)
            found.update(zip(left, ((each, taken) for each in said), strict=True))
            left = [place for place, each in zip(left, said, strict=True) if _short(world, place, each) > GOAL]
            if 2 * steps > self.samples:
                break
            steps *= 2
        return [
            Explanation(attributions=each.attributions, base=each.base, evaluations=count, seed=seed)
            for each, count in (found[place] for place in range(len(world)))
        ]


@explainer("gradients.integrated-pad", explains=Capability.CLASSIFY)
class IntegratedFromPadding(IntegratedGradients):
    """As gradients.integrated, along the line from embeddings of the padding token; an error where there is none."""

    kind = "integrated gradients from the padding token"
    baseline = "pad"


def _short(world: World, place: int, found: Attributed) -> float:
    """How far attributions and base fall short of f, as a share of the distance between base and f(x)."""
    assert found.base is not None
    return residual(found.attributions, found.base, world.instances[place].score)
