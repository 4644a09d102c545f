"""Evidence and estimates: a digest covers what the system sees and nothing else; no number without its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from probandum.evidence import Capability, Items, Masks, Reading, Request, Response, Table
from probandum.finding import Estimate, Groups, finding_id

ROWS = Table({"age": np.array([30.0, 40.0]), "town": np.array(["Ulm", "Bonn"])})
CHOICE = Request(
    kind=Capability.CHOOSE,
    inputs=("Hire Ann?", "Hire Bob?"),
    options=((" yes", " Yes"), (" no",)),
    prefix="My answer is",
    parameters={"temperature": 0.0},
    repeat=1,
)
CONTINUED = Request(kind=Capability.SCORE, inputs=("The nurse", "The chief"), continuations=(" she", " he"))
PREDICTED = Request(kind=Capability.PREDICT, inputs=ROWS)


def changed(request: Request, **what: Any) -> Request:
    """The request with one thing changed."""
    return replace(request, **what)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": Capability.SCORE},
        {"inputs": ("Hire Ann?", "Hire Bo?")},
        {"inputs": ("Hire Bob?", "Hire Ann?")},
        {"inputs": ("Hire Ann?Hire Bob?",)},
        {"options": ((" yes",), (" Yes",), (" no",))},
        {"options": ((" no",), (" yes", " Yes"))},
        {"prefix": "My answer: "},
        {"parameters": {"temperature": 0.5}},
        {"parameters": {}},
        {"repeat": 2},
    ],
)
def test_a_digest_is_sensitive_to_all_that_the_system_sees(other: Mapping[str, Any]) -> None:
    """Another word, another order, another option, another parameter: another ask."""
    assert CHOICE.digest != changed(CHOICE, **other).digest


def test_continuations_are_seen_too() -> None:
    """What is scored is part of the ask."""
    assert CONTINUED.digest != changed(CONTINUED, continuations=(" he", " she")).digest


@pytest.mark.parametrize(
    "other",
    [
        {"keys": ("a", "b")},
        {"groups": ("F", "M")},
        {"fresh": True},
        {"masks": Masks(base="x", operator="drop", seed=1, width=3, kept="")},
    ],
)
def test_a_digest_leaves_out_what_the_system_never_sees(other: Mapping[str, Any]) -> None:
    """The same ask has the same digest in every audit, whatever it is asked for."""
    assert CHOICE.digest == changed(CHOICE, **other).digest


@pytest.mark.parametrize(
    "other",
    [
        {"age": np.array([30.0, 41.0]), "town": ROWS["town"]},
        {"years": ROWS["age"], "town": ROWS["town"]},
        {"town": ROWS["town"], "age": ROWS["age"]},
        {"age": np.array(["30", "40"]), "town": ROWS["town"]},
        {"age": ROWS["age"], "town": np.array(["UlmB", "onn"])},
        {"age": ROWS["age"]},
    ],
)
def test_the_digest_of_rows_covers_names_kinds_values_and_order(other: Mapping[str, Any]) -> None:
    """A model reads all of them."""
    assert ROWS.digest != Table(other).digest
    assert PREDICTED.digest != changed(PREDICTED, inputs=Table(other)).digest


def test_the_digest_of_rows_does_not_depend_on_how_numbers_are_stored() -> None:
    """Whole numbers, single precision and strides are the same numbers."""
    columns = [np.array([1, 2]), np.array([1.0, 2.0], dtype=np.float32), np.array([1.0, 9.0, 2.0])[::2]]

    assert 1 == len({Table({"a": column}).digest for column in columns})


def test_rows_and_texts_are_told_apart() -> None:
    """A text that happens to be a digest is no table."""
    texts = Request(kind=Capability.PREDICT, inputs=(ROWS.digest,))

    assert texts.digest != PREDICTED.digest
    with pytest.raises(TypeError, match="has no rows"):
        _ = texts.table
    with pytest.raises(TypeError, match="has no texts"):
        _ = PREDICTED.texts


@given(st.text(), st.text())
def test_no_text_passes_for_two(one: str, other: str) -> None:
    """How texts are split into inputs is part of the ask."""
    whole = Request(kind=Capability.CLASSIFY, inputs=(one + other,))
    parts = Request(kind=Capability.CLASSIFY, inputs=(one, other))

    assert whole.digest != parts.digest


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"inputs": ()}, "at least one input"),
        ({"keys": ("a",)}, "keys has 1 entries for 2 inputs"),
        ({"groups": ("a", "b", "c")}, "groups has 3 entries for 2 inputs"),
        ({"continuations": ("a",)}, "continuations has 1 entries for 2 inputs"),
    ],
)
def test_a_block_that_does_not_line_up_is_refused(what: Mapping[str, Any], message: str) -> None:
    """Nothing is answered for an input that is not there."""
    with pytest.raises(ValueError, match=message):
        changed(CHOICE, **what)


@pytest.mark.parametrize(
    "other",
    [
        {"outputs": np.array([[0.2, 0.8]])},
        {"texts": ("a",)},
        {"labels": ("b", "a")},
        {"input_tokens": 4},
        {"output_tokens": 4},
        {"refused": (0,)},
        {"error": "no"},
    ],
)
def test_the_digest_of_an_answer_covers_all_of_it(other: Mapping[str, Any]) -> None:
    """What is sealed is what was answered."""
    answer = Response(outputs=np.array([[0.1, 0.9]]), labels=("a", "b"))

    assert answer.digest != replace(answer, **other).digest


def test_a_response_without_an_array_says_why() -> None:
    """The reason that the target gave, or that there is none."""
    with pytest.raises(ValueError, match="out of memory"):
        _ = Response(error="out of memory").values
    with pytest.raises(ValueError, match="holds no array"):
        _ = Response(texts=("a",)).values


matrices = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 4)),
    elements=st.floats(allow_nan=False, allow_infinity=False),
)


@given(matrices)
def test_a_matrix_comes_back_from_a_table(values: Any) -> None:
    """Columns keep their order, rows theirs."""
    names = [f"c{index}" for index in range(values.shape[1])]
    table = Table.from_matrix(values, names)

    assert values.tobytes() == table.matrix().tobytes()
    assert values.shape[0] == len(table)
    assert names == list(table)


@given(st.data())
def test_taking_rows_is_indexing_every_column(data: st.DataObject) -> None:
    """By index in any order and with repeats, or by mask."""
    size = data.draw(st.integers(1, 8))
    table = Table({"a": np.arange(float(size)), "b": np.array([f"t{index}" for index in range(size)])})
    rows = data.draw(st.lists(st.integers(0, size - 1), max_size=10))
    mask = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))

    assert [f"t{row}" for row in rows] == table.take(np.array(rows, dtype=np.int64))["b"].tolist()
    assert [float(row) for row in range(size) if mask[row]] == table.take(np.array(mask))["a"].tolist()
    assert table.digest == table.take(np.arange(size)).digest


def test_a_table_has_columns_of_one_length_and_one_dimension() -> None:
    """A matrix is no column."""
    with pytest.raises(ValueError, match=r"differ in length: \[1, 2\]"):
        Table({"a": np.zeros(1), "b": np.zeros(2)})
    with pytest.raises(ValueError, match=r"column 'b' has shape \(2, 2\)"):
        Table({"a": np.zeros(2), "b": np.zeros((2, 2))})


def test_selecting_keeps_the_order_asked_for_and_names_what_is_absent() -> None:
    """A model's columns come in the model's order."""
    assert ["town", "age"] == list(ROWS.select(["town", "age"]))
    with pytest.raises(KeyError, match="income"):
        ROWS.select(["age", "income"])
    with pytest.raises(ValueError, match="Ulm"):
        ROWS.matrix()


def test_items_run_side_by_side() -> None:
    """One value a key and stratum."""
    with pytest.raises(ValueError, match="differ in length"):
        Items(keys=("a", "b"), strata=("x", "x"), values=(1.0,), unit="nat")


def test_a_reading_sums_the_parts_that_were_read() -> None:
    """What was not read is absent, and not 0."""
    reading = Reading(seconds=1.0, gpu_joules=3.0, dram_joules=0.5, why={"cpu": "no sensor"}, meter="m", grade="B")

    assert 3.5 == reading.joules
    assert None is Reading(seconds=1.0, meter="none", grade="D").joules


SOUND: dict[str, Any] = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10, "unit": "share", "method": "wilson"}


@pytest.mark.parametrize("name", ["value", "low", "high", "level", "n_effective"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_an_estimate_holds_finite_numbers_only(name: str, number: float) -> None:
    """NaN never leaves a function."""
    with pytest.raises(ValueError, match="finite numbers only"):
        Estimate(**{**SOUND, name: number})


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"moments": (0.5, math.nan, 3.0)}, "finite"),
        ({"draws": (0.4, math.inf)}, "finite"),
        ({"low": None}, "has an interval and a method"),
        ({"high": None}, "has an interval and a method"),
        ({"method": None}, "has an interval and a method"),
        ({"low": 0.7}, "low 0.7 is above high 0.6"),
        ({"n": -1}, "n is -1"),
        ({"value": None}, "says why"),
        ({"value": None, "why": ""}, "says why"),
    ],
)
def test_no_number_without_its_interval_and_no_gap_without_its_reason(what: Mapping[str, Any], message: str) -> None:
    """An estimate is whole or it is not made."""
    with pytest.raises(ValueError, match=message):
        Estimate(**{**SOUND, **what})


def test_the_identity_of_a_finding_holds_no_value_and_no_order() -> None:
    """Facets are sorted; a figure of one group has no reference."""
    group = Groups(attribute="race*sex", group="A*F")

    assert "p/m" == finding_id("p/m", None, {})
    assert "p/m?race*sex=A*F&a=1&b=2" == finding_id("p/m", group, {"b": "2", "a": "1"})
