"""The packages that formats need beside those of the toolkit itself, and whether they are installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from probandum.errors import MissingDependency

#: What is installed for a module, what for in words, and the extra that brings it.
_PACKAGES: Mapping[str, tuple[str, str, str]] = {
    "matplotlib": ("matplotlib", "drawing charts", "charts"),
    "typst": ("typst", "writing PDF and Word files", "pdf"),
    "fontTools": ("fonttools", "writing PDF and Word files", "pdf"),
    "docx": ("python-docx", "writing Word files", "docx"),
}
#: Which modules a format needs.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "html": ("matplotlib",),
    "pdf": ("typst", "fontTools", "matplotlib"),
    "docx": ("docx", "typst", "fontTools", "matplotlib"),
}


def need(module: str) -> Any:
    """The module; MissingDependency where its package is not installed, or does not load."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise _missing(module) from None


def refuse_missing(formats: Iterable[str], *, load: bool) -> None:
    """MissingDependency where a package is not installed that one of ``formats`` needs, naming the first.

    ``load``: import them, so that one is found, too, that is there and does not load.
    """
    for module in dict.fromkeys(module for name in formats for module in _NEEDS.get(name, ())):
        if load:
            need(module)
        elif find_spec(module) is None:
            raise _missing(module)


def _missing(module: str) -> MissingDependency:
    package, purpose, extra = _PACKAGES[module]
    return MissingDependency(package, needed_for=purpose, extra=extra)
