"""Where the machine stands: what turns its joules into emissions, with the range and the origin of every factor.

A factor that nobody declared and no table holds is None with the reason; a range that nobody declared is a convention,
and is called one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from probandum.grid import grid_intensity
from probandum.speech import noted

#: The least, the middle and the most that a facility takes for one kWh of its machines, where nobody declares it
#: (convention).
PUE_RANGE = (1.1, 1.3, 1.6)
#: How far a grid's intensity of one hour lies from that of the year, as shares of it, where no range is declared
#: (convention: tables hold the averages of years alone).
HOURLY = (0.7, 1.3)

MISSING = {
    "grid": noted("the plan names neither energy.country nor energy.intensity, and a guessed grid would be another's"),
    "embodied": noted("the plan declares no energy.embodied, what making the hardware emitted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GridIntensity:
    """Grams of CO2e for a kWh of the grid: the lowest, the middle and the highest, of which year, and whose figure."""

    low: float
    mid: float
    high: float
    year: int
    source: str

    def __post_init__(self) -> None:
        """ValueError where the three do not rise."""
        if not 0 <= self.low <= self.mid <= self.high:
            raise ValueError(f"expected 0 <= low <= mid <= high, got {self.low:g}, {self.mid:g} and {self.high:g}")


class Embodied(Protocol):
    """What making the hardware emitted, as the plan says under ``energy.embodied``."""

    @property
    def kilograms(self) -> float:
        """Of CO2e, of making all hardware in use."""
        ...

    @property
    def years(self) -> float:
        """Over how many it is used."""
        ...

    @property
    def source(self) -> str:
        """Whose figures they are."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The factors of one machine; what is missing where one is None stands in :data:`MISSING`.

    ``pue``: its least, its middle and its most.
    """

    grid: GridIntensity | None = None
    pue: tuple[float, float, float] = PUE_RANGE
    pue_declared: bool = False
    embodied: Embodied | None = None


class IntensityLine(Protocol):
    """What the plan says under ``energy.intensity``, in grams of CO2e for a kWh."""

    @property
    def low(self) -> float | None:
        """The lowest."""
        ...

    @property
    def mid(self) -> float:
        """The average."""
        ...

    @property
    def high(self) -> float | None:
        """The highest."""
        ...

    @property
    def year(self) -> int:
        """Which the figures are of."""
        ...

    @property
    def source(self) -> str:
        """Whose figures they are."""
        ...


class SiteSettings(Protocol):
    """What the plan says under ``energy``."""

    @property
    def country(self) -> str | None:
        """ISO 3166 alpha-3 code."""
        ...

    @property
    def intensity(self) -> IntensityLine | None:
        """The plan's own figure in place of the table's."""
        ...

    @property
    def pue(self) -> float | None:
        """Power usage effectiveness of the facility."""
        ...

    @property
    def embodied(self) -> Embodied | None:
        """What making the hardware emitted."""
        ...


def site_of(settings: SiteSettings) -> Site:
    """The factors that the plan declares, or the table holds of its country; MissingDependency without the table."""
    return Site(
        grid=_grid(settings),
        pue=PUE_RANGE if settings.pue is None else (settings.pue, settings.pue, settings.pue),
        pue_declared=settings.pue is not None,
        embodied=settings.embodied,
    )


def _grid(settings: SiteSettings) -> GridIntensity | None:
    own = settings.intensity
    if own is not None:
        low, high = (
            own.mid * share if end is None else end for end, share in zip((own.low, own.high), HOURLY, strict=True)
        )
        return GridIntensity(low=low, mid=own.mid, high=high, year=own.year, source=own.source)
    if settings.country is None:
        return None
    mid, year = grid_intensity(settings.country)
    return GridIntensity(
        low=mid * HOURLY[0],
        mid=mid,
        high=mid * HOURLY[1],
        year=year,
        source=f"average of the year for {settings.country} in codecarbon's table; its range is a convention",
    )
