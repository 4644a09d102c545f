"""A server that becomes another model under the same name and greeting is found by its answers, and no other is."""

from __future__ import annotations

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
from probandum.budget import Budget, Price, Purse
from probandum.errors import BudgetSpent, Exchanged, TargetError, Unreachable
from probandum.evidence import Capability, Request, Response
from probandum.journal import RunJournal
from probandum.reasking import FLOOR, Reasking, asked_again, share_seen
from probandum.record import Record
from probandum.remembering import KEPT, Sample
from probandum.target import Target, TargetContext, make_target
from probandum.targets import endpoint, load_builtin
from records import write_sklearn_plan

for package in ("grpc", "httpx2", "jmespath", "skops"):
    pytest.importorskip(package)

import oip_server  # noqa: E402  after the checks above
from scoring_server import Scorer  # noqa: E402

load_builtin()
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


@pytest.mark.parametrize("samples", [False, True])
@pytest.mark.parametrize("kind", ["http decisions", "http probabilities"])
def test_two_models_by_turns_behind_one_address_seal_no_record(tmp_path: Path, kind: str, samples: bool) -> None:
    """As of an update that is half way; of a system that is said to answer by chance it is a caution."""
    with planned(tmp_path, kind, share=None) as served:
        draw = random.Random(1)

        def by_turns(handler: Handler, body: dict[str, Any], number: int) -> bool:
            served.model = Model(salt="other") if draw.random() < 0.5 else Model()
            return False

        served.fault = by_turns
        plan = tmp_path / "audit.yaml"
        said = f'"type": "http", "samples": {json.dumps(samples)}'
        plan.write_text(plan.read_text("utf-8").replace('"type": "http"', said), "utf-8")
        if samples:
            record = api.audit(plan, out=tmp_path / "run", documents=False)
            assert any("these answers cannot show" in each for each in record.environment["target"]["cautions"])
        else:
            with pytest.raises(Exchanged, match=r"the address answers as two systems by turns: of 300 questions .*: "):
                api.audit(plan, out=tmp_path / "run", documents=False)

    assert samples == Record(tmp_path / "run").sealed


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
            with pytest.raises(
                Exchanged,
                match=r"this is another system \(of one that .*samples: true says so\); what was recorded is kept",
            ):
                api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
            kept = Record(tmp_path / "run").journal.read_bytes()
            assert kept.startswith(recorded)
            assert all(b'"window":"again:' in line for line in kept.removeprefix(recorded).splitlines())
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


@pytest.mark.parametrize("keys", [{"temperature": 0.7}, {"samples": True}, {}])
@pytest.mark.parametrize("asks", [{}, {"temperature": 1.0}])
def test_a_server_that_samples_and_heeds_no_seed_is_not_two(keys: dict[str, Any], asks: dict[str, Any]) -> None:
    """Each text is one of two, and the handshake's are the same: by the plan, or the temperature of a request."""
    draw = random.Random(1)

    def heeds_no_seed(handler: Handler, body: dict[str, Any], number: int) -> bool:
        body["seed"] = draw.randrange(2)
        if "samples" in keys and number > 9:  # as none of the handshake shows
            body["temperature"] = 1.0
        return False

    with endpoints.serving(Served(fault=heeds_no_seed)) as served:
        plan = {"url": served.url, "model": "tiny", "api": "completions", "max_tokens": 1, **keys}
        target = make_target("openai", TargetContext(folder=Path()), plan)
        texts = tuple(f"Say {place}" for place in range(40))
        requests = [Request(kind=Capability.GENERATE, inputs=texts, parameters=asks)]
        known = Reasking(target, seed=1)
        known.note("bias.generation", requests, target.answer(requests))
        known.refuse_other()

    assert target.steady is True
    assert bool(keys or asks) == any("these answers cannot show" in each for each in known.cautions)


@pytest.mark.parametrize("inputs", [1, 5, 200, 5000])
def test_a_sample_is_spread_from_the_first_to_the_last(inputs: int) -> None:
    """Both ends are in it, and no stretch of the run is left out."""
    sample = Sample(3)
    texts = tuple(f"{place}" for place in range(inputs))
    for start in range(0, inputs, 60):
        part = texts[start : start + 60]
        sample.add("p", Request(kind=Capability.GENERATE, inputs=part), Response(texts=part))
    asked = asked_again(inputs)
    places = [each.place for each in sample.spread(asked)]

    assert (0, inputs - 1) == (places[0], places[-1])
    assert asked == len(places) == len({*places})
    assert min(inputs, FLOOR) <= asked <= max(inputs / 20, 0) + FLOOR
    assert max(np.diff(places), default=0) <= 3 * inputs / asked + 1
    assert [str(place) for place in places] == [each.request.texts[0] for each in sample.spread(asked)]


