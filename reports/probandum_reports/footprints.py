"""Pictures of emissions: what 1,000 requests emit by the grid's intensity, and whose uncertainty moves the figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from probandum.document import Figure
from probandum_reports.charting import drawn
from probandum_reports.messages import Spoken, said
from probandum_reports.sayings import Shown
from probandum_reports.tables import as_table, name, tabled

_GRAMS = "grams-co2e-per-1000-requests"
#: The shares of one figure's variance each, with what that figure is.
_SHARES: Mapping[str, str] = Spoken(
    {"variance-share": "the emissions", "sci-variance-share": "the software carbon intensity"}
)
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
        caption = _estimated(said("CO2e of 1,000 requests, by the intensity of the grid"), probe)
        names = "; ".join(map(name, found))
        alt = said("Intervals of grams of CO2e, one line an intensity of the grid: {names}.", names=names)
        yield Figure(
            kind="intervals",
            caption=caption,
            alt=f"{alt} {repeats}",
            reading=_of_emissions(found),
            findings=tuple(each.finding.id for each in found),
            twin=tabled(as_table(caption), found),
        )


def shares(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """A figure a probe and emissions: the share of every uncertain factor in the variance of these, from zero."""
    for metric, emitted in _SHARES.items():
        for probe, members in _by_probe(shown, metric).items():
            if len(members) < 2:
                continue
            found = sorted(members, key=lambda each: -(each.finding.estimate.value or 0.0))
            caption = _estimated(said("Whose uncertainty moves {emitted}", emitted=emitted), probe)
            alt = said(
                "Bars, one an uncertain factor, by its share in the variance of {emitted}: {names}.",
                emitted=emitted,
                names="; ".join(map(name, found)),
            )
            yield Figure(
                kind="rates",
                caption=caption,
                alt=f"{alt} {repeats}",
                reading=said(
                    "The largest share is that of {factor}, {value}.",
                    factor=found[0].finding.facets["factor"],
                    value=found[0].value,
                ),
                findings=tuple(each.finding.id for each in found),
                twin=tabled(as_table(caption), found),
            )


def _by_probe(shown: Sequence[Shown], metric: str) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    for each in shown:
        if each.finding.metric.startswith("energy.") and each.finding.metric.endswith(f"/{metric}") and drawn(each):
            found.setdefault(each.finding.probe, []).append(each)
    return found


def _estimated(caption: str, probe: str) -> str:
    return said("{caption}, estimated for a hosted model", caption=caption) if probe == "energy.hosted" else caption


def _of_emissions(found: Sequence[Shown]) -> str:
    """The values at the ends of the grid's intensity, which no meter narrows."""
    at = {each.finding.facets["grid"]: each.value for each in found}
    if "low" in at and "high" in at:
        return said(
            "From {low} where the grid emits least to {high} where it emits most, of the same energy.",
            low=at["low"],
            high=at["high"],
        )
    return said("At the middle of the grid's intensity {middle}.", middle=at["mid"]) if "mid" in at else ""
