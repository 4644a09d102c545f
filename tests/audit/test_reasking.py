"""A server that becomes another model under the same name and greeting is found by its answers, and no other is."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import endpoints
from endpoints import Handler, Model, Served
from fakes import Notes
from probandum import api
from probandum.asking import Asker
from probandum.budget import Purse
from probandum.errors import Exchanged, TargetError, Unreachable
from probandum.evidence import Capability, Request
from probandum.reasking import WORDS, Reasking
from probandum.record import Record
from probandum.remembering import Sample
from probandum.target import TargetContext, make_target
from probandum.targets import endpoint
from records import write_sklearn_plan

for package in ("grpc", "httpx2", "jmespath", "skops"):
    pytest.importorskip(package)

import oip_server  # noqa: E402  after the checks above
from scoring_server import Scorer  # noqa: E402

KINDS = ("openai chat", "openai completions", "http decisions", "http probabilities", "oip HTTP", "oip gRPC")
YES_NO = ((" yes",), (" no",))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other without a wait."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)


class Shifted(Scorer):
    """As the scoring service; the model of another salt decides otherwise about one row in six."""

    def share(self, given: Any) -> float:
        """The probability of the second class."""
        moved = 0.4 if self.served.model.salt else 0.0
        noise = 1e-6 * np.random.default_rng().normal() if self.served.drift else 0.0
        return float(min(max(super().share([given[0] + moved]) + noise, 0.0), 1.0))


class Turning:
    """A model that is another one once so many rows were answered; ``noise``: what its probabilities are off by."""

    n_features_in_ = 1

    def __init__(self, model: Any, *, after: int, noise: float = 0.0) -> None:
        self.model, self.after, self.noise, self.rows = model, after, noise, 0

    def predict(self, rows: Any) -> Any:
        """Classes."""
        moved = 0.4 * (np.arange(self.rows, self.rows + len(rows)) >= self.after)
        self.rows += len(rows)
        return self.model.predict(rows + moved[:, None])


@contextmanager
def planned(
    folder: Path, kind: str, *, share: float | None, noise: bool = False, fault: str | None = None
) -> Iterator[Any]:
    """A plan over a server that becomes another model once this ``share`` of the audit was answered; None: never."""
    import skops.io

    with ExitStack() as stack:
        if kind.startswith("openai"):
            served = Served(fingerprint=None, logprobs=True)
            after = 10**9 if share is None else 7 + round(share * 32)
            served.fault = _turns(after, Model(favours={"Case": 0.3}))
            stack.enter_context(endpoints.serving(served))
            endpoints.swaps_plan(folder, {"url": served.url, "api": kind.removeprefix("openai ")})
            yield served
            return
        plan = write_sklearn_plan(folder)
        decides = not kind.endswith("probabilities")
        if kind.startswith("http"):
            served = Served(drift=noise)
            served.fault = _turns(10**9 if share is None else round(share * 30), Model(salt="other"))
            stack.enter_context(endpoints.serving(served, handler=Shifted))
            labels = {"returns": "decisions", "response": "predictions[].label", "labels": ["bad", "good"]}
            target = {
                "type": "http",
                "kind": "predict",
                "request": {"instances": "{matrix}"},
                "batch": 10,
                "url": f"{served.url}/score",
                "response": "predictions[].probabilities",
                **(labels if decides else {"labels": ["0", "1"]}),
            }
        else:
            model = Turning(skops.io.load(folder / "model.skops"), after=10**9 if share is None else round(share * 300))
            tensors = stack.enter_context(oip_server.serving(model, fault=fault, after=3, sticks=True))
            grpc = kind == "oip gRPC"
            target = {"type": "oip", "model": "credit", "outputs": {"kind": "label"}, "batch": 50}
            target |= {"url": tensors.grpc_url if grpc else tensors.url, "protocol": "grpc" if grpc else "http"}
        text = plan.read_text("utf-8").replace("target: {type: sklearn, path: model.skops}", "")
        if decides:
            text = text.replace(", threshold: 0.5", "")
        if kind == "http decisions":
            text = text.replace("favourable: 1", "favourable: good").replace(
                "label: repaid", "label: repaid, positive: good"
            )
            rows = (folder / "rows.csv").read_text("utf-8").replace(",1\n", ",good\n").replace(",0\n", ",bad\n")
            (folder / "rows.csv").write_text(rows, "utf-8")
        plan.write_text(text + f"target: {json.dumps({**target, 'concurrency': 1, 'retries': 1})}\n", "utf-8")
        yield served if kind.startswith("http") else tensors


def _replayed(record: Record) -> list[float | None]:
    """What the same probes find in what was recorded."""
    plan = record.folder.parent / "audit.yaml"
    text = re.sub(r"(?m)^target: .*$", "target: {type: replay, record: run}", plan.read_text("utf-8"))
    (plan.parent / "again.yaml").write_text(text, "utf-8")
    again = api.audit(plan.parent / "again.yaml", out=plan.parent / "again", documents=False)
    return [each.estimate.value for each in again.findings]


def _turns(after: int, model: Model) -> endpoints.Fault:
    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number >= after:
            handler.served.model = model
        return False

    return fault


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_exchanged_under_the_same_name_seals_no_record(tmp_path: Path, kind: str, share: float) -> None:
    """In the middle or near the end: exit 4, and the line names the question."""
    with planned(tmp_path, kind, share=share), pytest.raises(Exchanged, match=r"asked question [\d,]+ \(bias\.") as it:
        api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)

    assert 4 == it.value.exit_code
    assert "answers may be of two systems and were dropped" in str(it.value)
    assert not Record(tmp_path / "run").sealed


@pytest.mark.parametrize("exchanged", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_is_taken_up_by_the_same_model_alone(tmp_path: Path, kind: str, exchanged: bool) -> None:
    """Another one is found before it is asked anything new, and what was recorded is kept."""
    with planned(tmp_path, kind, share=None, fault="reset") as served:
        stuck: list[dict[str, Any]] = []

        def resets(handler: Handler, body: dict[str, Any], number: int) -> bool:
            stuck.extend([body] if number == 20 else [])
            if body in stuck:
                endpoints.cut(handler)
            return body in stuck

        if isinstance(served, Served):
            served.fault = resets
        with pytest.raises(Unreachable):
            api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
        recorded = Record(tmp_path / "run").journal.read_bytes()
        served.fault = None
        if exchanged and isinstance(served, Served):
            served.model = Model(favours={"Case": 0.3}) if kind.startswith("openai") else Model(salt="other")
        elif exchanged:
            served.model.after = 0
        if exchanged:
            with pytest.raises(Exchanged, match="this is another system; what was recorded is kept"):
                api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
            assert recorded == Record(tmp_path / "run").journal.read_bytes()
        else:
            record = api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
            assert [] == [step.title for step in api.verify(record) if step.held is False]
            assert _replayed(record) == [each.estimate.value for each in record.findings]

    assert recorded.count(b'"answer"') >= 1
    assert exchanged != Record(tmp_path / "run").sealed


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_stays_the_same_is_not_accused(tmp_path: Path, kind: str) -> None:
    """Also where its probabilities are off by 1e-6 each time."""
    with planned(tmp_path, kind, share=None, noise=True):
        record = api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)

    assert record.sealed


def test_a_server_that_answers_in_other_words_each_time_is_not_accused() -> None:
    """What its texts cannot show stands as a caution."""
    with endpoints.serving(Served(drift=True)) as served:
        target = make_target(
            "openai", TargetContext(folder=Path()), {"url": served.url, "model": "tiny", "api": "completions"}
        )
        requests = [Request(kind=Capability.GENERATE, inputs=tuple(f"Say {place}" for place in range(20)))]
        known = Reasking(target, seed=1)
        known.note("bias.generation", requests, target.answer(requests))
        known.refuse_other()

    assert target.steady is False
    (told,) = known.cautions
    assert "that its model was not exchanged meanwhile, these answers cannot show" in told


@pytest.mark.parametrize("inputs", [1, 5, 200, 5000])
def test_a_sample_is_spread_from_the_first_to_the_last(inputs: int) -> None:
    """Both ends are in it, and no stretch of the run is left out."""
    from probandum.evidence import Response

    sample = Sample(3)
    texts = tuple(f"{place}" for place in range(inputs))
    for start in range(0, inputs, 60):
        part = texts[start : start + 60]
        sample.add("p", Request(kind=Capability.GENERATE, inputs=part), Response(texts=part))
    places = [each.place for each in sample.spread()]

    assert (0, inputs - 1) == (places[0], places[-1])
    assert min(inputs, WORDS) <= len(places) <= 2 * WORDS + 3
    assert max(np.diff(places), default=0) <= 2 * max(1, inputs // WORDS)
    assert [str(place) for place in places] == [each.request.texts[0] for each in sample.spread()]


@pytest.mark.parametrize("seed", range(6))
def test_no_answered_question_is_asked_twice_whatever_fails(seed: int) -> None:
    """Asks fail at random, and the round is repeated until all is answered: what was spent is what was answered."""
    chance, lock, answered = np.random.default_rng(seed), threading.Lock(), Counter[str]()

    def fails(handler: Handler, body: dict[str, Any], number: int) -> bool:
        with lock:
            failed = number > 7 and chance.random() < 0.1
            if not failed and number > 5:
                answered[body["prompt"]] += 1
        if failed:
            handler.send_json({"error": {"message": "busy"}}, 503)
        return bool(failed)

    prompts = [f"Case {place}" for place in range(100)]
    blocks = [tuple(prompts[start : start + 25]) for start in range(0, 100, 25)]
    requests = [
        Request(kind=Capability.CHOOSE, inputs=block, options=YES_NO, prefix="My answer is") for block in blocks
    ]
    notes = Notes()
    with endpoints.serving(Served(echo=False)) as served:
        keys = {"url": served.url, "model": "tiny", "api": "completions", "retries": 0, "concurrency": 4}
        target = make_target("openai", TargetContext(folder=Path()), keys)
        expected = target.answer(requests)
        served.asked[8:] = []
        served.fault = fails
        found, purse, rounds = None, Purse(), 0
        while found is None and rounds < 200:
            rounds += 1
            asker = Asker(target, seed=1, journal=notes, purse=purse)
            try:
                found = asker.answer("bias.name-swap", requests)
            except TargetError:
                continue

    assert found is not None and rounds > 1
    assert {1} == set(answered.values())
    assert 100 == sum(answered.values()) == purse.spent.requests == _recorded(notes)
    assert all(np.array_equal(one.values, other.values) for one, other in zip(expected, found, strict=True))


def _recorded(notes: Notes) -> int:
    packs: Sequence[Any] = list(notes.packs.values())
    return sum(int(each.asked["n"]) for pack in packs for each in pack)
