"""The regression gate: a record judged against its baselines, and two records compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from probandum import api, codec
from probandum.cli import app
from probandum.errors import PlanError, RecordError, UsageError
from probandum.finding import Finding, SubReason, Verdict
from probandum.record import Record
from records import write_sklearn_plan

PLAN = """\
version: 1
system: {name: Loan desk, version: "1.0", purpose: Decides on loans}
target: {type: log, path: log.csv, decision: approved, favourable: 1, label: repaid, id: id}
groups: {sex: {reference: M}}
suites: {bias.group-rates: {}}
energy: {codecarbon: false}
"""
LIMIT = """\
limits:
  - {metric: bias.group-rates/selection-difference/change, at_least: -0.05, set_by: Board, set_on: 2026-10-01,
     reason: Drop that the board accepts}
"""
MERGED = "gate: {mode: merge, baseline: {merged: ../base}}\n"
CHANGE = "bias.group-rates/selection-difference/change?sex=F~M&baseline="
PINNED = "run/must-not-change?baseline=merged"


def write(folder: Path, text: str, *, lost: float = 0.0, rows: int = 4000, named: bool = True) -> Path:
    """A log of decisions, of which a share ``lost`` of the approvals of F has gone, and the plan that audits it."""
    rng = np.random.default_rng(1)
    approved = rng.random(rows) < 0.6
    repaid = rng.random(rows) < 0.7
    taken = rng.random(rows) < lost
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["id,sex,approved,repaid,home"]
    for row in range(rows):
        decided = int(approved[row] and not (row % 2 == 0 and taken[row]))
        lines.append(f"p{row},{'FM'[row % 2]},{decided},{int(repaid[row])},{'NS'[row // 2 % 2]}")
    (folder / "log.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "audit.yaml").write_text(text if named else text.replace(", id: id", ""), "utf-8")
    return folder / "audit.yaml"


def audited(folder: Path, out: Path, text: str = PLAN, **planted: float) -> Record:
    """The record of that log under that plan."""
    return api.audit(write(folder, text, **planted), out=out, documents=False)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed record to compare with; nobody writes to it."""
    folder = tmp_path_factory.mktemp("baselines") / "base"
    audited(folder.parent / "plan", folder)
    return folder


@pytest.fixture
def around(base: Path, tmp_path: Path) -> Path:
    """A folder in which the baseline lies beside the plans."""
    shutil.copytree(base, tmp_path / "base")
    return tmp_path


def found(record: Record, name: str) -> Finding:
    """The finding of that id."""
    return next(finding for finding in record.findings if finding.id == name)


def test_an_unchanged_system_passes(around: Path) -> None:
    """The same decisions: no item changed, the drop lies within the limit, and the gate ends with 0."""
    record = audited(around / "plan", around / "new", PLAN + LIMIT + MERGED)
    change = found(record, CHANGE + "merged")

    assert (Verdict.PASS, 0.0, (0, 0, 4000)) == (change.verdict, change.estimate.value, change.estimate.moved)
    assert 0 == api.gate(record).code


def test_a_planted_regression_is_a_fail(around: Path) -> None:
    """A fifth of the approvals of one group is gone: FAIL, with the exact count beside the bound."""
    record = audited(around / "plan", around / "new", PLAN + LIMIT + MERGED, lost=0.2)
    change, result = found(record, CHANGE + "merged"), api.gate(record)

    assert Verdict.FAIL is change.verdict
    assert change.estimate.moved is not None
    up, down, of = change.estimate.moved
    assert (0, 4000) == (up, of)
    assert 1 == result.code
    assert f"{down} of 4,000 items changed, {down} worse" in result.causes[0].text


