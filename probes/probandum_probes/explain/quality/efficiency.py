"""explain.efficiency: do attributions add up to what they explain?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability, Floats, Request
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, probe
from probandum.subject import Codes
from probandum_probes.estimates import exactly
from probandum_probes.explain.explaining import SMALLEST_GAP, Explainer, Explanation, explainers_for, residual
from probandum_probes.explain.quality.base import QualityProbe, items_of, kind_of, seed_of, unable
from probandum_probes.explain.worlds import Attributed, Removal, Scores, World

#: What is judged of an explainer, by how exactly it can add up, so that each has its limit: 1e-6 in double precision,
#: 1e-4 in single, and 1 % for an integral over a few points.
RESIDUALS: Mapping[str, str] = {
    "double": "residual",
    "single": "single-precision-residual",
    "integral": "integration-residual",
}
#: Inputs that the controls look at, and samples that leave no group of words of a usual text undivided.
CONTROL_INPUTS = 5
CONTROL_SAMPLES = 4000
#: What the planted fault adds: this share of f(x) - base, spread over all features.
PLANTED = 0.1
#: What exact arithmetic in float64 leaves.
EXACT = 1e-6


class LinearWorld(World):
    """The same instances under a model that is linear in which features are kept, so that phi is known.

    f = 0.25 + sum of the weights of what is kept. The audited system is not asked.
    """

    intercept = 0.25

    def __init__(self, world: World) -> None:
        scores = [self.intercept + float(self.weights(len(each)).sum()) for each in world.instances]
        super().__init__(
            world.ask,
            [
                replace(each, score=score, probability=1 / (1 + math.exp(-score)))
                for each, score in zip(world.instances, scores, strict=True)
            ],
        )
        self._world = world
        self.operators, self.occlusions, self.reference = world.operators, world.occlusions, world.reference

    @staticmethod
    def weights(width: int) -> Floats:
        """(-1)^j (j + 1) / d, shape (width,): what every explainer that is exact for linear models must find."""
        return np.arange(1, width + 1) / width * (-1.0) ** np.arange(width)

    def first(self, count: int) -> World:
        """The same model on fewer instances."""
        return LinearWorld(self._world.first(count))

    def request(self, removal: Removal) -> tuple[Request, Codes]:
        """As the audited system would be asked."""
        return self._world.request(removal)

    def attributed(self, method: str, instances: Sequence[int], **parameters: int | str) -> list[Attributed]:
        """What a system that computes its attributions itself would say of this model."""
        return [Attributed(self.weights(len(self.instances[place])), self.intercept) for place in instances]

    def scores(self, removals: Sequence[Removal]) -> list[Scores]:
        """From the masks alone."""
        sums = [self.intercept + removal.kept @ self.weights(removal.kept.shape[1]) for removal in removals]
        return [Scores(1 / (1 + np.exp(-total)), total) for total in sums]


def _exact_linear(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The negative control: on a linear model nothing is missing, and every attribution is its weight.

    An explanation that used up its samples may have left groups of words undivided: it only has to add up.
    """
    assert isinstance(instance, Efficiency)
    explainers, why = instance.claiming(ask, samples=CONTROL_SAMPLES)
    if why:
        return None, why
    world = LinearWorld(instance.open(ask).first(CONTROL_INPUTS))
    furthest, largest = 0.0, 0.0
    for explainer in explainers:
        for each in explainer.explain(world, seed=seed_of(ask, "control")):
            weights = world.weights(len(each.attributions))
            if each.evaluations < CONTROL_SAMPLES:
                furthest = max(furthest, float(np.abs(each.attributions - weights).max()))
            largest = max(largest, _of(each, world.intercept + float(weights.sum())))
    held = furthest <= EXACT and largest <= EXACT
    return held, f"residual {largest:.1e}, attributions off by {furthest:.1e} at most; expected 0"


