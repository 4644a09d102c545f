"""What a classifier answered about sentences with a word for who somebody is, and means of it over sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate
from probandum.subject import Bools, Codes
from probandum.units import so_many
from probandum_probes.bias.contrasts import crossed_mean
from probandum_probes.bias.swap_texts import Seed, Term
from probandum_probes.estimates import from_clusters, from_counts, share_of_clusters

_BY_TEXT = "cluster=seed text"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """What was answered: of each word its sentences, P(class) and the label of each, shape (sentences,).

    ``broken``: why some answers cannot be used; nothing can be concluded from the others then.
    """

    seeds: Mapping[str, tuple[Seed, ...]]
    values: Mapping[str, Floats] = field(default_factory=dict)
    labels: Mapping[str, Codes] = field(default_factory=dict)
    broken: str | None = None

    def shifts(self, term: Term) -> Floats:
        """Score with the term less score with its reference, shape (sentences,)."""
        return self.values[term.text] - self.values[term.reference]

    def flips(self, term: Term) -> Bools:
        """Which labels differ between the term and its reference, shape (sentences,)."""
        return np.asarray(self.labels[term.text] != self.labels[term.reference])

    def by_cluster(self, word: str, values: Floats) -> dict[str, float]:
        """The mean of ``values``, one a sentence of ``word``, over the sentences of each cluster."""
        clusters: dict[str, list[float]] = {}
        for seed, value in zip(self.seeds[word], values.tolist(), strict=True):
            clusters.setdefault(seed.cluster, []).append(value)
        return {cluster: float(np.mean(members)) for cluster, members in clusters.items()}

    def grid(self, columns: Mapping[str, Floats]) -> Floats:
        """Cluster means, shape (clusters, words): of ``columns`` by word, in the clusters that all of them have."""
        means = [self.by_cluster(word, values) for word, values in columns.items()]
        common = self.common(list(columns))
        return np.array([[each[cluster] for each in means] for cluster in common]).reshape(len(common), len(means))

    def common(self, words: Sequence[str]) -> list[str]:
        """The clusters that all of these words have, in the order of the first."""
        each = [{seed.cluster for seed in self.seeds[word]} for word in words]
        first = dict.fromkeys(seed.cluster for seed in self.seeds[words[0]])
        return [cluster for cluster in first if all(cluster in one for one in each)]

    def gap(self, terms: Sequence[Term]) -> Estimate:
        """How far terms move scores, whatever other words do."""
        columns = {term.text: np.abs(self.shifts(term)) for term in terms}
        grid = self.grid(columns)
        n = grid.shape[1] * min(len(values) for values in columns.values())
        if min(grid.shape) < 2:
            told = f"{so_many(len(terms), 'terms')} and {so_many(len(grid), 'sentences')}"
            why = f"{told} that fit all of them; two of each are needed"
            return Estimate.missing(why, n=n, unit="share")
        return from_clusters(crossed_mean(grid), n=n, unit="share", design="two_way=seed text x term")


def crossed_items(values: Floats, clusters: Sequence[str], words: Sequence[str], terms: int) -> Items:
    """The mean shift of every cluster under every word, without sign: the first ``terms`` words less the others."""
    width = len(words)
    return Items(
        keys=tuple(f"{cluster}/{word}" for cluster in clusters for word in words),
        strata=tuple("term" if place < terms else "placebo" for _ in clusters for place in range(width)),
        values=tuple(values.ravel().tolist()),
        unit="share",
        form="two-way",
        clusters=tuple(cluster for cluster in clusters for _ in words),
        crossed=tuple(words) * len(clusters),
        sides=tuple(1 if place < terms else -1 for _ in clusters for place in range(width)),
    )


def clustered(means: Sequence[float], n: int) -> Estimate:
    """The mean of cluster means."""
    if len(means) < 2:
        return Estimate.missing("one sentence alone has no interval", n=n, unit="share")
    return from_clusters(stats.mean_interval(means), n=n, unit="share", design=_BY_TEXT)


def flip_rate(shares: Sequence[float], n: int) -> Estimate:
    """The mean share of flips of the clusters; none in all of them, or all in all, is bounded by their number."""
    if len(set(shares)) == 1 and shares[0] in (0.0, 1.0):
        counts = ((int(shares[0]) * len(shares), len(shares)),)
        bounded = from_counts("clopper-pearson", counts, n=n)
        return replace(bounded, n_effective=len(shares), design=_BY_TEXT)
    if len(shares) < 2:
        return clustered(shares, n)
    return share_of_clusters(stats.mean_interval(shares), n=n, unit="share", design=_BY_TEXT)
