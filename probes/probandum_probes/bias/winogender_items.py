"""The Winogender schemas as they are published: sentences that differ by the gender of one pronoun."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import DataError, did_you_mean
from probandum_probes.bias.coreference import Passage
from probandum_probes.public_files import PublicRecord, read_records

WHERE = "all_sentences.tsv of Rudinger et al. (2018), github.com/rudinger/winogender-schemas, folder data"
PRONOUNS: Mapping[str, tuple[str, ...]] = {
    "male": ("he", "him", "his", "himself"),
    "female": ("she", "her", "hers", "herself"),
    "neutral": ("they", "them", "their", "theirs", "themselves", "themself"),
}
#: The place of the occupation among the two persons; the participant has the other one.
OCCUPATION, PARTICIPANT = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Sentences that differ by the pronoun's gender only, such as ``technician.customer.1``.

    ``share``: of women in the occupation, from 0 to 1. ``neutral``: with they; None where the file has none.
    """

    key: str
    occupation: str
    share: float
    male: Passage
    female: Passage
    neutral: Passage | None

    @property
    def mostly(self) -> str:
        """The gender of the majority in the occupation; half is female, as published."""
        return "female" if self.share >= 0.5 else "male"

    @property
    def gotcha(self) -> str:
        """The gender under which the statistics point at the wrong person.

        Where the occupation is meant, it is that of the occupation's minority; where the participant is, the other.
        """
        others = {"female": "male", "male": "female"}
        return others[self.mostly] if self.male.answer == OCCUPATION else self.mostly

    @property
    def pair(self) -> tuple[Passage, Passage]:
        """The gotcha sentence and the other one."""
        both = {"female": self.female, "male": self.male}
        mean = both.pop(self.gotcha)
        return mean, *both.values()  # type: ignore[return-value]


def read_schemas(path: Path, shares: Mapping[str, float]) -> tuple[Schema, ...]:
    """The schemas of a file with sentid and sentence; DataError names file and line of what is wrong."""
    found: dict[str, dict[str, Passage]] = {}
    occupations: dict[str, str] = {}
    for record in read_records(path):
        key, gender, occupation, passage = _passage(record)
        if occupation not in shares:
            raise DataError(
                f"{record.where}: no share of women is known of {occupation!r}{did_you_mean(occupation, shares)}",
                remedy="name a file with occupation and percent_women in shares:",
            )
        if gender in found.setdefault(key, {}):
            raise DataError(f"{record.where}: sentid {passage.key!r} occurs twice")
        found[key][gender] = passage
        occupations[key] = occupation
    for key, passages in found.items():
        lacks = next((gender for gender in ("male", "female") if gender not in passages), None)
        if lacks is not None:
            raise DataError(f"{path.name}: the schema {key} has no {lacks} sentence", remedy=WHERE)
    return tuple(
        Schema(
            key=key,
            occupation=occupations[key],
            share=shares[occupations[key]],
            male=passages["male"],
            female=passages["female"],
            neutral=passages.get("neutral"),
        )
        for key, passages in found.items()
    )


def passages_of(schemas: Sequence[Schema]) -> tuple[Passage, ...]:
    """All sentences, in the order of the file's schemas."""
    return tuple(
        each for schema in schemas for each in (schema.male, schema.female, schema.neutral) if each is not None
    )


def _passage(record: PublicRecord) -> tuple[str, str, str, Passage]:
    """Schema, gender, occupation and sentence of one record."""
    name, text = record.text("sentid"), record.text("sentence")
    parts = name.removesuffix(".txt").split(".")
    if len(parts) != 4 or parts[2] not in ("0", "1") or parts[3] not in PRONOUNS:
        raise DataError(
            f"{record.where}: sentid: {name!r}", remedy="expected occupation.participant.0 or 1.gender, as published"
        )
    occupation, participant, answer, gender = parts
    pronoun = next((word for word in re.findall(r"\w+", text) if word.lower() in PRONOUNS[gender]), None)
    if pronoun is None:
        raise DataError(f"{record.where}: sentence: no {gender} pronoun", remedy=WHERE)
    named = f"the {occupation}", participant if participant == "someone" else f"the {participant}"
    for person in named:
        if re.search(rf"\b{re.escape(person.removeprefix('the '))}\b", text, re.IGNORECASE) is None:
            raise DataError(f"{record.where}: sentence: {person!r} does not occur in it", remedy=WHERE)
    key = ".".join(parts[:3])
    passage = Passage(key=name, text=text, pronoun=pronoun, referents=named, answer=int(answer), frame=key)
    return key, gender, occupation, passage
