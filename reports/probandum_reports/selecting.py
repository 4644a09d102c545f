"""Findings by what they are about, so that any system's findings land somewhere in a document."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from probandum.finding import Finding
from probandum_reports.threats import Selector


def select(findings: Iterable[Finding], selector: Selector) -> tuple[Finding, ...]:
    """The findings that fit every key the selector gives, in the record's order."""
    return tuple(finding for finding in findings if fits(finding, selector))


def fits(finding: Finding, selector: Selector) -> bool:
    """Whether a finding is one of those that ``selector`` asks for."""
    return (
        (not selector.families or finding.probe.partition(".")[0] in selector.families)
        and (not selector.probes or matches(finding.probe, selector.probes))
        and (not selector.metrics or matches(finding.metric, selector.metrics))
        and (
            not selector.requirements
            or any(matches(requirement, selector.requirements) for requirement in finding.requirements)
        )
        and (selector.judged is None or selector.judged == (finding.limit is not None))
        and (selector.single_groups is None or selector.single_groups == _of_one_group(finding))
    )


def _of_one_group(finding: Finding) -> bool:
    return finding.groups is not None and finding.groups.reference is None


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether ``name`` fits one of the patterns.

    >>> matches("bias.group-rates/fpr-difference", ["*/tpr-*", "*/fpr-*"])
    True
    """
    return any(fnmatchcase(name, pattern) for pattern in patterns)
