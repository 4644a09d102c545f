"""Systems that decide a number: logs, regressions in files, and the plans that declare them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import entered
from probandum import api
from probandum.finding import Finding, Verdict
from probandum.record import Record

LIMITS = """\
limits:
  - {metric: bias.outcome-gap/difference-in-sd, band: 0.1, source: convention, set_by: Board, set_on: 2026-11-01,
     reason: A tenth}
"""
LOG = """\
version: 1
system: {name: Pay desk, version: "1.0", purpose: Proposes salaries}
target: {type: log, path: rows.csv, decision: {number: offer}, favourable: higher, label: paid}
groups: {sex: {reference: M}}
suites: {bias.outcome-gap: {}}
energy: {codecarbon: false}
"""
MODEL = """\
version: 1
system: {name: Pay model, version: "1.0", purpose: Proposes salaries}
target: {type: %s}
data: {path: rows.csv, label: paid, features: [years, grade]}
decision: {outcome: numeric, favourable: higher}
groups: {sex: {reference: M}}
suites: {bias.outcome-gap: {}}
energy: {codecarbon: false}
"""
Columns = dict[str, np.ndarray]


def rows(folder: Path, *, gap: float = 400.0) -> Columns:
    """Offers that follow from years and grade, less ``gap`` for women of a lower grade; what is paid follows offers."""
    rng = np.random.default_rng(4)
    sex = np.array(["F", "M"])[np.arange(1200) % 2]
    years, grade = rng.uniform(0, 20, 1200).round(3), rng.normal(size=1200).round(3) - (sex == "F") * 0.8
    offer = (2000 + 80 * years + gap * grade).round(2)
    paid = (offer + 100 * rng.normal(size=1200)).round(2)
    columns = {"sex": sex, "years": years, "grade": grade, "offer": offer, "paid": paid}
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    (folder / "rows.csv").write_text("\n".join([",".join(columns), *lines]) + "\n", "utf-8")
    return columns


def model(folder: Path, kind: str, columns: Columns) -> str:
    """A regression of what is paid, saved as ``kind`` saves it: the keys of its target."""
    features = np.column_stack([columns["years"], columns["grade"]])
    if kind in ("sklearn", "onnx"):
        from sklearn.linear_model import LinearRegression

        fitted = LinearRegression().fit(features, columns["paid"])
        if kind == "sklearn":
            importlib.import_module("skops.io").dump(fitted, folder / "model.skops")
            return "sklearn, path: model.skops"
        skl2onnx = pytest.importorskip("skl2onnx")
        data = skl2onnx.to_onnx(fitted, features[:1].astype(np.float32)).SerializeToString()
        (folder / "model.onnx").write_bytes(data)
        return "onnx, path: model.onnx"
    library: Any = pytest.importorskip(kind)
    if kind == "xgboost":
        matrix = library.DMatrix(features, label=columns["paid"], feature_names=["years", "grade"])
        library.train({"nthread": 1}, matrix, 30).save_model(folder / "model.ubj")
        return "xgboost, path: model.ubj"
    matrix = library.Dataset(features, label=columns["paid"], feature_name=["years", "grade"])
    library.train({"objective": "regression", "num_threads": 1, "verbose": -1}, matrix, 30).save_model(
        folder / "model.txt"
    )
    return "lightgbm, path: model.txt"


def audited(folder: Path, plan: str) -> list[Finding]:
    """The findings of an audit of this plan."""
    (folder / "audit.yaml").write_text(plan + LIMITS, "utf-8")
    record: Record = api.audit(folder / "audit.yaml", out=folder / "run", documents=False)
    return list(record.findings)


def told(folder: Path, plan: str) -> list[str]:
    """What the plan check says, without the name of the plan."""
    (folder / "audit.yaml").write_text(plan, "utf-8")
    return [
        line.removeprefix("audit.yaml:") for line in entered(folder, "plan", "check", "audit.yaml").err.splitlines()
    ]


def test_a_log_of_numbers_is_audited(tmp_path: Path) -> None:
    """The difference of mean offers is that of the file, and beyond a tenth of their spread."""
    columns = rows(tmp_path)
    findings = {each.metric: each for each in audited(tmp_path, LOG)}
    women = columns["sex"] == "F"

    assert columns["offer"][women].mean() - columns["offer"][~women].mean() == pytest.approx(
        findings["bias.outcome-gap/mean-difference"].estimate.value
    )
    assert Verdict.FAIL is findings["bias.outcome-gap/difference-in-sd"].verdict
    assert "outcome" == findings["bias.outcome-gap/mae"].estimate.unit


@pytest.mark.parametrize("kind", ["sklearn", "onnx", "xgboost", "lightgbm"])
def test_regressions_in_files_are_audited(tmp_path: Path, kind: str) -> None:
    """Each library's own format: one number a row, with errors about as large as the noise."""
    pytest.importorskip({"sklearn": "skops", "onnx": "onnxruntime"}.get(kind, kind))
    keys = model(tmp_path, kind, rows(tmp_path))
    findings = {each.metric: each for each in audited(tmp_path, MODEL % keys) if each.groups is not None}
    error = findings["bias.outcome-gap/rmse"].estimate.value

    assert error is not None
    assert 50 < error < 120
    assert Verdict.FAIL is findings["bias.outcome-gap/difference-in-sd"].verdict


