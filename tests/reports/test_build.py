from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dossiers import HELD, make_dossier
from probandum.document import Document, Fact, Gap, Heading, Listing, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import UsageError
from probandum.finding import Estimate
from probandum.probe import Measure, ProbeResult
from probandum_reports import lint, parts
from probandum_reports.build import Builder, build
from probandum_reports.documents import Entry, Section, template, templates
from probandum_reports.nodes import walk
from probandum_reports.selecting import asked
from probandum_reports.view import View

NAMES = sorted(templates())
#: The documents that hold every finding of a record.
WHOLE = [name for name in NAMES if template(name).every_finding]


def facts_of(document: Document) -> dict[str, Fact]:
    """The facts of a document by path, those of its cover among them."""
    return {node.path: node for node in [*document.front, *walk(document.nodes)] if isinstance(node, Fact)}


def gaps_of(document: Document) -> list[Gap]:
    """The gaps of a document."""
    return [node for node in walk(document.nodes) if isinstance(node, Gap)]


def test_no_finding_lacks_a_document() -> None:
    """The technical documentation and the impact assessment hold every finding, whatever a record has."""
    assert {"annex_iv", "dpia"} <= set(WHOLE)


@pytest.mark.parametrize("name", WHOLE)
def test_every_finding_reaches_the_documents_that_hold_them_all(dossier: Dossier, name: str) -> None:
    """No finding of the record depends on a section's selector; a probe that asked nothing is told as what it is."""
    document = build(name, dossier)
    states = [node.value for node in walk(document.nodes) if isinstance(node, Fact) and "bias.name-swap" in node.path]

    assert {finding.id for finding in dossier.findings if asked(finding)} == set(document.findings())
    assert "version 1, not applicable: it needs choose, and target sklearn answers predict" in states


@pytest.mark.parametrize("name", WHOLE)
def test_findings_of_an_unheard_probe_reach_the_documents_that_hold_them_all(name: str) -> None:
    """A third party's probe needs no change of a template."""
    measure = Measure(
        metric="odd-one",
        estimate=Estimate(value=1.0, low=0.5, high=1.5, n=50, unit="furlong", method="t", moments=(1.0, 0.2, 49.0)),
    )
    result = ProbeResult(probe="other.thing", version=1, status="measured", measures=(measure,), controls=HELD)
    dossier = make_dossier(results=[result])
    document = build(name, dossier)

    lint.check(View(document, dossier))
    assert ("other.thing/odd-one",) == document.findings()


@pytest.mark.parametrize("name", NAMES)
def test_a_bare_card_becomes_gaps_and_never_blanks(dossier: Dossier, name: str) -> None:
    """Each absent key is a gap with what, citation and supplier; no cell is empty."""
    bare = replace(dossier, card={"name": "System"})
    document = build(name, bare)
    tables = [node for node in walk(document.nodes) if isinstance(node, Table)]
    cells = [cell for table in tables for row in table.rows for cell in row]

    lint.check(View(document, bare))
    assert len(gaps_of(document)) > len(gaps_of(build(name, dossier)))
    assert all(gap.what and gap.citation and gap.supplier for gap in gaps_of(document))
    assert all(not isinstance(cell, str) or cell.strip() for cell in cells)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_dossier_gives_the_same_tree(name: str) -> None:
    """Building is a pure function of the dossier."""
    assert build(name, make_dossier()) == build(name, make_dossier())


@pytest.mark.parametrize("name", NAMES)
def test_cautions_notices_and_the_missing_signature_come_first(dossier: Dossier, name: str) -> None:
    """What limits everything else stands before the first chapter; a short document has the seal in its head."""
    document = build(name, dossier)
    first = list(walk(document.nodes[:5]))
    words = [node.value for node in first if isinstance(node, Fact)]
    prose = [node.text for node in first if isinstance(node, Text) and node.style == "warning"]
    head = [fact.value for fact in document.front if fact.path == "run.seal"]

    assert any("unsafe_pickle" in value for value in words)
    assert any("Trained locally for demonstration" in value for value in words)
    assert any("unsigned" in text for text in (head if document.brief else prose))


