"""The model card, and the metadata in front of it as the hub's own library reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from dossiers import make_dossier
from probandum.document import Heading
from probandum.dossier import Dossier
from probandum.finding import Verdict
from probandum_reports import hub_metadata, lint, markdown
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.nodes import gaps
from probandum_reports.view import View

CARD = {
    "name": "Credit scorer",
    "licence": {"id": "apache-2.0"},
    "languages": ["en", "de"],
    "model_card": {"pipeline_tag": "tabular-classification"},
    "training_emissions": {
        "value": {
            "grams": 1250,
            "source": "codecarbon, the provider's own log",
            "training_type": "fine-tuning",
            "location": "Vienna, Austria",
            "hardware": "one CPU",
        },
        "by": "A. Example",
        "date": "2026-10-20",
    },
}
#: The headings of the hub's template that a card fills.
HEADINGS = (
    "Model details",
    "Model description",
    "Model sources",
    "Uses",
    "Bias, risks and limitations",
    "How to get started with the model",
    "Training details",
    "Evaluation",
    "Testing data, factors and metrics",
    "Results",
    "Model examination",
    "Environmental impact",
    "Technical specifications",
)


def read(dossier: Dossier) -> ModelCardData:
    """The metadata as the hub's library reads them from the Markdown."""
    text = markdown.render(View(build("model_card", dossier), dossier)).decode()
    data = ModelCard(text, ignore_metadata_errors=False).data
    assert isinstance(data, ModelCardData)
    return data


@pytest.fixture(scope="module")
def declared() -> ModelCardData:
    """The metadata of a card that declares all that they can hold."""
    return read(make_dossier(card=CARD))


def test_the_hub_s_library_reads_what_was_declared(declared: ModelCardData) -> None:
    """Licence, languages and task, under the hub's own keys."""
    assert ("apache-2.0", ["en", "de"]) == (declared.license, declared.language)
    assert ("tabular-classification", "sklearn") == (declared["pipeline_tag"], declared.library_name)


def test_emissions_are_grams_of_training_with_source_and_place(declared: ModelCardData) -> None:
    """As the hub asks for them; what inference took never stands there."""
    emissions = declared["co2_eq_emissions"]

    assert 1250 == emissions["emissions"]
    assert ("Vienna, Austria", "fine-tuning") == (emissions["geographical_location"], emissions["training_type"])
    assert emissions["source"].startswith("codecarbon")


def test_every_result_is_a_finding_with_interval_n_and_verdict(dossier: Dossier, declared: ModelCardData) -> None:
    """The library makes results of them, with the values of the record."""
    results = declared.eval_results
    known = {finding.id: finding for finding in dossier.findings}

    assert results
    assert "Credit scorer" == declared.model_name
    for each in results:
        assert isinstance(each, EvalResult)
        said = each.metric_args or {}
        finding = known[said["finding"]]
        assert finding.estimate.value == each.metric_value
        assert (finding.estimate.low, finding.estimate.high) == (said["low"], said["high"])
        assert finding.estimate.n == said["n"]


def test_what_is_withheld_or_failed_a_control_is_no_result(dossier: Dossier, declared: ModelCardData) -> None:
    """A small group stays hidden, and a figure whose control failed is no evidence."""
    told = {(each.metric_args or {})["finding"] for each in declared.eval_results or ()}

    assert not any("nationality=CH" in name for name in told)
    assert not any(name.startswith("explain.efficiency/") for name in told)
    assert "energy.inference/joules-per-request" in told


def test_an_exact_value_has_no_interval_and_no_level(dossier: Dossier) -> None:
    """What was worked out without sampling stands alone, and what was estimated with both ends and their level."""
    judged = next(each for each in dossier.findings if each.judged and each.verdict is Verdict.FAIL)
    exact = replace(judged, estimate=replace(judged.estimate, method="exact"))
    for finding, named in ((exact, set()), (judged, {"low", "high", "level"})):
        told = replace(dossier, findings=(finding,))
        (result,) = hub_metadata.metadata(View(build("model_card", told), told))["model-index"][0]["results"]
        assert named == {"low", "high", "level"} & set(result["metrics"][0]["args"])


def test_what_nobody_declared_has_no_key(dossier: Dossier) -> None:
    """No licence is guessed, and no emissions are made of those of inference."""
    found = hub_metadata.metadata(View(build("model_card", dossier), dossier))

    assert {"library_name", "model-index"} == set(found)


def test_emissions_without_a_number_are_left_out() -> None:
    """A sentence is no figure in grams."""
    dossier = make_dossier(card={"name": "M", "training_emissions": "about a ton"})

    assert "co2_eq_emissions" not in hub_metadata.metadata(View(build("model_card", dossier), dossier))


def test_the_sections_are_those_of_the_hub_s_template(dossier: Dossier) -> None:
    """Each stands there, filled or with a gap."""
    headings = [node.text for node in build("model_card", dossier).nodes if isinstance(node, Heading)]

    assert set(HEADINGS) <= set(headings)


def test_no_other_document_begins_with_metadata(dossier: Dossier) -> None:
    """Only the model card is read by hubs."""
    assert ["model_card"] == [name for name, each in templates().items() if each.hub_metadata]
    assert markdown.render(View(build("annex_iv", dossier), dossier)).startswith(b"# ")


def test_hostile_names_stay_text(dossier: Dossier) -> None:
    """A name that is YAML, or ends the metadata, is quoted."""
    name = "x\n---\nlicense: mit"
    hostile = replace(dossier, card={"name": name})

    assert name == read(hostile).model_name
    assert read(hostile).license is None


def test_an_audit_without_findings_gives_a_card_of_gaps() -> None:
    """No result, and metadata that the library still reads."""
    empty = make_dossier(results=[], windows={}, readings={}, card={"name": "M"})
    document = build("model_card", empty)

    lint.check(View(document, empty))
    assert not read(empty).eval_results
    assert len(list(gaps(document.nodes))) > 20
