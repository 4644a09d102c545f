"""What a system and its rows say: kinds, guesses by name, columns that fit, and audits of the drafted plans."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
import yaml
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from commands import Ended, entered
from oip_server import serving
from paths import ROOT
from probandum import api
from probandum.errors import DataError, UsageError
from probandum.finding import Verdict
from probandum.interrogating import recognised
from probandum.plan_file import LimitLine
from probandum.plugins import load_plugins
from probandum.probe import known_probes
from probandum.profiling import Profile, protected_by_name
from probandum.record import Record
from probandum.resources import shipped
from probandum.yaml_source import read_yaml
from records import write_log, write_sklearn_plan
from tiny_models import save_bert, save_llama

SCORER = """\
import numpy as np

def score(columns):
    return 1 / (1 + np.exp(-columns["income"]))
"""

#: Options with which the probes that ask most ask little: every probe still goes its whole way.
QUICK: dict[str, dict[str, Any]] = {
    "bias.association": {"random_sets": 100},
    "bias.equity-corpus": {"sample": 20},
    "bias.name-swap": {"sample": 2},
    "bias.occupation-pronoun": {"sample": 2},
    "bias.refusals": {"sample": 60, "tokens": 4},
    "bias.sampled-swap": {"prompts": 240, "tokens": 4},
    "bias.term-swap": {"sample": 2},
    "energy.inference": {"repeats": 2, "seconds": 0.02},
    "explain.counterfactuals": {"inputs": 20, "changes": 1},
    "explain.efficiency": {"inputs": 20},
    "explain.faithfulness": {"inputs": 20},
    "explain.randomisation": {"inputs": 10},
    "explain.reliance": {"inputs": 40, "background": 10},
    "explain.seed-stability": {"inputs": 4, "seeds": 3},
}


def rows(folder: Path) -> Path:
    """A folder with a model, held-out rows and no plan."""
    write_sklearn_plan(folder).unlink()
    return folder


def audited(folder: Path, *words: object, explained: bool = False) -> Record:
    """The record of the plan that ``init`` writes, made quicker; explanations, which are slow, on demand."""
    drafted = entered(folder, "init", *words)
    plan = folder / "audit.yaml"
    assert 0 == drafted.code, drafted.err
    assert drafted.out.endswith("next      probandum audit audit.yaml\n"), drafted.out
    assert 120 >= max(map(len, plan.read_text("utf-8").splitlines()))
    values = yaml.safe_load(plan.read_text("utf-8"))
    values["energy"] = {"codecarbon": False}
    for name in QUICK.keys() & values["suites"].keys():
        values["suites"][name] = {**(values["suites"][name] or {}), **QUICK[name]}
    if not explained:
        values["suites"] = {name: each for name, each in values["suites"].items() if not name.startswith("explain.")}
        values["limits"] = [each for each in values["limits"] if not each["metric"].startswith("explain.")]
    plan.write_text(yaml.safe_dump(values), "utf-8")
    return api.audit(plan, out=folder / "run", documents=False)


def statuses(record: Record) -> dict[str, str]:
    """How every probe ended, those of other distributions apart."""
    ours = ("bias.", "energy.", "explain.")
    return {each.probe: each.status for each in record.results if each.probe.startswith(ours)}


def failed(record: Record) -> list[str]:
    """Probes that broke, and why."""
    return [f"{each.probe}: {each.why}" for each in record.results if each.status == "error"]


def test_a_log_is_audited_by_its_drafted_plan(tmp_path: Path) -> None:
    """The planted gap is found, under limits that nobody typed."""
    write_log(tmp_path)
    record = audited(tmp_path, "log.csv", "--favourable", 1, "--label", "repaid", "--group", "sex")

    assert [] == failed(record)
    assert Verdict.FAIL in {each.verdict for each in record.findings if each.metric == "bias.group-rates/impact-ratio"}


def test_a_scikit_learn_model_is_audited_by_its_drafted_plan(tmp_path: Path) -> None:
    """Its column is found among three by asking it about five rows."""
    record = audited(rows(tmp_path), "model.skops", "--data", "rows.csv", "--favourable", 1, explained=True)

    assert [] == failed(record)
    assert "measured" == statuses(record)["explain.seed-stability"]
    assert ["income"] == record.plan["ask"]["data"]["features"]


def test_an_onnx_model_is_audited_by_its_drafted_plan(tmp_path: Path) -> None:
    """Once a person says what its classes are called."""
    values = np.random.default_rng(3).normal(size=(200, 1)).astype(np.float32)
    model = LogisticRegression().fit(values, (values[:, 0] > 0).astype(int))
    made = to_onnx(model, values, options={"zipmap": False}).SerializeToString()
    (rows(tmp_path) / "model.onnx").write_bytes(made)
    refused = entered(tmp_path, "init", "model.onnx", "--data", "rows.csv")
    record = audited(tmp_path, "model.onnx", "--data", "rows.csv", "--set", "labels=[0, 1]", "--favourable", 1)

    assert 2 == refused.code
    assert "give keys of the target as --set labels=VALUE" in refused.err
    assert [] == failed(record)
    assert ["income"] == record.plan["ask"]["data"]["features"]


def test_a_function_is_audited_by_its_drafted_plan(tmp_path: Path) -> None:
    """It is found beside the plan and called as rows are given."""
    (rows(tmp_path) / "scorer.py").write_text(SCORER, "utf-8")
    record = audited(tmp_path, "scorer:score", "--data", "rows.csv", "--favourable", 1)

    assert [] == failed(record)
    assert "predict" == record.plan["ask"]["target"]["kind"]


@pytest.mark.parametrize("file", ["model.ubj", "model.json"])
def test_boosted_trees_are_known_by_their_file(tmp_path: Path, file: str) -> None:
    """`.ubj` is XGBoost's, and JSON with a learner in it; its one column is found among three."""
    import xgboost

    values = np.random.default_rng(3).normal(size=(200, 1))
    trees = xgboost.XGBClassifier(n_estimators=5).fit(values, (values[:, 0] > 0).astype(int))
    trees.save_model(rows(tmp_path) / file)
    ended = entered(tmp_path, "init", file, "--data", "rows.csv", "--favourable", 1)

    assert 0 == ended.code, ended.err
    assert {"type": "xgboost", "path": file} == yaml.safe_load((tmp_path / "audit.yaml").read_text())["target"]
    assert "features  income: the numbers of all columns but repaid" in ended.out


