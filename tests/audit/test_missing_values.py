"""Rows without a value in some column: refused by default, and given to the system as missing where the plan says so.

The same model is given the same gaps whichever way it is reached, and has the same findings; one that takes none ends
in an ERROR that names row and column, and never in a pass.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
import skops.io
import xgboost
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from commands import entered
from endpoints import Handler
from endpoints import serving as serving_json
from probandum import api, codec
from probandum.asking import Asker
from probandum.columns import numbers_of, odd_among_numbers, stated
from probandum.errors import DataError, TargetError
from probandum.evidence import Capability, Column, Request, Response, Table
from probandum.finding import Verdict
from probandum.gaps import gaps_in, with_cells_named
from probandum.record import Record
from probandum.row_items import digests_of
from probandum.subject import Subject
from probandum.tables import Kept, read_table
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin

for package in ("grpc", "httpx2", "onnxruntime"):
    pytest.importorskip(package)

from oip_server import serving  # noqa: E402  after the checks above

load_builtin()

FEATURES = ("income", "debt")
PLAN = """\
version: 1
system: {{name: Scorer, version: "1.0"}}
target: {{{target}}}
data: {{path: rows.csv, label: repaid, features: [{features}]{missing}}}
decision: {{favourable: 1, threshold: 0.5}}
groups: {{sex: {{reference: M}}}}
suites:
  bias.group-rates: {{}}
  bias.conditional-parity: {{given: [{factor}], reason: Any}}
limits:
  - {{metric: bias.group-rates/impact-ratio, at_least: 0.1, source: project, set_by: Board, set_on: 2026-11-01,
     reason: Any}}
energy: {{codecarbon: false}}
"""
FUNCTION = """\
from pathlib import Path
import numpy as np
import skops.io

FILE = Path(__file__).parent / "model.skops"

def score(rows):
    model = skops.io.load(FILE, trusted=skops.io.get_untrusted_types(file=FILE))
    return model.predict_proba(np.column_stack(list(rows.values())))
"""


def drawn(rows: int = 300, *, seed: int = 3) -> pd.DataFrame:
    """Applicants in eighths, which single precision holds too; women state their income less often."""
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, rows)
    income, debt = (np.round(8 * rng.normal(size=rows)) / 8 for _ in range(2))
    repaid = (income - 0.5 * debt + 0.3 * rng.normal(size=rows) > 0).astype(int)
    income[rng.random(rows) < np.where(sex == 0, 0.2, 0.1)] = np.nan
    debt[rng.random(rows) < 0.05] = np.nan
    return pd.DataFrame({"sex": np.array(["F", "M"])[sex], "income": income, "debt": debt, "repaid": repaid})


ROWS = drawn()


def planned(folder: Path, target: str, *, missing: str = ", missing: keep", name: str = "audit", **more: str) -> Path:
    """A plan over the drawn rows."""
    if not (folder / "rows.csv").is_file():
        ROWS.to_csv(folder / "rows.csv", index=False)
    plan = folder / f"{name}.yaml"
    said = {"features": ", ".join(FEATURES), "factor": "income", **more}
    plan.write_text(PLAN.format(target=target, missing=missing, **said), "utf-8")
    return plan


def trained() -> Any:
    """A model that takes missing numbers by design, trained on some."""
    seen = drawn(seed=4)
    return HistGradientBoostingClassifier(max_iter=20).fit(seen[[*FEATURES]].to_numpy(), seen["repaid"])


def file_of(folder: Path, model: Any) -> str:
    """A skops file, and the target that reads it."""
    path = folder / "model.skops"
    skops.io.dump(model, path)
    types = skops.io.get_untrusted_types(file=path)
    sha = codec.digest(path.read_bytes()).removeprefix("sha256:")
    trusted = f", trusted: [{', '.join(types)}], sha256: {sha}" if types else ""
    return f"type: sklearn, path: model.skops{trusted}"


class Service(Handler):
    """A JSON service with a real model, to which null is a missing number; ``served.model`` is the model."""

    def answer(self, body: dict[str, Any]) -> None:
        """Its probabilities, or 422 with what the model says against the rows."""
        rows = np.array([[np.nan if each is None else each for each in row] for row in body["rows"]], dtype=np.float64)
        try:
            return self.send_json({"found": self.served.model.predict_proba(rows).tolist()})  # type: ignore[attr-defined]
        except ValueError as error:
            return self.send_json({"detail": str(error).splitlines()[0]}, 422)


def ways(folder: Path, model: Any, stack: ExitStack) -> dict[str, str]:
    """The targets by which a model is reached."""
    file = file_of(folder, model)
    (folder / "scoring.py").write_text(FUNCTION, "utf-8")
    server = stack.enter_context(serving(model))
    service = stack.enter_context(serving_json(handler=Service))
    service.model = model
    return {
        "file": file,
        "callable": "type: callable, function: 'scoring:score', kind: predict, files: [model.skops]",
        "grpc": f"type: oip, model: credit, outputs: {{name: predict_proba}}, url: {server.grpc_url!r}, protocol: grpc",
        "json": f"type: http, url: {service.url!r}, kind: predict, request: {{rows: '{{matrix}}'}}, response: found",
        "oip": f"type: oip, model: credit, outputs: {{name: predict_proba}}, url: {server.url!r}",
    }


def findings(record: Record) -> list[tuple[str, Any, Any, Any]]:
    """What was found, and what it rests on."""
    return [(each.id, each.estimate, each.verdict, each.evidence) for each in record.findings]


Audited = dict[str, Record]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The records of one model with gaps among its rows, by every way that can say one."""
    folder = tmp_path_factory.mktemp("gaps")
    with ExitStack() as stack:
        targets = ways(folder, trained(), stack)
        yield {
            way: api.audit(planned(folder, said, name=way), out=folder / way, documents=False)
            for way, said in targets.items()
        }


