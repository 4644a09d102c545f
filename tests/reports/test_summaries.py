"""The two short documents: for management, and for a merge request."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import docx
import pikepdf
import pytest

from browsing import Page
from chromium import PAPERS, browser, missing
from dossiers import HELD, make_dossier, make_results
from papers import words_of
from probandum import gating
from probandum.document import Fact, Figure, Gap, Number, Table, Text
from probandum.dossier import Dossier
from probandum.export import markdown as step_summary
from probandum.export.outcome import Outcome, State
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure, ProbeResult
from probandum_reports import docx as paper
from probandum_reports import facts, figures, html, judgement_words, lint, markdown, owners, pdf, summing_up, tallies
from probandum_reports.build import build
from probandum_reports.documents import template, templates
from probandum_reports.nodes import gaps, walk
from probandum_reports.ooxml import name_of
from probandum_reports.publisher import DocumentPublisher
from probandum_reports.view import View

SHORT = ("summary", "merge_summary")
#: What a screen holds, in lines of Markdown.
SCREEN = 40


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


def warned() -> Dossier:
    """An audit with fourteen findings that did not pass, of clusters, and with long cautions above them."""
    first, *_ = make_results()
    gap = next(each for each in first.measures if each.metric == "fpr-difference")
    terms = [replace(gap, groups=None, facets={"term": f"word {place}~another word"}) for place in range(14)]
    told = make_dossier(results=[replace(first, measures=tuple(terms))])
    caution = (
        "model.joblib was unpickled (unsafe_pickle: true), which runs code from the file; its SHA-256 was checked. "
    )
    caution += "The code ran in a process of its own without sockets: that hinders code that means harm and stops none."
    target = {**told.environment["target"], "cautions": [caution, caution.replace("model", "vectorizer")]}
    return replace(told, environment={**told.environment, "target": target})


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
    assert isinstance(limits[0], Fact) and limits[0].value.startswith("within ±0.05, own tolerance")


def test_counts_by_family_are_a_chart_with_its_table(dossier: Dossier) -> None:
    """The table says what the bars show, and every count is found again in the record."""
    document = build("summary", dossier)
    chart = next(node for node in document.nodes if isinstance(node, Figure))
    bias = chart.twin.rows[0]

    assert ("Bias", ["1", "0", "3", "1", "7"]) == (bias[0], [cell.value for cell in bias[1:] if isinstance(cell, Fact)])
    assert "8 findings have a verdict; a limit was applied to 6, and 1 broke it (bias)." == chart.reading
    assert 6 == dossier.gate["judged"]
    assert b"7 without a verdict" in figures.draw(chart, View(document, dossier))
    assert tallies.resolve(dossier, "bias.INCONCLUSIVE") == "3"


def test_what_nobody_measured_is_a_gap_that_a_named_person_may_fill(dossier: Dossier) -> None:
    """Each of it, and none of a family with a number; what somebody says in its place stands there with the name."""

    def missing(told: Dossier) -> dict[str | None, str]:
        found = gaps(build("summary", told).nodes)
        return {gap.card: gap.what for gap in found if gap.field_id.startswith("not_assessed.")}

    open_ = missing(dossier)
    assert "not assessed: leakage of training data" == open_["not_assessed.leakage_of_training_data"]
    suppliers = {gap.card: gap.supplier for gap in gaps(build("summary", dossier).nodes)}
    own = "the provider, by a test of its own that a named person states"
    assert own == suppliers["not_assessed.leakage_of_training_data"]
    assert "not_assessed.robustness_against_noise_shifts_and_attacks" in open_
    assert "not_assessed.drift_of_data_and_performance" in open_
    assert "not_assessed.explanations" not in open_

    said = {"value": "Tested by the vendor.", "by": "D. Example", "date": "2026-11-02"}
    told = replace(dossier, card={**dossier.card, "not_assessed": {"leakage_of_training_data": said}})
    facts_ = {node.path: node for node in walk(build("summary", told).nodes) if isinstance(node, Fact)}
    assert open_.keys() - missing(told).keys() == {"not_assessed.leakage_of_training_data"}
    assert ("Tested by the vendor.", "D. Example") == (
        facts_["not_assessed.leakage_of_training_data"].value,
        facts_["not_assessed.leakage_of_training_data"].by,
    )


def test_what_a_probe_asked_for_in_vain_is_not_asked_of_another_suite(dossier: Dossier) -> None:
    """Where a meter was missing, the suite ran: what kept it from a number is to be mended, as other documents say."""
    why = "no sensor of this machine can be read"
    unmetered = ProbeResult(
        probe="energy.inference",
        version=1,
        status="measured",
        measures=(Measure(metric="joules-per-request", estimate=Estimate.missing(why, unit="joule"), why=why),),
        controls=HELD,
    )

    def supplier(name: str, results: list[ProbeResult]) -> set[str]:
        found = gaps(build(name, make_dossier(results=results)).nodes)
        return {gap.supplier for gap in found if gap.what == "not assessed: energy of inference"}

    for name in ("summary", "energy_statement"):
        assert {"the auditor, once what kept it from being measured is mended"} == supplier(name, [unmetered])
        assert {"the auditor, by adding the suite energy.inference"} == supplier(name, [])


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
    kept = [each for each in make_results()[0].measures if each.metric == "tpr-difference"]
    dossier = make_dossier(results=[replace(make_results()[0], measures=tuple(kept))])

    assert ["Going on"] == [row[0] for row in rows(dossier, "summary", "What to decide")]
    assert any(
        isinstance(node, Text) and node.text == "No finding failed, erred or stayed inconclusive."
        for node in build("summary", dossier).nodes
    )


@pytest.mark.parametrize("many", ["some", "many", "warned"])
def test_a_merge_request_holds_one_screen_and_one_page(dossier: Dossier, many: str) -> None:
    """All lines of its Markdown, those between blocks, too, and one page of PDF."""
    told = {"some": dossier, "many": large(), "warned": warned()}[many]
    view = View(build("merge_summary", told), told)

    assert SCREEN >= len(markdown.render(view).decode().splitlines())
    assert 1 == len(pikepdf.open(io.BytesIO(pdf.render(view))).pages)


def test_cautions_leave_room_for_fewer(dossier: Dossier) -> None:
    """What is read first is not pushed from the screen, and each of its lines takes one from the rows."""
    quiet = replace(warned(), environment=dossier.environment)
    shown = [len(rows(told, "merge_summary", "Findings that did not pass")) for told in (quiet, warned())]

    assert shown[0] > shown[1] >= 4


def test_long_names_leave_room_for_fewer(dossier: Dossier) -> None:
    """Six findings fit a screen, and three where a name takes five lines; how many there are is said."""
    broken = rows(large(), "merge_summary", "Findings that did not pass")
    text = markdown.render(View(build("merge_summary", large()), large())).decode()

    assert 6 == len(rows(dossier, "merge_summary", "Findings that did not pass"))
    assert 3 == len(broken)
    assert "3 of 17 are listed" in text


@pytest.mark.parametrize("name", SHORT)
def test_a_limit_says_what_it_rests_on_who_set_it_and_when(dossier: Dossier, name: str) -> None:
    """In the cell of the limit itself, so that no mark stands beside it."""
    caption = {"summary": "The gravest findings", "merge_summary": "Findings that did not pass"}[name]
    said = {row[2].value for row in rows(dossier, name, caption) if isinstance(row[2], Fact)}
    text = markdown.render(View(build(name, dossier), dossier)).decode()

    assert "within ±0.05, own tolerance, set by Credit risk board on 2026-10-01" in said
    assert any(
        each.startswith("at least 0.8 (not applied: the data allow no verdict), foreign guideline, not EU law, set by ")
        for each in said
    )
    assert all(f"{each} |" in text for each in said)
    assert "*(declared)*" not in text


def test_the_reason_stands_beside_a_verdict_that_is_open(dossier: Dossier) -> None:
    """In one clause: an interval outside its limit is open after Holm's correction; a withheld cell tells no figure."""
    open_ = next(each for each in dossier.findings if each.metric.endswith("/selection-difference") and each.limit)
    assert open_.limit is not None
    beyond = replace(open_.limit, lower=-0.25, upper=-0.07, p_fail=0.044, hypotheses=26)
    why = "outside the limit on its own (p = 0.044), and not after Holm's correction over 26 hypotheses; even the best"
    alone = replace(open_, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.UNDERPOWERED, why=why, limit=beyond)
    said = {row[2].value for row in rows(dossier, "summary", "The gravest findings") if isinstance(row[2], Fact)}

    own = "outside it by its own test, but not after the correction for 26 tests"
    assert own == judgement_words.undecided(alone)
    for verdict, reason in (
        (Verdict.ERROR, SubReason.CONTROL_FAILED),
        (Verdict.INCONCLUSIVE, SubReason.PROMPT_UNSTABLE),
    ):
        withdrawn = replace(alone, verdict=verdict, sub_reason=reason)
        assert own != judgement_words.undecided(withdrawn) != ""
    still = replace(alone, limit=replace(beyond, p_adjusted=0.001))
    assert own != judgement_words.undecided(still)
    not_alone = replace(beyond, p_fail=0.068)
    assert "even the best" == judgement_words.undecided(replace(alone, limit=not_alone, why="even the best; and more"))
    assert "even the best possible data of this size could not have passed" == judgement_words.undecided(
        alone, withheld=True
    )
    assert "" == judgement_words.undecided(replace(alone, verdict=Verdict.FAIL))
    assert "none; the probe broke" in said
    assert any(
        each.endswith("; a control of the probe failed or is missing, so that its figures are no evidence")
        for each in said
    )


