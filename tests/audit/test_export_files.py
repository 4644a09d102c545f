"""Exports from the command line: written whatever the gate says, also of what is damaged or was never run."""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from probandum import api, cli
from probandum.errors import UsageError
from records import LIMITS, PLAN, with_small_groups, write_plan

FLAGS = ("--sarif", "o/a.sarif", "--junit", "o/j.xml", "--gitlab", "o/g.json", "--summary", "o/s.md", "--annotations")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: object
    out: str
    sarif: dict[str, Any]
    gitlab: list[dict[str, Any]]
    junit: ET.Element
    summary: str

    @property
    def results(self) -> list[tuple[str, str, int]]:
        """Level, rule and line of each result in the SARIF file."""
        return [
            (
                result["level"],
                result["ruleId"],
                result["locations"][0]["physicalLocation"]["region"]["startLine"],
            )
            for result in self.sarif["runs"][0]["results"]
        ]

    @property
    def silent(self) -> list[str]:
        """The exports that do not say that something is wrong."""
        said = {
            "sarif": any(level == "error" for level, _, _ in self.results),
            "junit": self.junit.attrib["errors"] != "0",
            "gitlab": any(issue["severity"] == "critical" for issue in self.gitlab),
            "summary": "\n- Error" in self.summary,
            "annotations": "::error " in self.out,
        }
        return [name for name, spoke in said.items() if not spoke]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path) -> Any:
    """Runs a command with every export asked for."""

    def run(*words: object) -> Ended:
        shutil.rmtree("o", ignore_errors=True)
        monkeypatch.setattr(sys, "argv", ["probandum", *map(str, words), *FLAGS])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Ended(
            code=end.value.code,
            out=capsys.readouterr().out,
            sarif=json.loads(Path("o/a.sarif").read_bytes()),
            gitlab=json.loads(Path("o/g.json").read_bytes()),
            junit=ET.parse("o/j.xml").getroot(),
            summary=Path("o/s.md").read_text("utf-8"),
        )

    return run


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record whose gate ends 1."""
    folder = tmp_path_factory.mktemp("sealed")
    return api.audit(write_plan(folder), out=folder / "run", documents=False).folder


def test_an_audit_exports_what_its_gate_says_and_ends_as_before(ended: Any, here: Path) -> None:
    """A broken limit is 1, at its line of the plan, in every format."""
    one = ended("audit", write_plan(here), "--out", "run")

    assert 1 == one.code
    assert [("error", "bias.group-rates/impact-ratio", 9)] == one.results
    assert ("1", "1") == (one.junit.attrib["tests"], one.junit.attrib["failures"])
    assert ["major"] == [issue["severity"] for issue in one.gitlab]
    assert "Audit of Loan desk 1.0: gate 1, a limit is broken" in one.summary
    assert "800 planned, 800 attempted, 800 assessed, 0 errored, 0 refused, 0 unparsable" in one.summary
    assert "\n::error file=audit.yaml,line=9,title=bias.group-rates/impact-ratio::Limit broken" in one.out


def test_the_same_record_gives_the_same_bytes(here: Path, sealed: Path) -> None:
    """Everything that is exported comes from the record."""
    result = api.gate(sealed)
    for name in ("one", "two"):
        api.export(sealed, result, sarif=f"{name}.a", junit=f"{name}.j", gitlab=f"{name}.g", summary=f"{name}.s")

    for format in "ajgs":
        assert Path(f"one.{format}").read_bytes() == Path(f"two.{format}").read_bytes()


def test_exporting_leaves_the_record_as_it_is(ended: Any, sealed: Path) -> None:
    """The gate reads."""
    before = {path: path.read_bytes() for path in sealed.rglob("*") if path.is_file()}
    one = ended("gate", sealed)

    assert 1 == one.code
    assert before == {path: path.read_bytes() for path in sealed.rglob("*") if path.is_file()}


def test_a_finding_judged_again_stands_in_the_plan_that_judged_it(ended: Any, here: Path, sealed: Path) -> None:
    """At the line of its own limit there."""
    shutil.copytree(sealed, "run")
    shutil.copy(sealed.parent / "log.csv", "log.csv")
    Path("stricter.yaml").write_text("# stricter\n\n" + PLAN + LIMITS.replace("0.8", "0.9"), "utf-8")
    api.judge("run", plan="stricter.yaml")
    one = ended("gate", "run")

    assert [("error", "bias.group-rates/impact-ratio", 11)] == one.results
    assert ["stricter.yaml"] == [issue["location"]["path"] for issue in one.gitlab]


@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_whatever_is_damaged_every_export_says_so(ended: Any, sealed: Path, damage: str) -> None:
    """Each file of the record in turn: exit code 4, an error in every format, and no finding told."""
    files = sorted(path.relative_to(sealed) for path in sealed.rglob("*") if path.is_file())

    assert len(files) > 10
    for name in files:
        shutil.copytree(sealed, "run")
        path = Path("run") / name
        data = path.read_bytes()
        if damage == "remove":
            path.unlink()
        else:
            path.write_bytes(data[: len(data) // 2] if damage == "cut" else bytes([data[0] ^ 1]) + data[1:])
        one = ended("gate", "run")
        shutil.rmtree("run")

        assert (4, []) == (one.code, one.silent), name
        assert {"gate"} == {rule for _, rule, _ in one.results}, name


def test_a_damaged_record_is_named_where_its_name_can_be_read(ended: Any, sealed: Path) -> None:
    """So that its alerts stand in the category of the system."""
    shutil.copytree(sealed, "run")
    Path("run/findings.json").write_text("[]", "utf-8")
    one = ended("gate", "run")

    assert one.sarif["runs"][0]["automationDetails"]["id"].startswith("probandum/loan-desk/")
    assert "Audit of Loan desk 1.0: gate 4" in one.summary


def test_where_there_is_no_record_every_export_says_so(ended: Any) -> None:
    """An audit that never ran must not look like one that found nothing."""
    one = ended("gate", "nowhere")

    assert (4, []) == (one.code, one.silent)
    assert "no audit record" in one.summary


def test_a_wrong_plan_is_exported_at_the_line_of_its_mistake(ended: Any, here: Path) -> None:
    """Nothing was run, and the exports say so."""
    one = ended("audit", write_plan(here, (PLAN + LIMITS).replace("at_least", "at_lest")))

    assert (2, []) == (one.code, one.silent)
    assert ("error", "gate", 9) in one.results
    assert "the command or the plan is wrong; nothing was run" in one.summary


def test_a_system_that_does_not_load_is_exported(ended: Any, here: Path) -> None:
    """Under its name, before there is a record."""
    plan = write_plan(here)
    with (here / "log.csv").open("a") as file:
        file.write("last,F,nan,1\n")
    one = ended("audit", plan)

    assert one.code in (2, 4)
    assert [] == one.silent
    assert "Audit of Loan desk 1.0" in one.summary


def test_files_that_cannot_be_written_are_named_and_the_others_are_there(here: Path, sealed: Path) -> None:
    """One line, all of them; what can be written is."""
    (here / "file").write_text("", "utf-8")

    with pytest.raises(UsageError, match=r"file/a.sarif: .*; file/g.json: "):
        api.export(sealed, api.gate(sealed), sarif="file/a.sarif", gitlab="file/g.json", junit="j.xml")
    assert ET.parse("j.xml").getroot() is not None


def test_no_export_is_written_into_a_record(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path, sealed: Path
) -> None:
    """Its seals account for everything in its folder; an audit is told so before it begins."""
    with pytest.raises(UsageError, match="lies inside the record"):
        api.export(sealed, api.gate(sealed), sarif=sealed / "reports" / "a.sarif", junit="j.xml")
    monkeypatch.setattr(sys, "argv", ["probandum", "audit", str(write_plan(here)), "--out", "r", "--junit", "r/j.xml"])
    with pytest.raises(SystemExit) as end:
        cli.main()

    assert 2 == end.value.code
    assert "r/j.xml: lies inside the record, where nothing else may stand" in capsys.readouterr().err
    assert [] == [name for name in ("j.xml", "r") if Path(name).exists()]
    assert [] == [step.title for step in api.verify(sealed) if step.held is False]


def test_one_file_is_for_one_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    """Two audits would write over each other."""
    plan = write_plan(here)
    monkeypatch.setattr(sys, "argv", ["probandum", "audit", str(plan), str(plan), "--junit", "j.xml"])
    with pytest.raises(SystemExit) as end:
        cli.main()

    assert 2 == end.value.code
    assert "--junit names one file, and 2 plans were given" in capsys.readouterr().err


def test_a_group_named_like_a_command_is_none_in_the_log(ended: Any, here: Path) -> None:
    """No line of the output begins with what the data hold."""
    plan = write_plan(here)
    log = (here / "log.csv").read_text("utf-8")
    (here / "log.csv").write_text(log.replace(",F,", ',"F\n::error::owned",'), "utf-8")
    one = ended("audit", plan, "--out", "run")
    lines = [line.strip() for line in one.out.splitlines()]

    assert 1 == one.code
    assert [] == [line for line in lines if line.startswith("::error::")]
    assert [("error", "bias.group-rates/impact-ratio", 9)] == one.results


def test_no_export_tells_of_a_small_group(ended: Any, here: Path) -> None:
    """Such files are uploaded: neither value nor size of a group under ten, or of the one that would give it away."""
    plan = write_plan(here)
    with_small_groups(here / "log.csv")
    one = ended("audit", plan, "--out", "run")
    small, next_one, large = (f"bias.group-rates/impact-ratio?sex={name}~M" for name in "XYF")
    cases = {f"{case.get('classname')}/{case.get('name')}": case for case in one.junit.iter("testcase")}
    results = {
        each["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: each
        for each in one.sarif["runs"][0]["results"]
    }
    issues = {issue["description"].split(": ", 1)[1].partition(";")[0]: issue["description"] for issue in one.gitlab}
    rows = {row.split(" | ")[1]: row for row in one.summary.splitlines() if row.startswith("| ")}
    marks = [line for line in one.out.splitlines() if line.startswith("::")]
    limit = "limit at least 0.8"

    assert "X has 6 rows" in one.out  # the terminal is of this machine
    for name, words in (
        (small, "fewer than 10 persons, not shown"),
        (next_one, "not shown, since it would give away a smaller group"),
    ):
        assert f"{name}; {limit}; {words}" == results[name]["message"]["text"].partition(": ")[2]
        assert {"verdict", "subReason", "unit"} >= set(results[name]["properties"])
        assert issues[name].endswith(f"{name}; {limit}; {words}")
        assert {"location", "id", "verdict", "limit", "control.positive", "control.negative"} == {
            each.get("name") for each in cases[name].iter("property")
        }
        assert words in rows[name.replace("~", "\\~")]
        assert any(line.endswith(f": {name}; {limit}; {words}") for line in marks)
    assert "n = " in results[large]["message"]["text"]
