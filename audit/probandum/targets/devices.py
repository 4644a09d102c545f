"""Where a model runs and in which precision: both are found by name, and neither is swapped in silence."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from probandum.errors import TargetError, TooLittleMemory, UsageError, did_you_mean

_DTYPES = ("auto", "float32", "bfloat16", "float16")
_GIB = 2**30


def device_named(torch: Any, name: str) -> Any:
    """A device by name, ``auto`` being the first GPU there is, else the CPU; TargetError where it is not here.

    On a GPU float32 is made to mean it: some installations multiply float32 matrices with ten bits of precision.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise TargetError(
            f"execution.device: {name!r}", remedy="expected auto, cpu, cuda, or cuda:1 for the second GPU"
        )
    if device.type == "cuda":
        if (device.index or 0) >= torch.cuda.device_count():
            raise TargetError(f"execution.device: there is no {name} here", remedy="use device: cpu, or auto")
        torch.set_float32_matmul_precision("highest")
    return device


def dtype_named(name: str, device: str) -> str:
    """A precision by name; ``auto`` is bfloat16 on CUDA and float32 elsewhere; UsageError where it is not known."""
    if name not in _DTYPES:
        raise UsageError(
            f"execution.dtype: {name!r}{did_you_mean(name, _DTYPES)}", remedy=f"expected {', '.join(_DTYPES)}"
        )
    if name == "auto":
        return "bfloat16" if device == "cuda" else "float32"
    return name


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_said() -> int:
    """As many threads as ``OMP_NUM_THREADS`` says; 0 where nobody set it to a number."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(said) if said.isascii() and said.isdigit() else 0


def gpu_named(torch: Any, device: Any) -> str:
    """The name of the card behind a CUDA device."""
    return str(torch.cuda.get_device_name(device))


def out_of_memory(error: Exception) -> bool:
    """Whether a device or this machine had no room for what was asked of it.

    >>> out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."))
    True
    """
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator: " in str(error)  # it has no type of its own


@contextmanager
def enough_memory(torch: Any, devices: Sequence[Any], what: str) -> Iterator[None]:
    """TooLittleMemory in one line where ``what`` does not fit the devices; what was begun is let go of."""
    try:
        yield
    except Exception as error:
        if not out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold tensors, and the error outlives them
        gpus = [device for device in devices if device.type == "cuda"]
        if gpus:
            torch.cuda.empty_cache()
        where = " + ".join(_with_room(torch, device) for device in gpus) or "this machine"
        elsewhere = "device: cpu" if gpus else "a machine with more"
        raise TooLittleMemory(
            f"{where} has too little memory for {what}", remedy=f"use dtype: bfloat16, a smaller model, or {elsewhere}"
        ) from None


def _with_room(torch: Any, device: Any) -> str:
    """A card, and how much of its memory is free."""
    free, total = torch.cuda.mem_get_info(device)
    return f"{gpu_named(torch, device)} ({free / _GIB:.1f} of {total / _GIB:.1f} GiB free)"
