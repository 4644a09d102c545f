"""Rows: CSV and Parquet say the same, what is wrong is one line, and what is declared has to occur."""

from __future__ import annotations

import csv
import datetime
import decimal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum.columns import numbers_of
from probandum.errors import DataError, ProbandumError
from probandum.evidence import Table
from probandum.matching import make_groupings, make_subject
from probandum.subject import UNKNOWN, Decision, Grouping, Subject, spelled
from probandum.tables import read_table

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Nd"]), max_size=8).filter(
    lambda word: word == word.strip()
)
numbers = st.floats(-(10.0**15) + 1, 10.0**15 - 1)


def as_csv(path: Path, columns: Mapping[str, Any]) -> Path:
    """The columns as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def as_parquet(path: Path, columns: Mapping[str, Any]) -> Path:
    """The columns as a Parquet file."""
    parquet.write_table(arrow.table(dict(columns)), path)
    return path


def written(path: Path, text: str | bytes) -> Path:
    """A file of these bytes."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def refused(path: Path, columns: Sequence[str] | None = None) -> str:
    """The one line that reading the file ends in."""
    with pytest.raises(DataError) as caught:
        read_table(path, columns=columns)
    (line,) = caught.value.lines()

    assert "\n" not in line
    return line


@given(st.lists(st.tuples(words, numbers, numbers), min_size=1, max_size=12))
def test_csv_and_parquet_give_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, float]]
) -> None:
    """Texts and numbers, to the last bit."""
    folder = tmp_path_factory.mktemp("rows")
    columns = {"town": ["T", *(row[0] for row in rows)], "a b": [0.5, *(row[1] for row in rows)]}
    columns["c"] = [1.5, *(row[2] for row in rows)]
    one = read_table(as_csv(folder / "rows.csv", columns), columns=["c", "town"])
    other = read_table(as_parquet(folder / "rows.parquet", columns), columns=["c", "town"])

    assert ["c", "town"] == list(one) == list(other)
    assert columns["town"] == one["town"].tolist()
    assert one.digest == other.digest


def test_all_columns_are_read_where_none_is_named(tmp_path: Path) -> None:
    """An empty cell then makes no error: nobody has said that its column counts."""
    columns = {"a": [1, None, 3], "b": ["x", "", "z"], "c": [1.5, 2.0, -3.0]}
    one = read_table(as_csv(tmp_path / "rows.csv", columns))
    other = read_table(as_parquet(tmp_path / "rows.parquet", columns))

    assert ["1", "", "3"] == one["a"].tolist() == other["a"].tolist()
    assert one.digest == other.digest


@pytest.mark.parametrize(
    "text", ["007", "1234567890123456", "0x10", "1_000", "1,5", "nan", "inf", "1e400", "１２", "--1"]
)
def test_what_a_number_would_not_give_back_stays_text(tmp_path: Path, text: str) -> None:
    """Identifiers keep their zeros and digits; NaN and infinities are words."""
    table = read_table(as_csv(tmp_path / "rows.csv", {"a": ["1", text]}))

    assert ["1", text] == table["a"].tolist()


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "+Infinity", "1e400"])
def test_what_is_no_number_among_numbers_that_count_is_named(tmp_path: Path, text: str) -> None:
    """A column that the plan names must not turn into words; one of words may hold such a word."""
    named = refused(as_csv(tmp_path / "rows.csv", {"a": ["1", text, ""]}), ["a"])
    alone = refused(as_csv(tmp_path / "rows.csv", {"a": [text, text]}), ["a"])
    words = read_table(as_csv(tmp_path / "rows.csv", {"a": ["x", text]}), columns=["a"])

    assert named.startswith(f"rows.csv: row 2: column 'a' holds {text!r}, which is no value; fill it in")
    assert alone.startswith(f"rows.csv: row 1: column 'a' holds {text!r}, which is no value; fill it in")
    assert ["x", text] == words["a"].tolist()


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("-0.5", -0.5), ("+3.", 3.0), (".5", 0.5), ("1e-3", 0.001)])
def test_decimal_numbers_are_numbers(tmp_path: Path, text: str, value: float) -> None:
    """As people and programs write them."""
    assert [value, 2.0] == read_table(as_csv(tmp_path / "rows.csv", {"a": [text, "2"]}))["a"].tolist()


