"""An estimate in words: its value, interval and n, and how these came about."""

from __future__ import annotations

from probandum import sampling
from probandum.finding import EXACT, EXTREME, Estimate
from probandum_reports import wording
from probandum_reports.messages import said
from probandum_reports.saying import figures, joined, no_value, number, unit


def value(estimate: Estimate) -> str:
    """The point estimate with its unit.

    >>> value(Estimate.missing("no positives", unit="share"))
    'no value'
    """
    return no_value() if estimate.value is None else f"{_figures(estimate)[0]} {unit(estimate.unit)}".rstrip()


def _figures(estimate: Estimate) -> list[str]:
    """Value, low and high in one notation."""
    numbers = [part for part in (estimate.value, estimate.low, estimate.high) if part is not None]
    return figures(numbers, estimate.unit)


def interval(estimate: Estimate) -> str:
    """The two-sided interval, with as many decimals as the value, or why none stands there.

    Of a posterior it is none that holds at a rate.

    >>> interval(Estimate(value=0.832, low=0.744, high=0.931, n=500, unit="ratio", method="koopman"))
    '95 % interval 0.744 to 0.931'
    >>> interval(Estimate(value=0.029, low=0.021, high=0.041, n=66, unit="share", method="posterior"))
    '95 % of a posterior 0.021 to 0.041, without an error rate'
    >>> interval(Estimate(value=0.046, low=0.046, high=0.046, n=500, unit="p-value", method="point"))
    'p-value, no interval'
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    if estimate.unit == "p-value" and not estimate.bounded:
        return said("p-value, no interval")
    if estimate.method == EXACT:
        of_posterior = "posterior" in (estimate.design or "")
        return said("of a posterior, no interval") if of_posterior else said("exact, no interval")
    if estimate.method == EXTREME:
        return said("an extreme of estimates, no interval is computed")
    if not estimate.bounded:
        return said("no interval is computed")
    _, low, high = _figures(estimate)
    level = number(round(100 * estimate.level, 6))
    if estimate.method == "posterior":
        return said("{level} % of a posterior {low} to {high}, without an error rate", level=level, low=low, high=high)
    return said("{level} % interval {low} to {high}", level=level, low=low, high=high)


def n(estimate: Estimate) -> str:
    """How many observations stand behind the estimate, and how many count where they are clustered.

    >>> n(Estimate.missing("no positives", n=1200, unit="share"))
    'n = 1,200'
    """
    return sampling.counted(estimate)


def n_alone(estimate: Estimate) -> str:
    """How many observations stand behind the estimate, however they come.

    >>> n_alone(Estimate.missing("no positives", n=1200, unit="share"))
    'n = 1,200'
    """
    return said("n = {n:,}", n=estimate.n)


def method(estimate: Estimate) -> str:
    """The interval's method, and the design where the probe states one."""
    if estimate.method is None:
        return ""
    if estimate.method == EXACT and "posterior" in (estimate.design or ""):
        how = design(estimate.design or "")
        return said("{how}: for display, without an error rate", how=how)
    text = wording.METHODS.get(estimate.method, estimate.method)
    return f"{text}; {design(estimate.design)}" if estimate.design else text


def design(text: str) -> str:
    """How the observations were drawn, with the clusters that a design names in words.

    >>> design("cluster=seed text"), design("two_way=template x name"), design("rows resampled")
    ('clusters are seed texts', 'templates and names are both samples', 'rows resampled')
    """
    _, _, rest = text.partition(";")
    sampled = [sampling.plural(unit) for unit in sampling.units(text)]
    if not sampled:
        return text
    names = joined(sampled)
    how = (
        said("clusters are {names}", names=names)
        if len(sampled) == 1
        else said("{names} are both samples", names=names)
    )
    return f"{how};{rest}" if rest else how
