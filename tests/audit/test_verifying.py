"""Verification: any flipped bit, stray file, forged statement or forged report is found, at a numbered step."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from forging import forge_verdict, judgement, reseal, restate
from probandum import api, chaining, codec, concluding, purging, versions
from probandum.errors import MissingDependency, RecordError
from probandum.record import Record
from probandum.sealing import STATEMENT, SUMS, report_facts
from probandum.signing import envelope, key_id, keygen, load_private, load_public, open_envelope
from probandum.verifying import refuse_damaged
from records import LIMITS, PLAN, broken, write_plan

STEPS = 10
DOCUMENTS = "documents: [dpia]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed record and one without a signature, each with a document, and the keys beside them."""
    base = tmp_path_factory.mktemp("sealed")
    keygen(base / "key")
    for name, key in (("signed", base / "key"), ("unsigned", None)):
        record = api.audit(write_plan(base, PLAN + LIMITS + DOCUMENTS), out=base / name, key=key, documents=False)
        api.report(record, formats=["html", "md"], key=key)
    return base


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Path:
    """A copy of the signed record to damage."""
    return Path(shutil.copytree(folder / "signed", tmp_path / "run"))


@pytest.fixture
def unsigned(folder: Path, tmp_path: Path) -> Path:
    """A copy of the record without a signature."""
    return Path(shutil.copytree(folder / "unsigned", tmp_path / "unsigned"))


def detail(run: Path, number: int, key: Path | None = None, *, render: bool = False) -> str:
    """What one step says."""
    return api.verify(run, key=key, render=render)[number - 1].detail


def test_a_signed_record_holds_at_every_step(folder: Path) -> None:
    """Ten numbered steps, none broken, the signature checked with the public key, the reports rendered again."""
    steps = api.verify(folder / "signed", key=folder / "key.pub", render=True)

    assert list(range(1, STEPS + 1)) == [step.number for step in steps]
    assert [10] == [step.number for step in steps if step.held is not True]
    assert steps[9].detail.startswith("nobody recorded a review")


def test_what_was_not_checked_is_said_and_not_held(folder: Path) -> None:
    """A signature without a key, and reports that nobody rendered again."""
    steps = api.verify(folder / "signed")

    assert [4, 9, 10] == [step.number for step in steps if step.held is None]
    assert "not checked: give the public key with --key" in steps[3].detail
    assert "not checked: give the public key with --key" in steps[7].detail
    assert "not rendered again: ask for it with --render" == steps[8].detail
    assert "unsigned: whoever can write this folder" in detail(folder / "unsigned", 8)


def test_another_key_is_refused(folder: Path, tmp_path: Path) -> None:
    """Of the record, of each judgement and of the reports; the message names both keys."""
    keygen(tmp_path / "other")

    assert [4, 5, 8] == broken(folder / "signed", tmp_path / "other.pub")
    assert [4, 5, 8] == broken(folder / "unsigned", tmp_path / "other.pub")
    assert "was not made with key" in detail(folder / "signed", 4, tmp_path / "other.pub")


def test_every_file_of_a_record_is_guarded_against_a_flipped_bit(folder: Path, run: Path) -> None:
    """One bit anywhere in any file: the gate no longer trusts the record."""
    rng = random.Random(7)
    files = sorted(path for path in run.rglob("*") if path.is_file())

    assert len(files) > 10
    assert {"ask", "judgements", "reports"} <= {path.relative_to(run).parts[0] for path in files}
    for path in files:
        data = bytearray(path.read_bytes())
        for place in {0, len(data) - 1, rng.randrange(len(data)), rng.randrange(len(data))}:
            changed = bytearray(data)
            changed[place] ^= 1 << rng.randrange(8)
            path.write_bytes(bytes(changed))
            assert broken(run, folder / "key.pub"), f"{path.relative_to(run)}, byte {place}"
        path.write_bytes(bytes(data))
    assert [] == broken(run, folder / "key.pub")


