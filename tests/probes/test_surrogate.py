"""Surrogates: perfect fits, fits of nothing, fits that differ by group, and what libraries say of the same numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explained_probes import decision_log, found, held
from explained_worlds import Rule
from fakes import Constant, Pricer, Scorer, credit_world, price_world, run_probe
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import DataError, UsageError
from probandum.evidence import Floats, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, Measure, ProbeResult
from probandum.subject import Decision, Subject
from probandum.target import Target
from probandum_probes.bias.removal import only
from probandum_probes.explain.simple.surrogate import Surrogate
from probandum_probes.explain.simple.surrogate_controls import random_system
from probandum_probes.explain.simple.surrogate_fidelity import Compared, kappa, r_squared
from probandum_probes.explain.simple.surrogate_models import encoded, held_out, linear, tree
from weighted_worlds import BOTH, said, with_columns

FIT = Limit(metric="explain.surrogate/r-squared", direction="at_least", threshold=0.8)
GAP = Limit(metric="explain.surrogate/r-squared-difference", direction="band", threshold=0.05)


class Uneven(Rule):
    """Linear for men; for women what no line and no small tree foretells counts for most."""

    labels = ("0", "1")

    def __init__(self) -> None:
        super().__init__(uneven)


def uneven(rows: Table) -> Floats:
    """Log-odds of the rule above."""
    income = np.asarray(rows["income"], dtype=np.float64)
    found: Floats = income + 0.7 * rows["debt"] + 2.0 * rows["female"] * np.sin(60 * income)
    return found


def of(result: ProbeResult, metric: str, surrogate: str) -> Measure:
    """The one measure of that metric and surrogate."""
    return found(result, metric, surrogate=surrogate)


@pytest.fixture(scope="module")
def straight() -> ProbeResult:
    """What is said of the linear scorer."""
    return run_probe(Surrogate(), Scorer(gap=0.5), credit_world(700))


def test_a_linear_system_is_foretold_by_a_sum_exactly(straight: ProbeResult) -> None:
    """R squared 1, kappa 1, no gap: PASS; a tree of four steps is a worse surrogate of it."""
    verdicts = {
        each.id.partition("/")[2]: each.verdict for each in judge([straight], [FIT, GAP]) if each.limit is not None
    }

    assert ("measured", [True, True]) == (straight.status, held(straight))
    assert pytest.approx(1.0) == of(straight, "r-squared", "linear").estimate.value
    assert 1.0 == of(straight, "kappa", "linear").estimate.value
    assert Verdict.PASS is verdicts["r-squared?surrogate=linear"]
    assert Verdict.PASS is verdicts["r-squared-difference?sex=women~men&surrogate=linear"]
    assert Verdict.FAIL is verdicts["r-squared?surrogate=tree"]
    assert "tree of depth 4, 5 folds; bootstrap over rows" == of(straight, "r-squared", "tree").estimate.design


def test_a_step_is_foretold_by_a_tree() -> None:
    """Two steps of a tree say what a line does not."""
    subject = credit_world(600)
    rule = Rule(lambda rows: np.where((rows["income"] > 0) & (rows["debt"] > 0), 2.0, -1.0))
    rule.labels = ("0", "1")
    result = run_probe(Surrogate(depth=2), rule, subject)
    in_tree, on_line = (of(result, "r-squared", name).estimate.value or 0.0 for name in ("tree", "linear"))

    assert in_tree > 0.97 > 0.7 > on_line
    assert (of(result, "kappa", "tree").estimate.value or 0.0) > 0.97


def test_a_surrogate_that_fits_one_group_worse_fails() -> None:
    """Women's scores swing where no line follows: the gap is found with its sign, group by group."""
    result = run_probe(Surrogate(), Uneven(), credit_world(1200))
    women, men = (measured_in(result, group) for group in ("women", "men"))
    (finding,) = [
        each for each in judge([result], [GAP]) if each.metric == GAP.metric and each.facets["surrogate"] == "linear"
    ]

    assert men > 0.99
    assert women < 0.6
    assert pytest.approx(women - men) == finding.estimate.value
    assert Verdict.FAIL is finding.verdict


def measured_in(result: ProbeResult, group: str) -> float:
    """R squared of the sum within a group."""
    (measure,) = [
        each
        for each in result.measures
        if each.metric == "group-r-squared"
        and each.groups is not None
        and each.groups.group == group
        and each.facets["surrogate"] == "linear"
    ]
    assert measure.estimate.value is not None
    return measure.estimate.value


