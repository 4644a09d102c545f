"""Rows that were decided against the person, and the smallest changes that would have decided otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items, Table
from probandum.finding import Estimate
from probandum.probe import Ask
from probandum.subject import Bools, Codes, Outcomes, Subject
from probandum_probes.bias.carried import carriers
from probandum_probes.bias.scored import RowValues
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import PersonValues, Shares, persons_of, values_of
from probandum_probes.estimates import from_counts, from_draws, from_interval
from probandum_probes.explain.counterfactual.answers import deciding, on_edge
from probandum_probes.explain.counterfactual.search import Found, counterfactuals
from probandum_probes.explain.counterfactual.space import Constraints, Space

WHERE = "suites.explain.counterfactuals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How changes are looked for: rows that are explained, of all and of each group; changed rows of each; its budget.

    ``changes``: features of a row that may change together. ``asks``: inputs a row at most.
    """

    inputs: int
    alternatives: int
    changes: int
    asks: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explored:
    """Rows decided unfavourably with the changes that were found.

    ``rows``: their places among all rows under audit, in a seeded order. ``sample``: how many of them, the first ones,
    are a sample of all; the others fill up groups. ``kept`` makes items of rows.
    """

    subject: Subject
    seen: Table
    constraints: Constraints
    space: Space
    rows: Codes
    sample: int
    found: Found
    kept: RowValues | PersonValues

    @property
    def smallest(self) -> Codes:
        """Of each row the place in ``found`` of its smallest change that flipped once more, -1 where it has none."""
        places = np.full(len(self.rows), -1)
        valid = np.flatnonzero(self.found.valid)
        of, first = np.unique(self.found.of[valid], return_index=True)
        places[of] = valid[first]
        return places

    @property
    def sampled(self) -> Codes:
        """Rows of the sample, by their places in ``rows``."""
        return np.arange(self.sample)

    @property
    def design(self) -> str:
        """What was looked at, for how many nothing was found, and what may not change, in words."""
        stuck = int((self.smallest[: self.sample] < 0).sum())
        none = [f"none found for {stuck}"] if stuck else []
        return "; ".join([f"{self.sample} rows decided unfavourably", *none, *self.bounds])

    @property
    def tried(self) -> str:
        """How far a cost is that of the smallest change, in words."""
        return (
            "the smallest found: of one feature among the values of the rows, 200 of them tried where more are nearer; "
            "of several perhaps not the smallest"
        )

    @property
    def bounds(self) -> list[str]:
        """What may not change, and how rows were sampled, in words."""
        said = (
            (self.constraints.immutable, "as they are"),
            (self.constraints.increase_only, "only upwards"),
            (self.constraints.decrease_only, "only downwards"),
        )
        words = [f"{', '.join(names)} {how}" for names, how in said if names]
        return [*words, *([design_in_words(self.subject)] if self.subject.design else [])]

    def mask(self, places: Codes) -> Bools:
        """Some of ``rows`` as a mask of all rows under audit."""
        found = np.zeros(len(self.subject), dtype=bool)
        found[self.rows[places]] = True
        return found

    def spread(self, places: Codes, values: Floats) -> Floats:
        """Values of some of ``rows`` among all rows under audit, 0 elsewhere."""
        found = np.zeros(len(self.subject))
        found[self.rows[places]] = values
        return found

    def persons(self, places: Codes) -> int:
        """How many of some rows there are, or persons."""
        return persons_of(self.subject, self.mask(places))

    def share(self, places: Codes, happened: Bools) -> Estimate:
        """The share of some rows: exact bounds (Clopper and Pearson 1934; over persons Korn and Graubard 1998)."""
        if self.subject.design:
            values, one = self.spread(places, happened.astype(np.float64)), np.zeros(len(self.subject), dtype=np.int64)
            return replace(Shares.of(values, self.subject, one, self.mask(places)).share(0), design=self.design)
        return from_counts("clopper-pearson", ((int(happened.sum()), len(happened)),), design=self.design)

    def mean(self, places: Codes, values: Floats, *, unit: str, design: str) -> Estimate:
        """The mean over some rows: Student's interval, over persons CR2's; missing where there are no two."""
        n = self.persons(places)
        if n < 2:
            return Estimate.missing(f"{n} rows have one", n=n, unit=unit)
        if not self.subject.design:
            return from_interval(stats.mean_interval(values), n=n, unit=unit, design=design)
        rows = self.rows[places]
        one = np.zeros(len(rows), dtype=np.int64)
        sums = stats.ClusterSums.of(values, self.subject.weights[rows], self.subject.persons[rows], one)
        interval = sums.contrast({0: 1.0}).interval(level=0.95, method="cr2")
        return from_interval(interval, n=n, unit=unit, design=design)

    def resampled(self, places: Codes, values: Floats, *, rng: np.random.Generator, unit: str, design: str) -> Estimate:
        """The mean over some rows of values that have a least or a largest one, as a count of features has.

        Rows, or persons, are resampled, so that no bound lies beyond what is possible; missing where there are no two.
        """
        n = self.persons(places)
        if n < 2:
            return Estimate.missing(f"{n} rows have one", n=n, unit=unit)
        rows = self.rows[places]
        weights, (_, of) = self.subject.weights[rows], np.unique(self.subject.persons[rows], return_inverse=True)
        sums, counts = (np.bincount(of.reshape(-1), weights=each) for each in (weights * values, weights))
        draws = stats.ratio_of_means_draws(sums, counts, rng=rng)
        return from_draws("bootstrap", self.average(places, values), draws, n=n, unit=unit, design=design)

    def average(self, places: Codes, values: Floats) -> float:
        """The weighted mean over some rows."""
        return float(np.average(values, weights=self.subject.weights[self.rows[places]]))

    def items(self, places: Codes, values: Floats, *, unit: str) -> Items | None:
        """What each of some rows, or persons, adds to the mean over them."""
        weights, mean = self.subject.weights[self.rows[places]], self.average(places, values)
        added = self.spread(places, weights * (values - mean) / weights.sum())
        inside = self.mask(places)
        return self.kept.items(mean, added, inside, inside & False, unit=unit)


