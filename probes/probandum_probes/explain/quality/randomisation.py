"""explain.randomisation: does an explanation change when the system behind it is replaced by chance?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability, Floats
from probandum.finding import SubReason
from probandum.probe import Ask, Measure, Probe, probe
from probandum.stats import Interval, percentile_interval, ratio_of_means_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import explainers_for
from probandum_probes.explain.named_explainers import Explainers, Samples, Texts
from probandum_probes.explain.quality.base import QualityProbe, items_of, kind_of, population, seed_of, unable
from probandum_probes.explain.quality.comparing import over_null
from probandum_probes.explain.quality.random_similarity import (
    JUDGED,
    SYSTEMS,
    attributions,
    not_applicable,
    paired,
    similarities,
    similarity,
    system_seeds,
)
from probandum_probes.explain.quality.random_systems import at_random
from probandum_probes.explain.quality.scoring import ranked, scored
from probandum_probes.explain.quality.weight_cascade import weight_cascade
from probandum_probes.explain.worlds import World

#: How far above the null similarity may lie.
TOLERANCE = 0.1
#: The level of the controls' intervals.
CONTROL_LEVEL = 0.995
BASELINE = "occlusion"
MEASURED_BY = "comprehensiveness"


def random_worlds(ask: Ask, world: World) -> list[World]:
    """The same inputs under every random system."""
    return [at_random(world, seed) for seed in system_seeds(ask)]


def _two_random(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The negative control: one more random system is explained no more like the others than these like each other."""
    assert isinstance(instance, Randomisation)
    if why := unable(ask):
        return None, why
    world, occlusion = instance.open(ask), explainers_for(kind_of(ask), (BASELINE,))[0]
    random = [attributions(each, occlusion, seed=0) for each in random_worlds(ask, world)]
    other = attributions(at_random(world, seed_of(ask, "another system")), occlusion, seed=0)
    found, said = _control(ask, np.mean([similarities(other, each) for each in random], axis=0), paired(random))
    return found.low <= TOLERANCE, f"{said}; expected {TOLERANCE} at most"