def test_csv_may_be_quoted_end_in_blank_lines_and_begin_with_a_mark(tmp_path: Path) -> None:
    """What spreadsheet programs write is read."""
    path = written(tmp_path / "rows.CSV", '\ufeffa,b\r\n"x, ""y""\nz", 1\r\n\r\nw,2\r\n\r\n')
    table = read_table(path)

    assert ['x, "y"\nz', "w"] == table["a"].tolist()
    assert [1.0, 2.0] == table["b"].tolist()


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", None, "rows.csv: the file is empty; expected a header line and rows"),
        ("a,b\n", None, "rows.csv: a header and no rows"),
        ("1,2\n3,4\n", None, "rows.csv:1: numbers where the header should be; add a line of column names"),
        ("a,b,a\n1,2,3\n", None, "rows.csv: the column 'a' occurs twice in the header"),
        ("age,b\n1,2\n", ["aeg"], "rows.csv: no column 'aeg', did you mean 'age'?; found: age, b"),
        ("a;b\n1;2\n", ["a"], "the file is not separated by commas; save it with commas"),
        ("a,b\n1,2\n3\n", None, "rows.csv:3: 1 field, the header has 2"),
        ("a,b\n1,2,3\n", ["a"], "rows.csv:2: 3 fields, the header has 2"),
        ('a,b\n"1,2\n', None, "rows.csv:2: unexpected end of data; is it a CSV file?"),
        ("a,b\n1,2\n,3\n", ["a"], "rows.csv: row 2: column 'a' is empty; fill it in or leave the row out"),
        ("a\nM\xfcnchen\n".encode("latin-1"), None, "rows.csv: not UTF-8 text; save the file as CSV in UTF-8"),
        ("a\n" + "x" * 200_000 + "\n", None, "rows.csv:2: field larger than field limit (131072)"),
        ("a,b\n1,2\n", [], "rows.csv: no column of it is named; name a label, features or groups in the plan"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_one_line(
    tmp_path: Path, text: str | bytes, columns: Sequence[str] | None, message: str
) -> None:
    """The file, the row or line, and what to do."""
    assert message in refused(written(tmp_path / "rows.csv", text), columns)


@pytest.mark.parametrize(
    ("columns", "named", "message"),
    [
        ({"a": [1.0, None]}, ["a"], "rows.parquet: row 2: column 'a' is empty"),
        ({"a": [1.0, float("nan")]}, ["a"], "rows.parquet: row 2: column 'a' is empty"),
        ({"a": [1.0, float("-inf")]}, ["a"], "rows.parquet: row 2: column 'a' holds '-inf', which is no value"),
        ({"a": [True, None]}, ["a"], "rows.parquet: row 2: column 'a' is empty"),
        ({"a": [[1], [2]]}, ["a"], "rows.parquet: column 'a' holds list<"),
        ({"a": [b"x"]}, ["a"], "rows.parquet: column 'a' holds binary, expected numbers or text"),
        ({"a": [1]}, ["b"], "rows.parquet: no column 'b'; found: a"),
        ({"a": arrow.array([], arrow.int64())}, None, "rows.parquet: a header and no rows"),
    ],
)
def test_what_is_wrong_with_a_parquet_file_is_one_line(
    tmp_path: Path, columns: Mapping[str, Any], named: Sequence[str] | None, message: str
) -> None:
    """As with CSV."""
    assert message in refused(as_parquet(tmp_path / "rows.parquet", columns), named)


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    """Missing, a folder, of an unknown kind, or something else under a known name."""
    (tmp_path / "folder.csv").mkdir()

    assert "nothing.csv: No such file or directory; check the path in the plan" in refused(tmp_path / "nothing.csv")
    assert "Is a directory" in refused(tmp_path / "folder.csv")
    assert "rows.xlsx: unknown kind of table '.xlsx'; expected .csv or .parquet" == refused(tmp_path / "rows.xlsx")
    assert "rows.parquet: no sound Parquet file: " in refused(
        written(tmp_path / "rows.parquet", b"no parquet file at all")
    )


def test_a_damaged_parquet_file_is_one_line_or_read(tmp_path: Path) -> None:
    """Whatever byte is wrong, no library's traceback comes through."""
    path = as_parquet(tmp_path / "rows.parquet", {"a": [1.0, 2.0, 3.0] * 20, "b": ["Ulm", "Bonn", "Köln"] * 20})
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.choice(len(whole), size=200, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            read_table(path, columns=["a", "b"])
        except ProbandumError as error:
            assert 1 == len(error.message.splitlines()), error.message
            assert "rows.parquet" in error.message


def test_kinds_that_only_parquet_has_become_numbers_or_text(tmp_path: Path) -> None:
    """Booleans are 1 and 0, categories their words, dates their text; whole numbers beyond a float's stay text."""
    columns = {
        "flag": [True, False],
        "town": arrow.array(["Ulm", "Bonn"]).dictionary_encode(),
        "code": arrow.array([3, 4]).dictionary_encode(),
        "day": [datetime.date(2026, 11, 1), None],
        "money": [decimal.Decimal("1.50"), decimal.Decimal("2")],
        "id": [2**53 + 1, 7],
    }
    table = read_table(as_parquet(tmp_path / "rows.parquet", columns))

    assert [1.0, 0.0] == table["flag"].tolist()
    assert ["Ulm", "Bonn"] == table["town"].tolist()
    assert [3.0, 4.0] == table["code"].tolist()
    assert ["2026-11-01", ""] == table["day"].tolist()
    assert [1.5, 2.0] == table["money"].tolist()
    assert [str(2**53 + 1), "7"] == table["id"].tolist()


def test_numbers_are_asked_for_by_name() -> None:
    """Whoever needs a column's numbers is told the row that holds none."""
    table = Table({"a": np.array(["1", "x"]), "b": np.array(["1", ""]), "c": np.array([1.0, 2.0])})

    assert [1.0, 2.0] == numbers_of(table, "c", what="t").tolist()
    with pytest.raises(DataError, match=r"^t: row 2: column 'a' holds 'x', expected a number$"):
        numbers_of(table, "a", what="t")
    with pytest.raises(DataError, match=r"^t: row 2: column 'b' is empty$"):
        numbers_of(table, "b", what="t")


PEOPLE = Table(
    {
        "age": np.array([18.0, 25.0, 26.0, 80.0]),
        "town": np.array(["Ulm", "", "Bonn", "Ulm"]),
        "grade": np.array([10.0, 2.0, 2.0, 10.0]),
    }
)


def groups(**spec: Any) -> Grouping:
    """The grouping of one attribute of the people."""
    return make_groupings({"it": spec}, PEOPLE)["it"]


def test_groups_are_the_values_of_a_column() -> None:
    """Sorted, numbers by size; who states none is a group of its own, last."""
    town, grade = groups(column="town"), groups(column="grade", reference=2)

    assert ("Bonn", "Ulm", UNKNOWN) == town.names
    assert [1, 2, 0, 1] == town.codes.tolist()
    assert ("2", "10") == grade.names
    assert "2" == grade.reference


def test_bins_are_closed_on_the_right_and_the_first_on_both_sides() -> None:
    """An empty interval stays a group: that nobody is there is a finding."""
    named = groups(column="age", bins=[18, 25, 30, 120], labels=["young", "middle", "old"], reference="old")
    plain = groups(column="age", bins=[18, 25.5, 120])

    assert [0, 0, 1, 2] == named.codes.tolist()
    assert ("18 to 25.5", "over 25.5 to 120") == plain.names
    assert ("0 to 17", "over 17 to 18", "over 18 to 100") == groups(column="age", bins=[0, 17, 18, 100]).names


@given(st.lists(st.integers(0, 20), min_size=2, max_size=6, unique=True), st.lists(st.floats(0, 20), min_size=1))
def test_every_value_within_the_edges_falls_into_the_one_bin_that_holds_it(
    edges: list[int], values: list[float]
) -> None:
    """The interval's name is the truth."""
    edges = sorted(edges)
    kept = [value for value in values if edges[0] <= value <= edges[-1]] or [float(edges[0])]
    made = make_groupings({"a": {"bins": edges}}, Table({"a": np.array(kept)}))["a"]

    assert len(edges) - 1 == len(made.names)
    for value, code in zip(kept, made.codes, strict=True):
        assert value <= edges[code + 1]
        assert value > edges[code] or (code == 0 and value == edges[0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"column": "aeg"}, "groups.it: no column 'aeg', did you mean 'age'?"),
        ({"column": "town", "reference": "Rome"}, "groups.it.reference: 'Rome' is not among the groups"),
        ({"column": "age", "bins": [0, 50]}, "groups.it.bins: row 4: age 80 lies outside the bins 0 to 50"),
        ({"column": "age", "bins": [20, 90]}, "groups.it.bins: row 1: age 18 lies outside the bins 20 to 90"),
        ({"column": "age", "bins": [0]}, "groups.it.bins: [0] do not rise; expected at least two rising numbers"),
        ({"column": "age", "bins": [0, 0, 9]}, "groups.it.bins: [0, 0, 9] do not rise"),
        (
            {"column": "age", "bins": [0, 50, 90], "labels": ["all"]},
            "groups.it.labels: 1 label for 2 intervals; expected one each",
        ),
        ({"column": "age", "bins": [0, 50, 90], "labels": ["a", "a"]}, "groups.it.labels: the label 'a' occurs twice"),
        ({"column": "town", "labels": ["a", "b", "c"]}, "groups.it.labels: labels name bins, and there are none"),
        ({"column": "town", "bins": [0, 1]}, "groups.it.bins: row 1: column 'town' holds 'Ulm', expected a number"),
    ],
)
def test_groups_that_do_not_fit_the_rows_are_one_line(spec: Mapping[str, Any], message: str) -> None:
    """The attribute, the row, and what was found."""
    with pytest.raises(DataError) as caught:
        groups(**spec)

    assert message in caught.value.message


