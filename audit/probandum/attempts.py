"""Attempts on one model: which records of it lay beside a record when that began, and how often it was judged.

An audit that is repeated until it passes passes by chance in the end. The count says what one folder knows: what was
deleted from it, or lies elsewhere, nobody can count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import RecordError
from probandum.record import Record
from probandum.speech import counted, said
from probandum.weighing import ALPHA_PASS

#: What tells a model by its files, where its target digests any.
_FILES = ("sha256", "external_data", "files", "vectorizer_sha256")
#: What tells one behind an address: where it is, and what it states of itself.
_STATED = ("url", "model", "mapping_digest", "stated", "stated_sha256")
#: A record has one of these, however early it was interrupted.
_BEGUN = ("ask/plan.yaml", "ask/environment.json", "ask/plan.json", "statement.dsse.json")
#: How many records are named in a sentence; the record names all.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What lay beside a record when its run began; the names are those of folders.

    ``records``: those of the same model, the oldest first, whatever they asked; ``unfinished``: which of these had no
    seal. ``unread``: what could not be read and may be of the same model, each with the reason.
    """

    records: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How many attempts on one model are known of. ``judgement``: the number of this one of the record, from 1."""

    earlier: Earlier
    judgement: int

    @property
    def first(self) -> bool:
        """Whether nothing came before, as far as the folder knows, and nothing in it stayed unread."""
        return self.judgement == 1 and not self.earlier.records and not self.earlier.unread

    @property
    def said(self) -> str:
        """The count in one sentence, with the names of earlier records.

        >>> Attempts(earlier=Earlier(), judgement=1).said
        'attempt 1 on this model that its folder of records knows of'
        >>> tried = Attempts(earlier=Earlier(records=("a", "b"), unfinished=("b",)), judgement=2).said.split("; ")
        >>> tried[0].partition(" (")[2]
        '2 earlier records, 1 of them unfinished: a, b)'
        >>> tried[1:]
        ['judgement 2 of this record', 'each PASS line has its 5 % error in every attempt']
        """
        earlier = self.earlier
        attempt = said("attempt {n} on this model that its folder of records knows of", n=len(earlier.records) + 1)
        if earlier.records:
            records = counted(len(earlier.records), "{n} earlier record", "{n:,} earlier records")
            if left := len(earlier.unfinished):
                records = said("{records}, {n} of them unfinished", records=records, n=left)
            attempt = f"{attempt} ({records}: {_named(earlier.records)})"
        parts = [attempt]
        if earlier.unread:
            parts.append(
                counted(
                    len(earlier.unread),
                    "{n} folder beside it could not be read: {names}",
                    "{n:,} folders beside it could not be read: {names}",
                    names=_named(earlier.unread),
                )
            )
        if self.judgement > 1:
            parts.append(said("judgement {n} of this record", n=self.judgement))
        if not self.first:
            parts.append(said("each PASS line has its {share} % error in every attempt", share=f"{100 * ALPHA_PASS:g}"))
        return "; ".join(parts)


def earlier_beside(folder: Path, identity: Mapping[str, Any]) -> Earlier:
    """The records beside the one that begins in ``folder`` whose model is that of ``identity``."""
    own, model = folder.resolve(), model_of(identity)
    found: list[tuple[str, str]] = []
    unfinished, unread = set(), []
    try:
        neighbours = sorted(path for path in own.parent.iterdir() if path.resolve() != own)
    except FileNotFoundError:
        return Earlier()
    except OSError as error:
        return Earlier(unread=(f"{_text(own.parent)} ({error.strerror})",))
    for path in neighbours:
        name, record = _text(path), Record(path)
        try:
            if not any((path / begun).exists() for begun in _BEGUN):
                continue
            told = record.environment
            if model_of(told["target"]["identity"]) != model:
                continue
            found.append((str(told["started"]), name))
            if not record.sealed:
                unfinished.add(name)
        except OSError as error:
            unread.append(f"{name} ({error.strerror})")
        except (RecordError, LookupError, TypeError, AttributeError):
            unread.append(f"{name} (its ask/environment.json names no model)")
    records = tuple(name for _, name in sorted(found))
    unsealed = tuple(name for name in records if name in unfinished)
    return Earlier(records=records, unfinished=unsealed, unread=tuple(unread))


def attempts_of(record: Record, judgement: int) -> Attempts:
    """What ``record`` has said since it began; RecordError where it says nothing of what lay beside it."""
    said = codec.encode(record.environment.get("earlier"))
    earlier = codec.decode(Earlier, said, what=f"{record.ask / 'environment.json'}: earlier")
    return Attempts(earlier=earlier, judgement=judgement)


def system_of(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who answered in the end, where a record was replayed."""
    while "recorded_identity" in identity:
        identity = identity["recorded_identity"]
    return identity


def model_of(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """What tells one model from another, however it is loaded and asked, and whatever its file is called.

    The digests of its files; without any its address and what it states of itself; without these all that is known.

    >>> model_of({"file": "a.skops", "sha256": "sha256:1f", "vectorizer_sha256": None, "versions": {"numpy": "2.4"}})
    {'sha256': 'sha256:1f'}
    >>> model_of({"url": "https://example.org", "model": "m", "sampling": {"seed": 1}})
    {'url': 'https://example.org', 'model': 'm'}
    """
    system: Mapping[str, Any] = codec.builtins(system_of(identity))
    for names in (_FILES, _STATED):
        if told := {name: system[name] for name in names if system.get(name)}:
            return told
    return system


def _named(names: Iterable[str]) -> str:
    """The first few of ``names``, and how many more there are.

    >>> _named("abcde")
    'a, b, c and 2 more'
    """
    listed = list(names)
    some = ", ".join(listed[:_NAMED])
    return said("{some} and {n:,} more", some=some, n=len(listed) - _NAMED) if len(listed) > _NAMED else some


def _text(path: Path) -> str:
    """The name of a folder as text that JSON can hold."""
    return path.name.encode("utf-8", "backslashreplace").decode()
