"""A comparison of two groups: what was decided, what explanations say of some rows, and which features are proxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probandum.finding import SubReason, Verdict
from probandum.subject import Bools, Codes, Outcomes
from probandum_probes.bias.proxy_places import Place
from probandum_probes.bias.score_gaps import Explained
from probandum_probes.bias.scored import RowValues
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import PersonValues

#: Explained rows, or persons, that a verdict needs.
FEWEST = 200

#: Why there is no verdict.
Bar = tuple[Verdict, SubReason, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Two groups of one attribute. ``how`` says in words how rows were explained; ``kept`` makes items of rows."""

    place: Place
    outcomes: Outcomes
    known: Explained
    inputs: int
    proxies: tuple[str, ...]
    kept: RowValues | PersonValues
    how: str

    @property
    def chosen(self) -> tuple[Codes, Codes]:
        """Where the explained rows of either group stand among all that were explained."""
        codes = self.place.grouping.codes[self.known.rows]
        first, second = (np.flatnonzero(codes == side)[: self.inputs] for side in self.place.pair)
        return first, second

    @property
    def sides(self) -> tuple[Bools, Bools]:
        """The same as masks of all rows."""
        first, second = (np.isin(np.arange(len(self.place.subject)), self.known.rows[each]) for each in self.chosen)
        return first, second

    @property
    def design(self) -> str:
        """How the figures came about, in words."""
        subject = self.place.subject
        return f"{self.how}; {design_in_words(subject)}" if subject.design else self.how

    def too_few(self, n: int) -> Bar | None:
        """Why ``n`` explained rows, or persons, allow no verdict; None where they do."""
        if n >= FEWEST:
            return None
        why = f"{n} {self.place.who} of both groups were explained; a verdict needs {FEWEST}"
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why
