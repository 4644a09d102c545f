"""Reading a prompt and writing an answer apart: windows of one token and of many, by turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Items
from probandum.finding import Estimate
from probandum.probe import Ask, Measure, Probe, Window, probe
from probandum_probes.energy.meters import doubled_windows, joules_of, least_seconds, metered_by, without_sensor
from probandum_probes.energy.prompts import prompts, written
from probandum_probes.estimates import from_interval

ID = "energy.phases"
#: Seconds of a window that holds no joules.
_UNMETERED = 2.0
_RESOLVING = f"more tokens, longer windows or more pairs (suites.{ID}: tokens, seconds, repeats) would narrow it"


@dataclass(frozen=True, slots=True)
class Pair:
    """A window of answers of one token, and the next one, of answers of many."""

    short: Window
    long: Window

    def split(self, short: float, long: float) -> tuple[float, float]:
        """An amount a token read, and a token written beyond the first, of what either window took.

        4 requests of 10 tokens read and 1 written took 44, 2 requests of 10 read and 11 written took 42: of 21 less 11
        a request, 10 tokens more took 10, that is 1 each; the 10 tokens read took the other 10.

        >>> from probandum.evidence import Reading
        >>> reading = Reading(seconds=1.0, meter="none", grade="D")
        >>> windows = [
        ...     Window(reading=reading, requests=n, input_tokens=10 * n, output_tokens=written * n)
        ...     for n, written in ((4, 1), (2, 11))
        ... ]
        >>> Pair(*windows).split(44.0, 42.0)
        (1.0, 1.0)
        """
        (read, first), (_, written) = (_tokens(window) for window in (self.short, self.long))
        few, many = short / self.short.requests, long / self.long.requests
        token = (many - few) / (written - first)
        return (few - first * token) / read, token


def _tokens(window: Window) -> tuple[float, float]:
    """Tokens read and written a request."""
    assert window.input_tokens is not None and window.output_tokens is not None
    return window.input_tokens / window.requests, window.output_tokens / window.requests


def _values(measures: Sequence[Measure]) -> dict[str, float | None]:
    return {measure.metric: measure.estimate.value for measure in measures}


def _finds_twice(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    real = _values(list(probe.measure(ask)))["seconds-per-written-token"]
    if real is None:
        return None, "no time of a written token came out of the windows"
    planted = _values(list(probe.measure(doubled_windows(ask))))["seconds-per-written-token"]
    return bool(planted is not None and np.isclose(planted, 2 * real)), "a planted factor of two comes out"


def _says_nothing(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    joules = _values(list(probe.measure(without_sensor(ask))))["joules-per-written-token"]
    return joules is None, "no sensor, no joules" if joules is None else f"no sensor, and yet {joules:g} J"


@probe(
    ID,
    version=1,
    requirements=["ai-act:annex-iv:2:c"],
    needs=(Capability.GENERATE,),
    metrics={
        "seconds-per-read-token": "second",
        "seconds-per-written-token": "second",
        "joules-per-read-token": "joule",
        "joules-per-written-token": "joule",
    },
    judged=(),
    meters=True,
)
class Phases:
    """What reading a token of the prompt (prefill) takes, and what writing one of the answer (decode), apart.

    Windows of answers of one token alternate with windows of answers of ``tokens``, so that what drifts meets both
    alike. The difference of a pair, over the tokens written more, is what writing takes; what is left of the short
    answer is what reading takes. Intervals are Student's over the pairs, cut off at 0. A difference that is itself not
    above 0 is not resolved from the windows: no value, with the reason and what would resolve it. Joules are gross, by
    the meter of the plan; without a sensor they are missing with the reason.

    ``repeats`` pairs of windows of at least ``seconds`` each (10 where joules are read, else 2), after ``warm_up``
    unmetered rounds and as much work as the plan says under ``energy``. ``texts``: a file
    with one prompt a line in place of the shipped ones.
    """

    controls = (
        Examined(name="a planted factor of two is found", kind="positive", function=_finds_twice),
        Examined(name="without a sensor nothing is said", kind="negative", function=_says_nothing),
    )

    def __init__(
        self,
        *,
        repeats: int = 5,
        seconds: float | None = None,
        warm_up: int = 1,
        texts: Path | None = None,
        tokens: int = 32,
    ) -> None:
        if repeats < 2 or (seconds is not None and seconds <= 0) or warm_up < 0 or tokens < 2:
            raise DataError(
                f"{ID}: repeats {repeats}, seconds {seconds}, warm_up {warm_up}, tokens {tokens}",
                remedy="expected at least 2 repeats of more than 0 seconds, no negative warm_up, at least 2 tokens",
            )
        self.repeats = repeats
        self.seconds = seconds
        self.warm_up = warm_up
        self.texts = texts
        self.tokens = tokens

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Pairs of windows; every quantity is a disclosure."""
        texts = prompts(self.texts)
        seconds_each = least_seconds(ask, self.seconds, unmetered=_UNMETERED)
        windows = list(
            ask.window(
                [written(ask, texts, 1)],
                repeats=self.repeats,
                seconds=seconds_each,
                warm_up=self.warm_up,
                against=[written(ask, texts, self.tokens)],
            )
        )
        pairs = [Pair(*each) for each in zip(windows[::2], windows[1::2], strict=True)]
        why = _unsplit(windows)
        seconds = [(pair.short.reading.seconds, pair.long.reading.seconds) for pair in pairs]
        joules = [(pair.short.reading.joules, pair.long.reading.joules) for pair in pairs]
        design = f"{len(pairs)} pairs of windows of at least {seconds_each:g} s by turns"
        yield from self._stated("seconds", "second", pairs, seconds, why, design)
        missing = why or joules_of(windows)[1]
        yield from self._stated("joules", "joule", pairs, joules, missing, f"{design}, gross, {metered_by(windows)}")

    def _stated(
        self,
        amount: str,
        unit: str,
        pairs: Sequence[Pair],
        taken: Sequence[tuple[float | None, float | None]],
        why: str,
        design: str,
    ) -> Iterator[Measure]:
        names = (f"{amount}-per-read-token", f"{amount}-per-written-token")
        if why:
            for name in names:
                yield Measure(metric=name, estimate=Estimate.missing(why, unit=unit), mode="disclosure", why=why)
            return
        split = [pair.split(short or 0.0, long or 0.0) for pair, (short, long) in zip(pairs, taken, strict=True)]
        for name, values in zip(names, zip(*split, strict=True), strict=True):
            found = from_interval(stats.mean_interval(values), n=len(pairs), unit=unit, design=design)
            estimate = resolved(found)
            if estimate.value is None:
                yield Measure(metric=name, estimate=estimate, mode="disclosure", why=estimate.why)
                continue
            keys = tuple(f"pair-{number}" for number in range(1, len(pairs) + 1))
            items = Items(keys=keys, strata=(design,) * len(pairs), values=tuple(values), unit=unit)
            yield Measure(metric=name, estimate=estimate, mode="disclosure", items=items)


