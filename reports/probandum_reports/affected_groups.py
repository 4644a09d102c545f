"""The groups of persons that an audit compared, as assessments of data protection and of fundamental rights share them.

A group is named by a finding about it alone. Where its persons are too few for a verdict, or where nothing was measured
of it, it is not assessed, and says so. Groups that stand in texts of probes, and in no rows, have a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from probandum.document import Cell, Fact, Node, Number, Table, Text
from probandum.finding import Finding, SubReason, Verdict, finding_id
from probandum.withholding import WITHHELD
from probandum_reports import facts, special_names, supplying
from probandum_reports.filling_in import Parts
from probandum_reports.messages import said
from probandum_reports.tables import name
from probandum_reports.threats import Selector

#: The provisions that ask for the people concerned, of which each assessment answers its own.
_ASKING = ("gdpr:35:7:a", "ai-act:art-27:1:c")
_SUPPLIER = "the auditor, with data on more persons"
#: What probes of persons say of one group beside another.
_COMPARING = (Selector(families=("bias", "performance"), of_groups=True),)


def table(parts: Parts) -> Iterable[Node]:
    """A row a group of the plan, and one for each attribute of texts; a gap where the audit compared neither."""
    found, asks = _single(parts), next(each for each in _ASKING if each in parts.template.requirements())
    in_texts = list(_in_texts(parts))
    yield from in_texts
    if not found and in_texts:
        return
    comparing = [each for each in supplying.suites(parts.dossier, _COMPARING) if each.attributes == "plan"]
    adding = supplying.by_suite(comparing, asks)
    if not found:
        if comparing and not parts.dossier.plan.get("ask", {}).get("groups"):
            adding = said("{supplier}, and by naming groups", supplier=adding)
        yield parts.unassessed("groups of persons in the data", asks, adding)
        return
    few, compared, references = _too_few(parts), _compared(parts, of="group"), _compared(parts, of="reference")
    rows: list[tuple[Cell, ...]] = []
    for key, finding in found.items():
        cell: Cell
        if key in references and _reference(parts, key):
            cell = said("the group with which findings of this record compare others")
        elif key in compared:
            cell = said("compared with another group in a finding of this record")
        elif key in few:
            cell = parts.unassessed("groups with too few persons for a verdict", asks, _SUPPLIER)
        else:
            cell = parts.unassessed("groups that no finding compares with another", asks, adding)
        rows.append((Number(finding=finding.id, label=name(parts.view.shown(finding.id))), cell))
    header = ("Group, and a figure of it alone", "Whether it was assessed")
    yield Table(caption="Groups of persons in the data of this audit", header=header, rows=tuple(rows))


def _in_texts(parts: Parts) -> Iterable[Node]:
    """The groups that findings compare in texts, with the probes that did."""
    suggested = special_names.of_record(parts.dossier.plan, parts.dossier.findings)
    probes: dict[str, dict[str, None]] = {name: {} for name, each in suggested.items() if each.of_texts}
    for each in parts.dossier.findings:
        if each.groups is not None and each.groups.attribute in probes:
            probes[each.groups.attribute][each.probe] = None
    rows: list[tuple[Cell, ...]] = []
    for name_, by in probes.items():
        path = f"special.{name_}"
        words = Fact(path=f"run.{path}", value=facts.run_facts(parts.dossier)[path], origin="measured")
        rows.append((words, said("compared in findings of {probes}", probes=", ".join(by))))
    if rows:
        header = ("Groups, and what the words for them suggest", "Whether they were compared")
        yield Table(caption="Groups named in texts of this audit", header=header, rows=tuple(rows))
        yield Text(
            text=(
                "Texts that name a group stand in place of persons: how persons of these groups fare in use was not "
                "measured by them."
            ),
            style="note",
        )


def _reference(parts: Parts, key: tuple[str, str]) -> bool:
    """Whether the plan names a group as the reference of its attribute, or none of them."""
    attribute, group = key
    stated = (parts.dossier.plan.get("ask", {}).get("groups") or {}).get(attribute) or {}
    return stated.get("reference") in (None, group)


def _compared(parts: Parts, *, of: Literal["group", "reference"]) -> frozenset[tuple[str, str]]:
    """The groups, or the references, of all differences and ratios that are shown and that controls let stand."""
    few = _measured_on_few(parts)
    return frozenset(
        (each.groups.attribute, named)
        for each in parts.dossier.findings
        if each.groups is not None
        and each.groups.reference is not None
        and _of_persons(each.probe)
        and each.estimate.value is not None
        and each.verdict is not Verdict.ERROR
        and each.id not in few
        and each.id not in parts.view.suppressed
        and (named := getattr(each.groups, of)) is not None
    )


def _of_persons(probe: str) -> bool:
    """Whether a probe's groups are rates and errors of persons, and not the rows that an explanation was tried on."""
    return probe.partition(".")[0] in ("bias", "performance")


def _single(parts: Parts) -> Mapping[tuple[str, str], Finding]:
    """One finding about each group of the plan: its selection rate where there is one, else the first."""
    of_plan = set(parts.dossier.plan.get("ask", {}).get("groups") or {})
    found: dict[tuple[str, str], Finding] = {}
    for finding in parts.dossier.findings:
        groups = finding.groups
        if (
            groups is None
            or groups.reference is not None
            or not of_plan.issuperset(groups.attribute.split("*"))
            or not _of_persons(finding.probe)
        ):
            continue
        key = (groups.attribute, groups.group)
        if key not in found or (_of_selection(finding) and not _of_selection(found[key])):
            found[key] = finding
    return found


def _of_selection(finding: Finding) -> bool:
    return finding.metric.endswith("/selection-rate")


def _too_few(parts: Parts) -> frozenset[tuple[str, str]]:
    """Groups with too few persons for a verdict, or for a figure to be shown."""
    few = _measured_on_few(parts)
    return frozenset(
        (each.groups.attribute, each.groups.group)
        for each in parts.dossier.findings
        if each.groups is not None and (each.id in few or parts.view.suppressed.get(each.id) == WITHHELD)
    )


def _measured_on_few(parts: Parts) -> frozenset[str]:
    """The findings of which a probe says that a group has too few persons for a verdict."""
    return frozenset(
        finding_id(f"{result.probe}/{measure.metric}", measure.groups, measure.facets)
        for result in parts.dossier.results
        for measure in result.measures
        if _of_persons(result.probe) and measure.sub_reason is SubReason.SMALL_GROUP
    )
