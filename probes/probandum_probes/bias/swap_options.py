"""What both swap probes are told: which cases, about whom, and how much of their crossing is asked."""

# Annotations are types here and not text: a probe's constructor carries them into a module that does not know them.
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from probandum.errors import DataError, UnknownName
from probandum.finding import Groups
from probandum.probe import Ask, ProbeSpec, TooLittle
from probandum.resources import dataset
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.bias.swap_crossing import crossed
from probandum_probes.bias.swap_design import PLACEBO, Attribute, Case, needed_persons, pairs_of, placebo
from probandum_probes.bias.swap_sources import (
    MATCHED_IN_ENGLISH,
    Source,
    applications,
    decisions,
    descriptions,
    people,
    terms_of,
)

#: Prompts of a sample of the crossing.
PROMPTS = 2400
_TEXTS = ("applications", "decisions")
_MENTIONS = ("name", "attribute", "both")
_CROSSINGS = ("full", "sample")


@dataclass(kw_only=True, eq=False)
class SwapOptions:
    """The options that swap probes have in common, as ``bias.name-swap`` explains them.

    A probe is a dataclass of these and of its own. It gives defaults to those that have none here, settles in
    ``__post_init__`` what None means, and calls ``read_texts``.
    """

    spec: ClassVar[ProbeSpec]

    texts: str
    scenarios: Path | None = None
    names: Path | None = None
    names_by: str | None = None
    terms: Path | None = None
    mention: str = "name"
    attributes: Sequence[str] = ()
    groups: Sequence[str] = ()
    reference: str | Sequence[str] | None = None
    domains: Sequence[str] = ()
    languages: Sequence[str] = ("en",)
    answering: Sequence[str] = ()
    crossing: str | None = None
    prompts: int = PROMPTS
    placebos: bool | None = None
    sample: int | None = None

    def read_texts(self, *, paired: bool, prefix: str | None = None) -> None:
        """Read all that can be asked, or refuse it; ``paired``: persons of one place are compared with each other."""
        refuse_sample(self.spec.id, self.sample)
        if self.crossing not in _CROSSINGS:
            raise DataError(
                f"suites.{self.spec.id}.crossing: {self.crossing!r}", remedy=f"expected {' or '.join(_CROSSINGS)}"
            )
        references = (self.reference,) if isinstance(self.reference, str) else tuple(self.reference or ())
        self.attributes, self.groups, self.reference = tuple(self.attributes), tuple(self.groups), references
        self.domains, self.languages = tuple(self.domains), tuple(self.languages)
        self.answering = tuple(self.answering)
        self.source = self._source(references, paired, prefix)
        if self.cells < 2:
            samples = f" and {self.times} samples" if self.times > 1 else ""
            raise DataError(
                f"suites.{self.spec.id}.prompts: {self.prompts} for {self.source.groups} groups{samples}",
                remedy="expected two prompts a group at least",
            )

    def _source(self, references: Sequence[str], paired: bool, prefix: str | None) -> Source:
        """Each wrong option is named with what it could be."""
        for what, value, known in (
            ("texts", self.texts, _TEXTS),
            ("way to mention a person", self.mention, _MENTIONS),
        ):
            if value not in known:
                raise UnknownName(what, value, known)
        compared: list[Attribute] = []
        if self.texts == "applications":
            if self.mention != "name":
                raise DataError(f"mention: {self.mention}: applications bear names only", remedy="add texts: decisions")
            cases, ways = applications(self.scenarios, self.domains, prefix)
            shipped = dataset("names") / "names.csv"
        else:
            cases, ways, said = decisions(self.scenarios, self.languages, self.domains, self.answering, prefix)
            shipped = dataset("names_by_origin") / "names.csv"
            if self.mention != "name":
                compared = (
                    descriptions(said, self.attributes, references)
                    if self.terms is None
                    else terms_of(self.terms, self.attributes)
                )
        if self.mention != "attribute":
            compared.insert(
                0,
                people(
                    self.names or shipped,
                    self.names_by or "group",
                    self.groups,
                    references,
                    paired=paired,
                    caution=MATCHED_IN_ENGLISH if self.names is None and self.texts == "decisions" else "",
                ),
            )
        groups = [group for attribute in compared for group in attribute.groups]
        for each in references:
            if each not in groups:
                raise UnknownName("group of names" if self.mention == "name" else "group", each, groups)
        return Source(cases=cases, ways=ways, attributes=(*compared, *([placebo()] if self.placebos else [])))

    @property
    def own_attributes(self) -> tuple[str, ...]:
        """What is compared: names, attributes of persons, codes."""
        return tuple(attribute.name for attribute in self.source.attributes)

    @property
    def own_facets(self) -> tuple[str, ...]:
        """The language and what is answered with, where there are several."""
        varied = {
            "language": {case.language for case in self.source.cases},
            "answering": {way.answering for way in self.source.ways},
        }
        return tuple(facet for facet, values in varied.items() if len(values) > 1)

    @property
    def pairs(self) -> list[Groups]:
        """The comparisons: every other group of an attribute with its reference, placebos last."""
        return [pair for attribute in self.source.attributes for pair in pairs_of(attribute)]

    @property
    def times(self) -> int:
        """How often each prompt is asked."""
        return 1

    @property
    def cells(self) -> int:
        """How many prompts a sample has for each group."""
        return self.prompts // (self.source.groups * self.times)

    def too_little(self) -> TooLittle | None:
        """What a sample asks too little of for a verdict about groups; None where nothing."""
        if self.crossing != "sample":
            return None
        for attribute in self.source.attributes:
            what, needed = needed_persons(attribute)
            if attribute.name != PLACEBO and self.cells < needed:
                least = needed * self.source.groups * self.times
                short = f"{self.cells} {what} of a group are asked, and a verdict needs {needed}"
                return TooLittle(why=f"{short}: prompts: {least} at least")
        return None

    def design(self, ask: Ask) -> tuple[tuple[Case, ...], list[Any]]:
        """The cases that are asked, and by attribute which (case, person, way) are."""
        return crossed(ask, self.source, whole=self.crossing == "full", cells=self.cells, sample=self.sample)
