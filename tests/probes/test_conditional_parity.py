"""Selection rates within strata: published tables, reversals, planted gaps, and every refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import Scorer, credit_world, measured, run_probe
from listed import Listed
from probandum import stats
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import DataError, UsageError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, Measure, ProbeResult, make_probe
from probandum.row_items import Rows
from probandum.subject import UNKNOWN, Decision, Grouping, Subject
from probandum_probes.bias.conditional_controls import permuted_within, planted_within
from probandum_probes.bias.conditional_parity import ConditionalParity
from probandum_probes.bias.factors import strata_of

ADJUSTED = Limit(metric="bias.conditional-parity/adjusted-difference", direction="band", threshold=0.05)
STRATUM = Limit(metric="bias.conditional-parity/stratum-difference", direction="band", threshold=0.05)

#: Admissions to Berkeley's six largest departments in 1973, (women, men) as (admitted, applicants); Bickel et al. 1975.
BERKELEY = {
    "A": ((89, 108), (512, 825)),
    "B": ((17, 25), (353, 560)),
    "C": ((202, 593), (120, 325)),
    "D": ((131, 375), (138, 417)),
    "E": ((94, 393), (53, 191)),
    "F": ((24, 341), (22, 373)),
}
#: One stratum rejects nearly everybody, and most of A apply there: within each A does better.
SIMPSON = {"easy": ((360, 400), (2560, 3200)), "hard": ((640, 3200), (40, 400))}

Strata = Mapping[str, tuple[tuple[int, int], tuple[int, int]]]


def world(strata: Strata, *, reference: str | None = "B", **columns: Any) -> Subject:
    """Rows of A and B with ``(selected, rows)`` in every value of the column "factor"."""
    cells = [(name, code, *pair) for name, pairs in strata.items() for code, pair in enumerate(pairs)]
    sizes = [n for *_, n in cells]
    score = np.concatenate([(np.arange(n) < x) * 1.0 for *_, x, n in cells])
    codes = np.repeat([code for _, code, *_ in cells], sizes)
    factor = np.repeat([name for name, *_ in cells], sizes)
    return Subject(
        table=Table({"score": score, "factor": factor, **columns}),
        features=("score",),
        groupings={"g": Grouping(attribute="g", codes=codes, names=("A", "B"), reference=reference)},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def asked(subject: Subject, **options: Any) -> ProbeResult:
    """What the probe says of these rows, within "factor"."""
    return run_probe(ConditionalParity(**{"given": ("factor",), "reason": "set by law", **options}), Listed(), subject)


def by_stratum(result: ProbeResult) -> dict[str, Measure]:
    """The difference in each stratum."""
    return {each.facets["stratum"]: each for each in result.measures if each.metric == "stratum-difference"}


def test_berkeley_comes_out_as_published() -> None:
    """Crude -14.2 points; the common odds ratio .9047 and its interval of R's mantelhaen.test, and Woolf's 17.902."""
    result = asked(world(BERKELEY))
    crude = measured(result, "crude-difference").estimate
    odds = measured(result, "adjusted-odds-ratio").estimate
    woolf = measured(result, "woolf").estimate

    assert (557 / 1835 - 1198 / 2691) == pytest.approx(crude.value)
    assert (1 / 0.9046968, 1 / 1.0603298, 1 / 0.7719074) == pytest.approx((odds.value, odds.low, odds.high), rel=1e-6)
    assert 0.003072 == pytest.approx(woolf.value, abs=5e-7)
    assert "chi-squared 17.90 with 5 degrees of freedom, within 6 strata of factor" == woolf.design
    assert {"positive": "held", "negative": "held"} == judge([result], [])[0].controls


def test_ratios_and_tests_agree_with_statsmodels() -> None:
    """Common risk ratio, common odds ratio with its interval, and Breslow and Day's test with Tarone's correction."""
    table = pytest.importorskip("statsmodels.stats.contingency_tables")
    result = asked(world(BERKELEY))
    tables = [np.array([[x1, n1 - x1], [x2, n2 - x2]]) for (x1, n1), (x2, n2) in BERKELEY.values()]
    oracle = table.StratifiedTable(tables)
    odds = measured(result, "adjusted-odds-ratio").estimate

    assert oracle.riskratio_pooled == pytest.approx(measured(result, "adjusted-ratio").estimate.value)
    assert oracle.oddsratio_pooled == pytest.approx(odds.value)
    assert oracle.oddsratio_pooled_confint() == pytest.approx((odds.low, odds.high))
    tested = oracle.test_equal_odds(adjust=True)
    assert tested.pvalue == pytest.approx(measured(result, "breslow-day").estimate.value)


def test_numbers_by_hand() -> None:
    """Weights n1 n2 / (n1 + n2), the weighted difference, and the ratio of the weighted rates."""
    result = asked(world({"easy": ((30, 40), (18, 40)), "hard": ((6, 20), (6, 60))}))
    weights = np.array([20.0, 15.0])
    group, reference = np.array([0.75, 0.3]), np.array([0.45, 0.1])

    assert weights @ (group - reference) / 35 == pytest.approx(measured(result, "adjusted-difference").estimate.value)
    assert weights @ group / (weights @ reference) == pytest.approx(measured(result, "adjusted-ratio").estimate.value)
    assert 36 / 60 - 24 / 100 == pytest.approx(measured(result, "crude-difference").estimate.value)
    found = {name: each.estimate.value for name, each in by_stratum(result).items()}
    assert {"factor easy": 0.3, "factor hard": 0.2} == pytest.approx(found)


def test_a_reversal_is_flagged() -> None:
    """A does worse over all and better in every stratum: that is said, and the adjusted figure FAILS."""
    result = asked(world(SIMPSON))
    crude, adjusted = (measured(result, f"{name}-difference").estimate for name in ("crude", "adjusted"))
    flag = measured(result, "sign-reversal")
    (finding,) = [each for each in judge([result], [ADJUSTED]) if each.metric == ADJUSTED.metric]

    assert (crude.high or 0.0) < 0 < (adjusted.low or 0.0)
    assert (1.0, "disclosure") == (flag.estimate.value, flag.mode)
    assert "what is true of all rows is reversed within the strata" in str(flag.why)
    assert Verdict.FAIL is finding.verdict
    assert "within 2 strata of factor; crude -0.444" == adjusted.design


def test_a_reversal_that_chance_can_do_is_told_apart() -> None:
    """Berkeley's adjusted difference is above 0, and its interval holds 0."""
    flag = measured(asked(world(BERKELEY)), "sign-reversal")

    assert 0.0 == flag.estimate.value
    assert "chance may do that" in str(flag.why)


