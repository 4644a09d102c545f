"""How far explanations move where a row hardly does: neighbours that get the same decision, explained beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum.evidence import Capability, Floats, Request, Table
from probandum.gaps import absent
from probandum_probes.explain.explainers.lime import MOST_CATEGORIES
from probandum_probes.explain.explaining import Explainer
from probandum_probes.explain.quality.comparing import NEGLIGIBLE
from probandum_probes.explain.rows import RowWorld, decided
from probandum_probes.explain.worlds import Instance, answered, class_scores

#: How far a column moves at most, as a share of its range in the background.
RADIUS = 0.02
#: Neighbours that are tried for each that is needed, since some get another decision.
TRIED = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Near:
    """Rows and their neighbours: ``world`` holds of each row itself and behind it ``count`` neighbours.

    ``places``: which instances of the first world these rows are, the others had too few neighbours of their decision.
    ``steps`` (rows, count): Euclidean length of the way to each, in ranges of columns. ``moves`` (rows, count): how far
    f moves on it.
    """

    world: RowWorld
    count: int
    places: tuple[int, ...]
    steps: Floats
    moves: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """Of each row the largest and the 95th percentile of |phi' - phi| / |phi| over its neighbours, shape (rows,).

    ``steepness``: the largest |phi' - phi| over the way; ``slope``: the largest change of f over the way. ``places``:
    which instances these rows are; those whose attributions are all 0 have no such ratio.
    """

    largest: Floats
    usual: Floats
    steepness: Floats
    slope: Floats
    places: tuple[int, ...]


def continuous(background: Table) -> dict[str, float]:
    """Columns that can move a little, with their range: numbers of more values than categories have."""
    return {
        name: float(np.nanmax(column) - np.nanmin(column))
        for name, column in background.columns.items()
        if column.dtype.kind == "f" and len(np.unique(column)) > MOST_CATEGORIES
    }


def neighbours(world: RowWorld, count: int, *, seed: int) -> Near | None:
    """``count`` neighbours of each row that get its decision, from one round; None where no column can move.

    Columns move evenly within ``RADIUS`` of their range; a gap stays one, and a row of gaps alone has no neighbours.
    Twice as many are tried, and the first ``count`` that keep
    the decision taken, so that each maximum is one of equally many.
    """
    ranges = continuous(world.background)
    if not ranges:
        return None
    tried = TRIED * count
    shifts = np.concatenate(
        [
            np.random.default_rng(instance.seed(seed)).uniform(-RADIUS, RADIUS, size=(tried, len(ranges)))
            for instance in world.instances
        ]
    )
    rows = world.rows.take(np.repeat(np.arange(len(world)), tried))
    shifts[np.column_stack([absent(rows[name]) for name in ranges])] = 0.0  # a gap stays one
    moved = {name: rows[name] + shifts[:, place] * width for place, (name, width) in enumerate(ranges.items())}
    table = Table({name: moved.get(name, rows[name]) for name in rows})
    answer = world.ask([Request(kind=Capability.PREDICT, inputs=table)])[0]
    own = np.repeat([instance.label for instance in world.instances], tried)
    scores = class_scores(answered(answer, "neighbours of rows"), own)
    same = (decided(world.ask.subject, answer) == own).reshape(len(world), tried)
    moves = shifts.any(axis=1).reshape(len(world), tried).all(axis=1)
    places = np.flatnonzero((same.sum(axis=1) >= count) & moves)
    first = np.array([place * tried + np.flatnonzero(same[place])[:count] for place in places], dtype=np.int64)
    chosen = first.reshape(len(places), count)
    return Near(
        world=beside(
            world, places.tolist(), table.take(chosen.reshape(-1)), scores.probability[chosen], scores.log_odds[chosen]
        ),
        count=count,
        places=tuple(places.tolist()),
        steps=np.sqrt((shifts[chosen] ** 2).sum(axis=-1)),
        moves=np.abs(scores.log_odds[chosen] - np.array([world.instances[place].score for place in places])[:, None]),
    )


def beside(world: RowWorld, places: Sequence[int], near: Table, probability: Floats, score: Floats) -> RowWorld:
    """Each row and its neighbours behind it, as instances of one key: what an explainer draws is the same for all."""
    count = probability.shape[1]
    instances: list[Instance] = []
    for place, own, scores in zip(places, probability.tolist(), score.tolist(), strict=True):
        instance = world.instances[place]
        instances += [instance, *(replace(instance, probability=p, score=f) for p, f in zip(own, scores, strict=True))]
    selves = world.rows.take(list(places))
    columns = {
        name: np.column_stack([selves[name], near[name].reshape(len(places), count)]).reshape(-1) for name in selves
    }
    drawn = [instance.seed(0) % len(world.background) for instance in instances]
    return RowWorld(world.ask, instances, Table(columns), background=world.background, drawn=drawn)


def sensitivity(near: Near, explainer: Explainer, *, seed: int) -> Sensitivity:
    """How far the explanations of neighbours lie from those of their rows; all are explained in common rounds."""
    explanations = explainer.explain(near.world, seed=seed)
    phi = np.array([each.attributions for each in explanations]).reshape(len(near.places), 1 + near.count, -1)
    size = np.sqrt((phi[:, 0] ** 2).sum(axis=-1))
    there = size > NEGLIGIBLE
    apart = np.sqrt(((phi[there, 1:] - phi[there, :1]) ** 2).sum(axis=-1))
    ratios = apart / size[there, None]
    return Sensitivity(
        largest=ratios.max(axis=1, initial=0.0),
        usual=np.quantile(ratios, 0.95, axis=1),
        steepness=(apart / near.steps[there]).max(axis=1, initial=0.0),
        slope=(near.moves[there] / near.steps[there]).max(axis=1, initial=0.0),
        places=tuple(place for place, kept in zip(near.places, there.tolist(), strict=True) if kept),
    )
