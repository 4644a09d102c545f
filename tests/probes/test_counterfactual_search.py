"""Smallest changes that flip a decision: closed forms, real models, constraints that are never broken, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from probandum.errors import DataError, UsageError
from probandum.evidence import Floats, Table
from probandum_probes.explain.counterfactual.answers import Answered, Answers
from probandum_probes.explain.counterfactual.quality import respected
from probandum_probes.explain.counterfactual.search import Found, counterfactuals
from probandum_probes.explain.counterfactual.space import Constraints, deviation

NAMES = ("a", "b", "c", "d")
FREE = Constraints()


def numbers(rows: int = 300, *, seed: int = 3, decimals: int | None = None) -> Table:
    """Normal columns that know nothing of each other, rounded where ``decimals`` says so."""
    values = np.random.default_rng(seed).normal(size=(rows, len(NAMES)))
    return Table.from_matrix(values if decimals is None else np.round(values, decimals), NAMES)


def fitted(model: Any, seen: Table, *, noise: float = 0.5) -> Any:
    """A model of a label that leans on the first columns most."""
    values = seen.matrix()
    drawn = np.random.default_rng(5).normal(size=len(values)) * noise
    return model.fit(values, values @ [1.5, -1.0, 0.6, 0.1] + drawn > 0.5)


def asking(model: Any) -> Answers:
    """What the model decides, and its log-odds."""

    def answers(rows: Table) -> Answered:
        p = np.clip(model.predict_proba(rows.matrix())[:, 1], 1e-12, 1 - 1e-12)
        return Answered(model.predict(rows.matrix()), np.log(p) - np.log(1 - p))

    return answers


def by_rule(score: Callable[[Table], Floats]) -> Answers:
    """Favourable where the score is not below 0."""

    def answers(rows: Table) -> Answered:
        found = score(rows)
        return Answered(found >= 0, found)

    return answers


def against(answers: Answers, seen: Table, count: int = 60) -> Table:
    """The first rows that are decided unfavourably."""
    return seen.take(np.flatnonzero(~answers(seen).favourable)[:count])


def best(found: Found, rows: int) -> Floats:
    """The cost of the smallest change of each row, infinite where there is none."""
    costs = np.full(rows, np.inf)
    of, first = np.unique(found.of, return_index=True)
    costs[of] = found.costs[first]
    return costs


def linear(model: LogisticRegression) -> tuple[Floats, float]:
    """Weights and what stands before them."""
    return np.asarray(model.coef_[0]), float(model.intercept_[0])


# closed forms


def test_single_changes_of_a_linear_model_are_those_of_the_closed_form() -> None:
    """The cost is the smallest of |m / w_j| / MAD_j over the features that reach the boundary within their range."""
    seen = numbers()
    model = fitted(LogisticRegression(), seen)
    answers, (weights, start) = asking(model), linear(model)
    rows = against(answers, seen)
    found = counterfactuals(answers, rows, seen)
    values = rows.matrix()
    needed = -(values @ weights + start)[:, None] / weights
    inside = (values + needed >= seen.matrix().min(axis=0)) & (values + needed <= seen.matrix().max(axis=0))
    scales = np.array([deviation(seen[name]) for name in NAMES])
    expected = np.where(inside, np.abs(needed) / scales, np.inf).min(axis=1)
    alone = np.isfinite(expected)

    assert alone.sum() > 50
    assert expected[alone] == pytest.approx(best(found, len(rows))[alone], abs=1e-6)
    assert found.valid.all()
    assert (None,) * len(rows) == found.why


def test_pairs_of_a_linear_model_are_those_of_a_linear_programme() -> None:
    """Where no feature alone suffices, the best of all pairs is found, each on the edge of what is possible."""
    seen = numbers()
    weights, start = np.array([1.0, 0.9, 0.8, -0.7]), -4.2
    answers = by_rule(lambda rows: rows.matrix() @ weights + start)
    rows = against(answers, seen, 40)
    found = counterfactuals(answers, rows, seen, wanted=1, width=8)
    low, high = seen.matrix().min(axis=0), seen.matrix().max(axis=0)
    scales = np.array([deviation(seen[name]) for name in NAMES])
    of, first = np.unique(found.of, return_index=True)
    pairs = [(row, place) for row, place in zip(of, first, strict=True) if found.changed[place].sum() == 2]

    assert len(pairs) > 15
    for row, place in pairs:
        x = rows.matrix()[row]
        expected = np.inf
        for pair in map(list, combinations(range(4), 2)):
            room = np.where(weights[pair] > 0, high[pair] - x[pair], x[pair] - low[pair])
            solved = linprog(
                1 / scales[pair],
                A_ub=[-np.abs(weights[pair])],
                b_ub=[x @ weights + start],
                bounds=[(0.0, each) for each in room],
            )
            expected = min(expected, solved.fun if solved.success else np.inf)

        assert expected == pytest.approx(found.costs[place], abs=1e-6)


@pytest.mark.parametrize(("decimals", "expected"), [(-1, 70.0), (0, 62.0), (1, 61.3), (2, 61.24)])
def test_rounded_numbers_go_to_the_next_multiple(decimals: int, expected: float) -> None:
    """Of a column in tenths the change is the first tenth that flips, written as a file would write it."""
    rng = np.random.default_rng(2)
    seen = Table({"x": np.round(rng.normal(50, 20, 400), decimals)})
    answers = by_rule(lambda rows: rows["x"] - 61.2345)
    found = counterfactuals(answers, against(answers, seen), seen)

    assert {expected} == set(found.after["x"].tolist())


def test_codes_go_to_the_next_value_that_was_seen() -> None:
    """Of a column with five values no value between them is proposed."""
    seen = Table({"x": np.array([0.0, 1.0, 2.5, 7.0, 9.0] * 20)})
    answers = by_rule(lambda rows: rows["x"] - 3.0)
    found = counterfactuals(answers, seen.take([0, 1, 2]), seen)

    assert [7.0, 7.0, 7.0] == found.after["x"].tolist()


def test_both_sides_of_a_decision_can_be_asked() -> None:
    """A favourable row is turned the other way, by the smallest step down."""
    seen = Table({"x": np.arange(100.0)})
    answers = by_rule(lambda rows: rows["x"] - 60)
    found = counterfactuals(answers, seen.take([70, 50]), seen)

    assert [59.0, 60.0] == found.after["x"].tolist()


# other models


@pytest.mark.parametrize("model", [DecisionTreeClassifier(max_depth=4, random_state=1), GradientBoostingClassifier(
    n_estimators=20, random_state=1
)])  # fmt: skip
def test_trees_are_turned_by_no_more_than_a_fine_grid_finds(model: Any) -> None:
    """Of single changes none among 400 values a feature is cheaper than what is found, but for that grid's step."""
    seen = numbers(decimals=3)
    answers = asking(fitted(model, seen))
    rows = against(answers, seen, 25)
    found = best(counterfactuals(answers, rows, seen), len(rows))
    for row in range(len(rows)):
        tried, costs = [], []
        for place, name in enumerate(NAMES):
            values = np.linspace(seen[name].min(), seen[name].max(), 400)
            changed = np.repeat(rows.matrix()[[row]], 400, axis=0)
            changed[:, place] = values
            tried.append(changed)
            costs.append(np.abs(values - rows[name][row]) / deviation(seen[name]))
        flipped = answers(Table.from_matrix(np.concatenate(tried), NAMES)).favourable
        fine = np.concatenate(costs)[flipped].min(initial=np.inf)

        assert not np.isfinite(fine) or found[row] <= 1.3 * fine + 0.05


