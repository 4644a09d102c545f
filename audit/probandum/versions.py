"""Versions: those of installed packages, and those of the toolkit in the order of their releases.

The order finds what cannot be: judged before it was asked, or by a tool that is yet to come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

_RELEASE = re.compile(r"(\d+(?:\.\d+)*)(?:\D.*)?", re.ASCII)


def impossible(tool: object, *, asked: object = None) -> str | None:
    """Why nothing in a record can come from version ``tool`` of the toolkit, as this version knows; None where it can.

    ``asked``: the version that asked. A later version than this one may have rules that this one cannot check.

    >>> impossible("0.0.1", asked="0.0.2")
    'made with probandum 0.0.1, before the record was asked with 0.0.2'
    >>> impossible("x")
    "made with 'x', which is no version of probandum"
    >>> impossible(version("probandum"))
    """
    release, here = _release(tool), version("probandum")
    if release is None:
        return f"made with {tool!r}, which is no version of probandum"
    if asked is not None and (first := _release(asked)) is not None and release < first:
        return f"made with probandum {tool}, before the record was asked with {asked}"
    if release > (_release(here) or ()):
        return f"made with probandum {tool}, which is newer than this {here}: use that version or a later one"
    return None


def installed(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those ``packages`` that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _release(text: object) -> tuple[int, ...] | None:
    """The numbers of a release without zeros at their end; what marks a build before it is left out.

    >>> _release("1.10.0rc1"), _release("1.9") < _release("1.10"), _release("v1")
    ((1, 10), True, None)
    """
    found = _RELEASE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    numbers = list(map(int, found[1].split(".")))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
