"""Findings by what they are about, so that any system's findings land somewhere in a document."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache

from probandum.finding import Finding, Verdict
from probandum.law import catalogue
from probandum.probe import ProbeSpec
from probandum_reports.threats import Selection, Selector

#: What the facet of a finding says that names its model, where that is the audited system.
_SYSTEM = "system"


def select(findings: Iterable[Finding], selection: Selection) -> tuple[Finding, ...]:
    """The findings that fit any of the selectors, in the record's order; a probe that never ran found nothing."""
    return tuple(each for each in findings if asked(each) and any(_fits(each, one) for one in selection))


def in_order(findings: Iterable[Finding], selection: Selection) -> tuple[Finding, ...]:
    """The findings that fit, those of the first selector first."""
    found = select(findings, selection)
    return tuple(sorted(found, key=lambda each: next(at for at, one in enumerate(selection) if _fits(each, one))))


def asked(finding: Finding) -> bool:
    """Whether a probe asked anything for a finding, which else only says that the probe does not apply."""
    return finding.metric != f"{finding.probe}/run" or finding.verdict is not Verdict.NOT_APPLICABLE


def answered(finding: Finding) -> bool:
    """Whether a finding has a number or a verdict."""
    return finding.estimate.value is not None or finding.verdict is not Verdict.NOT_APPLICABLE


def declares(spec: ProbeSpec, selection: Iterable[Selector]) -> bool:
    """Whether a probe could have findings that fit, by what it declares; what only its options add is not known."""
    return any(
        _named(one, spec.id, f"{spec.id}/{metric}", spec.requirements)
        and one.facets.keys() <= set(spec.facets)
        and (bool(spec.attributes) or not (one.of_groups or one.single_groups))
        for one in selection
        for metric in spec.metrics
    )


def of_system(finding: Finding) -> bool:
    """Whether a finding is of the audited system, and not of a model that a probe fitted itself to compare it with."""
    return finding.facets.get("model", _SYSTEM) == _SYSTEM


def _fits(finding: Finding, selector: Selector) -> bool:
    """Whether a finding fits every key that the selector gives."""
    return (
        _named(selector, finding.probe, finding.metric, finding.requirements)
        and (not selector.measures or of_system(finding))  # what is said of a model beside it measures nothing of it
        and selector.facets.items() <= finding.facets.items()
        and (selector.judged is None or selector.judged == (finding.limit is not None))
        and (selector.of_groups is None or selector.of_groups == (finding.groups is not None))
        and (selector.single_groups is None or selector.single_groups == _of_one_group(finding))
    )


def _named(selector: Selector, probe: str, metric: str, requirements: Iterable[str]) -> bool:
    """Whether a metric of a probe fits by its names and by the provisions that the probe speaks to."""
    return (
        (not selector.families or probe.partition(".")[0] in selector.families)
        and (not selector.probes or matches(probe, selector.probes))
        and (not selector.metrics or matches(metric, selector.metrics))
        and (not selector.measures or _measures(probe, metric, selector.measures))
        and (not selector.requirements or any(matches(each, selector.requirements) for each in requirements))
    )


def _of_one_group(finding: Finding) -> bool:
    return finding.groups is not None and finding.groups.reference is None


def _measures(probe: str, metric: str, names: tuple[str, ...]) -> bool:
    """Whether a metric, or its whole probe, is one by which the catalogue's metrics are measured."""
    return not _targets(names).isdisjoint((metric, probe))


@cache
def _targets(names: tuple[str, ...]) -> frozenset[str]:
    groups = catalogue().metric_map.metrics.values()
    return frozenset(each for group in groups for name in names for each in group.get(name, ()))


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether ``name`` fits one of the patterns.

    >>> matches("bias.group-rates/fpr-difference", ["*/tpr-*", "*/fpr-*"])
    True
    """
    return any(fnmatchcase(name, pattern) for pattern in patterns)
