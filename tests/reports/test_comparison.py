"""The page and the Markdown of a comparison: every change, every difference, and nothing that a name could do."""

from __future__ import annotations

import pytest

from browsing import Page
from compared import compared, named
from outcomes import HOSTILE
from probandum.comparison import Comparison
from probandum.export.comparison import HEADER, conclusion, markdown, rows, unsaid
from probandum_reports.comparison import page


def test_a_row_says_values_change_p_n_and_what_moved() -> None:
    """McNemar's p of 6 and 1 is 2 * 8 / 128; an exact change has none, and no sign where nothing changed."""
    first, second = rows(compared())

    assert ("bias.fake/rate?sex=F", "0.100", "0.102", "+0.0025 (0 to +0.0060)", "0.125", "2,000", "6, 1") == first
    assert ("bias.fake/worst", "0.500", "0.500", "0 (0 to 0)", "exact", "9", "0, 0") == second
    assert "2 of 3 changes have a number; 1 not comparable; both audits are of the same system." == conclusion(
        compared()
    )
    assert [("bias.other: the baseline does not measure F", ["bias.other/rate"])] == unsaid(compared())


def test_nothing_to_compare_is_said() -> None:
    """A record without items has no changes, and that is no success."""
    empty = Comparison(name="baseline", base=named("a"), new=named("b"), differences=(), changes=())

    assert not empty.comparable
    assert "Nothing could be compared: the new record keeps no items." == conclusion(empty)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_do_nothing_on_the_page(name: str) -> None:
    """Every change stands in its table and every difference in its list, as text; nothing runs and nothing loads."""
    html = page(compared(name))
    read = Page(html)
    names = [element.name for element in read.elements]

    assert html == page(compared(name))
    assert {"script", "img", "iframe", "i", "b:c"}.isdisjoint(names)
    assert len(HEADER) == sum(
        element.name == "th" and element.attributes.get("scope") == "col" for element in read.elements
    )
    assert 2 == sum(element.name == "th" and element.attributes.get("scope") == "row" for element in read.elements)
    assert ["barring", "beside", "changes", "unsaid"] == [
        element.attributes["id"]
        for element in read.elements
        if element.name == "h2" and element.attributes["id"] != "records"
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_do_nothing_in_markdown(name: str) -> None:
    """A name ends no cell, makes no link and holds no markup."""
    text = markdown(compared(name)).decode()
    table = [line for line in text.splitlines() if line.startswith("|")]

    assert 4 == len(table)
    assert {len(HEADER) + 1} == {len(line.replace("\\|", "").split("|")) - 1 for line in table}
    assert "<script" not in text
    assert "](https" not in text
