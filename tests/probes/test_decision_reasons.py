"""What one decision rests on: which factors stand still, closed forms, other decisions, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from explained_worlds import TEXTS, Rule, asking
from fakes import Blurred, Chooser, KeywordClassifier, Pricer, Scorer, credit_world
from probandum.errors import ProbandumError, TargetError, UsageError
from probandum.evidence import Table
from probandum.reasons import MOST_RUNS, RUNS, Reasons, Told, Wanted, reasoner
from probandum.subject import Decision, Subject
from probandum.target import Target
from probandum_probes.explain.person.row_reasons import RowReasons
from probandum_probes.explain.person.standing import factors_of, noise, standings
from probandum_probes.explain.rows import BACKGROUND

WEIGHTS = {"income": 0.9, "debt": -0.8, "years": 0.5, "female": -0.7}


def reasons_of(target: Target, subject: Subject, row: str = "7", **wanted: object) -> Reasons:
    """What the decision on one row rests on."""
    ask = asking(target, subject, honours=("weight", "cluster"))
    return reasoner().reasons(ask, Wanted(row=row, **wanted))  # type: ignore[arg-type]


def test_stable_factors_of_a_linear_model_are_its_closed_form() -> None:
    """phi_j = w_j (x_j - mean of the background), averaged over the backgrounds of all runs, with its t interval."""
    subject = credit_world(300)
    ask = asking(Scorer(gap=0.7), subject)
    found = RowReasons.of(ask, Wanted(row="7")).reasons()
    toward = 1.0 if found.label == "1" else -1.0
    drawn = [np.sort(ask.rng("background", str(run)).permutation(300)[:BACKGROUND]) for run in range(RUNS)]

    assert "shap.linear" == found.method
    for each in found.factors:
        name = each.told.name
        column = subject.table[name]
        phi = np.array([toward * WEIGHTS[name] * (column[6] - column[rows].mean()) for rows in drawn])
        half = 2.2621571628 * phi.std(ddof=1) / np.sqrt(RUNS)

        assert phi.mean() == pytest.approx(each.weight.value, abs=1e-9)
        assert half == pytest.approx(each.weight.high - each.weight.value, abs=1e-6)
    total = found.base.value + sum(each.weight.value for each in found.factors)

    assert found.score == pytest.approx(total, abs=1e-9)


def test_a_factor_without_weight_is_idle_and_one_that_wavers_is_left_out() -> None:
    """Signs that change, and what cannot be told apart in size from them, are not kept."""
    rng = np.random.default_rng(1)
    runs = np.column_stack(
        [
            rng.normal(2.0, 0.01, 10),
            rng.normal(1.0, 0.01, 10),
            rng.normal(0.0, 0.05, 10),
            rng.normal(0.04, 0.012, 10),
            np.zeros(10),
        ]
    )
    found = standings(runs)

    assert [True, True, False, False, False] == [each.kept for each in found]
    assert [1, 2, 0, 0, 0] == [each.place for each in found]
    assert [False, False, False, False, True] == [each.idle for each in found]
    assert found[3].weight.low > 0  # its sign is stable; its rank beside the third is not


def test_factors_that_swap_places_share_one() -> None:
    """Two features of the same size have one place, and the next one stands behind both."""
    first = np.tile([0.95, 1.06], 5)
    runs = np.column_stack([first, 2.0 - first, np.tile([-0.3, -0.31], 5)])

    assert [1, 1, 2] == [each.place for each in standings(runs)]


def test_bands_widen_where_the_spread_crosses_their_edge() -> None:
    """Half of the strongest is the edge of strong: a feature around it is called by both bands."""
    runs = np.column_stack([np.full(10, 2.0), np.tile([0.9, 1.1], 5), np.full(10, 0.1)])

    assert [("strong", "strong"), ("medium", "strong"), ("weak", "weak")] == [each.bands for each in standings(runs)]


def test_one_run_without_chance_has_intervals_without_width() -> None:
    """A deterministic explanation is taken at its word."""
    found = standings(np.array([[1.0, -0.5]]))

    assert [(1.0, 1.0), (-0.5, -0.5)] == [(each.weight.low, each.weight.high) for each in found]
    assert all(each.kept for each in found)


def test_a_place_is_named_whole_or_not_at_all() -> None:
    """What cannot be told apart from a factor that is named is named, too, however many these are."""
    told = [Told(name=f"x{at}", value="1") for at in range(12)]
    runs = np.array(
        [
            [5.0, 4.9, 4.8, 4.7, 4.6, 4.5, *(4.0 + 0.1 * (at == run % 3) for at in range(3)), 3.0, 2.9, 0.1]
            for run in range(9)
        ]
    )
    factors, _ = factors_of(told, runs)

    assert [1, 2, 3, 4, 5, 6, 7, 7, 7, 8, 9, 10] == [each.place for each in factors]
    assert [True] * 9 + [False] * 3 == [each.named for each in factors]


def test_noise_asks_for_more_calculations_and_forbids_a_ranking() -> None:
    """Where ten calculations scatter more than a tenth, others follow; what still scatters is not told."""
    rng = np.random.default_rng(5)
    told = [Told(name=name, value="1") for name in "ab"]
    scattered = rng.normal([1.0, 0.5], 0.6, (10, 2))
    factors, _ = factors_of(told, scattered)

    assert 0.1 < noise(scattered)
    assert [False, False] == [each.kept for each in factors]
    few = Table({name: np.r_[rng.normal(size=200), 40.0 * rng.normal(size=8)] for name in ("a", "b")})
    found = reasons_of(Rule(lambda rows: 0.02 * rows["a"] - 0.02 * rows["b"] + 0.5), Subject(table=few), row="1")

    assert RUNS < found.runs <= MOST_RUNS


def test_an_attribute_is_named_however_weak() -> None:
    """What states a protected attribute is never hidden among the weak ones."""
    told = [Told(name="a", value="1"), Told(name="b", value="1", attributes=("sex",)), Told(name="c", value="1")]
    factors, rest = factors_of(told, np.array([[2.0, 0.1, 0.1001]]))

    assert ["a", "b"] == sorted(each.told.name for each in factors if each.named)
    assert 0.1001 == pytest.approx(rest.value)


def test_other_decisions_are_asked_again_and_leave_attributes_alone() -> None:
    """Every alternative decides otherwise on the model itself, and the protected column stays."""
    subject = credit_world(300)
    found = reasons_of(Scorer(gap=0.7), subject, attributes={"sex": "female"}, ways={"years": "fixed"})

    assert found.alternatives
    for each in found.alternatives:
        values = {name: float(subject.table[name][6]) for name in WEIGHTS}
        values |= {shift.name: float(shift.after) for shift in each.shifts}
        logit = sum(WEIGHTS[name] * value for name, value in values.items())

        assert found.label != each.label
        assert str(int(logit >= 0)) == each.label
        assert {"female", "years"}.isdisjoint(shift.name for shift in each.shifts)
    assert ("years", "female") == found.fixed


def test_an_attribute_that_alone_changes_the_decision_is_found() -> None:
    """On a row at the edge the other sex gives the other decision, and that holds the explanation back."""
    subject = credit_world(300)
    logits = sum(WEIGHTS[name] * subject.table[name] for name in ("income", "debt", "years"))
    edge = int(np.flatnonzero((logits > 0.05) & (logits < 0.65))[0])
    found = reasons_of(Scorer(gap=0.7), subject, row=str(edge + 1), attributes={"sex": "female"})
    (flip,) = found.flips

    assert "sex" == flip.attribute
    assert 1 == len(flip.tried) == len(flip.changing)
    assert found.held_back


def test_a_model_of_interactions_is_explained_by_all_versions() -> None:
    """Up to eight columns nothing is sampled: of 2 a b, balanced around 0, each of the two columns has one half."""
    table = Table({"a": np.tile([1.0, -1.0], 30), "b": np.repeat([1.0, -1.0], 30), "c": np.zeros(60)})
    found = reasons_of(Rule(lambda rows: 2 * rows["a"] * rows["b"] + 0.5), Subject(table=table), row="1")
    weights = {each.told.name: each for each in found.factors}

    assert "shap.exact" == found.method
    assert [1.0, 1.0] == pytest.approx([weights[name].weight.value for name in "ab"], abs=1e-9)
    assert [1, 1] == [weights[name].place for name in "ab"]
    assert weights["c"].idle
    assert found.favourable is None


def test_many_columns_that_interact_are_sampled() -> None:
    """Beyond eight columns permutations are drawn, and what they say still adds up."""
    rng = np.random.default_rng(4)
    table = Table({f"x{place}": rng.normal(size=40) for place in range(9)})
    found = reasons_of(Rule(lambda rows: rows["x0"] * rows["x1"] + rows["x2"]), Subject(table=table), row="1")

    assert "shap.permutation" == found.method
    assert found.score == pytest.approx(found.base.value + sum(each.weight.value for each in found.factors), abs=1e-9)


def test_what_is_kept_carries_the_decision() -> None:
    """Where one column decides alone, no other row's values change the decision."""
    table = Table({"a": np.tile([-1.0, 1.0], 50), "b": np.linspace(-0.1, 0.1, 100)})
    found = reasons_of(Rule(lambda rows: 4 * rows["a"] + 0.01 * rows["b"]), Subject(table=table), row="1")

    assert found.alone is not None
    assert 99 == found.alone.events == found.alone.of


