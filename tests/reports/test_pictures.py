"""Pictures of their own kind: what is drawn is what was found, and each has its table and its reading."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

import probandum_reports
from dossiers import make_dossier
from pictured import (
    ADDED,
    ANSWERS,
    BINS,
    COUNTS,
    NEUTRAL,
    PICTURED,
    ROWS,
    SLICES,
    SWAP,
    WORDS,
    calibration,
    clustered,
    compared,
    crossings,
    decomposed,
    result,
    share,
    stand_ins,
    swapped,
    terms,
    triage,
    whole,
)
from probandum import stats
from probandum.document import Document, Fact, Figure, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum.finding import Estimate, Groups, Limit, Verdict
from probandum.judging import judge
from probandum.probe import Measure
from probandum_reports import (
    charting,
    figures,
    heat_maps,
    html,
    lint,
    reliability_diagrams,
    row_charts,
    spreads,
    swarms,
)
from probandum_reports.build import build
from probandum_reports.neighbours import tolerated
from probandum_reports.pictures import placed
from probandum_reports.readings import of_intervals
from probandum_reports.tables import in_full
from probandum_reports.typesetting import picture, raster
from probandum_reports.view import View


def seen(dossier: Dossier) -> tuple[View, list[Figure], list[Table]]:
    """All findings of a dossier in one place: the view, its figures and its tables."""
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    nodes = list(placed(view, dossier.findings, caption="Findings", chart="Chart"))
    return (
        view,
        [each for each in nodes if isinstance(each, Figure)],
        [each for each in nodes if isinstance(each, Table)],
    )


def sheet(figure: Figure, view: View, draw: Any) -> Any:
    """The chart as it is drawn, before it is written."""
    with charting.lettered():
        return draw(figure, view, figures.labels(figure, view))


def texts(figure: Figure, view: View) -> list[str]:
    """The text of a chart, in drawing order."""
    found = ET.fromstring(figures.draw(figure, view)).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(element.itertext()) for element in found]


@pytest.mark.parametrize("made", PICTURED)
def test_every_picture_is_the_same_in_every_run_and_has_table_and_reading(made: dict[str, Any]) -> None:
    """The same findings give the same bytes; what is drawn stands in the table; one sentence says what is seen."""
    view, (figure, *_), _ = seen(make_dossier(**made))
    held = {cell.finding for row in figure.twin.rows for cell in row if isinstance(cell, Number)}

    assert figures.draw(figure, view) == figures.draw(figure, view)
    assert set(figure.findings) <= held
    assert figure.reading.endswith(".")
    assert 1 == figure.reading.count(". ") + 1


@pytest.mark.parametrize("made", PICTURED)
@pytest.mark.parametrize("name", ["annex_iv", "dpia"])
def test_every_picture_may_stand_in_a_document(made: dict[str, Any], name: str) -> None:
    """What a picture and its table quote of findings is found again at its source, so that the document is written."""
    dossier = make_dossier(**made)
    document = build(name, dossier)

    assert any(isinstance(node, Figure) for node in document.nodes)
    assert [] == list(lint.breaches(View(document, dossier)))


def test_whatever_is_quoted_of_a_finding_has_a_source() -> None:
    """Every name of a finding's fact that a builder writes is one that the lint looks up."""
    written = {
        name.replace("{place}", "12").replace("{what}", "threshold")
        for file in Path(probandum_reports.__file__).parent.glob("*.py")
        for name in re.findall(r'f"finding:\{[^"]*?\}\.([^"]+)"', file.read_text(encoding="utf-8"))
    }

    assert {"verdict", "reason", "spread-12", "threshold", "swarm"} <= written
    assert [] == [name for name in sorted(written) if lint._OF_FINDING.fullmatch(f"finding:a.b/c.{name}") is None]


def test_crossed_rates_are_a_map_with_value_and_n_in_each_cell() -> None:
    """Rows are ages, columns nationalities; a crossing that nobody is in says so."""
    counts = {name: each for name, each in COUNTS.items() if name != "old*CH"} | {"old*FR": (12, 30)}
    view, (figure,), rest = seen(make_dossier(results=[crossings(counts)]))
    said = texts(figure, view)

    assert "heat" == figure.kind
    assert not rest
    for name in figure.findings:
        shown = view.shown(name)
        assert shown.value in said
        assert shown.n in said
    assert ["nobody"] == [text for text in said if text == "nobody"]
    assert "Selection rate: lowest for young and AT, highest for" in figure.reading


