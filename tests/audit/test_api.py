"""The verbs from Python: audit, judge, gate, report, verify; a dossier is all that documents may say."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import probandum
from probandum import api, codec, sealing
from probandum.dossier import publisher
from probandum.errors import RecordError, UsageError
from probandum.finding import Verdict
from probandum.plan import Plan
from probandum.record import Record
from probandum.reporting import dossier
from probandum.signing import keygen
from records import LIMITS, PLAN, write_plan


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A record with a broken limit; its plan stands beside it."""
    folder = tmp_path_factory.mktemp("api")
    return api.audit(write_plan(folder), out=folder / "run", documents=False)


def test_an_audit_can_be_named_by_path_text_or_plan(made: Record) -> None:
    """All three are the same audit: the sealed record is found, and nothing is asked."""
    path = made.folder.parent / "audit.yaml"
    records = [
        probandum.audit(plan, out=made.folder, documents=False) for plan in (path, str(path), probandum.Plan.load(path))
    ]

    assert {made.folder} == {record.folder for record in records}
    assert 1 == len(list((made.folder / "judgements").iterdir()))


def test_a_record_is_judged_under_limits_given_in_python(made: Record) -> None:
    """The newest judgement is the record's, the older ones stay; without anything new it is the same again."""
    first = made.findings
    (limit,) = Plan.load(made.folder.parent / "audit.yaml").limits
    loose = probandum.judge(made.folder, limits=[replace(limit, threshold=0.1)])
    again = probandum.judge(made)
    strict = probandum.judge(made, limits=[limit])

    assert {Verdict.FAIL} == {finding.verdict for finding in first if finding.limit is not None}
    assert {Verdict.PASS} == {finding.verdict for finding in loose if finding.limit is not None}
    assert codec.encode(loose) == codec.encode(again)
    assert codec.encode(first) == codec.encode(strict) == codec.encode(made.findings)
    assert all(step.held is not False for step in probandum.verify(made))
    numbers = [number for number, _ in sealing.numbered(made)]
    assert [1, 2, 3] == numbers, "the first one's words once more are a judgement of their own"
    assert made.judgement() == sealing.numbered(made)[-1][1]


def test_a_tier_sets_the_mode(made: Record) -> None:
    """A pull request is a merge; an unknown tier is one line."""
    probandum.judge(made, tier="pr")
    merge = probandum.gate(made).mode
    probandum.judge(made, tier="nightly")

    assert ("merge", "release") == (merge, probandum.gate(made).mode)
    with pytest.raises(UsageError) as caught:
        probandum.judge(made, tier="daily")
    assert ["no tier 'daily'; known: pr, nightly, release"] == caught.value.lines()


def test_a_plan_that_asks_other_questions_does_not_judge_a_record(made: Record, tmp_path: Path) -> None:
    """Its limits may differ, its questions may not."""
    other = write_plan(tmp_path, PLAN.replace("bias.group-rates: {}", "bias.group-rates: {sample: 400}") + LIMITS)

    with pytest.raises(UsageError, match="asks other questions than"):
        probandum.judge(made, plan=other)


def test_a_dossier_is_the_record_under_its_present_judgement(made: Record) -> None:
    """Values only, the same at every reading; the date is the record's own, or the one asked for."""
    one, other = dossier(made), dossier(made, as_of="2027-01-31")

    assert "Loan desk" == one.card["name"]
    assert made.findings == one.findings
    assert {"record", "observations", "judgement", "ask", "judge", "declare", "waive"} == set(one.digests)
    assert str(made.environment["started"])[:10] == one.as_of
    assert "2027-01-31" == other.as_of
    assert one.digests == other.digests
    assert {"signed": False} == {key: one.seal[key] for key in ("signed",)}
    assert (one.gate["code"], one.gate["counts"]) == (api.gate(made).code, dict(api.gate(made).counts))
    outlines = [each.outline for each in one.observations()]
    assert [each.request for each in outlines] == [each.outline.request for each in one.observations()]
    assert {each for finding in one.findings for each in finding.evidence} <= {each.request for each in outlines}
    assert [each.whole().answer.digest for each in one.observations()] == [each.response for each in outlines]


def test_documents_are_written_once_more_to_the_byte(made: Record, tmp_path: Path) -> None:
    """The index first, and a list of digests beside them."""
    written = [api.report(made, documents=["annex_iv"], formats=["md", "json"], out=tmp_path / name) for name in "ab"]

    assert "index.html" == written[0][0].name
    assert [path.name for path in written[0]] == [path.name for path in written[1]]
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]
    assert (tmp_path / "a" / "SHA256SUMS").read_bytes() == (tmp_path / "b" / "SHA256SUMS").read_bytes()
    assert "annex_iv" in publisher().known()


def test_a_signed_record_is_gated_with_its_key_alone(tmp_path: Path) -> None:
    """A wrong key is found before anything is asked, and at the gate it is 4."""
    public, other = keygen(tmp_path / "key"), keygen(tmp_path / "other")
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", key=tmp_path / "key", documents=False)

    assert 1 == api.gate(record, key=public).code
    assert 4 == api.gate(record, key=other).code
    assert dossier(record).seal["signed"]
    with pytest.raises(UsageError):
        api.audit(plan, out=tmp_path / "second", key=plan, documents=False)
    assert not (tmp_path / "second").exists()


def test_what_is_added_to_a_signed_record_is_signed_by_its_key(tmp_path: Path) -> None:
    """Without a key and with another one nothing is judged, written or asked, wherever the reports would go."""
    keygen(tmp_path / "key"), keygen(tmp_path / "other")
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", key=tmp_path / "key", documents=False)
    by = sealing.signature(record.folder)["key_id"]
    before = {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}
    for key, message in (
        (None, rf"run: signed by key {by}; give its private key with --key or PROBANDUM_KEY"),
        (tmp_path / "other", rf"run: signed by key {by}, and .*other is key .*; give its private key"),
    ):
        for refused in (
            partial(api.judge, record, tier="pr", key=key),
            partial(api.report, record, documents=[], formats=["md"], key=key),
            partial(api.report, record, documents=[], formats=["md"], out=tmp_path / "else", key=key),
        ):
            with pytest.raises(UsageError) as caught:
                refused()
            assert re.search(message, caught.value.lines()[0])
    with pytest.raises(UsageError, match=f"signed by key {by}"):
        api.audit(plan, out=tmp_path / "run", documents=False)
    with pytest.raises(RecordError, match="was not made with key"):
        api.audit(plan, out=tmp_path / "run", key=tmp_path / "other", documents=False)

    assert not (tmp_path / "else").exists()
    assert before == {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}
    api.judge(record, tier="pr", key=tmp_path / "key")


def test_what_is_no_record_is_one_line(tmp_path: Path) -> None:
    """For every verb."""
    for verb in (api.judge, api.gate, api.verify, api.report):
        with pytest.raises(RecordError, match="no audit record"):
            verb(tmp_path)
