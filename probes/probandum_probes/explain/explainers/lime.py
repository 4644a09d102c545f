"""Local linear models: drawn as the lime library draws them, but for all inputs at once, and fitted by the library.

Their weighted R2 always comes along: without it a list is no evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np

from probandum.errors import MissingDependency
from probandum.evidence import Capability, Column, Floats, Table
from probandum.gaps import absent
from probandum.subject import Bools, Codes
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import Removal, World

#: A column with at most so many different values in the background is one of categories: none lies between two.
MOST_CATEGORIES = 10
#: Widths of the kernel: of texts on a hundred times the cosine distance; of rows this times the root of the columns.
TEXT_WIDTH = 25.0
ROW_WIDTH = 0.75
#: Versions that the library takes: five times as many as here, for which an audit would wait minutes.
USUAL_SAMPLES = 5000


@explainer("lime.text", explains=Capability.CLASSIFY)
class LimeText(Explainer):
    """Weights of a ridge regression over versions of a text with words deleted, near ones counting more.

    The defaults of the lime library (kernel width 25 on the cosine distance) with all words kept as features; a word
    that occurs twice is two features, as for every other explainer. One round for all texts, and the values of
    LimeTextExplainer under the same seed. Ribeiro et al. 2016.
    """

    usual_samples = USUAL_SAMPLES

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance, so that the others do not matter."""
        seeds = [instance.seed(seed) for instance in world.instances]
        drawn = [
            self._versions(len(instance), np.random.RandomState(own))
            for instance, own in zip(world.instances, seeds, strict=True)
        ]
        scores = world.scores(
            [
                Removal(instance=index, operator="delete", kept=kept, seed=own)
                for index, (kept, own) in enumerate(zip(drawn, seeds, strict=True))
            ]
        )
        return [_of_words(kept, each.log_odds, own) for kept, each, own in zip(drawn, scores, seeds, strict=True)]

    def _versions(self, width: int, rng: np.random.RandomState) -> Bools:
        """The whole text and ``samples`` - 1 versions, of which one to all words are deleted.

        The library draws a permutation a version, so that equal seeds allow nothing else here. A text of one word
        leaves nothing to draw.
        """
        if width == 1:
            return np.array([[True], [False]])
        gone = rng.randint(1, width + 1, self.samples - 1)
        kept = np.ones((self.samples, width), dtype=bool)
        ranks = np.argsort(np.array([rng.permutation(width) for _ in gone]).reshape(-1, width), axis=1)
        kept[1:] = ranks >= gone[:, None]
        return kept


def _of_words(kept: Bools, values: Floats, seed: int) -> Explanation:
    """The explanation from versions of a text and f of each; the line through both versions of a lone word is exact."""
    if kept.shape[1] == 1:
        whole, without = values
        return Explanation(
            attributions=np.array([whole - without]),
            base=float(without),
            local_fit=1.0,
            errors=np.zeros(1),
            evaluations=2,
            seed=seed,
        )
    distance = 100 * (1 - np.sqrt(kept.mean(axis=1)))  # the cosine between a version of k of d words and the whole text
    return _fitted(kept.astype(np.float64), values, distance, TEXT_WIDTH, seed)