@pytest.mark.parametrize("name", SHORT)
def test_the_sign_of_a_difference_is_explained(dossier: Dossier, name: str) -> None:
    """Below the table where one is listed, and not where only ratios and other quantities are."""
    told = "A difference below 0 says that what is named first has the lower value."
    ratio = next(each for each in make_results()[0].measures if each.metric == "impact-ratio" and each.groups)
    only = make_dossier(results=[replace(make_results()[0], measures=(ratio,))])

    assert told in markdown.render(View(build(name, dossier), dossier)).decode()
    assert told not in markdown.render(View(build(name, only), only)).decode()


@pytest.mark.parametrize("name", SHORT)
def test_what_a_higher_score_of_a_text_says_is_told(name: str) -> None:
    """A manager reads which side a shift burdens only where the class of the score stands beside it."""
    shift = Measure(
        metric="signed-shift",
        estimate=Estimate(
            value=0.34, low=0.3, high=0.4, n=400, unit="share difference", method="t", moments=(0.34, 0.02, 40.0)
        ),
        facets={"term": "women~people"},
    )
    result = ProbeResult(probe="bias.term-swap", version=1, status="measured", measures=(shift,), controls=HELD)
    found = make_dossier(results=[result])
    record = replace(found, findings=tuple(replace(each, verdict=Verdict.FAIL) for each in found.findings))
    named = replace(record, plan={**record.plan, "suites": {"bias.term-swap": {"class_name": "fair"}}})
    told = "A score is the probability of this class, and the higher, the likelier: fair"

    assert told in markdown.render(View(build(name, named), named)).decode()
    assert "A score is" not in markdown.render(View(build(name, record), record)).decode()


