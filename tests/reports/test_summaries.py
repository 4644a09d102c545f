"""The two short documents: for management, and for a merge request."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pikepdf
import pytest

from dossiers import HELD, make_dossier, make_results
from probandum import gating
from probandum.document import Fact, Figure, Gap, Number, Table, Text
from probandum.dossier import Dossier
from probandum.export import markdown as step_summary
from probandum.export.outcome import Outcome, State
from probandum.finding import Estimate, Groups, Verdict
from probandum.probe import Measure, ProbeResult
from probandum_reports import figures, lint, markdown, pdf, summing_up, tallies
from probandum_reports.build import build
from probandum_reports.documents import template, templates
from probandum_reports.nodes import gaps, walk
from probandum_reports.view import View

SHORT = ("summary", "merge_summary")
#: What a screen holds, in lines of text.
SCREEN = 48


def large() -> Dossier:
    """An audit with long names, five broken limits and more, and every family that a summary asks after."""
    first, *others = make_results()
    gap = next(each for each in first.measures if each.metric == "fpr-difference")
    pair = {"attribute": "a long attribute of persons", "reference": "another group with a long name"}
    facets = {"slice": "amount above 2,500 and duration below 12"}
    wide = [
        replace(gap, groups=Groups(group=f"a group with a rather long name of its own {place}", **pair), facets=facets)
        for place in range(9)
    ]
    rate = Measure(
        metric="rate",
        estimate=Estimate(value=0.5, low=0.4, high=0.6, n=100, unit="share", method="t", moments=(0.5, 0.05, 99.0)),
    )
    families = (
        "performance.accuracy",
        "robust.noise",
        "privacy.membership",
        "drift.rows",
        "data.quality",
        "oversight.stop",
    )
    more = [ProbeResult(probe=name, version=1, status="measured", measures=(rate,), controls=HELD) for name in families]
    broken = [ProbeResult(probe=f"{name}-2", version=1, status="error", why="it broke " * 20) for name in families]
    return make_dossier(results=[replace(first, measures=tuple(wide)), *others, *more, *broken])


def rows(dossier: Dossier, name: str, caption: str) -> tuple[tuple[object, ...], ...]:
    """The rows of one table of a document."""
    nodes = build(name, dossier).nodes
    tables = [node for node in nodes if isinstance(node, Table)]
    return next(table.rows for table in tables if table.caption.startswith(caption))


def test_both_are_short_and_no_other_document_is() -> None:
    """Without a page of their own for cover and contents, in every format."""
    assert set(SHORT) == {name for name, each in templates().items() if each.brief}


@pytest.mark.parametrize("full", [False, True])
def test_management_reads_two_pages(dossier: Dossier, full: bool) -> None:
    """Also of an audit with long names, many errors and every family."""
    told = large() if full else dossier
    document = build("summary", told)
    lint.check(View(document, told))
    made = pdf.render(View(document, told))

    assert 2 == len(pikepdf.open(io.BytesIO(made)).pages)


def test_the_five_gravest_stand_with_interval_and_limit(dossier: Dossier) -> None:
    """Broken limits first, then errors, then what is open; what somebody accepts comes last."""
    found = [row[1].finding for row in rows(dossier, "summary", "The gravest findings") if isinstance(row[1], Number)]
    verdicts = [{each.id: each for each in dossier.findings}[name].verdict for name in found]
    limits = [row[2] for row in rows(dossier, "summary", "The gravest findings")]

    assert [Verdict.FAIL, Verdict.ERROR, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE] == verdicts
    assert not any("selection-difference" in name for name in found)
    assert isinstance(limits[0], Fact) and "within ±0.05" == limits[0].value


def test_counts_by_family_are_a_chart_with_its_table(dossier: Dossier) -> None:
    """The table says what the bars show, and every count is found again in the record."""
    document = build("summary", dossier)
    chart = next(node for node in document.nodes if isinstance(node, Figure))
    bias = chart.twin.rows[0]

    assert ("Bias", ["1", "0", "3", "1", "7"]) == (bias[0], [cell.value for cell in bias[1:] if isinstance(cell, Fact)])
    assert "8 findings have a verdict; limits are broken in bias." == chart.reading
    assert b"7 without a verdict" in figures.draw(chart, View(document, dossier))
    assert tallies.resolve(dossier, "bias.INCONCLUSIVE") == "3"


def test_what_nobody_measured_is_one_gap_with_all_of_it(dossier: Dossier) -> None:
    """And a family with a number is not in it."""
    missing = next(gap for gap in gaps(build("summary", dossier).nodes) if gap.field_id == "not-assessed")

    assert "accuracy; robustness" in missing.what
    assert "leakage of training data" in missing.what
    assert "explanations" not in missing.what


def test_only_a_named_person_decides(dossier: Dossier) -> None:
    """What is asked follows from the verdicts; a decision without name and date does not count."""
    asked = [str(row[0]) for row in rows(dossier, "summary", "What to decide")]
    said = {"value": "Stop", "by": "D. Example", "date": "2026-11-02"}
    card = {**dossier.card, "decisions": {"broken_limits": said, "errors": "nobody named"}}
    cells = [row[1] for row in rows(replace(dossier, card=card), "summary", "What to decide")]

    assert ["Broken limits", "What could not be measured", "What the data do not decide", "Going on"] == asked
    assert isinstance(cells[0], Fact) and ("Stop", "D. Example") == (cells[0].value, cells[0].by)
    assert isinstance(cells[1], Gap) and "human" == cells[1].origin


def test_what_passes_asks_for_no_decision_on_what_does_not() -> None:
    """Only whether to go on is left to decide."""
    dossier = make_dossier(results=[replace(make_results()[0], measures=make_results()[0].measures[:1])])

    assert ["Going on"] == [row[0] for row in rows(dossier, "summary", "What to decide")]
    assert any(
        isinstance(node, Text) and node.text == "No finding failed, erred or stayed inconclusive."
        for node in build("summary", dossier).nodes
    )


@pytest.mark.parametrize("full", [False, True])
def test_a_merge_request_holds_one_screen(dossier: Dossier, full: bool) -> None:
    """Lines of text, headings and rows, without the blank lines between them."""
    told = large() if full else dossier
    text = markdown.render(View(build("merge_summary", told), told)).decode()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("| ---")]

    assert SCREEN >= len(lines)


def test_the_merge_request_says_what_the_step_s_summary_says(dossier: Dossier) -> None:
    """The same gate, the same counts, and the same findings."""
    result = gating.decided(dossier.findings, (), dossier.plan["suites"], mode="release", waivers=dossier.waivers)
    outcome = Outcome(result=result, system="Credit scorer", tool="0", findings=dossier.findings)
    step = step_summary.render(outcome).decode()
    gate, counts = (summing_up.resolve(dossier, what) for what in ("gate", "counts"))
    named = {
        row[1].finding
        for row in rows(dossier, "merge_summary", "Findings that did not pass")
        if isinstance(row[1], Number)
    }

    assert f"## Audit of Credit scorer: {gate}" == step.splitlines()[0]
    assert counts in step
    assert {entry.id for entry in outcome.entries if entry.finding and entry.state is not State.PASS} == named


def test_links_lead_to_the_evidence_by_the_finding_s_id(dossier: Dossier) -> None:
    """Each row names its finding behind the link."""
    text = markdown.render(View(build("merge_summary", dossier), dossier)).decode()
    links = re.findall(r'\[evidence\]\((evidence/[^ ]+) "([^"]+)"\)', text)

    assert 6 == len(links)
    assert all(page.startswith("evidence/") and "/" in name for page, name in links)


def test_changes_against_a_baseline_are_listed_or_missed(dossier: Dossier) -> None:
    """The gravest first, a handful of them; a gap where nothing was compared."""
    change = Measure(
        metric="selection-rate/change",
        estimate=Estimate(value=0.01, low=0.0, high=0.02, n=90, unit="share", method="t", moments=(0.01, 0.005, 89.0)),
    )
    groups = [Groups(attribute="age", group=str(place)) for place in range(9)]
    measures = tuple(replace(change, groups=each) for each in groups)
    changed = make_dossier(results=[replace(make_results()[0], measures=measures)])

    assert 6 == len(rows(changed, "merge_summary", "Changes against the baseline"))
    assert any("change against a baseline" in gap.what for gap in gaps(build("merge_summary", dossier).nodes))


@pytest.mark.parametrize("name", SHORT)
def test_an_audit_without_findings_says_that_it_holds_none(name: str) -> None:
    """Nothing passes, and nothing is said to."""
    empty = make_dossier(results=[], windows={}, readings={}, card={"name": "M"})
    document = build(name, empty)
    said = " ".join(node.value for node in walk(document.nodes) if isinstance(node, Fact))

    lint.check(View(document, empty))
    assert () == document.findings()
    assert "PASS" not in said.partition("each PASS line")[0]
    assert list(gaps(document.nodes))


def test_nobody_signs_beforehand(dossier: Dossier) -> None:
    """The signature of a summary is a field for a person."""
    signature = rows(dossier, "summary", "Signature")[0][1]

    assert isinstance(signature, Gap)
    assert "human" == signature.origin
    assert "review.merge_summary" in {
        line.card
        for section in template("merge_summary").sections
        for entry in section.content
        for line in entry.human or ()
    }
