"""The pytest plugin, in repositories that know nothing of this one: each run is a process of its own."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import HELD, result_of
from outcomes import LIMITS, measured
from probandum.errors import UsageError
from probandum.finding import Limit, Verdict, Waiver
from probandum.gating import decided, load_gate
from probandum.judging import judge, unused_limits
from probandum.probe import ControlOutcome, ProbeResult
from probandum.record import Record
from probandum.sealing import statement_digest
from probandum.testing import checks
from probandum.testing.auditing import Auditing
from probandum.testing.checks import Check
from probandum.testing.outcomes import Inconclusive
from records import PLAN, with_small_groups, write_plan, write_sklearn_plan

PASSED = "  - {metric: bias.group-rates/impact-ratio, at_least: 0.3, set_by: Board}\n"
OPEN = "  - {metric: bias.group-rates/ppv-difference, band: 0.05}\n"
BROKEN = "  - {metric: bias.group-rates/fpr-difference, at_least: -0.1}\n"
WAIVED = "  - {metric: bias.group-rates/selection-difference, at_least: -0.1, groups: {attribute: sex}}\n"
FAILED = "bias.group-rates/fpr-difference?sex=F~M"
#: What a suite without an audit must not wait for.
HEAVY = ("numpy", "scipy", "pydantic", "yaml", "msgspec", "torch", "sklearn", "pandas", "probandum.api")
#: A model in a file of Python: it counts how often it is asked, and warns each time.
SYSTEM = """\
import warnings
from pathlib import Path

def score(columns):
    with (Path(__file__).parent / "calls.txt").open("a") as file:
        file.write("asked\\n")
    warnings.warn("the model warns")
    return 1.0 / (1.0 + 2.718 ** -columns["income"])
"""

MODEL_PLAN = f"""\
version: 1
system: {{name: Scorer, version: "1.0"}}
target: {{type: callable, function: "model:score", kind: predict}}
data: {{path: rows.csv, label: repaid, features: [income]}}
decision: {{favourable: 1, threshold: 0.5}}
groups: {{sex: {{reference: M}}}}
suites: {{bias.group-rates: {{}}}}
energy: {{codecarbon: false}}
limits:
{PASSED}"""


def pytest_in(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own: in this one, what a test imports would be imported twice."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder / 'temporary'}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *map(str, words)], check=False, capture_output=True, text=True, cwd=folder, env=environment
    )


def run(folder: Path, *words: str | Path, code: int, **counts: int) -> list[str]:
    """The lines of a run that ends with ``code`` and these counts in its last line."""
    ended = pytest_in(folder, *words)
    lines = ended.stdout.splitlines()

    assert (code, counts) == (ended.returncode, pytest.RunResult.parse_summary_nouns(lines)), (
        ended.stdout + ended.stderr
    )
    return lines


def write_tests(folder: Path, text: str) -> None:
    """Tests of a user's own."""
    (folder / "test_own.py").write_text(textwrap.dedent(text), "utf-8")


