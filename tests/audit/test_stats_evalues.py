"""E-values: their p-values, how they combine, and what they control."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats

evidence = st.one_of(st.floats(0, 1e6), st.just(math.inf))
families = st.lists(evidence, min_size=1, max_size=12)


def directly(es: list[float], alpha: float) -> set[int]:
    """What e-BH rejects, by its definition: the most k whose k-th largest e-value reaches K / (k alpha)."""
    ranked = sorted(range(len(es)), key=lambda i: -es[i])
    most = max((k for k in range(1, len(es) + 1) if es[ranked[k - 1]] * k * alpha >= len(es)), default=0)
    return set(ranked[:most])


@given(families, st.sampled_from([0.01, 0.05, 0.2]))
def test_e_benjamini_hochberg_is_its_definition(es: list[float], alpha: float) -> None:
    """The levels at most alpha are those of the hypotheses that the published rule rejects."""
    levels = stats.e_benjamini_hochberg(es)
    rejected = {i for i, level in enumerate(levels) if level <= alpha}
    near = any(abs(level - alpha) < 1e-9 for level in levels)

    assert near or {i for i in directly(es, alpha) if es[i] > 1} == rejected


@given(families)
def test_evidence_combines_into_evidence(es: list[float]) -> None:
    """Products and means are e-values, never NaN, and the mean lies between its parts."""
    product, mean = stats.e_product(es), stats.e_mean(es)

    assert product >= 0
    assert min(es) * (1 - 1e-12) <= mean <= max(es) * (1 + 1e-12)
    assert 0 <= stats.e_to_p(mean) <= 1


@given(families)
def test_holm_on_evidence(es: list[float]) -> None:
    """Adjusted p-values are never below 1 / e, nor below the levels of e-BH, and stronger evidence comes first."""
    strict, loose = stats.e_holm(es), stats.e_benjamini_hochberg(es)

    assert all(stats.e_to_p(e) <= low + 1e-12 <= high + 2e-12 for e, low, high in zip(es, loose, strict, strict=True))
    assert all(strict[i] <= strict[j] for i in range(len(es)) for j in range(len(es)) if es[i] > es[j])


def test_a_dependent_family_keeps_its_rate_of_false_discoveries() -> None:
    """Half of 20 e-values are null and move against each other: at most 10 % of what e-BH rejects is null."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(1500):
        common = rng.normal()
        z = np.concatenate([common * np.tile([1, -1], 5), rng.normal(3.5, 1, 10)])
        es = np.exp(3 * z - 4.5).tolist()
        rejected = [i for i, level in enumerate(stats.e_benjamini_hochberg(es)) if level <= 0.1]
        shares.append(sum(i < 10 for i in rejected) / max(len(rejected), 1))

    assert np.mean(shares) <= 0.1
    assert np.mean([share < 1 for share in shares]) > 0.9


def test_evidence_of_two_runs_multiplies() -> None:
    """Two independent runs that each stop short of a verdict pass together, within their error rate."""
    first, second = (stats.SequentialTest(0.05, n_max=60) for _ in range(2))
    first.extend([0] * 60)
    second.extend([0] * 60)

    assert first.e_pass < 20
    assert stats.e_product([first.e_pass, second.e_pass]) > 20

    rng = np.random.default_rng(2)
    runs = []
    for _ in range(600):
        tests = [stats.SequentialTest(0.1, n_max=30) for _ in range(2)]
        for test in tests:
            test.extend((rng.random(30) < 0.1).astype(int).tolist())
        runs.append(stats.e_product([test.e_pass for test in tests]))

    assert np.mean(np.array(runs) >= 20) <= 0.05
    assert np.mean(runs) <= 1 + 4 * np.std(runs) / math.sqrt(600)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.e_to_p(math.nan), "es holds nan; expected e-values of at least 0"),
        (lambda: stats.e_product([2.0, -1.0]), "es holds -1.0"),
        (lambda: stats.e_mean([]), "es is empty"),
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What is no e-value is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
