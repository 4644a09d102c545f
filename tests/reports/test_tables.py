from __future__ import annotations

from dataclasses import replace

from dossiers import make_dossier, make_results
from probandum.document import Document, Fact, Figure, Gap, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Finding, SubReason, Verdict
from probandum_reports import figures
from probandum_reports.tables import MOST, in_full, in_place, limits, name
from probandum_reports.view import View

RATIO = "bias.group-rates/impact-ratio?age=25 or younger~over 25"


def view_of(dossier: Dossier, *, whole: bool = True) -> View:
    """A view without a document's own content, which holds every finding or a choice of them."""
    document = Document(id="none", title="", subtitle="", status="", front=(), nodes=(), every_finding=whole)
    return View(document, dossier)


def placed(dossier: Dossier, findings: list[Finding], *, chart: str | None = "Chart") -> list[object]:
    """What stands in place of these findings."""
    return list(in_place(view_of(dossier), findings, caption="Table", chart=chart))


def bias(dossier: Dossier, *, single: bool) -> list[Finding]:
    """Findings about one group, or about two."""
    found = [finding for finding in dossier.findings if finding.groups is not None]
    return [finding for finding in found if (finding.groups is not None and finding.groups.reference is None) == single]


def test_rates_of_groups_are_drawn_side_by_side(dossier: Dossier) -> None:
    """Shares of single groups become one chart of rates, with a row for every group, withheld ones among them."""
    (figure,) = placed(dossier, bias(dossier, single=True))

    assert isinstance(figure, Figure)
    assert "rates" == figure.kind
    assert tuple(finding.id for finding in bias(dossier, single=True)) == figure.findings
    assert ("Quantity", "Result", "Limit against the reference") == figure.twin.header
    assert ["within ±0.05", "none", "none", "none", "none"] == [
        cell.value if isinstance(cell, Fact) else cell for _, _, cell in figure.twin.rows
    ]


def test_a_rate_without_a_neighbour_is_no_chart(dossier: Dossier) -> None:
    """One group alone is compared with nothing."""
    (table,) = placed(dossier, bias(dossier, single=True)[:1])

    assert isinstance(table, Table)


def test_in_place_every_finding_stands_once(dossier: Dossier) -> None:
    """What a chart and its table show is not repeated in the table of the rest."""
    findings = bias(dossier, single=False)
    *charts, rest = placed(dossier, findings)
    drawn = [name for figure in charts if isinstance(figure, Figure) for name in figure.findings]

    assert isinstance(rest, Table)
    assert len(findings) == len(drawn) + len(rest.rows)
    assert len(drawn) == len(set(drawn))


def test_what_the_data_forbid_to_judge_is_drawn_against_its_limit() -> None:
    """A group too small for a verdict and large enough to show stands among the intervals, its limit not applied."""
    results = make_results()
    measures = tuple(
        replace(measure, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="20 rows")
        if measure.metric == "impact-ratio"
        else measure
        for measure in results[0].measures
    )
    dossier = make_dossier(results=[replace(results[0], measures=measures), *results[1:]])
    (finding,) = [each for each in dossier.findings if each.id == RATIO]
    (figure,) = placed(dossier, [finding])

    assert isinstance(figure, Figure)
    assert ("intervals", (RATIO,)) == (figure.kind, figure.findings)
    (row,) = figure.twin.rows
    said = "at least 0.8 (not applied: the data allow no verdict)"
    assert said in [cell.value for cell in row if isinstance(cell, Fact)]


def test_why_stands_where_something_is_left_to_do(dossier: Dossier) -> None:
    """In place a table of passes has no reasons; one with an open finding has; the annex always has."""
    findings = [finding for finding in dossier.findings if finding.limit is not None]
    passed = [replace(finding, verdict=Verdict.PASS) for finding in findings if finding.verdict is Verdict.FAIL]
    settled = replace(dossier, findings=tuple(passed))
    (short,) = placed(settled, passed, chart=None)
    (long,) = placed(dossier, [finding for finding in findings if finding.verdict is Verdict.INCONCLUSIVE], chart=None)
    full, *_ = in_full(view_of(settled), passed, caption="All")

    assert isinstance(short, Table)
    assert isinstance(long, Table)
    assert isinstance(full, Table)
    assert ("Quantity", "Result", "Limit") == short.header
    assert ("Quantity", "Result", "Limit", "Why") == long.header == full.header


def many(count: int) -> Dossier:
    """A dossier with the rates of so many groups."""
    first = make_results()[0]
    template = first.measures[0]
    assert template.groups is not None
    measures = tuple(
        replace(template, groups=replace(template.groups, attribute="area", group=f"area {number}"))
        for number in range(count)
    )
    return make_dossier(results=[replace(first, measures=measures)])


def test_what_is_only_reported_takes_a_page_at_most(dossier: Dossier) -> None:
    """Beyond that the text says that it stands in the annex, which has all of it."""
    few, crowd = many(20), many(200)
    (said,) = placed(crowd, list(crowd.findings))
    table, *_ = in_full(view_of(crowd), crowd.findings, caption="All")

    assert [Figure] == [type(node) for node in placed(few, list(few.findings))]
    assert isinstance(said, Text)
    assert "stand in the annex" in said.text
    assert isinstance(table, Table)
    assert 200 == len(table.rows)


def test_a_document_without_an_annex_sends_nobody_to_one() -> None:
    """What is too many for a document with a choice of findings stands in the record."""
    (said,) = in_place(view_of(many(200), whole=False), many(200).findings, caption="Table")

    assert isinstance(said, Text)
    assert said.text.endswith("stand in the record: they are too many for here.")


