"""What a record says of its own test: rows or texts, groups, label, rule of decision, addresses, probes by family.

Where a plan names no rows these are the auditor's own, and nobody else could supply them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from probandum.dossier import Dossier
from probandum.stating import words
from probandum_reports import card_names, digests, special_names
from probandum_reports.messages import said


def stated(dossier: Dossier) -> dict[str, Any]:
    """The facts of the test by their paths; None where the record says nothing."""
    ask, reached = dossier.plan.get("ask", {}), dossier.environment.get("target", {}).get("endpoints")
    suites = dossier.plan.get("suites", {})
    return {
        "target.endpoints": reached or _endpoints(dossier),
        "nobody_reached": None if reached or _judges(dossier) else said("nobody: it connected to none"),
        "features": _features(dossier),
        "data": _rows(ask.get("data")) or _texts(dossier),
        "decision": _decision(ask),
        "label": _label(ask),
        "groups": _groups(dossier),
        "suites": ", ".join(suites),
        **{f"suites.{family}": ", ".join(probes) for family, probes in _by_family(suites).items()},
    }


def _rows(data: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What the plan says of its rows; that none of them lacks a value goes without saying."""
    return (
        None if data is None else {key: value for key, value in data.items() if (key, value) != ("missing", "refuse")}
    )


def _texts(dossier: Dossier) -> str | None:
    """What stood in place of rows where the plan names none: the files that it names, or the texts of the probes."""
    files = digests.data(dossier)
    return None if files is None else said("no rows by the plan; {files}", files=files)


def _features(dossier: Dossier) -> str | None:
    """The columns that the system is asked with, as the card calls them; None where the plan lists none."""
    listed = (dossier.plan.get("ask", {}).get("data") or {}).get("features") or ()
    return ", ".join(card_names.called(dossier.card, str(each)) for each in listed) or None


def _label(ask: Mapping[str, Any]) -> str | None:
    """The column of the label, of a log or of other rows, and which of its values a system tries to detect.

    >>> _label({"data": {"label": "bad_loan", "positive": 1}}), _label({"target": {"type": "log"}})
    ('column bad_loan; its value 1 is what the system tries to detect', None)
    """
    for source in (ask.get("target") or {}, ask.get("data") or {}):
        if (column := source.get("label")) is not None:
            if (positive := source.get("positive")) is None:
                return said("column {column}", column=column)
            detected = "column {column}; its value {value} is what the system tries to detect"
            return said(detected, column=column, value=words(positive))
    return None


def _decision(ask: Mapping[str, Any]) -> Mapping[str, Any] | str | None:
    """How the plan, or a log that it names, says that a score becomes a decision.

    A plan without rows needs no rule; of one with rows, whose scores somebody decides by, it is missing.

    >>> _decision({"target": {"type": "log", "decision": "granted", "favourable": 1}})
    {'decision': 'granted', 'favourable': 1}
    """
    target = ask.get("target") or {}
    of_log = {
        key: target[key] for key in ("decision", "score", "favourable", "threshold") if target.get(key) is not None
    }
    if stated := ask.get("decision") or ("favourable" in of_log and of_log):
        return stated
    return None if ask.get("data") else said("none by the plan: probes read what the system answers as it stands")


def _groups(dossier: Dossier) -> str | None:
    """The groups that the plan names, and those that texts of probes name; None where nothing was measured."""
    of_plan = dossier.plan.get("ask", {}).get("groups") or {}
    stated = [f"{name}: {_group(group)}" for name, group in of_plan.items()]
    for attribute, named in special_names.in_texts(dossier.plan, dossier.findings).items():
        stated.append(said("{attribute}, named in texts: {groups}", attribute=attribute, groups=", ".join(named)))
    if stated or not dossier.findings:
        return "; ".join(stated) or None
    return said("none: no finding of this record is about a group")


def _group(group: Mapping[str, Any] | None) -> str:
    group = group or {}
    reference = group.get("reference")
    text = said("every ordered pair") if reference is None else said("against {reference}", reference=reference)
    if not group.get("labels"):
        return text
    return said("{groups}, intervals {labels}", groups=text, labels=words(group["labels"]))


def _endpoints(dossier: Dossier) -> str:
    if judged := _judges(dossier):
        told = "none to ask the system; what the judges of {probes} connected to stands in their files"
        return said(told, probes=", ".join(judged))
    return said("none")


def _judges(dossier: Dossier) -> list[str]:
    """The probes that had a judge, which may have been asked at an address of its own."""
    return [each.probe for each in dossier.results if each.options.get("judge")]


def _by_family(suites: Iterable[str]) -> dict[str, list[str]]:
    """Probes by the part of their name before the dot.

    >>> _by_family(["bias.name-swap", "energy.inference", "bias.bbq"])
    {'bias': ['bias.name-swap', 'bias.bbq'], 'energy': ['energy.inference']}
    """
    found: dict[str, list[str]] = {}
    for probe in suites:
        found.setdefault(probe.partition(".")[0], []).append(probe)
    return found
