"""Controls of a meter by work whose energy is known: twice the work takes twice, and rest takes idle power (C-4).

Beyond idle power, that is: gross energy grows with time alone. Each says whether it held, None where the noise of its
windows is too large to tell or there is nothing to meter, and the numbers in words.
"""

from __future__ import annotations

from collections.abc import Sequence

from probandum import stats
from probandum.evidence import Request
from probandum.probe import Ask, Window

#: How far twice may lie from 2, as a share; how far rest may lie from idle power.
TWICE, REST = 0.025, 0.02
#: Windows of twice the length, and of their work the share that has to lie beyond idle power for any statement.
_REPEATS, _BEYOND = 3, 0.05
_UNMETERED = "no meter reads the work, so that none of known size was metered"


def twice_takes_twice(
    ask: Ask, work: Sequence[Request], *, repeats: int, seconds: float, warm_up: int
) -> tuple[bool | None, str]:
    """Whether windows of twice the length take twice the net joules, that is as many for each request as short ones."""
    if not ask.metered:
        return True, _UNMETERED
    short = list(ask.window(work, repeats=repeats, seconds=seconds, warm_up=warm_up))
    long = list(ask.window(work, repeats=_REPEATS, seconds=2 * seconds, warm_up=warm_up))
    if any(window.reading.idle_watts is None for window in (*short, *long)):
        return None, "idle power was not read, so that nothing is known to take twice"
    once, twice = _net(short), _net(long)
    if once is None or twice is None:
        return None, "the work took hardly more than idle power, so that twice of it cannot be told"
    found = stats.relative_change_interval(twice, once)
    said = f"twice the work: {2 * (1 + found.value):.3f} times the net joules ({2 * (1 + found.low):.3f} to "
    said += f"{2 * (1 + found.high):.3f})"
    return _within(found.value, found.low, found.high, TWICE), said


def rest_is_idle(ask: Ask) -> tuple[bool | None, str]:
    """Whether every other window at rest takes what those between them do: E_net is 0 within 2 % of idle energy."""
    rest = list(ask.rest())
    if not rest:
        return (None, "nothing was metered at rest") if ask.metered else (True, _UNMETERED)
    watts = [(window.reading.joules or 0.0) / window.reading.seconds for window in rest]
    idle, asleep = watts[::2], watts[1::2]
    if min(watts) <= 0:
        return None, "the counter did not move at rest, so that idle power cannot be told"
    found = stats.relative_change_interval(asleep, idle)
    said = f"rest: {100 * found.value:+.2f} % of idle power ({100 * found.low:+.2f} to {100 * found.high:+.2f})"
    return _within(found.value, found.low, found.high, REST), said


def _within(value: float, low: float, high: float, most: float) -> bool | None:
    """Held where the value is within; failed where the whole interval lies beyond; else nobody can tell.

    >>> _within(0.01, -0.02, 0.04, 0.025), _within(0.04, 0.03, 0.05, 0.025), _within(0.04, -0.02, 0.1, 0.025)
    (True, False, None)
    """
    if abs(value) <= most:
        return True
    return False if low > most or high < -most else None


def _net(windows: Sequence[Window]) -> list[float] | None:
    """Net joules for each request; None where they are not known, or hardly more than nothing."""
    found = [(each.reading.net_joules, each.reading.joules, each.requests) for each in windows]
    if any(net is None or gross is None or net <= _BEYOND * gross for net, gross, _ in found):
        return None
    return [(net or 0.0) / requests for net, _, requests in found]
