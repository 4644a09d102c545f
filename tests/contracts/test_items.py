"""What probes owe a later comparison: items that make up each quantity that is judged, under keys of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from fakes import Scorer, credit_world, run_probe
from probandum.changing import change_of_items, value_of
from probandum.changing_rows import change_of_counted, paired_rows
from probandum.probe import Measure, ProbeResult, make_probe
from probandum.row_items import Counted, Rows
from sound_systems import PAIRS, sound

#: Quantities that are judged and keep no items, with the reason.
WITHOUT: Mapping[str, str] = {}


@dataclass(frozen=True)
class Kept:
    """A probe's result on a sound system."""

    result: ProbeResult

    @property
    def items(self) -> list[Measure]:
        """Measures with items of their own."""
        return [measure for measure in self.result.measures if measure.items is not None]


@pytest.fixture(scope="module", params=PAIRS, ids=[f"{id}-{capability}" for id, capability in PAIRS])
def kept(request: pytest.FixtureRequest) -> Kept:
    """Every probe with every kind of system that it can ask."""
    return Kept(sound(*request.param))


def test_items_make_up_their_quantity(kept: Kept) -> None:
    """The value follows from the items by their form, so that differences of items are a change of it."""
    for measure in kept.items:
        assert measure.items is not None
        assert measure.estimate.value == pytest.approx(value_of(measure.items), rel=1e-9, abs=1e-9), measure.metric


def test_every_judged_number_can_be_compared(kept: Kept) -> None:
    """A quantity with a number that a limit may judge keeps items, or counts rows."""
    silent = {
        measure.metric
        for measure in kept.result.measures
        if measure.mode == "gate" and measure.estimate.value is not None
        if measure.items is None and measure.counted is None
    }

    assert silent <= {name.partition("/")[2] for name in WITHOUT if name.startswith(f"{kept.result.probe}/")}


def test_an_item_has_a_key_of_its_own(kept: Kept) -> None:
    """No two items of a quantity share their key, so that each finds its counterpart."""
    for measure in kept.items:
        assert measure.items is not None
        assert len(measure.items.keys) == len({*measure.items.keys}), measure.metric


def test_an_audit_has_not_changed_against_itself(kept: Kept) -> None:
    """The change of every quantity is 0 in its own unit, or relative."""
    for measure in kept.items:
        assert measure.items is not None
        change = change_of_items(measure.items, measure.items, design=measure.estimate.design, unit="u")

        assert 0.0 == change.value, measure.metric


@pytest.mark.parametrize("id", ["bias.group-rates", "bias.intersections"])
def test_rates_follow_from_their_rows(id: str) -> None:
    """Each rate, difference and ratio of groups is what its row items count, and one measure carries them for all."""
    result = run_probe(make_probe(id, {}), Scorer(gap=1.0), credit_world(600, towns=True))
    (packed,) = [measure.rows for measure in result.measures if measure.rows is not None]
    rows = packed.opened()
    counted = [measure for measure in result.measures if measure.counted is not None]
    pairs = paired_rows(packed, packed)

    assert {"share", "difference", "ratio"} == {each.counted.form for each in counted if each.counted is not None}
    for measure in counted:
        assert measure.counted is not None
        change = change_of_counted(pairs, measure.counted, measure.counted, unit="share")

        assert measure.estimate.value == pytest.approx(_value(rows, measure.counted)), measure.metric
        assert 0.0 == change.value, measure.metric


def _value(rows: Rows, counted: Counted) -> float:
    """What anyone would count."""
    rates = []
    for side in counted.sides:
        held = np.all([rows.columns[name] == code for name, code in side.items()], axis=0)
        codes = rows.columns[counted.column][held]
        trial = np.isin(codes, counted.trials)
        rates.append(float((trial & np.isin(codes, counted.events)).sum() / trial.sum()))
    if counted.form == "share":
        return rates[0]
    return rates[0] - rates[1] if counted.form == "difference" else rates[0] / rates[1]
