"""What an audit is an audit of, by digest: the files of the model, as the system's identity states them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from probandum.dossier import Dossier

_SHA256 = "sha256:"
#: Parts of an identity that hold files by name; other digests are of how the system is asked.
_FILES = ("files", "external_data")


def subjects(dossier: Dossier) -> list[tuple[str, str]]:
    """Name and SHA-256 in hex of every file under audit; empty of a system that shows none."""
    return list(files_of(dossier.environment["target"].get("identity", {})))


def files_of(identity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 in hex of every file that an identity states as the model's.

    >>> list(files_of({"file": "m", "sha256": "sha256:ab", "template": "sha256:cd"}))
    [('m', 'ab')]
    """
    for key, value in identity.items():
        if key.endswith("sha256") and isinstance(value, str):
            own = identity.get("file") or identity.get("function") or identity.get("model")
            yield str(own) if key == "sha256" and own else key.removesuffix("_sha256"), value.removeprefix(_SHA256)
        elif key in _FILES and isinstance(value, Mapping):
            yield from ((str(name), str(each).removeprefix(_SHA256)) for name, each in value.items())


def digests_of(identity: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every digest in an identity, by where it stands.

    >>> list(digests_of({"file": "m", "sha256": "sha256:ab", "files": {"a": "sha256:cd"}}))
    [('sha256', 'sha256:ab'), ('files.a', 'sha256:cd')]
    """
    for key, value in identity.items():
        if isinstance(value, Mapping):
            yield from digests_of(value, f"{above}{key}.")
        elif isinstance(value, str) and value.startswith(_SHA256):
            yield f"{above}{key}", value