def test_an_unsigned_record_finds_a_flipped_bit_too(unsigned: Path) -> None:
    """Digests do not need a key."""
    assert [] == broken(unsigned)
    path = unsigned / "ask" / "estimates.json"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    assert 2 in broken(unsigned)
    assert 4 == api.gate(unsigned).code


@pytest.mark.parametrize(
    "name", ["ask/estimates.json", "ask/observations.jsonl.zst", "statement.dsse.json", "SHA256SUMS"]
)
def test_a_truncated_file_is_found(run: Path, name: str) -> None:
    """Half a file is no record."""
    path = run / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert broken(run)
    assert 4 == api.gate(run).code


@pytest.mark.parametrize(
    ("name", "text", "steps"),
    [
        ("ask/plan.json", "{}", [2, 3, 7]),
        ("ask/plan.json", "[]", [2, 3, 7]),
        ("ask/environment.json", '{"tool": 1}', [2, 3, 5, 8]),
        ("judgement", "", [6]),
    ],
)
def test_a_file_of_another_form_is_damage_and_no_traceback(run: Path, name: str, text: str, steps: list[int]) -> None:
    """Whoever forges a file may write anything into it."""
    (run / name).write_text(text)

    assert steps == broken(run)
    if name == "ask/plan.json":
        shutil.rmtree(run / "reports")
        assert "does not have the form" in detail(run, 8) or "plan.json" in detail(run, 8)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("notes.txt", 1),
        ("journal.jsonl", 1),
        (".hidden", 1),
        ("ask/more.json", 2),
        ("judgements/notes.txt", 5),
        ("judgements/{judgement}/more.json", 5),
        ("reports/dpia.pdf", 8),
        ("reports/evidence/more.html", 8),
    ],
)
@pytest.mark.parametrize("empty", [False, True])
def test_nothing_else_stands_in_a_record_unnoticed(unsigned: Path, name: str, step: int, empty: bool) -> None:
    """No file and no empty folder, at any level; the message names it."""
    path = unsigned / name.format(judgement=judgement(unsigned).name)
    if empty:
        path.mkdir()
    else:
        path.write_text("{}")

    assert [step] == broken(unsigned)
    assert path.name in detail(unsigned, step)
    assert 4 == api.gate(unsigned).code


def test_a_link_in_the_place_of_a_folder_is_found(unsigned: Path, tmp_path: Path) -> None:
    """What it points at stands somewhere else."""
    (unsigned / "reports" / "evidence").rename(tmp_path / "evidence")
    (unsigned / "reports" / "evidence").symlink_to(tmp_path / "evidence")

    assert [1, 8] == broken(unsigned)


@pytest.mark.parametrize("name", ["ask", "ask/rows.json", "judgements", "findings.json", "judgement", STATEMENT])
def test_a_link_to_the_same_bytes_elsewhere_is_found(unsigned: Path, tmp_path: Path, name: str) -> None:
    """A record holds files and folders alone: what lies elsewhere can change when nobody verifies."""
    (unsigned / name).rename(tmp_path / "elsewhere")
    (unsigned / name).symlink_to(tmp_path / "elsewhere")

    assert 1 == broken(unsigned)[0]
    assert f"'{name}' is a symbolic link, and a record holds files and folders alone" == detail(unsigned, 1)
    assert 4 == api.gate(unsigned).code


@pytest.mark.parametrize("name", ["judgement", "ask/plan.json", "findings.json", STATEMENT, "reports/dpia.md"])
def test_a_pipe_in_the_place_of_a_file_is_found_and_never_opened(unsigned: Path, name: str) -> None:
    """Reading it would wait for ever."""
    (unsigned / name).unlink()
    os.mkfifo(unsigned / name)

    assert 1 == broken(unsigned)[0]
    assert f"'{name}' is neither a file nor a folder, and a record holds files and folders alone" == detail(unsigned, 1)
    assert 4 == api.gate(unsigned).code
    with pytest.raises(RecordError):
        api.judge(unsigned)


