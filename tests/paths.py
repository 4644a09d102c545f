"""Where tests find real public data that the project does not ship: the one place that names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_data(name: str) -> Path:
    """The folder of one public data set; skips the test, saying so, where it is absent."""
    base = Path(os.environ.get("PROBANDUM_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder = base / name
    if not folder.is_dir():
        pytest.skip(f"no data set {name} at PROBANDUM_TEST_DATA ({base})")
    return folder


test_data.__test__ = False  # type: ignore[attr-defined]
