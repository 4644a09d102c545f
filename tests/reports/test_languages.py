"""Every sentence of every document comes from a catalogue: with all of them in other letters, no English is left.

The catalogue is made of what ``pybabel extract`` finds by the command of CONTRIBUTING.md, each text with its letters
exchanged for those of full width. What a document then still says in plain letters has to be a value: of the card, the
plan, the record, or the law pack.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from decisions import CARD, make_reasons
from dossiers import make_dossier
from paths import ROOT
from probandum.document import Document, Fact, Figure, Gap, Heading, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import DataError
from probandum.law import bind, catalogue
from probandum.law.classifying import classify
from probandum.probe import known_probes
from probandum.speech import Catalogue, bare, language, speaking_in
from probandum_reports import build, html, messages, standing
from probandum_reports.card_keys_told import called, in_words
from probandum_reports.documents import templates
from probandum_reports.messages import counted, read, said, speaking
from probandum_reports.nodes import gaps, walk
from probandum_reports.processing_moments import MOMENTS
from probandum_reports.publisher import DocumentPublisher
from probandum_reports.view import View
from probandum_reports.wording import WORDS

NAMES = [*sorted(templates()), "explanation"]
WIDE = {code: code + 0xFEE0 for first, last in (("A", "Z"), ("a", "z")) for code in range(ord(first), ord(last) + 1)}
#: What a text leaves open; of what Jinja fills in, the label behind a path is text.
OPEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{\w+(?::,)?\}|%\(\w+\)s)", re.DOTALL)
LABEL = re.compile(r"(?<=, ')[^']*(?=')|(?<=, \")[^\"]*(?=\")")
#: Codes under which the record keeps what documents say in words of their own.
CODES = {"status", "verdict", "sub_reason", "kind", "mode", "unit", "method", "state", "direction", "source", "held"}


def wide(text: str) -> str:
    """A text in letters of full width, except what it leaves open."""
    parts = OPEN.split(text)
    return "".join(
        LABEL.sub(lambda found: found[0].translate(WIDE), part) if place % 2 else part.translate(WIDE)
        for place, part in enumerate(parts)
    )


@pytest.fixture(scope="session")
def english(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All that translators get, by the command of CONTRIBUTING.md."""
    path = tmp_path_factory.mktemp("messages") / "messages.pot"
    lines = (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
    _, *command = shlex.split(next(line for line in lines if "pybabel extract" in line))
    options = [str(path) if each == "messages.pot" else each for each in command]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", "-q", *options], cwd=ROOT, check=True)
    with path.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="session")
