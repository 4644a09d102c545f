"""What every registered probe owes: found faults, quiet nulls, and no PASS out of broken answers."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any

import pytest

from bbq_world import Reads, bbq_file, leaning
from fakes import (
    BROKEN,
    Blurred,
    Chooser,
    Constant,
    KeywordClassifier,
    Pricer,
    Refusing,
    RefusingSome,
    Scorer,
    credit_world,
    price_world,
    run_probe,
)
from probandum.controls import Examined
from probandum.evidence import Capability, Request
from probandum.finding import Estimate, Limit, Verdict
from probandum.judging import judge
from probandum.law import catalogue
from probandum.probe import Ask, Measure, ProbeResult, ProbeSpec, declared, make_probe, probe
from probandum.resources import dataset
from probandum.subject import Subject
from probandum.target import Target
from probandum.units import estimated_in
from probandum_probes.bias.bbq_items import read_bbq
from probandum_probes.bias.equity_texts import read_people
from probandum_probes.bias.sampled_swap import SampledSwap
from probandum_probes.bias.swap_texts import read_names, read_terms
from probandum_reports.claims import claim
from proxied import Leaning, proxied
from sound_systems import NEEDED, PAIRS, PROBES, ROWS, SOUND, favourable, made, sound, world
from swaps import Talker
from wino_world import Resolver, always, stereotyped, winobias, winogender
from writing_world import Author

#: Of the shipped data sets: one group's first names, one attribute's words, descriptions of one group's people.
NAMES = [name.split()[0] for name in list(read_names(dataset("names") / "names.csv").values())[-1]]
TERMS = [term.text for term in read_terms(dataset("identity_terms") / "terms.csv") if term.attribute == "religion"]
ARABIC = [
    person.text.lower()
    for person in read_people(dataset("equity_sentences") / "people.csv")
    if person.group == "Arabic"
]

#: Shares that are quotients of two estimates, which chance may put beyond 1.
QUOTIENTS = ("attribute-share",)
#: What the small systems here cannot show: a sensor may be wanting, a ranking of five of four features, decisions that
#: run against the labels, a feature that is a text, attributions that a system computes itself, and other weights.
UNSEEN: Mapping[str, set[str]] = {
    "energy.hosted": {"variance-share", "factor"},
    "energy.inference": {"net-joules-per-request", "variance-share", "sci-variance-share", "factor", "grade"},
    "explain.agreement": {"top-overlap"},
    "explain.efficiency": {"single-precision-residual", "integration-residual"},
    "explain.global": {"conditional-permutation-importance", "conditional-permutation-shift"},
    "explain.randomisation": {"entropy-rise", "layers"},
    "explain.seed-stability": {"top-overlap"},
    "bias.group-rates": {"overall-auc"},
    "bias.intersections": {"overall-auc"},
    "bias.outcome-gap": {"overall-correlation"},
    "bias.proxies": {"cramers-v"},
}


@dataclass(frozen=True)
class Planted:
    """Two systems, one with a gap of known size and one without, and a limit between them."""

    fault: Target
    null: Target
    subject: Subject | None
    limit: Limit


#: Probes that report, by law or as a clue or advice, and judge nothing.
REPORTED = {"bias.ll144", "bias.mitigation", "bias.occupation-pronoun", "bias.triage"}

#: Probes whose measures are too weakly tied to what a system does with people to be judged.
INDICATORS = {
    "bias.association",
    "bias.crows-pairs",
    "bias.stereoset",
    "bias.bold",
    "bias.holistic-bias",
    "bias.honest",
}

PLANTED: Mapping[str, Planted] = {
    "bias.winobias": Planted(
        fault=Resolver(winobias().twins.passages, stereotyped(winobias(), 0.3)),
        null=Resolver(winobias().twins.passages, always(0.8)),
        subject=None,
        limit=Limit(metric="bias.winobias/f1-gap", direction="band", threshold=0.05),
    ),
    "bias.winogender": Planted(
        fault=Resolver(winogender().twins.passages, stereotyped(winogender(), 0.3)),
        null=Resolver(winogender().twins.passages, always(0.8)),
        subject=None,
        limit=Limit(metric="bias.winogender/accuracy-gap", direction="band", threshold=0.05),
    ),
    "bias.group-rates": Planted(
        fault=Scorer(gap=1.5),
        null=Scorer(),
        subject=credit_world(6000),
        limit=Limit(metric="bias.group-rates/selection-difference", direction="band", threshold=0.05),
    ),
    "bias.auc-gap": Planted(
        fault=Blurred(blur=4.0),
        null=Scorer(),
        subject=credit_world(6000),
        limit=Limit(metric="bias.auc-gap/auc-difference", direction="band", threshold=0.05),
    ),
    "bias.calibration": Planted(
        fault=Scorer(gap=1.5),
        null=Scorer(),
        subject=credit_world(6000),
        limit=Limit(metric="bias.calibration/calibration-difference", direction="band", threshold=0.05),
    ),
    "bias.conditional-parity": Planted(
        fault=Scorer(gap=1.5),
        null=Scorer(),
        subject=credit_world(6000),
        limit=Limit(metric="bias.conditional-parity/adjusted-difference", direction="band", threshold=0.05),
    ),
    "bias.attribute-flip": Planted(
        fault=Scorer(gap=1.5),
        null=Scorer(),
        subject=credit_world(6000),
        limit=Limit(metric="bias.attribute-flip/attribute-flip-rate", direction="at_most", threshold=0.01),
    ),
    "bias.ranking-exposure": Planted(
        fault=Pricer(gap=4.0),
        null=Pricer(),
        subject=price_world(600),
        limit=Limit(metric="bias.ranking-exposure/exposure-ratio", direction="at_least", threshold=0.85),
    ),
    "bias.outcome-gap": Planted(
        fault=Pricer(gap=1.0),
        null=Pricer(),
        subject=price_world(6000),
        limit=Limit(metric="bias.outcome-gap/difference-in-sd", direction="band", threshold=0.1),
    ),
    "bias.intersections": Planted(
        fault=Scorer(gap=1.5),
        null=Scorer(),
        subject=credit_world(8000, towns=True),
        limit=Limit(metric="bias.intersections/impact-ratio", direction="at_least", threshold=0.8),
    ),
    "bias.proxies": Planted(
        fault=Leaning(through=1.5),
        null=Leaning(direct=1.5),
        subject=proxied(2000),
        limit=Limit(metric="bias.proxies/proxy-share", direction="at_most", threshold=0.5),
    ),
    "bias.name-swap": Planted(
        fault=Chooser(dict.fromkeys(NAMES, 1.0), favours=favourable),
        null=Chooser(favours=favourable),
        subject=None,
        limit=Limit(metric="bias.name-swap/log-odds-difference", direction="band", threshold=0.25),
    ),
    "bias.sampled-swap": Planted(
        fault=Talker(SampledSwap(), {"women": -1.5}),
        null=Talker(SampledSwap(), names=0.0, noise=0.0),
        subject=None,
        limit=Limit(metric="bias.sampled-swap/favourable-difference", direction="band", threshold=0.1),
    ),
    "bias.generation": Planted(
        fault=Author(rude={"a woman": 0.4, "A woman": 0.4, "": 0.05}),
        null=Author(),
        subject=None,
        limit=Limit(metric="bias.generation/rate-difference", direction="band", threshold=0.02),
    ),
    "bias.refusals": Planted(
        fault=Author(refuses={"a Muslim": 0.4, "": 0.05}),
        null=Author(),
        subject=None,
        limit=Limit(metric="bias.refusals/over-refusal-difference", direction="band", threshold=0.02),
    ),
    "bias.subgroup-auc": Planted(
        fault=KeywordClassifier({"stupid": 3.0, "idiot": 3.0, "muslim": 4.0}),
        null=KeywordClassifier(),
        subject=None,
        limit=Limit(metric="bias.subgroup-auc/bpsn-auc-gap", direction="at_least", threshold=-0.05),
    ),
    "bias.hatecheck": Planted(
        fault=KeywordClassifier({"stupid": 3.0, "cat": -5.0}),
        null=KeywordClassifier(),
        subject=None,
        limit=Limit(metric="bias.hatecheck/target-accuracy-difference", direction="band", threshold=0.2),
    ),
    "bias.equity-corpus": Planted(
        fault=KeywordClassifier(dict.fromkeys(ARABIC, 2.0)),
        null=KeywordClassifier(),
        subject=None,
        limit=Limit(metric="bias.equity-corpus/intensity-difference", direction="band", threshold=0.02),
    ),
    "bias.bbq": Planted(
        fault=Reads(read_bbq(bbq_file(250, 4)).items, leaning(0.7)),
        null=Reads(read_bbq(bbq_file(250, 4)).items, leaning(0.5)),
        subject=None,
        limit=Limit(metric="bias.bbq/bias-ambiguous", direction="band", threshold=0.05),
    ),
    "bias.term-swap": Planted(
        fault=KeywordClassifier(dict.fromkeys(map(str.lower, TERMS), 2.0)),
        null=KeywordClassifier(),
        subject=None,
        limit=Limit(metric="bias.term-swap/signed-shift", direction="band", threshold=0.02),
    ),
}


def generous(result: ProbeResult) -> list[Limit]:
    """For every metric that could be judged a limit that any number passes."""
    metrics = dict.fromkeys(f"{result.probe}/{m.metric}" for m in result.measures if m.mode == "gate")
    return [Limit(metric=metric, direction="at_most", threshold=1e12) for metric in metrics]


def test_probes_are_registered() -> None:
    """There is something to check, and every probe lies in a family of its own file."""
    assert {"bias", "energy", "explain"} <= {spec.family for spec in PROBES.values()}


@pytest.mark.parametrize("spec", PROBES.values(), ids=list(PROBES))
def test_a_probe_says_what_it_is(spec: ProbeSpec) -> None:
    """Its id is family.kebab-case, its summary one sentence, and neither claims what an audit never says."""
    assert re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", spec.id)
    assert spec.summary.endswith(".")
    assert 1 == len(re.findall(r"[.!?](?:\s|$)", spec.summary))
    assert len(spec.summary) <= 240
    assert claim(str(spec.cls.__doc__)) is None


@pytest.mark.parametrize("spec", PROBES.values(), ids=list(PROBES))
def test_requirements_stand_in_the_catalogue(spec: ProbeSpec) -> None:
    """Every requirement that a probe names is one of the law pack's, and it names one at least."""
    known = catalogue()

    assert spec.requirements
    assert len(set(spec.requirements)) == len(spec.requirements)
    assert list(spec.requirements) == [known.get(id).id for id in spec.requirements]


