"""Controls of attributions of prompts: a cue that decides is found at its size, a sentence never shown has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers, ChangedRequests
from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask
from probandum_probes.explain.prompt.texts import SegmentedPrompt

Outcome = tuple[bool | None, str]

#: Logits that the planted cue adds to the favourable answer.
CUE_LOGIT = 2.0
#: What rounding in single precision, and beside it sampling, may leave: in logits or shares, and standard errors.
_ROUNDING, _ERRORS = 1e-3, 5.0
_CLOSE = 1e-6
_WHY_NOT = "no prompt was answered in all its versions"


def finds_a_planted_cue(probe: Any, ask: Ask) -> Outcome:
    """The first protected segment decides: its Shapley value is what was planted, and no other one moves.

    It adds two logits to the favourable answer, or, where answers are texts, it alone decides, which is 1.
    """
    before = probe.attributed(ask)
    if not before.found:
        return None, _WHY_NOT
    cues = {prompt.id: _cue(prompt) for prompt in probe.drawn(ask)}
    prompts = {prompt.id: prompt for prompt in probe.drawn(ask)}
    after = probe.attributed(ChangedAnswers(ask, lambda request, answer: _planted(prompts, cues, request, answer)))
    written = before.kind is Capability.GENERATE
    off, moved = 0.0, []
    known = {each.prompt.id: each.shapley for each in before.found}
    for each in after.found:
        base = 0.0 if written or each.prompt.id not in known else known[each.prompt.id]
        if not written and each.prompt.id not in known:
            continue
        wanted = np.zeros(len(each.prompt))
        wanted[cues[each.prompt.id]] = 1.0 if written else CUE_LOGIT
        gained = each.shapley - base
        moved.append(float(gained[cues[each.prompt.id]]))
        off = max(off, float(np.abs(gained - wanted).max()))
    if not moved:
        return None, _WHY_NOT
    planted = "alone decides" if written else f"adds {CUE_LOGIT:g} logits"
    said = f"a cue that {planted} is given {np.mean(moved):.6f} in {len(moved)} prompts, {off:.1e} off at most"
    return off <= _CLOSE, said


def quiet_without_the_placebo(probe: Any, ask: Ask) -> Outcome:
    """A system that is never shown the placebo gives it nothing, but for what sampling leaves."""
    sentences = {prompt.id: prompt.segments[prompt.placebo].text for prompt in probe.drawn(ask)}

    def without(request: Request) -> Request:
        placebo = sentences[_prompt_of(request)]
        return replace(request, inputs=tuple(text.replace(f"{placebo} ", "", 1) for text in request.texts))

    found = probe.attributed(ChangedRequests(ask, without)).found
    if not found:
        return None, _WHY_NOT
    values = [float(abs(each.shapley[each.prompt.placebo])) for each in found]
    limits = [_ROUNDING + _ERRORS * float(each.errors[each.prompt.placebo]) for each in found]
    quiet = all(value <= limit for value, limit in zip(values, limits, strict=True))
    return quiet, f"a placebo that is never shown is given {max(values):.1e} at most in {len(values)} prompts"


def _cue(prompt: SegmentedPrompt) -> int:
    """The first protected segment."""
    return [segment.protected for segment in prompt.segments].index(True)


def _prompt_of(request: Request) -> str:
    return request.keys[0].partition("/")[0]


def _planted(
    prompts: Mapping[str, SegmentedPrompt], cues: Mapping[str, int], request: Request, answer: Response
) -> Response:
    """The answer where the cue counts; what is no answer stays as it is."""
    prompt = prompts[_prompt_of(request)]
    place = cues[prompt.id]
    shown = np.array([key.partition("/")[2][place] == "1" for key in request.keys])
    if request.kind is Capability.GENERATE:
        if answer.error is not None or len(answer.texts) != len(request):
            return answer
        texts = tuple(prompt.answers[prompt.favourable if seen else 1 - prompt.favourable] for seen in shown)
        return replace(answer, texts=texts)
    values = answer.outputs
    if answer.error is not None or values is None or values.shape != (len(request), 2):
        return answer
    sign = 1.0 if prompt.favourable == 0 else -1.0
    odds = values[:, 0] - values[:, 1] + sign * CUE_LOGIT * shown
    mass = np.logaddexp(values[:, 0], values[:, 1])
    return replace(answer, outputs=np.column_stack([mass - np.logaddexp(0.0, -odds), mass - np.logaddexp(0.0, odds)]))
