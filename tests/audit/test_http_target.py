"""Any JSON endpoint over a real loopback server: mapped as the plan says, and never a pass where it fails."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from commands import Ended, entered
from endpoints import Handler, Model, Served, serving, unplugged
from probandum.errors import Exchanged, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.reasking import Reasking
from probandum.target import Target, TargetContext, make_target
from probandum.targets import endpoint, load_builtin
from records import write_sklearn_plan
from scoring_server import Scorer

load_builtin()

ROWS = Table({"income": np.array([-1.0, 0.25, 2.0]), "town": np.array(["Ulm", "Bonn", "Ulm"])})
PREDICT: dict[str, Any] = {
    "kind": "predict",
    "request": {"instances": "{matrix}"},
    "response": "predictions[].probabilities",
    "labels": ["bad", "good"],
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once, so that a test of many takes no minutes."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)


@pytest.fixture
def served() -> Iterator[Served]:
    """A scoring service."""
    with serving(handler=Scorer) as found:
        yield found


@contextmanager
def made(
    served: Served, *, features: tuple[str, ...] = ("income",), decision: dict[str, Any] | None = None, **options: Any
) -> Iterator[Target]:
    """The target as a plan would make it, closed in the end."""
    context = TargetContext(folder=Path(), features=features, **(decision or {}))
    target = make_target("http", context, {"url": f"{served.url}/score", "retries": 1, "timeout": 5.0, **options})
    try:
        yield target
    finally:
        target.close()


def asked(target: Target, *inputs: str, **more: Any) -> Response:
    """The answer to texts, or to the rows where none is given."""
    (kind,) = target.capabilities
    (response,) = target.answer([Request(kind=kind, inputs=inputs or ROWS, **more)])
    return response


def shares(*incomes: float) -> list[float]:
    """What the service answers for the second class."""
    return [1 / (1 + float(np.exp(-4 * income))) for income in incomes]


@pytest.mark.parametrize(
    ("request_", "response", "sent"),
    [
        ({"instances": "{matrix}"}, "predictions[].probabilities", {"instances": [[-1], [0.25]]}),
        ({"instances": "{rows}"}, "predictions[].score", {"instances": [{"income": -1}, {"income": 0.25}]}),
        ({"row": "{row}"}, "probabilities", {"row": {"income": -1}}),
        ({"row": {"income": "{row.income}"}, "v": 1}, "score", {"row": {"income": -1}, "v": 1}),
        ({"row": "{values}", "{{": "a {{x}}"}, "{bad: probabilities[0], good: score}", {"row": [-1], "{{": "a {x}"}),
    ],
)
def test_rows_are_sent_and_read_as_the_plan_maps_them(served: Served, request_: Any, response: str, sent: Any) -> None:
    """Numbers stay numbers, in calls of one row or of two at most."""
    with made(served, **{**PREDICT, "request": request_, "response": response, "batch": 2}) as target:
        answer = asked(target)

    assert sent in served.asked  # calls go side by side
    assert (2 if "instances" in request_ else 3) == len(served.asked)
    assert ("bad", "good") == answer.labels
    assert np.allclose(shares(-1.0, 0.25, 2.0), answer.values[:, 1])


def test_columns_are_an_object_of_lists(served: Served) -> None:
    """As data frames are written."""
    with made(served, **{**PREDICT, "request": {"data": "{columns}", "instances": "{matrix}"}}) as target:
        asked(target)

    assert {"income": [-1, 0.25, 2]} == served.asked[0]["data"]


def test_labels_of_rows_are_decisions_as_in_a_log(served: Served) -> None:
    """By the plan's decision, and without a threshold; a label of no class is an error."""
    options = {**PREDICT, "response": "predictions[].label", "returns": "decisions"}
    decision = {"favourable": "good", "positive": "bad"}
    with made(served, decision=decision, **options) as target:
        answer = asked(target)

        assert ("favourable", "detected") == target.labels == answer.labels
        assert [[0, 1], [1, 0], [1, 0]] == answer.values.tolist()
    with made(served, decision={**decision, "favourable": "bad"}, **{**options, "labels": ["bad", "fine"]}) as target:
        assert "it decided good, which is none of bad, fine" in str(asked(target).error)
    for wrong, said in (
        (None, "target.returns: decisions needs a decision"),
        ({**decision, "threshold": 0.5}, r"target\.returns: decisions leaves no room for decision\.threshold"),
        ({**decision, "favourable": "fine"}, "'fine' is not among target.labels"),
    ):
        with pytest.raises(UsageError, match=said), made(served, decision=wrong, **options):
            raise AssertionError("made")


