"""Pictures of emissions: what 1,000 requests emit by the grid's intensity, and whose uncertainty moves the figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from probandum.document import Figure
from probandum_reports.charting import drawn
from probandum_reports.sayings import Shown
from probandum_reports.tables import name, tabled

_GRAMS = "grams-co2e-per-1000-requests"
#: The shares of one figure's variance each, with what that figure is.
_SHARES = {"variance-share": "the emissions", "sci-variance-share": "the software carbon intensity"}
#: The ends and the middle of a grid's intensity, in the order of a chart.
_GRID = ("low", "mid", "high", "range")


def emissions(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """A figure a probe: grams of CO2e with intervals, at each intensity of the grid and over its range."""
    for probe, members in _by_probe(shown, _GRAMS).items():
        found = sorted(
            (each for each in members if each.finding.facets.get("grid") in _GRID),
            key=lambda each: _GRID.index(each.finding.facets["grid"]),
        )
        if len(found) < 2:
            continue
        caption = "CO2e of 1,000 requests, by the intensity of the grid" + _estimated(probe)
        yield Figure(
            kind="intervals",
            caption=caption,
            alt=f"Intervals of grams of CO2e, one line an intensity of the grid: {'; '.join(map(name, found))}. "
            f"{repeats}",
            reading=_of_emissions(found),
            findings=tuple(each.finding.id for each in found),
            twin=tabled(f"{caption}, as a table", found),
        )


def shares(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """A figure a probe and emissions: the share of every uncertain factor in the variance of these, from zero."""
    for metric, emitted in _SHARES.items():
        for probe, members in _by_probe(shown, metric).items():
            if len(members) < 2:
                continue
            found = sorted(members, key=lambda each: -(each.finding.estimate.value or 0.0))
            caption = f"Whose uncertainty moves {emitted}" + _estimated(probe)
            yield Figure(
                kind="rates",
                caption=caption,
                alt=f"Bars, one an uncertain factor, by its share in the variance of {emitted}: "
                f"{'; '.join(map(name, found))}. {repeats}",
                reading=f"The largest share is that of {found[0].finding.facets['factor']}, {found[0].value}.",
                findings=tuple(each.finding.id for each in found),
                twin=tabled(f"{caption}, as a table", found),
            )


def _by_probe(shown: Sequence[Shown], metric: str) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    for each in shown:
        if each.finding.metric.startswith("energy.") and each.finding.metric.endswith(f"/{metric}") and drawn(each):
            found.setdefault(each.finding.probe, []).append(each)
    return found


def _estimated(probe: str) -> str:
    return ", estimated for a hosted model" if probe == "energy.hosted" else ""


def _of_emissions(found: Sequence[Shown]) -> str:
    """The values at the ends of the grid's intensity, which no meter narrows."""
    at = {each.finding.facets["grid"]: each.value for each in found}
    if "low" in at and "high" in at:
        return f"From {at['low']} where the grid emits least to {at['high']} where it emits most, of the same energy."
    return f"At the middle of the grid's intensity {at['mid']}." if "mid" in at else ""
