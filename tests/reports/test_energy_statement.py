"""The energy and carbon statement, and the energy part of the technical documentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dossiers import HELD, make_dossier
from probandum import codec
from probandum.document import Document, Fact, Figure, Table, Text
from probandum.dossier import Dossier
from probandum.evidence import Reading
from probandum.finding import Estimate
from probandum.probe import Measure, ProbeResult, Window
from probandum.siting import Embodied, GridIntensity, Site
from probandum_probes.energy.emissions import emitted
from probandum_reports import energy_parts, figures, lint
from probandum_reports.build import build
from probandum_reports.nodes import gaps, walk
from probandum_reports.view import View

WINDOWS = {
    codec.digest(f"metered {place}".encode()): Window(
        reading=Reading(
            gpu_joules=900.0 + place,
            seconds=3.0,
            idle_watts=60.0,
            why={"cpu": "no counter"},
            meter="NVML",
            grade="B",
            covers=("all of the card",),
            bare_watts=50.0,
            others=("pid 7 on GPU 0",),
        ),
        requests=1000,
        input_tokens=None,
        output_tokens=None,
    )
    for place in range(3)
}


class Card:
    """What making a card emitted, as a plan declares it."""

    kilograms, years, source = 150.0, 4.0, "a placeholder"


class Server(Card):
    """A machine whose making outweighs its work."""

    kilograms = 15000.0


def make_energy(*, site: Site | None = None, estimated: bool = False) -> ProbeResult:
    """Joules of a request and what they emit; of a hosted model where ``estimated``."""
    known: Embodied = Card()
    place = site or Site(grid=GridIntensity(low=200, mid=300, high=400, year=2023, source="a table"), embodied=known)
    moments = None if estimated else (float(np.log(0.9)), 0.01, 9.0)
    joules = Estimate(value=0.9, low=0.88, high=0.92, n=10, unit="joule", method="log-t", moments=moments)
    if estimated:
        joules = replace(joules, method="monte-carlo", draws=(0.45, 0.9, 1.8), low=0.45, high=1.8)
    name = "estimated-joules-per-request" if estimated else "joules-per-request"
    facets = {"grade": "D"} if estimated else {}
    own = Measure(
        metric=name, estimate=joules, facets=facets, mode="disclosure", evidence=() if estimated else tuple(WINDOWS)
    )
    seconds = None if estimated else 0.003
    measures = (own, *emitted(place, joules, rng=np.random.default_rng(1), seconds=seconds, facets=facets))
    probe = "energy.hosted" if estimated else "energy.inference"
    return ProbeResult(
        probe=probe,
        version=1,
        status="measured",
        measures=measures,
        controls=HELD,
        requirements=("ai-act:annex-iv:2:c",),
    )


@pytest.fixture(scope="module")
def metered() -> Dossier:
    """An audit whose energy was metered at a declared site."""
    return make_dossier(results=[make_energy()], windows=WINDOWS)


@pytest.fixture(scope="module")
def heavy() -> Dossier:
    """The same on a machine whose making is most of the software carbon intensity."""
    grid = GridIntensity(low=200, mid=300, high=400, year=2023, source="a table")
    return make_dossier(results=[make_energy(site=Site(grid=grid, embodied=Server()))], windows=WINDOWS)


def statement(dossier: Dossier) -> Document:
    """The statement, which the lint finds nothing in."""
    document = build("energy_statement", dossier)
    lint.check(View(document, dossier))
    return document


def words(document: Document) -> str:
    """All prose and cells of a document's own."""
    return " ".join(
        node if isinstance(node, str) else node.text for node in walk(document.nodes) if isinstance(node, Text | str)
    )


def facts_of(document: Document) -> dict[str, str]:
    """The facts by path."""
    return {node.path: node.value for node in walk(document.nodes) if isinstance(node, Fact)}


def test_every_finding_of_energy_stands_in_the_statement(metered: Dossier) -> None:
    """Joules, grams at every intensity, shares of the variance and the software carbon intensity."""
    shown = set(statement(metered).findings())

    assert {finding.id for finding in metered.findings} == shown
    assert {"low", "mid", "high", "range"} <= {name.rpartition("grid=")[2] for name in shown}
    assert any("software-carbon-intensity" in name for name in shown)