def test_estimates_nearby_say_how_often_they_came_true() -> None:
    """Of the hundred rows with the nearest estimates those with the positive label are counted."""
    subject = credit_world(300)
    found = reasons_of(Scorer(), subject)

    assert found.near is not None
    assert 100 == found.near.came_true.of
    assert found.near.low <= found.probability <= found.near.high


def test_rows_that_stand_for_others_are_drawn_by_their_weight() -> None:
    """Where one row stands for all others, each calculation compares with it alone, and no share of rows is said."""
    subject = credit_world(300)
    weights = np.zeros(300)
    weights[[40, 6]] = 1.0, 0.0
    weighted = replace(subject, table=Table({**subject.table.columns, "w": weights}), weight="w")
    found = reasons_of(Scorer(gap=0.7), weighted)
    toward = 1.0 if found.label == "1" else -1.0

    assert found.weighted
    assert found.near is None
    assert found.alone is not None
    for each in found.factors:
        name = each.told.name
        phi = toward * WEIGHTS[name] * (subject.table[name][6] - subject.table[name][40])

        assert phi == pytest.approx(each.weight.value, abs=1e-9)
        assert each.weight.low == pytest.approx(each.weight.high, abs=1e-9)


def test_rows_of_the_same_person_are_no_other_cases() -> None:
    """Each of the nearest estimates is another person's, and nothing is taken from a row of one's own."""
    subject = credit_world(300)
    who = np.arange(300) // 3
    of_persons = replace(subject, table=Table({**subject.table.columns, "who": who.astype(np.float64)}), cluster="who")
    found = reasons_of(Scorer(), of_persons)

    assert found.near is not None
    assert 99 == found.near.came_true.of
    alone = credit_world(3)
    one = replace(alone, table=Table({**alone.table.columns, "who": np.zeros(3)}), cluster="who")
    assert reasons_of(Scorer(), one, row="1").alone is None


