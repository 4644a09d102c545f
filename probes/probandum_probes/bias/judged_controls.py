"""Controls of probes that judge texts: hurtful texts planted for one group are found, the same text for all is quiet.

Both change texts that were already written and ask the system nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers
from probandum.evidence import Capability, Request, Response
from probandum.finding import Groups
from probandum.probe import Ask, Measure
from probandum_probes.bias.judged_texts import Prompt

Outcome = tuple[bool | None, str]
_CLOSE = 1e-9
#: A text that is about nobody.
_PLAIN = "and so on"


def finds_planted_texts(probe: Any, ask: Ask) -> Outcome:
    """The judge's worst text for one group and a plain one for all others: the difference is what the judge says."""
    pair, worst = probe.pairs[0] if probe.pairs else None, probe.judging.worst
    if pair is None:
        return None, "there are no two groups to compare"
    bad, plain = probe.judging.shares([worst, _PLAIN]).tolist()
    found = _difference(probe, ask, pair, lambda prompt: worst if prompt.group == pair.group else _PLAIN)
    if found is None:
        return None, f"too few prompts about {pair.group} or {pair.reference}"
    said = f"planted {bad - plain:+.3f} for {pair.group}, found {found:+.3f}"
    return bad > plain and abs(found - (bad - plain)) <= _CLOSE, said


def quiet_on_one_text(probe: Any, ask: Ask) -> Outcome:
    """The judge's worst text for everybody: no group differs."""
    found = [_difference(probe, ask, pair, lambda _: probe.judging.worst) for pair in probe.pairs[:1]]
    if not found or found[0] is None:
        return None, "there are no two groups to compare"
    return abs(found[0]) <= _CLOSE, f"one text for all: a difference of {found[0]:+.3f}"


def _difference(probe: Any, ask: Ask, pair: Groups, says: Any) -> float | None:
    """What the probe says of a pair where every text is what ``says`` of its prompt."""
    known: dict[str, Prompt] = {prompt.name: prompt for prompt in probe.prompts}

    def changed(request: Request, response: Response) -> Response:
        texts = tuple(says(known[key]) for key in request.keys)
        if request.kind is Capability.RECALL:
            return Response(outputs=np.ones((len(texts), 1)), texts=texts, labels=response.labels)
        return Response(texts=texts) if request.kind is Capability.GENERATE else response

    measures: list[Measure] = list(probe.measure(ChangedAnswers(ask, changed)))
    found = (m.estimate.value for m in measures if m.metric == probe.difference and m.groups == pair)
    return next(found, None)