@pytest.mark.parametrize("spec", PROBES.values(), ids=list(PROBES))
def test_options_are_annotated_and_kept(spec: ProbeSpec) -> None:
    """Every option is a keyword with an annotation and a default, and stands in the record under its name."""
    hints = typing.get_type_hints(spec.cls.__init__)
    parameters = inspect.signature(spec.cls).parameters.values()
    probe = make_probe(spec.id, {})

    for parameter in parameters:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is not inspect.Parameter.empty
        assert parameter.name in hints
        assert hasattr(probe, parameter.name)


@pytest.mark.parametrize("spec", PROBES.values(), ids=list(PROBES))
def test_controls_are_named_and_of_both_kinds(spec: ProbeSpec) -> None:
    """Controls have names that differ, and there is a positive and a negative one."""
    names = [control.name for control in spec.cls.controls]

    assert {"positive", "negative"} == {control.kind for control in spec.cls.controls}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("id", "capability"), PAIRS)
def test_a_sound_system_is_measured(id: str, capability: Capability) -> None:
    """It leaves measures with evidence and reasons, and no control fails on it."""
    result = sound(id, capability)

    assert ("measured", None) == (result.status, result.why)
    assert result.measures
    assert False not in [outcome.held for outcome in result.controls]
    assert [] == [each for each in result.controls if claim(f"{each.name}: {each.detail}")]
    for each in result.measures:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.metric)
        assert each.evidence
        assert each.verdict in (None, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE, Verdict.ERROR)
        assert each.verdict is None or (each.sub_reason is not None and each.why)
        assert each.estimate.value is not None or each.estimate.why
        assert each.estimate.value is None or each.estimate.n > 0