def other(english: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """A catalogue of the language of wide letters, as it is read from its folder."""
    made = Catalog(locale="en")
    for message in english:
        if message.id:
            text: Any = message.id
            made.add(text, wide(text) if isinstance(text, str) else tuple(map(wide, text)))
    folder = tmp_path_factory.mktemp("wide")
    with (folder / "all.po").open("wb") as file:
        write_po(file, made)
    return read(folder)


@pytest.fixture
def spoken(other: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That language is spoken."""
    monkeypatch.setattr(messages, "catalogue", lambda language: other)
    with speaking("xx"):
        yield


@cache
def dossier_of(*, decided: bool) -> Dossier:
    """A dossier with findings of every verdict; one that is ``decided`` has a decision to explain, too."""
    made = make_dossier()
    if not decided:
        return replace(made, language="xx")
    return replace(made, decision=make_reasons(), card={**made.card, **CARD}, language="xx")


def tree(name: str) -> Document:
    """A document, in the language that is spoken."""
    dossier = replace(dossier_of(decided=name == "explanation"))  # a new one: words are kept for each
    return build.explained(dossier) if name == "explanation" else build.build(name, dossier)


def texts(document: Document) -> Iterator[tuple[str, str]]:
    """All that a tree says, and what each text is; values of the card and citations are others'."""
    yield from (("title", document.title), ("subtitle", document.subtitle), ("status", document.status))
    citations = {gap.citation for gap in gaps(document.nodes)}
    for node in walk([*document.front, *document.nodes]):
        match node:
            case str():
                yield "cell", "" if node in citations else node
            case Text() | Heading():
                yield "text", node.text
            case Gap():
                yield from (("gap", node.what), ("supplier", node.supplier))
            case Number():
                yield "label", node.label or ""
            case Fact():
                yield "label", node.label or ""
                yield from (("by", node.by or ""), ("on", node.on or ""))
                if node.origin != "declared" or ":" in node.path:
                    yield node.path, node.value
            case Table():
                yield from (("caption", node.caption), *(("header", each) for each in node.header))
            case Figure():
                yield from (("caption", node.caption), ("alt", node.alt), ("reading", node.reading))


def strings(value: Any) -> Iterator[str]:
    """Every text in a value, names of keys among them; no code of a finding or a result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from strings(inner)
    elif is_dataclass(value):
        for each in fields(value):
            if each.name not in CODES:
                yield from strings(getattr(value, each.name))


@cache
def values(*, decided: bool) -> re.Pattern[str]:
    """All that a document may say in English, as one pattern: the longest first, and whole words alone."""
    dossier, law = dossier_of(decided=decided), catalogue()
    found: set[str] = set(MOMENTS)
    for each in ("card", "plan", "findings", "waivers", "results", "environment", "gate", "digests", "seal", "energy"):
        found |= {*strings(getattr(dossier, each))}
    for reading in (*dossier.readings.values(), *(each.reading for each in dossier.windows.values())):
        found |= {*strings(reading), *(part.upper() for part in reading.why)}
    if (decision := dossier.decision) is not None:
        found |= {*strings(decision), decision.method, decision.kind}
    found |= {*dossier.items, *(each.probe for each in dossier.accounts), *known_probes()}
    # of the law sentences, citations and titles, and no single word that any sentence may hold
    of_law = {*strings(classify(dossier.card)), *strings(bind(dossier.card)), *strings(law.pack), *strings(law.form)}
    of_law |= {*strings(law.requirements), *strings(law.questions), *strings(law.timeline), *strings(law.heads)}
    of_law |= {text for each in law.requirements.values() for text in (each.cited, law.supplier(each))}
    of_law |= {in_words(text) for text in of_law}
    of_law |= {text.replace("_", " ").replace("-", " ") for text in of_law}
    found |= {text for text in of_law if not re.fullmatch("[a-z]+", text)} | {*law.pack.parties, *law.requirements}
    for name in (name for group in law.metric_map.metrics.values() for name in group):
        words = (name.partition(".")[2] or name).split("_")
        found |= {each.strip() for each in " ".join("\n" if word in WORDS else word for word in words).split("\n")}
    found |= {called(each.path) for each in law.questions} | {
        text for each in law.form.values() for text in (each.unit or "", *each.options)
    }
    found |= {text.replace("_", " ") for text in found}
    found |= {text[:1].swapcase() + text[1:] for text in found} | {text.rstrip(".") for text in found}
    alternatives = "|".join(map(re.escape, sorted(filter(_worded, found), key=lambda text: (-len(text), text))))
    return re.compile(rf"(?<![A-Za-z])(?:{alternatives})(?![A-Za-z])")


def _worded(text: str) -> bool:
    return re.search("[A-Za-z]{2}", text) is not None


def left(name: str, document: Document) -> dict[str, list[str]]:
    """The texts in which English is left, each with its words."""
    known = values(decided=name == "explanation")
    found = {
        f"{what}: {text}": re.findall("[A-Za-z]{2,}", known.sub(" ", bare(text))) for what, text in texts(document)
    }
    return {text: words for text, words in found.items() if words}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("spoken")
def test_no_english_is_left_in_a_document(name: str) -> None:
    """But values of the card, the plan, the record and the law pack."""
    assert {} == left(name, tree(name))


@pytest.mark.usefixtures("spoken")
def test_a_sentence_that_no_catalogue_holds_is_found() -> None:
    """So the test above fails where a builder puts one together by itself."""
    document = tree("dpia")
    mixed = replace(document, nodes=(*document.nodes, Text(text=f"{said('Draft')}: 3 fields wait for a person")))

    assert ["fields", "wait", "for", "person"] == next(iter(left("dpia", mixed).values()))


@pytest.mark.parametrize("name", NAMES)
def test_paths_are_the_same_in_every_language(name: str, other: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card fills the same fields of a document, whatever language it is written in; anchors stay apart."""
    monkeypatch.setattr(messages, "catalogue", lambda language: other)

    def paths(document: Document) -> list[str | None]:
        nodes = [*walk([*document.front, *document.nodes])]
        return [each.path if isinstance(each, Fact) else each.card for each in nodes if isinstance(each, Fact | Gap)]

    ours = tree(name)
    with speaking("xx"):
        theirs = tree(name)
    anchors = [node.anchor for node in theirs.nodes if isinstance(node, Heading)]

    assert paths(ours) == paths(theirs)
    assert len(anchors) == len({*anchors})


@pytest.mark.usefixtures("spoken")
def test_what_stays_english_says_so_in_a_page() -> None:
    """Texts of the law pack stand in elements of their language; in an English page none does."""
    summary = catalogue().get("ai-act:annex-iv:2:g").summary
    page = html.render(View(tree("coverage"), dossier_of(decided=False))).decode()

    assert 'lang="xx"' in page
    assert f'<span lang="en">{summary}</span>' in page
    assert not re.search("[\ue000-\ue002]", page)


def test_an_english_page_marks_nothing() -> None:
    """All of it is English."""
    dossier = make_dossier()

    assert '<span lang="en">' not in html.render(View(build.build("coverage", dossier), dossier)).decode()


def write(folder: Path, locale: str, *pairs: tuple[Any, Any]) -> Path:
    """A folder with one catalogue."""
    made = Catalog(locale=locale)
    for text, told in pairs:
        made.add(text, told)
    with (folder / "a.po").open("wb") as file:
        write_po(file, made)
    return folder


def test_a_number_has_the_form_that_its_language_has_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Polish has one for 1, one for 2 to 4, and one for 5."""
    forms = ("{n} wynik", "{n} wyniki", "{n} wynik\u00f3w")
    found = read(write(tmp_path, "pl", (("{n} finding", "{n} findings"), forms)))
    monkeypatch.setattr(messages, "catalogue", lambda language: found)
    with speaking("pl"):
        told = [counted(n, "{n} finding", "{n} findings") for n in (1, 3, 5, 22)]

    assert ["1 wynik", "3 wyniki", "5 wynik\u00f3w", "22 wyniki"] == told


@pytest.mark.parametrize(
    ("text", "told", "problem"),
    [
        ("on {day}", "am Tag", "has places for day, and its translation for nothing"),
        ("on {day}", "am {tag}", "has places for day, and its translation for tag"),
        ("on {day}", "am {day", "has places for day, and its translation for {"),
        ("{{ card('name', 'the name') }}", "{{ card('id', 'Name') }}", "has places for card('name'"),
        (("{n} row", "{n} rows"), ("{n} Zeile", ""), "has 1 forms, and its language 2"),
        (("{n} row of {all}", "{n} rows of {all}"), ("{n} Zeile", "{n} Zeilen"), "has places for all, n"),
    ],
)
def test_a_translation_that_cannot_be_filled_is_refused(tmp_path: Path, text: Any, told: Any, problem: str) -> None:
    """When its catalogue is read, with file and line."""
    with pytest.raises(DataError, match=rf"a\.po:\d+: .*{re.escape(problem)}"):
        read(write(tmp_path, "de", (text, told)))


def test_a_form_for_one_may_leave_the_number_out(tmp_path: Path) -> None:
    """As `ein Befund` does."""
    pair = (("{n} finding", "{n} findings"), ("ein Befund", "{n} Befunde"))

    assert read(write(tmp_path, "de", pair))


def test_nothing_but_english_is_spoken_unless_somebody_says_so() -> None:
    """So that a record is English."""
    assert "en" == language()


def test_an_open_field_is_named_without_marks(other: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal says them as they are."""
    monkeypatch.setattr(messages, "catalogue", lambda language: other)
    monkeypatch.setattr(messages, "languages", lambda: ("en", "xx"))
    state = DocumentPublisher().state(dossier_of(decided=False), "annex_iv")

    assert [each for each in state.open if any(question.ask in each for question in catalogue().questions)]
    assert not re.search("[\ue000-\ue002]", " ".join(state.open))


def test_what_was_told_of_a_card_in_one_language_is_told_anew_in_another() -> None:
    """From when an older system has its duties: what is kept of a card is kept for the language that was spoken."""
    card = {"annex_iii": "5(b)", "provider": "Bank", "placed_on_market": "2026-03-01"}

    plain = standing.applying(card).older
    with speaking_in("xx", {"only from a significant change in its design on or after {day}": "aus {day}"}):
        other = standing.applying(card).older

    assert plain.startswith("only from a significant change")
    assert other.startswith("aus 2")
