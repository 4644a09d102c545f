"""explain.complexity: on how many features does an explanation spread what it says?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability, Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, probe
from probandum.stats import mean_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import Explanation
from probandum_probes.explain.quality.base import QualityProbe, items_of, population, seed_of, unable
from probandum_probes.explain.quality.comparing import cleaned
from probandum_probes.explain.worlds import World

#: Inputs that a figure needs.
FEWEST = 50
#: The share of all attributions that the fewest features must hold.
MASS = 0.9
#: How far the controls may be off: what rounding leaves.
EXACT = 1e-9

METRICS: Mapping[str, str] = {
    "entropy": "nat",
    "gini": "score",
    "effective-features": "features",
    "features-for-90-percent": "features",
}


class Complexity(NamedTuple):
    """How spread one explanation is, in the order of ``METRICS``."""

    entropy: float
    gini: float
    effective: float
    needed: int


def complexity(attributions: Floats) -> Complexity:
    """Figures of |phi| / sum |phi|; ValueError where all attributions are 0.

    >>> complexity(np.array([1.0, -1.0, 0.0, 0.0]))  # log 2; half of the mass on none; two of four features
    Complexity(entropy=0.6931471805599453, gini=0.5, effective=2.0, needed=2)
    """
    size = np.sort(np.abs(cleaned(attributions)))[::-1]
    if size[0] == 0:
        raise ValueError("all attributions are 0; expected some that are not")
    shares = size / size.sum()
    named = shares[shares > 0]
    entropy = float(-(named * np.log(named)).sum())
    width = len(shares)
    gini = 1 - 2 * float(shares @ (np.arange(1, width + 1) - 0.5)) / width
    needed = int(np.searchsorted(np.cumsum(shares), MASS - EXACT)) + 1
    return Complexity(entropy, gini, math.exp(entropy), needed)


def _even(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The negative control: an explanation that says the same of every feature picks none out."""
    widths = _widths(instance, ask)
    if isinstance(widths, str):
        return None, widths
    found = [complexity(np.ones(width)) for width in widths]
    off = max(
        max(abs(each.effective - width) / width, abs(each.gini), abs(each.needed - math.ceil(MASS * width - EXACT)))
        for each, width in zip(found, widths, strict=True)
    )
    return off <= EXACT, f"equal attributions of {len(widths)} inputs: off by {off:.1e} from all features, Gini 0"


def _single(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The positive control: an explanation that names one feature alone has one effective feature."""
    widths = _widths(instance, ask)
    if isinstance(widths, str):
        return None, widths
    found = [complexity(np.eye(width)[0]) for width in widths]
    off = max(
        max(abs(each.effective - 1), abs(each.gini - (1 - 1 / width)), abs(each.needed - 1))
        for each, width in zip(found, widths, strict=True)
    )
    return off <= EXACT, f"one attribution of {len(widths)} inputs: off by {off:.1e} from one feature, Gini 1 - 1/d"


def _widths(instance: Probe, ask: Ask) -> list[int] | str:
    """How many features each input has, or why there is none."""
    assert isinstance(instance, ComplexityProbe)
    return unable(ask) or [len(each) for each in instance.open(ask).instances]


@probe(
    "explain.complexity",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics=METRICS,
    facets=["explainer"],
    judged=(),
)
class ComplexityProbe(QualityProbe):
    """On how many features an explanation spreads what it says, as entropy, Gini index and number of features.

    Of p = |phi| / sum |phi|: ``entropy`` = - sum p log p (Bhatt et al. 2020), ``effective-features`` = exp(entropy),
    ``gini`` = 1 - 2 sum over k of p_(k) (d - k + 1/2) / d with p in rising order: 0 where all are alike, 1 - 1/d where
    one has all (Chalasani et al. 2020), and ``features-for-90-percent``, the fewest that hold 90 % of the sum. Means
    over inputs, with bootstrap intervals. Inputs whose attributions are all 0 have none of them and are left out.
    Reported and never judged: a short explanation is easy to read, and may say nothing of the system. Read it beside
    ``explain.faithfulness``.
    """

    leading = ("entropy", METRICS["entropy"])
    mode = "disclosure"
    controls = (
        Examined(name="equal-attributions", kind="negative", function=_even),
        Examined(name="one-attribution", kind="positive", function=_single),
    )

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """Four figures an explainer."""
        world = self.open(ask)
        for explainer in self.chosen(ask):
            yield from _measured(
                ask, world, explainer.name, explainer.explain(world, seed=seed_of(ask, explainer.name))
            )


def _measured(ask: Ask, world: World, name: str, given: Sequence[Explanation]) -> Iterator[Measure]:
    places = [place for place, each in enumerate(given) if cleaned(each.attributions).any()]
    n, facets = len(places), {"explainer": name}
    if n < 2:
        why = f"{name} gives attributions that are not all 0 for {n} of {len(world)} inputs: nothing is spread"
        metric, unit = ComplexityProbe.leading
        yield Measure(
            metric=metric,
            estimate=Estimate.missing(why, n=n, unit=unit),
            facets=facets,
            mode="disclosure",
            verdict=Verdict.NOT_APPLICABLE,
            sub_reason=SubReason.NO_DYNAMIC_RANGE,
            why=why,
        )
        return
    found = np.array([complexity(given[place].attributions) for place in places], dtype=np.float64)
    few = n < FEWEST
    design = population(world)
    if n < len(world):
        design += f"; {len(world) - n} inputs whose attributions are all 0 left out"
    for (metric, unit), values in zip(METRICS.items(), found.T, strict=True):
        draws = mean_draws(values, rng=ask.rng("bootstrap", name, metric))
        yield Measure(
            metric=metric,
            estimate=from_draws("bootstrap", float(values.mean()), draws, n=n, unit=unit, design=design),
            facets=facets,
            mode="disclosure",
            verdict=Verdict.INCONCLUSIVE if few else None,
            sub_reason=SubReason.UNDERPOWERED if few else None,
            why=f"{n} inputs; a figure to rest on needs {FEWEST}" if few else None,
            items=items_of(world, values, unit, places=places),
        )
