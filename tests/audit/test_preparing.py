"""What is found before a model is loaded: all of it at once, each with its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from probandum import api
from probandum.errors import PlanError
from probandum.target import known_targets
from probandum.targets import load_builtin
from records import write_plan, write_sklearn_plan


def problems(plan: Path) -> list[str]:
    """What is wrong with a plan, without the folder's name."""
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)
    return [line.replace(f"{plan.parent}/", "") for line in caught.value.lines()]


def changed(plan: Path, *changes: tuple[str, str]) -> Path:
    """The plan with other words."""
    text = plan.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    plan.write_text(text, "utf-8")
    return plan


def test_columns_that_a_log_lacks_are_named_at_once_with_their_places(tmp_path: Path) -> None:
    """Decision, label and group, beside an unknown probe and document."""
    changes = [("approved", "aproved"), ("repaid", "repayed"), ("  sex:", "  gender: {column: sexe}\n  age:")]
    plan = changed(write_plan(tmp_path), *changes, ("bias.group-rates: {}", "bias.group-rate: {}"))
    plan.write_text(plan.read_text("utf-8") + "documents: [annex_v]\n", "utf-8")
    found = problems(plan)

    for start in (
        "audit.yaml:3:36: target.decision: no column 'aproved', did you mean 'approved'?; found: id, sex, approved",
        "audit.yaml:3:70: target.label: no column 'repayed', did you mean 'repaid'?",
        "audit.yaml:5:12: groups.gender.column: no column 'sexe', did you mean 'sex'?",
        "audit.yaml:6:3: groups.age: no column 'age'",
        "audit.yaml:8:3: suites.bias.group-rate: unknown probe",
        "documents.0: unknown document 'annex_v'",
    ):
        assert any(start in line for line in found), start


def test_an_unknown_target_type_is_the_only_error_that_it_makes(tmp_path: Path) -> None:
    """Nobody can say whether a target that there is not needs data or a decision."""
    (line,) = problems(changed(write_plan(tmp_path), ("type: log", "type: logg")))

    assert "audit.yaml:3:10: target.type: unknown target type 'logg', did you mean 'log'?" == line


def test_target_keys_are_checked_beside_every_other_error(tmp_path: Path) -> None:
    """Also where the plan does not fit its model elsewhere."""
    plan = changed(
        write_plan(tmp_path), ("favourable: 1, label:", "favourable: [1], lable:"), ("at_least: 0.8", "at_lest: 0.8")
    )
    *target, unfit = problems(plan)

    assert "limits.0.at_lest: unknown key 'at_lest', did you mean 'at_least'?" in unfit
    assert any("audit.yaml:3:73: target.lable: unknown key 'lable', did you mean 'label'?" in line for line in target)
    assert "audit.yaml:3:56: target.favourable: expected one value, got [1]" in target


def test_a_log_without_a_favourable_decision_is_asked_for_it_at_its_target(tmp_path: Path) -> None:
    """There is no default."""
    (line,) = problems(changed(write_plan(tmp_path), ("favourable: 1, ", "")))

    assert line.startswith("audit.yaml:3:1: target.favourable: not declared: which decision is good for the person?")
    assert "There is no default" in line


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        ("", "the file is empty"),
        ("sex,approved,repaid\n", "a header and no rows"),
        ("sex;approved;repaid\nM;1;1\n", "the file is not separated by commas"),
    ],
)
def test_rows_that_are_not_there_are_found_before_the_run(tmp_path: Path, content: str | None, why: str) -> None:
    """By the plan check and by the audit alike."""
    plan = write_plan(tmp_path)
    (tmp_path / "log.csv").unlink()
    if content is not None:
        (tmp_path / "log.csv").write_text(content, "utf-8")
    found = problems(plan)
    with pytest.raises(PlanError) as caught:
        api.audit(plan, out=tmp_path / "run", documents=False)

    assert all(line.startswith("audit.yaml:") for line in found)
    assert why in found[0]
    assert found == [line.replace(f"{tmp_path}/", "") for line in caught.value.lines()]


def test_columns_of_parquet_rows_and_a_missing_model_are_found_together(tmp_path: Path) -> None:
    """From the schema alone."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    plan = changed(write_sklearn_plan(tmp_path), ("rows.csv", "rows.parquet"), ("[income]", "[income, agee]"))
    parquet.write_table(
        arrow.table({"sex": ["M"], "age": [3], "income": [1.0], "repaid": [1]}), tmp_path / "rows.parquet"
    )
    (tmp_path / "model.skops").unlink()

    assert [
        "audit.yaml:3:25: target.path: no file model.skops; paths start at the plan's folder",
        "audit.yaml:4:62: data.features.1: no column 'agee', did you mean 'age'?; found: sex, age, income, repaid",
    ] == problems(plan)


def test_an_undecided_column_is_told_once(tmp_path: Path) -> None:
    """As the question that it is, not as a column that is missing."""
    (line,) = problems(changed(write_plan(tmp_path), ("label: repaid", "label: TODO")))

    assert "target.label: still to be decided" in line


@pytest.mark.parametrize("threshold", ["1.5", "-0.1"])
def test_a_threshold_that_no_probability_reaches_is_refused(tmp_path: Path, threshold: str) -> None:
    """Every row would be decided alike."""
    (line,) = problems(changed(write_sklearn_plan(tmp_path), ("threshold: 0.5", f"threshold: {threshold}")))

    assert f"decision.threshold: {threshold}, and target sklearn gives probabilities; expected a number from 0" in line


def test_a_score_may_have_any_threshold() -> None:
    """Of a server that gives scores, or decides itself, and of recorded decisions."""
    load_builtin()
    known = known_targets()

    assert known["oip"].gives_probabilities({}) and not known["oip"].gives_probabilities({"outputs": {"kind": "score"}})
    assert known["http"].gives_probabilities({}) and not known["http"].gives_probabilities({"returns": "decisions"})
    assert not known["log"].gives_probabilities({}) and not known["replay"].gives_probabilities({})


def test_a_record_is_judged_again_without_its_rows(tmp_path: Path) -> None:
    """Limits need no data."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    (tmp_path / "log.csv").unlink()

    assert 0 < len(api.judge(record, plan=plan))


def test_checking_the_plan_of_a_model_loads_neither_it_nor_its_library(tmp_path: Path) -> None:
    """Its file is looked at from outside, and pyarrow is for Parquet alone."""
    plan = write_sklearn_plan(tmp_path)
    heavy = {"sklearn", "skops", "pandas", "pyarrow", "torch"}
    program = f"import sys\nfrom probandum import api\napi.check_plan({str(plan)!r})\n"
    program += f"print(sorted({heavy!r} & set(sys.modules)))\n"
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert "[]\n" == ended.stdout
