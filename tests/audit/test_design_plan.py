"""Weights and persons in a plan: where they are named, and what is refused of them, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import entered
from probandum import api
from records import LIMITS, PLAN, write_log, write_sklearn_plan

DECLARED = "label: repaid, weight: weight, cluster: person}"


def plan(
    folder: Path, text: str = DECLARED, *, weights: object = (1, 2.5, 2), persons: object = "every second"
) -> Path:
    """A plan over a log whose rows have weights in turn, and a person every two rows."""
    log = write_log(folder)
    head, *rows = log.read_text("utf-8").splitlines()
    assert isinstance(weights, tuple)
    written = [
        f"{row},{weights[place % len(weights)]},{'' if persons is None and place == 3 else place // 4 * 2 + place % 2}"
        for place, row in enumerate(rows)
    ]
    log.write_text("\n".join([f"{head},weight,person", *written]) + "\n", "utf-8")
    path = folder / "audit.yaml"
    path.write_text(PLAN.replace("label: repaid}", text) + LIMITS, "utf-8")
    return path


def told(folder: Path, path: Path) -> list[str]:
    """What the plan check says, without the name of the plan."""
    return [line.removeprefix(f"{path.name}:") for line in entered(folder, "plan", "check", path.name).err.splitlines()]


def test_a_log_with_weights_and_persons_is_audited(tmp_path: Path) -> None:
    """From plan to sealed record: persons are counted, and what they are worth stands beside."""
    record = api.audit(plan(tmp_path), out=tmp_path / "run")
    findings = record.findings
    (ratio,) = [each for each in findings if each.metric == "bias.group-rates/impact-ratio"]

    assert (400, "log-t") == (ratio.estimate.n, ratio.estimate.method)
    assert ratio.estimate.n_effective is not None
    assert 200 < ratio.estimate.n_effective < 400
    assert "rows of one 'person' as one person; weighted by 'weight'" == ratio.estimate.design
    assert ratio.judged


@pytest.mark.parametrize(
    ("text", "weights", "persons", "wrong"),
    [
        (DECLARED.replace("weight: weight", "weight: wieght"), (1,), "", "target.weight: no column 'wieght', did you"),
        (DECLARED.replace("cluster: person", "cluster: who"), (1,), "", "target.cluster: no column 'who'"),
        (DECLARED, (1, -2), "", "target.weight: row 2: column 'weight' holds -2; a weight is a number of 0"),
        (DECLARED, (1, "nan"), "", "target.weight: log.csv: row 2: column 'weight' holds 'nan', which is no value"),
        (DECLARED, (1, ""), "", "target.weight: log.csv: row 2: column 'weight' is empty"),
        (DECLARED, (0,), "", "target.weight: every weight in column 'weight' is 0, so that no row stands for anybody"),
        (DECLARED, (1, "high"), "", "target.weight: row 2: column 'weight' holds 'high', expected a number"),
        (DECLARED.replace("weight: weight", "weight: 3"), (1,), "", "target.weight: expected text or nothing, got 3"),
    ],
)
def test_weights_that_are_none_are_refused(
    tmp_path: Path, text: str, weights: tuple[object, ...], persons: str, wrong: str
) -> None:
    """With line and column, before anything is asked; the audit says the same."""
    path = plan(tmp_path, text, weights=weights, persons=persons)
    said = told(tmp_path, path)

    assert any(wrong in line for line in said), said
    assert 2 == entered(tmp_path, "audit", path.name).code


def test_rows_of_nobody_are_refused(tmp_path: Path) -> None:
    """A row that names no person cannot be told from the others."""
    said = told(tmp_path, plan(tmp_path, persons=None))

    assert any("row 4: column 'person'" in line and "is empty" in line for line in said), said


def test_data_of_a_model_take_them_too(tmp_path: Path) -> None:
    """``data.weight`` and ``data.cluster``; a column that is not there is named at its key."""
    pytest.importorskip("skops")
    path = write_sklearn_plan(tmp_path)
    path.write_text(path.read_text("utf-8").replace("label: repaid,", "label: repaid, weight: income,"), "utf-8")
    (negative,) = told(tmp_path, path)
    path.write_text(path.read_text("utf-8").replace("weight: income", "weight: wages, cluster: sex"), "utf-8")
    (missing,) = told(tmp_path, path)

    assert "data.weight: row " in negative
    assert "a weight is a number of 0 or more" in negative
    assert "data.weight: no column 'wages'" in missing
