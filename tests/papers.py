"""A small document of every node kind, for the paper formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from probandum.document import Document, Fact, Figure, Gap, Heading, Listing, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Finding
from probandum_reports.view import View

HUMAN = Gap(
    what="How a person may stop the system, and who that is",
    citation="AI Act, Annex IV(3)",
    supplier="provider",
    field_id="oversight.stop",
    origin="human",
    card="oversight.stop",
)
MISSING = Gap(
    what="The data sheets of the training data",
    citation="AI Act, Annex IV(2)(d)",
    supplier="provider",
    field_id="data.sheets",
    card="data.sheets",
)


def make_document(dossier: Dossier, *extra: Node) -> Document:
    """Every kind of node and every origin, with ``extra`` nodes at the end."""
    first, *rest = dossier.findings
    judged = [finding for finding in dossier.findings if finding.limit is not None]
    compared = tuple(finding.id for finding in judged if finding.metric.endswith("-difference"))
    return Document(
        id="sample",
        title="Technical documentation",
        subtitle="Regulation (EU) 2024/1689, Article 11 and Annex IV",
        status="Draft: 2 entries are open. Not final before a named person has reviewed it.",
        front=(
            Fact(path="provider.name", value="Example Bank AG", label="Provider", by="A. Example", on="2026-10-20"),
            Fact(path="run.started", value="2026-11-01", label="Audit begun", origin="measured"),
        ),
        nodes=(
            Heading(text="General description", level=1, anchor="general", citation="AI Act, Annex IV(1)"),
            Text(text="What the system is for, who provides it, and what it runs on.", style="lead"),
            Text(text="A first paragraph that explains.\n\nA second one.", style="body"),
            Fact(path="purpose", value="Decides on consumer credit applications", label="Intended purpose"),
            Fact(path="run.digest", value="sha256:" + "ab" * 32, label="Weights", origin="measured"),
            Fact(path="risk", value="2, limited", label="Likelihood", origin="proposed"),
            MISSING,
            HUMAN,
            Text(text="The threshold was set after the data were seen.", style="warning"),
            Text(text="Shares are shares of 1, never per cent.", style="note"),
            Heading(text="Accuracy and fairness", level=2, anchor="fairness", citation="AI Act, Annex IV(3)"),
            *(Number(finding=finding.id) for finding in judged),
            Heading(text="All findings", level=3, anchor="all"),
            findings_table(dossier.findings),
            Figure(
                kind="intervals",
                caption="Differences between groups",
                alt="Intervals of the differences between groups, against their limits",
                findings=compared,
                twin=findings_table([finding for finding in judged if finding.id in compared]),
            ),
            Listing(
                entries=(
                    (Text(text="The rate of the first group is"), Number(finding=first.id, label="selection rate")),
                    (
                        Fact(path="annex_iii", value="5(b)", label="Annex III"),
                        replace(HUMAN, field_id="listed", card="listed"),
                    ),
                    (Number(finding=rest[-1].id),),
                )
            ),
            Heading(text="Risks", level=1, anchor="risks"),
            Table(
                caption="What a person must decide",
                header=("Question", "Answer", "Proposal"),
                rows=(
                    (
                        "Who reviews it?",
                        replace(HUMAN, field_id="reviewer", card="reviewer"),
                        Fact(path="r", value="DPO", origin="proposed"),
                    ),
                    ("Which data?", MISSING, "none"),
                ),
            ),
            *extra,
        ),
        requirements=("ai-act:annex-iv:1",),
    )


def findings_table(findings: list[Finding] | tuple[Finding, ...]) -> Table:
    """Findings as a table with one number a row."""
    return Table(
        caption="Findings",
        header=("Metric", "Compared", "Result"),
        rows=tuple(
            (finding.metric.rpartition("/")[2], str(finding.groups or ""), Number(finding=finding.id))
            for finding in findings
        ),
    )


def make_view(dossier: Dossier, *extra: Node) -> View:
    """The sample document as words."""
    return View(make_document(dossier, *extra), dossier)


def words_of(opened: Any) -> str:
    """All text of a PDF as its fonts map it to letters, spaces left out."""
    return "".join("".join(letters_of(page)) for page in opened.pages).replace(" ", "")


def glyphs_of(opened: Any, letters: str) -> dict[str, set[int]]:
    """The glyphs by which each family of fonts in a PDF draws a letter with its marks."""
    found: dict[str, set[int]] = {}
    for page in opened.pages:
        for font in page.Resources.get("/Font", {}).values():
            family = str(font.BaseFont).partition("+")[2].partition("-")[0]
            glyphs = {glyph for glyph, drawn in _unicode(font).items() if drawn == letters}
            if glyphs:
                found.setdefault(family, set()).update(glyphs)
    return found


def letters_of(page: Any) -> Iterator[str]:
    """The letters of a page, through each font's own map to Unicode."""
    fonts = {name: _unicode(font) for name, font in page.Resources.get("/Font", {}).items()}
    current: dict[int, str] = {}
    pikepdf: Any = import_module("pikepdf")
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            current = fonts[str(operands[0])]
        elif str(operator) in ("Tj", "TJ"):
            pieces = operands[0] if str(operator) == "TJ" else operands
            for piece in pieces:
                if isinstance(piece, pikepdf.String):
                    raw = bytes(piece)
                    for place in range(0, len(raw), 2):
                        yield current.get(int.from_bytes(raw[place : place + 2], "big"), "")


def _unicode(font: Any) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in bytes(font.ToUnicode.read_bytes()).decode("latin-1").splitlines():
        parts = line.replace("<", " ").replace(">", " ").split()
        if len(parts) == 2 and len(parts[0]) == 4 and line.startswith("<"):
            found[int(parts[0], 16)] = bytes.fromhex(parts[1]).decode("utf-16-be")
    return found