def test_what_rounding_leaves_of_nothing_is_nothing() -> None:
    """Words that the classifier does not know have a part of exactly 0, and so have all of them together."""
    found = reasons_of_text("1")
    others = [each for each in found.factors if not each.named]

    assert len(others) > 3
    assert all(each.idle for each in others)
    assert {0.0} == {each.weight.value for each in others} | {found.rest.value}


def test_a_long_text_is_explained_by_its_passages() -> None:
    """Runs of neighbouring words are named by their own words and by where these stand."""
    found = reasons_of_text("1", text=" ".join(["kind"] * 60 + ["stupid"] + ["kind"] * 22))
    first = found.factors[0].told

    assert 40 == len(found.factors)
    assert ("kind stupid", "words 60 to 61") == (first.name, first.value)


@pytest.mark.parametrize("row", ["7", "row 7"])
def test_a_row_may_be_called_as_it_is_printed(row: str) -> None:
    """What stands as the case of an explanation names it."""
    assert "row 7" == reasons_of(Scorer(), credit_world(300), row=row).row


def test_a_text_may_be_called_as_it_is_printed() -> None:
    """By its number, with the word before it."""
    assert "text 3" == reasons_of_text("text 3").row


def test_a_text_is_explained_word_by_word() -> None:
    """Each word has the weight that the classifier gives it, and no chance is in it."""
    found = reasons_of_text("1")
    weights = {each.told.name: each.weight for each in found.factors}
    toward = 1.0 if found.label == KeywordClassifier.labels[1] else -1.0

    assert "text 1" == found.row
    assert found.text
    assert {"stupid", "idiot", "hate"} == {each.told.name for each in found.kept}
    assert weights["stupid"].value == pytest.approx(toward * KeywordClassifier().weights["stupid"], abs=1e-6)
    assert weights["stupid"].low == weights["stupid"].high


