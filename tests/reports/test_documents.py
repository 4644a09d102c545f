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


@pytest.mark.parametrize(
    ("content", "figure"),
    [
        ("text: The accuracy of the system is 0.97.", "0.97"),
        ("text: The accuracy is 0,97.", "0,97"),
        ("text: It is right in 97 % of cases.", "97 %"),
        ("text: 97 percent are right.", "97 percent"),
        ("text: It holds for n = 500 rows.", "n = 500"),
        ("text: 3 of 4 groups are above.", "3 of 4"),
        ("text: From .95 to .99.", ".95"),
        ("text: \"{{ '0.97' }}\"", "0.97"),
        ("lines: ['Right in 0.97 of {{ card(\\'name\\', \\'n\\') }}']".replace("\\'", "''"), "0.97"),
        ("human: [{label: 0.97 of all, card: a}]\n        caption: C", "0.97"),
        ("human: [{label: L, card: a, what: above 5 %}]\n        caption: C", "5 %"),
        ("table: {caption: 'At 0.9', header: [a, b], rows: [[c, d]]}", "0.9"),
        ("table: {caption: C, header: [a, b], rows: [[c, '0.9']]}", "0.9"),
        ("findings: {select: {families: [bias]}, caption: C, missing: below 0.1}", "0.1"),
    ],
)
def test_no_text_of_a_template_holds_a_figure(tmp_path: Path, content: str, figure: str) -> None:
    """What was measured is a finding; one line names template, place and figure, wherever a reader would see it."""
    path = written(tmp_path, f"  - title: A\n    content:\n      - {content}\n")

    with pytest.raises(PlanError) as caught:
        read_template(path)

    (line,) = caught.value.lines()
    assert line.startswith(f"{path}:12:")
    assert f"content.0.{content.partition(':')[0]}" in line
    assert f"the figure {figure!r} is no finding of a record" in line


def test_citations_dates_and_numbers_of_sections_are_no_figures(tmp_path: Path) -> None:
    """Nor are constants in words, and what stands under keys that nobody reads, such as paths of the card."""
    path = written(
        tmp_path,
        "  - title: 2.1 Data\n"
        "    content:\n"
        "      - text: Regulation (EU) 2024/1689 of 13 June 2024, Directive 85 of 25 July 1985, Annex VII 4.3,\n"
        "          version 1.2, 2.0.1, since 2027-12-02.\n"
        "      - text: Measure 1.1 of the Code, and point 2.1 above; compared with four fifths, at five per cent.\n"
        "      - {text: 10 days and 72 hours, style: note}\n"
        "      - {caption: 2.2.a Rows, facts: [{label: Rows, card: rows.0.9}]}\n",
    )

    assert "2.1 Data" == read_template(path).sections[0].title


def test_a_template_lies_in_the_folder_of_its_name(tmp_path: Path) -> None:
    """The id and the folder agree, so that a document is found by its name."""
    path = written(tmp_path, "  - title: A\n")
    moved = path.parent.rename(tmp_path / "other") / "document.yaml"

    with pytest.raises(PlanError, match="expected 'other', as the folder, got 'demo'"):
        read_template(moved)
