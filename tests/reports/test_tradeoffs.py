"""The picture of explainers by how many features they name and how faithful they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from dossiers import make_dossier
from pictured import EXPLAINERS, explained
from probandum.document import Document, Figure, Number
from probandum.finding import Verdict
from probandum.probe import ProbeResult
from probandum_reports import figures, lint
from probandum_reports.build import build
from probandum_reports.pictures import placed
from probandum_reports.view import View


def seen(found: list[ProbeResult]) -> tuple[View, list[Figure]]:
    """The view and the pictures of this kind."""
    dossier = make_dossier(results=found)
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    nodes = placed(view, dossier.findings, caption="Findings", chart="Chart")
    return view, [each for each in nodes if isinstance(each, Figure) and each.kind == "tradeoff"]


def test_explainers_stand_where_both_figures_have_them_with_both_intervals() -> None:
    """The points and lines are the findings'; the names stand there as text."""
    view, (figure,) = seen(explained(*EXPLAINERS))
    svg = figures.draw(figure, view)
    said = ["".join(each.itertext()).strip() for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    held = [cell.finding for row in figure.twin.rows for cell in row if isinstance(cell, Number)]

    assert svg == figures.draw(figure, view)
    assert set(EXPLAINERS) < set(said)
    assert 6 == len(set(held))
    assert figure.reading == (
        "Explanations of lime.tabular rest on the fewest features; intervals show more faithful ones of occlusion, "
        "shap.permutation."
    )


def test_limits_of_faithfulness_stay_in_the_chart_of_limits() -> None:
    """The picture repeats what is judged and takes its place nowhere."""
    dossier = make_dossier(results=explained(*EXPLAINERS))
    nodes = list(
        placed(
            View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier),
            dossier.findings,
            caption="Findings",
            chart="Chart",
        )
    )
    others = [each for each in nodes if isinstance(each, Figure) and each.kind != "tradeoff"]
    shown = {finding for each in others for finding in each.findings}

    assert {each.id for each in dossier.findings if each.metric.endswith("comprehensiveness-normalised")} <= shown


@pytest.mark.parametrize("kept", [("occlusion",), ()])
def test_one_explainer_is_no_picture(kept: tuple[str, ...]) -> None:
    """There is nothing to set against each other."""
    assert [] == seen(explained(*kept) if kept else explained(*EXPLAINERS)[:1])[1]


def test_the_picture_may_stand_in_a_document() -> None:
    """What it quotes is found again at its source."""
    dossier = make_dossier(results=explained(*EXPLAINERS))
    document = build("annex_iv", dossier)

    assert [] == list(lint.breaches(View(document, dossier)))
    assert Verdict.ERROR not in {each.verdict for each in dossier.findings}
