"""A model folder: where it is, what it says of itself, and the digests of what it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from probandum.errors import DataError, TargetError, UsageError
from probandum.target import Problem, TargetContext
from probandum.targets import gguf
from probandum.targets.gguf import Origin
from probandum.targets.hugging import PATTERNS, hub_folder
from probandum.targets.loading import file_digest, model_path
from probandum.targets.pooling import pooling_files

CAUSAL, MASKED, CLASSIFICATION, ENCODER = "causal", "masked", "sequence-classification", "encoder"
TASKS = ("auto", CAUSAL, MASKED, CLASSIFICATION, ENCODER)
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
#: Tasks by how the names of architectures end; the first that fits.
_HEADS = {
    "ForCausalLM": CAUSAL,
    "LMHeadModel": CAUSAL,
    "ForMaskedLM": MASKED,
    "ForSequenceClassification": CLASSIFICATION,
    "Model": ENCODER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model lies: a folder or a GGUF file; what the plan calls it, and its commit on the hub."""

    path: Path
    name: str
    revision: str | None = None

    @classmethod
    def of(cls, context: TargetContext, options: Mapping[str, Any]) -> Place:
        """From the plan's keys ``model`` or ``path``, ``revision`` and ``download``; nothing is loaded.

        UsageError where the keys do not fit each other, DataError where there is no such model.
        """
        given = [options[key] for key in ("model", "path") if options.get(key) is not None]
        if len(given) != 1:
            raise UsageError("target: expected one of model and path", remedy="name a folder, a .gguf file or a hub id")
        model, revision = str(given[0]), options.get("revision")
        local = model_path(context, model)
        inside = model.startswith("package:")
        if local.exists():
            return cls(path=local, name=model if inside else _name(local), revision=revision)
        if inside or options.get("path") is not None or not _is_hub_id(model):
            raise DataError(f"{model}: no such file or folder", remedy="check target.model in the plan")
        folder = hub_folder(model, revision, download=options.get("download") is True)
        return cls(path=folder, name=model, revision=folder.name)


def _name(local: Path) -> str:
    """What a folder is called; the plan may name it ``.`` or ``..``.

    >>> _name(Path("models/small")), _name(Path("/"))
    ('small', '/')
    """
    if local.name not in ("", ".."):
        return local.name
    whole = local.resolve()
    return whole.name or str(whole)


def _is_hub_id(model: str) -> bool:
    return _HUB_ID.fullmatch(model) is not None and not model.endswith(".gguf")


def parts(place: Path) -> tuple[Path, ...]:
    """The files that a model consists of: weights, configuration, tokenizer, template; a GGUF file is its own."""
    if place.is_file():
        return (place,)
    return tuple(sorted([*(file for file in place.iterdir() if _counts(file)), *pooling_files(place)]))


def _counts(file: Path) -> bool:
    return file.is_file() and file.name != gguf.ORIGIN and any(fnmatch(file.name, pattern) for pattern in PATTERNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A model folder that was read without loading it. ``origin``: of weights that were converted from GGUF."""

    folder: Path
    name: str
    revision: str | None
    task: str
    config: Mapping[str, Any]
    files: Mapping[str, str]
    origin: Origin | None

    @classmethod
    def read(cls, place: Place, *, task: str, notice: Callable[[str], None] = lambda text: None) -> Checkpoint:
        """The folder at ``place``, or what the GGUF file there was converted to.

        TargetError where it is no model, needs code of its own, or has no weights that are safe to load.
        """
        name = place.name
        folder, origin = gguf.converted(place.path, notice) if place.path.is_file() else (place.path, None)
        config = _config(folder, name)
        _refuse_no_weights(folder, name)
        files = {file.relative_to(folder).as_posix(): file_digest(file) for file in parts(folder)}
        if origin is not None:
            _unchanged(origin, files, folder)
        return cls(
            folder=folder,
            name=name,
            revision=place.revision,
            task=_task(config, name) if task == "auto" else task,
            config=config,
            files=files,
            origin=origin,
        )


def problems_from_outside(context: TargetContext, options: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a folder or GGUF file that lies here: its form, ``config.json``, and the kind of weights."""
    key = "model" if options.get("model") is not None else "path"
    path = model_path(context, str(options[key]))
    if path.is_file() and (text := gguf.no_gguf(path)):
        yield Problem((key,), text)
    if not path.is_dir():
        return
    name, task = _name(path), options.get("task", "auto")

    def stated() -> None:
        config = _config(path, name)
        if task == "auto":
            _task(config, name)

    for check in (stated, lambda: _refuse_no_weights(path, name)):
        try:
            check()
        except TargetError as error:
            yield Problem((key,), "; ".join(error.lines()))


def _refuse_no_weights(folder: Path, name: str) -> None:
    if not any(folder.glob("*.safetensors")):
        raise TargetError(
            f"{name}: no .safetensors weights", remedy="pickled weights (.bin) are never loaded; convert them"
        )


def _config(folder: Path, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_bytes())
    except FileNotFoundError:
        raise TargetError(f"{name}: no model folder: it has no config.json", remedy="check target.model") from None
    except (OSError, ValueError) as error:
        raise TargetError(f"{name}: config.json cannot be read: {error}") from None
    if not isinstance(found, dict) or "model_type" not in found:
        raise TargetError(f"{name}: config.json names no model_type", remedy="expected a transformers model")
    return found


def _task(config: Mapping[str, Any], name: str) -> str:
    heads = [str(head) for head in config.get("architectures") or ()]
    for head in heads:
        for ending, task in _HEADS.items():
            if head.endswith(ending):
                return task
    stated = ", ".join(heads) or "nothing"
    raise TargetError(
        f"{name}: config.json states {stated}, no language model, text classifier or encoder that is known here",
        remedy=f"if it can be one, say which in target.task: {', '.join(TASKS[1:])}",
    )


def _unchanged(origin: Origin, files: Mapping[str, str], folder: Path) -> None:
    """Refuse a conversion whose files are not those that were written."""
    for file in sorted({*origin.files, *files}):
        if origin.files.get(file) != files.get(file):
            raise TargetError(
                f"{folder}: {file} is not what was converted from {origin.file}",
                remedy="delete this folder; it is made again on the next run",
            )
