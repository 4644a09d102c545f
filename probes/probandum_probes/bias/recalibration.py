"""Logistic recalibration: which line in log-odds turns predicted probabilities into those that came true.

``logit P(positive) = intercept + slope * logit(predicted)``: 0 and 1 where predictions come true; a slope below 1
says that they are too far out (Cox 1958).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from probandum.evidence import Floats
from probandum.subject import Bools

#: Predictions enter as if they lay no closer to 0 and 1 than this, where log-odds would be infinite.
LEAST = 1e-6
#: Newton steps, the change at which they end, and the log-odds beyond which nothing keeps a coefficient finite.
_STEPS, _CLOSE, _RUNAWAY = 100, 1e-10, 1e3


class Line(NamedTuple):
    """A fitted line with the standard errors of both coefficients and the log-likelihood in nats."""

    intercept: float
    slope: float
    intercept_error: float
    slope_error: float
    likelihood: float


class Interaction(NamedTuple):
    """The likelihood-ratio test of "one line for all groups" against a line of its own for each."""

    statistic: float
    df: int
    p: float


def recalibrated(p: Floats, positive: Bools) -> Line | str:
    """The line of most likelihood, by Newton's method; in words why there is none.

    >>> line = recalibrated(np.repeat([0.2, 0.8], 10), np.array([1] * 2 + [0] * 8 + [1] * 8 + [0] * 2) == 1)
    >>> abs(line.intercept) < 1e-9, round(line.slope, 9)  # 2 of 10 and 8 of 10 came true
    (True, 1.0)
    """
    if len(np.unique(p)) < 2:
        return "all predictions are alike, and through one point goes no line"
    if positive.all() or not positive.any():
        return "all outcomes are alike, so that no line is most likely"
    design = np.column_stack([np.ones(len(p)), log_odds(p)])
    y = positive.astype(np.float64)
    beta = np.array([0.0, 1.0])
    best = _likelihood(design @ beta, y)
    for _ in range(_STEPS):
        shares = _share(design @ beta)
        weights = shares * (1 - shares)
        information = (design * weights[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (y - shares))
        except np.linalg.LinAlgError:
            return _SEPARATED
        likelihood = _likelihood(design @ (beta + step), y)
        while likelihood < best - 1e-9 and float(np.abs(step).max()) > _CLOSE:
            step = step / 2
            likelihood = _likelihood(design @ (beta + step), y)
        beta, best = beta + step, likelihood
        if float(np.abs(beta).max()) > _RUNAWAY:
            return _SEPARATED
        if float(np.abs(step).max()) < _CLOSE:
            break
    shares = _share(design @ beta)
    information = (design * (shares * (1 - shares))[:, None]).T @ design
    if np.linalg.cond(information) > 1e14 or best > -1e-6:
        return _SEPARATED
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return Line(
        intercept=float(beta[0]),
        slope=float(beta[1]),
        intercept_error=float(errors[0]),
        slope_error=float(errors[1]),
        likelihood=best,
    )


_SEPARATED = "predictions part the outcomes without a mistake, so that no line is most likely"


def interaction(groups: Sequence[tuple[Floats, Bools]]) -> Interaction | str:
    """Whether lines of groups differ; twice the gain in log-likelihood against chi-squared of 2 (k - 1) degrees.

    In words why there is no test: fewer than two groups, or a group without a line.
    """
    if len(groups) < 2:
        return "there are no two groups large enough to compare"
    lines = [recalibrated(*each) for each in groups]
    whole = recalibrated(*(np.concatenate(part) for part in zip(*groups, strict=True)))
    for line in (*lines, whole):
        if isinstance(line, str):
            return line
    from scipy.special import chdtrc

    assert not isinstance(whole, str)
    apart = math.fsum(line.likelihood for line in lines if not isinstance(line, str))
    statistic = max(0.0, 2 * (apart - whole.likelihood))
    df = 2 * (len(groups) - 1)
    return Interaction(statistic=statistic, df=df, p=float(chdtrc(df, statistic)))


def log_odds(p: Floats) -> Floats:
    """Log-odds of probabilities, 0 and 1 at a distance of ``LEAST``."""
    kept = np.clip(p, LEAST, 1 - LEAST)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)


def _share(logits: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(logits), dtype=np.float64)


def _likelihood(logits: Floats, y: Floats) -> float:
    return float((y * logits - np.logaddexp(0.0, logits)).sum())