def test_the_text_of_a_lightgbm_model_is_known_by_its_first_line(tmp_path: Path) -> None:
    """Any other text stays unknown."""
    import lightgbm

    values = np.random.default_rng(3).normal(size=(200, 1))
    data = lightgbm.Dataset(values, (values[:, 0] > 0).astype(int), feature_name=["income"])
    trees = lightgbm.train({"objective": "binary", "verbose": -1}, data, num_boost_round=5)
    trees.save_model(rows(tmp_path) / "model.txt")
    (tmp_path / "other.txt").write_text("trees\n", "utf-8")
    other = entered(tmp_path, "init", "other.txt", "--data", "rows.csv")
    ended = entered(tmp_path, "init", "model.txt", "--data", "rows.csv", "--favourable", 1)

    assert 0 == ended.code, ended.err
    assert {"type": "lightgbm", "path": "model.txt"} == yaml.safe_load((tmp_path / "audit.yaml").read_text())["target"]
    assert "features  income: as the model names them" in ended.out
    assert (2, True) == (other.code, "unknown kind of file '.txt'" in other.err)


@pytest.mark.parametrize("wide", [False, True])
def test_a_served_model_whose_inputs_are_columns_says_its_features(tmp_path: Path, wide: bool) -> None:
    """From its metadata, and no guess; where one input is no column, a few rows say which columns it takes."""
    values = np.random.default_rng(3).normal(size=(200, 2))
    model = LogisticRegression().fit(pd.DataFrame(values, columns=["income", "repaid"]), values[:, 0] > 0)
    rows(tmp_path)
    names = ["income", "other" if wide else "repaid"]
    inputs = [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in names]
    stated = {"inputs": inputs, "outputs": [{"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}]}
    with serving(model, metadata=stated) as served:
        words = (f"{served.url}/v2/models/credit", "--data", "rows.csv", "--label", "sex", "--favourable", 1)
        ended = entered(tmp_path, "init", *words)

    assert f"takes income, {names[1]}; gives predict_proba" in ended.out, ended.err
    assert ("features  income, repaid: as the model names them" in ended.out) is not wide
    assert ("which columns, in which order, does the model take?" in ended.out) is wide


def test_a_model_of_the_inference_protocol_is_known_by_its_address(tmp_path: Path) -> None:
    """`/v2/models/NAME`; a few rows say which columns it takes."""
    values = np.random.default_rng(3).normal(size=(200, 1))
    model = LogisticRegression().fit(values, (values[:, 0] > 0).astype(int))
    rows(tmp_path)
    probabilities = {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}
    stated = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 1]}], "outputs": [probabilities]}
    with serving(model, metadata=stated) as served:
        record = audited(
            tmp_path,
            f"{served.url}/v2/models/credit",
            "--data",
            "rows.csv",
            "--favourable",
            1,
            "--set",
            "outputs={name: predict_proba, kind: probability}",
        )

    assert [] == failed(record)
    assert ["income"] == record.plan["ask"]["data"]["features"]