def test_an_identifier_is_no_grouping() -> None:
    """More than a hundred groups want bins."""
    table = Table({"id": np.arange(101.0)})

    with pytest.raises(DataError, match="column 'id' has 101 distinct values, at most 100 groups are audited"):
        make_groupings({"id": {}}, table)


def test_intersections_cross_names_codes_and_references() -> None:
    """A person is in one intersection, and both references make one."""
    one = Grouping(attribute="race", codes=np.array([0, 1, 1]), names=("A", "B"), reference="A")
    other = Grouping(attribute="sex", codes=np.array([1, 0, 1]), names=("F", "M"), reference="M")
    both = one.cross(other)

    assert ("race*sex", "A*M") == (both.attribute, both.reference)
    assert ["A*M", "B*F", "B*M"] == [both.names[code] for code in both.codes]
    assert None is one.cross(Grouping(attribute="sex", codes=other.codes, names=("F", "M"))).reference


@pytest.mark.parametrize(
    ("value", "known", "text"),
    [
        (True, ["no", "yes"], "yes"),
        (True, ["False", "True"], "True"),
        (True, ["0", "1"], "1"),
        (False, ["NO", "YES"], "NO"),
        ("True", ["0", "1"], "1"),
        (str(True), ["no", "yes"], "yes"),
        ("false", ["FALSE", "TRUE"], "FALSE"),
        (1, ["False", "True"], "True"),
        (0, ["0", "1"], "0"),
        (1.0, ["0", "1"], "1"),
        ("2.50", ["2.5", "3"], "2.5"),
        ("yes", ["0", "1"], "yes"),
        (1, ["no", "yes"], "1"),
        ("good", ["Good"], "good"),
        (7, ["0", "1"], "7"),
    ],
)
def test_a_value_is_spelled_as_the_file_spells_it(value: object, known: Sequence[str], text: str) -> None:
    """YAML reads yes, true and 1.0 as values; files hold words. Nothing else is guessed."""
    assert text == spelled(value, known)


