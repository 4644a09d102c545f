"""Bounds at any level and p-values at any limit, from what an estimate keeps.

    wilson, clopper-pearson                       counts = ((x, n),)
    newcombe, miettinen-nurminen, koopman, katz   counts = ((x1, n1), (x2, n2)), group first, reference second
    stratified-miettinen-nurminen,                counts = ((x1, n1), (x2, n2)) of each stratum in a row
    mantel-haenszel-difference, -ratio, -odds
    hypergeometric                                counts = ((x, k), (K, N)), of the top k and of the pool N
    tango, mcnemar-tango                          counts = ((better, worse), (n, n))
    paired-gap                                    counts = ((better1, worse1), (n1, n1), (better2, worse2), (n2, n2))
    t, two-way, welch, cr2, delong-difference     moments = (value, standard error, degrees of freedom)
    delong                                        likewise, of the AUC; bounds are taken on its logit
    cr2-logit                                     likewise, of a share
    korn-graubard                                 likewise; bounds are exact ones of as many trials as say as much
    share-t, share-difference-t                   likewise, of a share or a difference of two; bounds are cut off at 0,
                                                  or -1, and 1
    amount-t                                      likewise, of an amount; the lower bound is cut off at 0
    log-t                                         moments of the logarithm of the value, likewise
    log-change                                    moments of the logarithm of 1 + the value, likewise
    bootstrap, bca                                draws, sorted, with the observed value
    inverted                                      draws of a confidence distribution, as ``exposure_ratio_draws`` gives
    posterior                                     quantiles of a posterior in place of draws; for display
    monte-carlo                                   quantiles of what uncertain factors make together; for display
    sequential                                    stream, in the order in which it was drawn
    exact, extreme                                value; of an extreme of several estimates there is no interval

So a limit can be changed, and a finding judged again, without asking the audited system anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from probandum.finding import POINTS, Stream
from probandum.stats.auc import DeLong
from probandum.stats.betting import Betting
from probandum.stats.checking import refuse_number
from probandum.stats.families import Exact, Family
from probandum.stats.hypergeometric import TopShare, top_share
from probandum.stats.intervals import (
    Interval,
    difference_family,
    interval_of,
    paired_family,
    ratio_family,
    share_family,
)
from probandum.stats.means import CutStudent, LogChange, LogStudent, Student
from probandum.stats.paired import McNemarTango, PairedGap, paired_gap
from probandum.stats.resampling import resampled
from probandum.stats.scores import ClopperPearson, Katz, Koopman, MiettinenNurminen, Newcombe, Tango, Wilson
from probandum.stats.strata import STRATIFIED, scaled_strata
from probandum.stats.stratified import stratified_family
from probandum.stats.survey import korn_graubard

Counts = Sequence[tuple[float, float]]

ONE_SHARE = ("wilson", "clopper-pearson")
DIFFERENCES = ("newcombe", "miettinen-nurminen")
RATIOS = ("koopman", "katz")
PAIRS = ("tango", "mcnemar-tango")
PAIRED_GAP = "paired-gap"
TOP = "hypergeometric"
LOG_CHANGE = "log-change"
#: Between which ends a share lies, a difference of two, and an amount.
ENDS = {"share-t": (0.0, 1.0), "share-difference-t": (-1.0, 1.0), "amount-t": (0.0, math.inf)}
MOMENTS = ("t", "two-way", "welch", "cr2", "delong-difference", "log-t", LOG_CHANGE, *ENDS)
#: Moments of a share whose bounds are taken on its logit.
LOGITS = ("delong", "cr2-logit")
EFFECTIVE = "korn-graubard"
POSTERIOR = "posterior"
MONTE_CARLO = "monte-carlo"
RESAMPLED = ("bootstrap", "bca", "inverted", POSTERIOR, MONTE_CARLO)
METHODS = (
    *ONE_SHARE,
    *DIFFERENCES,
    *RATIOS,
    *STRATIFIED,
    *PAIRS,
    PAIRED_GAP,
    TOP,
    *MOMENTS,
    *LOGITS,
    EFFECTIVE,
    *RESAMPLED,
    "sequential",
    *POINTS,
)

#: Families of counts without their checks, for designs that are scaled to numbers no data have.
_SCALED: Mapping[str, Callable[..., Family]] = {
    "wilson": Wilson,
    "clopper-pearson": ClopperPearson,
    "newcombe": Newcombe,
    "miettinen-nurminen": MiettinenNurminen,
    "koopman": Koopman,
    "katz": Katz,
    "tango": Tango,
    "mcnemar-tango": McNemarTango,
}


def bounds(
    method: str,
    *,
    level: float,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> Interval:
    """The two-sided interval at ``level``; at ``1 - 2 alpha`` its ends are the one-sided bounds at ``alpha``.

    ValueError for an unknown method, or where the method's basis is absent or not what it should be.

    >>> bounds("t", level=0.9, moments=(1.0, 0.5, 10.0)).low < 1.0
    True
    """
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    if isinstance(family, Student | DeLong):
        return family.interval(level=level, method=method)
    return interval_of(family, level=level, method=method)


def p_value(
    method: str,
    limit: float,
    *,
    side: Literal["above", "below"],
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> float:
    """The one-sided p-value that the quantity lies on ``side`` of ``limit``; small means: it does.

    ``above`` tests "quantity <= limit", ``below`` tests "quantity >= limit". It inverts the interval of the
    same method: p < alpha exactly where the one-sided bound at ``alpha`` excludes the limit.

    >>> round(p_value("clopper-pearson", 0.5, side="above", counts=((9, 10),)), 6)  # 11 / 1024
    0.010742
    """
    refuse_number("limit", limit)
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    if side == "above":
        return family.p_above(limit)
    if side == "below":
        return family.p_below(limit)
    raise ValueError(f"side is {side!r}; expected above or below")


def family_of(
    method: str,
    *,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> Family:
    """The checked interval family of ``method``; ValueError naming what is wrong."""
    if method in ONE_SHARE:
        ((x, n),) = _pairs(method, counts, 1)
        return share_family(method, x, n)
    if method in (*DIFFERENCES, *RATIOS):
        (x1, n1), (x2, n2) = _pairs(method, counts, 2)
        checked = difference_family if method in DIFFERENCES else ratio_family
        return checked(method, x1, n1, x2, n2)
    if method == TOP:
        (x, top), (members, pool) = _pairs(method, counts, 2)
        return top_share(x, top, members, pool)
    if method in PAIRS:
        (better, worse), (n, same) = _pairs(method, counts, 2)
        if n != same:
            raise ValueError(f"counts ends in ({n}, {same}); {method} expects ((better, worse), (n, n))")
        tango = paired_family(better, worse, n)
        return tango if method == "tango" else McNemarTango(better, worse, n)
    if method == PAIRED_GAP:
        (better1, worse1), (n1, same1), (better2, worse2), (n2, same2) = _pairs(method, counts, 4)
        if (n1, n2) != (same1, same2):
            raise ValueError(
                f"counts has ({n1}, {same1}) and ({n2}, {same2}); "
                f"{method} expects ((better, worse), (n, n)) for a group and its reference"
            )
        return paired_gap(better1, worse1, n1, better2, worse2, n2)
    if method in STRATIFIED:
        if counts is None:
            raise ValueError(f"counts is None; {method} expects 2 pairs of counts a stratum")
        return stratified_family(method, counts)
    if method in (*MOMENTS, *LOGITS, EFFECTIVE):
        if moments is None or len(moments) != 3:
            raise ValueError(f"moments is {moments}; {method} expects (value, standard error, degrees of freedom)")
        if method == EFFECTIVE:
            return korn_graubard(*moments)
        if method in LOGITS:
            return DeLong(area=moments[0], standard_error=moments[1], df=moments[2])
        student = Student(mean=moments[0], standard_error=moments[1], df=moments[2])
        if method in ENDS:
            least, most = ENDS[method]
            return CutStudent(whole=student, least=least, most=most)
        if method == LOG_CHANGE:
            return LogChange(logarithm=student)
        return LogStudent(logarithm=student) if method == "log-t" else student
    if method in RESAMPLED:
        if draws is None:
            raise ValueError(f"draws is None; {method} expects sorted resampled values")
        return resampled(value, draws)
    if method == "sequential":
        if stream is None:
            raise ValueError("stream is None; sequential expects the outcomes in the order in which they were drawn")
        return Betting(stream=stream)
    if method in POINTS:
        refuse_number("value", value)
        assert value is not None
        return Exact(known=value)
    raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")


def scaled_family(method: str, counts: Counts, factor: float = 1.0) -> Family:
    """The family of the same proportions from ``factor`` times as many observations, whole or not."""
    if method in STRATIFIED:
        return STRATIFIED[method](scaled_strata(counts, factor))
    cells = [cell * factor for pair in counts for cell in pair]
    if method == TOP:
        return TopShare(*map(round, cells))
    if method == PAIRED_GAP:
        return PairedGap(*cells[:3], *cells[4:7])
    return _SCALED[method](*(cells[:3] if method in PAIRS else cells))


def _pairs(method: str, counts: Counts | None, expected: int) -> Counts:
    if counts is None or len(counts) != expected or any(len(pair) != 2 for pair in counts):
        raise ValueError(f"counts is {counts}; {method} expects {expected} pair{'s' * (expected > 1)} of counts")
    return counts
