"""The gate: a table of exit codes, every cause named, nothing that did not pass left unsaid."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import HELD, estimated, result_of
from probandum import api
from probandum.errors import UsageError
from probandum.finding import Estimate, Limit, SubReason, Verdict, Waiver
from probandum.gating import decided, meaning, on_day, tally
from probandum.judging import judge, unused_limits
from probandum.probe import ControlOutcome, Measure, ProbeResult
from probandum.waiving import standing, waiver_words
from records import LIMITS, PLAN, write_plan

PASSED = Measure(metric="passed", estimate=estimated("wilson", counts=[(1, 1000)]))
FAILED = Measure(metric="failed", estimate=estimated("wilson", counts=[(900, 1000)]))
OPEN = Measure(metric="open", estimate=estimated("wilson", counts=[(5, 10)]))
SMALL = replace(OPEN, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="A has 10 rows")
SHOWN = Measure(metric="shown", estimate=estimated("wilson", counts=[(5, 10)]), mode="disclosure")
LIMITED = tuple(
    Limit(metric=f"bias.fake/{name}", direction="at_most", threshold=0.5, line=line)
    for line, name in enumerate(("passed", "failed", "open"), 7)
)
BROKEN = ProbeResult(probe="bias.broken", version=1, status="error", why="RuntimeError: the device is gone")
UNABLE = ProbeResult(probe="bias.unable", version=1, status="not_applicable", why="it needs choose")
WAIVER = Waiver(
    finding="bias.fake/failed", owner="Board", reason="under way", set_on="2026-01-01", expires="2026-03-01"
)


def outcome(
    *results: ProbeResult,
    limits: Sequence[Limit] = LIMITED,
    mode: str = "release",
    waivers: Sequence[Waiver] = (),
    as_of: str = "2026-02-01",
    planned: Sequence[str] | None = None,
) -> tuple[int, list[str], list[str]]:
    """The code, the causes and the notes of a judgement."""
    findings = judge(results, limits, mode=mode, waivers=waivers, as_of=as_of)
    probes = [result.probe for result in results] if planned is None else planned
    result = decided(findings, unused_limits(results, limits), probes, mode=mode)
    return result.code, [f"{cause.code} {cause.text}" for cause in result.causes], list(result.notes)


def used(*measures: Measure) -> tuple[Limit, ...]:
    """The limits on these measures alone."""
    names = {f"bias.fake/{measure.metric}" for measure in measures}
    return tuple(limit for limit in LIMITED if limit.metric in names)


@pytest.mark.parametrize(
    ("measures", "others", "release", "merge"),
    [
        ([PASSED], [], 0, 0),
        ([FAILED], [], 1, 1),
        ([OPEN], [], 3, 0),
        ([SHOWN], [], 3, 3),
        ([PASSED, SHOWN], [], 0, 0),
        ([PASSED, OPEN], [], 3, 0),
        ([FAILED, OPEN], [], 1, 1),
        ([PASSED], [BROKEN], 4, 4),
        ([FAILED, OPEN, PASSED], [BROKEN], 4, 4),
        ([PASSED], [UNABLE], 0, 0),
        ([], [UNABLE], 3, 3),
        ([], [BROKEN], 4, 4),
    ],
)
def test_the_table_of_exit_codes(measures: list[Measure], others: list[ProbeResult], release: int, merge: int) -> None:
    """0 passes, 1 a limit is broken, 3 inconclusive or nothing judged, 4 not to be trusted."""
    results = [*([result_of(*measures)] if measures else []), *others]

    assert release == outcome(*results, limits=used(*measures))[0]
    assert merge == outcome(*results, limits=used(*measures), mode="merge")[0]


def test_the_gravest_cause_decides_and_every_cause_is_named() -> None:
    """4 before 1 before 3 before 0, over every combination."""
    parts = {4: BROKEN, 1: FAILED, 3: OPEN, 0: PASSED}
    for size in range(1, 5):
        for codes in itertools.combinations(parts, size):
            measures = [part for code in codes if isinstance(part := parts[code], Measure)]
            results = [*([result_of(*measures)] if measures else []), *([BROKEN] if 4 in codes else [])]
            code, causes, _ = outcome(*results, limits=used(*measures))
            named = {int(cause[0]) for cause in causes}

            assert next(each for each in (4, 1, 3, 0) if each in codes) == code
            assert set(codes) - {0} <= named


def test_a_cause_says_value_interval_n_limit_and_what_a_verdict_needs() -> None:
    """What a person at the pipeline reads."""
    _, (failed,), _ = outcome(result_of(FAILED), limits=used(FAILED))
    _, (left_open,), _ = outcome(result_of(OPEN), limits=used(OPEN))

    assert "1 bias.fake/failed: FAIL; 0.9 (0.8798 to 0.9171), n = 1,000; limit at most 0.5" == failed
    assert left_open.startswith("3 bias.fake/open: INCONCLUSIVE; 0.5 (0.2366 to 0.7634), n = 10; limit at most 0.5; ")


@pytest.mark.parametrize(
    ("waiver", "as_of", "code"),
    [
        (WAIVER, "2026-02-01", 0),
        (WAIVER, "2026-03-01", 0),
        (WAIVER, "2026-03-02", 1),
        (replace(WAIVER, worst=0.95), "2026-02-01", 0),
        (replace(WAIVER, worst=0.85), "2026-02-01", 1),
        (replace(WAIVER, finding="bias.fake/open"), "2026-02-01", 1),
    ],
)
def test_a_waiver_unblocks_within_its_bound_and_date(waiver: Waiver, as_of: str, code: int) -> None:
    """And is said, with who accepted what until when."""
    found, _, notes = outcome(result_of(PASSED, FAILED), limits=used(PASSED, FAILED), waivers=[waiver], as_of=as_of)

    assert code == found
    assert (code == 0) == (len(notes) == 1)
    assert all("FAIL" in note and waiver_words(waiver) in note for note in notes)
    assert ("no worse than" in waiver_words(waiver)) == (waiver.worst is not None)


def test_an_inconclusive_finding_can_be_waived_and_a_broken_audit_cannot() -> None:
    """A waiver accepts a finding, never silence."""
    open_waiver = replace(WAIVER, finding="bias.fake/open")
    broken = replace(WAIVER, finding="bias.broken/run")

    assert 0 == outcome(result_of(OPEN), limits=used(OPEN), waivers=[open_waiver])[0]
    assert 4 == outcome(result_of(PASSED), BROKEN, limits=used(PASSED), waivers=[broken])[0]


def test_a_merge_annotates_what_is_inconclusive() -> None:
    """It does not block, and it is not passed over either."""
    code, causes, notes = outcome(result_of(PASSED, OPEN), limits=used(PASSED, OPEN), mode="merge")

    assert (0, []) == (code, causes)
    assert ["bias.fake/open: INCONCLUSIVE"] == [note.partition(";")[0] for note in notes]
    assert notes[0].endswith("does not block a merge")
    assert [] == outcome(result_of(PASSED, OPEN), limits=used(PASSED, OPEN))[2]


def test_a_planned_probe_without_a_finding_is_4() -> None:
    """An audit that lost a probe is thinner than it looks."""
    code, causes, _ = outcome(result_of(PASSED), limits=used(PASSED), planned=["bias.fake", "bias.lost"])

    assert (4, ["4 bias.lost was planned and left no finding"]) == (code, causes)


@pytest.mark.parametrize("measures", [(PASSED,), (PASSED, SHOWN)])
def test_a_limit_that_meets_nothing_to_judge_is_4(measures: tuple[Measure, ...]) -> None:
    """A metric that is not measured, or one that is only shown: the limit would guard nothing."""
    stray = Limit(metric="bias.fake/shown", direction="at_most", threshold=0.1, line=12)
    code, causes, _ = outcome(result_of(*measures), limits=[*used(PASSED), stray])

    assert (4, ["4 limit on bias.fake/shown (line 12) met no quantity that is judged"]) == (code, causes)


def test_a_limit_on_a_probe_that_could_not_run_is_no_second_cause() -> None:
    """The probe's own finding says why."""
    on_unable = Limit(metric="bias.unable/share", direction="at_most", threshold=0.1)
    on_broken = Limit(metric="bias.broken/share", direction="at_most", threshold=0.1)

    assert 0 == outcome(result_of(PASSED), UNABLE, limits=[*used(PASSED), on_unable])[0]
    assert 1 == len(outcome(result_of(PASSED), BROKEN, limits=[*used(PASSED), on_broken])[1])


