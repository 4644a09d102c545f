"""Headcounts: whom each figure is about, as cells of one table, and how many persons it tells of.

An attribute's groups are the margins of every crossing, a stratum or a slice crosses what it is made of, and what lies
outside a slice is what the slice leaves of its groups in that half of the rows. So whatever a probe calls the persons
that it counts, the same persons are the same cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from probandum.finding import Estimate, Groups
from probandum.suppressing import BIN, COMPARED, HALF, TOTAL, Cell, Size, known

EVERYBODY = "everybody"
#: What decisions and outcomes make together: three of the rates over either of them give away the fourth.
_BOTH = "decision and outcome"

#: What a rate is counted over, everybody or those with one decision or outcome; and who they are.
_OVER = {
    "tpr": (_BOTH, "positives"),
    "fnr": (_BOTH, "positives"),
    "fpr": (_BOTH, "negatives"),
    "tnr": (_BOTH, "negatives"),
    "equalized": (_BOTH, "positives"),
    "cost": (_BOTH, "positives"),
    "ppv": (_BOTH, "favoured"),
    "npv": (_BOTH, "others"),
    **dict.fromkeys(
        (
            "selection",
            "impact",
            "crude",
            "adjusted",
            "stratum",
            "breslow",
            "woolf",
            "sign",
            "compared",
            "shrunk",
            "probability",
            "lowest",
            "highest",
            "auc",
            "xauc",
            "calibration",
            "recalibration",
            "debiased",
            "predicted",
            "observed",
            "scoring",
            "mean",
            "error",
            "mae",
            "rmse",
            "quantile",
            "difference",
            "cohens",
            "ks",
            "exposure",
            "top",
            "pool",
            "not",
        ),
        (EVERYBODY, EVERYBODY),
    ),
}

#: Figures over those of a group alone who lie in strata that are compared.
_OF_COMPARED = ("crude", "adjusted", "stratum")
#: Figures worked out from every group of an attribute or a crossing, whichever of them they are said of.
_OF_ALL_GROUPS = ("shrunk", "probability", "differential", "recalibration-p-value", "multicalibration")
#: How a column is associated with groups: counts of its values in them.
_OF_VALUES = ("association", "cramers", "feature-auc")
#: Methods whose counts are pairs that changed, and no events of trials.
_PAIRS = ("tango", "mcnemar-tango")
#: The facets that name a slice, in the half of the rows that confirms it, and a bin with as many rows as the others.
_SLICED, _BINNED = "slice", "bin"
#: Facets by which a figure is about fewer persons, and those that say nothing of whom it is about.
_NARROWING = ("stratum", _SLICED, _BINNED)
_SILENT = ("baseline", "gap")
#: Facets by which a figure without groups names the attributes whose groups it is about.
_NAMING = ("crossing", "compared")


class Place(NamedTuple):
    """One group of persons, as one kind of rate counts it, in one table."""

    table: tuple[str, ...]
    cell: Cell


class Counted(NamedTuple):
    """Those of a cell whom a figure is about: a group's positives and its negatives share one cell."""

    place: Place
    who: str


class Figure(NamedTuple):
    """What may tell of a cell: a finding, or a change. ``groups`` None: of everybody, or of all groups at once."""

    id: str
    metric: str
    groups: Groups | None
    facets: Mapping[str, str]
    estimate: Estimate

    @property
    def probe(self) -> str:
        """The probe that says it."""
        return self.metric.partition("/")[0]

    @property
    def compared(self) -> list[str]:
        """The groups that are compared, or the one that the figure is of."""
        pair = () if self.groups is None else (self.groups.group, self.groups.reference)
        return [group for group in pair if group is not None]

    @property
    def quantity(self) -> str:
        """Its name alone: a change tells as much of a cell as the quantity itself."""
        return self.metric.removesuffix("/change").rpartition("/")[2]

    @property
    def attributes(self) -> frozenset[str] | None:
        """The attributes that tell apart whom it is about; None where it names none."""
        if self.groups is not None:
            return frozenset(self.groups.attribute.split("*"))
        named = [self.facets[each] for each in _NAMING if each in self.facets]
        return frozenset(named[0].split("*")) if named else None

    @property
    def of_all_groups(self) -> bool:
        """Whether every group of its attributes enters it, or of all where it names none."""
        return self.quantity.startswith(_OF_ALL_GROUPS)

    @property
    def of_values(self) -> bool:
        """Whether it rests on how many of its groups have each value of a column."""
        return self.groups is not None and self.quantity.startswith(_OF_VALUES) and "feature" in self.facets