def test_texts_that_only_turn_together_are_found() -> None:
    """A rule that wants two words at once gives no hint by one of them; both are found, and nothing else changes."""
    rng = np.random.default_rng(4)
    seen = Table({name: rng.choice(["u", "v", "w"], 200) for name in ("job", "town", "car")})
    answers = by_rule(lambda rows: np.where((rows["job"] == "v") & (rows["town"] == "w"), 1.0, -1.0))
    rows = Table({"job": np.array(["u"]), "town": np.array(["u"]), "car": np.array(["w"])})
    (change,) = counterfactuals(answers, rows, seen).of_row(0)

    assert [("job", "u", "v"), ("town", "u", "w")] == [tuple(each) for each in change.changes]
    assert (2.0, True) == (change.cost, change.valid)


def test_decisions_without_scores_are_turned_too() -> None:
    """What says no more than yes or no is bisected as well."""
    seen = numbers()

    def answers(rows: Table) -> Answered:
        favourable = rows["a"] >= 0.7
        return Answered(favourable, favourable.astype(np.float64))

    found = counterfactuals(answers, seen.take([0, 1, 2, 3]), seen, wanted=1)

    assert len(found.of) == 4
    assert np.full(4, 0.7) == pytest.approx(found.after["a"], abs=1e-6)


