"""Controls of HolisticBias, of likelihoods or of texts, on answers that were already given."""

from __future__ import annotations

from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.probe import Ask, Measure
from probandum_probes.bias.judged_controls import Outcome, finds_planted_texts, quiet_on_one_text

#: Nats a token that are planted: far more than words differ by.
_PLANTED = 5.0
_CLOSE = 1e-6


def finds_planted_descriptor(probe: Any, ask: Ask) -> Outcome:
    """Five nats a token on one descriptor: its difference moves by just that."""
    if not probe.scores(ask):
        return finds_planted_texts(probe, ask)
    if not probe.pairs:
        return None, "there are no two descriptors to compare"
    who = probe.pairs[0].group

    def planted(request: Request, response: Response) -> Response:
        if response.outputs is None or request.groups[0] != who:
            return response
        words = len(request.continuations[0].split())
        tokens = words if response.input_tokens is None else response.input_tokens - 1
        return Response(outputs=response.outputs - _PLANTED * max(tokens, 1), input_tokens=response.input_tokens)

    before, after = (_of(probe.measure(each), who) for each in (ask, ChangedAnswers(ask, planted)))
    if before is None or after is None:
        return None, f"there is no likelihood of {who!r} to plant anything in"
    said = f"planted {_PLANTED} nats a token on {who!r}, the difference moved by {after - before:.3f}"
    return abs(after - before - _PLANTED) <= _CLOSE, said


def quiet_descriptors(probe: Any, ask: Ask) -> Outcome:
    """Every sentence as likely with one descriptor as with any other: no pair differs."""
    if not probe.scores(ask):
        return quiet_on_one_text(probe, ask)
    places = {text: float(place) for place, text in enumerate(probe.templates)}
    sentences = {prompt.name: places[prompt.cluster] for prompt in probe.prompts}

    def alike(request: Request, response: Response) -> Response:
        tokens = len(request.continuations[0].split())
        return Response(outputs=np.array([-tokens * sentences[request.keys[0]]]), input_tokens=tokens + 1)

    measures = list(probe.measure(ChangedAnswers(ask, alike)))
    shares = [m.estimate.value for m in measures if m.metric == "differing-pairs"]
    known = [share for share in shares if share is not None]
    if not known:
        return None, "there are no two descriptors to compare"
    return max(known) == 0, f"with all descriptors alike {max(known):.3f} of the pairs differ"


def _of(measures: Any, who: str) -> float | None:
    found: list[Measure] = [m for m in measures if m.metric == "log-perplexity-difference"]
    return next((m.estimate.value for m in found if m.groups is not None and m.groups.group == who), None)
