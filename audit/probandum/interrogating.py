"""What a system says of itself, before there is a plan: its kind, capabilities, classes, columns and identity.

A model that takes rows is asked about five of them, to see which columns fit; the answers are dropped. A server is
contacted because a person named it, and none else is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from probandum.declaring import Choice, Declared, Said, declared_of_log, declared_of_rows, listed
from probandum.errors import UnsafeRefused, UsageError
from probandum.evidence import Capability
from probandum.plugins import load_plugins
from probandum.profiling import Profile
from probandum.target import Target, TargetContext, known_targets, make_target
from probandum.targets import load_builtin
from probandum.targets.access import Access
from probandum.targets.endpoint import Call, Endpoint
from probandum.trying import columns_taken, gaps_taken
from probandum.units import counted

#: Kinds of target by the end of a file's name.
_KINDS: Mapping[str, tuple[str, str]] = {
    ".csv": ("log", "path"),
    ".parquet": ("log", "path"),
    ".skops": ("sklearn", "path"),
    ".joblib": ("sklearn", "path"),
    ".pkl": ("sklearn", "path"),
    ".pickle": ("sklearn", "path"),
    ".onnx": ("onnx", "path"),
    ".ubj": ("xgboost", "path"),
    ".gguf": ("transformers", "model"),
}
#: The first line of a model that LightGBM saved as text.
_TREES = b"tree"
#: What a model that XGBoost saved as JSON holds.
_LEARNER = b'"learner"'
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_OIP = re.compile(r"(?P<url>https?://.+?)/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?/?")
#: Keys of targets that are paths.
_PATHS = ("path", "model", "vectorizer")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interview:
    """All that was found of a system and of the rows it is asked about.

    ``options``: the other keys under ``target:``; ``about``: facts in a few words each. ``profile`` and ``declared``:
    of the rows, None for a system of texts without any. ``features``: the columns that the model takes, None where it
    is asked about no rows. ``missing``: whether it takes rows without a value in one of these, None where there are
    none.
    """

    type: str
    name: str
    options: Mapping[str, Any]
    about: tuple[str, ...]
    capabilities: frozenset[Capability]
    classes: tuple[str, ...] = ()
    recorded: bool = False
    cautions: tuple[str, ...] = ()
    profile: Profile | None = None
    data: str | None = None
    declared: Declared | None = None
    features: Choice | None = None
    missing: Choice | None = None


def interrogate(
    what: str | None, *, type: str | None, options: Mapping[str, Any], data: str | None, said: Said, folder: Path
) -> Interview:
    """What the system ``what`` says of itself, for a plan that will lie in ``folder``; UsageError where it is unclear.

    ``what``: a path, a URL or ``module:function``; ``type`` and ``options`` say what it does not. Paths start at the
    working folder, and leave as the plan must write them.
    """
    load_builtin()
    load_plugins()
    type, options = recognised(what, type, options)
    options = {key: _from(folder, value) if key in _PATHS else value for key, value in options.items()}
    if type not in known_targets():
        make_target(type, TargetContext(folder=folder), options)  # raises what says so
    table = None if data is None else _from(folder, data)
    if type == "log":
        if data is not None:
            raise UsageError("--data: a log brings its own rows", remedy="leave it out")
        return _of_log(options, said, folder)
    if type == "callable" and "kind" not in options and data is not None:
        options = {**options, "kind": "predict"}
    profile = None if table is None else Profile.read(folder / table)
    return _of_model(type, options, table, profile, said, folder)


def recognised(what: str | None, type: str | None, options: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The kind of target and its keys, from what a person called it."""
    if what is None:
        if type is None:
            raise UsageError("nothing to look at", remedy="name a file, a folder, a URL, module:function, or --target")
        return type, options
    if what.startswith(("http://", "https://")):
        return _server(what, type, options)
    path = Path(what)
    if _FUNCTION.fullmatch(what) and not path.exists():
        return type or "callable", {"function": what, **options}
    if path.is_dir():
        if type is None and not (path / "config.json").is_file():
            raise UsageError(f"{what}: a folder without config.json", remedy="say what it is with --target TYPE")
        return type or "transformers", {"model": what, **options}
    if not path.exists():
        raise UsageError(f"{what}: no such file or folder", remedy="name a file, a folder, a URL or module:function")
    guessed, key = _KINDS.get(path.suffix.lower(), (_by_content(path), "path"))
    if type is None and guessed is None:
        known = f"{', '.join(_KINDS)}, the JSON of an XGBoost model, the text of a LightGBM model"
        raise UsageError(
            f"{what}: unknown kind of file {path.suffix!r}", remedy=f"known: {known}; or say --target TYPE"
        )
    return str(type or guessed), {key: what, **options}


def _by_content(path: Path) -> str | None:
    """The kind of target that a file of no known ending holds; None where it tells nothing."""
    try:
        if path.suffix.lower() == ".json":
            return "xgboost" if _LEARNER in path.read_bytes() else None
        with path.open("rb") as file:
            return "lightgbm" if file.readline(len(_TREES) + 2).strip() == _TREES else None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", remedy="check the path") from None


