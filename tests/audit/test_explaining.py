"""One decision of a record explained: what it says of a real model, and everything that it refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
import yaml

from commands import entered
from paths import ROOT
from probandum import api, explaining
from probandum.errors import RecordError, TargetError, UsageError
from probandum.record import Record
from records import broken, write_plan, write_sklearn_plan

#: The credit example with one quick suite in place of its own.
CREDIT = ROOT / "examples" / "credit"
MODERATION = ROOT / "examples" / "moderation"
#: A text of one word among those of the moderation example.
MORON = 1 + (ROOT / "datasets" / "moderation_texts" / "texts.txt").read_text("utf-8").splitlines().index("Moron!")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a logistic regression, its plan and its record."""
    folder = tmp_path_factory.mktemp("scored")
    api.audit(write_sklearn_plan(folder / "plan"), out=folder / "run", documents=False)
    return folder


@pytest.fixture
def moved(scored: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it that a test may damage."""
    shutil.copytree(scored, tmp_path / "copy")
    yield tmp_path / "copy"


@pytest.fixture(scope="module")
def credit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of the credit example, of which only one suite is run."""
    folder = tmp_path_factory.mktemp("credit")
    text = (CREDIT / "audit.yaml").read_text("utf-8")
    begins, ends = text.index("\nsuites:"), text.index("\nexecution:")
    for name in ("model.skops", "heldout.csv"):
        (folder / name).symlink_to(CREDIT / name)
    quick = "\nsuites:\n  bias.group-rates: {}\n"
    plan = text[:begins] + quick + text[ends:].replace("energy: {country: DEU}", "energy: {codecarbon: false}")
    (folder / "audit.yaml").write_text(plan, "utf-8")
    api.audit(folder / "audit.yaml", out=folder / "run", documents=False)
    return folder / "run"


def test_the_credit_example_is_explained_in_plain_words(credit: Path) -> None:
    """Columns and codes have names, the protected age is flagged, and other decisions were asked again."""
    said = " ".join(api.explain(credit, "loan-0006").decode().split())

    assert "The credit is granted: the system's estimate is 71" in said
    assert "duration of the loan: 36 months" in said
    assert "age: 35 years states age, whose groups the audit compares" in said
    assert "Held back: another value of a protected attribute alone would have given another decision." in said
    assert "If savings had been “500 to below 1000 DM” instead of “1000 DM or more”" in said
    assert "the same as the audit recorded: sha256:" in said
    assert "[missing] the controller, with contact" in said


def test_factors_of_the_credit_example_add_up(credit: Path) -> None:
    """Start and all factors make the score, and a scorecard is explained in closed form."""
    found = json.loads(api.explain(credit, "loan-0006", format="json"))["decision"]
    total = found["base"]["value"] + sum(each["weight"]["value"] for each in found["factors"])

    assert "shap.linear" == found["method"]
    assert found["score"] == pytest.approx(total, abs=1e-9)
    assert [["age"]] == [each["told"]["attributes"] for each in found["factors"] if each["told"]["attributes"]]
    assert {"age", "purpose", "housing", "people_liable"} == set(found["fixed"])


def test_the_same_command_prints_the_same_bytes(credit: Path) -> None:
    """No clock, and no chance that the plan's seed does not decide."""
    assert api.explain(credit, "loan-0304") == api.explain(credit, "loan-0304")


def test_explaining_leaves_the_record_as_it_was(credit: Path) -> None:
    """Nothing is written into it."""
    assert [] == broken(credit)


def test_a_file_is_for_its_owner_alone(scored: Path, tmp_path: Path) -> None:
    """What holds personal data has mode 600."""
    ended = entered(scored, "explain", "run", "--row", "3", "--format", "html", "--out", tmp_path / "e.html")

    assert (0, f"{tmp_path / 'e.html'}\n") == (ended.code, ended.out)
    assert 0o600 == stat.S_IMODE((tmp_path / "e.html").stat().st_mode)


def test_folders_that_are_not_there_are_made(scored: Path, tmp_path: Path) -> None:
    """As they are for every file that is asked for by its name."""
    ended = entered(scored, "explain", "run", "--row", "row 3", "--out", tmp_path / "new" / "e.txt")

    assert 0 == ended.code
    assert (tmp_path / "new" / "e.txt").is_file()


def test_a_row_that_is_not_there_is_told_how_many_there_are(credit: Path) -> None:
    """Also where rows have ids."""
    with pytest.raises(UsageError) as refused:
        api.explain(credit, "501")

    assert ["--row 501: no row is called so; ids of 500 rows stand in column 'id'"] == refused.value.lines()


def test_without_a_file_it_is_printed(scored: Path) -> None:
    """The plain text is what a terminal shows."""
    ended = entered(scored, "explain", "run", "--row", "3")

    assert 0 == ended.code
    assert ended.out.startswith("Explanation of one decision\n")


def test_the_moderation_example_says_with_which_word_it_would_answer_otherwise(tmp_path: Path) -> None:
    """Every text has an edit that turns the real classifier's answer, nearly all one word; the plan's word is used."""
    whole = yaml.safe_load((MODERATION / "audit.yaml").read_text("utf-8"))
    asked = {"suites": {"explain.counterfactuals": {"neutral": ["thing"]}}, "energy": {"codecarbon": False}}
    plan = {key: whole[key] for key in ("version", "system", "target")} | asked
    (tmp_path / "audit.yaml").write_text(yaml.safe_dump(plan), "utf-8")
    record = api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
    found = {each.metric: each.estimate for each in record.findings}
    said = " ".join(api.explain(tmp_path / "run", str(MORON)).decode().split())

    assert 1.0 == found["explain.counterfactuals/validity"].value
    assert 1.0 <= (found["explain.counterfactuals/sparsity"].low or 0)
    assert 1.0 < (found["explain.counterfactuals/sparsity"].value or 0) < 1.1
    assert "With “thing!” in place of “Moron!” (word 1), and everything else the same, the result would have" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--row", "301"), 2, "error: --row 301: no row is called so; rows are counted from 1 to 300\n"),
        (("--row", "p1"), 2, "error: --row p1: no row is called so; rows are counted from 1 to 300\n"),
        (("--row", "1", "--format", "pdf"), 2, "error: no format 'pdf'; known: text, html, docx, json\n"),
        (("--row", "1", "--format", "docx"), 2, "error: a Word file is not printed; name a file with --out\n"),
        (("--row", "1", "--out", "run/e.txt"), 2, "error: run/e.txt: lies inside the record, where nothing else"),
        (("--row", "1", "--out", "plan"), 2, "error: plan: is a folder; name a file in it\n"),
        (("--row", "1", "--out", "plan/audit.yaml/e.txt"), 2, "error: plan/audit.yaml"),
        (("--row", "1", "--plan", "none.yaml"), 2, "error: run: no audit file at none.yaml, which says where"),
    ],
)
def test_a_wrong_command_is_one_line(scored: Path, words: tuple[str, ...], code: int, said: str) -> None:
    """A row, a format, a file or a plan that is none."""
    ended = entered(scored, "explain", "run", *words)

    assert (code, "") == (ended.code, ended.out)
    assert ended.err.startswith(said)
    assert 1 == ended.err.count("\n")


