"""Two groups counted within strata: who is compared with whom, and how much each stratum weighs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probandum.evidence import Floats
from probandum.subject import Bools, Codes, Grouping
from probandum_probes.bias.counting import Pair

#: The fewest rows of each group in a stratum that is compared.
SMALLEST_CELL = 10
#: How much of each group must lie in strata that are compared: what is left out may be where people differ.
LEAST_COMPARED = 0.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Within:
    """A group and its reference in the strata in which both have ``SMALLEST_CELL`` rows.

    ``kept``: the codes of these strata; ``counts``: selected and all rows of both in each; ``place``: of every row of
    the table the place of its stratum among them, -1 for the others; ``side``: 0 for the group, 1 for the reference,
    -1 for other rows.
    """

    pair: tuple[int, int]
    kept: tuple[int, ...]
    counts: tuple[Pair, ...]
    sizes: tuple[int, int]
    place: Codes
    side: Codes

    @classmethod
    def of(cls, grouping: Grouping, strata: Grouping, pair: tuple[int, int], favourable: Bools) -> Within:
        """Counted from rows, with the codes of their groups and strata and whether each was selected.

        >>> town = Grouping(attribute="town", codes=np.repeat([0, 1], 20), names=("Ayr", "Bath"))
        >>> debt = Grouping(attribute="debt", codes=np.arange(40) % 2, names=("low", "high"))
        >>> Within.of(town, debt, (0, 1), np.arange(40) < 16).counts
        (((8, 10), (0, 10)), ((8, 10), (0, 10)))
        """
        side = np.full(len(grouping.codes), -1)
        tables = []
        for place, index in enumerate(pair):
            rows = grouping.codes == index
            side[rows] = place
            chosen, every = (
                np.bincount(strata.codes[some], minlength=len(strata.names)) for some in (rows & favourable, rows)
            )
            tables.append(np.stack([chosen, every], axis=1))
        kept = np.flatnonzero((tables[0][:, 1] >= SMALLEST_CELL) & (tables[1][:, 1] >= SMALLEST_CELL))
        places = np.full(len(strata.names), -1)
        places[kept] = np.arange(len(kept))
        group, reference = (table[kept].tolist() for table in tables)
        return cls(
            pair=pair,
            kept=tuple(kept.tolist()),
            counts=tuple(((x1, n1), (x2, n2)) for (x1, n1), (x2, n2) in zip(group, reference, strict=True)),
            sizes=(int(tables[0][:, 1].sum()), int(tables[1][:, 1].sum())),
            place=places[strata.codes],
            side=side,
        )

    @property
    def flat(self) -> tuple[tuple[int, int], ...]:
        """The counts of all strata in a row, as an estimate keeps them."""
        return tuple(cell for pair in self.counts for cell in pair)

    @property
    def rows(self) -> int:
        """All rows of both groups, compared or not."""
        return sum(self.sizes)

    @property
    def crude(self) -> Pair:
        """Selected and all rows of both groups over all strata that are compared."""
        (x1, n1), (x2, n2) = np.array(self.counts).reshape(-1, 2, 2).sum(axis=0).tolist()
        return (x1, n1), (x2, n2)

    @property
    def shares(self) -> tuple[float, float]:
        """How much of each group lies in the strata that are compared."""
        (_, n1), (_, n2) = self.crude
        return n1 / max(self.sizes[0], 1), n2 / max(self.sizes[1], 1)

    @property
    def weights(self) -> Floats:
        """Cochran's weights n1 n2 / (n1 + n2), one a stratum."""
        return np.array([n1 * n2 / (n1 + n2) for (_, n1), (_, n2) in self.counts])

    @property
    def rates(self) -> tuple[Floats, Floats]:
        """The selection rates of group and reference, one a stratum."""
        group, reference = (np.array([pair[side][0] / pair[side][1] for pair in self.counts]) for side in (0, 1))
        return group, reference

    def rows_of(self, side: int) -> Bools:
        """Which rows of the table are compared on one side."""
        return np.asarray((self.side == side) & (self.place >= 0))
