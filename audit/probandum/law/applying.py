"""From when a provision applies to one system: by how it is high-risk, and later for an older one.

Art. 111(2) puts off the duties that bind a system as a high-risk one where it came before the cut-off. That each single
duty is put off so is a reading, since the article is not settled, and is told as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from probandum.law.entries import Requirement
from probandum.speech import said


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What the card says of the dates of provisions.

    ``route``: of the two dates of a high-risk system the one that is its own; None where the card leaves that open, or
    it is none. ``older``: from when Art. 111(2) lets a system have its duties that came before the cut-off, or will, in
    words; empty where it puts nothing off. ``placed``: that day. ``put_off``: the duties that it puts off, by id.
    """

    route: Literal["annex-i", "annex-iii"] | None = None
    older: str = ""
    placed: str = ""
    put_off: frozenset[str] = frozenset()

    def when(self, requirement: Requirement, as_of: str) -> str:
        """Its dates as seen on a day, both where either may be the system's, and how an older system differs."""
        dates = requirement.dates
        told = dates.said(as_of=as_of, product_route=self.route == "annex-i")
        if self.route is None and dates.annex_i is not None:
            others = dates.said(as_of=as_of, product_route=True)
            told = said("{dates}; on the product route of Annex I, Section A: {others}", dates=told, others=others)
        if requirement.id not in self.put_off:
            return told
        if self.to_come(as_of):
            return said(
                "{dates}; as an older system, if it comes on {day} as the card says, {older} (a reading of "
                "Art. 111(2), not settled)",
                dates=told,
                day=self.placed,
                older=self.older,
            )
        return said(
            "{dates}; as an older system {older} (a reading of Art. 111(2), not settled)", dates=told, older=self.older
        )

    def to_come(self, as_of: str) -> bool:
        """Whether the day on which the system comes onto the market or into service lies ahead."""
        return self.placed > as_of