def test_a_text_classifier_is_audited_by_its_drafted_plan(tmp_path: Path) -> None:
    """A folder with config.json, whose head says what it is."""
    save_bert(tmp_path / "model", max_position_embeddings=512)
    record = audited(tmp_path, "model")

    assert [] == failed(record)
    assert "measured" == statuses(record)["bias.term-swap"]


def test_changed_words_take_no_rows(tmp_path: Path) -> None:
    """A text classifier is asked for counterfactuals without a label or groups; what concerns columns is not judged."""
    save_bert(tmp_path / "model", max_position_embeddings=512)
    drafted = entered(tmp_path, "init", "model")
    plan = yaml.safe_load((tmp_path / "audit.yaml").read_text("utf-8"))
    judged = [each["metric"] for each in plan["limits"]]

    assert 0 == drafted.code, drafted.err
    assert "explain.counterfactuals" in plan["suites"]
    assert "explain.counterfactuals/validity" in judged
    assert "explain.counterfactuals/actionability" not in judged
    assert 0 == entered(tmp_path, "plan", "check", "audit.yaml").code


def test_a_language_model_is_audited_by_its_drafted_plan(tmp_path: Path) -> None:
    """With the probes that ask it to choose, and none that need rows."""
    save_llama(tmp_path / "model", max_position_embeddings=1024)
    record = audited(tmp_path, "model")

    assert "bias.name-swap" in statuses(record)
    assert "bias.group-rates" not in statuses(record)
    assert [] == failed(record)


def test_a_limit_on_a_change_is_drafted_as_a_comment_until_there_is_a_baseline(tmp_path: Path) -> None:
    """For what writes: 2 % more energy for a token, with what it takes above it; the plan loads as it stands."""
    save_llama(tmp_path / "model", max_position_embeddings=1024)
    drafted = entered(tmp_path, "init", "model").out
    lines = (tmp_path / "audit.yaml").read_text("utf-8").splitlines()
    place = lines.index("  # - metric: energy.inference/joules-per-output-token/change")

    assert "it takes gate.baseline" in lines[place - 1] or "it takes gate.baseline" in lines[place - 2]
    assert "  #   at_most: 0.02" == lines[place + 1]
    live = [line for line in lines if line.startswith("  - metric:")]
    assert f"limits    {len(live)} of the defaults" in drafted
    assert 0 == entered(tmp_path, "plan", "check", "audit.yaml").code


