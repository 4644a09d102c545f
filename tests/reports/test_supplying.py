"""Who can supply what was not assessed: a suite that is there, or whom the provision binds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dossiers import HELD, make_dossier, make_environment
from probandum import probe as registering
from probandum.dossier import Dossier
from probandum.finding import Estimate
from probandum.plugins import author, load_plugins
from probandum.probe import Measure, ProbeResult, known_probes
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.nodes import gaps
from probandum_reports.supplying import supplier
from probandum_reports.threats import Selector

OF_PROVIDER, OF_DEPLOYER, OF_CONTROLLER = "ai-act:annex-iv:2:g", "ai-act:art-27:1:d", "gdpr:5:2"
BY_PROVIDER = "the provider, by a test of its own that a named person states"
MENDED = "the auditor, once what kept it from being measured is mended"
#: What no probe of the toolkit measures.
UNMEASURED = ("robust", "privacy", "drift", "oversight", "marking", "data")


class Membership:
    """A probe of a package that is no part of the toolkit."""


def answering(*kinds: str, results: tuple[ProbeResult, ...] = ()) -> Dossier:
    """A record of a system that answers these kinds of requests."""
    run = make_environment()
    target = run["target"]
    assert isinstance(target, dict)
    return make_dossier(
        results=results, waivers=(), environment={**run, "target": {**target, "capabilities": [*kinds]}}
    )


def ran(name: str, *metrics: str, status: str = "measured") -> ProbeResult:
    """What a probe left that got no number."""
    left = tuple(Measure(metric=each, estimate=Estimate.missing("nothing", unit="share")) for each in metrics)
    return ProbeResult(probe=name, version=1, status=status, why="so", measures=left, controls=HELD)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", UNMEASURED)
@pytest.mark.parametrize(
    ("requirement", "party"), [(OF_PROVIDER, "provider"), (OF_DEPLOYER, "deployer"), (OF_CONTROLLER, "controller")]
)
def test_where_no_suite_is_installed_whom_the_provision_binds_supplies_it(
    family: str, requirement: str, party: str
) -> None:
    """Nobody is sent to a suite that does not exist."""
    told = supplier(answering("predict"), (Selector(families=(family,)),), requirement)

    assert f"the {party}, by a test of its own that a named person states" == told


def test_a_suite_that_is_installed_is_named() -> None:
    """One by its name, of several the first and how many more."""
    calibrated = (Selector(metrics=("*/debiased-ece",)),)
    compared = supplier(answering("predict"), (Selector(families=("bias",)),), OF_PROVIDER)

    assert "the auditor, by adding the suite bias.calibration" == supplier(
        answering("predict"), calibrated, OF_PROVIDER
    )
    assert re.fullmatch(r"the auditor, by adding one of the suites (bias\.[\w-]+(, | and )){3}\d+ more", compared)


def test_the_catalogue_says_which_suites_measure_its_metrics() -> None:
    """A selector of its metrics leads to those of ours."""
    asked = (Selector(measures=("score_calibration",)),)

    assert "the auditor, by adding the suite bias.calibration" == supplier(answering("predict"), asked, OF_PROVIDER)
    assert BY_PROVIDER == supplier(answering("predict"), (Selector(measures=("memory_peak",)),), OF_PROVIDER)


def test_a_suite_that_the_system_cannot_answer_is_no_help() -> None:
    """Calibration needs predictions of rows, which a system that only writes does not give."""
    asked = (Selector(metrics=("*/debiased-ece",)),)

    assert BY_PROVIDER == supplier(answering("generate"), asked, OF_PROVIDER)


def test_figures_of_groups_come_from_probes_that_compare_groups() -> None:
    """A probe of energy has findings, and none of a group."""
    told = supplier(answering("predict"), (Selector(single_groups=True),), OF_PROVIDER)

    assert "the auditor, by adding one of the suites bias." in told
    assert BY_PROVIDER == supplier(
        answering("generate"), (Selector(families=("energy",), of_groups=True),), OF_PROVIDER
    )


def test_a_suite_that_ran_is_not_to_be_added() -> None:
    """One that did not apply helps no more; what broke, or got no number, is to be mended."""
    asked = (Selector(metrics=("*/debiased-ece",)),)
    name = "bias.calibration"

    def told(result: ProbeResult) -> str:
        return supplier(answering("predict", results=(result,)), asked, OF_PROVIDER)

    assert BY_PROVIDER == told(ran(name, status="not_applicable"))
    assert MENDED == told(ran(name, "debiased-ece"))
    assert MENDED == told(ran(name, status="error"))


def test_a_change_needs_a_baseline_and_a_judged_metric_a_limit() -> None:
    """Neither is a suite."""
    dossier = answering("predict")

    assert "the auditor, by naming gate.baseline in the plan" == supplier(
        dossier, (Selector(metrics=("*/change",)),), OF_PROVIDER
    )
    assert "the auditor, by a plan with limits" == supplier(dossier, (Selector(judged=True),), OF_PROVIDER)


def test_a_probe_of_a_plugin_counts_where_the_record_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that came later changes no document of a record that was made without it."""
    load_plugins()
    ours = known_probes()["bias.group-rates"]
    monkeypatch.setitem(registering._PROBES.specs, "privacy.member", replace(ours, id="privacy.member", cls=Membership))
    asked, dossier = (Selector(families=("privacy",)),), answering("predict")
    run = dossier.environment
    plugins = [*run["tool"]["plugins"], f"acme ({author(Membership.__module__)} 1.0)"]
    made_with = replace(dossier, environment={**run, "tool": {**run["tool"], "plugins": plugins}})

    assert BY_PROVIDER == supplier(dossier, asked, OF_PROVIDER)
    assert "the auditor, by adding the suite privacy.member" == supplier(made_with, asked, OF_PROVIDER)


