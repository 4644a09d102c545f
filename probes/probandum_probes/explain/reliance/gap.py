"""The exact decomposition of a gap in scores: what each feature adds to it, and what all of them miss.

With interventional Shapley values of one class over one background the differences of mean attributions add up to the
gap itself: ``sum over j of (mean phi_j of g - mean phi_j of h) = mean f of g - mean f of h``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Codes
from probandum_probes.bias.predicting import Sampled
from probandum_probes.bias.proxy_carrying import selected_alike
from probandum_probes.bias.score_gaps import Gap
from probandum_probes.estimates import exactly, from_interval
from probandum_probes.explain.reliance.comparison import Bar, Comparison

CONTRIBUTION, ERROR = "feature-contribution", "additivity-error"
#: What contributions may miss of the gap, as a part of it or of one logit: the arithmetic of single precision.
EXACT = 1e-4


def decomposed(found: Comparison) -> Iterator[Measure]:
    """The gap in scores by the system's own answers, what contributions miss of it, and each of them."""
    known, (group, reference) = found.known, found.chosen
    rows = np.concatenate([known.rows[each] for each in (group, reference)])
    sampled = Sampled.of(found.place.subject, rows)
    added = Gap(group=known.phi[group], reference=known.phi[reference], sampled=sampled)
    scores = known.scores[:, None]
    gap = Gap(group=scores[group], reference=scores[reference], sampled=sampled)
    whole, n = gap.whole(), gap.n
    told = f"towards the favourable decision; {found.design}"
    estimate = from_interval(whole, n=n, unit="logit", design=told)
    yield Measure(metric="score-gap", groups=found.place.where, estimate=estimate, mode="disclosure")
    contributions = [added.contribution(index) for index in range(len(known.features))]
    yield _missed(found, whole.value, abs(sum(each.value for each in contributions) - whole.value), n)
    alike = selected_alike(found.place, found.outcomes)
    bar = found.too_few(n) if alike is None else (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL, alike)
    for index, (name, each) in enumerate(zip(known.features, contributions, strict=True)):
        yield _contribution(found, name, each, added.added(index), rows, n, bar)


def _contribution(
    found: Comparison, name: str, contribution: stats.Interval, added: Floats, rows: Codes, n: int, bar: Bar | None
) -> Measure:
    """What one feature adds, and what it is to the attribute; ``added``: what each of ``rows`` does to it."""
    place = found.place
    verdict, reason, why = bar or (None, None, None)
    influence = np.zeros(len(place.subject))
    influence[rows] = added
    words = "; ".join(filter(None, (place.kind(name, found.proxies), found.design)))
    return Measure(
        metric=CONTRIBUTION,
        groups=place.where,
        facets={"feature": name},
        estimate=from_interval(contribution, n=n, unit="logit", design=words),
        verdict=verdict,
        sub_reason=reason,
        why=why,
        items=found.kept.items(contribution.value, influence, *found.sides, unit="logit"),
    )


def _missed(found: Comparison, gap: float, error: float, n: int) -> Measure:
    """The additivity error: an ERROR where attributions do not add up to what they are said to explain."""
    beyond = error > EXACT * max(1.0, abs(gap))
    why = (
        f"what features add misses the gap of {gap:.4g} by {error:.2g}: these attributions do not explain the scores, "
        "and nothing that they say of the gap holds"
    )
    return Measure(
        metric=ERROR,
        groups=found.place.where,
        estimate=exactly(error, n=n, unit="logit", design=found.how),
        mode="disclosure",
        verdict=Verdict.ERROR if beyond else None,
        sub_reason=SubReason.EXPLANATION_CONTRADICTION if beyond else None,
        why=why if beyond else None,
    )