def write_system(folder: Path, text: str = SYSTEM) -> Path:
    """The model in ``model.py``, rows in which it decides alike for both groups, and the plan that audits it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text(text, "utf-8")
    rows = [f"{'FM'[row % 2]},{(row * 37 % 101 - 50) / 25},{row % 3 % 2}" for row in range(300)]
    (folder / "rows.csv").write_text("\n".join(["sex,income,repaid", *rows]) + "\n", "utf-8")
    plan = folder / "audit.yaml"
    plan.write_text(MODEL_PLAN, "utf-8")
    return plan


def cases(path: Path) -> dict[str, ET.Element]:
    """The test cases of a JUnit file by name."""
    return {case.attrib["name"]: case for case in ET.parse(path).iter("testcase")}


def properties(case: ET.Element) -> list[tuple[str, str]]:
    """The properties of a test case, in order."""
    return [(each.attrib["name"], each.attrib["value"]) for each in case.iter("property")]


def starting(lines: Sequence[str], text: str) -> list[str]:
    """The lines that start so."""
    return [line for line in lines if line.startswith(text)]


def tracebacks(lines: Sequence[str]) -> list[str]:
    """The lines that point into code of ours."""
    return [line for line in lines if "Traceback" in line or "probandum/testing" in line]


def test_an_audit_is_a_test_a_probe_a_limit_and_the_accounting(tmp_path: Path) -> None:
    """Each says its findings, in its lines and to JUnit; inconclusive and waived are outcomes of their own."""
    today = datetime.datetime.now(datetime.UTC).date()
    since, until = today - datetime.timedelta(days=2), today + datetime.timedelta(days=30)
    accepted = FAILED.replace("fpr", "selection")
    waiver = (
        f"waivers:\n  - {{finding: '{accepted}', owner: Board, reason: known, set_on: {since}, expires: {until}}}\n"
    )
    write_plan(tmp_path, f"{PLAN}limits:\n{PASSED}{OPEN}{BROKEN}{WAIVED}{waiver}")
    words = ["-v", "--audit", "audit.yaml", "--junit-xml=j.xml"]
    lines = run(tmp_path, *words, code=1, passed=3, inconclusive=1, failed=1, waived=1)
    found = cases(tmp_path / "j.xml")
    record = Record.open(next(tmp_path.glob("temporary/probandum/loan-desk-*/")))
    (failed,) = [finding for finding in record.findings if finding.id == FAILED]

    outcomes = [line.split(" ", 2)[:2] for line in lines if line.startswith("audit.yaml::")]
    assert [
        ["audit.yaml::bias.group-rates", "PASSED"],
        ["audit.yaml::bias.group-rates/impact-ratio", "PASSED"],
        ["audit.yaml::bias.group-rates/ppv-difference", "INCONCLUSIVE"],
        ["audit.yaml::bias.group-rates/fpr-difference", "FAILED"],
        ["audit.yaml::bias.group-rates/selection-difference[attribute=sex]", "WAIVED"],
        ["audit.yaml::accounting", "PASSED"],
    ] == outcomes
    assert starting(lines, f"{FAILED}: FAIL; -0.3287 (-0.4358 to -0.2083), n = 254; limit at least -0.1")
    assert starting(lines, "gate 1 Loan desk 1.0: a limit is broken: ")
    assert starting(lines, "INCONCLUSIVE (blocks) audit.yaml::bias.group-rates/ppv-difference: bias.group-rates/ppv-")
    (waived,) = starting(lines, "WAIVED audit.yaml::bias.group-rates/selection-difference[attribute=sex]: ")
    assert waived.endswith(f"; waived by Board until {until}: known")
    assert [] == tracebacks(lines)
    said = dict(properties(found["bias.group-rates/fpr-difference"]))
    assert {
        "audit.finding": FAILED,
        "audit.verdict": "FAIL",
        "audit.value": repr(failed.estimate.value),
        "audit.low": repr(failed.estimate.low),
        "audit.high": repr(failed.estimate.high),
        "audit.n": "254",
        "audit.limit": "at least -0.1",
        "audit.record": statement_digest(record.folder),
    } == said
    assert ["properties"] == [tag.tag for tag in found["accounting"]]
    (failure,) = found["bias.group-rates/fpr-difference"].iter("failure")
    assert failure.attrib["message"].startswith(f"Failed: {FAILED}: FAIL; ")
    (skipped,) = found["bias.group-rates/ppv-difference"].iter("skipped")
    assert ("inconclusive", True) == (skipped.attrib["type"], "n = 1,477" in skipped.attrib["message"])
    (skipped,) = found["bias.group-rates/selection-difference[attribute=sex]"].iter("skipped")
    assert "waived" == skipped.attrib["type"]


def test_a_test_report_tells_nothing_of_a_small_group(tmp_path: Path) -> None:
    """Such reports are uploaded: no figure about a group under ten stands in one, and a test gets it all the same."""
    write_plan(tmp_path, f"{PLAN}limits:\n{PASSED}")
    with_small_groups(tmp_path / "log.csv")
    write_tests(
        tmp_path,
        """
        def test_small(audit):
            record = audit("audit.yaml")
            found = {finding.id: finding for finding in record.findings}
            assert found["bias.group-rates/impact-ratio?sex=X~M"].estimate.n > 0
            audit.check(record, "bias.group-rates/impact-ratio?sex=X~M")
        """,
    )
    run(tmp_path, "--audit", "audit.yaml", "--junit-xml=j.xml", ".", code=1, passed=2, inconclusive=2)
    report = (tmp_path / "j.xml").read_text("utf-8")
    small = dict(properties(cases(tmp_path / "j.xml")["test_small"]))

    assert "X has 6 rows" not in report
    assert "impact-ratio?sex=X~M: INCONCLUSIVE; limit at least 0.3; fewer than 10 persons, not shown" in report
    assert {"audit.value", "audit.low", "audit.high", "audit.n"}.isdisjoint(small)
    assert {"audit.finding", "audit.verdict", "audit.limit", "audit.record"} <= set(small)


def test_a_kept_record_is_judged_again_and_a_merge_is_not_blocked(tmp_path: Path) -> None:
    """Nothing is asked a second time, and what is inconclusive is said either way."""
    write_plan(tmp_path, f"{PLAN}limits:\n{PASSED}{OPEN}")
    words = ["--audit", "audit.yaml", "--audit-out", "runs"]
    first = run(tmp_path, *words, code=1, passed=3, inconclusive=1)
    (record,) = (tmp_path / "runs").iterdir()
    started = Record.open(record).environment["started"]
    merged = run(tmp_path, *words, "--audit-tier", "pr", code=0, passed=3, inconclusive=1)

    assert started == Record.open(record).environment["started"]
    assert "merge" == load_gate(Record.open(record)).mode
    assert not any("nothing asked" in line for line in first)
    assert any("(complete before this session: judged again, nothing asked)" in line for line in merged)
    assert starting(first, "INCONCLUSIVE (blocks) audit.yaml::bias.group-rates/ppv-difference: ")
    assert starting(merged, "INCONCLUSIVE audit.yaml::bias.group-rates/ppv-difference: ")


@pytest.mark.parametrize(
    ("setting", "blocks", "always", "expected"),
    [
        ("", True, False, True),
        ("", False, False, False),
        ("block", False, False, True),
        ("allow", True, False, False),
        ("allow", True, True, True),
    ],
)
def test_a_setting_says_whether_what_is_inconclusive_blocks(
    pytestconfig: pytest.Config, setting: str, blocks: bool, always: bool, expected: bool
) -> None:
    """By default as the gate would; that nothing was judged blocks under any setting."""
    check = Check(verdict=Verdict.INCONCLUSIVE, lines=("too few",), blocks=blocks, always=always)
    with pytest.raises(Inconclusive, match="too few") as caught:
        Auditing(pytestconfig, inconclusive=setting).settle(check)

    assert expected is caught.value.blocks


def test_a_setting_that_is_none_ends_with_one_line(tmp_path: Path) -> None:
    """Before anything runs."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naudit_inconclusive = sometimes\n", "utf-8")
    ended = pytest_in(tmp_path)

    assert 4 == ended.returncode
    assert "ERROR: audit_inconclusive: expected block or allow, got 'sometimes'" == ended.stderr.strip()


