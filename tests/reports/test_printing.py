"""What a browser prints: about as many pages as the PDF has, and no head at the foot of one without what it heads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from chromium import PAPERS, Browser, browser, missing
from probandum.dossier import Dossier
from probandum_reports.publisher import DocumentPublisher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
#: The most pages of a print, for one of the PDF.
_TIMES = 1.3
#: Marks every head and what follows it with links, which a print keeps with their place; gives the words of the heads.
_MARKED = """(() => {
    const seen = each => each.checkVisibility() && !each.closest('.hidden, caption, svg, .contents, .skip');
    const texts = root => {
        const found = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) found.push(walker.currentNode);
        return found.filter(text => text.data.trim() && seen(text.parentElement));
    };
    const all = texts(document.querySelector('main'));
    const heads = [...document.querySelectorAll('h2, h3, h4, h5, h6, .caption, thead')].filter(seen);
    const pairs = heads.map(each => texts(each).at(-1)).map(last => [last, all[all.indexOf(last) + 1]]);
    pairs.forEach((pair, number) => pair.forEach((text, place) => {
        const link = document.createElement('a');
        link.href = `https://print.invalid/${number}/${place}`;
        link.textContent = '.';
        text?.before(link);
    }));
    return heads.map(each => each.textContent.trim());
})()"""


@pytest.fixture(scope="module")
def pages(dossier: Dossier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two long documents as pages and as PDF, with the pages of evidence."""
    folder = tmp_path_factory.mktemp("pages")
    DocumentPublisher().publish(dossier, ["annex_iv", "coverage"], folder, ["html", "pdf"])
    return folder


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def printed(chromium: Browser, paper: str) -> Any:
    """What is open, printed."""
    return pikepdf.open(io.BytesIO(chromium.printed(paper)))


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["annex_iv", "coverage"])
def test_a_print_is_about_as_long_as_the_pdf(name: str, paper: str, pages: Path, chromium: Browser) -> None:
    """Tables stay tables on a sheet, however narrow; letters are no larger than those of the PDF."""
    chromium.open(pages / f"{name}.html")

    assert _TIMES * len(pikepdf.open(pages / f"{name}.pdf").pages) >= len(printed(chromium, paper).pages)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["annex_iv", "coverage", "index", "evidence/bias.group-rates"])
def test_no_head_stands_alone_at_the_foot_of_a_page(name: str, paper: str, pages: Path, chromium: Browser) -> None:
    """Each heading, caption and head of a table is on one page with what follows it, wherever the pages end."""
    chromium.open(pages / f"{name}.html")
    heads = chromium.evaluate(_MARKED)
    first: dict[str, int] = {}
    for number, page in enumerate(printed(chromium, paper).pages):
        for link in page.get("/Annots", []):
            _, found, place = str(link.get("/A", {}).get("/URI", "")).partition("print.invalid/")
            if found:
                first.setdefault(place, number)
    both = [number for number in range(len(heads)) if {f"{number}/0", f"{number}/1"} <= first.keys()]

    assert len(both) > 0.8 * len(heads) > 0
    assert [] == [heads[number] for number in both if first[f"{number}/0"] != first[f"{number}/1"]]
