"""Controls of repeated answers in words: planted answers move the difference, and samples of one prompt do not differ.

Both work on answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.probe import Ask
from probandum_probes.bias import swap_estimates
from probandum_probes.bias.contrasts import crossed_mean, kept_cells
from probandum_probes.bias.swap_controls import Outcome, found
from probandum_probes.bias.talk import FAVOURABLE, UNFAVOURABLE, Talk, read, texts_of

_FALSE_ALARM = 0.01
_CLOSE = 1e-6


def finds_planted_answers(probe: Any, ask: Ask) -> Outcome:
    """The first of K answers about one group is turned favourable wherever it decides: the difference moves by that."""
    pair = probe.pairs[0]
    plan, _ = probe.plan(ask)
    cases = {case.id: case for case in probe.source.cases}
    ways = {str(way): way for way in probe.source.ways}

    def planted(request: Request, response: Response) -> Response:
        if request.repeat != 0 or response.error is not None or len(response.texts) != len(request):
            return response
        texts = list(response.texts)
        for row, text in enumerate(texts_of(request, response)):
            case, way = cases[request.keys[row].partition("/")[0]], ways[request.keys[row].rpartition("/")[2]]
            code, _ = read(text, case, way, scored=probe.scored)
            if request.groups[row] == pair.group and code in (FAVOURABLE, UNFAVOURABLE):
                texts[row] = _favourable(case, way, scored=probe.scored)
        return replace(response, texts=tuple(texts))

    before, after = probe.read(ask, plan)[0], probe.read(ChangedAnswers(ask, planted), plan)[0]
    metric = "score" if probe.scored else "favourable"
    pairs = [(talk, swap_estimates.compared(talk.answers, getattr(talk, metric), pair)) for talk in (before, after)]
    estimates = [swap_estimates.estimated(each, talk.answers, "share") for talk, each in pairs]
    unit = "points" if probe.scored else "of the answers"
    if estimates[0].value is None:
        return None, "there is no estimate to plant anything in"
    change = _by_hand(before, pair, scored=probe.scored)
    return found(estimates[0], estimates[1], planted=change, hypotheses=4 * len(probe.pairs), unit=unit)


def _favourable(case: Any, way: Any, *, scored: bool) -> str:
    """An answer that favours the person: one of the two, or the number that does so most."""
    if not scored:
        return str(case.answers(way)[way.order])
    return next(text for text in ("100", "0") if read(text, case, way, scored=True)[1] == 100.0)


def _by_hand(talk: Talk, pair: Any, *, scored: bool) -> float:
    """What the planted answers add to the difference, counted one by one."""
    columns = [int(column) for column in talk.attribute.columns(pair.group)[: talk.attribute.slots]]
    reference = [int(column) for column in talk.attribute.columns(pair.reference)[: talk.attribute.slots]]
    both = swap_estimates.pairs_of(talk.answers, talk.favourable, pair)
    rows, slots = kept_cells(both.valid, both.asked)
    by_case = []
    for case in rows:
        cells = []
        for slot in slots:
            added = []
            for way in np.flatnonzero(talk.asked[case, columns[slot]]).tolist():
                codes = talk.outcomes[case, columns[slot], way]
                counted = [place for place, code in enumerate(codes) if code in (FAVOURABLE, UNFAVOURABLE)]
                if not counted or not talk.parsed[case, reference[slot], way].any():
                    continue
                had = talk.points[case, columns[slot], way, 0] / 100 if scored else float(codes[0] == FAVOURABLE)
                gain = (1.0 - had) * (100 if scored else 1)
                added.append(gain / len(counted) if 0 in counted else 0.0)
            if added:
                cells.append(sum(added) / len(added))
        by_case.append(sum(cells) / len(cells))
    return sum(by_case) / len(by_case)


def quiet_between_samples(probe: Any, ask: Ask) -> Outcome:
    """The first and the second answer to the same prompts are favourable equally often."""
    plan, _ = probe.plan(ask)
    talk = probe.read(ask, plan)[0]
    both = talk.parsed[..., 0] & talk.parsed[..., 1]
    gaps = (talk.outcomes[..., 0] == FAVOURABLE).astype(float) - (talk.outcomes[..., 1] == FAVOURABLE)
    number = both.sum(axis=2)
    means = np.divide(np.where(both, gaps, 0.0).sum(axis=2), number, out=np.zeros(number.shape), where=number > 0)
    rows, columns = kept_cells(number > 0, talk.asked.any(axis=2))
    if len(rows) < 2 or len(columns) < 2:
        return None, "too few prompts were answered with a decision twice"
    used = np.ix_(rows, columns)
    interval = crossed_mean(means[used], number[used] > 0, level=1 - _FALSE_ALARM / 2)
    said = f"first answers are favourable more often than second ones by {interval.low:+.4f} to {interval.high:+.4f}"
    return bool(interval.low - _CLOSE <= 0 <= interval.high + _CLOSE), said
