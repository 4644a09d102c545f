"""The picture of explainers by how many features they name and how faithful they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

import pytest

from dossiers import HELD, make_dossier
from probandum.document import Document, Figure, Number
from probandum.finding import Estimate, Verdict
from probandum.probe import Measure, ProbeResult
from probandum.stats import bounds
from probandum_reports import figures, lint
from probandum_reports.build import build
from probandum_reports.pictures import placed
from probandum_reports.view import View

#: By explainer: effective features, and normalised comprehensiveness, each with its standard error.
FOUND: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "lime.tabular": ((3.1, 0.15), (0.80, 0.018)),
    "occlusion": ((4.2, 0.13), (0.92, 0.008)),
    "shap.permutation": ((4.6, 0.15), (0.91, 0.035)),
}


def measured(probe: str, metric: str, unit: str, which: int, explainers: tuple[str, ...]) -> ProbeResult:
    """One figure of each explainer."""
    measures = []
    for name in explainers:
        moments = (*FOUND[name][which], 99.0)
        low, value, high = (getattr(bounds("t", level=0.95, moments=moments), end) for end in ("low", "value", "high"))
        estimate = Estimate(value=value, low=low, high=high, n=100, unit=unit, method="t", moments=moments)
        measures.append(
            Measure(
                metric=metric,
                estimate=estimate,
                facets={"explainer": name},
                mode="disclosure" if which == 0 else "gate",
                evidence=("sha256:" + "0" * 64,),
            )
        )
    return ProbeResult(
        probe=probe, version=1, status="measured", measures=tuple(measures), controls=HELD, summary="Does.", planned=1
    )


def results(*explainers: str) -> list[ProbeResult]:
    """What both probes left of these explainers."""
    return [
        measured("explain.complexity", "effective-features", "features", 0, explainers),
        measured("explain.faithfulness", "comprehensiveness-normalised", "score", 1, explainers),
    ]


def seen(found: list[ProbeResult]) -> tuple[View, list[Figure]]:
    """The view and the pictures of this kind."""
    dossier = make_dossier(results=found)
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    nodes = placed(view, dossier.findings, caption="Findings", chart="Chart")
    return view, [each for each in nodes if isinstance(each, Figure) and each.kind == "tradeoff"]


def test_explainers_stand_where_both_figures_have_them_with_both_intervals() -> None:
    """The points and lines are the findings'; the names stand there as text."""
    view, (figure,) = seen(results(*FOUND))
    svg = figures.draw(figure, view)
    said = ["".join(each.itertext()).strip() for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    held = [cell.finding for row in figure.twin.rows for cell in row if isinstance(cell, Number)]

    assert svg == figures.draw(figure, view)
    assert set(FOUND) < set(said)
    assert 6 == len(set(held))
    assert figure.reading == (
        "Explanations of lime.tabular rest on the fewest features; intervals show more faithful ones of occlusion, "
        "shap.permutation."
    )


def test_limits_of_faithfulness_stay_in_the_chart_of_limits() -> None:
    """The picture repeats what is judged and takes its place nowhere."""
    dossier = make_dossier(results=results(*FOUND))
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
    assert [] == seen(results(*kept) if kept else results(*FOUND)[:1])[1]


def test_the_picture_may_stand_in_a_document() -> None:
    """What it quotes is found again at its source."""
    dossier = make_dossier(results=results(*FOUND))
    document = build("annex_iv", dossier)

    assert [] == list(lint.breaches(View(document, dossier)))
    assert Verdict.ERROR not in {each.verdict for each in dossier.findings}