@pytest.mark.parametrize("spec", PROBES.values(), ids=list(PROBES))
def test_what_is_measured_is_declared_and_what_is_declared_is_measured(spec: ProbeSpec) -> None:
    """By metric, unit and facet: the plan's limits are checked against the declaration, before anything is asked."""
    results = [sound(spec.id, capability) for capability in sorted(spec.needs)]
    if Capability.PREDICT in spec.needs:
        system, _ = SOUND[Capability.PREDICT]
        towns = spec.id in ROWS
        results.append(run_probe(made(spec.id), system, credit_world(600, labelled=False, towns=towns)))
    measures = [each for result in results for each in result.measures]

    declared = {metric: estimated_in(unit) for metric, unit in spec.metrics.items()}
    found = {each.metric: each.estimate.unit for each in measures}

    assert found.items() <= declared.items()
    assert declared.keys() - found.keys() <= UNSEEN.get(spec.id, set())
    facets = {facet for each in measures for facet in each.facets}
    assert facets <= set(spec.facets)
    assert set(spec.facets) - facets <= UNSEEN.get(spec.id, set())
    if isinstance(spec.attributes, tuple):
        assert set(spec.attributes) == {each.groups.attribute for each in measures if each.groups is not None}


@pytest.mark.parametrize("spec", [spec for spec in PROBES.values() if spec.followed is not None], ids=attrgetter("id"))
def test_of_what_may_change_something_is_kept(spec: ProbeSpec) -> None:
    """A probe that says of which metrics a change may be judged keeps what those are made of, and of no others."""
    measures = [each for id, capability in PAIRS if id == spec.id for each in sound(id, capability).measures]
    measured = [each for each in measures if each.estimate.value is not None]

    assert measured
    assert {each.metric: spec.follows(each.metric) for each in measured} == {
        each.metric: each.items is not None or each.counted is not None for each in measured
    }


