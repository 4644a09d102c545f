"""Worlds of decisions for `planted.py` whose error rates, ratios and answers to a changed attribute differ by group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from table_worlds import Switched
from worlds import Generator, World, rows, selected

from probandum.evidence import Table
from probandum.finding import Limit
from probandum.subject import Subject
from probandum.target import Target

_CODES = np.repeat([0, 1], 3000)
_OF_A = _CODES == 0
#: Which rows of either group come true.
_TRUE = np.arange(6000) % 2 == 0


def impact_ratio(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """3,000 rows of two groups each; half of B are selected, and of A ``effect`` times as many."""
    return rows(selected(rng, np.where(_OF_A, 0.5 * effect, 0.5)), _TRUE, g=(_CODES, "AB"))


def true_positives(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Of rows that come true .6 are selected, and ``effect`` more of A's; of the others .3."""
    return rows(selected(rng, np.where(_TRUE, 0.6 + effect * _OF_A, 0.3)), _TRUE, g=(_CODES, "AB"))


def false_positives(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Of rows that come true .7 are selected; of the others .4, and ``effect`` more of A's."""
    return rows(selected(rng, np.where(_TRUE, 0.7, 0.4 + effect * _OF_A)), _TRUE, g=(_CODES, "AB"))


def predictive_value(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Half of all rows are selected; of these .6 come true, and ``effect`` more of A's; of the others .3."""
    p = selected(rng, np.full(6000, 0.5))
    true = rng.random(6000) < np.where(p > 0.5, 0.6 + effect * _OF_A, 0.3)
    return rows(p, true, g=(_CODES, "AB"))


def true_positives_ratio(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Of rows that come true .6 are selected, and of A's ``effect`` times as many; of the others .3."""
    return true_positives(rng, 0.6 * (effect - 1))


def false_positives_ratio(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Of rows that do not come true .4 are selected, and of A's ``effect`` times as many; of the others .7."""
    return false_positives(rng, 0.4 * (effect - 1))


def predictive_value_ratio(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Half of all rows are selected; of these .6 come true, of A's ``effect`` times as many; of the others .3."""
    return predictive_value(rng, 0.6 * (effect - 1))


def negative_value_ratio(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """Half of all rows are selected; of the others .6 do not come true, of A's ``effect`` times as many."""
    p = selected(rng, np.full(6000, 0.5))
    false = rng.random(6000) < np.where(p > 0.5, 0.3, np.where(_OF_A, 0.6 * effect, 0.6))
    return rows(p, ~false, g=(_CODES, "AB"))


def attribute_shift(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """No row is selected but by its group: the share -``effect`` of all would be, were they not of A."""
    _, subject = rows(np.full(6000, 0.9), _TRUE, g=(_CODES, "AB"))
    table: dict[str, Any] = {**subject.table.columns, "a": 1.0 - _CODES, "u": rng.random(6000)}
    return Switched(-effect), replace(subject, table=Table(table), features=("p", "a", "u"))


def _band(metric: str, threshold: float = 0.05) -> Limit:
    return Limit(metric=metric, direction="band", threshold=threshold)


WORLDS = (
    World(
        limit=Limit(metric="bias.group-rates/impact-ratio", direction="at_least", threshold=0.8),
        draw=impact_ratio,
        null=1.0,
        said="two groups of 3,000, half of the reference selected",
    ),
    World(
        limit=_band("bias.group-rates/tpr-difference"),
        draw=true_positives,
        said="two groups of 3,000, half of them positive, of whom .6 are found",
    ),
    World(
        limit=_band("bias.group-rates/fpr-difference"),
        draw=false_positives,
        said="two groups of 3,000, half of them negative, of whom .4 are selected",
    ),
    World(
        limit=_band("bias.group-rates/ppv-difference"),
        draw=predictive_value,
        said="two groups of 3,000, half of them selected, of whom .6 are positive",
    ),
    World(
        limit=Limit(metric="bias.group-rates/tpr-ratio", direction="at_least", threshold=0.8),
        draw=true_positives_ratio,
        null=1.0,
        said="two groups of 3,000, half of them positive, of whom .6 are found in the reference",
    ),
    World(
        limit=Limit(metric="bias.group-rates/fpr-ratio", direction="at_most", threshold=1.25),
        draw=false_positives_ratio,
        null=1.0,
        said="two groups of 3,000, half of them negative, of whom .4 are selected in the reference",
    ),
    World(
        limit=Limit(metric="bias.group-rates/ppv-ratio", direction="at_least", threshold=0.8),
        draw=predictive_value_ratio,
        null=1.0,
        said="two groups of 3,000, half of them selected, of whom .6 are positive in the reference",
    ),
    World(
        limit=Limit(metric="bias.group-rates/npv-ratio", direction="at_least", threshold=0.8),
        draw=negative_value_ratio,
        null=1.0,
        said="two groups of 3,000, half of them not selected, of whom .6 are negative in the reference",
    ),
    World(
        limit=_band("bias.attribute-flip/attribute-shift"),
        draw=attribute_shift,
        stated_at=-0.05,
        said="two groups of 3,000, all selected but for what the group does",
    ),
)