def test_what_cannot_be_carried_out_is_an_error_in_one_line(tmp_path: Path) -> None:
    """A model that breaks, and one that does not load; a probe that the system cannot answer is skipped."""
    plan = write_system(tmp_path, SYSTEM.replace("    return", "    raise ValueError('no weights')\n    return"))
    text = plan.read_text("utf-8")
    plan.write_text(text.replace("suites: {", "suites: {bias.name-swap: {}, "), "utf-8")
    (tmp_path / "gone.yaml").write_text(text.replace("model:score", "gone:score"), "utf-8")
    (tmp_path / "gone.py").write_text("import no_such_module\nscore = no_such_module.score\n", "utf-8")
    words = ["-rs", "--audit", "audit.yaml", "--audit", "gone.yaml", "--junit-xml=j.xml"]
    lines = run(tmp_path, *words, code=1, errors=5, inconclusive=1, skipped=1, warnings=1)
    tags = [
        tag.tag for case in ET.parse(tmp_path / "j.xml").iter("testcase") for tag in case if tag.tag != "properties"
    ]

    why = "bias.group-rates/run: ERROR; the system did not decide on the rows: ValueError: no weights"
    assert 2 == lines.count(why)
    assert starting(lines, "INCONCLUSIVE (blocks) audit.yaml::accounting: nothing was judged")
    reason = "target.function: gone:score cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"
    assert 3 == lines.count(reason)
    assert starting(lines, "SKIPPED [1] audit.yaml:7: bias.name-swap: it needs choose, and target callable answers")
    assert ["skipped", "error", "error", "skipped", "error", "error", "error"] == tags
    assert [] == tracebacks(lines)