@pytest.mark.parametrize(("held", "code"), [(True, 0), (None, 3), (False, 4)])
def test_controls_decide_whether_a_pass_counts(held: bool | None, code: int) -> None:
    """A control that failed breaks the audit; one that could not tell bars the pass."""
    controls = (HELD[0], ControlOutcome(name="quiet", kind="negative", held=held, detail="saw something"))

    assert code == outcome(result_of(PASSED, controls=controls), limits=used(PASSED))[0]


def test_findings_are_counted_by_verdict() -> None:
    """Every verdict has a number, 0 too."""
    findings = judge([result_of(PASSED, FAILED, OPEN, SHOWN), BROKEN], LIMITED)

    assert {"PASS": 1, "FAIL": 1, "INCONCLUSIVE": 1, "NOT_APPLICABLE": 1, "ERROR": 1} == tally(findings)
    assert dict.fromkeys(Verdict, 0) == tally([])


def test_the_gate_of_a_record_is_what_was_decided_when_it_was_judged(tmp_path: Path) -> None:
    """Under a real run: broken in both modes, waived by a plan, and annotated in a merge."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    (failing,) = [finding for finding in record.findings if finding.verdict is Verdict.FAIL]
    broken = api.gate(record)
    today = str(record.environment["started"])[:10]
    waivers = f"""\