@explainer("lime.tabular", explains=Capability.PREDICT)
class LimeTabular(Explainer):
    """Weights of a ridge regression over rows drawn around one: does each column stay in its own quartile or not?

    The defaults of the lime library (kernel width 0.75 sqrt(d), quartiles of a background of 100 rows). Text, and
    columns of at most 10 different values, are categories. A missing number is a bin of its own beside the quartiles,
    which the library does not know. Rows are drawn and not masked: they may be unlikely ones.
    One round for all rows, and the values of LimeTabularExplainer under the same seed. Ribeiro et al. 2016.
    """

    usual_samples = USUAL_SAMPLES

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance, so that the others do not matter."""
        assert isinstance(world, RowWorld)
        coding = _Coding(world.background, world.rows)
        drawing = _Drawing(coding.encode(world.background), coding.categories)
        rows = coding.encode(world.rows)
        seeds = [instance.seed(seed) for instance in world.instances]
        neighbours = drawing.neighbours(rows, self.samples, seeds)
        values = world.row_scores([(index, coding.decode(each.rows)) for index, each in enumerate(neighbours)])
        width = rows.shape[1]
        return [
            _fitted(each.same.astype(np.float64), found, np.sqrt((~each.same).sum(axis=1)), ROW_WIDTH * width**0.5, own)
            for each, found, own in zip(neighbours, values, seeds, strict=True)
        ]


class _Coding:
    """Columns as the numbers that are drawn, and back; categories are numbered in sorted order."""

    def __init__(self, *tables: Table) -> None:
        first = tables[0]
        self._values: dict[str, Column] = {}
        for name, column in first.columns.items():
            if column.dtype.kind != "f" or len(np.unique(column)) <= MOST_CATEGORIES:
                self._values[name] = np.unique(np.concatenate([table[name] for table in tables]))
        self._names = tuple(first)
        self.categories = [place for place, name in enumerate(first) if name in self._values]

    def encode(self, table: Table) -> Floats:
        """Shape (rows, columns)."""
        columns = [
            np.searchsorted(self._values[name], table[name]) if name in self._values else table[name]
            for name in self._names
        ]
        return np.column_stack(columns).astype(np.float64)

    def decode(self, matrix: Floats) -> Table:
        """The rows behind the numbers."""
        return Table(
            {
                name: self._values[name][matrix[:, place].astype(np.int64)]
                if name in self._values
                else np.ascontiguousarray(matrix[:, place])
                for place, name in enumerate(self._names)
            }
        )


class Neighbours(NamedTuple):
    """Rows drawn around one, itself first: ``rows`` as numbers, and in which columns each stays in its bin."""

    rows: Floats
    same: Bools


class _Bins:
    """Of a column of numbers the quartiles of the background, and where in each its values lie; last the gaps."""

    def __init__(self, column: Floats) -> None:
        stated = column[~absent(column)]
        self.edges = np.unique(np.percentile(stated, [25, 50, 75]))
        bins = self.of(stated)
        own = [stated[bins == place] for place in range(len(self.edges) + 1)]
        self.mean = np.array([values.mean() if len(values) else 0.0 for values in own])
        self.deviation = np.array([values.std() if len(values) else 0.0 for values in own]) + 1e-11
        lowest = (np.array([stated.min(), *self.edges]) - self.mean) / self.deviation
        highest = (np.array([*self.edges, stated.max()]) - self.mean) / self.deviation
        self.lowest, self.highest = np.append(lowest, np.nan), np.append(highest, np.nan)

    def of(self, numbers: Floats) -> Codes:
        """The bins that numbers fall into."""
        return np.where(absent(numbers), len(self.edges) + 1, np.searchsorted(self.edges, numbers))

    @property
    def wide(self) -> Bools:
        """Which bins hold more than one number; of the others the library takes the distance from their mean, 0."""
        return np.asarray(self.lowest < self.highest)

    def values(self, bins: Codes, shares: Floats) -> Floats:
        """Numbers of ``bins``: of a normal distribution cut off at their edges, those at ``shares`` of it."""
        from scipy.special import ndtr, ndtri

        found: Floats = self.lowest[bins]
        wide = self.wide[bins]
        within = bins[wide]
        below, up_to = ndtr(self.lowest), ndtr(self.highest)
        normal = ndtri(below[within] + shares * (up_to - below)[within])
        found[wide] = self.mean[within] + self.deviation[within] * np.clip(
            normal, self.lowest[within], self.highest[within]
        )
        return found


class _Drawing:
    """How often which bin and which category occur in the background, and draws from that, column by column."""

    def __init__(self, background: Floats, categories: Sequence[int]) -> None:
        width = background.shape[1]
        self._bins = {place: _Bins(background[:, place]) for place in range(width) if place not in categories}
        told = self.binned(background)
        counted = [np.unique(told[:, place], return_counts=True) for place in range(width)]
        self._values = [values for values, _ in counted]
        self._reached = [np.cumsum(counts / counts.sum()) for _, counts in counted]

    def binned(self, rows: Floats) -> Floats:
        """Numbers as the bins that they fall into; categories as they are."""
        told = rows.copy()
        for place, bins in self._bins.items():
            told[:, place] = bins.of(rows[:, place])
        return told

    def neighbours(self, rows: Floats, samples: int, seeds: Sequence[int]) -> list[Neighbours]:
        """``samples`` rows around each, itself first; every row has a generator of its own."""
        drawn = np.empty((len(rows), samples, rows.shape[1]))
        shares: dict[int, list[Floats]] = {place: [] for place in self._bins}
        for own, seed in zip(drawn, seeds, strict=True):
            rng = np.random.RandomState(seed)
            for place, (values, reached) in enumerate(zip(self._values, self._reached, strict=True)):
                own[:, place] = values[np.searchsorted(reached / reached[-1], rng.random_sample(samples), side="right")]
            for place, bins in self._bins.items():
                shares[place].append(rng.uniform(size=int(bins.wide[own[1:, place].astype(np.int64)].sum())))
        same = drawn == self.binned(rows)[:, None, :]
        same[:, 0] = True
        for place, bins in self._bins.items():
            chosen = drawn[:, 1:, place].astype(np.int64).reshape(-1)
            drawn[:, 1:, place] = bins.values(chosen, np.concatenate(shares[place])).reshape(len(rows), samples - 1)
        drawn[:, 0] = rows
        return [Neighbours(*each) for each in zip(drawn, same, strict=True)]


def _fitted(kept: Floats, values: Floats, distance: Floats, width: float, seed: int) -> Explanation:
    """The library's ridge regression of f on what is kept, weighted by the root of exp(-(distance / width)^2)."""

    def nearness(distances: Floats) -> Floats:
        return np.asarray(np.sqrt(np.exp(-(distances**2) / width**2)))

    columns = kept.shape[1]
    if np.ptp(values) == 0:  # nothing to fit, and what rounding leaves would pass for attributions
        return Explanation(
            attributions=np.zeros(columns),
            base=float(values[0]),
            local_fit=1.0,
            errors=np.zeros(columns),
            evaluations=len(values),
            seed=seed,
        )
    intercept, slopes, fit, _ = (
        _lime()
        .LimeBase(nearness, random_state=seed)
        .explain_instance_with_data(kept, values[:, None], distance, 0, columns, feature_selection="none")
    )
    attributions = np.zeros(columns)
    for place, slope in slopes:
        attributions[int(place)] = slope
    return Explanation(
        attributions=attributions,
        base=float(intercept),
        local_fit=float(fit),
        errors=coefficient_errors(kept, values - intercept - kept @ attributions, nearness(distance)),
        evaluations=len(values),
        seed=seed,
    )


