"""In a language of other letters no page, file or picture says anything in English but what the data say."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from decisions import CARD, make_reasons
from dossiers import make_dossier
from pictured import EXPLAINERS, PICTURED, explained, prompted
from probandum.document import Table, Text
from probandum.dossier import Dossier
from probandum.law import bind
from probandum.law import catalogue as law_pack
from probandum.law.classifying import classify
from probandum_reports import build as building
from probandum_reports import docx, html, lint, markdown, messages, pdf
from probandum_reports.card_keys_told import in_words
from probandum_reports.documents import templates
from probandum_reports.filled import filled
from probandum_reports.messages import said, speaking
from probandum_reports.nodes import gaps
from probandum_reports.ooxml import name_of
from probandum_reports.processing_moments import MOMENTS
from probandum_reports.registers import LONGEST
from probandum_reports.view import View
from pseudo_language import catalogue, disguised
from word_forms import fill

NAMES = sorted(templates())
#: Dossiers with a picture of each kind, which a document of all findings holds.
DRAWN = [*PICTURED, prompted(), {"results": explained(*EXPLAINERS)}]
_SPOKEN = re.compile(rb"/Lang ?\(([^)]*)\)")
_WORD = re.compile(r"[^\W_]+")
#: Names of files, paths, provisions and findings, and places in a text: no prose is written without blanks.
_NAME = re.compile(r"[\w-]+(?:[.:/_@#?=~]+[\w-]+)+|\w+(?:-\w+){3,}|\{\w+\}")
#: Keys of a document's values under which names stand that no reader sees as they are.
_NAMES = {"kind", "key", "path", "field_id", "card", "anchor", "href", "id", "file", "style", "origin", "name"}
#: The title of a field that has no label is the path of its value; one that is too long for Word is cut.
_PATH = re.compile(r"[a-z]+:\S")
#: What of a Markdown file no reader sees: where a link leads, and what model hubs read.
_APART = re.compile(r"\]\([^)]*\)|\A---\n.*?\n---\n", re.DOTALL)


@pytest.fixture(autouse=True)
def spoken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The language of other letters is spoken."""
    monkeypatch.setattr(messages, "catalogue", lambda language: catalogue())
    with speaking("xx"):
        yield


class _Page(HTMLParser):
    """What a reader of a page sees or hears, but for what is to be copied, such as an id or a command."""

    _SHOWN = frozenset({"aria-label", "alt", "title", "data-title"})
    _COPIED = frozenset({"style", "code", "pre"})

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._copied = 0
        self._lines: list[str] | None = None
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take down what is read out; the lines of a chart are one text."""
        self._copied += tag in self._COPIED
        self.texts += [value for name, value in attributes if name in self._SHOWN and value]
        if tag == "svg":
            self._lines = []

    def handle_endtag(self, tag: str) -> None:
        """Back to what is around."""
        self._copied -= tag in self._COPIED
        if tag == "svg" and self._lines is not None:
            self.texts.append(" ".join(self._lines))
            self._lines = None

    def handle_data(self, data: str) -> None:
        """Take down what is seen."""
        if not self._copied:
            (self.texts if self._lines is None else self._lines).append(data)


def in_page(view: View) -> list[str]:
    """What a page says."""
    return _Page(html.render(view)).texts


def in_markdown(view: View) -> list[str]:
    """What a Markdown file says, line by line."""
    return _APART.sub("", markdown.render(view).decode().replace("\\", "")).splitlines()


def in_word(view: View) -> list[str]:
    """What a Word file says in its text, around its pages, in its properties, and in the titles of its fields."""
    word = docx.form(view)
    section, properties = word.sections[0], word.core_properties
    around = [each._element for each in (section.header, section.footer, section.first_page_footer)]
    found = [properties.title, properties.subject, properties.comments]
    for root in (word.element, *around):
        found += [" ".join(each.itertext("{*}t")) for each in root.iter("{*}p")]
        titles = [value for each in root.iter("{*}alias", "{*}tblCaption") for value in each.attrib.values()]
        found += [title for title in titles if not _PATH.match(title) and not title.endswith("…")]
    return found


def on_paper(view: View) -> list[str]:
    """What the typesetter is given to set."""
    return [text for text, key in _keyed(pdf._Content(view).tree()) if key not in _NAMES]


def _keyed(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield value, key
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _keyed(inner, str(name))
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _keyed(inner, key)


FORMATS: Mapping[str, Callable[[View], list[str]]] = {
    "html": in_page,
    "md": in_markdown,
    "docx": in_word,
    "pdf": on_paper,
}


class Known:
    """What may stand in English: a whole value of the data, or three words in a row of one.

    Whatever a sentence of the product has in common with a text of law is shorter than that, or it quotes it.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._whole: set[tuple[str, ...]] = set()
        self._threes: set[tuple[str, ...]] = set()
        for text in {part for each in texts for part in (each, *each.split("*"))}:
            words = _words(text)
            self._whole.add(words)
            self._threes.update(zip(words, words[1:], words[2:], strict=False))

    def others(self, text: str) -> list[str]:
        """The words of ``text`` in Latin letters that are of no value."""
        found = _words(text)
        told = [False] * len(found)
        for size, known in ((1, self._whole), (2, self._whole), (3, self._threes)):
            for place in range(len(found) - size + 1):
                if found[place : place + size] in known:
                    told[place : place + size] = [True] * size
        return [word for word, known in zip(found, told, strict=True) if not known and _latin(word)]


