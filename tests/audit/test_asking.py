"""Asking: nothing twice, nothing lost, nothing that is no answer; packs depend on the round alone."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import KeywordClassifier, NotANumber, Notes, Scorer, Through, Writer, credit_world
from probandum import codec
from probandum.asking import Asker
from probandum.budget import Budget, Purse
from probandum.cache import AnswerCache
from probandum.energy import CounterMeter, NoMeter
from probandum.errors import BudgetSpent, DataError, ProbeError, TargetError
from probandum.evidence import Capability, Masks, PlaceNames, Request, Response, Table
from probandum.packing import PACK_INPUTS, describe, packs, parts, whole
from probandum.target import Target
from sensors import Watts


class Counting(Through):
    """Counts the rounds and inputs it is asked, and answers a little otherwise each time."""

    def __init__(self, inner: Target, *, drift: float = 0.0) -> None:
        super().__init__(inner)
        self.rounds: list[list[tuple[str, ...]]] = []
        self.drift = drift

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """As the other, and counted."""
        self.rounds.append([request.texts for request in requests])
        return super().answer(requests)

    def spoilt(self, request: Request, answer: Response) -> Response:
        """Moved by ``drift`` a round."""
        if answer.outputs is None:
            return answer
        moved = answer.outputs + np.array([self.drift, -self.drift]) * len(self.rounds)
        return Response(outputs=moved, labels=answer.labels)

    @property
    def asked(self) -> list[str]:
        """Every text asked, in order."""
        return [text for made in self.rounds for texts in made for text in texts]


def block(*texts: str, **more: Any) -> Request:
    """Texts to classify."""
    return Request(kind=Capability.CLASSIFY, inputs=texts, **more)


def system(*, drift: float = 0.0) -> Counting:
    """A classifier that counts."""
    return Counting(KeywordClassifier(), drift=drift)


def test_an_ask_is_answered_once_however_often_it_is_made() -> None:
    """In one round, in the next, and by another probe; answers come in the order of the asks."""
    target = system()
    asker = Asker(target, seed=1)
    one, two = block("I hate it"), block("lovely", "stupid")
    first = asker.for_probe("bias.a")([one, two, one])
    second = asker.for_probe("bias.b")([two, block("I hate it", keys=("x",))])

    assert ["I hate it", "lovely", "stupid"] == target.asked
    assert [first[0].digest, first[1].digest, first[0].digest] == [answer.digest for answer in first]
    assert [first[1].digest, first[0].digest] == [answer.digest for answer in second]


def test_repeats_are_other_asks() -> None:
    """K samples of one prompt are K asks."""
    target = system()
    Asker(target, seed=1).for_probe("p")([block("a", repeat=number) for number in range(3)])

    assert ["a"] * 3 == target.asked


@pytest.mark.parametrize("journal", [None, Notes()])
def test_a_fresh_ask_is_never_answered_from_an_earlier_one(journal: Notes | None) -> None:
    """Neither within a round nor in the next, whether or not there is a journal; that is what a noise floor is."""
    target = system(drift=1e-6)
    ask = Asker(target, seed=1, journal=journal).for_probe("p")
    fresh = block("stupid", fresh=True)
    answers = [*ask([fresh, fresh, block("stupid")]), *ask([fresh])]

    assert ["stupid"] * 4 == target.asked
    assert answers[0].digest != answers[3].digest


def test_fresh_asks_of_an_interrupted_run_are_found_again_each_in_its_turn() -> None:
    """Resuming gives the first ask the first answer, and the second the second."""
    notes = Notes()
    fresh = block("stupid", fresh=True)

    def rounds(target: Counting) -> list[str]:
        asker = Asker(target, seed=1, journal=notes)
        return [asker.for_probe("p")([fresh, block("a")])[0].digest for _ in range(3)]

    first = system(drift=1e-6)
    whole = rounds(first)
    resumed = system(drift=1e-6)

    assert 3 == len(set(whole))
    assert whole == rounds(resumed)
    assert [] == resumed.asked


def test_what_a_journal_holds_is_not_asked_again_and_is_the_same_to_the_bit() -> None:
    """A system that answers in single precision gives a resumed run the same numbers."""

    class Single(Counting):
        def spoilt(self, request: Request, answer: Response) -> Response:
            assert answer.outputs is not None
            return Response(outputs=answer.outputs.astype(np.float32), labels=answer.labels)

    first, second = Single(KeywordClassifier()), Single(KeywordClassifier())
    notes, requests = Notes(), [block("I hate it", "lovely")]
    (answer,) = Asker(first, seed=1, journal=notes).for_probe("p")(requests)
    (observation,) = next(iter(notes.packs.values()))
    kept = codec.decode(type(observation), codec.encode(observation))
    asker = Asker(second, seed=1, journal=notes)
    asker.for_probe("p")(requests)

    assert ([], 1) == (second.asked, asker.asked_before)
    assert np.float64 == answer.values.dtype
    assert answer.values.tobytes() == kept.answer.values.tobytes()
    assert (answer.digest, requests[0].digest) == (kept.response, kept.request)


@given(st.lists(st.tuples(st.sampled_from(list(Capability)), st.integers(1, 300)), max_size=30))
def test_packs_hold_the_round_in_order_and_one_kind_each(sizes: list[tuple[Capability, int]]) -> None:
    """A pack is full once it holds its number of inputs, and only the last of a kind may be short."""
    requests = [Request(kind=kind, inputs=tuple(map(str, range(size)))) for kind, size in sizes]
    made = packs(requests)

    assert requests == [request for pack in made for request in pack]
    for pack, after in zip(made, [*made[1:], None], strict=False):
        kinds = {request.kind for request in pack}
        most = PACK_INPUTS[pack[0].kind]
        assert 1 == len(kinds)
        assert sum(len(request) for request in pack[:-1]) < most
        assert after is None or after[0].kind not in kinds or sum(map(len, pack)) >= most


class Served(Counting):
    """The same behind an address."""

    remote = True
    side_by_side = 4


def test_a_block_of_a_system_elsewhere_is_asked_in_small_packs_and_answered_whole() -> None:
    """Its parts name it, so that what a finding rests on is found; progress moves with every pack."""
    texts = [f"text {place}{'!' * (place % 7)} stupid" for place in range(200)]
    told: list[int] = []
    target, notes = Served(KeywordClassifier()), Notes()
    asker = Asker(target, seed=1, journal=notes, progress=lambda probe, done, of: told.append(done))
    asked = block(*texts, keys=[f"key {place}" for place in range(200)])
    ask = asker.for_probe("p")
    (answer,) = ask([asked])
    (local,) = Asker(system(), seed=1).for_probe("p")([asked])
    written = [each for pack in notes.packs.values() for each in pack]

    assert [0, 64, 128, 192, 200] == told
    assert [64, 64, 64, 8] == [len(made[0]) for made in target.rounds]
    assert local.digest == answer.digest
    assert [asked.digest] == list(ask.evidence)
    assert {asked.digest} == {each.named for each in written} == {each.without_payload().named for each in written}
    assert [0, 64, 128, 192] == [each.places.start for each in written]
    assert "key 64" == written[1].asked["keys"][0]
    assert 200 == asker.planned["p"]


def test_a_block_that_was_interrupted_goes_on_behind_its_last_pack() -> None:
    """No input that is recorded is asked again, and a repeated block not at all; a fresh one is asked anew."""
    notes, asked = Notes(), block(*(f"text {place}" for place in range(200)))

    class Lost(Served):
        def answer(self, requests: Sequence[Request]) -> list[Response]:
            if len(self.rounds) == 2:
                raise TargetError("no answer")
            return super().answer(requests)

    with pytest.raises(TargetError, match="no answer"):
        Asker(Lost(KeywordClassifier()), seed=1, journal=notes).for_probe("p")([asked])
    target = Served(KeywordClassifier())
    ask = Asker(target, seed=1, journal=notes).for_probe("p")
    ask([asked, asked])
    ask([asked])

    assert list(asked.texts[128:]) == target.asked
    ask([block(*asked.texts, fresh=True)])
    assert [*asked.texts[128:], *asked.texts] == target.asked


def test_the_budget_ends_inside_a_block_of_a_system_elsewhere() -> None:
    """At the first pack that it does not reach."""
    target = Served(KeywordClassifier())
    asker = Asker(target, seed=1, purse=Purse(budget=Budget(requests=130)))

    with pytest.raises(BudgetSpent, match="128 were made, and 64 are asked for"):
        asker.for_probe("p")([block(*(f"text {place}" for place in range(200)))])
    assert 128 == len(target.asked)


@pytest.mark.parametrize(
    ("inputs", "sizes"),
    [
        ([200], [64, 64, 64, 8]),
        ([1] * 70, [64, 6]),
        ([60, 60, 60], [60, 60, 60]),
        ([30, 34, 1], [64, 1]),
        ([63, 64, 1], [63, 64, 1]),
    ],
)
def test_packs_of_a_system_elsewhere_are_a_function_of_the_round(inputs: list[int], sizes: list[int]) -> None:
    """What may be lost: no more than they should hold, which is more only where more are sent side by side."""
    requests = [block(*(f"{number} {place}" for place in range(size))) for number, size in enumerate(inputs)]
    notes = Notes()
    Asker(Served(KeywordClassifier()), seed=1, journal=notes).for_probe("p")(requests)

    assert sizes == [sum(each.asked["n"] for each in pack) for pack in notes.packs.values()]
    wide = Served(KeywordClassifier())
    wide.side_by_side = 512
    Asker(wide, seed=1).for_probe("p")(requests)
    assert 1 == len(wide.rounds)


@given(st.integers(1, 40), st.integers(1, 12), st.sampled_from(["texts", "rows", "masks"]))
def test_parts_hold_a_block_in_order_and_give_its_answer_back(size: int, most: int, kind: str) -> None:
    """Inputs, keys, groups and masks are cut alike, and what was declined stands in its place."""
    inputs: Any = tuple(f"text {place}" for place in range(size))
    kept = np.arange(size * 9).reshape(size, 9) % 5 < 2
    packed = base64.b64encode(np.packbits(kept, axis=-1).tobytes()).decode()
    asked = Request(
        kind=Capability.CLASSIFY,
        inputs=Table({"a": np.arange(size) * 1.0}) if kind == "rows" else inputs,
        keys=PlaceNames(size),
        groups=tuple("FM"[place % 2] for place in range(size)),
        masks=Masks(base="b", operator="drop", seed=1, width=9, kept=packed) if kind == "masks" else None,
    )
    made = parts(asked, most)
    answers = [
        Response(
            outputs=np.array(part.places)[:, None] / 100.0,
            refused=tuple(row for row, place in enumerate(part.places) if place % 3 == 0),
            input_tokens=len(part),
        )
        for part in made
    ]
    answer = whole([part.places for part in made], answers)

    assert list(range(size)) == [place for part in made for place in part.places]
    assert max(map(len, made)) <= most
    assert list(asked.keys) == [key for part in made for key in part.keys]
    assert list(asked.groups) == [group for part in made for group in part.groups]
    if kind == "rows":
        assert list(range(size)) == [value for part in made for value in part.table["a"].tolist()]
    else:
        assert inputs == tuple(text for part in made for text in part.texts)
    if kind == "masks":
        rows = b"".join(base64.b64decode(part.masks.kept) for part in made if part.masks is not None)
        assert base64.b64decode(packed) == rows
    assert (size, tuple(range(0, size, 3))) == (answer.input_tokens, answer.refused)
    assert [place / 100.0 for place in range(size)] == answer.values[:, 0].tolist()


def test_an_error_of_a_part_is_the_blocks_and_says_where_it_lies() -> None:
    """No half an answer: numbers to some inputs of a block would be read as those of all."""
    fine = Response(outputs=np.zeros((2, 1)))
    failed = whole([range(2), range(2, 4)], [fine, Response(error="row 1: column 'age' holds nan")])

    assert ("inputs 3 to 4: row 1: column 'age' holds nan", None) == (failed.error, failed.outputs)
    assert "in different shapes" in str(whole([range(2), range(2, 4)], [fine, Response()]).error)


def test_packs_do_not_depend_on_what_a_journal_or_a_cache_holds(tmp_path: Path) -> None:
    """The same round is packed alike in a first, a resumed and a shared run."""
    requests = [block(*(f"text {number} {place}" for place in range(5000))) for number in range(4)]
    names = []
    for cache in (None, AnswerCache({"a": 1}, path=tmp_path / "c"), AnswerCache({"a": 1}, path=tmp_path / "c")):
        notes = Notes()
        Asker(KeywordClassifier(), seed=1, journal=notes, cache=cache).for_probe("p")(requests)
        names.append(list(notes.packs))

    assert 2 == len(names[0])
    assert names[0] == names[1] == names[2]


def test_a_shared_cache_answers_what_another_run_asked_and_never_fresh_asks(tmp_path: Path) -> None:
    """And the record says from where an answer came, and of what day it is."""
    path = tmp_path / "answers.sqlite"
    requests = [block("stupid"), block("lovely")]
    first, second = system(), system()
    (kept, _) = Asker(first, seed=1, cache=AnswerCache({"sha256": "x"}, path=path)).for_probe("p")(requests)
    notes = Notes()
    asker = Asker(second, seed=1, journal=notes, cache=AnswerCache({"sha256": "x"}, path=path))
    (again, _) = asker.for_probe("p")(requests)

    assert [] == second.asked
    assert (kept.digest, 2) == (again.digest, asker.asked_elsewhere)
    assert {"cache, answered 2"} == {each.placement[:17] for pack in notes.packs.values() for each in pack}
    asker.for_probe("p")([block("stupid", fresh=True)])
    Asker(second, seed=1, cache=AnswerCache({"sha256": "x"}, path=path)).for_probe("p")([block("stupid", fresh=True)])
    assert ["stupid", "stupid"] == second.asked


class Answering(Through):
    """Gives one answer to everything."""

    def __init__(self, inner: Target, response: Response) -> None:
        super().__init__(inner)
        self.response = response

    def spoilt(self, request: Request, answer: Response) -> Response:
        """The answer."""
        return self.response


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response(outputs=np.zeros((1, 2))), "answers of shape (1, 2) to 2 inputs"),
        (Response(outputs=np.zeros((3, 2))), "answers of shape (3, 2) to 2 inputs"),
        (Response(outputs=np.array(0.5)), "answers of shape () to 2 inputs"),
        (Response(texts=("a",)), "1 text to 2 inputs"),
        (
            Response(outputs=np.array([[0.5, 0.5], [np.nan, 0.5]])),
            "b: the system answered [nan, 0.5], which is not finite",
        ),
        (Response(outputs=np.array([0.5, -np.inf])), "b: the system answered -inf, which is not finite"),
    ],
)
def test_what_is_no_answer_becomes_an_error(response: Response, message: str) -> None:
    """It names the input that it can name, and no number gets through."""
    target = Answering(KeywordClassifier(), response)
    (named,) = Asker(target, seed=1, journal=Notes()).for_probe("p")([block("x", "y", keys=("a", "b"))])
    (unnamed,) = Asker(target, seed=1).for_probe("p")([block("x", "y")])

    assert message == named.error
    assert None is named.outputs
    assert message.replace("b:", "input 2:") == unnamed.error


def test_an_error_stays_with_its_block() -> None:
    """The others of the round are answered."""

    class Fragile(Through):
        def spoilt(self, request: Request, answer: Response) -> Response:
            return NotANumber(self.inner).spoilt(request, answer) if "x" in request.texts else answer

    answers = Asker(Fragile(KeywordClassifier()), seed=1).for_probe("p")([block("x"), block("y")])

    assert [False, True] == [answer.error is None for answer in answers]


def test_a_target_that_answers_too_few_requests_is_broken() -> None:
    """Answers would be given to the wrong ask."""

    class Losing(Through):
        def answer(self, requests: Sequence[Request]) -> list[Response]:
            return super().answer(requests)[1:]

    with pytest.raises(TargetError, match="gave 1 answer to 2 requests"):
        Asker(Losing(KeywordClassifier()), seed=1).for_probe("p")([block("x"), block("y")])


def test_a_kind_that_the_target_cannot_answer_is_the_probes_error() -> None:
    """A probe looks at what the target can do before it asks."""
    with pytest.raises(ProbeError, match=r"bias\.a asked for predict, which target keyword-classifier cannot answer"):
        Asker(KeywordClassifier(), seed=1).for_probe("bias.a")([Request(kind=Capability.PREDICT, inputs=("a",))])


def test_a_probe_knows_its_evidence_its_rows_and_its_seed() -> None:
    """Evidence is what it asked, each once; generators differ by seed, probe and name, and by nothing else."""
    target, world = Scorer(), credit_world(rows=10)
    rows = Request(kind=Capability.PREDICT, inputs=world.table)
    asker = Asker(target, seed=1, subject=world)
    ask = asker.for_probe("bias.a")
    ask([rows, rows])
    draws = {
        (seed, probe, name): Asker(target, seed=seed).for_probe(probe).rng(name).integers(2**62)
        for seed in (1, 2)
        for probe in ("bias.a", "bias.b")
        for name in ("x", "y")
    }

    assert [rows.digest] == list(ask.evidence)
    assert world is ask.subject
    assert (("0", "1"), frozenset({Capability.PREDICT})) == (ask.labels, ask.capabilities)
    assert 8 == len(set(draws.values()))
    assert draws[1, "bias.a", "x"] == ask.rng("x").integers(2**62)
    with pytest.raises(DataError, match=r"bias\.a needs rows, and the plan names no data"):
        _ = Asker(target, seed=1).for_probe("bias.a").subject


def test_progress_counts_inputs_that_are_still_to_be_answered() -> None:
    """What is known already is not in the bar."""
    told: list[tuple[str, int, int]] = []
    asker = Asker(KeywordClassifier(), seed=1, progress=lambda probe, done, of: told.append((probe, done, of)))
    asker.for_probe("p")([block("a", "b"), block("a", "b")])
    asker.for_probe("q")([block("a", "b")])

    assert [("p", 0, 2), ("p", 2, 2), ("q", 0, 0)] == told


def test_the_journal_holds_texts_as_sent_and_of_rows_no_person() -> None:
    """Digest, columns and keys of rows, their names by place left out; masks in place of perturbed texts."""
    rows = Table({"name": np.array(["Ann"]), "age": np.array([30.0])})
    masks = Masks(base="b", operator="drop", seed=1, width=3, kept="AA==")
    table = describe(Request(kind=Capability.PREDICT, inputs=rows, keys=("row-0",)))
    text = describe(block("Hello", keys=("t",), groups=("F",), repeat=2, parameters={"a": 1}))
    unnamed = describe(Request(kind=Capability.PREDICT, inputs=rows, keys=PlaceNames(1)))
    masked = describe(block("Hello", masks=masks))

    assert {"kind": "predict", "n": 1, "rows": rows.digest, "columns": ["name", "age"], "keys": ["row-0"]} == table
    assert {**{key: table[key] for key in table if key != "keys"}, "places": True} == unnamed
    assert ["Hello"] == text["inputs"]
    assert (["t"], ["F"], 2, {"a": 1}) == (text["keys"], text["groups"], text["repeat"], text["parameters"])
    assert "inputs" not in masked
    assert "Ann" not in str(table)
    assert "AA==" == masked["masks"]["kept"]


def windows(asker: Asker, requests: Sequence[Request], **more: Any) -> list[Any]:
    """Three short windows."""
    given: dict[str, Any] = {"repeats": 3, "seconds": 0.01, "warm_up": 2, **more}
    return list(asker.for_probe("energy.a").window(requests, **given))


def test_a_window_meters_fresh_work_of_at_least_its_length() -> None:
    """After the warm-up, requests and tokens are counted, and the meter's joules are those of the window."""
    target = Counting(Writer())
    meter = CounterMeter("test", [Watts(50.0)], {"cpu": "none", "dram": "none"})
    requests = [Request(kind=Capability.GENERATE, inputs=("a b c", "d"))]
    found = windows(Asker(target, seed=1, meter=meter), requests)

    assert 3 == len(found)
    assert len(target.rounds) == 2 + sum(window.requests for window in found) // 2
    for window in found:
        assert window.reading.seconds >= 0.01
        assert 50.0 * window.reading.seconds == pytest.approx(window.reading.joules, rel=1e-2)


