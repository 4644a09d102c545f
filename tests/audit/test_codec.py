"""Canonical JSON: the same value is the same bytes, and nothing that is no number gets through."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import codec
from probandum.errors import RecordError
from probandum.evidence import Capability, Items, Masks, Observation, Reading, Response
from probandum.finding import Estimate, Finding, Groups, Verdict
from probandum.probe import Window

text = st.text(st.characters(exclude_categories=["Cs"]))
finite = st.floats(allow_nan=False, allow_infinity=False)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | finite | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=20,
)


@given(plain)
def test_bytes_go_back_to_the_value_and_to_the_same_bytes(value: Any) -> None:
    """Any JSON value survives a round trip, and a second encoding changes no byte."""
    data = codec.encode(value)

    assert value == codec.decode(Any, data)
    assert data == codec.encode(codec.decode(Any, data))
    assert value == json.loads(data)


@given(st.dictionaries(text, st.integers(0, 9), min_size=2), st.randoms(use_true_random=False))
def test_the_order_in_which_keys_were_set_does_not_show(value: dict[str, int], random: Any) -> None:
    """A digest identifies a mapping, not its history."""
    shuffled = list(value.items())
    random.shuffle(shuffled)

    assert codec.digest_of(value) == codec.digest_of(dict(shuffled))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (math.nan, "value is nan"),
        ([1.0, -math.inf], "[1] is -inf"),
        ((1.0, math.nan), "[1] is nan"),
        ({"a": {"b": [0.0, (math.nan,)]}}, "a.b[1][0] is nan"),
        (np.array([[0.5], [np.inf]]), "[1][0] is inf"),
        (np.float32("nan"), "value is nan"),
        (Items(keys=("a",), strata=("",), values=(math.nan,), unit="nat"), "values[0] is nan"),
        (Response(outputs=np.array([np.nan])), "outputs[0] is nan"),
        (Response(outputs=np.append(np.zeros(2000), np.inf)), "outputs[2000] is inf"),
        (Reading(seconds=1.0, gpu_joules=math.nan, meter="m", grade="B"), "gpu_joules is nan"),
    ],
)
def test_what_is_no_number_is_refused_by_its_path(value: object, place: str) -> None:
    """JSON would say null, and a null would read as an absent value."""
    with pytest.raises(ValueError) as caught:
        codec.encode(value)

    assert str(caught.value).startswith(place)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Estimate, Estimate(value=0.1, low=0.0, high=0.2, n=9, unit="share", method="wilson", counts=((1, 10),))),
        (Estimate, Estimate.missing("no rows", unit="share")),
        (
            Finding,
            Finding(
                id="a/b?sex=F~M",
                probe="a",
                metric="a/b",
                groups=Groups(attribute="sex", group="F", reference="M"),
                facets={"explainer": "x"},
                estimate=Estimate.missing("no rows", n=3, unit="share"),
                verdict=Verdict.INCONCLUSIVE,
            ),
        ),
        (
            Window,
            Window(reading=Reading(seconds=1.5, meter="m", grade="B"), requests=4, input_tokens=7, output_tokens=None),
        ),
        (Masks, Masks(base="b", operator="drop", seed=1, width=9, kept="AAA=")),
    ],
)
def test_a_value_of_ours_comes_back_equal(kind: type[Any], value: object) -> None:
    """Tuples, enumerations and nested values keep their types."""
    assert value == codec.decode(kind, codec.encode(value))


@given(st.lists(st.lists(finite, min_size=2, max_size=2), min_size=1))
def test_an_array_comes_back_bit_for_bit(rows: list[list[float]]) -> None:
    """An answer that was recorded is the answer that was given."""
    answer = Response(outputs=np.array(rows), labels=("a", "b"))
    line = codec.encode(
        Observation(
            request="r",
            response=answer.digest,
            probe="p",
            attempt=1,
            seconds=0.1,
            placement="local",
            pack="k",
            index=0,
            size=1,
            asked={"kind": Capability.PREDICT, "n": len(rows)},
            answer=answer,
        )
    )
    back = codec.decode(Observation, line)

    assert answer.values.tobytes() == back.answer.values.tobytes()
    assert answer.digest == back.answer.digest
    assert line == codec.encode(back)


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_many_numbers_are_packed_and_come_back_bit_for_bit(kind: str, order: str) -> None:
    """Whatever their precision and place in memory, a minus before a zero too; 1,024 of them still stand one by one."""
    numbers = np.random.default_rng(1).normal(size=(513, 2)).astype(kind)
    numbers[0, 0] = -0.0
    whole = np.asarray(numbers, order=order)  # type: ignore[call-overload]
    answer, few = Response(outputs=whole), Response(outputs=whole[:512])
    line = codec.encode(answer)
    back = codec.decode(Response, line)

    assert b'"f8"' in line
    assert b'"f8"' not in codec.encode(few)
    assert numbers.astype("<f8").tobytes() == back.values.tobytes()
    assert line == codec.encode(back)
    assert answer.digest == back.digest
    assert few.values.astype("<f8").tobytes() == codec.decode(Response, codec.encode(few)).values.tobytes()


@pytest.mark.parametrize(
    "outputs",
    [
        {"f8": "AAAAAAAA8D8=", "shape": [1]},
        {"f8": base64.b64encode(np.append(np.zeros(2000), np.nan).tobytes()).decode(), "shape": [2001]},
        {"f8": base64.b64encode(np.zeros(2000).tobytes()).decode(), "shape": [2001]},
        {"f8": base64.b64encode(np.zeros(2000).tobytes()).decode()[:-4], "shape": [2000]},
        {"f8": "%%%%", "shape": [1]},
        {"f8": 3, "shape": [1]},
        {"f8": "AAAAAAAA8D8=", "shape": ["one"]},
        {"shape": [1]},
    ],
)
def test_packed_numbers_that_are_damaged_are_a_record_error(outputs: dict[str, Any]) -> None:
    """Cut, of another shape, not finite, or so few that they would be written one by one."""
    with pytest.raises(RecordError, match=r"\$\.outputs"):
        codec.decode(Response, json.dumps({"outputs": outputs}).encode())


def test_single_precision_is_written_as_the_number_it_is() -> None:
    """0.1 in single precision is not 0.1, and its digest says so."""
    assert b"0.10000000149011612" == codec.encode(np.float32(0.1))
    assert codec.encode(np.float64(0.1)) == codec.encode(0.1)


def test_a_type_that_json_cannot_say_is_an_error() -> None:
    """Nothing is written as its name."""
    with pytest.raises(NotImplementedError, match="complex has no canonical JSON"):
        codec.encode({"a": 1j})


@pytest.mark.parametrize("data", [b"", b"{", b'{"value":"x"}', b'{"reading":{}}', b"\xff", b"[1,2]"])
def test_damaged_bytes_are_a_record_error_that_names_them(data: bytes) -> None:
    """One line, the name of the file first."""
    with pytest.raises(RecordError) as caught:
        codec.decode(Estimate, data, what="estimates.json")

    assert caught.value.message.startswith("estimates.json: ")
    assert 1 == len(caught.value.lines())


def test_files_for_people_hold_the_same_value() -> None:
    """Indented, with a line's end behind the last line."""
    value = {"b": [1, 2.5], "a": None}

    assert b'{\n  "a": null,\n  "b": [\n    1,\n    2.5\n  ]\n}\n' == codec.pretty(value)
    assert codec.encode(value) == codec.encode(codec.decode(Any, codec.pretty(value)))
