"""What a comparison of two audits says: what differs beside the system, and how far each quantity moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from probandum.finding import Estimate, Groups, finding_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which two audits differ. ``bars``: a comparison would not be one of the system alone.

    ``probe``: the probe that it concerns, all of them where it is None.
    """

    what: str
    base: str
    new: str
    bars: bool
    probe: str | None = None

    @property
    def text(self) -> str:
        """The difference in words."""
        where = f"{self.probe}, " if self.probe else ""
        return f"{where}{self.what}: {self.new}; the baseline: {self.base}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How far one quantity lies from its baseline, new less base, or why nobody can say.

    ``base`` and ``new``: the quantity in either audit. ``comparable``: whether the two audits measured it alike;
    where not, ``estimate.why`` names what differs. ``windows``: a physical reading; ``crowded``: why it may be other
    work on the machine that changed, '' where hardly any was seen.
    """

    probe: str
    metric: str
    groups: Groups | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    mode: Literal["gate", "disclosure", "indicator"] = "gate"
    base: float | None = None
    new: float | None = None
    estimate: Estimate
    comparable: bool = True
    windows: bool = False
    crowded: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def of(self) -> str:
        """The id of the quantity that changed."""
        return finding_id(f"{self.probe}/{self.metric}", self.groups, self.facets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which audit it is: the digest of its statement, the first digits of its key, when it began, what it audited.

    ``identity``: the first digits of the digest of all that the target says of itself.
    """

    statement: str
    run: str
    started: str
    system: str
    version: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Items that may not change at all: all that were listed, those that did, and those that nobody measured."""

    listed: int
    changed: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A record beside its baseline. ``name``: what the plan calls the baseline, merged or release.

    ``attributes``: those of the persons under audit, whose groups may be small.
    """

    name: str
    base: Named
    new: Named
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    attributes: tuple[str, ...] = ()
    pinned: Pinned | None = None

    @property
    def comparable(self) -> bool:
        """Whether every quantity could be compared."""
        return all(change.comparable for change in self.changes) and bool(self.changes)