def test_tokens_of_a_window_are_counted_only_where_the_target_counts_them() -> None:
    """Absent is None, and not 0."""
    asker = Asker(Writer(), seed=1)
    counted = windows(asker, [Request(kind=Capability.GENERATE, inputs=("a b c", "d"))])
    uncounted = windows(Asker(KeywordClassifier(), seed=1), [block("a")])

    assert {2.0} == {window.output_tokens / window.requests for window in counted}
    assert {None} == {window.output_tokens for window in uncounted}


def test_recorded_windows_are_found_again_and_others_not_mixed_in() -> None:
    """Another length, another number or other work is another window; each is evidence of its own."""
    notes = Notes()
    first = windows(Asker(KeywordClassifier(), seed=1, journal=notes), [block("a")])
    target = system()
    asker = Asker(target, seed=1, journal=notes)
    ask = asker.for_probe("energy.a")
    again = list(ask.window([block("a")], repeats=3, seconds=0.01, warm_up=2))

    assert first == again
    assert [] == target.asked
    assert list(notes.windows) == list(ask.evidence)
    windows(asker, [block("a")], seconds=0.02)
    windows(asker, [block("b")])
    assert 9 == len(notes.windows)


@pytest.mark.parametrize(
    "response",
    [Response(error="out of memory"), Response(refused=(0,)), Response(), Response(outputs=np.array([np.nan]))],
)
def test_a_window_in_which_the_system_did_not_answer_is_no_reading(response: Response) -> None:
    """What failing takes is not what answering takes."""
    with pytest.raises(TargetError, match="failed in an energy window"):
        windows(Asker(Answering(KeywordClassifier(), response), seed=1, meter=NoMeter()), [block("a")])