def test_compas_reverses_between_the_sexes() -> None:
    """Women are called low risk more often, and within age and prior offences less often; races keep their order."""
    result = run_probe(ConditionalParity(given=("priors_count", "age"), reason="ages and records"), *compas())
    crude = measured(result, "crude-difference", "Female", "Male").estimate
    adjusted = measured(result, "adjusted-difference", "Female", "Male").estimate
    races = measured(result, "sign-reversal", "African-American", "Caucasian")

    assert (0.0448, -0.0347) == pytest.approx((crude.value, adjusted.value), abs=5e-5)
    assert 1.0 == measured(result, "sign-reversal", "Female", "Male").estimate.value
    assert (0.0, None) == (races.estimate.value, races.why)
    assert {"positive": "held", "negative": "held"} == judge([result], [])[0].controls


def test_a_gap_in_one_stratum_is_found_there() -> None:
    """Four strata at one half, of which one rejects A: that stratum FAILS, and the others do not."""
    strata = dict.fromkeys("abcd", ((200, 400), (200, 400))) | {"c": ((100, 400), (200, 400))}
    result = asked(world(strata))
    found = {each.facets["stratum"]: each.verdict for each in judge([result], [STRATUM]) if each.facets}

    assert Verdict.FAIL is found["factor c"]
    assert {Verdict.INCONCLUSIVE} == {found[f"factor {name}"] for name in "abd"}
    assert (measured(result, "breslow-day").estimate.value or 0.0) < 0.001


def test_a_gap_that_factors_explain_passes() -> None:
    """Each stratum decides alike, and A applies where few are selected: crude -.3, adjusted 0 and a PASS."""
    result = asked(world({"easy": ((400, 500), (1600, 2000)), "hard": ((400, 2000), (100, 500))}))
    (finding,) = [each for each in judge([result], [ADJUSTED]) if each.metric == ADJUSTED.metric]

    assert -0.36 == pytest.approx(measured(result, "crude-difference").estimate.value)
    assert 0.0 == pytest.approx(finding.estimate.value, abs=1e-12)
    assert Verdict.PASS is finding.verdict


