from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError

from browsing import Page
from dossiers import make_dossier, make_observations, make_recorded, make_results
from papers import HUMAN, MISSING, make_document, make_view
from probandum import codec
from probandum.document import Document, Heading, Text
from probandum.dossier import Dossier
from probandum.evidence import Reading, Response
from probandum.finding import Stream, Verdict
from probandum.journal import Recorded
from probandum.probe import ProbeResult
from probandum.resources import shipped
from probandum_reports import estimate_words, html, saying
from probandum_reports.facts import run_facts
from probandum_reports.pages import fill, visible
from probandum_reports.readable import readable
from probandum_reports.view import View
from probandum_reports.wording import ORIGINS

HOSTILE = (
    "\"><script>alert(1)</script><img src=x onerror=alert(2)> ' onmouseover='x {{ 7*7 }} $\\frac{1}{0}$ \u202e\x00"
)


@pytest.fixture(scope="module")
def pages(dossier: Dossier, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Every page of one audit by its path: index, one document, evidence."""
    folder = tmp_path_factory.mktemp("reports")
    return written(dossier, folder)


def written(dossier: Dossier, folder: Path) -> dict[str, Page]:
    """The pages of an audit, written into ``folder`` and read again."""
    view = make_view(dossier)
    files = {view.document.id: [f"{view.document.id}.{suffix}" for suffix in ("html", "pdf", "docx", "md", "json")]}
    (folder / "index.html").write_bytes(html.index(dossier, [view.document], files))
    (folder / "sample.html").write_bytes(html.render(view))
    html.evidence(dossier, folder)
    return {path.relative_to(folder).as_posix(): Page(path.read_bytes()) for path in sorted(folder.rglob("*.html"))}


def test_the_same_dossier_gives_the_same_bytes(dossier: Dossier, tmp_path: Path) -> None:
    """Documents, index and evidence pages hold no clock and no order of chance."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        written(make_dossier(), folder)
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())

    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]


def test_pages_run_nothing_and_fetch_nothing(pages: dict[str, Page]) -> None:
    """No script, no handler, no address outside the folder; and a content policy that forbids them all."""
    for page in pages.values():
        assert not [element.name for element in page.elements if element.name in ("script", "iframe", "object", "link")]
        assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
        assert not [link for link in page.links if ":" in link]
        assert not re.search(rb"(?:https?:)?//(?!www\.w3\.org)[a-z]", page.html)
        policy = page.all("meta", http_equiv="Content-Security-Policy")[0].attributes["content"]
        assert policy.startswith("default-src 'none'")


def test_pages_are_well_formed(pages: dict[str, Page]) -> None:
    """Language, one main heading, headings in order, ids once, header cells with their scope."""
    for name, page in pages.items():
        levels = [int(element.name[1]) for element in page.elements if re.fullmatch("h[1-6]", element.name)]
        assert "en-GB" == page.all("html")[0].attributes["lang"]
        assert (1, 1) == (levels[0], levels.count(1))
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name
        assert len(page.ids) == len(set(page.ids)), name
        assert all("scope" in element.attributes for element in page.all("th"))
        assert "#main" == page.links[0]


def test_every_link_leads_somewhere(pages: dict[str, Page]) -> None:
    """Links between pages, to places in them and to raw lines all resolve."""
    offered = {f"sample.{suffix}" for suffix in ("pdf", "docx", "md", "json")}
    for name, page in pages.items():
        for link in page.links:
            path, _, place = link.partition("#")
            target = (Path(name).parent / path).as_posix() if path else name
            target = target.removeprefix("evidence/../")
            if target in pages:
                assert not place or place in pages[target].ids, link
            else:
                assert target in offered or (target.startswith("evidence/") and target.endswith(".jsonl")), link


def test_every_number_carries_its_interval_n_and_evidence(dossier: Dossier, pages: dict[str, Page]) -> None:
    """A finding in a document shows value, interval and n, and links to its own place on its evidence page."""
    page, view = pages["sample.html"], make_view(dossier)
    for name in view.document.findings():
        shown = view.shown(name)
        assert shown.href in page.links
        assert shown.value in page.text
        if not shown.suppressed and shown.interval:
            assert f"{shown.interval}, {shown.n}" in page.text


def test_origins_are_told_apart_by_mark_and_word(pages: dict[str, Page]) -> None:
    """Measured, recorded, declared, proposed, to be written and missing each have a mark and a word of their own."""
    page = pages["sample.html"]
    marks = {element.attributes["href"] for element in page.all("use")}
    for name, word in (
        ("measured", "Measured"),
        ("recorded", "Recorded by the run"),
        ("declared", "Declared"),
        ("proposed", "Proposed"),
        ("human", "To be written"),
        ("missing", "Missing"),
    ):
        assert f"#mark-{name}" in marks
        assert [element for element in page.all("span", class_=f"o-{name}") if element.text.startswith(word)]