def test_documents_say_numbers(tmp_path: Path) -> None:
    """A whole audit with its documents ends well."""
    rows(tmp_path)
    (tmp_path / "audit.yaml").write_text(LOG + LIMITS + "documents: [annex_iv]\n", "utf-8")
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 1 == ended.code, ended.err
    assert "difference-in-sd" in ended.out


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        (
            "favourable: higher",
            "favourable: 1",
            "target.favourable: which numbers are good for the person, higher or lo",
        ),
        ("number: offer", "number: ofer", "target.decision.number: no column 'ofer', did you mean 'offer'?"),
        ("number: offer", "number: sex", "target.decision: rows.csv: row 1: column 'sex' holds 'F', expected a number"),
        ("label: paid", "label: sex", "target.label: row 1: column 'sex' holds 'F', expected a number"),
        (
            "label: paid",
            "label: paid, positive: 1",
            "target.positive: decision names a number, which is compared as it",
        ),
        (
            "label: paid",
            "label: paid, score: offer",
            "target.score: decision names a number, which is compared as it is",
        ),
        (
            "{number: offer}",
            "{number: offer, at_least: 3}",
            "target.decision: expected a column, or {column: NAME, at_",
        ),
    ],
)
def test_a_log_that_says_no_number_is_refused(tmp_path: Path, old: str, new: str, wrong: str) -> None:
    """With its place, before anything is asked."""
    rows(tmp_path)
    said = told(tmp_path, LOG.replace(old, new))

    assert any(wrong in line for line in said), said


@pytest.mark.parametrize(
    ("keys", "old", "new", "wrong"),
    [
        (
            "http, url: 'http://127.0.0.1:9/x', kind: predict, request: {rows: '{rows}'}, response: x",
            "",
            "",
            "decision.outcome: target http gives no number a row; targets that do: sklearn, onnx, xgboost, lightgbm",
        ),
        ("sklearn, path: model.skops", "higher", "1", "decision.favourable: 1; of numbers, higher or lower ones are"),
        (
            "sklearn, path: model.skops",
            "higher}",
            "higher, threshold: 0.5}",
            "decision.threshold: a numeric outcome is compared as a number",
        ),
        (
            "sklearn, path: model.skops, labels: [a, b]",
            "",
            "",
            "target.labels: a numeric outcome has no class names; leave labels out",
        ),
        ("sklearn, path: model.skops", "label: paid", "label: sex", "data.label: row 1: column 'sex' holds 'F'"),
        ("sklearn, path: model.skops", "outcome: numeric", "outcome: number", "decision.outcome: expected 'numeric'"),
    ],
)
def test_plans_that_mean_no_number_are_refused(tmp_path: Path, keys: str, old: str, new: str, wrong: str) -> None:
    """At once, with the place; no model is loaded for it."""
    pytest.importorskip("skops")
    model(tmp_path, "sklearn", rows(tmp_path))
    plan = MODEL % keys
    said = told(tmp_path, plan.replace(old, new) if old else plan)

    assert any(wrong in line for line in said), said


def test_a_classifier_gives_no_number_and_a_regression_no_classes(tmp_path: Path) -> None:
    """Each is told what the other key would say."""
    skops = pytest.importorskip("skops.io")
    from sklearn.linear_model import LogisticRegression

    columns = rows(tmp_path)
    keys = model(tmp_path, "sklearn", columns)
    features = np.column_stack([columns["years"], columns["grade"]])
    classes = MODEL % keys.replace("model", "classes")
    skops.dump(LogisticRegression().fit(features, columns["sex"] == "F"), tmp_path / "classes.skops")
    (tmp_path / "audit.yaml").write_text(classes, "utf-8")
    first = entered(tmp_path, "audit", "audit.yaml").err
    plain = (MODEL % keys).replace("outcome: numeric, favourable: higher", "favourable: 1")
    (tmp_path / "audit.yaml").write_text(plain.replace("label: paid, ", ""), "utf-8")
    second = entered(tmp_path, "audit", "audit.yaml").err

    assert "a LogisticRegression, which is no regression, and the plan declares a numeric outcome" in first
    assert "a LinearRegression without class probabilities (predict_proba); declare decision.outcome: numeric" in second
