"""In what a variant of a system differs from another: what its plan, its identity and its windows say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from probandum import codec
from probandum.comparing import Measured
from probandum.tradeoffs import Trait
from probandum.units import counted

#: Keys of a plan's target that other traits speak of, or that say nothing of a variant.
_TOLD = frozenset({"type", "model", "path", "function", "dtype", "device", "system", "quantisation", "price", "sha256"})
#: What of an identity names the model, the most telling first.
_NAMES = ("function", "model", "file", "url")
#: What may differ between two runs of one variant.
_PASSING = frozenset({"versions", "gpu"})
#: Windows that read so much more or less a request than others hold longer or shorter prompts.
_LENGTH = 0.01


def traits(first: Measured, record: Measured) -> tuple[Trait, ...]:
    """All that tells ``record`` from ``first``: precision, batches, caching, prompt, model, and what else is planned.

    Where none of them does and yet the systems state another identity, the parts of it that differ.
    """
    here, there = dict(_told(record)), dict(_told(first))
    found = [
        Trait(what=what, first=there.get(what, "none"), own=here.get(what, "none"))
        for what in dict.fromkeys((*here, *there))
        if here.get(what) != there.get(what)
    ]
    found += _lengths(first, record)
    if found or first.named.identity == record.named.identity:
        return tuple(found)
    mine, other = _identity(record), _identity(first)
    parts = [key for key in sorted({*mine, *other} - _PASSING) if mine.get(key) != other.get(key)]
    return tuple(
        Trait(what=f"identity {key}", first=_brief(other.get(key)), own=_brief(mine.get(key))) for key in parts
    )


def _identity(record: Measured) -> Mapping[str, Any]:
    found: Mapping[str, Any] = record.environment["target"]["identity"]
    return found


def _told(record: Measured) -> Iterator[tuple[str, str]]:
    """Each trait by name, as this record has it; what was run comes before what was planned."""
    identity, ask = _identity(record), record.plan["ask"]
    target, execution = ask["target"], ask["execution"]
    if record.named.version:
        yield "version", record.named.version
    yield "kind", str(target["type"])
    name = next((str(identity[key]) for key in _NAMES if identity.get(key)), None)
    if name is not None:
        yield "model", name
    if held := [identity[key] for key in ("files", "sha256", "vectorizer_sha256") if identity.get(key)]:
        yield "files", codec.digest_of(held).removeprefix("sha256:")[:8]
    if identity.get("parameters"):
        yield "size", counted(int(identity["parameters"]), "weight")
    precision = identity.get("precision") or identity.get("dtype") or _plain(target.get("quantisation"))
    yield "precision", str(precision or execution.get("dtype", "auto"))
    yield "batches", _batches(identity, execution)
    if target.get("system") is not None:
        words = len(str(target["system"]).split())
        digest = hashlib.sha256(str(target["system"]).encode()).hexdigest()[:4]
        yield "prompt", f"after a message of {counted(words, 'word')} ({digest})"
    elif "system" in identity:
        yield "prompt", "as it is"
    if identity.get("chat_template"):
        yield "chat template", str(identity["chat_template"]).removeprefix("sha256:")[:8]
    yield "device", str(identity.get("device") or execution.get("device", "auto"))
    for key in sorted({*target} - _TOLD):
        if target[key] not in (None, False, "", [], {}):
            yield f"target.{key}", _brief(target[key])


def _batches(identity: Mapping[str, Any], execution: Mapping[str, Any]) -> str:
    if execution.get("batch_invariant"):
        return "each input alone"
    return f"of {int(execution.get('batch_tokens', 0)):,} tokens" if "batch_tokens" in execution else "unknown"


def _lengths(first: Measured, record: Measured) -> Iterator[Trait]:
    """Tokens read and written a request in the metered windows, where they differ by more than 1 %."""
    for what, name in (("read", "input_tokens"), ("written", "output_tokens")):
        here, there = (_tokens(each, name) for each in (record, first))
        if here is not None and there is not None and abs(here - there) > _LENGTH * max(here, there):
            yield Trait(what=f"tokens {what} a request", first=f"{there:,.1f}", own=f"{here:,.1f}")


def _tokens(record: Measured, name: str) -> float | None:
    windows = [each for each in record.windows.values() if each.requests]
    counts = [getattr(window, name) for window in windows]
    requests = sum(window.requests for window in windows)
    return None if not requests or None in counts else sum(counts) / requests


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _brief(value: Any) -> str:
    """A value in few letters: a text as it is, all else as JSON; what is long by its digest.

    >>> _brief(True), _brief("a b"), _brief(None)
    ('true', 'a b', 'none')
    """
    text = "none" if value is None else value if isinstance(value, str) else codec.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:40]}... ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
