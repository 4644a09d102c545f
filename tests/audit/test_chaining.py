"""Judgements as a chain: none is missed, none is forged before something is built on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import entered
from forging import forge_verdict, judgement, paste_signature, reseal, restate
from probandum import api, codec, concluding, purging, sealing
from probandum.errors import RecordError, UsageError
from probandum.finding import Limit
from probandum.record import Record
from probandum.sealing import STATEMENT, numbered, statement_digest
from probandum.signing import envelope, keygen, open_envelope
from records import LIMITS, PLAN, broken, write_plan

LAX = Limit(metric="bias.group-rates/impact-ratio", direction="at_least", threshold=0.1)
DOCUMENTS = "documents: [dpia]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed record and one without a signature, with a document each, and the plan and the key beside them."""
    base = tmp_path_factory.mktemp("chained")
    keygen(base / "key")
    plan = write_plan(base, PLAN + LIMITS + DOCUMENTS)
    for name, key in (("signed", base / "key"), ("unsigned", None)):
        record = api.audit(plan, out=base / name, key=key, documents=False)
        api.report(record, formats=["md"], key=key)
    return base


@pytest.fixture
def signed(folder: Path, tmp_path: Path) -> Path:
    """A copy of the signed record."""
    return Path(shutil.copytree(folder / "signed", tmp_path / "signed"))


@pytest.fixture
def unsigned(folder: Path, tmp_path: Path) -> Path:
    """A copy of the record without a signature."""
    return Path(shutil.copytree(folder / "unsigned", tmp_path / "unsigned"))


def detail(run: Path, number: int, key: Path | None = None) -> str:
    """What one step says."""
    return api.verify(run, key=key)[number - 1].detail


def three(run: Path, key: Path | None = None) -> list[Path]:
    """Three judgements, of which the second is laxer than the others, in their order."""
    strict = Judged(run).limits
    for limits in ([LAX], strict):
        api.judge(run, limits=limits, key=key)
    return [path for _, path in numbered(Record.open(run))]


class Judged:
    """What the present judgement was judged by."""

    def __init__(self, run: Path) -> None:
        said = json.loads((judgement(run) / "judging.json").read_text())
        self.limits = codec.decode(list[Limit], codec.encode(said["limits"]))


def files(run: Path) -> dict[str, bytes]:
    """Every file of a record."""
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_each_judgement_names_the_one_before_it(folder: Path, signed: Path) -> None:
    """In its statement, under its signature; judging as the latest does adds none."""
    first, second, third = three(signed, folder / "key")
    told = [codec.decode(dict[str, Any], open_envelope(path / STATEMENT)[0])["predicate"] for path in (first, third)]

    assert [None, statement_digest(second)] == [each["before"] for each in told]
    assert [1, 3] == [each["number"] for each in told]
    api.judge(signed, key=folder / "key")
    assert [first, second, third] == [path for _, path in numbered(Record.open(signed))]
    assert [] == broken(signed, folder / "key.pub")


@pytest.mark.parametrize(("gone", "message"), [(0, "judgement 1 is missing: "), (1, "judgement 2 is missing: ")])
def test_a_judgement_that_was_taken_out_is_missed(folder: Path, signed: Path, gone: int, message: str) -> None:
    """The first or one between, with the key or without; nothing is judged on top of the gap."""
    shutil.rmtree(three(signed, folder / "key")[gone])

    assert (5, 5) == (broken(signed)[0], broken(signed, folder / "key.pub")[0])
    assert detail(signed, 5).startswith(message)
    assert 4 == api.gate(signed, key=folder / "key.pub").code
    with pytest.raises(RecordError, match=message):
        api.judge(signed, plan=folder / "audit.yaml", key=folder / "key")


def test_another_judgement_in_the_place_of_one_is_found(folder: Path, unsigned: Path, tmp_path: Path) -> None:
    """Its number fits and its seal holds: the next one followed another. Two of one number are named."""
    first, second, third = three(unsigned)
    other = Path(shutil.copytree(folder / "unsigned", tmp_path / "other"))
    api.judge(other, limits=[], tier="pr")
    instead = judgement(other)
    shutil.copytree(instead, unsigned / "judgements" / instead.name)
    assert f"{min(second.name, instead.name)} and {max(second.name, instead.name)} are both judgement 2" == detail(
        unsigned, 5
    )
    shutil.rmtree(second)

    assert 5 in broken(unsigned)
    assert f"{third.name}, judgement 3, followed another judgement than the one that is here before it" == detail(
        unsigned, 5
    )
    assert first.is_dir()


