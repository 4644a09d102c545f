"""Ribbons: a prompt sentence by sentence, readable in grey and without the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from matplotlib.colors import to_hex

from decisions import factor, make_reasons
from dossiers import make_dossier
from pictured import SENTENCES, prompted
from probandum.document import Document, Figure, Number
from probandum.reasons import Factor
from probandum_reports import charting, figures, lint, ribbons, word_ribbons
from probandum_reports.build import build, explained
from probandum_reports.pictures import placed
from probandum_reports.view import View


def seen(**made: Any) -> tuple[View, list[Figure]]:
    """The ribbons of a dossier."""
    dossier = make_dossier(**made)
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    nodes = placed(view, dossier.findings, caption="Findings", chart="Chart")
    return view, [node for node in nodes if isinstance(node, Figure) and node.kind == "ribbon"]


def test_a_ribbon_says_each_sentence_with_its_sign_and_value() -> None:
    """In the picture, in its alternative and in its table, all in the order of the prompt."""
    view, (figure,) = seen(**prompted())
    texts = [
        "".join(element.itertext())
        for element in ET.fromstring(figures.draw(figure, view)).iter("{http://www.w3.org/2000/svg}text")
    ]

    assert ["+", "−", "−", "·"] == [text for text in texts if text in "+−·"]
    assert all(view.shown(name).value in texts for name in figure.findings)
    assert "− “The person concerned is called Chuka Amadi.”" in figure.alt
    assert [text for text, *_ in SENTENCES] == [row[0] for row in figure.twin.rows]
    assert list(figure.findings) == [
        cell.finding for row in figure.twin.rows for cell in row if isinstance(cell, Number)
    ]
    assert figure.reading == (
        "Most is added by what is called fact, for the favourable answer; "
        "3 of 4 sentences can be told from one that adds nothing; "
        "3 of 3 add more, either way, than the irrelevant one."
    )


@pytest.mark.parametrize("draw", [ribbons.chart, ribbons.narrow])
def test_signs_show_in_grey(draw: Any) -> None:
    """A solid line for the favourable answer, a broken one against it, none where the interval holds 0."""
    view, (figure,) = seen(**prompted())
    with charting.lettered():
        axes = draw(figure, view, {}).axes[0]

    styles = [line.get_linestyle() for line in axes.lines if line.get_linewidth() == ribbons.UNDERLINE]
    tints = [round(patch.get_alpha(), 3) for patch in axes.patches]
    assert ["-", "--", "--"] == styles
    assert tints == sorted(tints, reverse=True)
    assert len(SENTENCES) == len(tints)


@pytest.mark.parametrize("name", ["annex_iv", "dpia"])
def test_a_ribbon_may_stand_in_a_document(name: str) -> None:
    """What it quotes is found again at its source."""
    dossier = make_dossier(**prompted(2))
    document = build(name, dossier)

    assert "ribbon" in {node.kind for node in document.nodes if isinstance(node, Figure)}
    assert [] == list(lint.breaches(View(document, dossier)))


def test_a_few_prompts_are_drawn_and_the_same_each_time() -> None:
    """Three at most, each with equal bytes; further ones stand in tables."""
    view, found = seen(**prompted(5))

    assert 3 == len(found)
    assert figures.draw(found[0], view) == figures.draw(found[0], view)
    assert figures.draw_narrow(found[0], view) == figures.draw_narrow(found[0], view)


def test_sentences_that_add_nothing_are_drawn() -> None:
    """No scale has a width of 0, and the reading says that nothing can be told."""
    view, (figure,) = seen(**prompted(scale=0.0))

    assert b"<svg" in figures.draw(figure, view)
    assert "No sentence can be told from one that adds nothing." == figure.reading


#: Words of a text in the order of their strength, with what each added, and whether that is stable.
WORDS = (("idiot!", 5, 2.1, True), ("love", 2, -0.9, True), ("You", 1, 0.1, False), ("a", 4, 0.0, False))


def of_a_text(factors: tuple[Factor, ...] = ()) -> tuple[View, Figure]:
    """The explanation of a classifier's answer to four words, or to others, and its ribbon."""
    words = tuple(
        factor(word, f"word {at}", weight, 0.0, place=number if kept else 0)
        for number, (word, at, weight, kept) in enumerate(WORDS, 1)
    )
    reasons = make_reasons(
        factors=factors or words, text=True, favourable=None, runs=1, background=0, alternatives=(), flips=(), fixed=(),
        alone=None, near=None, why_none="nothing was found",
    )  # fmt: skip
    dossier = replace(make_dossier(), decision=reasons)
    document = explained(dossier)
    (figure,) = [node for node in document.nodes if isinstance(node, Figure) and node.kind == "words"]
    return View(document, dossier), figure