waivers:
  - {{finding: "{failing.id}", owner: Board, reason: under way, set_on: {today}, expires: {today}}}
"""
    plan.write_text(PLAN + LIMITS + waivers, "utf-8")
    api.judge(record, plan=plan)
    waived = api.gate(record)
    later = api.gate(record, as_of="2099-01-01")
    api.judge(record, plan=plan, as_of="2099-01-01")
    expired = api.gate(record)

    assert (1, 0, 1, 1) == (broken.code, waived.code, later.code, expired.code)
    assert f"the waiver by Board ended on {today}" in later.causes[0].text
    assert later.causes == expired.causes
    with pytest.raises(UsageError, match="lies before"):
        api.gate(record, as_of="2020-01-01")
    assert [failing.id] == [cause.finding for cause in broken.causes]
    assert "waived by Board" in waived.notes[0]
    assert (1, 1) == (broken.judged, waived.judged)


def test_a_record_that_does_not_verify_is_4_and_nothing_else_is_said_of_it(tmp_path: Path) -> None:
    """Findings of a damaged record are no findings."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    path = record.ask / "items.json"
    path.write_bytes(path.read_bytes() + b" ")
    result = api.gate(record)

    assert (4, 0, {}) == (result.code, result.judged, result.counts)
    assert all(cause.text.startswith("verification step ") for cause in result.causes)


@pytest.mark.parametrize(
    ("measure", "mode", "day", "code", "said"),
    [
        (FAILED, "release", "2026-03-01", 0, None),
        (
            FAILED,
            "release",
            "2026-03-02",
            1,
            "the waiver by Board ended on 2026-03-01: mend what was found, or renew it",
        ),
        (FAILED, "merge", "2026-03-02", 1, "the waiver by Board ended on 2026-03-01"),
        (FAILED, "release", "2025-12-31", 1, "the waiver by Board begins on 2026-01-01 and accepts nothing yet"),
        (OPEN, "release", "2026-03-01", 0, None),
        (OPEN, "release", "2026-03-02", 3, "the waiver by Board ended on 2026-03-01"),
    ],
)
def test_a_waiver_that_ended_after_the_judgement_excuses_nothing(
    measure: Measure, mode: str, day: str, code: int, said: str | None
) -> None:
    """The finding blocks as its verdict does, and the cause says when the waiver ended and what to do."""
    waiver = replace(WAIVER, finding=f"bias.fake/{measure.metric}")
    findings = judge([result_of(measure)], used(measure), mode=mode, waivers=[waiver], as_of="2026-02-01")
    judged = decided(findings, [], ["bias.fake"], mode=mode, waivers=[waiver], as_of="2026-02-01")
    result = on_day(judged, findings, day)

    assert (0, 1) == (judged.code, len(judged.notes))
    assert code == result.code
    assert ((1, 0) if said is None else (0, 1)) == (len(result.notes), len(result.causes))
    assert all(said is not None and said in cause.text for cause in result.causes)
    assert [waiver] * len(result.causes) == [idle.waiver for idle in result.idle]
    assert [said is None] == [finding.waiver is not None for finding in standing(findings, result.idle)]


