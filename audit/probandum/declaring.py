"""What a plan must declare of its rows: as a person said it, guessed with the guess stated, or left to a person.

Which decision is good for somebody is never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from probandum.columns import column_of
from probandum.errors import DataError, UsageError
from probandum.matching import make_groupings
from probandum.profiling import MOST_VALUES, Column, Profile, protected_by_name
from probandum.subject import DIRECTIONS, as_text, spelled

#: Ages that people reach; bins that span them fit the next file too.
_AGES = (0, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a plan and why it is that. ``decided`` False: a person must choose, and ``why`` is the question."""

    value: Any = None
    why: str = ""
    decided: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """One attribute: ``spec`` as a plan declares it, ``sizes`` of its groups in rows, and ``why`` it is one."""

    spec: Mapping[str, Any]
    sizes: Mapping[str, int]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person said beforehand; None and nothing where they said nothing."""

    favourable: object = None
    label: str | None = None
    positive: object = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """All that a plan declares of its rows; None for what it need not declare. ``left_out``: columns, and why."""

    favourable: Choice
    decision: Choice | None = None
    label: Choice | None = None
    positive: Choice | None = None
    detected: Choice | None = None
    row_id: Choice | None = None
    groups: Mapping[str, Grouped] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are no input of a model."""
        choices = (self.decision, self.label, self.row_id)
        return tuple(each.value for each in choices if each is not None and isinstance(each.value, str))


def declared_of_log(profile: Profile, said: Said, options: Mapping[str, Any]) -> Declared:
    """Of a file of decisions; ``options``: keys of the target that a person gave."""
    decision = _decision(profile, options.get("decision"))
    found = _decisions(profile, decision.value) if decision.decided else ()
    taken = () if not decision.decided else (_column_name(decision.value),)
    label = _label(profile, said.label or options.get("label"), taken=taken, classes=())
    outcomes = () if label is None else profile.columns[label.value].values
    positive = None if label is None else _positive(_first(said.positive, options.get("positive")), outcomes)
    detected = (
        None if label is None or positive is None else _detected(options.get("detected"), positive, found, outcomes)
    )
    groups, left_out = _groups(profile, said.groups)
    return Declared(
        favourable=_favourable(_first(said.favourable, options.get("favourable")), found, "decision"),
        decision=decision,
        label=label,
        positive=positive,
        detected=detected,
        row_id=_row_id(profile, options.get("id")),
        groups=groups,
        left_out=left_out,
    )


def declared_of_rows(profile: Profile, said: Said, classes: Sequence[str]) -> Declared:
    """Of rows that a model is asked about; ``classes``: as the model names them."""
    groups, left_out = _groups(profile, said.groups)
    return Declared(
        favourable=_favourable(said.favourable, classes, "class"),
        label=_label(profile, said.label, taken=(), classes=classes),
        positive=_positive(said.positive, classes),
        row_id=_row_id(profile, None),
        groups=groups,
        left_out=left_out,
    )


def listed(values: Collection[object], *, most: int = 8) -> str:
    """Values in one line, each on one line itself; the first ones where they are many."""
    shown = [" ".join(str(value).split())[:40] for value in list(values)[:most]]
    return ", ".join(shown) + (", ..." if len(values) > most else "")


def either(values: Collection[object]) -> str:
    """Values to choose from.

    >>> either(["no", "maybe", "yes"])
    'no, maybe or yes'
    """
    *others, last = listed(values).split(", ") if values else [""]
    return f"{', '.join(others)} or {last}" if others else last


def counted(sizes: Mapping[str, int]) -> str:
    """Sizes by value in one line.

    >>> counted({"F": 1200, "": 3})
    'F 1,200, (empty) 3'
    """
    return listed([f"{name or '(empty)'} {size:,}" for name, size in sizes.items()])


def _first(*values: object) -> object:
    return next((value for value in values if value is not None), None)


def _column_name(decision: Any) -> str:
    if not isinstance(decision, Mapping):
        return str(decision)
    return str(decision["number" if "number" in decision else "column"])


def _decision(profile: Profile, given: Any) -> Choice:
    if given is not None:
        column = _named(profile, _column_name(given), "target.decision")
        return Choice(value=given, why=f"as given; {_seen(column)}")
    for name in profile.named("decision"):
        column = profile.columns[name]
        if protected_by_name(name) is None and 1 <= column.distinct <= MOST_VALUES and not column.missing:
            return Choice(value=name, why=f"a guess, by its name; {_seen(column)}")
    return Choice(why=f"which column holds the decision, {either(profile.columns)}?", decided=False)


def _decisions(profile: Profile, decision: Any) -> tuple[str, ...]:
    """The values that decisions take, as a log spells them; of numbers, which are good for the person."""
    if isinstance(decision, Mapping):
        return DIRECTIONS if "number" in decision else ("0", "1")
    return profile.columns[str(decision)].values


def _favourable(given: object, known: Sequence[str], what: str) -> Choice:
    if given is None:
        which = f", {either(known)}" if known else ""
        return Choice(why=f"which {what} is good for the person{which}? No default", decided=False)
    return Choice(
        value=_among(given, known, "favourable", what), why=f"the {what} that is good for the person, as given"
    )