def coefficient_errors(kept: Floats, residuals: Floats, weights: Floats) -> Floats | None:
    """Standard errors of the coefficients of a weighted ridge regression with a penalty of 1; None where too few rows.

    The roots of the diagonal of s^2 P A P, with A = X' W X of columns about their weighted means, P = (A + 1)^-1, and
    s^2 the weighted sum of squared residuals over the rows left, one for each coefficient and the intercept taken off.
    Visani et al. 2020, whose columns are not centred.

    >>> x, residuals = np.array([[-1.0], [1.0], [-1.0], [1.0]]), np.array([1.0, 1.0, -1.0, -1.0])
    >>> coefficient_errors(x, residuals, np.ones(4))  # A = 4, s^2 = 4 / 2: root of 2 * 4 / 25
    array([0.56568542])
    """
    left = len(kept) - kept.shape[1] - 1
    if left < 1:
        return None
    centred = kept - np.average(kept, axis=0, weights=weights)
    spread = centred.T @ (weights[:, None] * centred)
    inverse = np.linalg.inv(spread + np.eye(len(spread)))
    variance = float(weights @ residuals**2) / left
    return np.asarray(np.sqrt(np.maximum(variance * np.diag(inverse @ spread @ inverse), 0.0)))


def _lime() -> ModuleType:
    try:
        return import_module("lime.lime_base")
    except ImportError:
        raise MissingDependency("lime", needed_for="the explainers lime.*", extra="explain") from None
