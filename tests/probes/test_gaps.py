"""Missing values in probes: a gap is a value like no other, in strata, groups, explanations and neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explained_worlds import Rule, asking, row_world
from fakes import Pricer, Scorer, credit_world, price_world
from probandum.errors import DataError
from probandum.evidence import Column, Floats, Table
from probandum.gaps import absent, alike, numbers_in
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.carried import all_as, carriers, typical
from probandum_probes.bias.factors import strata_of
from probandum_probes.bias.outcomes import numbers_of
from probandum_probes.bias.predicting import alone, coded, encoded, folds, together
from probandum_probes.bias.proxy_associations import association
from probandum_probes.bias.rankings import Ranking
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.quality.random_systems import at_random
from probandum_probes.explain.quality.sensitivity import neighbours, sensitivity
from probandum_probes.explain.reliance.noise import noise_masses
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import Removal

GAP = np.nan


def rule(rows: Table) -> Floats:
    """A gap in income counts as -1, one in debt as 2."""
    income, debt = rows["income"], rows["debt"]
    score: Floats = np.where(np.isnan(income), -1.0, 0.9 * income) - np.where(np.isnan(debt), 2.0, 0.8 * debt)
    return score


def gappy(rows: int = 200, *, seed: int = 1, share: float = 0.2) -> Subject:
    """Rows of which some state no income, and some no debt."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Column] = {name: rng.normal(size=rows) for name in ("income", "debt")}
    for column in columns.values():
        column[rng.random(rows) < share] = GAP
    codes = rng.integers(0, 2, rows)
    sex = Grouping(attribute="sex", codes=codes, names=("women", "men"), reference="men")
    decision = Decision(favourable="yes", positive="yes", threshold=0.5)
    return Subject(
        table=Table(columns), features=("income", "debt"), groupings={"sex": sex}, decision=decision, gaps=("income",)
    )


def world(inputs: int = 12) -> RowWorld:
    """Rows with gaps, and some without, under the rule."""
    return row_world(Rule(rule), gappy(), inputs=inputs)


def effects(found: RowWorld, place: int) -> Floats:
    """What each column does in closed form, since the rule adds them up: its part less its mean in the background."""
    only = [
        Table({other: column if other == name else np.zeros(len(column)) for other, column in table.columns.items()})
        for name in found.rows
        for table in (found.rows.take([place]), found.background)
    ]
    parts = [float(rule(own)[0] - rule(back).mean()) for own, back in zip(only[::2], only[1::2], strict=True)]
    return np.array(parts) * (1.0 if found.instances[place].label == 1 else -1.0)


@pytest.mark.parametrize("name", ["shap.exact", "shap.permutation", "shap.kernel", "occlusion.background"])
def test_shapley_values_of_a_gap_are_those_of_any_other_value(name: str) -> None:
    """In closed form, for rows with a gap and for rows whose background has some."""
    found = world()
    lacking = [bool(absent(found.rows["income"])[place]) for place in range(len(found))]
    explained = make_explainer(name).explain(found, seed=3)

    assert {True, False} == set(lacking)
    for place, each in enumerate(explained):
        assert np.allclose(effects(found, place), each.attributions, atol=1e-9), place


def test_a_gap_is_the_same_as_a_gap() -> None:
    """A column of gaps alone never varies, and removing it changes nothing."""
    rows = gappy().table
    table = Table({"income": rows["income"], "debt": np.full(len(rows), GAP)})
    found = row_world(Rule(rule), Subject(table=table), inputs=3)
    gone = Removal(instance=0, operator="background", kept=np.array([[True, False]]))
    request, _ = found.request(gone)

    assert [True, False] == found.varying(0).tolist()
    assert 1 == len(request)
    assert np.isnan(request.table["debt"]).all()