def test_a_gap_says_what_by_which_provision_and_who(pages: dict[str, Page]) -> None:
    """A missing fact is a visible entry with its citation and who can supply it, also in the list of open ones."""
    text = pages["sample.html"].text

    assert f"{MISSING.what} Asked for by {MISSING.citation}. Can be supplied by {MISSING.supplier}." in text
    assert f"{HUMAN.what} Asked for by {HUMAN.citation}. To be written by {HUMAN.supplier}." in text
    assert "4 open entries" in text


def test_withheld_figures_stand_on_no_page(dossier: Dossier, pages: dict[str, Page]) -> None:
    """What describes fewer than ten persons shows neither value nor counts, on any page."""
    view = make_view(dossier)
    hidden = [view.shown(name).finding for name in sorted(view.suppressed)]
    assert hidden
    for finding in hidden:
        value, interval = estimate_words.value(finding.estimate), estimate_words.interval(finding.estimate)
        for page in pages.values():
            assert interval not in page.text
            assert finding.estimate.counts is not None
            assert "{} of {}".format(*finding.estimate.counts[0]) not in page.text
        place = f"evidence/{finding.probe}.html"
        said = next(e for e in pages[place].elements if e.attributes.get("id") == view.shown(finding.id).anchor)
        assert view.suppressed[finding.id] in said.text
        assert value not in said.text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Markup, handlers, template code, formulas and hidden characters in any name are shown and do nothing."""
    results = []
    for result in make_results():
        measures = tuple(
            replace(each, groups=each.groups and replace(each.groups, group=HOSTILE) if number == 5 else each.groups)
            for number, each in enumerate(result.measures)
        )
        results.append(replace(result, summary=HOSTILE, measures=measures, options={HOSTILE: HOSTILE}))
    asked = {"kind": "classify", "n": 1, "inputs": [HOSTILE], "keys": [HOSTILE]}
    observations = [replace(make_observations()[1], asked=asked)]
    environment = {**make_dossier().environment}
    environment["target"] = {**environment["target"], "cautions": [HOSTILE], "identity": {HOSTILE: HOSTILE}}
    dossier = make_dossier(
        results=results,
        card={"name": HOSTILE, "version": HOSTILE, "purpose": HOSTILE},
        environment=environment,
        observations=lambda: map(make_recorded, observations),
    )
    for page in written(dossier, tmp_path).values():
        assert not [element for element in page.elements if element.name in ("script", "img")]
        assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
        assert b"\x00" not in page.html
        assert "\u202e" not in page.html.decode()
        assert "{{ 7*7 }}" in page.text
        assert "\\u202e\\u0000" in page.text


def test_the_index_says_what_the_gate_decided(dossier: Dossier, pages: dict[str, Page]) -> None:
    """System, gate with every cause in words, counts by verdict, limits, and what a verdict would need."""
    page = pages["index.html"]

    assert "Credit scorer 2.1.0" == " ".join(page.all("h1")[0].text.split())
    assert "The audit could not be carried out or trusted" in page.text
    assert "Gate code 4" in page.text
    for cause in dossier.gate["causes"]:
        if cause["finding"] is not None:
            assert make_view(dossier).shown(cause["finding"]).href in page.links
    for verdict in Verdict:
        assert f"{dossier.gate['counts'][verdict.value]} {saying.verdict(verdict)}" in page.text
    assert "at least 0.8" in page.text
    assert "would need about n = " in page.text


def test_what_the_card_says_of_the_system_is_marked_as_declared(dossier: Dossier) -> None:
    """The entry page quotes name and purpose, whatever they claim, and says whose words they are and of when."""
    claim = "A fair, unbiased and certified scorer"
    card = {"name": "Fair scorer", "purpose": claim, "declared": {"by": "Credit board", "date": "2026-11-01"}}
    page = Page(html.index(replace(dossier, card={**card, "notices": ["Approved by all"]}), [], {}))
    nobody = Page(html.index(replace(dossier, card={"name": "A", "purpose": claim}), [], {}))

    assert [claim] == [each.text for each in page.all("q")]
    assert "Name and purpose declared by Credit board on 2026-11-01" in page.text
    assert "Declared by Credit board on 2026-11-01. Approved by all" in " ".join(page.text.split())
    assert "Name and purpose declared by nobody named, undated" in nobody.text


def test_what_was_judged_and_what_was_covered_make_up_the_verdicts(dossier: Dossier, pages: dict[str, Page]) -> None:
    """The entry page and the gate tell them apart, and with what no limit covers they are all that has a verdict."""
    none = Verdict.NOT_APPLICABLE
    uncovered = [each for each in dossier.findings if each.limit is None and each.verdict is not none]
    gate = dossier.gate
    said = f"{gate['judged']} findings were held against a limit; covered and not judged: {gate['unjudged']}"

    assert 0 < gate["unjudged"]
    assert len(dossier.findings) - gate["counts"][none] == gate["judged"] + gate["unjudged"] + len(uncovered)
    assert said in " ".join(pages["index.html"].text.split())


def test_the_index_warns_before_it_shows_numbers(dossier: Dossier, pages: dict[str, Page]) -> None:
    """Unsafe loading, a missing signature and a failed control stand above the findings."""
    text = pages["index.html"].text

    for warning in ("unsafe_pickle", "Unsigned.", "explain.efficiency: shifted"):
        assert text.index(warning) < text.index("Findings with a verdict")


def test_a_signed_record_is_not_called_unsigned(dossier: Dossier) -> None:
    """The seal that pages show is the seal that the record has."""
    signed = replace(dossier, seal={"signed": True, "key_id": "0123456789abcdef"})
    text = Page(html.index(signed, [], {})).text

    assert "Unsigned" not in text
    assert "signed by key 0123456789abcdef" in text


@pytest.mark.parametrize(
    ("code", "words"), [(0, "Every judged finding passes"), (1, "A limit is broken"), (3, "No clear answer")]
)
def test_each_gate_code_has_its_words(dossier: Dossier, code: int, words: str) -> None:
    """The codes that a gate can give are each said in words."""
    page = Page(html.index(replace(dossier, gate={**dossier.gate, "code": code, "causes": []}), [], {}))

    assert words in page.text


def test_a_strip_is_drawn_for_every_judged_value(dossier: Dossier, pages: dict[str, Page]) -> None:
    """Each judged finding with a figure has its interval drawn, and the drawing says its words."""
    view = make_view(dossier)
    labels = [element.attributes["aria-label"] for element in pages["index.html"].all("svg", class_="strip")]
    drawn = [
        view.shown(finding.id)
        for finding in dossier.findings
        if finding.limit is not None and finding.id not in view.suppressed
    ]

    assert sorted(f"{each.value}, {each.interval}, limit {each.limit}" for each in drawn) == sorted(labels)


def test_evidence_names_the_raw_lines(dossier: Dossier, tmp_path: Path) -> None:
    """Each line of the raw file is canonical JSON, and a finding's lines hold the digests it names."""
    html.evidence(dossier, tmp_path)
    lines = (tmp_path / "evidence" / "bias.group-rates.jsonl").read_bytes().splitlines()
    finding = dossier.findings[0]
    page = Page((tmp_path / "evidence" / "bias.group-rates.html").read_bytes())

    assert [codec.encode(each) for each in make_observations()] == lines
    assert finding.evidence == (codec.decode(dict[str, Any], lines[0])["request"],)
    assert "Rests on: 1 raw line: 1" in page.text
    assert "These are all lines of bias.group-rates.jsonl" in page.text