def test_items_carry_both_adjusted_figures() -> None:
    """Their means are the figures, and rows outside the strata that are compared are not among them."""
    result = asked(world({**BERKELEY, "G": ((3, 5), (20, 60))}))
    for metric in ("adjusted-difference", "adjusted-ratio"):
        found = measured(result, metric)
        assert found.items is not None
        assert found.estimate.value == pytest.approx(value_of(found.items))
        assert found.estimate.n == len(found.items.keys)


def test_the_difference_in_a_stratum_follows_from_its_rows() -> None:
    """What one counts in the packed rows is the estimate."""
    result = asked(world(BERKELEY))
    (packed,) = [each.rows for each in result.measures if each.rows is not None]
    rows = packed.opened()

    for each in by_stratum(result).values():
        assert each.counted is not None
        assert each.counted.form == "difference"
        rates = [_rate(rows, side, each) for side in each.counted.sides]
        assert each.estimate.value == pytest.approx(rates[0] - rates[1])


def _rate(rows: Rows, side: Mapping[str, int], of: Measure) -> float:
    assert of.counted is not None
    held = np.all([rows.columns[name] == code for name, code in side.items()], axis=0)
    codes = rows.columns[of.counted.column][held]
    trials = np.isin(codes, of.counted.trials)
    return float((trials & np.isin(codes, of.counted.events)).sum() / trials.sum())


def test_strata_without_both_groups_are_counted_out() -> None:
    """Below 10 rows of either group a stratum is not compared; where that is a fifth of a group there is no verdict."""
    few = asked(world({"a": ((60, 100), (60, 100)), "b": ((4, 9), (50, 100))}))
    many = asked(world({"a": ((60, 100), (60, 100)), "b": ((0, 0), (50, 100))}))
    share = measured(many, "compared-share").estimate
    adjusted = measured(many, "adjusted-difference")

    assert measured(few, "adjusted-difference").verdict is Verdict.INCONCLUSIVE
    assert (2 / 3, "200 of 300 rows lie in the 1 strata that are compared") == (share.value, share.design)
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (adjusted.verdict, adjusted.sub_reason)
    assert "50 % of the rows of B lie in strata with 10 rows of both groups; a verdict needs 80 %" == adjusted.why
    assert ["factor a"] == list(by_stratum(many))


def test_small_groups_and_rare_decisions_have_no_verdict() -> None:
    """Under 30 rows in all strata, or under 5 expected decisions of a kind."""
    small = measured(asked(world({"a": ((10, 20), (60, 100))})), "adjusted-difference")
    rare = measured(asked(world({"a": ((1, 100), (1, 100))})), "adjusted-difference")
    apart = measured(asked(world({"a": ((0, 4), (60, 100))})), "adjusted-difference")

    assert "A has 20 rows; a verdict needs 30" == small.why
    assert "1.0 favourable decisions are expected" in str(rare.why)
    assert (None, "in no stratum do both groups have 10 rows") == (apart.estimate.value, apart.why)
    assert {SubReason.SMALL_GROUP} == {each.sub_reason for each in (small, rare, apart)}


@pytest.mark.parametrize(
    ("strata", "verdict", "why"),
    [
        ({"a": ((60, 100), (0, 100))}, Verdict.NOT_APPLICABLE, "nobody in B was selected"),
        ({"a": ((0, 100), (60, 100))}, Verdict.INCONCLUSIVE, "nobody in A was selected"),
        ({"a": ((50, 50), (50, 50)), "b": ((0, 50), (0, 50))}, Verdict.INCONCLUSIVE, "the factors alone decide"),
    ],
)
def test_a_ratio_that_does_not_exist_is_no_number(strata: Strata, verdict: Verdict, why: str) -> None:
    """And the difference still is one."""
    result = asked(world(strata))
    ratio = measured(result, "adjusted-ratio")

    assert (None, verdict) == (ratio.estimate.value, ratio.verdict)
    assert str(ratio.why).startswith(why)
    assert measured(result, "adjusted-difference").estimate.value is not None