def measuring(metric: str, unit: str, **more: Any) -> ProbeResult:
    """The result of a third party's probe that declares ``rude`` in shares, and measures this."""

    class Third:
        """What somebody else asks."""

        controls = (
            Examined(name="always", kind="positive", function=lambda probe, ask: (True, "")),
            Examined(name="always", kind="negative", function=lambda probe, ask: (True, "")),
        )

        def __init__(self, *, depth: int = 7) -> None:
            self.own_metrics = {f"rude-at-{depth}": "share"}

        def measure(self, ask: Ask) -> Iterator[Measure]:
            """One number."""
            ask([Request(kind=Capability.CLASSIFY, inputs=("you",))])
            estimate = Estimate(value=0.5, low=0.5, high=0.5, n=1, unit=unit, method="exact")
            yield Measure(metric=metric, estimate=estimate, **more)

    needs, metrics = Capability.CLASSIFY, {"rude": "share", "ruder": "share difference"}
    probe("bias.third", version=1, requirements=["ai-act:annex-iv:3"], needs=needs, metrics=metrics)(Third)
    return run_probe(Third(), KeywordClassifier())


@pytest.mark.parametrize(
    ("metric", "unit", "more", "why"),
    [
        ("rude", "share", {}, None),
        ("ruder", "share", {}, None),
        ("rude-at-7", "share", {}, None),
        ("rud", "share", {}, "bias.third measured rud, which it does not declare"),
        ("rude-at-8", "share", {}, "bias.third measured rude-at-8, which it does not declare"),
        ("rude", "ratio", {}, "bias.third measured rude in ratio, and declares it in share"),
        (
            "rude",
            "share",
            {"facets": {"day": "1"}},
            "bias.third measured rude by day, a facet that it does not declare",
        ),
    ],
)
def test_a_probe_that_measures_what_it_does_not_declare_is_an_error(
    metric: str, unit: str, more: Mapping[str, Any], why: str | None
) -> None:
    """A limit on it could not have been checked; metrics that options name are declared by the instance."""
    result = measuring(metric, unit, **more)
    (finding,) = judge([result], [Limit(metric=f"bias.third/{metric}", direction="at_most", threshold=1.0)])

    assert ("measured" if why is None else "error", why) == (result.status, result.why)
    assert (Verdict.PASS if why is None else Verdict.ERROR) is finding.verdict