def test_the_answer_to_a_text_turns_without_its_keywords() -> None:
    """The smallest edits are told with their places, those that delete first; each gives the other answer."""
    found = reasons_of_text("1")
    first = found.alternatives[0]

    assert [("word 4", "stupid", ""), ("word 5", "idiot", ""), ("word 8", "hate", "")] == [
        (shift.name, shift.before, shift.after) for shift in first.shifts
    ]
    assert {"clean"} == {each.label for each in found.alternatives}
    assert all(each.probability >= 0.5 for each in found.alternatives)  # of that answer
    assert found.why_none is None
    assert found.asked > 50


def test_neutral_words_of_the_plan_stand_in_for_others() -> None:
    """A word that the plan names, and none of ours."""
    found = reasons_of_text("2", neutral=("hate",))

    assert "hate" in {shift.after for each in found.alternatives for shift in each.shifts}


def reasons_of_text(row: str, *, text: str | None = None, **wanted: object) -> Reasons:
    """What the answer to one of the texts of the plan, or to another first one, rests on."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "texts.txt"
        path.write_text("\n".join(TEXTS if text is None else (text, *TEXTS)) + "\n", "utf-8")
        return reasoner().reasons(asking(KeywordClassifier()), Wanted(row=row, texts=path, **wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "row", "error", "said"),
    [
        (Scorer(), "301", UsageError, "no row is called so"),
        (Scorer(), "0", UsageError, "rows are counted from 1 to 300"),
        (Scorer(), "p7", UsageError, "no row is called so"),
        (Scorer(), "text 7", UsageError, "no row is called so"),
        (Pricer(), "1", TargetError, "the system decides a number"),
        (Chooser(), "1", TargetError, "this system answers choose"),
    ],
)
def test_what_cannot_be_explained_is_refused(target: Target, row: str, error: type[ProbandumError], said: str) -> None:
    """A row that is not there, a number in place of a decision, a language model."""
    subject = credit_world(300)
    if isinstance(target, Pricer):
        subject = Subject(
            table=subject.table, features=subject.features, decision=Decision(favourable="higher", numeric=True)
        )

    with pytest.raises(error) as refused:
        reasons_of(target, subject, row=row)

    assert said in " ".join(refused.value.lines())


def test_a_text_that_is_not_there_is_refused() -> None:
    """Texts are counted as the plan's explanations count them."""
    with pytest.raises(UsageError) as refused:
        reasons_of_text("6")

    assert ["--row 6: no text is called so; texts are counted from 1 to 5"] == refused.value.lines()


def test_the_same_seed_gives_the_same_reasons() -> None:
    """Nothing but the plan's seed decides what is drawn."""
    assert reasons_of(Blurred(blur=0.1), credit_world(300)) == reasons_of(Blurred(blur=0.1), credit_world(300))