def test_without_a_reference_every_ordered_pair_is_compared() -> None:
    """Each with its sign."""
    result = asked(world(SIMPSON, reference=None))
    one, other = (measured(result, "adjusted-difference", *pair).estimate for pair in (("A", "B"), ("B", "A")))

    assert one.value is not None
    assert one.value == pytest.approx(-(other.value or 0.0))
    assert (one.low, one.high) == pytest.approx((-(other.high or 0.0), -(other.low or 0.0)))


def test_rows_that_state_no_group_are_compared_with_nobody() -> None:
    """They are no group; rows that state no factor are a stratum of their own."""
    subject = world({"": ((60, 100), (60, 100)), "b": ((40, 100), (40, 100))})
    unknown = Grouping(attribute="g", codes=subject.groupings["g"].codes, names=("A", UNKNOWN))
    nobody = asked(Subject(**{**_kept(subject), "groupings": {"g": unknown}}))

    assert "g has no two groups to compare" == measured(nobody, "adjusted-difference").why
    assert [f"factor {UNKNOWN}", "factor b"] == list(by_stratum(asked(subject)))


def _kept(subject: Subject) -> dict[str, Any]:
    return {"table": subject.table, "features": subject.features, "decision": subject.decision}


def test_an_attribute_that_is_a_factor_is_compared_within_the_others() -> None:
    """Within itself there is nothing to compare; declared groups serve as strata."""
    subject = credit_world(3000, towns=True)
    both = run_probe(ConditionalParity(given=("town", "income"), reason="law"), Scorer(gap=1.0), subject)
    alone = run_probe(ConditionalParity(given=("town",), reason="law"), Scorer(gap=1.0), subject)
    town = measured(alone, "adjusted-difference", "Ayr")

    assert "within 4 strata of income" in str(measured(both, "adjusted-difference", "Ayr").estimate.design)
    assert "within 8 strata of town, income" in str(measured(both, "adjusted-difference", "women").estimate.design)
    assert (Verdict.NOT_APPLICABLE, "town is the only factor, and within its groups there are no others") == (
        town.verdict,
        town.why,
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"given": ()}, "suites.bias.conditional-parity.given: no factor is declared"),
        ({"reason": " "}, "suites.bias.conditional-parity.reason: nobody says why these factors may decide"),
        ({"given": ("debt",)}, "suites.bias.conditional-parity.given: no column 'debt' was read; found: score, "),
        ({"given": ("id",)}, "id has 4,000 values; within each nothing is left to compare"),
        ({"given": ("score",)}, "score is what the system answered"),
        ({"given": ("x", "y"), "bins": 40}, "x, y make more than 1,000 strata"),
    ],
)
def test_what_cannot_be_held_alike_is_an_error(options: dict[str, Any], why: str) -> None:
    """No factor, no reason, no such column, an identifier, the answer itself, or more strata than rows can fill."""
    rng = np.random.default_rng(1)
    more: dict[str, Any] = {
        "id": np.array([f"p{row}" for row in range(4000)]),
        "x": rng.random(4000),
        "y": rng.random(4000),
    }
    subject = world({"a": ((600, 1000), (600, 1000)), "b": ((600, 1000), (600, 1000))}, **more)
    result = asked(replace(subject, answers=("score",)), **options)

    assert "error" == result.status
    assert why in str(result.why)


def test_options_that_mean_nothing_are_refused() -> None:
    """A factor twice, one bin, a sample of one, and rows without groups."""
    with pytest.raises(UsageError, match=r"given.1: 'a' stands twice"):
        make_probe("bias.conditional-parity", {"given": ["a", "a"]})
    for option in ("bins", "sample"):
        with pytest.raises(DataError, match=f"{option}: 1"):
            make_probe("bias.conditional-parity", {option: 1})
    bare = Subject(**_kept(world(SIMPSON)))

    assert "the plan declares no groups to compare; add groups: to the plan" == asked(bare).why


def test_a_sample_is_compared_as_all_rows_are() -> None:
    """Over fewer rows."""
    result = asked(world(SIMPSON), sample=900)

    assert 900 == measured(result, "compared-share").estimate.n
    assert False not in [outcome.held for outcome in result.controls]


