"""A waiver is told wherever a reader may look: who accepts what, until when, up to which value, and why."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from browsing import Page
from dossiers import make_dossier
from papers import words_of
from probandum.document import Fact, Table
from probandum.dossier import Dossier
from probandum.finding import Verdict, Waiver
from probandum_reports import docx, html, json_format, lint, markdown, pdf
from probandum_reports.build import build
from probandum_reports.view import View
from probandum_reports.waivers import standings

docx_files: Any = pytest.importorskip("docx")
pikepdf: Any = pytest.importorskip("pikepdf")

DIFFERENCE = "bias.group-rates/selection-difference?age=25 or younger~over 25"
FPR = "bias.group-rates/fpr-difference?age=25 or younger~over 25"
PASSED = "bias.group-rates/tpr-difference?age=25 or younger~over 25"
BROKEN = "explain.efficiency/residual?explainer=shap.permutation"


def waiver(finding: str = FPR, **changes: Any) -> Waiver:
    """One that is in force on the day of the judgement, 2026-11-02."""
    fields = {"set_on": "2026-10-15", "expires": "2026-12-15", "worst": 0.41, "line": 38}
    return Waiver(finding=finding, owner="Berta Example", reason="Retraining under way", **{**fields, **changes})


def letters(text: str) -> str:
    """Letters and digits alone: formats break lines, hyphenate and escape as they please."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def _word(data: bytes) -> str:
    return re.sub("<[^>]+>", " ", zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml").decode())


FORMATS: Mapping[str, Callable[[View], str]] = {
    "md": lambda view: markdown.render(view).decode(),
    "html": lambda view: Page(html.render(view)).text,
    "pdf": lambda view: words_of(pikepdf.open(io.BytesIO(pdf.render(view)))),
    "docx": lambda view: _word(docx.render(view)),
    "json": lambda view: json_format.render(view).decode(),
}


def index(dossier: Dossier) -> str:
    """What the entry page says."""
    return Page(html.index(dossier, [], {})).text


def document(dossier: Dossier, name: str = "annex_iv") -> View:
    """A checked document."""
    view = View(build(name, dossier), dossier)
    lint.check(view)
    return view


@pytest.mark.parametrize("name", ["annex_iv", "dpia"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_waiver_in_force_is_told_in_every_document(name: str, kind: str) -> None:
    """Owner, reason, end and bound stand in each document and format, and the finding is called waived."""
    said = letters(FORMATS[kind](document(make_dossier(waivers=[waiver()]), name)))

    for part in ("Berta Example", "Retraining under way", "2026-12-15", "0.41", "Fail, waived", "in force"):
        assert letters(part) in said


@pytest.mark.parametrize("name", ["annex_iv", "dpia"])
@pytest.mark.parametrize("kind", FORMATS)
def test_an_expired_waiver_is_told_in_every_document(name: str, kind: str) -> None:
    """It accepts nothing and says so, since somebody may still rely on it; the finding is not called waived."""
    said = letters(FORMATS[kind](document(make_dossier(waivers=[waiver(expires="2026-11-01")]), name)))

    assert letters("accepts nothing: it expired on 2026-11-01") in said
    assert letters("Berta Example") in said
    assert letters("Fail, waived") not in said


def test_the_entry_page_tells_what_is_waived() -> None:
    """Value, owner, end, bound and reason of a waived finding stand under the gate's result."""
    said = index(make_dossier(waivers=[waiver()]))

    assert "Waived, and not blocking (1)" in said
    assert "Waived by Berta Example on 2026-10-15 until 2026-12-15, no worse than 0.41: Retraining under way." in said
    assert "Waivers that accept nothing" not in said


def test_the_entry_page_tells_of_waivers_that_accept_nothing() -> None:
    """One that expired, and one that matches no finding, with who wrote them."""
    gone = waiver("bias.group-rates/impact-ratio?age=old~young")
    said = index(make_dossier(waivers=[waiver(expires="2026-11-01"), gone]))

    assert "Waivers that accept nothing (2)" in said
    assert "it expired on 2026-11-01. By Berta Example, from 2026-10-15 to 2026-11-01, no worse than 0.41" in said
    assert "bias.group-rates/impact-ratio?age=old~young: accepts nothing: it matches no finding" in said
    assert "and not blocking" not in said


def test_what_a_merge_lets_through_is_told() -> None:
    """An inconclusive finding that does not block a merge is named on the entry page and in the documents."""
    dossier = make_dossier(waivers=[], mode="merge")
    count = sum(finding.verdict is Verdict.INCONCLUSIVE for finding in dossier.findings)

    assert count > 0
    assert f"Inconclusive, and not blocking a merge ({count})" in index(dossier)
    assert "Inconclusive, and not blocking, since the gate decided over a merge" in FORMATS["md"](document(dossier))
    assert "and not blocking" not in index(make_dossier(waivers=[]))


def test_a_waiver_that_has_ended_since_the_judgement_is_a_caution() -> None:
    """A document of a later day says that what the gate counted is over."""
    dossier = make_dossier(waivers=[waiver()], as_of="2027-01-10")
    over = "in force on 2026-11-02, when the gate decided; it has ended since"

    assert over in index(dossier)
    assert over in FORMATS["md"](document(dossier))
    assert "A waiver that the gate counted has ended since" in FORMATS["md"](document(dossier))


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (waiver(), "in force"),
        (waiver(worst=None), "in force"),
        (waiver(expires="2026-11-01"), "accepts nothing: it expired on 2026-11-01"),
        (waiver(set_on="2026-11-03"), "accepts nothing yet: it begins on 2026-11-03"),
        (waiver(worst=0.3), "accepts nothing: the value is beyond its bound of 0.3"),
        (waiver(PASSED), "accepts nothing: the finding does not block"),
        (waiver(BROKEN), "accepts nothing: what could not be measured cannot be accepted"),
        (waiver("x.y/z"), "accepts nothing: it matches no finding of this record"),
    ],
)
def test_every_waiver_says_how_it_stands(given: Waiver, state: str) -> None:
    """In force, or the one reason why it accepts nothing; the table of every document holds it."""
    dossier = make_dossier(waivers=[given])
    (found,) = standings(dossier)
    tables = [node for node in document(dossier).document.nodes if isinstance(node, Table)]
    (row,) = next(table for table in tables if table.caption.startswith("Waivers")).rows

    assert (state, state == "in force") == (found.state, found.in_force)
    assert found.in_force == any(finding.waiver is not None for finding in dossier.findings)
    assert isinstance(row[-1], Fact) and row[-1].value == state


def test_a_waiver_of_a_withheld_figure_is_told_without_the_figure() -> None:
    """Who accepts the finding is no secret; how large it is stays one."""
    few = "bias.group-rates/impact-ratio?nationality=CH~AT"
    dossier = make_dossier(waivers=[waiver(few, worst=None)])
    shown = View(build("annex_iv", dossier), dossier).shown(few)

    assert shown.suppressed
    assert "Waived by Berta Example on 2026-10-15 until 2026-12-15: Retraining under way." in shown.reason