def _shifted(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The positive control: a constant added to every attribution is seen at its full size."""
    assert isinstance(instance, Efficiency)
    explainers, why = instance.claiming(ask)
    if why:
        return None, why
    world = instance.open(ask).first(CONTROL_INPUTS)
    seen = []
    for explainer in explainers:
        for each, found in zip(explainer.explain(world, seed=seed_of(ask, "control")), world.instances, strict=True):
            assert each.base is not None
            step = PLANTED * max(abs(found.score - each.base), SMALLEST_GAP) / len(found)
            off = residual(each.attributions, each.base, found.score)
            seen.append(abs(residual(each.attributions + step, each.base, found.score) - PLANTED) <= off + EXACT)
    return all(seen), f"a shift of {PLANTED} was seen at its size in {sum(seen)} of {len(seen)} explanations"


def _of(explanation: Explanation, score: float) -> float:
    assert explanation.base is not None
    return residual(explanation.attributions, explanation.base, score)


@probe(
    "explain.efficiency",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics=dict.fromkeys(RESIDUALS.values(), "score"),
    facets=["explainer"],
)
class Efficiency(QualityProbe):
    """How far attributions and base value fall short of the log-odds that they claim to add up to.

    The largest residual over all inputs, a share of the distance between base value and f(x); neutral value 0.
    ``single-precision-residual`` is the same of explainers that compute in float32 (trees), ``integration-residual`` of
    those that sum over points of an integral (integrated gradients), since each has a limit of its own.
    A census and no sample, so its interval has no width. Shapley values of permutations, partitions, regressions and
    all subsets add up by construction: a small residual shows that nothing broke, and is no evidence of a good
    explanation. Explainers that claim no completeness (LIME, occlusion) are left out, or NOT_APPLICABLE where named.
    """

    leading = ("residual", "score")
    controls = (
        Examined(name="exact-linear", kind="negative", function=_exact_linear),
        Examined(name="shifted-attributions", kind="positive", function=_shifted),
    )

    def claiming(self, ask: Ask, *, samples: int | None = None) -> tuple[list[Explainer], str | None]:
        """The explainers that claim completeness, or why there are none to look at."""
        if why := unable(ask):
            return [], why
        chosen = explainers_for(kind_of(ask), self.explainers, samples=samples or self.samples)
        found = [each for each in chosen if each.complete]
        return found, None if found else "no explainer under test claims that attributions add up"

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """One measure an explainer."""
        world = self.open(ask)
        for explainer in self.chosen(ask):
            facets = {"explainer": explainer.name}
            if explainer.complete:
                yield self._measured(world, explainer, facets, seed_of(ask, explainer.name))
            elif self.explainers:
                yield _nothing("residual", facets, f"{explainer.name} does not claim that attributions add up")

    def _measured(self, world: World, explainer: Explainer, facets: dict[str, str], seed: int) -> Measure:
        metric = RESIDUALS[explainer.arithmetic]
        explanations = explainer.explain(world, seed=seed)
        residuals = [_of(each, found.score) for each, found in zip(explanations, world.instances, strict=True)]
        worst = max(residuals)
        gaps = [
            abs(found.score - (each.base or 0.0)) for each, found in zip(explanations, world.instances, strict=True)
        ]
        if max(gaps) <= SMALLEST_GAP and worst <= EXACT:
            why = "every answer equals the base value: there is nothing to attribute"
            return _nothing(metric, facets, why, len(gaps))
        looks = sum(each.evaluations for each in explanations) / len(explanations)
        looked = "points" if explainer.arithmetic == "integral" else "versions" if explainer.masks else "answers"
        design = f"largest of all inputs; {looks:.0f} {looked} an input, seed {seed}"
        if explainer.kind:
            design += f"; {explainer.kind}"
        return Measure(
            metric=metric,
            estimate=exactly(
                worst,
                n=len(residuals),
                unit="score",
                design=f"{design}; adds up by construction" if explainer.constructed else design,
            ),
            facets=facets,
            items=items_of(world, np.array(residuals), "score", form="largest"),
        )


def _nothing(metric: str, facets: dict[str, str], why: str, n: int = 0) -> Measure:
    """The measure of an explainer of which the question makes no sense."""
    return Measure(
        metric=metric,
        estimate=Estimate.missing(why, n=n, unit="score"),
        facets=facets,
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=SubReason.NO_DYNAMIC_RANGE if n else SubReason.NO_CAPABILITY,
        why=why,
    )