@pytest.mark.parametrize("name", SHORT)
def test_the_gate_says_which_of_two_it_is(dossier: Dossier, name: str) -> None:
    """Inconclusive where something was judged, that nothing was where nothing was; counts speak of all findings."""
    gate = {**dossier.gate, "code": 3, "judged": 6, "unjudged": 1}
    open_, none = (replace(dossier, gate={**gate, "judged": judged}) for judged in (6, 0))

    assert "gate 3, inconclusive" == summing_up.resolve(open_, "gate")
    assert "gate 3, nothing was judged" == summing_up.resolve(none, "gate")
    assert summing_up.resolve(open_, "counts").endswith(
        "9 not judged; of all 17, 1 has a limit that could not be applied"
    )
    assert "gate 3, inconclusive; mode release: what is inconclusive blocks, unless somebody accepts it" == str(
        facts.run_facts(open_)["gate"]
    )


def test_a_limit_that_nobody_signed_says_so(dossier: Dossier) -> None:
    """Neither an owner nor a day is made up."""
    judged = next(each.limit for each in dossier.findings if each.limit is not None)
    said = owners.whose("at most 1", replace(judged, source="law", set_by=None, set_on=None))

    assert "at most 1, declared as set by law, set by somebody the plan does not name, undated" == said


@pytest.mark.parametrize("name", SHORT)
def test_one_line_tells_the_record_and_the_last_has_its_digests(dossier: Dossier, name: str) -> None:
    """The head has the first letters of the record's digest; all digests stand in full once, in each format."""
    view = View(build(name, dossier), dossier)
    record = dossier.digests["record"].removeprefix("sha256:")
    word = docx.Document(io.BytesIO(paper.render(view))).element.body
    texts = {
        "md": markdown.render(view).decode().replace("\\", ""),
        "html": Page(html.render(view)).text,
        "docx": "".join(each.text or "" for each in word.iter(name_of("t"))),
        "pdf": words_of(pikepdf.open(io.BytesIO(pdf.render(view)))),
    }
    line = f"{template(name).subtitle} · Credit scorer 2.1.0 · as of 2026-11-02 · record {record[:12]} · unsigned"

    for text in texts.values():
        plain = text.replace(" ", "")
        assert line.replace(" ", "") in plain
        assert all(1 == plain.count(dossier.digests[each]) for each in ("record", "judgement"))
        assert all(fact.value.replace(" ", "") in plain for fact in view.document.front if "digest" in fact.path)


