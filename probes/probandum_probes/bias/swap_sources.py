"""Where the cases and the persons of a swap come from: our own data sets, or files of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from probandum.errors import DataError, UnknownName
from probandum.resources import dataset
from probandum_probes.bias.decision_texts import Decision, Decisions, read_decisions
from probandum_probes.bias.swap_design import Attribute, Case, Way, described, named, ways_of, worded
from probandum_probes.bias.swap_texts import Scenario, read_names, read_scenarios, read_terms

LANGUAGES = {"en": "english", "de": "german", "fr": "french", "it": "italian", "es": "spanish"}
#: The scripted start of an answer to an application.
START = "My answer is"
#: How far the names of eight origins are matched on frequency, as their card says.
MATCHED_IN_ENGLISH = "the names are matched on how often they stand in English text, and not in other languages"
#: What the names of the equity sentences are not matched on, as their card says.
NOT_MATCHED = "the names of the groups are not matched on how common they are, which may be part of a difference"


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """All that can be asked: cases, ways to ask, and what is compared."""

    cases: tuple[Case, ...]
    ways: tuple[Way, ...]
    attributes: tuple[Attribute, ...]

    @property
    def groups(self) -> int:
        """How many groups there are in all, placebos included."""
        return sum(len(attribute.groups) for attribute in self.attributes)


def applications(
    path: Path | None, domains: Sequence[str], prefix: str | None
) -> tuple[tuple[Case, ...], tuple[Way, ...]]:
    """Texts of one wording each, in both orders of the answers."""
    known = read_scenarios(path or dataset("decision_scenarios") / "scenarios.yaml")
    cases = tuple(
        Case(
            id=scenario.id,
            domain=scenario.domain,
            language="en",
            start=START if prefix is None else prefix,
            scenario=partial(_always, scenario),
        )
        for scenario in known
    )
    return _of_domains(cases, domains), ways_of(1, ("words",))


def decisions(
    path: Path | None,
    languages: Sequence[str],
    domains: Sequence[str],
    answering: Sequence[str],
    prefix: str | None,
) -> tuple[tuple[Case, ...], tuple[Way, ...], tuple[Decisions, ...]]:
    """Cases with several wordings and ways to answer, in one or several languages; what each language says, too."""
    files = [path] if path is not None else [dataset("decisions") / f"{_file(each)}.yaml" for each in languages]
    said = tuple(read_decisions(each) for each in files)
    first = said[0]
    for other in said[1:]:
        if (len(other.questions), list(other.answering)) != (len(first.questions), list(first.answering)):
            raise DataError(
                f"the decisions in {other.language} and in {first.language} differ in their wordings",
                remedy="give both as many questions, and the same ways to answer, or ask them in two plans",
            )
    for each in answering:
        if each not in first.answering:
            raise UnknownName("way to answer", each, first.answering)
    cases = tuple(_case(each, case, prefix) for each in said for case in each.cases)
    ways = ways_of(len(first.questions), tuple(answering) or tuple(first.answering))
    return _of_domains(cases, domains), ways, said


def people(
    path: Path, column: str, groups: Sequence[str], references: Sequence[str], *, paired: bool, caution: str = ""
) -> Attribute:
    """Names by the groups of a column, of the groups asked for; DataError where there is nothing to compare."""
    known = read_names(path, column)
    for group in groups:
        if group not in known:
            raise UnknownName("group of names", group, known)
    reference = next((each for each in references if each in known), None)
    chosen = {g: members for g, members in known.items() if not groups or g in groups or g == reference}
    if len(chosen) < 2:
        raise DataError(
            f"names of {', '.join(chosen)} only, and nothing to compare them with",
            remedy="give names of two groups at least",
        )
    return named(chosen, reference or next(iter(chosen)), paired=paired, caution=caution)


def descriptions(said: Sequence[Decisions], chosen: Sequence[str], references: Sequence[str]) -> list[Attribute]:
    """What persons are described by: attributes whose values every language has."""
    first = said[0]
    for other in said[1:]:
        if {name: set(of) for name, of in other.attributes.items()} != {
            n: set(of) for n, of in first.attributes.items()
        }:
            raise DataError(
                f"persons are described otherwise in {other.language} and in {first.language}",
                remedy="give both the same attributes and values, or ask them in two plans",
            )
    known = {name: list(values) for name, values in first.attributes.items()}
    for name in chosen:
        if name not in known:
            raise UnknownName("attribute", name, known)
    found = []
    for name in chosen or known:
        if len(known[name]) < 2:
            raise DataError(f"{name} has one value only, and nothing to compare it with", remedy="give it another")
        reference = next((each for each in references if each in known[name]), known[name][0])
        found.append(described(name, known, reference))
    return found


def terms_of(path: Path, chosen: Sequence[str]) -> list[Attribute]:
    """Words for a person by attribute, beside the reference of each; placebos stand beside each other, two by two."""
    terms = read_terms(path)
    known = list(dict.fromkeys(term.attribute for term in terms))
    for name in chosen:
        if name not in known:
            raise UnknownName("attribute", name, known)
    found = []
    for name in known:
        if chosen and name not in chosen:
            continue
        by_reference: dict[str, list[str]] = {}
        for term in terms:
            if term.attribute == name:
                by_reference.setdefault(term.reference, []).append(term.text)
        found += [worded(name, words, reference) for reference, words in by_reference.items()]
    return found


def _file(language: str) -> str:
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    return LANGUAGES[language]


def _always(scenario: Scenario, question: int, answering: str, described: bool) -> Scenario:
    return scenario


def _case(said: Decisions, case: Decision, prefix: str | None) -> Case:
    def scenario(question: int, answering: str, described: bool) -> Scenario:
        return said.asked(case, question=question, answering=answering, described=described)

    return Case(
        id=f"{said.language}-{case.id}",
        domain=case.domain,
        language=said.language,
        start=said.start if prefix is None else prefix,
        scenario=scenario,
        described=said.person,
        labels={name: way.labels for name, way in said.answering.items() if way.labels},
        may_matter=case.may_matter,
    )


def _of_domains(cases: tuple[Case, ...], domains: Sequence[str]) -> tuple[Case, ...]:
    known = dict.fromkeys(case.domain for case in cases)
    for domain in domains:
        if domain not in known:
            raise UnknownName("domain", domain, known)
    return tuple(case for case in cases if not domains or case.domain in domains)
