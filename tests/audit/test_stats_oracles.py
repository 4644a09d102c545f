"""Intervals and tests against published numbers, other libraries, and brute force."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar as other_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from probandum import stats
from probandum.stats.scores import Koopman, MiettinenNurminen, Tango

TABLES = [
    ((805, 1795), (349, 1488)),
    ((34, 76), (50, 92)),
    ((0, 20), (3, 30)),
    ((29, 30), (15, 40)),
    ((5, 2000), (9, 500)),
]


def test_public_names_are_all_there_is() -> None:
    """Every public function and class of the package is listed, and nothing listed is missing."""
    public = {
        name for name, value in vars(stats).items() if not name.startswith("_") and not hasattr(value, "__path__")
    }
    modules = {name for name in public if type(vars(stats)[name]).__name__ == "module"}

    assert set(stats.__all__) == public - modules


def test_published_false_positive_gap() -> None:
    """Newcombe's interval of ProPublica's false positive rates is the published one."""
    interval = stats.difference_interval(805, 1795, 349, 1488)

    assert (0.1821, 0.2450) == (round(interval.low, 4), round(interval.high, 4))


def test_published_table_of_newcombe() -> None:
    """Newcombe's own 56/70 against 48/80: method 10 and the score interval of Miettinen and Nurminen."""
    hybrid = stats.difference_interval(56, 70, 48, 80)
    score = stats.difference_interval(56, 70, 48, 80, method="miettinen-nurminen")

    assert (0.0524, 0.3339) == (round(hybrid.low, 4), round(hybrid.high, 4))
    assert (0.0528, 0.3382) == (round(score.low, 4), round(score.high, 4))


def test_published_impact_ratio() -> None:
    """The rule example 34/76 against 50/92 has the ratio 0.823, from 0.597 to 1.118."""
    interval = stats.ratio_interval(34, 76, 50, 92)

    assert (0.823, 0.597, 1.118) == tuple(round(x, 3) for x in (interval.value, interval.low, interval.high))


@pytest.mark.parametrize(("group", "reference"), TABLES)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_newcombe_agrees_with_statsmodels(group: tuple[int, int], reference: tuple[int, int], level: float) -> None:
    """The hybrid interval of a difference is that of statsmodels."""
    interval = stats.difference_interval(*group, *reference, level=level)
    expected = confint_proportions_2indep(*group, *reference, method="newcomb", compare="diff", alpha=1 - level)

    assert expected == pytest.approx((interval.low, interval.high), abs=1e-9)


@pytest.mark.parametrize(("group", "reference"), TABLES)
def test_koopman_agrees_with_statsmodels(group: tuple[int, int], reference: tuple[int, int]) -> None:
    """The score interval of a ratio is that of statsmodels without the correction."""
    interval = stats.ratio_interval(*group, *reference)
    low, high = confint_proportions_2indep(*group, *reference, method="score", compare="ratio", correction=False)

    assert high == pytest.approx(interval.high, rel=1e-5)
    assert (0.0 if group[0] == 0 else low) == pytest.approx(interval.low, rel=1e-5)


@pytest.mark.parametrize(("x", "n"), [(0, 10), (3, 10), (10, 10), (1, 500), (250, 500)])
@pytest.mark.parametrize(("method", "theirs"), [("wilson", "wilson"), ("clopper-pearson", "beta")])
def test_shares_agree_with_statsmodels(x: int, n: int, method: str, theirs: str) -> None:
    """Wilson and Clopper-Pearson intervals are those of statsmodels."""
    interval = stats.bounds(method, level=0.95, counts=((x, n),))
    low, high = proportion_confint(x, n, method=theirs)

    assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-12)


@pytest.mark.parametrize(("x", "limit"), [(0, 0.05), (3, 0.05), (9, 0.5), (10, 0.99)])
def test_exact_p_values_agree_with_scipy(x: int, limit: float) -> None:
    """p-values of Clopper-Pearson are those of the exact binomial test."""
    above = stats.p_value("clopper-pearson", limit, side="above", counts=((x, 10),))
    below = stats.p_value("clopper-pearson", limit, side="below", counts=((x, 10),))

    assert scipy_stats.binomtest(x, 10, limit, alternative="greater").pvalue == pytest.approx(above, abs=1e-12)
    assert scipy_stats.binomtest(x, 10, limit, alternative="less").pvalue == pytest.approx(below, abs=1e-12)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (3, 9), (12, 2), (7, 7)])