def test_of_a_declined_row_nothing_was_decided(served: Served) -> None:
    """It is named as declined, and counts as neither decision."""
    options = {**PREDICT, "response": "predictions[].label", "returns": "decisions"}
    decision = {"favourable": "bad", "positive": "good"}
    with made(served, decision=decision, **options, refused="predictions[].contains(label, 'bad')") as target:
        answer = asked(target)

    assert (0,) == answer.refused
    assert [[0, 0], [0, 1], [0, 1]] == answer.values.tolist()


def test_labels_of_texts_stand_as_probabilities(served: Served) -> None:
    """Of 0 and 1, under a caution."""
    options: dict[str, Any] = {
        "kind": "classify",
        "request": {"text": "{text}"},
        "response": "label",
        "labels": ["bad", "good"],
    }
    with made(served, **options, returns="decisions") as target:
        assert [[1, 0], [0, 1]] == asked(target, "short", "long" * 20).values.tolist()
        assert any("decisions of texts, which stand as probabilities of 0 and 1" in text for text in target.cautions)


def test_texts_go_alone_or_together_and_a_refusal_is_named(served: Served) -> None:
    """One boolean a call of one, a list of them a call of many."""
    one: dict[str, Any] = {"kind": "classify", "request": {"text": "{text}"}, "response": "score"}
    many: dict[str, Any] = {"kind": "classify", "request": {"texts": "{texts}"}, "response": "predictions[].score"}
    for options, refused in ((one, "declined"), (many, "predictions[].declined")):
        with made(served, **options, refused=refused) as target:
            answer = asked(target, "{text} is kept", "no", "three")

        assert (1,) == answer.refused
        assert np.allclose([0.14, 0.05], answer.values[[0, 2], 1])
    assert ["{text} is kept", "no", "three"] == served.asked[-1]["texts"]


def test_options_are_chosen_among_by_probability(served: Served) -> None:
    """In nats, by name, with the first variant of each option as its word."""
    options: dict[str, Any] = {
        "kind": "choose",
        "request": {"text": "{text} {prefix}", "options": "{options}"},
        "response": "choices",
    }
    with made(served, **options) as target:
        answer = asked(target, "Ann", "Bo", options=((" yes", " Yes"), (" no",)), prefix="It is")

    assert np.allclose(np.log([[0.9, 0.1], [0.6, 0.4]]), answer.values)
    assert {"text": "Ann It is", "options": ["yes", "no"]} in served.asked


def test_texts_are_generated_with_the_parameters_of_the_question(served: Served) -> None:
    """What no placeholder sends is an error, since the answer would be to another question."""
    options: dict[str, Any] = {
        "kind": "generate",
        "request": {"prompt": "{text}", "settings": "{parameters}"},
        "response": "text",
    }
    with made(served, **options) as target:
        assert ("Hi, 8", "Ho, 8") == asked(target, "Hi", "Ho", parameters={"max_new_tokens": 8}).texts
    named = {"prompt": "{text}", "settings": {"n": "{parameters.max_new_tokens}"}}
    with made(served, **{**options, "request": named}) as target:
        answer = asked(target, "Hi", parameters={"max_new_tokens": 8, "seed": 3})
        assert "the question has the parameter seed, and target.request no {parameters.seed}" == answer.error


