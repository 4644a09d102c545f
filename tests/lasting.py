"""Folders for files that many tests read: they last as long as the tests run, and no longer."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def lasting(name: str) -> Path:
    """A new folder of this name, removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"probandum-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
