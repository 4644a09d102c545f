from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dossiers import make_dossier, make_results
from papers import findings_table
from probandum.document import Document, Figure
from probandum.dossier import Dossier
from probandum.errors import UsageError
from probandum.finding import Direction, Finding, Groups, Verdict
from probandum.withholding import WITHHELD, WITHHELD_TOO
from probandum_reports import charting, figures
from probandum_reports.html import inlined
from probandum_reports.lettering import printable
from probandum_reports.strips import neutral, span, strips, tolerated_side
from probandum_reports.typesetting import picture, raster, typeset
from probandum_reports.view import View

SVG = "{http://www.w3.org/2000/svg}"


def figure_of(dossier: Dossier, kind: str, metric: str) -> tuple[Figure, View]:
    """A figure of all findings whose metric ends so."""
    found = [finding for finding in dossier.findings if finding.metric.endswith(metric)]
    names = tuple(finding.id for finding in found)
    made = Figure(kind=kind, caption="A chart", alt="What it shows", findings=names, twin=findings_table(found))
    return made, View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)


def texts(svg: bytes) -> list[str]:
    """The text of a chart, in drawing order."""
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(("kind", "metric"), [("intervals", "-difference"), ("rates", "selection-rate")])
def test_a_chart_is_the_same_in_every_run(dossier: Dossier, kind: str, metric: str) -> None:
    """No date, no random id: the same findings give the same bytes."""
    figure, view = figure_of(dossier, kind, metric)

    assert figures.draw(figure, view) == figures.draw(*figure_of(make_dossier(), kind, metric))
    assert b"<dc:date>" not in figures.draw(figure, view)


@pytest.mark.parametrize(("kind", "metric"), [("intervals", "-difference"), ("rates", "selection-rate")])
def test_a_narrow_chart_says_what_the_wide_one_says(dossier: Dossier, kind: str, metric: str) -> None:
    """Half as wide, in letters as large: titles, values, n and keys are the same, and so is what is withheld."""
    figure, view = figure_of(dossier, kind, metric)
    wide, small = figures.draw(figure, view), figures.draw_narrow(figure, view)
    assert small is not None

    assert float(ET.fromstring(small).attrib["viewBox"].split()[2]) == pytest.approx(72 * charting.NARROW)
    ticks = {text for text in (*texts(wide), *texts(small)) if text.lstrip("−").replace(".", "").isdigit()}
    assert " ".join(sorted({*texts(wide)} - ticks)) == " ".join(sorted({*texts(small)} - ticks))


def test_other_charts_have_one_width(dossier: Dossier) -> None:
    """They scroll inside their frame."""
    figure, view = figure_of(dossier, "heat", "selection-rate")

    assert None is figures.draw_narrow(figure, view)


def test_text_stays_text_and_the_chart_has_its_alternative(dossier: Dossier) -> None:
    """Labels, values and n can be selected and searched; the title says the chart in words."""
    figure, view = figure_of(dossier, "intervals", "fpr-difference")
    svg = figures.draw(figure, view)
    said = texts(svg)

    assert "What it shows" == ET.fromstring(svg).findtext(f"{SVG}title")
    for text in ("False-positive-rate difference", "25 or younger against over 25", "0.374", "n = 320", "Fail"):
        assert text in said


def test_every_metric_has_a_panel_of_its_own(dossier: Dossier) -> None:
    """Quantities of different metrics never share a scale."""
    figure, view = figure_of(dossier, "intervals", "-difference")
    said = texts(figures.draw(figure, view))

    for title in ("Selection difference", "False-positive-rate difference", "True-positive-rate difference"):
        assert title in said


def test_verdicts_differ_in_shape_and_not_only_in_colour() -> None:
    """No two verdicts are drawn with the same shape and filling."""
    shapes = [(charting.SHAPES[verdict], verdict in charting.OPEN) for verdict in Verdict]

    assert len(Verdict) == len(set(shapes))