def test_the_version_that_a_server_states_is_its_identity(served: Served) -> None:
    """Asked when the audit begins and when it ends."""
    identity = {"path": "/version", "value": "model"}
    with made(served, **PREDICT, identity=identity) as target:
        assert {"name": "tiny", "digest": "abc"} == target.identity()["stated"]
        assert () == target.cautions
        assert target.check() is None

        served.model = Model(name="mirror")
        assert "it stated {'name': 'tiny'" in str(target.check())
    for wrong, said in (({"path": "/gone", "value": "x"}, "404"), ({"path": "/version", "value": "x"}, "nothing")):
        with pytest.raises(TargetError, match=said), made(served, **PREDICT, identity=wrong):
            raise AssertionError("made")


def test_a_version_says_nothing_where_the_answers_differ(served: Served) -> None:
    """Rows are asked again whether the server states a version or not; another answer is another system."""
    with made(served, **PREDICT) as target:
        known = Reasking(target, seed=1)
        request = Request(kind=Capability.PREDICT, inputs=ROWS, keys=("a", "b", "c"))
        known.note("bias.rates", [request], target.answer([request]))
        known.refuse_other()

        served.model = Model(name="mirror")
        assert target.check() is None
        with pytest.raises(Exchanged, match=r"asked question 1 \(bias\.rates, a\) again, it answered bad 0\.017"):
            known.refuse_other()


