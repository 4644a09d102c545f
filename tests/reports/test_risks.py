from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dossiers import HELD, make_dossier
from probandum import judging, stats
from probandum.finding import Estimate, Finding, Groups, SubReason, Verdict
from probandum.probe import Measure, ProbeResult
from probandum_reports.documents import template
from probandum_reports.risks import MATRIX, level, propose, silent_ones
from probandum_reports.threats import Threat


def threat(name: str = "T1") -> Threat:
    """A row of the shipped risk table."""
    return next(threat for threat in template("dpia").threats() if threat.id == name)


def measured(x: int, n: int, *, small: bool = False) -> ProbeResult:
    """The impact ratio of x among n against half of 2,000."""
    found = stats.bounds("koopman", level=0.95, counts=((x, n), (1000, 2000)))
    measure = Measure(
        metric="impact-ratio",
        groups=Groups(attribute="age", group=f"{x} of {n}", reference="b"),
        estimate=Estimate(
            value=found.value,
            low=found.low,
            high=found.high,
            n=n + 2000,
            unit="ratio",
            method="koopman",
            counts=((x, n), (1000, 2000)),
        ),
        verdict=Verdict.INCONCLUSIVE if small else None,
        sub_reason=SubReason.SMALL_GROUP if small else None,
    )
    return ProbeResult(probe="bias.group-rates", version=1, status="measured", measures=(measure,), controls=HELD)


def ratio(x: int, n: int) -> Finding:
    """The finding of :func:`measured`, without a limit."""
    return judging.judge([measured(x, n)], [])[0]


@given(st.integers(min_value=1, max_value=5000))
def test_no_evidence_proposes_negligible(x: int) -> None:
    """Passing shows resistance to the tests that were run: a probe proposes 2 at least."""
    proposal = propose(threat(), [ratio(x, 5000)])

    assert proposal.level in (2, 3, 4)


def test_the_worse_bound_speaks() -> None:
    """A ratio of 0.95 with an interval down to 0.88 is in the second band, not the first."""
    finding = ratio(475, 1000)

    assert finding.estimate.value == 0.95
    assert propose(threat(), [finding]).level == 3


def test_favouring_either_group_counts_alike() -> None:
    """A ratio far above 1 is as far from parity as its inverse."""
    assert propose(threat(), [ratio(1400, 2000)]).level == propose(threat(), [ratio(714, 2000)]).level == 4


def test_what_was_not_measured_is_unknown_and_shown_as_three() -> None:
    """Missing evidence is never read as good."""
    proposal = propose(threat(), [])

    assert proposal.level is None
    assert proposal.words.startswith("unknown, shown as 3, significant: not assessed")


def test_a_group_too_small_to_judge_bars_a_low_proposal() -> None:
    """One quantity that cannot be assessed makes the whole threat unknown, unless another is worse."""
    few = measured(3, 6, small=True)
    good, small, bad = ratio(2500, 5000), judging.judge([few], [])[0], ratio(1000, 5000)
    silent = silent_ones([few], frozenset())

    assert propose(threat(), [good], silent=silent).level == 2
    assert propose(threat(), [good, small], silent=silent).level is None
    assert propose(threat(), [good, small, bad], silent=silent).level == 4


def test_a_withheld_finding_cannot_speak() -> None:
    """A proposal never rests on a figure that is not shown."""
    finding = ratio(100, 1000)

    assert propose(threat(), [finding], silent=silent_ones([], frozenset({finding.id}))).level is None


def test_without_a_band_the_plan_limit_speaks() -> None:
    """A broken limit proposes 3, a kept one 2."""
    findings = make_dossier().findings
    kept = [finding for finding in findings if finding.metric == "explain.faithfulness/comprehensiveness-normalised"]

    assert Verdict.PASS is kept[0].verdict
    assert propose(threat("T3"), kept).level == 2


def test_the_gravest_severity_is_never_below_high() -> None:
    """Severity 4 has no low or medium level."""
    assert set(MATRIX[4]) == {"high", "very high"}
    assert level("5", "1") is None


def test_the_gravest_verdict_is_the_worst_evidence() -> None:
    """Never an easy pass while another finding is open: of a record with an error and a pass, the error."""
    findings = [each for each in make_dossier().findings if each.probe.startswith("explain.")]
    proposal = propose(threat("T3"), findings)

    assert {Verdict.PASS, Verdict.ERROR} == {each.verdict for each in findings}
    assert proposal.worst is not None and Verdict.ERROR is proposal.worst.verdict
    assert "unknown, shown as 3, significant: 2 quantities could not be assessed; the rest proposes 2" == proposal.words


def test_of_one_verdict_the_bound_furthest_beyond_its_limit_is_the_worst() -> None:
    """Whatever the order of the record."""
    found = {each.metric.rpartition("/")[2]: each for each in make_dossier().findings if each.judged}
    near, far = found["impact-ratio"], found["selection-difference"]
    unbanded = threat().model_copy(update={"bands": ()})

    assert Verdict.INCONCLUSIVE is near.verdict is far.verdict
    assert far is propose(unbanded, [near, far]).worst is propose(unbanded, [far, near]).worst


def test_what_proposes_most_is_named_beside_the_worst() -> None:
    """A level may rest on a band while another finding has the graver verdict."""
    open_ = next(each for each in make_dossier().findings if each.metric.endswith("/selection-difference"))
    proposal = propose(threat(), [ratio(1000, 5000), open_])

    assert (4, open_) == (proposal.level, proposal.worst)
    assert proposal.basis is not None and proposal.basis.metric.endswith("/impact-ratio")
    assert proposal.words.endswith("from the finding that proposes most")


def test_numbers_without_a_limit_or_a_band_were_measured_all_the_same() -> None:
    """They propose nothing, and nothing says that no probe measured them."""
    rate = next(each for each in make_dossier().findings if each.metric.endswith("/selection-rate"))
    proposal = propose(threat(), [rate])

    assert (None, rate) == (proposal.level, proposal.worst)
    assert "no limit or band" in proposal.why


def test_any_extraction_proposes_the_maximum() -> None:
    """No hit at all proposes 2, whatever the upper bound."""

    def extracted(x: int) -> Finding:
        found = stats.bounds("wilson", level=0.95, counts=((x, 300),))
        estimate = Estimate(
            value=found.value, low=found.low, high=found.high, n=300, unit="share", method="wilson", counts=((x, 300),)
        )
        measure = Measure(metric="verbatim-share", estimate=estimate)
        result = ProbeResult(
            probe="privacy.extraction", version=1, status="measured", measures=(measure,), controls=HELD
        )
        return judging.judge([result], [])[0]

    assert [2, 4] == [propose(threat("T7"), [extracted(x)]).level for x in (0, 1)]