def test_two_maps_of_one_crossing_say_whose_they_are() -> None:
    """Two probes may count the rates of the same groups, each as it does."""
    other = replace(crossings(), probe="bias.ll144")
    _, maps, _ = seen(make_dossier(results=[crossings(), other]))

    assert [
        f"Rates where age and nationality cross, as {probe} counts them"
        for probe in ("bias.intersections", "bias.ll144")
    ] == [each.caption for each in maps]


def test_heads_of_columns_are_told_apart() -> None:
    """A long name is broken behind its hyphens and stands on several lines, whole."""
    names = ("Amer-Indian-Eskimo", "Amer-Indian-Islander", "Black", "Other", "White")
    counts = {f"{sex}*{race}": (40, 100) for sex in ("women", "men") for race in names}
    view, (figure,), _ = seen(make_dossier(results=[crossings(counts, "sex*race")]))
    said = texts(figure, view)

    assert 2 == said.count("Amer-Indian-")
    assert {"Eskimo", "Islander"} <= set(said)


def test_maps_that_fit_no_page_together_stand_on_several_sheets() -> None:
    """Each sheet has its own scale, table and sentence, and fits a page of paper."""
    counts = {f"origin {place}*{sex}": (40, 100) for place in range(6) for sex in ("women", "men")}
    rates = crossings(counts, "origin*sex")
    measures = [replace(each, metric=metric) for metric in ("selection-rate", "tpr", "fpr") for each in rates.measures]
    view, maps, _ = seen(make_dossier(results=[replace(rates, measures=tuple(measures))]))

    assert [f"Rates where origin and sex cross ({place} of 2)" for place in (1, 2)] == [each.caption for each in maps]
    assert [24, 12] == [len(each.findings) for each in maps]
    assert all(sheet(each, view, heat_maps.chart).get_figheight() <= charting.PAGE for each in maps)


def test_labels_of_a_full_chart_take_fewer_lines_than_would_leave_the_page() -> None:
    """A row grows for a long label only as long as all rows fit a page of paper."""
    name = "a group whose name goes on and on until it would take four lines of the chart beside the other groups "
    counts = {f"{name}{place}": (40 + place, 100) for place in range(24)}
    few, many = (
        seen(make_dossier(results=[crossings(dict(list(counts.items())[:most]), "age")])) for most in (3, len(counts))
    )
    tall = [
        sheet(figure, view, lambda *given: row_charts.chart(row_charts.rates, *given)).get_figheight()
        for view, (figure,), _ in (few, many)
    ]

    assert tall[0] > 3 * 0.3 + 1.04 + 0.2
    assert tall[1] <= charting.PAGE


def rare() -> Dossier:
    """A difference of low rates, within the limit as declared and not within a fifth of the larger rate."""
    pair = Groups(attribute="age", group="25 or younger", reference="over 25")
    found = stats.bounds("newcombe", level=0.95, counts=((20, 1000), (12, 1000)))
    estimate = Estimate(
        value=found.value,
        low=found.low,
        high=found.high,
        n=2000,
        unit="share",
        method="newcombe",
        counts=((20, 1000), (12, 1000)),
    )
    return make_dossier(
        results=[result("bias.group-rates", [Measure(metric="fpr-difference", groups=pair, estimate=estimate)])],
        waivers=(),
    )


def test_an_interval_within_a_limit_that_is_too_wide_says_so() -> None:
    """What is tolerated and too far for a pass is dotted up to the limit, and the sentence says why nothing passes."""
    dossier = rare()
    view, (figure,), _ = seen(dossier)
    axes = sheet(figure, view, lambda *given: row_charts.chart(row_charts.intervals, *given)).axes[0]
    dotted = sorted((each.get_x(), each.get_x() + each.get_width()) for each in axes.patches if each.get_hatch())

    assert [Verdict.INCONCLUSIVE] == [each.verdict for each in dossier.findings]
    assert pytest.approx([-0.05, -0.004, 0.004, 0.05]) == [edge for part in dotted for edge in part]
    assert "too far for a pass" in texts(figure, view)
    assert figure.reading.endswith(", 1 of them within a limit too wide for rates this low.")