@pytest.mark.parametrize("draw", [word_ribbons.chart, word_ribbons.narrow])
def test_a_text_is_drawn_word_by_word(draw: Any) -> None:
    """In its own order; a line under what is stable, solid one way and broken the other."""
    view, figure = of_a_text()
    with charting.lettered():
        axes = draw(figure, view, {}).axes[0]

    assert ["You", "love", "a", "idiot!"] == [each.get_text() for each in axes.texts]
    you, love, _, idiot = (patch.get_alpha() for patch in axes.patches)
    assert you < love < idiot
    assert 2 == len(axes.lines)
    assert 2 == len({line.get_linestyle() for line in axes.lines})


def test_a_text_that_fits_no_page_is_drawn_by_the_ends_of_its_passages() -> None:
    """A picture higher than a page would be cut."""
    passages = tuple(
        factor(
            " ".join([f"w{place}", *["and"] * 18, "so"]),
            f"words {20 * place + 1} to {20 * place + 20}",
            0.5,
            0.0,
            place=1,
        )
        for place in range(40)
    )
    view, figure = of_a_text(passages)
    with charting.lettered():
        sheet = word_ribbons.chart(figure, view, {})

    assert charting.PAGE >= sheet.get_size_inches()[1]
    assert ["w0", "…", "so", "w1"] == [each.get_text() for each in sheet.axes[0].texts][:4]


@pytest.mark.parametrize("draw", [word_ribbons.chart, word_ribbons.narrow])
def test_a_word_without_any_part_is_grey(draw: Any) -> None:
    """It has neither the tint of a direction nor a line, and the legend says what grey is."""
    view, figure = of_a_text()
    with charting.lettered():
        sheet = draw(figure, view, {})
    grey = [charting.RULE == to_hex(patch.get_facecolor()) for patch in sheet.axes[0].patches]
    keys = [each.get_text() for each in sheet.legends[0].get_texts()]

    assert [False, False, True, False] == grey
    assert ["no line: not stable", "without any part"] == keys[2:]


@pytest.mark.parametrize("draw", [ribbons.chart, ribbons.narrow])
def test_a_sentence_without_any_part_is_grey(draw: Any) -> None:
    """What adds exactly 0 has the tint of no direction."""
    view, (figure,) = seen(**prompted(scale=0.0))
    with charting.lettered():
        axes = draw(figure, view, {}).axes[0]

    assert {charting.MUTED} == {to_hex(patch.get_facecolor()) for patch in axes.patches}


def test_a_passage_is_drawn_whole_and_named_by_its_ends() -> None:
    """Of a long text several words have one part: all stand in picture and table, the first and last in sentences."""
    passages = (
        factor("the quick brown fox", "words 1 to 4", 0.5, 0.0, place=1),
        factor("jumps over", "words 5 to 6", 0.0, 0.0, place=0),
    )
    view, figure = of_a_text(passages)
    with charting.lettered():
        axes = word_ribbons.chart(figure, view, {}).axes[0]

    assert ["the", "quick", "brown", "fox", "jumps", "over"] == [each.get_text() for each in axes.texts]
    assert ["“the quick brown fox” (words 1 to 4)", "“jumps over” (words 5 to 6)"] == [
        row[0] for row in figure.twin.rows
    ]
    assert "“the … fox” (words 1 to 4)" == view.decided["reasons.Strongly toward the decision"]
    assert "What each passage of the text added" == figure.caption
    assert "1 passage is without any part in it" == view.decided["left_out"]
    assert "Of 2 passages 1 has a part that is stable, 1 has no part at all." == figure.reading


def test_words_stand_in_a_table_too() -> None:
    """Every word with its weight; the document is one that may be written."""
    view, figure = of_a_text()

    assert 4 == len(figure.twin.rows)
    assert figure.reading == (
        "Of 4 words 2 have a part that is stable, 1 has one that is not stable, 1 has no part at all."
    )
    assert [] == list(lint.breaches(view))
    assert figures.draw(figure, view) == figures.draw(figure, view)
