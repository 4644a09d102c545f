"""Budgets: where they end the asking nothing passes, everything asked is kept, and a larger one goes on from there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fakes import FlagRate, KeywordClassifier, Notes, estimated
from probandum import api
from probandum.asking import Asker
from probandum.budget import Budget, Price, Purse, Spending, Spent
from probandum.errors import BudgetSpent, PlanError, TargetError
from probandum.evidence import Capability, Request, Response
from probandum.finding import SubReason, Verdict
from probandum.measuring import measure
from probandum.packing import checked
from probandum.plan import Plan
from probandum.probe import Ask, Measure
from records import PLAN, write_plan, write_sklearn_plan

WINDOWS = "energy.inference: {repeats: 3, seconds: 0.1, warm_up: 0}"
SUITES = "bias.group-rates: {}, explain.efficiency: {inputs: 4, explainers: [shap.permutation]}"


def plan_of(folder: Path, budget: str) -> Path:
    """300 rows asked at once, and a few explained behind them; of the same model again, only the budget changes."""
    path = folder / "audit.yaml"
    if not path.is_file():
        write_sklearn_plan(folder, execution="{budget: {}}", suites=SUITES)
    path.write_text(re.sub("budget: {[^}]*}", f"budget: {budget}", path.read_text("utf-8")), "utf-8")
    return path


def asked(size: int = 1) -> list[Request]:
    """One request of so many inputs."""
    return [Request(kind=Capability.CLASSIFY, inputs=("text",) * size)]


def test_what_the_budget_leaves_unasked_is_an_error_and_the_record_is_sealed(tmp_path: Path) -> None:
    """The first probe fits and stands; the second does not, and is no pass and no silence."""
    record = api.audit(plan_of(tmp_path, "{requests: 310}"), out=tmp_path / "run", documents=False)
    found = {each.probe: each for each in record.results}
    (cut,) = [each for each in record.findings if each.probe == "explain.efficiency"]

    assert "measured" == found["bias.group-rates"].status
    assert ("error", SubReason.BUDGET) == (found["explain.efficiency"].status, found["explain.efficiency"].sub_reason)
    assert (Verdict.ERROR, SubReason.BUDGET) == (cut.verdict, cut.sub_reason)
    assert "the budget of 310 requests does not reach: 300 were made" in (cut.why or "")
    assert 4 == api.gate(record).code
    assert [] == [step.title for step in api.verify(record) if step.held is False]
    assert (300, "requests") == (record.spending.spent.requests, record.spending.ended_by)


def test_a_larger_budget_goes_on_asks_nothing_twice_and_ends_as_if_there_had_been_none(tmp_path: Path) -> None:
    """Byte for byte the same findings as without a budget."""
    free = api.audit(plan_of(tmp_path, "{}"), out=tmp_path / "free", documents=False)
    cut = api.audit(plan_of(tmp_path, "{requests: 310}"), out=tmp_path / "run", documents=False)
    before = [observation.request for observation in cut.observations()]
    whole = api.audit(plan_of(tmp_path, "{requests: 1000000}"), out=tmp_path / "run", documents=False)
    after = [observation.request for observation in whole.observations()]

    assert before == after[: len(before)]
    assert len(after) == len(set(after))
    assert (free.folder / "findings.json").read_bytes() == (whole.folder / "findings.json").read_bytes()
    assert None is whole.spending.ended
    assert free.spending.spent.requests == whole.spending.spent.requests
    assert [] == [step.title for step in api.verify(whole) if step.held is False]
    assert 1 == len(list((whole.folder / "judgements").iterdir()))


@pytest.mark.parametrize("budget", ["{requests: 310}", "{requests: 305}"])
def test_no_larger_budget_asks_nothing_more(tmp_path: Path, budget: str) -> None:
    """The record is judged again as it stands."""
    first = api.audit(plan_of(tmp_path, "{requests: 310}"), out=tmp_path / "run", documents=False)
    seal = (first.folder / "statement.dsse.json").read_bytes()
    api.audit(plan_of(tmp_path, budget), out=tmp_path / "run", documents=False)

    assert seal == (first.folder / "statement.dsse.json").read_bytes()


def test_a_budget_keys_no_record_and_changes_no_digest(tmp_path: Path) -> None:
    """Nor does a price: both end the asking and change no question."""
    texts = [
        PLAN.replace("favourable: 1", f"favourable: 1{price}") + execution
        for price, execution in (
            ("", ""),
            ("", "execution: {budget: {requests: 5}}\n"),
            (
                ", price: {input_eur_per_million_tokens: 1, output_eur_per_million_tokens: 2}",
                "execution: {budget: {money_eur: 1}}\n",
            ),
        )
    ]
    none, some, priced = (Plan.load(write_plan(tmp_path, text)).digests for text in texts)

    assert none == some == priced


def test_euro_without_a_price_are_refused_with_their_place(tmp_path: Path) -> None:
    """Nobody can say what the tokens cost."""
    path = write_plan(tmp_path, PLAN + "execution: {budget: {money_eur: 5}}\n")

    with pytest.raises(PlanError, match=r"audit.yaml:8:22: .*the target states no price; add target.price"):
        Plan.load(path)


class Swallower(FlagRate):
    """Takes the budget's end for an answer like any other, and goes on with what it has."""

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """The mean of whatever was answered."""
        scores: list[float] = []
        for number in range(10):
            with contextlib.suppress(BudgetSpent):
                texts = tuple(f"note {10 * number + place}" for place in range(10))
                scores += ask([Request(kind=Capability.CLASSIFY, inputs=texts)])[0].values[:, 1].tolist()
        flagged = sum(score >= 0.5 for score in scores)
        yield Measure(metric="flag-rate", estimate=estimated("wilson", counts=[(flagged, len(scores))]))