@pytest.mark.parametrize("way", ["callable", "grpc", "json"])
def test_the_same_model_has_the_same_findings_from_rows_with_gaps(audited: Audited, way: str) -> None:
    """Digests of what was asked among them."""
    assert findings(audited["file"]) == findings(audited[way])


def test_onnx_fills_gaps_as_the_pipeline_does(tmp_path: Path) -> None:
    """In single precision, which decides alike here."""
    seen = drawn(seed=4)
    model = make_pipeline(SimpleImputer(strategy="mean"), LogisticRegression())
    model.fit(seen[[*FEATURES]].to_numpy(), seen["repaid"])
    single = to_onnx(model, np.zeros((1, 2), dtype=np.float32), options={"zipmap": False})
    (tmp_path / "model.onnx").write_bytes(single.SerializeToString())
    targets = {"file": file_of(tmp_path, model), "onnx": "type: onnx, path: model.onnx, labels: ['0', '1']"}
    file, onnx = (
        api.audit(planned(tmp_path, said, name=way), out=tmp_path / way, documents=False)
        for way, said in targets.items()
    )

    assert findings(file) == findings(onnx)
    assert Verdict.PASS in {each.verdict for each in onnx.findings}


def test_what_was_found_rests_on_all_rows(audited: Audited) -> None:
    """No row is left out, and those without a value are a stratum of their own."""
    found = {each.id: each for each in audited["file"].findings}
    rate = found["bias.group-rates/selection-rate?sex=F"]
    strata = [each for each in found if "income (not stated)" in each]

    assert (ROWS["sex"] == "F").sum() == rate.estimate.n
    assert Verdict.PASS in {each.verdict for each in found.values()}
    assert strata


def test_the_model_was_given_the_gaps(audited: Audited) -> None:
    """What it answers is what it says of the rows itself."""
    (answer,) = {
        each.request: each.answer for each in audited["file"].observations() if each.asked["n"] == 300
    }.values()

    assert np.array_equal(trained().predict_proba(ROWS[[*FEATURES]].to_numpy()), answer.values)


