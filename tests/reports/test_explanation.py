"""The explanation of one decision: its words, its chart and its formats.

Its golden text is written again by PROBANDUM_GOLDEN=write pytest tests/reports/test_explanation.py
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from browsing import Page
from decisions import CARD, factor, make_reasons
from dossiers import make_dossier
from paths import ROOT
from probandum.document import Document, Fact, Figure
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum.reasons import Alternative, Flip, Reasons, Shift, Spread
from probandum_reports import charting, figures, lint, waterfalls
from probandum_reports.build import explained
from probandum_reports.decision_words import DecisionWords
from probandum_reports.documents import explanation, templates
from probandum_reports.nodes import walk
from probandum_reports.publisher import EXPLAINED, DocumentPublisher
from probandum_reports.view import View

GOLDEN = ROOT / "tests" / "golden" / "explanation.txt"


def told(reasons: Reasons | None = None, **card: object) -> Dossier:
    """A dossier with a decision, under a card that names its columns."""
    base = make_dossier()
    return replace(base, decision=reasons or make_reasons(), card={**base.card, **CARD, **card})


def text_of(dossier: Dossier) -> str:
    """The explanation as plain text, its lines joined."""
    return " ".join(DocumentPublisher().explained(dossier, "text").decode().split())


def facts(document: Document) -> dict[str, str]:
    """Every fact of the decision by path."""
    nodes = walk([*document.front, *document.nodes])
    return {each.path: each.value for each in nodes if isinstance(each, Fact) and each.path.startswith("decision:")}


def test_the_text_is_the_golden_one() -> None:
    """Every word of it is as it was when somebody last read it."""
    made = DocumentPublisher().explained(told(), "text")
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        GOLDEN.write_bytes(made)

    assert GOLDEN.read_text("utf-8").splitlines() == made.decode().splitlines()


@pytest.mark.parametrize("format", sorted(EXPLAINED))
def test_every_format_is_the_same_in_every_run(format: str) -> None:
    """No clock and no chance stands in a file."""
    made = [DocumentPublisher().explained(told(), format) for _ in range(2)]

    assert made[0] == made[1]


def test_no_audit_writes_it_of_itself() -> None:
    """It is no document that a plan can name, since it needs a row."""
    assert "explanation" == explanation().id
    assert "explanation" not in templates()


def test_factors_that_are_not_stable_are_not_told_to_the_person() -> None:
    """The factor without a stable sign stands in the annex alone; how many are left out is said."""
    document = explained(told())
    words = facts(document)
    named = " ".join(text for path, text in words.items() if path.startswith("decision:reasons."))

    assert "phone" not in named
    assert "1 thing is left out" in words["decision:left_out"]
    assert words["decision:factor.4"].endswith("not stable: not told to the person")


def test_weak_factors_are_counted_and_stand_in_the_annex() -> None:
    """What is stable and weak is not named, and is not hidden either."""
    words = facts(explained(told()))

    assert "1 thing is stable, and not among the strongest" in words["decision:left_out"]
    assert words["decision:factor.3"] == "−0.040 (−0.050 to −0.030), in 10 of 10 calculations; stable, place 4"


def test_a_protected_attribute_is_shown_and_flagged() -> None:
    """It stands among the reasons however weak it is, with a warning beside it."""
    document = explained(told())
    words = facts(document)

    assert "age: 23 years" == words["decision:reasons.Slightly for you"]
    assert "age: 23 years states age, whose groups the audit compares" == words["decision:flagged.2"]
    assert "Among these is what states a protected attribute." in text_of(told())


def test_another_decision_for_another_age_holds_the_explanation_back() -> None:
    """It is the first thing that is said, and the status says it."""
    flip = Flip(attribute="age", name="age", tried=("20", "30", "40", "50", "60"), changing=("30", "40", "50"))
    document = explained(told(make_reasons(flips=(flip,))))

    assert document.status.startswith("Held back, to be looked at by a person: ")
    assert "30 to 50 years (3 of 5 values tried)" in facts(document)["decision:flip.age"]


def test_what_cannot_be_told_apart_is_named_together() -> None:
    """Two factors in one place are said to be alike."""
    alike = (factor("duration", "48", 1.0, 0.1, place=1), factor("savings", "1", 0.98, 0.1, place=1))
    words = facts(explained(told(make_reasons(factors=alike))))

    assert (
        "duration of the loan: 48 months, savings: below 100 EUR (which of these 2 counted more cannot be told)"
        == words["decision:reasons.Strongly against you"]
    )


def test_nothing_stable_is_no_explanation() -> None:
    """Where nothing holds, a person explains from the file, and no chart is drawn."""
    loose = tuple(replace(each, kept=False, place=0, named=False) for each in make_reasons().factors)
    document = explained(told(make_reasons(factors=loose, alone=None)))

    assert "A reliable individual explanation is not available" in text_of(told(make_reasons(factors=loose)))
    assert [] == [each for each in document.nodes if isinstance(each, Figure)]


def test_steps_lead_from_other_cases_to_this_one() -> None:
    """Start, steps and end add up in log-odds of what is shown, whatever class was decided."""
    words = DecisionWords(told())
    steps = words.steps

    assert 0.2 == pytest.approx(steps[0][1])  # of the class that is shown: the other one starts at -0.2
    assert [each.told.name if each else None for each, *_ in steps] == ["duration", "savings", "age", None]
    assert all(begins == pytest.approx(ends[2]) for ends, (_, begins, *_) in pairwise(steps))
    assert -0.619 == pytest.approx(steps[-1][2])


def test_words_without_a_card_are_those_of_the_data() -> None:
    """Columns and answers are called by their own names, and what is not declared is a gap."""
    base = make_dossier()
    dossier = replace(base, decision=make_reasons())
    document = explained(dossier)
    words = facts(document)

    assert "Not favourable to you (answer “0”)" == words["decision:outcome"]
    assert "duration: 48" == words["decision:reasons.Strongly against you"]
    assert "names in plain words of duration, savings, age, job, phone" in text_of(dossier)
    assert "source and date of all of these" in text_of(dossier)


def test_a_plan_without_a_favourable_decision_speaks_of_the_decision_alone() -> None:
    """Nothing is for or against a person where nobody said what is good for them."""
    words = facts(explained(told(make_reasons(favourable=None))))

    assert "decision:reasons.Strongly toward the decision" in words
    assert "which decision is good for the person" in text_of(told(make_reasons(favourable=None)))


def test_words_of_a_text_are_factors_with_their_places() -> None:
    """A text classifier's answer is explained by words."""
    word = replace(factor("hate", "word 3", 1.0, 0.0, place=1), bands=("strong", "strong"))
    reasons = make_reasons(
        factors=(word,), text=True, favourable=None, runs=1, background=0, alternatives=(), flips=(), fixed=(),
        alone=None, near=None, why_none="no edit of up to 3 of 4 words turns the answer, of 60 texts asked",
    )  # fmt: skip
    words = facts(explained(told(reasons)))

    assert "“hate” (word 3)" == words["decision:reasons.Strongly toward the decision"]
    assert "No edit of up to 3 of 4 words turns the answer, of 60 texts asked" == words["decision:why_none"]
    assert "strongly toward the decision, without chance; then" in words["decision:step.0"]