def test_the_check_names_what_a_person_must_decide(tmp_path: Path) -> None:
    """Where it stands, and the question beside it; then it fits."""
    write_log(tmp_path)
    drafted = entered(tmp_path, "init", "log.csv")
    checked = entered(tmp_path, "plan", "check", "audit.yaml")
    (tmp_path / "audit.yaml").write_text((tmp_path / "audit.yaml").read_text("utf-8").replace("TODO", "1"), "utf-8")

    assert "next      probandum plan check audit.yaml\n" == drafted.out.splitlines(keepends=True)[-1]
    assert 2 == checked.code
    assert (
        "audit.yaml:16:15: target.favourable: still to be decided: "
        "which decision is good for the person, 0 or 1? No default\n"
    ) == checked.err
    assert 0 == entered(tmp_path, "plan", "check", "audit.yaml").code


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Neither a plan nor anything else; printing touches no file."""
    write_log(tmp_path)
    (tmp_path / "audit.yaml").write_text("mine", "utf-8")
    before = sorted(tmp_path.iterdir())
    refused = entered(tmp_path, "init", "log.csv")
    printed = entered(tmp_path, "init", "log.csv", "--out", "-")

    assert (2, "error: audit.yaml: exists already, and nothing is overwritten; choose another file with --out\n") == (
        refused.code,
        refused.err,
    )
    assert "mine" == (tmp_path / "audit.yaml").read_text("utf-8")
    assert before == sorted(tmp_path.iterdir())
    assert printed.out.startswith("# An audit of log, drafted by `probandum init`")
    assert "system    log: 800 recorded decisions" in printed.err


def test_paths_are_written_as_the_plan_needs_them(tmp_path: Path) -> None:
    """From the folder that the plan lies in, wherever the command was given."""
    rows(tmp_path / "models")
    (tmp_path / "audits").mkdir()
    words = ("init", "models/model.skops", "--data", "models/rows.csv", "--favourable", 1, "--out", "audits/a.yaml")
    ended = entered(tmp_path, *words)
    text = (tmp_path / "audits" / "a.yaml").read_text("utf-8")

    assert 0 == ended.code, ended.err
    assert "path: ../models/model.skops" in text
    assert "path: ../models/rows.csv" in text
    assert 0 == entered(tmp_path, "plan", "check", "audits/a.yaml").code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.skops"], "answers about rows, and there are none; add --data FILE"),
        (["nothing.csv"], "nothing.csv: no such file or folder"),
        (["notes.txt"], "unknown kind of file '.txt'"),
        (["notes.json"], "unknown kind of file '.json'"),
        (["."], "a folder without config.json; say what it is with --target TYPE"),
        ([], "nothing to look at"),
        (["rows.csv", "--data", "rows.csv"], "--data: a log brings its own rows"),
        (["rows.csv", "--set", "decision"], "--set decision: expected KEY=VALUE"),
        (["rows.csv", "--set", "decision=[a"], "--set decision=[a: no YAML value"),
        (["rows.csv", "--target", "logs"], "unknown target type 'logs', did you mean 'log'?"),
        (["rows.csv", "--label", "repayed"], "no column 'repayed', did you mean 'repaid'?"),
        (
            ["rows.csv", "--set", "decision=repaid", "--favourable", "yes"],
            "favourable: 'yes' is no decision that occurs",
        ),
        (["model.skops", "--data", "rows.csv", "--favourable", 2], "favourable: '2' is no class that occurs"),
        (["rows.csv", "--out", "no/audit.yaml"], "no: no such folder"),
    ],
)
def test_what_is_unclear_is_one_line_and_writes_nothing(tmp_path: Path, words: list[object], said: str) -> None:
    """With exit code 2."""
    (rows(tmp_path) / "notes.txt").write_text("a", "utf-8")
    (tmp_path / "notes.json").write_text('{"learners": 1}', "utf-8")
    ended = entered(tmp_path, "init", *words)

    assert (2, 1) == (ended.code, len(ended.err.splitlines())), ended.err
    assert said in ended.err
    assert not (tmp_path / "audit.yaml").exists()


def test_protected_attributes_are_known_by_name_in_several_languages() -> None:
    """As whole words, whatever the case and the accents."""
    known = {
        name: protected_by_name(name)
        for name in (
            "Geschlecht",
            "applicant_sex",
            "Nationalité",
            "AGE",
            "fecha_edad",
            "raceEthnicity",
            "MaritalStatus",
        )
    }

    assert {
        "Geschlecht": "sex",
        "applicant_sex": "sex",
        "Nationalité": "nationality or origin",
        "AGE": "age",
        "fecha_edad": "age",
        "raceEthnicity": "race or ethnic origin",
        "MaritalStatus": "family or marital status",
    } == known
    assert [None] * 4 == [protected_by_name(name) for name in ("mortgage", "passage", "trace", "sussex")]


def test_rows_are_profiled_without_keeping_who_they_are(tmp_path: Path) -> None:
    """Sizes by value where there are few, none of a column that tells everybody apart; gaps are counted."""
    lines = [f"p{n},{18 + n % 60},{'FM'[n % 2]},{'' if n == 3 else n % 2}" for n in range(200)]
    (tmp_path / "a.csv").write_text("\n".join(["key,age,sex,approved", *lines]) + "\n", "utf-8")
    profile = Profile.read(tmp_path / "a.csv")

    assert ((), 200) == (profile.columns["key"].values, profile.columns["key"].distinct)
    assert {"F": 100, "M": 100} == profile.columns["sex"].counts
    assert profile.columns["age"].wants_bins
    assert (18.0, 77.0) == (profile.columns["age"].low, profile.columns["age"].high)
    assert "1 empty cell: fill in or leave the rows out" == profile.columns["approved"].unusable(grouped=False)
    assert {"age": "age", "sex": "sex"} == profile.protected()


def test_what_cannot_be_grouped_is_left_out_with_the_reason(tmp_path: Path) -> None:
    """Dates of birth want years; a group that was asked for and cannot be is an error."""
    lines = [f"19{50 + n % 50}-01-{1 + n // 50:02},{'FM'[n % 2]},{n % 2}" for n in range(150)]
    (tmp_path / "a.csv").write_text("\n".join(["birthday,sex,approved", *lines]) + "\n", "utf-8")
    made = api.init(str(tmp_path / "a.csv"), folder=tmp_path)

    assert "# birthday:                             # looks like age; 150 distinct texts" in made.text
    with pytest.raises(DataError, match="no groups by 'birthday': 150 distinct texts"):
        api.init(str(tmp_path / "a.csv"), groups=["birthday"], folder=tmp_path)


def test_words_of_decision_and_outcome_that_differ_are_asked_about(tmp_path: Path) -> None:
    """Which decision foresees the outcome is no guess."""
    lines = [f"{'FM'[n % 2]},{('granted', 'refused')[n % 3 == 0]},{n % 2}" for n in range(90)]
    (tmp_path / "a.csv").write_text("\n".join(["sex,decision,repaid", *lines]) + "\n", "utf-8")
    open_ = api.init(str(tmp_path / "a.csv"), favourable="granted", folder=tmp_path)
    said = api.init(str(tmp_path / "a.csv"), favourable="granted", options={"detected": "granted"}, folder=tmp_path)

    assert ("line 19, detected: which decision says that 1 is expected, granted or refused?",) == open_.questions
    assert () == said.questions
    assert "needs" not in said.text


class _Models(BaseHTTPRequestHandler):
    """Lists two models, and nothing else."""

    def do_GET(self) -> None:
        """The list."""
        body = b'{"data": [{"id": "small"}, {"id": "large"}]}' if self.path == "/v1/models" else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize("version", ["", "/versions/1", "/versions/1/"])
def test_the_version_of_a_served_model_stands_in_its_address(version: str) -> None:
    """It is the key of the plan."""
    found = recognised(f"http://127.0.0.1:9/v2/models/credit{version}", None, {})
    keys = {"url": "http://127.0.0.1:9", "model": "credit", **({"version": "1"} if version else {})}

    assert ("oip", keys) == found


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server on loopback."""
    made = HTTPServer(("127.0.0.1", 0), _Models)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_server_of_several_models_is_asked_for_one(server: str) -> None:
    """A URL is contacted because it was named; which model, a person says."""
    with pytest.raises(UsageError, match="serves 2 models, small, large") as refused:
        api.init(server)

    assert "choose one with --set model=NAME" == refused.value.remedy
    with pytest.raises(UsageError, match="no list of models: the answer has no list under data"):
        api.init(f"{server}/other")


