"""Controls of the pronoun probe, on answers that were already given: the lexicon exchanged, and nouns without a job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.probe import Ask, Measure

Outcome = tuple[bool | None, str]
_FALSE_ALARM = 0.01
_CLOSE = 1e-6


def exchanged_pronouns(probe: Any, ask: Ask) -> Outcome:
    """With she for he and he for she everything changes its sign; a slope planted on the shares is found whole."""
    women = dict(probe.shares)

    def exchanged(request: Request, response: Response) -> Response:
        if not _usable(request, response):
            return response
        return replace(response, outputs=response.values[:, [1, 0, 2]])

    def planted(request: Request, response: Response) -> Response:
        if not _usable(request, response):
            return response
        values = response.values.copy()
        values[:, 0] += [women.get(name.partition("/")[2], 0.0) for name in request.keys]
        return replace(response, outputs=values)

    before = _found(probe.measure(ask))
    after = _found(probe.measure(ChangedAnswers(ask, exchanged)))
    steeper = _found(probe.measure(ChangedAnswers(ask, planted)))
    if None in (*before, *after, *steeper):
        return None, "there is no estimate to exchange pronouns in"
    sums = [one + other for one, other in zip(before, after, strict=True)]
    step = steeper[0] - before[0]
    said = (
        f"exchanged, the slope went from {before[0]:+.3f} to {after[0]:+.3f}; planted 1 logit, it moved by {step:+.3f}"
    )
    return max(map(abs, sums)) <= _CLOSE and abs(step - 1.0) <= _CLOSE, said


def quiet_neutral_nouns(probe: Any, ask: Ask) -> Outcome:
    """Neutral nouns, split in two by chance, do not differ."""
    answers = probe.asked(ask)
    half = len(probe.nouns) // 2
    if answers.broken is not None or half < 2:
        return None, answers.broken or f"{len(probe.nouns)} neutral nouns; 4 are needed"
    shuffled = answers.neutral[:, ask.rng("halves").permutation(len(probe.nouns))]
    interval = stats.two_way_interval(shuffled[:, :half], shuffled[:, half:], level=1 - _FALSE_ALARM / 2)
    said = f"two random halves of neutral nouns differ by {interval.low:+.3f} to {interval.high:+.3f} logit"
    return interval.low - _CLOSE <= 0 <= interval.high + _CLOSE, said


def _usable(request: Request, response: Response) -> bool:
    values = response.outputs
    return response.error is None and values is not None and values.shape == (len(request), 3)


def _found(measures: Iterable[Measure]) -> tuple[Any, Any]:
    """The slope and the mean."""
    known = {each.metric: each.estimate.value for each in measures if each.groups is None}
    return known["share-slope"], known["mean-log-odds"]