def resolved(found: Estimate) -> Estimate:
    """A difference of windows as what a token takes, which is more than nothing: None where the difference is not.

    Of one that is, the lower bound is cut off at 0, since the windows leave that open and nothing lies below it.

    >>> wide = from_interval(stats.mean_interval([0.01, 0.02, 0.06]), n=3, unit="second", design="3 pairs")
    >>> wide.low < 0, resolved(wide).low, resolved(wide).high == wide.high
    (True, 0.0, True)
    >>> (resolved(from_interval(stats.mean_interval([-0.2, -0.1]), n=2, unit="joule")).why or "").partition(":")[0]
    'not resolved from the windows'
    """
    assert found.value is not None and found.low is not None and found.high is not None
    if found.value <= 0:
        return Estimate.missing(
            f"not resolved from the windows: their difference is {found.value:.3g} {found.unit}s a token "
            f"({found.low:.3g} to {found.high:.3g}), and no token takes less than nothing; {_RESOLVING}",
            n=found.n,
            unit=found.unit,
        )
    if found.low >= 0:
        return found
    open_end = f"the lower bound, {found.low:.3g}, is cut off at 0, since no token takes less; {_RESOLVING}"
    design = open_end if found.design is None else f"{found.design}; {open_end}"
    return replace(found, low=0.0, method="amount-t", design=design)


def _unsplit(windows: Sequence[Window]) -> str:
    """Why the phases cannot be told apart; '' where they can."""
    if any(None in (window.input_tokens, window.output_tokens) for window in windows):
        return "the system does not say how many tokens it read and wrote"
    if any(_tokens(long)[1] <= _tokens(short)[1] for short, long in zip(windows[::2], windows[1::2], strict=True)):
        return "the system wrote no more where more was asked for"
    return ""
