"""Settings that all tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run; no deadline, because machines that build are slow and shared.
settings.register_profile("probandum", derandomize=True, deadline=None)
settings.load_profile("probandum")

# Shells start what runs in the background with Ctrl-C ignored, and commands that the tests interrupt would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An audit waits for the disk at every file that it keeps, and on slow disks longer than it computes. Where memory can
# hold them, the files of tests lie there: a process that is killed loses none of them either.
_MEMORY, _ROOM = Path("/dev/shm"), 4 * 2**30
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# Each worker of pytest-xdist keeps to cores of its own: threads of torch that share them spin longer than they compute.
if (_WORKER := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    _CORES = sorted(os.sched_getaffinity(0))
    _PLACE, _COUNT = int(_WORKER.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.sched_setaffinity(0, _CORES[_PLACE % len(_CORES) :: _COUNT])

#: How many new objects Python waits for before it looks for garbage, a generation each.
_GARBAGE = (20_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that are slow as a whole come first: pytest-xdist parts the last ones, and each part sets up anew."""
    modules = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    modules.sort(key=lambda tests: not all(test.get_closest_marker("slow") for test in tests))
    items[:] = [test for tests in modules for test in tests]


def pytest_collection_finish() -> None:
    """The million objects of the libraries stay: to look through them for garbage took a fifth of the tests' time."""
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
