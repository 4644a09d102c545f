"""What a run was made with: tool, machine, packages and target, so that a resumed run can refuse another one."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from probandum import codec
from probandum.errors import UsageError
from probandum.plan import Plan
from probandum.plugins import load_plugins
from probandum.record import Record
from probandum.target import Target

#: Packages whose version can move a number.
_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "transformers", "shap", "lime", "fairlearn", "codecarbon")


def describe_run(plan: Plan, target: Target) -> dict[str, Any]:
    """Tool, machine, target and time of the run."""
    return {
        "tool": {"name": "probandum", "version": version("probandum"), "plugins": list(load_plugins())},
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "threads": plan.execution.threads,
        },
        "packages": _versions(),
        "target": {
            "type": target.name,
            "identity": dict(target.identity()),
            "capabilities": sorted(target.capabilities),
            "labels": list(target.labels),
            "cautions": list(target.cautions),
            "endpoints": list(target.endpoints),
        },
        "seed": plan.seed,
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def refuse_other_machine(record: Record, facts: Mapping[str, Any]) -> None:
    """Refuse to go on where another model, tool or machine answers: the record would mix two audits."""
    begun = record.environment
    for name in ("tool", "machine", "packages", "target", "seed"):
        if begun[name] != codec.builtins(facts[name]):
            raise UsageError(
                f"{record.folder}: was begun with another {name}, and cannot be resumed with this one",
                remedy="choose another --out",
            )
