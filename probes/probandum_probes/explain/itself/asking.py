"""Questions to a system that writes, in whole rounds, and its texts; and answers told by their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from probandum.evidence import Capability, Request
from probandum.probe import Ask
from probandum_probes.bias.swap_answers import read_response
from probandum_probes.bias.swap_texts import spellings
from probandum_probes.bias.talk import texts_of

#: Prompts of one request.
_BLOCK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prompt, its name, the group that it is about, if any, and how often it is asked."""

    key: str
    text: str
    group: str = ""
    times: int = 1


def written(ask: Ask, questions: Sequence[Question], *, tokens: int, temperature: float | None) -> list[list[str]]:
    """As many texts for each question as it is asked for, empty where the system gave none or declined; one round."""
    if not questions:
        return []
    parameters: dict[str, Any] = {"max_new_tokens": tokens}
    if temperature is not None:
        parameters["temperature"] = temperature
    alike = [list(of) for _, of in groupby(questions, key=lambda each: each.times)]
    blocks = [of[start : start + _BLOCK] for of in alike for start in range(0, len(of), _BLOCK)]
    requests = [
        Request(
            kind=Capability.GENERATE,
            inputs=tuple(each.text for each in block),
            parameters=parameters,
            repeat=repeat,
            keys=tuple(each.key for each in block),
            groups=tuple(each.group for each in block),
        )
        for block in blocks
        for repeat in range(block[0].times)
    ]
    found: dict[str, list[str]] = {each.key: [] for each in questions}
    for request, response in zip(requests, ask(requests), strict=True):
        for key, text in zip(request.keys, texts_of(request, response), strict=True):
            found[key].append(text or "")
    return [found[each.key] for each in questions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A question with two answers behind the scripted ``start`` of one; else as ``Question``."""

    key: str
    text: str
    answers: tuple[str, str]
    start: str
    group: str = ""
    times: int = 1


def told(ask: Ask, choices: Sequence[Choice]) -> list[list[int | None]]:
    """Which answer is the likelier one, each time; None where less than half of the probability lies on both."""
    sorts = list(dict.fromkeys((each.answers, each.start, each.times) for each in choices))
    blocks = []
    for sort in sorts:
        alike = [each for each in choices if (each.answers, each.start, each.times) == sort]
        blocks += [alike[start : start + _BLOCK] for start in range(0, len(alike), _BLOCK)]
    requests = [
        Request(
            kind=Capability.CHOOSE,
            inputs=tuple(each.text for each in block),
            options=tuple(spellings(answer) for answer in block[0].answers),
            prefix=block[0].start,
            repeat=repeat,
            keys=tuple(each.key for each in block),
            groups=tuple(each.group for each in block),
        )
        for block in blocks
        for repeat in range(block[0].times)
    ]
    found: dict[str, list[int | None]] = {each.key: [] for each in choices}
    for request, response in zip(requests, ask(requests) if requests else [], strict=True):
        odds, valid = read_response(request, response)
        for key, value, counts in zip(request.keys, odds.tolist(), valid.tolist(), strict=True):
            found[key].append(int(value < 0) if counts else None)
    return [found[each.key] for each in choices]