def test_replayed_windows_ask_nothing_and_unknown_ones_are_an_error() -> None:
    """The record of other work holds no reading of this one."""
    notes = Notes()
    windows(Asker(KeywordClassifier(), seed=1, journal=notes), [block("a")])
    target = system()
    asker = Asker(target, seed=1, journal=Notes(), replayed=notes.windows)

    assert list(notes.windows.values()) == windows(asker, [block("a")])
    with pytest.raises(DataError, match=r"energy\.replay: the record holds no reading of this work of energy\.a"):
        windows(asker, [block("b")])
    assert [] == target.asked


def test_a_window_knows_the_power_of_rest_before_it() -> None:
    """Read once, with the system loaded and nothing asked; what lies beyond it is net."""
    meter = CounterMeter("test", [Watts(50.0)], {"cpu": "none", "dram": "none"})
    found = windows(Asker(KeywordClassifier(), seed=1, meter=meter), [block("a")], seconds=0.05)
    unread = windows(Asker(KeywordClassifier(), seed=1, meter=NoMeter()), [block("a")])

    assert 1 == len({window.reading.idle_watts for window in found})
    for window in found:
        assert 50.0 == pytest.approx(window.reading.idle_watts, rel=0.1)
        assert 0.0 == pytest.approx(window.reading.net_joules, abs=0.2 * window.reading.joules)
    assert {(None, None)} == {(window.reading.idle_watts, window.reading.net_joules) for window in unread}
