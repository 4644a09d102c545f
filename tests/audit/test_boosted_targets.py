"""Real boosted trees in their native formats: asked as their own classifiers answer, and no file ends the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from probandum import api
from probandum.errors import ProbandumError, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Verdict
from probandum.target import Target, TargetContext, known_targets, make_target
from probandum.targets import load_builtin
from records import write_sklearn_plan

load_builtin()

RNG = np.random.default_rng(5)
INCOME, DEBT = RNG.normal(size=300), RNG.normal(size=300)
TOWN = np.array(["Ulm", "Bonn", "Koeln"])[RNG.integers(0, 3, 300)]
GOOD = ((INCOME - DEBT > 0) ^ (TOWN == "Ulm")).astype(int)
THREE = (INCOME > 0).astype(int) + (DEBT > 0)
ROWS = Table({"debt": DEBT, "income": INCOME, "home town": TOWN})
FRAME = pd.DataFrame({"income": INCOME, "debt": DEBT})
MIXED = FRAME.assign(**{"home town": pd.Categorical(TOWN)})
FEATURES = ("debt", "income", "home town")
FILES = {"xgboost": "model.ubj", "lightgbm": "model.txt"}
EITHER = pytest.mark.parametrize("name", FILES)


def fitted(name: str, rows: Any, classes: Any, **options: Any) -> Any:
    """A classifier of the library."""
    if name == "xgboost":
        return xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, **options).fit(rows, classes)
    more = {"min_child_samples": 5, "verbose": -1, "n_jobs": 1, **options}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lightgbm.basic, "_log_warning", lambda text: None)  # it warns of the space in a name
        return lightgbm.LGBMClassifier(n_estimators=5, **more).fit(rows, classes)


def saved(folder: Path, name: str, model: Any, file: str | None = None) -> Path:
    """The model in its native format."""
    path = folder / (file or FILES[name])
    booster = model if hasattr(model, "save_model") else model.booster_
    booster.save_model(path)
    return path


@contextmanager
def made(folder: Path, name: str, features: tuple[str, ...] = FEATURES, **options: Any) -> Iterator[Target]:
    """The target as a plan would make it, closed in the end."""
    context = TargetContext(folder=folder, features=features, threads=1)
    target = make_target(name, context, {"path": FILES[name], **options})
    try:
        yield target
    finally:
        target.close()


def asked(target: Target, table: Table = ROWS) -> Response:
    """The answer for these rows."""
    (response,) = target.answer([Request(kind=Capability.PREDICT, inputs=table)])
    return response


def refused(folder: Path, name: str, error: type[ProbandumError], *features: str, **options: Any) -> str:
    """The one line that loading ends in."""
    with pytest.raises(error) as caught, made(folder, name, features or FEATURES, **options):
        raise AssertionError("made")
    (line,) = caught.value.lines()

    assert "\n" not in line
    return line


@EITHER
def test_columns_go_by_the_names_in_the_model(tmp_path: Path, name: str) -> None:
    """Whatever their order in the plan; categories go as the model codes them."""
    model = fitted(name, MIXED, GOOD, **({"enable_categorical": True} if name == "xgboost" else {}))
    saved(tmp_path, name, model)
    with made(tmp_path, name) as target:
        assert ("0", "1") == target.labels
        assert ["income", "debt", "home town"] == target.identity()["columns"]
        assert "5" == target.identity()["rounds"]
        assert np.allclose(model.predict_proba(MIXED), asked(target).values, atol=1e-6)
        assert len(np.unique(asked(target).values)) > 4


@EITHER
def test_a_category_that_the_model_does_not_know_is_an_error(tmp_path: Path, name: str) -> None:
    """Both libraries would answer as if it were another one."""
    saved(tmp_path, name, fitted(name, MIXED, GOOD, **({"enable_categorical": True} if name == "xgboost" else {})))
    with made(tmp_path, name) as target:
        answer = asked(target, Table({**ROWS.columns, "home town": np.full(300, "Rom")}))

    assert "the model knows no category 'Rom'; it knows Bonn, Koeln, Ulm" in str(answer.error)


@EITHER
def test_categories_that_are_numbers_go_by_their_value(tmp_path: Path, name: str) -> None:
    """Not by their place in the file."""
    kind = np.array([3.0, 5.0, 9.0])[RNG.integers(0, 3, 300)]
    frame = FRAME.assign(kind=pd.Categorical(kind.astype(int)))
    options = {"enable_categorical": True} if name == "xgboost" else {}
    model = fitted(name, frame, (kind == 5).astype(int) ^ (INCOME > 1), **options)
    saved(tmp_path, name, model)
    with made(tmp_path, name, ("income", "debt", "kind")) as target:
        answer = asked(target, Table({"income": INCOME, "debt": DEBT, "kind": kind}))

    assert np.allclose(model.predict_proba(frame), answer.values, atol=1e-6)


@EITHER
def test_a_model_without_names_takes_the_features_in_the_plans_order(tmp_path: Path, name: str) -> None:
    """And as many of them; three classes are three columns."""
    matrix = FRAME.to_numpy()
    model = fitted(name, matrix, THREE)
    saved(tmp_path, name, model)
    with made(tmp_path, name, ("income", "debt"), labels=["a", "b", "c"]) as target:
        assert ("a", "b", "c") == target.labels
        assert np.allclose(model.predict_proba(matrix), asked(target).values, atol=1e-6)

    assert "the model takes 2 columns, data.features names 3" in refused(tmp_path, name, TargetError)
    assert "2 names for 3 classes" in refused(tmp_path, name, UsageError, "income", "debt", labels=["a", "b"])


def test_after_early_stopping_the_best_rounds_answer(tmp_path: Path) -> None:
    """As in the library's own classifier; the format JSON is read too."""
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=2, n_jobs=1)
    model.fit(FRAME[:200], GOOD[:200], eval_set=[(FRAME[200:], GOOD[200:])], verbose=False)
    saved(tmp_path, "xgboost", model, "model.json")
    with made(tmp_path, "xgboost", path="model.json") as target:
        assert str(model.best_iteration + 1) == target.identity()["rounds"]
        assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
        assert np.allclose(model.predict_proba(FRAME), asked(target).values, atol=1e-6)


