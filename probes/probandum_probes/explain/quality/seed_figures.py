"""What explain.seed-stability shows beside its noise: ranks, coefficients of local models, and every feature alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from probandum.evidence import Floats, Items
from probandum.probe import Ask, Measure
from probandum.stats import mean_draws
from probandum_probes.estimates import from_draws
from probandum_probes.explain.explaining import Explanation
from probandum_probes.explain.person.standing import half_widths
from probandum_probes.explain.quality.base import items_of, population
from probandum_probes.explain.quality.seed_spread import (
    Stability,
    coefficients_stability,
    deviations,
    picked,
    strongest,
    tau,
    variables_stability,
)
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import World


def stacked(runs: Sequence[Sequence[Explanation]]) -> list[Floats]:
    """Attributions by input: one array each, shape (seeds, features)."""
    return [np.stack([each.attributions for each in same]) for same in zip(*runs, strict=True)]


def disclosed(ask: Ask, world: World, metric: str, name: str, values: Floats, places: Sequence[int]) -> Measure:
    """A mean over inputs that is not judged."""
    unit = "share" if metric == "sign-agreement" else "score"
    draws = mean_draws(values, rng=ask.rng("bootstrap", name, metric))
    return Measure(
        metric=metric,
        estimate=from_draws(
            "bootstrap", float(values.mean()), draws, n=len(values), unit=unit, design=population(world)
        ),
        facets={"explainer": name},
        mode="disclosure",
        items=items_of(world, values, unit, places=places),
    )


def ranks(ask: Ask, world: World, name: str, runs: Sequence[Floats]) -> Iterator[Measure]:
    """Tau-b between runs, of the inputs whose features every run ranks."""
    found = {place: value for place, run in enumerate(runs) if (value := tau(run)) is not None}
    if len(found) > 1:
        yield disclosed(ask, world, "kendall", name, np.array([*found.values()]), [*found])


def coefficients(
    ask: Ask, world: World, name: str, runs: Sequence[Sequence[Explanation]], found: Stability
) -> Iterator[Measure]:
    """VSI and CSI of local models: of the inputs that are ranked and whose coefficients have standard errors."""
    picks, overlaps, places = [], [], []
    stack = stacked(runs)
    for place in found.places:
        errors = [run[place].errors for run in runs]
        if all(each is not None for each in errors):
            top = strongest(stack[place])
            picks.append(variables_stability(picked(stack[place])))
            overlaps.append(coefficients_stability(stack[place][:, top], np.array(errors, dtype=np.float64)[:, top]))
            places.append(place)
    if len(places) > 1:
        yield disclosed(ask, world, "variables-stability", name, np.array(picks), places)
        yield disclosed(ask, world, "coefficients-stability", name, np.array(overlaps), places)


def features(ask: Ask, world: World, name: str, runs: Sequence[Floats]) -> Iterator[Measure]:
    """Mean, standard deviation and t interval of every feature of every input; figures are means over features."""
    figures = {
        "attribution": [run.mean(axis=0) for run in runs],
        "standard-deviation": [deviations(run) for run in runs],
        "interval-half-width": [half_widths(run) for run in runs],
    }
    inputs = [instance for instance in world.instances for _ in instance.features]
    rows = isinstance(world, RowWorld)
    keys = [
        f"{instance.key}: {feature if rows else f'word {place}'}"
        for instance in world.instances
        for place, feature in enumerate(instance.features, start=1)
    ]
    for metric, values in figures.items():
        means = np.array([each.mean() for each in values])
        draws = mean_draws(means, rng=ask.rng("bootstrap", name, metric))
        yield Measure(
            metric=metric,
            estimate=from_draws(
                "bootstrap",
                float(means.mean()),
                draws,
                n=len(means),
                unit="logit",
                design=f"{population(world)}; mean over features; {len(runs[0])} seeds",
            ),
            facets={"explainer": name},
            mode="disclosure",
            items=Items(
                keys=tuple(keys),
                strata=tuple(instance.stratum for instance in inputs),
                values=tuple(np.concatenate(values).tolist()),
                unit="logit",
                clusters=tuple(f"{instance.key} {instance.content}".strip() for instance in inputs),
                contents=tuple(instance.content for instance in inputs) if any(x.content for x in inputs) else (),
            ),
        )
