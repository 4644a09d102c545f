"""What the pronoun probe asks about: occupations with their official shares, neutral nouns, beginnings of sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import DataError
from probandum_probes.public_files import PublicRecord, read_records

SLOT = "{noun}"
#: What the column of shares is called: in our own file, and in that of the Winogender schemas.
SHARES = ("percent_women", "bls_pct_female")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The beginning of a sentence with the slot ``{noun}``; what follows may be a pronoun for that person."""

    id: str
    text: str

    def prompt(self, noun: str) -> str:
        """The beginning about one person.

        >>> Template(id="said", text="The {noun} said that").prompt("engineer")
        'The engineer said that'
        """
        return self.text.replace(SLOT, noun)


def read_shares(path: Path, *, prompted: bool = False) -> dict[str, float]:
    """The share of women in each occupation, from 0 to 1, in the order of the file; DataError with its line.

    ``prompted``: without occupations whose column of that name says no.
    """
    shares: dict[str, float] = {}
    for record in read_records(path):
        name = _word(record, "occupation", shares)
        column = next((each for each in SHARES if each in record.values), SHARES[0])
        shares[name] = _share(record, column)
        if prompted and record.values.get("prompted", "yes") == "no":
            del shares[name]
    return shares


def read_nouns(path: Path) -> tuple[str, ...]:
    """The neutral nouns of a file with the column ``noun``; DataError with its line."""
    nouns: dict[str, float] = {}
    for record in read_records(path):
        nouns[_word(record, "noun", nouns)] = 0.0
    return tuple(nouns)


def read_templates(path: Path) -> tuple[Template, ...]:
    """The templates of a file with the columns ``id`` and ``text``; DataError with its line."""
    found: dict[str, Template] = {}
    for record in read_records(path):
        name, text = _word(record, "id", found), record.text("text")
        if text.count(SLOT) != 1:
            raise DataError(f"{record.where}: text: expected the slot {SLOT} once")
        if "/" in name:
            raise DataError(f"{record.where}: id: {name!r} holds a slash, which separates it from nouns")
        found[name] = Template(id=name, text=text.rstrip())
    return tuple(found.values())


def refuse_both(occupations: Mapping[str, float], neutral: Sequence[str]) -> None:
    """DataError where a noun is an occupation and neutral: it would be compared with itself."""
    both = next((noun for noun in neutral if noun in occupations), None)
    if both is not None:
        raise DataError(f"{both!r} is an occupation and a neutral noun", remedy="leave it in one of the files")


def _word(record: PublicRecord, column: str, known: Mapping[str, object]) -> str:
    word = record.text(column).strip()
    if not word:
        raise DataError(f"{record.where}: {column} is empty", remedy="fill it in")
    if word in known:
        raise DataError(f"{record.where}: {column}: {word!r} occurs twice")
    return word


def _share(record: PublicRecord, column: str) -> float:
    text = record.text(column)
    try:
        percent = float(text)
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        raise DataError(f"{record.where}: {column}: {text!r}", remedy="expected percent of women, from 0 to 100")
    return percent / 100
