"""Trade-offs: variants of one system with what each takes, how good each is, and the gaps of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from probandum.comparison import Change
from probandum.finding import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One thing in which a variant differs: what it is, how the first variant has it, and how this one does."""

    what: str
    first: str
    own: str

    @property
    def text(self) -> str:
        """In words, the variant's own first.

        >>> Trait(what="precision", first="float32", own="bfloat16").text
        'precision bfloat16 (first: float32)'
        """
        return f"{self.what} {self.own} (first: {self.first})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A variant beside the first one: how far cost and quality moved. ``cost`` is missing where it was not metered."""

    cost: Estimate
    quality: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One record. ``name``: its folder's. ``beside`` is None of the first.

    ``grade``: of the energy that it rests on, None where that is no energy. ``per_good``: cost over quality, where the
    quality is a share. ``dominated``: names of the variants that take less and are better; ``uncompared``: of those
    whose energy nobody can hold against this one's.
    """

    name: str
    run: str
    differs: tuple[Trait, ...]
    cost: Estimate
    grade: str | None
    quality: Estimate
    per_good: Estimate | None
    beside: Beside | None
    dominated: tuple[str, ...]
    uncompared: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One difference between groups, of each variant in turn; the changes are beside the first, None of itself."""

    of: str
    unit: str
    values: tuple[Estimate, ...]
    changes: tuple[Change | None, ...]

    def moved(self, place: int) -> bool:
        """Whether the gap of that variant lies apart from the first one's beyond its interval."""
        change = self.changes[place]
        return change is not None and apart(change.estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffs:
    """All variants, in the order in which they were given. ``higher``: whether more of the quality is better.

    ``statements``: the digests of their seals. ``withheld``: by id, what stands beyond this machine in place of figures
    that would show a small group.
    """

    cost: str
    quality: str
    higher: bool
    variants: tuple[Variant, ...]
    gaps: tuple[Gap, ...]
    system: str
    statements: tuple[str, ...]
    withheld: Mapping[str, str]

    @property
    def front(self) -> tuple[Variant, ...]:
        """Those that no other dominates."""
        return tuple(each for each in self.variants if not each.dominated)


def apart(change: Estimate) -> bool:
    """Whether a change lies apart from 0 beyond its interval."""
    known = change.value is not None and change.low is not None and change.high is not None
    return known and not (change.low <= 0.0 <= change.high)  # type: ignore[operator]
