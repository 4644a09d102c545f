"""explain.infidelity: does an explanation foretell what becomes of the answer once features are removed?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability, Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.keywords import Between
from probandum.probe import Ask, Measure, Probe, probe
from probandum.stats import mean_draws, mean_interval, ratio_of_means_draws
from probandum.subject import Codes
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import Explainer, explainers_for
from probandum_probes.explain.named_explainers import Explainers, Samples, Texts
from probandum_probes.explain.quality.base import QualityProbe, items_of, kind_of, population, seed_of, unable
from probandum_probes.explain.quality.comparing import NEGLIGIBLE
from probandum_probes.explain.quality.sensitivity import RADIUS, Near, neighbours, sensitivity
from probandum_probes.explain.removing import Moments, moments, remove
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import World

#: Inputs that a figure needs.
FEWEST = 50
#: Neighbours of a row at most: each is explained anew, and 200 of 60 rows are 12,000 explanations.
MOST_NEIGHBOURS = 200
#: Neighbours that a row should have: five times as many as here, for which an audit would wait minutes.
USUAL = 50
#: Inputs and removals that the controls look at, and the level of their intervals.
CONTROL_INPUTS = 20
CONTROL_LEVEL = 0.995

METRICS: Mapping[str, str] = {
    "infidelity": "squared logit",
    "scale-free-infidelity": "score",
    "optimal-scale": "score",
    "max-sensitivity": "score",
    "sensitivity-95th-percentile": "score",
    "relative-steepness": "score",
}


def _nothing_said(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The negative control: a constant explanation, 0 for every feature, leaves all of the change unforetold."""
    assert isinstance(instance, Infidelity)
    if why := unable(ask):
        return None, why
    world = instance.open(ask).first(CONTROL_INPUTS)
    removed = remove(world, instance.perturbations, seed=seed_of(ask, "control"))
    found = moments(removed, [np.zeros(len(each)) for each in world.instances])
    if found.happened.mean() <= NEGLIGIBLE**2:
        return None, "no removal changes an answer"
    value = float(found.error.mean() / found.happened.mean())
    return abs(value - 1) <= 1e-9, f"scale-free infidelity of attributions of 0: {value:.6f}; expected 1"


