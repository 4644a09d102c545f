"""A Python function as the system: called as it says, its faults its own, its modules no other plan's."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum import api, codec
from probandum.errors import ProbandumError, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Verdict
from probandum.target import Target, TargetContext, make_target, target_sources
from probandum.targets import load_builtin
from records import write_sklearn_plan

load_builtin()

ROWS = Table({"income": np.array([0.1, 0.9]), "town": np.array(["Ulm", "Bonn"])})
SYSTEM = """\
import os
import numpy as np

def rows(columns):
    columns["income"] += 1
    return columns["income"] - 1

def texts(texts):
    return [[0.75, 0.25] for text in texts]

def options(prompts, options, prefix):
    assert prefix == "My answer is", prefix
    return [[-len(variants) for variants in options] for prompt in prompts]

def raises(texts):
    if "cross" in texts:
        raise ValueError("no\\n crosses")
    return [0.5 for text in texts]

def leaves(texts):
    raise SystemExit("enough")

def short(texts):
    return [0.5]

def empty(texts):
    return [float("nan") for text in texts]

def sure(texts):
    return [[0.9, 0.9] for text in texts]

def positive(prompts, options, prefix):
    return [[0.5, -1.0] for prompt in prompts]

word = "no function"
"""


def made(
    folder: Path, function: str, kind: str, *, text: str = SYSTEM, features: tuple[str, ...] = (), **more: Any
) -> Target:
    """The function of a module ``system`` beside the plan."""
    folder.mkdir(exist_ok=True)
    (folder / "system.py").write_text(text, "utf-8")
    context = TargetContext(folder=folder, features=features)
    return make_target("callable", context, {"function": f"system:{function}", "kind": kind, **more})


def classified(target: Target, *texts: str) -> Response:
    """The answer to one block of texts."""
    (response,) = target.answer([Request(kind=Capability.CLASSIFY, inputs=texts)])
    return response


def test_rows_come_as_columns_and_stay_as_they_were(tmp_path: Path) -> None:
    """The function gets copies of the features alone; one number a row is the second class's."""
    target = made(tmp_path, "rows", "predict", features=("income",), labels=["no", "yes"])
    (response,) = target.answer([Request(kind=Capability.PREDICT, inputs=ROWS)])

    assert np.allclose([[0.9, 0.1], [0.1, 0.9]], response.values)
    assert ("no", "yes") == response.labels == target.labels
    assert [0.1, 0.9] == ROWS["income"].tolist()


def test_texts_come_as_a_list(tmp_path: Path) -> None:
    """Probabilities of every class, in the order of the labels."""
    assert [[0.75, 0.25]] * 3 == classified(made(tmp_path, "texts", "classify"), "a", "b", "c").values.tolist()


def test_options_come_with_their_variants_and_the_start_of_the_answer(tmp_path: Path) -> None:
    """Log-probabilities of shape (prompts, options)."""
    target = made(tmp_path, "options", "choose")
    request = Request(
        kind=Capability.CHOOSE, inputs=("Yes?", "No?"), options=((" yes", " Yes"), (" no",)), prefix="My answer is"
    )
    (response,) = target.answer([request])

    assert [[-2.0, -1.0]] * 2 == response.values.tolist()
    assert () == target.labels


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("raises", "ValueError: no crosses"),
        ("leaves", "SystemExit: enough"),
        ("short", "expected 2 rows of 2 classes (0, 1), got shape (1, 2)"),
        ("empty", "input 1: [nan, nan] are no class probabilities"),
        ("sure", "input 1: [0.9, 0.9] are no class probabilities, 0 to 1 and summing to 1"),
    ],
)
def test_a_fault_is_the_error_of_the_block_that_met_it(tmp_path: Path, function: str, message: str) -> None:
    """One line, whatever the function does; the audit goes on."""
    response = classified(made(tmp_path, function, "classify"), "cross", "star")

    assert None is response.outputs
    assert message in (response.error or "")
    assert "\n" not in (response.error or "")


def test_a_block_that_breaks_leaves_the_others_answered(tmp_path: Path) -> None:
    """All blocks are asked in one call, and alone where that fails."""
    target = made(tmp_path, "raises", "classify")
    blocks = [Request(kind=Capability.CLASSIFY, inputs=(text,)) for text in ("star", "cross", "moon")]
    answers = target.answer(blocks)

    assert [None, "ValueError: no crosses", None] == [answer.error for answer in answers]