def test_how_many_rows_lack_a_value_stands_in_every_document(audited: Audited, tmp_path: Path) -> None:
    """With the columns, and on the terminal before anything is asked."""
    record, lacking = audited["file"], ROWS[[*FEATURES]].isna()
    counts = {"rows": int(lacking.any(axis=1).sum()), "of": 300, "columns": lacking.sum().to_dict()}
    said = (
        f"{counts['rows']} of the 300 rows under audit have no value in debt ({lacking['debt'].sum()}) or "
        f"income ({lacking['income'].sum()}), and the system was given it as missing"
    )
    api.report(record, documents=["annex_iv", "dpia"], formats=["md", "html"])

    assert counts == record.environment["missing"]
    assert all(said in path.read_text("utf-8") for path in record.reports.glob("*.md"))
    assert 2 == len(list(record.reports.glob("*.md")))
    assert said in (record.reports / "index.html").read_text("utf-8")
    assert [] == [step.title for step in api.verify(record) if step.held is False]


def test_json_of_the_inference_protocol_has_no_nan(audited: Audited) -> None:
    """So nothing is sent, and the row, the column and the way out are named."""
    row = int(ROWS["income"].isna().to_numpy().argmax()) + 1
    why = {each.why for each in audited["oip"].findings}

    assert {Verdict.ERROR} == {each.verdict for each in audited["oip"].findings}
    assert all(f"row {row}: column 'income' holds nan, which is no FP64 that JSON can say" in str(each) for each in why)
    assert all("protocol: grpc sends it" in str(each) for each in why)
    assert 4 == api.gate(audited["oip"]).code


@pytest.mark.parametrize("way", ["file", "callable", "grpc", "json"])
def test_a_model_that_takes_no_gaps_is_an_error_that_names_row_and_column(tmp_path: Path, way: str) -> None:
    """Exit 4, and no verdict, whoever refused."""
    whole = drawn(seed=4).dropna()
    model = LogisticRegression().fit(whole[[*FEATURES]].to_numpy(), whole["repaid"])
    lacking = ROWS[[*FEATURES]].isna().to_numpy()
    with ExitStack() as stack:
        planned(tmp_path, ways(tmp_path, model, stack)[way])
        ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")
    found = Record(tmp_path / "run").findings
    said = " ".join(str(each.why) for each in found)

    assert 4 == ended.code, ended.err
    assert {Verdict.ERROR} == {each.verdict for each in found}
    assert "contains NaN" in said
    for place, name in enumerate(FEATURES):
        first, count = int(lacking[:, place].argmax()) + 1, int(lacking[:, place].sum())
        if way == "file":  # servers are asked in parts
            assert f"row {first} has no value in column {name!r} ({count} such rows)" in said
    assert re.search(r"row \d+ has no value in column 'income'", said), said


def test_an_energy_window_names_the_row_too(tmp_path: Path) -> None:
    """A model that breaks on a gap breaks there as well."""
    whole = drawn(seed=4).dropna()
    skops.io.dump(LogisticRegression().fit(whole[[*FEATURES]].to_numpy(), whole["repaid"]), tmp_path / "model.skops")
    rows = Table({"income": np.array([1.0, np.nan]), "debt": np.ones(2)})
    context = TargetContext(folder=tmp_path, features=FEATURES, missing=True)
    asker = Asker(
        make_target("sklearn", context, {"path": "model.skops"}), seed=1, subject=Subject(table=rows, gaps=FEATURES)
    )
    requests = [Request(kind=Capability.PREDICT, inputs=rows)]

    with pytest.raises(TargetError, match=r"contains NaN.*; of what was asked, row 2 has no value in column 'income'$"):
        list(asker.for_probe("energy.a").window(requests, repeats=1, seconds=0.01, warm_up=1))


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_boosted_trees_have_the_findings_of_their_own_answers(tmp_path: Path, name: str) -> None:
    """The native file, and a log of what the library decides on the same rows."""
    seen = drawn(seed=4)
    inputs, classes, asked = seen[[*FEATURES]].to_numpy(), seen["repaid"], ROWS[[*FEATURES]].to_numpy()
    if name == "xgboost":
        trees: Any = xgboost.XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1).fit(inputs, classes)
        trees.save_model(tmp_path / "model.ubj")
        scores = trees.predict_proba(asked)[:, 1]
    else:
        trees = lightgbm.train(
            {"objective": "binary", "num_threads": 1, "verbose": -1}, lightgbm.Dataset(inputs, classes), 10
        )
        trees.save_model(tmp_path / "model.txt")
        scores = trees.predict(asked)
    path = "model.ubj" if name == "xgboost" else "model.txt"
    record = api.audit(planned(tmp_path, f"type: {name}, path: {path}"), out=tmp_path / "run", documents=False)
    found = {each.id: each.estimate.value for each in record.findings}
    rates = {sex: found[f"bias.group-rates/selection-rate?sex={sex}"] for sex in ("F", "M")}
    favoured = np.asarray(scores) >= 0.5

    assert {sex: float(favoured[ROWS["sex"] == sex].mean()) for sex in ("F", "M")} == rates
    assert Verdict.PASS in {each.verdict for each in record.findings}


