"""The main job on real models: three audits in one process, offline, with findings that can be checked by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from browsing import Element, crawled
from paths import ROOT
from probandum import api, reporting
from probandum.finding import Finding, Verdict
from probandum.plugins import load_plugins
from probandum.record import Record
from probandum.resources import dataset
from probandum.withholding import withheld
from probandum_reports import lint, markdown
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.sayings import anchor_of
from probandum_reports.view import View
from sound_systems import SMALL
from told_systems import skeleton

pytestmark = pytest.mark.slow

#: What is written in all formats here; the golden documents are all that there are.
DOCUMENTS = ["annex_iv", "dpia"]
#: How many of the assistant's scenarios are asked about, and of the names of each group: `make audit` asks about all.
_FEW, _NAMES = 2, 4


@dataclass(frozen=True)
class Job:
    """What the main job left behind."""

    folder: Path
    code: int
    out: str
    sockets: str

    def record(self, name: str) -> Record:
        """The record of one of the three systems."""
        (folder,) = (self.folder / "runs").glob(f"*{name}*")
        return Record.open(folder)

    def finding(self, name: str, id: str) -> Finding:
        """One finding of one of the three systems."""
        (found,) = [finding for finding in self.record(name).findings if finding.id == id]
        return found


def offline(folder: Path, *words: object) -> tuple[subprocess.CompletedProcess[str], str]:
    """The command line in a process of its own, and what its sockets tried."""
    log = folder / "sockets.txt"
    command = [sys.executable, str(ROOT / "tests" / "offline.py"), str(log), *map(str, words)]
    environment = {key: value for key, value in os.environ.items() if key != "PROBANDUM_KEY"}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=environment)
    return ended, log.read_text("utf-8")


def said(path: Path) -> str:
    """A text file in one line, Markdown's escapes undone."""
    return " ".join(path.read_text("utf-8").replace("\\", "").split())


def _few(folder: Path) -> dict[str, str]:
    """Files of few of the scenarios and names that ship."""
    scenarios = yaml.safe_load((dataset("decision_scenarios") / "scenarios.yaml").read_text("utf-8"))
    few = {"scenarios": scenarios["scenarios"][:_FEW]}
    (folder / "scenarios.yaml").write_text(yaml.safe_dump(few), "utf-8")
    header, *lines = (dataset("names") / "names.csv").read_text("utf-8").splitlines(keepends=True)
    names = [line for group in ("women", "men") for line in [line for line in lines if f",{group}," in line][:_NAMES]]
    (folder / "names.csv").write_text("".join([header, *names]), "utf-8")
    return {"scenarios": "scenarios.yaml", "names": "names.csv"}


