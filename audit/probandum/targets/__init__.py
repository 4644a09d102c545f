"""The targets that come with the toolkit, one file each; :func:`load_builtin` registers them all."""

from __future__ import annotations

import importlib
import pkgutil


def load_builtin() -> None:
    """Import every module of this folder; libraries that run models are imported when a model is loaded."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
