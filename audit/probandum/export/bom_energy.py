"""Energy in a bill of materials: what a meter read of 1,000 requests, in the only units that the format knows.

These are kWh and tonnes of CO2e, in which one request is a very small number: it is written with all its digits, and
never as 0. What was estimated from a model of the machine (grade D) was not measured, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from probandum.dossier import Dossier
from probandum.finding import Finding, notation

#: The quantities, by unit and by the part of the metric's name that says per what.
_ENERGY, _CARBON, _PER = "watt-hour", "gram", "per-1000-requests"
_WATT_HOURS_PER_KWH, _GRAMS_PER_TONNE = 1e3, 1e6
_MEASURED = frozenset("ABC")


def consumptions(dossier: Dossier, findings: tuple[Finding, ...]) -> Iterator[dict[str, Any]]:
    """One entry a probe that metered requests: the energy of 1,000 of them, and the emissions where a grid is known."""
    for each in findings:
        grade = _grade(dossier, each)
        if not _of(each, _ENERGY) or grade not in _MEASURED:
            continue
        kwh = _said(each, _WATT_HOURS_PER_KWH, "kWh")
        carbon = next((one for one in findings if one.probe == each.probe and _carbon(one)), None)
        country = (dossier.plan["ask"].get("energy") or {}).get("country")
        grid = f"electricity grid of {country}, as declared in the plan" if country else "not declared"
        yield {
            "activity": "inference",
            "energyProviders": [
                {"organization": {"name": grid}, "energySource": "unknown", "energyProvided": kwh},
            ],
            "activityEnergyCost": kwh,
            "co2CostEquivalent": None if carbon is None else _said(carbon, _GRAMS_PER_TONNE, "tCO2eq"),
            "properties": [
                {"name": "probandum:per", "value": "1,000 requests"},
                *_evidence("activityEnergyCost", each, _WATT_HOURS_PER_KWH, "kWh"),
                {"name": "probandum:activityEnergyCost:grade", "value": f"measurement grade {grade}"},
                *([] if carbon is None else _evidence("co2CostEquivalent", carbon, _GRAMS_PER_TONNE, "tCO2eq")),
            ],
        }


def _of(finding: Finding, unit: str) -> bool:
    estimate = finding.estimate
    return estimate.unit == unit and estimate.value is not None and finding.metric.endswith(_PER)


def _carbon(finding: Finding) -> bool:
    """Emissions over the whole range of the grid; those at its ends alone are no statement about a year."""
    return _of(finding, _CARBON) and finding.facets.get("grid") == "range"


def _grade(dossier: Dossier, finding: Finding) -> str | None:
    """The worst grade behind a finding; None where no window was metered."""
    grades = [dossier.windows[key].reading.grade for key in finding.evidence if key in dossier.windows]
    return max([*grades, *filter(None, [finding.facets.get("grade")])], default=None)


def _said(finding: Finding, parts: float, unit: str) -> dict[str, Any]:
    assert finding.estimate.value is not None
    return {"value": finding.estimate.value / parts, "unit": unit}


def _evidence(of: str, finding: Finding, parts: float, unit: str) -> Iterator[dict[str, str]]:
    estimate = finding.estimate
    assert estimate.low is not None and estimate.high is not None
    low, high = estimate.low / parts, estimate.high / parts
    written = notation([low, high], significant=3)
    yield {"name": f"probandum:{of}:findingId", "value": finding.id}
    interval = f"{low:{written}} to {high:{written}} {unit} at {estimate.level:g}, n = {estimate.n}"
    yield {"name": f"probandum:{of}:interval", "value": interval}
