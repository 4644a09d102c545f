"""Two systems that answer by turns behind one address are told from one system, and one that is noisy is not accused.

Each check is the one that ends an audit of 600 questions, by the target below in place of a server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from probandum.discerning import Again, discern
from probandum.errors import Exchanged
from probandum.evidence import Capability, Request, Response
from probandum.reasking import Reasking
from probandum.target import Target

QUESTIONS, CHECKS = 600, 16
#: From the systems' own numbers, and a draw: what is answered to some questions.
Answering = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Two(Target):
    """A scorer, and another one that answers a ``share`` of the questions otherwise and a part of the ``calls``."""

    name = "two"
    remote = True

    def __init__(
        self,
        seed: int,
        *,
        share: float = 0.0,
        calls: float = 0.0,
        decides: bool = False,
        noisy: Answering | None = None,
    ) -> None:
        self.draw = np.random.default_rng(seed)
        self.first = np.where(self.draw.random(QUESTIONS) < 0.5, 0.2, 0.8) + self.draw.random(QUESTIONS) / 100
        otherwise = self.draw.random(QUESTIONS) < share
        self.second = np.where(otherwise, 0.01, self.first)
        if decides:
            self.first = (self.first > 0.5).astype(np.float64)
            self.second = np.where(otherwise, 1 - self.first, self.first)
        self.calls, self.noisy, self.asked = calls, noisy, 0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One call a question."""
        self.asked += sum(map(len, requests))
        return [Response(outputs=self._numbers([int(text) for text in request.texts])) for request in requests]

    def _numbers(self, places: list[int]) -> Any:
        by_turns = self.draw.random(len(places)) < self.calls
        numbers = np.where(by_turns, self.second[places], self.first[places])
        return (numbers if self.noisy is None else self.noisy(numbers, self.draw))[:, None]


def checked(target: Two, *, half_way: bool = False) -> tuple[str, tuple[str, ...]]:
    """How the check ends, and its cautions; ``half_way``: the first half is answered by the first system alone."""
    known, calls = Reasking(target, seed=1), target.calls
    for start in range(0, QUESTIONS, 50):
        target.calls = 0.0 if half_way and start < QUESTIONS / 2 else calls
        requests = [Request(kind=Capability.CLASSIFY, inputs=tuple(map(str, range(start, start + 50))))]
        known.note("bias.p", requests, target.answer(requests))
    try:
        known.refuse_other()
    except Exchanged as error:
        return ("turns" if "two systems by turns" in error.message else "other"), ()
    return "same", known.cautions


@pytest.mark.parametrize(
    ("decides", "half_way", "share", "calls", "missed"),
    [
        (False, True, 0.152, 0.5, 0.01),
        (False, True, 0.075, 0.5, 0.08),
        (False, True, 0.152, 0.1, 0.23),
        (True, False, 0.3, 0.5, 0.01),
        (True, False, 0.152, 0.5, 0.05),
        (True, False, 0.3, 0.1, 0.18),
    ],
)
def test_two_systems_by_turns_are_found(
    decides: bool, half_way: bool, share: float, calls: float, missed: float
) -> None:
    """As often as is said, within four errors: from the beginning, and in an update that is half way."""
    found = Counter(
        checked(Two(seed, share=share, calls=calls, decides=decides), half_way=half_way)[0] for seed in range(CHECKS)
    )

    assert found["same"] <= CHECKS * missed + 4 * (CHECKS * missed * (1 - missed)) ** 0.5
    assert found["turns"] > found["other"]


def normal(spread: float) -> Answering:
    """Noise on all answers, within 0 and 1."""
    return lambda numbers, draw: np.clip(numbers + spread * draw.normal(size=len(numbers)), 0, 1)


NOISES: dict[str, tuple[Answering | None, bool]] = {
    "none": (None, False),
    "rounding": (normal(1e-6), False),
    "little": (normal(1e-3), True),
    "some": (normal(0.02), True),
    "much": (normal(0.3), True),
    "batches": (lambda numbers, draw: numbers + 1e-3 * (draw.random(len(numbers)) < 0.1) * draw.normal(size=1), True),
    "near 0.2": (lambda numbers, draw: numbers + 0.05 * (numbers < 0.201) * draw.normal(size=len(numbers)), True),
    "votes of five": (lambda numbers, draw: draw.binomial(5, numbers) / 5, True),
}


@pytest.mark.parametrize("noise", NOISES)
def test_one_system_is_not_accused_of_its_noise(noise: str) -> None:
    """What could not be told from its noise is a caution, in a number that is less than its answers span."""
    noisy, told = NOISES[noise]
    ended = [checked(Two(seed, noisy=noisy)) for seed in range(CHECKS)]

    assert {"same": CHECKS} == dict(Counter(says for says, _ in ended))
    assert told == any("could not have been told from that" in each for _, cautions in ended for each in cautions)
    assert all("by less than 1" not in each for _, cautions in ended for each in cautions)


