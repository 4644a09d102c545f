"""Controls of explain.challenger: the challenger against itself, and against a system that is told the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from probandum.evidence import Floats
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Decision, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.predicting import folds
from probandum_probes.explain.person.told import Told
from probandum_probes.explain.simple.challenger_model import challenger

#: Rows of either label that a control looks at, and of which it can tell anything.
ROWS, FEWEST = 80, 30
#: What a system that is told the label says of a row that has it.
SURE = 0.99
#: What rounding leaves of nothing.
EXACT = 1e-9


def same_model(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Where the challenger itself is the system nothing is gained."""
    fewer = _fewer(ask)
    if isinstance(fewer, str):
        return None, fewer
    subject, positive = fewer
    smaller: Any = _smaller(probe)
    said = challenger(
        subject.table.select(subject.features),
        positive == 1,
        folds(positive == 1, ask.rng("folds")),
        seed=int(ask.rng("challenger").integers(2**31)),
        interactions=smaller.interactions,
        bags=smaller.bags,
    )
    found = _values(list(smaller.measure(Told(ask, subject, said))))
    off = max(abs(found[name]) for name in ("auc-gain", "accuracy-gain", "log-loss-gain"))
    return off <= EXACT, f"the challenger gains {off:.1e} over itself; expected 0"


def label_told(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A system that is told the label gains all that the challenger's AUC leaves to 1."""
    fewer = _fewer(ask)
    if isinstance(fewer, str):
        return None, fewer
    subject, positive = fewer
    smaller: Any = _smaller(probe)
    measures = list(smaller.measure(Told(ask, subject, np.where(positive == 1, SURE, 1 - SURE))))
    found = _values(measures)
    left = 1 - found["auc challenger"]
    low = next(each.estimate.low for each in measures if each.metric == "log-loss-gain") or 0.0
    said = f"told the label it gains an AUC of {found['auc-gain']:.4f} of {left:.4f}, and at least {low:.4f} nats"
    if left < EXACT:
        return None, f"{said}: the challenger is as good"
    return abs(found["auc-gain"] - left) <= EXACT and low > 0, said


def _fewer(ask: Ask) -> tuple[Subject, Floats] | str:
    """As many rows of either label, and which are positive; or why there are too few."""
    subject = ask.subject
    if subject.positive is None:
        return "the plan names no label"
    order = ask.rng("control").permutation(len(subject))
    sides = [order[subject.positive[order] == side][:ROWS] for side in (True, False)]
    if min(map(len, sides)) < FEWEST or not features_of(subject):
        return f"{min(map(len, sides))} rows have the rarer label; a control needs {FEWEST} and a feature"
    rows = np.sort(np.concatenate(sides))
    positive = subject.positive[rows].astype(np.float64)
    table = subject.table.take(rows)
    decision = Decision(favourable="1", positive="1", threshold=0.5)
    fewer = replace(
        subject, table=table, features=features_of(subject), groupings={}, decision=decision, weight=None, cluster=None
    )
    return fewer, positive


def _smaller(probe: Probe) -> Probe:
    """The probe with one bag and no pairs, which learns in a moment."""
    made: Probe = type(probe)(interactions=0, bags=1)  # type: ignore[call-arg]
    return made


def _values(found: Sequence[Measure]) -> dict[str, float]:
    return {
        " ".join([each.metric, *each.facets.values()]): each.estimate.value
        for each in found
        if each.estimate.value is not None
    }
