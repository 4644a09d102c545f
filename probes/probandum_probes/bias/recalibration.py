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
from probandum.subject import Bools, Codes

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


class Sample(NamedTuple):
    """How rows were drawn: what each weighs, and codes from 0 of the persons whose rows they are."""

    weights: Floats
    persons: Codes


class Interaction(NamedTuple):
    """The likelihood-ratio test of "one line for all groups" against a line of its own for each."""

    statistic: float
    df: int
    p: float


def recalibrated(p: Floats, positive: Bools, sample: Sample | None = None) -> Line | str:
    """The line of most likelihood, by Newton's method; in words why there is none.

    With a ``sample`` the likelihood is weighted, and the errors are those of its score summed over persons (Binder
    1983), times ``sqrt(k / (k - 1))`` for k of them; else they are those of the likelihood.

    >>> line = recalibrated(np.repeat([0.2, 0.8], 10), np.array([1] * 2 + [0] * 8 + [1] * 8 + [0] * 2) == 1)
    >>> abs(line.intercept) < 1e-9, round(line.slope, 9)  # 2 of 10 and 8 of 10 came true
    (True, 1.0)
    """
    each = np.ones(len(p)) if sample is None else sample.weights
    standing = each > 0
    p, positive, each = p[standing], positive[standing], each[standing] / each[standing].mean()
    if len(np.unique(p)) < 2:
        return "all predictions are alike, and through one point goes no line"
    if positive.all() or not positive.any():
        return "all outcomes are alike, so that no line is most likely"
    design = np.column_stack([np.ones(len(p)), log_odds(p)])
    y = positive.astype(np.float64)
    beta = np.array([0.0, 1.0])
    best = _likelihood(design @ beta, y, each)
    for _ in range(_STEPS):
        shares = logistic(design @ beta)
        try:
            step = np.linalg.solve(_information(design, shares, each), design.T @ (each * (y - shares)))
        except np.linalg.LinAlgError:
            return _SEPARATED
        likelihood = _likelihood(design @ (beta + step), y, each)
        while likelihood < best - 1e-9 and float(np.abs(step).max()) > _CLOSE:
            step = step / 2
            likelihood = _likelihood(design @ (beta + step), y, each)
        beta, best = beta + step, likelihood
        if float(np.abs(beta).max()) > _RUNAWAY:
            return _SEPARATED
        if float(np.abs(step).max()) < _CLOSE:
            break
    shares = logistic(design @ beta)
    information = _information(design, shares, each)
    if np.linalg.cond(information) > 1e14 or best > -1e-6:
        return _SEPARATED
    variance = np.linalg.inv(information)
    if sample is not None:
        variance = (
            variance @ _over_persons(design * (each * (y - shares))[:, None], sample.persons[standing]) @ variance
        )
    errors = np.sqrt(np.diag(variance))
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
    scores, outcomes = zip(*groups, strict=True)
    whole = recalibrated(np.concatenate(scores), np.concatenate(outcomes))
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


def logistic(logits: Floats) -> Floats:
    """The probabilities behind log-odds."""
    from scipy.special import expit

    return np.asarray(expit(logits), dtype=np.float64)


def _likelihood(logits: Floats, y: Floats, each: Floats) -> float:
    return float((each * (y * logits - np.logaddexp(0.0, logits))).sum())


def _information(design: Floats, shares: Floats, each: Floats) -> Floats:
    return np.asarray((design * (each * shares * (1 - shares))[:, None]).T @ design, dtype=np.float64)


def _over_persons(scores: Floats, persons: Codes) -> Floats:
    """The variance of a score of several columns, added up over persons."""
    names, place = np.unique(persons, return_inverse=True)
    sums = np.column_stack([np.bincount(place, weights=column) for column in scores.T])
    return np.asarray(len(names) / (len(names) - 1) * (sums.T @ sums), dtype=np.float64)
