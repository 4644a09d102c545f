"""explain.seed-stability: does an explanation stay the same when only its random seed changes?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, probe
from probandum.stats import Interval, percentile_interval, ratio_of_means_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import Explainer, Explanation, explainers_for, known_explainers
from probandum_probes.explain.named_explainers import Explainers, Samples, Texts
from probandum_probes.explain.quality.base import (
    QualityProbe,
    items_of,
    kind_of,
    local_fit,
    looks,
    population,
    unable,
)
from probandum_probes.explain.quality.comparing import NEGLIGIBLE
from probandum_probes.explain.quality.seed_figures import coefficients, disclosed, features, ranks, stacked
from probandum_probes.explain.quality.seed_spread import Stability, stability
from probandum_probes.explain.worlds import World

#: Seeds and inputs a verdict needs.
FEWEST_SEEDS = 10
FEWEST_INPUTS = 20
#: The noise at which a ranking is worth reading.
GOAL = 0.1
#: What the controls look at: inputs, few samples, many samples, and the level of their intervals.
CONTROL_INPUTS = 10
FEW_SAMPLES, MANY_SAMPLES = 50, 400
CONTROL_LEVEL = 0.995


def over_seeds(world: World, explainer: Explainer, seeds: Sequence[int]) -> list[list[Explanation]]:
    """All explanations under every seed: one list a seed."""
    return [explainer.explain(world, seed=seed) for seed in seeds]


def _deterministic(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The negative control: an explainer without chance varies by exactly 0."""
    assert isinstance(instance, SeedStability)
    if why := unable(ask):
        return None, why
    world = instance.open(ask).first(CONTROL_INPUTS)
    occlusion = explainers_for(kind_of(ask), ("occlusion",))[0]
    found = stability(stacked(over_seeds(world, occlusion, instance.drawn(ask))))
    largest = float(found.noise.max(initial=0.0))
    return largest == 0, f"occlusion varies by {largest:g} over seeds; expected 0"