class Becoming(Target):
    """Answers each number; once it ``turned``, one more to the share of them that it answers otherwise."""

    name = "becoming"
    remote = True
    steady = True

    def __init__(self, share: float, *, seed: int, at_once: int = 1) -> None:
        self.others = np.random.default_rng(seed).random(5000) < share
        self.turned, self.at_once, self.asked = False, at_once, 0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """In thousands, so that no two answers are one decision."""
        self.asked += sum(-(-len(request) // self.at_once) for request in requests)
        return [Response(outputs=self._numbers(request)) for request in requests]

    def _numbers(self, request: Request) -> Any:
        numbers = np.array([float(text) for text in request.texts])
        moved = self.turned * self.others[numbers.astype(int)]
        return (numbers / 3000 + 0.3 * moved)[:, None]

    def run(self, inputs: int, *, until: float, seed: int) -> Reasking:
        """A run that is over, whose system became another one behind this share of it."""
        known = Reasking(self, seed=seed)
        for start in range(0, inputs, 50):
            self.turned = start >= until * inputs
            texts = tuple(map(str, range(start, min(start + 50, inputs))))
            requests = [Request(kind=Capability.CLASSIFY, inputs=texts)]
            known.note("bias.p", requests, self.answer(requests))
        self.asked = 0
        return known


@pytest.mark.parametrize("share", [0.075, 0.03])
def test_a_patched_model_is_missed_as_rarely_as_the_record_says(share: float) -> None:
    """One that agrees with the old one in most rows, from the middle on; the bound holds within four errors."""
    inputs, runs = 600, 40
    missed = 0
    for seed in range(runs):
        known = Becoming(share, seed=seed).run(inputs, until=0.5, seed=seed)
        try:
            known.refuse_other()
        except Exchanged:
            continue
        missed += 1

    bound = (1 - share) ** (asked_again(inputs) // 2)
    assert missed / runs <= bound + 4 * (bound * (1 - bound) / runs) ** 0.5 + 1 / runs


@pytest.mark.parametrize(("inputs", "at_once", "requests"), [(30, 1, 30), (600, 1, 94), (5000, 1, 314), (5000, 50, 12)])
def test_few_requests_ask_again_and_the_record_says_what_they_show(inputs: int, at_once: int, requests: int) -> None:
    """A floor and one in twenty; as many as are kept where one request holds many; nothing is said of all."""
    target = Becoming(0.0, seed=1, at_once=at_once)
    known = target.run(inputs, until=0.5, seed=1)
    known.refuse_other()

    assert requests == target.asked
    again = asked_again(inputs, at_once=at_once)
    if again == inputs:
        assert () == known.cautions
        return
    (told,) = known.cautions
    assert f"{again:,} of its {inputs:,} questions were asked again" in told
    half = sum(2 * each.place < inputs for each in known._sample.spread(again))
    assert f"answers {share_seen(half):.2%} of the questions otherwise" in told
    assert abs(half - again / 2) <= 1
    assert KEPT >= again
    assert "Of a change in the first half only the questions before it can tell" in told


@pytest.mark.parametrize(("recorded", "at_once", "requests"), [(3, 1, 3), (36, 1, 4), (600, 1, 16), (600, 50, 2)])
def test_a_run_that_is_taken_up_asks_few_again(recorded: int, at_once: int, requests: int) -> None:
    """A tenth, at least 4 questions, at most 16 requests; another model is found by them all the same."""
    target = Becoming(1.0, seed=1, at_once=at_once)
    known = Reasking(target, seed=1)
    texts = [Request(kind=Capability.CLASSIFY, inputs=tuple(map(str, range(recorded))))]
    answers = target.answer(texts)
    target.asked = 0
    known.recall("bias.p", texts, answers)
    known.before_more()

    assert requests == target.asked
    assert () == known.cautions
    target.turned = True
    known.recall("bias.p", texts, answers)
    with pytest.raises(Exchanged, match="asked question 1 "):
        known.before_more()


class Stopped(Becoming):
    """Is stopped once it was asked so much in one session."""

    def __init__(self, most: int) -> None:
        super().__init__(0.0, seed=1)
        self.capabilities = frozenset({Capability.CLASSIFY})
        self.most, self.before = most, 0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """As far as the session reaches."""
        if self.asked - self.before + sum(map(len, requests)) > self.most:
            raise KeyboardInterrupt
        return super().answer(requests)


@pytest.mark.parametrize("budget", [None, 900, 600, 200])
def test_a_run_that_is_stopped_again_and_again_goes_on_within_its_budget(tmp_path: Path, budget: int | None) -> None:
    """One pack a session, and what asks again counts as all does: the server is never asked more than was budgeted."""
    target, requests = Stopped(130), [Request(kind=Capability.CLASSIFY, inputs=tuple(map(str, range(600))))]
    sessions, ended = 0, None
    while ended is None:
        journal, sessions = RunJournal(tmp_path / "journal.jsonl"), sessions + 1
        assert target.asked == journal.spent().requests
        assert sessions < 12
        purse = Purse(budget=Budget(requests=budget), spent=journal.spent())
        known = Reasking(target, seed=1, purse=purse, journal=journal)
        purse.again = known.takes
        target.before = target.asked
        asker = Asker(target, seed=1, journal=journal, purse=purse, reasking=known)
        try:
            ended = _ended(lambda: asker.answer("bias.p", requests))  # noqa: B023  called at once
            known.refuse_other()  # as much of the budget was kept for that
        except KeyboardInterrupt:
            ended = None
        assert target.asked == purse.spent.requests
        journal.close()

    assert ("well" if budget in (None, 900) else "budget") == ended
    assert sessions > 1
    assert target.asked <= (budget or 10**9)


def _ended(asking: Callable[[], object]) -> str:
    """How asking ends."""
    try:
        asking()
    except BudgetSpent:
        return "budget"
    return "well"


class Counting(Becoming):
    """Reads ten tokens and writes one for each answer, which is off by some ``noise``."""

    def __init__(self, noise: float) -> None:
        super().__init__(0.0, seed=1)
        self.capabilities = frozenset({Capability.CLASSIFY})
        self.noise, self.draw = noise, np.random.default_rng(1)

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """With the tokens that it took."""
        return [
            Response(
                outputs=each.values + self.noise * self.draw.normal(size=each.values.shape),
                input_tokens=10 * len(each.values),
                output_tokens=len(each.values),
            )
            for each in super().answer(requests)
        ]


PRICE = Price(input_eur_per_million_tokens=1000.0, output_eur_per_million_tokens=2000.0)


@pytest.mark.parametrize(
    ("budget", "noise", "ended"),
    [
        (Budget(tokens=900), 0.0, "before the check"),  # one pack took more than half of it
        (Budget(tokens=5000), 0.0, "early"),
        (Budget(tokens=7500), 0.0, "early"),
        (Budget(tokens=7800), 0.0, "well"),
        (Budget(tokens=7800), 0.01, "before the check"),
        (Budget(tokens=12_000), 0.01, "well"),
        (Budget(money_eur=4.6, price=PRICE), 0.0, "early"),
        (Budget(money_eur=8.5, price=PRICE), 0.0, "well"),
        (Budget(money_eur=8.5, price=PRICE), 0.01, "before the check"),
    ],
)
def test_what_asks_again_keeps_a_budget_of_tokens_and_euro(budget: Budget, noise: float, ended: str) -> None:
    """By what the same questions took the first time; where the budget does not reach, the run can go on."""
    target, purse, notes = Counting(noise), Purse(budget=budget), Notes()
    known = Reasking(target, seed=1, purse=purse)
    purse.again = known.takes
    asker = Asker(target, seed=1, journal=notes, purse=purse, reasking=known)
    requests = [Request(kind=Capability.CLASSIFY, inputs=tuple(map(str, range(600))))]
    found = {"budget": "early"}.get(how := _ended(lambda: asker.answer("bias.p", requests)), how)
    if _ended(known.refuse_other) == "budget":
        found = "before the check"

    ((resource, most),) = budget.limits().items()
    assert ended == found
    assert budget.amount(resource, purse.spent) <= most


def test_what_a_check_finds_beyond_the_budget_is_not_passed_over() -> None:
    """Other answers have to be asked about, and the budget does not reach for that: the run ends, and can go on."""
    target = Becoming(1.0, seed=1)
    known = target.run(100, until=2.0, seed=1)
    known._purse = Purse(budget=Budget(requests=150))
    target.turned = True

    with pytest.raises(BudgetSpent, match="whether it is the same system still has to be asked, and the budget of 150"):
        known.refuse_other()


def test_one_text_that_stays_another_is_another_systems() -> None:
    """Three times out of three, of a server that answers in the same words each time."""

    class Words(Becoming):
        def answer(self, requests: Sequence[Request]) -> list[Response]:
            """A text each; one is another once it turned."""
            return [
                Response(texts=tuple(f"{text}{'!' * (self.turned and text == '0')}" for text in request.texts))
                for request in requests
            ]

    known = Words(0.0, seed=1).run(400, until=0.05, seed=1)

    with pytest.raises(Exchanged, match="asked question 1 "):
        known.refuse_other()


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