def test_figures_are_those_of_the_library() -> None:
    """R squared and kappa with weights, on the same numbers, against scikit-learn."""
    from sklearn.metrics import cohen_kappa_score, r2_score

    rng = np.random.default_rng(3)
    system, weights = rng.normal(size=80), rng.uniform(0.2, 4.0, 80)
    compared = Compared(
        system=system, surrogate=system + rng.normal(size=80), cut=0.3, weights=weights, persons=np.arange(80)
    )
    rows = np.arange(80) % 3 > 0
    ours, theirs = compared.decided

    assert pytest.approx(r2_score(system[rows], compared.surrogate[rows], sample_weight=weights[rows])) == float(
        r_squared(compared.fit(rows).sum(axis=0))
    )
    assert pytest.approx(cohen_kappa_score(ours, theirs, sample_weight=weights)) == float(
        kappa(compared.match().sum(axis=0))
    )


def test_what_a_row_adds_is_what_a_little_more_of_it_does() -> None:
    """Influences are derivatives: of R squared and of kappa, by the weight of a row."""
    rng = np.random.default_rng(4)
    system = rng.normal(size=60)
    compared = Compared(
        system=system,
        surrogate=system + rng.normal(size=60),
        cut=0.0,
        weights=rng.uniform(0.5, 2.0, 60),
        persons=np.arange(60),
    )
    rows = np.ones(60, dtype=bool)
    for added, lines, figure in (
        (compared.fit_influence(rows), compared.fit(rows), r_squared),
        (compared.match_influence(), compared.match(), kappa),
    ):
        assert pytest.approx(0.0, abs=1e-12) == added.sum()
        for row in (0, 17, 59):
            moved = [
                float(figure((lines * np.where(np.arange(60) == row, 1 + step, 1.0)[:, None]).sum(axis=0)))
                for step in (1e-5, -1e-5)
            ]
            assert pytest.approx(added[row], rel=1e-3, abs=1e-6) == (moved[0] - moved[1]) / 2e-5


def test_items_make_up_their_quantities() -> None:
    """Of every judged measure, so that a change can be measured."""
    result = run_probe(Surrogate(), Uneven(), credit_world(600))
    for each in result.measures:
        if each.mode == "gate":
            assert each.items is not None
            assert pytest.approx(each.estimate.value, abs=1e-9) == value_of(each.items)


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    """And rows of one person as one, which n says and the interval feels."""
    plain = credit_world(300)
    rng = np.random.default_rng(6)
    often = rng.integers(1, 4, 300)
    weighted = with_columns(plain, often.astype(np.float64), np.arange(300), **BOTH)
    rows = np.repeat(np.arange(300), often)
    again = with_columns(only(plain, rows), np.ones(len(rows)), rows, **BOTH)
    one, two = (
        {each.metric: each for each in said(Surrogate(), each, Uneven()) if each.facets["surrogate"] == "linear"}
        for each in (weighted, again)
    )

    for metric in ("r-squared", "kappa", "r-squared-difference"):
        first, second = one[metric].estimate, two[metric].estimate
        assert first.value is not None and first.low is not None and second.low is not None
        assert 300 == first.n == second.n
        assert pytest.approx(first.value, abs=1e-6) == second.value
        assert pytest.approx(first.low, abs=1e-6) == second.low
    assert "rows of one 'person' as one person; weighted by 'weight'" in str(one["kappa"].estimate.design)


@pytest.mark.parametrize(
    ("rows", "women", "reason", "why"),
    [
        (480, None, SubReason.UNDERPOWERED, "480 held-out rows; a verdict needs 500"),
        (520, 60, SubReason.SMALL_GROUP, "women has 60 held-out rows; a verdict needs 100"),
    ],
)
def test_too_few_rows_get_no_verdict(rows: int, women: int | None, reason: SubReason, why: str) -> None:
    """Of all, and of either group."""
    subject = credit_world(rows)
    if women is not None:
        codes = (np.arange(rows) >= women).astype(np.int64)
        subject = replace(subject, groupings={"sex": replace(subject.groupings["sex"], codes=codes)})
    result = run_probe(Surrogate(), Uneven(), subject)
    gap = found(result, "r-squared-difference", surrogate="linear")

    assert (Verdict.INCONCLUSIVE, reason, why) == (gap.verdict, gap.sub_reason, gap.why)


def test_where_hardly_anybody_is_decided_otherwise_there_is_no_kappa() -> None:
    """Chance agreement is all there is."""
    subject = replace(credit_world(600), decision=Decision(favourable="1", positive="1", threshold=0.999))
    result = run_probe(Surrogate(), Scorer(), subject)
    measure = of(result, "kappa", "linear")

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE) == (measure.verdict, measure.sub_reason)
    assert "kappa needs 5" in str(measure.why)


