"""What an audit will ask and cost, before it is run.

1. Two dry runs with invented answers count requests and tokens; the model is not asked. A probe that asks the same in
   both asks that in every run. Of one that does not, the second count stands, give or take the distance between both
   and 5 % at least.
2. A small sample of each probe's inputs is answered for real and timed; the answers to whole packs enter the second
   dry run.
3. CPU-seconds = start + the probes' own work in the dry run + recording + packs and energy windows by calibration.

Of more than 2,048 inputs of a probe the tokens are counted in one pack of eight, and by letters in the others.
Documents are not in it: they need neither the system nor its machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from probandum.budget import Budget, Resource, Spent
from probandum.calibrating import CROWDED, SECONDS, Calibration, Cost, calibrate
from probandum.energy import NoMeter, make_meter
from probandum.evidence import Reading
from probandum.foreseeing import beyond_expectation, out_of_reach, said
from probandum.plan import Plan
from probandum.preparing import prepare, source_digests, subject_of, target_of
from probandum.probe import Probe, ProbeResult
from probandum.reasking import asked_again
from probandum.rehearsing import Counted, rehearse
from probandum.targets.devices import usable_cores

#: How far the count of a probe whose questions follow from the answers is taken to be off, at least, and tokens that
#: were counted by letters.
LEAST_SPREAD = 0.05
#: The clock runs at between so much and so much of what was timed, the lower end less the crowd on this machine.
CLOCK = (0.75, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A count, and between what it lies; exact where both ends are the count."""

    value: int
    low: int
    high: int

    @property
    def exact(self) -> bool:
        """Whether it is no range."""
        return self.low == self.high

    def __add__(self, other: Range) -> Range:
        return Range(value=self.value + other.value, low=self.low + other.low, high=self.high + other.high)

    @classmethod
    def of(cls, first: int, second: int, *, same: bool, guessed: int = 0) -> Range:
        """From the counts of two dry runs; ``same``: they asked the same; so many were ``guessed`` and not counted.

        >>> Range.of(100, 100, same=True)
        Range(value=100, low=100, high=100)
        >>> Range.of(100, 120, same=False)
        Range(value=120, low=100, high=140)
        """
        spread = 0 if same else max(abs(second - first), round(LEAST_SPREAD * second))
        spread += round(LEAST_SPREAD * guessed)
        return cls(value=second, low=second - spread, high=second + spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeForecast:
    """What one probe will ask and take, controls included.

    ``tokens_in`` None: the system does not count tokens. ``tokens_out``: at most. ``windows``: energy windows;
    ``window_inputs`` are answered in them, by calibration. ``why``: why it will measure nothing. ``cost`` is all it
    takes, None without calibration, by ``timed`` inputs that were answered for real.
    """

    probe: str
    requests: Range
    tokens_in: Range | None
    tokens_out: int | None
    windows: int
    window_seconds: float
    window_inputs: int | None
    window_tokens: int | None
    cost: Cost | None
    timed: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a plan will ask and take. ``start``: importing and loading; ``recording``: packing the journal, CPU-seconds.

    Calibration took ``took`` seconds; ``reading`` is the energy of that. ``crowd``: how many processes wanted a core
    meanwhile, 1 where there were cores for all. ``hopeless``: limits that cannot PASS as planned, one line each.
    ``again``: questions that a server is asked again, to see that it is the same, where it answers as before.
    """

    probes: tuple[ProbeForecast, ...]
    budget: Budget
    start: Cost
    recording: float
    took: float
    crowd: float
    reading: Reading | None
    hopeless: tuple[str, ...]
    limits: int
    again: int = 0

    @property
    def timed(self) -> int:
        """Inputs that were answered for real, energy windows apart."""
        return sum(each.timed for each in self.probes)

    @property
    def requests(self) -> Range:
        """Of all probes, energy windows apart."""
        return sum((each.requests for each in self.probes), Range(value=0, low=0, high=0))

    @property
    def tokens_in(self) -> Range | None:
        """Of all probes, energy windows apart; None where one does not say."""
        total = Range(value=0, low=0, high=0)
        for each in self.probes:
            if each.tokens_in is None:
                return None
            total += each.tokens_in
        return total

    @property
    def cost(self) -> Cost | None:
        """Of the whole audit up to its seal; None without calibration."""
        costs = [each.cost for each in self.probes if each.cost is not None]
        if len(costs) < len(self.probes):
            return None
        return sum(costs, self.start + Cost(cpu_seconds=self.recording, seconds=self.recording))

    @property
    def clock(self) -> tuple[float, float] | None:
        """Seconds by the clock: at least where nothing else ran, at most where twice as much did."""
        cost = self.cost
        return None if cost is None else (CLOCK[0] * cost.seconds / self.crowd, CLOCK[1] * cost.seconds)

    @property
    def joules(self) -> tuple[float, float] | None:
        """Joules at the mean power of the calibration over the seconds by the clock; None where no sensor reads."""
        if self.reading is None or self.reading.joules is None or self.clock is None:
            return None
        watts = self.reading.joules / self.reading.seconds
        return watts * self.clock[0], watts * self.clock[1]

    def suffices(self) -> dict[Resource, tuple[float, bool | None]]:
        """What of each limited resource is needed at most, and whether the budget reaches; None: not known.

        Energy windows count by their tokens, by calibration. ``seconds`` of answering are taken to be all there are.
        What is asked again in the end is taken to cost as much as the rest, each.
        """
        most = self._most()
        found: dict[Resource, tuple[float, bool | None]] = {}
        twice = 1 + self.again / max(1, self.requests.high)
        for resource, limit in self.budget.limits().items():
            unknown = resource in ("tokens", "money_eur") and not most.counted
            unknown |= resource == "seconds" and self.cost is None
            amount = twice * self.budget.amount(resource, most)
            found[resource] = (amount, None if unknown else amount <= limit)
        return found

    def _most(self) -> Spent:
        tokens_in = self.tokens_in
        outs = [each.tokens_out for each in self.probes]
        window_tokens = [each.window_tokens for each in self.probes if each.windows]
        clock = self.clock
        known = tokens_in is not None and None not in outs and None not in window_tokens
        return Spent(
            requests=self.requests.high,
            input_tokens=(0 if tokens_in is None else tokens_in.high) + sum(each or 0 for each in window_tokens),
            output_tokens=sum(each or 0 for each in outs),
            seconds=0.0 if clock is None else clock[1],
            counted=known,
        )


def forecast(
    plan: Plan,
    *,
    calibrated: bool | None = None,
    since_start: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> Forecast:
    """What ``plan`` will ask and take; see the module. Without calibration nothing is said of seconds.

    ``calibrated``: by default where the system runs here; an endpoint is asked for an estimate only where one says so,
    since it may charge for it. ``since_start``: count what this process took until now as the start of an audit in a
    process of its own. ``note`` is told what is done meanwhile.
    """
    started = (0.0, time.perf_counter() - time.process_time()) if since_start else _now()
    probes = prepare(plan)
    source_digests(plan, probes.values())  # a run hashes every file that the plan names: part of its start
    note(f"loading the system (target {plan.target_type})")
    target = target_of(plan, notice=note)
    try:
        subject = subject_of(plan, target)
        start = _since(started) + Cost(cpu_seconds=target.cpu_seconds_apart)
        note("counting what probes ask, with invented answers")
        meter = NoMeter() if target.remote or plan.energy.replay else make_meter(plan.energy, plan.folder)
        metered = meter.reads
        first = rehearse(plan, probes, target, subject, world=1, recorded=True, metered=metered)
        wanted = not target.endpoints if calibrated is None else calibrated
        found = None
        if wanted:
            note("timing a sample of it")
            seconds = SECONDS * min(_crowd(), CROWDED)  # a crowd takes from the sample what it takes from the audit
            found = calibrate(target, first.probes, meter, seconds=seconds, conduct=plan.conduct)
        answers = {} if found is None else found.answers
        second = first
        if not target.recorded:
            note("counting again, with other answers")
            second = rehearse(
                plan,
                probes,
                target,
                subject,
                world=2,
                recorded=False,
                known=answers,
                tokens=first.tokens,
                metered=metered,
            )
    finally:
        target.close()
    forecasts = tuple(_probe(name, first.probes[name], second.probes[name], found) for name in probes)
    return Forecast(
        probes=forecasts,
        again=asked_again(sum(each.requests.high for each in forecasts), at_once=target.at_once)
        if target.remote
        else 0,
        budget=plan.budget,
        start=start,
        recording=first.recording_seconds,
        took=0.0 if found is None else found.took,
        crowd=_crowd(),
        reading=None if found is None else found.reading,
        hopeless=_hopeless(plan, probes, [_results(first.probes), _results(second.probes)]),
        limits=len(plan.limits),
    )


def hopeless_limits(plan: Plan) -> tuple[str, ...]:
    """Limits that cannot PASS as planned, as far as probes can tell without a system, one line each."""
    return tuple(said(limit, why) for limit, why in beyond_expectation(plan.limits, prepare(plan)))


def _probe(name: str, first: Counted, second: Counted, found: Calibration | None) -> ProbeForecast:
    same = first.names == second.names
    read = None
    if first.tokens is not None and second.tokens is not None:
        read = Range.of(first.tokens, second.tokens, same=same, guessed=second.guessed)
    cost = None
    if found is not None:
        own = Cost(cpu_seconds=first.cpu_seconds, seconds=first.cpu_seconds)
        cost = own + found.packs.get(name, Cost()) + found.windows.get(name, Cost())
    result = second.result
    return ProbeForecast(
        probe=name,
        requests=Range.of(first.inputs, second.inputs, same=same),
        tokens_in=read,
        tokens_out=second.written,
        windows=sum(work.repeats for work in second.windows),
        window_seconds=sum(work.repeats * work.seconds for work in second.windows),
        window_inputs=None if found is None else found.window_inputs.get(name, 0),
        window_tokens=None if found is None else found.window_tokens.get(name, 0),
        cost=cost,
        timed=0 if found is None else found.timed.get(name, 0),
        why=None if result is None or result.status == "measured" else result.why,
    )


def _hopeless(plan: Plan, probes: Mapping[str, Probe], runs: list[Mapping[str, ProbeResult]]) -> tuple[str, ...]:
    limits = plan.limits
    found: dict[int, str] = {}
    for limit, why in (*out_of_reach(limits, runs), *beyond_expectation(limits, probes)):
        found.setdefault(limits.index(limit), said(limit, why))
    return tuple(found.values())


def _results(probes: Mapping[str, Counted]) -> dict[str, ProbeResult]:
    return {name: counted.result for name, counted in probes.items() if counted.result is not None}


def _crowd() -> float:
    """Processes that want a core, over a minute and a core; 1 where the system does not say."""
    return max(1.0, os.getloadavg()[0] / usable_cores()) if hasattr(os, "getloadavg") else 1.0


def _now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _since(started: tuple[float, float]) -> Cost:
    return Cost(cpu_seconds=time.process_time() - started[0], seconds=time.perf_counter() - started[1])
