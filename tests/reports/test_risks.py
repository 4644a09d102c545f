from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from dossiers import HELD, make_dossier
from probandum import judging, stats
from probandum.document import Table
from probandum.dossier import Dossier
from probandum.finding import Estimate, Finding, Groups, SubReason, Verdict
from probandum.plugins import load_plugins
from probandum.probe import Measure, ProbeResult, known_probes
from probandum_reports.build import build
from probandum_reports.documents import template, templates
from probandum_reports.nodes import walk
from probandum_reports.risks import MATRIX, level, propose, silent_ones
from probandum_reports.threats import Selector, Threat, register


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


def of_all(metric: str, facets: dict[str, str], low: float, high: float, groups: Groups | None = None) -> ProbeResult:
    """One figure that nobody judges."""
    estimate = Estimate(value=(low + high) / 2, low=low, high=high, n=500, unit="share", method="exact")
    probe, _, name = metric.partition("/")
    measure = Measure(metric=name, facets=facets, groups=groups, estimate=estimate, mode="disclosure")
    return ProbeResult(probe=probe, version=1, status="measured", measures=(measure,), controls=HELD)


def test_an_explanation_that_changes_from_run_to_run_is_read_by_a_band() -> None:
    """The lower end of the overlap of the leading inputs speaks, though no limit of a plan does."""
    for low, high, level_ in ((0.95, 1.0, 2), (0.78, 0.85, 3), (0.3, 0.5, 4)):
        found = judging.judge([of_all("explain.seed-stability/top-overlap", {"explainer": "lime"}, low, high)], [])
        assert level_ == propose(threat("T3"), found).level


def test_wrong_individual_output_is_shown_by_accuracy_and_not_by_a_difference_between_groups() -> None:
    """What differs between groups is another threat, and a model that a probe fitted is not the system."""
    pair = Groups(attribute="age", group="a", reference="b")
    results = [
        of_all("bias.calibration/ece-difference", {}, 0.0, 0.1, pair),
        of_all("explain.challenger/auc", {"model": "system"}, 0.7, 0.8),
        of_all("explain.challenger/accuracy", {"model": "challenger"}, 0.7, 0.8),
        of_all("explain.challenger/accuracy", {"model": "system"}, 0.6, 0.7),
    ]
    worst = propose(threat("T2"), judging.judge(results, [])).worst

    assert worst is not None
    assert "explain.challenger/accuracy?model=system" == worst.id


def test_bands_are_printed_where_a_finding_is_read_by_them(dossier: Dossier) -> None:
    """Numbers that no finding of the record meets stand nowhere."""

    def printed(made: Dossier) -> set[str]:
        tables = [node for node in walk(build("dpia", made).nodes) if isinstance(node, Table)]
        return {str(row[1]) for node in tables if node.caption.startswith("Bands from") for row in node.rows}

    assert {"ratio of selection rates", "gap in true- or false-positive rates"} == printed(dossier)
    assert set() == printed(make_dossier(results=[]))


def test_every_metric_that_documents_name_is_one_that_a_probe_gives() -> None:
    """A slip would be printed as not assessed for ever; families that no probe serves yet are gaps until one does."""
    load_plugins()
    specs = known_probes()
    metrics = {f"{id}/{metric}" for id, spec in specs.items() for metric in spec.metrics}
    families = {id.partition(".")[0] for id in specs}

    def named() -> Iterator[tuple[str, Iterable[str]]]:
        for selector in [*selectors(register()), *(each for made in templates().values() for each in selectors(made))]:
            yield from ((each, specs) for each in selector.probes)
            yield from ((each, metrics) for each in selector.metrics if each != "*/change")
        for band in (band for row in register() for band in row.bands):
            yield from ((each, metrics) for each in band.metrics)

    served = [(each, known) for each, known in named() if each.partition(".")[0] in families or each.startswith("*")]
    assert len(served) > 60
    assert [] == sorted({each for each, known in served if not any(fnmatchcase(name, each) for name in known)})


def selectors(part: object) -> Iterator[Selector]:
    """All selectors within a template, or within rows of the register."""
    if isinstance(part, Selector):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from selectors(getattr(part, name))
    elif isinstance(part, tuple):
        for each in part:
            yield from selectors(each)


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
