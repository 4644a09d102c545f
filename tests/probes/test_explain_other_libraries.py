"""Explainers and figures of their quality against captum and Quantus, on toys where the definitions coincide.

What the libraries say of the toys is written down in golden/other_libraries.json, and asked of them again every night.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import Any

import numpy as np
import pytest

import other_libraries
from explained_worlds import Rule, row_world
from other_libraries import RULES, TABLES, middle, removals, shifts
from paths import ROOT
from probandum.evidence import Floats, Table
from probandum.subject import Subject
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.quality.complexity import complexity
from probandum_probes.explain.quality.sensitivity import Near, Sensitivity, beside, sensitivity
from probandum_probes.explain.removing import Moments, Removed, moments
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import Removal

WRITTEN = ROOT / "tests" / "golden" / "other_libraries.json"
TOYS = sorted(RULES)


@cache
def theirs() -> dict[str, Any]:
    """What the libraries say of each toy."""
    found: dict[str, Any] = json.loads(WRITTEN.read_text("utf-8"))["toys"]
    return found


def told(toy: str, figure: str) -> Floats:
    """One of their figures, in the order of the rows of the toy."""
    return np.array(theirs()[toy][figure], dtype=np.float64)


def scored(toy: str, rows: Floats) -> Floats:
    """The log-odds of the second class."""
    return np.asarray(RULES[toy](rows, np.tanh), dtype=np.float64)


@cache
def world_of(toy: str) -> RowWorld:
    """All rows of a toy, under its rule."""
    table = Table.from_matrix(TABLES[toy], [f"x{place}" for place in range(TABLES[toy].shape[1])])
    rule = Rule(lambda rows: scored(toy, rows.matrix()))
    return row_world(rule, Subject(table=table), inputs=len(table))


def order_of(toy: str) -> list[int]:
    """Which row of the toy each instance of its world is."""
    return [int(np.flatnonzero((TABLES[toy] == row).all(axis=1))[0]) for row in world_of(toy).rows.matrix()]


def signs_of(toy: str) -> Floats:
    """1 where the second class is explained, -1 where the first is."""
    return np.array([1.0 if each.label == 1 else -1.0 for each in world_of(toy).instances])


def ours(toy: str, name: str) -> Floats:
    """Attributions of the second class, in the order of the rows of the toy."""
    explained = make_explainer(name).explain(world_of(toy), seed=1)
    found = np.empty(TABLES[toy].shape)
    found[order_of(toy)] = np.array([each.attributions for each in explained]) * signs_of(toy)[:, None]
    return found


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize(
    ("name", "figure"),
    [("shap.exact", "shapley"), ("occlusion.median", "ablation"), ("occlusion.background", "occlusion")],
)
def test_attributions_are_those_of_captum(toy: str, name: str, figure: str) -> None:
    """ShapleyValues, FeatureAblation and Occlusion, over the rows of the background; it computes in part in float32."""
    assert np.abs(ours(toy, name) - told(toy, figure)).max() < 1e-6


@pytest.mark.parametrize("toy", TOYS)
def test_gradients_are_those_of_captum(toy: str) -> None:
    """Each column is a token of one dimension; fifty points of Gauss and Legendre, as captum takes them."""
    torch = pytest.importorskip("torch")
    from probandum.targets.gradients import gradient_times_input, integrated_gradients

    def scores(embedded: Any) -> Any:
        score = RULES[toy](embedded[..., 0], torch.tanh)
        return torch.nn.functional.logsigmoid(torch.stack([-score, score], dim=-1))

    rows, start = (torch.tensor(each)[..., None] for each in (TABLES[toy], middle(TABLES[toy])))
    inputs = [gradient_times_input(scores, row, 1) for row in rows]
    integrals = [integrated_gradients(scores, row, start, 1, steps=50, at_once=16) for row in rows]

    assert np.abs(np.array(inputs) - told(toy, "input_x_gradient")).max() < 1e-9
    assert np.abs(np.array(integrals) - told(toy, "integrated_gradients")).max() < 1e-7


def moments_of(toy: str) -> Moments:
    """Over the removals of the toy, of attributions by leaving out."""
    world, gone = world_of(toy), removals(TABLES[toy].shape[1])
    falls = world.scores([Removal(instance=at, operator="median", kept=~gone) for at in range(len(world))])
    removed = [
        Removed(gone, instance.score - each.log_odds) for instance, each in zip(world.instances, falls, strict=True)
    ]
    return moments(removed, [each.attributions for each in make_explainer("occlusion.median").explain(world, seed=1)])


@pytest.mark.parametrize("toy", TOYS)
def test_infidelity_is_that_of_captum(toy: str) -> None:
    """The mean over given removals, and the same where attributions have the best scale."""
    found, order = moments_of(toy), order_of(toy)
    any_of = found.foretold > 0
    best = found.happened[any_of] - found.both[any_of] ** 2 / found.foretold[any_of]

    assert pytest.approx(told(toy, "infidelity")[order], abs=1e-9) == found.error
    assert pytest.approx(told(toy, "infidelity_scaled")[order][any_of], abs=1e-9) == best
    assert any_of.any()


def sensitivity_of(toy: str) -> Sensitivity:
    """Of attributions by leaving out, over the neighbours of the toy."""
    world, ways = world_of(toy), shifts(TABLES[toy].shape[1])
    moved = world.rows.matrix()[:, None, :] + ways[None]
    scores = signs_of(toy)[:, None] * scored(toy, moved)
    near = Table.from_matrix(moved.reshape(-1, moved.shape[-1]), list(world.rows))
    places = tuple(range(len(world)))
    return sensitivity(
        Near(
            world=beside(world, places, near, 1 / (1 + np.exp(-scores)), scores),
            count=len(ways),
            places=places,
            steps=np.tile(np.sqrt((ways**2).sum(axis=1)), (len(world), 1)),
            moves=np.abs(scores - np.array([each.score for each in world.instances])[:, None]),
        ),
        make_explainer("occlusion.median"),
        seed=1,
    )


@pytest.mark.parametrize("toy", TOYS)
def test_sensitivity_is_that_of_captum_and_of_quantus(toy: str) -> None:
    """The largest change over the same neighbours, of rows whose attributions are not all 0."""
    found = sensitivity_of(toy)
    order = np.array(order_of(toy))[list(found.places)]

    assert pytest.approx(told(toy, "sensitivity_max")[order], rel=1e-6) == found.largest
    if toy != "gate":
        assert pytest.approx(told(toy, "max_sensitivity")[order], rel=1e-6) == found.largest
    assert len(found.places)


@pytest.mark.parametrize("toy", [toy for toy in TOYS if toy != "gate"])
def test_complexity_is_that_of_quantus(toy: str) -> None:
    """Complexity is our entropy, Sparseness our Gini index, to which it adds 1e-7 a feature."""
    found = [complexity(each) for each in ours(toy, "occlusion.median")]

    assert pytest.approx(told(toy, "complexity"), abs=1e-9) == [each.entropy for each in found]
    assert pytest.approx(told(toy, "sparseness"), abs=1e-6) == [each.gini for each in found]


@pytest.mark.nightly
def test_the_libraries_say_what_is_written_down() -> None:
    """Asked again, under the Python that PROBANDUM_CAPTUM_PYTHON names."""
    python = os.environ.get("PROBANDUM_CAPTUM_PYTHON")
    if python is None:
        pytest.skip("PROBANDUM_CAPTUM_PYTHON names no Python with captum 0.9 and Quantus 0.6")
    script = str(other_libraries.__file__)
    said = subprocess.run([python, script], capture_output=True, text=True, check=False, timeout=300)

    assert 0 == said.returncode, said.stderr[-2000:]
    written, again = (json.loads(each) for each in (WRITTEN.read_text("utf-8"), said.stdout))
    assert written.keys() == again.keys()
    for toy, figures in written["toys"].items():
        for name, values in figures.items():
            apart = np.array(again["toys"][toy][name], dtype=np.float64) - np.array(values, dtype=np.float64)
            assert np.nanmax(np.abs(apart)) < 1e-7, (toy, name)