def test_a_signed_record_is_not_called_unsigned(dossier: Dossier) -> None:
    """The tool's seal is named, and kept apart from a responsible person's signature."""
    document = build("annex_iv", replace(dossier, seal={"signed": True, "key_id": "abc"}))
    seal = next(fact for fact in document.front if fact.path == "run.seal")
    prose = [node.text for node in walk(document.nodes) if isinstance(node, Text)]

    assert "not the signature of a responsible person" in seal.value
    assert not any("unsigned" in text for text in prose)


def test_a_declared_fact_says_who_and_when(dossier: Dossier) -> None:
    """A value's own name and date come before those of the whole card."""
    facts = facts_of(build("annex_iv", dossier))

    assert ("C. Example", "2026-09-01") == (facts["earlier_versions"].by, facts["earlier_versions"].on)
    assert ("A. Example", "2026-10-20") == (facts["purpose"].by, facts["purpose"].on)


def test_only_a_named_and_dated_person_fills_a_field_for_people(dossier: Dossier) -> None:
    """A bare value in such a field stays a gap; one with name and date is taken."""
    document = build("dpia", dossier)
    facts = facts_of(document)
    open_fields = [gap.what for gap in gaps_of(document) if gap.origin == "human"]

    assert "dpia.necessity" not in facts
    assert any("least intrusive" in what for what in open_fields)
    assert "3, significant" == facts["risk_register.T1.severity"].value


def test_severity_is_never_proposed(dossier: Dossier) -> None:
    """Evidence proposes likelihoods; nobody but a person writes a severity."""
    proposed = [fact.path for fact in facts_of(build("dpia", dossier)).values() if fact.origin == "proposed"]

    assert proposed
    assert {"likelihood"} == {path.rpartition(".")[2] for path in proposed if path.startswith("proposal:T")}
    assert not [path for path in proposed if "severity" in path or path.startswith("risk_register")]


def test_a_level_follows_once_a_person_set_both(dossier: Dossier) -> None:
    """With severity and likelihood accepted, the matrix proposes the level."""
    signed = {"by": "D. Example", "date": "2026-10-25"}
    risk = {"severity": {"value": "4", **signed}, "likelihood": {"value": "2", **signed}}
    facts = facts_of(build("dpia", replace(dossier, card={"name": "S", "risk_register": {"T1": risk}})))

    assert "high" == facts["proposal:T1.level"].value