def test_counts_by_family_are_also_drawn_for_a_narrow_window(dossier: Dossier) -> None:
    """Each family above its bar, in letters as large as in the wide one."""
    document = build("summary", dossier)
    chart = next(node for node in document.nodes if isinstance(node, Figure))
    drawn = figures.draw_narrow(chart, View(document, dossier))
    assert drawn is not None
    wide, narrow = (
        float(each.decode().partition('width="')[2].partition("pt")[0])
        for each in (figures.draw(chart, View(document, dossier)), drawn)
    )

    assert 0.6 * wide > narrow
    assert b"7 without a verdict" in drawn
    assert all(7.5 <= float(size) for size in re.findall(r"font: ([\d.]+)px", drawn.decode()))


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_browser_shows_one_screen_and_no_figure_to_scroll(dossier: Dossier, tmp_path: Path) -> None:
    """The summary of a change fits 1280 by 800 pixels, that for management two screens, both also with long names."""
    for place, told in (("some", dossier), ("many", large()), ("warned", warned())):
        DocumentPublisher().publish(told, SHORT, tmp_path / place, ["html"])
    tall = "document.body.getBoundingClientRect().height"
    boxes = "[document.documentElement, ...document.querySelectorAll('.plot')]"
    beyond = f"Math.max(...{boxes}.map(each => each.scrollWidth - each.clientWidth))"
    with browser(tmp_path / "profile") as chromium:
        for place in ("some", "many", "warned"):
            for name, most in (("merge_summary", 800), ("summary", 2200)):
                chromium.look(width=1280)
                chromium.open(tmp_path / place / f"{name}.html")
                assert most >= chromium.evaluate(tall), (place, name)
                chromium.look(width=390)
                assert 0 == chromium.evaluate(beyond), (place, name)


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
@pytest.mark.parametrize("paper", PAPERS)
def test_printed_from_a_browser_they_take_two_pages_and_one(dossier: Dossier, paper: str, tmp_path: Path) -> None:
    """On either paper, and none of the pages holds a title alone."""
    for place, told in (("some", dossier), ("many", large()), ("warned", warned())):
        DocumentPublisher().publish(told, SHORT, tmp_path / place, ["html"])
    with browser(tmp_path / "profile") as chromium:
        for place in ("some", "many", "warned"):
            for name, most in (("merge_summary", 1), ("summary", 2)):
                chromium.open(tmp_path / place / f"{name}.html")
                assert most >= len(pikepdf.open(io.BytesIO(chromium.printed(paper))).pages), (place, name)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
@pytest.mark.parametrize("full", [False, True])
def test_word_files_take_one_page_and_two(dossier: Dossier, tmp_path: Path, full: bool) -> None:
    """As LibreOffice sets them, in whatever letters this machine has."""
    told = large() if full else dossier
    for name in SHORT:
        (tmp_path / f"{name}.docx").write_bytes(paper.render(View(build(name, told), told)))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    into = ["--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    files = [str(tmp_path / f"{name}.docx") for name in SHORT]
    subprocess.run(["soffice", profile, *into, *files], check=True, capture_output=True, timeout=120)
    pages = {name: len(pikepdf.open(tmp_path / f"{name}.pdf").pages) for name in SHORT}

    assert {"summary": 2, "merge_summary": 1} == pages


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
    """The gravest first, three of them, so that findings beside have room; a gap where nothing was compared."""
    change = Measure(
        metric="selection-rate/change",
        estimate=Estimate(value=0.01, low=0.0, high=0.02, n=90, unit="share", method="t", moments=(0.01, 0.005, 89.0)),
    )
    groups = [Groups(attribute="age", group=str(place)) for place in range(9)]
    measures = tuple(replace(change, groups=each) for each in groups)
    changed = make_dossier(results=[replace(make_results()[0], measures=measures)])

    assert 3 == len(rows(changed, "merge_summary", "Changes against the baseline"))
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
