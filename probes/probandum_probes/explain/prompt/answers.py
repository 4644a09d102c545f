"""What a system answers to versions of prompts: log-odds of the favourable answer, or how often it gives it.

All versions of all prompts are asked in one round, each once. Those with and those without the placebo are blocks of
their own: a system that never sees the placebo gives both the same answers, and need not be asked again to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum.evidence import Capability, Floats, Request, Response
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.bias.swap_answers import REPEATS, read_response
from probandum_probes.bias.swap_texts import spellings
from probandum_probes.bias.talk import chosen, texts_of
from probandum_probes.explain.prompt.texts import SegmentedPrompt
from probandum_probes.explain.worlds import distinct


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How often each version is asked of a system that only writes, and how."""

    samples: int
    tokens: int
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Versions:
    """What was answered to the versions of one prompt, shape (versions,) each.

    ``values``: Y, the log-odds of the favourable answer in nats or, of a system that only writes, its share among the
    answers with a decision. ``variances``: of Y, where the same version is asked again. ``known``: whether there is a
    Y. ``lost``: answers without a decision, or too little of whose probability lies on either answer, of all ``asked``.
    """

    values: Floats
    variances: Floats
    known: Bools
    lost: int
    asked: int

    def at(self, places: Any) -> Versions:
        """The versions at those places."""
        return Versions(
            values=self.values[places],
            variances=self.variances[places],
            known=self.known[places],
            lost=self.lost,
            asked=self.asked,
        )


def answered(
    ask: Ask, kind: Capability, prompts: Sequence[SegmentedPrompt], kept: Sequence[Bools], sampling: Sampling
) -> list[Versions]:
    """What is said of the versions ``kept`` of each prompt, shape (versions, segments) each, in one round."""
    alike = [distinct(each) for each in kept]
    whole = [each[first] for each, (first, _) in zip(kept, alike, strict=True)]
    blocks = [_blocks(prompt, each) for prompt, each in zip(prompts, whole, strict=True)]
    once = [
        [_request(kind, prompt, each[places], sampling) for places in of]
        for prompt, each, of in zip(prompts, whole, blocks, strict=True)
    ]
    times = sampling.samples if kind is Capability.GENERATE else 1
    asked = [_again(request, repeat) for repeat in range(times) for each in once for request in each]
    noise = [] if kind is Capability.GENERATE else _noise_requests(prompts, sampling)
    answers = ask([*asked, *noise])
    read = [_read(kind, request, answer) for request, answer in zip(asked, answers, strict=False)]
    variance = _noise(prompts, noise, answers[len(asked) :])
    found = []
    for number, (prompt, each, of, (_, places)) in enumerate(zip(prompts, whole, blocks, alike, strict=True)):
        start, width = sum(map(len, once[:number])), sum(map(len, once))
        by_time = [_joined(of, read[time * width + start :][: len(of)], len(each)) for time in range(times)]
        if kind is Capability.GENERATE:
            versions = _shares(np.array(by_time), prompt)
        else:
            versions = _log_odds(by_time[0], prompt, variance)
        found.append(versions.at(places))
    return found


def _blocks(prompt: SegmentedPrompt, kept: Bools) -> list[Any]:
    """Which versions have no placebo, and which have it; both in the same order of what else they have."""
    rest = np.delete(kept, prompt.placebo, axis=1)
    order = np.lexsort(rest.T)
    held = kept[order, prompt.placebo]
    return [places for places in (order[~held], order[held]) if len(places)]


def _request(kind: Capability, prompt: SegmentedPrompt, kept: Bools, sampling: Sampling) -> Request:
    """One block of versions of one prompt."""
    texts = tuple(prompt.text(each) for each in kept)
    keys = tuple(f"{prompt.id}/{''.join('1' if stays else '0' for stays in each)}" for each in kept.tolist())
    if kind is Capability.CHOOSE:
        return Request(
            kind=kind,
            inputs=texts,
            options=tuple(spellings(answer) for answer in prompt.answers),
            prefix=prompt.start,
            keys=keys,
        )
    parameters: dict[str, Any] = {"max_new_tokens": sampling.tokens}
    if sampling.temperature is not None:
        parameters["temperature"] = sampling.temperature
    return Request(kind=kind, inputs=texts, parameters=parameters, keys=keys)