def test_a_group_whose_scores_are_all_alike_has_no_fit() -> None:
    """Its gap is not applicable, and the others stand."""
    rule = Rule(lambda rows: np.where(rows["female"] == 1, 0.5, rows["income"]))
    rule.labels = ("0", "1")
    result = run_probe(Surrogate(), rule, credit_world(600))
    gap = found(result, "r-squared-difference", surrogate="linear")

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE) == (gap.verdict, gap.sub_reason)
    assert "women has no two held-out rows with different scores" in str(gap.why)


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_of_rows_and_a_line_learn_nothing_from_chance(seed: int) -> None:
    """Held-out R squared of a target drawn at random lies at 0 or below; on the rows themselves it would not."""
    rng = np.random.default_rng(seed)
    matrix, target = rng.normal(size=(300, 8)), rng.normal(size=300)
    fold = rng.permutation(300) % 5
    for fit in (linear, lambda *given: tree(*given, depth=4)):
        held_of = held_out(fit, matrix, target, np.ones(300), fold)
        seen = fit(matrix, target, np.ones(300), matrix)
        unseen_fit, seen_fit = (1 - ((target - each) ** 2).sum() / (target**2).sum() for each in (held_of, seen))

        assert unseen_fit < 0.05 < 0.9 > seen_fit > unseen_fit


def test_texts_and_gaps_are_columns() -> None:
    """A column a value, gaps the mean and a column of their own; a constant is 0 throughout."""
    rows = Table(
        {
            "age": np.array([1.0, np.nan, 3.0, 2.0]),
            "job": np.array(["a", "b", "b", "c"]),
            "same": np.ones(4),
        }
    )
    matrix = encoded(rows)

    assert (4, 6) == matrix.shape
    assert pytest.approx([0.0] * 6, abs=1e-12) == matrix.mean(axis=0)
    assert (matrix[:, -1] == 0).all()
    assert 0.0 == matrix[1, 0]


def test_rows_that_are_alike_break_no_control() -> None:
    """A random target is drawn row by row: what is alike has other targets, and nobody can foretell them."""
    rng = np.random.default_rng(8)
    subject = Subject(table=Table({"job": rng.choice(["cook", "baker", "smith"], 200), "rare": np.eye(200)[0]}))
    result = run_probe(Surrogate(), Rule(lambda rows: np.where(rows["job"] == "cook", 1.0, -1.0)), subject)

    assert [True, None] == held(result)
    assert "no number among the features has another value in 10 rows" in result.controls[1].detail


def test_systems_that_cannot_be_foretold(tmp_path: Path) -> None:
    """Decisions alone, numbers, and one score for all."""
    cases: Sequence[tuple[Target, Subject, SubReason]] = [
        (*decision_log(tmp_path), SubReason.NO_CAPABILITY),
        (Pricer(), price_world(60), SubReason.NO_CAPABILITY),
        (Constant(Scorer()), credit_world(60), SubReason.NO_DYNAMIC_RANGE),
    ]
    for system, subject, reason in cases:
        result = run_probe(Surrogate(), system, subject)
        (measure,) = result.measures

        assert (Verdict.NOT_APPLICABLE, reason) == (measure.verdict, measure.sub_reason)
        assert False not in held(result)


def test_without_groups_all_rows_are_said() -> None:
    """A plan without groups has no gaps, and a plan without a decision the last class."""
    subject = replace(credit_world(200), groupings={}, decision=None, label=None)
    result = run_probe(Surrogate(), Scorer(), subject)

    assert {"r-squared", "kappa"} == {each.metric for each in result.measures}
    assert [True, True] == held(result)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it; the audit is not thinner in silence."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.tree", None)
    result = run_probe(Surrogate(), Scorer(), credit_world(60))

    assert "error" == result.status
    assert "scikit-learn" in str(result.why) and "explain" in str(result.why)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"depth": 0}, UsageError, "suites.explain.surrogate.depth: 0; expected 1 to 10 steps"),
        ({"sample": 1}, DataError, "suites.explain.surrogate.sample: 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Mapping[str, int], error: type[Exception], said: str) -> None:
    """With the number that was given."""
    with pytest.raises(error, match=said):
        Surrogate(**options)


class Telling(Surrogate):
    """A surrogate whose fit is said to be half a unit better than it is."""

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Everything it measures, R squared shifted up."""
        for each in super().measure(ask):
            draws = each.estimate.draws if each.metric == "r-squared" else None
            shifted = None if draws is None else tuple(draw + 0.5 for draw in draws)
            yield each if shifted is None else replace(each, estimate=replace(each.estimate, draws=shifted))


def test_a_fit_of_what_is_drawn_by_chance_fails_the_control() -> None:
    """The negative control reads the interval: one that lies above 0 is found."""
    asker = Asker(Scorer(), seed=1, subject=credit_world(100))
    ask = asker.for_probe("explain.surrogate", honours=("weight", "cluster"))

    probes: Sequence[Any] = (Surrogate(), Telling())
    assert [True, False] == [random_system(each, ask)[0] for each in probes]
