"""What one answer of the system takes: joules and seconds over repeated windows of fixed work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Items, Request
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, Window, probe
from probandum.units import JOULES_PER_WATT_HOUR
from probandum_probes.energy.emissions import METRICS, emitted
from probandum_probes.energy.known_work import rest_is_idle, twice_takes_twice
from probandum_probes.energy.meters import (
    NOT_COMPARABLE,
    doubled_windows,
    joules_of,
    least_seconds,
    metered_by,
    without_sensor,
)
from probandum_probes.energy.prompts import prompts, written

#: Rows of one request to a tabular system.
_ROWS = 256
#: Seconds of a window that holds no joules.
_UNMETERED = 3.0
_NEEDS = (Capability.GENERATE, Capability.CLASSIFY, Capability.PREDICT)
_METERED = {
    "seconds-per-request": "second",
    "joules-per-request": "joule",
    "net-joules-per-request": "joule",
    "watt-hours-per-1000-requests": "watt-hour",
    "joules-per-output-token": "joule",
    "joules-per-token": "joule",
    "seconds-per-output-token": "second",
}


def _values(measures: Sequence[Measure]) -> dict[str, float | None]:
    return {measure.metric: measure.estimate.value for measure in measures}


def _finds_twice(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    pilot = copy(probe)
    pilot.precision = None  # type: ignore[attr-defined]  # what is planted needs no more windows than there are
    real = _values(list(pilot.measure(ask)))
    if "seconds-per-request" not in real:
        return None, "nothing was metered"
    planted = _values(list(pilot.measure(doubled_windows(ask))))
    seconds, twice = real["seconds-per-request"], planted["seconds-per-request"]
    joules, more = real["joules-per-request"], planted["joules-per-request"]
    expected = 2 * joules if joules is not None else None if seconds is None else 20 * seconds
    if seconds is None or twice is None or expected is None or more is None:
        return False, "no value came out of windows that hold work"
    said = f"planted factor 2: {twice / seconds:.4f} in seconds, {more / expected:.4f} of the planted joules"
    if not np.isclose(twice, 2 * seconds) or not np.isclose(more, expected):
        return False, said
    assert isinstance(probe, Inference)
    held, work = twice_takes_twice(
        ask, probe.work(ask), repeats=probe.repeats, seconds=probe.least(ask), warm_up=probe.warm_up
    )
    return held, f"{said}; {work}"


def _says_nothing(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    joules = _values(list(probe.measure(without_sensor(ask))))["joules-per-request"]
    if joules is not None:
        return False, f"no sensor, and yet {joules:g} J"
    held, rest = rest_is_idle(ask)
    return held, f"no sensor, no joules; {rest}"


@probe(
    "energy.inference",
    version=1,
    requirements=["ai-act:annex-iv:2:c"],
    needs=_NEEDS,
    metrics={**_METERED, **METRICS},
    facets=("grid", "factor", "grade"),
    honours=("weight", "cluster"),  # what an answer takes does not depend on whom its row stands for
    judged=(),
    followed=tuple(_METERED),
    meters=True,
)
class Inference:
    """Joules and seconds of one answer, over repeated windows of the same fixed work, with the meter's grade.

    Counters are read at the boundaries of each window, after the device has finished; windows are never answered
    from a cache. Joules are gross: all that the covered parts took, idle power included; net joules, for comparing
    models on one machine, are those beyond the idle power read before the warm-up, with the model loaded. Without a
    sensor every joule is missing with the reason, and only the time is stated. Intervals are Student's on the
    logarithm.

    Where joules are read and the plan names a grid, also grams of CO2e (``grid``: at the low, middle and high
    intensity, and over its range) and, with declared emissions of the hardware, the software carbon intensity of
    ISO/IEC 21031, per 1,000 requests, with 90 % intervals of drawn factors and the share of each in the variance of
    either. The intensity is of grade D where more than a tenth of it is of the hardware.

    ``repeats`` windows of at least ``seconds`` each (10 where joules are read, so that a step of a GPU's counter is 1 %
    of them, and else 3), after ``warm_up`` unmetered rounds and as much work as the plan says under ``energy``. Where
    they hold joules they are a pilot: their spread fixes how many others are metered, without further looks, for a
    relative half-width of ``precision``, ``most`` at the most. ``texts``: a file with one prompt a line in place of the
    shipped ones; ``tokens``: how many tokens a text system generates for each, no fewer, or as few as it likes with
    ``whole``: until its answer ends.

    Watt-hours of 1,000 requests are in the style of the AI Energy Score, and comparable with no score: that counts the
    GPU alone, on one model of card and other prompts.

    Where joules are read both controls meter known work, too: windows of twice the length take twice the net joules
    (within .05), and what is metered at rest is idle power (within 2 %). Where their noise is too large to tell, they
    could not tell.
    """

    controls = (
        Examined(
            name="a planted factor of two is found, and where metered, twice the work takes twice",
            kind="positive",
            function=_finds_twice,
        ),
        Examined(
            name="without a sensor nothing is said, and where metered, rest takes idle power",
            kind="negative",
            function=_says_nothing,
        ),
    )

    def __init__(
        self,
        *,
        repeats: int = 5,
        seconds: float | None = None,
        warm_up: int = 1,
        texts: Path | None = None,
        tokens: int = 32,
        whole: bool = False,
        precision: float | None = 0.02,
        most: int = 30,
    ) -> None:
        if repeats < 2 or (seconds is not None and seconds <= 0) or warm_up < 0 or tokens < 1:
            raise DataError(
                f"energy.inference: repeats {repeats}, seconds {seconds}, warm_up {warm_up}, tokens {tokens}",
                remedy="expected at least 2 repeats of more than 0 seconds, no negative warm_up, at least 1 token",
            )
        if (precision is not None and precision <= 0) or most < 2:
            raise DataError(
                f"energy.inference: precision {precision}, most {most}",
                remedy="expected a relative half-width above 0, and at least 2 windows",
            )
        self.repeats = repeats
        self.seconds = seconds
        self.warm_up = warm_up
        self.texts = texts
        self.tokens = tokens
        self.whole = whole
        self.precision = precision
        self.most = most

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """One round of windows; every quantity is a disclosure."""
        if "favourable" in ask.labels:
            why = "decisions alone came back, from a file or a server; the system itself was not run here"
            yield Measure(
                metric="joules-per-request",
                estimate=Estimate.missing(why, unit="joule"),
                mode="disclosure",
                verdict=Verdict.NOT_APPLICABLE,
                sub_reason=SubReason.NO_CAPABILITY,
                why=why,
            )
            return
        requests = self.work(ask)
        windows = self._windows(ask, requests)
        joules, why = joules_of(windows)
        meter_grade = max(window.reading.grade for window in windows)
        repeated, meter = f"{len(windows)} windows of at least {self.least(ask):g} s", metered_by(windows)
        design = f"{repeated}, gross, {meter}"
        asked = [window.requests for window in windows]
        work = f"work {requests[0].digest.removeprefix('sha256:')[:12]}"
        seconds = [window.reading.seconds for window in windows]
        took = _disclosed("seconds-per-request", seconds, asked, "second", design, "", work)
        gross = _disclosed("joules-per-request", joules, asked, "joule", design, why, work)
        yield from (took, gross)
        if joules is not None:
            net, why_not = _net(windows)
            beyond = f"{repeated}, net of idle power, {meter}"
            yield _disclosed("net-joules-per-request", net, asked, "joule", beyond, why_not, work)
        per_hour = [JOULES_PER_WATT_HOUR * count / 1000 for count in asked]
        score = f"{design}; {NOT_COMPARABLE}"
        yield _disclosed("watt-hours-per-1000-requests", joules, per_hour, "watt-hour", score, why, work)
        tokens = [window.output_tokens for window in windows]
        if all(count is not None and count > 0 for count in tokens):
            counted = [count for count in tokens if count is not None]
            yield _disclosed("joules-per-output-token", joules, counted, "joule", design, why, work)
            yield _disclosed("seconds-per-output-token", seconds, counted, "second", design, "", work)
            both = [(window.input_tokens or 0) + (window.output_tokens or 0) for window in windows]
            told = f"{design}; by tokens read and written together"
            yield _disclosed("joules-per-token", joules, both, "joule", told, why, work)
        metered = gross.estimate if meter_grade != "D" else replace(gross.estimate, moments=None)
        yield from emitted(ask.site, metered, rng=ask.rng("emissions"), seconds=took.estimate.value)

    def _windows(self, ask: Ask, requests: Sequence[Request]) -> list[Window]:
        """The pilot's windows; where they hold joules, as many others as their spread says that it takes."""
        seconds = self.least(ask)
        pilot = list(ask.window(requests, repeats=self.repeats, seconds=seconds, warm_up=self.warm_up))
        joules, _ = joules_of(pilot)
        if joules is None or self.precision is None:
            return pilot
        spread = [amount / window.requests for amount, window in zip(joules, pilot, strict=True)]
        needed = repeats_for(spread, self.precision, most=self.most)
        repeats = max(needed, self.repeats + 1)  # never as many as the pilot, whose windows would be found again
        return list(ask.window(requests, repeats=repeats, seconds=seconds, warm_up=self.warm_up))

    def least(self, ask: Ask) -> float:
        """Seconds of a window at least."""
        return least_seconds(ask, self.seconds, unmetered=_UNMETERED)

    def work(self, ask: Ask) -> list[Request]:
        """The fixed work of one round, by what the system does for a living."""
        if Capability.PREDICT in ask.capabilities:
            subject = ask.subject
            rows = subject.table.take(np.arange(min(_ROWS, len(subject))))
            columns = rows.select(subject.features) if subject.features else rows
            return [Request(kind=Capability.PREDICT, inputs=columns, fresh=True)]
        texts = prompts(self.texts)
        if Capability.GENERATE not in ask.capabilities:
            return [Request(kind=Capability.CLASSIFY, inputs=texts, fresh=True)]
        return [written(ask, texts, self.tokens, whole=self.whole)]


