"""What one finding rests on: its own items with their values, and where each of them was asked among the raw lines.

A probe names its items, and the inputs of its requests, by keys; an input without a key is named by its text. Items
of rows stay in the record: a list of what became of every person would be a copy of the data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from probandum.evidence import Items, Observation
from probandum.finding import Finding
from probandum_reports import saying
from probandum_reports.fields import exact, ranges
from probandum_reports.readable import answered, cut

#: How much of its items the page of a finding shows: items, places of each, characters of a text.
_ITEMS, _PLACES, _CHARACTERS = 4, 4, 400


class Place(NamedTuple):
    """An input among the raw lines: its line and its place in it, both from 1, its group, its text and the answer.

    ``place`` is None where the whole line is of the item, as changed versions of one text are.
    """

    line: int
    place: int | None = None
    group: str = ""
    text: str = ""
    answer: str = ""


class Item(NamedTuple):
    """An item as a page shows it: its name and value, and where it was asked, or in which lines where that is long."""

    name: str
    value: str
    places: Sequence[Place]
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rests:
    """The items of one finding: the first of them, how many there are, and the line of the file that lists them all.

    Without a line they are rows, which no file lists. ``asked``: the raw lines of all items, '' where some has none.
    """

    shown: Sequence[Item]
    count: int
    line: int | None = None
    asked: str = ""


@dataclass(slots=True, kw_only=True)
class Places:
    """Where the items of one probe were asked, taken down as its raw lines are written. ``wanted``: their names."""

    wanted: frozenset[str]
    at: dict[str, list[Place]] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)

    def note(self, observation: Observation, line: int) -> None:
        """Take down what of an observation, written as ``line``, belongs to an item."""
        asked = observation.asked
        if "rows" in asked:
            self.rows.add(line)
            return
        if (base := _base(asked)) in self.wanted:
            self.at.setdefault(base, []).append(Place(line))
        inputs, groups = asked.get("inputs", ()), asked.get("groups", ())
        for group in dict.fromkeys(groups):
            self.groups.setdefault(str(group), []).append(line)
        for index, text in enumerate(inputs):
            names = {str(each[index]) for each in (asked.get("keys", ()), inputs) if index < len(each)} & self.wanted
            if names:
                group = str(groups[index]) if index < len(groups) else ""
                said = cut(answered(asked, observation.answer, index), _CHARACTERS)
                place = Place(line, index + 1, group, cut(str(text), _CHARACTERS), said)
                for name in names:
                    self.at.setdefault(name, []).append(place)


def _base(asked: Mapping[str, Any]) -> str:
    masks = asked.get("masks")
    return str(masks.get("base", "")) if isinstance(masks, Mapping) else ""


def resting(
    finding: Finding, items: Items, places: Places, lines: Iterable[int], *, number: int
) -> tuple[Rests, dict[str, Any] | None]:
    """What ``finding`` rests on, and the same as line ``number`` of a file holds it; None where the items are rows.

    ``lines``: of the raw file, those that the finding names as its evidence.
    """
    mine, count = set(lines), len(items.keys)
    if items.contents or mine & places.rows:
        return Rests(shown=(), count=count), None
    found = [_places(finding, items, index, places, mine) for index in range(count)]
    furthest = sorted(range(count), key=lambda index: -abs(items.values[index]))[:_ITEMS]
    listed = [
        {
            "item": name,
            "value": value,
            "asked": [[each.line, each.place][: 1 + (each.place is not None)] for each in at],
        }
        for name, value, at in zip(items.keys, items.values, found, strict=True)
    ]
    shown = [_item(items, index, found[index]) for index in furthest]
    asked = ranges(each.line for at in found for each in at) if all(found) else ""
    held = {"finding": finding.id, "unit": items.unit, "items": listed}
    return Rests(shown=shown, count=count, line=number, asked=asked), held


def _places(finding: Finding, items: Items, index: int, places: Places, mine: Collection[int]) -> list[Place]:
    """Where an item was asked; of one that sums up inputs of a word the lines of that word, of a window its own."""
    if items.form == "windows":
        return [Place(sorted(mine)[index])] if len(mine) == len(items.keys) else []
    found = [each for each in places.at.get(items.keys[index], ()) if each.line in mine]
    if finding.groups is not None:
        compared = ("", finding.groups.group, finding.groups.reference)
        found = [each for each in found if each.group in compared]
    if not found and items.crossed:
        found = [Place(line) for line in places.groups.get(items.crossed[index], ()) if line in mine]
    return found


def _item(items: Items, index: int, places: list[Place]) -> Item:
    told = places if len(places) <= _PLACES and all(each.place is not None for each in places) else []
    value = f"{exact(items.values[index])} {saying.unit(items.unit)}".rstrip()
    lines = "" if told else ranges(each.line for each in places)
    return Item(name=cut(items.keys[index], _CHARACTERS), value=value, places=told, lines=lines)
