"""Two groups compared within strata, as after legitimate factors: common differences, ratios and odds ratios.

Strata are pairs of counts ``((x1, n1), (x2, n2))``, group first, reference second. A stratum in which one group
is absent holds no comparison and is refused: whoever leaves it out counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from probandum.stats.checking import refuse_count, refuse_trials
from probandum.stats.families import Family
from probandum.stats.intervals import Interval, interval_of
from probandum.stats.strata import STRATIFIED, Pair, Stratum, odds_sums, paired

Strata = Sequence[tuple[Pair, Pair]]
StratifiedMethod = Literal["stratified-miettinen-nurminen", "mantel-haenszel-difference"]


def stratified_difference_interval(
    strata: Strata,
    *,
    level: float = 0.95,
    method: StratifiedMethod = "stratified-miettinen-nurminen",
) -> Interval:
    """Interval of the difference of two shares within strata, weights n1 n2 / (n1 + n2), neutral value 0.

    Two strata of 20 and 20, differences 0.2 and 0.4, count alike:

    >>> strata = [((12, 20), (8, 20)), ((14, 20), (6, 20))]
    >>> interval = stratified_difference_interval(strata)
    >>> round(interval.value, 9), interval.low > 0
    (0.3, True)

    ``mantel-haenszel-difference`` (Sato's variance) refuses tables in which no cell speaks against the difference.
    """
    return interval_of(stratified_family(method, flat(strata)), level=level, method=method)


def stratified_ratio_interval(strata: Strata, *, level: float = 0.95) -> Interval:
    """Interval of the common ratio of two shares, from 0 upwards, neutral value 1 (Mantel-Haenszel).

    ValueError where a group has no event in any stratum: its ratio has no logarithm.

    >>> interval = stratified_ratio_interval([((12, 20), (6, 20)), ((8, 20), (4, 20))])
    >>> interval.value, round(interval.low * interval.high, 9)
    (2.0, 4.0)
    """
    method = "mantel-haenszel-ratio"
    return interval_of(stratified_family(method, flat(strata)), level=level, method=method)


def odds_ratio_interval(strata: Strata, *, level: float = 0.95) -> Interval:
    """Interval of the common odds ratio, from 0 upwards, neutral value 1 (Mantel-Haenszel, Robins et al.).

    >>> interval = odds_ratio_interval([((10, 20), (5, 20))])
    >>> round(interval.value, 9), round(interval.low, 4), round(interval.high, 4)  # SE^2 = 1/10+1/10+1/5+1/15
    (3.0, 0.7864, 11.4447)
    """
    method = "mantel-haenszel-odds"
    return interval_of(stratified_family(method, flat(strata)), level=level, method=method)


def stratified_family(method: str, counts: Iterable[Pair]) -> Family:
    """The checked family of pairs of counts: group and reference of the first stratum, of the second, and so on."""
    strata = checked(counts)
    if method not in STRATIFIED:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(STRATIFIED)}")
    if method == "mantel-haenszel-odds":
        refuse_odds(strata)
    if method == "mantel-haenszel-ratio":
        for name, events in {"group": sum(s[0] for s in strata), "reference": sum(s[2] for s in strata)}.items():
            if events == 0:
                raise ValueError(f"the {name} has no event in any stratum; {method} expects at least 1, or no ratio")
    family = STRATIFIED[method](strata)
    if family.standard_error == 0:
        raise ValueError(f"no cell speaks against the value; {method} has no variance, use {next(iter(STRATIFIED))}")
    return family


def flat(strata: Strata) -> list[Pair]:
    """The pairs of all strata in a row, as an ``Estimate`` keeps them."""
    for stratum in strata:
        if len(stratum) != 2 or any(len(pair) != 2 for pair in stratum):
            raise ValueError(f"strata holds {stratum}; expected ((x1, n1), (x2, n2))")
    return [pair for stratum in strata for pair in stratum]


def checked(counts: Iterable[Pair]) -> tuple[Stratum, ...]:
    """The strata of pairs of counts; ValueError naming the first that cannot be."""
    pairs = list(counts)
    if not pairs or len(pairs) % 2:
        raise ValueError(f"counts are {len(pairs)} pairs; expected group and reference of 1 stratum or more")
    for index, (x, n) in enumerate(pairs):
        place = f"{('1', '2')[index % 2]} of stratum {index // 2 + 1}"
        refuse_trials(f"n{place}", n)
        refuse_count(f"x{place}", x, n, "n")
    return paired(pairs)


def refuse_odds(strata: Sequence[Stratum]) -> Sequence[Stratum]:
    """The strata; ValueError where they have no common odds ratio, or none with a logarithm."""
    if 0 in odds_sums(strata):
        raise ValueError("the common odds ratio is 0, infinite or undefined; expected events and others on both sides")
    return strata
