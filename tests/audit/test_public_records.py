"""Records of files that others publish, each with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from probandum.errors import DataError
from probandum.public_records import read_json, read_records

ROWS = [{"id": "1", "text": "a, b"}, {"id": "2", "text": 'say "so"'}]


def written(folder: Path, name: str) -> Path:
    """The same two records in every format."""
    path = folder / name
    if path.suffix in (".csv", ".tsv"):
        mark = "," if path.suffix == ".csv" else "\t"
        path.write_text("".join(f"{line}\n" for line in [f"id{mark}text", f'1{mark}"a, b"', f'2{mark}"say ""so"""']))
    elif path.suffix == ".json":
        path.write_text(json.dumps(ROWS))
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({key: [row[key] for row in ROWS] for key in ("id", "text")}), path)
    return path


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.json", "r.jsonl", "r.parquet", "R.CSV"])
def test_every_format_holds_the_same(tmp_path: Path, name: str) -> None:
    """Two records are the same two in whatever format they stand, apart from a table's numbers."""
    path = written(tmp_path, name.lower())
    found = read_records(path.rename(tmp_path / name))

    assert ["a, b", 'say "so"'] == [each.text("text") for each in found]
    assert [1.0, 2.0] == [float(each.text("id")) for each in found]
    assert len({each.where for each in found}) == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.csv", "a,b\n1,2\n1\n", "r.csv:3: 1 fields, and the header names 2"),
        ("r.csv", "a,a\n1,2\n", "r.csv:1: the field 'a' occurs twice"),
        ("r.csv", 'a,b\n1,"2\n', "r.csv:2: unexpected end of data"),
        ("r.csv", "a,b\n", "r.csv: holds no record"),
        ("r.csv", "", "r.csv: holds no record"),
        ("r.jsonl", '{"a": 1}\n{"a": \n', "r.jsonl:2:7: no JSON: Expecting value"),
        ("r.jsonl", '{"a": 1}\n[1]\n', r"r.jsonl:2: expected an object, got \[1\]"),
        ("r.json", '{"a": 1}', "r.json: expected a list of objects"),
        ("r.json", '[\n {"a": 1},\n 2 3]', "r.json:3:4: no JSON: Expecting ',' delimiter"),
        ("r.json", "[" * 100_000, "r.json: nested too deeply"),
        ("r.txt", "a", "r.txt: unknown kind of file '.txt'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str, content: str, said: str) -> None:
    """One line, with file and line."""
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(DataError, match=f"^{said}"):
        read_records(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """An absent file and one that is no text."""
    (tmp_path / "r.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"r.json: not UTF-8 text"):
        read_json(tmp_path / "r.json")
    with pytest.raises(DataError, match="No such file"):
        read_records(tmp_path / "absent.csv")


def test_a_field_is_text(tmp_path: Path) -> None:
    """A number is its text; an absent field, a list and a truth value are refused where they stand."""
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": 7, "tags": ["a"], "done": true}\n')
    (found,) = read_records(path)

    assert "7" == found.text("id")
    with pytest.raises(DataError, match=r"r.jsonl:1: no field 'ids', did you mean 'id'"):
        found.text("ids")
    with pytest.raises(DataError, match=r'r.jsonl:1: tags: expected text, got \["a"\]'):
        found.text("tags")
    with pytest.raises(DataError, match="done: expected text, got true"):
        found.text("done")
