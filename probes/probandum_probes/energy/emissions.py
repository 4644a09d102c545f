"""What the metered energy of requests means for the climate: grams of CO2e, the SCI, and whose error moves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike

from probandum.energy import SLIGHT
from probandum.finding import Estimate
from probandum.probe import Measure
from probandum.siting import MISSING, Embodied, GridIntensity, Site
from probandum.units import JOULES_PER_KWH
from probandum_probes.energy.footprint import (
    EMBODIED_FACTOR,
    LEVEL,
    Factor,
    Footprint,
    embodied,
    estimated,
    footprint,
    repeated,
    within,
)
from probandum_probes.estimates import from_draws, point

EMISSIONS = {"grams-co2e-per-1000-requests": "gram", "variance-share": "share"}
METRICS = {**EMISSIONS, "software-carbon-intensity": "gram", "sci-variance-share": "share"}
#: The functional unit of the software carbon intensity: so many requests.
_UNIT = 1000
#: How many quantiles of the draws are kept, and the outermost of them: so that the tenth from either end, where the
#: ends of an interval at 90 % are read off, are those of 5 % and 95 %.
_KEPT, _OUTERMOST = 201, 0.005 / 0.91


def emitted(
    site: Site,
    joules: Estimate,
    *,
    rng: np.random.Generator,
    seconds: float | None = None,
    facets: Mapping[str, str] | None = None,
) -> Iterator[Measure]:
    """Emissions of 1,000 requests at each end and the middle of the grid's intensity, and over its range.

    ``joules`` of one request; ``seconds``: how long one takes, for the software carbon intensity, which is stated where
    it is given: of grade D where more than a tenth of it is of the hardware, whose making nobody metered (measurement
    C-0). Each of the two has the shares of its own factors in its own variance. ``facets``: what stands beside every
    figure. What is not known is missing with the reason.
    """
    beside = dict(facets or {})
    if joules.value is None or site.grid is None:
        why = str(joules.why) if joules.value is None else MISSING["grid"]
        yield _missing("grams-co2e-per-1000-requests", why, {**beside, "grid": "range"})
        if seconds is not None:
            yield _missing("software-carbon-intensity", why, beside)
        return
    low, mid, high = site.pue
    energy, facility = _energy(joules), Factor(mid=mid, form="uniform", low=low, high=high)
    grid = Factor(mid=site.grid.mid, form="triangular", low=site.grid.low, high=site.grid.high)
    design = _design(site, site.grid)
    for name in ("low", "mid", "high"):
        at = footprint(rng, energy, Factor(mid=getattr(site.grid, name)), facility)
        yield _stated("grams-co2e-per-1000-requests", at, joules.n, design, {**beside, "grid": name})
    whole = footprint(rng, energy, grid, facility)
    yield _stated("grams-co2e-per-1000-requests", whole, joules.n, design, {**beside, "grid": "range"})
    yield from _shares("variance-share", whole, joules.n, beside)
    if seconds is not None and site.embodied is None:
        yield _missing("software-carbon-intensity", MISSING["embodied"], beside)
    elif seconds is not None and site.embodied is not None:
        grams = embodied(kilograms=site.embodied.kilograms, years=site.embodied.years, seconds=_UNIT * seconds)
        whole = footprint(rng, energy, grid, facility, within(grams, EMBODIED_FACTOR))
        graded = {**beside, "grade": "D"} if grams > SLIGHT * whole.value else beside
        told = f"{design}; {_hardware(site.embodied, grams / whole.value)}"
        yield _stated("software-carbon-intensity", whole, joules.n, told, graded)
        yield from _shares("sci-variance-share", whole, joules.n, beside)


def _energy(joules: Estimate) -> Factor:
    """kWh of 1,000 requests: by its repeats where it was metered, from half to twice where it is an estimate."""
    assert joules.value is not None
    kwh = _UNIT * joules.value / JOULES_PER_KWH
    if joules.moments is None:
        return estimated(kwh)
    _, error, df = joules.moments
    return repeated(kwh, error, df)


def _design(site: Site, grid: GridIntensity) -> str:
    """Every factor with where it is from."""
    low, _, high = site.pue
    facility = f"PUE {low:g}, as the plan declares" if site.pue_declared else f"PUE {low:g} to {high:g}, a convention"
    return (
        f"gross energy; grid {grid.low:.0f}, {grid.mid:.0f} and {grid.high:.0f} g CO2e/kWh, location-based, of "
        f"{grid.year} ({grid.source}); {facility}"
    )


def _hardware(made: Embodied, share: float) -> str:
    return (
        f"hardware {made.kilograms:g} kg CO2e over {made.years:g} years ({made.source}; grade D, a factor of "
        f"{EMBODIED_FACTOR:g} either way), all of it reserved while it answers: {100 * share:.0f} % of the figure; "
        f"functional unit {_UNIT:,} requests"
    )


def _stated(metric: str, found: Footprint, n: int, design: str, facets: Mapping[str, str]) -> Measure:
    estimate = drawn(found.value, found.draws, n=n, unit="gram", design=design)
    return Measure(metric=metric, facets=facets, estimate=estimate, mode="disclosure")


def drawn(value: float, draws: ArrayLike, *, n: int, unit: str, design: str) -> Estimate:
    """What uncertain factors make together, at 90 %, with quantiles of the draws for a picture of them."""
    kept = np.quantile(np.asarray(draws, float), np.linspace(_OUTERMOST, 1 - _OUTERMOST, _KEPT)).tolist()
    return from_draws("monte-carlo", value, kept, n=n, unit=unit, design=design, level=LEVEL)


def _shares(metric: str, found: Footprint, n: int, facets: Mapping[str, str]) -> Iterator[Measure]:
    design = "share of the variance that remains where this factor alone is drawn; closed form"
    for name, share in found.shares.items():
        yield Measure(
            metric=metric,
            facets={**facets, "factor": name},
            estimate=point(share, n=n, unit="share", design=design),
            mode="disclosure",
        )


def _missing(metric: str, why: str, facets: Mapping[str, str]) -> Measure:
    return Measure(
        metric=metric, facets=facets, estimate=Estimate.missing(why, unit="gram"), mode="disclosure", why=why
    )