def test_changes_without_a_limit_are_told_and_not_judged(around: Path) -> None:
    """Every judgeable quantity has its change; without a limit it is NOT_APPLICABLE."""
    record = audited(around / "plan", around / "new", PLAN + MERGED, lost=0.2)
    told = [finding for finding in record.findings if finding.metric.endswith("/change")]

    assert {
        "selection-difference",
        "impact-ratio",
        "tpr-difference",
        "fpr-difference",
        "ppv-difference",
        "npv-difference",
        "tpr-ratio",
        "fpr-ratio",
        "ppv-ratio",
        "npv-ratio",
    } == {finding.metric.split("/")[1] for finding in told}
    assert {(Verdict.NOT_APPLICABLE, SubReason.NO_LIMIT)} == {(each.verdict, each.sub_reason) for each in told}
    assert all(finding.estimate.value is not None for finding in told)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PLAN.replace("favourable: 1", "favourable: 0"), "target.favourable: 0; the baseline: 1"),
        (PLAN + "execution: {seed: 7}\n", "execution.seed: 7; the baseline: 0"),
        (PLAN.replace("{reference: M}", "{reference: F}"), 'groups: {"sex":{"margin":'),
    ],
    ids=["favourable", "seed", "groups"],
)
def test_what_was_measured_otherwise_is_an_error(around: Path, text: str, why: str) -> None:
    """Another declaration or seed is named, and a limit on the change is an ERROR: never a pass."""
    record = audited(around / "plan", around / "new", text + LIMIT + MERGED)
    change = next(each for each in record.findings if each.metric.endswith("selection-difference/change"))
    result = api.gate(record)

    assert (Verdict.ERROR, SubReason.NOT_COMPARABLE) == (change.verdict, change.sub_reason)
    assert why.partition(":")[0] in (change.why or "")
    assert 4 == result.code
    assert any(cause.text.startswith(f"{change.id}: the baseline is not comparable: ") for cause in result.causes)


def test_other_options_are_an_error(around: Path) -> None:
    """What a probe crossed otherwise bars every change of what it says."""
    crossed = PLAN.replace(
        "{sex: {reference: M}}", "{sex: {reference: M}, home: {reference: N}, repaid: {reference: 1}}"
    ).replace("bias.group-rates: {}", "bias.intersections: {}")
    shutil.rmtree(around / "base")
    audited(around / "before", around / "base", crossed)
    changed = audited(
        around / "plan", around / "new", crossed.replace("ersections: {}", "ersections: {order: 3}") + MERGED
    )
    told = [finding for finding in changed.findings if finding.metric == "bias.intersections/impact-ratio/change"]

    assert told
    assert {"bias.intersections, option order: 3; the baseline: 2"} == {finding.estimate.why for finding in told}


def test_other_rows_are_not_compared(around: Path) -> None:
    """Of another month's rows none recurs: refused and named, whatever their rates."""
    plan = write(around / "plan", PLAN + LIMIT + MERGED)
    log = around / "plan" / "log.csv"
    log.write_text(log.read_text("utf-8").replace("\np", "\nq"), "utf-8")
    change = found(api.audit(plan, out=around / "new", documents=False), CHANGE + "merged")

    assert Verdict.ERROR is change.verdict
    assert "0 of the baseline's 4,000 rows recur" in (change.why or "")


def test_a_smaller_sample_is_compared_over_itself(around: Path) -> None:
    """A merge may ask fewer rows than its baseline did: the rows of the sample are paired, and the sample is named."""
    text = PLAN.replace("bias.group-rates: {}", "bias.group-rates: {sample: 2000}")
    change = found(audited(around / "plan", around / "new", text + LIMIT + MERGED, lost=0.2), CHANGE + "merged")
    comparison = api.compare(around / "base", around / "new")

    assert Verdict.FAIL is change.verdict
    assert 2000 == change.estimate.n
    assert ["bias.group-rates, option sample: 2000; the baseline: none"] == [
        each.text for each in comparison.differences
    ]


def test_rows_without_an_id_pair_by_their_place(tmp_path: Path) -> None:
    """A log that names no rows is compared with one of the same rows in the same order."""
    audited(tmp_path / "first", tmp_path / "base", PLAN.replace(", id: id", ""))
    record = audited(tmp_path / "second", tmp_path / "new", PLAN.replace(", id: id", "") + LIMIT + MERGED, lost=0.2)

    assert Verdict.FAIL is found(record, CHANGE + "merged").verdict


