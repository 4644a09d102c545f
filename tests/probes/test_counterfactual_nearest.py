"""Smallest single changes among all values that were seen, and changes that a person who repeats them gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from explained_worlds import Rule, asking
from fakes import logistic
from probandum.evidence import Floats, Request, Response, Table
from probandum.subject import Decision, Subject
from probandum_probes.explain.counterfactual.answers import Answered, Answers, deciding, on_edge
from probandum_probes.explain.counterfactual.rows import Search, explored
from probandum_probes.explain.counterfactual.search import counterfactuals
from probandum_probes.explain.counterfactual.space import NEARER, Constraints, Space, deviation

GOOD = Decision(favourable="yes", positive="yes")
BOUND = Constraints(immutable=("d",), increase_only=("b",))


def seen_rows(rows: int = 200, *, seed: int = 3) -> Table:
    """Normal columns that know nothing of each other."""
    return Table.from_matrix(np.random.default_rng(seed).normal(size=(rows, 4)), ("a", "b", "c", "d"))


def boosted(seen: Table) -> Answers:
    """Small trees on noisy labels: decisions turn and turn back."""
    values = seen.matrix()
    noise = np.random.default_rng(5).normal(size=len(values))
    label = values @ [1.0, -0.8, 0.5, 0.1] + noise > 0.4
    model = GradientBoostingClassifier(random_state=0, n_estimators=60, max_depth=4).fit(values, label)

    def answers(rows: Table) -> Answered:
        p = model.predict_proba(rows.matrix())[:, 1]
        return Answered(p >= 0.5, np.log(p) - np.log(1 - p))

    return answers


def cheapest(answers: Answers, rows: Table, seen: Table) -> Floats:
    """By trying them all: the cost of the nearest value that was seen and turns each row, infinite where none does."""
    best = np.full(len(rows), np.inf)
    for name in ("a", "b", "c"):
        values, own = np.unique(seen[name]), rows[name]
        tried = {key: np.repeat(rows[key], len(values)) for key in rows}
        tried[name] = np.tile(values, len(rows))
        turned = answers(Table(tried)).favourable.reshape(len(rows), len(values))
        turned &= (values >= own[:, None]) | (name != "b")
        costs = np.where(turned, np.abs(values - own[:, None]) / deviation(seen[name]), np.inf)
        best = np.minimum(best, costs.min(axis=1))
    return best


def test_no_nearer_value_that_was_seen_turns_a_decision() -> None:
    """Of boosted trees, whose decisions turn back on the way, against trying them all."""
    seen = seen_rows()
    answers = boosted(seen)
    rows = seen.take(np.flatnonzero(~answers(seen).favourable)[:80])
    found = counterfactuals(answers, rows, seen, BOUND)
    best = cheapest(answers, rows, seen)
    single = np.full(len(rows), np.inf)
    alone = found.changed.sum(axis=1) == 1
    np.minimum.at(single, found.of[alone], found.costs[alone])

    assert 40 <= np.isfinite(best).sum()
    assert (single <= best + 1e-12).all()
    assert found.valid.all()
    assert found.asked.max() <= 2000


def test_a_stretch_of_one_seen_value_is_found_and_a_small_budget_kept() -> None:
    """Between two quantiles one value turns the decision; what the search may ask it keeps to."""
    seen = Table({"x": np.arange(150.0), "y": np.arange(150.0)[::-1].copy()})

    def answers(rows: Table) -> Answered:
        favourable = (rows["x"] == 67) | (rows["x"] >= 140)
        return Answered(favourable, favourable.astype(np.float64))

    found = counterfactuals(answers, seen.take([60, 60]), seen, most=400)
    poor = counterfactuals(answers, seen.take([60]), seen, most=60)

    assert [("x", 60.0, 67.0)] == [tuple(each) for each in found.of_row(0)[0].changes]
    assert found.of_row(0) == found.of_row(1)
    assert found.asked[0] <= 400
    assert poor.asked[0] <= 60 + 80  # making a change small is what may go beyond


def test_of_many_values_a_number_is_tried_that_lie_evenly() -> None:
    """The space names what is nearer, and of a thousand values two hundred."""
    space = Space.of(table := Table({"x": np.arange(1000.0)}), table, Constraints())
    row, place, value = space.nearer(np.array([[500.0]]), np.array([[np.inf]]))

    assert {0} == set(row.tolist()) == set(place.tolist())
    assert NEARER - 15 <= len(value) <= NEARER
    assert {5.0, 10.0} >= set(np.diff(value).tolist())


class Unsteady(Rule):
    """What stands beside a row moves the last bit of its answer."""

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Rows that are asked among others come out a little better."""
        answers = []
        for request in requests:
            score = np.asarray(self.rule(request.table), dtype=np.float64)
            yes = logistic(score + (4e-16 if len(score) > 1 else -8e-16))
            answers.append(Response(outputs=np.column_stack([1 - yes, yes]), labels=self.labels))
        return answers


def test_who_repeats_a_change_alone_gets_the_decision() -> None:
    """Whole numbers reach the boundary to the last bit, where the answer alone is another."""
    seen = Table({"income": np.arange(20.0, 120.0), "debt": np.arange(100.0)[::-1].copy()})
    subject = Subject(table=seen, decision=GOOD)
    ask = asking(Unsteady(lambda rows: 0.1 * rows["income"] - 0.1 * rows["debt"] + 0.05 * (rows["debt"] > 98)), subject)
    answers = deciding(ask)
    rows = seen.take(np.flatnonzero(~answers(seen).favourable))
    found = counterfactuals(answers, rows, seen, Constraints(immutable=("debt",)))
    repeated = [answers(found.after.take([place])).favourable[0] for place in range(len(found.of))]

    assert found.valid.all() and 30 < len(found.of)
    assert all(repeated)


@pytest.mark.parametrize(("on_it", "expected"), [(True, 60.0), (False, 61.0)])
def test_a_decision_on_its_edge_counts_where_rows_of_the_data_are_decided_so(on_it: bool, expected: float) -> None:
    """Points in whole hundredths reach a threshold exactly; and each is asked alone before it is called valid."""
    x = np.arange(100.0) if on_it else np.delete(np.arange(100.0), 60)
    decision = Decision(favourable="yes", positive="yes", threshold=0.6)

    class Points(Rule):
        def answer(self, requests: Sequence[Request]) -> list[Response]:
            """A hundredth a point."""
            yes = [np.asarray(request.table["x"]) / 100 for request in requests]
            return [Response(outputs=np.column_stack([1 - each, each]), labels=self.labels) for each in yes]

    ask = asking(Points(lambda rows: rows["x"]), Subject(table=Table({"x": x}), features=("x",), decision=decision))
    (response,) = ask([Request(kind=Points.capabilities.__iter__().__next__(), inputs=ask.subject.table)])
    search = Search(inputs=20, alternatives=1, changes=1, asks=1000)
    found = explored(ask, ("x",), ask.subject.outcomes(response), Constraints(), search).found

    assert {expected} == set(found.after["x"].tolist())
    assert found.valid.all()


def test_the_edge_is_wider_where_answers_are_of_single_precision() -> None:
    """A ten-millionth is nothing there, and something of double precision."""
    near = np.array([0.5 + 1e-7, 0.7])

    assert [False, False] == on_edge(near, GOOD).tolist()
    assert [True, False] == on_edge(near.astype(np.float32).astype(np.float64), GOOD).tolist()
