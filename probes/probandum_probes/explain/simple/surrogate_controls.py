"""Controls of explain.surrogate: a system that answers by chance, and one that is a sum over its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from probandum.evidence import Column, Table
from probandum.finding import Estimate
from probandum.probe import Ask, Measure, Probe
from probandum.stats import percentile_interval
from probandum.subject import Decision, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.explain.person.told import Told
from probandum_probes.explain.quality.base import unable
from probandum_probes.explain.whole.controls import READ, ByWeights

#: What rounding leaves of a perfect fit, and the level of a control's interval: 1 - .01 / (number of controls).
EXACT, LEVEL = 1e-6, 0.995
_DECISION = Decision(favourable="1", positive="1")
#: Rows that a control needs, models of fewer learn nothing; and rows in which a column has another value than in most:
#: what a fold has not seen nobody can foretell.
FEWEST, APART = 30, 10


def random_system(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """What is drawn anew for each row can be foretold by nobody: no R squared may lie above 0."""
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    subject = ask.subject
    if (why := unable(ask) or _unusable(subject)) is not None:
        return None, why
    world = replace(subject, label=None, decision=_DECISION)
    found = list(probe.measure(Told(ask, world, ask.rng("random target").uniform(size=len(subject)))))
    lows = [
        percentile_interval(each.value, each.draws, level=LEVEL).low
        for each in _estimates(found, "r-squared")
        if each.value is not None and each.draws is not None
    ]
    if not lows:
        return None, "the rows are all alike"
    return max(lows) <= 0, f"R squared of a random target from {max(lows):.3f}; expected 0 or less within the interval"


def linear_system(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A sum over numbers is foretold by least squares exactly, in every group: R squared 1, and no gap."""
    subject = ask.subject
    numbers = {
        name: np.nan_to_num(subject.table[name])
        for name in features_of(subject)
        if subject.table[name].dtype.kind == "f"
    }
    varied = [name for name, column in numbers.items() if _apart(column) >= APART][:READ]
    if (why := _unusable(subject)) is not None or not varied:
        return None, why or f"no number among the features has another value in {APART} rows"
    declared = {name: subject.table[name] for name in (subject.weight, subject.cluster) if name is not None}
    rows = Table({**declared, **{name: numbers[name] for name in varied}})
    world = replace(subject, table=rows, features=tuple(varied), label=None, row_id=None, decision=_DECISION)
    found = list(probe.measure(ByWeights(ask, subject=world)))
    fits = [each.value for each in _estimates(found, "r-squared", "linear") if each.value is not None]
    gaps = [each.value for each in _estimates(found, "r-squared-difference", "linear") if each.value is not None]
    off = max([abs(1 - each) for each in fits] + [abs(each) for each in gaps])
    return off <= EXACT, f"least squares foretell a sum with R squared 1 and no gap up to {off:.1e}"


def _apart(column: Column) -> int:
    """How many rows have another value than the most frequent one."""
    return len(column) - int(np.unique(column, return_counts=True)[1].max())


def _unusable(subject: Subject) -> str | None:
    if subject.numeric:
        return "the system decides a number"
    return None if len(subject) >= FEWEST else f"{len(subject)} rows; this control needs {FEWEST}"


def _estimates(found: Sequence[Measure], metric: str, surrogate: str | None = None) -> list[Estimate]:
    return [
        each.estimate for each in found if each.metric == metric and surrogate in (None, each.facets.get("surrogate"))
    ]
