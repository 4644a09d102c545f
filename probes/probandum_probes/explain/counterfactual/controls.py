"""Controls of the probe of counterfactuals: inputs that stay as they are, and a rule whose boundary is known.

Those of text classifiers stand in ``counterfactual_text_controls``.
"""

from __future__ import annotations

import numpy as np

from probandum.evidence import Capability, Floats, Request, Table
from probandum.probe import Ask, Probe
from probandum.subject import Decision, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import decisions
from probandum_probes.bias.proxy_carrying import unexplained
from probandum_probes.explain.counterfactual.answers import deciding
from probandum_probes.explain.counterfactual.rows import Explored, against
from probandum_probes.explain.counterfactual.space import Constraints, deviation
from probandum_probes.explain.counterfactual.text_controls import known_keywords, unchanged_texts
from probandum_probes.explain.quality.base import kind_of
from probandum_probes.ruled import ByRule, logistic

#: Rows that a control looks at.
ROWS = 60
#: Rows of the planted world, what its rule weighs, and what it asks for.
SEEN, WEIGHTS, THRESHOLD = 400, (2.0, 0.7, -1.0, 3.0), 0.5
COLUMNS = ("may change", "may rise", "may fall", "immutable")
#: How exactly smallest changes must come out.
TOLERANCE = 1e-6


class ByBoundary(ByRule):
    """A rule that is favourable where the weighted sum of the planted columns reaches the threshold."""

    def probability(self, request: Request) -> Floats:
        """The surer, the further a row lies beyond the boundary."""
        return logistic(margins(request.table))


def margins(rows: Table) -> Floats:
    """How far rows lie beyond the boundary of the rule."""
    return np.asarray(sum(weight * rows[name] for name, weight in zip(COLUMNS, WEIGHTS, strict=True)) - THRESHOLD)


def unchanged(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Inputs that stay as they are flip nothing: their validity is 0."""
    if kind_of(ask) is Capability.CLASSIFY:
        return unchanged_texts(probe, ask)
    subject, answer = decisions(ask)
    features = features_of(subject)
    if subject.answers or not features:
        return None, unexplained(subject, answer, features) or ""
    rows = np.flatnonzero(against(subject, subject.outcomes(answer)))[:ROWS]
    if not len(rows):
        return None, "no row is decided unfavourably"
    flipped = deciding(ask)(subject.table.select(features).take(rows)).favourable
    return not flipped.any(), f"of {len(rows)} rows that stay as they are {int(flipped.sum())} are decided otherwise"


def known_boundary(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of a linear rule the smallest change has a closed form, which the search must meet within its constraints.

    Where one column alone can reach the boundary within what was seen it costs ``min over j of |m / w_j| / MAD_j``, m
    being what is missing; the largest weight lies on a column that may not change. Of texts: ``known_keywords``.
    """
    if kind_of(ask) is Capability.CLASSIFY:
        return known_keywords(probe, ask)
    rng = ask.rng("known boundary")
    columns = {name: rng.normal(size=SEEN) for name in COLUMNS}
    declared = Constraints(immutable=COLUMNS[3:], increase_only=COLUMNS[1:2], decrease_only=COLUMNS[2:3])
    world = Subject(table=Table(columns), features=COLUMNS, decision=Decision(favourable="1", positive="1"))
    found: Explored = probe.explored(ByBoundary(ask, subject=world), declared, ROWS)  # type: ignore[attr-defined]
    rows = world.table.take(found.rows)
    alone, first = closed_form(rows, world.table), found.smallest
    reached = np.isfinite(alone)
    if (first[reached] < 0).any():
        return False, f"no change is found for {int((first[reached] < 0).sum())} rows that one column turns"
    off = float(np.abs(found.found.costs[first] - alone)[reached].max(initial=0.0))
    kept = not found.found.changed[:, 3].any()
    said = f"changes of {int(reached.sum())} rows to a known boundary are off by {off:.1e}; expected {TOLERANCE:g}"
    return bool(off <= TOLERANCE and found.found.valid.all() and kept), said


def closed_form(rows: Table, seen: Table) -> Floats:
    """The smallest cost of one column that reaches the boundary, infinite where none can, shape (rows,)."""
    missing, best = -margins(rows), np.full(len(rows), np.inf)
    for name, weight in list(zip(COLUMNS, WEIGHTS, strict=True))[:3]:
        needed = missing / weight
        there = rows[name] + needed
        inside = (there >= seen[name].min()) & (there <= seen[name].max())
        best = np.minimum(best, np.where(inside, np.abs(needed) / deviation(seen[name]), np.inf))
    return best