# several, in rounds


def test_alternatives_differ_in_their_features_and_none_contains_another() -> None:
    """The fewest changes first, then the cheapest."""
    seen = numbers()
    answers = asking(fitted(LogisticRegression(), seen))
    rows = against(answers, seen)
    found = counterfactuals(answers, rows, seen, wanted=3)

    assert 3 == np.bincount(found.of).max()
    for row in range(len(rows)):
        mine = np.flatnonzero(found.of == row)
        order = [(found.changed[place].sum(), found.costs[place]) for place in mine]

        assert sorted(order) == order
        for first, second in combinations(mine, 2):
            assert not (found.changed[first] <= found.changed[second]).all()
            assert not (found.changed[second] <= found.changed[first]).all()


def test_a_row_gets_the_same_changes_alone_and_among_others_in_as_many_rounds() -> None:
    """All rows go in step: sixty rows take no more rounds than the one that takes most of them."""
    seen = numbers()
    model = fitted(LogisticRegression(), seen)
    rounds: list[int] = []

    def answers(rows: Table) -> Answered:
        rounds.append(len(rows))
        return asking(model)(rows)

    rows = against(asking(model), seen)
    together = counterfactuals(answers, rows, seen)
    many, most = len(rounds), 0
    for row in range(0, len(rows), 10):
        rounds.clear()
        alone = counterfactuals(answers, rows.take([row]), seen)
        most = max(most, len(rounds))

        assert together.of_row(row) == alone.of_row(0)
        assert together.asked[row] == alone.asked[0]
    assert many <= 60
    assert most <= many


def test_equal_rows_are_asked_once() -> None:
    """The same row twice costs nothing more than the count of both."""
    seen = Table({"x": np.arange(100.0)})
    inputs = []

    def answers(rows: Table) -> Answered:
        inputs.append(len(rows))
        return Answered(rows["x"] >= 60, rows["x"])

    counterfactuals(answers, seen.take([10]), seen)
    alone = sum(inputs)
    inputs.clear()
    counterfactuals(answers, seen.take([10] * 5), seen)

    assert alone + 8 == sum(inputs)  # the rows themselves, and what is found, asked again


# constraints


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_constraints_are_never_broken(data: st.DataObject) -> None:
    """Whatever rule, rows and constraints: what is immutable stays, the others move their way among what was seen."""
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000), label="seed"))
    seen = Table(
        {
            "money": rng.normal(size=80),
            "age": rng.integers(18, 90, 80).astype(np.float64),
            "flag": rng.integers(0, 2, 80).astype(np.float64),
            "job": rng.choice(["cook", "baker", "smith"], 80),
        }
    )
    ways = data.draw(st.lists(st.sampled_from(["free", "immutable", "increase_only", "decrease_only"]), min_size=3))
    names = {way: tuple(n for n, w in zip(("money", "age", "flag"), ways, strict=False) if w == way) for way in ways}
    stays = ("job",) if data.draw(st.booleans()) else ()
    bound = Constraints(
        immutable=(*names.get("immutable", ()), *stays),
        increase_only=names.get("increase_only", ()),
        decrease_only=names.get("decrease_only", ()),
    )
    weights, jobs = rng.normal(size=3), dict(zip(("cook", "baker", "smith"), rng.normal(size=3), strict=True))

    def score(rows: Table) -> Floats:
        product = np.sin(3 * rows["money"]) * (rows["age"] - 50) / 20
        added = np.array([jobs[job] for job in rows["job"].tolist()])
        found: Floats = weights[0] * rows["money"] + weights[1] * product + weights[2] * rows["flag"] + added
        return found

    found = counterfactuals(by_rule(score), seen.take(np.arange(20)), seen, bound)

    assert respected(found.before, found.after, seen, bound).all()
    for name in bound.immutable:
        assert found.before[name].tolist() == found.after[name].tolist()
    for name in bound.increase_only:
        assert (found.after[name] >= found.before[name]).all()
    for name in bound.decrease_only:
        assert (found.after[name] <= found.before[name]).all()
    assert found.valid.all()
    assert {0.0, 1.0} >= set(found.after["flag"].tolist())
    assert (found.after["age"] == np.round(found.after["age"])).all()