def _noisy(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The positive control: noise on the attributions of occlusion, as large as they are, raises infidelity."""
    assert isinstance(instance, Infidelity)
    if why := unable(ask):
        return None, why
    world, rng = instance.open(ask).first(CONTROL_INPUTS), ask.rng("noise")
    occlusion = explainers_for(kind_of(ask), ("occlusion",))[0]
    plain = [each.attributions for each in occlusion.explain(world, seed=1)]
    size = np.sqrt(np.mean(np.concatenate(plain) ** 2))
    if size <= NEGLIGIBLE:
        return None, "all attributions of occlusion are 0"
    noise = [size * rng.normal(size=len(each)) for each in plain]
    removed = remove(world, instance.perturbations, seed=seed_of(ask, "control"))
    apart = moments(removed, [a + b for a, b in zip(plain, noise, strict=True)]).error - moments(removed, plain).error
    off = mean_interval(apart, level=CONTROL_LEVEL)
    said = f"noise raises infidelity by {off.value:.3g} [{off.low:.3g}, {off.high:.3g}] over {len(apart)} inputs"
    if off.value <= 0:
        return False, f"{said}; expected more than 0"
    return True if off.low > 0 else None, said


@probe(
    "explain.infidelity",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics=METRICS,
    facets=["explainer", "removal"],
    judged=(),
)
class Infidelity(QualityProbe):
    """How far attributions miss what becomes of the answer once features are removed, and how far they move nearby.

    ``infidelity``: mean over removals I of (I.phi - (f(x) - f(x - I)))^2, f averaged over the ways to remove.
    ``perturbations`` removals an input: sets of features of any size (``features``), and of texts also runs of
    neighbouring words (``runs``, the squares of a picture in one dimension). ``scale-free-infidelity`` divides it by
    the mean of (f(x) - f(x - I))^2: 0 foretells all, and attributions of 0 leave 1. ``optimal-scale``: the factor by
    which attributions would foretell best, E[I.phi (f(x) - f(x - I))] / E[(I.phi)^2]; both are ratios of means over
    inputs. Gaussian noise is not used: attributions here are shares of an answer and no slopes, which its steps need.
    Yeh et al. 2019.

    Of rows also ``max-sensitivity``: mean over rows of the largest |phi(x') - phi(x)| / |phi(x)| over exactly
    ``neighbours`` rows x' within 2 % of the range of each numeric column that get the same decision, with the 95th
    percentile beside it: compare maxima over equally many only, since they grow with their number. Rows with fewer such
    neighbours are left out, so that a few more inputs are drawn than the 50 that a figure needs. Draws of explainers
    are the same for a row and its neighbours. ``relative-steepness``: the largest |phi(x') - phi(x)| over the way,
    against the largest change of f over the way, as ratio of means: a steep model deserves steep explanations
    (Alvarez-Melis and Jaakkola 2018). Reported and never judged: a constant explanation has a sensitivity of 0 and
    explains nothing.
    """

    leading = ("infidelity", "squared logit")
    mode = "disclosure"
    controls = (
        Examined(name="nothing-said", kind="negative", function=_nothing_said),
        Examined(name="noisy-attributions", kind="positive", function=_noisy),
    )

    def __init__(
        self,
        *,
        explainers: Explainers = (),
        inputs: int = 60,
        perturbations: int = 500,
        neighbours: Annotated[int, Between(least=0, most=MOST_NEIGHBOURS)] = 10,
        samples: Samples = None,
        texts: Texts = None,
    ) -> None:
        super().__init__(explainers=explainers, inputs=inputs, samples=samples, texts=texts)
        if perturbations < 2:
            raise UsageError(f"perturbations is {perturbations}; expected at least 2")
        self.perturbations = perturbations
        self.neighbours = neighbours

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """Infidelity by every way to choose features, then sensitivity of rows."""
        world = self.open(ask)
        rows = isinstance(world, RowWorld)
        removed = {
            kind: remove(world, self.perturbations, seed=seed_of(ask, kind), runs=kind == "runs")
            for kind in (("features",) if rows else ("features", "runs"))
        }
        near = self._near(ask, world) if isinstance(world, RowWorld) and self.neighbours else None
        for explainer in self.chosen(ask):
            given = [each.attributions for each in explainer.explain(world, seed=seed_of(ask, explainer.name))]
            for kind, each in removed.items():
                yield from self._missed(
                    ask, world, {"explainer": explainer.name, "removal": kind}, moments(each, given)
                )
            if isinstance(near, str):
                yield _nothing("max-sensitivity", {"explainer": explainer.name}, 0, near)
            elif near is not None:
                yield from self._moved(ask, world, explainer, near)

    def _near(self, ask: Ask, world: RowWorld) -> Near | str:
        """The neighbours, or why there are none."""
        near = neighbours(world, self.neighbours, seed=seed_of(ask, "near"))
        if near is None:
            return "no column holds numbers that can move a little"
        n = len(near.places)
        return near if n > 1 else f"{n} of {len(world)} rows have {near.count} neighbours that get their decision"

    def _missed(self, ask: Ask, world: World, facets: dict[str, str], found: Moments) -> Iterator[Measure]:
        """Infidelity, the same over what happens, and the scale that would be best."""
        looked = f"{self.perturbations} removals an input by {' and '.join(world.operators)}"
        everything = np.arange(len(world))
        yield _disclosed(ask, world, "infidelity", facets, found.error, None, everything, looked)
        moved = found.happened > NEGLIGIBLE**2
        for metric, over, under in (
            ("scale-free-infidelity", found.error, found.happened),
            ("optimal-scale", found.both, found.foretold),
        ):
            places = np.flatnonzero(moved & (under > NEGLIGIBLE**2))
            if len(places) > 1:
                yield _disclosed(ask, world, metric, facets, over[places], under[places], places, looked)
            elif metric == "scale-free-infidelity":
                yield _nothing(metric, facets, len(places), f"removals change the answers to {len(places)} inputs")

    def _moved(self, ask: Ask, world: World, explainer: Explainer, near: Near) -> Iterator[Measure]:
        """The largest and the usual change of an explanation nearby, and that over the change of f."""
        name, facets = explainer.name, {"explainer": explainer.name}
        found = sensitivity(near, explainer, seed=seed_of(ask, name))
        places = np.array(found.places, dtype=np.int64)
        if len(places) < 2:
            why = f"{name} gives attributions that are not all 0 for {len(places)} rows with neighbours"
            yield _nothing("max-sensitivity", facets, len(places), why)
            return
        looked = f"{near.count} neighbours a row within {RADIUS:.0%} of the range of each numeric column"
        if near.count < USUAL:
            looked += f", where {USUAL} are usual (neighbours: {USUAL} asks for them)"
        yield _disclosed(ask, world, "max-sensitivity", facets, found.largest, None, places, looked)
        yield _disclosed(ask, world, "sensitivity-95th-percentile", facets, found.usual, None, places, looked)
        steep = found.slope > NEGLIGIBLE
        if steep.sum() > 1:
            over, under = found.steepness[steep], found.slope[steep]
            yield _disclosed(ask, world, "relative-steepness", facets, over, under, places[steep], looked)


def _disclosed(
    ask: Ask,
    world: World,
    metric: str,
    facets: dict[str, str],
    values: Floats,
    under: Floats | None,
    places: Codes,
    looked: str,
) -> Measure:
    """A mean over inputs, or a ratio of means over ``under``; too few inputs are said to be so."""
    n, few, unit = len(places), len(places) < FEWEST, METRICS[metric]
    rng = ask.rng("bootstrap", metric, *facets.values())
    scale = 1.0 if under is None else float(under.mean())
    draws = mean_draws(values, rng=rng) if under is None else ratio_of_means_draws(values, under, rng=rng)
    design = f"{population(world)}; {looked}"
    if n < len(world):
        design += f"; {len(world) - n} inputs that have no such figure left out"
    return Measure(
        metric=metric,
        estimate=from_draws("bootstrap", float(values.mean()) / scale, draws, n=n, unit=unit, design=design),
        facets=facets,
        mode="disclosure",
        verdict=Verdict.INCONCLUSIVE if few else None,
        sub_reason=SubReason.UNDERPOWERED if few else None,
        why=f"{n} inputs; a figure to rest on needs {FEWEST}" if few else None,
        items=items_of(
            world,
            values / scale,
            unit,
            places=places.tolist(),
            weights=None if under is None else under / scale,
        ),
    )


def _nothing(metric: str, facets: dict[str, str], n: int, why: str) -> Measure:
    return Measure(
        metric=metric,
        estimate=Estimate.missing(why, n=n, unit=METRICS[metric]),
        facets=facets,
        mode="disclosure",
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=SubReason.NO_DYNAMIC_RANGE,
        why=why,
    )
