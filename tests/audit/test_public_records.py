"""Records of files that others publish, each with its place."""

from __future__ import annotations

import csv
import json
import re
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
        ("r.csv", "a,b\n1,2\n1\n", "r.csv:3: 1 field, and the header names 2"),
        ("r.csv", "a,a\n1,2\n", "r.csv:1: the field 'a' occurs twice"),
        ("r.csv", 'a,b\n1,"2\n', "r.csv:2: unexpected end of data"),
        ("r.csv", 'a,b\n1,"2\n3"\n\n4\n', "r.csv:5: 1 field, and the header names 2"),
        ("r.csv", "a;b\n1;yes, of course\n", "r.csv:2: 2 fields, and the header names 1; the file is separated by ';'"),
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

    with pytest.raises(DataError) as caught:
        read_records(path)
    assert re.match(said, "; ".join(caught.value.lines()))


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


@pytest.mark.parametrize("name", ["r.csv", "r.tsv"])
@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x00"])
def test_only_line_ends_end_a_line(tmp_path: Path, name: str, mark: str) -> None:
    """A text with a separator of pages or paragraphs is one field, and the lines after it keep their numbers."""
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, delimiter="," if path.suffix == ".csv" else "\t")
        lines.writerows([["id", "text"], ["1", f"The{mark}grandfather"], ["2", "in\r\ntwo"], ["3", "last"]])
    found = read_records(path)

    assert [f"The{mark}grandfather", "in\r\ntwo", "last"] == [each.text("text") for each in found]
    assert [f"{name}:2", f"{name}:3", f"{name}:5"] == [each.where for each in found]


def test_a_long_text_is_one_field(tmp_path: Path) -> None:
    """A field may be longer than the csv module reads by itself, and what others read is left as it was."""
    before = csv.field_size_limit()
    (tmp_path / "r.csv").write_text(f"id,text\n1,{'a' * (before + 1)}\n")

    assert before + 1 == len(read_records(tmp_path / "r.csv")[0].text("text"))
    assert before == csv.field_size_limit()


def test_a_file_separated_otherwise_is_told(tmp_path: Path) -> None:
    """Names in one field say how the file is separated in fact."""
    (tmp_path / "r.csv").write_text("id;text\n1;yes\n")

    with pytest.raises(DataError, match="no field 'id'") as caught:
        read_records(tmp_path / "r.csv")[0].text("id")
    assert "the file is separated by ';'; save it with commas as .csv, or with tabs as .tsv" == caught.value.remedy
