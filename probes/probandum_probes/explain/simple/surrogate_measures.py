"""What is said of one surrogate: how it fits over all rows and within each group, and how far groups lie apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.stats.resampling import DRAWS, sorted_draws
from probandum.subject import Bools, Grouping, Subject
from probandum_probes.bias.counting import groups_of, once
from probandum_probes.bias.scored import RowValues, pairs_of
from probandum_probes.bias.weighted import PersonValues, persons_of
from probandum_probes.estimates import from_draws
from probandum_probes.explain.simple.surrogate_fidelity import Compared, kappa, r_squared

#: Rows, or persons, that a verdict needs: in all, in each of two groups, and decided either way.
FEWEST, FEWEST_OF_GROUP, FEWEST_DECIDED = 500, 100, 5
FIT, AGREEMENT, GAP = "r-squared", "kappa", "r-squared-difference"

#: One group of one attribute by code.
Cell = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """Sums over all rows, and over the rows of each group whose scores differ: ``lines`` and ``drawn`` by cell."""

    subject: Subject
    compared: Compared
    kept: RowValues | PersonValues
    facets: Mapping[str, str]
    design: str
    lines: Mapping[Cell | None, Floats]
    drawn: Mapping[Cell | None, Floats]

    @property
    def who(self) -> str:
        """What is counted."""
        return "persons" if self.subject.design else "held-out rows"

    def rows(self, cell: Cell | None) -> Bools:
        """The rows of a cell that stand for somebody."""
        standing = self.subject.weights > 0
        return standing if cell is None else standing & (self.subject.groupings[cell[0]].codes == cell[1])

    def value(self, cell: Cell | None) -> float:
        """R squared."""
        return float(r_squared(self.lines[cell].sum(axis=0)))

    def measure(
        self, metric: str, value: float, draws: Floats, rows: Bools, bar: tuple[SubReason, str] | None
    ) -> Measure:
        """A quantity with sorted draws and, where there are too few rows, why it allows no verdict."""
        return Measure(
            metric=metric,
            estimate=from_draws(
                "bootstrap",
                value,
                sorted_draws(draws, DRAWS),
                n=persons_of(self.subject, rows),
                unit="score",
                design=self.design,
            ),
            facets=self.facets,
            verdict=None if bar is None else Verdict.INCONCLUSIVE,
            sub_reason=None if bar is None else bar[0],
            why=None if bar is None else bar[1],
        )


def fidelity(
    subject: Subject,
    compared: Compared,
    kept: RowValues | PersonValues,
    rng: np.random.Generator,
    *,
    surrogate: str,
    design: str,
) -> Iterator[Measure]:
    """R squared and kappa of all rows, R squared of each group, and every gap; persons are resampled once for all."""
    standing, cells = subject.weights > 0, _cells(subject)
    masks: dict[Cell | None, Bools] = {None: standing, **{cell: standing & rows for cell, rows in cells.items()}}
    varied = {cell: rows for cell, rows in masks.items() if rows.any() and np.ptp(compared.system[rows]) > 0}
    lines = {cell: compared.fit(rows) for cell, rows in varied.items()}
    *drawn, matched = compared.resampled([*lines.values(), compared.match()], rng)
    found = _Found(
        subject=subject,
        compared=compared,
        kept=kept,
        facets={"surrogate": surrogate},
        design=design,
        lines=lines,
        drawn=dict(zip(lines, drawn, strict=True)),
    )
    yield _fit(found)
    yield _agreement(found, matched)
    for grouping in subject.groupings.values():
        yield from _groups(found, grouping)


def unsaid(metric: str, why: str, *, reason: SubReason = SubReason.NO_CAPABILITY) -> Measure:
    """A quantity that does not exist, with its reason."""
    return Measure(
        metric=metric,
        estimate=Estimate.missing(why, unit="score"),
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=reason,
        why=why,
    )


def _cells(subject: Subject) -> dict[Cell, Bools]:
    return {
        (name, code): grouping.codes == code
        for name, grouping in subject.groupings.items()
        for code in range(len(grouping.names))
    }


def _few(found: _Found) -> tuple[SubReason, str] | None:
    n = persons_of(found.subject, found.rows(None))
    return (SubReason.UNDERPOWERED, f"{n} {found.who}; a verdict needs {FEWEST}") if n < FEWEST else None


def _fit(found: _Found) -> Measure:
    rows, value = found.rows(None), found.value(None)
    items = found.kept.items(value, found.compared.fit_influence(rows), rows, ~rows, unit="score")
    return replace(found.measure(FIT, value, r_squared(found.drawn[None]), rows, _few(found)), items=items)


def _agreement(found: _Found, drawn: Floats) -> Measure:
    rows, (detected, _) = found.rows(None), found.compared.decided
    fewest = min(persons_of(found.subject, rows & side) for side in (detected, ~detected))
    if fewest < FEWEST_DECIDED:
        why = f"{fewest} {found.who} are decided the rarer way; kappa needs {FEWEST_DECIDED}"
        return replace(unsaid(AGREEMENT, why, reason=SubReason.NO_DYNAMIC_RANGE), facets=found.facets)
    value = float(kappa(found.compared.match().sum(axis=0)))
    items = found.kept.items(value, found.compared.match_influence(), rows, ~rows, unit="score")
    return replace(found.measure(AGREEMENT, value, kappa(drawn), rows, _few(found)), items=items)


def _groups(found: _Found, grouping: Grouping) -> Iterator[Measure]:
    """The fit within each group whose scores differ, and the gap of each comparison."""
    for code, name in enumerate(grouping.names):
        cell = (grouping.attribute, code)
        if cell in found.lines:
            shown = found.measure(
                "group-r-squared", found.value(cell), r_squared(found.drawn[cell]), found.rows(cell), None
            )
            yield replace(shown, groups=Groups(attribute=grouping.attribute, group=name), mode="disclosure")
    for pair in once(pairs_of(grouping)):
        yield replace(_gap(found, grouping, pair), groups=groups_of(grouping, *pair))


def _gap(found: _Found, grouping: Grouping, pair: tuple[int, int]) -> Measure:
    """How much better a surrogate fits one group than another."""
    group, other = ((grouping.attribute, code) for code in pair)
    alike = [code for code in pair if (grouping.attribute, code) not in found.lines]
    if alike:
        why = f"{grouping.names[alike[0]]} has no two {found.who} with different scores: there is nothing to foretell"
        return replace(unsaid(GAP, why, reason=SubReason.NO_DYNAMIC_RANGE), facets=found.facets)
    bar = _few(found)
    sizes = {grouping.names[code]: persons_of(found.subject, found.rows((grouping.attribute, code))) for code in pair}
    smaller = min(sizes, key=lambda name: sizes[name])
    if sizes[smaller] < FEWEST_OF_GROUP:
        bar = SubReason.SMALL_GROUP, f"{smaller} has {sizes[smaller]} {found.who}; a verdict needs {FEWEST_OF_GROUP}"
    value = found.value(group) - found.value(other)
    draws: Floats = r_squared(found.drawn[group]) - r_squared(found.drawn[other])
    rows, beside = found.rows(group), found.rows(other)
    influence = found.compared.fit_influence(rows) - found.compared.fit_influence(beside)
    items = found.kept.items(value, influence, rows, beside, unit="score")
    return replace(found.measure(GAP, value, draws, rows | beside, bar), items=items)
