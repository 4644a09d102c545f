"""The probes that come with the toolkit, one file each; importing this package registers them all.

PYTEST_DONT_REWRITE: see probandum.
"""

from __future__ import annotations

import importlib
import pkgutil


def _load() -> None:
    """Import every module below; libraries that explain or measure are imported when a probe runs."""
    for module in pkgutil.walk_packages(__path__, prefix=f"{__name__}."):
        importlib.import_module(module.name)


_load()
