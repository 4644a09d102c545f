"""What a design can show: detectable effects, numbers needed, and whether it could pass at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from probandum.finding import POINTS, Stream
from probandum.stats.auc import DeLong
from probandum.stats.basis import (
    DIFFERENCES,
    EFFECTIVE,
    LOGITS,
    MOMENTS,
    MONTE_CARLO,
    ONE_SHARE,
    PAIRS,
    POSTERIOR,
    RATIOS,
    RESAMPLED,
    Counts,
    family_of,
    scaled_family,
)
from probandum.stats.betting import Betting
from probandum.stats.checking import refuse_number, refuse_share, refuse_trials
from probandum.stats.families import Family, normal_quantile
from probandum.stats.hypergeometric import TopShare
from probandum.stats.means import CutStudent, LogChange, LogStudent, Student
from probandum.stats.paired import PairedGap
from probandum.stats.resampling import Resampled
from probandum.stats.scores import ClopperPearson
from probandum.stats.strata import STRATIFIED, scaled_strata, split_strata

ALPHA = 0.05
POWER = 0.80

#: Numbers needed beyond this are none that anybody will collect.
BEYOND = 10**9

_STRATIFIED_RATIOS = ("mantel-haenszel-ratio", "mantel-haenszel-odds")


def minimum_detectable_effect(
    p1: float, n1: int, p2: float, n2: int, *, alpha: float = ALPHA, power: float = POWER, sides: int = 2
) -> float:
    """The difference of two shares that a test at ``alpha`` finds with ``power``, near the shares p1 and p2.

    ``(z_{1-alpha/sides} + z_{power}) sqrt(p1 q1 / n1 + p2 q2 / n2)``

    >>> round(minimum_detectable_effect(0.5, 100, 0.5, 100), 3)
    0.198
    """
    for name, share in {"p1": p1, "p2": p2}.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}; expected a share from 0 to 1")
    refuse_trials("n1", n1)
    refuse_trials("n2", n2)
    if sides not in (1, 2):
        raise ValueError(f"sides is {sides}; expected 1 or 2")
    return _reach(alpha / sides, power) * math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)


def n_for_equivalence(p: float, margin: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Observations in each of two groups to PASS ``|difference| <= margin`` when both have the share p.

    ``2 p q (z_{1-alpha} + z_{(1+power)/2})^2 / margin^2``

    >>> n_for_equivalence(0.5, 0.05)
    1713
    """
    refuse_share("p", p)
    refuse_number("margin", margin)
    if margin <= 0:
        raise ValueError(f"margin is {margin}; expected more than 0")
    return math.ceil(2 * p * (1 - p) * (_reach(alpha, (1 + power) / 2) / margin) ** 2)


def n_for_zero_events(limit: float, *, alpha: float = ALPHA) -> int:
    """Trials without an event that bound the rate by ``limit`` (exact, one-sided).

    >>> n_for_zero_events(0.05), n_for_zero_events(0.01)
    (59, 299)
    """
    refuse_share("limit", limit)
    refuse_share("alpha", alpha)
    return math.ceil(math.log(alpha) / math.log1p(-limit))


