"""Accounting: every input that an audit set out to ask is in one column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes import BROKEN, Crashing, Empty, Failing, KeywordClassifier, Notes, Refusing, RefusingSome, Through
from probandum import api
from probandum.accounting import Account, accounts, total
from probandum.asking import Asker
from probandum.evidence import Capability, Observation, Request, Response
from probandum.probe import ProbeResult
from probandum.probe_ask import ProbeAsk
from probandum.target import Target
from records import write_plan

TEXTS = tuple(f"text {number}" for number in range(10))


def asked(target: Target, *, times: int = 1) -> Account:
    """The account of a probe that asks ``target`` to classify ten texts."""
    notes = Notes()
    asker = Asker(target, seed=1, journal=notes)
    ask = ProbeAsk(asker, "bias.fake", honours=())
    try:
        for _ in range(times):
            ask([Request(kind=Capability.CLASSIFY, inputs=TEXTS)])
        status = "measured"
    except RuntimeError:
        status = "error"
    result = ProbeResult(probe="bias.fake", version=1, status=status, planned=asker.planned["bias.fake"])  # type: ignore[arg-type]
    observations = [observation for pack in notes.packs.values() for observation in pack]
    (account,) = accounts(["bias.fake"], [result], observations, {})
    return account


def counted(account: Account) -> tuple[int, ...]:
    """Planned, attempted, assessed, errored, refused, unparsable."""
    return tuple(total([account]).values())


class Writing(Through):
    """Writes a text for every input, the first of them blank."""

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Texts."""
        return [Response(texts=(" ", *("said",) * (len(request) - 1))) for request in requests]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (KeywordClassifier(), (10, 10, 10, 0, 0, 0)),
        (Refusing(KeywordClassifier()), (10, 10, 0, 0, 10, 0)),
        (RefusingSome(KeywordClassifier()), (10, 10, 9, 0, 1, 0)),
        (Failing(KeywordClassifier()), (10, 10, 0, 10, 0, 0)),
        (Empty(KeywordClassifier()), (10, 10, 0, 0, 0, 10)),
        (Writing(KeywordClassifier()), (10, 10, 9, 0, 0, 1)),
        (Crashing(KeywordClassifier()), (10, 0, 0, 0, 0, 0)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_planned_input_is_accounted_for(target: Target, expected: tuple[int, ...]) -> None:
    """Answered, declined, failed, empty, or never attempted since the system broke."""
    assert expected == counted(asked(target))


@pytest.mark.parametrize("broken", BROKEN)
def test_attempted_is_the_sum_of_what_became_of_it(broken: type[Through]) -> None:
    """Whatever is wrong with a system's answers; and none of them is whole."""
    account = asked(broken(KeywordClassifier()))

    assert account.attempted == account.assessed + account.errored + account.refused + account.unparsable
    assert account.planned >= account.attempted
    assert not account.whole


def test_what_is_asked_twice_is_counted_once() -> None:
    """The second time nothing is asked."""
    account = asked(KeywordClassifier(), times=3)

    assert (10, 10, 10, 0, 0, 0) == counted(account)
    assert account.whole


def test_a_probe_that_left_nothing_is_missing_and_not_whole() -> None:
    """The plan names it, so the table does."""
    (account,) = accounts(["bias.absent"], [], [], {})

    assert "missing" == account.state
    assert not account.whole


def test_a_real_record_accounts_for_every_row(tmp_path: Path) -> None:
    """From the sealed record alone: 800 decisions were planned, answered and assessed."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    (account,) = accounts(record.plan["suites"], record.results, record.observations(), record.windows())

    assert (800, 800, 800, 0, 0, 0) == counted(account)
    assert account.whole
    assert all(isinstance(each, Observation) for each in record.observations())
