"""Who else uses the machine while a meter reads: joules of whole parts are those of every process on them.

Of processors it is the time that other processes took (Linux tells it); of GPUs, which processes compute on them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
#: Columns of the first line of /proc/stat in which a core is at work: user, nice, system, irq, softirq, steal.
_BUSY = (0, 1, 2, 5, 6, 7)
#: Where others took more of the processor time, joules of whole parts may be theirs (convention).
CROWDED = 0.05


@dataclass(frozen=True, slots=True)
class Presence:
    """A moment: clock, seconds that all processes and that this one and its children took so far, processes by GPU."""

    seconds: float
    all_seconds: float | None
    own_seconds: float
    computing: Mapping[str, frozenset[int] | None]


class Company(NamedTuple):
    """Who else was there, in words, and the share of all processor time that was theirs; None where nothing tells it.

    The share is 1 where another process computed on a GPU beside this one: how much of the joules is its, nobody says.
    """

    said: tuple[str, ...] = ()
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Whoever else is there. ``cards``: for each GPU by name the numbers of the processes on it, None where unknown."""

    cards: Mapping[str, Callable[[], Sequence[int] | None]] = field(default_factory=dict)
    proc: Path = PROC

    def now(self) -> Presence:
        """This moment."""
        found = {name: ask() for name, ask in self.cards.items()}
        return Presence(
            seconds=time.perf_counter(),
            all_seconds=self._all_seconds(),
            own_seconds=self._own_seconds(),
            computing={name: None if each is None else frozenset(each) for name, each in found.items()},
        )

    def since(self, before: Presence) -> Company:
        """Who else was there from ``before`` on; nothing of what the system does not tell."""
        now = self.now()
        return Company(tuple(told(before, now)), share_of_others(before, now))

    def _all_seconds(self) -> float | None:
        """Core-seconds of every process since the start of the machine."""
        with suppress(OSError, ValueError, IndexError):
            ticks = (self.proc / "stat").read_text("ascii").split("\n", 1)[0].split()[1:]
            return sum(int(ticks[column]) for column in _BUSY) / os.sysconf("SC_CLK_TCK")
        return None

    def _own_seconds(self) -> float:
        """Those of this process and of its children, also of those that still run."""
        return sum(os.times()[:4]) + sum(map(self._seconds_of, self._children("self")))

    def _children(self, process: str) -> Iterator[str]:
        for told_of in (self.proc / process / "task").glob("*/children"):
            with suppress(OSError):
                for child in told_of.read_text("ascii").split():
                    yield child
                    yield from self._children(child)

    def _seconds_of(self, process: str) -> float:
        with suppress(OSError, ValueError, IndexError):
            columns = (self.proc / process / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            return sum(map(int, columns[11:15])) / os.sysconf("SC_CLK_TCK")  # user, system, and of its own children
        return 0.0


def told(before: Presence, after: Presence) -> Iterator[str]:
    """Who else was there between two moments.

    >>> computing = {"GPU 0": frozenset({os.getpid(), 7})}
    >>> moments = Presence(0.0, 10.0, 4.0, computing), Presence(2.0, 15.0, 7.0, computing)
    >>> for line in told(*moments):  # of 5 core-seconds in 2 seconds this process took 3
    ...     print(line.partition(" of ")[0])
    other processes took 1.0
    GPU 0: 1 other process computes on it, beside this one
    """
    took = after.seconds - before.seconds
    others = _others_seconds(before, after)
    if others is not None and took > 0:
        yield f"other processes took {others / took:.1f} of {os.cpu_count()} cores"
    for name, now in after.computing.items():
        then = before.computing.get(name)
        if now is None or then is None:
            continue
        seen = now | then
        others_on_it = len(seen - {os.getpid()})
        said = "1 other process computes" if others_on_it == 1 else f"{others_on_it or 'no'} other processes compute"
        yield f"{name}: {said} on it" + ", beside this one" * (os.getpid() in seen)


def share_of_others(before: Presence, after: Presence) -> float | None:
    """The share of all processor time between two moments that was others', 1 where one shared a GPU with this process.

    >>> alone = Presence(0.0, 10.0, 4.0, {}), Presence(2.0, 14.0, 7.0, {})  # of 4 core-seconds this process took 3
    >>> shared = [Presence(each.seconds, None, 0.0, {"GPU 0": frozenset({os.getpid(), 7})}) for each in alone]
    >>> share_of_others(*alone), share_of_others(*shared), share_of_others(alone[0], alone[0])
    (0.25, 1.0, None)
    """
    for name, now in after.computing.items():
        seen = (now or frozenset()) | (before.computing.get(name) or frozenset())
        if os.getpid() in seen and len(seen) > 1:
            return 1.0
    others, own = _others_seconds(before, after), after.own_seconds - before.own_seconds
    return None if others is None or others + own <= 0 else others / (others + own)


def _others_seconds(before: Presence, after: Presence) -> float | None:
    """Core-seconds of all other processes between two moments."""
    if before.all_seconds is None or after.all_seconds is None:
        return None
    return max(0.0, (after.all_seconds - before.all_seconds) - (after.own_seconds - before.own_seconds))


def crowded(now: float, then: float) -> str:
    """Why a change between two readings may be others', by their shares of the processor time; '' of small ones.

    >>> crowded(0.6, 0.01)
    'other processes took 60 % of the processor time while it was metered, 1 % while the baseline was'
    >>> crowded(0.05, 0.0)
    ''
    """
    if max(now, then) <= CROWDED:
        return ""
    shares = f"{now:.0%} of the processor time while it was metered, {then:.0%} while the baseline was"
    return f"other processes took {shares}".replace("%", " %")
