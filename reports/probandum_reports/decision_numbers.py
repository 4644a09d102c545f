"""Numbers of one explained decision: shares in per cent, as people read them, and log-odds for the annex."""

from __future__ import annotations

import math
from collections.abc import Sequence

from probandum.reasons import Counted, Spread
from probandum_reports.messages import said


def share_of(log_odds: float) -> float:
    """The probability behind log-odds.

    >>> share_of(0.0)
    0.5
    """
    return 1 / (1 + math.exp(-log_odds))


def spread_of(counted: Counted) -> str:
    """The interval of a share, in brackets."""
    low, high = percents([counted.share.low, counted.share.high])
    return said("(95 % interval {low} to {high})", low=low, high=high)


def percents(values: Sequence[float], *, beside: float | None = None) -> list[str]:
    """Shares in per cent, all with as many decimals as tell the different ones apart, ``beside`` among them.

    >>> [text[:-2] for text in (*percents([0.612, 0.7]), *percents([0.6996, 0.7]), *percents([0.9999]))]
    ['61', '70', '69.96', '70.00', '99.99']
    """
    known = [*values, *([] if beside is None else [beside]), 0.0, 1.0]
    different = {round(value, 9) for value in known}
    for places in (0, 1, 2, 3):
        shown = {f"{100 * value:.{places}f}" for value in different}
        if len(shown) == len(different):
            break
    return [f"{100 * value:.{places}f}\u00a0%" for value in values]


def signed(value: float) -> str:
    """A number in log-odds with its sign.

    >>> signed(0.5), signed(-0.04), signed(0.0001)
    ('+0.500', '−0.040', '0.000')
    """
    text = f"{value:+.3f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def ranged(spread: Spread) -> str:
    """A mean in log-odds with its interval, where it has a width."""
    if spread.low == spread.high:
        return signed(spread.value)
    return within(signed(spread.value), signed(spread.low), signed(spread.high))


def within(value: str, low: str, high: str) -> str:
    """A value with its interval.

    >>> within("61", "59", "63")
    '61 (59 to 63)'
    """
    return said("{value} ({low} to {high})", value=value, low=low, high=high)