def _again(request: Request, repeat: int) -> Request:
    """The same, asked once more."""
    if repeat == 0:
        return request
    return Request(
        kind=request.kind,
        inputs=request.inputs,
        options=request.options,
        prefix=request.prefix,
        parameters=request.parameters,
        repeat=repeat,
        keys=tuple(f"{key}, asked again" for key in request.keys),
    )


def _noise_requests(prompts: Sequence[SegmentedPrompt], sampling: Sampling) -> list[Request]:
    """Every whole prompt alone, three times."""
    whole = [
        _request(Capability.CHOOSE, prompt, np.ones((1, len(prompt)), dtype=np.bool_), sampling) for prompt in prompts
    ]
    return [_again(request, repeat) for request in whole for repeat in range(1, REPEATS + 1)]


def _noise(prompts: Sequence[SegmentedPrompt], asked: Sequence[Request], answers: Sequence[Response]) -> float:
    """The variance, in square logits, of the answers to one whole prompt: 0 where the system is deterministic."""
    if not asked:
        return 0.0
    odds, known = zip(*(_odds(request, answer) for request, answer in zip(asked, answers, strict=True)), strict=True)
    table = np.array(odds).reshape(len(prompts), REPEATS)
    sound = np.array(known).reshape(len(prompts), REPEATS).all(axis=1)
    table = (table - table[:, :1])[sound]  # less the first, so that equal ones give exactly 0
    return float(table.var(axis=1, ddof=1).mean()) if len(table) else 0.0


def _odds(request: Request, answer: Response) -> tuple[Floats, Bools]:
    """Log-odds of the first option, and where there are any, whatever probability lies on both."""
    odds, _ = read_response(request, answer)
    outputs = answer.outputs
    if answer.error is not None or outputs is None or outputs.shape != (len(request), 2):
        return odds, np.zeros(len(request), dtype=np.bool_)
    known = np.isfinite(outputs).all(axis=1)
    known[list(answer.refused)] = False
    return odds, known


def _read(kind: Capability, request: Request, answer: Response) -> list[Any]:
    """One thing a version: a text or None; or log-odds of the first option, whether there are any, and valid ones."""
    if kind is Capability.GENERATE:
        return list(texts_of(request, answer))
    odds, known = _odds(request, answer)
    _, valid = read_response(request, answer)
    return list(zip(odds.tolist(), known.tolist(), valid.tolist(), strict=True))


def _joined(blocks: Sequence[Any], read: Sequence[list[Any]], count: int) -> list[Any]:
    """What was read of each block, in the order of the versions."""
    found: list[Any] = [None] * count
    for places, values in zip(blocks, read, strict=True):
        for place, value in zip(places.tolist(), values, strict=True):
            found[place] = value
    return found


def _log_odds(read: Sequence[tuple[float, bool, bool]], prompt: SegmentedPrompt, variance: float) -> Versions:
    odds, known, valid = (np.array(each) for each in zip(*read, strict=True))
    return Versions(
        values=odds * (1.0 if prompt.favourable == 0 else -1.0),
        variances=np.full(len(odds), variance),
        known=known.astype(np.bool_),
        lost=int((~valid).sum()),
        asked=len(valid),
    )


def _shares(texts: Any, prompt: SegmentedPrompt) -> Versions:
    """From texts of the shape (time, version).

    p (1 - p) / (m - 1) of m answers is the variance of p without bias, also where all that came are alike; of one
    answer nothing is known, and 1/4 is the most that it can be.
    """
    places = [[None if text is None else chosen(text, prompt.answers) for text in each] for each in texts]
    decided = np.array([[place is not None for place in each] for each in places])
    favourable = np.array([[place == prompt.favourable for place in each] for each in places])
    count = decided.sum(axis=0)
    share = favourable.sum(axis=0) / np.maximum(count, 1)
    variances = np.where(count > 1, share * (1 - share) / np.maximum(count - 1, 1), 0.25)
    return Versions(
        values=share,
        variances=variances,
        known=count > 0,
        lost=int((~decided).sum()),
        asked=int(decided.size),
    )