def test_a_withheld_figure_is_not_drawn(dossier: Dossier) -> None:
    """Fewer than ten persons, and whoever would give them away: the row says so, and neither value nor n is there."""
    figure, view = figure_of(dossier, "rates", "selection-rate")
    said = texts(figures.draw(figure, view))
    hidden = [view.shown(name) for name in figure.findings if view.shown(name).suppressed]

    assert {WITHHELD, WITHHELD_TOO} == {each.value for each in hidden}
    assert all(each.value in said for each in hidden)
    assert not {"n = 6", "n = 114"} & set(said)


def test_hostile_labels_are_drawn_as_text() -> None:
    """Markup and formulas in a group's name break neither the file nor the drawing."""
    first = make_results()[0]
    name = "<script>$\\frac{1}{0}$</script>\x00"
    measures = tuple(
        replace(each, groups=each.groups and replace(each.groups, group=name))
        for each in first.measures
        if each.metric == "fpr-difference"
    )
    dossier = make_dossier(results=[replace(first, measures=measures)])
    figure, view = figure_of(dossier, "intervals", "fpr-difference")
    svg = figures.draw(figure, view)

    assert "<script>$\\frac{1}{0}$</script>" in " ".join(texts(svg))
    assert not list(ET.fromstring(svg).iter("script"))


def test_an_unknown_kind_is_named(dossier: Dossier) -> None:
    """A kind that nobody draws, and a chart of nothing, are errors and not blank space."""
    figure, view = figure_of(dossier, "pie", "fpr-difference")

    with pytest.raises(UsageError, match="no figure of kind 'pie'"):
        figures.draw(figure, view)
    with pytest.raises(UsageError, match="shows no finding"):
        figures.draw(replace(figure, kind="rates", findings=()), view)


def test_a_chart_in_a_page_wears_the_colours_of_the_page(dossier: Dossier) -> None:
    """Inside a page every colour follows light and dark, ids are its own, and references still point at them."""
    figure, view = figure_of(dossier, "intervals", "fpr-difference")
    svg = str(inlined(figures.draw(figure, view), prefix="one-"))
    root = ET.fromstring(svg)
    ids = {element.get("id") for element in root.iter() if element.get("id")}

    assert not [colour for colour in (*charting.COLOURS.values(), charting.INK, charting.MUTED) if colour in svg]
    assert "var(--fail)" in svg
    assert all(name is not None and name.startswith("one-") for name in ids)
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "href":
                assert value[1:] in ids
            if value.startswith("url(#"):
                assert value[5:-1] in ids


def test_strips_of_a_metric_share_a_scale(dossier: Dossier) -> None:
    """Two findings of one metric are drawn on one scale, and each holds its interval and limit."""
    judged = [finding for finding in dossier.findings if finding.limit is not None]
    for finding in judged:
        strip = strips(judged)[finding.id]
        assert 0 <= strip.low <= strip.value <= strip.high <= 1
        assert strip.good is not None
        assert all(0 <= edge <= 1 for edge in strip.limits)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("impact-ratio", 1.0),
        ("fpr-difference", 0.0),
        ("selection-rate", None),
        ("comprehensiveness-normalised", None),
        ("joules-per-request", None),
    ],
)
def test_only_comparisons_have_a_value_of_no_effect(dossier: Dossier, metric: str, expected: float | None) -> None:
    """A ratio of 1 and a difference of 0 mean no effect; a rate of one group, a score and an amount mean themselves."""
    finding = next(finding for finding in dossier.findings if finding.metric.endswith(f"/{metric}"))

    assert expected == neutral(finding)


def test_a_value_without_spread_is_still_drawn() -> None:
    """An exact figure at its limit gives a scale of some width, not a division by zero."""
    first = make_results()[3]
    estimate = replace(
        first.measures[0].estimate, value=0.0, low=0.0, high=0.0, method="exact", draws=None, design=None
    )
    results = [replace(first, measures=(replace(first.measures[0], estimate=estimate),))]
    finding = make_dossier(results=results).findings[0]

    assert 0 <= strips([finding])[finding.id].value <= 1