@pytest.mark.parametrize("name", NAMES)
def test_a_document_with_open_fields_is_a_draft(dossier: Dossier, name: str) -> None:
    """No document calls itself reviewed while something is open."""
    assert build(name, dossier).status.startswith("Draft: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_data_and_no_template(dossier: Dossier, name: str) -> None:
    """What a card holds is quoted as it stands."""
    hostile: dict[str, Any] = {"name": "{{ 7 * 7 }} {% raw %}", "purpose": "<script>alert(1)</script>"}
    facts = facts_of(build(name, replace(dossier, card=hostile)))

    assert "{{ 7 * 7 }} {% raw %}" == facts["name"].value


def test_an_unknown_name_in_prose_is_an_error(dossier: Dossier) -> None:
    """A slip in a template's text is never printed as nothing."""
    section = Section(title="A", content=(Entry(text="{{ nobody }}"),))
    broken = template("annex_iv").model_copy(update={"sections": (section,)})

    with pytest.raises(UsageError, match=r"annex_iv/document.yaml: A, content 1: 'nobody' is undefined"):
        Builder(broken, dossier).document()


@pytest.mark.parametrize("entry", [{"text": "Right in {{ 97 / 100 }}"}, {"lines": ("Right in {{ 97 / 100 }}",)}])
def test_a_figure_that_a_template_works_out_is_an_error(dossier: Dossier, entry: dict[str, Any]) -> None:
    """What its text alone does not show is found once it is filled in."""
    section = Section(title="A", content=(Entry(**entry),))
    broken = template("annex_iv").model_copy(update={"sections": (section,)})

    with pytest.raises(UsageError, match=r"annex_iv/document.yaml: A, content 1: it works out the figure '0.97'"):
        Builder(broken, dossier).document()


def test_a_line_mixes_prose_facts_and_gaps(dossier: Dossier) -> None:
    """Within a sentence, too, what is declared, measured or missing is a node of its own."""
    line = "{{ card('name', 'Name') }} was tested by {{ run('tool', 'Tool') }} for {{ card('no.such', 'Aim') }}."
    section = Section(title="A", content=(Entry(lines=(line,)),))
    document = Builder(
        template("annex_iv").model_copy(update={"sections": (section,)}),
        dossier,
    ).document()
    kinds = [type(node).__name__ for node in walk(document.nodes[1:])]

    assert ["Listing", "Fact", "Text", "Fact", "Text", "Gap", "Text"] == kinds


@pytest.mark.parametrize("name", NAMES)
def test_anchors_begin_with_a_letter(dossier: Dossier, name: str) -> None:
    """A heading that begins with a number can still be the target of a style and of a script."""
    anchors = [node.anchor for node in build(name, dossier).nodes if isinstance(node, Heading)]

    assert all(anchor[0].isalpha() for anchor in anchors)


@pytest.mark.parametrize("name", NAMES)
def test_headings_of_provisions_carry_their_requirement(dossier: Dossier, name: str) -> None:
    """A reader and a machine both find which provision a section answers."""
    cited = [node.citation for node in build(name, dossier).nodes if isinstance(node, Heading) and node.citation]

    assert cited
    assert all(citation.endswith("]") and "[" in citation for citation in cited)


def test_dates_that_are_a_reading_are_printed_with_the_formal_one(dossier: Dossier) -> None:
    """Where the practical date is a reading, both stand in the text."""
    prose = " ".join(node.text for node in build("annex_iv", dossier).nodes if isinstance(node, Text))

    assert "formally since 2026-08-02; practical, a reading: 2027-12-02" in prose
    assert "as amended by Regulation (EU) 2026/1744" in prose


def test_a_limit_without_an_owner_leaves_a_gap(dossier: Dossier) -> None:
    """Who set a limit, when and why is asked for where the plan does not say."""
    open_items = [gap.what for gap in gaps_of(build("annex_iv", dossier))]

    assert "of the limit on efficiency residual: who set it, when, why" in open_items


def test_thousands_of_causes_are_counted_and_the_gravest_listed(
    dossier: Dossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that nobody reads to its end says how long it is; errors stand before broken limits."""
    monkeypatch.setattr(parts, "_CAUSES", 2)
    nodes = build("annex_iv", dossier).nodes
    place = next(at for at, node in enumerate(nodes) if isinstance(node, Text) and "gate stopped at" in node.text)
    listed, more = nodes[place + 1 : place + 3]
    causes = dossier.gate["causes"]
    codes = {each.get("finding"): each["code"] for each in causes}

    assert isinstance(listed, Listing)
    assert [4, 4] == [codes[entry[0].finding] for entry in listed.entries if isinstance(entry[0], Number)]
    assert isinstance(more, Text)
    assert f"2 of {len(causes)} are listed here; the annex holds every finding." == more.text


def test_a_probe_that_was_not_run_leaves_not_assessed(dossier: Dossier) -> None:
    """A missing probe is a gap that says so, never a neutral sentence."""
    open_items = [gap.what for gap in gaps_of(build("dpia", dossier))]

    assert "not assessed: leakage of personal data from the model" in open_items


def test_a_number_in_a_waiver_or_risk_row_says_what_it_is(dossier: Dossier) -> None:
    """Where no other cell names the quantity, the number is labelled."""
    labels = [
        node.label
        for node in walk(build("dpia", dossier).nodes)
        if isinstance(node, Number) and node.finding.endswith("selection-difference?age=25 or younger~over 25")
    ]

    assert "Selection difference, age: 25 or younger against over 25" in labels