def test_evidence_pages_show_what_was_asked_and_answered(pages: dict[str, Page]) -> None:
    """The first raw lines are readable: a prompt and its answer, or the digest of rows."""
    text = pages["evidence/bias.group-rates.html"].text

    assert "I am a <b>gay</b> man." in text
    assert "0: 0.1; 1: 0.9" in text
    assert "3 rows of the columns amount, duration" in text


def test_rows_without_names_are_called_by_their_place() -> None:
    """As errors call them, though the record repeats no such name; rows that were changed have none at all."""
    rows = next(each for each in make_observations() if "rows" in each.asked)
    asked = {key: value for key, value in rows.asked.items() if key != "keys"}
    answer = Response(outputs=np.array([[0.25, 0.75], [1.0, 0.0]]))

    for places, names in (({"places": True}, ["row-0", "row-1"]), ({}, ["input 1", "input 2"])):
        observation = replace(rows, asked={**asked, **places, "n": 2}, answer=answer)
        assert names == [name for name, _ in readable(observation, 1).answered]


def test_evidence_pages_show_the_outcomes_of_a_sequence(tmp_path: Path) -> None:
    """What a sequential probe drew stands in its order, with how it was drawn and how much of it there is."""
    values = (0.0, 1.0) * 80
    first = make_results()[0]
    template = next(each for each in first.measures if each.metric == "fpr-difference")
    drawn = replace(
        template.estimate, unit="share", method="sequential", counts=None, n=160, stream=Stream(values=values)
    )
    html.evidence(make_dossier(results=[replace(first, measures=(replace(template, estimate=drawn),))]), tmp_path)
    text = Page((tmp_path / "evidence" / "bias.group-rates.html").read_bytes()).text

    assert "160, drawn in random order, each anew; 80 of them 1, 80 of them 0: 0 1 0 1 0" in text
    assert "1 0 1 … and 60 more in findings.json" in text