@given(low=st.floats(-1e6, 1e6), wide=st.floats(-9, 6), steps=st.integers(3, 8))
def test_no_two_ticks_of_a_scale_read_alike(low: float, wide: float, steps: int) -> None:
    """Of a scale wide or narrow, near 0 or far from it."""
    axes = charting.blank(1.0).add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(low, low + max(10.0**wide, 1e-9 * abs(low)))
    charting.ticked(axes.xaxis, steps)
    ends = axes.get_xlim()
    labels = [charting.tick_label(tick, *ends) for tick in axes.get_xticks() if ends[0] <= tick <= ends[1]]

    assert labels
    assert len(set(labels)) == len(labels)


def limited(*numbers: float, direction: Direction, threshold: float, margin: float, unit: str) -> Finding:
    """A finding with these numbers from the lowest on and with such a limit."""
    found = next(each for each in make_dossier().findings if each.limit is not None)
    low, value, high = sorted(numbers)
    assert found.limit is not None
    limit = replace(found.limit, direction=direction, threshold=threshold, margin=margin, around=0.0)
    return replace(found, estimate=replace(found.estimate, low=low, value=value, high=high, unit=unit), limit=limit)


@given(
    numbers=st.tuples(*[st.floats(0.0, 1.0)] * 3) | st.just((1.0, 1.0, 1.0)),
    threshold=st.floats(0.0, 1.0),
    margin=st.floats(0.0, 0.2),
    direction=st.sampled_from(["at_most", "at_least"]),
    sign=st.sampled_from([1.0, -1.0]),
)
def test_a_scale_holds_what_was_found_and_nothing_that_a_share_cannot_be(
    numbers: tuple[float, ...], threshold: float, margin: float, direction: Direction, sign: float
) -> None:
    """No axis, no tolerated region and no limit lies beyond 1, nor below 0 where nothing else does."""
    signed = [sign * number for number in numbers]
    share = limited(*signed, direction=direction, threshold=threshold, margin=margin, unit="share")
    least, most = span([share])
    assert share.limit is not None
    good = tolerated_side(share.limit, (least, most))
    strip = strips([share])[share.id]

    assert (-1.0 if min(signed) < 0 else 0.0) <= least <= min(signed) <= max(signed) <= most <= 1.0
    assert least < most
    assert least <= good[0] <= good[1] <= most
    assert strip.good is not None
    assert all(0 <= place <= 1 for place in (strip.low, strip.value, strip.high, *strip.good, *strip.limits))


def test_a_share_of_all_has_a_scale_that_ends_at_all() -> None:
    """A figure of 1 that is to be 1: distinct ticks up to it, and nothing tinted beyond it."""
    first = make_results()[0]
    rate = next(each for each in first.measures if each.metric == "selection-rate")
    whole = replace(rate, estimate=replace(rate.estimate, value=1.0, low=1.0, high=1.0, method="exact", counts=None))
    figure, view = figure_of(make_dossier(results=[replace(first, measures=(whole,))]), "intervals", "selection-rate")
    ticks = [text for text in texts(figures.draw(figure, view)) if text.replace(".", "").isdigit()]

    assert "1" == ticks[-2]  # the last is the figure itself
    assert len(set(ticks)) == len(ticks) > 3


def test_bars_that_all_point_down_begin_at_zero() -> None:
    """The scale holds 0 also where no figure reaches it."""
    first = make_results()[0]
    gap = next(each for each in first.measures if each.metric == "fpr-difference")
    fall = replace(gap.estimate, value=-0.3, low=-0.4, high=-0.2, method="exact", moments=None)
    falls = replace(gap, metric="own-difference", estimate=fall)
    figure, view = figure_of(make_dossier(results=[replace(first, measures=(falls,))]), "rates", "own-difference")

    assert "0" in texts(figures.draw(figure, view))


def scripts(*names: str) -> tuple[Figure, View]:
    """A chart of rates of groups with these names."""
    first = make_results()[0]
    template = first.measures[0]
    measures = tuple(
        replace(template, groups=Groups(attribute="origin", group=name), evidence=(str(place),))
        for place, name in enumerate(names)
    )
    return figure_of(make_dossier(results=[replace(first, measures=measures)]), "rates", "selection-rate")