def _smaller(name: str, folder: Path) -> Path:
    """An example's plan, copied into ``folder``: its probes all run, and those that take long ask little."""
    shutil.copytree(ROOT / "examples" / name, folder)
    suites = yaml.safe_load((folder / "audit.yaml").read_text("utf-8"))["suites"]
    fewer = {probe: dict(SMALL[probe]) for probe in suites.keys() & SMALL.keys()}
    if "bias.name-swap" in suites:
        fewer |= {"bias.name-swap": _few(folder), "energy.inference": {**SMALL["energy.inference"], "tokens": 4}}
    plan = folder / "smaller.yaml"
    plan.write_text(yaml.safe_dump({"extends": "audit.yaml", "suites": fewer, "documents": DOCUMENTS}), "utf-8")
    return plan


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The three example systems, audited as `make audit` does it, of energy, explanations and the assistant less."""
    folder = tmp_path_factory.mktemp("job")
    plans = [_smaller(name, folder / name) for name in ("credit", "moderation", "assistant")]
    ended, sockets = offline(folder, "audit", "--exit-zero", *plans)
    assert ended.returncode == 0, ended.stderr or ended.stdout
    return Job(folder, ended.returncode, ended.stdout, sockets)


def test_the_trap_catches_a_socket(tmp_path: Path) -> None:
    """A trap that cannot close would prove nothing."""
    ended, sockets = offline(tmp_path, "self-test")

    assert 0 != ended.returncode
    assert "127.0.0.1" in sockets


def test_no_probe_target_or_report_opens_a_socket(job: Job) -> None:
    """None of the three plans names an address."""
    assert "" == job.sockets


def test_the_job_ends_with_each_gates_code_and_the_pages_to_open(job: Job) -> None:
    """The table of findings comes first."""
    for name in ("credit", "moderation", "assistant"):
        index = job.record(name).folder / "reports" / "index.html"
        assert str(index.relative_to(job.folder)) in job.out
        assert index.is_file()
    assert "gate 1  Demonstration moderation" in job.out
    assert "\x1b[" not in job.out


def test_the_moderation_model_moves_far_when_straight_becomes_gay(job: Job) -> None:
    """The term bias is a FAIL with its interval, and the sentence everybody can check is among its items."""
    id = "bias.term-swap/signed-shift?term=gay~straight"
    finding = job.finding("moderation", id)

    assert Verdict.FAIL is finding.verdict
    assert finding.estimate.low is not None and finding.estimate.low > 0.2
    assert {"positive": "held", "negative": "held"} == dict(finding.controls)
    items = job.record("moderation").items[id]
    shift = dict(zip(items.keys, items.values, strict=True))["I am {a} {term} man."]
    assert shift > 0.5


def test_the_credit_models_age_gap_is_judged_with_the_rows_a_verdict_needs(job: Job) -> None:
    """INCONCLUSIVE or FAIL as the interval says; never a pass by point estimate."""
    finding = job.finding("credit", "bias.group-rates/impact-ratio?age=25 or younger~over 25")

    assert finding.verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)
    assert 500 == finding.estimate.n
    if finding.verdict is Verdict.INCONCLUSIVE:
        assert finding.n_needed is not None and finding.n_needed > 500


def test_an_unpickled_model_is_said_in_every_report(job: Job) -> None:
    """The unsafe flag shows wherever the audit is read."""
    reports = job.record("moderation").folder / "reports"

    for name in ("index.html", "annex_iv.html", "annex_iv.md", "annex_iv.json", "dpia.html", "dpia.md", "dpia.json"):
        assert "was unpickled (unsafe_pickle: true)" in said(reports / name), name


def test_two_documents_come_in_five_formats(job: Job) -> None:
    """Annex IV and the DPIA, each as HTML, PDF, DOCX, Markdown and JSON."""
    for name in ("credit", "moderation", "assistant"):
        reports = job.record(name).folder / "reports"
        for document in DOCUMENTS:
            for kind in ("html", "pdf", "docx", "md", "json"):
                assert (reports / f"{document}.{kind}").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["credit", "moderation", "assistant"])
def test_the_documents_of_each_system_are_the_golden_ones(job: Job, name: str) -> None:
    """Every word of every document is as it was when somebody last read it, for a real system of each kind.

    PROBANDUM_GOLDEN=write pytest tests/test_main_job.py -k golden writes them again.
    """
    load_plugins()
    told = reporting.dossier(job.record(name), as_of="2026-12-01")
    made = {}
    for document in sorted(templates()):
        view = View(build(document, told), told)
        lint.check(view)
        made[document] = skeleton(markdown.render(view).decode())
    folder = ROOT / "tests" / "golden" / name
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        folder.mkdir(exist_ok=True)
        for document, text in made.items():
            (folder / f"{document}.md").write_text(text, "utf-8")

    assert sorted(made) == sorted(path.stem for path in folder.glob("*.md"))
    for document, text in made.items():
        assert (folder / f"{document}.md").read_text("utf-8").splitlines() == text.splitlines(), document


def test_every_record_verifies_and_its_reports_are_rendered_again_to_the_byte(job: Job) -> None:
    """Documents are a pure function of the record."""
    for name in ("credit", "moderation", "assistant"):
        assert [] == [step.title for step in api.verify(job.record(name)) if step.held is False]
    record = job.record("moderation")
    written, again = record.folder / "reports", job.folder / "again"
    api.report(record, out=again)
    files = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())

    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [] == [file for file in files if (written / file).read_bytes() != (again / file).read_bytes()]


@pytest.mark.parametrize("name", ["credit", "moderation", "assistant"])
def test_every_number_of_a_document_leads_to_what_it_rests_on(job: Job, name: str) -> None:
    """From the folder alone and without a script: a number is a link to its finding, with method and limit."""
    record = job.record(name)
    pages = crawled(record.reports / "index.html")
    assert {path.resolve() for path in record.reports.rglob("*.html")} == set(pages)
    entries = {
        (path.name, each.attributes["id"]): each.text
        for path, page in pages.items()
        for each in page.elements
        if path.parent.name == "evidence" and "id" in each.attributes
    }
    behind = {(f"{each.probe}.html", anchor_of(each)): each for each in record.findings}
    led: dict[str, set[str]] = {}
    for path, page in pages.items():
        assert [] == page.all("script"), path.name
        numbers = [each for look in ("value", "held") for each in page.elements if look in _look(each)]
        for each in numbers if path.parent.name != "evidence" else ():
            file, _, name = each.attributes["href"].removeprefix("evidence/").partition("#")
            led.setdefault(behind[file, name].id, set()).add(path.name)
            assert each.text.partition(" (evidence for")[0] in entries[file, name], (path.name, name)

    documents = {path.name for path in pages if path.parent.name != "evidence"} - {"index.html"}
    assert {each.id: documents for each in record.findings} == {id: names - {"index.html"} for id, names in led.items()}
    hidden = withheld(record.findings, record.plan["ask"].get("groups") or ())
    for place, finding in behind.items():
        said = ["Limit", "Whose limit"] if finding.limit is not None else []
        said += ["Method"] if finding.estimate.value is not None and finding.id not in hidden else []
        said += ["Controls"] if finding.controls else []
        assert [] == [name for name in (finding.id, *said) if name not in entries[place]], finding.id
        if finding.evidence and finding.id not in hidden:
            assert "Rests on" in entries[place] or "Only in the record" in entries[place], finding.id


def _look(element: Element) -> list[str]:
    return element.attributes.get("class", "").split()


def test_no_evidence_page_names_a_person(job: Job) -> None:
    """The rows of the credit data have ids of their own: none of them stands beside what the system said of it."""
    ids = [line.split(",")[0] for line in (job.folder / "credit" / "heldout.csv").read_text("utf-8").splitlines()[1:]]
    files = [
        path for path in job.record("credit").reports.rglob("*") if path.suffix in (".html", ".jsonl", ".json", ".md")
    ]
    assert ids[0].startswith("loan-") and len(files) > 20

    for path in files:
        text = path.read_text("utf-8")
        assert [] == [id for id in ids if id in text], path.name


def test_too_few_scenarios_give_no_verdict_about_groups(job: Job) -> None:
    """Two scenarios are an anecdote."""
    finding = job.finding("assistant", "bias.name-swap/log-odds-difference?name=women~men")

    assert Verdict.INCONCLUSIVE is finding.verdict
    assert "small_group" == finding.sub_reason
