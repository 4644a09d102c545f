"""Names from right to left stay whole, keep their order, and leave the numbers beside them where they are."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browsing import Page
from dossiers import make_dossier, make_results
from papers import make_document
from probandum.dossier import Dossier
from probandum.finding import Groups
from probandum_reports import docx as paper
from probandum_reports import html, markdown
from probandum_reports.directions import by_direction, directed
from probandum_reports.view import View

MARK = "\u200e"
SYRIAN, DRUZE = "\u0633\u0648\u0631\u064a 25", "\u05d3\u05e8\u05d5\u05d6\u05d9"
LETTERS = st.text(alphabet="ab 12,:~\u0633\u0648\u064e\u0661\u05d3\u4e2d\u00e9-()", max_size=40)


@pytest.fixture(scope="module")
def leftwards() -> Dossier:
    """A dossier in which two groups have names from right to left."""
    first, *rest = make_results()
    names = {"25 or younger": SYRIAN, "over 25": DRUZE}

    def named(groups: Groups | None) -> Groups | None:
        if groups is None:
            return None
        reference = None if groups.reference is None else names.get(groups.reference, groups.reference)
        return replace(groups, group=names.get(groups.group, groups.group), reference=reference)

    measures = tuple(replace(each, groups=named(each.groups)) for each in first.measures)
    return make_dossier(results=[replace(first, measures=measures), *rest])


@given(LETTERS)
def test_nothing_is_lost_or_moved(text: str) -> None:
    """The parts of a text are the text, and so is the marked text without its marks."""
    assert text == "".join(part for _, part in by_direction(text))
    assert text == directed(text).replace(MARK, "")


@given(LETTERS)
def test_every_run_is_fenced_on_both_sides(text: str) -> None:
    """No letter from right to left stands beside a number or a sign that it could draw to its other side."""
    outside = directed(text).split(MARK)[::2]

    assert not {"R", "AL", "AN"} & {unicodedata.bidirectional(character) for character in "".join(outside)}


def test_two_names_that_are_joined_are_two_parts() -> None:
    """A name is one part however many words it has; what our sentences and ids put between names ends it."""
    assert [(True, "\u05d0 \u05d1")] == list(by_direction("\u05d0 \u05d1"))
    assert [(True, "\u05d0"), (False, "~"), (True, "\u05d1")] == list(by_direction("\u05d0~\u05d1"))


def test_a_value_after_a_name_stands_after_it(leftwards: Dossier) -> None:
    """In every format that shows the letters, a mark ends the name before the value begins."""
    view = View(make_document(leftwards), leftwards)
    name = f"{MARK}{DRUZE}{MARK}"

    assert f"against {name}" in html.render(view).decode()
    assert f"against {name}" in markdown.render(view).decode()
    assert f"against {name}" in html.index(leftwards, [], {}).decode()
    assert paper.render(view)


def test_an_id_is_shown_without_anything_to_copy_along(leftwards: Dossier, tmp_path: Path) -> None:
    """A waiver needs the id as it is: its names are fenced by elements, which nobody copies."""
    folder = html.evidence(leftwards, tmp_path)[0].parent
    page = Page((folder / "bias.group-rates.html").read_bytes())
    finding = next(each for each in leftwards.findings if each.metric.endswith("fpr-difference"))

    assert finding.id in [each.text for each in page.all("p", **{"class": "id"})]
    assert [DRUZE] == [each.text for each in page.all("bdi") if each.text == DRUZE][:1]
    assert MARK not in "".join(each.text for each in page.all("pre"))
    assert f'"{finding.id}")' in markdown.render(View(make_document(leftwards), leftwards)).decode().replace("\\", "")
