"""What a model file shows from outside, before anything loads it: whether it has the form of its kind, and its digest.

Each check reads bytes alone, without the library that runs the model, and says only what that library must refuse, too.
"""

from __future__ import annotations

import ast
import io
import json
import re
import symtable
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np

from probandum.keywords import Rule, Wrong
from probandum.target import Problem
from probandum.targets.answering import own_names
from probandum.targets.loading import file_digest, other_digest

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-fA-F]{64}")
#: What can give a name to something without saying which.
_GIVING = ("globals", "locals", "vars", "setattr", "exec")
#: ``ModelProto.graph``: field 7 of wire type 2, a length and so many bytes.
_GRAPH = 7 << 3 | 2
#: Where the file identifier of a FlatBuffer stands, and that of onnxruntime's own format.
_RUNTIME = slice(4, 8), b"ORTM"


@dataclass(frozen=True, slots=True)
class Digest(Rule):
    """Text that can be a file's SHA-256."""

    def wrong(self, value: Any) -> Wrong:
        """Any other text."""
        if not _DIGEST.fullmatch(value):
            yield (), f"{value!r} is no SHA-256; expected 64 hexadecimal digits"


#: The key of a file's digest.
Sha256 = Annotated[str, Digest()]


def other_file(path: Path, options: Mapping[str, Any], key: str = "sha256") -> Iterator[Problem]:
    """Whether ``path`` is another file than the one whose SHA-256 stands under ``key``."""
    said = options.get(key)
    if said is not None and _DIGEST.fullmatch(said) and (text := other_digest(path.name, file_digest(path), said)):
        yield Problem((key,), text)


def no_skops(path: Path) -> str | None:
    """What to say of a file that skops cannot have written; None where it may have."""
    try:
        with zipfile.ZipFile(path) as file:
            if "schema.json" in file.namelist():
                return None
    except zipfile.BadZipFile:
        pass
    return f"{path.name}: no skops file: expected a zip archive with schema.json in it"


def skops_classes(path: Path) -> tuple[str, ...]:
    """The class names in a skops file, as its arrays ``classes_`` say; none where they differ or are no plain names."""
    try:
        with zipfile.ZipFile(path) as file:
            arrays = [_class_array(file, each) for each in _class_arrays(json.loads(file.read("schema.json")))]
    except (KeyError, TypeError, ValueError, OSError, RecursionError, zipfile.BadZipFile):  # loading says what is wrong
        return ()
    found = {own_names(array) for array in arrays if array.ndim == 1 and array.dtype.kind in "biufUO"}
    return found.pop() if len(found) == 1 and len(arrays) > 0 else ()


def _class_array(file: zipfile.ZipFile, node: Mapping[str, Any]) -> np.ndarray:
    """An array of a skops file: of objects, as of texts from a data frame, it stands in the schema, piece by piece."""
    if node.get("type") != "json":
        return np.asarray(np.load(io.BytesIO(file.read(node["file"])), allow_pickle=False))
    return np.array([json.loads(each["content"]) for each in node["content"]], dtype=object)


def _class_arrays(node: Any) -> Iterator[Mapping[str, Any]]:
    """What a schema of skops says of all arrays called ``classes_``."""
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    named = node.get("classes_") if isinstance(node, dict) else None
    if isinstance(named, dict) and (isinstance(named.get("file"), str) or named.get("type") == "json"):
        yield named
    for each in below:
        yield from _class_arrays(each)


def no_onnx(path: Path) -> str | None:
    """What to say of a file that is no ONNX model; None where it may be one: whole fields, a graph among them."""
    with path.open("rb") as file:
        place, wanted = _RUNTIME
        if file.read(place.stop)[place] == wanted:
            return None
        file.seek(0)
        try:
            fields = set(_fields(file, path.stat().st_size))
        except ValueError:
            fields = set()
    return None if _GRAPH in fields else f"{path.name}: no ONNX model: expected a protobuf message with a graph"


def no_xgboost(path: Path) -> str | None:
    """What to say of a file that XGBoost cannot have written as JSON or UBJSON; None where it may have."""
    data = path.read_bytes()
    if data.lstrip()[:1] == b"{" and b"learner" in data:
        return None
    return f"{path.name}: no model of XGBoost: expected JSON or UBJSON with a learner, as save_model writes it"


def no_lightgbm(path: Path) -> str | None:
    """What to say of a file that LightGBM cannot have written; None where it may have."""
    if re.search(rb"^max_feature_idx=", path.read_bytes(), re.MULTILINE):
        return None
    return f"{path.name}: no model of LightGBM: expected text that states max_feature_idx, as save_model writes it"


def given_names(source: bytes, file: str = "") -> frozenset[str] | None:
    """The names that a Python file gives to something at its top level, found without running it.

    None where running it may give more, as a star import does. SyntaxError or ValueError where it is no Python.

    >>> sorted(given_names(b"import math as m\\nif m.pi > 3:\\n    def f(x): y = x\\n"))
    ['f', 'm']
    """
    tree = ast.parse(source, file)
    symbols = symtable.symtable(ast.unparse(tree), file, "exec").get_symbols()
    given = {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            given.update(node.names)
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            return None
        elif isinstance(node, ast.Name) and node.id in _GIVING:
            return None
    return None if "__getattr__" in given else frozenset(given)


def _fields(file: BinaryIO, size: int) -> Iterator[int]:
    """The tags of a protobuf message, over its fields' contents; ValueError where it is none."""
    while file.tell() < size:
        tag = _number(file)
        yield tag
        wire = tag & 7
        if wire == 0:
            _number(file)
        elif wire in (1, 2, 5):
            file.seek({1: 8, 5: 4}.get(wire) or _number(file), 1)
        else:
            raise ValueError("no field of a message of today")
    if file.tell() != size:
        raise ValueError("the last field is cut off")


def _number(file: BinaryIO) -> int:
    """The next number, seven bits a byte, the lowest first; ValueError where the file ends within it."""
    number = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number
    raise ValueError("no number")