@dataclass(frozen=True, slots=True)
class Naming:
    """Which cell a group is, by the groups that each attribute is known to have: names may hold stars and commas."""

    groups: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, figures: Iterable[Figure], declared: Iterable[str]) -> Naming:
        """By the groups that figures compare within each declared attribute."""
        groups: dict[str, set[str]] = {attribute: set() for attribute in declared}
        for figure in figures:
            if figure.groups is not None and figure.groups.attribute in groups:
                groups[figure.groups.attribute].update(figure.compared)
        return cls({attribute: frozenset(names) for attribute, names in groups.items()})

    def about(self, figure: Figure) -> list[Counted]:
        """Whom a figure tells of: whom it counts, and what these are cut from where it tells of the rest, too."""
        beside = _SLICED in figure.facets and figure.quantity != "slice-difference"
        return self.counted(figure) + (self.all_of_half(figure) if beside else [])

    def counted(self, figure: Figure) -> list[Counted]:
        """Whom a figure counts: each group that it compares, and both together where it tells no more of them."""
        narrowed = {**self._stratum(figure.facets.get("stratum")), **self._slice(figure.facets.get(_SLICED))}
        narrowed |= {BIN: figure.facets[_BINNED]} if _BINNED in figure.facets else {}
        return [self._counted(figure, {**who, **narrowed}) for who in self._groups_of(figure)]

    def all_of_half(self, figure: Figure) -> list[Counted]:
        """Of a figure about a slice, the same groups in all of the half of the rows that the slice is cut from."""
        return [self._counted(figure, {**who, **dict([HALF])}) for who in self._groups_of(figure)]

    def sizes(self, figure: Figure) -> list[Size]:
        """The persons behind each whom it counts, as far as it tells: of a pair without counts their sum, each at most.

        Of some figures nobody is told; the list is empty then.
        """
        estimate = figure.estimate
        if figure.quantity == "not-stated":
            return [Size(events, events) for events, _ in estimate.counts or () if events]  # all others state it
        if estimate.value is None and estimate.n == 0:
            return []
        if len(figure.compared) == 1:
            return [Size(estimate.n, estimate.n)]
        if not _by_group(figure):
            at_most = Size(estimate.n, 0)
            return [at_most, at_most, Size(estimate.n, estimate.n)]
        counts = estimate.counts or ()
        return [Size(n, n) for _, n in (counts[1::2] if estimate.method == "paired-gap" else counts)]

    def _groups_of(self, figure: Figure) -> list[dict[str, str]]:
        assert figure.groups is not None
        attribute = figure.groups.attribute
        groups = [self.crossed(attribute, group) for group in figure.compared]
        either = f"either of {attribute}: {' or '.join(sorted(figure.compared))}"
        return [*groups, {either: ""}] if len(groups) > 1 and not _by_group(figure) else groups

    def _counted(self, figure: Figure, cell: dict[str, str]) -> Counted:
        stem = figure.quantity.partition("-")[0]
        rate = figure.facets["gap"].partition("-")[0] if "gap" in figure.facets else stem
        over, who = _OVER.get(rate, (figure.metric.removesuffix("/change"),) * 2)
        facets = sorted(item for item in figure.facets.items() if item[0] not in (*_NARROWING, *_SILENT))
        table = (over, *(f"{key}={value}" for key, value in facets))
        cell = cell | dict([COMPARED] if stem in _OF_COMPARED else [])
        return Counted(place=Place(table=table, cell=frozenset(cell.items())), who=who)

    def crossed(self, attribute: str, group: str) -> dict[str, str]:
        """``race*sex`` and ``Asian*Female`` as race and sex of their own."""
        attributes, words = attribute.split("*"), group.split("*")
        ways = []
        for cuts in itertools.combinations(range(1, len(words)), len(attributes) - 1):
            edges = itertools.pairwise((0, *cuts, len(words)))
            ways.append(dict(zip(attributes, ("*".join(words[start:end]) for start, end in edges), strict=True)))
        known = [way for way in ways if all(name in self.groups[each] for each, name in way.items())]
        return next(iter([*known, *ways]), {attribute: group})

    def _stratum(self, stratum: str | None) -> dict[str, str]:
        """A stratum as the groups of attributes that it names, and all else of it as one."""
        found, others = self._named(stratum)
        return {**found, "stratum of others": ", ".join(others)} if others else found

    def _slice(self, name: str | None) -> dict[str, str]:
        """A slice, in the half of the rows that confirms it, as values of attributes and of columns."""
        if name is None:
            return {}
        found, others = self._named(name)
        for word in others:
            column = min((word.partition(span)[0] for span in (" over ", " up to ")), key=len)
            column = word.partition(" ")[0] if column == word else column
            found[f"column {column}"] = word.removeprefix(column)
        return found | dict([HALF])

    def _named(self, words: str | None) -> tuple[dict[str, str], list[str]]:
        """The groups of attributes that words name, and the other words."""
        found: dict[str, str] = {}
        others = []
        for word in [] if words is None else words.split(", "):
            named = [each for each in self.groups if word.startswith(f"{each} ")]
            if named:
                attribute = max(named, key=len)
                found[attribute] = word.removeprefix(f"{attribute} ")
            else:
                others.append(word)
        return found, others


