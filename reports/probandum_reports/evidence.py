"""Evidence pages: for each probe its findings with all their fields, and the raw lines they rest on.

``evidence/<probe>.jsonl`` holds one canonical JSON value a line: the observations that findings of the probe name,
the other ones that the probe asked for (its controls), and its metered windows. Where they are many it holds the
first megabytes, and of every finding the first observations; how many more stand in the record, and how they are
printed, stands on the page. The page names line numbers and shows the first lines readably. Observations stream
past once; nothing but numbers, a few samples and what was said at the items of findings is kept. Reports name no row
and copy no address or number of a person (:mod:`probandum_reports.pseudonyms`).

``evidence/<probe>.items.jsonl`` holds, a finding a line, every item that it was computed from: its value, and where it
was asked among the raw lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO

from probandum import codec
from probandum.document import Document
from probandum.dossier import Dossier
from probandum.evidence import Observation
from probandum.finding import Finding
from probandum.journal import Recorded
from probandum.probe import ProbeResult, Window
from probandum_reports import lint, metered, saying
from probandum_reports.fields import fields
from probandum_reports.messages import counted, said
from probandum_reports.pages import fill, frame
from probandum_reports.pseudonyms import masked, pseudonymised
from probandum_reports.readable import Sample, plain, readable
from probandum_reports.resting import Places, Rests, resting
from probandum_reports.sayings import Shown
from probandum_reports.staged import opened, write
from probandum_reports.strips import strips
from probandum_reports.view import View

#: How many raw lines a page shows.
_SAMPLES = 6
#: How much of the raw lines a file holds: bytes of them all, and observations of each finding whatever their size.
_BYTES, _LEAST = 4_000_000, 12


class Raw:
    """An observation under the name that findings call it by, read and written out once somebody has room for it."""

    def __init__(self, recorded: Recorded) -> None:
        self._read = recorded.whole
        self.probe = recorded.outline.probe
        self.name = recorded.outline.named

    @cached_property
    def told(self) -> Observation:
        """As a report may hold it."""
        return pseudonymised(self._read())

    @cached_property
    def line(self) -> bytes:
        """As its line says it."""
        return codec.encode(self.told)


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The raw lines of one probe as they are written.

    ``wanted``: the findings that name a digest. ``written``: how many lines each finding has already. ``left``: how
    many observations stand in the record only, by digest. ``places``: where items of findings were asked. ``full``:
    one had no room any more.
    """

    file: IO[bytes]
    places: Places
    wanted: dict[str, list[str]] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    size: int = 0
    count: int = 0
    lines: dict[str, list[int]] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    windows: list[tuple[int, Window]] = field(default_factory=list)
    full: bool = False

    def write(self, name: str, line: bytes) -> int:
        """Add one line under the digest or key ``name``; returns its number, from 1."""
        self.file.write(line + b"\n")
        self.size += len(line) + 1
        self.count += 1
        self.lines.setdefault(name, []).append(self.count)
        self.written.update(self.wanted.get(name, ()))
        return self.count

    def observe(self, raw: Raw) -> None:
        """Add an observation if there is room for it, or if a finding has too few yet to be looked at."""
        needed = any(self.written[finding] < _LEAST for finding in self.wanted.get(raw.name, ()))
        self.full = self.full or self.size + len(raw.line) > _BYTES
        if self.full and not needed:
            self.left[raw.name] += 1
            return
        number = self.write(raw.name, raw.line)
        self.places.note(raw.told, number)
        if len(self.samples) < _SAMPLES:
            self.samples.append(readable(raw.told, number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finding as its page shows it: in words, every field as (name, text) pairs, and its own items."""

    shown: Shown
    fields: Sequence[tuple[str, str]]
    rests: Rests | None


def evidence(dossier: Dossier, folder: Path) -> list[Path]:
    """Write page, raw lines and items of every probe into ``evidence`` in ``folder``."""
    view = _view(dossier)
    target = folder / "evidence"
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    files: list[Path] = []
    with _ledgers(dossier, target) as ledgers:
        _stream(dossier, ledgers)
        for result in _results(dossier):
            ledger = ledgers[result.probe]
            rests, held = _rests(view, result.probe, ledger)
            page, items = target / f"{result.probe}.html", target / f"{result.probe}.items.jsonl"
            made = _page(view, result, ledger, rests)
            lint.check_page(page.name, made)
            write(page, made)
            files += [page, target / f"{result.probe}.jsonl"]
            if held:
                write(items, b"".join(held))
                files.append(items)
    return files


def _results(dossier: Dossier) -> Iterator[ProbeResult]:
    """Every probe, and the gate's own findings, which no probe measured: each finding has a page that it links to."""
    yield from dossier.results
    known = {result.probe for result in dossier.results}
    for name in dict.fromkeys(finding.probe for finding in dossier.findings if finding.probe not in known):
        summary = said("What the gate itself found beside the record's baselines; no probe asked for it.")
        yield ProbeResult(probe=name, version=1, status="measured", summary=summary)


def _view(dossier: Dossier) -> View:
    page = Document(id="evidence", title=said("Evidence"), subtitle="", status="", front=(), nodes=())
    return View(page, dossier)


@contextmanager
def _ledgers(dossier: Dossier, target: Path) -> Iterator[Mapping[str, Ledger]]:
    with ExitStack() as stack:
        yield {
            result.probe: Ledger(
                file=stack.enter_context(opened(target / f"{result.probe}.jsonl")),
                places=Places(wanted=_names(dossier, result.probe)),
            )
            for result in _results(dossier)
        }


def _names(dossier: Dossier, probe: str) -> frozenset[str]:
    """The names of all items that findings of a probe were computed from."""
    mine = [dossier.items[each.id] for each in dossier.findings if each.probe == probe and each.id in dossier.items]
    return frozenset(masked(name) for items in mine for name in items.keys)


def _stream(dossier: Dossier, ledgers: Mapping[str, Ledger]) -> None:
    """Every observation, once, to the files of the probes that rest on it; then the windows."""
    named: dict[str, dict[str, None]] = {}
    for finding in dossier.findings:
        for digest in finding.evidence:
            named.setdefault(digest, {}).setdefault(finding.probe)
            ledgers[finding.probe].wanted.setdefault(digest, []).append(finding.id)
    for raw in map(Raw, dossier.observations()):
        for probe in {raw.probe: None, **named.get(raw.name, {})}:
            ledgers[probe].observe(raw)
    for key, window in dossier.windows.items():
        line = codec.encode({"window": key, "reading": window})
        probes = dict(named.get(key, {}))
        if (whole := key.removeprefix("probe:")) != key and whole in ledgers:
            probes.setdefault(whole)
        for probe in probes:
            number = ledgers[probe].write(key, line)
            ledgers[probe].windows.append((number, window))


def _rests(view: View, probe: str, ledger: Ledger) -> tuple[dict[str, Rests], list[bytes]]:
    """By finding id the items that may be shown, and the lines that list them; none once questions were deleted."""
    rests: dict[str, Rests] = {}
    held: list[bytes] = []
    for finding in view.dossier.findings if view.dossier.purged is None else ():
        items = view.dossier.items.get(finding.id)
        if finding.probe != probe or items is None or finding.id in view.suppressed:
            continue
        lines = {number for digest in finding.evidence for number in ledger.lines.get(digest, ())}
        named = replace(items, keys=tuple(map(masked, items.keys)))
        rests[finding.id], listed = resting(finding, named, ledger.places, lines, number=len(held) + 1)
        held += [] if listed is None else [codec.encode(listed) + b"\n"]
    return rests, held


def _page(view: View, result: ProbeResult, ledger: Ledger, rests: Mapping[str, Rests]) -> bytes:
    findings = [finding for finding in view.dossier.findings if finding.probe == result.probe]
    entries = [_entry(view, finding, ledger, rests.get(finding.id)) for finding in findings]
    return fill(
        "evidence.html",
        result=result,
        family=saying.family(result.probe),
        judged=[entry for entry in entries if entry.shown.finding.limit is not None or _unsettled(entry)],
        others=[entry for entry in entries if entry.shown.finding.limit is None and not _unsettled(entry)],
        shapes=strips(finding for finding in findings if finding.id not in view.suppressed),
        options=[(name, plain(value)) for name, value in result.options.items()],
        samples=ledger.samples,
        sampled={sample.line for sample in ledger.samples},
        windows=[(number, *_window(window)) for number, window in ledger.windows],
        coverage=metered.coverage(window.reading for _, window in ledger.windows),
        count=ledger.count,
        left=ledger.left.total(),
        first_left=next(iter(ledger.left), None),
        **frame(view.dossier),
    )


def _unsettled(entry: Entry) -> bool:
    """Whether a finding without a limit is still more than a figure that was only reported."""
    return entry.shown.finding.verdict.value in ("ERROR", "INCONCLUSIVE", "FAIL")


def _entry(view: View, finding: Finding, ledger: Ledger, rests: Rests | None) -> Entry:
    shown = view.shown(finding.id)
    told = [pair for pair in fields(shown, ledger.lines, ledger.left) if pair[1]]
    if rests is not None and rests.asked:
        own = "its own items: raw lines {lines}; asked before it: {others}"
        told = [
            (name, said(own, lines=rests.asked, others=text) if name == said("Rests on") else text)
            for name, text in told
        ]
    return Entry(shown=shown, fields=told, rests=rests)


def _window(window: Window) -> tuple[str, str]:
    """A metered window in words: what was done, and what it took."""
    reading = window.reading
    estimated = reading.joules is not None and reading.grade == "D"
    parts = [metered.took(reading)] if estimated else []
    for name in ("gpu", "cpu", "dram"):
        joules = getattr(reading, f"{name}_joules")
        if joules is None and name in reading.why:
            parts.append(said("{part} not read: {why}", part=name.upper(), why=reading.why[name]))
        elif joules is not None and not estimated:
            parts.append(f"{name.upper()} {saying.amount(joules, 'joule')}")
    if reading.idle_watts is not None:
        idle = said("idle power {watts}", watts=saying.amount(reading.idle_watts, "watt"))
        if reading.bare_watts is not None:
            bare = saying.amount(reading.bare_watts, "watt")
            idle = said("{idle}, {watts} before loading", idle=idle, watts=bare)
        parts.append(idle)
    parts += reading.others
    asked = said("the whole probe")
    if window.requests:
        asked = counted(window.requests, "{n} request", "{n:,} requests")
    done = said("{asked} in {time}", asked=asked, time=saying.amount(reading.seconds, "second"))
    return done if reading.joules is None else f"{done}, {saying.grade(reading.grade)}", "; ".join(parts)
