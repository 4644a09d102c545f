"""What a system decides on changed rows, and how near each comes to the other decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from probandum.evidence import Capability, Floats, Request, Table
from probandum.probe import Ask
from probandum.subject import Bools, Decision
from probandum_probes.explain.worlds import SMALLEST
from probandum_probes.explain.worlds import answered as values_of

#: How far from its edge, in log-odds, a decision is what it is whatever stands beside its row: where answers are of
#: double precision, and where they are of single precision.
MARGIN, OF_SINGLE = 1e-9, 1e-6


class Answered(NamedTuple):
    """What is decided on rows, shape (rows,) each: whether it is favourable, and a score that rises towards it.

    Scores only say where to look next; where there are none, any number stands for all. ``edge``: the decision lies
    where rounding decides; None where nobody can tell.
    """

    favourable: Bools
    score: Floats
    edge: Bools | None = None


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
        score, edge = np.asarray(outcomes.score, dtype=np.float64), None
        if score.min() >= 0 and score.max() <= 1:
            edge = on_edge(score, decision)
            score = _log_odds(score)
        return Answered(outcomes.favourable, score if decision.favourable == decision.positive else -score, edge)

    return answers


def on_edge(probabilities: Floats, decision: Decision) -> Bools:
    """Which of these lie where rounding decides.

    >>> on_edge(np.array([0.5, 0.5 + 1e-16, 0.51]), Decision(favourable="1", positive="1")).tolist()
    [True, True, False]
    """
    edge = _log_odds(np.array([0.5 if decision.threshold is None else decision.threshold]))
    single = bool((probabilities.astype(np.float32) == probabilities).all())
    return np.asarray(np.abs(_log_odds(probabilities) - edge) <= (OF_SINGLE if single else MARGIN))


def _log_odds(probabilities: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(probabilities, SMALLEST)) - np.log(np.maximum(1 - probabilities, SMALLEST)))
