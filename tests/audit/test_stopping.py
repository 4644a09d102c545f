"""Stopping early: a sequential probe asks no more than its limit needs, and any other limit may judge what it asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import FlagRate, Notes
from probandum import stats
from probandum.asking import Asker
from probandum.budget import Budget, Purse
from probandum.finding import Limit, Stream, SubReason, Verdict
from probandum.judging import judge
from probandum.measuring import measure
from probandum.probe import ProbeResult
from probandum.stopping import Rules, Stopper, looks
from probandum.target import TargetContext
from probandum.targets.callable import CallableTarget

SYSTEM = """\
FLAGGED = {flagged}

def score(texts):
    return [0.9 if int(text.split()[1]) < FLAGGED else 0.1 for text in texts]
"""


def limit(threshold: float, **others: object) -> Limit:
    """At most so much."""
    return Limit(metric="robust.flag-rate/flag-rate", direction="at_most", threshold=threshold, **others)  # type: ignore[arg-type]


def asked(folder: Path, flagged: int, *limits: Limit, budget: Budget | None = None) -> ProbeResult:
    """What the probe says of a Python function that flags ``flagged`` of 2000 notes."""
    (folder / "system.py").write_text(SYSTEM.format(flagged=flagged), "utf-8")
    target = CallableTarget(TargetContext(folder=folder), function="system:score", kind="classify")
    purse = Purse(budget=budget or Budget())
    return measure(FlagRate(), Asker(target, seed=1, journal=Notes(), purse=purse, rules=Rules(limits=tuple(limits))))


def test_a_large_effect_stops_at_the_first_look_and_fails(tmp_path: Path) -> None:
    """Half of the notes are flagged where one in twenty may be."""
    result = asked(tmp_path, 1000, limit(0.05))
    (finding,) = judge([result], [limit(0.05)])

    assert 50 == finding.estimate.n
    assert Verdict.FAIL is finding.verdict
    assert "stopped by the plan's limit, which is broken" in (finding.estimate.design or "")


def test_no_event_stops_once_it_can_pass(tmp_path: Path) -> None:
    """Without replacement from 2000 some 80 notes pass 5 %: the second look."""
    result = asked(tmp_path, 0, limit(0.05))
    (finding,) = judge([result], [limit(0.05)])

    assert 100 == finding.estimate.n
    assert Verdict.PASS is finding.verdict


def test_at_the_limit_itself_all_is_asked_and_the_census_decides(tmp_path: Path) -> None:
    """100 of 2000 is 5 %, and that is kept."""
    result = asked(tmp_path, 100, limit(0.05))
    (finding,) = judge([result], [limit(0.05)])

    assert 2000 == finding.estimate.n
    assert 0.05 == pytest.approx(finding.estimate.value)
    assert Verdict.PASS is finding.verdict


def test_another_limit_may_judge_what_was_asked(tmp_path: Path) -> None:
    """The confidence sequence holds at every limit: a looser one passes, a nearer one stays open, and neither lies."""
    result = asked(tmp_path, 0, limit(0.05))
    verdicts = {tau: judge([result], [limit(tau)])[0] for tau in (0.20, 0.05, 0.01)}

    assert [Verdict.PASS, Verdict.PASS, Verdict.INCONCLUSIVE] == [verdicts[tau].verdict for tau in (0.20, 0.05, 0.01)]
    assert 100 == verdicts[0.01].estimate.n
    assert None is not verdicts[0.01].n_needed


def test_without_a_limit_all_is_asked(tmp_path: Path) -> None:
    """Nothing says when enough is known."""
    (measured,) = asked(tmp_path, 0).measures

    assert 2000 == measured.estimate.n


def test_a_budget_leaves_the_outcomes_so_far_and_no_pass(tmp_path: Path) -> None:
    """150 requests end the asking after the second look: undecided, for want of budget."""
    result = asked(tmp_path, 80, limit(0.05), budget=Budget(requests=150))
    (finding,) = judge([result], [limit(0.05)])

    assert SubReason.BUDGET is result.sub_reason
    assert 100 == finding.estimate.n
    assert "the budget of 150 requests does not reach" in (finding.estimate.design or "")
    assert Verdict.INCONCLUSIVE is finding.verdict
    assert SubReason.BUDGET is finding.sub_reason


def test_a_budget_that_buys_no_outcome_is_an_error(tmp_path: Path) -> None:
    """There is nothing that could stand."""
    result = asked(tmp_path, 80, limit(0.05), budget=Budget(requests=49))
    (finding,) = judge([result], [limit(0.05)])

    assert ("error", SubReason.BUDGET) == (result.status, result.sub_reason)
    assert Verdict.ERROR is finding.verdict
    assert SubReason.BUDGET is finding.sub_reason


@pytest.mark.parametrize(("events", "expected"), [(0, "holds"), (60, "is broken"), (11, None)])
def test_it_decides_as_the_sequential_test_does(events: int, expected: str | None) -> None:
    """On the same 200 outcomes, events evenly spread."""
    xs = [float(events > 0 and place % (200 // max(events, 1)) == 0) for place in range(200)]
    stopper = Stopper(limit(0.05), alpha_pass=0.05, alpha_fail=0.05, hypotheses=1)
    test = stats.SequentialTest(0.05, n_max=10_000)
    verdict = test.extend(xs)

    assert expected == stopper.decided(Stream(values=tuple(xs)))
    assert {"holds": Verdict.PASS, "is broken": Verdict.FAIL, None: None}[expected] is verdict


def test_a_family_asks_for_stronger_evidence_of_a_failure() -> None:
    """A band has two hypotheses, and every other limit of the family its own."""
    band = Limit(metric="robust.flag-rate/flag-rate", direction="band", threshold=0.05, around=0.5)
    rules = Rules(limits=(limit(0.05), band, limit(0.1, family="other")), alpha_fail=0.05)
    narrow = rules.stopper("robust.flag-rate/flag-rate", {}, 3)

    assert 3 * 1 + 2 == narrow.hypotheses
    assert None is rules.stopper("robust.flag-rate/other", {}, 1).limit


def test_looks_double() -> None:
    """After 50, 100, 200 and 400 outcomes, and at the end."""
    assert [50, 100, 200, 400, 450] == [stop for _, stop in looks(450)]