LOANS = Table({"income": np.array([1.0, 2.0]), "repaid": np.array(["False", "True"]), "id": np.array(["a", ""])})


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"features": ["income", "debt"]}, "data.features: no column 'debt'"),
        ({"row_id": "id"}, "data.id: row 2: column 'id' is empty"),
        ({"label": "repayed"}, "data.label: no column 'repayed', did you mean 'repaid'?"),
        (
            {"label": "repaid", "decision": Decision(favourable="1", positive="2")},
            "data.positive: '2' is not among the values of column 'repaid'; found: False, True",
        ),
        (
            {"classes": ("good", "bad"), "decision": Decision(favourable="1")},
            "decision.favourable: '1' is not among the model's classes; found: good, bad",
        ),
        (
            {"classes": ("good", "bad"), "decision": Decision(favourable="good", positive="poor")},
            "data.positive: 'poor' is not among the model's classes",
        ),
        (
            {"classes": ("good", "bad"), "decision": Decision(favourable="good", assumed=True)},
            (
                "data.positive: not declared, and '1', which then counts, is not among the model's classes; declare "
                "data.positive, the value that the system tries to detect; found: good, bad"
            ),
        ),
    ],
)
def test_what_is_declared_has_to_occur(what: Mapping[str, Any], message: str) -> None:
    """A favourable or positive value that never occurs would make every rate 0 or 1."""
    with pytest.raises(DataError) as caught:
        make_subject(table=LOANS, **what)

    assert message in "; ".join(caught.value.lines())


