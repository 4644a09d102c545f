"""The share of attribution that rests on an attribute and on its proxies, against noise and against flips."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.subject import Bools
from probandum_probes.bias.proxy_places import NONE
from probandum_probes.bias.rates import unsaid
from probandum_probes.estimates import from_draws, point
from probandum_probes.explain.reliance.comparison import Bar, Comparison
from probandum_probes.explain.reliance.flips import contradiction, flipped
from probandum_probes.explain.reliance.mass import Mass
from probandum_probes.explain.reliance.noise import DEALT, noise_share

OVER_NOISE, PROTECTED = "protected-mass-over-noise", "protected-mass-share"
#: The share of decisions that may flip with an attribute while little attribution rests on it.
FLIPS = 0.01
#: Rows with attributions that are not all 0, which a share needs.
FEWEST_EXPLAINED = 30


def shares(ask: Ask, found: Comparison, noise: Floats) -> Iterator[Measure]:
    """Every share of one comparison; ``noise``: mean |phi| of the attribute's columns dealt out anew, time by time."""
    place, mass = found.place, Mass.of(found)
    where = place.where
    if mass.explained < FEWEST_EXPLAINED:
        why = (
            f"attributions of {mass.explained} of {len(mass.rows)} rows are not all 0; a share needs {FEWEST_EXPLAINED}"
        )
        reason = SubReason.NO_DYNAMIC_RANGE
        yield unsaid(OVER_NOISE, why, where, Verdict.NOT_APPLICABLE, n=mass.n, reason=reason)
        return
    proxied = f"proxies: {', '.join(found.proxies)}" if found.proxies else NONE
    yield _shown(ask, found, mass, "proxy-mass-share", found.proxies, proxied)
    if not place.own:
        why = (
            f"no feature carries {place.grouping.attribute}, so that no attribution can rest on it; "
            "other features may stand in for it"
        )
        yield unsaid(OVER_NOISE, why, where, Verdict.NOT_APPLICABLE, n=mass.n, reason=SubReason.TRIVIAL)
        return
    yield _shown(ask, found, mass, PROTECTED, place.own, f"carried by {', '.join(place.own)}")
    limit = noise_share(noise, mass.mean(np.ones(len(place.features), dtype=bool)))
    dealt = f"95th percentile of {DEALT} times, {len(place.subject)} rows"
    noisy = point(limit, n=len(place.subject), unit="share", design=dealt)
    yield Measure(metric="noise-mass-share", groups=where, estimate=noisy, mode="disclosure")
    both = np.isin(place.grouping.codes, place.pair)
    flips = flipped(ask, place.grouping, place.pair, place.own)
    rate = flips.rate(place.subject, both, place.own)
    yield Measure(metric="attribute-flip-rate", groups=where, estimate=rate, mode="disclosure")
    marked = place.marked(place.own)
    hidden = contradiction(flips, both, mass.rows, mass.weights, mass.mean(marked), place.own)
    bar = _barred(found, mass, mass.share(marked) - limit, rate)
    if hidden is not None:
        bar = Verdict.ERROR, SubReason.EXPLANATION_CONTRADICTION, hidden
    yield _over_noise(ask, found, mass, marked, limit, bar)


def _shown(ask: Ask, found: Comparison, mass: Mass, metric: str, names: tuple[str, ...], told: str) -> Measure:
    """A share that is shown."""
    marked = found.place.marked(names)
    estimate = from_draws(
        "bootstrap",
        mass.share(marked),
        mass.draws(marked, ask.rng("bootstrap", str(found.place.where), metric)),
        n=mass.n,
        unit="share",
        design=f"{told}; {found.design}",
    )
    return Measure(metric=metric, groups=found.place.where, estimate=estimate, mode="disclosure")


def _barred(found: Comparison, mass: Mass, value: float, rate: Estimate) -> Bar | None:
    """Why a share that is ``value`` above that of noise allows no verdict; None where it does.

    The fewer rows there are the more noise reaches, so that a small share alone is no evidence: where more decisions
    flip with the attribute than is tolerated, nothing passes.
    """
    if value > 0 or rate.low is None or rate.low <= FLIPS:
        return found.too_few(mass.n)
    why = (
        f"the share lies below what noise reaches with {len(found.place.subject)} rows, yet changing the attribute "
        f"flips {rate.value:.3f} of the decisions (at least {rate.low:.3f}): more rows would tell the share from noise"
    )
    return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why


def _over_noise(ask: Ask, found: Comparison, mass: Mass, marked: Bools, limit: float, bar: Bar | None) -> Measure:
    """The attribute's share less that of noise; an ERROR where flips contradict it."""
    place, value = found.place, mass.share(marked) - limit
    draws = mass.draws(marked, ask.rng("bootstrap", str(place.where), PROTECTED))
    verdict, reason, why = bar or (None, None, None)
    influence = np.zeros(len(place.subject))
    influence[mass.rows] = mass.influence(marked)
    return Measure(
        metric=OVER_NOISE,
        groups=place.where,
        estimate=from_draws(
            "bootstrap",
            value,
            tuple(draw - limit for draw in draws),
            n=mass.n,
            unit="share",
            design=f"less {limit:.4f}, which noise reaches; {found.design}",
        ),
        verdict=verdict,
        sub_reason=reason,
        why=why,
        items=found.kept.items(value, influence, *found.sides, unit="share"),
    )
