"""Intervals of global attributions hold what the draw of the background adds, and say where they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explained_probes import found, planted
from explained_worlds import Rule, asking
from fakes import Scorer, credit_world, run_probe
from probandum.evidence import Floats, Table
from probandum.subject import Subject
from probandum_probes.explain.explainers.exact import Exact
from probandum_probes.explain.explainers.permutation import Permutation
from probandum_probes.explain.explaining import Explanation, known_explainers
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.whole.backgrounds import PARTS, Attributions, over_parts
from probandum_probes.explain.whole.explanation import GlobalExplanation
from probandum_probes.explain.worlds import World

SYSTEM = Scorer(gap=0.7)


def world_of(rule: Rule, table: Table, *, inputs: int = 20) -> RowWorld:
    """Some rows of a rule's world."""
    return RowWorld.open(asking(rule, Subject(table=table)), inputs=inputs, label=1)


def covered(parts: int, *, repeats: int = 8) -> float:
    """How often the nominal 95 % hold the mean |x - E x| of nine columns that are 1 in a tenth to a half of rows."""
    rng, hits = np.random.default_rng(11), 0
    rates = np.linspace(0.1, 0.5, 9)
    truth = 2 * rates * (1 - rates)
    for _ in range(repeats):
        drawn = 1.0 * (rng.uniform(size=(200, 9)) < rates)
        rows, background = drawn[:100], drawn[100:].reshape(parts, -1, 9).mean(axis=1)
        phi = (rows[:, :, None] - background.T)[:, :, None, :]
        draws = Attributions(phi, np.full(parts, 100 // parts)).size_draws(rng=rng)
        hits += sum(low <= true <= high for true, (low, high) in zip(truth, map(ends, draws), strict=True))
    return hits / (9 * repeats)


def ends(draws: Sequence[float]) -> tuple[float, float]:
    """The percentile interval."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def test_the_nominal_share_of_intervals_holds_the_truth() -> None:
    """Of 72 intervals about 95 in a hundred; with the background as it fell clearly fewer."""
    assert 0.91 <= covered(PARTS) <= 0.99
    assert covered(1) < 0.88


def test_parts_are_what_the_explainer_says_over_each_and_nothing_more_is_asked() -> None:
    """Each part against a world whose background it is; versions are those of the whole."""
    asked: list[int] = []

    def rule(rows: Table) -> Floats:
        asked.append(len(rows))
        return np.asarray(rows["x"] * rows["y"] + np.sin(rows["z"]), dtype=np.float64)

    rng = np.random.default_rng(3)
    world = world_of(Rule(rule), Table({name: rng.normal(size=70) for name in "xyz"}))
    for explainer in (Exact(), Permutation(7)):
        asked.clear()
        said = over_parts(world, explainer, [1, 2], rng=np.random.default_rng(5))
        once = sum(asked)
        alone = [explainer.explain(world, seed=seed) for seed in (1, 2)]

        assert 0 < once == sum(asked)  # nothing is left to ask of the whole
        assert (20, 3, 2, PARTS) == said.phi.shape and "" == said.why
        assert np.allclose(said.whole[:, :, 1], [each.attributions for each in alone[1]], atol=1e-9)
        order = np.random.default_rng(5).permutation(70)
        part = np.sort(np.array_split(order, PARTS)[4])
        own = RowWorld(
            world.ask, world.instances, world.rows, background=world.background.take(part), drawn=[0] * len(world)
        )
        again = [each.attributions for each in explainer.explain(own, seed=2)]
        assert np.allclose(said.phi[:, :, 1, 4], again, atol=1e-9)
        assert np.allclose(said.by_part.mean(axis=2), said.whole.mean(axis=2), atol=1e-9)


def test_an_interval_without_the_background_says_so() -> None:
    """An explainer whose attributions over parts do not add up to the whole."""

    def squared(world: World, seed: int) -> list[Floats]:
        said: list[Explanation] = Permutation().explain(world, seed=seed)
        return [each.attributions**2 for each in said]

    with planted("test.squared", squared) as name:
        known_explainers()[name].complete = True
        result = run_probe(GlobalExplanation(explainer=name, inputs=20, rows=20, seeds=2), SYSTEM, credit_world(120))
        design = str(found(result, "mean-absolute-shap", feature="debt").estimate.design)

    assert "20 rows; over these 100 rows of background, whose draw is left out" in design


def test_what_is_the_same_over_every_background_has_no_parts() -> None:
    """A system that is the same in all rows."""
    world = world_of(Rule(lambda rows: 0 * rows["x"]), Table({"x": np.arange(40.0), "y": np.arange(40.0)}))
    said = over_parts(world, Exact(), [1], rng=np.random.default_rng(1))

    assert (1, "the same over every background") == (said.parts, said.why)