def test_that_the_newest_was_deleted_with_its_reports_nobody_can_tell(folder: Path, signed: Path) -> None:
    """As SECURITY.md says; with its reports left, it is found."""
    _, second, third = three(signed, folder / "key")
    api.report(signed, formats=["md"], key=folder / "key")
    shutil.rmtree(third)
    (signed / "judgement").write_text(f"{second.name}\n")
    shutil.copy(second / "findings.json", signed / "findings.json")

    assert [8] == broken(signed, folder / "key.pub")
    shutil.rmtree(signed / "reports")
    assert [] == broken(signed, folder / "key.pub")


def forged_limits(run: Path, key: Path | None) -> Path:
    """The present judgement with laxer limits, judged by them, under the signature bytes of the record."""
    judging = json.loads((judgement(run) / "judging.json").read_text())
    limits = [{**limit, "threshold": 0.1} for limit in judging["limits"]]
    made = restate(run, limits=limits)
    for name, data in concluding.again(Record.open(run), made).items():
        (made / name).write_bytes(data)
    shutil.copy(made / "findings.json", run / "findings.json")
    reseal(made, "judgement")
    if key is not None:
        paste_signature(made, run)
    shutil.rmtree(run / "reports")
    return made


BUILDS: dict[str, Callable[[Path, Path], object]] = {
    "judge": lambda run, base: api.judge(run, as_of="2099-01-01", key=base / "key"),
    "judge --plan": lambda run, base: api.judge(run, plan=base / "audit.yaml", tier="pr", key=base / "key"),
    "report": lambda run, base: api.report(run, formats=["md"], key=base / "key"),
    "purge": lambda run, base: api.purge(run, key=base / "key"),
    "audit": lambda run, base: api.audit(base / "audit.yaml", out=run, key=base / "key"),
}


@pytest.mark.parametrize("verb", BUILDS)
def test_nothing_is_built_on_a_judgement_that_the_key_did_not_sign(folder: Path, signed: Path, verb: str) -> None:
    """Its laxer limits would be signed by the owner; without the public key only the owner's next command finds it."""
    forged_limits(signed, folder / "key")
    before = files(signed)
    assert [] == broken(signed)
    assert [5] == broken(signed, folder / "key.pub")

    with pytest.raises(RecordError, match=r"step 5, .*the signature was not made with key"):
        BUILDS[verb](signed, folder)
    assert before == files(signed)


def test_forged_limits_are_told_as_unchecked_without_the_key_and_found_with_it(folder: Path, signed: Path) -> None:
    """The signature bytes of the record pass where nobody checks them; gate and verify say that nobody did."""
    forged_limits(signed, folder / "key")
    key, public = sealing.signature(signed)["key_id"], folder / "key.pub"
    told = f"no signature was checked: the record names key {key}, which whoever can write its folder can write there"

    for verb in ("gate", "verify"):
        unchecked, checked = entered(folder, verb, signed), entered(folder, verb, signed, "--key", public)

        assert (0, 4) == (unchecked.code, checked.code)
        assert told in unchecked.out
        assert "give the public key with --key" in unchecked.out
        assert told not in checked.out


def test_nothing_is_said_of_signatures_where_there_are_none_or_they_were_just_made(folder: Path, signed: Path) -> None:
    """An unsigned record has no key to be checked with, and whoever signs has checked with the key."""
    assert None is api.gate(folder / "unsigned").unchecked
    assert None is api.unchecked(folder / "unsigned")
    assert None is api.gate(folder / "signed", key=folder / "key.pub").unchecked
    assert "no signature was checked" in str(api.gate(folder / "signed").unchecked)
    ended = entered(folder, "judge", signed, "--key", folder / "key")

    assert 1 == ended.code
    assert "no signature was checked" not in ended.out


@pytest.mark.parametrize("verb", ["judge", "report", "purge", "audit"])
@pytest.mark.parametrize("name", ["ask/estimates.json", "ask/plan.json"])
def test_nothing_is_built_on_what_was_changed_since_it_was_sealed(
    folder: Path, signed: Path, verb: str, name: str
) -> None:
    """A digit of the estimates, or of the plan."""
    path = signed / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    before = files(signed)

    with pytest.raises(RecordError, match=r"step [23], "):
        BUILDS[verb](signed, folder)
    assert before == files(signed)


