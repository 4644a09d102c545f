"""explain.agreement: do two ways to explain an answer name the same features?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability, Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, probe
from probandum.stats import has_dynamic_range, mean_draws, mean_interval, percentile_interval, ratio_of_means_draws
from probandum_probes.estimates import exactly, from_draws
from probandum_probes.explain.explaining import Explainer, explainers_for
from probandum_probes.explain.quality.base import QualityProbe, items_of, kind_of, population, seed_of, unable
from probandum_probes.explain.quality.comparing import (
    PERSISTENCE,
    kendall,
    rank_biased_overlap,
    rankable,
    sign_agreement,
    spearman,
    top_overlap,
    top_size,
)
from probandum_probes.explain.quality.faithfulness_controls import CONTROL_INPUTS, CONTROL_LEVEL, USUAL_LIMIT
from probandum_probes.explain.quality.scoring import Scored, ranked, scored
from probandum_probes.explain.worlds import World

#: Inputs that a figure needs.
FEWEST = 50
#: What a figure of faithfulness is read off.
MEASURED_BY = "comprehensiveness"

INDICES: Mapping[str, Callable[[Floats, Floats], float]] = {
    "spearman": spearman,
    "kendall": kendall,
    "top-overlap": top_overlap,
    "sign-agreement": sign_agreement,
    "rank-biased-overlap": rank_biased_overlap,
}

METRICS: Mapping[str, str] = {
    **dict.fromkeys(INDICES, "score"),
    "sign-agreement": "share",
    "self-agreement": "score",
    "agreement-over-ceiling": "score",
    "comprehensiveness-normalised": "score",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An explainer's attributions of every input, under two seeds; the same twice where no seed matters."""

    name: str
    first: Sequence[Floats]
    second: Sequence[Floats]
    sampled: bool


def explained(ask: Ask, world: World, explainer: Explainer) -> Contender:
    """All inputs under one seed, and under another where that makes a difference."""
    first, second = (
        [each.attributions for each in explainer.explain(world, seed=seed_of(ask, explainer.name, run))]
        if run == "first" or explainer.sampled
        else []
        for run in ("first", "second")
    )
    return Contender(name=explainer.name, first=first, second=second or first, sampled=explainer.sampled)