@pytest.mark.slow
def test_twenty_small_steps_are_seen_by_the_pinned_release(tmp_path: Path) -> None:
    """Each step takes half a point and passes against the last merge; against the release their sum is a FAIL."""
    audited(tmp_path / "plan", tmp_path / "step-0")
    verdicts: list[tuple[Verdict, Verdict]] = []
    for step in range(1, 21):
        gate = f"gate: {{mode: merge, baseline: {{merged: ../step-{step - 1}, release: ../step-0}}}}\n"
        record = audited(tmp_path / "plan", tmp_path / f"step-{step}", PLAN + LIMIT + gate, lost=step * 0.01)
        verdicts.append((found(record, CHANGE + "merged").verdict, found(record, CHANGE + "release").verdict))

    assert {Verdict.PASS} == {merged for merged, _ in verdicts}
    assert Verdict.PASS is verdicts[0][1]
    assert Verdict.FAIL is verdicts[-1][1]
    assert 1 == api.gate(tmp_path / "step-20").code


def test_a_merge_says_how_often_chance_blocks(around: Path) -> None:
    """The sentence holds the number of checks and the error rate; without a pinned release a merge says so too."""
    said = api.gate(audited(around / "plan", around / "new", PLAN + LIMIT + MERGED)).assurances
    shutil.copytree(around / "base", around / "pinned")
    both = MERGED.replace("../base", "../base, release: ../pinned")

    assert said[0].startswith(
        "blocking checks: 1, corrected by Holm: chance alone blocks a merge that breaks no limit with"
    )
    assert "probability 0.01 at most, so of 100 such merges expect 1 at most" in said[0]
    assert said[-1].startswith("no release is pinned as a baseline")
    more = api.gate(audited(around / "plan", around / "both", PLAN + LIMIT + both)).assurances
    assert more[0].startswith("blocking checks: 2,")
    assert not any("pinned" in each for each in more)


def test_items_that_may_not_change_block_exactly(around: Path) -> None:
    """One approval of a listed person is gone: FAIL whatever the rates say, with the person's key."""
    gate = MERGED.replace("{mode: merge", "{mode: merge, must_not_change: [p0, p1, p3]")
    quiet = audited(around / "plan", around / "quiet", PLAN + LIMIT + gate)
    plan = write(around / "plan", PLAN + LIMIT + gate)
    log = around / "plan" / "log.csv"
    lines = log.read_text("utf-8").splitlines()
    turned = lines[4].split(",")
    lines[4] = ",".join([*turned[:2], str(1 - int(turned[2])), *turned[3:]])
    log.write_text("\n".join(lines) + "\n", "utf-8")
    record = api.audit(plan, out=around / "new", documents=False)

    assert (Verdict.PASS, 0.0, 3) == (found(quiet, PINNED).verdict, *_counted(quiet))
    assert (Verdict.FAIL, 1.0, 3) == (found(record, PINNED).verdict, *_counted(record))
    assert "p3 changed" == found(record, PINNED).why
    assert Verdict.PASS is found(record, CHANGE + "merged").verdict
    assert 1 == api.gate(record).code


def _counted(record: Record) -> tuple[float | None, int]:
    estimate = found(record, PINNED).estimate
    return estimate.value, estimate.n


def test_a_listed_item_that_nobody_measured_is_an_error(around: Path) -> None:
    """A typing error in the list would otherwise guard nothing."""
    gate = MERGED.replace("{mode: merge", "{mode: merge, must_not_change: keys.txt")
    plan = write(around / "plan", PLAN + LIMIT + gate)
    (around / "plan" / "keys.txt").write_text("p1\n\np9999\n", "utf-8")
    record = api.audit(plan, out=around / "new", documents=False)

    assert (Verdict.ERROR, SubReason.NOT_COMPARABLE) == (
        found(record, PINNED).verdict,
        found(record, PINNED).sub_reason,
    )
    assert "not measured alike in both audits: p9999" == found(record, PINNED).why
    assert 4 == api.gate(record).code
    written = api.report(record, documents=["annex_iv"], formats=["html"])
    assert record.reports / "evidence" / "run.html" in written


