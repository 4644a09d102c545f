"""Findings by what they are about, so that any system's findings land somewhere in a document."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from probandum.finding import Finding, Verdict
from probandum.law import catalogue
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


def auditor(asked_for: Iterable[Finding]) -> str:
    """Who supplies what no finding has a number of: the auditor, who adds a suite where no probe asked for it.

    >>> auditor([])
    'the auditor, by adding a suite'
    """
    if any(True for _ in asked_for):
        return "the auditor, once what kept it from being measured is mended"
    return "the auditor, by adding a suite"


def of_system(finding: Finding) -> bool:
    """Whether a finding is of the audited system, and not of a model that a probe fitted itself to compare it with."""
    return finding.facets.get("model", _SYSTEM) == _SYSTEM


def _fits(finding: Finding, selector: Selector) -> bool:
    """Whether a finding fits every key that the selector gives."""
    return (
        (not selector.families or finding.probe.partition(".")[0] in selector.families)
        and (not selector.probes or matches(finding.probe, selector.probes))
        and (not selector.metrics or matches(finding.metric, selector.metrics))
        and (not selector.measures or _measures(finding, selector.measures))
        and (
            not selector.requirements
            or any(matches(requirement, selector.requirements) for requirement in finding.requirements)
        )
        and selector.facets.items() <= finding.facets.items()
        and (selector.judged is None or selector.judged == (finding.limit is not None))
        and (selector.of_groups is None or selector.of_groups == (finding.groups is not None))
        and (selector.single_groups is None or selector.single_groups == _of_one_group(finding))
    )


def _of_one_group(finding: Finding) -> bool:
    return finding.groups is not None and finding.groups.reference is None


def _measures(finding: Finding, names: Iterable[str]) -> bool:
    """Whether a finding is of a metric, or of a probe, by which the catalogue's metrics are measured of the system.

    What a probe says beside it of a model that it fitted itself is none of them.
    """
    if not of_system(finding):
        return False
    targets = {
        each for group in catalogue().metric_map.metrics.values() for name in names for each in group.get(name, ())
    }
    return not targets.isdisjoint((finding.metric, finding.probe))


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether ``name`` fits one of the patterns.

    >>> matches("bias.group-rates/fpr-difference", ["*/tpr-*", "*/fpr-*"])
    True
    """
    return any(fnmatchcase(name, pattern) for pattern in patterns)