def test_a_file_less_is_found(run: Path) -> None:
    """The list of digests is the list of files."""
    (run / "ask" / "items.json").unlink()

    assert [2] == broken(run)


def test_findings_of_another_judgement_are_found(run: Path) -> None:
    """findings.json is one of the sealed judgements, to the byte."""
    path = run / "findings.json"
    findings = json.loads(path.read_text())
    findings[0]["verdict"] = "PASS"
    path.write_bytes(codec.pretty(findings))

    assert 6 in broken(run)


def test_the_last_character_of_a_payload_carries_no_spare_bits(run: Path) -> None:
    """Base64 that decodes to the same bytes is still another envelope."""
    path = judgement(run) / STATEMENT
    outer = json.loads(path.read_text())
    payload = base64.b64encode(base64.b64decode(outer["payload"]) + b" ").decode()
    while not payload.endswith("="):
        payload = base64.b64encode(base64.b64decode(payload) + b" ").decode()
    at = len(payload.rstrip("=")) - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    outer["payload"] = payload[:at] + alphabet[alphabet.index(payload[at]) ^ 1] + payload[at + 1 :]
    assert base64.b64decode(outer["payload"]) == base64.b64decode(payload)
    path.write_bytes(codec.encode(outer))

    assert "the payload is not in canonical form" in detail(run, 5)


@pytest.mark.parametrize(
    ("predicate", "facts", "message"),
    [
        ("ask", {"key": "sha256:00"}, 'the statement says key "sha256:00", and the files "sha256:'),
        ("ask", {"tool": {"name": "probandum", "version": "9"}}, "the statement says tool {"),
        ("ask", {"more": 1}, "the statement says more 1, and the files null"),
        ("judgement", {"mode": "merge"}, 'the statement says mode "merge", and the files "release"'),
        ("judgement", {"as_of": "2020-01-01"}, 'the statement says as_of "2020-01-01", and the files "'),
        ("judgement", {"record": "sha256:00"}, 'the statement says record "sha256:00", and the files "sha256:'),
    ],
)
def test_a_statement_with_other_facts_than_its_files_is_broken(
    unsigned: Path, predicate: str, facts: dict[str, Any], message: str
) -> None:
    """Whoever writes a matching seal cannot say in it what the files do not say."""
    reseal(unsigned if predicate == "ask" else judgement(unsigned), predicate, **facts)

    step = 3 if predicate == "ask" else 5
    assert step in broken(unsigned)
    assert message in detail(unsigned, step)


def test_a_judgement_under_another_name_is_found(unsigned: Path) -> None:
    """A copy, and a judgement whose limits were changed and sealed again: the name is the digest of what it says."""
    folder = judgement(unsigned)
    shutil.copytree(folder, unsigned / "judgements" / ("0" * 16))
    assert f"{'0' * 16}: its files are those of judgement {folder.name}" == detail(unsigned, 5)
    shutil.rmtree(unsigned / "judgements" / ("0" * 16))
    judging = folder / "judging.json"
    judging.write_text(judging.read_text().replace("0.8", "0.1"))
    reseal(folder, "judgement")

    assert f"{folder.name}: its files are those of judgement" in detail(unsigned, 5)


def test_judging_again_keeps_the_first_judgement_and_its_reports_sealed(folder: Path, run: Path) -> None:
    """Both judgements verify; findings.json is the newer one, and the reports say whose they are."""
    from probandum.finding import Limit, Verdict

    record = Record.open(run)
    first, before = judgement(run).name, record.findings
    limit = Limit(metric="bias.group-rates/impact-ratio", direction="at_least", threshold=0.1)
    after = api.judge(record, limits=[limit], key=folder / "key")

    assert Verdict.FAIL in [finding.verdict for finding in before]
    assert Verdict.FAIL not in [finding.verdict for finding in after]
    assert 2 == len(list((run / "judgements").iterdir()))
    assert f"judgement {first}, not the present one" in detail(run, 8)
    assert [] == broken(run, render=True)


