"""Rankings made of numbers: who stands where, how much attention a place gets, and who is on top."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from probandum import stats
from probandum.columns import stated
from probandum.evidence import Floats
from probandum.stats.means import Student
from probandum.subject import Bools, Codes, Grouping, as_text
from probandum_probes.bias.outcomes import Numbers
from probandum_probes.bias.tallies import Two


def discount(ranks: Floats) -> Floats:
    """The attention that a rank gets, 1 / log2(1 + rank), from 1 at the first (Jarvelin and Kekalainen 2002).

    >>> discount(np.array([1.0, 3.0])).tolist()
    [1.0, 0.5]
    """
    return np.asarray(1.0 / np.log2(1.0 + ranks))


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """Rows in lists, each ordered by its number, the favourable ones first.

    ``lists``: codes from 0; ``order`` breaks ties at the cut of the top, drawn beforehand.
    """

    numbers: Numbers
    lists: Codes
    names: tuple[str, ...]
    order: Codes
    top: int

    @classmethod
    def of(cls, numbers: Numbers, column: str | None, top: int, rng: np.random.Generator) -> Ranking:
        """Of one list, or of those that ``column`` names."""
        size = len(numbers.decided)
        order = rng.permutation(size)
        if column is None:
            return cls(numbers=numbers, lists=np.zeros(size, dtype=np.int64), names=("all",), order=order, top=top)
        found = stated(numbers.subject.table, column, what="suites.bias.ranking-exposure.lists")
        names, lists = np.unique(as_text(found), return_inverse=True)
        return cls(numbers=numbers, lists=lists.reshape(-1), names=tuple(names.tolist()), order=order, top=top)

    @cached_property
    def score(self) -> Floats:
        """Higher is better for the person."""
        decision = self.numbers.subject.decision
        assert decision is not None
        return self.numbers.decided if decision.favourable == "higher" else -self.numbers.decided

    @cached_property
    def sizes(self) -> Codes:
        """Rows by list."""
        return np.bincount(self.lists, minlength=len(self.names))

    @cached_property
    def _sorted(self) -> Codes:
        """The rows, list by list, the favourable ones first, ties as they were drawn."""
        return np.lexsort((self.order, -self.score, self.lists))

    @cached_property
    def _places(self) -> Codes:
        """The place of every row in its list, from 0, ties as they were drawn."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        places = np.empty(len(self.lists), dtype=np.int64)
        places[self._sorted] = np.arange(len(self.lists)) - starts[self.lists[self._sorted]]
        return places

    @cached_property
    def exposure(self) -> Floats:
        """The attention that every row gets; rows that tie share what their ranks get."""
        each = discount(np.asarray(self._places + 1.0, dtype=np.float64))
        tied = self.ties
        sums = np.bincount(tied, weights=each)
        return np.asarray((sums / np.bincount(tied))[tied])

    @cached_property
    def ties(self) -> Codes:
        """A number for each list and score, in the order of the lists and from the favourable end."""
        lists, scores = self.lists[self._sorted], self.score[self._sorted]
        begins = np.concatenate([[True], (lists[1:] != lists[:-1]) | (scores[1:] != scores[:-1])])
        codes = np.empty(len(lists), dtype=np.int64)
        codes[self._sorted] = np.cumsum(begins) - 1
        return codes

    @cached_property
    def on_top(self) -> Bools:
        """Whether a row is among the first of its list."""
        return np.asarray(self._places < self.top)

    @cached_property
    def tied_at_the_cut(self) -> int:
        """Rows that tie with others on both sides of a cut, so that a draw decided which are on top."""
        inside, whole = np.bincount(self.ties, weights=self.on_top), np.bincount(self.ties)
        return int(whole[(inside > 0) & (inside < whole)].sum())

    def counts(self, grouping: Grouping, group: int) -> tuple[Codes, Codes, Codes]:
        """By list: of the group on top, how many are on top, and of the group in all."""
        inside = grouping.codes == group
        size = len(self.names)
        top = np.minimum(self.sizes, self.top)
        return (
            np.bincount(self.lists[inside & self.on_top], minlength=size),
            top,
            np.bincount(self.lists[inside], minlength=size),
        )


def sums_by_list(ranking: Ranking, grouping: Grouping) -> stats.ClusterSums:
    """What each list adds to the mean exposure of each group."""
    return stats.ClusterSums.of(ranking.exposure, np.ones(len(ranking.lists)), ranking.lists, grouping.codes)


def log_ratio(sums: stats.ClusterSums, pair: Two) -> Student:
    """The logarithm of the ratio of two means over several lists, to first order."""
    first, second = (sums.mean(group) for group in pair)
    found = sums.contrast({pair[0]: 1 / first, pair[1]: -1 / second})
    return Student(mean=math.log(first / second), standard_error=found.standard_error, df=found.df)
