"""Explainers as the options of a plan name them, held against what the plan says of the system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from probandum.evidence import Capability
from probandum.keywords import Between, Distinct, Facts, Rule, Wrong
from probandum_probes.explain.explaining import Explainer, known_explainers

#: How a system is called that answers requests of a kind.
_READS = {Capability.CLASSIFY: "texts", Capability.PREDICT: "rows"}


@dataclass(frozen=True, slots=True)
class Explains(Rule):
    """Names of explainers that explain what the system answers, and ask nothing of it that it cannot give."""

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """One line for each that does not; what is no name of an explainer is told elsewhere."""
        kind = _explained(facts)
        if kind is None or facts.answers is None:
            return
        named = {(): value} if isinstance(value, str) else {(index,): each for index, each in enumerate(value)}
        for place, name in named.items():
            known = known_explainers().get(name)
            if known is None:
                continue
            fitting = ", ".join(each for each, cls in known_explainers().items() if _unfit(cls, kind, facts) is None)
            if (why := _unfit(known, kind, facts)) is not None:
                yield place, f"{name} {why}; these can: {fitting}"


def _explained(facts: Facts) -> Capability | None:
    """What is explained of the system, as ``quality.kind_of`` has it; None where nobody can say, or nothing is."""
    kinds = (Capability.CLASSIFY, Capability.PREDICT)
    return next((kind for kind in kinds if kind in (facts.answers or ())), None)


def _unfit(cls: type[Explainer], kind: Capability, facts: Facts) -> str | None:
    """Why an explainer cannot explain the system; None where nothing speaks against it."""
    if kind not in cls.explains:
        return f"explains no {_READS[kind]}, and target {facts.target} reads {_READS[kind]}"
    if not cls.masks and Capability.ATTRIBUTE not in (facts.answers or ()):
        return f"asks the system itself for attributions, and target {facts.target} gives none"
    return None


@dataclass(frozen=True, slots=True)
class Of(Rule):
    """An option that means something of a system that answers this kind alone."""

    kind: Capability

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """That there is one at all."""
        kind = _explained(facts)
        if value and kind not in (None, self.kind):
            yield (), f"names {_READS[self.kind]}, and target {facts.target} reads {_READS[kind]}; leave it out"


#: The options ``explainers``, ``explainer``, ``texts`` and ``samples``.
Explainers = Annotated[tuple[str, ...], Explains(), Distinct()]
OneExplainer = Annotated[str, Explains()]
Texts = Annotated[Path, Of(Capability.CLASSIFY)] | None
Samples = Annotated[int, Between(least=1, most=1_000_000)] | None
