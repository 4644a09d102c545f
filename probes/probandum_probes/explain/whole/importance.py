"""How much each feature does: mean |SHAP| over rows and seeds with ranks where these show, and what is no sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from probandum.evidence import Column, Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Measure
from probandum.stats import mean_interval, ratio_of_means_draws
from probandum_probes.estimates import from_draws, from_interval, point
from probandum_probes.explain.explaining import Explainer
from probandum_probes.explain.quality.base import items_of, seed_of
from probandum_probes.explain.whole.backgrounds import Attributions, over_parts
from probandum_probes.explain.whole.crossed import crossed_interval
from probandum_probes.explain.whole.interactions import parts
from probandum_probes.explain.whole.world import GlobalWorld, item_values, shown, told

#: What is said of a row's value of a feature beside its attribution; a text has no order.
BANDS = ("lowest third", "middle third", "highest third")
CATEGORY, GAP = "a category", "not stated"


def attributed(world: GlobalWorld, explainer: Explainer, seeds: int) -> Iterator[Measure]:
    """Mean |phi|, mean phi and, where intervals lie apart, the rank of every feature."""
    found = explained(world, explainer, seeds)
    phi = found.whole
    rows, _, runs = phi.shape
    dealt = f"{len(world.explained.background)} rows of background in {found.parts} parts" if found.parts > 1 else ""
    drawn = said_in_turn([f"{rows} rows", f"{runs} seeds" if runs > 1 else "", dealt])
    design = told(f"{explainer.kind} by {explainer.name}", world.what.said, drawn, found.why)
    sizes, means = np.abs(phi), phi.mean(axis=2)
    by_part = found.by_part
    size_draws = found.size_draws(rng=world.ask.rng("bootstrap", "mean-absolute-shap"))
    estimates = []
    for place, name in enumerate(world.features):
        own: Floats = sizes[:, place].mean(axis=1)
        words = told(design, world.said(name))
        size = from_draws("bootstrap", float(own.mean()), size_draws[place], n=rows, unit="logit", design=words)
        estimates.append(size)
        yield shown("mean-absolute-shap", size, items=items_of(world.explained, own, "logit"), feature=name)
        both = crossed_interval(by_part[:, place]) if found.parts > 1 else mean_interval(means[:, place])
        mean = from_interval(both, n=rows, unit="logit", design=words)
        strata = bands(world.explained.rows[name])
        yield shown(
            "mean-shap", mean, items=item_values(world.explained, means[:, place], "logit", strata), feature=name
        )
    yield from ranked(world.features, estimates)


def explained(world: GlobalWorld, explainer: Explainer, seeds: int) -> Attributions:
    """Attributions under every seed and over parts of the background; of an explainer that draws nothing once."""
    runs = [f"run {number}" for number in range(seeds if explainer.sampled else 1)]
    drawn = [seed_of(world.ask, explainer.name, run) for run in runs]
    return over_parts(world.explained, explainer, drawn, rng=world.ask.rng("parts"))


def bands(column: Column) -> list[str]:
    """In which third of the values each lies, ties in the lower one; texts have none.

    >>> bands(np.array([3.0, 1.0, 2.0])), bands(np.array(["x", "y"]))
    (['highest third', 'lowest third', 'middle third'], ['a category', 'a category'])
    """
    if column.dtype.kind != "f":
        return [CATEGORY] * len(column)
    known = np.isfinite(column)
    if not known.any():
        return [GAP] * len(column)
    edges = np.quantile(column[known], [1 / 3, 2 / 3], method="inverted_cdf")
    places = np.searchsorted(edges, np.where(known, column, edges[0]), side="left")
    return [BANDS[place] if each else GAP for place, each in zip(places.tolist(), known.tolist(), strict=True)]


def said_in_turn(parts: Sequence[str]) -> str:
    """What there is of some things, one after the other.

    >>> said_in_turn(["2 rows", "3 seeds", "9 others"]), said_in_turn(["2 rows", "", "9 others"])
    ('2 rows, 3 seeds and 9 others', '2 rows and 9 others')
    """
    *first, last = filter(None, parts)
    return f"{', '.join(first)} and {last}" if first else last


def ranked(features: Sequence[str], estimates: Sequence[Estimate]) -> Iterator[Measure]:
    """The place of each feature, or between which places it lies: a rank is said where intervals lie apart."""
    ends = [(each.low or 0.0, each.high or 0.0) for each in estimates]
    for name, (low, high), estimate in zip(features, ends, estimates, strict=True):
        best = 1 + sum(other > high for other, _ in ends)
        worst = len(ends) - sum(other < low for _, other in ends)
        if best == worst:
            design = "by mean absolute SHAP; its interval overlaps with no other"
            yield shown("importance-rank", point(best, n=estimate.n, unit="rank", design=design), feature=name)
            continue
        why = f"between place {best} and {worst} of {len(ends)}: intervals of mean absolute SHAP overlap"
        yield Measure(
            metric="importance-rank",
            estimate=Estimate.missing(why, n=estimate.n, unit="rank"),
            facets={"feature": name},
            mode="disclosure",
            verdict=Verdict.INCONCLUSIVE,
            sub_reason=SubReason.NEAR_THRESHOLD,
            why=why,
        )


def interacting(world: GlobalWorld) -> Iterator[Measure]:
    """The share of the variance of f that is no sum: of each feature with all others, and over all features."""
    found, n = parts(world.explained), len(world.explained)
    if not found.varies:
        why = "f is the same in all rows: there is no variance to share out"
        yield Measure(
            metric="non-additive-share",
            estimate=Estimate.missing(why, n=n, unit="score"),
            mode="disclosure",
            verdict=Verdict.NOT_APPLICABLE,
            sub_reason=SubReason.NO_DYNAMIC_RANGE,
            why=why,
        )
        return
    whole = found.whole**2
    background = f"partial dependence over these {len(world.explained.background)} rows of background"
    design = told(world.what.said, f"bootstrap over {n} rows", background)
    places: list[tuple[str, int | None]] = [("non-additive-share", None)]
    places += [("interaction-share", place) for place in range(len(world.features))]
    for metric, place in places:
        missed = found.missed(place)
        draws = ratio_of_means_draws(missed, whole, rng=world.ask.rng("bootstrap", metric, str(place)))
        value = float(missed.mean() / whole.mean())
        items = items_of(world.explained, missed / whole.mean(), "score", weights=whole / whole.mean())
        estimate = from_draws("bootstrap", value, draws, n=n, unit="score", design=design)
        yield shown(metric, estimate, items=items, **({} if place is None else {"feature": world.features[place]}))