def test_a_darker_cell_is_a_larger_share() -> None:
    """Shades follow the values, so that a print in grey says the same."""
    view, (figure,), _ = seen(make_dossier(results=[crossings({n: c for n, c in COUNTS.items() if n != "old*CH"})]))
    axes = sheet(figure, view, heat_maps.chart).axes[0]
    shades = [patch.get_alpha() for patch in axes.patches if patch.get_alpha() is not None]
    values = [view.shown(name).finding.estimate.value or 0.0 for name in ordered(figure)]

    assert sorted(range(4), key=values.__getitem__) == sorted(range(4), key=shades.__getitem__)


def ordered(figure: Figure) -> list[str]:
    """The findings of a map, row by row."""
    places = {name.rpartition("=")[2]: name for name in figure.findings}
    return [places[f"{row}*{column}"] for row in ("young", "old") for column in ("AT", "DE")]


def test_a_map_of_groups_that_all_have_all_ends_at_all() -> None:
    """No shade stands for a share above 1."""
    view, (figure, *_), _ = seen(make_dossier(results=[crossings(dict.fromkeys(COUNTS, (50, 50)))]))
    said = texts(figure, view)

    assert {"0.9", "1"} <= set(said)
    assert "1.1" not in said


def test_a_group_beyond_the_limit_is_marked_in_the_map_and_named_in_the_table() -> None:
    """A frame, the shape of a FAIL, what both mean, and the comparison that broke the limit; no other cell has them."""
    view, (figure, *_), _ = seen(make_dossier(results=[compared()]))
    axes = sheet(figure, view, heat_maps.chart).axes[0]
    marks = [(round(float(line.get_xdata()[0])), round(float(line.get_ydata()[0]))) for line in axes.lines]
    told = {str(row[0]): row[-2:] for row in figure.twin.rows}

    assert [(0, 0)] == marks
    assert "beyond the limit beside another group" in texts(figure, view)
    assert [("Impact ratio against old and DE", "Fail")] == [
        (compared, verdict.value) for compared, verdict in told.values() if isinstance(verdict, Fact)
    ]
    assert 3 == sum(cells == ("none", "none") for cells in told.values())


def test_a_broken_ratio_of_error_rates_marks_its_group() -> None:
    """Rates other than selection are held against a limit on their difference or on their ratio."""
    dossier = make_dossier(results=[compared()])
    found = tuple(
        replace(each, metric=each.metric.replace("selection-rate", "fpr").replace("impact-ratio", "fpr-ratio"))
        for each in dossier.findings
    )
    view, (figure, *_), _ = seen(replace(dossier, findings=found))

    assert ["young*AT"] == [
        each.rpartition("=")[2] for each in figure.findings if heat_maps.breaks(view.shown(each), view)
    ]


def test_a_small_cell_stays_withheld_in_a_map() -> None:
    """Neither its value nor its n is drawn, nor those of the cell that would give it away; no reading names them."""
    view, (figure,), _ = seen(make_dossier(results=[crossings()]))
    hidden = [view.shown(name) for name in figure.findings if view.shown(name).suppressed]
    said = texts(figure, view)

    assert 2 <= len(hidden)
    assert len(hidden) == said.count("not shown")
    for each in hidden:
        group = each.finding.groups
        assert group is not None
        assert f"n = {each.finding.estimate.n}" not in said
        assert f"{each.finding.estimate.value:.3f}" not in said or each.finding.estimate.value == 0.75
        assert group.group.replace("*", " and ") not in figure.reading


def test_a_name_that_cannot_be_cut_is_drawn_row_by_row() -> None:
    """A star in a group's own name leaves open where its parts end."""
    counts = {f"{name}*": each for name, each in COUNTS.items()}
    _, (figure,), _ = seen(make_dossier(results=[crossings(counts)]))

    assert "rates" == figure.kind


def test_on_paper_a_map_whose_names_have_no_letters_is_drawn_row_by_row() -> None:
    """The rows are named by their place in the table."""
    counts = {name.replace("AT", "中国"): each for name, each in COUNTS.items() if name != "old*CH"}
    view, (figure,), _ = seen(make_dossier(results=[crossings(counts)]))
    chart, beside = picture(figure, view)

    assert "heat" == figure.kind
    assert b"row 1 of the table" in chart
    assert "1. " == str(beside.twin.rows[0][0])[:3]
    assert raster(chart).startswith(b"\x89PNG")


