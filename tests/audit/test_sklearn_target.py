"""Real scikit-learn models from files: asked as they were trained, refused where loading would run code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from probandum import api, codec
from probandum.errors import DataError, PlanError, ProbandumError, TargetError, UnsafeRefused, UsageError
from probandum.evidence import Capability, Request, Table
from probandum.finding import Verdict
from probandum.target import Target, TargetContext, make_target, target_sources
from probandum.targets import load_builtin
from probandum.targets.sklearn import SklearnTarget
from records import write_sklearn_plan

load_builtin()

RNG = np.random.default_rng(5)
INCOME, DEBT = RNG.normal(size=200), RNG.normal(size=200)
TOWN = np.array(["Ulm", "Bonn"])[RNG.integers(0, 2, 200)]
GOOD = (INCOME - DEBT + 0.5 * (TOWN == "Ulm") > 0).astype(int)
ROWS = Table({"income": INCOME, "debt": DEBT, "town": TOWN})
TEXTS = ("you are kind", "you are stupid", "what a nice day", "stupid idiot") * 10
RUDE = [int("stupid" in text) for text in TEXTS]


def saved(folder: Path, model: object, name: str = "model.skops") -> Path:
    """The model in a file, by the file's kind."""
    path = folder / name
    if path.suffix == ".skops":
        skops.io.dump(model, path)
    elif path.suffix == ".joblib":
        joblib.dump(model, path)
    else:
        path.write_bytes(pickle.dumps(model))
    return path


def sha256(path: Path) -> str:
    """The digest as a plan writes it."""
    return codec.digest(path.read_bytes()).removeprefix("sha256:")


def made(folder: Path, features: tuple[str, ...] = (), **options: Any) -> Target:
    """The target as a plan would make it."""
    return make_target("sklearn", TargetContext(folder=folder, features=features), {"path": "model.skops", **options})


def asked(target: Target, inputs: Table | tuple[str, ...]) -> Any:
    """Probabilities of these inputs."""
    (kind,) = target.capabilities
    (response,) = target.answer([Request(kind=kind, inputs=inputs)])
    return response.values


def refused(folder: Path, error: type[ProbandumError], features: tuple[str, ...] = (), **options: Any) -> str:
    """The one line that loading ends in."""
    with pytest.raises(error) as caught:
        made(folder, features, **options)
    (line,) = caught.value.lines()

    assert "\n" not in line
    return line


def test_a_model_trained_on_a_matrix_gets_the_features_in_the_plans_order(tmp_path: Path) -> None:
    """The columns of the rows may stand in any other order."""
    model = LogisticRegression().fit(np.column_stack([INCOME, DEBT]), GOOD)
    saved(tmp_path, model)
    target = made(tmp_path, ("income", "debt"))
    shuffled = ROWS.select(["town", "debt", "income"])

    assert ("0", "1") == target.labels
    assert model.predict_proba(np.column_stack([INCOME, DEBT])).tolist() == asked(target, shuffled).tolist()


def test_a_model_trained_on_a_data_frame_gets_one_with_its_own_columns(tmp_path: Path) -> None:
    """Texts and numbers beside each other, and no column that it does not know."""
    frame = pd.DataFrame({"income": INCOME, "town": TOWN})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"), LogisticRegression()
    ).fit(frame, np.where(GOOD, "good", "bad"))
    saved(tmp_path, model)
    target = made(tmp_path, ("town", "income", "debt"))

    assert ("bad", "good") == target.labels
    assert model.predict_proba(frame).tolist() == asked(target, ROWS).tolist()
    assert ["income", "town"] == target.identity()["columns"]
    assert "the model takes the column 'income', which data.features lacks; its columns: income, town" in refused(
        tmp_path, TargetError, ("town",)
    )