def test_judging_again_keeps_the_comparison(around: Path) -> None:
    """The changes stand in the judgement: other limits are judged by them when the baseline is long gone."""
    record = audited(around / "plan", around / "new", PLAN + LIMIT + MERGED, lost=0.2)
    before = record.judgement()
    shutil.rmtree(around / "base")
    (around / "plan" / "audit.yaml").unlink()
    findings = api.judge(record, tier="release")

    assert Verdict.FAIL is next(each for each in findings if each.id == CHANGE + "merged").verdict
    assert (before / "changes.json").read_bytes() == (record.judgement() / "changes.json").read_bytes()
    assert before != record.judgement()
    assert all(step.held is not False for step in api.verify(record))


def test_the_judgement_names_its_baselines(around: Path) -> None:
    """The digest of the baseline's statement is part of what the judgement's seal covers."""
    record = audited(around / "plan", around / "new", PLAN + LIMIT + MERGED)
    said = codec.decode(dict, (record.judgement() / "judging.json").read_bytes())
    (told,) = codec.decode(list, (record.judgement() / "changes.json").read_bytes())

    assert said["baselines"] == {"merged": told["base"]["statement"]}
    assert told["base"]["statement"].startswith("sha256:")


def test_a_baseline_that_is_not_there_is_found_before_the_run(tmp_path: Path) -> None:
    """The plan's line is named, and nothing is asked."""
    with pytest.raises(PlanError, match=r"audit.yaml:\d+:\d+: gate.baseline.merged: no audit record in .*base; name a"):
        audited(tmp_path / "plan", tmp_path / "new", PLAN + LIMIT + MERGED)

    assert not (tmp_path / "new").exists()


def test_a_damaged_baseline_is_found_before_the_run(around: Path) -> None:
    """A baseline that does not verify is evidence of nothing."""
    rows = around / "base" / "ask" / "rows.json"
    rows.write_bytes(rows.read_bytes() + b" ")
    with pytest.raises(RecordError, match=r"gate.baseline.merged: .*verification step 2, .*rows.json: expected"):
        audited(around / "plan", around / "new", PLAN + LIMIT + MERGED)

    assert not (around / "new").exists()


def test_a_record_is_no_baseline_of_its_own(around: Path) -> None:
    """Neither in its own folder nor as a copy of itself: every change would be 0."""
    text = PLAN + LIMIT + MERGED
    with pytest.raises(UsageError, match=r"gate.baseline.merged: .*base is the record under audit itself"):
        audited(around / "plan", around / "base", text)
    shutil.copytree(around / "base", around / "copy")
    plan = write(around / "plan", text)
    with pytest.raises(UsageError, match=r"gate.baseline.merged: .*base is the record under audit itself"):
        api.judge(around / "copy", plan=plan)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (PLAN + LIMIT, "limits[0].metric"),
        (PLAN + "gate: {must_not_change: [p1]}\n", "gate.must_not_change"),
        (PLAN + MERGED.replace("{mode: merge", "{must_not_change: none.txt"), "gate.must_not_change"),
        (PLAN + "gate: {baseline: {}}\n", "gate.baseline"),
    ],
    ids=["limit", "items", "file", "empty"],
)
def test_a_plan_that_compares_with_nothing_is_refused(around: Path, text: str, place: str) -> None:
    """A limit on a change, or a list of items, without a baseline would be judged by nobody."""
    with pytest.raises(PlanError) as caught:
        api.load_plan(write(around / "plan", text))

    assert any(place.replace("[0]", "").split(".")[-1] in problem for problem in caught.value.problems)


