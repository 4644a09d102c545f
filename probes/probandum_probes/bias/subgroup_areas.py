"""AUCs of an identity beside those of all texts, where texts may come in clusters, and their generalised mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.stats import Area
from probandum.subject import Bools, Codes
from probandum_probes.bias.labelled_texts import LabelledTexts
from probandum_probes.estimates import from_interval, from_moments

#: What each area is of, by the name that Borkan et al. give it.
AREAS: Mapping[str, Callable[[stats.SubgroupAreas], Area]] = {
    "subgroup": lambda areas: areas.subgroup,
    "bpsn": lambda areas: areas.bpsn,
    "bnsp": lambda areas: areas.bnsp,
}
#: The exponent of their generalised mean: low AUCs weigh most.
POWER = -5.0


def generalised_mean(values: Sequence[float], power: float = POWER) -> float:
    """``(mean of v^p)^(1/p)`` of numbers above 0; with p = -5 the lowest of them decide.

    >>> round(generalised_mean([0.5, 1.0]), 4)  # ((32 + 1) / 2) ** -0.2
    0.5708
    """
    return float(np.mean(np.array(values) ** power) ** (1 / power))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranked:
    """Texts with the score that each got; the higher, the more likely it is held to be positive."""

    data: LabelledTexts
    score: Floats

    @property
    def clusters(self) -> Codes | None:
        """The cluster of each text as a number; None where each text stands alone."""
        if not self.data.clusters:
            return None
        return np.unique(np.array(self.data.clusters), return_inverse=True)[1]

    @property
    def design(self) -> str | None:
        """How the texts were drawn, in words."""
        return "cluster=sentence" if self.data.clusters else None

    def overall(self) -> Area:
        """The area of all texts."""
        return stats.area(self.score, self.data.positive, ~self.data.positive)

    def areas(self, member: Bools) -> stats.SubgroupAreas:
        """The five areas of an identity; its background is every text that does not mention it."""
        return stats.subgroup_areas(self.score, self.data.positive, member)

    def fewest(self, member: Bools) -> tuple[int, str]:
        """The smallest of the four kinds of texts, and which it is."""
        positive = self.data.positive
        kinds = {
            "positives that mention it": positive & member,
            "negatives that mention it": ~positive & member,
            "positives that do not": positive & ~member,
            "negatives that do not": ~positive & ~member,
        }
        counts = {kind: int(rows.sum()) for kind, rows in kinds.items()}
        kind = min(counts, key=lambda each: counts[each])
        return counts[kind], kind

    def area(self, area: Area) -> Estimate:
        """One AUC: DeLong's interval on the logit scale, with clusters the same over sums of clusters."""
        n = int((area.above | area.below).sum())
        clustered = self._clustered(area.influence)
        if clustered is None or area.value in (0.0, 1.0):
            return from_interval(area.interval(), n=n, unit="share", design=self.design)
        return from_moments("delong", (area.value, *clustered), n=n, unit="share", design=self.design)

    def gap(self, first: Area, second: Area) -> Estimate:
        """first - second, of the same texts: DeLong's paired interval, with clusters the same over their sums."""
        clustered = self._clustered(first.influence - second.influence)
        n = len(self.score)
        if clustered is None:
            interval = stats.auc_difference_interval(first, second)
            return from_interval(interval, n=n, unit="share", design=self.design)
        moments = (first.value - second.value, *clustered)
        return from_moments("delong-difference", moments, n=n, unit="share", design=self.design)

    def equality_gap(self, area: Area) -> Estimate:
        """The average equality gap 1/2 - U / (n m) of an identity and its background inside one label."""
        n = int((area.above | area.below).sum())
        spread = self._clustered(area.influence)
        if spread is None:
            found = area.interval()
            assert found.df is not None
            # All pairs came out alike: as wide as an exact bound on their share, and never certain.
            unmoved = 2 * max(area.value, 1 - area.value) / area.pairs
            spread = (found.standard_error or unmoved, found.df)
        return from_moments("delong-difference", (0.5 - area.value, *spread), n=n, unit="share", design=self.design)

    def mean(self, areas: Sequence[Area]) -> Estimate:
        """The generalised mean of AUCs of the same texts, with the delta method over what each text adds to all."""
        n = len(self.score)
        values = [area.value for area in areas]
        if min(values) == 0:
            return Estimate.missing("an AUC is 0, which no such mean can hold", n=n, unit="share")
        mean = generalised_mean(values)
        slopes = [(value / mean) ** (POWER - 1) / len(values) for value in values]
        influence = np.sum([slope * area.influence for slope, area in zip(slopes, areas, strict=True)], axis=0)
        positives = int(self.data.positive.sum())
        plain = math.sqrt(float((influence**2).sum())), float(max(min(positives, n - positives) - 1, 1))
        error, df = self._clustered(influence) or plain
        if mean >= 1 or error == 0:
            return Estimate.missing("every pair came out alike, so that nothing varied", n=n, unit="share")
        return from_moments("delong", (mean, error, df), n=n, unit="share", design=self.design)

    def contributions(self, first: Area, second: Area) -> tuple[tuple[str, ...], Floats]:
        """The gap first - second as the mean of what each text, or cluster of texts, adds to it, under its name."""
        influence = first.influence - second.influence
        codes = self.clusters
        if codes is None:
            names = tuple(f"row-{place}" for place in range(len(influence)))
        else:
            names = tuple(np.unique(np.array(self.data.clusters)).tolist())
            influence = np.asarray(np.bincount(codes, weights=influence), dtype=np.float64)
        return names, first.value - second.value + len(influence) * influence

    def _clustered(self, influence: Floats) -> tuple[float, float] | None:
        """Standard error and degrees of freedom over sums of clusters (Obuchowski 1997); None where there are none,
        or where no sum differs from 0."""
        codes = self.clusters
        if codes is None:
            return None
        sums = np.bincount(codes, weights=influence)
        count = len(sums)
        if count < 2 or np.abs(sums).max() < 1e-12:
            return None
        return math.sqrt(count / (count - 1) * float((sums**2).sum())), float(count - 1)