def test_a_probe_that_goes_on_without_its_answers_is_an_error_all_the_same() -> None:
    """Of 100 notes 50 were answered: a share of them that was never planned passes nothing."""
    asker = Asker(KeywordClassifier(), seed=1, journal=Notes(), purse=Purse(budget=Budget(requests=55)))
    result = measure(Swallower(), asker)

    assert ("error", SubReason.BUDGET) == (result.status, result.sub_reason)
    assert () == result.measures


def test_requests_are_never_exceeded_and_what_is_spent_stays_spent() -> None:
    """Once a pack was refused, a smaller one is refused too: asking has ended."""
    purse = Purse(budget=Budget(requests=10), spent=Spent(requests=8))

    with pytest.raises(BudgetSpent, match="the budget of 10 requests does not reach: 8 were made, and 3 are asked for"):
        purse.refuse(asked(3))
    with pytest.raises(BudgetSpent):
        purse.refuse(asked(1))
    assert "requests" == purse.spending().ended_by


def test_tokens_and_euro_end_at_the_pack_after_they_are_spent() -> None:
    """Half a euro: 0.2 for what was read and 0.4 for what was written."""
    price = Price(input_eur_per_million_tokens=2.0, output_eur_per_million_tokens=8.0)
    purse = Purse(budget=Budget(money_eur=0.5, price=price))
    purse.refuse(asked())
    purse.pay(Spent.on([(1, Response(texts=("a",), input_tokens=100_000, output_tokens=50_000))], seconds=1.0))

    with pytest.raises(BudgetSpent, match=r"the budget of 0\.5 euro is spent: 0\.6 so far"):
        purse.refuse(asked())
    assert 0.6 == purse.spending().money_eur


def test_an_error_costs_what_the_system_says_that_it_took() -> None:
    """One that says nothing costs nothing; an answer that does not fit the question costs no less."""
    broken = Response(error="no answer", input_tokens=3, output_tokens=2)
    unfit = checked(asked()[0], Response(texts=("a", "b"), input_tokens=30, output_tokens=20))
    spent = Spent.on([(1, broken), (1, Response(error="no answer")), (1, unfit)], seconds=1.0)

    assert unfit.error is not None
    assert (33, 22, True) == (spent.input_tokens, spent.output_tokens, spent.counted)


class Failing(KeywordClassifier):
    """Answers nothing, and counts its tokens."""

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """An error each."""
        return [Response(error="no answer", input_tokens=3, output_tokens=2) for _ in requests]


def test_a_window_that_fails_is_paid_for() -> None:
    """Its tokens and its seconds."""
    asker = Asker(Failing(), seed=1, journal=Notes())
    with pytest.raises(TargetError, match="failed in an energy window: no answer"):
        list(asker.windows("a probe", asked(), repeats=1, seconds=0.01, warm_up=0))

    assert 3 <= asker.purse.spent.input_tokens
    assert 0.01 <= asker.purse.spent.seconds


def test_seconds_end_likewise() -> None:
    """Of answering, not of thinking."""
    purse = Purse(budget=Budget(seconds=2.0), spent=Spent(seconds=2.5))

    with pytest.raises(BudgetSpent, match=r"the budget of 2 seconds of answering is spent: 2\.5 so far"):
        purse.refuse(asked())


def test_a_budget_of_tokens_ends_where_a_system_counts_none() -> None:
    """It could not be kept."""
    purse = Purse(budget=Budget(tokens=1000))
    purse.refuse(asked())
    purse.pay(Spent.on([(1, Response(texts=("a",)))], seconds=0.1))

    with pytest.raises(BudgetSpent, match="cannot be kept: the system does not say of every answer how many"):
        purse.refuse(asked())


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (Budget(), True),
        (Budget(requests=11), True),
        (Budget(requests=10, tokens=5), False),
        (Budget(requests=9), False),
    ],
)
def test_only_more_of_what_ran_out_goes_on(budget: Budget, expected: bool) -> None:
    """Other resources do not matter."""
    ended = Spending(budget=Budget(requests=10), spent=Spent(requests=10), ended_by="requests", ended="spent")

    assert expected == budget.allows_more(ended)
    assert not budget.allows_more(Spending(budget=Budget(requests=10), spent=Spent(requests=3)))


def test_energy_windows_count_by_their_seconds_and_tokens(tmp_path: Path) -> None:
    """Hundreds of thousands of rows fit into a window: a budget of requests does not end there, one of seconds does."""
    write_sklearn_plan(tmp_path, execution="{budget: {requests: 10}}", suites=WINDOWS)
    free = api.audit(tmp_path / "audit.yaml", out=tmp_path / "free", documents=False)
    path = tmp_path / "audit.yaml"
    path.write_text(path.read_text("utf-8").replace("requests: 10", "seconds: 0.15"), "utf-8")
    cut = api.audit(path, out=tmp_path / "cut", documents=False)

    assert (0, None) == (free.spending.spent.requests, free.spending.ended)
    assert 0.3 <= free.spending.spent.seconds
    assert ("seconds", [("error", SubReason.BUDGET)]) == (
        cut.spending.ended_by,
        [(each.status, each.sub_reason) for each in cut.results],
    )