def test_a_model_is_compared_over_the_same_rows(tmp_path: Path) -> None:
    """A scorer that asks more of everybody decides otherwise on the same rows, and the change is found."""
    import skops.io

    text = """\
limits:
  - {metric: bias.group-rates/selection-rate/change, at_least: -0.05, set_by: Board, set_on: 2026-10-01, reason: Drop}
gate: {baseline: {merged: ../base}}
"""
    api.audit(write_sklearn_plan(tmp_path / "first"), out=tmp_path / "base", documents=False)
    plan = write_sklearn_plan(tmp_path / "second")
    plan.write_text(plan.read_text("utf-8") + text, "utf-8")
    same = api.audit(plan, out=tmp_path / "same", documents=False)
    model = skops.io.load(tmp_path / "second" / "model.skops")
    model.intercept_ = model.intercept_ - 1.5
    skops.io.dump(model, tmp_path / "second" / "model.skops")
    record = api.audit(plan, out=tmp_path / "new", documents=False)

    assert {Verdict.PASS} == {each.verdict for each in _changes(same)}
    assert {Verdict.FAIL} == {each.verdict for each in _changes(record)}


def _changes(record: Record) -> list[Finding]:
    return [finding for finding in record.findings if finding.metric == "bias.group-rates/selection-rate/change"]


def test_a_text_classifier_is_compared_sentence_by_sentence(tmp_path: Path) -> None:
    """A weight for one identity term: its shift changed, clusters are counted, and other terms stay as they were."""
    source = """\
import numpy as np

def score(texts):
    toxic = np.array([0.2 + 0.001 * (len(text) % 7) + {weight} * ("gay" in text.lower()) for text in texts])
    return np.column_stack([1 - toxic, toxic])
"""
    plan = """\
version: 1
system: {name: Filter}
target: {type: callable, function: "system:score", kind: classify, labels: [clean, toxic]}
suites: {bias.term-swap: {}}
energy: {codecarbon: false}
"""
    limit = """\
limits:
  - {metric: bias.term-swap/signed-shift/change, at_most: 0.01, set_by: Board, set_on: 2026-10-01, reason: Shift}
gate: {baseline: {merged: ../base}}
"""
    for name, weight, text in (("base", 0.0, plan), ("new", 0.1, plan + limit)):
        folder = tmp_path / f"{name}-plan"
        folder.mkdir()
        (folder / "system.py").write_text(source.replace("{weight}", str(weight)), "utf-8")
        (folder / "audit.yaml").write_text(text, "utf-8")
        api.audit(folder / "audit.yaml", out=tmp_path / name, documents=False)
    changes = {
        each.groups.group: each
        for each in Record.open(tmp_path / "new").findings
        if each.metric == "bias.term-swap/signed-shift/change" and each.groups is not None
    }

    assert Verdict.FAIL is changes["gay"].verdict
    assert 0.1 == pytest.approx(changes["gay"].estimate.value)
    assert (changes["gay"].estimate.design or "").startswith("cluster=")
    assert {0.0} == {each.estimate.value for term, each in changes.items() if term != "gay"}


def test_a_small_group_that_lost_everything_is_a_fail(tmp_path: Path) -> None:
    """Twenty rows a group allow no verdict on the rates; that all approvals of one are gone is plain all the same."""
    audited(tmp_path / "first", tmp_path / "base", rows=40)
    record = audited(tmp_path / "second", tmp_path / "new", PLAN + LIMIT + MERGED, rows=40, lost=1.0)
    rates = found(record, "bias.group-rates/selection-difference?sex=F~M")

    assert (SubReason.NO_LIMIT, "F has 20 rows; a verdict needs 30") == (rates.sub_reason, rates.why)
    assert Verdict.FAIL is found(record, CHANGE + "merged").verdict


def test_compare_prints_what_changed_and_judges_nothing(around: Path) -> None:
    """The command ends with 0 however large the change, and writes Markdown and a page."""
    audited(around / "plan", around / "new", lost=0.2)
    files = [around / "out" / "change.md", around / "out" / "change.html"]
    ran = CliRunner().invoke(
        app, ["compare", str(around / "base"), str(around / "new"), "--md", str(files[0]), "--html", str(files[1])]
    )

    assert 0 == ran.exit_code, ran.output
    assert "22 of 22 changes have a number." in ran.output
    assert "| bias.group-rates/selection-difference?sex=F\\~M |" in files[0].read_text("utf-8")
    page = files[1].read_text("utf-8")
    assert "<h1>What changed</h1>" in page
    assert "bias.group-rates/selection-difference?sex=F~M" in page
    assert "<script" not in page