def test_a_gap_is_refused_where_the_plan_does_not_say(tmp_path: Path) -> None:
    """Exit 2 with the row, the column and both ways out."""
    planned(tmp_path, file_of(tmp_path, trained()), missing="")
    ended = entered(tmp_path, "audit", "audit.yaml")
    row = int(ROWS["income"].isna().to_numpy().argmax()) + 1

    assert 2 == ended.code
    assert (
        f"rows.csv: row {row}: column 'income' is empty; fill it in or leave the row out, or say data.missing: keep"
        in (ended.err)
    )


@pytest.mark.parametrize(
    ("column", "place"),
    [("repaid", "data.label"), ("age", "data.features.2"), ("who", "data.id"), ("heavy", "data.weight")],
)
def test_what_is_declared_of_a_row_is_never_missing(tmp_path: Path, column: str, place: str) -> None:
    """A label, a name, a weight or a number that makes groups: refused as ever, even where it is a feature, too."""
    frame = ROWS.assign(age=np.arange(300.0), who=np.arange(300.0), heavy=1.0)
    frame.loc[6, column] = np.nan
    frame.to_csv(tmp_path / "rows.csv", index=False)
    features = "income, debt, age" if column == "age" else "income, debt"
    plan = planned(tmp_path, file_of(tmp_path, trained()), features=features)
    text = plan.read_text("utf-8").replace("label: repaid", "label: repaid, id: who, weight: heavy")
    plan.write_text(text.replace("groups: {", "groups: {age: {bins: [0, 100, 300]}, "), "utf-8")
    ended = entered(tmp_path, "plan", "check", "audit.yaml")

    assert 2 == ended.code
    assert f"row 7: column {column!r} is empty; fill it in or leave the row out; the audit drops nothing" in ended.err
    assert place in ended.err


def test_an_infinite_number_is_no_missing_one(tmp_path: Path) -> None:
    """It is refused with or without keep."""
    ROWS.assign(debt=[np.inf, *ROWS["debt"][1:]]).to_csv(tmp_path / "rows.csv", index=False)
    planned(tmp_path, file_of(tmp_path, trained()))

    assert "row 1: column 'debt' holds 'inf', which is no value" in entered(tmp_path, "plan", "check", "audit.yaml").err


def test_gaps_are_kept_of_features(tmp_path: Path) -> None:
    """Where the plan names none, nobody has said what goes to the system."""
    plan = planned(tmp_path, file_of(tmp_path, trained()))
    plan.write_text(plan.read_text("utf-8").replace("features: [income, debt], ", ""), "utf-8")

    assert (
        "data.missing: keep is said of features, and the plan names none"
        in entered(tmp_path, "plan", "check", "audit.yaml").err
    )


LEAVE = "write a number or leave the row out; where texts are meant, name the column under data.text"