def test_the_law_s_own_scope_is_stated(metered: Dossier) -> None:
    """No duty for high-risk systems; one for general-purpose models; the rest is voluntary or binds others."""
    said = words(statement(metered))

    assert "High-risk systems have no duty to report energy" in said
    for provision in ("Annex IV(2)(c)", "Annex XI Section 1(2)(e)", "Art. 40(2)", "Art. 95(2)(b)", "ISO/IEC 21031"):
        assert provision in said


def test_figures_are_not_comparable_off_their_hardware(metered: Dossier) -> None:
    """The style of a public score is named for what it is."""
    assert "not comparable off this hardware" in words(statement(metered))


def test_grid_year_and_source_stand_with_the_method(metered: Dossier) -> None:
    """Each factor of the emissions is named where their interval is explained."""
    methods = [value for path, value in facts_of(statement(metered)).items() if path.endswith(".method")]
    grams = next(value for value in methods if "g CO2e/kWh" in value)

    assert "grid 200, 300 and 400 g CO2e/kWh, location-based, of 2023 (a table)" in grams
    assert any("functional unit 1,000 requests" in value and "grade D" in value for value in methods)


def test_meters_say_grade_cover_idle_power_and_what_they_warn_of(metered: Dossier) -> None:
    """One row a probe and meter, over all its windows."""
    said = facts_of(statement(metered))["energy:meter.0"]

    assert said.startswith("3 windows of 3.00 s. CPU not read: no counter. The joules cover all of the card.")
    assert "Measurement grade B: hardware counters (NVML)." in said
    assert "At rest the parts took 60.0 W with the system loaded, 50.0 W before." in said
    assert said.endswith("Others on the machine meanwhile: pid 7 on GPU 0.")


def test_windows_without_a_sensor_have_no_grade(metered: Dossier) -> None:
    """They say why no joules were read, and call nothing estimated."""
    silent = {
        key: replace(window, reading=Reading(seconds=3.0, why={"gpu": "no sensor"}, meter="none", grade="D"))
        for key, window in WINDOWS.items()
    }
    said = facts_of(statement(replace(metered, windows=silent)))["energy:meter.0"]

    assert "3 windows of 3.00 s. No joules were read (no sensor)." == said


def test_emissions_and_whose_uncertainty_moves_them_are_drawn(metered: Dossier) -> None:
    """Two charts, each with a table that repeats every value; annex IV's voluntary part has them, too."""
    for name in ("energy_statement", "annex_iv"):
        drawn = [node for node in build(name, metered).nodes if isinstance(node, Figure)]
        captions = [each.caption for each in drawn]

        assert [
            "CO2e of 1,000 requests, by the intensity of the grid",
            "Whose uncertainty moves the emissions",
            "Whose uncertainty moves the software carbon intensity",
        ] == captions
        assert all(figures.draw(each, View(build(name, metered), metered)).startswith(b"<?xml") for each in drawn)
        assert drawn[0].reading.startswith("From 0.0")
        assert "of the same energy" in drawn[0].reading


@pytest.mark.parametrize("name", ["energy_statement", "annex_iv"])
def test_the_hardware_moves_the_software_carbon_intensity_alone(heavy: Dossier, name: str) -> None:
    """CO2e of requests holds no hardware, so that its chart of shares holds none, whatever the plan declares."""
    drawn = {node.caption: node for node in build(name, heavy).nodes if isinstance(node, Figure)}
    captions = [f"Whose uncertainty moves the {of}" for of in ("emissions", "software carbon intensity")]
    emissions, intensity = (drawn[caption] for caption in captions)

    assert not any("hardware" in finding for finding in emissions.findings)
    assert any("hardware" in finding for finding in intensity.findings)
    assert "The largest share is that of grid" in emissions.reading
    assert "The largest share is that of hardware" in intensity.reading


def test_an_intensity_that_is_mostly_estimated_says_so(heavy: Dossier) -> None:
    """Most of the SCI here is of the hardware: grade D and estimated, though the joules are of grade B."""
    document = statement(heavy)
    view = View(document, heavy)
    sci, grams = (
        next(view.shown(each) for each in document.findings() if metric in each)
        for metric in ("software-carbon-intensity", "grams-co2e")
    )

    assert sci.value.startswith("estimated ")
    assert sci.method.endswith("measurement grade D: estimated from a model of the machine, not measured")
    assert not grams.value.startswith("estimated")


