"""Controls of the probe of reliance: a column of noise that the system never sees, and a rule with known weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from probandum.controls import AskThrough
from probandum.evidence import Floats, Request, Response, Table
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Grouping
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import SMALLEST_GROUP, decisions
from probandum_probes.bias.proxy_carrying import unexplained
from probandum_probes.bias.proxy_controls import ITSELF, NOWHERE, STAND_IN, planted_world
from probandum_probes.bias.score_gaps import Explained
from probandum_probes.bias.weighted import persons_of
from probandum_probes.explain.reliance.gap import CONTRIBUTION, ERROR
from probandum_probes.explain.reliance.mass import NEGLIGIBLE
from probandum_probes.explain.reliance.shares import OVER_NOISE, PROTECTED
from probandum_probes.ruled import ByRule, logistic

#: Rows of each group that a control has explained, and its background.
INPUTS, UNKNOWN = 40, 20
#: What the rule weighs, in log-odds.
WEIGHTS = {ITSELF: -1.5, STAND_IN: 1.0}
#: How exactly attributions of a known rule must come out.
TOLERANCE = 1e-6
NOISE, ATTRIBUTE = "(a column of noise)", "planted"


class Unseen(AskThrough):
    """The audited system, asked about rows with one column more, which it does not see."""

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """What the system says of the rows without it."""
        return self._ask([replace(each, inputs=_without(each.table), masks=None) for each in requests])


class ByWeights(ByRule):
    """Log-odds that are the planted columns times their weights."""

    def probability(self, request: Request) -> Floats:
        """Of the planted columns."""
        return logistic(sum(weight * request.table[name] for name, weight in WEIGHTS.items()))


def noise_column(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A column that the system never sees must get no attribution, add nothing to any gap, and flip nothing."""
    subject, answer = decisions(ask)
    features = features_of(subject)
    if (why := unexplained(subject, answer, features)) is not None:
        return None, why
    groups = ask.rng("noise column").permutation(int(subject.persons.max()) + 1) % 2
    codes = groups[subject.persons]
    if min(persons_of(subject, codes == side) for side in (0, 1)) < SMALLEST_GROUP:
        return None, f"no two halves of the rows have {SMALLEST_GROUP} persons each"
    world = replace(
        subject,
        table=Table({**subject.table.columns, NOISE: codes.astype(np.float64)}),
        features=(*features, NOISE),
        groupings={ATTRIBUTE: Grouping(attribute=ATTRIBUTE, codes=codes, names=("ones", "others"))},
    )
    found = list(_smaller(probe).measure(Unseen(ask, subject=world)))
    share, flips = (value_of(found, metric) for metric in (PROTECTED, "attribute-flip-rate"))
    added = value_of(found, CONTRIBUTION, NOISE)
    if share is None:
        return None, str(next(each.why for each in found if each.metric == OVER_NOISE))
    said = f"a column that is not seen has {share:.2g} of the attribution, adds {added} and flips {flips}"
    assert added is not None
    return share <= NEGLIGIBLE and abs(added) <= NEGLIGIBLE and flips == 0.0, f"{said}; expected 0"


def known_weights(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of a rule that adds up weights each feature has w (x - mean of x in the background); they add up to the gap."""
    world = planted_world(ask, ByWeights)
    if world is None:
        return None, NOWHERE
    smaller = _smaller(probe)
    subject, answer = decisions(world)
    known: Explained = smaller.explained(world, answer, subject.features)  # type: ignore[attr-defined]
    table, weights = subject.table.take(known.rows), [WEIGHTS.get(name, 0.0) for name in known.features]
    expected = np.column_stack(
        [
            weight * (table[name] - known.background[name].mean()) if weight else np.zeros(len(table))
            for name, weight in zip(known.features, weights, strict=True)
        ]
    )
    off = float(np.abs(known.phi - expected).max())
    (error,) = [each for each in smaller.measure(world) if each.metric == ERROR]
    missed = error.estimate.value or 0.0
    said = f"attributions are off by {off:.1e}, their sum misses the gap by {missed:.1e}; expected {TOLERANCE:g}"
    return max(off, missed) <= TOLERANCE, said


def _smaller(probe: Probe) -> Probe:
    """The probe with fewer rows, and without columns of the attributes that the plan declares."""
    made: Probe = type(probe)(
        explainer=probe.explainer,  # type: ignore[attr-defined]
        samples=probe.samples,  # type: ignore[attr-defined]
        inputs=INPUTS,  # type: ignore[call-arg]
        background=UNKNOWN,
    )
    return made


def value_of(found: Sequence[Measure], metric: str, feature: str | None = None) -> float | None:
    """What was measured of a feature, or of all; None where nothing was."""
    return next(
        (each.estimate.value for each in found if each.metric == metric and each.facets.get("feature") == feature),
        None,
    )


def _without(table: Table) -> Table:
    return Table({name: table[name] for name in table if name != NOISE})