def test_a_wrong_plan_is_a_collection_error_with_its_place(tmp_path: Path) -> None:
    """Every mistake once, with file, line and column and without a traceback; so is a plan that is not there."""
    plan = write_system(tmp_path)
    plan.write_text(plan.read_text("utf-8").replace("at_least", "at_lest"), "utf-8")
    lines = run(tmp_path, "--audit", "audit.yaml", "--audit", "audits/none.yaml", code=2, errors=2)

    assert 1 == lines.count("audit.yaml:10:45: limits.0.at_lest: unknown key 'at_lest', did you mean 'at_least'?")
    assert starting(lines, "audits/none.yaml: No such file or directory")
    assert [] == tracebacks(lines)


def test_a_suite_that_asks_for_no_audit_sees_nothing_of_the_plugin(tmp_path: Path) -> None:
    """A YAML file of that name is left alone, a fixture of that name is the user's, and nothing heavy is imported."""
    write_plan(tmp_path)
    write_tests(
        tmp_path,
        f"""
        import sys
        import pytest

        @pytest.fixture
        def audit():
            return "mine"

        @pytest.mark.audit
        def test_own(audit):
            heavy = [name for name in {HEAVY!r} if name in sys.modules]
            assert ("mine", []) == (audit, heavy)
            assert "probandum.testing.plugin" in sys.modules
        """,
    )
    lines = run(tmp_path, "-W", "error", "--strict-markers", "--strict-config", code=0, passed=1)
    off = pytest_in(tmp_path, "-p", "no:probandum", "--audit", "audit.yaml")

    assert not any("audits" in line or "gate" in line for line in lines)
    assert 4 == off.returncode
    assert "unrecognized arguments: --audit" in off.stderr


def test_a_program_that_imported_the_package_starts_pytest_without_a_warning(tmp_path: Path) -> None:
    """As installed from a wheel, of whose packages pytest would rewrite the assertions."""
    names = ("probandum", "probandum_probes", "probandum_reports")
    info = tmp_path / "wheel-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wheel\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text("[pytest11]\nwheel = probandum.testing.outcomes\n", "utf-8")
    (info / "RECORD").write_text("".join(f"{name}/__init__.py,,\n" for name in ("textwrap", *names)), "utf-8")
    write_tests(tmp_path, "def test_other(): pass")
    program = f"import sys, textwrap, {', '.join(names)}, pytest; sys.exit(pytest.main())"
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=tmp_path)

    warned = [line for line in ended.stdout.splitlines() if "PytestAssertRewriteWarning" in line]
    assert ["textwrap"] == [line.rpartition("; ")[2] for line in warned], ended.stdout


def test_audits_are_selected_and_deselected_as_tests_are(tmp_path: Path) -> None:
    """By marker and by name; listed in the settings they run where no tests are named, as ``testpaths`` do."""
    write_plan(tmp_path / ".audits")
    write_tests(tmp_path, "def test_other(): pass")
    (tmp_path / "pytest.ini").write_text("[pytest]\naudit_plans = .audits/audit.yaml\n", "utf-8")
    names = ["bias.group-rates", "bias.group-rates/impact-ratio", "accounting"]
    nodes = [f".audits/audit.yaml::{name}" for name in names]
    every = run(tmp_path, "--collect-only", "-q", code=0, tests=4)
    asked = ["test_own.py", "--audit", ".audits/audit.yaml", "-m", "audit", "--collect-only", "-q"]
    marked = pytest_in(tmp_path, *asked).stdout.splitlines()
    run(tmp_path, "test_own.py", code=0, passed=1)
    run(tmp_path, nodes[1], code=1, failed=1)

    assert ["test_own.py::test_other", *nodes] == every[:4]
    assert nodes == marked[:3]
    assert starting(marked, "3/4 tests collected (1 deselected)")