def _itself(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The negative control: an explainer without chance agrees with itself by exactly 1."""
    assert isinstance(instance, Agreement)
    if why := unable(ask):
        return None, why
    world = instance.open(ask).first(CONTROL_INPUTS)
    occlusion = explainers_for(kind_of(ask), ("occlusion",))[0]
    runs = [[each.attributions for each in occlusion.explain(world, seed=seed)] for seed in (1, 2)]
    pairs = [pair for pair in zip(*runs, strict=True) if rankable(pair[0])]
    if not pairs:
        return None, "all features of every input are alike: nothing is ranked"
    off = max(1 - index(*pair) for pair in pairs for index in (spearman, kendall, rank_biased_overlap))
    return abs(off) <= 1e-9, f"occlusion agrees with itself to {off:.1e} on {len(pairs)} inputs; expected 1"


def _random(instance: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The positive control: attributions drawn by chance agree with an explainer by 0, their disagreement is seen."""
    assert isinstance(instance, Agreement)
    if why := unable(ask):
        return None, why
    world, rng = instance.open(ask).first(CONTROL_INPUTS), ask.rng("control")
    occlusion = explainers_for(kind_of(ask), ("occlusion",))[0]
    found = [each.attributions for each in occlusion.explain(world, seed=1)]
    values = np.array([spearman(each, rng.normal(size=len(each))) for each in found if rankable(each)])
    if len(values) < 2 or np.ptp(values) == 0:
        return None, "too few inputs have features that are not all alike"
    off = mean_interval(values, level=CONTROL_LEVEL)
    said = f"Spearman's correlation with random attributions: {off.value:.3f} [{off.low:.3f}, {off.high:.3f}]"
    return off.low <= 0 <= off.high, f"{said} over {len(values)} inputs; expected 0"


@probe(
    "explain.agreement",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics=METRICS,
    facets=["explainer", "other"],
    judged=(),
)
class Agreement(QualityProbe):
    """How far two explainers name the same features for an answer, beside how far each agrees with itself.

    By size of attributions: ``spearman``, ``kendall`` (tau-b), ``top-overlap`` (Kuncheva's index of the top five, or of
    as many as both name; 0 is chance, and inputs that have no other features have none), ``rank-biased-overlap``
    (p = .9: the first places count most); ``sign-agreement``: share of signs that are alike among the features that
    either names in its top five. Means over inputs, of each pair of explainers. ``self-agreement``: Spearman's
    correlation of two runs of one explainer under different seeds; no pair can be expected to do better, so
    ``agreement-over-ceiling`` is that of the pair over the mean of both. Only explainers that are faithful are
    compared: those whose normalised comprehensiveness (see ``explain.faithfulness``), shown beside, lies above 0.2 by
    its one-sided 95 % bound on these inputs. Inputs to which one of two gives attributions of one size have no ranking,
    and are left out. Reported and never judged: explainers answer different questions and are expected to disagree
    (Krishna et al. 2022).
    """

    leading = ("spearman", "score")
    mode = "disclosure"
    controls = (
        Examined(name="self-agreement", kind="negative", function=_itself),
        Examined(name="random-attributions", kind="positive", function=_random),
    )

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """Who is compared, and five indices a pair."""
        world = self.open(ask)
        contenders = [explained(ask, world, each) for each in self.chosen(ask)]
        found = scored(ask, world, {each.name: [ranked(phi) for phi in each.first] for each in contenders})
        if not found.separates(MEASURED_BY):
            yield _nothing("random orders and the greedy oracle score alike: no explainer can be told to be faithful")
            return
        faithful = []
        for each in contenders:
            measure, passes = _faithfulness(ask, world, found, each.name)
            faithful += [each] if passes else []
            yield measure
        if len(faithful) < 2:
            yield _nothing(f"{len(faithful)} of {len(contenders)} explainers are faithful by the bound; a pair needs 2")
            return
        for each in faithful:
            yield from _alone(ask, world, each)
        for first, second in combinations(faithful, 2):
            yield from _paired(ask, world, first, second)


def _faithfulness(ask: Ask, world: World, found: Scored, name: str) -> tuple[Measure, bool]:
    """Normalised comprehensiveness of one explainer, and whether its one-sided 95 % bound lies above the limit."""
    gain, span = found.gain(name, MEASURED_BY), found.span(MEASURED_BY)
    value = float(gain.mean() / span.mean())
    draws = ratio_of_means_draws(gain, span, rng=ask.rng("bootstrap", name, MEASURED_BY))
    low = percentile_interval(value, draws, level=0.9).low
    passes = low > USUAL_LIMIT
    said = "compared" if passes else "left out of the comparison"
    design = f"{population(world)}; {said}: one-sided bound {low:.3f}, limit {USUAL_LIMIT:g}"
    measure = Measure(
        metric=f"{MEASURED_BY}-normalised",
        estimate=from_draws("bootstrap", value, draws, n=len(gain), unit="score", design=design),
        facets={"explainer": name},
        mode="disclosure",
        items=items_of(world, gain / span.mean(), "score", weights=span / span.mean()),
    )
    return measure, passes


def _alone(ask: Ask, world: World, each: Contender) -> Iterator[Measure]:
    """How far one explainer agrees with itself."""
    places = _places(each)
    if len(places) < 2:
        return
    if each.sampled:
        yield _mean(ask, world, "self-agreement", {"explainer": each.name}, _over_seeds(each, places), places)
    else:
        yield Measure(
            metric="self-agreement",
            estimate=exactly(1.0, n=len(places), unit="score", design="no seed plays a part"),
            facets={"explainer": each.name},
            mode="disclosure",
        )


def _paired(ask: Ask, world: World, first: Contender, second: Contender) -> Iterator[Measure]:
    """Every index of one pair, and its correlation over the ceiling."""
    facets = {"explainer": first.name, "other": second.name}
    places = _places(first, second)
    if len(places) < 2:
        yield _nothing(f"{first.name} and {second.name} both rank the features of {len(places)} inputs only", facets)
        return
    for metric, index in INDICES.items():
        own = places if metric != "top-overlap" else [place for place in places if _some(first, second, place)]
        if len(own) > 1:
            values = np.array([index(first.first[place], second.first[place]) for place in own])
            yield _mean(ask, world, metric, facets, values, own)
    together = np.array([spearman(first.first[place], second.first[place]) for place in places])
    ceiling = (_over_seeds(first, places) + _over_seeds(second, places)) / 2
    if has_dynamic_range(np.zeros(len(ceiling)), ceiling):
        draws = ratio_of_means_draws(together, ceiling, rng=ask.rng("bootstrap", *facets.values(), "ceiling"))
        yield _disclosed(
            world,
            "agreement-over-ceiling",
            facets,
            float(together.mean() / ceiling.mean()),
            draws,
            together / ceiling.mean(),
            places,
            weights=ceiling / ceiling.mean(),
        )


def _places(*contenders: Contender) -> list[int]:
    """Which inputs have a ranking under every run of all these."""
    runs = [run for each in contenders for run in (each.first, each.second)]
    return [place for place, same in enumerate(zip(*runs, strict=True)) if all(map(rankable, same))]


def _some(first: Contender, second: Contender, place: int) -> bool:
    """Whether the largest features of an input are some and not all of them."""
    return top_size(first.first[place], second.first[place]) < len(first.first[place])


def _over_seeds(each: Contender, places: Sequence[int]) -> Floats:
    """Spearman's correlation of two runs, input by input."""
    if not each.sampled:
        return np.ones(len(places))
    return np.array([spearman(each.first[place], each.second[place]) for place in places])


def _mean(
    ask: Ask, world: World, metric: str, facets: Mapping[str, str], values: Floats, places: Sequence[int]
) -> Measure:
    draws = mean_draws(values, rng=ask.rng("bootstrap", metric, *facets.values()))
    return _disclosed(world, metric, facets, float(values.mean()), draws, values, places)


def _disclosed(
    world: World,
    metric: str,
    facets: Mapping[str, str],
    value: float,
    draws: Sequence[float],
    values: Floats,
    places: Sequence[int],
    *,
    weights: Floats | None = None,
) -> Measure:
    unit = METRICS[metric]
    n, few = len(places), len(places) < FEWEST
    design = population(world)
    if metric == "rank-biased-overlap":
        design += f"; p = {PERSISTENCE:g}"
    if n < len(world):
        design += f"; {len(world) - n} inputs without a ranking, or with no features beside the top, left out"
    return Measure(
        metric=metric,
        estimate=from_draws("bootstrap", value, draws, n=n, unit=unit, design=design),
        facets=facets,
        mode="disclosure",
        verdict=Verdict.INCONCLUSIVE if few else None,
        sub_reason=SubReason.UNDERPOWERED if few else None,
        why=f"{n} inputs; a figure to rest on needs {FEWEST}" if few else None,
        items=items_of(world, values, unit, places=places, weights=weights),
    )


def _nothing(why: str, facets: Mapping[str, str] | None = None) -> Measure:
    return Measure(
        metric=Agreement.leading[0],
        estimate=Estimate.missing(why, unit=Agreement.leading[1]),
        facets=facets or {},
        mode="disclosure",
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=SubReason.NO_DYNAMIC_RANGE,
        why=why,
    )
