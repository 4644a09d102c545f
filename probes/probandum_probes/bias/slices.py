"""Slices of rows, by one or two columns, in which two groups lie further apart than outside them.

Rows are counted by slice, group and outcome, so that a search over many pairs of columns costs one count a pair. Where
the plan declares weights or persons, counts are those of as many persons of equal weight as say as much.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.stats.means import satterthwaite
from probandum.subject import Bools, Codes, Subject
from probandum_probes.bias.weighted import Shares, persons_of
from probandum_probes.estimates import from_counts

#: The fewest rows of either group, inside a slice and outside it.
FEWEST = 30
#: Of a confirmed slice the adjusted p-value is at most this.
CONFIRMED = 0.05
#: Slices that share more than this of their rows say the same.
ALIKE = 0.5
#: How many of the best slices of a search are looked at for such overlaps.
_LOOKED_AT = 400

#: Events and trials of a group and of its reference, no whole numbers where rows are weighted.
Pair = tuple[tuple[float, float], tuple[float, float]]
#: The groups of a slice: group and reference inside it, then outside.
_PLACES: Mapping[int, float] = {0: 1.0, 1: -1.0, 2: -1.0, 3: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
    """One column, coded: ``codes[i]`` is the place of row i's value in ``names``."""

    name: str
    codes: Codes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """What is compared: ``event`` among the rows of ``group`` and of ``reference``, disjoint masks of all rows."""

    event: Bools
    group: Bools
    reference: Bools
    subject: Subject

    def within(self, rows: Bools) -> Pair:
        """Events and trials of both groups among some rows."""
        sides = [side & rows for side in (self.group, self.reference)]
        if self.subject.design:
            places = np.where(self.group, 0, 1)
            shares = Shares.of(self.event, self.subject, places, sides[0] | sides[1])
            first, second = (shares.counts(place) if shares.sums.size(place) else (0.0, 0.0) for place in (0, 1))
            return first, second
        counted = [(float(self.event[side].sum()), float(side.sum())) for side in sides]
        return counted[0], counted[1]

    def towards(self, rows: Bools) -> float:
        """1 where the group's rate among some rows is that of its reference or more, else -1."""
        (x1, n1), (x2, n2) = self.within(rows)
        return 1.0 if x1 / n1 >= x2 / n2 else -1.0

    def persons(self, rows: Bools) -> tuple[int, int]:
        """How many persons of either group some rows are about."""
        return persons_of(self.subject, self.group & rows), persons_of(self.subject, self.reference & rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A slice with what the search saw: ``excess`` over the rest, and ``score``, that in standard errors."""

    name: str
    rows: Bools
    excess: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """A slice in the half that confirms: events and trials of both groups inside it and outside.

    ``n``: all persons. ``shares``: the rates over persons, where the plan declares weights or persons.
    """

    inside: Pair
    outside: Pair
    n: int
    shares: Shares | None = None

    @classmethod
    def of(cls, trial: Trial, slice: Bools, half: Bools) -> Seen | None:
        """The counts; None where a group has fewer than 30 persons inside or outside."""
        if min(*trial.persons(slice & half), *trial.persons(~slice & half)) < FEWEST:
            return None
        rows = half & (trial.group | trial.reference)
        n = persons_of(trial.subject, rows)
        if not trial.subject.design:
            return cls(inside=trial.within(slice & half), outside=trial.within(~slice & half), n=n)
        places = np.where(trial.group, 0, 1) + 2 * ~slice
        shares = Shares.of(trial.event, trial.subject, places, rows)
        counted = [shares.counts(place) for place in _PLACES]
        return cls(inside=(counted[0], counted[1]), outside=(counted[2], counted[3]), n=n, shares=shares)

    def excess(self) -> stats.Interval:
        """The gap inside less the gap outside, with what persons who are in both say of it."""
        return excess(self.inside, self.outside, 0.0 if self.shares is None else self.shares.together(_PLACES))

    def gap(self, where: Literal["inside", "outside"], told: str) -> Estimate:
        """The gap inside or outside: Newcombe's interval of counts, CR2's over persons."""
        if self.shares is not None:
            return self.shares.difference((0, 1) if where == "inside" else (2, 3), told)
        pair = self.inside if where == "inside" else self.outside
        return from_counts("newcombe", [(int(x), int(n)) for x, n in pair], design=told)

    def p(self, towards: float) -> float:
        """One-sided: that the excess is 0 or points the other way, by shares (x + 1) / (n + 2).

        So the test keeps its level where slices are small and rates uneven; by x / n it errs in 6.6 % of worlds at 5 %.
        """
        found = self.excess()
        assert found.standard_error is not None and found.df is not None
        counted = zip(_PLACES.values(), (*self.inside, *self.outside), strict=True)
        moments = (sum(sign * (x + 1) / (n + 2) for sign, (x, n) in counted), found.standard_error, found.df)
        return stats.p_value("welch", 0.0, side="above" if towards > 0 else "below", moments=moments)


def excess(inside: Pair, outside: Pair, together: float = 0.0) -> stats.Interval:
    """The gap inside a slice less the gap outside it, from -2 to 2, neutral 0, with Welch's interval.

    Variances are those of shares (x + 1) / (n + 2), over n - 1, so that none is taken as certain. ``together``: what
    persons in several of the four add to their sum.

    >>> round(excess(((6, 30), (15, 30)), ((15, 30), (15, 30))).value, 9)
    -0.3
    """
    parts, gaps = [], []
    for pair in (inside, outside):
        gaps.append(pair[0][0] / pair[0][1] - pair[1][0] / pair[1][1])
        for x, n in pair:
            share = (x + 1) / (n + 2)
            parts.append((share * (1 - share) / max(n - 1, 1.0), max(n - 1.0, 1.0)))
    apart = sum(variance for variance, _ in parts)
    error = float(np.sqrt(max(apart + together, apart / len(parts))))
    return stats.bounds("welch", level=0.95, moments=(gaps[0] - gaps[1], error, satterthwaite(*parts)))


def search(
    factors: Sequence[Factor], trial: Trial, rows: Bools, *, towards: float, most: int
) -> tuple[list[Found], int]:
    """The slices of ``rows`` in which the gap lies furthest beyond the rest of them, and how many were looked at.

    ``towards``: 1 or -1, the sign of the gap to explain. Slices with fewer than 30 rows of a group, inside or outside,
    are none; of those that share more than half of their rows the better one stays.
    """
    scored: list[tuple[float, float, tuple[int, ...], int]] = []
    looked = 0
    for places in _combinations(len(factors)):
        codes, width = _joint([factors[place] for place in places])
        values, scores = _excesses(codes[rows], width, trial, rows, towards)
        known = np.flatnonzero(np.isfinite(scores))
        looked += len(known)
        scored += [(float(scores[cell]), float(values[cell]), places, int(cell)) for cell in known if scores[cell] > 0]
    scored.sort(key=lambda each: -each[0])
    found: list[Found] = []
    for score, value, places, cell in scored[:_LOOKED_AT]:
        chosen = [factors[place] for place in places]
        mask = _joint(chosen)[0] == cell
        if all(_overlap(mask & rows, each.rows & rows) <= ALIKE for each in found):
            found.append(Found(name=_named(chosen, cell), rows=mask, excess=value, score=score))
        if len(found) == most:
            break
    return found, looked


def _combinations(count: int) -> Iterator[tuple[int, ...]]:
    """Every column, and every two."""
    for size in (1, 2):
        yield from itertools.combinations(range(count), size)


def _joint(factors: Sequence[Factor]) -> tuple[Codes, int]:
    """Codes of the values that one column or two have together."""
    codes, width = factors[0].codes, len(factors[0].names)
    for each in factors[1:]:
        codes, width = codes * len(each.names) + each.codes, width * len(each.names)
    return codes, width


def _named(factors: Sequence[Factor], cell: int) -> str:
    """A slice by its values."""
    places = np.unravel_index(cell, tuple(len(each.names) for each in factors))
    return ", ".join(each.names[int(place)] for each, place in zip(factors, places, strict=True))


def _excesses(codes: Codes, width: int, trial: Trial, rows: Bools, towards: float) -> tuple[Floats, Floats]:
    """The excess of every slice and its score; NaN where a slice is too small."""
    gaps, variances, fewest = np.zeros((2, width)), np.zeros((2, width)), np.full((2, width), np.inf)
    for sign, side in ((1.0, trial.group[rows]), (-1.0, trial.reference[rows])):
        inside = _tables(codes, width, trial, rows, side)
        for place, table in enumerate((inside, inside.sum(axis=1, keepdims=True) - inside)):
            persons, weights, squares, events = table
            trials = weights**2 / np.where(squares > 0, squares, 1.0)  # of persons of equal weight
            rate = events / np.where(weights > 0, weights, 1.0)
            share = (rate * trials + 1) / (trials + 2)
            gaps[place] += sign * rate
            variances[place] += share * (1 - share) / np.maximum(trials - 1, 1.0)
            fewest[place] = np.minimum(fewest[place], persons)
    value = gaps[0] - gaps[1]
    large = fewest.min(axis=0) >= FEWEST
    score = np.where(large, towards * value / np.sqrt(variances.sum(axis=0)), np.nan)
    return value, score


def _tables(codes: Codes, width: int, trial: Trial, rows: Bools, side: Bools) -> Floats:
    """Of one group by slice: persons, their weights, the squares of these, and the weight of those with the event.

    Shape (4, width). Whoever is in several slices counts in each: outside of one they are more than one, in a search.
    """
    event = trial.event[rows]
    if not trial.subject.design:
        n = np.bincount(codes[side], minlength=width).astype(np.float64)
        return np.stack([n, n, n, np.bincount(codes[side & event], minlength=width)])
    weights = trial.subject.weights[rows]
    side = side & (weights > 0)
    names, entry = np.unique(trial.subject.persons[rows][side] * width + codes[side], return_inverse=True)
    each, place = np.bincount(entry, weights=weights[side], minlength=len(names)), names % width
    sums = [np.bincount(place, weights=part, minlength=width) for part in (np.ones(len(names)), each, each**2)]
    happened = side & event
    return np.stack([*sums, np.bincount(codes[happened], weights=weights[happened], minlength=width)])


def _overlap(one: Bools, other: Bools) -> float:
    """The rows of both among the rows of either."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 0.0