def test_a_hosted_estimate_is_worded_as_one() -> None:
    """Every figure begins with the word, and so does the chart."""
    dossier = make_dossier(results=[make_energy(estimated=True)], windows={})
    document = statement(dossier)
    view = View(document, dossier)
    shown = [view.shown(name) for name in document.findings() if "variance" not in name]
    charts = [node.caption for node in document.nodes if isinstance(node, Figure)]

    assert shown
    assert all(each.value.startswith("estimated ") for each in shown)
    assert all(caption.endswith("estimated for a hosted model") for caption in charts)


def test_the_audit_s_own_energy_stands_with_its_emissions(metered: Dossier) -> None:
    """The whole audit in kWh and CO2e, and each probe's reading."""
    tables = {node.caption: node for node in statement(metered).nodes if isinstance(node, Table)}
    parts = [row[0] for row in tables["Energy of the audit itself"].rows]

    assert ["The whole audit", "CO2e of the whole audit"] == parts[:2]
    assert "energy.inference" in parts


def test_an_overhead_that_nobody_declared_is_called_an_assumption(metered: Dossier) -> None:
    """The plan's own figure is an assumption, too, and is called the plan's."""
    ask = {**metered.plan["ask"], "energy": {"country": "AUT"}}
    silent = facts_of(statement(replace(metered, plan={**metered.plan, "ask": ask})))

    assert (
        "1.3, an assumption that the plan declares; the audit measures none"
        == facts_of(statement(metered))["energy:factor.pue"]
    )
    assert (
        "1.1 to 1.6, middle 1.3: an assumption of this toolkit, since the plan declares none"
        == silent["energy:factor.pue"]
    )


def test_what_the_plan_declares_of_grid_and_hardware_is_quoted(metered: Dossier) -> None:
    """Figures of its own with year and source; the embodied part with its grade."""
    energy = {
        "intensity": {"low": 20, "mid": 30, "high": 40, "year": 2025, "source": "the operator"},
        "embodied": {"kilograms": 150, "years": 4, "source": "the maker"},
        "meter": "nvml",
    }
    said = dict(energy_parts._factors(replace(metered, plan={"ask": {"energy": energy}})))

    assert "g CO2e/kWh low 20; mid 30; high 40, of 2025 (the operator)" == said["grid"]
    assert said["embodied"].startswith("150 kg CO2e over 4 years (the maker); measurement grade D")
    assert "nvml" == said["meter"]


def test_what_the_audit_itself_took_is_not_denied_where_the_system_s_work_was_not_metered() -> None:
    """The first sentence speaks of the system's work alone: an estimate of the audit stands further down."""
    document = statement(make_dossier(results=[]))
    lead = next(node.text for node in document.nodes if isinstance(node, Text) and node.style == "lead")

    assert "In this audit no meter read it, so that it holds no figure of the energy or the emissions of that" in lead
    assert "What the audit itself took, as far as it was metered or estimated, stands below" in lead
    assert facts_of(document)["run.energy"].startswith("0.0111 Wh")


def test_an_audit_without_findings_states_no_energy() -> None:
    """Every figure is a gap, and none is zero."""
    empty = make_dossier(results=[], windows={}, readings={}, card={"name": "M"}, plan={"ask": {}})
    document = statement(empty)
    tables = [node.caption for node in document.nodes if isinstance(node, Table)]

    assert () == document.findings()
    assert "Meters and windows" not in tables
    assert {"not assessed: energy of inference", "not assessed: emissions of inference"} <= {
        gap.what for gap in gaps(document.nodes)
    }
    assert "not assessed: the energy of the audit itself" in {gap.what for gap in gaps(document.nodes)}
    assert any(gap.what.startswith("the grid that the machine draws from") for gap in gaps(document.nodes))


@pytest.mark.parametrize(("gpai", "asked"), [("none", False), ({"name": "Model AG"}, True)])
def test_the_training_of_a_model_is_asked_of_its_provider_alone(gpai: object, asked: bool) -> None:
    """Annex XI binds who places a general-purpose model on the market; a scorecard has none."""
    dossier = make_dossier()
    open_ = gaps(statement(replace(dossier, card={**dossier.card, "gpai": gpai})).nodes)

    of_model = {gap.card for gap in open_ if gap.supplier == "provider of the model"}
    assert of_model == ({"gpai_model.energy.training", "gpai_model.energy.boundary"} if asked else set())
