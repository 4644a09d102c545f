"""What a document that people filled in holds: which document it is, and what stands in its fields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a filled document says of itself; empty texts where it says nothing.

    ``record`` and ``judgement``: digests of the statements that it was written from. ``template``: the digest of its
    template. ``as_of``: the ISO date that it states. ``language``: in which it is written. ``tool``: name and
    version of what asked. ``reviews``: digests of the statements over the reviews that it shows. ``final``: whether it
    was written to be final.
    """

    document: str
    record: str
    judgement: str
    template: str
    as_of: str
    language: str
    tool: str
    reviews: tuple[str, ...] = ()
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands in one field: its path in the card and the text, and by whom and when where the field says so.

    ``what``: what the field asks for, in words.
    """

    path: str
    what: str
    value: str
    by: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The filled fields of a document in reading order, and how many are still empty."""

    entries: tuple[Entry, ...]
    empty: int
