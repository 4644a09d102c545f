"""Cards as files: their schema, their places in errors, what nobody reads in them, and how answers are written back."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from commands import entered
from dossiers import make_dossier
from paths import ROOT
from probandum import card_file, card_writing
from probandum.document import CardField
from probandum.dossier import publisher
from probandum.errors import PlanError, UsageError
from probandum.law import catalogue
from probandum.law.confirming import CONFIRMED
from probandum.plan_file import SystemCard
from probandum.plugins import load_plugins
from probandum.splicing import Statement
from probandum.stating import Stated, stated
from probandum_reports.asked import fields as fields_of
from probandum_reports.build import build
from probandum_reports.documents import explanation, templates

EXAMPLES = sorted((ROOT / "examples").glob("*/audit.yaml"))
PLAN = "version: 1\nsystem: card.yaml\ntarget: {type: log, path: log.csv, decision: ok, favourable: 1}\n"
PLAN += "suites: {bias.group-rates: {}}\ngroups: {sex: {}}\n"
LOG = "sex,ok\n" + "f,1\nm,0\n" * 30


@pytest.fixture(scope="module")
def asked() -> card_file.Asked:
    """What every shipped document reads from a card."""
    load_plugins()
    return publisher().asked()


def card(folder: Path, text: str) -> card_file.CardFile:
    """A card of that text, read."""
    (folder / "card.yaml").write_text(text, "utf-8")
    return card_file.read(folder / "card.yaml")


def described(schema: Mapping[str, Any], path: str) -> str | None:
    """What the schema says of a dotted path; None where it does not know it."""
    here: Any = schema
    for step in path.split("."):
        here = here.get("properties", {}).get(step)
        if here is None:
            return None
    return str(here["description"])


def offered(schema: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Every dotted path that the schema describes as a fact, whatever stands below it."""
    for name, key in schema.get("properties", {}).items():
        if not key["description"].startswith("What stands below"):
            yield f"{above}{name}"
        yield from offered(key, f"{above}{name}.")


# the schema


def test_the_committed_schema_is_this_one(asked: card_file.Asked) -> None:
    """card.schema.json is what ``probandum card schema`` prints; PROBANDUM_GOLDEN=write makes it so."""
    made = json.dumps(card_file.schema(asked), indent=2, ensure_ascii=False) + "\n"
    path = ROOT / "card.schema.json"
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        path.write_text(made, "utf-8")

    assert path.read_text("utf-8") == made


def test_every_key_that_documents_and_the_law_read_is_described(asked: card_file.Asked) -> None:
    """Each path of a template, each question of the law, each party of the pack, and where a person confirms."""
    schema = card_file.schema(asked)
    paths = {field.path for fields in asked.values() for field in fields}
    paths |= {question.path for question in catalogue().questions} | set(catalogue().pack.parties)
    paths |= {"annex_iii", "annex_i", "art_6_3", "profiling", "roles", "declared"}

    assert len(paths) > 100
    assert [] == sorted(path for path in paths if not described(schema, path))


def test_the_schema_offers_no_key_that_nothing_reads(asked: card_file.Asked) -> None:
    """What it describes, a document or a question asks for, or the card itself knows it; the rest holds such keys."""
    read = {field.path for fields in asked.values() for field in fields}
    read |= {question.path for question in catalogue().questions} | set(SystemCard.model_fields)

    assert [] == sorted(path for path in offered(card_file.schema(asked)) if path not in read)


