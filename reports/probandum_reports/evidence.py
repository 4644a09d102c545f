"""Evidence pages: for each probe its findings with all their fields, and the raw lines they rest on.

``evidence/<probe>.jsonl`` holds one canonical JSON value a line: the observations that findings of the probe name,
the other ones that the probe asked for (its controls), and its metered windows. Where they are many it holds the
first megabytes, and of every finding the first observations; how many more stand in the record, and how they are
printed, stands on the page. The page names line numbers and shows the first lines readably. Observations stream
past once; nothing but numbers and a few samples is kept.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from probandum import codec
from probandum.document import Document
from probandum.dossier import Dossier
from probandum.evidence import Observation, Response
from probandum.finding import Finding
from probandum.probe import ProbeResult, Window
from probandum_reports import metered, saying
from probandum_reports.fields import exact, fields
from probandum_reports.pages import fill, frame
from probandum_reports.strips import strips
from probandum_reports.view import Shown, View

#: How much of the raw lines a page shows: observations, inputs of each, characters of a text.
_SAMPLES, _INPUTS, _CHARACTERS = 6, 3, 900
#: How much of the raw lines a file holds: bytes of them all, and observations of each finding whatever their size.
_BYTES, _LEAST = 4_000_000, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One raw line as a person reads it: ``asked`` and ``answered`` are (name, text) pairs."""

    line: int
    kind: str
    asked: Sequence[tuple[str, str]]
    answered: Sequence[tuple[str, str]]
    more: int = 0


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The raw lines of one probe as they are written.

    ``wanted``: the findings that name a digest. ``written``: how many lines each finding has already. ``left``: how
    many observations stand in the record only, by digest.
    """

    file: IO[bytes]
    wanted: dict[str, list[str]] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    size: int = 0
    count: int = 0
    lines: dict[str, list[int]] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    windows: list[tuple[int, Window]] = field(default_factory=list)

    def write(self, name: str, line: bytes) -> int:
        """Add one line under the digest or key ``name``; returns its number, from 1."""
        self.file.write(line + b"\n")
        self.size += len(line) + 1
        self.count += 1
        self.lines.setdefault(name, []).append(self.count)
        self.written.update(self.wanted.get(name, ()))
        return self.count

    def observe(self, observation: Observation, line: bytes) -> None:
        """Add an observation if there is room for it, or if a finding has too few yet to be looked at."""
        name = observation.request
        needed = any(self.written[finding] < _LEAST for finding in self.wanted.get(name, ()))
        if self.size + len(line) > _BYTES and not needed:
            self.left[name] += 1
            return
        number = self.write(name, line)
        if len(self.samples) < _SAMPLES:
            self.samples.append(readable(observation, number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finding as its page shows it: in words, and every field as (name, text) pairs."""

    shown: Shown
    fields: Sequence[tuple[str, str]]


def evidence(dossier: Dossier, folder: Path) -> list[Path]:
    """Write ``evidence/<probe>.html`` and ``evidence/<probe>.jsonl`` for every probe into ``folder``."""
    view = _view(dossier)
    target = folder / "evidence"
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    files: list[Path] = []
    with _ledgers(dossier, target) as ledgers:
        _stream(dossier, ledgers)
        for result in _results(dossier):
            page = target / f"{result.probe}.html"
            _write(page, _page(view, result, ledgers[result.probe]))
            files += [page, target / f"{result.probe}.jsonl"]
    return files


def _results(dossier: Dossier) -> Iterator[ProbeResult]:
    """Every probe, and the gate's own findings, which no probe measured: each finding has a page that it links to."""
    yield from dossier.results
    known = {result.probe for result in dossier.results}
    for name in dict.fromkeys(finding.probe for finding in dossier.findings if finding.probe not in known):
        summary = "What the gate itself found beside the record's baselines; no probe asked for it."
        yield ProbeResult(probe=name, version=1, status="measured", summary=summary)


def _view(dossier: Dossier) -> View:
    page = Document(id="evidence", title="Evidence", subtitle="", status="", front=(), nodes=())
    return View(page, dossier)


