from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

import probandum_reports
from probandum.document import Heading, Table, Text
from probandum.dossier import Dossier
from probandum.errors import DataError, UnknownName
from probandum.resources import shipped
from probandum_reports import messages
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.messages import catalogue, extracted, languages, read, speaking
from probandum_reports.nodes import walk

NAMES = sorted(templates())


def texts(name: str) -> dict[str, int]:
    """Every text of a shipped document, with its line, as `pybabel extract` finds it."""
    root = shipped("templates")
    files = [root / name / "document.yaml", *root.glob("_shared/*.yaml"), *root.glob("_risks/*.yaml")]
    return {
        str(text): line
        for path in files
        for line, text, _, _ in extract("probandum_reports.messages:extracted", io.BytesIO(path.read_bytes()))
    }


def catalogues(folder: Path, **files: dict[str, str]) -> Path:
    """A folder of catalogues, a file each."""
    for name, pairs in files.items():
        made = Catalog()
        for text, other in pairs.items():
            made.add(text, other)
        with (folder / f"{name}.po").open("wb") as file:
            write_po(file, made)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_every_text_of_a_template_comes_from_the_catalogue(
    dossier: Dossier, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each text marked, each heading and each paragraph of the template is marked in the document."""
    marked = {text: f"\u2039{text}\u203a" for text in texts(name)}
    monkeypatch.setattr(messages, "catalogue", lambda language: marked)
    with speaking("xx"):
        document = build(name, replace(dossier, language="xx"))
    own = {section for section in marked if len(section) > 8}
    pairs = zip(build(name, dossier).nodes, document.nodes, strict=True)
    headings = [(a.text, b.text) for a, b in pairs if isinstance(a, Heading) and isinstance(b, Heading)]

    assert f"\u2039{templates()[name].title}\u203a" == document.title
    assert headings
    assert all("\u2039" in there for here, there in headings if any(text in here for text in own))
    assert any(node.text.startswith("\u2039") for node in walk(document.nodes) if isinstance(node, Text))


def test_texts_are_found_with_their_lines() -> None:
    """And neither ids nor paths nor patterns are given to translators."""
    found = texts("annex_iv")

    assert 3 < found["Technical documentation"] < 6
    assert not {"annex_iv", "purpose", "ai-act:annex-iv:0", "closing"} & set(found)


def test_catalogues_of_a_folder_are_one_and_what_is_open_stays_english(tmp_path: Path) -> None:
    """Empty and fuzzy entries are none."""
    folder = catalogues(tmp_path, a={"Review": "Durchsicht", "Purpose": ""}, b={"Data": "Daten"})

    assert {"Review": "Durchsicht", "Data": "Daten"} == read(folder)


def test_two_translations_of_one_text_are_an_error(tmp_path: Path) -> None:
    """It names the file and the text."""
    catalogues(tmp_path, a={"Review": "Durchsicht"}, b={"Review": "Prüfung"})

    with pytest.raises(DataError, match=r"b\.po:\d+: 'Review' is translated otherwise"):
        read(tmp_path)


def test_an_unknown_language_is_named() -> None:
    """With those that there are."""
    with pytest.raises(UnknownName, match="unknown language 'xx'"):
        catalogue("xx")

    assert "en" == languages()[0]


def test_a_language_of_a_region_falls_back_to_the_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To its catalogue and its tag, where it has none of its own; English of any region is English."""
    (tmp_path / "_locale" / "de").mkdir(parents=True)
    catalogues(tmp_path / "_locale" / "de", a={"Review": "Durchsicht"})
    monkeypatch.setattr(messages, "shipped", lambda name: tmp_path)
    catalogue.cache_clear()
    for language, text, tag in (
        ("de_AT", "Durchsicht", "de"),
        ("de-AT", "Durchsicht", "de"),
        ("en_US", "Review", "en"),
    ):
        with speaking(language):
            assert (text, tag) == (messages.said("Review"), messages.tag()[0])
    catalogue.cache_clear()


def test_yaml_that_is_no_template_has_no_texts() -> None:
    """An empty file is none either."""
    assert [] == list(extracted(io.BytesIO(b"- 1\n- 2\n"), [], [], {}))
    assert [] == list(extracted(io.BytesIO(b""), [], [], {}))


def test_the_words_around_facts_are_translated_too(dossier: Dossier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Captions, headers and cells that builders write, as `pybabel extract` finds them in their files."""
    folder = Path(probandum_reports.__file__).parent
    found = [(path.name, str(text)) for path in folder.glob("*.py") for _, text, _, _ in literals_of(path)]
    marked = {text: f"\u2039{text}\u203a" for _, text in found}
    monkeypatch.setattr(messages, "catalogue", lambda language: marked)
    with speaking("xx"):
        tables = [node for node in build("annex_iv", dossier).nodes if isinstance(node, Table)]
    heads = [cell for table in tables for cell in table.header]

    assert "Findings by verdict" in {text for name, text in found if name == "parts.py"}
    assert "\u2039Findings by verdict\u203a" in {table.caption for table in tables}
    assert [] == [cell for cell in heads if not cell.startswith("\u2039")]


def literals_of(path: Path) -> list[tuple[int, str, list[str], object]]:
    """What is extracted of a Python file."""
    return list(extract("probandum_reports.messages:literals", io.BytesIO(path.read_bytes())))  # type: ignore[arg-type]
