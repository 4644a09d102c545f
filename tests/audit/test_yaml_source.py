"""YAML that people wrote: what no reader should follow to its end, or cannot hold, is one line with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from commands import entered
from probandum.errors import PlanError
from probandum.resources import shipped
from probandum.yaml_nodes import MOST_DEPTH
from probandum.yaml_source import read_yaml


def write(folder: Path, text: str) -> Path:
    """A YAML file."""
    path = folder / "a.yaml"
    path.write_text(text, "utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    """The one line that reading it ends in."""
    path = write(folder, text)
    with pytest.raises(PlanError) as caught:
        read_yaml(path)
    (line,) = caught.value.lines()
    return line.removeprefix(f"{folder}/")


def grown(first: str, times: int, row: str) -> str:
    """A row a line, each standing for the one above it by its alias."""
    return "\n".join([first, *(row.format(here=n, above=n - 1) for n in range(1, times))])


TENFOLD = "a{here}: &a{here} [" + ", ".join(["*a{above}"] * 10) + "]"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[" * 5000, "a.yaml:1:101: nested deeper than 100 levels"),
        ("a: " + "{b: " * 5000, "a.yaml:1:397: nested deeper than 100 levels"),
        ("\n".join(" " * n + "a:" for n in range(5000)), "a.yaml:100:100: nested deeper than 100 levels"),
        (
            grown("a0: &a0 [x]", 5000, "a{here}: &a{here} [*a{above}]"),
            "a.yaml:99:12: nested deeper than 100 levels, aliases written out",
        ),
        ("a: &a [*a]", "a.yaml:1:8: the alias *a stands within what it stands for"),
        ("a: &a {b: {<<: *a}}", "a.yaml:1:16: the alias *a stands within what it stands for"),
        (
            grown("a0: &a0 [x, x, x, x, x, x, x, x, x, x]", 30, TENFOLD),
            "a.yaml:6:10: more than 200,000 keys and values, aliases written out",
        ),
        (
            grown("a0: &a0 {b: c}", 60, "a{here}: &a{here} {{<<: [*a{above}, *a{above}]}}"),
            "a.yaml:16:17: more than 200,000 keys and values, aliases written out",
        ),
    ],
)
def test_what_no_reader_should_follow_to_its_end_is_refused_at_its_place(tmp_path: Path, text: str, line: str) -> None:
    """No recursion without an end and no memory without one; the message says the limit."""
    assert line == refused(tmp_path, text)


def test_what_stays_within_the_limits_is_read(tmp_path: Path) -> None:
    """The deepest nesting, and aliases that are used as people use them."""
    lists = MOST_DEPTH - 2
    deep = read_yaml(write(tmp_path, "a: " + "[" * lists + "b" + "]" * lists)).values["a"]
    for _ in range(lists):
        (deep,) = deep

    assert "b" == deep
    assert {"a": [1], "b": [1], "c": [1]} == read_yaml(write(tmp_path, "a: &a [1]\nb: *a\nc: *a\n")).values


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: .nan", "a.yaml:1:4: a: .nan is no finite number"),
        ("a: [1, -.inf]", "a.yaml:1:8: a.1: -.inf is no finite number"),
        ("a: 1.0e+400", "a.yaml:1:4: a: 1.0e+400 is no finite number"),
        (
            "a: 18446744073709551616",
            "a.yaml:1:4: a: 18446744073709551616... has more digits than 64 bits hold; write it in quotes",
        ),
        ('a: "x\\0y"', "a.yaml:1:4: a: the text holds NUL or half a character, which no file can"),
        ('"\\ud800": 1', "a.yaml:1:1: the text holds NUL or half a character, which no file can"),
        ("a: 2026-13-45", "a.yaml:1:4: a: '2026-13-45' cannot be read as timestamp: month must be in 1..12"),
        ("a: !!bool maybe", "a.yaml:1:4: a: 'maybe' cannot be read as bool"),
        ("? !!timestamp soon\n: 1", "a.yaml:1:3: 'soon' cannot be read as timestamp"),
        ("? {[1]: 2}\n: 3", "a.yaml:1:3: found unhashable key"),
        ("<<: 3", "a.yaml:1:1: expected a mapping or list of mappings for merging, but found scalar"),
        ("a:\n  \x07", "a.yaml:2:3: broken YAML: the character U+0007 is not allowed"),
        ("a: *b", "a.yaml:1:4: broken YAML: found undefined alias 'b'"),
    ],
)
def test_what_cannot_be_held_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    """Numbers that no canonical JSON holds, texts that no file holds, and values that do not fit their tags."""
    assert line == refused(tmp_path, text)


def test_the_command_says_so_and_ends_with_2(tmp_path: Path) -> None:
    """No traceback, and nothing but the line."""
    write(tmp_path, "version: 1\nsystem: &s {name: *s}\n")
    ended = entered(tmp_path, "plan", "check", "a.yaml")

    assert (2, "a.yaml:2:19: the alias *s stands within what it stands for\n") == (ended.code, ended.err)


UNDECIDED = """\
version: 1
a: {b: TODO}      # which
                  # of the two?