def headcounts(figures: Iterable[Figure], naming: Naming) -> dict[Counted, Size]:
    """How many persons of each cell the figures tell of, those that they leave to be subtracted among them."""
    found: dict[Counted, Size] = {}
    outside: list[tuple[Counted, Counted, Size]] = []
    for figure in figures:
        about, sizes = naming.counted(figure), naming.sizes(figure)
        if _SLICED not in figure.facets or figure.quantity == "slice-difference":
            for each, size in zip(about, sizes, strict=False):
                found[each] = joined(size, found.get(each))
        elif figure.quantity == "difference-outside":
            outside += zip(about, naming.all_of_half(figure), sizes, strict=False)
    for inside, both, size in outside:
        if inside in found:
            half = Size(found[inside].fewest + size.fewest, found[inside].most + size.most)
            found[both] = joined(half, found.get(both))
    return found


def whole(sizes: Mapping[Cell, Size], wholes: Iterable[int]) -> dict[Cell, Size]:
    """How many there are in all and in each part that is cut by no group, which anybody knows: the most that add up."""
    sums: dict[Cell, dict[str, int]] = {}
    for cell, size in sizes.items():
        part = frozenset(each for each in cell if known(frozenset([each])))
        rest = [attribute for attribute, _ in cell - part]
        if len(rest) == 1 and rest[0] != COMPARED[0]:
            by_attribute = sums.setdefault(part, {})
            by_attribute[rest[0]] = by_attribute.get(rest[0], 0) + min(size)
    found = {part: max(by_attribute.values()) for part, by_attribute in sums.items()}
    found[TOTAL] = max([*wholes, found.get(TOTAL, 0)])
    return {part: Size(most, most) for part, most in found.items()}


def joined(size: Size, other: Size | None) -> Size:
    """What two figures about the same persons tell of them."""
    return size if other is None else Size(min(size.fewest, other.fewest), max(size.most, other.most))


def _by_group(figure: Figure) -> bool:
    """Whether a figure tells how many there are of each group that it compares."""
    counts, method = figure.estimate.counts, figure.estimate.method
    if counts is None or method in _PAIRS:
        return False
    return method == "paired-gap" or len(counts) == len(figure.compared)