def answer(subject: Subject, *good: float) -> Any:
    """What the model's probabilities of class 1 become."""
    from probandum.evidence import Response

    outputs = np.column_stack([1 - np.array(good), np.array(good)])
    return subject.outcomes(Response(outputs=outputs, labels=("0", "1")))


@pytest.mark.parametrize("favourable", [0, 1, True, False, "1"])
@pytest.mark.parametrize("positive", [0, 1, True, False, "True"])
def test_decisions_follow_the_declared_values_however_they_are_spelled(favourable: object, positive: object) -> None:
    """The label's file says False and True, the model's classes are 0 and 1: they are the same two values."""
    decision = Decision(favourable=str(favourable), positive=str(positive), threshold=0.6)
    subject = make_subject(table=LOANS, label="repaid", decision=decision, classes=("0", "1"))
    outcomes = answer(subject, 0.3, 0.7)
    one_is_positive, one_is_good = str(positive) in ("1", "True"), str(favourable) in ("1", "True")
    says_one = [False, True] if one_is_positive else [False, False]
    detected = says_one if one_is_positive else [True, False]

    assert detected == outcomes.detected.tolist()
    assert [got == (one_is_good == one_is_positive) for got in detected] == outcomes.favourable.tolist()
    assert ([False, True] if one_is_positive else [True, False]) == outcomes.positive.tolist()


def test_at_the_threshold_the_decision_is_positive() -> None:
    """At or above, as the plan says; a half where it says nothing."""
    subject = make_subject(table=LOANS, label="repaid", decision=Decision(favourable="1"), classes=("0", "1"))

    assert [False, True] == answer(subject, np.nextafter(0.5, 0), 0.5).detected.tolist()
    assert ["row-0", "row-1"] == list(subject.keys())


def test_without_a_declared_decision_there_are_no_outcomes() -> None:
    """Which decision is good has no default."""
    subject = make_subject(table=LOANS)

    assert None is subject.positive
    with pytest.raises(DataError, match="favourable decision is not declared"):
        answer(subject, 0.5, 0.5)
