"""What every registered target owes: an identity, answers in order, and errors that stay with their block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import endpoints
import oip_server
import probandum.api
from probandum import codec
from probandum.errors import ProbandumError, TargetError, UnknownName, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.plugins import load_plugins
from probandum.tables import read_table
from probandum.target import Target, TargetContext, known_targets, make_target, target_sources
from probandum.targets import load_builtin
from records import PLAN, write_log, write_plan, write_sklearn_plan
from scoring_server import Scorer
from tiny_models import save_bert, save_encoder, save_llama

load_builtin()
load_plugins()
TARGETS = known_targets()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One target as a plan would make it, two blocks that it answers, and one that it cannot.

    ``raises``: it only repeats what was recorded, and raises where it was not asked before. ``files``: whether the
    plan names any. ``stop``: ends what the case has started, such as a server.
    """

    name: str
    context: TargetContext
    options: Mapping[str, Any]
    blocks: tuple[Request, Request]
    bad: Request
    raises: bool = False
    files: bool = True
    stop: Callable[[], object] = lambda: None

    def made(self, **more: Any) -> Target:
        """A fresh instance."""
        return make_target(self.name, self.context, {**self.options, **more})


def rows_of(table: Table, start: int, end: int) -> Request:
    """Some rows as a request."""
    return Request(kind=Capability.PREDICT, inputs=table.take(np.arange(start, end)))


def texts(*prompts: str, kind: Capability = Capability.CLASSIFY, **more: Any) -> Request:
    """Texts as a request."""
    return Request(kind=kind, inputs=prompts, **more)


def log(folder: Path) -> Case:
    """A log of decisions."""
    table = read_table(write_log(folder, rows=40))
    strange = Table({**table.columns, "sex": np.full(40, "X")})
    return Case(
        name="log",
        context=TargetContext(folder=folder),
        options={"path": "log.csv", "decision": "approved", "favourable": 1, "label": "repaid"},
        blocks=(rows_of(table, 0, 15), rows_of(table, 15, 40)),
        bad=rows_of(strange, 0, 5),
    )


def answers(folder: Path) -> Case:
    """Recorded answers."""
    (folder / "answers.csv").write_text("item,answer\none,yes\ntwo,no\nthree,yes\n")
    return Case(
        name="answers",
        context=TargetContext(folder=folder),
        options={"path": "answers.csv"},
        blocks=(texts("one", "four", kind=Capability.RECALL), texts("two", "three", "one", kind=Capability.RECALL)),
        bad=texts("one", kind=Capability.CLASSIFY),
    )


def sklearn(folder: Path) -> Case:
    """A logistic regression in a skops file."""
    write_sklearn_plan(folder)
    table = Table({"income": np.linspace(-2, 2, 30)})
    return Case(
        name="sklearn",
        context=TargetContext(folder=folder, features=("income",)),
        options={"path": "model.skops"},
        blocks=(rows_of(table, 0, 10), rows_of(table, 10, 30)),
        bad=rows_of(Table({"age": np.ones(3)}), 0, 3),
    )


