"""Steadiness: whether a verdict stands whichever way was asked, by halves of the ways and without each of them.

Both contradict a verdict. Halves find what half of the wordings do; half of the data leaves much open, and what one
wording of five does may lie in either half. So where wordings differ beyond chance, a verdict must stand without each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from probandum import stats
from probandum.finding import Estimate, Limit, Verdict
from probandum.weighing import ALPHA_PASS, basis_of

#: From which p-value on ways to ask are taken to differ.
DIFFERING = 0.01


class Halves(NamedTuple):
    """One quantity by either half of the ways to ask, and what the halves are called."""

    first: Estimate
    second: Estimate
    names: tuple[str, str] = ("one half of the wordings", "the other half")


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """One quantity without each of the ways to ask, by the name of the one left out.

    ``what``: what a way is, such as ``wording``. ``p``: the p-value of the hypothesis that it is the same in all.
    """

    what: str
    p: float
    without: Mapping[str, Estimate]


def unsteady(verdict: Verdict, limit: Limit, halves: tuple[Halves, ...], varied: Varied | None) -> str | None:
    """How the ways to ask contradict a verdict; None where they do not."""
    found = next((told for each in halves if (told := torn(each, limit)) is not None), None)
    return found if found is not None or varied is None else resting(verdict, limit, varied)


def torn(halves: Halves, limit: Limit) -> str | None:
    """How either half of the ways to ask contradicts the other; None where they do not.

    Each is weighed alone at one-sided 5 %: one lies within the limit and the other beyond it, or they lie beyond
    opposite ends. A half that is merely open, having half of the data, contradicts nothing.

    >>> within, beyond = (
    ...     Estimate(value=v, low=v - 0.02, high=v + 0.02, n=50, unit="logit", method="t", moments=(v, 0.01, 50.0))
    ...     for v in (0.0, 0.5)
    ... )
    >>> torn(Halves(within, beyond, ("letters", "numbers")), Limit(metric="p/m", direction="band", threshold=0.25))
    'within the limit by letters (0.000) and beyond it by numbers (0.500)'
    """
    if halves.first.value is None or halves.second.value is None:
        return None
    first, second = (_position(half, limit) for half in halves[:2])
    if first == second or "open" in (first, second):
        return None
    one, other = (f"by {name} ({half.value:.3f})" for name, half in zip(halves.names, halves[:2], strict=True))
    if first == "within":
        return f"within the limit {one} and beyond it {other}"
    if second == "within":
        return f"beyond the limit {one} and within it {other}"
    return f"beyond opposite ends of the limit {one} and {other}"


def resting(verdict: Verdict, limit: Limit, varied: Varied) -> str | None:
    """Without which way to ask a verdict does not stand, where they differ beyond chance; None elsewhere.

    The quantity without it is weighed alone at one-sided 5 %. Of several that which moves it furthest is named. None
    stands where the quantity lies beyond opposite ends, without one way and without another.

    >>> alone = Estimate(value=0.0, low=-0.02, high=0.02, n=50, unit="logit", method="t", moments=(0.0, 0.01, 50.0))
    >>> limit = Limit(metric="p/m", direction="band", threshold=0.25)
    >>> resting(Verdict.FAIL, limit, Varied(what="wording", p=0.001, without={"3": alone}))
    'beyond the limit by all wordings together, which differ (p = 0.001), and without wording 3 it is not (0.000)'
    >>> resting(Verdict.FAIL, limit, Varied(what="wording", p=0.2, without={"3": alone}))
    """
    if varied.p >= DIFFERING:
        return None
    values = {name: each.value for name, each in varied.without.items() if each.value is not None}
    where = {name: _position(varied.without[name], limit) for name in values}
    if set(where.values()) >= {"above", "below"}:
        high, low = max(values, key=lambda name: values[name]), min(values, key=lambda name: values[name])
        told = f"without {varied.what} {high} ({values[high]:.3f}) and without {low} ({values[low]:.3f})"
        return f"beyond opposite ends of the limit {told}, which differ (p = {varied.p:.3g})"
    kept = {Verdict.PASS: ("within",), Verdict.FAIL: ("above", "below")}.get(verdict)
    changed = [name for name in values if kept is not None and where[name] not in kept]
    if not changed:
        return None
    middle = sum(values.values()) / len(values)
    name = max(changed, key=lambda each: abs(values[each] - middle))
    side = "within" if verdict is Verdict.PASS else "beyond"
    told = f"differ (p = {varied.p:.3g}), and without {varied.what} {name} it is not ({values[name]:.3f})"
    return f"{side} the limit by all {varied.what}s together, which {told}"


def _position(estimate: Estimate, limit: Limit) -> str:
    low, high = limit.edges()
    found = stats.bounds(estimate.method or "", level=1 - 2 * ALPHA_PASS, **basis_of(estimate))
    if (low is None or found.low >= low) and (high is None or found.high <= high):
        return "within"
    if high is not None and found.low > high:
        return "above"
    return "below" if low is not None and found.high < low else "open"