def test_a_model_of_texts_is_asked_texts(tmp_path: Path) -> None:
    """A pipeline takes them itself; a bare classifier needs its vectorizer."""
    vectorizer = CountVectorizer().fit(TEXTS)
    model = LogisticRegression().fit(vectorizer.transform(TEXTS), RUDE)
    saved(tmp_path, model)
    saved(tmp_path, vectorizer, "words.skops")
    saved(tmp_path, make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, RUDE), "pipeline.skops")
    apart = made(tmp_path, vectorizer="words.skops", labels=["fine", "rude"])
    whole = made(tmp_path, path="pipeline.skops", kind="classify")

    assert {Capability.CLASSIFY} == apart.capabilities == whole.capabilities
    assert ("fine", "rude") == apart.labels
    assert np.allclose(asked(apart, TEXTS), asked(whole, TEXTS), atol=1e-12)
    assert asked(whole, ("you stupid",))[0, 1] > 0.5 > asked(whole, ("a kind day",))[0, 1]
    assert [tmp_path / "model.skops", tmp_path / "words.skops"] == list(
        target_sources("sklearn", TargetContext(folder=tmp_path), {"path": "model.skops", "vectorizer": "words.skops"})
    )


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (np.array([1, 2]), ("1", "2")),
        (np.array([0.0, 1.0]), ("0", "1")),
        (np.array([False, True]), ("0", "1")),
        (np.array(["no", "yes"]), ("no", "yes")),
    ],
)
def test_class_names_are_those_that_a_file_would_show(tmp_path: Path, classes: Any, labels: tuple[str, ...]) -> None:
    """Labels of the rows and classes of the model meet as text."""
    saved(tmp_path, LogisticRegression().fit(INCOME[:, None], classes[GOOD]))

    assert labels == made(tmp_path).labels


def test_a_pickle_is_loaded_only_with_the_flag_and_its_digest(tmp_path: Path) -> None:
    """Each refusal says what is missing; with both, every report carries the caution."""
    model = RandomForestClassifier(n_estimators=3, random_state=0).fit(INCOME[:, None], GOOD)
    for name in ("model.joblib", "model.pkl"):
        path = saved(tmp_path, model, name)
        unflagged = refused(tmp_path, UnsafeRefused, path=name)
        undigested = refused(tmp_path, UnsafeRefused, path=name, unsafe_pickle=True)
        wrong = refused(tmp_path, TargetError, path=name, unsafe_pickle=True, sha256="0" * 64)
        target = made(tmp_path, ("income",), path=name, unsafe_pickle=True, sha256=sha256(path).upper())

        assert "loading a pickle runs whatever code is in it" in unflagged
        assert f"add sha256: {sha256(path)}" in undigested
        assert f"{name}: expected sha256:{'0' * 64}, got sha256:{sha256(path)}" in wrong
        assert f"{name} was unpickled (unsafe_pickle: true)" in target.cautions[0]
        assert np.allclose(model.predict_proba(INCOME[:, None]), asked(target, ROWS))


def test_a_wrong_digest_of_a_pickle_runs_nothing(tmp_path: Path) -> None:
    """The bytes are checked before they are loaded."""

    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
            return Path.touch, (tmp_path / "ran.txt",)

    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    refused(tmp_path, TargetError, path="model.pkl", unsafe_pickle=True, sha256="0" * 64)

    assert not (tmp_path / "ran.txt").exists()


def test_a_vectorizer_is_checked_like_its_model(tmp_path: Path) -> None:
    """A second pickle needs a digest of its own."""
    vectorizer = CountVectorizer().fit(TEXTS)
    model = saved(tmp_path, LogisticRegression().fit(vectorizer.transform(TEXTS), RUDE), "model.pkl")
    words = saved(tmp_path, vectorizer, "words.pkl")
    options: dict[str, Any] = {"path": "model.pkl", "vectorizer": "words.pkl", "unsafe_pickle": True}
    options["sha256"] = sha256(model)

    assert f"add vectorizer_sha256: {sha256(words)}" in refused(tmp_path, UnsafeRefused, **options)
    assert 2 == len(made(tmp_path, vectorizer_sha256=sha256(words), **options).cautions)


class Flipped(LogisticRegression):  # type: ignore[misc]
    """A model whose class no list calls safe."""