def test_words_that_turn_the_answer_to_a_text_are_said() -> None:
    """Deleted or replaced, with their places; nothing is asked of columns, and what was not measured is said."""
    edits = (Shift(name="word 3", before="hate!", after=""), Shift(name="word 4", before="you", after="me"))
    turned = Alternative(shifts=edits, label="1", probability=0.2, unusual=False)
    reasons = make_reasons(
        text=True, favourable=None, runs=1, background=0, flips=(), fixed=(), alternatives=(turned,)
    )  # fmt: skip
    text = text_of(told(reasons))

    assert (
        "Without the word “hate!” (word 3) and with “me” in place of “you” (word 4), and everything else the same, the "
        "result would have been: the answer “1” (estimate of that answer 20\xa0%)."
    ) == facts(explained(told(reasons)))["decision:alternative.0"]
    assert "How natural the changed text reads was not measured." in text
    assert "What of this can be changed" not in text


def test_the_tool_decides_no_law() -> None:
    """Whether Art. 22 applies, and which text is sent, is for a person to write."""
    text = text_of(told())

    assert "[for a person to write] whether Art. 22 applies" in text
    assert "This tool does not decide whether Art. 22 GDPR applies." in text


def test_words_that_no_explanation_may_use_do_not_occur() -> None:
    """No cause, no promise and no praise is stated."""
    said = text_of(told()).lower()

    assert [] == re.findall(r"the reason was|caused|guarantee|objective|unbiased|certif|compliant", said)


def test_a_fact_that_says_anything_else_is_refused() -> None:
    """Each statement is what stands at its path."""
    dossier = told()
    document = explained(dossier)
    wrong = Fact(path="decision:outcome", value="The loan is granted", origin="measured")

    with pytest.raises(RecordError, match="fact decision:outcome says 'The loan is granted'"):
        lint.check(View(replace(document, nodes=(*document.nodes, wrong)), dossier))


def test_names_of_others_are_quoted_and_obeyed_by_nothing() -> None:
    """A column may be called as people like; its name is no word of the product, no markup and no formula."""
    hostile = (
        factor("approved", "1", 1.0, 0.1, place=1),
        factor("fair_value", "<script>", -0.5, 0.1, place=2),
        factor("x^2 $y$ \u202e", "2", 0.3, 0.1, place=3),
    )
    dossier = told(make_reasons(factors=hostile, alternatives=(), why_none="no feature may change"))
    made = {format: DocumentPublisher().explained(dossier, format) for format in EXPLAINED}

    assert b"<script>" not in made["html"]
    assert "fair value: <script>" in made["text"].decode()
    assert "\u202e" not in made["text"].decode()