def repeats_for(pilot: Sequence[float], precision: float, *, most: int) -> int:
    """How many windows give a 95 % interval of that relative half-width, by the spread of the pilot's.

    Student's quantile times the spread of the logarithms over the root of n is to be log(1 + precision) at most. Ten
    repeats with a spread of 1.8 % give 1.3 %, and 2 % takes six:

    >>> import math
    >>> pilot = [math.exp(0.018 * z) for z in (-1.0, 0.0, 1.0)]  # a standard deviation of .018
    >>> repeats_for(pilot, 0.02, most=30), repeats_for(pilot, 0.013, most=30), repeats_for(pilot, 0.001, most=30)
    (6, 10, 30)
    """
    from scipy.stats import t

    spread = float(np.std(np.log(pilot), ddof=1))
    return next((n for n in range(2, most) if t.ppf(0.975, n - 1) * spread / np.sqrt(n) <= np.log1p(precision)), most)


def _net(windows: Sequence[Window]) -> tuple[list[float] | None, str]:
    """Joules beyond idle power of every window; None where a window took no more than that, with the reason."""
    net = [window.reading.net_joules for window in windows]
    if any(value is None for value in net):
        return None, "the idle power was not read"
    if any(value is not None and value <= 0 for value in net):
        return None, "a window took no more than idle power"
    return [value for value in net if value is not None], ""


def _disclosed(
    metric: str, amounts: Sequence[float] | None, per: Sequence[float], unit: str, design: str, why: str, work: str
) -> Measure:
    """The geometric mean of amount over work, with Student's interval on the logarithm.

    ``work`` names what was asked: windows of other work, or read otherwise, are never compared.
    """
    if amounts is None:
        return Measure(metric=metric, estimate=Estimate.missing(why, unit=unit), mode="disclosure", why=why)
    each = [amount / work for amount, work in zip(amounts, per, strict=True)]
    interval = stats.log_mean_interval(each)
    assert interval.standard_error is not None and interval.df is not None
    return Measure(
        metric=metric,
        estimate=Estimate(
            value=interval.value,
            low=interval.low,
            high=interval.high,
            n=len(amounts),
            unit=unit,
            method="log-t",
            design=design,
            moments=(float(np.log(interval.value)), interval.standard_error, interval.df),
        ),
        mode="disclosure",
        items=Items(
            keys=tuple(f"window-{number}" for number in range(1, len(each) + 1)),
            strata=(f"{design.partition(' ')[2]}; {work}",) * len(each),  # however many there are
            values=tuple(each),
            unit=unit,
            form="windows",
        ),
    )
