"""Splicing: statements stand where they belong, and every other byte of the person's file stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from probandum.errors import UsageError
from probandum.splicing import Statement, spliced
from probandum.yaml_source import read_yaml

SAID = Statement(value="A clerk decides: each case anew", by="Ann Example", date="2026-11-29")
LONG = Statement(value=" ".join(["A clerk looks at every case, and may stop it."] * 8), by="A. B", date="2026-11-29")
STATED = {"value": SAID.value, "by": SAID.by, "date": SAID.date}
CARD = """\
# The card of our desk.
name:   Loan desk      # as in the register

oversight:
    # four blanks here
    interpretation: >-
        Reasons stand beside
        each decision.

provider: {name: "Example Bank AG",
           contact: a@example.org}   # by mail
notices:
- one
- two   # the last
"""


def read(folder: Path, text: str) -> dict[str, object]:
    """The values of a file with this text."""
    path = folder / "card.yaml"
    path.write_bytes(text.encode())
    return read_yaml(path).values


def left(before: str, after: str) -> list[str]:
    """The lines of ``before`` that ``after`` does not hold in the same order."""
    lines = iter(after.splitlines())
    return [line for line in before.splitlines() if line not in lines]


def test_new_statements_stand_at_the_end_of_what_they_belong_to(tmp_path: Path) -> None:
    """Every line of the person stays, comments and odd blanks too, and the values are the old ones and the new."""
    made = spliced(
        CARD, {("oversight", "measures"): SAID, ("data", "training"): LONG, ("dpia", "risks", "R1", "x"): SAID}
    )
    before, after = read(tmp_path, CARD), read(tmp_path, made)

    assert [] == left(CARD, made)
    assert before["oversight"] | {"measures": STATED} == after.pop("oversight")  # type: ignore[operator]
    assert {"value": LONG.value, "by": "A. B", "date": "2026-11-29"} == after.pop("data")["training"]  # type: ignore[index]
    assert {"risks": {"R1": {"x": STATED}}} == after.pop("dpia")
    assert {name: before[name] for name in after} == after
    assert max(map(len, made.splitlines())) <= 120


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("purpose:\n", "purpose:\n"),
        ("purpose:   # what for?\nversion: '1'\n", "purpose: # what for?\n"),
        ("purpose: ~\nversion: '1'\n", "purpose:\n"),
        ("purpose: old words  # since May\n", "purpose: # since May\n"),
        ("purpose: |\n  old\n  words\n\nversion: '1'\n", "purpose:\n"),
        ("purpose: {value: old, by: B}\n", "purpose:\n"),
        ("purpose:\n  value: old\n  by: B   # whom we know\nversion: '1'", "purpose:\n"),
        ("a: 1\n", "a: 1\n"),
        ("a: 1", "a: 1\n"),
        ("a: |\n  x\n", "  x\n"),
        ("a:\n- 1\n- {b: 2}\n", "- {b: 2}\n"),
        ("a: &x {b: 1}\nc: *x\n", "c: *x\n"),
        ("a: 1\r\nb: 2\r\n", "b: 2\r\n"),
        ("{a: 1}\n", "{a: 1,\n"),
        ("{a: 1, purpose: old}\n", "{a: 1, purpose: {value"),
        ("{a: 1, purpose: }\n", "{a: 1, purpose: "),
        ("{}\n", "{purpose"),
    ],
)
def test_whatever_stands_there_is_filled_or_replaced(tmp_path: Path, text: str, line: str) -> None:
    """Nothing, null, lines of text, another statement, braces or none: now the statement stands there."""
    made = spliced(text, {("purpose",): SAID})
    before, after = read(tmp_path, text), read(tmp_path, made)

    assert STATED == after.pop("purpose")
    assert {name: value for name, value in before.items() if name != "purpose"} == after
    assert line in made
    assert ("\r\n" in text) == ("\r\n" in made)
    assert "\n" not in made.replace("\r\n", "") or "\r" not in text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_statement_that_is_written_again_leaves_no_line_behind(newline: str) -> None:
    """The second and the third time the file is the same, with a comment behind the last line as with none."""
    text = f"a: 1{newline}purpose:{newline}  value: old{newline}  by: B  # whom we know{newline}b: 2{newline}"
    once = spliced(text, {("purpose",): SAID})

    assert "whom we know" in once and f"{newline}{newline}" not in once
    assert once == spliced(once, {("purpose",): SAID})


def test_a_text_is_written_plainly_where_no_statement_can_stand(tmp_path: Path) -> None:
    """As who declares the whole card; in braces and without."""
    for text in ("name: x\n", "name: x\ndeclared: {by: old}\n", "name: x\ndeclared:\n  by: |\n    old\n"):
        made = spliced(text, {("declared", "by"): Statement(value="Ann: Example")})

        assert {"name": "x", "declared": {"by": "Ann: Example"}} == read(tmp_path, made)


@pytest.mark.parametrize(
    "value",
    ["yes", "12", "TODO", "- x", "a # b", "'", '"', "a: b", "two\nlines", "x\ny: #\n  z", "é ➜", "\u202e", "*a"],
)
def test_every_text_is_read_again_as_it_was(tmp_path: Path, value: str) -> None:
    """Whatever YAML would take it for, in braces and without."""
    said = Statement(value=value, by=value.split("\n")[0], date="2026-11-29")
    for text in ("name: x\n", "{name: x}\n", "name: x\na:\n  b: c\n"):
        made = spliced(text, {("a", "d"): said})

        assert {"value": value, "by": said.by, "date": "2026-11-29"} == read(tmp_path, made)["a"]["d"]  # type: ignore[index]


def test_long_texts_in_braces_are_wrapped(tmp_path: Path) -> None:
    """As the person's own lines are."""
    made = spliced("system: {name: Desk}\n", {("system", "purpose"): LONG})

    assert LONG.value == read(tmp_path, made)["system"]["purpose"]["value"]  # type: ignore[index]
    assert max(map(len, made.splitlines())) <= 120


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oversight: A clerk.\n", "oversight: holds a text, and measures belongs below it"),
        ("oversight: [A clerk]\n", "oversight: holds a list, and measures belongs below it"),
        ("base: &b {x: 1}\noversight: *b\n", "oversight: stands behind an alias"),
        ("- 1\n", "expected keys and values"),
    ],
)
def test_where_nothing_can_be_put_is_said(text: str, message: str) -> None:
    """Rather than losing what stands there."""
    with pytest.raises(UsageError, match=message):
        spliced(text, {("oversight", "measures"): SAID})