def forge(reports: Path) -> None:
    """One word of the document is changed."""
    path = reports / "dpia.md"
    text = path.read_text("utf-8")
    assert "Loan desk" in text
    path.write_text(text.replace("Loan desk", "Loan desc", 1), "utf-8")


def count(reports: Path) -> int:
    """How many files the seal of reports covers."""
    return len((reports / SUMS).read_text().splitlines())


def test_a_forged_report_is_found_by_its_digest(unsigned: Path) -> None:
    """And by rendering it again."""
    forge(unsigned / "reports")

    assert [8, 9] == broken(unsigned, render=True)
    assert "dpia.md: expected " in detail(unsigned, 8)
    assert 4 == api.gate(unsigned).code


def test_a_forged_report_under_a_matching_seal_is_found_by_the_key(folder: Path, run: Path, tmp_path: Path) -> None:
    """An unsigned seal in a signed record is broken without the key, too, and so is one by another key."""
    forge(run / "reports")
    reseal(run / "reports", "reports")
    assert [8] == broken(run)
    assert "unsigned, and the record is signed by key " in detail(run, 8)
    assert [8] == broken(run, folder / "key.pub")
    assert "unsigned, and a key was given" == detail(run, 8, folder / "key.pub")

    keygen(tmp_path / "other")
    reseal(run / "reports", "reports", by=tmp_path / "other")
    assert [8] == broken(run)
    assert [8] == broken(run, folder / "key.pub")
    assert "was not made with key" in detail(run, 8, folder / "key.pub")


def test_a_forged_report_of_an_unsigned_record_is_found_by_rendering_it_again(unsigned: Path) -> None:
    """The seal matches, and the record gives other bytes; one file more and one less are found as well."""
    forge(unsigned / "reports")
    reseal(unsigned / "reports", "reports")
    assert [] == broken(unsigned)
    assert [9] == broken(unsigned, render=True)
    wanted = count(unsigned / "reports")
    assert f"1 of {wanted} files differ, the first 'dpia.md'" == detail(unsigned, 9, render=True)

    (unsigned / "reports" / "more.html").write_text("")
    (unsigned / "reports" / "dpia.html").unlink()
    reseal(unsigned / "reports", "reports")
    assert [8, 9] == broken(unsigned, render=True)
    assert f"3 of {wanted} files differ, the first 'dpia.html'" == detail(unsigned, 9, render=True)


@pytest.mark.parametrize(
    ("facts", "steps", "message"),
    [
        ({"documents": ["annex_iv"]}, [8, 9], "the statement names 'annex_iv.html', which is missing"),
        ({"documents": []}, [8, 9], "no document gives 'dpia.html'"),
        ({"formats": ["html"]}, [8, 9], "no document gives 'dpia.md'"),
        ({"formats": ["exe"]}, [8, 9], "the statement names 'dpia.exe', which is missing"),
        ({"as_of": "2020-01-01"}, [8, 9], "as-of: 2020-01-01 lies before "),
        ({"as_of": "2099-01-01"}, [9], "files differ"),
        ({"as_of": "garbage"}, [8, 9], "as-of: expected a date such as 2026-11-23, got 'garbage'"),
        ({"packages": {}}, [8], "the statement does not say which version of jinja2 wrote them"),
        ({"packages": {"probandum": "1", "jinja2": "3", "more": "1"}}, [8], "names a package 'more'"),
        ({"record": "sha256:00"}, [8], "another record"),
        ({"judgement": "sha256:00"}, [8, 9], "no judgement of this record"),
        ({"documents": "dpia"}, [8, 9], "Expected `array`"),
        ({"more": 1}, [8], "the statement says more 1, and the files null"),
    ],
)
def test_a_statement_over_reports_that_says_something_else_is_found(
    unsigned: Path, facts: dict[str, Any], steps: list[int], message: str
) -> None:
    """What it names is what is rendered again."""
    reseal(unsigned / "reports", "reports", **facts)

    assert steps == broken(unsigned, render=True)
    assert message in detail(unsigned, steps[0], render=True)


