"""explain.faithfulness: do the features that an explanation names first carry the answer?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability, Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.stats import has_dynamic_range, ratio_of_means_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.by_group import by_group, divided, group_metrics
from probandum_probes.explain.explaining import Explainer, Explanation, explainers_for
from probandum_probes.explain.quality.base import QualityProbe, items_of, kind_of, local_fit, looks, population, seed_of
from probandum_probes.explain.quality.faithfulness_controls import greedy_oracle, random_attributions
from probandum_probes.explain.quality.scoring import METRICS, RANDOM_ORDERS, Scored, by_size, ranked, scored
from probandum_probes.explain.worlds import World

#: Inputs a verdict needs.
FEWEST = 100
BASELINE = "occlusion"
#: What is shown of the order by size, whichever way features speak.
BY_SIZE = METRICS[:2]
ALIKE = "random orders and the greedy oracle score alike: on these inputs the metric tells no explanation apart"
#: Areas under probabilities, and what of ``Faithfulness`` they are.
AREAS = {"deletion-area": "area_removed", "insertion-area": "insertion"}


@probe(
    "explain.faithfulness",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "ai-act:art-86:1"],
    needs=(Capability.CLASSIFY, Capability.PREDICT),
    metrics={
        **{f"{metric}-normalised": "score" for metric in METRICS},
        **{f"{metric}-by-size": "score" for metric in BY_SIZE},
        **dict.fromkeys(AREAS, "score"),
        "comprehensiveness-over-occlusion": "score difference",
        "local-fit": "score",
        **group_metrics("comprehensiveness"),
        **group_metrics("local-fit"),
    },
    facets=["explainer"],
    judged=(
        "comprehensiveness-normalised",
        "sufficiency-normalised",
        "deletion-normalised",
        "insertion-normalised",
        "comprehensiveness-over-occlusion",
    ),
)
class FaithfulnessProbe(QualityProbe):
    """Whether removing what an explanation names first changes the answer: 0 is a random order, 1 a greedy search.

    ``comprehensiveness``: mean over q in 1, 5, 10, 20, 50 % of p(x) - p(x without the first q); ``sufficiency``:
    the same of p(only the first q) - p(x); ``deletion``: area between p(x) and p over the share removed, read at
    the same q, at 0 and at 1; ``insertion``: area between p over the share added to nothing and p(nothing). Features
    are taken in the order of signed attributions towards the predicted class, max(1, ceil(q d)) of them. The mean is
    over the shares given (the convention of the ERASER code; its paper divides by one more).

    Normalised: N = (mean M - mean R) / (mean O - mean R), with R the mean over 20 random orders and O a greedy
    search for that metric on the same inputs; N may exceed 1, since a greedy search need not find the best.
    Where O - R is under 3 of its standard errors, as for a constant model, the metric has no dynamic range.
    Removed features leave inputs the system was not made for; R meets the same inputs, so N discounts it.

    Shown and never judged: the same of the order by the size of attributions, whichever way they speak
    (``comprehensiveness-by-size``, ``sufficiency-by-size``); ``deletion-area`` (lower is better) and
    ``insertion-area`` (higher is better), the areas under (p - p(nothing)) / (p(x) - p(nothing)) as ratios of means:
    one half where each feature adds as much as the next, beyond 0 and 1 where some features speak against.

    ``comprehensiveness-by-group``: N of the rows of one group, 30 at least, by their own R and O, and
    ``local-fit-by-group`` their mean local fit; ``comprehensiveness-gap``, ``local-fit-gap``: from the lowest group of
    an attribute to the highest, neutral value 0. Shown and never judged: a gap over 0.05 is one to look into.
    DeYoung et al. 2020; Petsiuk et al. 2018.
    """

    leading = ("comprehensiveness-normalised", "score")
    controls = (
        Examined(name="random-attributions", kind="negative", function=random_attributions),
        Examined(name="greedy-oracle", kind="positive", function=greedy_oracle),
    )

    def assess(self, ask: Ask) -> Iterator[Measure]:
        """Four normalised scores an explainer, its distance to occlusion, order by size, areas and local fit."""
        world = self.open(ask)
        explainers = self.chosen(ask)
        baseline = [] if any(e.name == BASELINE for e in explainers) else explainers_for(kind_of(ask), (BASELINE,))
        explained = {each.name: each.explain(world, seed=seed_of(ask, each.name)) for each in [*explainers, *baseline]}
        signed, sized = (
            {name: [order(each.attributions) for each in given] for name, given in explained.items()}
            for order in (ranked, by_size)
        )
        found = scored(ask, world, {**signed, **{_sized(each.name): sized[each.name] for each in explainers}})
        for explainer in explainers:
            name, given = explainer.name, explained[explainer.name]
            for metric in METRICS:
                yield _normalised(ask, world, found, explainer, metric, given)
            if name != BASELINE:
                yield _over_occlusion(ask, world, found, name)
            yield from _by_size(ask, world, found, name)
            yield from _areas(ask, world, found, name)
            yield from local_fit(ask, world, explainer, given)
            yield from _by_group(ask, world, found, name, given)


def _normalised(
    ask: Ask, world: World, found: Scored, explainer: Explainer, metric: str, given: Sequence[Explanation]
) -> Measure:
    name = explainer.name
    gain, span = found.gain(name, metric), found.span(metric)
    if not found.separates(metric):
        return _no_range(f"{metric}-normalised", name, len(gain))
    value = float(gain.mean() / span.mean())
    looked = looks(explainer, sum(each.evaluations for each in given) / len(given))
    return _judgeable(
        f"{metric}-normalised",
        name,
        from_draws(
            "bootstrap",
            value,
            ratio_of_means_draws(gain, span, rng=ask.rng("bootstrap", name, metric)),
            n=len(gain),
            unit="score",
            design=f"{population(world)}; removal by {' and '.join(world.operators)}; "
            f"{RANDOM_ORDERS} random orders; {looked}; seed {seed_of(ask, name)}",
        ),
        world,
        gain / span.mean(),
        span / span.mean(),
    )


def _over_occlusion(ask: Ask, world: World, found: Scored, name: str) -> Measure:
    """N of an explainer less N of occlusion: non-inferior where it lies above minus a tolerance."""
    metric = METRICS[0]
    ahead, span = found.gain(name, metric) - found.gain(BASELINE, metric), found.span(metric)
    if not found.separates(metric):
        return _no_range("comprehensiveness-over-occlusion", name, len(ahead))
    return _judgeable(
        "comprehensiveness-over-occlusion",
        name,
        from_draws(
            "bootstrap",
            float(ahead.mean() / span.mean()),
            ratio_of_means_draws(ahead, span, rng=ask.rng("bootstrap", name, BASELINE)),
            n=len(ahead),
            unit="score",
            design=f"{population(world)}; N of {name} less N of {BASELINE}",
        ),
        world,
        ahead / span.mean(),
        span / span.mean(),
    )


def _sized(name: str) -> str:
    """The contender that takes the features of an explainer by the size of their attributions."""
    return f"{name}, by size"


def _by_size(ask: Ask, world: World, found: Scored, name: str) -> Iterator[Measure]:
    """N of the order by size, where the metric tells orders apart at all."""
    for metric in BY_SIZE:
        if found.separates(metric):
            gain, span = found.gain(_sized(name), metric), found.span(metric)
            yield _disclosed(ask, world, f"{metric}-by-size", name, gain, span, "features by size")


def _areas(ask: Ask, world: World, found: Scored, name: str) -> Iterator[Measure]:
    """The areas under probabilities, of all that the features carry together, where they carry anything."""
    scores = found.contenders[name]
    apart = has_dynamic_range(np.zeros(len(scores.whole)), scores.whole)
    for metric, what in AREAS.items():
        if apart:
            said = "probabilities less that of nothing, over that of everything less that of nothing"
            yield _disclosed(ask, world, metric, name, getattr(scores, what), scores.whole, said)
        else:
            why = "what all features carry together is not told from 0 on these inputs: areas have no scale"
            yield replace(_no_range(metric, name, len(scores.whole), why), mode="disclosure")


def _disclosed(ask: Ask, world: World, metric: str, name: str, over: Floats, under: Floats, said: str) -> Measure:
    """A ratio of means over inputs that is not judged."""
    scale = under.mean()
    return Measure(
        metric=metric,
        estimate=from_draws(
            "bootstrap",
            float(over.mean() / scale),
            ratio_of_means_draws(over, under, rng=ask.rng("bootstrap", name, metric)),
            n=len(over),
            unit="score",
            design=f"{population(world)}; {said}",
        ),
        facets={"explainer": name},
        mode="disclosure",
        items=items_of(world, over / scale, "score", weights=under / scale),
    )


def _by_group(ask: Ask, world: World, found: Scored, name: str, given: Sequence[Explanation]) -> Iterator[Measure]:
    """The same scores of the rows of each group: nothing more is asked."""
    metric, facets, design = METRICS[0], {"explainer": name}, population(world)
    fitted = [place for place, each in enumerate(given) if each.local_fit is not None]
    fits = np.array([given[place].local_fit for place in fitted], dtype=np.float64)
    for grouping, codes in divided(ask, world):
        if found.separates(metric):
            gain, span = found.gain(name, metric), found.span(metric)
            yield from by_group(ask, grouping, codes, gain, span, metric=metric, facets=facets, design=design)
        if fitted:
            every, own = np.ones(len(fits)), codes[fitted]
            yield from by_group(ask, grouping, own, fits, every, metric="local-fit", facets=facets, design=design)


def _judgeable(metric: str, name: str, estimate: Estimate, world: World, values: Floats, weights: Floats) -> Measure:
    """A measure with its items, whose mean is its value; INCONCLUSIVE where inputs are too few for a verdict.

    ``weights`` have the mean 1: what each input adds to the denominator of the value.
    """
    few = len(world) < FEWEST
    return Measure(
        metric=metric,
        estimate=estimate,
        facets={"explainer": name},
        verdict=Verdict.INCONCLUSIVE if few else None,
        sub_reason=SubReason.UNDERPOWERED if few else None,
        why=f"{len(world)} inputs; a verdict needs {FEWEST}" if few else None,
        items=items_of(world, values, "score", weights=weights),
    )


def _no_range(metric: str, name: str, n: int, why: str = ALIKE) -> Measure:
    """That a figure has no dynamic range, and why."""
    return Measure(
        metric=metric,
        estimate=Estimate.missing(why, n=n, unit="score"),
        facets={"explainer": name},
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=SubReason.NO_DYNAMIC_RANGE,
        why=why,
    )
