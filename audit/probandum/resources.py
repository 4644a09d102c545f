"""Where the shipped data lie: templates, data sets and fonts, in a checkout or inside the wheel.

An editable install has both; the checkout's own folders win, so that an edit is seen at once.
"""

from __future__ import annotations

import os
from pathlib import Path

from probandum.errors import DataError, UsageError, did_you_mean
from probandum.hub_files import SCHEME, hub_file

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def shipped(kind: str) -> Path:
    """The folder ``templates`` or ``datasets``; DataError where an installation lacks it."""
    own = _CHECKOUT / kind
    if (_CHECKOUT / "pyproject.toml").is_file() and own.is_dir():
        return own
    packed = _PACKAGE / "_shipped" / kind
    if packed.is_dir():
        return packed
    raise DataError(f"this installation has no {kind}/", remedy="install probandum again")


def dataset(name: str) -> Path:
    """The folder of a shipped data set; DataError with a suggestion where there is none of that name."""
    root = shipped("datasets")
    folder = root / name
    if not folder.is_dir():
        known = sorted(path.name for path in root.iterdir() if path.is_dir())
        raise DataError(f"no data set {name!r}{did_you_mean(name, known)}", remedy=f"known: {', '.join(known)}")
    return folder


def cache_folder() -> Path:
    """Where converted models and cached answers live: ``PROBANDUM_CACHE``, else the user's cache folder.

    UsageError where neither is known, as for a user without a home.
    """
    if override := os.environ.get("PROBANDUM_CACHE"):
        return Path(override)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else from_home("~/.cache")) / "probandum"


def from_home(path: str) -> Path:
    """``path`` with ``~`` as the user's home; UsageError where nobody knows that home.

    >>> from_home("data/rows.csv").as_posix()
    'data/rows.csv'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{path}: no home folder is known", remedy="set HOME, or give a whole path") from None


def file_at(folder: Path, path: str) -> Path:
    """``path`` as a plan in ``folder`` means it: from there, from the home (``~``), or a file of the hub (``hf://``).

    >>> file_at(Path("plans"), "data/rows.csv").as_posix()
    'plans/data/rows.csv'
    """
    return hub_file(path) if path.startswith(SCHEME) else folder / from_home(path)
