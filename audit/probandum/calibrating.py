"""Calibration: a small sample is answered for real and timed, and the rest is taken to cost as much a token, or input.

Of each probe one input first, then growing parts of its first pack, then whole packs, as far as its share of the
seconds reaches: a pack may hold hundreds of texts to write, which take minutes. What parts of different sizes tell is
how much a pass takes whatever it holds, and how much an input adds. What a single part tells is rather too much than
too little, since its inputs share less work than those of a whole pack do.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from probandum.energy import Meter
from probandum.evidence import Capability, Floats, Reading, Request, Response
from probandum.packing import head
from probandum.rehearsing import Counted, MeteredWork, Pack
from probandum.resting import Conduct
from probandum.target import Target

#: Seconds that timing a sample of a whole plan takes, about, and how many times as many on a crowded machine at most;
#: each probe gets its share, and five inputs at least where one takes no more than that.
SECONDS, CROWDED = 20.0, 4.0
#: How many times as many inputs the next part of a pack has.
GROWTH = 4


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

    ``timed``: inputs that were answered for real, by probe; ``took``: seconds of all that; ``answers``: what came back
    of whole packs, by the name of the pack. ``reading``: the energy of it.
    """

    packs: Mapping[str, Cost]
    windows: Mapping[str, Cost]
    window_inputs: Mapping[str, int]
    window_tokens: Mapping[str, int | None]
    timed: Mapping[str, int]
    took: float
    reading: Reading
    answers: Mapping[str, Sequence[Response]] = field(default_factory=dict)


def calibrate(
    target: Target,
    probes: Mapping[str, Counted],
    meter: Meter,
    *,
    seconds: float = SECONDS,
    conduct: Conduct | None = None,
) -> Calibration:
    """Time a sample of every probe for about ``seconds`` in all, and one round of every energy window.

    ``conduct``: how long metered parts rest and warm up.
    """
    care = conduct or Conduct()
    asking = [name for name, counted in probes.items() if counted.kept]
    share = seconds / max(1, len(asking))
    answers: dict[str, Sequence[Response]] = {}
    packs: dict[str, Cost] = {}
    timed: dict[str, int] = {}
    started, token = time.perf_counter(), meter.begin()
    warm: set[Capability] = set()
    for name in asking:
        sample = _sample(target, probes[name], share, warm)
        packs[name] = (scaled if sample.answers else extrapolated)(sample.timed, probes[name].packs)
        answers |= sample.answers
        timed[name] = sample.inputs
    windows: dict[str, Cost] = {}
    inputs: dict[str, int] = {}
    tokens: dict[str, int | None] = {}
    for name, counted in probes.items():
        for work in counted.windows:
            cost, rounds, read = _window(target, work)
            if meter.reads:  # parts rest before the first windows of all, and warm up before each work
                cost += Cost(seconds=care.warm_up_seconds + 2 * care.idle_seconds * (not windows))
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
        timed=timed,
        took=took,
        reading=reading,
        answers=answers,
    )


@dataclass(slots=True, kw_only=True, eq=False)
class _Sample:
    """What was timed of one probe: whole packs with their answers; while there is none, growing parts of one."""

    timed: list[tuple[Pack, Cost]] = field(default_factory=list)
    answers: dict[str, Sequence[Response]] = field(default_factory=dict)
    inputs: int = 0


def _sample(target: Target, counted: Counted, share: float, warm: set[Capability]) -> _Sample:
    """Time one probe for about ``share`` seconds; ``warm``: kinds of requests that the model has answered before."""
    found = _Sample()
    rest = np.random.default_rng(0).permutation(len(counted.kept) - 1) + 1
    began = time.perf_counter()

    def left() -> float:
        return share - (time.perf_counter() - began)

    first = counted.kept[0].requests
    if first[0].kind not in warm:  # the first call of its kind pays for more than its work
        _timed(target, head(first, 1))
        found.inputs += 1
        warm.add(first[0].kind)
    most = 1
    for place in (0, *rest.tolist()):
        pack = counted.kept[place]
        cost = _grown(target, pack, most, found, share, left)
        if cost is None or left() < cost.seconds:
            break
        most = sys.maxsize  # whole packs from here on
    return found


