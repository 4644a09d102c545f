"""What a design samples, and how much more of it a verdict would need, in words.

Answers that come in clusters add little to each other: what counts is how many clusters there are, so a reader
who wants a verdict must be told of these. ``Estimate.design`` names them: ``cluster=UNIT`` (the mean of clusters,
whose number is ``n_effective``) or ``two_way=UNIT x UNIT`` (rows crossed with columns, both of them samples). Any
other design counts its n.
"""

from __future__ import annotations

import math

from probandum.finding import Estimate, Finding
from probandum.speech import said


def units(design: str | None) -> tuple[str, ...]:
    """What the design samples beyond single observations: one kind of cluster, two that are crossed, or nothing.

    >>> units("cluster=seed text"), units("two_way=template x name; balanced"), units("rows resampled")
    (('seed text',), ('template', 'name'), ())
    """
    kind, _, named = (design or "").partition(";")[0].partition("=")
    if kind == "cluster":
        return (named.strip(),)
    return tuple(unit.strip() for unit in named.split(" x ")) if kind == "two_way" else ()


def plural(unit: str) -> str:
    """Several of a unit; a design names it so that an s does.

    >>> plural("seed text")
    'seed texts'
    """
    return f"{unit}s"


def clusters(estimate: Estimate) -> int | None:
    """How many clusters stand behind the estimate; None where its design has none, or does not count them.

    Degrees of freedom after Satterthwaite are no whole number, and count no clusters.

    >>> clusters(Estimate(value=0.1, low=0, high=0.2, n=210, n_effective=28, unit="share", method="t",
    ...     design="cluster=seed text"))
    28
    """
    counted = estimate.n_effective
    if len(units(estimate.design)) != 1 or counted is None or counted != round(counted):
        return None
    return round(counted)


def counted(estimate: Estimate) -> str:
    """How many observations stand behind the estimate, and how many clusters where they come in some.

    Where nothing counts the clusters, how many observations count once they are honoured.

    >>> counted(Estimate.missing("no positives", n=1200, unit="share"))
    'n = 1,200'
    >>> crossed = {"unit": "logit", "method": "t", "design": "two_way=template x name"}
    >>> counted(Estimate(value=0.1, low=0, high=0.2, n=1600, n_effective=18.48, **crossed))
    'n = 1,600 (18 effective)'
    """
    number, effective = clusters(estimate), estimate.n_effective
    if number is not None:
        things = plural(units(estimate.design)[0])
        return said("n = {n:,} ({number:,} {things})", n=estimate.n, number=number, things=things)
    if effective is None or round(effective) >= estimate.n:
        return said("n = {n:,}", n=estimate.n)
    return said("n = {n:,} ({effective:,} effective)", n=estimate.n, effective=round(effective))


def grown(estimate: Estimate, n: int) -> int:
    """Observations of a design whose samples have all grown as ``n`` has over the estimate's own n.

    Where rows are crossed with columns both must grow, and the cells grow with the square.

    >>> crossed = {"n": 100, "unit": "logit", "method": "t", "design": "two_way=template x name"}
    >>> grown(Estimate(value=0.1, low=0, high=0.2, **crossed), 150)  # 10 templates of 10 names: 15 of 15
    225
    """
    samples = max(len(units(estimate.design)), 1)
    return math.ceil(n * (n / max(estimate.n, 1)) ** (samples - 1))


def needed(finding: Finding) -> str:
    """About what a verdict at this value would need, in what the design samples; '' where no number helps.

    ``n = 934``, ``33 seed texts``, or ``1.5 times as many templates and names``.
    """
    estimate = finding.estimate
    if finding.n_needed is None:
        return ""
    sampled, number = units(estimate.design), clusters(estimate)
    factor = finding.n_needed / max(estimate.n, 1)
    if number is not None:
        return f"{math.ceil(round(number * factor, 6)):,} {plural(sampled[0])}"
    if sampled:
        times, things = _times(factor ** (1 / len(sampled))), said(" and ").join(map(plural, sampled))
        return said("{number} times as many {things}", number=times, things=things)
    return said("n = {n:,}", n=finding.n_needed)


def _times(factor: float) -> str:
    """A factor, rounded up: to a tenth where it is small."""
    tenths = math.ceil(round(10 * factor, 6))
    return f"{tenths / 10:.1f}" if tenths < 100 else f"{math.ceil(factor):,}"