def test_in_a_merge_an_open_finding_whose_waiver_ended_is_noted() -> None:
    """It does not block, with a waiver or without; that the waiver is over is said."""
    waiver = replace(WAIVER, finding="bias.fake/open")
    findings = judge([result_of(OPEN)], used(OPEN), mode="merge", waivers=[waiver], as_of="2026-02-01")
    result = on_day(decided(findings, [], [], mode="merge", waivers=[waiver]), findings, "2026-04-01")

    assert (0, ()) == (result.code, result.causes)
    assert result.notes[0].endswith("does not block a merge")
    assert "ended on 2026-03-01" in result.idle[0].said


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        (replace(WAIVER, expires="2026-01-31"), "ended on 2026-01-31: mend what was found"),
        (replace(WAIVER, set_on="2026-02-02"), "begins on 2026-02-02 and accepts nothing yet"),
        (replace(WAIVER, worst=0.85), "accepts nothing: the value is beyond its bound of 0.85"),
        (replace(WAIVER, finding="bias.fake/passed"), "accepts nothing: the finding does not block"),
        (replace(WAIVER, finding="bias.broken/run"), "accepts nothing: what could not be measured"),
        (replace(WAIVER, finding="bias.fake/typo"), "matches no finding"),
    ],
)
def test_a_waiver_that_accepts_nothing_says_why(waiver: Waiver, said: str) -> None:
    """Behind the cause of its finding too, where that blocks."""
    findings = judge([result_of(PASSED, FAILED), BROKEN], LIMITED[:2], waivers=[waiver], as_of="2026-02-01")
    result = decided(findings, [], [], mode="release", waivers=[waiver], as_of="2026-02-01")
    (idle,) = result.idle
    blocking = {cause.finding: cause.text for cause in result.causes}

    assert said in idle.said
    assert waiver == idle.waiver
    assert (waiver.finding in ("bias.fake/failed", "bias.broken/run")) == (waiver.finding in blocking)
    if waiver.finding in blocking:
        assert blocking[waiver.finding].endswith(f"; the waiver by Board {idle.why}")


def test_code_3_says_which_of_two_it_means() -> None:
    """Something was judged and stayed open, or nothing was judged."""
    open_, nothing = (
        decided(judge([result_of(OPEN)], limits), [], ["bias.fake"], mode="release") for limits in (used(OPEN), ())
    )

    assert (3, "inconclusive") == (open_.code, meaning(open_))
    assert (3, "nothing was judged") == (nothing.code, meaning(nothing))


def test_a_waiver_of_no_finding_is_kept_apart_and_blocks_nothing() -> None:
    """It accepts nothing: every judged finding passes all the same."""
    misspelt = replace(WAIVER, finding="bias.fake/pased", line=12)
    findings = judge([result_of(PASSED)], used(PASSED), waivers=[misspelt], as_of="2026-02-01")
    result = decided(findings, [], ["bias.fake"], mode="release", waivers=[misspelt])

    assert (0, (), [misspelt]) == (result.code, result.notes, [each.waiver for each in result.idle])
    assert "every judged finding passes" == meaning(result)
    assert "waiver for bias.fake/pased (line 12) matches no finding" == result.idle[0].said


def test_what_a_limit_covers_and_nobody_judged_is_counted_apart() -> None:
    """Judged are those alone that a limit was applied to; with the covered ones the sums agree with the verdicts."""
    results = [result_of(PASSED, FAILED, SMALL, SHOWN)]
    findings = judge(results, LIMITED)
    result = decided(findings, unused_limits(results, used(PASSED, FAILED, SMALL)), ["bias.fake"], mode="release")

    assert (2, 1) == (result.judged, result.unjudged)
    assert 3 == sum(result.counts[verdict] for verdict in ("PASS", "FAIL", "INCONCLUSIVE", "ERROR"))
    assert any("limit at most 0.5; A has 10 rows" in cause.text for cause in result.causes)


@pytest.mark.parametrize(("mode", "blocking"), [("release", 1), ("merge", 0)])
def test_a_limit_that_was_applied_to_nothing_judged_nothing(mode: str, blocking: int) -> None:
    """Where every covered group is too small the gate ends 3, in a merge too, and promises nothing."""
    findings = judge([result_of(SMALL)], LIMITED, mode=mode)
    result = decided(findings, (), ["bias.fake"], mode=mode)

    assert (3, 0, 1) == (result.code, result.judged, result.unjudged)
    assert blocking == sum(cause.finding is not None for cause in result.causes)
    assert "nothing was judged: no limit of the plan was applied to a number" == result.causes[-1].text
    assert () == result.assurances


def test_where_every_covered_finding_lacks_data_the_gate_says_so() -> None:
    """The limit met a quantity; there was nothing to hold against it."""
    missing = Measure(metric="passed", estimate=Estimate.missing("nobody was asked", unit="share"))
    _, causes, _ = outcome(result_of(missing), limits=used(PASSED))

    assert "3 no limit could be applied: every covered finding lacks data" == causes[-1]


def test_a_missing_value_under_a_limit_blocks_a_release() -> None:
    """No data is no pass."""
    missing = Measure(metric="passed", estimate=Estimate.missing("nobody was asked", unit="share"))
    code, (cause, *_), _ = outcome(result_of(missing), limits=used(PASSED))

    assert 3 == code
    assert "nobody was asked" in cause
