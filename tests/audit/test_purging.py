"""Purging: words go for good, digests stay under the seal that they had, and every step says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import entered
from probandum import api, codec, purging, sealing
from probandum.errors import RecordError, TargetError, UsageError
from probandum.evidence import Observation, Response
from probandum.journal import packed
from probandum.record import Record, write_bytes
from probandum.reporting import dossier
from probandum.signing import envelope, keygen
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from records import LIMITS, PLAN, broken, write_log, write_plan

DOCUMENTS = "documents: [dpia]\nexecution: {budget: {requests: 100000}}\n"
#: A row of the log: the record's own name of a person.
PERSON = b"p417"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records with a document each, one of them signed, and the key beside them."""
    folder = tmp_path_factory.mktemp("purge")
    keygen(folder / "key")
    plan = write_plan(folder, (PLAN + LIMITS + DOCUMENTS).replace("label: repaid}", "label: repaid, id: id}"))
    for name, key in (("signed", folder / "key"), ("unsigned", None)):
        record = api.audit(plan, out=folder / name, key=key, documents=False)
        api.report(record, formats=["html", "md"], key=key)
    return folder


@pytest.fixture
def signed(base: Path, tmp_path: Path) -> Path:
    """A copy of the signed record."""
    return Path(shutil.copytree(base / "signed", tmp_path / "run"))


@pytest.fixture
def unsigned(base: Path, tmp_path: Path) -> Path:
    """A copy of the record without a signature."""
    return Path(shutil.copytree(base / "unsigned", tmp_path / "run"))


def raw(run: Path) -> bytes:
    """What the record still says of what was asked and answered, documents among it."""
    record = Record.open(run)
    lines = b"".join(codec.encode(observation) for observation in record.observations())
    return lines + b"".join(path.read_bytes() for path in sorted(record.reports.rglob("*")) if path.is_file())


def test_a_purged_record_verifies_signed_and_rendered_again(base: Path, signed: Path) -> None:
    """Every step holds with the key; the second says when and by whom, the fourth that the purge is signed too."""
    before = api.gate(signed, key=base / "key.pub")
    assert PERSON in raw(signed)

    made = api.purge(signed, by="Data protection officer", reason="Retention ended", key=base / "key")

    steps = api.verify(signed, key=base / "key.pub", render=True)
    assert [] == [(step.title, step.detail) for step in steps[:9] if step.held is not True]
    assert f"deleted on {made.purged[:10]} by Data protection officer (key {made.signer}): Retention ended" in (
        steps[1].detail
    )
    assert "; the purge: signed by key" in steps[3].detail
    assert PERSON not in raw(signed)
    assert codec.encode(before) == codec.encode(api.gate(signed, key=base / "key.pub"))


def test_digests_counts_and_documents_stay(base: Path, unsigned: Path) -> None:
    """What was found, and what became of every input, is what it was; documents say that words are gone."""
    before, after = Record.open(base / "unsigned"), Record.open(unsigned)
    api.purge(unsigned)

    names = ("request", "response", "pack", "index", "size", "seconds", "placement", "probe")
    for one, other in zip(before.observations(), after.observations(), strict=True):
        assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
        assert other.purged
        assert (None, ()) == (other.answer.outputs, other.answer.texts)
    assert dossier(before).accounts == dossier(after).accounts
    assert before.findings == after.findings
    assert "Raw questions and answers were deleted" not in (base / "unsigned/reports/dpia.md").read_text("utf-8")
    assert "he raw questions and answers were deleted on" in (unsigned / "reports/dpia.md").read_text("utf-8")
    assert "questions and answers of 800 inputs; their digests stand" in (
        unsigned / "reports/evidence/bias.group-rates.html"
    ).read_text("utf-8")