def test_every_format_says_in_the_same_words_where_a_statement_comes_from(pages: dict[str, Page]) -> None:
    """The legend of a page is that of the paper formats."""
    for word, meaning in ORIGINS.values():
        assert word in pages["sample.html"].text
        assert meaning in pages["sample.html"].text


def test_evidence_pages_say_what_their_probe_could_not(pages: dict[str, Page]) -> None:
    """A probe that broke and one that did not apply have a page that says why."""
    assert "The probe broke: LinAlgError: Singular matrix" in pages["evidence/explain.seed-stability.html"].text
    assert "it needs choose" in pages["evidence/bias.name-swap.html"].text


def test_metered_windows_stand_on_their_page(pages: dict[str, Page]) -> None:
    """Each energy window is shown with what was done, what it took, and its grade."""
    text = pages["evidence/energy.inference.html"].text

    assert "1,000 requests in 3.20 s, measurement grade B: hardware counters" in text
    assert "GPU not read: there is no GPU; CPU 41.0 J; DRAM not read: no counter" in text
    assert "Rests on: 3 raw lines: 1 to 3" in text


def test_an_estimate_of_the_audits_energy_stands_with_its_parts_and_its_caveat(tmp_path: Path) -> None:
    """Beside the sum stand the split, what is only a guess for the machine, the grade and the meter's own notes."""
    guess = "Estimated from a model of the machine; expect a factor of two either way."
    reading = Reading(
        cpu_joules=125.0,
        dram_joules=1174.0,
        seconds=118.0,
        meter="codecarbon 3",
        grade="D",
        covers=("this process on a CPU, estimated from load and time",),
        notes=(guess,),
    )
    dossier = replace(make_dossier(), readings={"audit": reading})
    split = (
        "CPU 125 J (this process on a CPU, estimated from load and time), "
        "memory model 1,174 J (a guess for the memory of the whole machine)"
    )
    caveat = f"Measurement grade D: estimated from a model of the machine, not measured (codecarbon 3). {guess}"

    assert f"estimated 1,299 J: {split}" in Page(html.index(dossier, [], {})).text
    assert caveat in Page(html.index(dossier, [], {})).text
    assert f"estimated 1,299 J over 118 s: {split}. {caveat}" == run_facts(dossier)["reading.audit"]


def test_every_table_of_an_evidence_page_stacks_on_a_narrow_page(pages: dict[str, Page]) -> None:
    """Each stands in a box that stacks its cells, and each cell names its column, whose head is then hidden."""
    evidence = [page for name, page in pages.items() if name.startswith("evidence/")]

    assert any(page.all("td") for page in evidence)
    for page in evidence:
        assert len(page.all("table")) == len(page.all("div", class_="stack"))
        assert all(cell.attributes.get("data-title") for cell in page.all("td"))


def test_an_observation_stands_with_every_probe_that_rests_on_it(tmp_path: Path) -> None:
    """An answer that one probe asked for and another used is in both raw files."""
    first = make_observations()[0]
    results = [
        replace(result, measures=tuple(replace(each, evidence=(first.request,)) for each in result.measures))
        if result.probe == "explain.faithfulness"
        else result
        for result in make_results()
    ]
    html.evidence(make_dossier(results=results), tmp_path)
    folder = tmp_path / "evidence"

    assert codec.encode(first) + b"\n" == (folder / "explain.faithfulness.jsonl").read_bytes()
    assert (folder / "bias.group-rates.jsonl").read_bytes().startswith(codec.encode(first))


