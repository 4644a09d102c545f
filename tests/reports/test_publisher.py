from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import probandum_reports
from probandum.dossier import WHOLE, Dossier, publisher
from probandum.errors import MissingDependency, RecordError, UnknownName
from probandum_reports import charting, docx, html, pdf
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.publisher import RENDERERS, DocumentPublisher
from probandum_reports.view import View

QUICK = ["md", "json"]


def test_the_reports_package_registers_its_publisher() -> None:
    """Whoever loads the plugin can write documents."""
    assert probandum_reports.__name__ == "probandum_reports"
    assert isinstance(publisher(), DocumentPublisher)


def test_known_documents_say_what_they_are() -> None:
    """Each document has a title, a sentence, readers, and the provisions it answers."""
    known = DocumentPublisher().known()

    assert set(templates()) == set(known)
    assert all(spec.title and spec.summary and spec.audience and spec.requirements for spec in known.values())


def test_documents_index_and_evidence_are_written(dossier: Dossier, tmp_path: Path) -> None:
    """The index comes first, and every file that is named exists with mode 600."""
    files = DocumentPublisher().publish(dossier, ["annex_iv", "dpia"], tmp_path, QUICK)

    assert tmp_path / "index.html" == files[0]
    assert {"annex_iv.md", "annex_iv.json", "dpia.md", "dpia.json"} <= {file.name for file in files}
    assert all(file.is_file() and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert len(files) == len(set(files))


def test_every_evidence_link_leads_somewhere(dossier: Dossier, tmp_path: Path) -> None:
    """The page and the anchor that a finding links to exist."""
    DocumentPublisher().publish(dossier, ["annex_iv"], tmp_path, QUICK)
    view = View(build("annex_iv", dossier), dossier)
    for finding in dossier.findings:
        page, _, anchor = view.shown(finding.id).href.partition("#")

        assert f'id="{anchor}"' in (tmp_path / page).read_text(encoding="utf-8")


def test_the_same_dossier_gives_the_same_bytes_in_every_format(dossier: Dossier, tmp_path: Path) -> None:
    """Publishing twice writes the same files, byte for byte, without a word of when or where."""
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        files = DocumentPublisher().publish(dossier, ["annex_iv"], folder, list(RENDERERS))
        written.append({file.relative_to(folder): file.read_bytes() for file in files})

    assert written[0] == written[1]
    assert {f"annex_iv.{name}" for name in RENDERERS} <= {path.name for path in written[0]}


def test_all_documents_are_the_same_bytes_again(dossier: Dossier, tmp_path: Path) -> None:
    """Whatever an earlier dossier left behind, such as charts and findings in words."""
    written = []
    for name in ("one", "two"):
        again = replace(dossier)
        files = DocumentPublisher().publish(again, list(templates()), tmp_path / name, ["html", "md", "json"])
        written.append({file.relative_to(tmp_path / name): file.read_bytes() for file in files})

    assert written[0] == written[1]
    assert {f"{name}.html" for name in templates()} <= {path.name for path in written[0]}


def test_what_is_typeset_beside_others_is_the_file_that_stands_alone(dossier: Dossier, tmp_path: Path) -> None:
    """The thread changes when a file is made, and no byte of it."""
    DocumentPublisher().publish(dossier, ["summary", "dpia"], tmp_path, ["pdf", "md"])

    for name in ("summary", "dpia"):
        assert pdf.render(View(build(name, dossier), dossier)) == (tmp_path / f"{name}.pdf").read_bytes()


def test_a_chart_is_drawn_once_for_all_documents_and_formats(
    dossier: Dossier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each document is the same to the byte as one whose charts are drawn for it alone."""
    drawn: list[bytes] = []
    whole = charting.written

    def written(sheet: Any, alt: str) -> bytes:
        drawn.append(whole(sheet, alt))
        return drawn[-1]

    monkeypatch.setattr(charting, "written", written)
    DocumentPublisher().publish(dossier, ["annex_iv", "dpia"], tmp_path, ["html", "pdf", "docx"])
    alone = View(build("dpia", dossier), dossier)

    assert 1 < len(set(drawn)) == len(drawn)
    for name, render in (("html", html.render), ("pdf", pdf.render), ("docx", docx.render)):
        assert render(alone) == (tmp_path / f"dpia.{name}").read_bytes()
    assert len(drawn) > len(set(drawn))


def test_an_unknown_format_is_named(dossier: Dossier, tmp_path: Path) -> None:
    """A slip in a format is an error before anything is written."""
    with pytest.raises(UnknownName, match="unknown format 'mkd'"):
        DocumentPublisher().publish(dossier, ["annex_iv"], tmp_path, ["mkd"])

    assert [] == list(tmp_path.iterdir())


def test_a_missing_package_is_an_error_and_no_missing_file(
    dossier: Dossier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A format whose package is not installed stops the writing before the first file."""
    monkeypatch.setitem(sys.modules, "typst", None)

    with pytest.raises(MissingDependency, match="typst"):
        DocumentPublisher().publish(dossier, ["annex_iv"], tmp_path, ["md", "pdf"])

    assert [] == list(tmp_path.iterdir())


def test_a_document_with_a_breach_is_not_written(
    dossier: Dossier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the lint finds stops the writing before the first file."""
    changed = replace(build("annex_iv", dossier), subtitle="A certified system")
    monkeypatch.setitem(DocumentPublisher.publish.__globals__, "build", lambda name, dossier: changed)

    with pytest.raises(RecordError, match="the claim 'certified'"):
        DocumentPublisher().publish(dossier, ["annex_iv"], tmp_path, QUICK)

    assert [] == list(tmp_path.iterdir())


def test_every_format_has_a_renderer() -> None:
    """The formats of the command line are those that the package renders."""
    from probandum.api import FORMATS

    assert set(FORMATS) == {*RENDERERS, *WHOLE}


def test_loading_the_package_loads_nothing_heavy() -> None:
    """The plugin is imported by every command, and must cost none of them a second."""
    code = (
        "import sys, probandum_reports; "
        "print([name for name in ('matplotlib', 'typst', 'docx', 'pandas', 'torch', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
