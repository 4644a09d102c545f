"""A Word file in which more was changed than its fields: what hides, exchanges or adds anything is refused by name."""

from __future__ import annotations

import copy
import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from probandum.dossier import Dossier
from probandum.errors import DataError
from probandum_reports import docx as paper
from probandum_reports import filled as reading
from probandum_reports.build import build
from probandum_reports.ooxml import name_of
from probandum_reports.view import View
from word_forms import controls, element, fill, saved_again

docx: Any = pytest.importorskip("docx")
Image: Any = pytest.importorskip("PIL.Image")

NAME, SAID = "decisions.going_on", "It is changed."
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_MAIN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


@pytest.fixture(scope="module")
def made(dossier: Dossier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The summary for management with one field filled in."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "summary.docx").write_bytes(paper.render(View(build("summary", dossier), dossier)))
    return fill(folder / "summary.docx", folder / "filled.docx", {NAME: SAID})


def changed(source: Path, folder: Path, change: Callable[[Any], None]) -> Path:
    """A file that somebody changed otherwise."""
    word = docx.Document(str(source))
    change(word)
    word.save(str(folder / "changed.docx"))
    return folder / "changed.docx"


def locked(word: Any) -> list[Any]:
    """All locked values."""
    return [each for _, each in controls(word) if each.find(f"{name_of('sdtPr')}/{name_of('lock')}") is not None]


def look(*looks: Any) -> Callable[[Any], None]:
    """Give the runs of a locked value another look."""

    def change(word: Any) -> None:
        for run in locked(word)[3].iter(name_of("r")):
            properties = run.find(name_of("rPr"))
            if properties is None:
                properties = element("rPr")
                run.insert(0, properties)
            for each in looks:
                for old in properties.findall(each.tag):
                    properties.remove(old)
                properties.append(copy.deepcopy(each))

    return change


def row(*what: Any) -> Callable[[Any], None]:
    """Mark the last row of the first table."""
    return lambda word: word.tables[0]._tbl.findall(name_of("tr"))[-1].find(name_of("trPr")).extend(what)


def tracked(name: str) -> Any:
    """A tracked change."""
    return element(name, id=9, author="B", date="2026-11-01T00:00:00Z")


def drawings(word: Any) -> Iterator[Any]:
    """Everything drawn."""
    return word.element.body.iter(name_of("drawing"))  # type: ignore[no-any-return]


def pixels(word: Any, save: Callable[[Any, io.BytesIO], None]) -> None:
    """Write every picture anew."""
    for part in word.part.package.iter_parts():
        if part.content_type.startswith("image/"):
            with Image.open(io.BytesIO(part.blob)) as picture:
                buffer = io.BytesIO()
                save(picture, buffer)
                part._blob = buffer.getvalue()


def exchanged(word: Any) -> None:
    """The chart, but for one corner of it."""

    def save(picture: Any, buffer: io.BytesIO) -> None:
        other = picture.convert("RGB")
        other.paste((0, 0, 0), (0, 0, 9, 9))
        other.save(buffer, "PNG")

    pixels(word, save)


def saved_anew(word: Any) -> None:
    """Other bytes of the same points."""
    pixels(word, lambda picture, buffer: picture.save(buffer, "PNG", compress_level=1))


def put_in(word: Any) -> None:
    """A second picture, at the end of a paragraph of ours."""
    blank = io.BytesIO()
    Image.new("RGB", (9, 9)).save(blank, "PNG")
    word.paragraphs[2].add_run().add_picture(blank)


def above(word: Any) -> None:
    """A picture in a header."""
    blank = io.BytesIO()
    Image.new("RGB", (9, 9)).save(blank, "PNG")
    word.sections[0].header.paragraphs[0].add_run().add_picture(blank)


def taken_out(word: Any) -> None:
    """No chart."""
    drawn = next(drawings(word))
    drawn.getparent().remove(drawn)


def shrunk(word: Any) -> None:
    """The chart as a dot."""
    next(next(drawings(word)).iter(f"{_DRAWING}extent")).set("cx", "1000")


def cropped(word: Any) -> None:
    """The chart without its left half."""
    blip = next(next(drawings(word)).iter(f"{_MAIN}blip"))
    blip.addnext(blip.makeelement(f"{_MAIN}srcRect", {"l": "50000"}))


def faded(word: Any) -> None:
    """The chart, seen through."""
    blip = next(next(drawings(word)).iter(f"{_MAIN}blip"))
    blip.append(blip.makeelement(f"{_MAIN}alphaModFix", {"amt": "0"}))


def retold(word: Any) -> None:
    """Other words for those who do not see the chart."""
    next(next(drawings(word)).iter(f"{_DRAWING}docPr")).set("descr", "all is well")


def restyled(word: Any) -> None:
    """All letters white, by the defaults of the document."""
    defaults = word.styles.element.find(name_of("docDefaults"))
    for each in (*defaults.iter(name_of("color")), *word.styles.element.iter(name_of("color"))):
        each.set(name_of("val"), "FEFEFE")


def struck(word: Any) -> None:
    """A style of letters that strikes them through, and a locked value of it."""
    style = word.styles.add_style("Struck", 2)
    style.element.get_or_add_rPr().append(element("dstrike"))
    look(element("rStyle", val=style.style_id))(word)


def struck_tables(word: Any) -> None:
    """Every table of ours struck through, by its style."""
    (style,) = (
        each for each in word.styles.element.iter(name_of("style")) if each.get(name_of("styleId")) == "Evidence"
    )
    style.append(element("rPr", element("strike")))


def struck_rows(word: Any) -> None:
    """Every second row of every table of ours struck through, by its style."""
    (style,) = (
        each for each in word.styles.element.iter(name_of("style")) if each.get(name_of("styleId")) == "Evidence"
    )
    style.append(element("tblStylePr", element("rPr", element("strike")), type="band1Horz"))


def bound(word: Any) -> None:
    """A locked value that shows other data."""
    locked(word)[3].find(name_of("sdtPr")).append(element("dataBinding", xpath="/a", storeItemID="{0}"))


def unlocked(word: Any) -> None:
    """No lock is left."""
    for each in locked(word):
        properties = each.find(name_of("sdtPr"))
        properties.remove(properties.find(name_of("lock")))


def fetched(word: Any) -> None:
    """A field that shows another file."""
    word.paragraphs[2]._element.append(element("fldSimple", instr=' INCLUDETEXT "other.docx" '))


HIDDEN = "the file ''"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (look(element("vanish")), HIDDEN),
        (look(element("strike")), HIDDEN),
        (look(element("dstrike", val="true")), HIDDEN),
        (struck, HIDDEN),
        (struck_tables, HIDDEN),
        (struck_rows, HIDDEN),
        (look(element("color", val="FFFFFF")), HIDDEN),
        (look(element("color", val="auto", themeColor="background1")), HIDDEN),
        (look(element("sz", val=1)), HIDDEN),
        (look(element("w", val=1)), HIDDEN),
        (look(element("color", val="17212B"), element("shd", val="clear", fill="17212B")), HIDDEN),
        (look(element("color", val="000000"), element("highlight", val="black")), HIDDEN),
        (restyled, HIDDEN),
        (lambda word: word.paragraphs[2].runs[0]._element.get_or_add_rPr().append(element("vanish")), "text outside"),
        (row(tracked("del")), "a row of a table is deleted, and the change tracked"),
        (row(tracked("ins")), "a row of a table is put in, and the change tracked"),
        (row(element("hidden")), "a row of a table is hidden"),
        (bound, "a control is bound to other data"),
        (unlocked, ": its lock was taken away"),
        (fetched, "a field 'INCLUDETEXT \"other.docx\"' stands there, which shows what it fetches"),
        (exchanged, "the picture of figure 1 is another one, or was saved anew with loss"),
        (cropped, "the picture of figure 1 is another one"),
        (faded, "the picture of figure 1 is another one"),
        (shrunk, "the picture of figure 1 is so small that nobody can read it"),
        (retold, "the picture of figure 1 has another text for those who do not see it"),
        (put_in, "picture"),
        (above, "header: a picture stands there that the record does not have"),
        (taken_out, "0 pictures stand there, and the record has 1"),
    ],
)
def test_what_hides_or_exchanges_anything_is_refused(
    made: Path, dossier: Dossier, tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    """One line that names the file and what is not as the record has it."""
    file = changed(made, tmp_path, change)
    with pytest.raises(DataError) as refused:
        reading.filled(dossier, file)

    assert refused.value.message.startswith(f"{file}: ")
    assert message in refused.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda word: None,
        saved_anew,
        look(element("color", val="A8321F"), element("sz", val=40), element("strike", val=0)),
        lambda word: word.add_comment(word.paragraphs[2].runs[0], text="?", author="B"),
    ],
)
def test_what_shows_all_that_was_there_is_read(
    made: Path, dossier: Dossier, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    """Another look that can be read, comments, and pictures whose points are the same, whatever their bytes."""
    found = reading.filled(dossier, changed(made, tmp_path, change))

    assert [(NAME, SAID)] == [(each.path, each.value) for each in found.entries]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
def test_the_same_holds_of_files_that_libreoffice_saved(made: Path, dossier: Dossier, tmp_path: Path) -> None:
    """It is read; an exchanged chart, hidden words and a row that is tracked as deleted are still found in it."""
    saved = saved_again(made, tmp_path)
    assert [(NAME, SAID)] == [(each.path, each.value) for each in reading.filled(dossier, saved).entries]

    first = next(locked(docx.Document(str(made)))[3].iter(name_of("t"))).text

    def hidden(word: Any) -> None:
        for run in word.element.body.iter(name_of("r")):
            if first in [each.text for each in run.iter(name_of("t"))]:
                run.get_or_add_rPr().append(element("vanish"))

    for change, message in (
        (exchanged, "the picture of figure 1 is another one"),
        (retold, "has another text for those who do not see it"),
        (row(tracked("del")), "a row of a table is deleted"),
        (hidden, HIDDEN),
    ):
        with pytest.raises(DataError, match=message):
            reading.filled(dossier, changed(saved, tmp_path, change))


def test_the_sealed_file_tells_its_pictures_whatever_draws_them_now(
    made: Path, dossier: Dossier, tmp_path: Path
) -> None:
    """A record that another version drew is imported; the sealed file of another document is of no use."""
    other = changed(made, tmp_path, exchanged)
    original = shutil.copyfile(other, tmp_path / "original.docx")

    assert [NAME] == [each.path for each in reading.filled(dossier, other, original=original).entries]
    (tmp_path / "screen.docx").write_bytes(paper.render(View(build("merge_summary", dossier), dossier)))
    with pytest.raises(DataError, match="the picture of figure 1 is another one"):
        reading.filled(dossier, other, original=tmp_path / "screen.docx")


def repacked(source: Path, target: Path, change: Callable[[str, bytes], list[tuple[str, bytes]]]) -> Path:
    """A package whose parts were changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            for said, data in change(name, old.read(name)):
                new.writestr(said, data)
    return target


def defined(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """A document type with an entity of its own."""
    if name != "word/document.xml":
        return [(name, data)]
    head, _, rest = data.partition(b"?>")
    return [(name, head + b'?><!DOCTYPE x [<!ENTITY e "words">]>' + rest.replace(SAID.encode(), b"X&e;Y"))]


def elsewhere(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """The same in a part of another name."""
    if name == "word/document.xml":
        return [("word/text.bin", defined(name, data)[0][1])]
    return [(name, data.replace(b"word/document.xml", b"word/text.bin"))]


def broken(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """Properties that are cut off."""
    return [(name, data[:99] if name == "docProps/custom.xml" else data)]


def doubled(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """The text twice."""
    return [(name, data)] * (2 if name == "word/document.xml" else 1)


def another(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """A text that is none."""
    return [(name, b"<x/>" if name == "word/document.xml" else data)]


def dated(day: bytes) -> Callable[[str, bytes], list[tuple[str, bytes]]]:
    """Another day in the properties."""
    return lambda name, data: [(name, data.replace(b"2026-11-02", day) if name == "docProps/custom.xml" else data)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (defined, "word/document.xml defines what its words stand for"),
        (elsewhere, "word/text.bin defines what its words stand for"),
        (broken, "not a Word file: "),
        (doubled, "holds word/document.xml twice"),
        (another, "not a Word file: "),
        (dated(b"garbage"), "as-of: expected a date such as 2026-11-23, got 'garbage'"),
        (dated(b""), "as-of: expected a date such as 2026-11-23, got ''"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(
    made: Path, tmp_path: Path, change: Callable[[str, bytes], list[tuple[str, bytes]]], message: str
) -> None:
    """Whatever is wrong with it; nothing of it is read, so that no word of it is lost in silence."""
    file = repacked(made, tmp_path / "damaged.docx", change)
    with pytest.raises(DataError) as refused:
        reading.origin(file)

    assert f"{file}: {message}" in str(refused.value)
    assert 1 == len(refused.value.lines())
