"""What explain.global looks at: rows to explain, rows to ask again, and which features go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum.evidence import Floats, Items
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum_probes.explain.questions import Explained, Questioned, explained_class
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.whole.associations import associations, partners

#: Rows that a figure needs to rest on.
FEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GlobalWorld:
    """Explained rows and rows to ask again of one class; ``together``: how closely each feature goes with others."""

    ask: Ask
    explained: RowWorld
    questioned: Questioned
    what: Explained
    together: Mapping[str, Mapping[str, float]]

    @classmethod
    def open(cls, ask: Ask, *, inputs: int, rows: int) -> GlobalWorld:
        """So many explained rows and rows to ask again, drawn by the plan's seed; DataError where there are none."""
        what = explained_class(ask.subject, ask.labels)
        explained = RowWorld.open(ask, inputs=inputs, label=what.label)
        features = tuple(explained.rows)
        return cls(
            ask=ask,
            explained=explained,
            questioned=Questioned.open(ask, features, what.label, rows),
            what=what,
            together=associations(ask.subject.table.select(features)),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features."""
        return tuple(self.explained.rows)

    def partners(self, feature: str) -> list[str]:
        """The features that a feature goes together with, the closest first."""
        return partners(self.together[feature])

    def said(self, feature: str) -> str:
        """With what a feature goes together, in words; '' where it stands alone."""
        close = [f"{name} ({self.together[feature][name]:.2f})" for name in self.partners(feature)]
        return f"goes together with {', '.join(close)}" if close else ""


def shown(
    metric: str, estimate: Estimate, *, items: Items | None = None, evidence: Sequence[str] = (), **facets: str
) -> Measure:
    """A figure that is never judged; INCONCLUSIVE where it rests on too few rows."""
    few = estimate.n < FEWEST
    looks: dict[str, Any] = {}
    if few:
        looks = {"verdict": Verdict.INCONCLUSIVE, "sub_reason": SubReason.UNDERPOWERED}
        looks["why"] = f"{estimate.n} rows; a figure to rest on needs {FEWEST}"
    return Measure(
        metric=metric,
        estimate=estimate,
        facets=facets,
        mode="disclosure",
        items=items,
        evidence=tuple(evidence),
        **looks,
    )


def told(*parts: str) -> str:
    """A design in words."""
    return "; ".join(filter(None, parts))


def item_values(world: RowWorld, values: Floats, unit: str, strata: Sequence[str]) -> Items:
    """One value an explained row, with a stratum of its own."""
    return Items(
        keys=tuple(each.key for each in world.instances),
        strata=tuple(strata),
        values=tuple(values.tolist()),
        unit=unit,
        contents=tuple(each.content for each in world.instances),
    )
