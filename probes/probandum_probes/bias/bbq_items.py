"""The items of BBQ (Parrish et al. 2022) as they are published, and which answer of each reflects the stereotype."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum.errors import DataError
from probandum_probes.public_files import PublicRecord, read_once, read_records

WHERE = "BBQ is published by Parrish et al. (2022) at github.com/nyu-mll/BBQ, in the folder data, one file a category"
_FIELDS = (
    "example_id, question_index, question_polarity, context_condition, category, answer_info, additional_metadata, "
    "context, question, ans0, ans1, ans2, label"
)
#: Questions from 26 on name persons by proper names, in the categories that are no crossing of two.
LAST_WITHOUT_NAMES = 25
#: How a group's code and its word are the same group.
_SAME = {"man": "m", "men": "m", "boy": "m", "boys": "m", "woman": "f", "women": "f", "girl": "f", "girls": "f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BbqItem:
    """One question with its three answers.

    ``key``: category and example_id, as in ``Age/17``. ``category``: with `` (names)`` where persons have proper names.
    ``template``: category and question_index. ``unknown`` and ``label``: the places of the UNKNOWN and of the correct
    answer. ``target``: the place of the answer that reflects the stereotype, None where the item has none.
    """

    key: str
    category: str
    template: str
    ambiguous: bool
    context: str
    question: str
    answers: tuple[str, str, str]
    unknown: int
    label: int
    target: int | None

    @property
    def aligned(self) -> bool:
        """Whether the correct answer is the one that reflects the stereotype."""
        return self.label == self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class BbqFile:
    """All items of a file; ``derived``: of how many the target follows from groups and answers, not from metadata."""

    items: tuple[BbqItem, ...]
    derived: int


@read_once
def read_bbq(data: Path | Sequence[Path], metadata: Path | None = None) -> BbqFile:
    """The items of BBQ files, and of their ``additional_metadata.csv`` where given.

    Without metadata the target follows from ``stereotyped_groups`` and ``answer_info`` by the published rule: exactly
    one of the two persons belongs to a stereotyped group; that person's answer is the target of a negative question,
    the other's that of a question that is not negative. The two crossed categories publish their groups in metadata
    alone. DataError names file and line.
    """
    known = {} if metadata is None else _metadata(metadata)
    items: dict[str, BbqItem] = {}
    derived = against = turned = 0
    files = [data] if isinstance(data, Path) else data
    for record in itertools.chain.from_iterable(map(read_records, files)):
        fields = _Fields(record)
        own = _own_target(fields)
        given = known.get(fields.name) if known else fields.given()
        target = given.target if given is not None else None if known else own
        derived += given is None and target is not None
        if given is not None and own is not None and fields.positive:
            turned, against = turned + 1, against + (target != own)
        item = fields.item(target, given.named if given is not None else None)
        if item.key in items:
            raise DataError(f"{record.where}: item {item.key} occurs twice", remedy="leave one of them")
        items[item.key] = item
    if 2 * against > turned:
        file = (metadata or files[0]).name
        raise DataError(
            f"{file}: target_loc names the stereotyped group also where a question is not negative",
            remedy="there it must name the other person; leave the metadata out, and targets are derived",
        )
    return BbqFile(items=tuple(items.values()), derived=derived)


@dataclass(frozen=True, slots=True)
class _Given:
    """What metadata say of an item."""

    target: int | None
    named: bool | None


class _Fields:
    """One record, checked."""

    def __init__(self, record: PublicRecord) -> None:
        self.record = record
        self.category = record.text("category")
        self.index = record.text("question_index")
        self.name = (self.category, record.text("example_id"))
        self.positive = self._one_of("question_polarity", ("neg", "nonneg")) == "nonneg"
        self.ambiguous = self._one_of("context_condition", ("ambig", "disambig")) == "ambig"
        self.people = self._people()
        unknown = [place for place, (_, group) in enumerate(self.people) if group == "unknown"]
        if len(unknown) != 1:
            raise self._wrong(f"answer_info marks {len(unknown)} answers as unknown; expected one")
        self.unknown = unknown[0]

    @property
    def more(self) -> Mapping[str, Any]:
        """The additional metadata."""
        found = self.record.values.get("additional_metadata")
        return found if isinstance(found, dict) else {}

    def given(self) -> _Given | None:
        """The target where the record itself names one."""
        for values in (self.record.values, self.more):
            if "target_loc" in values:
                return _Given(_place(values["target_loc"], self.record.where), _named(values.get("label_type")))
        return None

    def item(self, target: int | None, named: bool | None) -> BbqItem:
        """The item; ``named``: whether its persons have proper names, by the question's number where nothing says."""
        label = _place(self.record.text("label"), self.record.where)
        if label is None:
            raise self._wrong("label names no answer")
        if named is None:
            named = "_x_" not in self.category and self.index.isdecimal() and int(self.index) > LAST_WITHOUT_NAMES
        category = f"{self.category} (names)" if named else self.category
        first, second, third = (self.record.text(f"ans{place}") for place in range(3))
        return BbqItem(
            key="/".join(self.name),
            category=category,
            template=f"{category}/{self.index}",
            ambiguous=self.ambiguous,
            context=self.record.text("context"),
            question=self.record.text("question"),
            answers=(first, second, third),
            unknown=self.unknown,
            label=label,
            target=target,
        )

    def _one_of(self, field: str, known: Sequence[str]) -> str:
        found = self.record.text(field)
        if found not in known:
            raise self._wrong(f"{field}: {found!r}; expected {' or '.join(known)}")
        return found

    def _people(self) -> list[tuple[str, str]]:
        info = self.record.values.get("answer_info")
        if not isinstance(info, dict):
            raise self._wrong(f"no answer_info; a record of BBQ has {_FIELDS}")
        found = [info.get(f"ans{place}") for place in range(3)]
        if not all(isinstance(each, list) and len(each) == 2 for each in found):
            raise self._wrong("answer_info: expected a text and a group for each of ans0, ans1 and ans2")
        return [(str(text), str(group)) for text, group in found]  # type: ignore[misc]

    def _wrong(self, what: str) -> DataError:
        return DataError(f"{self.record.where}: {what}", remedy=f"is it a file of BBQ? {WHERE}")