def test_mcnemar_agrees_with_statsmodels(better: int, worse: int) -> None:
    """The two-sided exact p-value is that of statsmodels."""
    theirs = other_mcnemar(np.array([[50, better], [worse, 50]]), exact=True).pvalue

    assert theirs == pytest.approx(stats.mcnemar(better, worse, alternative="two-sided"), abs=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [(stats.holm, "holm"), (stats.benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_agree_with_statsmodels(ours: Callable[[list[float]], list[float]], theirs: str) -> None:
    """Holm's and Benjamini and Hochberg's adjusted p-values are those of statsmodels."""
    p = [0.001, 0.2, 0.04, 0.04, 0.9, 0.013]

    assert multipletests(p, method=theirs)[1] == pytest.approx(ours(p), abs=1e-12)


def test_means_agree_with_scipy() -> None:
    """One sample and two samples of unequal variance have scipy's intervals."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(1.0, 1.0, 12), rng.normal(0.5, 3.0, 7)
    one, two = stats.mean_interval(a), stats.welch_interval(a, b)
    theirs = scipy_stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)

    assert scipy_stats.ttest_1samp(a, 0).confidence_interval(0.95) == pytest.approx((one.low, one.high))
    assert theirs == pytest.approx((two.low, two.high))


def _likeliest(log_likelihood: Callable[[float], float], low: float, high: float) -> float:
    found = optimize.minimize_scalar(
        lambda p: -log_likelihood(p), bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    )
    return float(found.x)


def _binomial(x: float, n: float, p: float) -> float:
    p = min(max(p, 1e-15), 1 - 1e-15)
    return x * math.log(p) + (n - x) * math.log1p(-p)


@pytest.mark.parametrize("limit", [-0.3, -0.05, 0.0, 0.1, 0.4])
def test_score_of_a_difference_is_that_of_brute_force(limit: float) -> None:
    """The constrained shares of Miettinen and Nurminen maximise the likelihood, found numerically."""
    x1, n1, x2, n2 = 11, 40, 9, 25
    p2 = _likeliest(
        lambda p: _binomial(x1, n1, p + limit) + _binomial(x2, n2, p), max(0.0, -limit), min(1.0, 1.0 - limit)
    )
    p1 = p2 + limit
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    expected = (x1 / n1 - x2 / n2 - limit) / math.sqrt(variance)

    assert expected == pytest.approx(MiettinenNurminen(x1, n1, x2, n2).z(limit), abs=1e-5)


@pytest.mark.parametrize("limit", [0.3, 0.8, 1.0, 1.4, 2.5])
def test_score_of_a_ratio_is_that_of_brute_force(limit: float) -> None:
    """The constrained shares of Koopman maximise the likelihood, found numerically."""
    x1, n1, x2, n2 = 11, 40, 9, 25
    p2 = _likeliest(lambda p: _binomial(x1, n1, limit * p) + _binomial(x2, n2, p), 0.0, min(1.0, 1.0 / limit))
    p1 = limit * p2
    variance = p1 * (1 - p1) / n1 + limit**2 * p2 * (1 - p2) / n2
    expected = (x1 / n1 - limit * x2 / n2) / math.sqrt(variance)

    assert expected == pytest.approx(Koopman(x1, n1, x2, n2).z(limit), abs=1e-5)


@pytest.mark.parametrize("limit", [-0.4, -0.05, 0.0, 0.1, 0.3])
def test_score_of_paired_shares_is_that_of_brute_force(limit: float) -> None:
    """Tango's constrained discordant shares maximise the trinomial likelihood, found numerically."""
    better, worse, n = 7, 3, 30

    def log_likelihood(q: float) -> float:
        parts = ((better, q + limit), (worse, q), (n - better - worse, 1 - 2 * q - limit))
        return sum(count * math.log(max(share, 1e-15)) for count, share in parts)

    q = _likeliest(log_likelihood, max(0.0, -limit), (1 - limit) / 2)
    expected = ((better - worse) / n - limit) / math.sqrt((2 * q + limit - limit**2) / n)

    assert expected == pytest.approx(Tango(better, worse, n).z(limit), abs=1e-5)


def test_two_way_interval_covers_where_names_are_samples() -> None:
    """Over templates and names drawn anew it covers at its level, where templates alone fall far short."""
    rng = np.random.default_rng(7)
    templates, names, runs = 12, 6, 1500
    covered = naive = 0
    for _ in range(runs):
        common, slope = rng.normal(0, 1.0, (templates, 1)), rng.normal(0, 0.3, (templates, 1))
        tables = []
        for side in (1, -1):
            called = rng.normal(0, 0.2, (1, names))
            tables.append(common + side * slope / 2 + called + rng.normal(0, 0.1, (templates, names)))
        interval = stats.two_way_interval(*tables)
        covered += interval.low <= 0 <= interval.high
        alone = stats.mean_interval(tables[0].mean(axis=1) - tables[1].mean(axis=1))
        naive += alone.low <= 0 <= alone.high

    assert 0.93 <= covered / runs <= 0.97
    assert naive / runs < 0.88


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5])
def test_coverage_of_shares(share: float) -> None:
    """Over every possible count Clopper-Pearson covers at least, and Wilson about, 95 %."""
    n = 60
    weights = scipy_stats.binom.pmf(np.arange(n + 1), n, share)
    exact, score = 0.0, 0.0
    for x, weight in enumerate(weights):
        a = stats.proportion_interval(x, n, method="clopper-pearson")
        b = stats.proportion_interval(x, n)
        exact += weight * (a.low <= share <= a.high)
        score += weight * (b.low <= share <= b.high)

    assert exact >= 0.95
    assert score >= 0.91


def test_no_events_among_pairs_have_a_closed_form() -> None:
    """Without a changed pair Tango's interval is plus and minus z^2 / (n + z^2)."""
    z = scipy_stats.norm.ppf(0.975)
    interval = stats.paired_difference_interval(0, 0, 50)
    edge = z * z / (50 + z * z)

    assert (-edge, edge) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_equivalence_is_the_interval_inside_the_band() -> None:
    """TOST rejects exactly where the interval at 1 - 2 alpha lies inside the margin."""
    for x in range(400, 600, 5):
        counts = ((x, 1000), (500, 1000))
        interval = stats.bounds("newcombe", level=0.9, counts=counts)
        inside = -0.05 < interval.low and interval.high < 0.05

        assert inside == (stats.equivalence("newcombe", 0.05, counts=counts) < 0.05)
