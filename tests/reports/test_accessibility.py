"""Every page in a real browser, held against axe-core: wide and narrow, in light and in dark; and by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chromium import Browser, browser, missing
from compared import compared
from decisions import CARD, make_reasons
from dossiers import make_dossier, make_results
from probandum.probe import Measure
from probandum_reports.documents import templates
from probandum_reports.publisher import DocumentPublisher
from traded import traded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
#: CSS pixels: an ordinary screen, and a telephone.
WIDE, NARROW = 1280, 390
#: A page of every kind, and a document with every kind of content.
_PAGES = (
    "index",
    "annex_iv",
    "evidence/bias.group-rates",
    "evidence/energy.inference",
    "comparison",
    "tradeoffs",
    "explanation",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of page, written into one folder."""
    folder = tmp_path_factory.mktemp("pages")
    publisher, dossier = DocumentPublisher(), make_dossier()
    publisher.publish(dossier, list(templates()), folder, ["html"])
    (folder / "comparison.html").write_bytes(publisher.compared(compared()))
    (folder / "tradeoffs.html").write_bytes(publisher.traded(traded("float16", "sampled", "8bit", gaps=2)))
    explained = make_dossier(decision=make_reasons(), card={**dossier.card, **CARD})
    (folder / "explanation.html").write_bytes(publisher.explained(explained, "html"))
    return folder


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def _wrong(chromium: Browser, *, width: int, dark: bool) -> list[str]:
    """What axe-core finds at one width in one scheme of colours; dark changes colours alone."""
    chromium.look(width=width, dark=dark)
    told = chromium.faint() + ([] if dark else chromium.breaches())
    return [f"{width} px, {'dark' if dark else 'light'}: {each}" for each in told]


@pytest.mark.parametrize("name", _PAGES)
def test_axe_core_finds_nothing_wrong(name: str, pages: Path, chromium: Browser) -> None:
    """WCAG 2.2 A and AA and the best practices of axe-core, in each width and each of the two schemes of colour."""
    chromium.open(pages / f"{name}.html")
    ways = [(width, dark) for width in (WIDE, NARROW) for dark in (False, True)]

    assert [] == [each for width, dark in ways for each in _wrong(chromium, width=width, dark=dark)]


@pytest.mark.parametrize("name", [name for name in templates() if name not in _PAGES])
def test_axe_core_finds_nothing_wrong_in_any_other_document(name: str, pages: Path, chromium: Browser) -> None:
    """They come out of the same templates: each is looked at once whole, and once for its colours in the dark."""
    chromium.open(pages / f"{name}.html")

    assert [] == _wrong(chromium, width=WIDE, dark=False) + _wrong(chromium, width=NARROW, dark=True)


def test_axe_core_finds_what_is_planted(pages: Path, chromium: Browser, tmp_path: Path) -> None:
    """A page with a picture without words, faint text and a button without a name is told of each of them."""
    page = (pages / "index.html").read_text("utf-8")
    planted = '<img src="x.svg"><p style="color: #ddd; background: #fff">faint</p><button></button>'
    (tmp_path / "planted.html").write_text(page.replace("</main>", f"{planted}</main>"), "utf-8")
    chromium.open(tmp_path / "planted.html")
    chromium.look(width=WIDE)

    assert {"button-name", "image-alt"} == {each.partition(" ")[0] for each in chromium.breaches()}
    assert ["color-contrast"] == [each.partition(" ")[0] for each in chromium.faint()]


@pytest.mark.parametrize(
    "name", ["index", "dpia", "evidence/bias.group-rates", "comparison", "tradeoffs", "explanation"]
)
def test_no_page_scrolls_sideways(name: str, pages: Path, chromium: Browser) -> None:
    """On a telephone, and in the 320 pixels that are left of a screen at four times its size, text wraps."""
    chromium.open(pages / f"{name}.html")
    for width in (NARROW, 320):
        chromium.look(width=width)
        assert width >= chromium.evaluate("document.documentElement.scrollWidth"), width


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index, evidence and all documents of a system and groups with names of 180 letters without a blank."""
    folder = tmp_path_factory.mktemp("unbroken")
    measured = tuple(
        replace(result, measures=tuple(_long_named(each) for each in result.measures)) for result in make_results()
    )
    dossier = make_dossier(results=measured)
    dossier = replace(dossier, card={**dossier.card, "name": "S" * 180})
    DocumentPublisher().publish(dossier, list(templates()), folder, ["html"])
    return folder


def _long_named(measure: Measure) -> Measure:
    groups = measure.groups
    return measure if groups is None else replace(measure, groups=replace(groups, group=groups.group + "L" * 180))


@pytest.mark.parametrize("name", ["index", "evidence/*", *templates()])
def test_no_page_scrolls_sideways_for_a_name_without_blanks(name: str, unbroken: Path, chromium: Browser) -> None:
    """Text breaks between any two letters before a page gets wider than its window; tables scroll in their own box."""
    pages = sorted(unbroken.glob(f"{name}.html"))

    assert pages
    for page in pages:
        chromium.open(page)
        for width in (WIDE, NARROW, 320):
            chromium.look(width=width)
            assert width >= chromium.evaluate("document.documentElement.scrollWidth"), (page.name, width)


def test_no_table_of_trade_offs_scrolls_on_a_small_screen(pages: Path, chromium: Browser) -> None:
    """A cost with its interval, its unit and its grade wraps in its cell, at 1,000 pixels and in a wide window."""
    chromium.open(pages / "tradeoffs.html")
    for width in (1000, WIDE):
        chromium.look(width=width)
        over = "[...document.querySelectorAll('.scroll')].map(each => each.scrollWidth - each.clientWidth)"
        assert {0} == set(chromium.evaluate(over)), width


def test_the_keyboard_reaches_every_link_in_reading_order_and_shows_where_it_is(pages: Path, chromium: Browser) -> None:
    """The first stop skips to the content; each stop has an outline that can be seen."""
    chromium.open(pages / "index.html")
    chromium.look(width=WIDE)
    reached = "a[href]:not([tabindex='-1']), summary, [tabindex='0'], input"
    stops = chromium.evaluate(f'document.querySelectorAll("{reached}").length')
    chromium.evaluate("window.seen = []; 0")
    for _ in range(stops):
        chromium.press("Tab", 9)
        chromium.evaluate("window.seen.push(document.activeElement); 0")
    order = "window.seen.every((each, n) => !n || seen[n - 1].compareDocumentPosition(each) & 4)"
    outlined = """window.seen.filter(each => { each.focus(); const style = getComputedStyle(each);
        return style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2 }).map(each => each.outerHTML)"""

    assert "#main" == chromium.evaluate("window.seen[0].getAttribute('href')")
    assert stops == chromium.evaluate("new Set(window.seen).size")
    assert chromium.evaluate(order)
    assert [] == chromium.evaluate(outlined)
