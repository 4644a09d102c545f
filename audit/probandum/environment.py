"""What a run was made with: tool, machine, packages and target, so that a resumed run can refuse another one."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import TargetError, UsageError
from probandum.plan import Plan
from probandum.plugins import load_plugins
from probandum.record import Record
from probandum.target import Target
from probandum.versions import installed

#: Packages whose version can move a number.
_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "transformers", "shap", "lime", "fairlearn", "codecarbon")
CPUINFO = Path("/proc/cpuinfo")
#: What tells one CPU from another where it has no name, as those of Arm.
_NUMBERED = ("CPU implementer", "CPU part", "CPU variant", "CPU revision")
#: Packages whose version can move a byte of a report.
RENDERING = ("probandum", "jinja2", "matplotlib", "python-docx", "typst")


def processor(cpuinfo: Path = CPUINFO) -> str | None:
    """The model of the CPU as Linux names it, or as its maker numbers it; None where nothing tells it."""
    told: dict[str, str] = {}
    with suppress(OSError):
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            told.setdefault(key.strip(), value.strip())
    numbered = ", ".join(f"{key} {told[key]}" for key in _NUMBERED if key in told)
    return told.get("model name") or numbered or platform.processor() or None


def describe_run(plan: Plan, target: Target) -> dict[str, Any]:
    """Tool, machine, target and time of the run."""
    return {
        "tool": {"name": "probandum", "version": version("probandum"), "plugins": list(load_plugins())},
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "python": platform.python_version(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS", "auto")
            if plan.execution.threads == "auto"
            else plan.execution.threads,
        },
        "packages": installed(_PACKAGES),
        "target": {
            "type": target.name,
            "identity": dict(target.identity()),
            "capabilities": sorted(target.capabilities),
            "why_not": {str(kind): why for kind, why in target.why_not.items()},
            "labels": list(target.labels),
            "cautions": list(target.cautions),
            "endpoints": list(target.endpoints),
        },
        "batching": dict(target.batching),
        "seed": plan.seed,
    }


def rendering_packages() -> dict[str, str]:
    """The installed version of every package that renders reports."""
    return installed(RENDERING)


def changed(record: Record, packages: Mapping[str, str]) -> list[str]:
    """Which of ``packages``, of the record's own and of the toolkit have another version here, one line each."""
    run = record.environment
    then = {"probandum": run["tool"]["version"], **run["packages"], **packages}
    now = installed(then)
    return [
        f"{name} was {version} then and is {now.get(name, 'missing')} now"
        for name, version in sorted(then.items())
        if now.get(name) != version
    ]


def _lasting(fact: Any, passing: Collection[str]) -> Any:
    """A fact without cautions, since a run may add one, such as that memory was short, and they follow from the rest.

    Of the target's identity also without what may change while it is the same.
    """
    if not isinstance(fact, dict):
        return fact
    lasting = {key: value for key, value in fact.items() if key != "cautions"}
    if "identity" in lasting:
        lasting["identity"] = {key: value for key, value in lasting["identity"].items() if key not in passing}
    return lasting


def refuse_other_machine(record: Record, facts: Mapping[str, Any], *, passing: Collection[str] = ()) -> None:
    """Refuse to go on where another model, tool or machine answers: the record would mix two audits.

    TargetError where the system is another one, UsageError of anything else. ``passing``: keys of the target's identity
    that may change while it is the same system.
    """
    begun = record.environment
    for name in ("tool", "machine", "packages", "target", "seed"):
        then, now = _lasting(begun[name], passing), _lasting(codec.builtins(facts[name]), passing)
        if then == now:
            continue
        said = f"{record.folder}: was begun with another {name}, and cannot be resumed with this one"
        if name == "target":
            told = f"; {_apart(then, now)}"
            raise TargetError(said + told, remedy="reach the system that it was begun with, or choose another --out")
        raise UsageError(said, remedy="choose another --out")


def _apart(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first fact that differs, by its path, with both sides.

    >>> _apart({"identity": {"model": "a", "seed": 1}}, {"identity": {"model": "b", "seed": 1}})
    "identity.model was 'a', and is 'b'"
    """
    key = next(key for key in (*then, *now) if then.get(key) != now.get(key))
    one, other = then.get(key), now.get(key)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return f"{key}.{_apart(one, other)}"
    return f"{key} was {_short(one)}, and is {_short(other)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
