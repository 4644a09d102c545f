"""What stands behind figures of energy: factors that the plan declares, and meters with their grade.

Each statement is a fact under ``energy:``, worded once here; what is not there is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from probandum.document import Cell, Fact, Gap, Node, Table
from probandum.dossier import Dossier
from probandum.evidence import Reading
from probandum.probe import Window
from probandum.siting import MISSING, PUE_RANGE
from probandum.speech import english
from probandum_reports import metered, saying, supplying
from probandum_reports.documents import Template
from probandum_reports.messages import Spoken, counted, noted, said
from probandum_reports.threats import Selector

#: Findings that rest on metered windows of the system's own work.
_METERED = (Selector(probes=("energy.inference",)),)


class Parts(Protocol):
    """What the tables read."""

    dossier: Dossier
    template: Template

    def unassessed(self, what: str, requirement: str, supplier: str) -> Fact | Gap:
        """That nothing was measured of it, or what a named person says in its place."""
        ...

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "") -> Gap:
        """A gap that is one field wherever it is shown."""
        ...


def factors(parts: Parts) -> Iterable[Node]:
    """What turns joules into emissions, as the plan declares it."""
    known = dict(_factors(parts.dossier))
    missing = {
        "grid": (
            said("the grid that the machine draws from: {why}", why=said(MISSING["grid"])),
            said("the auditor, in the plan under energy.country or energy.intensity"),
        ),
        "embodied": (
            said("the emissions of making the hardware: {why}", why=said(MISSING["embodied"])),
            said("the auditor, in the plan under energy.embodied"),
        ),
    }
    rows: list[tuple[Cell, ...]] = []
    for key, label in _LABELS.items():
        cell: Cell
        if key in known:
            cell = _fact(f"factor.{key}", known[key])
        else:
            what, supplier = missing[key]
            cell = parts.named_gap(what, parts.template.requirement, supplier)
        rows.append((label, cell))
    yield Table(
        caption="What turns energy into emissions", header=("Factor", "As the plan declares it"), rows=tuple(rows)
    )


_LABELS = Spoken(
    {
        "grid": "Grid",
        "pue": "Overhead of the facility (PUE)",
        "embodied": "Making the hardware (embodied)",
        "meter": "Meter asked for",
    }
)


def _factors(dossier: Dossier) -> Iterator[tuple[str, str]]:
    energy: Mapping[str, Any] = dossier.plan.get("ask", {}).get("energy") or {}
    if (own := energy.get("intensity")) is not None:
        named = {"low": noted("low {value}"), "mid": noted("mid {value}"), "high": noted("high {value}")}
        found = (said(told, value=saying.number(own[name])) for name, told in named.items() if own.get(name))
        ends = "; ".join(found)
        told = "g CO2e/kWh {ends}, of {year} ({source})"
        yield "grid", said(told, ends=ends, year=own.get("year"), source=own.get("source"))
    elif energy.get("country"):
        told = "{country}: average of a year by codecarbon's table; which year stands with the method"
        yield "grid", said(told, country=energy["country"])
    if energy.get("pue") is not None:
        told = "{value}, an assumption that the plan declares; the audit measures none"
        yield "pue", said(told, value=saying.number(energy["pue"]))
    else:
        low, mid, high = map(saying.number, PUE_RANGE)
        told = "{low} to {high}, middle {mid}: an assumption of this toolkit, since the plan declares none"
        yield "pue", said(told, low=low, mid=mid, high=high)
    if (made := energy.get("embodied")) is not None:
        kilograms, years = saying.number(made["kilograms"]), saying.number(made["years"])
        told = "{kilograms} kg CO2e over {years} years ({source}); {grade}"
        grade = saying.grade("D")
        yield "embodied", said(told, kilograms=kilograms, years=years, source=made["source"], grade=grade)
    yield "meter", _asked_for(energy)


def _asked_for(energy: Mapping[str, Any]) -> str:
    """Which meter the plan names: that of a log or of a record that is played back stands in place of any other.

    >>> _asked_for({"meter": "auto", "log": "wall.csv"}), _asked_for({"meter": "rapl"}), _asked_for({})
    ('a meter at the wall, by its log wall.csv', 'rapl', 'auto')
    """
    if energy.get("log"):
        return said("a meter at the wall, by its log {log}", log=energy["log"])
    if energy.get("replay"):
        return said("none: readings of an earlier audit are played back, {record}", record=energy["replay"])
    return str(energy.get("meter") or "auto")


def meters(parts: Parts) -> Iterable[Node]:
    """The meters behind the windows of each probe, with grade, what they cover, idle power and what they warn of."""
    rows = tuple((probe, _fact(f"meter.{place}", words)) for place, (probe, words) in _meters(parts.dossier).items())
    if rows:
        yield Table(
            caption="Meters and windows", header=("Probe", "What was read, how, and with which grade"), rows=rows
        )
    else:
        asked = parts.template.requirement
        supplier = supplying.supplier(parts.dossier, _METERED, asked)
        yield parts.unassessed("metered windows of the system's own work", asked, supplier)


def _meters(dossier: Dossier) -> dict[int, tuple[str, str]]:
    """Each probe with windows, once a meter and grade, in the order of the findings."""
    groups: dict[tuple[str, str, str], dict[str, Window]] = {}
    for finding in dossier.findings:
        for key in finding.evidence if finding.metric.startswith("energy.") else ():
            if (window := dossier.windows.get(key)) is not None:
                group = (finding.probe, window.reading.meter, window.reading.grade)
                groups.setdefault(group, {})[key] = window
    return {
        place: (probe, _windows([window.reading for window in windows.values()]))
        for place, ((probe, _, _), windows) in enumerate(groups.items())
    }


def _windows(readings: list[Reading]) -> str:
    """How many windows there are and how long, what they cover, the meter with its grade, and what it warns of."""
    first = readings[0]
    ends = [saying.amount(end([each.seconds for each in readings]), "second") for end in (min, max)]
    lasting = ends[0] if ends[0] == ends[1] else said("{low} to {high}", low=ends[0], high=ends[1])
    parts = [counted(len(readings), "{n} window of {long}", "{n:,} windows of {long}", long=lasting)]
    if all(each.joules is None for each in readings):
        why = english("; ".join(dict.fromkeys(first.why.values()))) or said("no meter was used")
        return saying.sentence([*parts, said("no joules were read ({why})", why=why)])
    parts += [said("{part} not read: {why}", part=name.upper(), why=english(why)) for name, why in first.why.items()]
    parts += [said("the joules cover {parts}", parts=", ".join(first.covers))] if first.covers else []
    parts += [said("idle power was not read")] if first.idle_watts is None else []
    together = replace(
        first,
        notes=tuple(dict.fromkeys(note for each in readings for note in each.notes)),
        others=tuple(dict.fromkeys(other for each in readings for other in each.others)),
    )
    return f"{saying.sentence(parts)} {metered.caveat(together)}"


def resolve(dossier: Dossier, path: str) -> str | None:
    """What stands at a path under ``energy:``, for checking a document against the record."""
    kind, _, key = path.partition(".")
    if kind == "factor":
        return dict(_factors(dossier)).get(key)
    return _meters(dossier).get(int(key), ("", ""))[1] or None


def _fact(path: str, words: str) -> Fact:
    return Fact(path=f"energy:{path}", value=words, origin="measured")