def test_another_model_explains_nothing(moved: Path) -> None:
    """The digest of the model is not that of the one that decided: 4, and both digests are named."""
    import numpy as np
    import skops.io
    from sklearn.linear_model import LogisticRegression

    other = LogisticRegression().fit(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 0, 1]))
    skops.io.dump(other, moved / "plan" / "model.skops")
    ended = entered(moved, "explain", "run", "--row", "1")

    assert (4, "") == (ended.code, ended.out)
    assert ended.err.startswith(
        "error: run: another model stands there than the one that decided: its sha256 was sha256:"
    )
    assert ended.err.endswith("; bring that model back: no other can explain its decision\n")


def test_other_data_explain_nothing(moved: Path) -> None:
    """Row 1 of another file is another person."""
    rows = moved / "plan" / "rows.csv"
    rows.write_text(rows.read_text("utf-8").replace("F,", "M,", 1), "utf-8")
    ended = entered(moved, "explain", "run", "--row", "1")

    assert (4, "") == (ended.code, ended.out)
    assert "the data, or another file that the plan names, are not those that were audited" in ended.err


def test_another_plan_explains_nothing(moved: Path) -> None:
    """A plan that asks other questions is not the record's."""
    plan = moved / "plan" / "audit.yaml"
    plan.write_text(plan.read_text("utf-8").replace("threshold: 0.5", "threshold: 0.6"), "utf-8")

    with pytest.raises(RecordError, match="asks other questions than"):
        api.explain(moved / "run", "1")


