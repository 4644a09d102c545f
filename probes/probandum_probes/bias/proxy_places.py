"""Two groups whose features are looked at: their rows, what carries the attribute itself, and what is a proxy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probandum.finding import Groups
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.weighted import persons_of

#: From this AUC on a feature is called a proxy.
PROXY = 0.6
NONE = f"no feature has an AUC of {PROXY:g} and more"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Two groups that are compared: their rows in order, and which features carry the attribute itself."""

    subject: Subject
    grouping: Grouping
    pair: tuple[int, int]
    features: tuple[str, ...]
    own: tuple[str, ...]

    @property
    def where(self) -> Groups:
        """The comparison by name."""
        return groups_of(self.grouping, *self.pair)

    @property
    def rows(self) -> Codes:
        """The rows of both groups."""
        return np.flatnonzero(np.isin(self.grouping.codes, self.pair))

    @property
    def sizes(self) -> tuple[int, int]:
        """The rows, or persons, of either."""
        first, second = (persons_of(self.subject, self.grouping.codes == side) for side in self.pair)
        return first, second

    @property
    def n(self) -> int:
        """Those of both."""
        return persons_of(self.subject, np.isin(self.grouping.codes, self.pair))

    @property
    def who(self) -> str:
        """What is counted."""
        return "persons" if self.subject.design else "rows"

    @property
    def others(self) -> tuple[str, ...]:
        """The features that do not carry the attribute."""
        return tuple(name for name in self.features if name not in self.own)

    def marked(self, names: tuple[str, ...]) -> Bools:
        """Which of the features are named."""
        return np.isin(np.array(self.features), np.array(names, dtype=np.str_))

    def kind(self, name: str, proxies: tuple[str, ...]) -> str | None:
        """What a feature is to the attribute."""
        if name in self.own:
            return f"carries {self.grouping.attribute} itself"
        return f"a proxy: alone it has an AUC of {PROXY:g} and more" if name in proxies else None
