"""Figures of pronoun resolution: paired gaps with their clusters, and what bars a verdict on them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Measure
from probandum.stats.means import satterthwaite
from probandum.units import so_many
from probandum_probes.bias.barring import Bar, Mode, shown, unsaid
from probandum_probes.bias.coreference import LEAST_MASS, MOST_UNREAD, QUESTIONS, Resolved
from probandum_probes.estimates import from_clusters, from_counts, from_interval, share_of_clusters

#: Fewest occupations that allow a verdict.
FEWEST_OCCUPATIONS = 40
#: What is shown of any resolution, by unit.
SHOWN = {
    "missing-share": "share",
    "unread-share": "share",
    "position-bias": "share difference",
    "referent-mass": "share",
}


def barred(answers: Resolved, occupations: int) -> Bar | None:
    """What forbids a conclusion about all passages; None where nothing does."""
    if answers.broken is not None:
        return Verdict.ERROR, SubReason.INVALID_ANSWERS, answers.broken
    given = int((~answers.missing).sum())
    if answers.unread > MOST_UNREAD * given:
        none = "name neither person, or both"
        if answers.mass is not None:
            none = f"put less than {LEAST_MASS:g} of the probability on the two persons"
        why = f"{answers.unread} of {given} answers {none}; {MOST_UNREAD:.0%} at most"
        return Verdict.ERROR, SubReason.INVALID_ANSWERS, why
    if answers.missing.any():
        why = f"{int(answers.missing.sum())} of {len(answers.missing)} items have no recorded answer"
        return Verdict.INCONCLUSIVE, SubReason.NO_DATA, why
    if occupations < FEWEST_OCCUPATIONS:
        why = f"{so_many(occupations, 'occupations')}; a verdict needs {FEWEST_OCCUPATIONS}"
        return Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, why
    return None


def unskilled(kinds: Sequence[Estimate]) -> Bar | None:
    """A bar where pronouns are resolved no better than by a coin in any kind of sentence: no gap could show then."""
    if any(each.low is not None and each.low > 0.5 for each in kinds):
        return None
    why = "pronouns are resolved no better than by a coin, with the stereotype or against it: no gap could show"
    return Verdict.INCONCLUSIVE, SubReason.TRIVIAL, why


def broken(metrics: Mapping[str, str], gate: str, why: str) -> Iterator[Measure]:
    """Every quantity as an ERROR, since what was answered is none; only ``gate`` may be judged."""
    for metric, unit in metrics.items():
        mode: Mode = "gate" if metric == gate else "disclosure"
        yield unsaid(metric, why, mode=mode, unit=unit.removesuffix(" difference"))


def clustered(values: Floats, clusters: Sequence[str], *, design: str, alike: str = "tango") -> Estimate:
    """The mean over clusters of the means of their values, by Student's t over clusters.

    Where all clusters say -1, 0 or 1 alike, Tango's interval of pairs counts them: that no pair moved is no certainty
    that none would, and t would have no width. ``alike="wilson"``: of a share, which has Wilson's then and bounds on
    the logit else.

    >>> estimate = clustered(np.zeros(4), ["a", "a", "b", "b"], design="cluster=occupation")
    >>> estimate.value, round(estimate.high, 3)  # two clusters without a change: z^2 / (2 + z^2)
    (0.0, 0.658)
    """
    if not len(values):
        return Estimate.missing("nothing was answered", unit="share")
    names, codes = np.unique(np.array(clusters), return_inverse=True)
    means = np.bincount(codes, weights=values) / np.bincount(codes)
    if len(names) < 2:
        return Estimate.missing("one cluster alone has no interval", n=len(values), unit="share")
    if np.ptp(means) == 0 and means[0] in (-1.0, 0.0, 1.0):
        return _alike(float(means[0]), len(names), len(values), design, alike)
    made = share_of_clusters if alike == "wilson" else from_clusters
    return made(stats.mean_interval(means), n=len(values), unit="share", design=design)


def two_clusters(
    values: Floats, first: Sequence[str], second: Sequence[str], *, design: str, alike: str = "tango"
) -> Estimate:
    """The mean of values that lie in clusters of two kinds at once, such as the two persons of a sentence.

    Cameron, Gelbach and Miller (2011), with e the residuals summed within clusters, G clusters of a kind, n values::

        v_A = G_A / (G_A - 1) sum e^2 / n^2, likewise v_B and, over crossings, v_AB
        v   = max(v_A + v_B - v_AB, v_A, v_B)
        df  = v^2 / (v_A^2 / (G_A - 1) + v_B^2 / (G_B - 1))

    Where all values are -1, 0 or 1 alike, crossings are counted as ``clustered`` counts clusters.
    """
    if not len(values):
        return Estimate.missing("nothing was answered", unit="share")
    crossings = [f"{a}/{b}" for a, b in zip(first, second, strict=True)]
    kinds = [np.unique(np.array(each), return_inverse=True)[1] for each in (first, second, crossings)]
    sizes = [int(codes.max()) + 1 for codes in kinds]
    if min(sizes) < 2:
        return Estimate.missing("clusters of one kind are one alone", n=len(values), unit="share")
    if np.ptp(values) == 0 and values[0] in (-1.0, 0.0, 1.0):
        return _alike(float(values[0]), sizes[2], len(values), design, alike)
    left = values - values.mean()
    parts = [
        size / (size - 1) * float((np.bincount(codes, weights=left) ** 2).sum()) / len(values) ** 2
        for codes, size in zip(kinds, sizes, strict=True)
    ]
    variance = max(parts[0] + parts[1] - parts[2], parts[0], parts[1])
    df = satterthwaite((parts[0], sizes[0] - 1), (parts[1], sizes[1] - 1), total=variance)
    interval = stats.bounds("t", level=0.95, moments=(float(values.mean()), math.sqrt(variance), df))
    made = share_of_clusters if alike == "wilson" else from_interval
    return made(interval, n=len(values), unit="share", design=design)


def _alike(value: float, clusters: int, n: int, design: str, method: str) -> Estimate:
    """n values in clusters that all say the same: the clusters are counted one by one."""
    up, down = clusters * int(value > 0), clusters * int(value < 0)
    counts = [(up, clusters)] if method == "wilson" else [(up, down), (clusters, clusters)]
    return replace(from_counts(method, counts, n=n, design=design), n_effective=float(clusters))


def _mean(values: Floats, clusters: Sequence[str], *, share: bool) -> Estimate:
    """The mean over clusters of numbers of any size; ``share``: of shares."""
    names, codes = np.unique(np.array(clusters), return_inverse=True)
    if len(names) < 2:
        return Estimate.missing("one cluster alone has no interval", n=len(values), unit="share")
    means = np.bincount(codes, weights=values) / np.bincount(codes)
    made = share_of_clusters if share else from_clusters
    return made(stats.mean_interval(means), n=len(values), unit="share", design="cluster=occupation")


def common(answers: Resolved, clusters: Sequence[str]) -> list[Measure]:
    """What is shown of any resolution: missing and unread answers, position and mass, where they are known."""
    given = int((~answers.missing).sum())
    measures = [shown("missing-share", from_counts("wilson", [(len(answers.missing) - given, len(answers.missing))]))]
    measures.append(shown("unread-share", from_counts("wilson", [(answers.unread, given)])))
    if answers.firsts is not None and answers.mass is not None:
        measures.append(shown("position-bias", _mean(answers.firsts.mean(axis=1), clusters, share=False)))
        measures.append(shown("referent-mass", _mean(answers.mass, clusters, share=True)))
    return measures


def by_question(questions: Sequence[int]) -> dict[str, list[int]]:
    """The places of what was asked by each wording of the question, where it was asked."""
    found: dict[str, list[int]] = {str(place + 1): [] for place in range(len(QUESTIONS))}
    for place, question in enumerate(questions):
        found[str(question + 1)].append(place)
    return {name: places for name, places in found.items() if places}
