"""Changed rows on the way, and what became of them once one feature more was changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from probandum.evidence import Floats
from probandum.row_items import Digests, combined, digests_of
from probandum.subject import Bools, Codes


@dataclass(frozen=True, kw_only=True, eq=False)
class States:
    """Changed rows: which row each is made of, what stands in it, which features it changed, how near it is, its cost.

    ``keys``: 64 bits that are the same for rows that are alike; ``sets``: likewise for the same row and features. Both
    are sums, so that one change more adds to them.
    """

    of: Codes
    at: Floats
    used: Bools
    score: Floats
    cost: Floats
    keys: Digests
    sets: Digests

    @classmethod
    def start(cls, rows: Floats, score: Floats, keys: Digests) -> States:
        """The rows themselves, nothing of them changed."""
        of = np.arange(len(rows))
        sets, used = combined([of.astype(np.uint64)] * 2), np.zeros(rows.shape, dtype=bool)  # unlike those of features
        return cls(of=of, at=rows, used=used, score=score, cost=np.zeros(len(rows)), keys=keys, sets=sets)

    def take(self, places: Bools) -> States:
        """Some of them."""
        return States(**{name: value[places] for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Tried:
    """What became of states once the feature ``place`` was given ``value``, shape (changes,) each.

    ``upwards``: the value is more than what the row had. ``cost``: of all changes together.
    """

    states: States
    state: Codes
    place: Codes
    value: Floats
    upwards: Bools
    flipped: Bools
    score: Floats
    cost: Floats

    @property
    def of(self) -> Codes:
        """Which row each is made of."""
        return self.states.of[self.state]

    @cached_property
    def groups(self) -> Codes:
        """A number for each row and set of changed features."""
        sets = self.states.sets[self.state] + telling(self.place)
        return np.asarray(np.unique(sets, return_inverse=True)[1].reshape(-1), dtype=np.int64)

    def made(self, places: Codes) -> States:
        """Some of them as states."""
        state, place, value = self.state[places], self.place[places], self.value[places]
        each = np.arange(len(places))
        at, used = self.states.at[state], self.states.used[state]
        at[each, place], used[each, place] = value, True
        return States(
            of=self.states.of[state],
            at=at,
            used=used,
            score=self.score[places],
            cost=self.cost[places],
            keys=self.states.keys[state] + telling(place, value),
            sets=self.states.sets[state] + telling(place),
        )

    def least(self, places: Codes) -> Floats:
        """What single changes that flip cost at least: as much as the farthest one that is nearer, and does not."""
        side = 2 * self.groups + self.upwards
        reached = np.zeros(int(side.max()) + 1)
        reached[side[places]] = self.cost[places]
        nearer = ~self.flipped & (self.cost < reached[side])
        least = np.zeros(len(reached))
        np.maximum.at(least, side[nearer], self.cost[nearer])
        return np.asarray(least[side[places]], dtype=np.float64)


def telling(places: Codes, values: Floats | None = None) -> Digests:
    """64 bits of features, or of features with what stands in them; never 0 for the first of them, which would be lost.

    >>> first = np.zeros(1, dtype=np.int64)
    >>> (telling(first) != telling(first, np.zeros(1))).item(), telling(first, np.zeros(1)).item() != 0
    (True, True)
    """
    features = places.astype(np.uint64) + np.uint64(1)
    return combined([features] if values is None else [features, digests_of(values)])


def firsts(groups: Codes, *rising: Floats) -> Codes:
    """The place of the smallest of each group, by these numbers in turn; of equal ones the one that stands first.

    >>> firsts(np.array([0, 1, 0]), np.array([2.0, 5.0, 1.0])).tolist()
    [2, 1]
    """
    order = np.lexsort((*reversed(rising), groups))
    return order[np.unique(groups[order], return_index=True)[1]]


def rank(sorted_codes: Codes) -> Codes:
    """How often each number was met before; equal ones stand side by side.

    >>> rank(np.array([3, 3, 5])).tolist()
    [0, 1, 0]
    """
    if not len(sorted_codes):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, sorted_codes[1:] != sorted_codes[:-1]])
    return np.arange(len(sorted_codes)) - np.repeat(starts, np.diff(np.r_[starts, len(sorted_codes)]))