@pytest.mark.parametrize("cell", ["NA", "null", "?", "€ 1.200", "30 "])
def test_a_text_among_numbers_is_named(tmp_path: Path, cell: str) -> None:
    """By plan check and audit: it would make texts of a whole column, of which a system may answer to the rest."""
    whole = ROWS.fillna(0.0)
    whole.assign(income=[str(whole["income"][0]), cell, *map(str, whole["income"][2:])]).to_csv(
        tmp_path / "rows.csv", index=False
    )
    (tmp_path / "scoring.py").write_text(FUNCTION, "utf-8")
    target = "type: callable, function: 'scoring:score', kind: predict"
    planned(tmp_path, target, missing="", name="plain")
    planned(tmp_path, target)
    said = f"data.features.0: rows.csv: row 2: column 'income' holds {cell!r}, and the other 299 cells are numbers"
    given = "leave the cell empty and say data.missing: keep where the system takes missing values"

    for verb in (["plan", "check"], ["audit"]):
        plain, keeps = (entered(tmp_path, *verb, name) for name in ("plain.yaml", "audit.yaml"))
        assert (2, 2) == (plain.code, keeps.code)
        assert plain.err.endswith(f": {said}; {given}, {LEAVE}\n"), plain.err
        assert keeps.err.endswith(f": {said}; leave the cell empty for a missing value, {LEAVE}\n"), keeps.err


def column(numbers: Iterable[object], *texts: str, times: int = 6) -> list[str]:
    """Six hundred cells: numbers by turns, and so many times texts."""
    cells = [*texts] * times
    return [*cells, *map(str, itertools.islice(itertools.cycle(numbers), 600 - len(cells)))]


HONEST = {
    "children": column(range(5), "5+"),
    "children, one above": column(range(5), "5+", times=1),
    "loans": column([1, 2, 3], "none", times=360),
    "loans, few none": column([1, 2, 3], "None", times=6),
    "grades": column(range(1, 7), "U"),
    "NACE": column(["62.01", "47.11", "56.10"], "01.11"),
    "NACE of three parts": column(["62.01", "47.11"], "62.01.1"),
    "ages": column(range(18, 90), "90+"),
    "ages, young": column(range(18, 90), "<18"),
    "house numbers": column(range(1, 200), "12 A", "7 b", "12B"),
    "house numbers, two": column(range(1, 200), "12/14", "12-14"),
    "postal codes NL": column(range(10115, 99999), "1012 AB"),
    "postal codes UK": column(range(10115, 99999), "EC1A 1BB", times=1),
    "postal codes CZ": column(range(10115, 99999), "110 00"),
    "postal codes US": column(range(10115, 99999), "12345-6789", "01067"),
    "school years": column(range(1990, 2020), "2019/20"),
    "dates": column(range(1990, 2020), "05.01.2020"),
    "years at work": column(range(1, 41), "retired"),
    "occupations": column(range(1, 41), "other"),
    "diagnoses": column(["250.01", "428", "401.9"], "V27.1", "E888", "?"),
    "identifiers": column(range(1000, 2000), "1234567890123456"),
    "many without": column(range(1, 41), "NA", times=60),
    "names": column(range(1, 41), "cook", "NA", times=150),
    "percent as a category": column(range(5), "5%"),
}
SPOILED = {
    "income": (column(range(1200, 1800), "NA", times=3), "NA"),
    "rates": (column([0.5, 1.25], "n/a", times=3), "n/a"),
    "ages": (column(range(18, 90), "-", times=30), "-"),
    "currency": (column(range(1200, 1800), "1 200 EUR", times=1), "1 200 EUR"),
    "thousands": (column(range(1200, 1800), "12,500", "1.250.000"), "12,500"),
    "decimal comma": (column([0.5, 1.25], "2,5"), "2,5"),
    "unit": (column(range(18, 90), "30 years"), "30 years"),
    "percent": (column(range(90), "5%", "NA"), "5%"),
    "letter": (column(range(1200, 1800), "12OO"), "12OO"),
    "minus": (column(range(-50, 50), "−5"), "−5"),
}


