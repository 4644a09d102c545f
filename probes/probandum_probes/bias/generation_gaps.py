"""Differences between what is written about groups, less what the judge itself adds, and corrected for its errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate, Groups
from probandum.probe import Ask
from probandum.stats.means import satterthwaite
from probandum_probes.bias.paired_means import paired_moments
from probandum_probes.bias.wordings import half_of_items
from probandum_probes.estimates import from_clusters, from_counts, from_moments
from probandum_probes.judges import Rates

Moments = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgements:
    """What the judge says: by group of the texts written, shape (prompts, samples), and of harmless sentences.

    ``threshold``: from where on a text counts as flagged. ``judge``: its name. ``wordings``: the place of the one in
    which each prompt stands.
    """

    prompts: tuple[str, ...]
    written: Mapping[str, Floats]
    neutral: Mapping[str, Floats]
    threshold: float
    judge: str
    wordings: tuple[int, ...]

    @property
    def samples(self) -> int:
        """Texts a prompt."""
        return int(next(iter(self.written.values())).shape[1])

    def of(self, places: Sequence[int]) -> Judgements:
        """What it says of some prompts."""
        return replace(
            self,
            prompts=tuple(self.prompts[place] for place in places),
            wordings=tuple(self.wordings[place] for place in places),
            written={group: values[list(places)] for group, values in self.written.items()},
        )

    def halves_of(self, ask: Ask) -> tuple[Judgements, Judgements, tuple[str, str]]:
        """The prompts in one half of the wordings, and the rest; of one wording every other prompt, and the rest.

        And what they are called.
        """
        half, names = half_of_items(ask, self.wordings)
        return self.of(np.flatnonzero(half).tolist()), self.of(np.flatnonzero(~half).tolist()), names

    def flagged(self, group: str) -> Floats:
        """1 where a written text is flagged, shape (prompts, samples)."""
        return (self.written[group] >= self.threshold).astype(np.float64)

    def by_prompt(self, what: str, group: str) -> Floats:
        """One number a prompt: ``rate``, ``score``, ``any`` or ``maximum`` of its texts."""
        values = self.flagged(group) if what in ("rate", "any") else self.written[group]
        return np.asarray(values.max(axis=1) if what in ("any", "maximum") else values.mean(axis=1))

    def gaps(self, what: str, pair: Groups) -> Floats:
        """Of each prompt the number about the group less that about its reference."""
        return self.by_prompt(what, pair.group) - self.by_prompt(what, str(pair.reference))

    def own_bias(self, what: str, pair: Groups) -> Moments:
        """The judge's difference on the same harmless sentences about both, by rate of flags or by score."""
        sides = [self.neutral[group] for group in (pair.group, str(pair.reference))]
        if what == "rate":
            sides = [(side >= self.threshold).astype(np.float64) for side in sides]
        counted = all(np.isin(side, (0.0, 1.0)).all() for side in sides)
        return paired_moments((sides[0] - sides[1]).tolist(), step=1.0 if counted else 0.0)

    def raw(self, what: str, pair: Groups) -> Estimate:
        """The difference as the judge has it."""
        step = 1.0 if what == "any" else 1 / self.samples
        moments = paired_moments(self.gaps(what, pair).tolist(), step=step)
        return self._estimate(moments, "")

    def corrected(self, what: str, pair: Groups) -> Estimate:
        """The difference less the judge's own on harmless sentences; both variances add up."""
        value, error, df = paired_moments(self.gaps(what, pair).tolist(), step=1 / self.samples)
        own, own_error, own_df = self.own_bias(what, pair)
        parts = (error**2, df), (own_error**2, own_df)
        moments = value - own, math.hypot(error, own_error), satterthwaite(*parts)
        return self._estimate(
            moments, f"; less the judge's {own:+.4f} on {len(self.neutral[pair.group])} harmless ones"
        )

    def estimated_rate(self, pair: Groups, rates: Mapping[str, Rates]) -> tuple[Estimate, Floats]:
        """The difference of true rates by Rogan and Gladen (1978), and what each prompt adds to it.

        ``(p + specificity - 1) / J`` with J = sensitivity + specificity - 1 and p the rate of flags, of each group;
        by the delta method the variances of p (paired by prompt), of sensitivities and of specificities add up.
        """
        shares, variance = [], 0.0
        for group in (pair.group, str(pair.reference)):
            found, flags = rates[group], self.by_prompt("rate", group)
            specificity = found.specificity[0] / found.specificity[1]
            shares.append((flags + specificity - 1) / found.sees)
            true = float(np.clip(shares[-1].mean(), 0.0, 1.0))
            of = (true, found.sensitivity), (1 - true, found.specificity)
            variance += sum((weight / found.sees) ** 2 * _spread(*counts) for weight, counts in of)
        gaps = shares[0] - shares[1]
        least = min(rates[group].sees for group in (pair.group, str(pair.reference)))
        value, error, df = paired_moments(gaps.tolist(), step=1 / self.samples / least)
        moments = value, math.sqrt(error**2 + variance), df
        return self._estimate(moments, "; corrected for its sensitivity and specificity"), gaps

    def items(self, values: Floats) -> Items:
        """One value a prompt."""
        count = len(self.prompts)
        return Items(keys=self.prompts, strata=("prompt",) * count, values=tuple(values.tolist()), unit="share")

    def halves(self, pair: Groups, ask: Ask) -> Estimate:
        """The difference in rates over one half less that over the rest."""
        first, second = (
            paired_moments(half.gaps("rate", pair).tolist(), step=1 / self.samples) for half in self.halves_of(ask)[:2]
        )
        df = satterthwaite((first[1] ** 2, first[2]), (second[1] ** 2, second[2]))
        return self._estimate((first[0] - second[0], math.hypot(first[1], second[1]), df), "")

    def level(self, values: Floats) -> Estimate:
        """The mean of one number a prompt; where all are 0, or all 1, the number of prompts bounds it."""
        count, n = len(values), len(values) * self.samples
        if values.min() == values.max() and values[0] in (0.0, 1.0):
            bounded = from_counts("clopper-pearson", ((int(values.sum()), count),), n=n, design="cluster=prompt")
            return replace(bounded, n_effective=count)
        return from_clusters(stats.mean_interval(values), n=n, unit="share", design="cluster=prompt")

    def _estimate(self, moments: Moments, more: str) -> Estimate:
        count = len(self.prompts)
        design = f"cluster=prompt; judged by {self.judge}{more}"
        return from_moments("t", moments, n=count * self.samples, n_effective=count, unit="share", design=design)


def _spread(right: int, of: int) -> float:
    """The variance of a share of which nobody knows whether it is 0 or 1: one more of each kind."""
    share = (right + 1) / (of + 2)
    return share * (1 - share) / (of + 2)
