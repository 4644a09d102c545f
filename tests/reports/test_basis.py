"""What figures rest on: their label beside them, and what strata turn round."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dossiers import HELD, make_dossier
from probandum.document import Fact, Figure, Gap, Listing, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Estimate, Groups, Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure, ProbeResult
from probandum_reports import basis, index, lint, reversals
from probandum_reports.build import build
from probandum_reports.nodes import walk
from probandum_reports.view import View

PAIR = Groups(attribute="sex", group="women", reference="men")
REVERSED = "crude -0.2735 and adjusted +0.0985 point in opposite directions: it is reversed within the strata"


def stated(dossier: Dossier, name: str) -> list[Table]:
    """The tables of a document that say what the label is."""
    return [node for node in build(name, dossier).nodes if isinstance(node, Table) and "label" in node.caption]


def result(probe: str, *measures: Measure) -> ProbeResult:
    """What one probe left."""
    held = tuple(replace(each, evidence=("sha256:" + "0" * 64,)) for each in measures)
    return ProbeResult(probe=probe, version=1, status="measured", measures=held, controls=HELD, summary="A probe.")


def measured(metric: str, value: float, **more: Any) -> Measure:
    """A quantity of two groups."""
    found = Estimate(value=value, low=value, high=value, n=900, unit="share", method="exact")
    return Measure(metric=metric, groups=PAIR, estimate=found, **more)


@pytest.mark.parametrize(("name", "places"), [("annex_iv", 2), ("dpia", 1)])
def test_the_label_is_named_where_error_rates_stand(dossier: Dossier, name: str, places: int) -> None:
    """Its column, what it records, and how labels and rows came about, or a gap that says what is missing."""
    meaning = "Whether the loan was repaid; who was refused has none"
    told = replace(dossier, card={**dossier.card, "data": {"label_meaning": meaning}})
    tables = stated(told, name)

    assert places == len(tables)
    rows: dict[str, Any] = {str(row[0]): row[1] for row in tables[0].rows}
    assert "column bad_loan; its value 1 is what the system tries to detect" == rows["Label"].value
    assert meaning == rows["What it records"].value
    assert isinstance(rows["How labels were given"], Gap)
    assert isinstance(rows["How rows were selected"], Gap)


@pytest.mark.parametrize("name", ["annex_iv", "dpia"])
def test_what_is_missing_of_a_label_is_one_field(dossier: Dossier, name: str) -> None:
    """The same question in several places has one field and one entry among the open items."""
    document = build(name, replace(dossier, card={"name": "System"}))
    fields = {node.field_id for node in walk(document.nodes) if isinstance(node, Gap) and "label" in node.what}
    open_items = next(node for node in document.nodes if isinstance(node, Table) and node.caption == "Open items")

    assert len(fields) == sum("label" in str(row[0]) for row in open_items.rows)
    assert [] == list(lint.breaches(View(document, replace(dossier, card={"name": "System"}))))


def test_the_caution_stands_before_the_figures(dossier: Dossier) -> None:
    """A reader meets what a label cannot show before the first figure that rests on it."""
    nodes = build("annex_iv", dossier).nodes
    caution = next(place for place, node in enumerate(nodes) if isinstance(node, Text) and node.text == basis.CAUTION)
    leaning = {finding.id for finding in basis.leaning(dossier.findings)}
    drawn = [place for place, node in enumerate(nodes) if isinstance(node, Figure) and leaning & set(node.findings)]

    assert leaning
    assert caution < min(drawn)


def test_the_index_names_the_label_and_what_nobody_says_of_it(dossier: Dossier) -> None:
    """A page without room for the table says the same in sentences."""
    page = index.index(dossier, [], {}).decode()

    assert "Label: column bad_loan; its value 1 is what the system tries to detect." in page
    assert "Nobody states what it records, how labels were given, how rows were selected." in page


def test_figures_without_a_label_ask_for_none() -> None:
    """Where no figure rests on it, nobody is asked what the label means beside them."""
    dossier = make_dossier(results=[result("bias.group-rates", measured("selection-difference", 0.02))])

    assert [] == stated(dossier, "annex_iv")
    assert b"About the label" not in index.index(dossier, [], {})


def test_a_slice_of_an_error_rate_rests_on_the_label() -> None:
    """A search names the difference that it searches in a facet."""
    facets = {"slice": "town Bath"}
    searched = [measured("slice-excess", 0.1, facets=facets | {"gap": gap}) for gap in ("fpr-difference", "selection")]
    dossier = make_dossier(results=[result("bias.triage", *searched)])

    assert ["fpr-difference"] == [each.facets["gap"] for each in basis.leaning(dossier.findings)]


def turned(value: float) -> Dossier:
    """Two differences that point in opposite directions, for certain or not."""
    told: dict[str, Any] = {"verdict": Verdict.NOT_APPLICABLE, "sub_reason": SubReason.NO_LIMIT, "why": REVERSED}
    return make_dossier(
        results=[
            result(
                "bias.conditional-parity",
                measured("crude-difference", -0.27),
                measured("adjusted-difference", 0.1),
                measured("sign-reversal", value, mode="disclosure", **told),
            )
        ]
    )


@pytest.mark.parametrize("name", ["annex_iv", "dpia"])
def test_a_reversal_within_strata_is_told_beside_the_differences(name: str) -> None:
    """The caution, whom it is about, and the probe's own sentence, before any figure."""
    dossier = turned(1.0)
    document = build(name, dossier)
    place = next(
        at for at, node in enumerate(document.nodes) if isinstance(node, Text) and node.text == reversals.CAUTION
    )
    listed = document.nodes[place + 1]

    assert isinstance(listed, Listing)
    ((fact,),) = listed.entries
    assert isinstance(fact, Fact)
    assert ("sex: women against men", True) == (fact.label, "reversed within the strata" in fact.value)
    assert [] == list(lint.breaches(View(document, dossier)))


def test_either_difference_says_that_the_other_is_its_reverse() -> None:
    """The index says it in its cautions, and in the reason of whichever of the two is read alone."""
    dossier = turned(1.0)
    view = View(build("annex_iv", dossier), dossier)
    said = "What is true of all rows is reversed within the strata."
    reasons = [view.shown(each.id).reason for each in dossier.findings]

    assert [True, True, False] == [said in reason for reason in reasons]
    assert b"Reversed within strata" in index.index(dossier, [], {})


def test_strata_in_which_nothing_is_compared_are_a_caution() -> None:
    """Where the factors decide alone a difference of 0 says nothing of the system, and the index says so."""
    told: dict[str, Any] = {"verdict": Verdict.INCONCLUSIVE, "sub_reason": SubReason.TRIVIAL, "why": "so it is decided"}
    limit = Limit(metric="bias.conditional-parity/adjusted-difference", direction="band", threshold=0.05)
    for why, there in ((told, True), ({}, False)):
        results = [result("bias.conditional-parity", measured("adjusted-difference", 0.0, **why))]
        dossier = make_dossier(results=results, findings=judge(results, [limit]))
        assert there is (b"Nothing compared within strata" in index.index(dossier, [], {}))


def test_a_reversal_that_chance_explains_is_no_caution() -> None:
    """Only a certain one is told as such."""
    dossier = turned(0.0)
    texts = [node.text for node in build("annex_iv", dossier).nodes if isinstance(node, Text)]

    assert reversals.CAUTION not in texts
    assert b"Reversed within strata" not in index.index(dossier, [], {})
