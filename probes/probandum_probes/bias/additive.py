"""Shrinking the rates of many crossed groups towards what their attributes say one by one.

A rate that is low only because both of a group's attributes have low rates is expected; what shrinkage towards one
common rate would hide is the group that is lower than its attributes say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.stats.shrinkage import LEAST_CORRELATION
from probandum_probes.bias.recalibration import logistic

#: From so many groups on rates are shrunk towards main effects and not towards one rate.
FEWEST_GROUPS = 8
#: Steps of the fit, and the weight of the penalty that keeps the effects of empty and full groups finite.
_STEPS, _PENALTY = 100, 0.02
#: No expected rate is nearer to 0 or 1.
_LEAST_RATE = 1e-6
#: The grid of intraclass correlations, as logits of its ends and points; and how many draws of all rates there are.
_ENDS, _POINTS, _DRAWS = (-11.0, 5.0), 65, 8000


def shrunk(events: Sequence[int], trials: Sequence[int], places: Sequence[Sequence[int]]) -> stats.Shrunk:
    """Posterior rates of crossed groups; ``places``: of each group its code in every attribute that is crossed.

    Below 8 groups, or where attributes leave nothing over, as ``stats.shrunk_rates``. Otherwise the prior mean of a
    group is the rate that a logistic regression on the attributes alone expects, m_g, and with k groups and q
    coefficients MSB = sum n (p - m_g)^2 / (k - q) stands in place of the one about a common rate.
    """
    design = _design(places)
    k, q = design.shape
    if q == 1:
        return stats.shrunk_rates(events, trials)
    common = stats.shrunk_rates(events, trials)  # refuses what are no counts
    x, n = np.asarray(events, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    total, rates = float(n.sum()), x / n
    expected = main_effects(x, n, design)
    size = (total - float((n**2).sum()) / total) / (k - 1)
    between = float((n * (rates - expected) ** 2).sum()) / (k - q)
    within = float((n * rates * (1 - rates)).sum()) / (total - k)
    whole = between + (size - 1) * within
    raw = (between - within) / whole if whole > 0 else 0.0
    correlation = min(max(raw, LEAST_CORRELATION), 1 - LEAST_CORRELATION)
    weight = 1 / correlation - 1
    prior = expected * weight
    posteriors = zip((x + prior).tolist(), (n - x + weight - prior).tolist(), strict=True)
    return stats.Shrunk(common=common.common, correlation=correlation, weight=weight, posteriors=tuple(posteriors))


def posterior_draws(
    events: Sequence[int], trials: Sequence[int], places: Sequence[Sequence[int]], rng: np.random.Generator
) -> Floats:
    """Draws of all rates together that do not take the prior for known, shape (draws, groups).

    ``shrunk`` puts one estimate of the prior in its place, which is right for the rates and far too sure of them: where
    groups look alike its correlation rho ends at 1e-6, as if a million rows stood behind what was fitted to these. Here
    rho has a uniform prior from 0 to 1, on a grid; at each value the effects are those of counts divided by
    1 + (n - 1) rho, normal about their estimate (Laplace), and the likelihood is the beta-binomial one::

        p(rho | x) ~ prod B(x + m M, n - x + (1 - m) M) / B(m M, (1 - m) M) / sqrt(det curvature),  M = 1 / rho - 1
    """
    from scipy.special import betaln

    design = _design(places)
    x, n = np.asarray(events, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    grid = logistic(np.linspace(*_ENDS, _POINTS))
    fits, logs = [], np.empty(len(grid))
    for place, rho in enumerate(grid):
        crowd, weight = 1 + (n - 1) * rho, 1 / rho - 1
        beta, curvature = _fitted(x / crowd, n / crowd, design)
        prior = np.clip(logistic(design @ beta), _LEAST_RATE, 1 - _LEAST_RATE) * weight
        likelihood = betaln(x + prior, n - x + weight - prior) - betaln(prior, weight - prior)
        logs[place] = likelihood.sum() - np.linalg.slogdet(curvature)[1] / 2 + math.log(rho * (1 - rho))
        fits.append((beta, np.linalg.inv(curvature), weight))
    shares = np.exp(logs - logs.max())
    drawn = []
    for (beta, spread, weight), many in zip(fits, rng.multinomial(_DRAWS, shares / shares.sum()), strict=True):
        effects = rng.multivariate_normal(beta, spread, size=many, method="cholesky")
        prior = np.clip(logistic(effects @ design.T), _LEAST_RATE, 1 - _LEAST_RATE) * weight
        drawn.append(rng.beta(x + prior, n - x + weight - prior))
    return np.concatenate(drawn)


def main_effects(events: Floats, trials: Floats, design: Floats) -> Floats:
    """Rates that a logistic regression on ``design`` expects, by Newton's method with a slight penalty on effects.

    >>> design = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> main_effects(np.array([100.0, 300.0]), np.array([1000.0, 1000.0]), design).round(2).tolist()
    [0.1, 0.3]
    """
    beta, _ = _fitted(events, trials, design)
    return np.clip(logistic(design @ beta), _LEAST_RATE, 1 - _LEAST_RATE)


def _fitted(events: Floats, trials: Floats, design: Floats) -> tuple[Floats, Floats]:
    """The coefficients, and the curvature of the penalised likelihood at them."""
    penalty = np.full(design.shape[1], _PENALTY)
    penalty[0] = 1e-9
    beta = np.zeros(design.shape[1])
    curvature = np.eye(design.shape[1])
    for _ in range(_STEPS):
        rates = logistic(design @ beta)
        gradient = design.T @ (events - trials * rates) - penalty * beta
        curvature = (design * (trials * rates * (1 - rates) + 1e-9)[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        beta = beta + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    return beta, curvature


def _design(places: Sequence[Sequence[int]]) -> Floats:
    """The attributes as columns where there are groups enough, else one common rate."""
    design = _dummies(places)
    k, q = design.shape
    return design[:, :1] if k < FEWEST_GROUPS or k <= q else design


def _dummies(places: Sequence[Sequence[int]]) -> Floats:
    """An intercept, and for each attribute one column a group but its first."""
    codes = np.asarray(places, dtype=np.int64)
    columns = [np.ones(len(codes))]
    for attribute in codes.T:
        columns += [(attribute == code).astype(np.float64) for code in np.unique(attribute)[1:]]
    return np.column_stack(columns)