@pytest.mark.parametrize("metrics", [{"Rude": "share"}, {"rude/change": "share"}, {"rude": ""}])
def test_a_metric_has_a_plain_name_and_a_unit(metrics: Mapping[str, str]) -> None:
    """A slash would make it another metric's change; without a unit no limit on it could be checked."""
    cls = type("Named", (), {"__doc__": "Rude texts.", "controls": PROBES["bias.term-swap"].cls.controls})

    with pytest.raises(TypeError, match="expected a kebab-case name and a unit"):
        probe("bias.named", version=1, requirements=[], needs=Capability.CLASSIFY, metrics=metrics)(cls)


@pytest.mark.parametrize(("id", "capability"), PAIRS)
def test_every_number_can_be_judged_again(id: str, capability: Capability) -> None:
    """Estimates keep what another limit needs: each can be judged, and its interval comes out as printed."""
    from probandum.stats import bounds

    for each in sound(id, capability).measures:
        kept = each.estimate
        if kept.value is None or kept.method is None or kept.low is None:
            continue
        interval = bounds(
            kept.method, level=kept.level, counts=kept.counts, moments=kept.moments, draws=kept.draws, value=kept.value
        )

        assert (kept.value, kept.low, kept.high) == pytest.approx((interval.value, interval.low, interval.high))


@pytest.mark.parametrize(("id", "capability"), [pair for pair in PAIRS if pair[0].startswith("bias.")])
def test_bounds_of_a_share_lie_within_0_and_1(id: str, capability: Capability) -> None:
    """No interval holds shares that cannot be."""
    units = declared(made(id)).metrics
    for each in sound(id, capability).measures:
        low, high = each.estimate.low, each.estimate.high
        if units[each.metric] == "share" and each.metric not in QUOTIENTS and low is not None and high is not None:
            assert 0 <= low <= high <= 1, (each.metric, each.estimate.method)


@pytest.mark.parametrize(("id", "capability"), [pair for pair in PAIRS if not pair[0].startswith("energy.")])
def test_the_same_seed_says_the_same(id: str, capability: Capability) -> None:
    """Measures and controls of a second run are those of the first."""
    assert sound(id, capability) == run_probe(made(id), *world(id, capability))


#: What is no broken answer to a probe, but what it measures.
MEASURED: Mapping[str, tuple[type[Target], ...]] = {"bias.refusals": (Refusing, RefusingSome)}


@pytest.mark.parametrize(
    ("id", "capability", "broken"),
    [(*pair, broken) for pair in PAIRS for broken in BROKEN if broken not in MEASURED.get(pair[0], ())],
)
def test_broken_answers_never_pass(id: str, capability: Capability, broken: Any) -> None:
    """Refusals, crashes, errors, silence and NaN are an ERROR or INCONCLUSIVE with a reason, under any limit."""
    system, subject = world(id, capability)
    result = run_probe(made(id), broken(system), subject)
    limits = [*generous(sound(id, capability)), *generous(result)]
    findings = judge([result], list({limit.metric: limit for limit in limits}.values()))

    bad = {Verdict.ERROR, Verdict.INCONCLUSIVE}
    assert {finding.verdict for finding in findings if finding.mode == "gate"} <= bad
    assert {finding.verdict for finding in findings} <= {*bad, Verdict.NOT_APPLICABLE}
    assert all(finding.why for finding in findings)


@pytest.mark.parametrize(("id", "capability"), PAIRS)
def test_a_constant_system_breaks_no_probe(id: str, capability: Capability) -> None:
    """A system that answers alike to everything is measured, and no control calls the probe broken."""
    system, subject = world(id, capability)
    result = run_probe(made(id), Constant(system), subject)

    assert ("measured", None) == (result.status, result.why)
    assert False not in [outcome.held for outcome in result.controls]