def _own_target(fields: _Fields) -> int | None:
    """The target by the published rule; None where it does not say."""
    groups = fields.more.get("stereotyped_groups")
    if "_x_" in fields.category or not isinstance(groups, list):
        return None
    wanted = {_group(str(group)) for group in groups}
    # Nationality groups its answers by region and its stereotypes by country, which stands in the answer's text.
    side = 0 if fields.category == "Nationality" else 1
    persons = [place for place in range(3) if place != fields.unknown]
    named = [place for place in persons if _group(fields.people[place][side]) in wanted]
    if len(named) != 1:
        return None
    return sum(persons) - named[0] if fields.positive else named[0]


def _group(text: str) -> str:
    """A group as codes and words both say it.

    >>> _group("F-Black"), _group("low SES"), _group("girl"), _group("Transgender women")
    ('black', 'lowses', 'f', 'trans')
    """
    plain = text.strip().casefold().replace(" ", "").removeprefix("m-").removeprefix("f-")
    return "trans" if plain.startswith("trans") else _SAME.get(plain, plain)


def _metadata(path: Path) -> dict[tuple[str, str], _Given]:
    known: dict[tuple[str, str], _Given] = {}
    for record in read_records(path):
        place = _place(record.text("target_loc"), record.where)
        known[record.text("category"), record.text("example_id")] = _Given(
            place, _named(record.values.get("label_type"))
        )
    return known


def _named(label_type: object) -> bool | None:
    return {"name": True, "label": False}.get(str(label_type))


def _place(value: object, where: str) -> int | None:
    """The place of an answer; None where the publication has none (NA, x or nothing)."""
    text = str(value).strip().removesuffix(".0")
    if text in ("", "NA", "nan", "None", "x"):
        return None
    if text not in ("0", "1", "2"):
        raise DataError(f"{where}: {text!r} is the place of no answer", remedy="expected 0, 1 or 2")
    return int(text)
