"""The audit as a CycloneDX 1.7 bill of materials: the model with its card, what was measured, claims with evidence.

Built as plain values, since no library holds the model card of that format. The same dossier gives the same bytes: the
serial number comes from what was judged, the time from the day that documents state. Every number carries the id of
its finding, and what was not measured is absent, never 0. Text of the system card is its declarer's, and marked so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from probandum import codec
from probandum.dossier import Dossier
from probandum.export.bom_claims import declarations, standards
from probandum.export.bom_energy import consumptions
from probandum.export.subjects import digests_of, subjects
from probandum.finding import Finding
from probandum.gating import said
from probandum.withholding import told

SCHEMA = "http://cyclonedx.org/schema/bom-1.7.schema.json"
#: The component under audit, as the rest of the file refers to it, and the rows that it was audited with.
MODEL, ROWS = "model", "rows"


def render(dossier: Dossier) -> bytes:
    """The bill of materials of one audit, without figures that would show a small group of persons."""
    findings = told(dossier.findings, dossier.plan["ask"].get("groups") or ())
    rows = list(_rows(dossier))
    made = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": _serial(dossier),
        "version": 1,
        "metadata": {
            "timestamp": f"{dossier.as_of}T00:00:00Z",
            "tools": {"components": [{"type": "application", **dossier.environment["tool"], "plugins": None}]},
            "component": _model(dossier, findings, rows),
            "properties": list(_properties(dossier)),
        },
        "components": rows,
        "declarations": declarations(dossier, findings, target=MODEL),
        "definitions": {"standards": standards(dossier, findings)},
    }
    return codec.pretty(_present(made))


def _serial(dossier: Dossier) -> str:
    """The same for the same judgement on the same day."""
    named = f"urn:probandum:{dossier.digests['record']}:{dossier.digests['judgement']}:{dossier.as_of}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, named)}"


def _model(dossier: Dossier, findings: tuple[Finding, ...], rows: list[dict[str, Any]]) -> dict[str, Any]:
    files = subjects(dossier)
    whole = files[0][1] if len(files) == 1 else None
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": stated(dossier.card, "name"),
        "version": stated(dossier.card, "version"),
        "description": stated(dossier.card, "purpose"),
        "supplier": {"name": stated(dossier.card, "provider.name") or stated(dossier.card, "provider")},
        "hashes": None if whole is None else [_hash(whole)],
        "components": None
        if whole is not None
        else [
            {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [_hash(each)]} for name, each in files
        ],
        "modelCard": {
            "modelParameters": {
                "task": stated(dossier.environment["target"].get("identity", {}), "task"),
                "modelArchitecture": stated(dossier.card, "design.architecture"),
                "datasets": [{"ref": each["bom-ref"]} for each in rows],
            },
            "quantitativeAnalysis": {"performanceMetrics": [_metric(each) for each in findings if _has_value(each)]},
            "considerations": {
                "useCases": [stated(dossier.card, "purpose")],
                "technicalLimitations": [
                    stated(dossier.card, "limitations"),
                    *dossier.environment["target"].get("cautions", ()),
                ],
                "fairnessAssessments": list(_fairness(findings)),
                "environmentalConsiderations": {"energyConsumptions": list(consumptions(dossier, findings))},
            },
            "properties": [
                _property(
                    "findingId",
                    "of a performance metric: its type and, behind a question mark, its slice where it has one",
                ),
                _property("numbers", "each with its interval, n, unit, method and verdict under declarations.evidence"),
            ],
        },
        "properties": [
            _property("declaredBy", stated(dossier.card, "declared.by") or "nobody named"),
            _property("declaredOn", stated(dossier.card, "declared.date")),
            _property("declared", "name, version, description, supplier, modelArchitecture, useCases, limitations"),
            _property("notice", stated(dossier.card, "notice")),
        ],
    }


def _has_value(finding: Finding) -> bool:
    return finding.estimate.value is not None


def _metric(finding: Finding) -> dict[str, Any]:
    """A number with its interval at 95 % or the level that the evidence states, as computed; none where it has none."""
    estimate = finding.estimate
    between = {"lowerBound": repr(estimate.low), "upperBound": repr(estimate.high)} if estimate.bounded else None
    return {
        "type": finding.metric,
        "slice": finding.id.removeprefix(finding.metric).removeprefix("?"),
        "value": repr(estimate.value),
        "confidenceInterval": between,
    }


def _fairness(findings: tuple[Finding, ...]) -> Iterator[dict[str, Any]]:
    """What was measured of each group beside others; what it means for them is for people to say."""
    about: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        if each.groups is not None and each.groups.reference is not None:
            about.setdefault((each.groups.attribute, each.groups.group), []).append(each)
    for (attribute, group), measured in about.items():
        figures = "; ".join(f"{each.id}: {said(each)}" for each in measured)
        yield {
            "groupAtRisk": f"{attribute}: {group}",
            "harms": f"Not assessed by people in this file. Measured: {figures}",
        }


def _rows(dossier: Dossier) -> Iterator[dict[str, Any]]:
    """The rows that the system was asked about, as the plan names them; none where it asks in words of its own."""
    ask = dossier.plan["ask"]
    data = ask.get("data") or (ask["target"] if ask["target"].get("type") == "log" else None)
    if data is None or not data.get("path"):
        return
    name = str(data["path"])
    groups = list(ask.get("groups") or ())
    yield {
        "type": "data",
        "bom-ref": ROWS,
        "name": name,
        "data": [{"type": "dataset", "name": name, "sensitiveData": groups}],
    }


def _properties(dossier: Dossier) -> Iterator[dict[str, str] | None]:
    gate, seal = dossier.gate, dossier.seal
    yield _property("record", dossier.digests["record"])
    yield _property("judgement", dossier.digests["judgement"])
    yield _property("started", str(dossier.environment["started"]))
    yield _property("gate", f"code {gate['code']} in mode {gate['mode']}")
    yield _property("signedWith", str(seal["key_id"]) if seal.get("signed") else "no key")
    for name, digest in digests_of(dossier.environment["target"].get("identity", {})):
        yield _property(f"identity:{name}", digest)


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _property(name: str, value: str | None) -> dict[str, str] | None:
    return None if value is None else {"name": f"probandum:{name}", "value": value}


def stated(values: Mapping[str, Any], path: str) -> str | None:
    """The text at ``path`` of a card, plain or with who states it; None where there is none.

    >>> stated({"purpose": {"value": "Sorts  post", "by": "A"}}, "purpose"), stated({}, "provider.name")
    ('Sorts post', None)
    """
    found: Any = values
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping):
        found = found.get("value")
    return None if found is None or isinstance(found, Mapping | list) else " ".join(str(found).split()) or None


def _present(value: Any) -> Any:
    """``value`` without what is absent: keys and entries that are None, and what is empty once these are gone.

    >>> _present({"a": None, "b": [None, {"c": ""}], "d": {"e": 0.0}})
    {'d': {'e': 0.0}}
    """
    if isinstance(value, Mapping):
        kept = {key: _present(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [each for each in map(_present, value) if each not in (None, "", [], {})]
    return value
