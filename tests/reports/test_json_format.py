from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from probandum import codec
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
def test_every_number_names_a_finding_of_the_file(dossier: Dossier, name: str) -> None:
    """A reader of the JSON needs no other file to know what a number is, and each finding stands in it once."""
    view = View(build(name, dossier), dossier)
    made = json.loads(render(view))
    held = made["findings"]

    assert set(view.document.findings()) == set(held)
    assert set(held) == {number["finding"] for number in numbers(made)}
    for finding in dossier.findings:
        if finding.id in held and finding.id not in view.suppressed:
            assert finding.estimate.value == held[finding.id]["estimate"]["value"]
            assert view.shown(finding.id).interval == held[finding.id]["shown"]["interval"]


@pytest.mark.parametrize("name", NAMES)
def test_a_withheld_number_is_nowhere_in_the_tree(dossier: Dossier, name: str) -> None:
    """The published finding of a small cell holds neither value nor counts."""
    view = View(build(name, dossier), dossier)
    held = json.loads(render(view))["findings"]

    assert view.suppressed
    assert all({"value", "unit", "why"} == set(held[each]["estimate"]) for each in view.suppressed if each in held)


def test_what_takes_thousands_of_entries_stays_in_the_record(dossier: Dossier) -> None:
    """Of resampled draws and raw observations the file says how many there are, and the digest of their list."""
    rendered = render(View(build("annex_iv", dossier), dossier))
    held = json.loads(rendered)["findings"]
    resampled = next(finding for finding in dossier.findings if finding.estimate.draws is not None)
    first = dossier.findings[0]

    assert len(rendered) < 200_000
    assert "draws" not in held[resampled.id]["estimate"]
    assert 2000 == held[resampled.id]["estimate"]["resampled"]
    assert {"observations": 1, "digest": codec.digest_of(first.evidence)}.items() <= held[first.id]["evidence"].items()


def test_a_line_holds_one_node_or_one_finding(dossier: Dossier) -> None:
    """Two documents can be compared line by line."""
    view = View(build("annex_iv", dossier), dossier)
    lines = render(view).decode().splitlines()
    first = lines.index('"nodes":[') + 1

    assert all(json.loads(line.removesuffix(",")) for line in lines[first : first + len(view.document.nodes)])


def test_the_tree_says_what_it_stands_on(dossier: Dossier) -> None:
    """Date, digests, seal and the provisions answered stand beside the nodes."""
    plain = json.loads(render(View(build("annex_iv", dossier), dossier)))

    assert (2, "annex_iv", "2026-11-02") == (plain["format"], plain["id"], plain["as_of"])
    assert {"record", "judgement", "ask"} <= set(plain["digests"])
    assert "ai-act:annex-iv:2:g" in plain["requirements"]
