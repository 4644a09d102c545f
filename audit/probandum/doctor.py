"""What this machine can do, and what to install for the rest. Asks nothing of the network."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from probandum.resources import cache_folder, shipped
from probandum.sensing import nvml_sensors, rapl_sensors
from probandum.targets.devices import usable_cores

#: What each extra is for; which extras there are, and what they bring, the installed distribution says.
PURPOSES: Mapping[str, str] = {
    "hf": "Hugging Face models",
    "quantised": "Hugging Face models in 8 and 4 bits",
    "sklearn": "scikit-learn models",
    "skops": "scikit-learn models in the safe format",
    "onnx": "ONNX models",
    "xgb": "XGBoost models",
    "lgbm": "LightGBM models",
    "endpoints": "models behind HTTP",
    "oip": "models behind the Open Inference Protocol",
    "parquet": "Parquet files",
    "explain": "explanations",
    "fairness": "cross-checks of group rates",
    "energy": "energy",
    "charts": "charts",
    "pdf": "PDF documents",
    "docx": "DOCX documents",
    "languages": "documents in other languages than English",
    "examples": "the models of the examples",
}
#: Extras that are no ability of their own: all of the others, and what changes the toolkit itself.
_WHOLE = ("all", "dev")
#: A requirement as a distribution states it: the package, and the extra that brings it.
_BROUGHT = re.compile(r"(?P<package>[A-Za-z0-9._-]+).*;.*extra\s*==\s*['\"](?P<extra>[^'\"]+)")


def examine() -> Iterator[tuple[str, str]]:
    """One line a fact: ``ok`` or ``--`` with what it is of, and for what is missing the command that brings it."""
    yield "", f"probandum {version('probandum')} on Python {platform.python_version()}, {platform.system()}"
    yield from _machine()
    yield from _meters()
    for extra, packages in extras_of(requires("probandum") or ()).items():
        yield _packages(extra, packages, PURPOSES.get(extra, "an extra"))
    yield from _files()


def extras_of(requirements: Iterable[str]) -> dict[str, list[str]]:
    """The packages that each extra brings, of a distribution's requirements, in the order of what they serve.

    >>> extras_of(["numpy>=2", 'typst<0.16,>=0.15; extra == "pdf"', "skops; extra == 'skops'", "ruff; extra == 'dev'"])
    {'skops': ['skops'], 'pdf': ['typst']}
    """
    found: dict[str, list[str]] = {}
    for requirement in requirements:
        if (brought := _BROUGHT.match(requirement)) is not None and brought["extra"] not in _WHOLE:
            found.setdefault(brought["extra"], []).append(brought["package"])
    order = list(PURPOSES)
    return dict(sorted(found.items(), key=lambda each: order.index(each[0]) if each[0] in order else len(order)))


def _line(held: bool, what: str, detail: str) -> tuple[str, str]:
    return f"{'ok' if held else '--'}  {what:<11}", detail


def _machine() -> Iterator[tuple[str, str]]:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield _line(True, "cpu", f"{usable_cores()} usable cores, {gib:.0f} GiB of memory, {platform.machine()}")
    if find_spec("torch") is None:
        yield _line(False, "gpu", "torch is not installed, so no device but the CPU is used")
        return
    import torch

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        yield _line(True, "gpu", names)
    else:
        yield _line(False, "gpu", f"torch {torch.__version__} sees no CUDA device; models run on the CPU")


def _meters() -> Iterator[tuple[str, str]]:
    for name, (sensors, why) in (("NVML", nvml_sensors()), ("RAPL", rapl_sensors())):
        covers = ", ".join(sensor.covers for sensor in sensors)
        yield _line(bool(sensors), name, f"grade B: {covers}" if sensors else why)
    if not find_spec("codecarbon"):
        yield _line(False, "codecarbon", "pip install 'probandum[energy]' for an estimate of grade D")
    else:
        yield _line(True, "codecarbon", f"grade D, an estimate over the whole audit ({version('codecarbon')}, offline)")


def _packages(extra: str, packages: Sequence[str], purpose: str) -> tuple[str, str]:
    found, missing = [], []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        return _line(False, extra, f"{purpose}: lacks {', '.join(missing)}; pip install 'probandum[{extra}]'")
    return _line(True, extra, f"{purpose}: {', '.join(found)}")


def _files() -> Iterator[tuple[str, str]]:
    fonts = sorted((shipped("templates") / "_render" / "fonts").glob("*.[ot]tf"))
    yield _line(bool(fonts), "fonts", f"{len(fonts)} shipped with the templates" if fonts else "none shipped")
    folder = cache_folder()
    near = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(near).free / 2**30
    yield _line(os.access(near, os.W_OK), "cache", f"{folder}, {free:.0f} GiB free (PROBANDUM_CACHE moves it)")
    key = os.environ.get("PROBANDUM_KEY")
    detail = f"records are signed with {key}" if key else "records are unsigned; probandum keygen FILE makes a key"
    yield _line(key is not None, "signing", detail)
