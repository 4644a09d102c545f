from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from probandum.dossier import Dossier
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.json_format import render
from probandum_reports.view import View

NAMES = sorted(templates())


def numbers(node: Any) -> Iterator[dict[str, Any]]:
    """Every number of a rendered tree."""
    if isinstance(node, dict):
        if node.get("kind") == "number":
            yield node
        for inner in node.values():
            yield from numbers(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from numbers(inner)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_holds_its_finding(dossier: Dossier, name: str) -> None:
    """A reader of the JSON needs no other file to know what a number is."""
    view = View(build(name, dossier), dossier)
    found = {number["finding"]["id"]: number for number in numbers(json.loads(render(view)))}

    assert {finding.id for finding in dossier.findings} == set(found)
    for finding in dossier.findings:
        if finding.id not in view.suppressed:
            assert finding.estimate.value == found[finding.id]["finding"]["estimate"]["value"]
            assert view.shown(finding.id).interval == found[finding.id]["shown"]["interval"]


@pytest.mark.parametrize("name", NAMES)
def test_a_withheld_number_is_nowhere_in_the_tree(dossier: Dossier, name: str) -> None:
    """The expanded finding of a small cell holds neither value nor counts."""
    view = View(build(name, dossier), dossier)
    hidden = [number for number in numbers(json.loads(render(view))) if number["finding"]["id"] in view.suppressed]

    assert hidden
    assert all({"value", "unit", "why"} == set(number["finding"]["estimate"]) for number in hidden)


def test_the_tree_says_what_it_stands_on(dossier: Dossier) -> None:
    """Date, digests, seal and the provisions answered stand beside the nodes."""
    plain = json.loads(render(View(build("annex_iv", dossier), dossier)))

    assert (1, "annex_iv", "2026-11-02") == (plain["format"], plain["id"], plain["as_of"])
    assert {"record", "judgement", "ask"} <= set(plain["digests"])
    assert "ai-act:annex-iv:2:g" in plain["requirements"]
