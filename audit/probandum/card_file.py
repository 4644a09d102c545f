"""A card as a file: read from a file of its own or from a plan, its schema, and what in it nobody reads or nobody says.

What documents ask of a card is handed in (``asked``), so that no document is known here by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum.document import CardField
from probandum.errors import PlanError
from probandum.law import catalogue
from probandum.law.card_shapes import shaped
from probandum.law.confirming import ANSWERS, CONFIRMED, changed
from probandum.plan_file import SystemCard
from probandum.plan_reading import card_in
from probandum.stating import stands_in, stated, words
from probandum.yaml_source import Place, YamlSource, read_yaml

#: What each document reads from a card, by its id.
Asked = Mapping[str, Sequence[CardField]]
#: Where the card stands in a plan.
SYSTEM = "system"
#: How alike a key must be to one that is read, to be taken for a slip: a card may hold what only its owner reads.
_NEAR = 0.8
#: The keys of a value with who says it.
_SAYING = ("value", "by", "date")
#: Keys below which people choose the names themselves, or documents find theirs.
_FREE = (
    "columns",
    "decision",
    "decisions",
    "roles",
    ANSWERS,
    "not_assessed",
    "provisions",
    "not_recorded",
    "post_market.alerts",
    "risk_management.findings",
    "risk_register",
    "special_categories",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class CardFile:
    """A card, the file that it stands in, and under which key: none in a file of its own, ``system`` in a plan."""

    path: Path
    card: Mapping[str, Any]
    yaml: YamlSource
    under: tuple[str, ...] = ()


def read(path: Path) -> CardFile:
    """The card in ``path``, a card or a plan; PlanError with every problem of the card, each with its place."""
    source = read_yaml(path, collect=True)
    system = source.values.get(SYSTEM)
    if "name" in source.values or SYSTEM not in source.values:
        return CardFile(path=path, card=card_in(source), yaml=source)
    if isinstance(system, str):
        named = path.parent / system
        if not named.is_file():
            raise PlanError([source.problem((SYSTEM,), f"no file {system}; expected a card, or the path of one")])
        return read(named)
    if not isinstance(system, dict):
        raise PlanError([source.problem((SYSTEM,), "expected a card, or the path of one")])
    inner = _below(source, SYSTEM, system)
    return CardFile(path=path, card=card_in(inner), yaml=inner, under=(SYSTEM,))


def _below(source: YamlSource, key: str, values: dict[str, Any]) -> YamlSource:
    """The part of a file that stands under a key, with its places."""

    def inside(place: Place) -> bool:
        return place[:1] == (key,)

    return YamlSource(
        path=source.path,
        data=source.data,
        values=values,
        marks={place[1:]: mark for place, mark in source.marks.items() if inside(place)},
        undecided={place[1:]: said for place, said in source.undecided.items() if inside(place)},
        variables=frozenset(place[1:] for place in source.variables if inside(place)),
    )


# What it may hold.


def schema(asked: Asked) -> dict[str, Any]:
    """The JSON Schema of cards: keys that the law reads, and those that documents print, each with who asks for it."""
    made = SystemCard.model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "probandum system card"
    shaped(made["properties"], catalogue())
    for question in catalogue().questions:
        _describe(made, question.path, question.ask)
    for path, readers in _readers(asked).items():
        (_, field), *_ = readers
        law = catalogue().get(field.requirement)
        names = ", ".join(dict.fromkeys(document for document, _ in readers))
        said = f"{field.what[:1].upper()}{field.what[1:]}. Asked by {law.cited}; supplied by {field.supplier}"
        _describe(made, path, f"{said}; printed in {names}.", human=all(each.human for _, each in readers))
    return made


#: What is said of a key that holds facts and is none itself.
_HOLDS = "What stands below it is stated fact by fact."


def _describe(made: dict[str, Any], path: str, text: str, *, human: bool = False) -> None:
    """Add a key at a dotted path; what is said of it already stays."""
    *above, last = path.split(".")
    here = made
    for step in above:
        here = here.setdefault("properties", {}).setdefault(step, {"description": _HOLDS})
    key = here.setdefault("properties", {}).setdefault(last, {"$ref": "#/$defs/Said"} if human else {})
    if key.setdefault("description", text) == _HOLDS:
        key["description"] = text


def _readers(asked: Asked) -> dict[str, list[tuple[str, CardField]]]:
    """Who reads a path: the documents, with what they call it."""
    found: dict[str, list[tuple[str, CardField]]] = {}
    for document, fields in asked.items():
        for field in fields:
            found.setdefault(field.path, []).append((document, field))
    return found


# What nobody reads, and what nobody says.


def strangers(file: CardFile, asked: Asked) -> Iterator[str]:
    """Cautions, each with its place: keys that nothing reads, with what may have been meant.

    They are no errors, since a card may hold what only its owner reads.
    """
    readers = _readers(asked)
    read = {question.path for question in catalogue().questions} | set(readers)
    # below a key of the card that only holds such paths, or that is told in parts, no other is read
    known = read | {key for key in SystemCard.model_fields if not any(_within(path, key) for path in read)}
    whole = known - {path for path, of in readers.items() if any(field.in_parts for _, field in of)}
    written = sorted(_leaves(file.card), key=lambda place: (file.yaml.mark(place).line, file.yaml.mark(place).column))
    for place in written:
        path = ".".join(place)
        if any(_within(each, path) for each in known) or any(_within(path, each) for each in whole) or free(path):
            continue
        near = difflib.get_close_matches(path, known, n=1, cutoff=_NEAR)
        yield file.yaml.problem(place, f"no document reads it{f', did you mean {near[0]!r}?' if near else ''}")


def free(path: str) -> bool:
    """Whether a path stands below a key where people choose the names, or documents find theirs.

    >>> free("columns.income.name"), free("columns_of_mine"), free("purpose")
    (True, False, False)
    """
    return any(_within(path, each) for each in _FREE)


def _within(path: str, above: str) -> bool:
    """Whether a path is another, or stands below it."""
    return path == above or path.startswith(f"{above}.")


def unsigned(file: CardFile, asked: Asked) -> Iterator[str]:
    """Cautions, each with its place: what only a named person may state, and nobody has put name and date to."""
    alone = {path for path, readers in _readers(asked).items() if all(field.human for _, field in readers)}
    for path in sorted(alone):
        said = stated(file.card, path)
        if said is not None and not said.own and words(said.value):
            told = "counts for nothing without who says it and when: {value: ..., by: NAME, date: DATE}"
            yield file.yaml.problem(tuple(path.split(".")), told)


def standing_in(file: CardFile) -> Iterator[str]:
    """Cautions, each with its place: texts that say that somebody has yet to say something."""
    for place, text in _texts(file.card):
        if stands_in(text):
            yield file.yaml.problem(place, f"{text!r} stands in for a statement, and is none: say it, or take it out")


def claiming(file: CardFile, claim: Callable[[str], str | None]) -> Iterator[str]:
    """Cautions, each with its place: a purpose or a class that says of the system what no document says itself."""
    for path in ("purpose", CONFIRMED):
        said = stated(file.card, path)
        if said is not None and (found := claim(words(said.value))) is not None:
            told = f"says {found!r} of the system, which no tool can say: documents print it as its speaker's words"
            yield file.yaml.problem(tuple(path.split(".")), told)


def ahead(file: CardFile, today: str) -> Iterator[str]:
    """Cautions, each with its place: statements of a day that has not come; ``today`` is an ISO date."""
    for place, day in _days(file.card):
        if day > today:
            yield file.yaml.problem(place, f"{day} lies ahead: nobody has stated anything on that day yet")


def _texts(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text of a card, and where it stands."""
    if isinstance(value, str):
        yield place, value
    for key, inner in _inner(value):
        yield from _texts(inner, (*place, key))


def _inner(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _days(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The day of every statement: of a value with who says it, and of the card's own ``declared``."""
    if isinstance(value, Mapping):
        day = value.get("date")
        if isinstance(day, str) and ("value" in value or place == ("declared",)):
            yield (*place, "date"), day
    for key, inner in _inner(value):
        yield from _days(inner, (*place, key))


def _leaves(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all that is stated."""
    if place and not (isinstance(value, Mapping) and "value" not in value):
        yield place
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if "value" not in value or key not in _SAYING:
                yield from _leaves(inner, (*place, str(key)))


def unsaid(card: Mapping[str, Any], fields: Sequence[CardField]) -> tuple[CardField, ...]:
    """The fields that the card leaves open; one for people alone needs a name and a date of its own."""
    return tuple(each for each in fields if not _says(card, each))


def _says(card: Mapping[str, Any], field: CardField) -> bool:
    found = stated(card, field.path)
    if field.path == CONFIRMED and changed(card):
        return False
    return found is not None and bool(words(found.value)) and (found.own or not field.human)
