"""Slices in which a gap is wider than elsewhere: counts by hand, a search by brute force, and what chance may find."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import BROKEN, Scorer, credit_world, run_probe
from listed import Listed
from probandum import stats
from probandum.asking import Asker
from probandum.errors import DataError, UsageError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, Measure, ProbeResult
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.halving import first_half
from probandum_probes.bias.slices import FEWEST, Factor, Trial, excess, search
from probandum_probes.bias.triage import Triage
from probandum_probes.bias.triage_controls import no_slices, planted_slice


def world(n: int = 2000, *, harm: float = 0.5, seed: int = 1, **columns: Any) -> Subject:
    """Half of A and B are selected; of A in Bath only, ``harm`` fewer. Bath is a third of the towns."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, n)
    town = np.array(["Ayr", "Bath", "Cork"])[rng.integers(0, 3, n)]
    rate = np.where((codes == 0) & (town == "Bath"), 0.5 - harm, 0.5)
    return Subject(
        table=Table(
            {
                "score": (rng.random(n) < rate) * 1.0,
                "town": town,
                "debt": rng.normal(size=n),
                "outcome": (rng.random(n) < 0.5) * 1.0,
                **columns,
            }
        ),
        features=("score", "town", "debt"),
        label="outcome",
        groupings={"g": Grouping(attribute="g", codes=codes, names=("A", "B"), reference="B")},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def asked(subject: Subject, **options: Any) -> ProbeResult:
    """What the probe says of these rows, by town and debt."""
    return run_probe(Triage(**{"columns": ("town", "debt"), **options}), Listed(), subject)


def slices(result: ProbeResult, metric: str = "slice-excess") -> dict[str, Measure]:
    """One figure of every slice, in the order in which they are told."""
    return {each.facets["slice"]: each for each in result.measures if each.metric == metric and "slice" in each.facets}


def test_a_planted_slice_is_found_and_confirmed() -> None:
    """It comes first, its figures are those of the half that was not searched, and the others are not confirmed."""
    subject = world()
    result = asked(subject)
    ask = Asker(Listed(), seed=1, subject=subject).for_probe("bias.triage")
    held, codes = ~first_half(ask), subject.groupings["g"].codes
    bath = subject.table["town"] == "Bath"
    rates = [
        [subject.table["score"][held & side & (codes == group)].mean() for group in (0, 1)] for side in (bath, ~bath)
    ]
    first, *others = slices(result).values()
    p = {name: each.estimate.value for name, each in slices(result, "slice-p").items()}

    assert "town Bath" == first.facets["slice"]
    assert (rates[0][0] - rates[0][1]) - (rates[1][0] - rates[1][1]) == pytest.approx(first.estimate.value)
    assert rates[0][0] - rates[0][1] == pytest.approx(slices(result, "slice-difference")["town Bath"].estimate.value)
    assert rates[1][0] - rates[1][1] == pytest.approx(slices(result, "difference-outside")["town Bath"].estimate.value)
    assert str(first.estimate.design).startswith("confirmed; searched in the other half, rank 1 of ")
    assert (p["town Bath"] or 1.0) < 0.001
    assert others
    assert {"positive": "held", "negative": "held"} == judge([result], [])[0].controls


def test_what_does_not_survive_is_shown_as_such() -> None:
    """Of groups that are treated alike slices are picked, and told with their p-values as not confirmed."""
    result = asked(world(harm=0.0))
    (kept,) = [each for each in result.measures if each.metric == "slices-confirmed"]

    assert slices(result)
    assert 0.0 == kept.estimate.value
    for each in slices(result).values():
        assert str(each.estimate.design).startswith("not confirmed: it may have been picked by chance; searched")
    for each in slices(result, "slice-p").values():
        assert (each.estimate.value or 0.0) > 0.05


def test_nothing_is_ever_judged() -> None:
    """No measure may gate, whatever limit a plan sets."""
    result = asked(world())
    limit = Limit(metric="bias.triage/slice-excess", direction="band", threshold=0.01)

    assert {"disclosure"} == {each.mode for each in result.measures}
    assert not {Verdict.FAIL, Verdict.PASS} & {finding.verdict for finding in judge([result], [limit])}


def test_p_values_are_holms() -> None:
    """Of the one-sided p-values of all slices that were picked, from shares with one of each added."""
    result = asked(world(harm=0.15, n=1200))
    found = slices(result)
    raw = []
    for name, each in found.items():
        if each.estimate.moments is None:
            raw.append(1.0)
            continue
        inside, outside = (
            slices(result, of)[name].estimate.counts for of in ("slice-difference", "difference-outside")
        )
        assert inside is not None and outside is not None
        shares = [[(x + 1) / (n + 2) for x, n in pair] for pair in (inside, outside)]
        moved = (shares[0][0] - shares[0][1]) - (shares[1][0] - shares[1][1])
        _, error, df = each.estimate.moments
        raw.append(stats.p_value("welch", 0.0, side="below", moments=(moved, error, df)))
    told = {name: each.estimate.value for name, each in slices(result, "slice-p").items()}
    adjusted = dict(zip(found, stats.holm(raw), strict=True))

    assert {name: adjusted[name] for name in told} == pytest.approx(told)
    assert 5 == len(found)


def test_slices_of_two_columns_are_found() -> None:
    """A gap where Bath meets high debts only; its widest slice lies there."""
    subject = world(6000, harm=0.0)
    high = subject.table["debt"] > np.median(subject.table["debt"])
    there = high & (subject.table["town"] == "Bath") & (subject.groupings["g"].codes == 0)
    score = np.where(there, 0.0, subject.table["score"])
    subject = replace(subject, table=Table({**subject.table.columns, "score": score}))
    result = asked(subject, bins=2)
    first = next(iter(slices(result).values()))

    assert first.facets["slice"].startswith("town Bath, debt over ")
    assert (first.estimate.high or 0.0) < -0.3


def brute(factors: list[Factor], trial: Trial, rows: Any, towards: float) -> dict[str, float]:
    """Every slice with its score, by masks of rows."""
    found = {}
    for size in (1, 2):
        for chosen in itertools.combinations(factors, size):
            for codes in itertools.product(*(range(len(each.names)) for each in chosen)):
                mask = np.all([each.codes == code for each, code in zip(chosen, codes, strict=True)], axis=0)
                inside, outside = trial.within(mask & rows), trial.within(~mask & rows)
                if min(n for pair in (inside, outside) for _, n in pair) >= FEWEST:
                    gap = excess(inside, outside)
                    name = ", ".join(each.names[code] for each, code in zip(chosen, codes, strict=True))
                    found[name] = towards * gap.value / float(gap.standard_error or 1.0)
    return found


@given(st.integers(0, 10_000), st.sampled_from([1.0, -1.0]))
def test_the_search_is_one_over_all_slices(seed: int, towards: float) -> None:
    """The best slice is the best of all, its score is that of its rows, and as many were looked at as there are."""
    rng = np.random.default_rng(seed)
    n = 600
    factors = [
        Factor(name=name, codes=rng.integers(0, width, n), names=tuple(f"{name}{place}" for place in range(width)))
        for name, width in (("a", 2), ("b", 3))
    ]
    side = rng.random(n) < 0.5
    trial = Trial(event=rng.random(n) < 0.5, group=side, reference=~side, subject=world(n))
    rows = rng.random(n) < 0.7
    found, looked = search(factors, trial, rows, towards=towards, most=3)
    every = brute(factors, trial, rows, towards)

    assert len(every) == looked
    assert max(every.values()) == pytest.approx(found[0].score)
    for each in found:
        assert every[each.name] == pytest.approx(each.score)
    for one, other in itertools.combinations(found, 2):
        either = ((one.rows | other.rows) & rows).sum()
        assert ((one.rows & other.rows) & rows).sum() <= 0.5 * either


def test_an_excess_by_hand() -> None:
    """20 % against 50 % inside, 50 against 50 outside; its error is that of shares with one of each added."""
    found = excess(((6, 30), (15, 30)), ((50, 100), (50, 100)))
    inner, even = (7 / 32) * (25 / 32) / 29, 0.25
    error = np.sqrt(inner + even / 29 + 2 * even / 99)

    assert -0.3 == pytest.approx(found.value)
    assert error == pytest.approx(found.standard_error)


def test_persons_stay_in_one_half() -> None:
    """All rows of a person are searched, or all of them confirm."""
    subject = world(200, person=np.arange(200) // 4)
    ask = Asker(Listed(), seed=1, subject=replace(subject, row_id="person")).for_probe("bias.triage")
    halves = first_half(ask).reshape(-1, 4)

    assert (halves.all(axis=1) | ~halves.any(axis=1)).all()
    assert 25 == halves.all(axis=1).sum()


@pytest.mark.parametrize("gap", ["tpr-difference", "fpr-difference"])
def test_gaps_in_errors_are_searched_among_those_they_are_about(gap: Any) -> None:
    """Positives for one, negatives for the other."""
    subject = world(4000)
    result = asked(subject, gap=gap)
    first = next(iter(slices(result, "slice-difference").values()))
    among = int((subject.table["outcome"] == (gap == "tpr-difference")).sum())

    assert ("town Bath", gap) == (first.facets["slice"], first.facets["gap"])
    assert 0 < first.estimate.n < among / 2


def test_without_labels_errors_have_no_slices() -> None:
    """Not applicable, with the reason."""
    (only,) = run_probe(Triage(gap="tpr-difference"), Listed(), replace(world(), label=None)).measures

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DATA) == (only.verdict, only.sub_reason)
    assert "the plan names no label, so nobody can say which decisions were errors" == only.why


def test_small_groups_are_not_searched() -> None:
    """60 rows of both groups in the half that is searched are the fewest."""
    (only,) = asked(world(180)).measures

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (only.verdict, only.sub_reason)
    assert str(only.why).endswith("rows in the half that is searched; it takes 60")


def test_columns_are_those_of_the_model_without_the_attribute_itself() -> None:
    """Others that the plan declares are cut as they are declared, and a text with too many values not at all."""
    subject = credit_world(600, towns=True)
    names = np.array([f"n{place}" for place in range(600)])
    wide = replace(
        subject,
        table=Table({**subject.table.columns, "name": names}),
        features=(*subject.features, "name"),
    )
    found = [each.name for each in Triage().factors(wide, wide.groupings["sex"])]
    chosen = [each.name for each in Triage(columns=("income",)).factors(wide, wide.groupings["sex"])]

    assert ["income", "debt", "years", "town"] == found
    assert ["income"] == chosen


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"gap": "ppv-difference"}, "suites.bias.triage.gap: 'ppv-difference'"),
        ({"bins": 1}, "suites.bias.triage: bins 1, slices 5"),
        ({"slices": 0}, "suites.bias.triage: bins 4, slices 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: Any, why: str) -> None:
    """A gap that it does not know, one bin, no slice."""
    with pytest.raises(UsageError, match=why):
        Triage(**options)


def test_what_is_no_column_is_an_error() -> None:
    """Neither is a sample of one row, nor rows without groups."""
    subject = world()

    with pytest.raises(DataError, match="sample: 1"):
        Triage(sample=1)
    assert str(asked(subject, columns=("shoe",)).why).startswith("suites.bias.triage.columns: no column 'shoe'")
    assert str(asked(replace(subject, groupings={})).why).startswith("the plan declares no groups to compare")


def test_one_group_is_compared_with_nobody() -> None:
    """And that is said."""
    subject = world(200)
    alone = replace(subject, groupings={"g": Grouping(attribute="g", codes=np.zeros(200, int), names=("A",))})
    (only,) = asked(alone).measures

    assert "g has no two groups to compare" == only.why


def test_gaps_in_error_rates_are_not_searched_against_the_labels() -> None:
    """Decisions that run against them would put every slice the wrong way round; selection rates rest on none."""
    credit = credit_world(1500)
    turned = replace(credit, table=Table({**credit.table.columns, "repaid": 1 - credit.table["repaid"]}))
    (only,) = run_probe(Triage(gap="tpr-difference"), Scorer(), turned).measures

    assert SubReason.AGAINST_LABELS is only.sub_reason
    assert str(only.why).startswith("no search: the decisions run against the labels: their AUC is 0.2")
    assert {None} == {each.sub_reason for each in run_probe(Triage(), Scorer(gap=1.0), turned).measures}


def test_a_column_of_one_value_cuts_nothing() -> None:
    """Where none is left, no slice was looked at."""
    subject = world(400, same=np.array(["x"] * 400))
    (only,) = asked(subject, columns=("same",)).measures

    assert "of 0 slices none is wider apart than the rest" == only.why


def test_chance_confirms_few_slices_and_planted_ones_are_found() -> None:
    """Of 60 worlds without a gap about one in twenty confirms any; with one in Bath nearly all confirm it."""
    found = dict.fromkeys((0.0, 0.4), 0)
    for harm, seed in itertools.product(found, range(60)):
        ask = Asker(Listed(), seed=seed, subject=world(1500, harm=harm, seed=seed)).for_probe("bias.triage")
        measures = list(Triage(columns=("town", "debt")).measure(ask))
        found[harm] += any(
            (each.estimate.value or 1.0) <= 0.05 and (harm == 0.0 or "Bath" in each.facets["slice"])
            for each in measures
            if each.metric == "slice-p"
        )
    allowed = stats.proportion_interval(found[0.0], 60, method="clopper-pearson")

    assert allowed.low <= 0.05
    assert found[0.4] >= 57


def test_controls_catch_a_probe_that_is_wrong() -> None:
    """One that confirms whatever it is shown, and one that miscounts."""

    class Sure(Triage):
        """Confirms everything."""

        def measure(self, ask: Ask) -> Any:
            """The p-values of certainty."""
            for each in super().measure(ask):
                sure = replace(each.estimate, value=0.001, low=0.001, high=0.001)
                yield replace(each, estimate=sure) if each.metric == "slice-p" else each

    class Miscounting(Triage):
        """Says a little more."""

        def measure(self, ask: Ask) -> Any:
            """The excesses, each a little off."""
            for each in super().measure(ask):
                value = each.estimate.value
                off = None if value is None else replace(each.estimate, value=value + 0.001, high=2.0)
                yield replace(each, estimate=off) if off and each.metric == "slice-excess" else each

    ask = Asker(Scorer(gap=1.0), seed=1, subject=credit_world(1500)).for_probe("bias.triage")
    sure: Any = Sure()
    off: Any = Miscounting()
    right: Any = Triage()

    assert (False, False) == (no_slices(sure, ask)[0], planted_slice(off, ask)[0])
    assert (True, True) == (no_slices(right, ask)[0], planted_slice(right, ask)[0])


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_broken_answers_are_an_error(broken: Any) -> None:
    """No slice is cut of answers that are none."""
    assert "error" == run_probe(Triage(), broken(Scorer()), credit_world(300)).status