def test_the_readme_shows_what_init_prints(tmp_path: Path) -> None:
    """Word by word."""
    write_log(tmp_path).rename(tmp_path / "decisions.csv")
    (shown,) = re.findall(r"\$ probandum init decisions.csv\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)

    assert shown == entered(tmp_path, "init", "decisions.csv").out


@pytest.mark.parametrize(
    ("columns", "options", "fits"),
    [
        ("sex", {}, {"bias.group-rates"}),
        ("sex,race", {}, {"bias.group-rates", "bias.intersections"}),
        ("sex,race,score", {"score": "score"}, {"bias.group-rates", "bias.intersections", "bias.auc-gap"}),
    ],
)
def test_suites_that_cannot_speak_are_comments(
    tmp_path: Path, columns: str, options: dict[str, str], fits: set[str]
) -> None:
    """Crossings take two attributes, AUCs a score, calibration a model; New York's tables somebody who names them."""
    rng = np.random.default_rng(1)
    lines = ["id,sex,race,score,approved,repaid"] + [
        f"p{row},{'FM'[row % 2]},{'AB'[row // 2 % 2]},{row},{rng.integers(2)},{rng.integers(2)}" for row in range(200)
    ]
    kept = [lines[0].split(",").index(name) for name in ("id", *columns.split(","), "approved", "repaid")]
    text = "\n".join(",".join(line.split(",")[place] for place in kept) for line in lines)
    (tmp_path / "log.csv").write_text(text + "\n", "utf-8")
    names = [name for name in columns.split(",") if name != "score"]
    options = {"decision": "approved", **options}
    made = api.init(
        str(tmp_path / "log.csv"), favourable=1, label="repaid", groups=names, options=options, folder=tmp_path
    )
    plan = yaml.safe_load(made.text)
    judged = {limit["metric"].split("/")[0] for limit in plan["limits"]}

    assert fits == {name for name in plan["suites"] if name in _TABULAR}
    assert fits == judged & _TABULAR
    assert "# bias.ll144: {}                        # for employment decisions in New York City" in made.text


_TABULAR = {
    "bias.attribute-flip",
    "bias.group-rates",
    "bias.conditional-parity",
    "bias.intersections",
    "bias.auc-gap",
    "bias.calibration",
    "bias.ll144",
}


def test_every_default_limit_is_one_that_a_plan_may_have() -> None:
    """Of a metric that a probe declares, with its origin, and below no group size that the probe judges."""
    load_plugins()
    defaults = read_yaml(shipped("templates") / "_plan" / "defaults.yaml").values
    lines = defaults["limits"]
    known = {f"{name}/{metric}" for name, spec in known_probes().items() for metric in spec.metrics}
    keys = ("needs", "counts", "fewest", "else")

    assert set() == {line["metric"].removesuffix("/change") for line in lines} - known
    assert all("else" in line for line in lines if line["metric"].endswith("/change"))
    assert set() == set(defaults["suites"]) - set(known_probes())
    assert len(lines) == len({(line["metric"], *line.get("groups", {}).items()) for line in lines})
    for line in lines:
        limit = LimitLine.model_validate({key: value for key, value in line.items() if key not in keys})
        assert limit.reason
        assert limit.source == "convention" or limit.citation


@pytest.mark.parametrize("named", [True, False])
def test_a_model_is_asked_whether_it_takes_rows_with_gaps(tmp_path: Path, named: bool) -> None:
    """One that does is audited with them, one that does not says why, and the plan is left as it was."""
    rows = {"income": [0.0, 1.0, 2.0, 3.0], "debt": [1.0, 3.0, 0.0, 2.0]}
    frame = pd.DataFrame(rows) if named else np.column_stack(list(rows.values()))
    (tmp_path / "rows.csv").write_text("income,debt,repaid\n1,2,0\n,1,1\n3,nan,1\n2,1,0\n", "utf-8")

    def drafted(model: Any, file: str) -> str:
        model.fit(frame, [0, 0, 1, 1])
        if file == "model.ubj":
            model.save_model(tmp_path / file)
        else:
            skops.io.dump(model, tmp_path / file)
        found = api.init(
            str(tmp_path / file), data=str(tmp_path / "rows.csv"), label="repaid", favourable=1, folder=tmp_path
        )
        return " ".join(found.text.replace("#", "").split())

    takes = drafted(xgboost.XGBClassifier(n_estimators=2, n_jobs=1), "model.ubj")
    refuses = drafted(LogisticRegression(), "model.skops")

    assert "missing: keep some rows have no value in income, debt: asked about 2 of them, the model answered" in takes
    assert "missing: keep some rows have no value in income, debt, and an audit refuses them" in refuses
    assert "asked about 2, the model said ValueError: Input X contains NaN" in refuses
    assert "features: [income, debt]" in takes and "features: [income, debt]" in refuses


def test_help_says_what_init_takes(tmp_path: Path) -> None:
    """Every short form."""
    ended: Ended = entered(tmp_path, "init", "--help")

    assert 0 == ended.code
    assert all(
        word in " ".join(ended.out.split()) for word in (".skops", ".csv", ".onnx", ".ubj", ".gguf", "config.json")
    )
