"""What a system decides on changed rows, and how near each comes to the other decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from probandum.evidence import Capability, Floats, Request, Table
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.explain.worlds import SMALLEST
from probandum_probes.explain.worlds import answered as values_of


class Answered(NamedTuple):
    """What is decided on rows, shape (rows,) each: whether it is favourable, and a score that rises towards it.

    Scores only say where to look next; where there are none, any number stands for all.
    """

    favourable: Bools
    score: Floats


#: Asks for all rows of a table in one round.
Answers = Callable[[Table], Answered]


def deciding(ask: Ask) -> Answers:
    """How the audited system decides by the plan's declarations; scores are log-odds where it gives probabilities.

    ProbeError where a row is not answered, DataError where the plan declares no favourable decision.
    """
    subject = ask.subject

    def answers(rows: Table) -> Answered:
        (response,) = ask([Request(kind=Capability.PREDICT, inputs=rows)])
        values_of(response, "rows")
        outcomes, decision = subject.outcomes(response), subject.decision
        assert decision is not None  # outcomes were read by it
        if outcomes.score is None:
            return Answered(outcomes.favourable, outcomes.favourable.astype(np.float64))
        score = np.asarray(outcomes.score, dtype=np.float64)
        if score.min() >= 0 and score.max() <= 1:
            score = np.log(np.maximum(score, SMALLEST)) - np.log(np.maximum(1 - score, SMALLEST))
        return Answered(outcomes.favourable, score if decision.favourable == decision.positive else -score)

    return answers
