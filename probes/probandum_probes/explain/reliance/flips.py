"""What flipping an attribute does beside what explanations say of it: where both disagree, one of them is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.probe import Ask
from probandum.subject import Bools, Codes, Grouping, Outcomes, Subject
from probandum_probes.bias.attribute_flip import decided_as
from probandum_probes.bias.weighted import Shares, persons_of
from probandum_probes.estimates import from_counts
from probandum_probes.explain.reliance.mass import NEGLIGIBLE
from probandum_probes.explain.worlds import SMALLEST

#: Attributions of no more than this part of what a flip moves say that the attribute does nothing.
NOTHING = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flipped:
    """Of all rows whether their decision flips between two groups, and by how much the log-odds move."""

    flips: Bools
    moved: Floats

    def rate(self, subject: Subject, rows: Bools, columns: Sequence[str]) -> Estimate:
        """The share of ``rows`` that are decided otherwise."""
        design = f"not causal: {', '.join(columns)} alone changed"
        if subject.design:
            return Shares.of(self.flips, subject, np.zeros(len(rows), dtype=np.int64), rows).share(0, design)
        counts = (int((self.flips & rows).sum()), persons_of(subject, rows))
        return from_counts("clopper-pearson", (counts,), design=design)


def flipped(ask: Ask, grouping: Grouping, pair: tuple[int, int], columns: Sequence[str]) -> Flipped:
    """Every row as a member of either group, as ``bias.attribute-flip`` asks about it."""
    first, second = (decided_as(ask, grouping, side, columns) for side in pair)
    moved = np.abs(_log_odds(first) - _log_odds(second))
    return Flipped(flips=first.favourable != second.favourable, moved=moved)


def contradiction(
    found: Flipped, pair: Bools, explained: Codes, weights: Floats, attributed: float, columns: Sequence[str]
) -> str | None:
    """Why explanations contradict what flips do; None where they do not.

    ``pair``: all rows of both groups. ``explained``: those of them with attributions, of which each counts by
    ``weights``. ``attributed``: mean |phi| of the columns there. Shapley values of a feature that moves log-odds by m
    on average are a fair part of m, whatever the other features do, as long as the background holds several of its
    values.
    """
    flips, moved = int((found.flips & pair).sum()), float(np.average(found.moved[explained], weights=weights))
    if not flips or moved <= NEGLIGIBLE or attributed > NOTHING * moved:
        return None
    return (
        f"explanations give {', '.join(columns)} {attributed:.2g} of log-odds, yet changing it moves them by "
        f"{moved:.2g} and flips {flips} of {int(pair.sum())} decisions: the explanations hide what the system does"
    )


def _log_odds(outcomes: Outcomes) -> Floats:
    assert outcomes.score is not None  # the system gives probabilities
    p = np.asarray(outcomes.score, dtype=np.float64)
    return np.log(np.maximum(p, SMALLEST)) - np.log(np.maximum(1 - p, SMALLEST))
