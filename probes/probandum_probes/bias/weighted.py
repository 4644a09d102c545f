"""Shares of weighted rows about persons, in numbers as small as a flip or a slice has, and what follows from them.

Variances are linearised over persons (CR2), as in ``tallies``. A share of 0 or 1 shows none, and is as uncertain as
the same share of so many persons of equal weight as say as much about the group (Kish 1965).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.errors import DataError
from probandum.evidence import Floats, Items
from probandum.finding import Estimate
from probandum.stats.means import satterthwaite
from probandum.stats.survey import effective_trials
from probandum.subject import Bools, Codes, Subject
from probandum_probes.bias.person_items import Persons
from probandum_probes.bias.scored import RowValues
from probandum_probes.bias.tallies import Two, design_in_words
from probandum_probes.estimates import from_counts, from_moments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """How often something happened in groups of rows, by their weights; a group has codes from 0."""

    sums: stats.ClusterSums
    design: str

    @classmethod
    def of(cls, happened: Floats | Bools, subject: Subject, groups: Codes, rows: Bools | None = None) -> Shares:
        """Among ``rows``, all where none are named; values may also be 1, 0 and -1."""
        picked = np.arange(len(groups)) if rows is None else np.flatnonzero(rows)
        values = np.asarray(happened, dtype=np.float64)[picked]
        sums = stats.ClusterSums.of(values, subject.weights[picked], subject.persons[picked], groups[picked])
        return cls(sums=sums, design=design_in_words(subject))

    def value(self, group: int) -> float:
        """The weighted mean of a group that has rows."""
        return self.sums.mean(group)

    def moments(self, group: int) -> tuple[float, float, float]:
        """A share with its standard error and degrees of freedom; where nothing varied 0 and effective persons.

        Persons that all have the same share inside 0 and 1 are taken for as many rows as there are effective persons;
        and no standard error is smaller than that of independent rows of these weights.
        """
        value, effective = self.value(group), self.sums.effective_size(group)
        inside = self.sums.groups == group
        if not 0 < value < 1:
            return value, 0.0, effective
        spread = math.sqrt(value * (1 - value))
        if self.sums.size(group) < 2:
            return value, spread, 1.0
        found = self.sums.contrast({group: 1.0})
        if found.standard_error == 0:
            return value, spread / math.sqrt(max(effective - 1, 1.0)), max(effective - 1, 1.0)
        rows = float(self.sums.weights[inside].sum() ** 2 / self.sums.squares[inside].sum())
        least = spread / math.sqrt(max(rows - 1, 1.0))
        return value, max(found.standard_error, least), found.df

    def trials(self, group: int) -> float:
        """How many independent persons of equal weight say as much about a share."""
        return effective_trials(*self.moments(group))

    def counts(self, group: int) -> tuple[float, float]:
        """Events and trials of these; no whole numbers."""
        trials = self.trials(group)
        return self.value(group) * trials, trials

    def share(self, group: int, told: str | None = None) -> Estimate:
        """The share of a group that has rows, with exact bounds of its effective trials (Korn and Graubard 1998)."""
        n = self.sums.size(group)
        return from_moments(
            "korn-graubard",
            self.moments(group),
            n=n,
            n_effective=min(float(n), self.trials(group)),
            unit="share",
            design=self.told(told),
        )

    def told(self, more: str | None) -> str:
        """The design in words, after what else there is to say."""
        return self.design if more is None else f"{more}; {self.design}"

    def difference(self, pair: Two, told: str | None = None) -> Estimate:
        """The share of one group less that of another, both with rows."""
        n = self.sums.size(*pair)
        value, error, df = self.contrast({pair[0]: 1.0, pair[1]: -1.0})
        effective = min(float(n), sum(self.trials(group) for group in pair))
        return from_moments("cr2", (value, error, df), n=n, n_effective=effective, unit="share", design=self.told(told))

    def contrast(self, factors: Mapping[int, float]) -> tuple[float, float, float]:
        """The sum over groups of factor times share, its standard error, which is never 0, and degrees of freedom.

        A share of 0 or 1 of n effective persons enters as (x + 1) / (n + 2) does (Agresti and Caffo 2000).
        """
        value, parts = sum(factor * self.value(group) for group, factor in factors.items()), []
        for group, factor in factors.items():
            share, error, df = self.moments(group)
            if error == 0:
                guarded = (share * df + 1) / (df + 2)
                error, df = math.sqrt(guarded * (1 - guarded) / max(df - 1, 1.0)), max(df - 1, 1.0)
            parts.append((factor**2 * error**2, df))
        variance = sum(part for part, _ in parts)
        together = self.together(factors)
        return value, math.sqrt(max(variance + together, variance / len(parts))), satterthwaite(*parts)

    def together(self, factors: Mapping[int, float]) -> float:
        """What persons with rows in several of the groups add to the variance of a contrast, or take off it."""
        known = {group: factor for group, factor in factors.items() if self.sums.size(group) > 1}
        if len(known) < 2 or sum(self.sums.size(group) for group in known) == self.sums.size(*known):
            return 0.0
        alone = sum(self.sums.contrast({group: factor}).standard_error ** 2 for group, factor in known.items())
        return self.sums.contrast(known).standard_error ** 2 - alone


def shift(signed: Codes, subject: Subject, rows: Bools, told: str | None = None) -> Estimate:
    """The weighted mean of changes for the better (1), for the worse (-1) and of none (0), of two persons at least.

    Where it shows no variance: Tango's interval of so many persons of equal weight as say as much.
    """
    moved = Shares.of(signed.astype(np.float64), subject, np.zeros(len(signed), dtype=np.int64), rows)
    n, effective, found = moved.sums.size(0), moved.sums.effective_size(0), moved.sums.contrast({0: 1.0})
    if found.standard_error > 0:
        moments = (found.mean, found.standard_error, found.df)
        return from_moments("cr2", moments, n=n, n_effective=effective, unit="share", design=moved.told(told))
    whole = max(1, int(effective))
    better, worse = (round(max(sign * found.mean, 0.0) * whole) for sign in (1, -1))
    estimate = from_counts("mcnemar-tango", ((better, worse), (whole, whole)), n=n, design=moved.told(told))
    return replace(estimate, n_effective=float(whole))


def change_of_gap(signed: Codes, subject: Subject, group: Bools) -> Estimate:
    """The mean of changes (1, 0 or -1) of a group less that of all others, two persons of each at least.

    Changes that show no variance are as uncertain as with one more each way (Bonett and Price 2012).
    """
    places = (~group).astype(np.int64)
    moved = Shares.of(signed.astype(np.float64), subject, places)
    factors, parts = {0: 1.0, 1: -1.0}, []
    for place, factor in factors.items():
        found, effective = moved.sums.contrast({place: factor}), moved.sums.effective_size(place)
        error = found.standard_error or math.sqrt(2) / (effective + 2)
        parts.append((error**2, found.df))
    n, apart = moved.sums.size(0, 1), sum(variance for variance, _ in parts)
    error = math.sqrt(max(apart + moved.together(factors), apart / 2))
    moments = (moved.value(0) - moved.value(1), error, satterthwaite(*parts))
    return from_moments("cr2", moments, n=n, unit="share", design=moved.design)


class PersonValues:
    """Items of persons from what each of their rows adds to a quantity, as ``RowValues`` has them of rows."""

    def __init__(self, subject: Subject, most: int) -> None:
        self._persons, self._weights = subject.persons, subject.weights
        self._named = Persons(subject, most)

    def items(self, value: float, influence: Floats, group: Bools, other: Bools, *, unit: str) -> Items | None:
        """Of one comparison of two groups, masks of rows; None where there are too many persons to keep them."""
        rows = np.flatnonzero((group | other) & (self._weights > 0))
        found, place = np.unique(self._persons[rows], return_inverse=True)
        added = np.asarray(np.bincount(place, weights=influence[rows]), dtype=np.float64)
        sides = [np.bincount(place, weights=side[rows]) > 0 for side in (group, other)]
        strata = np.where(sides[0], np.where(sides[1], "both", "group"), "reference")
        return self._named.of(found, added, strata.tolist(), value, unit=unit)


def values_of(subject: Subject, most: int) -> RowValues | PersonValues:
    """Items of persons where the plan declares weights or persons, of rows otherwise."""
    return PersonValues(subject, most) if subject.design else RowValues(subject, most)


def persons_of(subject: Subject, rows: Bools) -> int:
    """How many persons some rows are about; rows of no weight stand for nobody. Each row is one without a design."""
    if not subject.design:
        return int(rows.sum())
    return len(np.unique(subject.persons[rows & (subject.weights > 0)]))


def refuse_recurring(subject: Subject, *, what: str, remedy: str) -> None:
    """DataError where a person of the declared ``cluster`` has more than one row."""
    if subject.cluster is None:
        return
    often = np.bincount(subject.persons)
    if (often > 1).any():
        first, second = np.flatnonzero(subject.persons == int((often > 1).argmax()))[:2] + 1
        raise DataError(
            f"{int((often > 1).sum())} of {len(often)} persons by {subject.cluster!r} have more than one row, such as "
            f"rows {first} and {second}: {what}",
            remedy=remedy,
        )
