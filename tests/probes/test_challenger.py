"""The challenger: what it gains and loses beside systems that are known to be better, worse and the same."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explained_probes import decision_log, found, held, value
from explained_worlds import Rule
from fakes import Pricer, Scorer, credit_world, price_world, run_probe
from probandum.asking import Asker
from probandum.errors import DataError, UsageError
from probandum.evidence import Floats, Table
from probandum.finding import SubReason, Verdict
from probandum.probe import ProbeResult
from probandum.subject import Subject
from probandum.target import Target
from probandum_probes.bias.predicting import folds
from probandum_probes.explain.simple.challenger import Challenger
from probandum_probes.explain.simple.challenger_model import challenger

#: One bag and no pairs: a challenger that learns in a moment.
QUICK: Mapping[str, int] = {"interactions": 0, "bags": 1}


class Product(Rule):
    """A system that knows what no sum over features does: the label follows a product of two of them."""

    labels = ("0", "1")

    def __init__(self) -> None:
        super().__init__(product)


def product(rows: Table) -> Floats:
    """The log-odds of the rule above."""
    return np.asarray(4.0 * rows["income"] * rows["debt"], dtype=np.float64)


def product_world(rows: int) -> Subject:
    """Applicants who repay by that rule."""
    plain = credit_world(rows)
    repaid = np.random.default_rng(3).random(rows) < 1 / (1 + np.exp(-product(plain.table)))
    return replace(plain, table=Table({**plain.table.columns, "repaid": repaid.astype(np.float64)}))


@pytest.fixture(scope="module")
def interacting() -> ProbeResult:
    """What a sum over features loses where the label is a product."""
    return run_probe(Challenger(**QUICK), Product(), product_world(400))


def test_what_no_sum_foretells_is_bought(interacting: ProbeResult) -> None:
    """The system is ahead in all three, clear of 0; the challenger ranks about as chance does."""
    for metric in ("auc-gain", "accuracy-gain", "log-loss-gain"):
        estimate = found(interacting, metric).estimate
        assert estimate.low is not None and estimate.low > 0

    assert [True, True] == held(interacting)
    assert value(interacting, "auc", model="system") > 0.85
    assert value(interacting, "auc", model="challenger") < 0.65
    assert "explainable boosting, 0 pairs at most, 1 bag, 5 folds" == found(interacting, "auc-gain").estimate.design


def test_a_system_that_runs_against_the_label_is_behind() -> None:
    """Every gain is below 0, and the sign of each says so."""
    rule = Rule(lambda rows: -0.9 * rows["income"] + 0.8 * rows["debt"])
    rule.labels = ("0", "1")
    result = run_probe(Challenger(**QUICK), rule, credit_world(400))

    for metric in ("auc-gain", "accuracy-gain", "log-loss-gain"):
        high = found(result, metric).estimate.high
        assert high is not None and high < 0


def test_gains_are_differences_of_what_is_shown(interacting: ProbeResult) -> None:
    """By model, and by the libraries' own figures of the same folds."""
    from sklearn.metrics import log_loss, roc_auc_score

    subject = product_world(400)
    ask = Asker(Product(), seed=1, subject=subject).for_probe("explain.challenger")
    truth = subject.positive
    assert truth is not None
    fold = folds(truth, ask.rng("folds"))
    seed = int(ask.rng("challenger").integers(2**31))
    said = challenger(subject.table.select(subject.features), truth, fold, seed=seed, interactions=0, bags=1)
    system = 1 / (1 + np.exp(-product(subject.table)))
    for name, scores in (("system", system), ("challenger", said)):
        by_fold = [roc_auc_score(truth[fold == number], scores[fold == number]) for number in range(5)]

        assert pytest.approx(np.mean(by_fold)) == value(interacting, "auc", model=name)
        assert pytest.approx(log_loss(truth, scores)) == value(interacting, "log-loss", model=name)
        assert pytest.approx(((scores >= 0.5) == truth).mean()) == value(interacting, "accuracy", model=name)
    for metric, sign in (("auc", 1), ("accuracy", 1), ("log-loss", -1)):
        gap = value(interacting, metric, model="system") - value(interacting, metric, model="challenger")
        assert pytest.approx(sign * gap) == value(interacting, f"{metric}-gain")


def test_texts_and_gaps_are_learnt_from() -> None:
    """A text that decides the label is found, and so is that a number is not stated; no warning, no crash."""
    rng = np.random.default_rng(5)
    job = rng.choice(["cook", "baker", "smith"], 200)
    debt = np.where(rng.random(200) < 0.3, np.nan, rng.normal(size=200))
    positive = np.where(job == "smith", rng.random(200) < 0.9, np.isnan(debt))
    table = Table({"job": job, "debt": debt, "same": np.ones(200)})
    fold = np.arange(200) % 5
    said = challenger(table, positive, fold, seed=1, interactions=0, bags=1)

    assert said[positive].mean() > said[~positive].mean() + 0.3
    assert (said == challenger(table, positive, fold, seed=1, interactions=0, bags=1)).all()


def test_what_has_no_challenger_says_why(tmp_path: Path) -> None:
    """No label, decisions alone, numbers, and too few of a label."""
    log, rows = decision_log(tmp_path)
    few = replace(credit_world(60), label="few")
    few = replace(few, table=Table({**few.table.columns, "few": (np.arange(60) < 14).astype(np.float64)}))
    cases: Sequence[tuple[Target, Subject, str]] = [
        (Scorer(), credit_world(60, labelled=False), "the plan names no label"),
        (log, rows, "the plan names no label"),
        (Pricer(), price_world(60), "decides a number"),
        (Scorer(), few, "14 rows have the rarer label; a comparison needs 15"),
    ]
    for system, subject, why in cases:
        result = run_probe(Challenger(**QUICK), system, subject)
        (measure,) = result.measures

        assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)
        assert why in str(measure.why)
        assert False not in held(result)


def test_nothing_of_it_is_judged(interacting: ProbeResult) -> None:
    """It is for people to weigh what complexity is worth."""
    assert {"disclosure"} == {each.mode for each in interacting.measures}


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it: an error, and no thinner audit."""
    monkeypatch.setitem(sys.modules, "interpret.glassbox", None)
    result = run_probe(Challenger(**QUICK), Scorer(), credit_world(60))

    assert "error" == result.status
    assert "interpret-core" in str(result.why) and "explain" in str(result.why)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"interactions": -1}, UsageError, "suites.explain.challenger.interactions: -1; expected at least 0"),
        ({"bags": 0}, UsageError, "suites.explain.challenger.bags: 0; expected at least 1"),
        ({"sample": 1}, DataError, "suites.explain.challenger.sample: 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Mapping[str, int], error: type[Exception], said: str) -> None:
    """With the number that was given."""
    with pytest.raises(error, match=said):
        Challenger(**options)
