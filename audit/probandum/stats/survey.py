"""Exact bounds of a share that was weighted, or counted over clusters: those of as many trials as say as much."""

from __future__ import annotations

from probandum.stats.checking import refuse_number
from probandum.stats.scores import ClopperPearson

#: The error rate at which few degrees of freedom are made up for, as Korn and Graubard do for an interval of 95 %.
_ALPHA = 0.025


def effective_trials(share: float, standard_error: float, df: float) -> float:
    """How many independent trials say as much about a share as its standard error does.

    ``(1 + p (1 - p) / SE^2) (t_{n - 1} / t_df)^2``, quantiles of 97.5 %: n of a simple random sample of n. Where
    nothing varied (standard error 0) ``df`` itself counts trials.

    >>> round(effective_trials(0.5, (0.25 / 99) ** 0.5, 99.0), 9)
    100.0
    """
    if standard_error == 0:
        return df
    from scipy.special import stdtrit

    trials = 1 + share * (1 - share) / standard_error**2
    return trials * float(stdtrit(max(trials - 1, 1.0), _ALPHA) / stdtrit(df, _ALPHA)) ** 2


def korn_graubard(share: float, standard_error: float, df: float) -> ClopperPearson:
    """Clopper's and Pearson's bounds of the effective trials (Korn and Graubard 1998).

    They hold where few events are expected, as linearised intervals do not. ValueError for what is no share.
    """
    for name, number in {"share": share, "standard error": standard_error, "degrees of freedom": df}.items():
        refuse_number(name, number)
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected from 0 to 1")
    if standard_error < 0 or (standard_error > 0 and share in (0, 1)):
        raise ValueError(f"standard error is {standard_error} at a share of {share}; expected 0")
    if standard_error == 0 and 0 < share < 1:
        raise ValueError(f"standard error is 0 at a share of {share}; expected more than 0")
    if df <= 0:
        raise ValueError(f"degrees of freedom are {df}; expected more than 0")
    trials = effective_trials(share, standard_error, df)
    return ClopperPearson(share * trials, trials)