def test_cells_without_a_value_stay() -> None:
    """Neither is a gap filled nor is one made, of numbers or of texts."""
    rng = np.random.default_rng(1)
    money, job = rng.normal(size=100), rng.choice(["cook", "baker"], 100)
    money[:30], job[20:50] = np.nan, ""
    seen = Table({"money": money, "job": job, "age": rng.normal(size=100)})
    answers = by_rule(lambda rows: np.nan_to_num(rows["money"]) + (rows["job"] == "cook") + rows["age"] - 1.5)
    rows = against(answers, seen)
    found = counterfactuals(answers, rows, seen)

    assert (np.isnan(found.before["money"]) == np.isnan(found.after["money"])).all()
    assert ((found.before["job"] == "") == (found.after["job"] == "")).all()
    assert len(np.unique(found.of)) > 50
    assert respected(found.before, found.after, seen, FREE).all()


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({"immutable": ("sex",)}, "suite.immutable: 'sex' is no feature of the model"),
        ({"increase_only": ("job",)}, "suite.increase_only: 'job' is text and has no order"),
        ({"immutable": ("age",), "decrease_only": ("age",)}, "suite.decrease_only: 'age' stands in immutable, too"),
        (
            {"increase_only": ("age",), "decrease_only": ("age",)},
            "suite.decrease_only: 'age' stands in increase_only, too",
        ),
    ],
)
def test_constraints_that_do_not_fit_are_refused(bound: dict[str, tuple[str, ...]], message: str) -> None:
    """In one line, before anything is asked, with what to do."""
    seen = Table({"age": np.arange(20.0), "job": np.array(["cook", "baker"] * 10)})
    with pytest.raises(DataError) as caught:
        counterfactuals(by_rule(lambda rows: rows["age"] - 10), seen, seen, Constraints(**bound), what="suite")

    assert message == caught.value.message
    assert caught.value.remedy


# what is not found


def test_a_row_that_nothing_turns_says_so() -> None:
    """With how much was tried; a row that may change nothing says that."""
    seen = numbers(60)
    answers = by_rule(lambda rows: np.full(len(rows), -1.0))
    found = counterfactuals(answers, seen.take([0]), seen)
    stuck = counterfactuals(answers, seen.take([0]), seen, Constraints(immutable=NAMES))

    assert [] == found.of_row(0) == stuck.of_row(0)
    assert f"no change of up to 3 of 4 features flips the decision, of {found.asked[0]} rows asked" == found.why[0]
    assert ("no feature may change",) == stuck.why


def test_a_budget_ends_the_search_and_says_so() -> None:
    """What is left unasked is told; one that does not reach for single changes is refused."""
    seen = numbers(60)
    answers = by_rule(lambda rows: np.full(len(rows), -1.0))
    found = counterfactuals(answers, seen.take([0, 1]), seen, most=150)

    assert all(str(why).endswith(", when the budget of 150 was spent") for why in found.why)
    assert found.asked.max() <= 150
    with pytest.raises(UsageError, match="single changes of 4 features are 52 asks a row; 51 are granted"):
        counterfactuals(answers, seen.take([0]), seen, most=51)