def test_what_may_change_is_what_was_declared_when_the_record_was_made(moved: Path) -> None:
    """A card that was changed afterwards moves nothing."""
    before = api.explain(moved / "run", "1")
    plan = moved / "plan" / "audit.yaml"
    declared = 'version: "1.0", columns: {income: {change: fixed}}'
    plan.write_text(plan.read_text("utf-8").replace('version: "1.0"', declared), "utf-8")

    assert b"If income had been" in before
    assert before == api.explain(moved / "run", "1")


def test_a_damaged_record_explains_nothing(moved: Path) -> None:
    """A record is checked before anything is built on it."""
    (moved / "run" / "ask" / "estimates.json").write_bytes(b"[]")

    with pytest.raises(RecordError, match="verification step"):
        api.explain(moved / "run", "1")


def test_a_plan_that_was_moved_is_named(moved: Path) -> None:
    """Where the plan is not found, the error says how to name it; named, it serves."""
    (moved / "plan").rename(moved / "elsewhere")

    with pytest.raises(UsageError) as refused:
        api.explain(moved / "run", "1")

    assert "name it with --plan" == refused.value.remedy
    assert api.explain(moved / "run", "1", plan=moved / "elsewhere" / "audit.yaml")


def test_a_record_and_its_plan_may_move_together(moved: Path) -> None:
    """The way from one to the other is what the record holds."""
    assert "../plan/audit.yaml" == Record(moved / "run").environment["plan"]
    assert api.explain(moved / "run", "1")


def test_another_decision_than_the_recorded_one_is_refused(scored: Path) -> None:
    """Equal digests and other answers are no reason to explain anything."""
    record = Record(scored / "run")
    answer = explaining.explain(record, "1", card={}).answer
    first, second = answer.probabilities

    with pytest.raises(RecordError, match="the model answers this row otherwise than the record holds"):
        explaining._recorded(record, replace(answer, probabilities=(first - 0.01, second + 0.01)))


def test_a_purged_record_has_nothing_to_compare_with(moved: Path) -> None:
    """The decision is explained all the same, and that it could not be compared is said."""
    api.purge(moved / "run", by="A. Example")

    assert b"the record holds no answer to this input" in api.explain(moved / "run", "1")


def test_a_log_holds_no_model(tmp_path: Path) -> None:
    """Decisions of the past cannot be asked about changes."""
    api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)

    with pytest.raises(TargetError, match="holds decisions and no model"):
        api.explain(tmp_path / "run", "1")


def test_a_system_without_a_digest_shows_no_identity(tmp_path: Path) -> None:
    """A function states no digest of weights: nothing shows that the same one answers."""
    (tmp_path / "rule.py").write_text(
        "import numpy as np\n\n\ndef predict(rows):\n"
        "    good = 1 / (1 + np.exp(-np.asarray(rows['income'])))\n    return np.column_stack([1 - good, good])\n",
        "utf-8",
    )
    plan = write_sklearn_plan(tmp_path)
    text = plan.read_text("utf-8")
    function = 'target: {type: callable, function: "rule:predict", kind: predict}'
    plan.write_text(text.replace("target: {type: sklearn, path: model.skops}", function), "utf-8")
    api.audit(plan, out=tmp_path / "run", documents=False)

    with pytest.raises(TargetError, match="states no digest of its model"):
        api.explain(tmp_path / "run", "1")


def test_rows_that_stand_for_others_and_recur_are_explained(tmp_path: Path) -> None:
    """Other cases are drawn by their weight, which is said; neither weight nor person is an input."""
    plan = write_sklearn_plan(tmp_path)
    declared = "label: repaid, weight: stands_for, cluster: who,"
    plan.write_text(plan.read_text("utf-8").replace("label: repaid,", declared), "utf-8")
    head, *rows = (tmp_path / "rows.csv").read_text("utf-8").splitlines()
    more = [f"{row},{1 + place % 3},p{place // 2}" for place, row in enumerate(rows)]
    (tmp_path / "rows.csv").write_text("\n".join([f"{head},stands_for,who", *more]) + "\n", "utf-8")
    api.audit(plan, out=tmp_path / "run", documents=False)
    found = json.loads(api.explain(tmp_path / "run", "1", format="json"))["decision"]

    assert found["weighted"]
    assert ["income"] == [each["told"]["name"] for each in found["factors"]]
    assert "by how many persons each stands for" in " ".join(api.explain(tmp_path / "run", "1").decode().split())


