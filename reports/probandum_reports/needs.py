"""The packages that formats need beside those of the toolkit itself, and whether they are installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from probandum.errors import MissingDependency

#: Package and extra by the name of the module.
_PACKAGES: Mapping[str, tuple[str, str]] = {
    "matplotlib": ("matplotlib", "charts"),
    "typst": ("typst", "pdf"),
    "fontTools": ("fonttools", "pdf"),
    "docx": ("python-docx", "docx"),
}
#: Which modules a format needs, and what for in words.
_NEEDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "html": ("drawing charts", ("matplotlib",)),
    "pdf": ("writing PDF and Word files", ("typst", "fontTools", "matplotlib")),
    "docx": ("writing Word files", ("docx", "typst", "fontTools", "matplotlib")),
}


def refuse_missing(formats: Iterable[str], *, load: bool) -> None:
    """MissingDependency where a package is not installed that one of ``formats`` needs, naming the first.

    ``load``: import them, so that one is found, too, that is there and does not load.
    """
    for name in formats:
        purpose, modules = _NEEDS.get(name, ("", ()))
        for module in modules:
            if not _is_there(module, load=load):
                package, extra = _PACKAGES[module]
                raise MissingDependency(package, needed_for=purpose, extra=extra)


def _is_there(module: str, *, load: bool) -> bool:
    if not load:
        return find_spec(module) is not None
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