def test_reports_of_another_record_are_found(folder: Path, unsigned: Path, tmp_path: Path) -> None:
    """Their own seal holds, and names the record that they speak of."""
    other = api.audit(write_plan(tmp_path / "other", gap=0.0), out=tmp_path / "other" / "run")
    shutil.rmtree(unsigned / "reports")
    shutil.copytree(other.reports, unsigned / "reports")

    assert [8] == broken(unsigned)
    assert "they speak of another record" == detail(unsigned, 8)


def test_reports_that_are_missing_are_said(folder: Path, unsigned: Path, tmp_path: Path) -> None:
    """Not broken, since an audit may leave them out; but named, where the plan wanted them."""
    shutil.rmtree(unsigned / "reports")
    step, rendered, _ = api.verify(unsigned, render=True)[7:]
    none = api.audit(write_plan(tmp_path), out=tmp_path / "none", documents=False)

    assert (None, None) == (step.held, rendered.held)
    assert (
        f"the plan names dpia, and no reports were written; write them with: probandum report {unsigned}" == step.detail
    )
    assert detail(none.folder, 8).startswith("no reports were written")


def test_reports_without_a_seal_are_broken(unsigned: Path) -> None:
    """Nobody can hide a changed document by taking its seal away; writing them again mends it."""
    (unsigned / "reports" / STATEMENT).unlink()
    assert [8] == broken(unsigned)
    assert "they have no seal" in detail(unsigned, 8)
    assert [8] == broken(unsigned, render=True)

    api.report(unsigned, formats=["html", "md"])
    assert [] == broken(unsigned, render=True)


def test_another_version_of_a_package_is_said_beside_the_outcome(unsigned: Path) -> None:
    """Whether the bytes agree or not: a reader must know what may have moved them."""
    versions = report_facts(unsigned / "reports").packages
    assert {"probandum", "jinja2"} <= set(versions)
    reseal(unsigned / "reports", "reports", packages={**versions, "jinja2": "2.0"})
    told = f"jinja2 was 2.0 then and is {versions['jinja2']} now"

    wanted = count(unsigned / "reports")
    assert f"{wanted} files; {told}" == detail(unsigned, 9, render=True)
    forge(unsigned / "reports")
    assert f"1 of {wanted} files differ, the first 'dpia.md'; {told}" == detail(unsigned, 9, render=True)