def test_the_middle_of_a_column_is_that_of_its_numbers() -> None:
    """A removed column is set to a number that occurs; a column without any to a gap."""
    found = world()
    removed, _ = found.request(Removal(instance=0, operator="median", kept=np.array([[False, False]])))
    stated = found.background["income"][~absent(found.background["income"])]
    bare = row_world(Rule(rule), Subject(table=Table({"income": np.full(9, GAP), "debt": np.ones(9)})), inputs=2)
    gone, _ = bare.request(Removal(instance=0, operator="median", kept=np.array([[False, False]])))

    assert [np.sort(stated)[(len(stated) - 1) // 2]] == removed.table["income"].tolist()
    assert np.isnan(gone.table["income"]).all()


def test_lime_draws_gaps_as_often_as_the_background_has_them() -> None:
    """And explains a row with a gap by rows that have one too, and rows that have none."""
    found = world(inputs=30)
    asked: list[Table] = []

    class Noted(Rule):
        def answer(self, requests: Any) -> Any:
            asked.extend(each.table for each in requests)
            return super().answer(requests)

    found.ask = asking(Noted(rule), gappy())
    explained = make_explainer("lime.tabular", samples=400).explain(found, seed=2)
    share = float(np.mean([absent(table["income"]).mean() for table in asked]))

    assert np.isfinite([each.attributions for each in explained]).all()
    assert abs(absent(found.background["income"]).mean() - share) < 0.05
    for place, each in enumerate(explained):
        if absent(found.rows["income"])[place]:  # every other income is worth another amount than the gap
            worth = effects(found, place)[0]
            assert worth * each.attributions[0] > 0 or abs(worth) < 0.2


def test_neighbours_keep_their_gaps() -> None:
    """What is missing stays so and counts as no step; a row of gaps alone has no neighbours."""
    found = world(inputs=40)
    near = neighbours(found, 3, seed=1)
    assert near is not None
    both = [place for place in range(len(found)) if all(absent(found.rows[name])[place] for name in found.rows)]
    moved = near.world.rows
    own = found.rows.take(list(near.places))

    assert both
    assert set(both).isdisjoint(near.places)
    for name in moved:
        assert np.array_equal(np.repeat(absent(own[name]), 4), absent(moved[name]))
    assert (near.steps > 0).all()
    measured = sensitivity(near, make_explainer("shap.exact"), seed=1)
    assert np.isfinite(measured.largest).all() and np.isfinite(measured.steepness).all()


def test_a_random_system_answers_rows_with_gaps() -> None:
    """Two rows with the same gaps alike."""
    random = at_random(world(), 7)

    assert np.isfinite([each.score for each in random.instances]).all()


def test_a_gap_is_a_stratum_of_its_own() -> None:
    """Behind the numbers, in bins or one by one, whether the column stands there as numbers or as text."""
    few: Column = np.array([1.0, GAP, 2.0, 1.0])
    many = np.append(np.arange(10.0), GAP)
    text: Column = np.array(["1", "", "2", "1"])
    subject = Subject(table=Table({"few": few, "text": text}))

    assert ("few 1", "few 2", "few (not stated)") == strata_of(subject, ("few",), 4, what="x").names
    assert ("text 1", "text 2", "text (not stated)") == strata_of(subject, ("text",), 4, what="x").names
    assert [0, 2, 1, 0] == strata_of(subject, ("few",), 4, what="x").codes.tolist()
    binned = strata_of(Subject(table=Table({"many": many})), ("many",), 2, what="x")
    assert ("many up to 4", "many over 4", "many (not stated)") == binned.names
    assert 2 == binned.codes[-1]
    bare = strata_of(Subject(table=Table({"none": np.full(3, GAP)})), ("none",), 2, what="x")
    assert ("none (not stated)",) == bare.names


def test_what_is_typical_is_typical_of_those_who_state_it() -> None:
    """And a gap that only one group has tells the groups apart."""
    sex = Grouping(attribute="sex", codes=np.array([0, 0, 0, 1, 1, 1]), names=("F", "M"))
    table = Table(
        {
            "code": np.array([GAP, GAP, GAP, 1.0, 1.0, 1.0]),
            "age": np.array([20.0, GAP, 30.0, 40.0, 50.0, GAP]),
            "debt": np.array([1.0, 5.0, GAP, 2.0, 4.0, GAP]),
        }
    )
    subject = Subject(table=table, groupings={"sex": sex})

    assert ("code", "age") == carriers(subject, sex)
    assert 20.0 == typical(table["age"], sex.codes == 0)
    assert np.isnan(typical(table["code"], sex.codes == 0))
    assert [20.0, GAP, 30.0, 20.0, 20.0, 20.0] == pytest.approx(
        all_as(subject, sex, 0, ["age"]).table["age"].tolist(), nan_ok=True
    )


def test_gaps_tell_groups_apart_where_they_do() -> None:
    """A feature that one group leaves out is a proxy, by itself and with the others."""
    rng = np.random.default_rng(4)
    member = np.arange(400) % 2 == 0
    income = rng.normal(size=400)
    income[member & (rng.random(400) < 0.8)] = GAP
    table = Table({"income": income, "debt": rng.normal(size=400)})
    fold = folds(member, rng)

    assert alone(income, member, fold).value > 0.85
    assert together(table, member, fold, seed=1).value > 0.85
    assert coded(income).max() == coded(income)[absent(income)].min()
    assert np.array_equal(absent(income), np.isnan(encoded(table)[0][:, 0]))
    assert 0.0 <= association(income, member, rng).value <= 1.0


@pytest.mark.parametrize("column", [np.full(60, GAP), np.append(np.full(59, GAP), 1.0)])
def test_a_feature_that_nobody_states_says_nothing(column: Column) -> None:
    """No number is made of it, and nothing breaks."""
    rng = np.random.default_rng(4)
    member = np.arange(60) % 2 == 0

    assert (numbers_in(column) is None) == bool(absent(column).all())
    assert association(column, member, rng).value <= 0.2
    assert 0.4 <= alone(column, member, folds(member, rng)).value <= 0.6


def test_noise_with_gaps_weighs_about_as_much_as_without() -> None:
    """Not as much as a column in which every number were a word of its own."""
    plain, holes = credit_world(600), credit_world(600)
    income = holes.table["income"].copy()
    income[::5] = GAP
    holes = Subject(
        table=Table({**holes.table.columns, "income": income}), groupings=holes.groupings, decision=holes.decision
    )
    p = np.full(600, 0.5)
    one, other = (float(noise_masses(asking(Scorer(), subject), ("income",), p).mean()) for subject in (plain, holes))

    assert one < other < 3 * one


def test_a_list_that_nobody_names_is_refused() -> None:
    """Rows without one would all be one list."""
    subject = price_world(60)
    subject = Subject(
        table=Table({**subject.table.columns, "list": np.where(np.arange(60) == 7, GAP, 1.0)}),
        features=subject.features,
        groupings=subject.groupings,
        decision=subject.decision,
    )
    numbers = numbers_of(asking(Pricer(), subject), None, 0.5)
    assert not isinstance(numbers, str)

    with pytest.raises(DataError, match="row 8: column 'list' is empty"):
        Ranking.of(numbers, "list", 3, np.random.default_rng(1))


def test_texts_are_alike_as_they_are() -> None:
    """An empty one and another empty one, too."""
    assert [True, False, True] == alike(np.array(["a", "b", ""]), np.array(["a", "c", ""])).tolist()