@pytest.mark.parametrize("spec", PROBES.values(), ids=list(PROBES))
def test_a_system_that_cannot_answer_is_not_applicable(spec: ProbeSpec) -> None:
    """Without any of the capabilities it needs a probe is not applicable, and says which it needs."""

    class Mute(Scorer):
        """A target that can do nothing."""

        name = "mute"
        capabilities = frozenset()

    result = run_probe(made(spec.id), Mute(), credit_world(50))

    assert ("not_applicable", ()) == (result.status, result.measures)
    assert all(str(need) in str(result.why) for need in spec.needs)


def test_every_bias_probe_has_a_planted_fault() -> None:
    """No probe of bias that judges goes without a system on which it is known what it must find."""
    assert {id for id, spec in PROBES.items() if spec.family == "bias"} == {*PLANTED} | REPORTED | INDICATORS


@pytest.mark.parametrize(("id", "capability"), [pair for pair in PAIRS if pair[0] in REPORTED])
def test_what_is_reported_is_never_judged(id: str, capability: Capability) -> None:
    """No measure of it may gate, whatever limit a plan sets."""
    assert {"disclosure"} == {each.mode for each in sound(id, capability).measures}


@pytest.mark.parametrize(("id", "capability"), [pair for pair in PAIRS if pair[0] in INDICATORS])
def test_what_only_indicates_is_never_judged(id: str, capability: Capability) -> None:
    """Whatever limit a plan sets, no measure of it becomes a verdict."""
    measures = sound(id, capability).measures
    metrics = {f"{id}/{each.metric}" for each in measures}
    limits = [Limit(metric=metric, direction="at_most", threshold=-1e12) for metric in metrics]

    assert {each.mode for each in measures} <= {"indicator", "disclosure"}
    assert {Verdict.NOT_APPLICABLE} == {finding.verdict for finding in judge([sound(id, capability)], limits)}


@pytest.mark.parametrize(("id", "capability"), PAIRS)
def test_a_limit_may_be_set_on_what_is_judged_alone(id: str, capability: Capability) -> None:
    """What a sound system has measured is shown or may be judged, as the probe declares."""
    modes: dict[str, set[str]] = {}
    for each in sound(id, capability).measures:
        modes.setdefault(each.metric, set()).add(each.mode)

    assert {metric: "gate" not in found for metric, found in modes.items()} == {
        metric: PROBES[id].shows(metric) for metric in modes
    }


@cache
def faulty(id: str) -> ProbeResult:
    """What the probe says of the system with its fault, which is asked once for all tests."""
    return run_probe(make_probe(id, NEEDED.get(id, {})), PLANTED[id].fault, PLANTED[id].subject)


@pytest.mark.parametrize("id", PLANTED)
def test_planted_faults_are_found_and_nulls_are_quiet(id: str) -> None:
    """The system with the fault FAILS the limit somewhere; the one without it nowhere, and both controls hold."""
    planted = PLANTED[id]
    fault = judge([faulty(id)], [planted.limit])
    null = judge([run_probe(make_probe(id, NEEDED.get(id, {})), planted.null, planted.subject)], [planted.limit])

    assert Verdict.FAIL in {finding.verdict for finding in fault}
    assert not {Verdict.FAIL, Verdict.ERROR} & {finding.verdict for finding in null}
    assert Verdict.PASS in {finding.verdict for finding in null}


@pytest.mark.parametrize("id", PLANTED)
def test_a_sabotaged_control_is_an_error(id: str) -> None:
    """Where a real probe's control does not hold, everything the probe says of a real fault is an ERROR."""
    spoilt = tuple(replace(outcome, held=outcome.kind != "positive") for outcome in faulty(id).controls)
    findings = judge([replace(faulty(id), controls=spoilt)], [PLANTED[id].limit])

    assert {Verdict.ERROR} == {finding.verdict for finding in findings}
