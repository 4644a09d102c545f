"""Recorded answers as a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from probandum.errors import DataError
from probandum.evidence import Capability, Request
from probandum.target import Problem, TargetContext, known_targets, make_target
from probandum.targets import load_builtin

load_builtin()


def recall(*items: str) -> Request:
    """A request for recorded answers."""
    return Request(kind=Capability.RECALL, inputs=items)


def test_answers_are_found_by_their_items(tmp_path: Path) -> None:
    """In the order asked; an item without an answer has a 0 and no text, and an empty answer is an answer."""
    (tmp_path / "a.jsonl").write_text('{"name": 1, "said": "yes"}\n{"name": "b", "said": ""}\n')
    target = make_target(
        "answers", TargetContext(folder=tmp_path), {"path": "a.jsonl", "item": "name", "answer": "said"}
    )
    (found,) = target.answer([recall("b", "c", "1")])

    assert ("", "", "yes") == found.texts
    assert [[1], [0], [1]] == found.values.tolist()
    assert 2 == target.identity()["answers"]


def test_two_answers_to_one_item_are_refused(tmp_path: Path) -> None:
    """Alike they are one; unlike, nobody knows which counts."""
    (tmp_path / "a.csv").write_text("item,answer\n1,yes\n1,yes\n1,no\n")

    with pytest.raises(DataError, match=r"target.path: a.csv:4: item '1' has two answers"):
        make_target("answers", TargetContext(folder=tmp_path), {"path": "a.csv"})


@pytest.mark.parametrize(
    ("options", "content", "said"),
    [
        ({}, "item,answer\n1,yes\n2,no\n1,yes\n", []),
        (
            {},
            "item,answer\n1,yes\n1,no\n2,no\n2,yes\n",
            [
                Problem(("path",), "a.csv:3: item '1' has two answers; leave one of them"),
                Problem(("path",), "a.csv:5: item '2' has two answers; leave one of them"),
            ],
        ),
        (
            {"answer": "reply"},
            "id,answer\n1,yes\n",
            [
                Problem((), "a.csv:2: no field 'item'; found: id, answer"),
                Problem(("answer",), "a.csv:2: no field 'reply'; found: id, answer"),
            ],
        ),
        ({}, "item,answer\n1,yes\n1\n", [Problem(("path",), "a.csv:3: 1 field, and the header names 2")]),
    ],
)
def test_the_plan_is_told_what_the_file_shows(
    tmp_path: Path, options: dict[str, str], content: str, said: list[Problem]
) -> None:
    """Every item with two answers, every field that is not there, and a file that cannot be read."""
    (tmp_path / "a.csv").write_text(content)
    found = known_targets()["answers"].file_problems({"path": "a.csv", **options}, TargetContext(folder=tmp_path))

    assert said == list(found)