def onnx(folder: Path) -> Case:
    """The same regression, converted."""
    import skops.io
    from skl2onnx import to_onnx

    write_sklearn_plan(folder)
    model = skops.io.load(folder / "model.skops")
    converted = to_onnx(model, np.zeros((1, 1), dtype=np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(converted.SerializeToString())
    table = Table({"income": np.linspace(-2, 2, 30)})
    return Case(
        name="onnx",
        context=TargetContext(folder=folder, features=("income",), threads=1),
        options={"path": "model.onnx", "labels": ["0", "1"]},
        blocks=(rows_of(table, 0, 10), rows_of(table, 10, 30)),
        bad=rows_of(Table({"age": np.ones(3)}), 0, 3),
    )


def callable_(folder: Path) -> Case:
    """A function that counts letters and breaks on a cross."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "letters.py").write_text(
        "def score(texts):\n"
        "    if any('cross' in text for text in texts):\n"
        "        raise ValueError('no crosses')\n"
        "    return [min(len(text) / 100, 1.0) for text in texts]\n",
        "utf-8",
    )
    return Case(
        name="callable",
        context=TargetContext(folder=folder),
        options={"function": "letters:score", "kind": "classify"},
        blocks=(texts("one", "three"), texts("a", "bb", "ccc")),
        bad=texts("a cross"),
    )


def replay(folder: Path) -> Case:
    """The record of an audit of a log."""
    plan = write_plan(folder, PLAN)
    record = probandum.api.audit(plan, out=folder / "run", documents=False)
    table = read_table(folder / "log.csv")
    asked = Request(kind=Capability.PREDICT, inputs=table)
    assert asked.digest in {observation.request for observation in record.observations()}
    return Case(
        name="replay",
        context=TargetContext(folder=folder),
        options={"record": "run"},
        blocks=(asked, asked),
        bad=rows_of(table, 0, 3),
        raises=True,
    )


def transformers(folder: Path) -> Case:
    """A language model of two thin layers and random weights."""
    save_llama(folder)
    options = ((" yes", " Yes"), (" no",))
    return Case(
        name="transformers",
        context=TargetContext(folder=folder.parent, device="cpu", threads=1),
        options={"model": folder.name},
        blocks=(
            texts("Grant Ann a loan?", "Grant Bo a loan?", kind=Capability.CHOOSE, options=options),
            texts("Is it day?", "Is it night?", "Is it?", kind=Capability.CHOOSE, options=options, prefix="It is"),
        ),
        bad=texts("far too long " * 200, kind=Capability.CHOOSE, options=options),
    )


def masked(folder: Path) -> Case:
    """A masked language model."""
    save_encoder(folder, head="ForMaskedLM")
    options = ((" yes", " Yes"), (" no",))
    return run_here(
        folder,
        texts("The loan is", "", kind=Capability.SCORE, continuations=(" granted.", "Ann asks for a loan.")),
        texts("Is it day?", "Is it night?", "Is it?", kind=Capability.CHOOSE, options=options, prefix="It is"),
        bad=texts("far too long " * 200, kind=Capability.CHOOSE, options=options),
    )


def encoder(folder: Path) -> Case:
    """An encoder without a head."""
    save_encoder(folder, kind="DistilBert", dim=32, n_layers=2, n_heads=4, hidden_dim=64)
    return run_here(
        folder,
        texts("one", "three", kind=Capability.EMBED),
        texts("a", "bb", "ccc and d", kind=Capability.EMBED),
        bad=texts("far too long " * 200, kind=Capability.EMBED),
    )


def text_classifier(folder: Path) -> Case:
    """A text classifier, asked for its classes and for what its tokens did to them."""
    save_bert(folder)
    return run_here(
        folder,
        texts("one", "three"),
        texts("a", "bb", "ccc and d", kind=Capability.ATTRIBUTE, parameters={"method": "gradient-x-input"}),
        bad=texts("far too long " * 200),
    )


def attributed(folder: Path) -> Case:
    """A language model, asked for vectors and for what the tokens of a prompt did to an option."""
    save_llama(folder)
    parameters = {"method": "integrated-gradients", "steps": 4, "baseline": "eos"}
    options = ((" yes", " Yes"), (" no",))
    return run_here(
        folder,
        texts("Ann", "Bo and Cy", kind=Capability.EMBED),
        texts("Is it day?", "Is it?", kind=Capability.ATTRIBUTE, options=options, parameters=parameters),
        bad=texts("", kind=Capability.ATTRIBUTE, options=options, parameters=parameters),
    )


def run_here(folder: Path, *blocks: Request, bad: Request) -> Case:
    """The case of a model folder."""
    first, second = blocks
    context = TargetContext(folder=folder.parent, device="cpu", threads=1)
    return Case(name="transformers", context=context, options={"model": folder.name}, blocks=(first, second), bad=bad)


def openai(folder: Path) -> Case:
    """A small language model behind a server on loopback."""
    running = ExitStack()
    served = running.enter_context(endpoints.serving())
    options = ((" yes", " Yes"), (" no",))
    return Case(
        name="openai",
        context=TargetContext(folder=folder),
        options={"url": served.url, "model": "tiny", "api": "completions"},
        blocks=(
            texts("Grant Ann a loan?", "Grant Bo a loan?", kind=Capability.CHOOSE, options=options),
            texts("Is it day?", "Is it night?", "Is it?", kind=Capability.CHOOSE, options=options, prefix="It is"),
        ),
        bad=texts("far too long", kind=Capability.CHOOSE, options=options),
        files=False,
        stop=running.close,
    )


def oip(folder: Path) -> Case:
    """The same regression behind a server of the Open Inference Protocol on loopback."""
    import skops.io

    write_sklearn_plan(folder)
    running = ExitStack()
    served = running.enter_context(oip_server.serving(skops.io.load(folder / "model.skops")))
    table = Table({"income": np.linspace(-2, 2, 30)})
    return Case(
        name="oip",
        context=TargetContext(folder=folder, features=("income",)),
        options={"url": served.url, "model": "credit", "outputs": {"name": "predict_proba"}, "batch": 8},
        blocks=(rows_of(table, 0, 10), rows_of(table, 10, 30)),
        bad=rows_of(Table({"age": np.ones(3)}), 0, 3),
        files=False,
        stop=running.close,
    )


def http(folder: Path) -> Case:
    """A scoring service on loopback, mapped by the plan."""
    running = ExitStack()
    served = running.enter_context(endpoints.serving(handler=Scorer))
    table = Table({"income": np.linspace(-2, 2, 30)})
    return Case(
        name="http",
        context=TargetContext(folder=folder, features=("income",)),
        options={
            "url": f"{served.url}/score",
            "kind": "predict",
            "request": {"instances": "{matrix}"},
            "response": "predictions[].probabilities",
            "batch": 8,
        },
        blocks=(rows_of(table, 0, 10), rows_of(table, 10, 30)),
        bad=rows_of(Table({"income": np.array(["a cross"])}), 0, 1),
        files=False,
        stop=running.close,
    )


def xgboost(folder: Path) -> Case:
    """Boosted trees over the same rows, in XGBoost's format."""
    import xgboost as library

    rows = np.linspace(-2, 2, 30)
    library.XGBClassifier(n_estimators=3, n_jobs=1).fit(rows[:, None], rows > 0).save_model(folder / "model.ubj")
    return boosted(folder, "xgboost", "model.ubj", rows)


def lightgbm(folder: Path) -> Case:
    """Boosted trees over the same rows, in LightGBM's format."""
    import lightgbm as library

    rows = np.linspace(-2, 2, 30)
    model = library.LGBMClassifier(n_estimators=3, min_child_samples=2, n_jobs=1, verbose=-1)
    model.fit(rows[:, None], rows > 0).booster_.save_model(folder / "model.txt")
    return boosted(folder, "lightgbm", "model.txt", rows)


def boosted(folder: Path, name: str, file: str, rows: np.ndarray) -> Case:
    """The case of a native file of boosted trees."""
    table = Table({"income": rows})
    return Case(
        name=name,
        context=TargetContext(folder=folder, features=("income",), threads=1),
        options={"path": file},
        blocks=(rows_of(table, 0, 10), rows_of(table, 10, 30)),
        bad=rows_of(Table({"age": np.ones(3)}), 0, 3),
    )


CASES: Mapping[str, Callable[[Path], Case]] = {
    "answers": answers,
    "callable": callable_,
    "http": http,
    "lightgbm": lightgbm,
    "log": log,
    "oip": oip,
    "onnx": onnx,
    "openai": openai,
    "replay": replay,
    "sklearn": sklearn,
    "transformers": transformers,
    "transformers, attributions": attributed,
    "transformers, encoder": encoder,
    "transformers, masked": masked,
    "transformers, text classifier": text_classifier,
    "xgboost": xgboost,
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Case]]:
    """Every registered target, ready to be made."""
    made = {name: case(tmp_path_factory.mktemp(name.partition(",")[0])) for name, case in CASES.items()}
    yield made
    for case in made.values():
        case.stop()


def test_every_target_has_a_case() -> None:
    """No registered target goes unchecked."""
    assert sorted(TARGETS) == sorted({name.partition(",")[0] for name in CASES})


@pytest.mark.parametrize("name", CASES)
def test_capabilities_are_declared(cases: Mapping[str, Case], name: str) -> None:
    """It can answer something, and what its blocks ask is among it."""
    case = cases[name]
    target = case.made()

    assert target.name == name.partition(",")[0] == case.name
    assert {block.kind for block in case.blocks} <= target.capabilities <= set(Capability)


@pytest.mark.parametrize("name", CASES)
def test_identity_is_stable_and_plain(cases: Mapping[str, Case], name: str) -> None:
    """Two loads have one identity, it is JSON, holds a digest and no machine path."""
    case = cases[name]
    one, other = codec.encode(dict(case.made().identity())), codec.encode(dict(case.made().identity()))

    assert one == other
    assert b"sha256:" in one
    assert str(case.context.folder).encode() not in one


@pytest.mark.parametrize("name", CASES)
def test_answers_come_in_order(cases: Mapping[str, Case], name: str) -> None:
    """Blocks asked together, alone, or the other way round get the same answers, each as long as its block."""
    case = cases[name]
    target = case.made()
    first, second = target.answer(case.blocks)
    turned = target.answer(case.blocks[::-1])
    alone = [target.answer([block])[0] for block in case.blocks]

    for block, together, reversed_, single in zip(case.blocks, (first, second), turned[::-1], alone, strict=True):
        assert together.error is None
        assert len(together.values) == len(block)
        assert np.isfinite(together.values).all()
        assert np.allclose(together.values, reversed_.values, atol=1e-5)
        assert np.allclose(together.values, single.values, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_columns_are_named(cases: Mapping[str, Case], name: str) -> None:
    """Answers to classify and predict have one label a column."""
    case = cases[name]
    target = case.made()
    for block, answer in zip(case.blocks, target.answer(case.blocks), strict=True):
        if block.kind in (Capability.CLASSIFY, Capability.PREDICT):
            assert answer.values.shape == (len(block), len(answer.labels))
            assert len(set(answer.labels)) == len(answer.labels)


@pytest.mark.parametrize("name", CASES)
def test_an_error_stays_with_its_block(cases: Mapping[str, Case], name: str) -> None:
    """A block that cannot be answered is one error, in one line; its neighbours are answered as ever."""
    case = cases[name]
    target = case.made()
    before = target.answer(case.blocks)
    if case.raises:
        with pytest.raises(TargetError):
            target.answer([case.blocks[0], case.bad])
        after: list[Response] = target.answer(case.blocks)
    else:
        first, bad, second = target.answer([case.blocks[0], case.bad, case.blocks[1]])
        after = [first, second]

        assert bad.error
        assert "\n" not in bad.error
        assert bad.outputs is None

    for expected, actual in zip(before, after, strict=True):
        assert actual.error is None
        assert np.allclose(expected.values, actual.values, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_what_it_cannot_do_is_an_error(cases: Mapping[str, Case], name: str) -> None:
    """A request of a kind that it did not declare gets an error that names the kind, or is refused as never asked."""
    case = cases[name]
    target = case.made()
    other = texts("a", kind=next(kind for kind in Capability if kind not in target.capabilities))
    if case.raises:
        with pytest.raises(TargetError, match=str(other.kind)):
            target.answer([other])
    else:
        (answer,) = target.answer([other])

        assert str(other.kind) in str(answer.error)


@pytest.mark.parametrize("name", CASES)
def test_an_unknown_key_is_refused(cases: Mapping[str, Case], name: str) -> None:
    """A key that no constructor takes is a usage error that names it and the known ones."""
    with pytest.raises(UsageError, match="target: unknown key 'colour'") as caught:
        cases[name].made(colour="red")

    assert "known: " in str(caught.value.remedy)


@pytest.mark.parametrize("name", CASES)
def test_a_missing_key_is_named(cases: Mapping[str, Case], name: str) -> None:
    """Without any key the first one that is needed is named."""
    with pytest.raises(UsageError, match=r"target: the key '.*' is missing|target: expected one of"):
        make_target(cases[name].name, cases[name].context, {})


@pytest.mark.parametrize("name", CASES)
def test_sources_exist_and_load_nothing(cases: Mapping[str, Case], name: str) -> None:
    """The files that key a record are found before anything is loaded; an endpoint has none."""
    case = cases[name]
    files = target_sources(case.name, case.context, case.options)

    assert case.files == bool(files)
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("name", [name for name in CASES if name != "http"])
def test_a_file_that_is_not_there_is_one_line(cases: Mapping[str, Case], name: str) -> None:
    """A path that leads nowhere is an error of the toolkit's own, in one line that names the path.

    An endpoint that states no version is first met when it is asked.
    """
    case = cases[name]
    key, value = next(
        (key, case.options[key]) for key in ("path", "model", "record", "function") if key in case.options
    )
    wrong = str(value).replace(str(value).split(".")[0].split(":")[0], "nowhere")
    with pytest.raises(ProbandumError, match="nowhere") as caught:
        make_target(case.name, case.context, {**case.options, key: wrong})

    assert "\n" not in caught.value.message


def test_an_unknown_target_suggests_one() -> None:
    """A mistyped name is refused with the nearest that is known."""
    with pytest.raises(UnknownName, match="unknown target type 'sklern', did you mean 'sklearn'"):
        make_target("sklern", TargetContext(folder=Path()), {})