def _label(profile: Profile, given: Any, *, taken: Collection[str], classes: Sequence[str]) -> Choice | None:
    """The column of outcomes; None where no column looks like one."""
    if given is not None:
        column = _named(profile, str(given), "label")
        if why := column.unusable(grouped=False):
            raise DataError(f"{profile.file}: the label {column.name!r} has {why}")
        return Choice(value=column.name, why=f"as given; {_seen(column)}")
    fitting = [
        column
        for name, column in profile.columns.items()
        if name not in taken
        and protected_by_name(name) is None
        and 2 <= column.distinct <= MOST_VALUES
        and not column.missing
        and (not classes or {spelled(value, classes) for value in column.values} <= set(classes))
    ]
    by_name = [column for column in fitting if column.name in profile.named("label")]
    if by_name:
        return Choice(value=by_name[0].name, why=f"a guess, by its name; {_seen(by_name[0])}")
    if classes and len(fitting) == 1:
        return Choice(value=fitting[0].name, why=f"a guess: its values are the model's classes; {_seen(fitting[0])}")
    return None


def _positive(given: object, known: Sequence[str]) -> Choice:
    if given is not None:
        return Choice(
            value=_among(given, known, "positive", "outcome"), why="what the system tries to detect, as given"
        )
    for usual in (spelled("1", known), spelled(True, known)):
        if usual in known:
            return Choice(value=usual, why="what the system tries to detect; a guess, the usual one")
    return Choice(why=f"which outcome does the system try to detect, {either(known)}?", decided=False)


def _detected(given: object, positive: Choice, decisions: Sequence[str], outcomes: Sequence[str]) -> Choice | None:
    """The decision that foresees the positive outcome; None where its words say so themselves."""
    if given is not None:
        return Choice(value=_among(given, decisions, "detected", "decision"), why="as given")
    if not positive.decided or not decisions:
        return None
    if spelled(positive.value, decisions) in decisions or set(decisions) <= set(outcomes):
        return None
    why = f"which decision says that {listed([positive.value])} is expected, {either(decisions)}?"
    return Choice(why=why, decided=False)


def _row_id(profile: Profile, given: object) -> Choice | None:
    if given is not None:
        return Choice(value=_named(profile, str(given), "target.id").name, why="names a row, as given")
    for name in profile.named("id"):
        column = profile.columns[name]
        if column.distinct == len(profile) > 1:
            return Choice(value=name, why="names a row: all its values differ; a guess")
    return None


def _groups(profile: Profile, given: Sequence[str]) -> tuple[dict[str, Grouped], dict[str, str]]:
    """The attributes whose groups can be compared, and the columns that look like one and cannot, with the reason."""
    groups: dict[str, Grouped] = {}
    left_out: dict[str, str] = {}
    for name in given or profile.protected():
        column = _named(profile, name, "groups")
        kind = protected_by_name(name)
        why = column.unusable(grouped=True) or ("one value only" if column.distinct < 2 else None)
        if why and given:
            raise DataError(f"{profile.file}: no groups by {name!r}: {why}")
        if why:
            left_out[name] = f"looks like {kind}; {why}"
            continue
        spec = {"bins": _bins(column, ages=kind == "age")} if column.wants_bins else {}
        grouping = make_groupings({name: spec}, profile.table)[name]
        sizes = np.bincount(grouping.codes, minlength=len(grouping.names)).tolist()
        groups[name] = Grouped(
            spec=spec,
            sizes=dict(zip(grouping.names, sizes, strict=True)),
            why="as given" if given else f"looks like {kind}, by its name",
        )
    return groups, left_out


def _bins(column: Column, *, ages: bool) -> list[int | float]:
    """Two intervals that meet near the median; of ages from 0 to 120, else around all numbers there are.

    >>> age = Column(name="age", rows=99, distinct=50, counts={}, numeric=True, low=18, middle=34, high=80)
    >>> _bins(age, ages=True), _bins(age, ages=False)
    ([0, 34, 120], [18, 34, 80])
    >>> debt = Column(name="debt", rows=99, distinct=50, counts={}, numeric=True, low=-2.995, middle=0.0434, high=2.5)
    >>> _bins(debt, ages=False)
    [-3, 0.04, 2.5]
    """
    low, middle, high = column.low, column.middle, column.high
    if not low < middle < high:
        middle = (low + high) / 2
    if ages and low >= _AGES[0] and high <= _AGES[1] and low < math.floor(middle):
        return [_AGES[0], math.floor(middle), _AGES[1]]
    places = 2 - math.floor(math.log10(high - low))
    step = 10.0**-places
    rounded = (math.floor(low / step), round(middle / step), math.ceil(high / step))
    edges = [round(count * step, max(places, 0)) for count in rounded]
    if edges[0] > low or not edges[0] < edges[1] < edges[2] or edges[2] < high:
        edges = [low, middle, high]
    return [int(edge) if float(edge).is_integer() else edge for edge in edges]


def _named(profile: Profile, name: str, what: str) -> Column:
    column_of(profile.table, name, what=f"{profile.file}: {what}")
    return profile.columns[name]


def _among(given: object, known: Sequence[str], key: str, what: str) -> str:
    """``given`` as the file or the model spells it; UsageError where it does not occur."""
    value = spelled(as_text(np.array([given]))[0] if isinstance(given, float) else given, known)
    if known and value not in known:
        raise UsageError(f"{key}: {value!r} is no {what} that occurs", remedy=f"found: {listed(known)}")
    return value


def _seen(column: Column) -> str:
    """What stands in a column, in a few words."""
    if column.counts and column.distinct <= MOST_VALUES:
        return counted(column.counts)
    return f"{column.distinct:,} distinct values"
