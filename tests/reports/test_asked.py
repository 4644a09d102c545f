"""What documents print of the card beside what they ask of it, which is all that schema, check and questions know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from decisions import make_reasons
from dossiers import make_dossier
from probandum import card_file
from probandum.document import Document, Fact, Gap
from probandum.law import catalogue
from probandum.stating import stated
from probandum.yaml_source import read_yaml
from probandum_reports.answering import answers
from probandum_reports.build import build, explained
from probandum_reports.documents import templates
from probandum_reports.nodes import walk
from probandum_reports.processing_moments import MOMENTS
from probandum_reports.publisher import DocumentPublisher

SIGNED = {"by": "A. Example, lawyer", "date": "2026-11-20"}
#: Every party is named, every use of Annex III and every role that hangs on a condition.
BOUND = {
    "name": "System",
    **dict.fromkeys(catalogue().pack.parties, "Example AG"),
    "in_scope": True,
    "placed_on_market": "2026-03-01",
    "profiling": True,
    "art_6_3": "none",
    "annex_iii": [case.point for case in catalogue().use_cases.values()],
    "roles": {name: role.but is None for name, role in catalogue().pack.roles.items() if role.condition is not None},
}
CARDS: Mapping[str, Mapping[str, Any]] = {
    "bare": {"name": "System"},
    "bound": BOUND,
    "product": {**BOUND, "annex_iii": "none", "annex_i": "lifts", "annex_i_section": "A", "safety_component": True}
    | {"third_party_assessment": True},
    "exception": {**BOUND, "profiling": False, "art_6_3": "a"},
    "high residual risk": {**BOUND, "risk_register": {"T1": {"residual": {"value": "high, for one year", **SIGNED}}}},
    "record of processing": {**BOUND, "ropa": {moment: {"purposes": "Scoring"} for moment in MOMENTS}},
    "outside": {**BOUND, "in_scope": {"value": False, **SIGNED}, "in_scope_reasons": "A table of fees"},
}
EXPLANATION = "explanation"
#: What no card opens here: a field that is optional, those of attacks that this record lacks, one that a run answers.
CLOSED: Mapping[str, set[str]] = {
    "annex_viii": {"registration.url"},
    "anonymity": {f"model_anonymity.attacks.{each}" for each in ("access", "power", "targets")},
    "art4a_record": {"art4a.endpoints"},
}


@cache
def made(name: str, card: str) -> Document:
    """A document, or the explanation of a decision, over one of the cards."""
    dossier = replace(make_dossier(), card=CARDS[card])
    return explained(replace(dossier, decision=make_reasons())) if name == EXPLANATION else build(name, dossier)


def printed(name: str) -> set[str]:
    """The fields of the card that a document leaves open over any of the cards."""
    return {node.card for node in _nodes(name) if isinstance(node, Gap) and node.card}


def _nodes(name: str) -> Iterator[object]:
    return chain.from_iterable(walk([*made(name, card).front, *made(name, card).nodes]) for card in CARDS)


@pytest.mark.parametrize("name", [*templates(), EXPLANATION])
def test_every_field_that_a_document_prints_is_asked(name: str) -> None:
    """By itself or by what stands above it; else people name it, or it is a question of the class that is proposed."""
    known = {field.path for field in DocumentPublisher().asked()[name]}
    if name != EXPLANATION and any(entry.builtin == "classification" for entry in templates()[name].entries()):
        known |= {question.path for question in catalogue().questions}
    fields = printed(name)

    assert fields
    assert [] == sorted(
        path for path in fields if not (path in known or path.rpartition(".")[0] in known or card_file.free(path))
    )


def test_a_card_that_fills_every_field_that_is_printed_gets_no_caution(tmp_path: Path) -> None:
    """Nobody is told that no document reads what a document asked for."""
    card: dict[str, Any] = {"name": "System"}
    for path in sorted(set().union(*(printed(name) for name in (*templates(), EXPLANATION)))):
        *above, last = path.split(".")
        here = card
        for step in above:
            if "value" in here.setdefault(step, {}):
                here[step] = {}  # what stands below says more than the whole
            here = here[step]
        here[last] = {"value": "Two words", **SIGNED}
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(card), "utf-8")
    source = read_yaml(tmp_path / "card.yaml")
    file = card_file.CardFile(path=source.path, card=source.values, yaml=source)

    assert len(card) > 30
    assert [] == list(card_file.strangers(file, DocumentPublisher().asked()))


@pytest.mark.parametrize("name", [*templates(), EXPLANATION])
def test_these_cards_open_every_field_that_is_asked(name: str) -> None:
    """Over one of them at least, so that nothing is printed that they miss."""
    shown = {node.field_id for node in _nodes(name) if isinstance(node, Gap)}
    shown |= {node.path for node in _nodes(name) if isinstance(node, Fact)}
    shown |= {path.rpartition(".")[0] for path in shown}
    asked = {field.path for field in DocumentPublisher().asked()[name]}

    assert CLOSED.get(name, set()) == asked - shown


@pytest.mark.parametrize(
    ("requirement", "path"),
    [
        ("gdpr:30:1:f", "ropa.audit.retention"),
        ("gdpr:35:3:b", "triggers.large_scale_special"),
        ("gdpr:36:1", "dpia.consultation"),
    ],
)
def test_what_a_part_prints_answers_its_provision(requirement: str, path: str) -> None:
    """The matrix takes it for an answer, where the document of the article has it from a part and from no template."""
    card: Any = {"value": "Three months", **SIGNED}
    for step in reversed(path.split(".")):
        card = {step: card}
    answer = answers(replace(make_dossier(), card={**BOUND, **card}))[requirement]

    assert path in [fact.path for fact in answer.declared]


# What is asked of a card at hand.

FREE = {**dict.fromkeys(catalogue().pack.parties, "none"), "name": "System", "annex_iii": "none", "annex_i": "none"}


def paths(name: str, card: Mapping[str, Any]) -> set[str]:
    """What a document asks of a card, or finds in it."""
    return {field.path for field in DocumentPublisher().asked(card)[name]}


@pytest.mark.parametrize("name", [name for name, each in templates().items() if each.scope])
def test_a_document_that_binds_nobody_asks_a_card_for_no_more_than_it_leaves_open(name: str) -> None:
    """What is counted and asked for is what stands there as missing, and what the card states."""
    document = build(name, replace(make_dossier(), card=FREE))
    open_ = {node.field_id for node in walk(document.nodes) if isinstance(node, Gap)}
    left = {path for path in paths(name, FREE) if stated(FREE, path) is None}

    assert left <= open_
    assert len(left) < 3 < len(paths(name, BOUND))


def test_a_part_that_binds_nobody_asks_a_card_for_nothing() -> None:
    """Of the record of a processor the controller's part, and the other way round; what is stated there is counted."""
    host = {"name": "System", "controller": "none", "processor": "H", "annex_iii": "none"}
    lender = {**host, "controller": "C", "processor": "none"}

    assert {"ropa.processor.service"} == paths("ropa", host) & {"ropa.processor.service", "ropa.audit.purposes"}
    assert {"ropa.audit.purposes"} == paths("ropa", lender) & {"ropa.processor.service", "ropa.audit.purposes"}
    assert "ropa.audit.purposes" in paths("ropa", {**host, "ropa": {"audit": {"purposes": "Testing"}}})


def test_the_fields_of_a_moment_are_asked_once_it_takes_place() -> None:
    """Testing for bias is taken to; a denial closes the fields, and any other sentence opens them."""

    def fields(said: Mapping[str, Any]) -> dict[str, int]:
        found = paths("ropa", {**BOUND, "ropa": said})
        moments = ("train", "bias_test", "audit")
        return {moment: sum(path.startswith(f"ropa.{moment}.") for path in found) for moment in moments}

    signed = {"value": "It takes place once a year.", **SIGNED}

    assert {"train": 0, "bias_test": 9, "audit": 9} == fields({})
    assert {"train": 9, "bias_test": 0, "audit": 9} == fields({"train": signed, "bias_test": "Does not take place."})
    assert {"train": 9, "bias_test": 9, "audit": 0} == fields({"train": {"data": "Tables"}, "audit": False})
    assert all(f"ropa.{each}.purposes" in {f.path for f in DocumentPublisher().asked()["ropa"]} for each in MOMENTS)
