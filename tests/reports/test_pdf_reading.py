"""PDFs as a checker that is not ours reads them: PDF/UA-1 and WCAG 2.2, and what a screen reader would miss."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from probandum.document import Figure, Table
from probandum.dossier import Dossier
from probandum_reports import json_format, pdf
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.nodes import walk
from probandum_reports.view import View

outloud: Any = pytest.importorskip("outloud")

#: What it says of the head of a table that is printed again on a further page: read once and an artifact there, as
#: ISO 14289-1, 7.1 has it; to the checker a line that is never read.
_OF_HEADS = "TAG-002"
#: What it says of a line that stands on three pages, such as the end of a field's name: taken for a running head.
_OF_LINES = "PAG-001"
#: That an address is no link: what people state is only ever placed as text, so that a card leads no reader anywhere.
_OF_ADDRESSES = "LNK-010"


def _letters(text: str) -> str:
    """``text`` without blanks and hyphens, which a line may have between any two letters."""
    return "".join(character for character in text if character.isalnum())


def _held(words: Any, texts: list[str]) -> bool:
    """Whether one of the texts holds every one of the words, in whatever order lines of columns are read."""
    return any(all(_letters(word) in text for word in str(words).split()) for text in texts)


def _heads(view: View) -> list[str]:
    tables = [node for node in walk(view.document.nodes) if isinstance(node, Table)]
    tables += [node.twin for node in view.document.nodes if isinstance(node, Figure)]
    return [_letters("".join(table.header)) for table in tables]


def _read(path: Path) -> Any:
    found = outloud.check(str(path))
    assert found.error is None
    assert [] == [each.rule for each in found.runs if each.status == "crashed"]
    return found


@pytest.mark.parametrize("name", sorted(templates()))
def test_a_checker_that_is_not_ours_finds_nothing(name: str, dossier: Dossier, tmp_path: Path) -> None:
    """Neither error nor warning in any document, but for the heads of tables that go on over a page."""
    view = View(build(name, dossier), dossier)
    path = tmp_path / f"{name}.pdf"
    path.write_bytes(pdf.render(view))
    found = _read(path)
    texts = {
        _OF_HEADS: _heads(view),
        _OF_LINES: [_letters(str(json_format.render(view), "utf-8"))],
        _OF_ADDRESSES: [_letters(str(dossier.card))],
    }

    assert 15 <= sum(each.outcome == "pass" for each in found.runs)
    for each in found.findings:
        said = f"{each.rule} on page {each.page}: {each.message}: {each.evidence}"
        assert _held(each.evidence, texts.get(each.rule, [])), said


def test_the_checker_finds_what_is_taken_away(dossier: Dossier, tmp_path: Path) -> None:
    """Without alternative texts, language and tags the same file fails."""
    pikepdf = pytest.importorskip("pikepdf")
    data = pdf.render(View(build("annex_iv", dossier), dossier))
    rules = []
    for number, key in enumerate(("/StructTreeRoot", "/Lang", "/MarkInfo", "/Metadata")):
        with pikepdf.open(io.BytesIO(data)) as file:
            del file.Root[key]
            file.save(tmp_path / f"{number}.pdf")
        rules.append(
            {each.rule for each in _read(tmp_path / f"{number}.pdf").findings} - {_OF_HEADS, _OF_LINES, _OF_ADDRESSES}
        )

    assert all(rules)
