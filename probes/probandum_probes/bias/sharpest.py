"""The comparison of two groups in which controls of scores see most."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from probandum.finding import Groups
from probandum.subject import Bools, Grouping
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.scored import Scored, pairs_of


class Place(NamedTuple):
    """The comparison that sees most, by its standard error, and how many one-sided hypotheses there are in all."""

    grouping: Grouping
    group: int
    reference: int
    error: float
    hypotheses: int

    @property
    def where(self) -> Groups:
        """The two groups as findings name them."""
        return groups_of(self.grouping, self.group, self.reference)

    @property
    def sides(self) -> tuple[Bools, Bools]:
        """The rows of the group and those of its reference, masks of shape (rows,)."""
        codes = self.grouping.codes
        return np.asarray(codes == self.group), np.asarray(codes == self.reference)


def sharpest(found: Scored, error: Callable[[Bools, Bools], float | None]) -> Place | None:
    """The comparison with the smallest standard error; None where no two groups can be compared.

    ``error``: of the comparison of two masks of rows, None where they hold too little for one.
    """
    places: list[Place] = []
    for grouping in found.subject.groupings.values():
        for group, reference in pairs_of(grouping):
            place = Place(grouping, group, reference, 0.0, 0)
            if (of := error(*place.sides)) is not None:
                places.append(place._replace(error=of))
    if not places:
        return None
    return min(places, key=lambda each: each.error)._replace(hypotheses=2 * len(places))