def test_names_of_categories_that_xgboost_garbles_are_refused(tmp_path: Path) -> None:
    """It cuts names beyond ASCII at the wrong places, so that nobody can tell which code is whose."""
    frame = FRAME.assign(town=pd.Categorical(np.where(TOWN == "Ulm", "Köln", "Ulm")))
    saved(tmp_path, "xgboost", fitted("xgboost", frame, GOOD, enable_categorical=True))

    assert "names of categories beyond ASCII" in refused(tmp_path, "xgboost", TargetError)


@EITHER
def test_raw_scores_are_refused(tmp_path: Path, name: str) -> None:
    """A number that is no probability is not audited as one."""
    objective = {"xgboost": "reg:squarederror", "lightgbm": "regression"}[name]
    saved(tmp_path, name, fitted(name, FRAME, GOOD, objective=objective))

    assert f"a {objective} model, which gives no class probabilities" in refused(tmp_path, name, TargetError)


def test_probabilities_that_do_not_sum_to_one_are_refused(tmp_path: Path) -> None:
    """One against all others is no distribution."""
    saved(tmp_path, "lightgbm", fitted("lightgbm", FRAME, THREE, objective="multiclassova"))

    assert "a multiclassova model, which gives no class" in refused(tmp_path, "lightgbm", TargetError)


@EITHER
@pytest.mark.parametrize("data", [b"", b"{}", b"tree\n", b"\x80\x04", "half", "mixed"])
def test_a_file_that_is_no_model_is_one_line(tmp_path: Path, name: str, data: bytes | str) -> None:
    """Even where the library ends its process on it."""
    whole = saved(tmp_path, name, fitted(name, FRAME, GOOD)).read_bytes()
    made_up = {"half": whole[: len(whole) // 2], "mixed": whole[: len(whole) // 2] * 2}
    (tmp_path / FILES[name]).write_bytes(data if isinstance(data, bytes) else made_up[data])

    assert refused(tmp_path, name, TargetError).startswith(f"{FILES[name]}: ")


@EITHER
def test_what_the_plan_gets_wrong_is_one_line(tmp_path: Path, name: str) -> None:
    """With what it takes instead."""
    saved(tmp_path, name, fitted(name, FRAME, GOOD))

    assert "the model takes the column 'debt', which data.features lacks" in refused(
        tmp_path, name, TargetError, "income"
    )
    assert "expected sha256:000" in refused(tmp_path, name, TargetError, sha256="0" * 64)
    (tmp_path / "model.bin").write_bytes(b"x")
    assert "unknown kind of model file '.bin'" in refused(tmp_path, name, UsageError, path="model.bin")


@EITHER
def test_a_whole_audit_of_a_native_file(tmp_path: Path, name: str) -> None:
    """Under the runner, from file to findings."""
    plan = write_sklearn_plan(tmp_path)
    frame = pd.read_csv(tmp_path / "rows.csv")
    saved(tmp_path, name, fitted(name, frame[["income"]], frame["repaid"]))
    text = plan.read_text("utf-8").replace(
        "{type: sklearn, path: model.skops}", f"{{type: {name}, path: {FILES[name]}}}"
    )
    plan.write_text(text, "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)

    assert name == record.environment["target"]["type"]
    assert any(finding.estimate.value is not None for finding in record.findings)
    assert Verdict.ERROR not in {finding.verdict for finding in record.findings}


@EITHER
def test_the_numbers_of_classes_in_another_order_are_refused(tmp_path: Path, name: str) -> None:
    """By the plan check too: each class would be called by the number of another."""
    saved(tmp_path, name, fitted(name, FRAME.to_numpy(), THREE))
    said = "names 2, 0, 1, and the model's own classes are 0, 1, 2, in this order: 0 would be called 2"

    assert f"target.labels: {said}" in refused(tmp_path, name, UsageError, "income", "debt", labels=[2, 0, 1])
    target = known_targets()[name]
    options = {"path": FILES[name], "labels": [2, 0, 1]}
    (found,) = target.file_problems(options, TargetContext(folder=tmp_path))
    assert ("labels",) == found.place
    assert said in found.text


@EITHER
def test_classes_that_the_library_counts_from_0_have_their_true_names(tmp_path: Path, name: str) -> None:
    """Its native format holds none, so that 1 to 3, or -1 and 1, may be what the model was trained on."""
    for classes, taken in ((GOOD, ([1, 2], [-1, 1], ["bad", "1"], ["1", "good"])), (THREE, ([1, 2, 3], [3, 1, 2]))):
        saved(tmp_path, name, fitted(name, FRAME.to_numpy(), classes))
        for labels in taken:
            options = {"path": FILES[name], "labels": labels}
            assert [] == list(known_targets()[name].file_problems(options, TargetContext(folder=tmp_path)))
            with made(tmp_path, name, ("income", "debt"), labels=labels) as target:
                assert tuple(map(str, labels)) == target.labels
