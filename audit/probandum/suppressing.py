"""Suppressing: which further cells of tables that share their margins stay unpublished, so that no small one is solved.

A crossed cell is what its row's total leaves beside the others of the row, and what its column's leaves: where it is
withheld and all of these are shown, it is shown. Tables of several attributes are joined here with their margins, and
cells are added, the smallest first, until what is shown leaves the size of every withheld one open (secondary cell
suppression; Willenborg and de Waal 2001, Elements of Statistical Disclosure Control, chapter 6).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

#: Persons by the group that they are in, of each attribute that tells them apart; nobody is told apart in the total.
Cell = frozenset[tuple[str, str]]
TOTAL: Cell = frozenset()
#: Those of a cell who are compared, as far as a probe leaves some of it out: nobody knows how many these are in all.
COMPARED = ("", "compared")
#: Those in the half of the rows that slices are cut from.
HALF = ("\nhalf of the rows", "that confirms")
#: What cuts all rows into parts of known size, whoever is in them: that half, and bins with as many rows each. No
#: attribute is called so.
BIN = "\nbin"
_CUTS = frozenset({HALF[0], BIN})

#: A change of a number below which it is none; rounding stays far below it.
_NOTHING = 1e-6
#: Least squares take some hundred steps for thousands of cells.
_MOST_STEPS = 20_000
#: Of more slices beneath one margin no more than two are held against it together.
_MANY = 40


class Size(NamedTuple):
    """The fewest persons that a figure about a cell is about, and the most."""

    fewest: int
    most: int


class Line(NamedTuple):
    """Cells that make up one margin; the total, too, is a margin and always known."""

    margin: Cell
    cells: tuple[Cell, ...]


def suppressed(sizes: Mapping[Cell, Size], small: Iterable[Cell], *, least: int) -> set[Cell]:
    """``small`` cells, and those that have to be withheld with them, the smallest first.

    Of every line whose margin is shown either no cell is withheld, or two and more with ``least`` persons together;
    a margin is withheld together with a cell of every line that adds up to it; and no withheld cell can be solved for.
    Persons whom all cells of a line leave out are as if in one more cell that is withheld.

    >>> def cell(race: str, sex: str) -> Cell:
    ...     return frozenset({("race", race), ("sex", sex)} - {("race", ""), ("sex", "")})
    >>> rows = {("A", "F"): 2, ("A", "M"): 30, ("B", "F"): 40, ("B", "M"): 50, ("A", ""): 32, ("B", ""): 90}
    >>> sizes = {cell(*names): Size(n, n) for names, n in (rows | {("", "F"): 42, ("", "M"): 80}).items()}
    >>> sorted(tuple(sorted(dict(each).values())) for each in suppressed(sizes, [cell("A", "F")], least=10))
    [('A', 'F'), ('A', 'M'), ('B', 'F'), ('B', 'M')]
    """
    hidden, lines = {cell for cell in small if not known(cell)}, lines_of(sizes)
    while True:
        before = len(hidden)
        for line in lines:
            hidden.update(_further(line, sizes, hidden, least))
        if len(hidden) == before:
            hidden.update(_opening(lines, sizes, hidden, least))
        if len(hidden) == before:
            return hidden


def known(cell: Cell) -> bool:
    """Whether anybody knows, or can count, how many these are: all persons, and parts of them by no group."""
    return attributes_of(cell) <= _CUTS


def lines_of(sizes: Iterable[Cell]) -> list[Line]:
    """Every line of the tables that cells stand in: a table of some attributes adds up to each table of fewer."""
    tables: dict[frozenset[str], list[Cell]] = {}
    ordered = sorted(sizes, key=sorted)
    for cell in ordered:
        tables.setdefault(attributes_of(cell), []).append(cell)
    lines = list(_mixed([cell for cell in ordered if HALF in cell]))
    for attributes, cells in tables.items():
        if attributes <= _CUTS:
            continue
        for fewer in {frozenset[str](), *tables}:
            if not fewer < attributes or (not fewer and COMPARED[0] in attributes):
                continue
            by_margin: dict[Cell, list[Cell]] = {}
            for cell in cells:
                by_margin.setdefault(frozenset(place for place in cell if place[0] in fewer), []).append(cell)
            shown = {TOTAL, *tables.get(fewer, ())}
            lines += [Line(margin, tuple(each)) for margin, each in by_margin.items() if margin in shown]
    return sorted(lines, key=lambda line: (-len(line.margin), sorted(line.margin), sorted(line.cells[0])))


def attributes_of(cell: Cell) -> frozenset[str]:
    """The attributes that tell the persons of a cell apart."""
    return frozenset(attribute for attribute, _ in cell)


def _mixed(cells: Iterable[Cell]) -> Iterator[Line]:
    """Slices of different columns that share nobody, beside all that they are cut from: their tables have gaps."""
    cells = list(cells)
    for margin in cells:
        beneath = [cell for cell in cells if margin < cell]
        for many in range(2, (3 if len(beneath) <= _MANY else 2) + 1):
            for family in itertools.combinations(beneath, many):
                disjoint = all(apart(*pair) for pair in itertools.combinations(family, 2))
                if disjoint and len({attributes_of(cell) for cell in family}) > 1:
                    yield Line(margin, family)


def apart(one: Cell, other: Cell) -> bool:
    """Whether nobody is in both, since both name an attribute and not the same group of it."""
    values = dict(one)
    return any(values.get(attribute, value) != value for attribute, value in other)


def _further(line: Line, sizes: Mapping[Cell, Size], hidden: set[Cell], least: int) -> Iterator[Cell]:
    """The next cell to withhold, where a line tells of one that is withheld, or of few together."""
    holes = [cell for cell in line.cells if cell in hidden]
    left_out = _left_out(line, sizes, least)
    unknown = [sizes[cell].fewest for cell in holes] + [left_out] * (left_out > 0)
    if line.margin in hidden:
        exposed = not unknown
    else:
        exposed = (len(unknown) == 1 and bool(holes)) or 0 < sum(unknown) < least
    if not exposed:
        return
    shown = [cell for cell in line.cells if cell not in hidden]
    if not shown and len(holes) == 1 and not known(line.margin):
        shown = [line.margin]  # the one cell is all of its margin
    yield from _smallest(shown, sizes)


def _left_out(line: Line, sizes: Mapping[Cell, Size], least: int) -> int:
    """How many persons of a margin are in none of its cells, as strata that are not compared are left out.

    Of all persons only a few: tables that leave out more are about fewer persons, and no line is drawn for these.
    """
    if line.margin not in sizes:
        return 0
    margin, cells = sizes[line.margin], [sizes[cell] for cell in line.cells]
    left = min(margin.fewest - sum(each.fewest for each in cells), margin.most - sum(each.most for each in cells))
    return 0 if line.margin == TOTAL and left >= least else max(left, 0)


def _opening(lines: Iterable[Line], sizes: Mapping[Cell, Size], hidden: set[Cell], least: int) -> Iterator[Cell]:
    """The smallest cell beside one that all lines together give away."""
    whole = [line for line in lines if not _left_out(line, sizes, least)]
    for cell in sorted(solved(whole, hidden), key=sorted):
        shown = {
            each
            for line in lines
            if cell in (line.margin, *line.cells)
            for each in (line.margin, *line.cells)
            if not known(each) and each not in hidden
        }
        if shown:
            yield from _smallest(shown, sizes)
            return


def _smallest(cells: Iterable[Cell], sizes: Mapping[Cell, Size]) -> list[Cell]:
    return sorted(cells, key=lambda cell: (sizes[cell].fewest, sorted(cell)))[:1]


def solved(lines: Iterable[Line], hidden: Iterable[Cell]) -> set[Cell]:
    """The withheld cells whose number follows from what is shown, since no other solution of all sums changes it.

    Random numbers less the shortest ones with the same sums are a random change that leaves all sums as they are; it is
    0 in the cells that no such change touches, and in others with probability 0.
    """
    from scipy import sparse

    places = {cell: place for place, cell in enumerate(sorted(hidden, key=sorted))}
    signs = [
        (row, places[cell], -1.0 if cell == line.margin else 1.0)
        for row, line in enumerate(lines)
        for cell in (line.margin, *line.cells)
        if cell in places
    ]
    if not signs:
        return set()
    rows, columns, values = zip(*signs, strict=True)
    sums = sparse.csr_array((values, (rows, columns)), shape=(max(rows) + 1, len(places)))
    numbers = np.random.default_rng(0).uniform(1, 2, len(places))
    shortest = sparse.linalg.lsqr(sums, sums @ numbers, atol=1e-14, btol=1e-14, conlim=0, iter_lim=_MOST_STEPS)[0]
    change = np.abs(numbers - shortest)
    return {cell for cell, place in places.items() if change[place] < _NOTHING}
