"""What targets share when they load: files with their digests, paths inside packages, versions, optional packages."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import DataError, MissingDependency, TargetError
from probandum.target import TargetContext

_PACKAGE = "package:"


def file_digest(path: Path) -> str:
    """The SHA-256 of a file of any size; DataError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", remedy="check the path in the plan") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file whose bytes were read once: what is hashed is what is loaded."""

    path: Path
    data: bytes
    digest: str

    @classmethod
    def read(cls, path: Path, *, sha256: str | None = None) -> ModelFile:
        """The file; DataError where it cannot be read, TargetError where its SHA-256 is another."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror or error}", remedy="check the path in the plan") from None
        file = cls(path=path, data=data, digest=codec.digest(data))
        if sha256 is not None and (text := other_digest(path.name, file.digest, sha256)):
            raise TargetError(text)
        return file


def other_digest(name: str, digest: str, sha256: str) -> str | None:
    """What to say of a file whose digest is another one than the plan's ``sha256``; None where they are the same."""
    expected = f"sha256:{sha256.removeprefix('sha256:').lower()}"
    if digest == expected:
        return None
    return f"{name}: expected {expected}, got {digest}; this is not the file that the plan was written for"


def model_path(context: TargetContext, path: str) -> Path:
    """``path`` as the plan means it; ``package:NAME/inner/path`` lies in an installed package, never imported."""
    if not path.startswith(_PACKAGE):
        return context.resolve(path)
    package, _, inner = path.removeprefix(_PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"{path}: no installed package {package!r}", remedy="install it, or check the path in the plan")
    return Path(spec.submodule_search_locations[0]) / inner


def need(module: str, *, needed_for: str, extra: str) -> Any:
    """An optional module; MissingDependency says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingDependency(module.partition(".")[0], needed_for=needed_for, extra=extra) from None


def said(error: BaseException) -> str:
    """An exception in one line: its type and what it says."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
