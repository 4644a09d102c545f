"""What this machine can do, and what to install for the rest. Asks nothing of the network."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from probandum.energy import nvml_sensors, rapl_sensors
from probandum.resources import cache_folder, shipped

#: What each extra is for: packages as they are installed, and what they serve.
_EXTRAS: Sequence[tuple[str, Sequence[str], str]] = (
    ("hf", ("torch", "transformers", "safetensors", "gguf", "accelerate"), "Hugging Face models"),
    ("sklearn", ("scikit-learn", "joblib"), "scikit-learn models"),
    ("skops", ("skops",), "scikit-learn models in the safe format"),
    ("onnx", ("onnxruntime",), "ONNX models"),
    ("parquet", ("pyarrow",), "Parquet files"),
    ("explain", ("shap", "lime"), "explanations"),
    ("fairness", ("fairlearn",), "cross-checks of group rates"),
    ("energy", ("codecarbon", "nvidia-ml-py", "psutil"), "energy"),
    ("charts", ("matplotlib",), "charts"),
    ("pdf", ("typst",), "PDF documents"),
    ("docx", ("python-docx",), "DOCX documents"),
)


def examine() -> Iterator[str]:
    """One line a fact: ``ok`` or ``--``, what, and for what is missing the command that brings it."""
    yield f"probandum {version('probandum')} on Python {platform.python_version()}, {platform.system()}"
    yield from _machine()
    yield from _meters()
    for extra, packages, purpose in _EXTRAS:
        yield _packages(extra, packages, purpose)
    yield from _files()


def _line(held: bool, what: str, detail: str) -> str:
    return f"{'ok' if held else '--'}  {what:<11}{detail}"


def _machine() -> Iterator[str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield _line(True, "cpu", f"{cores} usable cores, {gib:.0f} GiB of memory, {platform.machine()}")
    if find_spec("torch") is None:
        yield _line(False, "gpu", "torch is not installed, so no device but the CPU is used")
        return
    import torch

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        yield _line(True, "gpu", names)
    else:
        yield _line(False, "gpu", f"torch {torch.__version__} sees no CUDA device; models run on the CPU")


def _meters() -> Iterator[str]:
    for name, (sensors, why) in (("NVML", nvml_sensors()), ("RAPL", rapl_sensors())):
        covers = ", ".join(sensor.covers for sensor in sensors)
        yield _line(bool(sensors), name, f"grade B: {covers}" if sensors else why)
    if not find_spec("codecarbon"):
        yield _line(False, "codecarbon", "pip install 'probandum[energy]' for an estimate of grade D")
    else:
        yield _line(True, "codecarbon", f"grade D, an estimate over the whole audit ({version('codecarbon')}, offline)")


def _packages(extra: str, packages: Sequence[str], purpose: str) -> str:
    found, missing = [], []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        return _line(False, extra, f"{purpose}: lacks {', '.join(missing)}; pip install 'probandum[{extra}]'")
    return _line(True, extra, f"{purpose}: {', '.join(found)}")


def _files() -> Iterator[str]:
    fonts = sorted((shipped("templates") / "_render" / "fonts").glob("*.[ot]tf"))
    yield _line(bool(fonts), "fonts", f"{len(fonts)} shipped with the templates" if fonts else "none shipped")
    folder = cache_folder()
    near = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(near).free / 2**30
    yield _line(os.access(near, os.W_OK), "cache", f"{folder}, {free:.0f} GiB free (PROBANDUM_CACHE moves it)")
    key = os.environ.get("PROBANDUM_KEY")
    detail = f"records are signed with {key}" if key else "records are unsigned; probandum keygen FILE makes a key"
    yield _line(key is not None, "signing", detail)