def test_a_written_comparison_hides_small_groups(tmp_path: Path) -> None:
    """Nine rows a group stand in the terminal, as in the record, and in neither file."""
    for name in ("base", "new"):
        audited(tmp_path / f"{name} plan", tmp_path / name, rows=18, lost=0.5 * (name == "new"))
    files = [tmp_path / "change.md", tmp_path / "change.html"]
    ran = CliRunner().invoke(
        app, ["compare", str(tmp_path / "base"), str(tmp_path / "new"), "--md", str(files[0]), "--html", str(files[1])]
    )

    assert "selection-rate?sex=F" in ran.output
    for text in (file.read_text("utf-8") for file in files):
        assert "fewer than 10 persons, not shown" in text
        assert "0 of 22 changes have a number" in text


def test_compare_ends_with_4_where_nothing_can_be_compared(around: Path) -> None:
    """Another option of the probe: named first, and no number."""
    audited(around / "plan", around / "new", PLAN + "execution: {seed: 7}\n")
    comparison = api.compare(around / "base", around / "new")
    ran = CliRunner().invoke(app, ["compare", str(around / "base"), str(around / "new")])

    assert ["execution.seed: 7; the baseline: 0"] == [each.text for each in comparison.differences if each.bars]
    assert not comparison.comparable
    assert all(change.estimate.value is None for change in comparison.changes)
    assert 4 == ran.exit_code
    assert "not comparable, execution.seed: 7; the baseline: 0" in ran.output


def test_a_record_compared_with_itself_has_not_changed(base: Path) -> None:
    """Every change is 0 with a valid interval, and nothing differs."""
    comparison = api.compare(base, base)

    assert () == comparison.differences
    assert {0.0} == {change.estimate.value for change in comparison.changes}
    assert all(
        change.estimate.low is not None
        and change.estimate.high is not None
        and change.estimate.low <= 0.0 <= change.estimate.high
        for change in comparison.changes
    )


def test_a_damaged_record_is_compared_with_nothing(around: Path) -> None:
    """Either of the two must verify."""
    (around / "base" / "ask" / "items.json").write_bytes(b"{}")
    with pytest.raises(RecordError, match="verification step 2") as caught:
        api.compare(around / "base", around / "base")

    assert 4 == caught.value.exit_code


def test_a_system_that_takes_twice_as_long_is_a_fail(tmp_path: Path) -> None:
    """A relative change of seconds, held against 2 %; another window's length would not be compared at all."""
    source = """\
import time

import numpy as np

def score(texts):
    time.sleep({pause})
    return np.full((len(texts), 2), 0.5)
"""
    plan = """\
version: 1
system: {name: Filter}
target: {type: callable, function: "system:score", kind: classify, labels: [clean, toxic]}
suites: {energy.inference: {seconds: 0.1, repeats: 5}}
energy: {codecarbon: false}
"""
    limit = """\
limits:
  - {metric: energy.inference/seconds-per-request/change, at_most: 0.02, set_by: Board, set_on: 2026-10-01,
     reason: Time}
gate: {baseline: {merged: ../base}}
"""
    records = {}
    for name, pause, text in (
        ("base", 0.02, plan),
        ("slow", 0.06, plan + limit),
        ("longer", 0.02, plan.replace("seconds: 0.1", "seconds: 0.2") + limit),
    ):
        folder = tmp_path / f"{name}-plan"
        folder.mkdir()
        (folder / "system.py").write_text(source.replace("{pause}", str(pause)), "utf-8")
        (folder / "audit.yaml").write_text(text, "utf-8")
        records[name] = api.audit(folder / "audit.yaml", out=tmp_path / name, documents=False)
    name = "energy.inference/seconds-per-request/change?baseline=merged"
    slow, longer = found(records["slow"], name), found(records["longer"], name)

    assert (Verdict.FAIL, "relative") == (slow.verdict, slow.estimate.unit)
    assert slow.estimate.value is not None
    assert 0.5 < slow.estimate.value < 3.5
    assert (Verdict.ERROR, SubReason.NOT_COMPARABLE) == (longer.verdict, longer.sub_reason)
