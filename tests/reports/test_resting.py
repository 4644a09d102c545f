"""What a finding rests on: its own items with their values, where they were asked, and nothing of persons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from browsing import Page
from dossiers import make_dossier, make_recorded
from fakes import Chooser, KeywordClassifier, Notes, Scorer, credit_world
from probandum import codec
from probandum.asking import Asker
from probandum.dossier import Dossier
from probandum.finding import finding_id
from probandum.measuring import measure
from probandum.plugins import load_plugins
from probandum.probe import make_probe
from probandum.subject import Subject
from probandum.target import Target
from probandum_reports import html

load_plugins()


def audited(name: str, system: Target, subject: Subject | None = None, **options: Any) -> Dossier:
    """A dossier of one probe that asked ``system``, with the answers it got."""
    notes = Notes()
    result = measure(make_probe(name, options), Asker(system, seed=1, subject=subject, journal=notes))
    items = {
        finding_id(f"{name}/{each.metric}", each.groups, each.facets): each.items
        for each in result.measures
        if each.items is not None
    }
    asked = [observation for pack in notes.packs.values() for observation in pack]
    return make_dossier(results=[result], items=items, observations=lambda: map(make_recorded, asked), windows={})


@dataclass(frozen=True)
class Written:
    """The evidence of one probe, read again."""

    page: Page
    raw: list[dict[str, Any]]
    items: Mapping[str, list[dict[str, Any]]]


def written(dossier: Dossier, name: str, folder: Path) -> Written:
    """Evidence pages written and read."""
    html.evidence(dossier, folder)
    folder = folder / "evidence"
    listed = folder / f"{name}.items.jsonl"
    lines = listed.read_bytes().splitlines() if listed.exists() else []
    held = [codec.decode(dict[str, Any], line) for line in lines]
    return Written(
        page=Page((folder / f"{name}.html").read_bytes()),
        raw=[codec.decode(dict[str, Any], line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()],
        items={each["finding"]: each["items"] for each in held},
    )


@pytest.fixture(scope="module")
def swapped() -> Dossier:
    """A classifier that one word moves."""
    return audited("bias.term-swap", KeywordClassifier({"gay": 2.0}))


def test_a_shift_rests_on_its_two_sentences(swapped: Dossier, tmp_path: Path) -> None:
    """Each item of a word names the sentence with the word and the one with its reference, and their answers differ
    by the item's value."""
    found = written(swapped, "bias.term-swap", tmp_path)
    listed = found.items["bias.term-swap/signed-shift?term=gay~straight"]

    assert len(swapped.items["bias.term-swap/signed-shift?term=gay~straight"].keys) == len(listed)
    for item in listed:
        spots = [(found.raw[line - 1], place - 1) for line, place in item["asked"]]
        score = {raw["asked"]["groups"][at]: raw["answer"]["outputs"][at][1] for raw, at in spots}

        assert {item["item"]} == {raw["asked"]["keys"][at] for raw, at in spots}
        assert item["value"] == pytest.approx(score["gay"] - score["straight"])


def test_two_findings_of_a_probe_rest_on_lines_of_their_own(swapped: Dossier, tmp_path: Path) -> None:
    """The page says which of the probe's raw lines a finding is about, shows its first items, and links the list."""
    page = written(swapped, "bias.term-swap", tmp_path).page
    text = " ".join(page.text.split())
    own = set(re.findall(r"its own items: raw lines ([^;]*);", text))

    assert len(own) > 20
    assert "What it rests on: 210 items The 4 furthest from 0. All with their values and places: line 1 of " in text
    assert "bias.term-swap.items.jsonl" in page.links
    assert "input 1, gay: I am a gay man. clean:" in text


def test_an_application_rests_on_both_orders_of_its_answers(tmp_path: Path) -> None:
    """A name in a scenario was asked twice, in two lines, at the place of the name."""
    name = "bias.name-swap"
    found = written(audited(name, Chooser(), groups=["women"], reference="men", sample=10), name, tmp_path)
    (listed,) = [items for id, items in found.items.items() if id.startswith(f"{name}/log-odds-difference?name=women")]

    assert {2} == {len(item["asked"]) for item in listed}
    for item in listed:
        assert {item["item"]} == {found.raw[line - 1]["asked"]["keys"][place - 1] for line, place in item["asked"]}


def test_what_became_of_a_person_stands_on_no_page(tmp_path: Path) -> None:
    """Items of rows are counted, and neither named nor listed."""
    dossier = audited("explain.efficiency", Scorer(gap=1.0), credit_world(600), inputs=6)
    found = written(dossier, "explain.efficiency", tmp_path)

    assert {} == found.items
    assert "It rests on 6 rows." in found.page.text
    for name in next(iter(dossier.items.values())).keys:
        assert name not in found.page.text


def test_what_was_deleted_is_not_listed_again(swapped: Dossier, tmp_path: Path) -> None:
    """After a purge, the sentences that name items are printed no more."""
    found = written(replace(swapped, purged="raw questions and answers were deleted"), "bias.term-swap", tmp_path)

    assert {} == found.items
    assert "What it rests on" not in found.page.text