@pytest.mark.parametrize("name", HONEST)
def test_columns_of_texts_stay_what_they_are(name: str) -> None:
    """Codes, words, and categories among whatever numbers."""
    assert odd_among_numbers(HONEST[name]) is None


@pytest.mark.parametrize("name", SPOILED)
def test_columns_of_measured_numbers_are_spoiled_by_few_cells(name: str) -> None:
    """Words for a missing value, and numbers gone wrong."""
    values, first = SPOILED[name]

    assert first == getattr(odd_among_numbers(values), "text", None)


def test_no_value_is_an_outcome() -> None:
    """However few outcomes there are, and however many lack; a word is one."""
    for times in (1, 60, 300):
        assert "NA" == getattr(odd_among_numbers(column([0, 1], "NA", times=times), outcomes=True), "text", None)
    assert odd_among_numbers(column([0, 1], "withdrawn"), outcomes=True) is None


def test_the_plan_says_that_a_column_is_text(tmp_path: Path) -> None:
    """Then it is one whatever its cells look like; in Parquet the file says it, and plan check names other columns."""
    (tmp_path / "rows.csv").write_text("a,b\n1200,1\n1300,2\nNA,3\n1250.5,4\n", "utf-8")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "rows.csv", columns=["a"], kept=Kept(asked={"a"}))
    read = read_table(tmp_path / "rows.csv", columns=["a", "b"], kept=Kept(text={"a", "b"}))
    pd.DataFrame({"a": ["1", "2"], "b": [1, 2]}).to_parquet(tmp_path / "rows.parquet")
    texts = read_table(tmp_path / "rows.parquet", columns=["a"], kept=Kept(text={"a"}))
    with pytest.raises(DataError, match=r"column 'b' holds int64, and data\.text calls it text"):
        read_table(tmp_path / "rows.parquet", columns=["b"], kept=Kept(text={"b"}))
    (tmp_path / "rows.csv").unlink()
    planned(tmp_path, file_of(tmp_path, trained()), missing=", text: [incme]")

    assert (["1200", "1300", "NA", "1250.5"], ["1", "2", "3", "4"]) == (read["a"].tolist(), read["b"].tolist())
    assert ["1", "2"] == texts["a"].tolist()
    assert str(caught.value.remedy).endswith("where texts are meant, name the column under data.text")
    ended = entered(tmp_path, "plan", "check", "audit.yaml")
    assert (2, True) == (ended.code, "data.text.0: no feature 'incme', did you mean 'income'?" in ended.err)


def test_how_many_texts_there_are_is_said(tmp_path: Path) -> None:
    """Beside how many numbers, and that some cells are empty."""
    rows = ["", "?", *["1.5"] * 58, "NA"]
    (tmp_path / "rows.csv").write_text("a\n" + "".join(f'"{cell}"\n' for cell in rows), "utf-8")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "rows.csv", columns=["a"], kept=Kept(columns={"a"}, says=True, asked={"a"}))

    said = "rows.csv: row 2: column 'a' holds '?', and 58 of the other 59 cells that hold something are numbers"
    assert said == caught.value.message
    assert ["", "?"] == read_table(tmp_path / "rows.csv", columns=["a"])["a"].tolist()[:2]


@pytest.mark.parametrize("name", ["xgboost", "sklearn"])
def test_the_row_of_a_text_that_a_model_refuses_is_named(tmp_path: Path, name: str) -> None:
    """A code among numbers is meant as a text, and the model takes numbers."""
    seen = drawn(seed=4)
    if name == "xgboost":
        xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(seen[[*FEATURES]].to_numpy(), seen["repaid"]).save_model(
            tmp_path / "model.ubj"
        )
    else:
        whole = seen.dropna()
        skops.io.dump(LogisticRegression().fit(whole[[*FEATURES]], whole["repaid"]), tmp_path / "model.skops")
    whole = ROWS.fillna(0.0)
    whole.assign(income=["1", "2", "12B", *map(str, whole["income"][3:])]).to_csv(tmp_path / "rows.csv", index=False)
    path = "model.ubj" if name == "xgboost" else "model.skops"
    planned(tmp_path, f"type: {name}, path: {path}")
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")
    said = {
        "xgboost": "row 3: column 'income' holds the text '12B', and the model takes numbers",
        "sklearn": "could not convert string to float: '12B'; it stands in row 3 of column 'income'",
    }

    assert 4 == ended.code
    assert all(said[name] in str(each.why) for each in Record(tmp_path / "run").findings)