def test_tests_of_ones_own_take_the_record(tmp_path: Path) -> None:
    """A probe, a metric, a finding or the whole gate is checked; the audit runs once, beside its own tests too."""
    plan = write_sklearn_plan(tmp_path)
    plan.write_text(f"{plan.read_text('utf-8')}limits:\n{PASSED}{OPEN}", "utf-8")
    write_tests(
        tmp_path,
        """
        import pytest

        @pytest.fixture(scope="module")
        def record(audit):
            return audit("audit.yaml")

        def test_values(record, audit):
            assert record.folder == audit("audit.yaml").folder
            assert "Scorer" == record.plan["declare"]["system"]["name"]

        def test_passes(record, audit):
            (finding,) = audit.check(record, "bias.group-rates/impact-ratio")
            assert "PASS" == finding.verdict

        def test_is_open(record, audit):
            audit.check(record, "bias.group-rates/ppv-difference?sex=F~M")

        def test_has_no_limit(record, audit):
            audit.check(record, "bias.group-rates/tpr-difference")

        def test_gate(record, audit):
            audit.check(record)

        def test_unknown(record, audit):
            audit.check(record, "bias.group-rates/impact-rato")

        def test_no_plan(audit):
            audit("other.yaml")
        """,
    )
    words = ["-v", "--audit", "audit.yaml", "--junit-xml=j.xml"]
    lines = run(tmp_path, *words, code=1, passed=5, inconclusive=4, failed=2)
    found = cases(tmp_path / "j.xml")

    assert 1 == len(starting(lines, "gate 3 Scorer 1.0: inconclusive"))
    assert ("audit.finding", "bias.group-rates/impact-ratio?sex=F~M") == properties(found["test_passes"])[0]
    assert [] == properties(found["test_values"])
    for name in ("test_is_open", "test_has_no_limit", "test_gate"):
        assert ["inconclusive"] == [tag.attrib["type"] for tag in found[name].iter("skipped")]
    assert any(
        "'bias.group-rates/impact-rato', did you mean 'bias.group-rates/impact-ratio'?" in line for line in lines
    )
    assert f"{tmp_path / 'other.yaml'}: No such file or directory; check the path" in lines
    assert [] == tracebacks(lines)


