"""What a document says of what was measured, what was not, and what did not apply: never the one as the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from dossiers import HELD, make_dossier, make_results
from probandum.document import Document, Fact, Figure, Gap, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import PlanError
from probandum.finding import Estimate, Verdict
from probandum.probe import Measure, ProbeResult
from probandum.yaml_source import read_yaml
from probandum_reports import lint
from probandum_reports.build import build
from probandum_reports.documents import FindingsEntry, Section, template, templates
from probandum_reports.nodes import gaps, walk
from probandum_reports.selecting import select
from probandum_reports.template_parts import checked
from probandum_reports.view import View

#: How a share of 500 rows may come out, and a time of one request.
SHARE = Estimate(value=0.71, low=0.67, high=0.75, n=500, unit="share", method="t", moments=(0.71, 0.02, 499.0))
TIME = Estimate(value=0.05, low=0.04, high=0.06, n=5, unit="second", method="t", moments=(0.05, 0.004, 4.0))
JOULES = Estimate.missing("no sensor", unit="joule")


def result(probe: str, **measures: Estimate) -> ProbeResult:
    """A probe that measured these, with underscores for hyphens."""
    found = tuple(Measure(metric=name.replace("_", "-"), estimate=each) for name, each in measures.items())
    return ProbeResult(probe=probe, version=1, status="measured", measures=found, controls=HELD)


def unasked() -> ProbeResult:
    """The one probe that does not apply to the system."""
    return next(each for each in make_results() if each.status == "not_applicable")


def measured() -> Dossier:
    """Performance that no probe of a family of that name measured: accuracy, AUC, against a simpler model, and time."""
    return make_dossier(
        results=[
            result("explain.challenger", accuracy=SHARE, auc=SHARE, accuracy_gain=SHARE),
            result("bias.calibration", overall_auc=SHARE, calibration_in_the_large=SHARE),
            result("energy.inference", seconds_per_request=TIME, joules_per_request=JOULES),
        ]
    )


def missing(document: Document) -> str:
    """All that it says was not assessed."""
    return "; ".join(gap.what for gap in gaps(document.nodes) if gap.what.startswith("not assessed"))


def chosen(sections: Iterable[Section]) -> Iterable[FindingsEntry]:
    """The tables of findings of a template."""
    for section in sections:
        yield from (entry.findings for entry in section.content if entry.findings is not None)
        yield from chosen(section.sections)


@pytest.mark.parametrize("name", sorted(templates()))
def test_what_was_measured_is_called_assessed(name: str) -> None:
    """Accuracy, calibration, a simpler alternative and latency, whichever probe measured them; memory nobody did."""
    said = missing(build(name, measured()))

    for word in ("accuracy, overall", "performance, overall", "simpler alternative", "calibration", "latency"):
        assert word not in said


def test_what_was_not_measured_is_called_so() -> None:
    """Memory beside latency, and energy of which there is only a time."""
    said = missing(build("annex_iv", measured()))
    short = missing(build("summary", measured()))

    assert "not assessed: memory" in said
    assert "not assessed: energy of inference" in said
    assert "energy of inference" in short and "accuracy" not in short


def test_an_unknown_metric_of_the_catalogue_is_refused(tmp_path: Any) -> None:
    """A slip would make every record not assessed."""
    path = tmp_path / "entry.yaml"
    path.write_text("select: {measures: [perf.overal_metrics]}\ncaption: C\nmissing: m\n", encoding="utf-8")

    with pytest.raises(PlanError, match="no metric of the catalogue: perf"):
        checked(FindingsEntry, read_yaml(path))


def test_several_selectors_find_what_fits_any(dossier: Dossier) -> None:
    """In the record's order, each finding once; a probe that asked nothing found nothing."""
    both = next(each for each in chosen(template("annex_iv").sections) if len(each.select) == 2)
    found = select(measured().findings, both.select)

    assert ["explain.challenger/accuracy", "explain.challenger/auc", "bias.calibration/overall-auc"] == [
        each.metric for each in found
    ]
    assert "bias.name-swap/run" not in {each.id for each in select(dossier.findings, both.select)}