def _blind(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The positive control: an explainer that looks at the place of a feature alone says the same of every system."""
    assert isinstance(instance, Randomisation)
    if why := unable(ask):
        return None, why
    widths = [len(each) for each in instance.open(ask).instances if len(each) > 1]
    if not widths:
        return None, "no input has more than one feature"
    blind = [np.arange(width, 0, -1, dtype=np.float64) for width in widths]
    found, said = _control(ask, similarities(blind, blind), paired([blind] * SYSTEMS))
    return found.low > TOLERANCE, f"{said}; expected more than {TOLERANCE}"


def _control(ask: Ask, alike: Floats, null: Floats) -> tuple[Interval, str]:
    value, draws = over_null(alike, null, rng=ask.rng("control"))
    found = percentile_interval(value, draws, level=CONTROL_LEVEL)
    return found, f"{value:.3f} [{found.low:.3f}, {found.high:.3f}] above the null over {len(alike)} inputs"


@probe(
    "explain.randomisation",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics={
        JUDGED: "score difference",
        "similarity": "score",
        "null-similarity": "score",
        "entropy-rise": "nat difference",
        "random-comprehensiveness-over-null": "score difference",
    },
    facets=["explainer", "layers"],
    judged=("similarity-over-null",),
)
class Randomisation(QualityProbe):
    """Whether explanations change once the system is replaced by one that answers by chance.

    A random system answers each input with probabilities that a digest of it decides; the audited system is not asked.
    ``similarity``: Spearman's correlation of |phi| of explanations of the system and of random ones, mean over inputs
    and five of these; 0 where either ranks nothing. The null: the same of two random systems (``null-similarity``),
    which is above 0 where the inputs alone force it, as of a column that already has the value that takes its place.
    ``similarity-over-null``: similarity less the 95th percentile of the null over ten pairs; the usual limit is 0.1.
    A null above 0.8 counts as 0.8: an explainer that looks at inputs alone says the same of any two systems, and fails.
    ``random-comprehensiveness-over-null``: where a random system answers, normalised comprehensiveness (see
    ``explain.faithfulness``) of explanations of the audited system less that of the explainer's explanations of another
    random system: about 0, since neither was made for it.

    Of a text classifier that runs here the random systems can be the model itself with all its weights drawn anew,
    normal with the mean and the standard deviation of the own ones (facet ``layers``: all). So explainers are tested
    that ask the model itself for attributions, and with ``masking_too`` those that ask about versions of the inputs,
    which ask ten times as much then. ``similarity`` is also given on the way there: with the head drawn anew, and with
    a quarter, a half and three quarters of the layers behind it. ``entropy-rise``: entropy of |phi| / sum |phi| with
    all weights drawn anew less that of the system, mean over inputs; what a model has learnt to pick out it spreads
    once it knows nothing (Hedstrom et al. 2024, who take the entropy of a histogram, relative to that of the system).

    Explainers of systems of one kind (``shap.linear``) are not applicable, nor are those that ask the system itself
    where it cannot draw weights anew: no random system is of that kind or has attributions.
    Similarity that is low is no evidence of a good explanation. Adebayo et al. 2018; Yona and Greenfeld 2021.
    """

    leading = (JUDGED, "score")
    controls = (
        Examined(name="two-random-systems", kind="negative", function=_two_random),
        Examined(name="blind-explainer", kind="positive", function=_blind),
    )

    def __init__(
        self,
        *,
        explainers: Explainers = (),
        inputs: int = 50,
        samples: Samples = None,
        texts: Texts = None,
        masking_too: bool = False,
    ) -> None:
        super().__init__(explainers=explainers, inputs=inputs, samples=samples, texts=texts)
        self.masking_too = masking_too

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """Similarity of every explainer, judged against the null, and what stands beside it."""
        world = self.open(ask)
        worlds = random_worlds(ask, world)
        said: dict[str, tuple[list[Floats], list[Floats]]] = {}
        for explainer in self.chosen(ask):
            name, seed = explainer.name, seed_of(ask, explainer.name)
            facets = {"explainer": name}
            able = {Capability.RANDOMISE} if explainer.masks else {Capability.RANDOMISE, Capability.ATTRIBUTE}
            if able <= ask.capabilities and (self.masking_too or not explainer.masks):
                yield from weight_cascade(ask, world, explainer)
            elif not explainer.masks:
                why = f"{name} asks the system for attributions, and this one gives none with its weights drawn anew"
                yield not_applicable(facets, why, 0, SubReason.NO_CAPABILITY)
            if not explainer.masks:
                continue
            real = attributions(world, explainer, seed=seed)
            try:
                random = [attributions(each, explainer, seed=seed) for each in worlds]
            except UsageError as error:  # it explains systems of one kind alone, and a random one is not of it
                why = f"a random system cannot be explained: {error.message}"
                yield not_applicable(facets, why, 0, SubReason.NO_CAPABILITY)
                continue
            said[name] = real, random[1]
            yield from similarity(ask, world, facets, real, random, what="random systems")
        if said:
            yield from _on_random(ask, worlds[0], said)


def _on_random(
    ask: Ask, random: World, said: Mapping[str, tuple[Sequence[Floats], Sequence[Floats]]]
) -> Iterator[Measure]:
    """What explanations of the audited system are worth where ``random`` answers, beyond those of another such one.

    ``said``: of each explainer those of the audited system, and those of another random one.
    """
    orders = {f"{name} {which}": [ranked(phi) for phi in said[name][which]] for name in said for which in (0, 1)}
    found = scored(ask, random, orders)
    if not found.separates(MEASURED_BY):
        return
    span = found.span(MEASURED_BY)
    for name in said:
        ahead = found.gain(f"{name} 0", MEASURED_BY) - found.gain(f"{name} 1", MEASURED_BY)
        draws = ratio_of_means_draws(ahead, span, rng=ask.rng("bootstrap", name, "random"))
        value = float(ahead.mean() / span.mean())
        yield Measure(
            metric=f"random-{MEASURED_BY}-over-null",
            estimate=from_draws("bootstrap", value, draws, n=len(ahead), unit="score", design=population(random)),
            facets={"explainer": name},
            mode="disclosure",
            items=items_of(random, ahead / span.mean(), "score", weights=span / span.mean()),
        )