def _boosted(folder: Path, *, on_the_edge: bool) -> dict[str, Any]:
    """What is said of the first row of a boosted model; all rows may lie closer to a split than float32 can tell."""
    import skops.io
    from sklearn.ensemble import GradientBoostingClassifier

    plan = write_sklearn_plan(folder)
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(200, 1)) + 3
    fitted = GradientBoostingClassifier(n_estimators=5, random_state=0).fit(inputs, (inputs[:, 0] > 3).astype(int))
    skops.io.dump(fitted, folder / "model.skops")
    if on_the_edge:
        split = float(fitted.estimators_[0, 0].tree_.threshold[0])
        head, *rows = (folder / "rows.csv").read_text("utf-8").splitlines()
        moved = [f"{sex},{split!r},{repaid}" for sex, _, repaid in (row.split(",") for row in rows)]
        (folder / "rows.csv").write_text("\n".join([head, *rows[:150], *moved[150:]]) + "\n", "utf-8")
    digest = hashlib.sha256((folder / "model.skops").read_bytes()).hexdigest()
    trusted = f"path: model.skops, sha256: {digest}, trusted: [sklearn.tree._tree.Tree]"
    plan.write_text(plan.read_text("utf-8").replace("path: model.skops", trusted), "utf-8")
    api.audit(plan, out=folder / "run", documents=False)
    found: dict[str, Any] = json.loads(api.explain(folder / "run", "1", format="json"))["decision"]
    return found


def test_boosted_trees_are_explained_exactly(tmp_path: Path) -> None:
    """The model's own target computes Shapley values of its trees, which add up in single precision."""
    found = _boosted(tmp_path, on_the_edge=False)

    assert "shap.tree" == found["method"]
    assert 1e-4 > found["residual"]


def test_trees_whose_values_miss_the_score_are_explained_by_asking(tmp_path: Path) -> None:
    """The library of trees rounds a row on the edge of a split to the other side of it."""
    found = _boosted(tmp_path, on_the_edge=True)

    assert found["method"] in ("shap.linear", "shap.exact")  # one feature has the whole difference, whoever asks
    assert 1e-9 > found["residual"]


@pytest.mark.parametrize(("kind", "missing"), [("xgboost", ""), ("lightgbm", ", missing: keep")])
def test_trees_with_categories_are_explained_by_asking(tmp_path: Path, kind: str, missing: str) -> None:
    """The library that computes their values takes numbers alone; rows with gaps, own and others', too."""
    rng = np.random.default_rng(4)
    town, income = np.array(["Bonn", "Ulm"])[rng.integers(0, 2, 120)], rng.normal(size=120)
    repaid = (income + (town == "Ulm") + 0.3 * rng.normal(size=120) > 0.5).astype(int)
    income[0:30:3] = np.nan if missing else income[0:30:3]
    rows = pd.DataFrame({"town": town, "income": income, "sex": ["F", "M"] * 60, "repaid": repaid})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    seen = rows[["town", "income"]].astype({"town": "category"})
    if kind == "xgboost":
        boosted = xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1, enable_categorical=True)
        boosted.fit(seen, repaid).save_model(tmp_path / "model.ubj")
    else:
        trees = lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=5, verbose=-1, n_jobs=1).fit(seen, repaid)
        trees.booster_.save_model(tmp_path / "model.txt")
    path = "model.ubj" if kind == "xgboost" else "model.txt"
    (tmp_path / "audit.yaml").write_text(
        f"version: 1\nsystem: {{name: Scorer}}\ntarget: {{type: {kind}, path: {path}}}\n"
        f"data: {{path: rows.csv, label: repaid, features: [town, income]{missing}}}\n"
        "decision: {favourable: 1, threshold: 0.5}\ngroups: {sex: {reference: M}}\n"
        "suites: {bias.group-rates: {}}\nenergy: {codecarbon: false}\n",
        "utf-8",
    )
    api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
    found = json.loads(api.explain(tmp_path / "run", "1", format="json"))["decision"]

    assert "shap.exact" == found["method"]
    assert 1e-9 > found["residual"]


def test_ways_to_change_are_read_from_the_card_and_the_plan() -> None:
    """What a probe of counterfactuals holds fixed stays fixed; a word that means nothing is refused."""
    card = {"columns": {"age": {"change": "rises"}, "job": {"change": "free"}, "debt": "debts"}}
    suites = {"explain.counterfactuals": {"immutable": ["sex"], "decrease_only": ["debt"]}, "bias.group-rates": None}

    assert {"sex": "fixed", "debt": "falls", "age": "rises"} == explaining.ways_of(card, suites)
    with pytest.raises(UsageError, match="expected free, rises, falls, fixed or correctable, got 'up'"):
        explaining.ways_of({"columns": {"age": {"change": "up"}}}, {})