@pytest.mark.parametrize(
    "answer",
    [
        Response(outputs=np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]), refused=(1,)),
        Response(texts=("yes", " ", "no"), input_tokens=30, output_tokens=3),
        Response(error="Emily Miller was too long"),
        Response(),
    ],
)
def test_what_is_left_of_an_observation_counts_as_it_did(answer: Response) -> None:
    """Assessed, errored, refused and unparsable alike; purging twice changes nothing more; no word is left."""
    asked = {"kind": "generate", "n": 3, "inputs": ["Emily Miller"] * 3, "prefix": "My answer is", "keys": ["a", "b"]}
    whole = Observation(
        request="sha256:a",
        response=answer.digest,
        probe="bias.generation",
        attempt=1,
        seconds=0.5,
        placement="local",
        pack="sha256:b",
        index=0,
        size=1,
        asked=asked,
        answer=answer,
    )
    left = whole.without_payload()

    assert whole.outcomes == left.outcomes
    assert codec.encode(left) == codec.encode(left.without_payload())
    assert {"kind", "n", "outcomes"} == set(left.asked)
    assert b"Emily" not in codec.encode(left)
    assert (answer.input_tokens, answer.output_tokens) == (left.answer.input_tokens, left.answer.output_tokens)


def test_a_purge_is_no_cover_for_other_digests(unsigned: Path) -> None:
    """Whoever can write the folder could state a purge; what it leaves is under the seal of what was asked."""
    record = Record.open(unsigned)
    api.purge(unsigned)
    entries = [codec.decode(dict[str, Any], line) for line in record.left_by_a_purge()]
    entries[0]["asked"]["outcomes"][1] -= 1
    entries[0]["asked"]["outcomes"][2] += 1
    forged = packed(codec.encode(entry) + b"\n" for entry in entries)
    purge = purging.read(record)
    assert purge is not None
    (unsigned / purging.FILE).unlink()
    write_bytes(unsigned / purging.OBSERVATIONS, forged)
    facts = {**codec.builtins(purge)}
    del facts["left"], facts["signer"]
    body = sealing.statement([(purging.OBSERVATIONS, codec.digest(forged)[7:])], "purge", facts)
    write_bytes(unsigned / purging.FILE, envelope(body, None))

    assert 3 in broken(unsigned)
    assert "the statement says left" in api.verify(unsigned)[2].detail


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"observations": 999}, "says that 999 observations were purged, and of 1 here 1 were"),
        ({"tool": "x"}, "is made with 'x', which is no version of probandum"),
        ({"purged": "1999-01-01T00:00:00+00:00"}, "purged on 1999-01-01T00:00:00+00:00, before the record began on "),
        ({"purged": "2099-01-01"}, "says that it was purged on '2099-01-01', which is no time such as "),
        ({"purged": "not a date"}, "says that it was purged on 'not a date', which is no time such as "),
    ],
)
def test_a_statement_over_a_purge_says_what_can_be(unsigned: Path, facts: dict[str, Any], message: str) -> None:
    """How many observations went, when and by which version; who deleted them and why, nothing else says."""
    api.purge(unsigned)
    purge = purging.read(Record.open(unsigned))
    assert purge is not None
    told = {**codec.builtins(purge), **facts}
    del told["left"], told["signer"]
    body = sealing.statement([(purging.OBSERVATIONS, purge.left)], "purge", told)
    write_bytes(unsigned / purging.FILE, envelope(body, None))

    assert 2 in broken(unsigned)
    assert message in api.verify(unsigned)[1].detail


def test_observations_without_words_and_without_a_statement_are_damage(unsigned: Path) -> None:
    """Nobody said who deleted them."""
    api.purge(unsigned)
    (unsigned / purging.FILE).unlink()

    assert 2 in broken(unsigned)


def _no_envelope(run: Path) -> None:
    (run / purging.FILE).write_bytes(b"{}")


def _of_another_kind(run: Path) -> None:
    shutil.copy(Record.open(run).judgement() / sealing.STATEMENT, run / purging.FILE)


@pytest.mark.parametrize("spoil", [_no_envelope, _of_another_kind])
def test_a_statement_that_is_none_over_a_purge_is_broken(unsigned: Path, spoil: Callable[[Path], None]) -> None:
    """A flipped bit of it, or another statement in its place."""
    api.purge(unsigned)
    spoil(unsigned)

    assert 2 in broken(unsigned)
    with pytest.raises(RecordError):
        api.purge(unsigned)


