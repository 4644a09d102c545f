"""Locks: limits fixed before testing, questions that may not change, amendments that stay visible."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from probandum import api
from probandum.errors import PlanError, RecordError
from probandum.locking import lock_path, read_lock
from probandum.reporting import dossier
from probandum.sealing import statement
from probandum.signing import envelope, keygen
from records import LIMITS, PLAN, write_log, write_plan


def test_a_lock_that_precedes_the_run_holds_its_limits(tmp_path: Path) -> None:
    """The record carries the lock, and verification covers it."""
    plan = write_plan(tmp_path)
    keygen(tmp_path / "key")
    api.lock(plan, key=tmp_path / "key")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    lock = dossier(record).lock

    assert lock is not None
    assert (True, True) == (lock["precedes"], lock["signed"])
    assert ["bias.group-rates/impact-ratio"] == [limit.metric for limit in lock["held"]]
    assert [] == lock["amendments"]
    assert [] == [step.title for step in api.verify(record) if step.held is False]
    record.lock.write_bytes(record.lock.read_bytes().replace(b'"sig"', b'"sog"'))
    assert [] != [step.title for step in api.verify(record) if step.held is False]


def test_a_limit_changed_after_the_lock_is_a_visible_amendment(tmp_path: Path) -> None:
    """It judges, and every change is said: changed, added, taken away."""
    plan = write_plan(tmp_path)
    api.lock(plan)
    other = LIMITS.replace("0.8", "0.2") + "  - {metric: bias.group-rates/fpr-difference, band: 0.1}\n"
    plan.write_text(PLAN + other, "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    lock = dossier(record).lock

    assert lock is not None
    assert [] == lock["held"]
    assert [
        "bias.group-rates/fpr-difference: added after the lock, within 0.1 of 0",
        "bias.group-rates/impact-ratio: changed after the lock, was at least 0.8, is at least 0.2",
    ] == lock["amendments"]
    plan.write_text(PLAN, "utf-8")
    api.judge(record, plan=plan)
    taken = dossier(record).lock
    assert taken is not None
    assert ["bias.group-rates/impact-ratio: taken away after the lock, was at least 0.8"] == taken["amendments"]


@pytest.mark.parametrize("change", ["suite", "data"])
def test_a_locked_plan_may_not_ask_something_else(tmp_path: Path, change: str) -> None:
    """Other questions, or other bytes of the data, are another audit: nothing is run."""
    plan = write_plan(tmp_path)
    api.lock(plan)
    if change == "data":
        write_log(tmp_path, seed=5)
    else:
        plan.write_text((PLAN + LIMITS).replace("{}", "{sample: 400}"), "utf-8")

    with pytest.raises(PlanError, match=r"changed since audit\.lock\.json was made on .*; lock it again"):
        api.audit(plan, out=tmp_path / "run", documents=False)
    assert not (tmp_path / "run").exists()


def test_a_lock_made_after_the_run_began_fixes_nothing(tmp_path: Path) -> None:
    """Times decide, not files: a later lock does not enter a record that stands."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    api.lock(plan)
    again = api.audit(plan, out=tmp_path / "run", documents=False)
    later = read_lock(lock_path(plan))

    assert record.folder == again.folder
    assert None is dossier(again).lock
    assert later is not None
    assert not later.precedes((datetime.datetime.fromisoformat(later.made) - datetime.timedelta(days=1)).isoformat())


def test_another_statement_is_no_lock(tmp_path: Path) -> None:
    """A record's seal in its place is one error."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    lock_path(plan).write_bytes((record.folder / "statement.dsse.json").read_bytes())

    with pytest.raises(RecordError, match="not a lock"):
        api.audit(plan, out=tmp_path / "two", documents=False)


def test_a_lock_that_lacks_a_fact_is_damaged(tmp_path: Path) -> None:
    """A statement of the right kind, in canonical form, is not enough."""
    path = tmp_path / "a.lock.json"
    path.write_bytes(envelope(statement([], "lock", {"ask": "sha256:0", "limits": []}), None))

    with pytest.raises(RecordError, match=r"a\.lock\.json: not a statement of a lock"):
        read_lock(path)


def test_the_lock_names_no_place_of_the_machine(tmp_path: Path) -> None:
    """It lies in a repository: digests by the path from the plan's folder."""
    plan = write_plan(tmp_path)
    lock = read_lock(api.lock(plan))

    assert lock is not None
    assert ["log.csv"] == list(lock.files)
    assert str(tmp_path) not in json.dumps(lock.suites)