def test_reports_that_cannot_be_rendered_here_are_one_error(unsigned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither broken nor held: what is missing is a package of this machine."""
    api.report(unsigned, formats=["docx"])
    monkeypatch.setitem(sys.modules, "docx", None)

    with pytest.raises(MissingDependency, match="docx"):
        api.verify(unsigned, render=True)


def test_a_judgement_signed_by_nobody_in_a_signed_record_is_found(folder: Path, run: Path) -> None:
    """Nobody has to give the key for that; the step says who signed how many."""
    by = key_id(load_public(folder / "key.pub"))
    api.judge(run, tier="pr", key=folder / "key")
    assert f"2 judgements: 2 naming key {by} (not checked)" == detail(run, 5)
    assert f"2 judgements: 2 signed by key {by}" == detail(run, 5, folder / "key.pub")
    assert detail(folder / "unsigned", 5) == "1 judgement: 1 unsigned"
    reseal(judgement(run), "judgement")

    assert [5] == broken(run)
    assert f"{judgement(run).name}: unsigned, and the record is signed by key {by}" == detail(run, 5)


def test_an_unsigned_purge_of_a_signed_record_is_found(folder: Path, run: Path) -> None:
    """Without a key, as for judgements and reports."""
    api.purge(run, key=folder / "key")
    path = run / purging.FILE
    assert [] == broken(run)
    path.write_bytes(envelope(open_envelope(path)[0], None))

    assert [4] == broken(run)
    assert "the purge is unsigned, and the record is signed by key " in detail(run, 4)


def test_a_forged_verdict_contradicts_its_own_estimates(folder: Path, unsigned: Path, run: Path) -> None:
    """Judged again, also where the seal over it holds, and even with the right key."""
    shutil.rmtree(unsigned / "reports")
    forge_verdict(unsigned)
    assert [6] == broken(unsigned)
    assert "the sealed estimates give other findings than these: 1 finding, the first bias.group" in detail(unsigned, 6)
    assert 4 == api.gate(unsigned).code

    shutil.rmtree(run / "reports")
    forge_verdict(run, folder / "key")
    assert [6] == broken(run, folder / "key.pub")


def test_a_judgement_by_another_version_that_gives_others_is_judged_again(
    folder: Path, unsigned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version may have judged otherwise for a reason; which of the two counts nobody decides in silence."""
    shutil.rmtree(unsigned / "reports")
    assert "judged again, the sealed estimates give the same" in detail(unsigned, 6)
    forge_verdict(unsigned)
    here = metadata.version("probandum")
    for module in (versions, chaining, concluding):
        monkeypatch.setattr(module, "version", lambda name: "9.0")

    assert [6] == broken(unsigned)
    told = f"judged with probandum {here}, and 1 finding differs with this 9.0; judge it again with: probandum judge "
    assert told in detail(unsigned, 6)
    assert 4 == api.gate(unsigned).code
    with pytest.raises(RecordError, match="step 6"):
        api.report(unsigned, formats=["md"])

    api.judge(unsigned)
    assert [] == broken(unsigned)
    assert 1 == api.gate(unsigned).code


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("0.0.1", "made with probandum 0.0.1, before the record was asked with "),
        ("99.0", "made with probandum 99.0, which is newer than this "),
        ("x", "made with 'x', which is no version of probandum"),
    ],
)
def test_the_name_of_another_version_excuses_no_forged_verdict(unsigned: Path, tool: str, message: str) -> None:
    """No record is judged by a version older than the one that asked, and none that is newer can be checked."""
    shutil.rmtree(unsigned / "reports")
    forge_verdict(unsigned)
    restate(unsigned, tool=tool)

    assert [5, 6] == broken(unsigned)
    assert message in detail(unsigned, 5)
    assert 4 == api.gate(unsigned).code


