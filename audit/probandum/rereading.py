"""Rereading: whether what stands in a journal is what a run of the plan writes there, and asks now.

A digest beside an answer shows that the answer is whole, not that it stands in its place: lines that were exchanged,
left out or written twice are found by their packs, and the question of each is compared with the one that is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from probandum import codec
from probandum.errors import Misrecorded
from probandum.evidence import CACHED, SMALLER, Observation, Request
from probandum.packing import describe
from probandum.units import counted

#: What to do where a run cannot go on from what was recorded.
AGAIN = "delete the folder, or start again in another --out"
#: An observation, or a line that holds an energy window.
Entry = TypeVar("Entry")
_PLACEMENT = re.compile(rf"local|{re.escape(CACHED)}\d{{4}}-\d{{2}}-\d{{2}}|{re.escape(SMALLER)}\d+", re.ASCII)
#: The reading of a whole probe is kept as a window of this name and the probe's.
WHOLE_PROBE = "probe:"


def regular(entries: Iterable[Entry], probes: Collection[str] | None, *, what: str, remedy: str) -> Iterator[Entry]:
    """``entries`` as they come; Misrecorded, naming the line, at the first that no run of these ``probes`` writes.

    ``probes``: the plan's, None for any. ``what``: the file that they stand in, one a line.
    """
    packs: set[str] = set()
    windows: set[str] = set()
    before: Observation | None = None
    number = 0
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, Observation):
            wrong = _misplaced(entry, before, packs) or _unplanned(entry, probes)
            packs.add(entry.pack)
            before = entry
        else:
            wrong = _misplaced_window(str(getattr(entry, "window", "")), before, windows, probes)
            before = None
        if wrong is not None:
            raise _damaged(f"{what}:{number}", wrong, remedy)
        yield entry
    if before is not None and before.index + 1 != before.size:
        raise _damaged(f"{what}:{number}", "lines of its pack are missing after it", remedy)


def refuse_other(
    recorded: Sequence[Observation], probe: str, pack: Sequence[Request], *, first: tuple[str, int]
) -> None:
    """Misrecorded, naming the line, where a recorded pack is not the one that ``probe`` asks now.

    ``first``: the file and the line of its first request. Which keys and groups were told beside a question is compared
    where the same probe asked it; another one may have been the first to ask.
    """
    for place, (observation, request) in enumerate(zip(recorded, pack, strict=False)):
        said, told = observation.asked, describe(request)
        names = sorted({*said, *told}) if observation.probe == probe else ["kind", "n"]
        wrong = next((name for name in names if codec.encode(said.get(name)) != codec.encode(told.get(name))), None)
        if observation.request != request.digest:
            wrong = "digest"
        if wrong is not None:
            why = f"it answers another question than {probe} asks here, by its {wrong}"
            raise _damaged(f"{first[0]}:{first[1] + place}", why, AGAIN)
    if len(recorded) != len(pack):
        why = f"its pack holds {counted(len(recorded), 'question')}, and {probe} asks {len(pack)}"
        raise _damaged(f"{first[0]}:{first[1]}", why, AGAIN)


def _misplaced(entry: Observation, before: Observation | None, packs: Collection[str]) -> str | None:
    """What is wrong with the place of a line in its pack, or of its pack in the journal."""
    expected = 0 if before is None or before.index + 1 == before.size else before.index + 1
    if entry.index != expected:
        return f"line {entry.index + 1} of {entry.size} of its pack stands where line {expected + 1} belongs"
    if expected == 0:
        return "its pack is recorded twice" if entry.pack in packs else None if entry.size > 0 else "its pack is empty"
    assert before is not None
    common = ("pack", "size", "probe", "placement", "attempt", "seconds")
    wrong = next((name for name in common if getattr(entry, name) != getattr(before, name)), None)
    return None if wrong is None else f"it has another {wrong} than the line before it in its pack"


def _unplanned(entry: Observation, probes: Collection[str] | None) -> str | None:
    if probes is not None and entry.probe not in probes:
        return f"the plan has no probe {entry.probe!r}"
    if _PLACEMENT.fullmatch(entry.placement) is None:
        return f"no run writes the placement {entry.placement!r}"
    return None


def _misplaced_window(
    key: str, before: Observation | None, windows: set[str], probes: Collection[str] | None
) -> str | None:
    if before is not None and before.index + 1 != before.size:
        return "lines of the pack before it are missing"
    probe = key.removeprefix(WHOLE_PROBE)
    if probe != key and probes is not None and probe not in probes:
        return f"the plan has no probe {probe!r}"
    if key in windows:
        return "its energy window is recorded twice"
    windows.add(key)
    return None


def _damaged(where: str, why: str, remedy: str) -> Misrecorded:
    return Misrecorded(f"{where}: the journal is damaged at this line: {why}", remedy=remedy)