NAMES = (
    "中华人民共和国的汉族居民",
    "\u0627\u0644\u0633\u0648\u0631\u064a\u0648\u0646 \u0641\u064a \u0627\u0644\u0645\u0646\u0641\u0649",
    "Ελλάδα",
    "Україна",
    "\u0939\u093f\u0928\u094d\u0926\u0940",
    "Łódź",
)


def test_names_of_any_script_are_drawn_as_they_are() -> None:
    """The font that measures need not have the letters: no warning, and every name is in the chart."""
    said = [text.replace("\u200e", "") for text in texts(figures.draw(*scripts(*NAMES)))]

    for name in NAMES:
        assert any(name in text for text in said)


def test_each_line_of_a_label_hangs_on_its_right_edge() -> None:
    """Where a line begins is left to the reader's font, so that no label runs into the chart."""
    figure, view = scripts("a group whose name takes two lines of its own", "b")
    written = ("a group whose name takes two lines", "of its own", "b")
    root = ET.fromstring(figures.draw(figure, view))
    lines = [text for text in root.iter(f"{SVG}text") if "".join(text.itertext()) in written]

    assert 3 == len(lines)
    assert all("text-anchor: end" in line.attrib["style"] for line in lines)


def test_a_long_name_without_blanks_is_cut_to_four_lines() -> None:
    """Ideographs are as wide as two letters; what does not fit ends in an ellipsis."""
    said = texts(figures.draw(*scripts("中" * 90, "b")))

    assert [*["中" * 17] * 3, "中" * 16 + " …"] == [text for text in said if "中" in text]


def test_on_paper_a_name_without_letters_is_its_row_in_the_table() -> None:
    """The shipped fonts have Latin, Greek and Cyrillic: any other name is keyed, and the table's rows are numbered."""
    figure, view = scripts(*NAMES)
    chart, beside = picture(figure, view)
    said = " ".join(texts(chart))

    assert ["row 1 of the table", "row 2 of the table", "row 5 of the table"] == [
        text for text in texts(chart) if text.startswith("row ")
    ]
    assert all(name in said for name in ("Ελλάδα", "Україна", "Łódź"))
    assert said == printable(said)
    assert [f"{row}. " for row in range(1, 7)] == [str(cells[0])[:3] for cells in beside.twin.rows]
    assert "it gives their row in the table" in beside.caption
    assert raster(chart).startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "sign"), [("a -&gt; b", "a → b"), ("a =&gt; b", "a ⇒ b"), ("3x3", "3×3")])
def test_on_paper_two_names_that_differ_look_different(name: str, sign: str) -> None:
    """A font that draws two signs as one would show what was recorded as something else."""
    drawn, other = (
        raster(
            '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20"><text x="5" y="15" '
            f'font-family="Inter">{text}</text></svg>'.encode()
        )
        for text in (name, sign)
    )

    assert drawn != other


def test_on_paper_a_chart_whose_names_have_letters_stays_as_it_is(dossier: Dossier) -> None:
    """No key where none is needed."""
    figure, view = figure_of(dossier, "intervals", "fpr-difference")

    assert figure is picture(figure, view)[1]


def test_marks_over_i_and_j_leave_a_chart_that_can_be_archived() -> None:
    """The table beside a chart holds its names: a glyph that the chart alone takes for them would stop the document."""
    names = "Vi\u0307\u0301lnius b\u00edj\u0301na K\u0268\u0301"
    drawn = f'<text y="15" font-family="Inter">{names}</text>'
    chart = f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20">{drawn}</svg>'
    text = f'#set text(font: "Inter", features: (calt: 0, ccmp: 0))\n{names}'
    page = f'#set document(title: "c")\n{text}\n#image("c.svg", alt: "c")'

    made = typeset({"main.typ": page.encode(), "c.svg": chart.encode()}, pdf_standards=["a-3a"])
    assert made.startswith(b"%PDF")
