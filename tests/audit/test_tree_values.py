"""Shapley values that models of boosted trees give of their columns: what they add up to, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from probandum.evidence import ATTRIBUTED_ROWS, Capability, Request, Response, Table
from probandum.packing import checked
from probandum.rehearsing import Counting
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin

pytest.importorskip("shap")
load_builtin()

NAMES = ("a", "b", "c", "d")
VALUES = np.random.default_rng(1).normal(size=(300, 4))
CLASSES = (VALUES[:, 0] + VALUES[:, 1] * VALUES[:, 2] > 0).astype(int)
ROWS = Table.from_matrix(VALUES[:40], NAMES)
KINDS = ("xgboost", "lightgbm", "sklearn")
METHODS = pytest.mark.parametrize("method", ATTRIBUTED_ROWS)


def saved(folder: Path, kind: str, *, rows: Any = VALUES, classes: Any = CLASSES) -> dict[str, Any]:
    """Options of a target over ten trees that were just trained."""
    if kind == "xgboost":
        xgboost.XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1, enable_categorical=True).fit(
            rows, classes
        ).save_model(folder / "m.ubj")
        return {"path": "m.ubj"}
    if kind == "lightgbm":
        model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(rows, classes)
        model.booster_.save_model(folder / "m.txt")
        return {"path": "m.txt"}
    return pickled(folder, GradientBoostingClassifier(n_estimators=10, random_state=1).fit(rows, classes))


def pickled(folder: Path, model: Any) -> dict[str, Any]:
    """Options of the target sklearn over any model."""
    path = folder / "m.joblib"
    joblib.dump(model, path)
    return {"path": path.name, "unsafe_pickle": True, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@contextmanager
def made(folder: Path, kind: str, options: dict[str, Any]) -> Iterator[Target]:
    """The target as a plan would make it, closed in the end."""
    target = make_target(kind, TargetContext(folder=folder, features=NAMES, threads=1), options)
    try:
        yield target
    finally:
        target.close()


@pytest.fixture(scope="module", params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One target of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    with made(folder, request.param, saved(folder, request.param)) as found:
        yield found


def asking(method: str, *, background: int | None = None, name: str = "1", rows: Table = ROWS, **more: Any) -> Request:
    """Attributions of rows to a class, the first thirty of them the background where there is one."""
    usual = 30 if method == "tree-interventional" else 0
    parameters = {"method": method, "background": usual if background is None else background, "class": name, **more}
    return Request(kind=Capability.ATTRIBUTE, inputs=rows, parameters=parameters)


def answer(target: Target, request: Request) -> Response:
    """The one answer, as a probe gets it."""
    return checked(request, target.answer([request])[0])


@METHODS
def test_values_add_up_to_the_log_odds_of_the_answer(target: Target, method: str) -> None:
    """Base and columns of each row give its log-odds, whichever class is named, and the residual is what is left."""
    chances = target.answer([Request(kind=Capability.PREDICT, inputs=ROWS)])[0].values[:, 1]
    for name, sign in (("1", 1.0), ("0", -1.0)):
        request = asking(method, name=name)
        found = answer(target, request)

        assert request.answers == len(found.values)
        assert (*ATTRIBUTED_ROWS[method], *NAMES) == found.labels
        explained, score, base, residual = found.values[:, :4].T
        assert set(explained.tolist()) == {float(name)}
        np.testing.assert_allclose(sign * np.log(chances / (1 - chances))[-len(score) :], score, atol=1e-5)
        np.testing.assert_allclose(score, base + found.values[:, 4:].sum(axis=1), atol=1e-5)
        assert np.abs(residual).max() < 1e-5


@pytest.mark.parametrize(("kind", "method"), [("xgboost", "tree-interventional"), ("lightgbm", "tree-path-dependent")])
def test_values_of_rows_with_gaps_add_up_too(tmp_path: Path, kind: str, method: str) -> None:
    """Gaps among the rows and in the background, as the trees were trained on some."""
    holes = np.where(np.random.default_rng(2).random(VALUES.shape) < 0.2, np.nan, VALUES)
    rows = Table.from_matrix(holes[:40], NAMES)
    with made(tmp_path, kind, saved(tmp_path, kind, rows=holes)) as target:
        found = answer(target, asking(method, rows=rows))

    assert np.isnan(holes[:30]).any() and np.isnan(holes[30:40]).any()
    np.testing.assert_allclose(found.values[:, 1], found.values[:, 2] + found.values[:, 4:].sum(axis=1), atol=1e-5)
    assert np.abs(found.values[:, 3]).max() < 1e-5


def test_base_is_the_mean_over_the_background(target: Target) -> None:
    """Interventional values begin at the mean log-odds of the first rows of the block."""
    found = answer(target, asking("tree-interventional"))
    chances = target.answer([Request(kind=Capability.PREDICT, inputs=ROWS)])[0].values[:30, 1]

    assert 10 == len(found.values)
    assert pytest.approx(np.log(chances / (1 - chances)).mean(), abs=1e-5) == found.values[0, 2]


def test_what_cannot_be_meant_is_an_error(target: Target) -> None:
    """Another method, class, background or parameter leaves no values, and the reason names it."""
    for request, why in (
        (asking("integrated-gradients"), "parameter method: 'integrated-gradients'"),
        (asking("tree-interventional", name="2"), "parameter class: '2' is no class; known: 0, 1"),
        (asking("tree-interventional", background=0), "parameter background: 0, expected 1 to 39 rows"),
        (asking("tree-path-dependent", background=3), "parameter background: 3, expected 0 to 0 rows"),
        (asking("tree-path-dependent", steps=3), "parameter steps: not known"),
    ):
        error = answer(target, request).error

        assert error is not None and why in error


def test_column_that_the_model_takes_and_the_rows_lack_is_an_error(target: Target) -> None:
    """Nothing is guessed in its place."""
    error = answer(target, asking("tree-path-dependent", rows=ROWS.select(NAMES[:2]))).error

    assert error is not None and "the rows lack the column 'c'" in error


def test_dry_run_invents_values_of_the_same_shape(target: Target) -> None:
    """What an audit will ask is counted with answers that fit."""
    counting = Counting(target, world=1, known={})
    request = asking("tree-interventional")
    invented = answer(counting, request)

    assert answer(target, request).labels == invented.labels
    assert answer(target, request).values.shape == invented.values.shape


def test_early_stopping_counts(tmp_path: Path) -> None:
    """Of trees after the best round none has a part in the values, as none has in the answers."""
    model = xgboost.XGBClassifier(n_estimators=40, max_depth=4, learning_rate=1.0, early_stopping_rounds=2, n_jobs=1)
    model.fit(VALUES[:200], CLASSES[:200], eval_set=[(VALUES[200:], CLASSES[200:])], verbose=False)
    model.save_model(tmp_path / "m.ubj")

    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    with made(tmp_path, "xgboost", {"path": "m.ubj"}) as target:
        for method in ATTRIBUTED_ROWS:
            assert np.abs(answer(target, asking(method)).values[:, 3]).max() < 1e-4


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_categories_have_path_dependent_values_alone(tmp_path: Path, kind: str) -> None:
    """The library that computes interventional ones takes numbers, so that it is not asked."""
    town = np.array(["Ulm", "Bonn", "Koeln"])[np.arange(300) % 3]
    frame = pd.DataFrame(VALUES, columns=list(NAMES)).assign(d=pd.Categorical(town))
    rows = Table({**ROWS.columns, "d": town[:40]})
    with made(tmp_path, kind, saved(tmp_path, kind, rows=frame, classes=CLASSES ^ (town == "Ulm"))) as target:
        error = answer(target, asking("tree-interventional", rows=rows)).error

        assert error is not None and "knows no columns with categories" in error
        assert np.abs(answer(target, asking("tree-path-dependent", rows=rows)).values[:, 3]).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_three_classes_have_no_values(tmp_path: Path, kind: str) -> None:
    """The log-odds of one of three classes are no sum over trees."""
    three = CLASSES + (VALUES[:, 3] > 1)
    with made(tmp_path, kind, saved(tmp_path, kind, classes=three)) as target:
        assert Capability.ATTRIBUTE not in target.capabilities


def test_forest_has_no_values(tmp_path: Path) -> None:
    """It averages probabilities, whose log-odds are no sum over trees."""
    with made(tmp_path, "sklearn", pickled(tmp_path, RandomForestClassifier(3).fit(VALUES, CLASSES))) as target:
        assert {Capability.PREDICT} == target.capabilities


def test_failed_check_of_the_library_is_an_error(tmp_path: Path) -> None:
    """Where the library finds that its values do not add up there are none: its check is never turned off."""
    model = HistGradientBoostingClassifier(max_iter=20).fit(VALUES, CLASSES)
    with made(tmp_path, "sklearn", pickled(tmp_path, model)) as target:
        error = answer(target, asking("tree-interventional")).error

        assert error is not None and "Additivity check failed" in error
        assert np.abs(answer(target, asking("tree-path-dependent")).values[:, 3]).max() < 1e-9