def test_a_reliability_diagram_stands_at_what_was_predicted_and_what_came_true() -> None:
    """A panel a group, a point a bin, its interval upright; filled where the interval misses the prediction."""
    view, (figure,), rest = seen(make_dossier(results=[calibration()]))
    young, old = sheet(figure, view, reliability_diagrams.chart).axes
    points = [[float(line.get_xdata()[0]), float(line.get_ydata()[0])] for line in young.lines[1:]]

    assert not rest
    assert [[predicted, x / n] for predicted, x, n in BINS["young"][:2]] == points
    assert ["o", "D"] == [line.get_marker() for line in young.lines[1:]]
    assert 2 == len(old.lines[1:])
    assert all("1 of 3 bins not shown" in [text.get_text() for text in axes.texts] for axes in (young, old))
    assert "in 1 of the 2 bins shown of young and 0 of the 2 bins shown of old." in figure.reading
    assert 6 == len(figure.twin.rows)


def test_a_ladder_runs_from_the_largest_shift_down_over_the_region_of_neutral_words() -> None:
    """Words for persons are rows; neutral pairs are one region, and rows of the table."""
    view, (figure, *_), _ = seen(make_dossier(results=[terms()]))
    axes = sheet(figure, view, lambda *given: row_charts.chart(row_charts.ladder, *given)).axes[0]
    region = next(patch for patch in axes.patches if patch.get_hatch())
    at = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() in charting.SHAPES.values()]

    assert "ladder" == figure.kind
    assert sorted(WORDS.values(), reverse=True) == at
    assert (min(NEUTRAL.values()), max(NEUTRAL.values())) == pytest.approx(
        (region.get_x(), region.get_x() + region.get_width())
    )
    assert len(WORDS) + len(NEUTRAL) == len(figure.twin.rows)
    assert "2 of 3 words move it further than any pair of neutral words does" in figure.reading


