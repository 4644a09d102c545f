"""Means, and differences of means, of values that come in clusters: as estimates, also where nothing varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.sampling import plural, units
from probandum.subject import Bools
from probandum_probes.estimates import from_counts, from_interval, share_of_clusters


def clustered_mean(
    values: Floats, clusters: Sequence[str], *, unit: str, design: str, signed: bool = False
) -> Estimate:
    """The mean by CR2; ``design`` names the cluster, as in ``cluster=template``.

    The bounds of what lies between 0 and 1 are taken on the logit, unless it is ``signed``. Where no cluster differs
    from another, shares keep an interval, since that is no proof that none would: Wilson's, or Tango's where they are
    ``signed`` (1, 0 or -1), of as many observations as there are clusters if all values are alike, of all of them
    otherwise.

    >>> clustered_mean(np.ones(40), ["a", "b"] * 20, unit="share", design="cluster=letter").n_effective
    2.0
    """
    n, distinct = len(values), len(set(clusters))
    if distinct < 2:
        return Estimate.missing(f"an interval needs 2 {plural(*units(design))}, got {distinct}", n=n, unit=unit)
    interval = stats.cluster_mean_interval(values, np.array(clusters))
    known = (-1.0, 0.0, 1.0) if signed else (0.0, 1.0)
    if interval.standard_error or not np.isin(values, known).all():
        shares = not signed and values.min() >= 0 and values.max() <= 1
        made = share_of_clusters if shares else from_interval
        return replace(made(interval, n=n, unit=unit, design=design), n_effective=float(distinct))
    alike = bool((values == values[0]).all())
    trials = values[:distinct] if alike else values
    up, down, of = int((trials > 0).sum()), int((trials < 0).sum()), len(trials)
    counts = [(up, down), (of, of)] if signed else [(up, of)]
    told = f"{design}; {'all values alike' if alike else 'no cluster differs from another'}"
    estimate = from_counts("tango" if signed else "wilson", counts, n=n, unit=unit, design=told)
    return replace(estimate, n_effective=float(of))


def clustered_difference(values: Floats, clusters: Sequence[str], member: Bools, *, unit: str, design: str) -> Estimate:
    """The mean of members less that of the others by CR2; shares without any variance take Newcombe's interval."""
    codes, n = np.array(clusters), len(values)
    if min(len(np.unique(codes[member])), len(np.unique(codes[~member]))) < 2:
        return Estimate.missing(f"an interval needs 2 {plural(*units(design))} on either side", n=n, unit=unit)
    interval = stats.cluster_difference_interval(values, codes, member)
    if interval.standard_error or not np.isin(values, (0.0, 1.0)).all():
        return from_interval(interval, n=n, unit=unit, design=design)
    counts = [_counted(values[side], len(np.unique(codes[side]))) for side in (member, ~member)]
    return from_counts("newcombe", counts, n=n, unit=unit, design=f"{design}; no cluster differs from another")


def _counted(values: Floats, clusters: int) -> tuple[int, int]:
    """Events and trials: all values, or as many as there are clusters where all are alike."""
    alike = bool((values == values[0]).all())
    return (int(values[0]) * clusters, clusters) if alike else (int(values.sum()), len(values))
