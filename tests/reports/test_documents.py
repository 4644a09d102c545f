from __future__ import annotations

from pathlib import Path

import pytest

from probandum.errors import PlanError, UnknownName
from probandum.law import catalogue
from probandum_reports.documents import read_template, template, templates

HEAD = """\
id: demo
title: Demo
subtitle: Sub
summary: One sentence.
audience: Readers
reviewer: somebody
supplier: provider
requirement: ai-act:annex-iv:0
"""


def written(folder: Path, sections: str) -> Path:
    """A template with these sections."""
    path = folder / "demo" / "document.yaml"
    path.parent.mkdir()
    path.write_text(f"{HEAD}sections:\n{sections}", encoding="utf-8")
    return path


def test_annex_iv_answers_every_item_of_the_annex() -> None:
    """Each point 1 to 9 and each lettered item has its section."""
    asked = {requirement.id for requirement in catalogue().entries_of("ai-act:annex-iv")}

    assert asked <= set(template("annex_iv").requirements())


def test_the_dpia_answers_every_part_of_its_content() -> None:
    """The description, the necessity, the risks and the measures have their sections, and so have advice and views."""
    asked = {f"gdpr:35:7:{letter}" for letter in "abcd"} | {"gdpr:35:2", "gdpr:35:9", "gdpr:36:1"}

    assert asked <= set(template("dpia").requirements())


@pytest.mark.parametrize("name", sorted(templates()))
def test_every_provision_that_a_document_names_is_in_the_catalogue(name: str) -> None:
    """No section cites a provision that the law pack does not hold, or one that was deleted."""
    found = [catalogue().get(requirement) for requirement in template(name).requirements()]

    assert all(requirement.kind != "deleted" for requirement in found)


def test_an_unknown_document_is_named_with_a_suggestion() -> None:
    """A slip in a document's name is answered with the nearest one."""
    with pytest.raises(UnknownName, match="did you mean 'annex_iv'"):
        template("annex-iv")


def test_all_problems_of_a_template_come_at_once_with_their_place(tmp_path: Path) -> None:
    """Each problem is one line that starts with file, line and column."""
    path = written(
        tmp_path,
        "  - title: A\n"
        "    content:\n"
        "      - {text: x, lines: [y]}\n"
        "      - {builtin: nothing}\n"
        "      - facts: [{label: L, card: a, run: b}]\n"
        "        caption: C\n"
        "    colour: red\n",
    )

    with pytest.raises(PlanError) as caught:
        read_template(path)

    lines = caught.value.lines()
    assert {12, 13, 14, 16} == {int(line.removeprefix(f"{path}:").partition(":")[0]) for line in lines}
    assert any("expected exactly one of text, lines" in line for line in lines)
    assert any("colour: unknown key" in line for line in lines)


def test_a_template_lies_in_the_folder_of_its_name(tmp_path: Path) -> None:
    """The id and the folder agree, so that a document is found by its name."""
    path = written(tmp_path, "  - title: A\n")
    moved = path.parent.rename(tmp_path / "other") / "document.yaml"

    with pytest.raises(PlanError, match="expected 'other', as the folder, got 'demo'"):
        read_template(moved)