def test_types_beyond_the_safe_list_are_trusted_by_name_and_digest_alone(tmp_path: Path) -> None:
    """The plan names what it trusts, in a file that cannot change."""
    path = saved(tmp_path, Flipped().fit(INCOME[:, None], GOOD))
    name = f"{Flipped.__module__}.Flipped"

    assert f"holds types that are not on the safe list: {name}" in refused(tmp_path, UnsafeRefused)
    assert "types are trusted only in a file whose SHA-256 the plan names" in refused(
        tmp_path, UnsafeRefused, trusted=[name]
    )
    assert "holds types that are not on the safe list" in refused(
        tmp_path, UnsafeRefused, trusted=["other.Type"], sha256=sha256(path)
    )
    target = made(tmp_path, trusted=[name], sha256=sha256(path))
    assert (f"model.skops holds types beyond the safe list, trusted by the plan: {name}.",) == target.cautions


@pytest.mark.parametrize(
    ("name", "data", "options", "kind", "message"),
    [
        ("model.skops", b"", {}, TargetError, "model.skops: no skops file"),
        ("model.skops", b"PK\x03\x04 cut", {}, TargetError, "model.skops: no skops file"),
        ("model.h5", b"", {}, UsageError, "model.h5: unknown kind of model file '.h5'; expected .skops or .joblib"),
        ("model.pkl", b"no pickle", {"unsafe_pickle": True}, TargetError, "model.pkl: cannot be unpickled"),
    ],
)
def test_a_file_that_is_no_model_is_one_line(
    tmp_path: Path, name: str, data: bytes, options: Mapping[str, Any], kind: type[ProbandumError], message: str
) -> None:
    """Whatever the library says of it."""
    path = tmp_path / name
    path.write_bytes(data)
    digest: dict[str, Any] = {"sha256": sha256(path)} if options else {}

    assert message in refused(tmp_path, kind, path=name, **digest, **options)


@pytest.mark.parametrize(
    ("model", "options", "kind", "message"),
    [
        (LinearSVC(), {}, TargetError, "a LinearSVC without class probabilities (predict_proba)"),
        (LinearRegression(), {}, TargetError, "a LinearRegression without class probabilities"),
        (LogisticRegression(), {"labels": ["a"]}, UsageError, "target.labels: 1 name for 2 classes"),
        (LogisticRegression(), {"labels": ["a", "a"]}, UsageError, "target.labels: the name 'a' occurs twice"),
        (LogisticRegression(), {"kind": "clasify"}, UsageError, "did you mean 'classify'?"),
        (LogisticRegression(), {"path": "gone.skops"}, DataError, "gone.skops: No such file or directory"),
        (LogisticRegression(), {"path": "package:no_such/x.skops"}, DataError, "no installed package 'no_such'"),
        (LogisticRegression(), {"path": 5}, UsageError, "target.path: expected text, got 5"),
        (LogisticRegression(), {"labels": "ab"}, UsageError, "target.labels: expected a list, got 'ab'"),
        (LogisticRegression(), {"sha256": 12}, UsageError, "target.sha256: expected text or nothing, got 12"),
    ],
)
def test_what_cannot_be_audited_is_one_line(
    tmp_path: Path, model: Any, options: Mapping[str, Any], kind: type[ProbandumError], message: str
) -> None:
    """With what to do instead."""
    saved(tmp_path, model.fit(INCOME[:, None], GOOD))

    assert message in refused(tmp_path, kind, **options)


def test_a_wrong_number_of_features_is_found_before_a_row_is_asked(tmp_path: Path) -> None:
    """A model of one column is not asked two."""
    saved(tmp_path, LogisticRegression().fit(INCOME[:, None], GOOD))

    assert "the model takes 1 column, data.features names 2" in refused(tmp_path, TargetError, ("income", "debt"))