def test_tens_of_thousands_of_lines_leave_a_small_page_and_a_bounded_file(tmp_path: Path) -> None:
    """The raw file stays within its bound and every finding has its first lines in it; the page says what is left."""
    template, many = make_observations()[1], 30_000

    def stream() -> Iterator[Recorded]:
        for number in range(many):
            yield make_recorded(replace(template, request=f"sha256:{number:064d}"))

    first = make_results()[0]
    size = many // len(first.measures)
    measures = tuple(
        replace(each, evidence=tuple(f"sha256:{number:064d}" for number in range(place * size, (place + 1) * size)))
        for place, each in enumerate(first.measures)
    )
    html.evidence(make_dossier(results=[replace(first, measures=measures)], observations=stream), tmp_path)
    raw = (tmp_path / "evidence" / "bias.group-rates.jsonl").read_bytes()
    held = {codec.decode(dict[str, Any], line)["request"] for line in raw.splitlines()}
    data = (tmp_path / "evidence" / "bias.group-rates.html").read_bytes()
    text = " ".join(Page(data).text.split())

    assert len(data) < 200_000
    assert len(raw) < 4_100_000
    assert all(set(each.evidence[:12]) <= held for each in measures)
    assert f"{many - len(held):,} more observations stand in the record only" in text
    assert "bias.group-rates.jsonl is not complete." in text
    assert "These are all lines" not in text


def test_what_a_raw_file_leaves_out_can_be_printed_from_the_record(tmp_path: Path) -> None:
    """The command of the page finds the first observation that is left out in a journal as the record keeps it."""
    template, many = make_observations()[1], 12_000
    lines = [replace(template, request=f"sha256:{number:064d}") for number in range(many)]
    html.evidence(make_dossier(results=make_results()[:1], observations=lambda: map(make_recorded, lines)), tmp_path)
    page = Page((tmp_path / "evidence" / "bias.group-rates.html").read_bytes())
    command = next(each.text for each in page.all("pre") if each.text.startswith("zstdcat"))
    held = len((tmp_path / "evidence" / "bias.group-rates.jsonl").read_bytes().splitlines())
    sought = re.findall(r"'(.*)'", command)[0].encode()

    assert "zstdcat ask/observations.jsonl.zst | grep '" in command
    assert [held] == [place for place, line in enumerate(map(codec.encode, lines)) if sought in line]


def test_a_thousand_findings_leave_a_page_under_a_megabyte(tmp_path: Path) -> None:
    """Intersections can make hundreds of figures of one probe; all of them stand on its page."""
    first = make_results()[0]
    template = first.measures[0]
    assert template.groups is not None
    many = tuple(
        replace(template, groups=replace(template.groups, attribute="area", group=f"area {number}"))
        for number in range(1000)
    )
    result: ProbeResult = replace(first, measures=many)
    html.evidence(make_dossier(results=[result]), tmp_path)
    page = (tmp_path / "evidence" / "bias.group-rates.html").read_bytes()

    assert len(page) < 1_000_000
    assert 1000 == page.count(b"bias.group-rates/selection-rate?area=area ")


def test_headings_never_skip_a_level(dossier: Dossier) -> None:
    """A template that skips a level is shown without the gap."""
    nodes = (Heading(text="One", level=1, anchor="one"), Heading(text="Deep", level=4, anchor="deep"), Text(text="x"))
    document = Document(id="d", title="D", subtitle="s", status="draft", front=(), nodes=nodes)
    page = Page(html.render(View(document, dossier)))

    assert "Deep" == page.all("h3", id="deep")[0].text.strip()


def test_a_template_that_names_nothing_is_an_error(dossier: Dossier) -> None:
    """What a template does not get is never blank space."""
    with pytest.raises(UndefinedError):
        fill("document.html", document=make_document(dossier))


def test_hidden_characters_are_written_out() -> None:
    """Characters that change how others look are shown as their code; letters of any script are left alone."""
    assert "a\\u202eb" == visible("a\u202eb")
    assert "\\U000e0041" == visible("\U000e0041")
    assert "Łódź 東京 👩‍🔬" == visible("Łódź 東京 👩‍🔬")


def test_closed_details_print() -> None:
    """The style sheet opens what is folded away when a page is printed."""
    style = (shipped("templates") / "_render" / "html" / "style.css").read_text()
    printed = style[style.index("@media print") :]

    assert "details::details-content { content-visibility: visible; height: auto; display: block; }" in printed


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_text_has_contrast(theme: str) -> None:
    """Text, marks and links reach 4.5 to 1 on every ground they stand on, in both themes (WCAG AA)."""
    style = (shipped("templates") / "_render" / "html" / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([a-z_-]+): (#[0-9a-f]{6})", blocks[0]))
    if theme == "dark":
        colours |= dict(re.findall(r"--([a-z_-]+): (#[0-9a-f]{6})", blocks[1]))
    for ground in ("paper", "sheet", "faint", "gap", "gap-human", "warn"):
        for text in ("ink", "soft", "muted", "link", "measured", "declared", "proposed", "human", "missing",
                     "pass", "fail", "inconclusive", "error", "not_applicable"):  # fmt: skip
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb``."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
