"""Along which lines a system answers: accumulated local effects of numbers, partial dependence of what stands alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum.evidence import Column
from probandum.probe import Measure
from probandum.stats import mean_interval
from probandum_probes.estimates import from_interval
from probandum_probes.explain.questions import Answer, Columns, Question
from probandum_probes.explain.whole.curves import Bins, accumulated, bins_of, ends, levels, named
from probandum_probes.explain.whole.world import GlobalWorld, shown, told


def effects(world: GlobalWorld, count: int) -> Iterator[Measure]:
    """Local effects of each number, then dependences of each feature that goes together with no other; one round."""
    rows = world.questioned.rows
    binned = {name: bins for name in rows if (bins := _bins(rows[name], count)) is not None}
    moved = [Question(feature=name, values=ends(bins, rows[name])) for name, bins in binned.items()]
    points = {name: _points(rows[name], binned.get(name)) for name in rows if not world.partners(name)}
    points = {name: values for name, values in points.items() if len(values) > 1}
    placed = [Question(feature=name, values=np.tile(values, (len(rows), 1))) for name, values in points.items()]
    answers = world.questioned.answers([*moved, *placed])
    for (name, bins), found in zip(binned.items(), answers[: len(moved)], strict=True):
        yield from _curve(world, name, bins, found)
    for (name, values), found in zip(points.items(), answers[len(moved) :], strict=True):
        yield from _dependence(world, name, values, found)


def _bins(column: Column, count: int) -> Bins | None:
    return bins_of(column, count) if column.dtype.kind == "f" else None


def _points(column: Column, bins: Bins | None) -> Columns:
    """Where a dependence is read: edges of bins, or the most frequent texts."""
    if column.dtype.kind == "f":
        return np.zeros(0) if bins is None else bins.edges
    return np.array(levels(column), dtype=np.str_)


def _curve(world: GlobalWorld, name: str, bins: Bins, found: Answer) -> Iterator[Measure]:
    """One effect an edge, and the rise over all."""
    n = int((bins.of >= 0).sum())
    curve = accumulated(bins, found.scores[:, 1] - found.scores[:, 0])
    bins_said = "1 bin" if len(bins.edges) == 2 else f"{len(bins.edges) - 1} bins"
    design = told(world.what.said, f"{n} rows in {bins_said}", world.said(name))
    for edge, each in zip(named(bins.edges), curve.at_edges, strict=True):
        estimate = from_interval(each, n=n, unit="logit", design=design)
        yield shown("accumulated-local-effect", estimate, evidence=[found.evidence], feature=name, at=edge)
    rise = from_interval(curve.rise, n=n, unit="logit", design=design)
    yield shown("accumulated-rise", rise, evidence=[found.evidence], feature=name)


def _dependence(world: GlobalWorld, name: str, values: Columns, found: Answer) -> Iterator[Measure]:
    """Mean f at each value."""
    design = told(world.what.said, "goes together with no other feature")
    said = named(values.astype(np.float64)) if values.dtype.kind == "f" else [str(each) for each in values]
    for place, at in enumerate(said):
        mean = mean_interval(found.scores[:, place])
        estimate = from_interval(mean, n=len(found.scores), unit="logit", design=design)
        yield shown("partial-dependence", estimate, evidence=[found.evidence], feature=name, at=at)