def test_documents_send_nobody_to_a_suite_that_is_not_there() -> None:
    """Over all documents of a record without findings: every suite that a gap names is one of the toolkit."""
    dossier = make_dossier(results=[], waivers=[])
    told = {gap.supplier for name in templates() for gap in gaps(build(name, dossier).nodes)}
    named = [suite for each in told for suite in re.findall(r"\b(?:[a-z]+)\.[a-z][a-z0-9-]+", each) if "suite" in each]

    assert len(named) > 3
    assert set(named) <= set(known_probes())
    assert not any(each.startswith("the auditor, by adding a suite") for each in told)


def test_a_number_of_another_quantity_is_not_to_be_mended() -> None:
    """Operations were counted and joules were not asked for: the suite that reads them is named."""
    counted = Estimate(value=2.0, low=2.0, high=2.0, n=1, unit="FLOP", method="exact")
    measure = Measure(metric="flop-per-request", estimate=counted, mode="disclosure")
    compute = ProbeResult(probe="energy.compute", version=1, status="measured", measures=(measure,), controls=HELD)
    dossier = answering("predict", results=(compute,))

    for name in ("annex_iv", "model_card"):
        found = {gap.supplier for gap in gaps(build(name, dossier).nodes) if gap.what.endswith(": energy of inference")}
        assert {"the auditor, by adding the suite energy.inference"} == found


def test_windows_that_no_probe_asked_for_are_asked_of_the_suite_that_does() -> None:
    """What ran without a meter is to be mended, and is no suite to be added."""

    def told(*results: ProbeResult) -> set[str]:
        nodes = build("energy_statement", replace(answering("predict", results=results), windows={})).nodes
        return {gap.supplier for gap in gaps(nodes) if "metered windows" in gap.what}

    assert {"the auditor, by adding the suite energy.inference"} == told()
    assert {MENDED} == told(ran("energy.inference", "joules-per-request"))


@pytest.mark.parametrize("name", ["dpia", "fria"])
def test_a_risk_that_no_probe_measures_waits_for_a_test_or_an_argument(name: str) -> None:
    """Of whom the provision binds; where a suite could speak to it, the suite is named."""
    party = {"dpia": "controller", "fria": "deployer"}[name]
    found = {gap.field_id: gap.supplier for gap in gaps(build(name, make_dossier(results=[], waivers=[])).nodes)}

    assert (
        f"the {party}, by a test of its own that a named person states; a person, by an argument"
        == found["risk_register.T12.evidence"]
        == found["risk_register.T10.evidence"]
    )
    assert found["risk_register.T1.evidence"].startswith("the auditor, by adding one of the suites bias.")
    assert found["risk_register.T1.evidence"].endswith("; a person, by an argument")