def test_a_gap_is_named_where_it_can_be_the_cause() -> None:
    """Of what a system refused, and of the inputs that an error names; not beside an error about a cell."""
    rows = Table({"age": np.array([1.0, 2.0, np.nan]), "debt": np.array([np.nan, 2.0, 3.0])})
    asked = [Request(kind=Capability.PREDICT, inputs=rows, start=60)]
    explained = [Request(kind=Capability.ATTRIBUTE, inputs=rows)]
    named = {
        "the server answered 422": "row 63 has no value in column 'age', row 61 has no value in column 'debt'",
        "input 63: [nan, nan] are no class probabilities": "row 63 has no value in column 'age'",
        "inputs 61 to 62: 1 answer to 2 inputs": "row 61 has no value in column 'debt'",
        "input 62: [0.9, 0.9] are no class probabilities": "",
        "row 63: {row.age} stands inside a longer text and has no value": "",
        "Misfit: row 63: column 'town' holds the text 'a', and the model takes numbers": "",
    }

    for why, cells in named.items():
        expected = f"{why}; of what was asked, {cells}" if cells else why
        assert expected == with_cells_named(why, asked, ["age", "debt"])
        assert why == with_cells_named(why, explained, ["age", "debt"])


KEPT = Kept(columns={"a", "b"}, says=True)


def test_csv_and_parquet_hold_the_same_gaps(tmp_path: Path) -> None:
    """An empty cell, NaN and null; a column without any value is one of numbers, and texts stay texts."""
    (tmp_path / "rows.csv").write_text("a,b,c\n1,,x\n,,\nNaN,,y\n", "utf-8")
    held = {"a": [1, None, None], "b": arrow.nulls(3), "c": ["x", None, "y"]}
    parquet.write_table(arrow.table(held), tmp_path / "rows.parquet")
    one, other = (
        read_table(tmp_path / name, columns=["a", "b", "c"], kept=KEPT) for name in ("rows.csv", "rows.parquet")
    )

    assert one.digest == other.digest
    assert [True, False, False] == np.isfinite(one["a"]).tolist()
    assert np.isnan(one["b"]).all()
    assert ["x", "", "y"] == one["c"].tolist()
    assert {"a": 2, "b": 3, "c": 1} == dict(gaps_in(one, ["a", "b", "c"]).columns)  # type: ignore[union-attr]


def test_large_whole_numbers_stay_texts_beside_a_gap(tmp_path: Path) -> None:
    """And the gap is an empty one, no word."""
    parquet.write_table(arrow.table({"a": [2**60, None]}), tmp_path / "rows.parquet")

    assert [str(2**60), ""] == read_table(tmp_path / "rows.parquet", columns=["a"], kept=KEPT)["a"].tolist()


@pytest.mark.parametrize("check", [numbers_of, stated])
def test_a_column_that_counts_holds_no_nan(check: Any) -> None:
    """Also where rows were made by a program."""
    with pytest.raises(DataError, match="w: row 2: column 'a' is empty"):
        check(Table({"a": np.array([1.0, np.nan])}), "a", what="w")


def test_a_gap_has_one_digest() -> None:
    """Whichever bits a library writes for NaN; and another one than any number has."""
    plain, odd = (np.array([1.0, made]) for made in (np.nan, -np.nan))
    odd.view(np.uint64)[1] += 3

    assert Table({"a": plain}).digest == Table({"a": odd}).digest
    assert digests_of(plain).tolist() == digests_of(odd).tolist()
    assert 2 == len(set(digests_of(np.array([0.0, np.nan])).tolist()))