def test_what_documents_look_up_while_they_are_written_is_described(
    asked: card_file.Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path that a document reads of the card, whoever reads it, is described, or stands below what is."""
    schema, found = card_file.schema(asked), set[str]()

    def watched(card: Mapping[str, Any], path: str) -> Stated | None:
        found.add(path)
        return stated(card, path)

    for module in list(sys.modules.values()):
        if module.__name__.startswith("probandum") and getattr(module, "stated", None) is stated:
            monkeypatch.setattr(module, "stated", watched)
    dossier = make_dossier()
    for name in templates():
        build(name, dossier)

    assert len(found) > 200
    assert [] == sorted(
        path
        for path in found
        if not any(described(schema, path.rsplit(".", cut)[0]) for cut in range(path.count(".") + 1))
    )


def test_what_documents_ask_names_a_provision_and_who_can_supply_it(asked: card_file.Asked) -> None:
    """Every field has a provision of the catalogue, a supplier and words of its own."""
    for fields in asked.values():
        for field in fields:
            assert catalogue().get(field.requirement) and field.supplier and field.what


def test_the_examples_hold_to_the_schema(asked: card_file.Asked) -> None:
    """The cards of the embedded audits are valid by a library of others, and a slip in one is not."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = card_file.schema(asked)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)

    assert EXAMPLES
    for path in EXAMPLES:
        values = json.loads(json.dumps(dict(card_file.read(path).card)))
        assert [] == list(validator.iter_errors(values)), path
        assert [] != list(validator.iter_errors({**values, "profiling": "yes"}))


SAYINGS = (
    (
        "annex_iii",
        ["5(b)", "5b", "5(z)", "Annex III, point 5(b)", "2", "none", "No", ["4(a)", "5(b)"], ["none"], False, None],
    ),
    ("annex_iii", ["5", "9(z)", "5(e)", 2, True, ["none", "5(b)"], ["5(b)", 2], [], {"value": "5"}, {"value": "5(b)"}]),
    ("art_6_3", ["a", "Art. 6(3)(a)", "(D)", ["a", "d"], "none", "z", ["a", "z"], "e", False, ["a", "none"]]),
    ("art_5", ["f", "5(1)(ba)", "none", "ca", ["f", "y"], {"value": "f", "by": "A"}, {"value": "i"}]),
    ("annex_i", ["toys", "none", ["toys", "lifts"], ["none", "toys"], 4, {"value": "toys"}, {"value": ["no", "toys"]}]),
    ("annex_i_section", ["A", "b", "Section B", "C", "D", {"value": "A"}, {"value": "C"}, 1]),
    ("in_scope", [True, False, "yes", {"value": False, "by": "A"}, 1]),
    ("placed_on_market", ["2026-03-01", "none", "None", "March 2026", {"value": "2026-03-01"}, {"value": "x"}, 1]),
    ("profiling", [True, False, None, "yes", 1, {"value": True, "by": "A"}, {"value": "yes"}]),
    ("safety_component", [True, "true", {"value": False}, {"value": 0}]),
    ("roles", [["deployer-employer"], {"deployer-employer": True}, {"deployer-pope": True}, ["deployer-pope"]]),
    ("roles", [{"deployer-employer": "yes"}, {"deployer-employer": {"value": True}}, "deployer-employer", None]),
)


@pytest.mark.parametrize(("key", "values"), SAYINGS)
def test_the_schema_takes_what_the_tool_takes(key: str, values: list[Any], asked: card_file.Asked) -> None:
    """Of each classifying key: an editor marks what ``card check`` refuses, and nothing else."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(card_file.schema(asked))
    taken = {}
    for value in values:
        try:
            taken[str(value)] = bool(SystemCard.model_validate({"name": "Desk", key: value}))
        except ValidationError:
            taken[str(value)] = False

    assert taken == {str(value): validator.is_valid({"name": "Desk", key: value}) for value in values}
    assert {True, False} == set(taken.values())


# reading


#: What keys say that the law reads; every other path of a document takes any words.
READ: Mapping[str, object] = {
    "annex_i_section": "A",
    "annex_iii": "5(b)",
    "art_5": "f",
    "art_6_3": "a",
    "in_scope": True,
    "placed_on_market": "2026-03-01",
    "profiling": True,
    "safety_component": True,
    "third_party_assessment": True,
}


def test_whatever_a_document_asks_can_be_written_into_a_card_and_read_back(
    tmp_path: Path, asked: card_file.Asked
) -> None:
    """Each path by itself, signed, those of the explanation of a decision too: no key of another kind is in the way."""
    signed = {"by": "A", "date": "2026-11-28"}
    every = [*(field for fields in asked.values() for field in fields), *fields_of(explanation())]
    for path in dict.fromkeys(field.path for field in every):
        value = READ.get(path, path.startswith("roles.") or "Two words")
        said: Any = value if path in ("name", "version") else {"value": value, **signed}
        for step in reversed(path.split(".")):
            said = {step: said}
        (tmp_path / "card.yaml").write_text(yaml.safe_dump({"name": "X", "declared": signed} | said), "utf-8")

        told = stated(card_file.read(tmp_path / "card.yaml").card, path)
        assert told is not None and (value, "A", "2026-11-28") == (told.value, told.by, told.on), path


def test_a_plan_and_its_card_are_read_alike(tmp_path: Path) -> None:
    """The same card in the plan, or in a file that it names."""
    inside = tmp_path / "inside.yaml"
    inside.write_text(PLAN.replace("card.yaml", "{name: Desk, annex_iii: 5(b)}"), "utf-8")
    (tmp_path / "audit.yaml").write_text(PLAN, "utf-8")
    alone = card(tmp_path, "name: Desk\nannex_iii: 5(b)\n")

    assert alone.card == card_file.read(inside).card == card_file.read(tmp_path / "audit.yaml").card
    assert ((), ("system",)) == (alone.under, card_file.read(inside).under)


WRONG = """name: Desk
version: 2.1
profiling: "yes"
annex_iii: [5(b), 9(z), 8(q)]
roles: {deployer-employr: true, deployer-credit: "yes"}
purpose: TODO  # what it decides
provider: 7
annex_i_section: {value: C, by: A}
purpose: again
annex_i: [none, toys]
art_6_3: [z, 4]
"""


@pytest.mark.parametrize("text", ["2", "[5(b), 2]", "{value: 2, by: A}"])
def test_a_point_that_is_a_number_belongs_in_quotes(tmp_path: Path, text: str) -> None:
    """Point 2 of Annex III has no letter, and YAML reads a number there; one line says what to write."""
    with pytest.raises(PlanError) as caught:
        card(tmp_path, f"name: Desk\nannex_iii: {text}\n")

    (line,) = caught.value.lines()
    assert line.endswith(": a point is text: write it in quotes, '2'")


PROBLEMS = (
    "card.yaml:2:1: version: a version is text: write it in quotes, '2.1'",
    "card.yaml:3:1: profiling: expected true or false, got 'yes'",
    "card.yaml:4:19: annex_iii.1: unknown Annex III point '9(z)'; known: 1(a), ",
    "card.yaml:4:25: annex_iii.2: unknown Annex III point '8(q)', did you mean '8(b)'?; known: 1(a), ",
    "card.yaml:5:9: roles.deployer-employr: unknown role 'deployer-employr', did you mean 'deployer-employer'?",
    "card.yaml:5:33: roles.deployer-credit: expected true or false, got 'yes'",
    "card.yaml:6:10: purpose: still to be decided: what it decides",
    "card.yaml:7:1: provider: expected text or keys and values, got 7",
    "card.yaml:8:19: annex_i_section.value: unknown section of Annex I 'C'; known: A, B",
    "card.yaml:9:1: purpose: the key occurs twice (line 6)",
    "card.yaml:10:1: annex_i: none cannot stand beside toys; keep one of them",
    "card.yaml:11:11: art_6_3.0: unknown condition of Art. 6(3) 'z'; known: a, b, c, d",
    "card.yaml:11:14: art_6_3.1: expected text, got 4",
)


@pytest.mark.parametrize(
    "words", [("plan", "check", "audit.yaml"), ("audit", "audit.yaml"), ("card", "check", "card.yaml")]
)
def test_every_problem_of_a_card_is_told_at_once_with_its_place(tmp_path: Path, words: tuple[str, ...]) -> None:
    """File, line and column of the card, whoever reads it, through its plan or alone; code 2."""
    (tmp_path / "card.yaml").write_text(WRONG, "utf-8")
    (tmp_path / "audit.yaml").write_text(PLAN, "utf-8")
    (tmp_path / "log.csv").write_text(LOG, "utf-8")
    ended = entered(tmp_path, *words)
    lines = ended.err.splitlines()

    assert 2 == ended.code
    assert len(PROBLEMS) == len(lines)
    assert all(line.startswith(problem) for line, problem in zip(lines, PROBLEMS, strict=True))


@pytest.mark.parametrize("words", [("plan", "check"), ("card", "check"), ("law", "check")])
def test_a_card_that_is_not_there_is_told_at_the_line_that_names_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A name in place of a path reads as a missing file, with the place in the plan."""
    (tmp_path / "audit.yaml").write_text(PLAN.replace("card.yaml", "Credit scorer"), "utf-8")
    (tmp_path / "log.csv").write_text(LOG, "utf-8")
    ended = entered(tmp_path, *words, "audit.yaml")

    assert 2 == ended.code
    assert ended.err.startswith("audit.yaml:2:1: system: no file Credit scorer; expected a ")


def test_an_audit_with_a_card_of_its_own_writes_its_documents(tmp_path: Path) -> None:
    """From a card file with values of several people to a document that names them."""
    text = "name: Desk\nversion: '1'\npurpose: {value: Decides on loans, by: B. Example, date: 2026-11-02}\n"
    text += "declared: {by: A. Example, date: 2026-11-01}\nannex_iii: {value: 5(b), by: B. Example, date: 2026-11-02}\n"
    text += "profiling: true\nart_5: none\nannex_i: none\n"
    (tmp_path / "card.yaml").write_text(text, "utf-8")
    (tmp_path / "audit.yaml").write_text(PLAN, "utf-8")
    (tmp_path / "log.csv").write_text(LOG, "utf-8")
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run", "--exit-zero")
    entered(tmp_path, "report", "run", "--document", "annex_iv", "--format", "md", "--out", "docs")
    said = (tmp_path / "docs" / "annex_iv.md").read_text("utf-8")

    assert 0 == ended.code, ended.err
    assert "Decides on loans *(declared by B. Example on 2026-11-02)*" in said
    assert "Proposed: high-risk, by Art. 6(2) with Annex III 5(b). *(proposed, for a person to accept)*" in said


# what nobody reads


def test_a_misspelt_key_is_a_caution_with_what_may_have_been_meant(tmp_path: Path, asked: card_file.Asked) -> None:
    """At the top and below; a key that only its owner reads is told and no error; what people name is left alone."""
    text = "name: Desk\npurpos: x\ndata: {traning: y}\nzz9: 12\ncolumns: {income: {name: i}}\n"
    text += "art22: {complant: x}\nclassification: {confirmd: x}\ntriggers: {scorin: x}\nropa: {trian: x}\n"
    text += "legal_basis: x\nretention_schedule: y\n"
    told = list(card_file.strangers(card(tmp_path, text), asked))

    assert [
        "card.yaml:2:1: purpos: no document reads it, did you mean 'purpose'?",
        "card.yaml:3:8: data.traning: no document reads it, did you mean 'data.training'?",
        "card.yaml:4:1: zz9: no document reads it",
        "card.yaml:6:9: art22.complant: no document reads it, did you mean 'art22.complaint'?",
        "card.yaml:7:18: classification.confirmd: no document reads it, did you mean 'classification.confirmed'?",
        "card.yaml:8:12: triggers.scorin: no document reads it, did you mean 'triggers.scoring'?",
        "card.yaml:9:8: ropa.trian: no document reads it, did you mean 'ropa.train'?",
        "card.yaml:10:1: legal_basis: no document reads it, did you mean 'dpia.legal_basis'?",
        "card.yaml:11:1: retention_schedule: no document reads it",
    ] == [line.removeprefix(f"{tmp_path}/") for line in told]


def test_a_misspelt_field_of_a_moment_is_a_caution(tmp_path: Path, asked: card_file.Asked) -> None:
    """Below what is printed field by field a slip is lost, also beside a sentence; what is printed whole loses none."""
    text = "name: Desk\nprovider: {name: A, phone: x}\nropa:\n  train: {value: Yearly, purposs: x}\n"
    text += "  bias_test: {retantion: x, security: y}\n"
    told = list(card_file.strangers(card(tmp_path, text), asked))

    assert [
        "card.yaml:4:26: ropa.train.purposs: no document reads it, did you mean 'ropa.train.purposes'?",
        "card.yaml:5:15: ropa.bias_test.retantion: no document reads it, did you mean 'ropa.bias_test.retention'?",
    ] == [line.removeprefix(f"{tmp_path}/") for line in told]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_embedded_cards_hold_nothing_that_nobody_reads(path: Path, asked: card_file.Asked) -> None:
    """What people copy first is told no caution about."""
    read = card_file.read(path)

    assert [] == [*card_file.strangers(read, asked), *card_file.unsigned(read, asked)]


def test_a_confirmation_without_a_name_is_a_caution(tmp_path: Path, asked: card_file.Asked) -> None:
    """The schema of editors marks it as well; with name and date nothing is said."""
    plain = card(tmp_path, "name: Desk\nclassification: {confirmed: high-risk}\n")
    (told,) = card_file.unsigned(plain, asked)
    named = card(tmp_path, "name: Desk\nclassification: {confirmed: {value: high-risk, by: A, date: 2026-11-01}}\n")

    assert told.removeprefix(f"{tmp_path}/").startswith(
        "card.yaml:2:18: classification.confirmed: counts for nothing without who says it and when"
    )
    assert [] == list(card_file.unsigned(named, asked))


def test_what_a_named_person_must_say_counts_only_with_name_and_date() -> None:
    """A plain value fills a field of anybody's, and none of a person's."""
    fields = [
        CardField(path=path, what="w", requirement="r", supplier="s", human=path == "b") for path in ("a", "b", "c")
    ]
    signed = {"value": "yes", "by": "A", "date": "2026-11-01"}

    assert ["b", "c"] == [each.path for each in card_file.unsaid({"a": "x", "b": "yes"}, fields)]
    assert ["a", "c"] == [each.path for each in card_file.unsaid({"a": " ", "b": signed}, fields)]


# writing


def test_writing_keeps_every_other_byte_and_the_mode(tmp_path: Path) -> None:
    """Comments, order and line breaks of a person stay; so do the permissions."""
    path = tmp_path / "card.yaml"
    path.write_text("# ours\nname: Desk   # the desk\n\nprovider: {name: A}\n", "utf-8")
    path.chmod(0o640)
    card_writing.put(path, {"profiling": Statement(value=True), "provider.contact": Statement(value="x@example.org")})

    assert (
        "# ours\nname: Desk   # the desk\n\nprovider: {name: A,\n           contact: x@example.org}\nprofiling: true\n"
        == (path.read_text("utf-8"))
    )
    assert 0o640 == stat.S_IMODE(path.stat().st_mode)


def test_a_new_card_is_private(tmp_path: Path) -> None:
    """It names people; whoever wants to share it says so."""
    path = tmp_path / "card.yaml"
    card_writing.put(path, {"name": Statement(value="Desk")})

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert {"name": "Desk"} == card_file.read(path).card


def test_what_cannot_be_written_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """Below a text nothing can stand."""
    path = tmp_path / "card.yaml"
    path.write_text("name: Desk\ndata: all of it\n", "utf-8")
    with pytest.raises(UsageError, match=r"data: holds a text"):
        card_writing.put(path, {"data.training": Statement(value="x")})

    assert "name: Desk\ndata: all of it\n" == path.read_text("utf-8")


@settings(max_examples=40)
@given(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1).filter(
        lambda text: text.strip()
    ),
    st.booleans(),
    st.sampled_from(["purpose", "data.training", CONFIRMED, "oversight.measures"]),
)
def test_whatever_a_person_writes_is_read_again(text: str, signed: bool, path: str) -> None:
    """A text that YAML would take for something else comes back as that text, alone or with who says it."""
    said = Statement(value=text, by="A: B", date="2026-11-01") if signed else Statement(value=text)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "card.yaml"
        file.write_text("name: Desk\ndata:\n  cleaning: none\n", "utf-8")
        card_writing.put(file, {path: said})
        values: Any = yaml.safe_load(file.read_text("utf-8"))
    for step in path.split("."):
        values = values[step]

    assert (values["value"] if signed else values) == text


def test_a_file_that_is_no_card_is_refused_in_one_line(tmp_path: Path) -> None:
    """A list, nothing, and bytes that are no text."""
    for data in (b"- a\n", b"", b"\xff\xfe", b"system: 5\n"):
        (tmp_path / "card.yaml").write_bytes(data)
        with pytest.raises(PlanError) as caught:
            card_file.read(tmp_path / "card.yaml")

        assert 1 == len(caught.value.lines())