def _grown(
    target: Target, pack: Pack, most: int, found: _Sample, share: float, left: Callable[[], float]
) -> Cost | None:
    """Time ``most`` inputs of a pack, then larger parts up to all of it; None where the seconds do not reach so far.

    A second part is timed wherever the first took no more than ``share``, since one size alone does not tell what
    inputs share; another one where the seconds reach for what the last two sizes say.
    """
    last = None
    while True:
        asked = head(pack.requests, most)
        inputs = sum(map(len, asked))
        cost, answers = _timed(target, asked)
        found.inputs += inputs
        if inputs == pack.inputs:
            if not found.answers:
                found.timed.clear()
            found.timed.append((pack, cost))
            found.answers[pack.name] = answers
            return cost
        found.timed.append((_part(target, asked, inputs), cost))
        most = min(GROWTH * inputs, pack.inputs)
        if last is None:
            reached = cost.seconds <= share
        else:
            each = max(0.0, cost.seconds - last[1]) / (inputs - last[0])
            reached = cost.seconds + each * (most - inputs) <= left()
        if not reached:
            return None
        last = inputs, cost.seconds


def _part(target: Target, asked: Sequence[Request], inputs: int) -> Pack:
    counts = target.tokens(asked)
    known = [count for count in counts if count is not None]
    return Pack(name="", inputs=inputs, tokens=sum(known) if len(known) == len(counts) else None, written=None)


def scaled(timed: Sequence[tuple[Pack, Cost]], packs: Sequence[Pack]) -> Cost:
    """The cost of ``packs``: so much a pack and so much a token, or an input where tokens are not counted.

    Fitted by least squares without negative parts; of fewer than three timed packs, in proportion.
    """
    known, sizes = _sizes(timed, packs)
    if len(timed) < 3 or len(set(known)) == 1:
        factor = sum(sizes) / sum(known) if sum(known) else len(packs) / len(timed)
        cpu, clock = (_costs(timed).sum(axis=0) * factor).tolist()
        return Cost(cpu_seconds=cpu, seconds=clock)
    return _fitted(timed, known, [len(packs), sum(sizes)])


def extrapolated(parts: Sequence[tuple[Pack, Cost]], packs: Sequence[Pack]) -> Cost:
    """The cost of ``packs`` from parts of one: so much a pass, and so much a token or an input.

    A pass is taken to hold as many as the next part would have had, since nobody saw a larger one.
    """
    known, sizes = _sizes(parts, packs)
    if len(set(known)) == 1:
        return scaled(parts, packs)
    passes = [max(1.0, size / (GROWTH * max(known))) for size in sizes]
    return _fitted(parts, known, [sum(passes), sum(sizes)])


def _sizes(timed: Sequence[tuple[Pack, Cost]], packs: Sequence[Pack]) -> tuple[list[float], list[float]]:
    """Tokens of what was timed and of all packs; inputs where the tokens of some pack are not counted."""
    counted = all(pack.tokens is not None for pack in packs)

    def sizes(each: Sequence[Pack]) -> list[float]:
        return [float((pack.tokens if counted else pack.inputs) or 0) for pack in each]

    return sizes([pack for pack, _ in timed]), sizes(packs)


def _costs(timed: Sequence[tuple[Pack, Cost]]) -> Floats:
    return np.array([[cost.cpu_seconds, cost.seconds] for _, cost in timed])


def _fitted(timed: Sequence[tuple[Pack, Cost]], known: Sequence[float], wanted: Sequence[float]) -> Cost:
    """So many passes and so many units together, by least squares without negative parts."""
    from scipy.optimize import nnls

    design = np.column_stack([np.ones(len(known)), known])
    cpu, clock = (float(nnls(design, column)[0] @ wanted) for column in _costs(timed).T)
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