def answered(folder: Path, name: str, rows: Table, **options: Any) -> Response:
    """What a target answers to rows that may have gaps."""
    context = TargetContext(folder=folder, features=tuple(rows), threads=1, missing=True)
    target = make_target(name, context, options)
    try:
        (response,) = target.answer([Request(kind=Capability.PREDICT, inputs=rows)])
        return response
    finally:
        target.close()


TOWNS = ("Bonn", "", "Ulm", "Bonn")


def towns(empty: object) -> pd.DataFrame:
    """Rows of a town and an income, one without a town."""
    return pd.DataFrame({"town": [each or empty for each in TOWNS], "income": [0.5, 1.0, -1.0, 2.0]})


def rows_of_towns() -> Table:
    """The same as the audit holds them."""
    column: Column = np.array(TOWNS)
    return Table({"town": column, "income": np.array([0.5, 1.0, -1.0, 2.0])})


def test_a_text_without_a_value_is_missing_to_a_data_frame(tmp_path: Path) -> None:
    """As pandas reads one, to a model from a file and to a function; the empty text would be another category."""
    encoder = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(towns(np.nan), [0, 1, 0, 1])
    skops.io.dump(model, tmp_path / "model.skops")
    function = FUNCTION.replace("np.column_stack(list(rows.values()))", "pd.DataFrame(rows)")
    (tmp_path / "scoring.py").write_text(function.replace("import skops", "import pandas as pd\nimport skops"), "utf-8")
    file = answered(tmp_path, "sklearn", rows_of_towns(), path="model.skops")
    called = answered(tmp_path, "callable", rows_of_towns(), function="scoring:score", kind="predict")

    assert np.array_equal(model.predict_proba(towns(np.nan)), file.values)
    assert np.array_equal(file.values, called.values)


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_a_category_without_a_value_is_missing_to_trees(tmp_path: Path, name: str) -> None:
    """As it was when they were trained."""
    seen = pd.concat([towns(np.nan)] * 20, ignore_index=True).astype({"town": "category"})
    classes = np.tile([0, 1, 0, 1], 20)
    if name == "xgboost":
        trees: Any = xgboost.XGBClassifier(n_estimators=3, n_jobs=1, enable_categorical=True).fit(seen, classes)
        trees.save_model(tmp_path / "model.ubj")
    else:
        trees = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=5, verbose=-1, n_jobs=1).fit(seen, classes)
        trees.booster_.save_model(tmp_path / "model.txt")
    path = "model.ubj" if name == "xgboost" else "model.txt"
    asked = towns(np.nan).astype({"town": seen["town"].dtype})

    assert np.allclose(
        trees.predict_proba(asked), answered(tmp_path, name, rows_of_towns(), path=path).values, atol=1e-6
    )


def test_no_word_stands_for_a_gap(tmp_path: Path) -> None:
    """A gap inside a longer text of a template, or in a tensor of texts, is an error and no 'None' or 'nan'."""
    rows = Table({"income": np.array([1.0, np.nan])})
    with serving_json(handler=Service) as service, serving(LogisticRegression()) as server:
        inside = answered(
            tmp_path,
            "http",
            rows,
            url=service.url,
            kind="predict",
            request={"rows": "income is {row.income}"},
            response="found",
        )
        texts = answered(
            tmp_path, "oip", rows, url=server.grpc_url, model="credit", protocol="grpc", inputs={"datatype": "BYTES"}
        )
        whole = answered(
            tmp_path, "oip", rows, url=server.grpc_url, model="credit", protocol="grpc", inputs={"datatype": "INT64"}
        )

    said = "{row.income} stands inside a longer text and has no value; make it the whole value, for null"
    assert f"row 2: {said}" == inside.error
    assert "row 2: column 'income' has no value, which no text says" == texts.error
    assert "row 2: column 'income' holds nan, which is no INT64" == whole.error
