"""The audit as an in-toto statement about the model: which of its limits passed, which did not, and under which plan.

A policy that asks for ``PASSED`` lets nothing through that the gate stops: whatever blocks is ``FAILED``, also where
the answer is inconclusive or the audit could not be trusted. Tests are findings by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from probandum import codec
from probandum.dossier import Dossier
from probandum.export.subjects import subjects
from probandum.finding import Finding, Verdict
from probandum.sealing import STATEMENT_TYPE

PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
#: Parts of the plan, by what each decides.
_PLAN = ("ask", "judge", "declare", "waive")


def statement(dossier: Dossier) -> bytes:
    """The statement in canonical JSON: the bytes that are signed. The last subject is the record itself."""
    digests = dossier.digests
    named = [*subjects(dossier), ("probandum record", _hex(digests["record"]))]
    passed, warned, failed = _by_outcome(dossier.findings)
    result = "FAILED" if dossier.gate["code"] != 0 else "WARNED" if warned else "PASSED"
    configuration = [("judgement", digests["judgement"]), *((f"plan: {part}", digests[part]) for part in _PLAN)]
    made: dict[str, Any] = {
        "_type": STATEMENT_TYPE,
        "subject": [_descriptor(name, digest) for name, digest in named],
        "predicateType": PREDICATE,
        "predicate": {
            "result": result,
            "configuration": [_descriptor(name, _hex(digest)) for name, digest in configuration],
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
        },
    }
    return codec.encode(made)


def _by_outcome(findings: Sequence[Finding]) -> tuple[list[str], list[str], list[str]]:
    """Ids of what passed, of what is inconclusive or waived, and of what failed or broke; the rest has no verdict."""
    outcome: dict[str, list[str]] = {"passed": [], "warned": [], "failed": []}
    for each in findings:
        if each.verdict is Verdict.ERROR or (each.verdict is Verdict.FAIL and each.waiver is None):
            outcome["failed"].append(each.id)
        elif each.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            outcome["warned"].append(each.id)
        elif each.verdict is Verdict.PASS:
            outcome["passed"].append(each.id)
    return outcome["passed"], outcome["warned"], outcome["failed"]


def _descriptor(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}}


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
