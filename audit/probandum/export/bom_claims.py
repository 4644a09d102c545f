"""Claims in a bill of materials: what each limit's judgement says, the finding behind it, and the provision it serves.

Which provisions a system meets is for people to say. So there is no score here and no assessor whom nobody named: a
PASS stands as a claim, a FAIL as a counter-claim, and the rest is named where no claim can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from probandum import codec
from probandum.dossier import Dossier
from probandum.errors import UnknownName
from probandum.finding import Finding, Verdict, limit_words
from probandum.gating import said
from probandum.law import bind, catalogue
from probandum.law.applying import Applying
from probandum.law.entries import ACTS, Requirement
from probandum.waiving import waiver_words

_SAYS = {
    Verdict.PASS: "lies within the limit",
    Verdict.FAIL: "lies beyond the limit",
    Verdict.INCONCLUSIVE: "is not settled against the limit",
    Verdict.ERROR: "is not to be trusted against the limit",
    Verdict.NOT_APPLICABLE: "was not held against the limit",
}


def declarations(dossier: Dossier, findings: Sequence[Finding], *, target: str) -> dict[str, Any]:
    """One claim for each finding that a limit covers, evidence for every finding, and what provision asks for which."""
    return {
        "claims": [_claim(each, target) for each in findings if each.limit is not None],
        "evidence": [_evidence(each, str(dossier.environment["started"])) for each in findings],
        "attestations": [
            {
                "summary": f"Limits held against measurements; gate code {dossier.gate['code']}. No person confirms "
                "anything by this file.",
                "map": [_served(name, dossier, findings) for name in _named(dossier, findings)],
            }
        ],
    }


def standards(dossier: Dossier, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The provisions that the probes of this audit serve, by act, with their dates."""
    applying = bind(dossier.card).applying
    acts: dict[str, list[dict[str, Any]]] = {}
    for name in _named(dossier, findings):
        acts.setdefault(name.partition(":")[0], []).append(_provision(name, dossier.as_of, applying))
    pack = catalogue().pack
    return [
        {
            "bom-ref": f"act:{act}",
            "name": ACTS.get(act, act),
            "version": str(pack.law_text),
            "description": pack.statement,
            "requirements": requirements,
        }
        for act, requirements in acts.items()
    ]


def _named(dossier: Dossier, findings: Sequence[Finding]) -> list[str]:
    """Ids of provisions in the order of the probes, also those of probes that measured nothing."""
    of_probes = (name for result in dossier.results for name in result.requirements)
    return list(dict.fromkeys([*of_probes, *(name for each in findings for name in each.requirements)]))


def _claim(finding: Finding, target: str) -> dict[str, Any]:
    limit = finding.limit
    assert limit is not None
    by = ", ".join(filter(None, [limit.set_by, limit.set_on]))
    source = "; ".join(filter(None, [limit.source, limit.citation, by, limit.reason]))
    reasons = [said(finding), f"limit from {source}"]
    if finding.waiver is not None:
        reasons.append(waiver_words(finding.waiver))
    return {
        "bom-ref": _claimed(finding),
        "target": target,
        "predicate": f"{finding.id} {_SAYS[finding.verdict]} {limit_words(limit)}",
        "reasoning": "; ".join(reasons),
        "evidence": [_proof(finding)],
    }


def _evidence(finding: Finding, started: str) -> dict[str, Any]:
    return {
        "bom-ref": _proof(finding),
        "propertyName": finding.id,
        "description": said(finding),
        "created": started,
        "data": [
            {
                "name": finding.id,
                "contents": {
                    "attachment": {
                        "contentType": "application/json",
                        "content": codec.encode(_public(finding)).decode(),
                    }
                },
            }
        ],
    }


def _public(finding: Finding) -> Mapping[str, Any]:
    """A finding whole, but for what takes thousands of entries: that stays in the record, with its digest here."""
    plain: dict[str, Any] = codec.builtins(finding)
    estimate = {name: value for name, value in plain["estimate"].items() if name not in ("draws", "stream")}
    rests = {"observations": len(finding.evidence), "digest": codec.digest_of(finding.evidence)}
    return {**plain, "estimate": estimate, "evidence": rests if finding.evidence else None}


def _served(name: str, dossier: Dossier, findings: Sequence[Finding]) -> dict[str, Any]:
    mine = [each for each in findings if name in each.requirements]
    by_verdict = {
        verdict: [each for each in mine if each.limit is not None and each.verdict is verdict] for verdict in Verdict
    }
    return {
        "requirement": name,
        "claims": [_claimed(each) for each in by_verdict[Verdict.PASS]],
        "counterClaims": [_claimed(each) for each in by_verdict[Verdict.FAIL]],
        "conformance": {"rationale": " ".join(_without_score(name, dossier, mine))},
    }


def _without_score(name: str, dossier: Dossier, mine: Sequence[Finding]) -> Iterator[str]:
    """Why there is no score, and what no claim says."""
    yield "No score: what a provision asks for is confirmed by people."
    unjudged = [each.id for each in mine if each.limit is None and each.estimate.value is not None]
    if unjudged:
        yield f"Measured without a limit: {', '.join(unjudged)}."
    open_ = [each for each in mine if each.limit is not None and each.verdict not in (Verdict.PASS, Verdict.FAIL)]
    if open_:
        yield f"Not settled: {', '.join(f'{each.id} ({each.verdict.value})' for each in open_)}."
    for result in dossier.results:
        if name in result.requirements and result.status != "measured":
            yield f"Not measured: {result.probe}, {result.why}."


def _provision(name: str, as_of: str, applying: Applying) -> dict[str, Any]:
    try:
        entry: Requirement = catalogue().get(name)
    except UnknownName:  # a probe of another package may serve a provision that this catalogue does not hold
        return {"bom-ref": name, "identifier": name}
    unsettled = [{"name": "probandum:unsettled", "value": "to be verified"}] if entry.verify else []
    return {
        "bom-ref": name,
        "identifier": entry.cited,
        "title": entry.title,
        "descriptions": [f"In our own words: {entry.summary}"],
        "properties": [{"name": "probandum:applies", "value": applying.when(entry, as_of)}, *unsettled],
    }


def _claimed(finding: Finding) -> str:
    return f"claim:{finding.id}"


def _proof(finding: Finding) -> str:
    return f"finding:{finding.id}"
