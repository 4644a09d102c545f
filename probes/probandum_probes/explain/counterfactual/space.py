"""What a changed row may hold: values that data have shown, changes that a plan allows, and what each change costs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from probandum.errors import DataError
from probandum.evidence import Column, Floats, Table
from probandum.subject import Bools, Codes

#: Numbers with no more different values than this are codes: no value between them exists.
FEW = 12
#: Values of a text that a row may be changed to: the most frequent ones.
MOST_TEXTS = 30
#: Values of a number that are tried before the smallest change is looked for: quantiles, both ends among them.
QUANTILES = 13
#: Values of a number that are tried of those nearer than a change that is found.
NEARER = 200
#: What numbers are looked at as multiples of: thousands to millionths.
_DECIMALS = range(-3, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Which features of a row may change, and which way.

    ``immutable`` ones stay as they are; those of ``increase_only`` and ``decrease_only`` are numbers that may move one
    way, as an age does.
    """

    immutable: tuple[str, ...] = ()
    increase_only: tuple[str, ...] = ()
    decrease_only: tuple[str, ...] = ()

    def refuse_twice(self, *, what: str) -> None:
        """DataError beginning with ``what`` where a feature is bound in two ways."""
        said: dict[str, str] = {}
        for key in ("immutable", "increase_only", "decrease_only"):
            for name in getattr(self, key):
                if said.setdefault(name, key) != key:
                    raise DataError(f"{what}.{key}: {name!r} stands in {said[name]}, too", remedy="keep one of the two")

    def refuse(self, seen: Table, *, what: str) -> None:
        """DataError beginning with ``what`` where a name is no feature, has no order, or is said twice."""
        self.refuse_twice(what=what)
        for key in ("immutable", "increase_only", "decrease_only"):
            for name in getattr(self, key):
                if name not in seen:
                    raise DataError(
                        f"{what}.{key}: {name!r} is no feature of the model", remedy=f"found: {', '.join(seen)}"
                    )
                if key != "immutable" and seen[name].dtype.kind not in "fiub":
                    raise DataError(
                        f"{what}.{key}: {name!r} is text and has no order", remedy="name a number, or make it immutable"
                    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """One column: what may stand in it.

    ``values``: those that are tried first, rising; codes into ``labels`` where it holds text. ``seen``: all that there
    are of a number. ``scale``: what a change of its number is measured by; None where every change costs 1. ``step``:
    what numbers between the values are multiples of, 0 where any number may stand; None where only the values may.
    ``direction``: 1 or -1 where it may move one way, 0 where both. ``fixed``: it may not change.
    """

    name: str
    values: Floats
    scale: float | None
    step: float | None
    labels: Column
    seen: Floats = field(default_factory=lambda: np.zeros(0))
    direction: int = 0
    fixed: bool = False

    def encoded(self, column: Column) -> Floats:
        """A column as numbers."""
        if not len(self.labels):
            return np.asarray(column, dtype=np.float64)
        return np.where(column == "", np.nan, np.searchsorted(self.labels, column))

    def column(self, codes: Floats) -> Column:
        """The inverse of :meth:`encoded`."""
        if not len(self.labels):
            return np.ascontiguousarray(codes)
        gaps = np.isnan(codes)
        return np.where(gaps, "", self.labels[np.where(gaps, 0, codes).astype(np.int64)])

    def rounded(self, numbers: Floats) -> Floats:
        """The nearest numbers that may stand in it beside its values."""
        return numbers if self.step is None else rounded(numbers, np.array(self.step))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """Rows as numbers, shape (rows, features), and the values and costs of every feature.

    A change of a number costs ``|x - x'| / MAD``, the median absolute deviation from the median of the rows that were
    seen (Wachter et al. 2018); where that is 0, since half of all rows hold one value, the mean absolute deviation from
    the median stands in its place. A text, and a number with no more than two values, costs 1. The cost of a row is
    the sum over its features. A cell without a value is NaN here, of a text too: it stays as it is, nothing is changed
    to it, and beside a value it costs 1.
    """

    features: tuple[Feature, ...]

    @classmethod
    def of(cls, seen: Table, rows: Table, constraints: Constraints, *, what: str = "constraints") -> Space:
        """From rows that were ``seen``; ``rows`` to be changed may hold texts that were not."""
        constraints.refuse(seen, what=what)
        return cls(features=tuple(_feature(name, seen[name], rows[name], constraints) for name in seen))

    def encoded(self, table: Table) -> Floats:
        """Rows as numbers."""
        return np.column_stack([each.encoded(table[each.name]) for each in self.features])

    def table(self, matrix: Floats) -> Table:
        """The inverse of :meth:`encoded`."""
        return Table({each.name: each.column(codes) for each, codes in zip(self.features, matrix.T, strict=True)})

    def costs(self, before: Floats, after: Floats, places: Codes | None = None) -> Floats:
        """What every change costs, shape as both: of the features ``places``, or of all, which stand side by side.

        >>> seen = Table({"income": np.arange(100.0), "job": np.array(["cook", "baker"] * 50)})
        >>> space = Space.of(seen, seen, Constraints())
        >>> rows = space.encoded(seen)
        >>> space.costs(rows[:1], rows[51:52]).tolist()  # the MAD of 0 to 99 is 25
        [[2.04, 1.0]]
        """
        scales = np.array([np.nan if each.scale is None else each.scale for each in self.features])
        distance = np.abs(after - before) / (scales if places is None else scales[places])
        whole = np.isnan(distance)
        return np.where(whole, changed(before, after), distance) if whole.any() else distance

    def grid(self) -> tuple[Codes, Floats]:
        """Every value that is tried, with its feature, shape (values,) each; features that may not change have none."""
        free = [place for place, each in enumerate(self.features) if not each.fixed and len(each.values) > 1]
        places = [np.full(len(self.features[place].values), place) for place in free]
        values = [self.features[place].values for place in free]
        if not free:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        return np.concatenate(places).astype(np.int64), np.concatenate(values)

    @property
    def thinned(self) -> list[int]:
        """The features that may change and hold more values than are tried first."""
        return [
            place for place, each in enumerate(self.features) if not each.fixed and len(each.seen) > len(each.values)
        ]

    def nearer(self, rows: Floats, costs: Floats) -> tuple[Codes, Codes, Floats]:
        """Which rows have which features changed to which values that were seen, and cost less than ``costs``.

        ``rows`` and ``costs``, shape (rows, features). What :meth:`grid` holds is left out; of more than 200 values of
        a row and feature there are 200, spread evenly.

        >>> seen = Table({"income": np.arange(100.0)})
        >>> space = Space.of(seen, seen, Constraints(increase_only=("income",)))
        >>> space.nearer(space.encoded(seen.take([40])), np.array([[0.2]]))[2].tolist()  # the MAD is 25
        [42.0, 43.0, 44.0]
        """
        found = []
        for place in self.thinned:
            each, own = self.features[place], rows[:, place]
            reach = costs[:, place] * (each.scale or 1.0)
            low = np.searchsorted(each.seen, own - reach if each.direction < 1 else own, side="right")
            high = np.searchsorted(each.seen, own + reach if each.direction > -1 else own, side="left")
            count = np.maximum(high - low, 0)
            taken = np.minimum(count, NEARER)
            row = np.repeat(np.arange(len(rows)), taken)
            turn = np.arange(len(row)) - np.repeat(np.cumsum(taken) - taken, taken)
            value = each.seen[low[row] + turn * count[row] // taken[row]]
            new = (value != own[row]) & ~np.isin(value, each.values)
            found.append((row[new], np.full(int(new.sum()), place), value[new]))
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
        row, places, values = (np.concatenate(part) for part in zip(*found, strict=True))
        return row, places, values

    def directed(self, before: Floats, after: Floats, places: Codes) -> Bools:
        """Whether the features ``places`` have a value that may become another, and it moves a way that it may."""
        directions = np.array([each.direction for each in self.features], dtype=np.float64)[places]
        return np.asarray((after != before) & ((after - before) * directions >= 0))


def _feature(name: str, seen: Column, rows: Column, constraints: Constraints) -> Feature:
    """What may stand in one column."""
    direction = int(name in constraints.increase_only) - int(name in constraints.decrease_only)
    fixed = name in constraints.immutable
    if seen.dtype.kind not in "fiub":
        labels = np.unique(np.concatenate([seen, rows]))
        known, counts = np.unique(seen[seen != ""], return_counts=True)
        kept = known[np.sort(np.argsort(-counts, kind="stable")[:MOST_TEXTS])]
        codes = np.searchsorted(labels, kept).astype(np.float64)
        return Feature(name=name, values=codes, scale=None, step=None, labels=labels, fixed=fixed)
    numbers = np.asarray(seen, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    values, none = np.unique(numbers), np.zeros(0, dtype=np.str_)
    known = values
    if len(values) <= FEW:
        scale, step = (deviation(numbers) if len(values) > 2 else None), None
    else:
        scale, step = deviation(numbers), step_of(values)
        values = np.unique(np.quantile(numbers, np.linspace(0, 1, QUANTILES), method="inverted_cdf"))
    return Feature(
        name=name,
        values=values,
        scale=scale,
        step=step,
        labels=none,
        seen=known,
        direction=direction,
        fixed=fixed,
    )


def changed(before: Floats, after: Floats) -> Bools:
    """Which numbers differ; a cell without a value is like another."""
    return np.asarray((before != after) & ((before == before) | (after == after)))


def deviation(numbers: Floats) -> float:
    """The median absolute deviation from the median, or the mean one where that is 0.

    >>> deviation(np.array([1.0, 2.0, 3.0, 9.0])), deviation(np.array([5.0, 5.0, 5.0, 9.0]))
    (1.0, 1.0)
    """
    off = np.abs(numbers - np.median(numbers))
    return float(np.median(off) or off.mean())


def step_of(values: Floats) -> float:
    """The largest power of ten from 1000 to a millionth that all values are multiples of; 0 where there is none.

    >>> step_of(np.array([1200.0, 300.0])), step_of(np.array([0.25, 1.5])), step_of(np.array([np.pi]))
    (100.0, 0.01, 0.0)
    """
    return next((10.0**-places for places in _DECIMALS if (np.round(values, places) == values).all()), 0.0)


def rounded(points: Floats, steps: Floats) -> Floats:
    """The nearest multiples of ``steps`` that are powers of ten, as decimal numbers are read; others as they are.

    >>> rounded(np.array([0.31, 1234.0, 0.31]), np.array([0.1, 100.0, 0.0])).tolist()
    [0.3, 1200.0, 0.31]
    """
    grid = np.where(steps > 0, steps, 1.0)
    each = np.round(1 / grid)
    near = np.where(grid < 1, np.round(points * each) / np.maximum(each, 1.0), np.round(points / grid) * grid)
    return np.where(steps > 0, near, points)