def test_the_processes_of_xdist_share_one_record(tmp_path: Path) -> None:
    """The system is asked once, though its warnings are errors of the suite; what is open is told by the controller."""
    plan = write_system(tmp_path)
    plan.write_text(plan.read_text("utf-8") + OPEN, "utf-8")
    write_tests(
        tmp_path,
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_passes(audit, number):
            audit.check(audit("audit.yaml"), "bias.group-rates/impact-ratio")
        """,
    )
    words = ["-v", "-n", "2", "-W", "error", "--audit", "audit.yaml", "--junit-xml=j.xml"]
    lines = run(tmp_path, *words, code=1, passed=7, inconclusive=1, warnings=1)
    (folder,) = (path for path in tmp_path.glob("temporary/probandum/*") if path.is_dir())
    (skipped,) = cases(tmp_path / "j.xml")["bias.group-rates/ppv-difference"].iter("skipped")

    calls = (tmp_path / "calls.txt").read_text("utf-8").count("asked")
    assert calls == len(list(Record.open(folder).observations())) > 0
    assert {"[gw0]", "[gw1]"} == {line.split()[0] for line in lines if " PASSED " in line}
    assert starting(lines, "gate 3 Scorer 1.0: ")
    assert starting(lines, "INCONCLUSIVE (blocks) audit.yaml::bias.group-rates/ppv-difference: ")
    assert "inconclusive" == skipped.attrib["type"]


def blocking(check: Check) -> bool:
    """Whether pytest would end with 1."""
    return check.verdict in (Verdict.FAIL, Verdict.ERROR) or (check.verdict is Verdict.INCONCLUSIVE and check.blocks)


@st.composite
def results(draw: st.DrawFn, probe: str) -> ProbeResult:
    """What a probe may leave: measures that pass, fail or stay open, with controls of any state, or nothing."""
    if draw(st.booleans()) and draw(st.booleans()):
        return ProbeResult(
            probe=probe, version=1, status="error" if draw(st.booleans()) else "not_applicable", why="so it is"
        )
    held = draw(st.sampled_from([True, True, None, False]))
    controls = [HELD[0], ControlOutcome(name="permuted", kind="negative", held=held, detail="seen")]
    names = draw(st.sets(st.tuples(st.sampled_from(["passed", "failed", "open"]), st.sampled_from([None, "F", "M"]))))
    return result_of(*(measured(*name) for name in sorted(names, key=str)), probe=probe, controls=controls)


@st.composite
def audits(draw: st.DrawFn) -> tuple[Sequence[ProbeResult], Sequence[Limit], Sequence[Waiver]]:
    """Two probes, limits of the first, and perhaps a waiver."""
    limits = draw(st.sets(st.sampled_from(range(len(LIMITS)))))
    waived = draw(st.sampled_from(["bias.fake/failed?sex=F", "bias.fake/open", "bias.fake/none"]))
    waiver = Waiver(finding=waived, owner="Board", reason="known", set_on="2026-11-01", expires="2026-12-01")
    waivers = [waiver] if draw(st.booleans()) else []
    return [draw(results("bias.fake")), draw(results("bias.other"))], [LIMITS[n] for n in sorted(limits)], waivers


@given(audits(), st.sampled_from(["release", "merge"]), st.booleans())
def test_the_tests_fail_together_where_the_gate_would(
    audit: tuple[Sequence[ProbeResult], Sequence[Limit], Sequence[Waiver]], mode: str, absent: bool
) -> None:
    """For any verdicts, controls, limits, waivers and missing probes; and so does the check of the whole gate."""
    probed, limits, waivers = audit
    planned = [result.probe for result in probed] + ["bias.absent"] * absent
    findings = judge(probed, limits, mode=mode, waivers=waivers, as_of="2026-11-25")
    result = decided(findings, unused_limits(probed, limits), planned, mode=mode)
    told = [
        *(checks.on_probe(name, probed, findings) for name in planned),
        *(checks.on_limit(limit, limits, findings, mode=mode) for limit in limits),
        checks.on_accounting(limits, findings, result),
    ]
    whole = checks.on_gate(findings, result)

    assert (result.code != 0) == any(map(blocking, told)) == blocking(whole)
    assert all(check.lines for check in [*told, whole] if check.verdict is not Verdict.PASS)


def test_a_failed_control_is_told_once() -> None:
    """It makes every finding of its probe an ERROR, and one line says so."""
    quiet = ControlOutcome(name="permuted", kind="negative", held=False, detail="it cried out")
    probed = [result_of(measured("passed"), measured("failed"), controls=[HELD[0], quiet])]
    check = checks.on_probe("bias.fake", probed, judge(probed, LIMITS[:2]))

    assert Verdict.ERROR is check.verdict
    assert ("bias.fake, 2 findings: ERROR; negative control failed (permuted: it cried out)",) == check.lines


def test_a_control_that_could_not_tell_is_said_and_leaves_the_blocking_to_the_findings() -> None:
    """It bars their PASS."""
    unsure = ControlOutcome(name="permuted", kind="negative", held=None, detail="too few rows")
    probed = [result_of(measured("passed"), controls=[HELD[0], unsure])]
    findings = judge(probed, LIMITS[:1])
    check = checks.on_probe("bias.fake", probed, findings)

    assert (Verdict.INCONCLUSIVE, False) == (check.verdict, check.blocks)
    assert ("negative control permuted could not tell: too few rows",) == check.lines
    assert blocking(checks.on_limit(LIMITS[0], LIMITS[:1], findings, mode="release"))


def test_a_name_is_a_probe_a_metric_or_a_finding() -> None:
    """And one that is none of them is refused."""
    findings = judge([result_of(measured("passed"), measured("failed"), measured("failed", "F"))], LIMITS[:2])

    assert 3 == len(checks.on_name("bias.fake", findings, mode="release").findings)
    assert 2 == len(checks.on_name("bias.fake/failed", findings, mode="release").findings)
    assert Verdict.FAIL is checks.on_name("bias.fake/failed?sex=F", findings, mode="release").verdict
    assert Verdict.PASS is checks.on_name("bias.fake/passed", findings, mode="release").verdict
    with pytest.raises(UsageError, match=r"no finding, metric or probe 'bias\.fake/pass', did you mean"):
        checks.on_name("bias.fake/pass", findings, mode="release")