def test_a_choice_is_a_log_probability_of_every_option(tmp_path: Path) -> None:
    """No probability is above 1, and none is missing."""
    request = Request(kind=Capability.CHOOSE, inputs=("Yes?",), options=((" yes",), (" no",)), prefix="x")
    three = Request(kind=Capability.CHOOSE, inputs=("Yes?",), options=((" a",), (" b",), (" c",)), prefix="x")
    target = made(tmp_path, "positive", "choose")

    assert "ValueError: a log-probability above 0" == target.answer([request])[0].error
    assert "expected log-probabilities of shape (1, 3), got (1, 2)" in (target.answer([three])[0].error or "")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"function": "system"},
            UsageError,
            "target.function: 'system', expected module:function; such as scorer:score",
        ),
        ({"function": "../system:rows"}, UsageError, "expected module:function"),
        ({"function": "nowhere:rows"}, UsageError, "no source file of module 'nowhere'; put it beside the plan"),
        ({"function": "system:row"}, TargetError, "system has no function 'row', did you mean 'rows'?"),
        ({"function": "system:word"}, TargetError, "system has no function 'word'"),
        ({"function": "broken:f"}, TargetError, "broken:f cannot be imported: SyntaxError"),
        ({"function": "exits:f"}, TargetError, "exits:f cannot be imported: SystemExit: 3"),
        ({"kind": "predikt"}, UsageError, "target.kind: 'predikt', did you mean 'predict'?"),
        ({"labels": ["a", "a"]}, UsageError, "target.labels: the name 'a' occurs twice"),
        ({"files": ["weights.bin"]}, ProbandumError, "weights.bin: No such file or directory"),
    ],
)
def test_a_function_that_is_not_there_is_one_line(
    tmp_path: Path, options: Mapping[str, Any], error: type[ProbandumError], message: str
) -> None:
    """Importing runs the user's code, and its faults are named as theirs."""
    (tmp_path / "system.py").write_text(SYSTEM, "utf-8")
    (tmp_path / "broken.py").write_text("def f(:\n", "utf-8")
    (tmp_path / "exits.py").write_text("raise SystemExit(3)\n", "utf-8")
    with pytest.raises(error) as caught:
        make_target(
            "callable", TargetContext(folder=tmp_path), {"function": "system:rows", "kind": "predict", **options}
        )
    (line,) = caught.value.lines()

    assert message in line
    assert "\n" not in line


def test_two_plans_with_modules_of_the_same_names_meet_their_own(tmp_path: Path) -> None:
    """What the function imports at once, later, or from a package beside it is its own plan's too."""
    text = """\
import helper
from parts.inner import VALUE

def score(texts):
    import later
    return [helper.VALUE + VALUE + later.VALUE for text in texts]
"""
    targets = []
    for number, name in enumerate(("one", "other")):
        folder = tmp_path / name
        (folder / "parts").mkdir(parents=True)
        (folder / "parts" / "__init__.py").write_text("", "utf-8")
        for module in ("helper.py", "later.py", "parts/inner.py"):
            (folder / module).write_text(f"VALUE = 0.{number + 1}\n", "utf-8")
        targets.append(made(folder, "score", "classify", text=text))
    for _ in range(2):
        for target, value in zip(targets, (0.3, 0.6), strict=True):
            assert np.isclose(value, classified(target, "a").values[0, 1])

    assert not {"system", "helper", "later", "parts", "parts.inner"} & set(sys.modules)
    assert not {str(tmp_path / "one"), str(tmp_path / "other")} & set(sys.path)


def test_a_module_beside_the_plan_does_not_replace_one_that_is_loaded(tmp_path: Path) -> None:
    """Inside, the plan's own; outside, whatever it was before."""
    import colorsys

    (tmp_path / "colorsys.py").write_text("VALUE = 0.25\n", "utf-8")
    target = made(
        tmp_path, "score", "classify", text="import colorsys\ndef score(texts):\n    return [colorsys.VALUE]\n"
    )

    assert 0.25 == classified(target, "a").values[0, 1]
    assert colorsys is sys.modules["colorsys"]
    assert hasattr(colorsys, "rgb_to_hsv")


def test_an_installed_function_is_found_too(tmp_path: Path) -> None:
    """Second, after the plan's folder; its package stays loaded as it was."""
    import probandum.targets.answering as answering

    options = {"function": "probandum.targets.answering:class_names", "kind": "classify"}
    target = make_target("callable", TargetContext(folder=tmp_path), options)

    assert "could not convert string to float" in (classified(target, "a").error or "")
    assert answering is sys.modules["probandum.targets.answering"]
    assert [Path(answering.__file__)] == list(target_sources("callable", TargetContext(folder=tmp_path), options))


def test_the_identity_is_the_source_and_the_files_named_beside_it(tmp_path: Path) -> None:
    """What else the function imports is not covered, and every report says so."""
    (tmp_path / "weights.bin").write_bytes(b"1")
    target = made(tmp_path, "texts", "classify", files=["weights.bin"])
    (tmp_path / "weights.bin").write_bytes(b"2")
    other = made(tmp_path, "texts", "classify", files=["weights.bin"])

    assert codec.digest(SYSTEM.encode()) == target.identity()["sha256"]
    assert target.identity()["files"] != other.identity()["files"]
    assert "not what they import" in target.cautions[0]


@pytest.mark.parametrize(
    ("body", "code", "why"),
    [
        ("return list(columns['income'] > 0)", 3, None),
        ("raise RuntimeError('no weights')", 4, "RuntimeError: no weights"),
        ("return [0.5]", 4, "got shape (1, 2)"),
        ("return columns['income'] * float('nan')", 4, "are no class probabilities"),
    ],
)
def test_a_faulty_function_ends_its_audit_with_4(tmp_path: Path, body: str, code: int, why: str | None) -> None:
    """Never with a pass, nor with silence; a sound one without limits ends with 3."""
    plan = write_sklearn_plan(tmp_path)
    text = plan.read_text("utf-8")
    (tmp_path / "scorer.py").write_text(f"def score(columns):\n    {body}\n", "utf-8")
    target = "type: callable, function: 'scorer:score', kind: predict"
    plan.write_text(text.replace("type: sklearn, path: model.skops", target), "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    errors = [finding for finding in record.findings if finding.verdict is Verdict.ERROR]

    assert code == api.gate(record).code
    assert (why is not None) == bool(errors)
    assert all(why in (finding.why or "") for finding in errors if why is not None)