def _server(url: str, type: str | None, options: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A model behind an address; the server is asked for the names of its models where the person named none."""
    if (match := _OIP.fullmatch(url)) and type in (None, "oip"):
        return "oip", {**{key: value for key, value in match.groupdict().items() if value is not None}, **options}
    if type not in (None, "openai") or "model" in options:
        return type or "openai", {"url": url, **options}
    models = _served(url, options)
    if len(models) != 1:
        serves = f"serves {counted(len(models), 'model')}, {listed(models)}" if models else "lists no models"
        raise UsageError(f"{url}: {serves}", remedy="choose one with --set model=NAME")
    return "openai", {"url": url, "model": models[0], **options}


def _served(url: str, options: Mapping[str, Any]) -> list[str]:
    """The names of the models that an OpenAI-compatible server lists."""
    base = url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/v1"
    server = Endpoint(Access.of(base, options, Path))
    try:
        (reply,) = server.send([Call(path="/models", retries=0)])
        if not reply.well:
            raise ValueError(reply.problem())
        found = reply.json()
        if not isinstance(found, dict) or not isinstance(found.get("data"), list):
            raise ValueError("the answer has no list under data")
        if not all(isinstance(each, dict) and "id" in each for each in found["data"]):
            raise ValueError("a model of the list has no id")
        return [str(each["id"]) for each in found["data"]]
    except ValueError as error:
        other = (
            "--target http with kind, request and response, or http://HOST/v2/models/NAME for the inference protocol"
        )
        raise UsageError(f"{base}/models: no list of models: {error}", remedy=f"say what it is: {other}") from None


def _from(folder: Path, value: Any) -> Any:
    """A path as a plan in ``folder`` writes it; what is none, such as the id of a hub model, stays."""
    if not isinstance(value, str) or not Path(value).exists() or Path(value).is_absolute():
        return value
    return Path(os.path.relpath(value, folder)).as_posix()


def _of_log(options: Mapping[str, Any], said: Said, folder: Path) -> Interview:
    """A log is read as a table: it can be loaded as a target only once the favourable decision is declared."""
    if not isinstance(options.get("path"), str):
        raise UsageError("target log: the key 'path' is missing", remedy="name the file")
    profile = Profile.read(folder / options["path"])
    return Interview(
        type="log",
        name=Path(options["path"]).stem,
        options=options,
        about=(counted(len(profile), "recorded decision"), counted(len(profile.columns), "column")),
        capabilities=known_targets()["log"].capabilities,
        recorded=True,
        profile=profile,
        declared=declared_of_log(profile, said, options),
    )


def _of_model(
    type: str, options: Mapping[str, Any], data: str | None, profile: Profile | None, said: Said, folder: Path
) -> Interview:
    context = TargetContext(folder=folder)
    target = _loaded(type, context, options)
    try:
        found = Interview(
            type=type,
            name=_name(options),
            options=options,
            about=tuple(_about(target)),
            capabilities=target.capabilities,
            classes=target.labels,
            recorded=target.recorded,
            cautions=target.cautions,
        )
        if Capability.PREDICT not in target.capabilities:
            if profile is not None or said != Said():
                able = ", ".join(sorted(target.capabilities))
                what = "--data, --label, --favourable, --positive and --group"
                raise UsageError(f"{what} speak of rows, and this system answers {able}", remedy="leave them out")
            return found
        if profile is None:
            raise UsageError(f"{found.name} answers about rows, and there are none", remedy="add --data FILE")
        declared = declared_of_rows(profile, said, target.labels)
        identity = target.identity()
        tensors = _tensors(identity, "inputs")
        called = tensors if all(name in profile.columns for name in tensors) else []
        named = identity.get("columns") or called
    finally:
        target.close()
    features = columns_taken(type, context, options, profile, declared, [str(name) for name in named])
    missing = gaps_taken(type, context, options, profile, features)
    return replace(found, profile=profile, data=data, declared=declared, features=features, missing=missing)


def _loaded(type: str, context: TargetContext, options: Mapping[str, Any]) -> Target:
    """The target; where a key is missing or wrong the error says how to give it."""
    try:
        return make_target(type, context, options)
    except (UsageError, UnsafeRefused) as error:
        key = re.search(r"the key '(\w+)'|target\.(\w+)", error.message)
        name = "KEY" if key is None else key[1] or key[2]
        remedy = f"{error.remedy}; " if error.remedy else ""
        raise UsageError(error.message, remedy=f"{remedy}give keys of the target as --set {name}=VALUE") from None


def _name(options: Mapping[str, Any]) -> str:
    """What the system is called where nobody said: its file, model or function."""
    named = next((options[key] for key in ("model", "path", "function", "url") if options.get(key)), "system")
    path = Path(str(named))
    return (
        path.stem
        if path.suffix.lower() in (*_KINDS, ".txt", ".json")
        else str(named).rstrip("/").rpartition("/")[2] or "system"
    )


def _about(target: Target) -> Iterator[str]:
    """What the system says of itself, in a few words each."""
    identity = target.identity()
    if kind := identity.get("class"):
        yield str(kind).rpartition(".")[2]
    if count := identity.get("parameters"):
        yield f"{count:,} parameters"
    yield f"answers {', '.join(sorted(target.capabilities))}"
    if target.labels:
        yield f"classes {listed(target.labels)}"
    if precision := identity.get("precision"):
        yield str(precision)
    for word, key in (("takes", "inputs"), ("gives", "outputs")):
        if tensors := _tensors(identity, key):
            yield f"{word} {listed(tensors)}"
    for address in target.endpoints:
        yield f"asked at {address}"


def _tensors(identity: Mapping[str, Any], key: str) -> list[str]:
    """The names of a model's inputs or outputs, where it or its server states them."""
    return [str(each["name"]) if isinstance(each, Mapping) else str(each) for each in identity.get(key) or ()]