def _opened(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _write(path: Path, data: bytes) -> None:
    with _opened(path) as file:
        file.write(data)


@contextmanager
def _ledgers(dossier: Dossier, target: Path) -> Iterator[Mapping[str, Ledger]]:
    with ExitStack() as stack:
        yield {
            result.probe: Ledger(file=stack.enter_context(_opened(target / f"{result.probe}.jsonl")))
            for result in _results(dossier)
        }


def _stream(dossier: Dossier, ledgers: Mapping[str, Ledger]) -> None:
    """Every observation, once, to the files of the probes that rest on it; then the windows."""
    named: dict[str, dict[str, None]] = {}
    for finding in dossier.findings:
        for digest in finding.evidence:
            named.setdefault(digest, {}).setdefault(finding.probe)
            ledgers[finding.probe].wanted.setdefault(digest, []).append(finding.id)
    for observation in dossier.observations():
        line = codec.encode(observation)
        for probe in {observation.probe: None, **named.get(observation.request, {})}:
            ledgers[probe].observe(observation, line)
    for key, window in dossier.windows.items():
        line = codec.encode({"window": key, "reading": window})
        probes = dict(named.get(key, {}))
        if (whole := key.removeprefix("probe:")) != key and whole in ledgers:
            probes.setdefault(whole)
        for probe in probes:
            number = ledgers[probe].write(key, line)
            ledgers[probe].windows.append((number, window))


def _page(view: View, result: ProbeResult, ledger: Ledger) -> bytes:
    findings = [finding for finding in view.dossier.findings if finding.probe == result.probe]
    entries = [_entry(view, finding, ledger) for finding in findings]
    return fill(
        "evidence.html",
        result=result,
        family=saying.family(result.probe),
        judged=[entry for entry in entries if entry.shown.finding.limit is not None or _unsettled(entry)],
        others=[entry for entry in entries if entry.shown.finding.limit is None and not _unsettled(entry)],
        shapes=strips(finding for finding in findings if finding.id not in view.suppressed),
        options=[(name, plain(value)) for name, value in result.options.items()],
        samples=ledger.samples,
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


def _entry(view: View, finding: Finding, ledger: Ledger) -> Entry:
    shown = view.shown(finding.id)
    return Entry(shown=shown, fields=[pair for pair in fields(shown, ledger.lines, ledger.left) if pair[1]])


def readable(observation: Observation, line: int) -> Sample:
    """An observation as a person reads it: the first inputs and what was answered to them."""
    asked, answer = observation.asked, observation.answer
    n = int(asked.get("n", 0))
    if observation.purged:
        deleted = [("deleted", f"questions and answers of {n:,} inputs; their digests stand in this line of the file")]
        return Sample(line=line, kind=str(asked["kind"]), asked=[], answered=deleted)
    pairs: list[tuple[str, str]] = []
    if "rows" in asked:
        pairs.append((f"{n:,} rows of the columns {cut(', '.join(asked.get('columns', [])), 300)}", str(asked["rows"])))
    texts = [str(text) for text in asked.get("inputs", ())]
    said: list[tuple[str, str]] = []
    for index in range(min(n, _INPUTS)):
        name = _name(asked, index)
        if index < len(texts):
            pairs.append((name, cut(texts[index])))
        said.append((name, cut(_answer(asked, answer, index))))
    if asked.get("prefix"):
        pairs.append(("the answer begins", str(asked["prefix"])))
    if asked.get("masks"):
        pairs.append(("changed versions of", cut(plain(asked["masks"].get("base", "")), 300)))
    if answer.error is not None:
        said = [("no answer", answer.error)]
    return Sample(line=line, kind=str(asked.get("kind", "")), asked=pairs, answered=said, more=max(0, n - _INPUTS))


def _name(asked: Mapping[str, Any], index: int) -> str:
    """How an input is called: its key and group, or its place."""
    parts = [str(asked[name][index]) for name in ("keys", "groups") if index < len(asked.get(name, ()))]
    return ", ".join(cut(part, 80) for part in parts) or f"input {index + 1}"


def _answer(asked: Mapping[str, Any], answer: Response, index: int) -> str:
    """The answer to one input, as recorded: option or class and number, text, or refusal."""
    if index in answer.refused:
        return "refused"
    if index < len(answer.texts):
        return answer.texts[index]
    if answer.outputs is None:
        return "no answer"
    row = answer.outputs[index]
    numbers = [float(value) for value in row] if getattr(row, "ndim", 0) else [float(row)]
    options = [str(option[0]) for option in asked.get("options", ()) if option]
    names = options if len(options) == len(numbers) else list(answer.labels)
    unit = " nats" if asked.get("kind") in ("choose", "score") else ""
    if len(names) == len(numbers):
        return "; ".join(f"{name.strip()}: {exact(number)}{unit}" for name, number in zip(names, numbers, strict=True))
    return ", ".join(f"{exact(number)}{unit}" for number in numbers)


def _window(window: Window) -> tuple[str, str]:
    """A metered window in words: what was done, and what it took."""
    reading = window.reading
    estimated = reading.joules is not None and reading.grade == "D"
    parts = [metered.took(reading)] if estimated else []
    for name in ("gpu", "cpu", "dram"):
        joules = getattr(reading, f"{name}_joules")
        if joules is None and name in reading.why:
            parts.append(f"{name.upper()} not read: {reading.why[name]}")
        elif joules is not None and not estimated:
            parts.append(f"{name.upper()} {saying.amount(joules, 'joule')}")
    if reading.idle_watts is not None:
        parts.append(f"idle power {saying.amount(reading.idle_watts, 'watt')}")
    done = f"{window.requests:,} requests" if window.requests else "the whole probe"
    grade = "" if reading.joules is None else f", {saying.grade(reading.grade)}"
    return f"{done} in {saying.amount(reading.seconds, 'second')}{grade}", "; ".join(parts)


def plain(value: object) -> str:
    """An option's value as a person would write it."""
    if value is None or value == []:
        return "not set"
    if isinstance(value, str):
        return value
    return cut(codec.encode(value).decode(), 400)


def cut(text: str, longest: int = _CHARACTERS) -> str:
    """``text``, or its beginning with how much of it is left out.

    >>> cut("abcdef", 4)
    'abcd … (2 more characters in the file)'
    """
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest:,} more characters in the file)"