def test_controls_catch_a_probe_that_is_wrong() -> None:
    """One whose adjusted difference is a little off, and one that always sees a gap."""

    class Wrong(ConditionalParity):
        """Adds to every difference within strata."""

        def measure(self, ask: Ask) -> Any:
            """The figures, with more selected of the group than there were."""
            for each in super().measure(ask):
                if each.metric != "adjusted-difference":
                    yield each
                    continue
                counts = [(n if place % 2 == 0 else x, n) for place, (x, n) in enumerate(each.estimate.counts or ())]
                found = stats.bounds("stratified-miettinen-nurminen", level=0.95, counts=counts)
                ends: Any = {"value": found.value, "low": found.low, "high": found.high, "counts": tuple(counts)}
                yield replace(each, estimate=replace(each.estimate, **ends))

    ask = Asker(Listed(), seed=1, subject=world(SIMPSON)).for_probe("bias.conditional-parity")
    wrong: Any = Wrong(given=("factor",), reason="law")
    right: Any = ConditionalParity(given=("factor",), reason="law")

    assert [False, False] == [control(wrong, ask)[0] for control in (permuted_within, planted_within)]
    assert [True, True] == [control(right, ask)[0] for control in (permuted_within, planted_within)]


@pytest.mark.parametrize(
    ("values", "bins", "names"),
    [
        ([1.0, 1.0, 0.0, 0.0], 4, ["x 0", "x 1"]),
        ([0.0] * 9 + [1.0, 2.0, 3.0], 3, ["x up to 0", "x over 0"]),
        ([9.0] * 9 + [1.0, 2.0, 3.0], 3, ["x up to 3", "x over 3"]),
        (list(range(8)), 4, ["x up to 1", "x over 1 to 3", "x over 3 to 5", "x over 5"]),
        (["1", "", "2", "3", "4"], 2, ["x up to 2", "x over 2", f"x {UNKNOWN}"]),
        (["b", "a", ""], 2, [f"x {UNKNOWN}", "x a", "x b"]),
    ],
)
def test_factors_become_strata(values: list[Any], bins: int, names: list[str]) -> None:
    """Few numbers and texts stand for themselves, many numbers in bins that equal numbers share, gaps apart."""
    dtype = np.float64 if isinstance(values[0], int | float) else np.str_
    subject = Subject(table=Table({"x": np.array(values, dtype=dtype)}))

    assert names == list(strata_of(subject, ("x",), bins, what="given").names)


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=4))
def test_the_adjusted_difference_is_the_weighted_mean(tables: list[tuple[int, int, int, int]]) -> None:
    """Of whatever strata: those with 10 rows of both groups, weighted by n1 n2 / (n1 + n2)."""
    strata = {f"s{place}": ((min(x1, n1), n1), (min(x2, n2), n2)) for place, (x1, n1, x2, n2) in enumerate(tables)}
    rows = world(strata)
    if len(rows) == 0:
        return
    probe = ConditionalParity(given=("factor",), reason="set by law")
    ask = Asker(Listed(), seed=1, subject=rows).for_probe("bias.conditional-parity")
    (found,) = [each.estimate.value for each in probe.measure(ask) if each.metric == "adjusted-difference"]
    kept = [(pair, other) for pair, other in strata.values() if min(pair[1], other[1]) >= 10]
    weights = [n1 * n2 / (n1 + n2) for (_, n1), (_, n2) in kept]
    expected = sum(w * (x1 / n1 - x2 / n2) for w, ((x1, n1), (x2, n2)) in zip(weights, kept, strict=True))

    assert (None if not kept else pytest.approx(expected / sum(weights), abs=1e-12)) == found


def test_a_factor_that_decides_alone_compares_nothing() -> None:
    """Each stratum has one decision: a difference of 0 within strata holds whatever is done to A."""
    result = asked(world({"high": ((0, 400), (0, 200)), "low": ((200, 200), (400, 400))}))
    (finding,) = [f for f in judge([result], [ADJUSTED]) if f.metric == ADJUSTED.metric]

    assert 0.0 == finding.estimate.value
    assert (Verdict.INCONCLUSIVE, SubReason.TRIVIAL) == (finding.verdict, finding.sub_reason)
    assert "the factors alone decide" in str(finding.why)


def test_one_stratum_with_both_decisions_is_compared() -> None:
    """Where some stratum has both decisions there is something to compare."""
    result = asked(world({"high": ((100, 400), (50, 200)), "low": ((200, 200), (400, 400))}))
    (finding,) = [f for f in judge([result], [ADJUSTED]) if f.metric == ADJUSTED.metric]

    assert SubReason.TRIVIAL is not finding.sub_reason
