"""What each person adds to a quantity, so that two records can be compared person by person."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.subject import Codes, Subject, as_text
from probandum_probes.bias.scored import MOST_ITEMS
from probandum_probes.bias.tallies import Two


class Persons:
    """Items of persons under names of their own: a quantity as the mean of what each person adds to it."""

    def __init__(self, subject: Subject, most: int) -> None:
        self._kept = most <= MOST_ITEMS
        if not self._kept:
            return
        column = None if subject.cluster is None else as_text(subject.table[subject.cluster])
        if column is None:
            names = _different(subject.keys())
        else:
            first = np.unique(subject.persons, return_index=True)[1]
            names = tuple(column[first].tolist())
        self._names, self._contents = names, _content_of(subject, len(names))

    def items(
        self, sums: stats.ClusterSums, pair: Two, factors: Mapping[int, float], value: float, *, unit: str
    ) -> Items | None:
        """Of one comparison; None where there are too many persons to keep them."""
        persons, added = sums.influence(factors)
        sides = [set(sums.clusters[sums.groups == group].tolist()) for group in pair]
        names = {(True, False): "group", (False, True): "reference", (True, True): "both"}
        strata = [names[person in sides[0], person in sides[1]] for person in persons.tolist()]
        return self.of(persons, added, strata, value, unit=unit)

    def of(self, persons: Codes, added: Floats, strata: Sequence[str], value: float, *, unit: str) -> Items | None:
        """Of these persons and what each adds to the quantity about its value; None where there are too many."""
        if not self._kept:
            return None
        return Items(
            keys=tuple(self._names[person] for person in persons),
            strata=tuple(strata),
            values=tuple((value + len(persons) * added).tolist()),
            unit=unit,
            contents=tuple(self._contents[person] for person in persons),
        )


def _different(keys: Sequence[str]) -> tuple[str, ...]:
    """Names of rows, told apart by their place where two are alike."""
    if len(set(keys)) == len(keys):
        return tuple(keys)
    return tuple(f"{key} (row {place})" for place, key in enumerate(keys, 1))


def _content_of(subject: Subject, persons: int) -> tuple[str, ...]:
    """A digest of all rows of each person, in their order."""
    whole = [hashlib.blake2b(digest_size=8) for _ in range(persons)]
    for person, content in zip(subject.persons.tolist(), subject.contents(), strict=True):
        whole[person].update(content.encode())
    return tuple(each.hexdigest() for each in whole)