def over(threshold: float, noise: float) -> Answering:
    """Decisions on a score with normal noise."""
    return lambda numbers, draw: (numbers + noise * draw.normal(size=len(numbers)) > threshold).astype(float)


def rounded(decimals: int, noise: float) -> Answering:
    """A score with normal noise, rounded."""
    return lambda numbers, draw: np.round(numbers + noise * draw.normal(size=len(numbers)), decimals)


class Spread(Two):
    """One scorer, whose scores are spread evenly."""

    def __init__(self, seed: int, noisy: Answering, *, at_once: int) -> None:
        super().__init__(seed, noisy=noisy)
        self.first = self.second = self.draw.random(QUESTIONS)
        self.at_once = at_once


@pytest.mark.parametrize(
    ("noisy", "at_once"),
    [
        (rounded(2, 1e-4), 1),
        (rounded(1, 1e-3), 1),
        (rounded(3, 1e-6), 100),
        (over(0.5, 3e-3), 1),
        (over(0.5, 0.01), 1),
        (over(0.5, 0.01), 100),
    ],
)
def test_a_steady_system_near_a_threshold_or_between_two_steps_is_not_accused(noisy: Answering, at_once: int) -> None:
    """Of some checks of each kind, at least one was accused when one changed answer was another system's."""
    ended = [checked(Spread(seed, noisy, at_once=at_once)) for seed in range(16 if at_once == 1 else 4)]

    assert {"same"} == {says for says, _ in ended}


def test_a_share_of_decisions_that_is_no_proof_is_a_caution() -> None:
    """Two systems by turns that differ in 3 of 100 decisions are not found, and do not pass in silence."""
    ended = [checked(Two(seed, share=0.03, calls=0.5, decides=True)) for seed in range(6)]

    assert {"same"} == {says for says, _ in ended}
    assert all(cautions for _, cautions in ended)
    assert any("nor that no two systems answered by turns" in cautions[0] for _, cautions in ended)


def test_one_step_of_what_is_rounded_in_most_answers_is_another_system() -> None:
    """Of each number, in an update between the audit and its end."""
    target = Spread(1, rounded(2, 0.0), at_once=1)
    known = Reasking(target, seed=1)
    requests = [Request(kind=Capability.CLASSIFY, inputs=tuple(map(str, range(100))))]
    known.note("bias.p", requests, target.answer(requests))
    target.first = target.second = target.first + 0.01

    with pytest.raises(Exchanged, match="this is another system"):
        known.refuse_other()


def test_a_system_that_is_said_to_answer_by_chance_is_not_two() -> None:
    """Its decisions change from one time to the next, as in the audit."""
    target = Two(1, share=0.152, calls=0.5, decides=True)
    target.steady = False
    says, (told,) = checked(target)

    assert "same" == says
    assert "that its model was not exchanged meanwhile, these answers cannot show" in told


def of(*answers: float, drawn: bool = True, unit: float = 1e-4) -> Again:
    """A question with these answers, the first of then."""
    values = np.array(answers)
    apart = np.abs(values[:, None] - values[None, :]) / unit
    return Again(apart=apart, rounding=0.05 / unit, most=0.5 / unit, drawn=drawn)


def test_the_bar_is_never_beyond_what_answers_span() -> None:
    """One question that met two systems once made it ten times their difference."""
    steady = [of(0.2, 0.2, 0.2, 0.2)] * 20

    shown = discern([*steady, of(0.2, 0.8, 0.2, 0.8)], "numbers")
    assert [0.05] * 21 == [bar * 1e-4 for bar in shown.bars]
    assert ("same", (20,), True) == (shown.says, shown.turned, shown.open)
    assert "turns" == discern([*steady, *[of(0.2, 0.8, 0.2, 0.8)] * 3], "numbers").says
    noisy = discern([of(0.1, 0.9, 0.4, 0.7), of(0.5, 0.1, 0.8, 0.3)], "numbers")
    assert ("same", [0.5, 0.5]) == (noisy.says, [bar * 1e-4 for bar in noisy.bars])


def test_a_third_answer_is_noise_and_no_second_system() -> None:
    """Beside each other as often as not; texts of two models have no third."""
    steady = [of(0.2, 0.2, 0.2, 0.2)] * 20

    assert "same" == discern([*steady, *[of(0.2, 0.8, 0.5, 0.3)] * 5], "numbers").says
    two, three = of(0, 1, 0, 1, unit=1e-9), of(0, 1, 2, 3, unit=1e-9)
    assert "turns" == discern([*steady, *[two] * 9], "texts").says
    assert "same" == discern([*steady, *[two] * 8, three], "texts").says