def test_a_key_is_sent_and_written_nowhere(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the server repeats it."""
    served.key = "s3cret-value"
    monkeypatch.setenv("SCORER_KEY", "s3cret-value")
    with made(served, **PREDICT, key_env="SCORER_KEY") as target:
        assert asked(target).error is None
        assert "s3cret-value" not in str(target.identity())
        served.key = "changed"
        with pytest.raises(TargetError, match=r"no right to ask: Bearer \[secret\]"):
            asked(target)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"request": {"a": ["{row}", "{rowz}"]}}, "target.request.a.1: unknown placeholder {rowz}, did you mean 'row'"),
        ({"request": {"a": "{row.incom}"}}, "target.request.a: {row.incom}: data.features has no 'incom', did you"),
        ({"request": {"a": "rows: {rows}"}}, "target.request.a: {rows} is no text; it has to be the whole value"),
        ({"request": {"a": "{row}", "b": "{rows}"}}, "{row} stands for one input and {rows} for many"),
        (
            {"request": {"a": 1}},
            "target.request: it holds no input, so every ask would be the same; add one of {row}, {row.NAME}",
        ),
        ({"request": {"a": "} {row}"}}, "target.request.a: a single '}'; write '}}'"),
        ({"request": {"a": "{text}"}}, "target.request.a: unknown placeholder {text}"),
        ({"response": "a[["}, "target.response: no JMESPath expression"),
        ({"response": ""}, "target.response: no JMESPath expression"),
        ({"refused": "]"}, "target.refused: no JMESPath expression"),
        ({"identity": {"path": "version", "value": "x"}}, "target.identity: expected {path: /PATH, value: EXPRESSION}"),
        ({"identity": {"path": "/v", "value": "x["}}, "target.identity.value: no JMESPath expression"),
        ({"batch": 0}, "target.batch: 0, expected a whole number from 1"),
        ({"kind": "choose", "request": "{text}", "returns": "decisions"}, "target.returns: decisions are no answer"),
        ({"kind": "score"}, "target.kind: expected 'predict' or 'classify'"),
        ({"url": "ftp://x"}, "target.url: expected an address"),
        ({"headers": {"X-Api-Key": "abc"}}, "target.headers.X-Api-Key: a secret is not written into a plan"),
        ({"labels": ["a", "a"]}, "target.labels: the name 'a' occurs twice"),
        ({"retries": -1}, "target.retries: -1"),
    ],
)
def test_what_cannot_be_meant_is_found_before_anything_is_asked(
    served: Served, options: dict[str, Any], message: str
) -> None:
    """One line that names the key."""
    with pytest.raises(UsageError) as caught, made(served, **{**PREDICT, **options}):
        raise AssertionError("made")

    assert message in caught.value.lines()[0]
    assert [] == served.asked


class Broken:
    """Faults of a server, from its second ask on: the first is answered."""

    @staticmethod
    def instead(text: str, status: int = 200) -> Callable[[Handler, dict[str, Any], int], bool]:
        """Another answer."""

        def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
            if number == 0:
                return False
            handler.send_text(text, status)
            return True

        return fault

    @staticmethod
    def hang(handler: Handler, body: dict[str, Any], number: int) -> bool:
        """No answer for longer than anybody waits."""
        if number:
            time.sleep(1.5)
        return bool(number)

    @staticmethod
    def drip(handler: Handler, body: dict[str, Any], number: int) -> bool:
        """A byte now and then, so that no single read times out."""
        if number:
            handler.send_response(200)
            handler.end_headers()
            with contextlib.suppress(OSError):  # nobody waits for the end
                for _ in range(12):
                    handler.wfile.write(b" ")
                    time.sleep(0.12)
        return bool(number)

    @staticmethod
    def reset(handler: Handler, body: dict[str, Any], number: int) -> bool:
        """The connection is cut."""
        if number:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        return bool(number)


def probabilities(*rows: str) -> str:
    """Sixty answers in JSON, of which the last ones are ``rows``."""
    sound = ['{"probabilities": [0.5, 0.5]}'] * (60 - len(rows))
    return '{"predictions": [' + ", ".join([*sound, *rows]) + "]}"


FAULTS: dict[str, tuple[Any, str]] = {
    "timeout": (Broken.hang, "no whole answer in 0.5 seconds"),
    "slow drip": (Broken.drip, "no whole answer in 0.5 seconds"),
    "reset": (Broken.reset, "no answer: "),
    "429": (Broken.instead('{"detail": "slow down"}', 429), "the server answered 429: slow down"),
    "500": (Broken.instead("it broke", 500), "the server answered 500: it broke"),
    "422": (
        Broken.instead('{"detail": "bad rows"}', 422),
        "inputs 61 to 120: the server answered 422: bad rows",
    ),
    "301": (Broken.instead("", 301), "redirects are not followed"),
    "malformed": (Broken.instead('{"predictions": [[0.5'), "the answer is no JSON"),
    "page": (Broken.instead("<html>ok</html>"), "the answer is no JSON"),
    "wrong shape": (Broken.instead(probabilities('{"probabilities": [1.0]}')), "expected 2 probabilities"),
    "no list": (Broken.instead('{"predictions": 3}'), "target.response finds None, expected a list of 60 answers"),
    "fewer": (Broken.instead('{"predictions": [{"probabilities": [0.5, 0.5]}]}'), "1 answer to 60 inputs"),
    "nothing": (
        Broken.instead(probabilities('{"probabilities": null}', '{"probabilities": [0.5, 0.5]}')),
        "59 answers to 60 inputs: null for 1 input of this call, the first of them input 59 of it",
    ),
    "other key": (
        Broken.instead(probabilities('{"probability": [0.5, 0.5]}', '{"probabilities": [0.5, 0.5]}')),
        "59 answers to 60 inputs: input 59 of this call has no key 'probabilities'",
    ),
    "stream": (Broken.instead(": keep-alive\n\nid: 1\ndata: {}\n\n"), "the server streams its answer"),
    "not a number": (Broken.instead(probabilities('{"probabilities": [NaN, 0.5]}')), "it holds NaN"),
    "infinite": (Broken.instead(probabilities('{"probabilities": [1e999, 0]}')), "are no class probabilities"),
    "huge": (Broken.instead(probabilities('{"probabilities": [' + "9" * 400 + ", 0]}")), "too large"),
    "null": (Broken.instead(probabilities('{"probabilities": [null, 0.5]}')), "expected 2 probabilities"),
    "words": (Broken.instead(probabilities('{"probabilities": ["0.5", "0.5"]}')), "expected 2 probabilities"),
    "above one": (Broken.instead(probabilities('{"probabilities": [1.5, -0.5]}')), "are no class probabilities"),
    "deep": (Broken.instead("[" * 100_000), "the answer is no JSON"),
}


def write(folder: Path, served: Served, **options: Any) -> Path:
    """A plan over 300 rows that passes where the service is well."""
    plan = write_sklearn_plan(folder)
    read = yaml.safe_load(plan.read_text("utf-8"))
    read["target"] = {
        "type": "http",
        "url": f"{served.url}/score",
        **PREDICT,
        "labels": [0, 1],
        "batch": 60,
        "retries": 1,
        "timeout": 0.5,
        "concurrency": 1,
        **options,
    }
    read["limits"] = [{"metric": "bias.group-rates/impact-ratio", "at_least": 0.5}]
    plan.write_text(yaml.safe_dump(read, sort_keys=False), "utf-8")
    return plan


def audited(folder: Path) -> Ended:
    """The audit by its command."""
    return entered(folder, "audit", "audit.yaml", "--out", "run")


def test_a_service_that_is_well_passes(tmp_path: Path, served: Served) -> None:
    """What the failures below are held against."""
    write(tmp_path, served)
    ended = audited(tmp_path)

    assert 0 == ended.code, ended.out + ended.err
    assert 5 + 5 == len(served.asked)  # each row once more, as many in one call


@pytest.mark.parametrize("name", FAULTS)
def test_a_service_that_fails_never_passes(tmp_path: Path, served: Served, name: str) -> None:
    """Whatever goes wrong from the second call on, the audit ends in 4 and says what."""
    fault, said = FAULTS[name]
    write(tmp_path, served)
    served.fault = fault
    ended = audited(tmp_path)

    assert 4 == ended.code, ended.out
    assert said in " ".join((ended.out + ended.err).split())
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.parametrize("stated", [None, {"path": "/version", "value": "model.name"}])
def test_a_service_that_comes_back_as_another_model_never_passes(tmp_path: Path, served: Served, stated: Any) -> None:
    """Whether it states a version or is only asked again; what it answered is dropped."""

    def changed(handler: Handler, body: dict[str, Any], number: int) -> bool:
        served.model = Model(name="mirror" if number >= 3 else "tiny")
        return False

    write(tmp_path, served, **({"identity": stated} if stated else {}))
    served.fault = changed
    ended = audited(tmp_path)

    assert 4 == ended.code
    assert "answers may be of two systems and were dropped" in " ".join((ended.out + ended.err).split())
    assert not (tmp_path / "run" / "findings.json").exists()


def test_a_byte_order_mark_is_no_part_of_an_answer(served: Served) -> None:
    """Many frameworks write one before their JSON."""

    def marked(handler: Handler, body: dict[str, Any], number: int) -> bool:
        handler.send_text('\ufeff{"predictions": [' + ", ".join(['{"score": 0.25}'] * len(body["instances"])) + "]}")
        return True

    with made(served, **{**PREDICT, "response": "predictions[].score"}) as target:
        served.fault = marked
        assert {(0.75, 0.25)} == {tuple(row) for row in asked(target).values.tolist()}


def test_a_stream_that_nobody_asked_for_is_called_so(served: Served) -> None:
    """It is no JSON, and why is not guessed from its first letter."""
    with made(served, **PREDICT, retries=0) as target:
        served.asked.append({})
        served.fault = Broken.instead('data: {"score": 0.5}\n\ndata: [DONE]\n\n')
        with pytest.raises(TargetError, match=r"the server streams its answer .* though it was not asked to"):
            asked(target)


def test_a_key_that_stands_twice_is_no_answer(served: Served) -> None:
    """Where both say the same, nothing is lost."""
    with made(served, **{**PREDICT, "response": "predictions[].score"}) as target:
        served.asked.append({})
        two = '{"predictions": [' + ", ".join(['{"score": 0.25, "score": %s}'] * len(ROWS)) + "]}"
        served.fault = Broken.instead(two.replace("%s", "0.25"))
        assert asked(target).error is None
        served.fault = Broken.instead(two.replace("%s", "0.5"))
        assert "it holds the key 'score' twice, with other values" in str(asked(target).error)


def test_a_passing_fault_is_asked_again_and_passes(tmp_path: Path, served: Served) -> None:
    """One 503 in the middle costs a retry and changes nothing."""

    def once(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number == 2:
            handler.send_text("busy", 503)
        return number == 2

    write(tmp_path, served)
    served.fault = once

    assert 0 == audited(tmp_path).code
    assert 6 + 5 == len(served.asked)


def test_a_service_that_is_unplugged_never_passes(tmp_path: Path) -> None:
    """Before the audit, or in its middle."""
    served = Served(url=unplugged())
    write(tmp_path, served)
    before = audited(tmp_path)

    assert 4 == before.code

    with serving(handler=Scorer) as service:

        def unplug(handler: Handler, body: dict[str, Any], number: int) -> bool:
            if number >= 2:
                handler.server.socket.close()  # type: ignore[attr-defined]
                handler.connection.close()
            return number >= 2

        service.fault = unplug
        write(tmp_path / "middle", service)
        middle = audited(tmp_path / "middle")

    assert 4 == middle.code
    assert "no answer: " in " ".join((middle.out + middle.err).split())


def test_a_wrong_mapping_is_named_by_its_line(tmp_path: Path, served: Served) -> None:
    """All at once, before anything is asked."""
    plan = write(tmp_path, served, request={"instances": "{matriks}"}, response="predictions[")
    ended = entered(tmp_path, "plan", "check", plan)
    lines = plan.read_text("utf-8").splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if "matriks" in text)

    assert 2 == ended.code
    assert f"audit.yaml:{line}:" in ended.err
    assert "target.request.instances: unknown placeholder {matriks}, did you mean 'matrix'?" in ended.err
    assert "target.response: no JMESPath expression" in ended.err


def test_an_input_that_is_declined_stands_with_its_block(served: Served) -> None:
    """A block that the service will not answer leaves its neighbours."""
    options: dict[str, Any] = {"kind": "classify", "request": {"texts": "{texts}"}, "response": "predictions[].score"}
    with made(served, **options) as target:
        first, bad, last = target.answer(
            [Request(kind=Capability.CLASSIFY, inputs=inputs) for inputs in (("one",), ("a cross",), ("three",))]
        )

    assert "input 1: the server answered 422: no crosses" == bad.error
    assert [0.03, 0.05] == [each.values[0, 1].round(2) for each in (first, last)]


def test_numbers_that_come_as_texts_are_called_so(served: Served) -> None:
    """Whoever reads the error need not guess what is wrong with a number."""
    options = {**PREDICT, "request": {"row": "{row}"}}
    with made(served, **{**options, "response": "to_string(score)"}) as target:
        alone = asked(target).error
    with made(served, **{**options, "response": "probabilities[].to_string(@)"}) as target:
        listed = asked(target).error

    assert str(alone).startswith("it answered the text '0.0")
    assert str(listed).startswith("it answered texts: ['0.9")
    assert all(str(each).endswith(", expected 2 probabilities (bad, good)") for each in (alone, listed))


def test_half_a_character_in_what_a_service_states_is_one_line(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record could not hold it."""
    served.model = Model(name="\ud83d")
    with (
        pytest.raises(TargetError, match=r"target.identity: .*/version: half a character, which is no text"),
        made(served, **PREDICT, identity={"path": "/version", "value": "model.name"}),
    ):
        pass


def test_what_json_cannot_say_is_not_sent(served: Served) -> None:
    """A row with NaN is an error of its block."""
    with made(served, **PREDICT) as target:
        (answer,) = target.answer([Request(kind=Capability.PREDICT, inputs=Table({"income": np.array([np.nan])}))])

    assert "row 1: nan is no number that JSON can say" == answer.error
    assert [] == served.asked
