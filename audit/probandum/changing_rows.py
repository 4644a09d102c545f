"""The change of a rate of groups between two audits, over the rows that both asked about.

Where the same rows count before and after, a rate is a share of pairs and a difference of rates a contrast of two
sets of pairs. A ratio is not linear, and precision counts other rows where decisions change: there the change is taken
to first order in what each row adds, from the joint counts of what became of it before and after. Resampling those
counts would say the same, and its p-values end at one in the number of draws, where Holm's correction over many groups
asks for smaller ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from probandum import stats
from probandum.changing import NotComparable, of_shares, recurring
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.row_items import Counted, RowItems, Rows
from probandum.stats.means import satterthwaite

Counts = npt.NDArray[np.int64]

#: Rows added to the variance for each way in which an outcome can change.
ADDED = 0.5


@dataclass(frozen=True, eq=False)
class PairedRows:
    """The rows that two audits hold with the same content, in one order; ``told``: how many they are, in words."""

    before: Rows
    after: Rows
    told: str
    _joint: dict[tuple[str, ...], Counts] = field(default_factory=dict)

    def table(self, base: Counted, new: Counted, side: int) -> Counts:
        """Rows of one side by what became of them before and after, shape (3, 3).

        0: the row does not count, 1: it is a trial, 2: a trial with the event.
        """
        place = base.sides[side]
        self._refuse_moved(place, new.sides[side])
        joint = self._counted(base.column, new.column, tuple(place))
        where = tuple(place.values())
        if any(code >= size for code, size in zip(where, joint.shape, strict=False)):
            return np.zeros((3, 3), dtype=np.int64)
        cells = joint[where]
        before, after = _states(base, cells.shape[0]), _states(new, cells.shape[1])
        flat = (3 * before[:, None] + after).ravel()
        return np.bincount(flat, weights=cells.ravel(), minlength=9).astype(np.int64).reshape(3, 3)

    def _counted(self, column: str, other: str, attributes: tuple[str, ...]) -> Counts:
        """Rows by the codes of ``attributes`` and of both outcomes: counted once for all quantities."""
        key = (*attributes, column, other)
        if key not in self._joint:
            codes = [self.before.columns[name] for name in (*attributes, column)] + [self.after.columns[other]]
            shape = tuple(int(each.max()) + 1 for each in codes)
            cell = np.ravel_multi_index(tuple(each.astype(np.intp) for each in codes), shape)
            self._joint[key] = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
        return self._joint[key]

    def _refuse_moved(self, base: Mapping[str, int], new: Mapping[str, int]) -> None:
        """NotComparable where the codes of a side stand for other rows in the new audit than in the baseline."""
        for name, code in base.items():
            if name not in new or not self._same(name, code, new[name]):
                raise NotComparable(f"rows of the same content lie in other groups of {name!r} than in the baseline")

    def _same(self, name: str, code: int, other: int) -> bool:
        """Whether the rows with ``code`` before are those with ``other`` after."""
        joint = self._counted(name, name, ())
        inside = int(joint[code, other]) if code < joint.shape[0] and other < joint.shape[1] else 0
        rows = int(joint[code].sum()) if code < joint.shape[0] else 0
        return inside == rows == (int(joint[:, other].sum()) if other < joint.shape[1] else 0)


def change_of_counted(rows: PairedRows, base: Counted, new: Counted, *, unit: str) -> Estimate:
    """New less base of a rate, a difference or a ratio of two, over the rows that both hold.

    ``base`` and ``new`` say what each audit counts.
    """
    if base.form != new.form or len(base.sides) != len(new.sides):
        raise NotComparable(f"it is a {new.form} of rows, and in the baseline a {base.form}")
    tables = [rows.table(base, new, side) for side in range(len(new.sides))]
    if any(table.sum() == 0 for table in tables):
        return Estimate.missing("no row of a group recurs", unit=unit)
    each = [_moved(table) for table in tables]
    up, down, n = each[0]
    moved = each[0] if len(each) == 1 else (up + each[1][1], down + each[1][0], n + each[1][2])
    if new.form != "ratio" and all(table[0, 1:].sum() == table[1:, 0].sum() == 0 for table in tables):
        return _of_linear(each, moved, rows.told, unit)
    return _to_first_order(tables, new.form, moved, rows.told, unit)


def paired_rows(base: RowItems, new: RowItems, *, sampled: bool = False) -> PairedRows:
    """The rows of two audits in pairs, by name and content; NotComparable where too few recur.

    ``sampled``: one of the audits asked a declared sample of what the other did.
    """
    before, after = base.opened(), new.opened()
    _, first, second = np.intersect1d(before.keys, after.keys, assume_unique=True, return_indices=True)
    same = before.contents[first] == after.contents[second]
    first, second = first[same], second[same]
    hint = "" if base.named and new.named else "; rows have no id, and pair by their place: name the column with id:"
    told = recurring(len(first), len(before.keys), len(after.keys), "rows", sampled=sampled, hint=hint)
    return PairedRows(before.take(first), after.take(second), told)


def _states(counted: Counted, codes: int) -> npt.NDArray[np.int64]:
    """The state that each code of a row stands for."""
    code = np.arange(codes)
    trial = np.isin(code, counted.trials)
    return np.asarray(trial.astype(np.int64) + (trial & np.isin(code, counted.events)))


def _moved(table: Counts) -> tuple[int, int, int]:
    """Rows that raise the rate, rows that lower it, and all that are trials in either audit.

    An event that comes raises it, and a trial without one that comes lowers it.

    >>> _moved(np.array([[5, 1, 0], [0, 7, 2], [0, 3, 9]]))
    (2, 4, 22)
    """
    weight = np.array([0, -1, 1])
    step = weight[None, :] - weight[:, None]
    return int(table[step > 0].sum()), int(table[step < 0].sum()), int(table.sum() - table[0, 0])


def _of_linear(tables: Sequence[tuple[int, int, int]], moved: tuple[int, int, int], told: str, unit: str) -> Estimate:
    """A share, or the difference of two, in which the same rows count before and after."""
    if any(n == 0 for _, _, n in tables):
        return Estimate.missing("no row of a group counts in it", unit=unit)
    if len(tables) == 1:
        return of_shares(tables[0], unit, told)
    counts = tuple(pair for up, down, n in tables for pair in ((up, down), (n, n)))
    interval = stats.bounds("paired-gap", level=0.95, counts=counts)
    return Estimate(
        value=interval.value,
        low=min(interval.low, interval.value),
        high=max(interval.high, interval.value),
        n=moved[2],
        unit=unit,
        method="paired-gap",
        counts=counts,
        moved=moved,
        design=told,
    )


def _to_first_order(tables: Sequence[Counts], form: str, moved: tuple[int, int, int], told: str, unit: str) -> Estimate:
    """A ratio, or a rate that counts other rows in each audit: what each row adds to it, to first order.

    The variance over the rows of each group, which are independent, gives Welch's t. Half a row is added to it for each
    way in which an outcome can change: that none was seen to change is no proof that none would.
    """
    rates = [(_rate(table.sum(axis=1)), _rate(table.sum(axis=0))) for table in tables]
    if any(None in pair for pair in rates) or (form == "ratio" and 0.0 in rates[1]):
        return Estimate.missing("a rate that it rests on has nothing to divide by", n=moved[2], unit=unit)
    before, after = ([float(pair[place] or 0.0) for pair in rates] for place in (0, 1))
    value = _joined(after, form) - _joined(before, form)
    parts = []
    for side, table in enumerate(tables):
        slopes = (_slope(after, form, side), _slope(before, form, side))
        added = slopes[0] * _influence(table.sum(axis=0))[None, :] - slopes[1] * _influence(table.sum(axis=1))[:, None]
        weights = table.astype(np.float64)
        weights[1, 2] += ADDED
        weights[2, 1] += ADDED
        rows = float(weights.sum())
        spread = float((weights * added**2).sum()) / rows - (float((weights * added).sum()) / rows) ** 2
        parts.append((spread / rows, max(int(table.sum()) - 1, 1)))
    moments = (value, math.sqrt(sum(variance for variance, _ in parts)), satterthwaite(*parts))
    interval = stats.bounds("welch", level=0.95, moments=moments)
    return Estimate(
        value=value,
        low=interval.low,
        high=interval.high,
        n=moved[2],
        unit=unit,
        method="welch",
        moments=moments,
        moved=moved,
        design=f"{told}; to first order in what each row adds",
    )


def _rate(states: Counts) -> float | None:
    """Events over trials, of rows by state."""
    return None if states[1:].sum() == 0 else float(states[2] / states[1:].sum())


def _influence(states: Counts) -> Floats:
    """How far one row of each state moves the rate, times the number of rows, to first order; shape (3,)."""
    rate = float(_rate(states) or 0.0)
    return np.asarray(np.array([0.0, -rate, 1.0 - rate]) * states.sum() / states[1:].sum())


def _joined(rates: Sequence[float], form: str) -> float:
    """The quantity that rates of a group and its reference make up."""
    if form == "ratio":
        return rates[0] / rates[1]
    return rates[0] - rates[1] if form == "difference" else rates[0]


def _slope(rates: Sequence[float], form: str, side: int) -> float:
    """How far the quantity moves with the rate of one side."""
    if form == "ratio":
        return -rates[0] / rates[1] ** 2 if side else 1 / rates[1]
    return -1.0 if side else 1.0
