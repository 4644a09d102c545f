"""Whether features tell an attribute that they do not name: all together, and each alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Table
from probandum.finding import Estimate
from probandum.probe import Ask, Measure
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.predicting import MOST_ROWS, CrossFitted, Sampled, alone, folds, together
from probandum_probes.bias.proxy_associations import PERMUTATIONS, Association, association
from probandum_probes.bias.proxy_places import PROXY, Place
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.estimates import from_draws, from_interval, point


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """How well features tell two groups apart: all together, and each alone with its adjusted p-value."""

    together: CrossFitted
    alone: Mapping[str, CrossFitted]
    associations: Mapping[str, tuple[Association, float]]

    @property
    def proxies(self) -> tuple[str, ...]:
        """The features that alone tell a member of one group from one of the other in six pairs of ten."""
        return tuple(name for name, area in self.alone.items() if area.value >= PROXY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """The rows of two groups by which features tell them apart, 20,000 of them at most."""

    table: Table
    member: Bools
    fold: Codes
    sampled: Sampled | None


def _rows(subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask) -> _Rows:
    where = str(groups_of(grouping, *pair))
    rows = np.flatnonzero(np.isin(grouping.codes, pair) & (subject.weights > 0))
    rows = np.sort(ask.rng("rows", where).permutation(rows)[:MOST_ROWS])
    member, sampled = grouping.codes[rows] == pair[0], Sampled.of(subject, rows)
    fold = folds(member, ask.rng("folds", where), sampled)
    return _Rows(table=subject.table.select(names).take(rows), member=member, fold=fold, sampled=sampled)


def told_together(
    subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask
) -> CrossFitted:
    """How well all features ``names`` together tell two groups apart."""
    rows = _rows(subject, grouping, pair, names, ask)
    seed = int(ask.rng("trees", str(groups_of(grouping, *pair))).integers(2**31))
    return together(rows.table, rows.member, rows.fold, seed=seed, sampled=rows.sampled)


def told_alone(
    subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask
) -> tuple[dict[str, CrossFitted], dict[str, tuple[Association, float]]]:
    """How well each of them alone does, and its association with its adjusted p-value."""
    rows, where = _rows(subject, grouping, pair, names, ask), str(groups_of(grouping, *pair))
    found = {
        name: association(rows.table[name], rows.member, ask.rng("association", where, name), rows.sampled)
        for name in names
    }
    adjusted = stats.benjamini_hochberg([each.p for each in found.values()])
    return _areas(rows, names), {name: (each, q) for (name, each), q in zip(found.items(), adjusted, strict=True)}


def areas_alone(
    subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask
) -> dict[str, CrossFitted]:
    """How well each of them alone tells two groups apart, without its association."""
    return _areas(_rows(subject, grouping, pair, names, ask), names)


def _areas(rows: _Rows, names: tuple[str, ...]) -> dict[str, CrossFitted]:
    return {name: alone(rows.table[name], rows.member, rows.fold, rows.sampled) for name in names}


def untold(place: Place) -> Measure:
    """Where nothing but the attribute itself is read."""
    what = "are read" if not place.features else f"but {', '.join(place.own)}, which carries it itself"
    missing = Estimate.missing(f"no features {what}", n=place.n, unit="share")
    return Measure(metric="attribute-auc", groups=place.where, estimate=missing, mode="disclosure")


def telling(place: Place, told: Told) -> Iterator[Measure]:
    """The AUCs and associations as measures."""
    design = design_in_words(place.subject) if place.subject.design else None
    aside = f"without {', '.join(place.own)}, which carries the attribute itself" if place.own else None
    area = told.together
    words = "; ".join(filter(None, (aside, design))) or None
    estimate = from_interval(area.interval(), n=area.n, unit="share", design=words)
    yield Measure(metric="attribute-auc", groups=place.where, estimate=estimate, mode="disclosure")
    for name, one in told.alone.items():
        found, adjusted = told.associations[name]
        facets = {"feature": name}
        said = f"{PERMUTATIONS} permutations, p = {found.p:.3g} before adjustment over {len(told.alone)} features"
        for metric, each in (
            ("feature-auc", from_interval(one.interval(), n=one.n, unit="share", design=design)),
            (
                found.metric,
                from_draws("bootstrap", found.value, found.draws, n=found.n, unit="correlation", design=design),
            ),
            ("association-p", point(adjusted, n=min(place.n, found.n), unit="p-value", design=said)),
        ):
            yield Measure(metric=metric, groups=place.where, facets=facets, estimate=each, mode="disclosure")