def test_a_wrong_digest_ends_an_audit_and_a_pickles_caution_reaches_its_record(tmp_path: Path) -> None:
    """Under the runner, with the same findings as the safe file's."""
    plan = write_sklearn_plan(tmp_path)
    safe = api.audit(plan, out=tmp_path / "safe", documents=False)
    pickled = saved(tmp_path, skops.io.load(tmp_path / "model.skops"), "model.pkl")
    text = plan.read_text("utf-8")
    target = f"{{type: sklearn, path: model.pkl, unsafe_pickle: true, sha256: {sha256(pickled)}}}"
    plan.write_text(text.replace("{type: sklearn, path: model.skops}", target), "utf-8")
    record = api.audit(plan, out=tmp_path / "unsafe", documents=False)
    plan.write_text(text.replace("model.skops", f"model.skops, sha256: '{'1' * 64}'"), "utf-8")

    assert "unsafe_pickle" in record.environment["target"]["cautions"][0]
    assert codec.encode(safe.findings) == codec.encode(record.findings)
    assert Verdict.ERROR not in {finding.verdict for finding in record.findings}
    with pytest.raises(PlanError, match=r"target\.sha256: model\.skops: expected sha256:1111"):
        api.audit(plan, out=tmp_path / "wrong", documents=False)


@pytest.mark.parametrize(
    ("own", "labels"),
    [
        ([0, 1], ["1", "0"]),
        ([0, 1], [True, False]),
        ([0, 1], ["true", "false"]),
        ([0, 1], [1.0, 0.0]),
        ([0, 1], ["01", "00"]),
        ([0, 1], ["Class 1", "Class 0"]),
        ([0, 1], ["1", "good"]),
        ([-1, 1], ["1", "-1"]),
        ([1, 2], [2, 1]),
        ([0.0, 1.0], [1, 0]),
        ([False, True], ["true", "false"]),
        (["no", "yes"], ["yes", "no"]),
        (["no", "yes"], [True, False]),
        (["no", "yes"], ["YES", "NO"]),
        (["no", "yes"], ["yes ", "no "]),
    ],
)
def test_the_models_own_names_in_another_order_are_refused(
    tmp_path: Path, own: list[object], labels: list[Any]
) -> None:
    """In whichever writing, by the plan check too, which loads no model: a class would be called by another's name."""
    values = np.column_stack([INCOME, DEBT])
    outcome = pd.Series(np.array(own)[GOOD])  # texts of a data frame become an array of objects
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(values, outcome)
    saved(tmp_path, model)
    first, second = (str(int(each) if isinstance(each, float | bool) else each) for each in own)
    said = (
        f"names {labels[0]}, {labels[1]}, and the model's own classes are {first}, {second}, in this order: "
        f"{first} would be called {labels[0]}"
    )

    with pytest.raises(UsageError, match=re.escape(said)):
        made(tmp_path, ("income", "debt"), labels=labels)
    (found,) = SklearnTarget.file_problems({"path": "model.skops", "labels": labels}, TargetContext(folder=tmp_path))
    assert ("labels",) == found.place
    assert said in found.text
    for sound in (own, ["refused", "granted"], ["F", "M"]):
        options = {"path": "model.skops", "labels": sound}
        assert [] == list(SklearnTarget.file_problems(options, TargetContext(folder=tmp_path)))
        assert tuple(map(str, sound)) == made(tmp_path, ("income", "debt"), labels=sound).labels


@pytest.mark.parametrize(
    ("own", "labels"),
    [([-1, 1], [0, 1]), ([1, 2], [0, 1]), ([0, 1], [1, 2]), ([0, 1], ["bad", "1"]), ([0.5, 1.5], ["1.5", "2.5"])],
)
def test_other_numbers_in_the_same_order_are_names(tmp_path: Path, own: list[object], labels: list[Any]) -> None:
    """So is one of the model's own in its own place."""
    model = LogisticRegression().fit(np.column_stack([INCOME, DEBT]), [str(own[place]) for place in GOOD.astype(int)])
    saved(tmp_path, model)
    options = {"path": "model.skops", "labels": labels}

    assert [] == list(SklearnTarget.file_problems(options, TargetContext(folder=tmp_path)))
    assert tuple(map(str, labels)) == made(tmp_path, ("income", "debt"), labels=labels).labels
