"""Decisions already made: each row answers for itself, and nobody guesses what a log does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from fakes import run_probe
from probandum import api, codec
from probandum.errors import DataError, ProbandumError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.matching import make_subject
from probandum.plugins import load_plugins
from probandum.probe import make_probe
from probandum.subject import Decision
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from records import PLAN, write_log, write_plan

load_builtin()

ROWS = """\
sex,granted,risk,score,outcome
F,yes,2,0.1,paid
M,no,7,0.9,default
F,no,5,0.5,paid
M,yes,1,0.2,default
"""


def log(folder: Path, text: str = ROWS, **options: Any) -> Target:
    """The target over these rows."""
    (folder / "log.csv").write_text(text, "utf-8")
    return make_target("log", TargetContext(folder=folder), {"path": "log.csv", **options})


def answered(target: Target, table: Table | None = None) -> Response:
    """The answer for these rows, by default all of the log."""
    rows = target.table() if table is None else table
    assert rows is not None
    (response,) = target.answer([Request(kind=Capability.PREDICT, inputs=rows)])
    return response


def columns(target: Target) -> dict[str, list[float]]:
    """The answer for the whole log by column."""
    response = answered(target)
    return dict(zip(response.labels, response.values.T.tolist(), strict=True))


def test_a_decision_is_a_word_of_the_file(tmp_path: Path) -> None:
    """YAML's yes is the file's; without a label, what is not favourable is what the system detects."""
    target = log(tmp_path, decision="granted", favourable=True)

    assert {"favourable": [1.0, 0.0, 0.0, 1.0], "detected": [0.0, 1.0, 1.0, 0.0]} == columns(target)


def test_a_number_becomes_a_decision_at_its_threshold(tmp_path: Path) -> None:
    """At or above is 1, and the score is answered as recorded."""
    target = log(tmp_path, decision={"column": "risk", "at_least": 5}, favourable=0, score="score")

    assert {
        "favourable": [1.0, 0.0, 0.0, 1.0],
        "detected": [0.0, 1.0, 1.0, 0.0],
        "score": [0.1, 0.9, 0.5, 0.2],
    } == columns(target)
    assert 5.0 == target.identity()["at_least"]


def test_what_counts_as_detected_can_be_declared(tmp_path: Path) -> None:
    """Decisions and outcomes have words of their own: which decision foretells a default, only people know."""
    target = log(tmp_path, decision="granted", favourable="yes", label="outcome", positive="default", detected="no")

    assert [0.0, 1.0, 1.0, 0.0] == columns(target)["detected"]


def test_where_decisions_and_outcomes_share_their_words_the_positive_one_is_detected(tmp_path: Path) -> None:
    """A log of predictions needs no further word."""
    text = "said,was\n1,1\n0,1\n1,0\n"

    assert [1.0, 0.0, 1.0] == columns(log(tmp_path, text, decision="said", favourable=0, label="was"))["detected"]
    flipped = log(tmp_path, text, decision="said", favourable=0, label="was", positive=0)
    assert [0.0, 1.0, 0.0] == columns(flipped)["detected"]


def test_a_system_that_always_decides_alike_detects_nothing(tmp_path: Path) -> None:
    """A word that only outcomes have is never detected, numbers or not."""
    text = "said,was\n0,0\n0,risky\n"
    target = log(tmp_path, text, decision="said", favourable=0, label="was", positive="risky")

    assert {"favourable": [1.0, 1.0], "detected": [0.0, 0.0]} == columns(target)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"decision": "granted"},
            "target.favourable: not declared: which decision is good for the person?",
        ),
        ({"decision": "granted", "favourable": "maybe"}, "the favourable decision 'maybe' never occurs in column"),
        ({"decision": "grant", "favourable": 1}, "no column 'grant', did you mean 'granted'?"),
        ({"decision": "granted", "favourable": "yes", "columns": ["race"]}, "no column 'race'"),
        ({"decision": "granted", "favourable": "yes", "score": "sex"}, "row 1: column 'sex' holds 'F', expected"),
        ({"decision": {"column": "sex", "at_least": 5}, "favourable": 0}, "row 1: column 'sex' holds 'F', expected"),
        ({"decision": {"column": "risk", "at_least": 99}, "favourable": 1}, "decision '1' never occurs"),
        (
            {"decision": "granted", "favourable": "yes", "label": "outcome", "positive": "late"},
            "the positive value 'late' never occurs in column 'outcome'; declare target.positive; found: default, paid",
        ),
        (
            {"decision": "granted", "favourable": "yes", "label": "outcome", "positive": "default"},
            "decisions (no, yes) and outcomes (default, paid) have other words; declare target.detected",
        ),
        (
            {"decision": "granted", "favourable": "yes", "detected": "perhaps"},
            "the detected decision 'perhaps' never occurs",
        ),
    ],
)
def test_what_the_log_does_not_say_is_one_line(tmp_path: Path, options: Mapping[str, Any], message: str) -> None:
    """A favourable value that never occurs would make every rate 0."""
    with pytest.raises(UsageError) as caught:
        log(tmp_path, **options)

    assert message in "; ".join(caught.value.lines())


@pytest.mark.parametrize(
    "decision", [{"column": "risk"}, {"column": "risk", "at_least": "five"}, {"column": "risk", "at_least": True}]
)
def test_a_threshold_is_a_number(tmp_path: Path, decision: Mapping[str, Any]) -> None:
    """Both keys, and nothing else."""
    with pytest.raises(UsageError, match=r"target\.decision: expected a column, or \{column: NAME, at_least: NUMBER\}"):
        log(tmp_path, decision=decision, favourable=0)


def test_an_undecided_row_is_an_error(tmp_path: Path) -> None:
    """Nobody is dropped in silence."""
    with pytest.raises(DataError, match=r"row 2: column 'granted' is empty"):
        log(tmp_path, "granted,sex\nyes,F\n,M\nno,M\n", decision="granted", favourable="yes")


def test_rows_are_answered_in_any_order_and_foreign_ones_not(tmp_path: Path) -> None:
    """How the system would have decided on another person, the log does not know."""
    target = log(tmp_path, decision="granted", favourable="yes")
    table = target.table()
    assert table is not None
    foreign = Table({**table.columns, "sex": np.array(["F", "M", "M", "M"])})

    assert [1.0, 0.0] == answered(target, table.take([3, 1])).values[:, 0].tolist()
    assert "input 3: a log answers for its own rows only, and holds none like it" == answered(target, foreign).error
    assert "column 'granted' is not in both" in (answered(target, table.select(["sex"])).error or "")


def test_only_the_named_columns_are_read(tmp_path: Path) -> None:
    """Rows are persons: what no audit needs is not kept."""
    table = log(tmp_path, decision="granted", favourable="yes", columns=["sex"]).table()

    assert table is not None
    assert ["granted", "sex"] == list(table)


def test_a_parquet_log_of_booleans_is_the_same_log(tmp_path: Path) -> None:
    """True is 1, however the plan spells it."""
    parquet.write_table(arrow.table({"ok": [True, False, True], "sex": ["F", "M", "M"]}), tmp_path / "log.parquet")
    target = make_target(
        "log", TargetContext(folder=tmp_path), {"path": "log.parquet", "decision": "ok", "favourable": True}
    )

    assert [1.0, 0.0, 1.0] == columns(target)["favourable"]


def test_the_identity_is_the_bytes_of_the_file_and_how_they_are_read(tmp_path: Path) -> None:
    """Another decision on one row is another log."""
    first = log(tmp_path, decision="granted", favourable="yes").identity()
    read_otherwise = log(tmp_path, decision="granted", favourable="no").identity()
    changed = log(tmp_path, ROWS.replace("M,no", "M,yes"), decision="granted", favourable="yes").identity()

    assert 3 == len({codec.digest_of(identity) for identity in (first, read_otherwise, changed)})
    assert codec.digest(ROWS.encode()) == first["sha256"]


def test_the_counts_of_a_log_are_those_of_its_rows(tmp_path: Path) -> None:
    """Selection rates under the runner are what a pivot table of the file says."""
    record = api.audit(write_plan(tmp_path, PLAN), out=tmp_path / "run", documents=False)
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text("utf-8").splitlines()[1:]]
    found = {
        finding.groups.group: finding.estimate.counts
        for finding in record.findings
        if finding.metric == "bias.group-rates/selection-rate" and finding.groups is not None
    }

    for sex in "FM":
        decided = [row[2] for row in rows if row[1] == sex]
        assert ((decided.count("1"), len(decided)),) == found[sex]


def test_what_needs_other_answers_is_not_applicable(tmp_path: Path) -> None:
    """A log cannot be asked what it would have said."""
    load_plugins()
    write_log(tmp_path)
    target = make_target(
        "log", TargetContext(folder=tmp_path), {"path": "log.csv", "decision": "approved", "favourable": 1}
    )
    table = target.table()
    assert table is not None
    subject = make_subject(table=table, decision=Decision(favourable="1"))
    (response,) = target.answer([Request(kind=Capability.CLASSIFY, inputs=("a text",))])

    assert "target log cannot answer classify" == response.error
    assert "not_applicable" == run_probe(make_probe("bias.name-swap", {}), target, subject).status


def test_a_key_of_the_wrong_kind_is_one_line(tmp_path: Path) -> None:
    """As for every target: the key, what was expected, and what stands there."""
    cases: Sequence[tuple[Mapping[str, Any], str]] = [
        ({"decision": 5}, "target.decision: expected text or keys and values, got 5"),
        ({"decision": "granted", "columns": "sex"}, "target.columns: expected a list or nothing, got 'sex'"),
        ({"decision": "granted", "label": ["a"]}, "target.label: expected text or nothing, got ['a']"),
    ]
    for options, message in cases:
        with pytest.raises(ProbandumError) as caught:
            log(tmp_path, **options)
        assert message == caught.value.message
        assert 2 == caught.value.exit_code
