"""The page of trade-offs: a picture in two widths, tables that say as much, and nothing that a name could do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from browsing import Page
from outcomes import HOSTILE
from probandum.finding import Estimate
from probandum_reports import variant_charts
from probandum_reports.variants import page
from traded import traded


@pytest.mark.parametrize("name", HOSTILE)
def test_names_do_nothing_on_the_page(name: str) -> None:
    """In its picture, its tables and its ids they stay text, and the page is well formed."""
    found = Page(page(traded(name, "other")))

    assert not found.all("script")
    assert not [each for each in found.elements if any(key.startswith("on") for key in each.attributes)]
    assert 1 == len(found.all("h1"))
    ids = [each.attributes["id"] for each in found.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))


def test_the_picture_says_in_words_and_tables_what_it_shows() -> None:
    """Every value of it stands in a table; variants are told apart by shape and not by colour alone."""
    found = traded("eight", "sampled")
    read = Page(page(found))
    text = read.text

    for each in found.variants:
        assert each.name in text
        assert f"{each.cost.value:.3f}" in text
        assert f"{each.quality.value:.3f}" in text
    assert "dominated by first" in text
    assert "not compared with first" in text
    assert "+0.050 (+0.040 to +0.060), moved" in text
    assert {"D", "s", "o"} == {variant_charts._mark(each)["marker"] for each in found.variants}
    assert "eight is dominated; on the front: first, sampled." in variant_charts.alt(found)
    assert "(grade C or D)" in text


def test_what_is_not_drawn_is_counted() -> None:
    """Five gaps at the most, and none without a value of every variant; the tables hold all."""
    found = traded("a", gaps=7)
    nothing = Estimate.missing("too few", unit="share difference")
    hollow = replace(found, gaps=(replace(found.gaps[0], values=(nothing, nothing)),))

    assert (6, 2) == (len(variant_charts.panels(found)), variant_charts.left_out(found))
    assert (1, 1) == (len(variant_charts.panels(hollow)), variant_charts.left_out(hollow))
    assert "Gaps that are not drawn: 2." in Page(page(found)).text
    assert "none: too few" in Page(page(hollow)).text


def test_the_picture_is_the_same_in_every_run() -> None:
    """To the byte, in both widths."""
    found = traded("a", "b", "c")

    assert variant_charts.wide(found) == variant_charts.wide(found)
    assert variant_charts.narrow(found) == variant_charts.narrow(found) != variant_charts.wide(found)
