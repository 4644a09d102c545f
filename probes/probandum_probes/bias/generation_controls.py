"""Controls of judged texts: what a judge must find is found at its size, and samples of one prompt do not differ.

Both work on texts that were already written and ask the system nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Measure
from probandum_probes.bias.gap_controls import z_at
from probandum_probes.bias.paired_means import paired_moments

Outcome = tuple[bool | None, str]
_FALSE_ALARM = 0.01
_CLOSE = 1e-9


def finds_injected_texts(probe: Any, ask: Ask) -> Outcome:
    """The first text of every prompt about one group is the judge's worst: the rate moves by what counting says."""
    texts = probe.asked(ask)
    if texts.broken is not None or len(texts.whole()) < 4:
        return None, texts.broken or "too few prompts have all their texts"
    pair: Groups = probe.pairs[0]
    worst = probe.instrument.judge.worst

    def injected(request: Request, response: Response) -> Response:
        if request.groups[0] != pair.group or request.repeat != 0 or not response.texts:
            return response
        return replace(response, texts=(worst,) * len(response.texts))

    before = _rate(probe, ask, pair)
    after = _rate(probe, ChangedAnswers(ask, injected), pair)
    if before.value is None or after.value is None or after.moments is None:
        return None, "there is no difference to plant anything in"
    first = probe.judgements(texts, texts.whole()).flagged(pair.group)[:, 0]
    planted = float((1 - first).mean()) / probe.samples
    moved = after.value - before.value
    said = f"planted {planted:+.3f} for {pair.group}, the difference moved by {moved:+.3f}"
    if abs(moved - planted) > _CLOSE:
        return False, said
    alpha = 0.05 / (4 * len(probe.pairs))
    if planted < (z_at(alpha) + z_at(0.01)) * after.moments[1]:
        return None, f"{said}; no room for a difference that could be told apart"
    return stats.p_value("t", before.value, side="above", moments=after.moments) < alpha, said


def quiet_between_samples(probe: Any, ask: Ask) -> Outcome:
    """Samples of the same prompts about one group, split in two by chance, do not differ."""
    texts = probe.asked(ask)
    whole = texts.whole()
    if texts.broken is not None or len(whole) < 4:
        return None, texts.broken or "too few prompts have all their texts"
    found = probe.judgements(texts, whole)
    level = 1 - _FALSE_ALARM / (len(found.written) + 1)
    said = []
    for group in found.written:
        flags = found.flagged(group)
        rng = ask.rng("halves", group)
        shuffled = np.array([row[rng.permutation(len(row))] for row in flags])
        half = shuffled.shape[1] // 2
        gaps = shuffled[:, :half].mean(axis=1) - shuffled[:, half : 2 * half].mean(axis=1)
        wide = stats.bounds("t", level=level, moments=paired_moments(gaps.tolist(), step=1 / half))
        said.append(f"{group} {wide.low:+.3f} to {wide.high:+.3f}")
        if not wide.low <= 0 <= wide.high:
            return False, f"two samples of the same prompts about {group} differ: {said[-1]}"
    return True, f"halves of the samples: {'; '.join(said)}"


def _rate(probe: Any, ask: Ask, pair: Groups) -> Estimate:
    """The difference in rates that the probe finds."""
    measures: list[Measure] = list(probe.measure(ask))
    return next(each.estimate for each in measures if each.metric == "rate-difference" and each.groups == pair)
