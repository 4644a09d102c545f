"""The risk register that the impact assessments share: threats, the findings that speak to them, and bands.

One row is one threat, whichever assessment shows it, so that severity, measures and acceptance are stated once.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from probandum.law import catalogue
from probandum.resources import shipped
from probandum.yaml_source import read_yaml
from probandum_reports.template_parts import Part, Words, checked

#: Which assessment a risk belongs to: data protection, fundamental rights, or both.
Regime = Literal["GDPR", "FRIA", "both"]
#: Where a risk comes from; the design harms even if everything works, the rest are events.
Track = Literal["design", "access", "modification", "disappearance"]


class Selector(Part):
    """Which findings: those that fit every key that is given. Patterns know ``*`` and ``?``."""

    families: tuple[Words, ...] = Field((), description="The part of the probe before the dot.")
    probes: tuple[Words, ...] = Field((), description="Patterns of probe ids.")
    metrics: tuple[Words, ...] = Field((), description="Patterns of metrics, probe/metric.")
    measures: tuple[Words, ...] = Field((), description="Metrics of the law's catalogue, whoever measures them.")
    requirements: tuple[Words, ...] = Field((), description="Patterns of requirement ids that the probe names.")
    facets: dict[Words, Words] = Field({}, description="What a finding's facets say, such as model: challenger.")
    judged: bool | None = Field(None, description="Only those with a limit, or only those without.")
    of_groups: bool | None = Field(None, description="Only figures of groups and between them, or none of these.")
    single_groups: bool | None = Field(None, description="Only figures of one group alone, or none of these.")

    @field_validator("measures")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = {name for group in catalogue().metric_map.metrics.values() for name in group}
        if unknown := sorted(set(names) - known):
            raise ValueError(f"no metric of the catalogue: {', '.join(unknown)}")
        return names


def _listed(given: object) -> object:
    return given if isinstance(given, list | tuple) else [given]


#: Findings that fit any of these; where there is only one, a template writes it without a list.
Selection = Annotated[tuple[Selector, ...], BeforeValidator(_listed), Field(min_length=1)]


class Band(Part):
    """Where a metric's worse bound proposes which likelihood; no law sets these numbers.

    ``hits``: none at all proposes 2 and any 4, and the numbers stand for nothing.
    """

    name: Words = Field(description="The metrics in words.")
    metrics: tuple[Words, ...] = Field(description="Patterns of metrics, probe/metric.")
    kind: Literal["ratio", "gap", "low_is_good", "high_is_good", "hits"] = Field(description="How a bound is read.")
    limited: float = Field(0, description="Up to here the proposal is 2, limited.")
    significant: float = Field(0, description="Up to here the proposal is 3, significant; beyond it 4, maximum.")


class Threat(Part):
    """One row of the risk table."""

    id: Words
    name: Words
    regime: Regime
    track: Track
    rights: Words = Field(description="Articles of the Charter to begin with, for a person to edit.")
    impact: Words = Field(description="What it can mean for a person.")
    select: Selection | None = Field(None, description="The findings that speak to it; none: no probe does.")
    bands: tuple[Band, ...] = ()


class _Register(Part):
    """The rows in order."""

    threats: Annotated[tuple[Threat, ...], Field(min_length=1)]


@cache
def register() -> tuple[Threat, ...]:
    """All rows; PlanError where the file is not as it must be."""
    return checked(_Register, read_yaml(shipped("templates") / "_risks" / "register.yaml", quick=True)).threats
