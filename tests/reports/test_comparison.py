"""The page and the Markdown of a comparison: every change, every difference, and nothing that a name could do."""

from __future__ import annotations

import pytest

from browsing import Page
from outcomes import HOSTILE
from probandum.comparison import Change, Comparison, Difference, Named
from probandum.export.comparison import HEADER, conclusion, markdown, rows, unsaid
from probandum.finding import Estimate, Groups
from probandum_reports.comparison import page


def named(system: str) -> Named:
    """One of two audits."""
    return Named(
        statement="sha256:ab",
        run="0123abcd",
        started="2026-11-25T19:00:00+00:00",
        system=system,
        version="2.1",
        identity=f"{len(system):08x}",
    )


def compared(name: str = "F") -> Comparison:
    """A change, one that is exact, one without a number, and a difference of each kind."""
    about = {"probe": "bias.fake", "metric": "rate", "groups": Groups(attribute="sex", group=name)}
    counts = ((6, 1), (2000, 2000))
    change = Estimate(
        value=0.0025,
        low=0.0,
        high=0.006,
        n=2000,
        unit="share",
        method="mcnemar-tango",
        counts=counts,
        moved=(6, 1, 2000),
    )
    exact = Estimate(value=0.0, low=0.0, high=0.0, n=9, unit="score", method="exact", moved=(0, 0, 9))
    missing = Estimate.missing(f"the baseline does not measure {name}", unit="share")
    return Comparison(
        name="baseline",
        base=named(name),
        new=named(name),
        differences=(
            Difference(what="option texts", base="a.txt", new=name, bars=True, probe="bias.other"),
            Difference(what="packages numpy", base="2.1", new="2.2", bars=False),
        ),
        changes=(
            Change(**about, base=0.1, new=0.1025, estimate=change),  # type: ignore[arg-type]
            Change(probe="bias.fake", metric="worst", base=0.5, new=0.5, estimate=exact),
            Change(probe="bias.other", metric="rate", estimate=missing, comparable=False),
        ),
    )


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