def test_what_a_probe_fitted_itself_is_no_figure_of_the_system() -> None:
    """The accuracy of a challenger stands with the comparison, and nowhere among the accuracy of the system."""
    estimate = Estimate(value=0.7, low=0.6, high=0.8, n=500, unit="share", method="exact")
    measures = [
        Measure(metric=metric, facets={"model": model}, estimate=estimate, mode="disclosure")
        for metric in ("auc", "accuracy", "log-loss")
        for model in ("system", "challenger")
    ]
    probe = ProbeResult(probe="explain.challenger", version=1, status="measured", measures=tuple(measures))
    findings = make_dossier(results=[probe]).findings
    overall = {
        (name, finding.facets["model"])
        for name, made in templates().items()
        for selection in chosen(made.sections)
        if any("perf.overall_metrics" in one.measures for one in selection.select)
        and not any(one.facets for one in selection.select)
        for finding in select(findings, selection.select)
    }
    rival = {
        name
        for name, made in templates().items()
        for selection in chosen(made.sections)
        if any("perf.baseline_comparison" in one.measures for one in selection.select)
        and {"challenger"} <= {each.facets["model"] for each in select(findings, selection.select)}
    }

    assert {"annex_iv", "instructions_for_use", "art22_notice", "model_card"} <= {name for name, _ in overall}
    assert {"system"} == {model for _, model in overall}
    assert {"dpia", "lia", "annex_xi_xii"} == rival


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("annex_iv", "A normalised score is relative"),
        ("dpia", "A normalised score is relative"),
        ("instructions_for_use", "A normalised score is relative"),
        ("energy_statement", "Gross figures hold all"),
        ("energy_statement", "Low, middle and high are the range"),
        ("energy_statement", "Every figure has its interval"),
        ("annex_iv", "fewer than ten persons"),
    ],
)
def test_how_to_read_a_figure_is_said_where_there_is_one(name: str, words: str) -> None:
    """No paragraph explains what an audit did not measure."""
    document = build(name, make_dossier(results=[unasked()], readings={}, windows={}))
    texts = [node.text for node in walk(document.nodes) if isinstance(node, Text)]

    assert not [text for text in texts if words in text]
    assert any(words in str(entry.text) for entry in template(name).entries())


@pytest.mark.parametrize("name", sorted(templates()))
def test_an_audit_of_nothing_has_no_finding_to_show(name: str) -> None:
    """A probe that does not apply is told in the table of probes, with why; nothing reads as if it had passed."""
    nothing = make_dossier(results=[unasked()], readings={}, windows={})
    document = build(name, nothing)
    texts = [node.text for node in walk(document.nodes) if isinstance(node, Text)]

    lint.check(View(document, nothing))
    assert () == document.findings()
    assert not any(isinstance(node, Figure) for node in walk(document.nodes))
    assert not any("No finding failed" in text for text in texts)


def test_the_summary_of_an_audit_of_nothing_says_so() -> None:
    """No bars, and no finding that could have failed."""
    texts = [node.text for node in build("summary", make_dossier(results=[unasked()])).nodes if isinstance(node, Text)]

    assert "No figures: this audit gave no number and no verdict." in texts
    assert "No finding was judged, so that none could fail." in texts


def test_numbers_without_a_verdict_are_counted_and_not_drawn() -> None:
    """Bars of no verdict would be empty."""
    nodes = build("summary", measured()).nodes
    tally = next(node for node in nodes if isinstance(node, Table) and node.caption.startswith("Findings by what"))

    assert not any(isinstance(node, Figure) for node in nodes)
    assert ["Explanations", "Bias", "Energy"] == [row[0] for row in tally.rows]


def test_limits_are_those_of_the_findings_shown(dossier: Dossier) -> None:
    """A document that shows no finding prints no limit, and says that it shows none."""
    shown, bare = build("pmm_plan", dossier), build("art50_notice", dossier)

    def limits(document: Document) -> int:
        tables = [node for node in document.nodes if isinstance(node, Table) and node.caption == "Limits"]
        return sum(len(table.rows) for table in tables)

    assert limits(shown) > 0 == limits(bare)
    assert any(isinstance(node, Text) and "Every figure above" in node.text for node in shown.nodes)
    assert not any(isinstance(node, Text) and "Every figure above" in node.text for node in bare.nodes)


