"""Findings that a chart draws beside others: what a limit tolerates next to a reference, and what neutral words do."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from probandum.finding import Finding
from probandum_reports.charting import drawn
from probandum_reports.sayings import Shown
from probandum_reports.view import View

#: Which comparison a rate of one group is judged by; the first that the plan limits.
_COMPARED = {"selection-rate": ("selection-difference", "impact-ratio")}
#: A rate that words for persons have and neutral words have not.
_ONLY_TERMS = "flip-rate"


class Tolerance(NamedTuple):
    """Where a rate keeps a limit, and the comparison that the limit is on."""

    low: float
    high: float
    by: Shown


def tolerated(shown: Shown, view: View) -> Tolerance | None:
    """Where a group's rate would keep the declared limit beside the reference's rate, within 0 and 1.

    None for a group that no limit compares, and where either figure is withheld.
    """
    finding = shown.finding
    if finding.groups is None or finding.groups.reference is not None or not drawn(shown):
        return None
    first, _, rate = finding.metric.rpartition("/")
    for name in _COMPARED.get(rate, (f"{rate}-difference", f"{rate}-ratio")):
        for compared in view.dossier.findings:
            if compared.metric != f"{first}/{name}" or compared.limit is None or not _about(compared, finding):
                continue
            reference = _rate_of_reference(compared, finding, view)
            if reference is None or not drawn(view.shown(compared.id)):
                continue
            low, high = compared.limit.edges()
            if compared.estimate.unit == "ratio":
                edges = 0.0 if low is None else low * reference, 1.0 if high is None else high * reference
            else:
                edges = 0.0 if low is None else low + reference, 1.0 if high is None else high + reference
            return Tolerance(max(0.0, edges[0]), min(1.0, edges[1]), view.shown(compared.id))
    return None


def comparisons(shown: Shown, view: View) -> list[Shown]:
    """The comparisons of a group's rate with others' that a limit was applied to; none where its figure is withheld."""
    finding = shown.finding
    if finding.groups is None or finding.groups.reference is not None or not drawn(shown):
        return []
    first, _, rate = finding.metric.rpartition("/")
    names = {f"{first}/{name}" for name in _COMPARED.get(rate, (f"{rate}-difference", f"{rate}-ratio"))}
    return [
        view.shown(each.id)
        for each in view.dossier.findings
        if each.metric in names and each.limit is not None and each.limit.applied and _about(each, finding)
    ]


def _about(compared: Finding, finding: Finding) -> bool:
    """Whether a comparison is of the finding's group."""
    one, other = compared.groups, finding.groups
    same = one is not None and other is not None and (one.attribute, one.group) == (other.attribute, other.group)
    return same and compared.facets == finding.facets


def _rate_of_reference(compared: Finding, finding: Finding, view: View) -> float | None:
    assert compared.groups is not None and finding.groups is not None and compared.groups.reference is not None
    wanted = replace(finding.groups, group=compared.groups.reference)
    found = (each for each in view.dossier.findings if each.metric == finding.metric and each.groups == wanted)
    rate = next((each for each in found if each.facets == finding.facets), None)
    return rate.estimate.value if rate is not None and drawn(view.shown(rate.id)) else None


def neutral_words(shown: Shown, view: View) -> list[Shown]:
    """The pairs of neutral words that the same probe swapped, in the record's order.

    They are told from words for persons by having no rate of changed decisions.
    """
    finding = shown.finding
    terms = {each.groups for each in view.dossier.findings if each.metric == f"{finding.probe}/{_ONLY_TERMS}"}
    return [
        view.shown(each.id)
        for each in view.dossier.findings
        if each.metric == finding.metric and each.groups is not None and each.groups not in terms
    ]