def test_a_spread_shows_every_scenario_and_every_name() -> None:
    """A scenario at its difference, a name at its distance from the reference's mean; the table lists them all."""
    dossier = make_dossier(**swapped())
    view, (figure, *_), _ = seen(dossier)
    scenarios, women, men = spreads.rows(dossier.findings[0], view)

    assert pytest.approx({"a": -0.5, "b": 0.2}) == dict(scenarios.values)
    assert pytest.approx({"Anna": -0.3, "Berta": 0.0}) == dict(women.values)
    assert 0.0 == pytest.approx(fmean(value for _, value in men.values))
    assert ["a −0.500; b 0.200", "Anna −0.300; Berta 0.000", "Carl 0.000; Dirk 0.000"] == [
        cell.value.replace("−0.000", "0.000") for _, cell in figure.twin.rows if isinstance(cell, Fact)
    ]
    assert "women against men: lower in 1 of 2 scenarios" in figure.reading.lower()
    axes = sheet(figure, view, spreads.chart).axes[0]
    marks = [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"]
    assert [[value for _, value in row.values] for row in (scenarios, women, men)] == marks


def test_contributions_are_bars_from_zero_to_either_side() -> None:
    """The largest first; the table adds the gap, and one sentence says what carries it and what pulls back."""
    view, (figure,), _ = seen(make_dossier(results=[decomposed()]))
    axes = sheet(figure, view, lambda *given: row_charts.chart(row_charts.rates, *given)).axes[0]
    bars = [(each.get_x(), each.get_width()) for each in axes.patches]

    assert [(0.0, added) for added, _ in ADDED.values()] == bars
    assert axes.get_xlim()[0] < -0.9 < 0.05 < axes.get_xlim()[1]
    assert 4 == len(figure.twin.rows)
    assert (
        "Most of the difference in scores runs through sex (carries sex itself); "
        "0 of 3 features pull the other way with an interval that does not reach zero; proxies beside it: job."
    ) == figure.reading


def test_what_pulls_back_is_counted_by_its_interval_and_its_proxies_are_named_apart() -> None:
    """An interval that reaches zero pulls no way; a caption says how many of the features are drawn."""
    many = decomposed()
    (gap, sex, job, debt) = many.measures
    back = replace(job.estimate, value=0.3, low=0.2, high=0.4, moments=None, counts=None, method="exact")
    rest = [replace(debt, facets={"feature": f"f{n}"}) for n in range(11)]
    turned = replace(many, measures=(gap, sex, replace(job, estimate=back), debt, *rest))
    _, (figure,), _ = seen(make_dossier(results=[turned]))

    assert "1 of 14 features pull the other way with an interval that does not reach zero" in figure.reading
    assert figure.reading.endswith("proxies that pull the other way: job.")
    assert figure.caption.endswith(": the 12 strongest of 14 features")


def test_more_values_than_fit_a_row_are_shown_by_twentieths() -> None:
    """21 values say where a crowd lies, and the row says how many there are."""
    row = spreads._row("scenarios", {f"s{number}": float(number) for number in range(101)}, 0)

    assert 101 == row.count
    assert 21 == len(row.values)
    assert (("at 0 %:", 0.0), ("at 50 %:", 50.0), ("at 100 %:", 100.0)) == (
        row.values[0],
        row.values[10],
        row.values[20],
    )


def test_a_spread_says_what_its_items_say() -> None:
    """A value in the table that is not that of the items is a breach."""
    dossier = make_dossier(**swapped())
    document = build("annex_iv", dossier)
    lint.check(View(document, dossier))
    other = replace(dossier, items={SWAP: replace(dossier.items[SWAP], values=tuple(0.0 for _ in ANSWERS))})

    with pytest.raises(RecordError, match="spread-0"):
        lint.check(View(document, other))


def test_a_rate_is_framed_by_what_the_limit_tolerates_beside_the_reference(dossier: Dossier) -> None:
    """The young may differ from the old's 0.750 by 0.05; the old are the reference, and have no frame."""
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    names = {
        finding.id.rpartition("?")[2]: finding.id for finding in dossier.findings if "selection-rate" in finding.id
    }
    found = {key: tolerated(view.shown(name), view) for key, name in names.items()}

    young = found.pop("age=25 or younger")
    assert young is not None
    assert (0.70, 0.80) == pytest.approx(young[:2])
    assert {None} == set(found.values())


@pytest.mark.parametrize("rate", ["tpr", "fpr", "ppv", "npv"])
def test_a_rate_is_framed_by_a_limit_on_its_ratio(rate: str) -> None:
    """At most 1.25 times the reference's 0.400 is 0.500; the frame begins at 0, and the reference has none."""
    pair = Groups(attribute="age", group="young", reference="old")
    found = stats.bounds("koopman", level=0.95, counts=((45, 100), (40, 100)))
    ratio = Estimate(
        value=found.value,
        low=found.low,
        high=found.high,
        n=200,
        unit="ratio",
        method="koopman",
        counts=((45, 100), (40, 100)),
    )
    measures = [
        Measure(metric=f"{rate}-ratio", groups=pair, estimate=ratio),
        *(
            Measure(metric=rate, groups=Groups(attribute="age", group=name), estimate=share(x, 100), mode="disclosure")
            for name, x in (("young", 45), ("old", 40))
        ),
    ]
    measured = [result("bias.group-rates", measures)]
    limit = Limit(metric=f"bias.group-rates/{rate}-ratio", direction="at_most", threshold=1.25)
    dossier = make_dossier(results=measured, waivers=(), findings=judge(measured, [limit]))
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    young, old = (tolerated(view.shown(f"bias.group-rates/{rate}?age={name}"), view) for name in ("young", "old"))

    assert young is not None
    assert (0.0, 0.5) == pytest.approx(young[:2])
    assert old is None


def test_a_reading_names_the_gravest_and_counts_the_rest(dossier: Dossier) -> None:
    """Of several metrics the findings beyond their limits are named, and others counted."""
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    found = [view.shown(each.id) for each in dossier.findings if each.limit is not None and "-difference" in each.id]

    assert "Beyond the limit: false-positive-rate difference (25 or younger against over 25); " in of_intervals(found)
    assert "1 undecided" in of_intervals(found)


def test_a_reading_says_a_quantity_of_no_group_once() -> None:
    """Its name is its title, which stands in no brackets behind itself."""
    several = [
        Measure(
            metric=name,
            estimate=Estimate(value=0.3, low=0.1, high=0.5, n=80, unit="score", method="t", moments=(0.3, 0.1, 79.0)),
        )
        for name in ("gap-over-placebo", "spread")
    ]
    measured = [result("bias.term-swap", several)]
    limit = Limit(metric="bias.term-swap/gap-over-placebo", direction="at_most", threshold=0.3)
    dossier = make_dossier(results=measured, waivers=(), findings=judge(measured, [limit]))
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    found = [view.shown(each.id) for each in dossier.findings]

    assert "Undecided: shift by words for people beyond that by neutral words." == of_intervals(found)


def test_a_page_quotes_names_in_a_reading_as_not_its_own() -> None:
    """A group may be called what the product never says of a system."""
    counts = {name.replace("AT", "fair"): each for name, each in COUNTS.items() if name != "old*CH"}
    dossier = make_dossier(results=[crossings(counts)])
    document = build("annex_iv", dossier)
    page = html.render(View(document, dossier))
    lint.check(View(document, dossier))
    lint.check_page("annex_iv.html", page)

    assert b"lowest for young and fair" in page


def test_slices_say_which_of_them_hold() -> None:
    """The chart has a line a slice, the table their tests as well, and the sentence parts what holds from the rest."""
    view, (figure,), _ = seen(make_dossier(results=[triage()]))

    assert ("intervals", len(SLICES)) == (figure.kind, len(figure.findings))
    assert 2 * len(SLICES) == len(figure.twin.rows)
    assert figure.reading == (
        "Of 3 slices in which one half of the rows shows a wider difference, 1 holds in the other: "
        "town Bath (women against men); the others may have been picked by chance."
    )
    assert {view.shown(each).value for each in figure.findings} <= set(texts(figure, view))


def test_slices_are_told_apart_by_the_letters_beside_them() -> None:
    """What all share is left out, what tells them apart comes first and is not cut, and a quantity has its title."""
    names = [f"Asian-Pac-Islander, hours 40 to 50, education_num {low} to 13" for low in (9, 10)]
    of = [Groups(attribute="race", group=group, reference="White") for group in ("Amer-Indian-Eskimo", "Black")]
    measures = [
        Measure(
            metric="slice-excess",
            groups=pair,
            facets={"gap": "fpr-difference", "slice": name},
            estimate=clustered(-0.1, 0.05, "share"),
            mode="disclosure",
        )
        for name in names
        for pair in of
    ]
    view, (figure,), _ = seen(make_dossier(results=[result("bias.triage", measures)]))
    said = " ".join(texts(figure, view))
    narrow = figures.draw_narrow(figure, view)
    assert narrow is not None
    folded = " ".join("".join(each.itertext()) for each in ET.fromstring(narrow).iter() if each.tag.endswith("}text"))

    for drawn in (said, folded):
        assert all(2 == drawn.count(name) for name in names)
        assert all(2 == drawn.count(f"{pair.group} against White") for pair in of)
        assert "fpr" not in drawn
        assert "…" not in drawn
    assert "gap: false-positive-rate difference" in str(figure.twin.rows[0][0])


def test_where_no_slice_holds_that_is_what_is_read() -> None:
    """All of them may be chance."""
    found = triage()
    held = tuple(
        replace(each, estimate=replace(each.estimate, value=1.0, low=1.0, high=1.0))
        if "p" in each.metric[-2:]
        else each
        for each in found.measures
    )
    _, (figure,), _ = seen(make_dossier(results=[replace(found, measures=held)]))

    assert figure.reading.endswith("none holds in the other half: all may have been picked by chance.")


def test_features_say_what_stands_in_and_what_carries_the_gap() -> None:
    """A panel each, the furthest from saying nothing first."""
    view, (figure,), _ = seen(make_dossier(results=[stand_ins()]))
    first = [view.shown(each).finding.facets["feature"] for each in figure.findings]

    assert ["job", "debt", "income", "job", "income", "debt"] == first
    assert figure.reading == (
        "The attribute is told, with an AUC of 0.6 and more each alone, by job; most of the difference in scores runs "
        "through job."
    )


def test_features_are_bars_the_largest_first_with_the_ranks_that_show() -> None:
    """What goes together with others is said; the table has every size and every rank."""
    view, (bars, swarm), rest = seen(make_dossier(**whole()))
    axes = sheet(bars, view, lambda *given: row_charts.chart(row_charts.rates, *given)).axes[0]

    assert ("rates", "swarm") == (bars.kind, swarm.kind)
    assert not rest
    assert ["status", "job", "age"] == [name.rpartition("=")[2] for name in bars.findings]
    assert pytest.approx([0.5, 0.195, 0.1]) == [each.get_width() for each in axes.patches]
    assert 3 == len(bars.twin.rows)
    assert ["status", "job", "age"] == [row[0] for row in bars.twin.rows]
    assert "its interval lies apart" == bars.twin.rows[0][-1]
    assert "Between place 2 and 3." == getattr(bars.twin.rows[1][-1], "value", None)
    assert (
        "The answers rest most on status; 1 of 3 places is settled, where intervals lie apart; "
        "read together with others, since they go together: age."
    ) == bars.reading


def test_a_beeswarm_has_a_point_a_row_where_the_row_is() -> None:
    """In both widths; fuller points are higher values, and the table says the same in numbers."""
    view, (_, figure), _ = seen(make_dossier(**whole()))
    for draw in (swarms.chart, swarms.narrow):
        axes = sheet(figure, view, draw).axes[0]
        found: dict[int, list[float]] = {}
        for each in axes.artists:
            if each.size == swarms._POINT:
                for across, down in each.spots:
                    found.setdefault(round(down), []).append(across)
        assert {0: sorted(ROWS["status"]), 1: sorted(ROWS["job"]), 2: sorted(ROWS["age"])} == {
            line: sorted(values) for line, values in found.items()
        }
    said = [cell.value for row in figure.twin.rows for cell in row if isinstance(cell, Fact)]
    assert said[0].startswith("from −0.600 to 0.400, half of the rows from −0.600 to 0.400, the middle one −0.100")
    assert said[0].endswith("mean by value of the feature: lowest third −0.600, highest third 0.400")
    assert "mean by value" not in said[1]
    assert "On average high values of status speak for “1”; high values of age speak against it." == figure.reading
    legend = {"low value", "high value", "no order", "to the right: for “1”"}
    assert legend <= set(texts(figure, view))


#: What a card may call the features and the class of these.
NAMED = {
    "columns": {"status": {"name": "checking account", "values": {"1": "none", "2": "some"}}, "age": "years lived"},
    "decision": {"classes": {"1": "approved for good"}},
}


def test_codes_have_no_order_and_things_are_called_as_the_card_calls_them() -> None:
    """A column whose values the card names has neither low nor high marks, and is not read along; names are its own."""
    base = make_dossier(**whole())
    view, (bars, swarm), _ = seen(replace(base, card={**base.card, **NAMED}))
    axes = sheet(swarm, view, swarms.chart).axes[0]
    marks: dict[int, set[str]] = {}
    for each in axes.artists:
        marks.setdefault(round(each.spots[0][1]), set()).add(each.colour)

    assert {charting.MUTED, charting.RULE} == marks[0]
    assert charting.MEASURED in marks[2]
    assert "On average high values of years lived speak against “approved for good”." == swarm.reading
    assert ["checking account", "job", "years lived"] == [row[0] for row in swarm.twin.rows]
    assert ["checking account", "job", "years lived"] == [row[0] for row in bars.twin.rows]
    assert "mean by value" not in next(cell.value for cell in swarm.twin.rows[0] if isinstance(cell, Fact))
    assert {"checking account", "years lived"} <= set(texts(bars, view)) & set(texts(swarm, view))


def test_names_of_the_card_are_no_words_of_the_product() -> None:
    """A card may call a column or a class what the product says of no system; the document is written all the same."""
    base = make_dossier(**whole())
    card = {**base.card, **NAMED, "columns": {"status": "approved before"}}
    dossier = replace(base, card=card)
    document = build("annex_iv", dossier)

    assert [] == list(lint.breaches(View(document, dossier)))
    lint.check_page("annex_iv.html", html.render(View(document, dossier)))


@pytest.mark.parametrize("along", [True, False])
def test_effects_along_codes_are_said_to_be_no_line(along: bool) -> None:
    """Where the card gives the meanings of codes, each is called so, and the sum from end to end is not to be read."""
    looks: dict[str, Any] = {"mode": "disclosure", "estimate": clustered(0.3, 0.1, "logit difference")}
    at = Measure(metric="accumulated-local-effect", facets={"feature": "status", "at": "2"}, **looks)
    rise = Measure(metric="accumulated-rise", facets={"feature": "status" if along else "age"}, **looks)
    base = make_dossier(results=[result("explain.global", [at, rise] if along else [rise])])
    dossier = replace(base, card={**base.card, **NAMED})
    view = View(Document(id="d", title="", subtitle="", status="", front=(), nodes=()), dossier)
    nodes = list(in_full(view, dossier.findings, caption="Findings"))
    notes = [each.text for each in nodes if isinstance(each, Text)]
    named = [str(row[0]) for each in nodes if isinstance(each, Table) for row in each.rows]

    assert along == any("the numbers of these have no order" in note for note in notes)
    assert along == any("at: some; feature: checking account" in name for name in named)


def test_a_caption_says_how_many_features_are_not_drawn() -> None:
    """Fourteen bars and ten swarms of eighteen features are not all."""
    made = whole()
    (old,) = made["results"]
    sizes = [each for each in old.measures if each.facets["feature"] == "status"]
    more = [replace(each, facets={"feature": f"f{place:02}"}) for place in range(15) for each in sizes]
    kept = made["items"]["explain.global/mean-shap?feature=status"]
    items = {f"explain.global/mean-shap?feature=f{place:02}": kept for place in range(15)}
    _, figures_drawn, _ = seen(
        make_dossier(results=[replace(old, measures=(*old.measures, *more))], items=made["items"] | items)
    )

    assert [
        "How much each feature does to the answers: the 14 strongest of 18 features",
        "What each feature adds to the answer, row by row: the 10 strongest of 18 features",
    ] == [each.caption for each in figures_drawn]


def test_a_caption_says_how_many_slices_differences_and_groups_are_not_drawn() -> None:
    """Twelve slices, twelve stand-ins, three differences of names and six groups are not all there are."""
    (slice_, p, *_), (area, added, *_) = triage().measures, stand_ins().measures
    slices = [replace(each, facets={**each.facets, "slice": f"town {n:02}"}) for n in range(14) for each in (slice_, p)]
    features = [replace(each, facets={"feature": f"f{n:02}"}) for n in range(15) for each in (area, added)]
    groups = [f"group {n}" for n in range(7)]
    bins = [
        replace(each, groups=Groups(attribute="age", group=group))
        for group in groups
        for each in calibration().measures[:2]
    ]
    swap = swapped()
    ((gap,), items) = swap["results"][0].measures, swap["items"][SWAP]
    pairs = [
        (f"name {n}", replace(gap, groups=Groups(attribute="name", group=f"name {n}", reference="men")))
        for n in range(4)
    ]
    made = make_dossier(
        results=[
            replace(triage(), measures=tuple(slices)),
            replace(stand_ins(), measures=tuple(features)),
            replace(calibration(), measures=tuple(bins)),
            replace(swap["results"][0], measures=tuple(measure for _, measure in pairs)),
        ],
        items={SWAP.replace("women", name): items for name, _ in pairs},
    )
    _, found, _ = seen(made)

    assert [
        "What was predicted and what came true, by age: 6 of 7 groups",
        "Scenario by scenario and name by name: the 3 gravest of 4 differences",
        "Slices in which a difference is wider than outside them: the first 12 of 14",
        "Features that stand in for sex, women and men: the 12 strongest of 15 features",
    ] == [each.caption for each in found]
    assert "14 slices" in found[2].reading
    assert 14 == sum("town" in str(row) and "excess" in str(row) for row in found[2].twin.rows)


def test_a_feature_of_which_nothing_follows_is_read_for_no_class() -> None:
    """Means of high and low values that rounding alone tells apart say nothing."""
    made = whole()
    name = "explain.global/mean-shap?feature=status"
    flat = replace(made["items"][name], values=(0.3, 0.3 + 1e-16) * 20)
    _, (_, swarm), _ = seen(make_dossier(results=made["results"], items={**made["items"], name: flat}))

    assert "status" not in swarm.reading


def test_points_that_would_cover_each_other_stand_apart() -> None:
    """No two of one step lie closer than a point is wide; a taller column holds more."""
    across = [0.0] * 9 + [0.01, 0.5, 0.5]
    ways = swarms.aside(across, width=0.05)
    spots = list(zip(ways, across, strict=True))

    assert len(set(spots)) == len(spots)
    assert 5 == max(map(abs, ways[:10]))
    assert [0, 1] == ways[10:]


def test_a_beeswarm_says_what_its_items_say() -> None:
    """Another row in the items is another table, and a document with the old one is refused."""
    made = whole()
    dossier = make_dossier(**made)
    _, (_, figure), _ = seen(dossier)
    document = Document(id="d", title="", subtitle="", status="", front=(), nodes=(figure,))
    name = next(iter(made["items"]))
    other = replace(dossier, items={**made["items"], name: replace(made["items"][name], values=(9.0,) * 40)})
    fact = next(cell for row in figure.twin.rows for cell in row if isinstance(cell, Fact))

    assert lint._unfounded(View(document, dossier), fact) is None
    assert "swarm" in str(lint._unfounded(View(document, other), fact))


def test_a_handful_of_rows_is_no_swarm() -> None:
    """Nine rows would tell on persons: nothing is drawn of them."""
    made = whole()
    few = {
        name: replace(each, keys=each.keys[:9], strata=each.strata[:9], values=each.values[:9])
        for name, each in made["items"].items()
    }
    _, found, _ = seen(make_dossier(results=made["results"], items=few))

    assert ["rates"] == [each.kind for each in found]
