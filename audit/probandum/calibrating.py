"""Calibration: a few packs are answered for real and timed, and the rest is taken to cost as much a token, or input."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from probandum.energy import Meter
from probandum.evidence import Reading, Request, Response
from probandum.rehearsing import Counted, MeteredWork, Pack
from probandum.target import Target

#: Seconds that timing the packs of a whole plan takes, about; each probe gets its share and one pack at least.
SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU-seconds and seconds by the clock."""

    cpu_seconds: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(cpu_seconds=self.cpu_seconds + other.cpu_seconds, seconds=self.seconds + other.seconds)

    def times(self, factor: float) -> Cost:
        """So many times as much."""
        return Cost(cpu_seconds=self.cpu_seconds * factor, seconds=self.seconds * factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What asking costs, by probe: its packs, and its energy windows with the inputs and tokens answered in them.

    ``timed``: packs that were answered for real, ``took``: in how many seconds, ``answers``: what came back, by the
    name of the pack. ``reading``: the energy of it.
    """

    packs: Mapping[str, Cost]
    windows: Mapping[str, Cost]
    window_inputs: Mapping[str, int]
    window_tokens: Mapping[str, int | None]
    timed: int
    took: float
    reading: Reading
    answers: Mapping[str, Sequence[Response]] = field(default_factory=dict)


def calibrate(target: Target, probes: Mapping[str, Counted], meter: Meter) -> Calibration:
    """Time some packs of every probe, in an order that spreads over them, and one round of every energy window."""
    asking = [name for name, counted in probes.items() if counted.kept]
    share = SECONDS / max(1, len(asking))
    answers: dict[str, Sequence[Response]] = {}
    packs: dict[str, Cost] = {}
    metered = meter.end(meter.begin()).joules is not None
    started, token = time.perf_counter(), meter.begin()
    for name in asking:
        packs[name] = _packs(target, probes[name], share, answers)
    windows: dict[str, Cost] = {}
    inputs: dict[str, int] = {}
    tokens: dict[str, int | None] = {}
    for name, counted in probes.items():
        for work in counted.windows:
            cost, rounds, read = _window(target, work)
            cost += Cost(seconds=work.seconds if metered else 0.0)  # the meter reads as long at rest first
            windows[name] = windows.get(name, Cost()) + cost
            inputs[name] = inputs.get(name, 0) + rounds * sum(len(request) for request in work.requests)
            so_far = tokens.get(name, 0)
            tokens[name] = None if read is None or so_far is None else so_far + rounds * read
    reading = meter.end(token)
    took = time.perf_counter() - started
    return Calibration(
        packs=packs,
        windows=windows,
        window_inputs=inputs,
        window_tokens=tokens,
        timed=len(answers),
        took=took,
        reading=reading,
        answers=answers,
    )


def _packs(target: Target, counted: Counted, share: float, answers: dict[str, Sequence[Response]]) -> Cost:
    """What all packs of one probe cost, by those that were timed in ``share`` seconds."""
    rest = np.random.default_rng(0).permutation(len(counted.kept) - 1) + 1
    timed: list[tuple[Pack, Cost]] = []
    began = time.perf_counter()
    for place in (0, *rest.tolist()):
        pack = counted.kept[place]
        if not timed:
            target.answer(pack.requests[:1])  # the first call of a model pays for more than its work
        cost, answers[pack.name] = _timed(target, pack.requests)
        timed.append((pack, cost))
        if time.perf_counter() - began > share:
            break
    return scaled(timed, counted.packs)


def scaled(timed: Sequence[tuple[Pack, Cost]], packs: Sequence[Pack]) -> Cost:
    """The cost of ``packs``: so much a pack and so much a token, or an input where tokens are not counted.

    Fitted by least squares without negative parts; of fewer than three timed packs, in proportion.
    """
    counted = all(pack.tokens is not None for pack in packs)

    def units(each: Sequence[Pack]) -> list[float]:
        return [float((pack.tokens if counted else pack.inputs) or 0) for pack in each]

    known, total = units([pack for pack, _ in timed]), sum(units(packs))
    costs = np.array([[cost.cpu_seconds, cost.seconds] for _, cost in timed])
    if len(timed) < 3 or len(set(known)) == 1:
        factor = total / sum(known) if sum(known) else len(packs) / len(timed)
        cpu, clock = (costs.sum(axis=0) * factor).tolist()
        return Cost(cpu_seconds=cpu, seconds=clock)
    from scipy.optimize import nnls

    design = np.column_stack([np.ones(len(known)), known])
    cpu, clock = (float(nnls(design, column)[0] @ [len(packs), total]) for column in costs.T)
    return Cost(cpu_seconds=cpu, seconds=clock)


def _window(target: Target, work: MeteredWork) -> tuple[Cost, int, int | None]:
    """What the windows cost, how many rounds they hold, and the tokens of one round, read and written."""
    target.answer(work.requests)
    cost, answers = _timed(target, work.requests)
    rounds = work.repeats * math.ceil(work.seconds / cost.seconds) + work.warm_up
    counts = [each.input_tokens for each in answers]
    tokens = None
    if all(count is not None for count in counts):
        tokens = sum((each.input_tokens or 0) + (each.output_tokens or 0) for each in answers)
    return cost.times(rounds), rounds, tokens


def _timed(target: Target, requests: Sequence[Request]) -> tuple[Cost, list[Response]]:
    cpu, clock = cpu_seconds(target), time.perf_counter()
    answers = target.answer(requests)
    target.synchronise()
    return Cost(cpu_seconds=cpu_seconds(target) - cpu, seconds=time.perf_counter() - clock), answers


def cpu_seconds(target: Target) -> float:
    """What this process and those of the target have taken so far."""
    return time.process_time() + target.cpu_seconds_apart