@pytest.mark.parametrize(("name", "card"), [("summary", "purpose"), ("merge_summary", "version")])
def test_a_sentence_asks_as_the_technical_documentation_does(name: str, card: str) -> None:
    """Who supplies a fact, and under which provision, does not hang on the document that shows it."""
    found = next(gap for gap in gaps(build(name, make_dossier(card={})).nodes) if gap.card == card)

    assert ("AI Act, Annex IV(1)(a)", "provider") == (found.citation, found.supplier)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("annex_viii", {"provider.address", "provider.contact", "deployer.address", "deployer.contact"}),
        ("instructions_for_use", {"provider.address", "provider.contact"}),
        ("ropa", {"controller.contact"}),
    ],
)
def test_a_name_alone_leaves_address_and_contact_open(name: str, paths: set[str]) -> None:
    """What a provision asks beside a name is a gap of its own."""
    card = {"name": "S", "annex_iii": "5(b)"} | {who: {"name": "A"} for who in ("provider", "deployer", "controller")}

    assert paths <= {gap.card for gap in gaps(build(name, make_dossier(card=card)).nodes)}


def test_what_is_optional_is_never_missing() -> None:
    """Annex VIII A(13) stands in the file, and counts among no gaps."""
    card = {"name": "S", "annex_iii": "5(b)", "provider": "A"}
    document = build("annex_viii", make_dossier(card=card))
    rows = [row for node in document.nodes if isinstance(node, Table) for row in node.rows]

    assert ("A(13) Address of further information", "not stated, which is optional") in rows
    assert "registration.url" not in {gap.card for gap in gaps(document.nodes)}


def test_a_gap_of_the_model_card_names_annex_iv_only_where_it_asks() -> None:
    """Licence, languages, sources and further uses are asked by no law."""
    found = {gap.card: gap.citation for gap in gaps(build("model_card", make_dossier(card={"name": "S"})).nodes)}
    ours = ("licence.id", "languages", "model_card.base_model", "model_card.repository", "model_card.out_of_scope")

    assert {"AI Act, Art. 95(1)"} == {found[path] for path in ours}
    assert "AI Act, Annex IV(1)(a)" == found["purpose"]


def test_an_attribute_says_whether_it_is_an_input(dossier: Dossier) -> None:
    """What is an input stands under no heading that says it is not used."""
    ask = {**dossier.plan["ask"], "groups": {"age": {"column": "age"}, "race": {"column": "race"}}}
    plan = {**dossier.plan, "ask": {**ask, "data": {**ask["data"], "features": ["age", "amount"]}}}
    findings = tuple(each for each in dossier.findings if each.groups is None or each.groups.attribute == "age")
    document = build("art22_notice", replace(dossier, plan=plan, findings=findings))
    said = [fact.value for fact in walk(document.nodes) if isinstance(fact, Fact) and "special." in fact.path]

    assert ["age: an input", "race: no input"] == [value.partition(";")[0] for value in said]
    assert "What is not used" not in {section.title for section in template("art22_notice").sections}


def test_draft_guidelines_carry_their_tag(dossier: Dossier) -> None:
    """Every sentence of the proposed classification that draws on them."""
    card = {**dossier.card, "annex_iii": "5(b)"}
    facts = [node for node in walk(build("annex_iv", replace(dossier, card=card)).nodes) if isinstance(node, Fact)]
    drawn = [fact.value for fact in facts if "draft guidelines" in fact.value]

    assert drawn
    assert all(value.count("[DRAFT]") >= value.count("draft guidelines") for value in drawn)


def test_the_verdicts_add_up_to_all(dossier: Dossier) -> None:
    """What was judged, and what was covered in vain, are told as parts of all and not beside it."""
    table = next(
        node for node in build("annex_iv", dossier).nodes if getattr(node, "caption", "") == "Findings by verdict"
    )
    assert isinstance(table, Table)
    counts = {str(row[0]): int(row[1].value if isinstance(row[1], Fact) else str(row[1])) for row in table.rows}
    verdicts = list(counts)[: len(Verdict)]

    assert counts["All"] == sum(counts[each] for each in verdicts) == len(dossier.findings)
    assert {"Of all: judged", "Of all: covered and not judged"} == set(counts) - {"All", *verdicts}


def test_a_gap_stands_above_quantities_without_a_value() -> None:
    """Why there is none stays in the table; the gap is among the open items."""
    document = build("annex_iv", measured())
    reasons = [node.value for node in walk(document.nodes) if isinstance(node, Fact) and node.path.endswith(".reason")]
    found = next(gap for gap in gaps(document.nodes) if gap.what == "not assessed: memory")

    assert isinstance(found, Gap)
    assert any("No sensor" in reason for reason in reasons)
    assert any(
        isinstance(node, Number) and node.finding == "energy.inference/joules-per-request"
        for node in walk(document.nodes)
    )
