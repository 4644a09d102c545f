"""Golden documents stand under tests/golden. After a wanted change, write them again and read the difference:

PROBANDUM_GOLDEN=write pytest tests/reports/test_markdown.py
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dossiers import make_dossier
from paths import ROOT
from probandum.dossier import Dossier
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.markdown import escape, opening, render
from probandum_reports.view import View

GOLDEN = ROOT / "tests" / "golden"
NAMES = sorted(templates())


@pytest.mark.parametrize("name", NAMES)
def test_the_document_is_the_golden_one(dossier: Dossier, name: str) -> None:
    """Every word of a document is as it was when somebody last read it."""
    made = render(View(build(name, dossier), dossier))
    path = GOLDEN / f"{name}.md"
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        path.write_bytes(made)

    assert path.read_text(encoding="utf-8").splitlines() == made.decode().splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_table_has_the_cells_of_its_header(dossier: Dossier, name: str) -> None:
    """No text of a card, a group or a waiver breaks a table."""
    hostile = replace(dossier, card={"name": "a | b\n| c |", "purpose": "x\r\n\r\n# y", "provider": {"name": "`|`"}})
    width = 0
    for line in render(View(build(name, hostile), hostile)).decode().splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        width = width or cells

        assert width == cells


def test_a_withheld_figure_is_nowhere_in_the_text() -> None:
    """Neither the value nor the size of a small cell can be read from the document."""
    dossier = make_dossier()
    text = "".join(render(View(build(name, dossier), dossier)).decode() for name in NAMES)
    lines = [line for line in text.splitlines() if "CH" in line]

    assert lines
    assert not any(figure in line for line in lines for figure in ("0.452", "0.333", "6 rows", "n = 386", "n = 6"))


@given(st.text())
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    """Every character that Markdown obeys is preceded by a backslash."""
    made = escape(text)

    assert "\n" not in made
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#~$]", made.replace("@<!-- -->", ""))


def test_a_name_calls_nobody_where_it_is_posted() -> None:
    """Hubs look for calls in what Markdown has become, so that no backslash helps; an address of mail is no call."""
    assert "@<!-- -->all, (@<!-- -->team/a) a@example.org @ 5" == escape("@all, (@team/a) a@example.org @ 5")


@pytest.mark.parametrize("text", ["1. x", "12) x", "- x", "+ x", "---", "=== x"])
def test_text_at_the_start_of_a_block_begins_no_list(text: str) -> None:
    """A number or a dash at the start stays text."""
    assert "\\" in opening(text) or text in ("---", "=== x")