def _too_few_samples(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The positive control: LIME with 50 samples is clearly noisier than with 400."""
    assert isinstance(instance, SeedStability)
    if why := unable(ask):
        return None, why
    kind = kind_of(ask)
    name = next(name for name, cls in known_explainers().items() if name.startswith("lime.") and kind in cls.explains)
    world = instance.open(ask).first(CONTROL_INPUTS)
    few, many = (
        _noise(ask, over_seeds(world, explainers_for(kind, (name,), samples=samples)[0], instance.drawn(ask)))
        for samples in (FEW_SAMPLES, MANY_SAMPLES)
    )
    if few is None or many is None:
        return None, "the attributions of too few inputs differ from 0"
    said = (
        f"{name}: {few.value:.3f} [{few.low:.3f}, {few.high:.3f}] with {FEW_SAMPLES} samples, "
        f"{many.value:.3f} [{many.low:.3f}, {many.high:.3f}] with {MANY_SAMPLES}"
    )
    if few.value <= many.value:
        return False, said
    return True if few.low > many.high else None, said


def _noise(ask: Ask, runs: Sequence[Sequence[Explanation]]) -> Interval | None:
    found = stability(stacked(runs))
    if len(found.places) < 2:
        return None
    value = float(found.noise.mean() / found.size.mean())
    draws = ratio_of_means_draws(found.noise, found.size, rng=ask.rng("control"))
    return percentile_interval(value, draws, level=CONTROL_LEVEL)


@probe(
    "explain.seed-stability",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics={
        "relative-noise": "score",
        "sign-agreement": "share",
        "top-overlap": "score",
        "kendall": "score",
        "variables-stability": "score",
        "coefficients-stability": "score",
        "attribution": "logit",
        "standard-deviation": "logit",
        "interval-half-width": "logit",
        "samples-needed": "samples",
        "local-fit": "score",
    },
    facets=["explainer"],
    judged=("relative-noise",),
)
class SeedStability(QualityProbe):
    """How much the five strongest attributions of an input vary when only the random seed of the explainer changes.

    ``relative-noise``: mean standard deviation over mean absolute value of the five features that are strongest
    by mean over ``seeds`` runs, as a ratio of means over inputs; 0 where nothing varies. Reported beside it:
    ``top-overlap`` (Kuncheva's index of the top five over pairs of runs, for inputs of more than five features),
    ``sign-agreement`` (share of signs that are the mean's), ``kendall`` (tau-b of all features by size, over pairs of
    runs), and ``samples-needed`` = samples x (noise / 0.1)^2, how many a noise of 0.1 would take, since variance falls
    as 1 / samples. Inputs whose attributions are all 0 have no ranking and are left out: that is why a few more than
    the 20 that a verdict needs are drawn.

    Where an explainer draws, of each feature of each input, as items: ``attribution`` (its mean over seeds),
    ``standard-deviation`` and ``interval-half-width`` (how far the 95 % t interval of that mean reaches to either
    side); the figure of each is the mean over features. Of local models, as LIME's: ``variables-stability`` (VSI, the
    share of the top five that two runs have in common) and ``coefficients-stability`` (CSI, the share of pairs of runs
    in which the intervals of one of the five strongest coefficients overlap; Visani et al. 2020).
    """

    leading = ("relative-noise", "score")
    controls = (
        Examined(name="deterministic-explainer", kind="negative", function=_deterministic),
        Examined(name="fifty-samples", kind="positive", function=_too_few_samples),
    )

    def __init__(
        self,
        *,
        explainers: Explainers = (),
        inputs: int = 24,
        seeds: int = 10,
        samples: Samples = None,
        texts: Texts = None,
    ) -> None:
        super().__init__(explainers=explainers, inputs=inputs, samples=samples, texts=texts)
        if seeds < 2:
            raise UsageError(f"seeds is {seeds}; expected at least 2")
        self.seeds = seeds

    def drawn(self, ask: Ask) -> list[int]:
        """The seeds of the runs."""
        return [int(seed) for seed in ask.rng("seeds").integers(2**31, size=self.seeds)]

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """Noise, overlap, agreement, ranks, samples needed and what varies of each feature, for every explainer."""
        world = self.open(ask)
        for explainer in self.chosen(ask):
            name, runs = explainer.name, over_seeds(world, explainer, self.drawn(ask))
            stack = stacked(runs)
            found = stability(stack)
            yield from self._measured(ask, world, explainer, found, max(each.evaluations for each in runs[0]))
            yield from ranks(ask, world, name, stack)
            yield from coefficients(ask, world, name, runs, found)
            if explainer.sampled:
                yield from features(ask, world, name, stack)
            yield from local_fit(ask, world, explainer, runs[0])

    def _measured(
        self, ask: Ask, world: World, explainer: Explainer, found: Stability, samples: int
    ) -> Iterator[Measure]:
        name, n = explainer.name, len(found.places)
        facets = {"explainer": name}
        if n < 2:
            why = f"{name} gives attributions that are not all 0 for {n} of {len(world)} inputs: nothing to rank"
            yield Measure(
                metric="relative-noise",
                estimate=Estimate.missing(why, n=n, unit="score"),
                facets=facets,
                verdict=Verdict.NOT_APPLICABLE,
                sub_reason=SubReason.NO_DYNAMIC_RANGE,
                why=why,
            )
            return
        noise = float(found.noise.mean() / found.size.mean())
        draws = ratio_of_means_draws(found.noise, found.size, rng=ask.rng("bootstrap", name))
        few = n < FEWEST_INPUTS or self.seeds < FEWEST_SEEDS
        design = f"{population(world)}; {self.seeds} seeds; {looks(explainer, samples)}"
        if n < len(world):
            design += f"; {len(world) - n} inputs whose attributions are all 0 left out"
        yield Measure(
            metric="relative-noise",
            estimate=from_draws("bootstrap", noise, draws, n=n, unit="score", design=design),
            facets=facets,
            verdict=Verdict.INCONCLUSIVE if few else None,
            sub_reason=SubReason.UNDERPOWERED if few else None,
            why=f"{n} inputs, {self.seeds} seeds; a verdict needs {FEWEST_INPUTS} and {FEWEST_SEEDS}" if few else None,
            items=items_of(
                world,
                found.noise / found.size.mean(),
                "score",
                places=found.places,
                weights=found.size / found.size.mean(),
            ),
        )
        yield disclosed(ask, world, "sign-agreement", name, found.agreement, found.places)
        if len(found.overlapping) > 1:
            yield disclosed(ask, world, "top-overlap", name, found.overlap, found.overlapping)
        if noise > NEGLIGIBLE:
            needed = [samples * (draw / GOAL) ** 2 for draw in (noise, *draws)]
            yield Measure(
                metric="samples-needed",
                estimate=from_draws("bootstrap", needed[0], tuple(needed[1:]), n=n, unit="samples", design=design),
                facets=facets,
                mode="disclosure",
            )