c:
  - TODO
  - "TODO"  # a text
  - TODO it
"""


def test_what_is_still_to_be_decided_is_told_by_its_comment(tmp_path: Path) -> None:
    """Every place at once; in quotes and within a text the word is one like any other."""
    with pytest.raises(PlanError) as caught:
        read_yaml(write(tmp_path, UNDECIDED))

    assert [
        "a.yaml:2:8: a.b: still to be decided: which of the two?",
        "a.yaml:6:5: c.0: still to be decided",
    ] == [line.removeprefix(f"{tmp_path}/") for line in caught.value.lines()]


def test_a_file_may_decide_what_the_one_it_inherits_from_left_open(tmp_path: Path) -> None:
    """Only what is open in the end is told, at its place in the file that leaves it open."""
    (tmp_path / "base.yaml").write_text("a: {b: TODO, c: TODO}  # by whom?\n", "utf-8")
    source = read_yaml(write(tmp_path, "extends: base.yaml\na: {b: 1}\n"), collect=True)

    assert {("a", "c"): f"{tmp_path}/base.yaml:1:17: a.c: still to be decided: by whom?"} == dict(source.undecided)


def test_a_character_that_json_writes_as_two_halves_is_one(tmp_path: Path) -> None:
    """As every writer of JSON in ASCII does beyond the first 65,536; the text is as it was meant."""
    (tmp_path / "a.yaml").write_text(json.dumps({"a": "x\U0001f600y", "\U0001f600": 1}), "utf-8")

    assert {"a": "x\U0001f600y", "\U0001f600": 1} == read_yaml(tmp_path / "a.yaml").values


def test_the_quick_reader_sees_what_the_other_does_at_the_same_places() -> None:
    """Templates and the risk register: values, and where each of them stands."""
    paths = sorted(shipped("templates").glob("*/*.yaml"))

    assert 25 < len(paths)
    for path in paths:
        careful, quick = read_yaml(path, collect=True), read_yaml(path, collect=True, quick=True)
        assert careful.values == quick.values
        assert careful.marks == quick.marks


def test_the_quick_reader_follows_no_bomb_and_names_a_place(tmp_path: Path) -> None:
    """What is too deep, too much, or holds itself is refused there, too, and broken YAML has its line."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    path = tmp_path / "a.yaml"
    for text, said in (
        ("\n".join(lines), "more than 200,000 keys and values, aliases written out"),
        ("a: &a [*a]", "a.yaml:1:8: the alias *a stands within what it stands for"),
        ("a: " + "[" * 200 + "]" * 200, "nested deeper than 100 levels"),
        ("a: [1, 2", "a.yaml:2:1: broken YAML"),
    ):
        path.write_text(text)
        with pytest.raises(PlanError, match=re.escape(said)):
            read_yaml(path, quick=True)