def test_a_record_of_a_newer_version_is_not_vouched_for(unsigned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This one does not know what it would have to check."""
    monkeypatch.setattr(versions, "version", lambda name: "0.0.1")

    assert [3, 5, 8] == broken(unsigned)
    assert "which is newer than this 0.0.1: use that version or a later one" in detail(unsigned, 3)


def test_an_older_judgement_does_not_take_the_place_of_the_latest(folder: Path, run: Path) -> None:
    """Copied back without any key, it is signed and true, and not the one that counts."""
    older = {name: (run / name).read_bytes() for name in ("judgement", "findings.json")}
    first = judgement(run).name
    api.judge(run, tier="pr", key=folder / "key")
    latest = judgement(run).name
    assert f"{latest}, judgement 2;" in detail(run, 6)
    for name, data in older.items():
        (run / name).write_bytes(data)

    assert [6] == broken(run, folder / "key.pub")
    assert f"judgement 1 is not the latest: {latest} is judgement 2" == detail(run, 6)
    assert 4 == api.gate(run, key=folder / "key.pub").code

    with pytest.raises(RecordError, match=r"judgement 1 is not the latest"):
        api.report(run, formats=["md"], key=folder / "key")
    api.judge(run, key=folder / "key")  # by the limits of the latest, which is made the present one
    assert [] == broken(run, folder / "key.pub", render=True)
    assert latest == judgement(run).name
    api.judge(run, plan=folder / "audit.yaml", key=folder / "key")
    assert f"{judgement(run).name}, judgement 3;" in detail(run, 6)
    assert first != judgement(run).name


Damage = Callable[[Path], object]


def flip(run: Path) -> None:
    """One byte of the estimates."""
    path = run / "ask" / "estimates.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))


@pytest.mark.parametrize(
    ("damage", "step"),
    [
        (lambda run: (run / "ask" / "observations.jsonl.zst").unlink(), 1),
        (lambda run: (run / SUMS).unlink(), 1),
        (flip, 2),
        (lambda run: (run / "ask" / "more.json").write_text("{}"), 2),
        (lambda run: reseal(run, "ask", tool="another"), 3),
        (lambda run: (run / STATEMENT).write_text("{}"), 3),
    ],
)
def test_a_damaged_record_is_not_judged_again(folder: Path, unsigned: Path, damage: Damage, step: int) -> None:
    """An audit that finds it stops with 4, names the step, and adds no judgement."""
    damage(unsigned)
    before = {path: path.read_bytes() for path in unsigned.rglob("*") if path.is_file()}

    with pytest.raises(RecordError, match=f"verification step {step}, ") as caught:
        api.audit(folder / "audit.yaml", out=unsigned, tier="pr")
    assert 4 == caught.value.exit_code
    assert before == {path: path.read_bytes() for path in unsigned.rglob("*") if path.is_file()}


def test_a_finished_record_without_its_statement_is_not_asked_again(folder: Path, unsigned: Path) -> None:
    """It is damaged, and no run that can be resumed; one that was killed before its statement has its journal yet."""
    (unsigned / STATEMENT).unlink()
    with pytest.raises(RecordError, match=r"a finished audit without statement\.dsse\.json, and no journal") as caught:
        api.audit(folder / "audit.yaml", out=unsigned)
    assert 4 == caught.value.exit_code

    record = Record.open(unsigned)
    record.journal.write_bytes(b"".join(codec.encode(entry) + b"\n" for entry in record.entries()))
    for name in ("judgements", "reports"):
        shutil.rmtree(unsigned / name)
    (unsigned / "judgement").unlink()
    (unsigned / "findings.json").unlink()
    api.audit(folder / "audit.yaml", out=unsigned)
    assert [] == broken(unsigned)


def test_a_record_that_the_key_did_not_sign_is_not_judged_with_it(folder: Path, unsigned: Path, run: Path) -> None:
    """Neither an unsigned one nor one of another key: the audit would look signed and is not."""
    keygen(unsigned.parent / "other")
    for record, key, message in (
        (unsigned, folder / "key", "step 4, the statement is signed: unsigned, and a key was given"),
        (run, unsigned.parent / "other", "step 4, the statement is signed: the signature was not made with key"),
    ):
        with pytest.raises(RecordError, match=message):
            api.audit(folder / "audit.yaml", out=record, key=key)
    refuse_damaged(Record.open(run), key=load_private(folder / "key").public_key(), upto=7)
    refuse_damaged(Record.open(unsigned), key=None, upto=7)


def test_a_record_that_was_killed_before_it_was_judged_is_judged_now(folder: Path, unsigned: Path) -> None:
    """What was asked is whole; the judgement was still missing, and a temporary file was left behind."""
    for name in ("findings.json", "judgement"):
        (unsigned / name).unlink()
    for name in ("judgements", "reports"):
        shutil.rmtree(unsigned / name)
    (unsigned / "journal.jsonl").write_text("")
    (unsigned / ".findings.json.abcdefgh.part").write_text("half")
    api.audit(folder / "audit.yaml", out=unsigned)

    assert [] == broken(unsigned)