def test_a_chart_of_many_judged_findings_is_split(dossier: Dossier) -> None:
    """No chart is taller than a page, and together they show every finding once."""
    judged = next(finding for finding in dossier.findings if finding.limit is not None and finding.groups is not None)
    assert judged.groups is not None
    crowd = [
        replace(judged, id=f"{judged.metric}?age={number}~x", groups=replace(judged.groups, group=str(number)))
        for number in range(60)
    ]
    charts = placed(replace(dossier, findings=tuple(crowd)), crowd)
    parts = [figure.findings for figure in charts if isinstance(figure, Figure)]

    assert [26, 26, 8] == [len(part) for part in parts]
    assert [finding.id for finding in crowd] == [name for part in parts for name in part]


def test_of_thousands_of_judged_findings_the_gravest_are_drawn(dossier: Dossier) -> None:
    """Four pages of charts, however many there are; the text says how many of how many, and how they were chosen."""
    judged = next(finding for finding in dossier.findings if finding.verdict is Verdict.FAIL)
    assert judged.groups is not None and judged.estimate.value is not None
    crowd = [
        replace(
            judged,
            id=f"{judged.metric}?age={number}~x",
            groups=replace(judged.groups, group=str(number)),
            verdict=Verdict.FAIL if number % 25 == 0 else Verdict.PASS,
            estimate=replace(judged.estimate, value=number / 5000, low=number / 5000, high=number / 5000),
        )
        for number in range(3000)
    ]
    shown = replace(dossier, findings=tuple(crowd))
    said, *charts = placed(shown, crowd)
    drawn = [figure for figure in charts if isinstance(figure, Figure)]
    marks = sum(figures.draw(figure, view_of(shown)).count(b">n = ") for figure in drawn)

    assert isinstance(said, Text)
    assert said.text.startswith(f"{MOST} of 3,000 findings with a verdict are shown here")
    assert len(drawn) == len(charts)
    assert MOST == marks == sum(len(figure.findings) for figure in drawn)
    assert {f"{judged.metric}?age={number}~x" for number in range(1125, 3000, 25)} <= {
        name for figure in drawn for name in figure.findings
    }


def test_among_equals_the_furthest_beyond_their_limit_are_drawn(dossier: Dossier) -> None:
    """Of one verdict the largest excess comes first, on whichever side of the band."""
    judged = next(finding for finding in dossier.findings if finding.verdict is Verdict.FAIL)
    assert judged.groups is not None
    values = [(-1) ** number * (0.1 + number / 10_000) for number in range(MOST + 50)]
    crowd = [
        replace(
            judged,
            id=f"{judged.metric}?age={number}~x",
            groups=replace(judged.groups, group=str(number)),
            estimate=replace(judged.estimate, value=value, low=value, high=value),
        )
        for number, value in enumerate(values)
    ]
    _, *charts = placed(replace(dossier, findings=tuple(crowd)), crowd)
    drawn = [name for figure in charts if isinstance(figure, Figure) for name in figure.findings]

    assert [finding.id for finding in crowd[50:]] == drawn


def test_the_annex_is_small_print_and_says_why_only_where_it_says_something(dossier: Dossier) -> None:
    """Judged findings with their reasons, reported ones without, those without a value apart, and the methods."""
    tables = [each for each in in_full(view_of(dossier), dossier.findings, caption="All") if isinstance(each, Table)]
    headers = {each.caption: each.header for each in tables}

    assert {"dense"} == {each.style for each in tables}
    assert ("Quantity", "Result", "Limit", "Why") == headers["All"]
    assert ("Quantity", "Result") == headers["All, reported and not judged"]
    assert "Why" in headers["All, reported and not judged, without a value"]
    assert len(dossier.findings) == sum(len(each.rows) for each in tables if not each.caption.endswith(": methods"))


def test_methods_of_the_same_quantity_name_their_groups(dossier: Dossier) -> None:
    """A test that says its own z in the design has a row a finding, and a reader sees which it is of."""
    first, second, *_ = [
        replace(finding, id=f"{finding.id}-p", metric="bias.group-rates/selection-p-value", limit=None)
        for finding in bias(dossier, single=True)
        if finding.estimate.value is not None
    ]
    tests = [
        replace(each, estimate=replace(each.estimate, design=f"two-sample z test of no difference, z = {z}"))
        for each, z in ((first, "+1.72"), (second, "-0.90"))
    ]
    view = view_of(replace(dossier, findings=tuple(tests)))

    def quantities(findings: list[Finding]) -> list[object]:
        (table,) = (
            each
            for each in in_full(view, findings, caption="All")
            if isinstance(each, Table) and each.caption == "All: methods"
        )
        return [row[0] for row in table.rows]

    assert ["p-value of a test of equal selection rates"] == quantities(tests[:1])
    assert [name(view.shown(each.id)) for each in tests] == quantities(tests)
    assert 2 == len(set(quantities(tests)))


def test_each_limit_says_once_whose_it_is(dossier: Dossier) -> None:
    """One row a limit, as declared; a limit of nobody has a gap beside it."""
    gap = Gap(what="x", citation="y", supplier="z", field_id="f")
    (table,) = limits(view_of(dossier), dossier.findings, lambda what, *_: replace(gap, what=what))
    assert isinstance(table, Table)
    titles = [row[0] for row in table.rows]
    told = [row[2].value for row in table.rows if isinstance(row[2], Fact)]
    holes = [row[2].what for row in table.rows if isinstance(row[2], Gap)]

    assert len(told) == len(set(zip(titles, told, strict=False)))
    assert any("US guideline" in text for text in told)
    assert [
        "of the limit on selection difference: why",
        "of the limit on efficiency residual: who set it, when, why",
    ] == (holes)