@pytest.mark.parametrize("verb", ["judge", "report", "purge"])
def test_nothing_is_built_on_verdicts_that_the_estimates_do_not_give(folder: Path, signed: Path, verb: str) -> None:
    """In both files alike, and even under the owner's own seal."""
    for place in (judgement(signed), signed):
        path = place / "findings.json"
        path.write_bytes(path.read_bytes().replace(b'"FAIL"', b'"PASS"'))
    with pytest.raises(RecordError, match=r"step 5, .*findings\.json: expected"):
        BUILDS[verb](signed, folder)

    reseal(judgement(signed), "judgement", folder / "key")
    with pytest.raises(RecordError, match=r"step 6, .*the sealed estimates give other findings than these"):
        BUILDS[verb](signed, folder)
    assert not (signed / purging.FILE).exists()


def test_judging_under_a_plan_mends_a_contradiction(folder: Path, unsigned: Path) -> None:
    """The same limits judge once more under the next number; what contradicts itself is not what stands there."""
    shutil.rmtree(unsigned / "reports")
    forge_verdict(unsigned)

    api.judge(unsigned, plan=folder / "audit.yaml")
    assert [] == broken(unsigned)
    assert 1 == api.gate(unsigned).code
    assert [1, 2] == [number for number, _ in numbered(Record.open(unsigned))]


@pytest.mark.parametrize("part", ["judgement", "reports", "purge"])
def test_a_signed_part_of_an_unsigned_record_is_what_is_left_of_a_signed_one(
    folder: Path, signed: Path, part: str
) -> None:
    """Taking the record's own signature off makes nothing of it unsigned."""
    if part == "purge":
        api.purge(signed, key=folder / "key")
    (signed / STATEMENT).write_bytes(envelope(open_envelope(signed / STATEMENT)[0], None))

    step = {"judgement": 5, "reports": 8, "purge": 4}[part]
    assert step in broken(signed)
    assert "signed by key " in detail(signed, step)
    assert detail(signed, step).endswith(", and the record is unsigned")
    with pytest.raises(RecordError, match="and the record is unsigned"):
        api.judge(signed)


def test_what_is_added_to_an_unsigned_record_is_not_signed(folder: Path, unsigned: Path) -> None:
    """A signature over a part would say too much of the rest."""
    for add in (BUILDS["judge"], BUILDS["report"]):
        with pytest.raises(UsageError, match="unsigned, and what is added to it is unsigned, too"):
            add(unsigned, folder)
    assert [] == broken(unsigned)


def test_reports_of_an_older_judgement_do_not_pass_for_those_of_the_present_one(folder: Path, unsigned: Path) -> None:
    """Neither broken nor held, and the gate says it too, until they are written again."""
    shutil.rmtree(unsigned / "reports")
    api.judge(unsigned, limits=[LAX])
    api.report(unsigned, formats=["md"])
    api.judge(unsigned, plan=folder / "audit.yaml")
    told = f"the reports tell judgement 2, and judgement 3 decides; write them again with: probandum report {unsigned}"

    step = api.verify(unsigned)[7]
    assert (None, True) == (step.held, told in step.detail)
    assert told == api.gate(unsigned).stale

    api.report(unsigned, formats=["md"])
    assert api.verify(unsigned)[7].held
    assert api.gate(unsigned).stale is None


@pytest.mark.parametrize("as_of", ["garbage", "2001-01-01"])
def test_a_day_that_cannot_be_is_found(unsigned: Path, as_of: str) -> None:
    """No judgement is of a day before the record began."""
    shutil.rmtree(unsigned / "reports")
    restate(unsigned, as_of=as_of)

    assert 5 in broken(unsigned)
    assert "as-of: " in detail(unsigned, 5)


def test_a_judgement_that_was_killed_half_written_is_written_by_the_same_command(
    unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands beside its place until it is sealed; one that was sealed and not yet present becomes so."""
    shutil.rmtree(unsigned / "reports")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for module, name, step in ((sealing, "seal", 5), (concluding, "write_bytes", 6)):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, name, killed)
            api.judge(unsigned, tier="pr")
        assert step in broken(unsigned)
        assert 4 == api.gate(unsigned).code

    api.judge(unsigned, tier="pr")
    assert [] == broken(unsigned)
    assert [1, 2] == [number for number, _ in numbered(Record.open(unsigned))]