def test_an_interrupted_purge_is_named_and_ended_by_the_same_command(
    unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the statement and the deletion: the words are still there, and the record says so."""

    def killed(path: Path, data: bytes) -> None:
        if path.name != purging.FILE:
            raise KeyboardInterrupt
        write_bytes(path, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(purging, "write_bytes", killed)
        api.purge(unsigned)

    assert [2] == broken(unsigned)
    assert "a purge was interrupted; end it with: probandum purge" in api.verify(unsigned)[1].detail
    assert PERSON in raw(unsigned)
    api.purge(unsigned)
    assert [] == broken(unsigned)
    assert PERSON not in raw(unsigned)


def test_a_purge_that_was_killed_before_the_pages_went_is_ended_by_the_same_command(
    unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evidence pages repeat what was asked."""

    def killed(record: Record) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(purging, "delete_raw_pages", killed)
        api.purge(unsigned)
    first = purging.read(Record.open(unsigned))
    page = unsigned / "reports" / "evidence" / "bias.group-rates.jsonl"
    assert b'"columns":' in page.read_bytes()

    assert first == api.purge(unsigned)
    assert [] == broken(unsigned, render=True)
    assert b'"columns":' not in page.read_bytes()


def test_a_signed_record_is_purged_with_its_own_key(base: Path, signed: Path, tmp_path: Path) -> None:
    """Without one, or with another, nothing is deleted."""
    keygen(tmp_path / "other")
    with pytest.raises(UsageError, match=r"signed by key .*, and a purge has to be, too"):
        api.purge(signed)
    with pytest.raises(RecordError, match="was not made with key"):
        api.purge(signed, key=tmp_path / "other")

    assert [] == broken(signed, base / "key.pub", render=True)
    assert PERSON in raw(signed)


def test_a_damaged_record_is_not_purged(unsigned: Path) -> None:
    """The deletion would hide the damage."""
    (unsigned / "ask" / "rows.json").write_bytes(b"{}")

    with pytest.raises(RecordError, match="step 2"):
        api.purge(unsigned)
    assert not (unsigned / purging.FILE).exists()


def test_a_purged_record_answers_nothing_and_goes_on_nowhere(base: Path, unsigned: Path, tmp_path: Path) -> None:
    """A replay has no answers; a larger budget has nothing to take up."""
    small = tmp_path / "small"
    write_log(small)
    text = PLAN + LIMITS + "execution: {budget: {requests: 10}}\n"
    (small / "audit.yaml").write_text(text, "utf-8")
    api.audit(small / "audit.yaml", out=small / "run", documents=False)
    api.purge(small / "run")
    (small / "audit.yaml").write_text(text.replace("10}", "5000}"), "utf-8")
    with pytest.raises(UsageError, match="the asking cannot go on from there") as caught:
        api.audit(small / "audit.yaml", out=small / "run", documents=False)
    assert "raw questions and answers were deleted on" in caught.value.lines()[0]

    api.purge(unsigned)
    load_builtin()
    with pytest.raises(TargetError, match="its answers were purged"):
        make_target("replay", TargetContext(folder=tmp_path), {"record": "run"})


def test_the_command_says_what_went_and_what_stays(unsigned: Path) -> None:
    """Nothing without --raw."""
    folder = unsigned.parent
    refused = entered(folder, "purge", "run")
    assert (2, "error: run: nothing was deleted; say --raw to delete raw questions and answers for good\n") == (
        refused.code,
        refused.err,
    )

    ended = entered(folder, "purge", "run", "--raw", "--by", "DPO")

    assert 0 == ended.code
    assert "by DPO (unsigned)" in ended.out.splitlines()[0]
    assert "items.json and rows.json keep" in ended.out.splitlines()[1]
    again = entered(folder, "purge", "run", "--raw", "--by", "Somebody else")
    assert "run: already purged, and nothing more was deleted or noted: " in again.out.splitlines()[0]
    assert "by DPO (unsigned)" in again.out.splitlines()[0]
    assert 0 == entered(folder, "verify", "run").code