def _words(text: str) -> tuple[str, ...]:
    return tuple(map(str.lower, _WORD.findall(_NAME.sub(" ", text))))


def _latin(word: str) -> bool:
    return len(word) > 1 and word.isascii() and word.isalpha()


def values(value: Any) -> Iterator[str]:
    """Every text of a value, the names of its parts among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (*values(name), *values(inner))
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from values(inner)
    elif is_dataclass(value):
        for each in fields(value):
            yield from values(getattr(value, each.name))


@cache
def _of_law() -> tuple[str, ...]:
    """The law pack, and what it says of a provision."""
    law = law_pack()
    provisions = [text for each in law.requirements.values() for text in (each.cited, law.supplier(each))]
    asked = [each.path.rpartition(".")[2].replace("_", " ") for each in law.questions]
    named = [text.rpartition(".")[2].replace("_", " ") for text in values(law) if " " not in text]
    return (*values(law), *provisions, *asked, *named, *MOMENTS)


def known(dossier: Dossier) -> Known:
    """All that the record, the plan and the card say, and the law pack, of them too."""
    of_law = (*values(classify(dossier.card)), *values(bind(dossier.card)))
    return Known([*_of_law(), *of_law, *map(in_words, of_law), *values(dossier), *values(list(dossier.observations()))])


def left(texts: Iterable[str], data: Known) -> dict[str, list[str]]:
    """The texts in which English is left, each with its words."""
    return {text: words for text in texts if (words := data.others(text))}


def dossier_of(made: Mapping[str, Any]) -> Dossier:
    """A dossier in that language; of other results without the raw lines of the usual ones."""
    dossier = replace(make_dossier(**made), language="xx")
    return replace(dossier, observations=lambda: iter(())) if made else dossier


@cache
def usual() -> tuple[Dossier, Known]:
    """A dossier with findings of every verdict, and what it may say."""
    dossier = dossier_of({})
    return dossier, known(dossier)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_a_document_says_nothing_in_english(name: str, format: str) -> None:
    """In no format, and nothing in it is a claim."""
    dossier, data = usual()
    view = View(building.build(name, dossier), dossier, {})
    lint.check(view)

    assert {} == left(FORMATS[format](view), data)


@pytest.mark.parametrize("made", DRAWN)
def test_a_picture_says_nothing_in_english(made: dict[str, Any]) -> None:
    """Of any kind, with its caption, its description, its reading, its keys and its table."""
    dossier = dossier_of(made)
    view = View(building.build("dpia", dossier), dossier, {})
    lint.check(view)

    assert {} == left(in_page(view), known(dossier))


@pytest.mark.parametrize("format", ["html", "docx"])
def test_an_explanation_says_nothing_in_english(format: str) -> None:
    """Of a decision that has factors of every kind."""
    base = make_dossier()
    dossier = replace(base, decision=make_reasons(), card={**base.card, **CARD}, language="xx")
    view = View(building.explained(dossier), dossier, {})
    lint.check(view)

    assert {} == left(FORMATS[format](view), known(dossier))


@pytest.mark.parametrize("made", [{}, *DRAWN])
def test_the_pages_around_documents_say_nothing_in_english(made: dict[str, Any], tmp_path: Path) -> None:
    """Neither the entry page nor any page of evidence."""
    dossier = dossier_of(made)
    views = [View(building.build(name, dossier), dossier) for name in ("annex_iv", "summary")]
    index = html.index(
        dossier, [view.document for view in views], {"summary": ["summary.html"]}, ["cyclonedx", "in-toto"]
    )
    pages = [index, *(path.read_bytes() for path in html.evidence(dossier, tmp_path) if path.suffix == ".html")]
    data = known(dossier)

    assert len(pages) > 1
    assert [{}] * len(pages) == [left(_Page(page).texts, data) for page in pages]


@pytest.mark.parametrize("format", ["docx", "pdf"])
def test_a_register_that_is_cut_says_so_in_its_language(format: str) -> None:
    """And where all of its rows stand."""
    dossier, data = usual()
    rows = tuple((str(number), "") for number in range(LONGEST + 1))
    table = Table(caption="", header=("", ""), rows=rows, style="dense")
    document = replace(building.build("merge_summary", dossier), nodes=(table,))

    assert {} == left(FORMATS[format](View(document, dossier, {})), data)


@pytest.mark.parametrize("format", FORMATS)
def test_a_sentence_that_no_catalogue_holds_is_found(format: str) -> None:
    """So the tests above fail where one is put together beside the catalogues."""
    dossier, data = usual()
    document = building.build("summary", dossier)
    mixed = f"{said('Draft')}: 3 fields are still open."
    view = View(replace(document, nodes=(*document.nodes, Text(text=mixed))), dossier, {})

    assert [["fields", "are", "still", "open"]] == list(left(FORMATS[format](view), data).values())


def test_what_stays_english_says_so_in_a_word_file() -> None:
    """A summary of the law pack is a run of its own; in an English file none is."""
    dossier, _ = usual()
    summary = law_pack().get("ai-act:annex-iv:2:g").summary
    word = docx.form(View(building.build("coverage", dossier), dossier))
    marked = {
        "".join(run.itertext(name_of("t")))
        for run in word.element.body.iter(name_of("r"))
        if (language := run.find(f"{name_of('rPr')}/{name_of('lang')}")) is not None
        and language.get(name_of("val")) == "en"
    }
    with speaking("en"):
        plain = make_dossier()
        ours = docx.form(View(building.build("coverage", plain), plain))

    assert summary in marked
    assert not re.search("[\ue000-\ue002]", "".join(word.element.body.itertext()))
    assert [] == list(ours.element.body.iter(name_of("lang")))


@pytest.mark.parametrize("name", NAMES)
def test_what_stays_english_says_so_in_a_pdf(name: str) -> None:
    """Every document can be set in another language, and what stands in both says which is which."""
    pikepdf: Any = pytest.importorskip("pikepdf")
    dossier, _ = usual()
    with pikepdf.open(io.BytesIO(pdf.render(View(building.build(name, dossier), dossier, {})))) as file:
        told = {str(each.Lang) for each in file.objects if isinstance(each, pikepdf.Dictionary) and "/Lang" in each}
        told |= {name.decode() for page in file.pages for name in _SPOKEN.findall(page.Contents.read_bytes())}

    assert {"xx", "en-GB"} == told


def test_a_word_file_is_read_back_in_its_language(tmp_path: Path) -> None:
    """What it says is compared as it was written, and its placeholders are those of that language."""
    dossier = replace(usual()[0])
    view = View(building.build("art50_notice", dossier), dossier, {})
    path = tmp_path / "notice.docx"
    path.write_bytes(docx.render(view))
    field = next(gap.card for gap in gaps(view.document.nodes) if gap.card is not None and gap.origin == "missing")
    told = filled(dossier, fill(path, tmp_path / "filled.docx", {field: "As the leaflet says."}))
    with zipfile.ZipFile(path) as package:
        settings = package.read("word/settings.xml").decode()

    assert () == filled(dossier, path).entries
    assert [(field, "As the leaflet says.")] == [(each.path, each.value) for each in told.entries]
    assert 'themeFontLang w:val="xx"' in settings


def test_a_message_is_disguised_but_for_its_places() -> None:
    """So that it can be filled."""
    assert "{n:,} {things}" == re.sub("[^{}:, a-z]+", "", disguised("{n:,} of {things}")).replace("  ", " ")