def against(subject: Subject, outcomes: Outcomes) -> Bools:
    """Which rows were decided unfavourably; those of no weight stand for nobody."""
    return ~outcomes.favourable & (subject.weights > 0)


def bound(subject: Subject, features: tuple[str, ...], declared: Constraints) -> Constraints:
    """What the plan declares, and the features that carry an attribute it protects: these stay as they are.

    One of them that is declared to move one way may do so.
    """
    named = {*declared.increase_only, *declared.decrease_only, *declared.immutable}
    carrying = [name for grouping in subject.groupings.values() for name in carriers(subject, grouping)]
    protected = [name for name in dict.fromkeys(carrying) if name in features and name not in named]
    return replace(declared, immutable=(*declared.immutable, *protected))


def _exact(outcomes: Outcomes, subject: Subject) -> bool:
    """Whether rows of the data are decided on the very edge: then the system gives few values, and these exactly."""
    score, decision = outcomes.score, subject.decision
    if score is None or decision is None or not (score.min() >= 0 and score.max() <= 1):
        return False
    return bool(on_edge(score, decision).any())


def explored(
    ask: Ask, features: tuple[str, ...], outcomes: Outcomes, declared: Constraints, search: Search
) -> Explored:
    """Changes of ``search.inputs`` unfavourable rows, and of so many of each group, in the same seeded order."""
    subject = ask.subject
    constraints = bound(subject, features, declared)
    order = ask.rng("rows").permutation(len(subject))
    order = order[against(subject, outcomes)[order]]
    first = np.zeros(len(order), dtype=bool)
    first[: search.inputs] = True
    wanted = first.copy()
    for grouping in subject.groupings.values():
        for group in range(len(grouping.names)):
            wanted[np.flatnonzero(grouping.codes[order] == group)[: search.inputs]] = True
    rows = order[wanted]
    seen = subject.table.select(features)
    found = counterfactuals(
        deciding(ask),
        seen.take(rows),
        seen,
        constraints,
        wanted=search.alternatives,
        most_changes=search.changes,
        most=search.asks,
        exact=_exact(outcomes, subject),
        what=WHERE,
    )
    return Explored(
        subject=subject,
        seen=seen,
        constraints=constraints,
        space=Space.of(seen, seen, constraints, what=WHERE),
        rows=rows,
        sample=int(first[wanted].sum()),
        found=found,
        kept=values_of(subject, len(rows) * (2 + sum(len(each.names) for each in subject.groupings.values()))),
    )