def test_the_chart_shows_its_uncertainty_and_its_twin_repeats_every_value() -> None:
    """Every step has a whisker and a row of the table; the picture is small and needs no script."""
    dossier = told()
    document = explained(dossier)
    figure = next(each for each in document.nodes if isinstance(each, Figure))
    view = View(document, dossier)
    svg = figures.draw(figure, view).decode()

    assert "95 % interval" in svg
    assert "where the decision turns, 50" in svg
    assert [row[0] for row in figure.twin.rows] == [
        "The middle of other cases",
        "duration of the loan: 48 months",
        "savings: 100 EUR or more",
        "age: 23 years",
        "2 other things together",
        "This case",
    ]
    assert "<script" not in svg
    assert 40_000 > len(svg)
    assert figures.draw_narrow(figure, view) is not None


def test_a_chart_without_width_shows_no_whisker() -> None:
    """Where nothing varies no interval is drawn."""
    still = tuple(
        replace(each, weight=replace(each.weight, low=each.weight.value, high=each.weight.value))
        for each in make_reasons().factors
    )
    rest = replace(make_reasons().rest, low=-0.001, high=-0.001)
    dossier = told(make_reasons(factors=still, rest=rest))
    document = explained(dossier)
    figure = next(each for each in document.nodes if isinstance(each, Figure))

    assert "95 % interval" not in figures.draw(figure, View(document, dossier)).decode()
    assert "95 %" not in figure.twin.header[1]


def charts(dossier: Dossier) -> list[Any]:
    """The axes of the chart in both widths."""
    document = explained(dossier)
    figure = next(each for each in document.nodes if isinstance(each, Figure))
    view = View(document, dossier)
    with charting.lettered():
        return [draw(figure, view, {}).axes[0] for draw in (waterfalls.chart, waterfalls.narrow)]


def test_what_is_nothing_has_no_direction() -> None:
    """No word, no bar: the others together are without any part, however they were rounded to it."""
    reasons = make_reasons(rest=Spread(value=0.0, low=0.0, high=0.0))
    words = facts(explained(told(reasons)))

    assert words["decision:step.3"].startswith("without any part; then")
    assert "decision:step.4" not in words
    assert 3 == len(charts(told(reasons))[0].patches)
    assert 4 == len(charts(told())[0].patches)


def test_a_long_label_is_wrapped_in_either_width() -> None:
    """A name with its value is read to its end, and no two rows lie on each other."""
    long = "duration of the loan, in months, as the customer and the bank agreed on it in writing"
    columns = {"duration": {"name": long, "unit": "months"}}
    for axes in charts(told(columns=columns)):
        found = sorted((each.get_position()[1], each.get_position()[0], each.get_text()) for each in axes.texts)
        words = " ".join(text for _, across, text in found if across <= 0)

        assert f"{long}: 48 months" in words
        assert len(found) == len({(down, across) for down, across, _ in found})


def test_another_name_of_a_class_is_the_cards() -> None:
    """A class that the card names is called so, wherever it is spoken of."""
    dossier = told(make_reasons(favourable=None), decision={"classes": {"0": "not repaid", "1": "repaid"}})
    words = facts(explained(dossier))

    assert "The answer “not repaid”" == words["decision:outcome"]
    assert words["decision:estimate"].endswith("the probability of “repaid” as the system sees it")


def test_rows_that_stand_for_others_are_said_to_be_drawn_so() -> None:
    """By their weights, in the text and in the annex."""
    words = facts(explained(told(make_reasons(weighted=True))))

    assert "100 other cases drawn anew, by how many persons each stands for" in words["decision:stability"]
    assert words["decision:runs"].endswith("drawn with the plan's seed, by how many persons each stands for")


def test_the_page_stands_alone() -> None:
    """It links to nothing beside it, runs nothing, and says whose model answered."""
    page = DocumentPublisher().explained(told(), "html")

    assert {"#"} == {each.attributes["href"][:1] for each in Page(page).all("a")}
    assert [] == Page(page).all("script")
    assert b"from asking the same model again" in page


def test_json_holds_the_decision_whole() -> None:
    """Machines read every factor, also those that a person is not told."""
    made = json.loads(DocumentPublisher().explained(told(), "json"))

    assert ["duration", "savings", "age", "job", "phone"] == [
        each["told"]["name"] for each in made["decision"]["factors"]
    ]
    assert 0.35 == made["decision"]["probability"]


def test_a_word_file_begins_with_what_it_says() -> None:
    """The first page of a person's own explanation holds its first section, and no digests."""
    import io

    import docx

    word = docx.Document(io.BytesIO(DocumentPublisher().explained(told(), "docx")))
    lines = [each.text for each in word.paragraphs if each.text.strip()]

    assert lines.index("In short") < lines.index("How to read this document")
    assert [] == [line for line in lines if line.startswith("Plan: ask")]


def test_an_attribute_without_any_part_is_not_called_unstable() -> None:
    """What had no weight in any calculation had no part, which is said as it is."""
    reasons = make_reasons()
    factors = tuple(
        replace(each, kept=False, named=False, idle=True) if each.told.name == "age" else each
        for each in reasons.factors
    )

    assert "age is an input; it had no part in any calculation" in text_of(told(replace(reasons, factors=factors)))
