"""probandum: audits deployed models and writes documents whose every number traces to evidence.

    record = probandum.audit("audit.yaml")
    record.findings
    probandum.gate(record).code

The names below are public; they are loaded when they are first used, so that importing costs nothing.

PYTEST_DONT_REWRITE: the distribution holds a pytest plugin, and a program may import it before it starts pytest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probandum.api import audit, compare, explain, gate, judge, report, verify
    from probandum.errors import ProbandumError
    from probandum.finding import Estimate, Finding, Limit, Verdict, Waiver, join
    from probandum.plan import Plan
    from probandum.record import Record

__all__ = [
    "Estimate",
    "Finding",
    "Limit",
    "Plan",
    "ProbandumError",
    "Record",
    "Verdict",
    "Waiver",
    "audit",
    "compare",
    "explain",
    "gate",
    "join",
    "judge",
    "report",
    "verify",
]

_HOMES = {
    "probandum.api": ("audit", "compare", "explain", "gate", "judge", "report", "verify"),
    "probandum.errors": ("ProbandumError",),
    "probandum.finding": ("Estimate", "Finding", "Limit", "Verdict", "Waiver", "join"),
    "probandum.plan": ("Plan",),
    "probandum.record": ("Record",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'probandum' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