def detectable(
    method: str,
    *,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> float | None:
    """The smallest effect that this design finds with 80 % power at one-sided 5 %; None where it can't be said.

    An effect is a distance from a limit in the quantity's own unit; for a ratio, how far below 1 the ratio
    must lie (0.2: a ratio of 0.8) near the pooled rate. Shares enter as (x + 1) / (n + 2), so that no events
    do not promise that anything would be seen. None for ``exact`` and ``extreme``, for ``posterior``
    and ``monte-carlo``, which have no error rate, and where nothing varied.
    """
    if method in (POSTERIOR, MONTE_CARLO):
        return None
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    method, counts = _counted(method, counts, family)
    reach = _reach(ALPHA, POWER)
    if isinstance(family, DeLong):
        return reach * family.standard_error if family.standard_error > 0 else None
    if isinstance(family, CutStudent):
        family = family.whole
    if isinstance(family, Student):
        reach = family.quantile(ALPHA) + family.quantile(1 - POWER)
        return reach * family.standard_error if family.standard_error > 0 else None
    if isinstance(family, LogChange):  # an effect is relative to the baseline, whose change is 0
        family = LogStudent(logarithm=replace(family.logarithm, mean=0.0))
    if isinstance(family, LogStudent):
        error = family.logarithm.standard_error
        factor = math.expm1((family.logarithm.quantile(ALPHA) + family.logarithm.quantile(1 - POWER)) * error)
        return factor * family.value if error > 0 else None
    if isinstance(family, Resampled):
        spread = float(family.draws.std(ddof=1))
        return reach * spread if spread > 0 else None
    if isinstance(family, Betting):
        width = max(family.upper(ALPHA) - family.value, family.value - family.lower(ALPHA))
        return width + normal_quantile(1 - POWER) * family.spread() / math.sqrt(len(family.stream.values))
    if counts is None or method in POINTS:
        return None
    if method in STRATIFIED:
        error = STRATIFIED[method](scaled_strata(counts, 1.0)).standard_error
        return -math.expm1(-reach * error) if method in _STRATIFIED_RATIOS else reach * error
    if isinstance(family, PairedGap):
        return reach * family.standard_error
    if isinstance(family, TopShare):
        return reach * family.spread
    if method in ONE_SHARE:
        ((x, n),) = counts
        return reach * math.sqrt(_spread(x, n) / n)
    (x1, n1), (x2, n2) = counts
    if method in DIFFERENCES:
        return reach * math.sqrt(_spread(x1, n1) / n1 + _spread(x2, n2) / n2)
    if method in RATIOS:
        pooled = (x1 + x2 + 1) / (n1 + n2 + 2)
        return -math.expm1(-reach * math.sqrt((1 - pooled) / pooled * (1 / n1 + 1 / n2)))
    better, worse, n = x1, n1, x2
    changed, gap = (better + worse + 1) / (n + 2), (better - worse) / (n + 2)
    return reach * math.sqrt((changed - gap * gap) / n)


def n_for_verdict(
    method: str,
    *,
    low: float | None,
    high: float | None,
    n: int,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
    alpha_pass: float = ALPHA,
    alpha_fail: float = ALPHA,
) -> int | None:
    """About how many observations, of the ``n`` so far, a PASS or FAIL at the observed value would need.

    ``low`` and ``high`` are the edges of what the limit tolerates (None: no edge on that side). Inside them the
    bounds must come to lie inside (PASS), outside them one bound must leave them (FAIL). Counts are scaled and
    their interval asked again; errors of moments and draws shrink with 1 / sqrt(n); the capital betted on a
    stream goes on growing as it would on its outcomes so far. Never less than ``n``.
    None where the value sits on an edge, beyond a billion, and for ``exact`` and ``extreme``, which have no bounds.
    ``alpha_fail`` may be divided by the number of hypotheses, as Holm's first step does.
    """
    refuse_trials("n", n)
    refuse_share("alpha_pass", alpha_pass)
    refuse_share("alpha_fail", alpha_fail)
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    method, counts = _counted(method, counts, family)
    estimate = family.value
    if method in POINTS or estimate in (low, high):
        return None
    below = low is not None and estimate < low
    above = high is not None and estimate > high
    alpha = alpha_fail if below or above else alpha_pass
    if isinstance(family, Betting):
        return _by_growing(family, low, high, n, alpha)
    if isinstance(family, LogChange):  # the same question of the ratio
        low, high = (None if edge is None else 1 + edge for edge in (low, high))
        return _by_shrinking(LogStudent(logarithm=family.logarithm), low, high, n, alpha)
    if method in (*MOMENTS, *RESAMPLED):
        return _by_shrinking(family, low, high, n, alpha)

    def decided(size: int) -> bool:
        if isinstance(family, DeLong):
            larger: Family = family.enlarged(size / n)
        else:
            assert counts is not None
            larger = scaled_family(method, counts, size / n)
        if below:
            return low is not None and larger.upper(alpha) < low
        if above:
            return high is not None and larger.lower(alpha) > high
        return _within(larger, low, high, alpha)

    return _smallest(decided, n)


def can_pass(
    method: str,
    *,
    low: float | None,
    high: float | None,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> bool:
    """Whether data of this size could pass the limit with the edges ``low`` and ``high``, had they come out best.

    A share: any number of events. Two shares, or pairs: as many events (changed pairs) as were seen, split as
    evenly as they can be; where the limit does not tolerate parity, split in any way. Moments and draws: the
    interval, moved to where it fits best, with the width it has. A stream: as many outcomes, all of the best
    kind; in a band, as moments.
    """
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    method, counts = _counted(method, counts, family)
    if _within(family, low, high, ALPHA):
        return True
    if isinstance(family, Betting) and (low is None or high is None):
        best = family.stream.span[low is not None]
        family = Betting(stream=replace(family.stream, values=(best,) * len(family.stream.values)))
        return _within(family, low, high, ALPHA)
    if counts is None or method in (*MOMENTS, *RESAMPLED, *LOGITS, *POINTS):
        if low is None or high is None:
            return True
        if isinstance(family, LogChange):  # the same question of the ratio
            family, low, high = LogStudent(logarithm=family.logarithm), 1 + low, 1 + high
        if isinstance(family, LogStudent):
            return low <= 0 or family.upper(ALPHA) / family.lower(ALPHA) <= high / low
        return family.upper(ALPHA) - family.lower(ALPHA) <= high - low
    parity = 1.0 if method in (*RATIOS, *_STRATIFIED_RATIOS) else 0.0
    tolerated = (low is None or low <= parity) and (high is None or parity <= high)
    if method in STRATIFIED and tolerated:
        return _within(STRATIFIED[method](split_strata(counts, None)), low, high, ALPHA)
    if isinstance(family, PairedGap):
        return not tolerated or _within(family.balanced(), low, high, ALPHA)
    if isinstance(family, TopShare):
        fewest, most = max(0, family.top + family.members - family.pool), min(family.top, family.members)
        seen = family.top * family.members / family.pool
        tried = {math.floor(seen), math.ceil(seen)} if tolerated else range(fewest, most + 1)
        return any(_within(replace(family, x=min(max(x, fewest), most)), low, high, ALPHA) for x in tried)
    first, last, even, split = _splits(method, counts)
    if method not in ONE_SHARE and tolerated:
        return any(_within(split(events), low, high, ALPHA) for events in {math.floor(even), math.ceil(even)})
    # Bounds rise with the events of the group, so the first split whose lower bound holds has the least upper one.
    while low is not None and first < last:
        middle = (first + last) // 2
        if split(middle).lower(ALPHA) >= low:
            last = middle
        else:
            first = middle + 1
    return _within(split(first), low, high, ALPHA)


def _counted(method: str, counts: Counts | None, family: Family) -> tuple[str, Counts | None]:
    """An exact method of effective trials as the one of its counts."""
    if method != EFFECTIVE:
        return method, counts
    assert isinstance(family, ClopperPearson)
    return "clopper-pearson", ((family.x, family.n),)


def _splits(method: str, counts: Counts) -> tuple[int, int, float, Callable[[int], Family]]:
    """The fewest and the most events the group can have, its even share, and the family of any number of them."""
    if method in ONE_SHARE:
        ((x, n),) = counts
        return 0, int(n), x, lambda events: scaled_family(method, ((events, n),))
    if method in STRATIFIED:
        # In thousandths of what the group of each stratum could have; the very ends leave no ratio.
        return 1, 999, 500, lambda part: STRATIFIED[method](split_strata(counts, part / 1000))
    (x1, n1), (x2, n2) = counts
    if method in PAIRS:
        changed, n = int(x1 + n1), x2
        return 0, changed, changed / 2, lambda events: scaled_family(method, ((events, changed - events), (n, n)))
    total = int(x1 + x2)
    # A ratio needs an event in the reference; the logarithm of Katz's one in the group too.
    first = max(0, total - int(n2), int(method == "katz"))
    last = min(int(n1), total - int(method in RATIOS))
    even = min(max(total * n1 / (n1 + n2), first), last)
    return first, last, even, lambda events: scaled_family(method, ((events, n1), (total - events, n2)))


def _within(family: Family, low: float | None, high: float | None, alpha: float) -> bool:
    """Whether both one-sided bounds at ``alpha`` lie inside the edges there are."""
    return (low is None or family.lower(alpha) >= low) and (high is None or family.upper(alpha) <= high)


def _by_shrinking(family: Family, low: float | None, high: float | None, n: int, alpha: float) -> int | None:
    """``n`` times the square of how much the error must shrink for the nearest verdict."""
    estimate = family.value
    edges = [edge for edge in (low, high) if edge is not None]
    if isinstance(family, LogStudent):
        family = family.logarithm
        estimate, edges = family.value, [math.log(edge) for edge in edges if edge > 0]
    if not edges:
        return None
    if isinstance(family, CutStudent):
        family = family.whole
    if isinstance(family, Student):
        reach = family.quantile(alpha) * family.standard_error
    else:
        assert isinstance(family, Resampled)
        reach = normal_quantile(alpha) * float(family.draws.std(ddof=1))
    room = min(abs(estimate - edge) for edge in edges)
    needed = n * (reach / room) ** 2
    return None if needed > BEYOND else max(n, math.ceil(needed))


def _by_growing(family: Betting, low: float | None, high: float | None, n: int, alpha: float) -> int | None:
    """``n`` and the outcomes that the capital of the slowest bet needs to reach 1 / alpha; a census at most."""
    estimate, further = family.value, 0.0
    outside = (low is not None and estimate < low) or (high is not None and estimate > high)
    for edge in (low, high):
        if edge is None or (outside and (estimate < edge) != (edge == low)):
            continue
        side: Literal["above", "below"] = "above" if estimate > edge else "below"
        p, speed = (family.p_above if side == "above" else family.p_below)(edge), family.speed(edge, side)
        if p > alpha:
            further = max(further, math.log(p / alpha) / speed if speed > 0 else math.inf)
    most = min(family.stream.population or BEYOND, BEYOND)
    if n + further > most:
        return family.stream.population
    return n + math.ceil(further)


def _smallest(decided: Callable[[int], bool], n: int) -> int | None:
    """The smallest size from ``n`` on that is decided, taking it that larger ones then are too."""
    undecided, size = n - 1, n
    while not decided(size):
        undecided, size = size, 2 * size
        if size > BEYOND:
            return None
    while size - undecided > 1:
        middle = (size + undecided) // 2
        if decided(middle):
            size = middle
        else:
            undecided = middle
    return size


def _spread(x: float, n: float) -> float:
    """p q of the share p = (x + 1) / (n + 2)."""
    share = (x + 1) / (n + 2)
    return share * (1 - share)


def _reach(alpha: float, power: float) -> float:
    refuse_share("alpha", alpha)
    refuse_share("power", power)
    return normal_quantile(alpha) + normal_quantile(1 - power)
