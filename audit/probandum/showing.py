"""What the terminal shows: progress while a run goes on, then findings, the gate, and where the files are.

With a terminal there is a bar a probe; without one, or in a log, plain lines. NO_COLOR is honoured. How much time is
left is said of the present round alone, since only a probe knows whether it will ask another, and only once the system
answered enough of it.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from probandum import sampling
from probandum.comparison import Comparison
from probandum.export import comparison as told
from probandum.finding import Estimate, Finding, Verdict, limit_in_short, notation
from probandum.gating import GateResult, meaning, unmatched_words
from probandum.plan import Plan
from probandum.probe import ProbeResult
from probandum.record import Record
from probandum.running import Observer

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.ERROR: "bold magenta",
}


#: Of how many packs and seconds an estimate of the time left is made at least, and of how many packs at most.
_PACKS, _SECONDS, _RECENT = 3, 5.0, 20
#: A pack that took less, in seconds, was found in a journal or a cache, and says nothing of the system.
_FOUND = 0.005
#: Seconds between two lines of a log that say how far a round is.
_EVERY = 60.0


class Pace:
    """How long the present round will still take, from the last packs that the system itself answered.

    What was found, of an interrupted run or in a cache, came at once: it shortens the round and sets no pace.
    ``clock``: seconds from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: deque[tuple[int, float]] = deque(maxlen=_RECENT)
        self._done = self._of = 0
        self._since = clock()

    def progress(self, done: int, of: int) -> None:
        """``done`` of ``of`` inputs of the present round are answered."""
        now = self._clock()
        if done > self._done and now - self._since >= _FOUND:
            self._asked.append((done - self._done, now - self._since))
        self._done, self._of, self._since = done, of, now

    def seconds_left(self) -> float | None:
        """Seconds to the end of the round; None where too little was answered to say, or nothing is left."""
        seconds = sum(each for _, each in self._asked)
        if len(self._asked) < _PACKS or seconds < _SECONDS or self._done >= self._of:
            return None
        pace = seconds / sum(inputs for inputs, _ in self._asked)
        return max(0.0, (self._of - self._done) * pace - (self._clock() - self._since))

    @property
    def left(self) -> str:
        """The time left in words; empty where it cannot be said."""
        seconds = self.seconds_left()
        return "" if seconds is None else f"about {roughly(seconds)} left in this round"


def roughly(seconds: float) -> str:
    """A duration as exactly as an estimate of it is worth.

    >>> roughly(20), roughly(200), roughly(5400)
    ('1 min', '4 min', '1 h 30 min')
    """
    minutes = max(1, math.ceil(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(5 * math.ceil(minutes / 5), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


class _Left(ProgressColumn):
    """The time left in a probe's present round, counted down between its packs."""

    def render(self, task: Task) -> Text:
        seconds = None if task.finished else task.fields["pace"].seconds_left()
        said = "" if seconds is None else f"~{roughly(seconds)} in round"
        return Text(said, style="dim", no_wrap=True, overflow="ellipsis")


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    return console


class _Bars:
    """One bar a probe."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._base = 0
        self._pace = Pace()

    def started(self, probe: str, number: int, of: int) -> None:
        self._base, self._pace = 0, Pace()
        self._task = self._progress.add_task(f"{number}/{of} {probe}", total=None, pace=self._pace)

    def progress(self, probe: str, done: int, of: int) -> None:
        if self._task is None or of == 0:
            return
        self._pace.progress(done, of)
        self._progress.update(self._task, completed=self._base + done, total=self._base + of)
        if done == of:
            self._base += of

    def finished(self, result: ProbeResult, seconds: float) -> None:
        if self._task is not None:
            total = max(self._base, 1)
            mark = "" if result.status == "measured" else f" ({result.status.replace('_', ' ')})"
            self._progress.update(self._task, completed=total, total=total, description=f"{result.probe}{mark}")

    def note(self, text: str) -> None:
        self._progress.console.print(Text(text, style="dim"))


class _Lines:
    """One line a probe, for logs; during long rounds one a minute, so that nobody takes the audit for dead."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._pace, self._said = Pace(clock), clock()

    def started(self, probe: str, number: int, of: int) -> None:
        self._pace, self._said = Pace(self._clock), self._clock()
        self._console.print(f"{number}/{of} {probe} ...", highlight=False, soft_wrap=True)

    def progress(self, probe: str, done: int, of: int) -> None:
        self._pace.progress(done, of)
        if self._clock() - self._said < _EVERY or done >= of:
            return
        self._said = self._clock()
        said = ", ".join(filter(None, [f"{done:,} of {of:,} of this round answered", self._pace.left]))
        self._console.print(f"    {probe}: {said}", highlight=False, markup=False, soft_wrap=True)

    def finished(self, result: ProbeResult, seconds: float) -> None:
        said = f"{len(result.measures)} quantities" if result.status == "measured" else f"{result.status}: {result.why}"
        text = f"    {result.probe}: {said}, {seconds:.1f} s"
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def watching(plan: Plan) -> Iterator[Observer]:
    """An observer that shows the run of ``plan``."""
    console = _console()
    console.print(Text(f"Auditing {plan.card_text('name')} {plan.card_text('version')}", style="bold"))
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description:<30}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), _Left())
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress)


def quantity(estimate: Estimate) -> str:
    """Value, interval and n in one short text.

    >>> quantity(Estimate(value=0.75, low=0.61, high=0.9, n=400, unit="ratio", method="koopman"))
    '0.750 (0.610 to 0.900), n = 400'
    >>> quantity(Estimate(value=8.1e-14, low=8.1e-14, high=8.1e-14, n=100, unit="score", method="exact"))
    '8.1e-14 (8.1e-14 to 8.1e-14), n = 100'
    >>> quantity(Estimate.missing("no positives", unit="share"))
    'no value: no positives'
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"no value: {estimate.why}"
    how = notation((estimate.value, estimate.low, estimate.high))
    return f"{estimate.value:{how}} ({estimate.low:{how}} to {estimate.high:{how}}), {sampling.counted(estimate)}"


def print_findings(record: Record, result: GateResult) -> None:
    """The judged findings as a table, errors among them; the rest is counted."""
    console = _console()
    shown = [finding for finding in record.findings if _worth_a_row(finding)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("finding", overflow="fold")
    table.add_column("estimate", overflow="fold")
    table.add_column("limit", no_wrap=True)
    table.add_column("n needed", justify="right", max_width=14)
    for finding in shown:
        table.add_row(
            Text(finding.verdict.value + (" (waived)" if finding.waiver else ""), style=_STYLES[finding.verdict]),
            Text(_one_line(finding.id)),
            Text(_one_line(quantity(finding.estimate) if finding.estimate.value is not None else finding.why or "")),
            "" if finding.limit is None else limit_in_short(finding.limit),
            sampling.needed(finding).removeprefix("n = "),
        )
    console.print()
    if shown:
        console.print(table)
    rest = len(record.findings) - len(shown)
    if rest:
        text = f"{rest} more quantities without a limit stand in {record.folder / 'findings.json'}"
        console.print(Text(text, "dim"), soft_wrap=not console.is_terminal)
    print_gate(result, console=console)


def _worth_a_row(finding: Finding) -> bool:
    """Disclosed quantities fill pages: the terminal shows what was judged, and counts the rest."""
    return finding.verdict is not Verdict.NOT_APPLICABLE


def print_comparison(comparison: Comparison) -> None:
    """What differs between two audits, then what changed, then what has no number."""
    console = _console()
    for text in (*told.heading(comparison), told.conclusion(comparison)):
        console.print(Text(_one_line(text)), soft_wrap=not console.is_terminal)
    for difference in sorted(comparison.differences, key=lambda each: not each.bars):
        text, style = ("not comparable, ", "bold magenta") if difference.bars else ("differs, ", "yellow")
        console.print(Text(f"  {text}{_one_line(difference.text)}", style=style), soft_wrap=not console.is_terminal)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in told.HEADER:
        number = name != told.HEADER[0]
        head = name[:1].lower() + name[1:]
        table.add_column(head, overflow="fold", justify="right" if number else "left", no_wrap=number)
    rows = told.rows(comparison)
    probe = ""
    for row in rows:
        before, (probe, _, name) = probe, row.quantity.partition("/")
        if probe != before:
            table.add_row(Text(probe, style="bold"))
        table.add_row(Text(f"  {_one_line(name)}"), *(Text(_one_line(cell)) for cell in row[1:]))
    if rows:
        console.print()
        console.print(table)
    for reason, names in told.unsaid(comparison):
        text = f"  -  {_one_line(reason)} ({len(names):,}, the first {_one_line(names[0])})"
        console.print(Text(text, style="dim"), soft_wrap=not console.is_terminal)


def print_gate(result: GateResult, *, console: Console | None = None) -> None:
    """The gate's code, every cause, and what did not pass and does not block."""
    console = console or _console()
    style = {0: "green", 1: "bold red", 3: "yellow", 4: "bold magenta"}[result.code]
    console.print(Text(f"gate {result.code}: {meaning(result)}", style=style))
    for cause in result.causes:
        console.print(Text(f"  {cause.code}  {_one_line(cause.text)}"), soft_wrap=not console.is_terminal)
    for waiver in result.unmatched:
        text = f"  -  {_one_line(unmatched_words(waiver))}"
        console.print(Text(text, style="yellow"), soft_wrap=not console.is_terminal)
    for note in result.notes:
        console.print(Text(f"  -  {_one_line(note)}", style="dim"), soft_wrap=not console.is_terminal)
    for text in result.assurances:
        console.print(Text(f"     {_one_line(text)}", style="dim"), soft_wrap=not console.is_terminal)


def _one_line(text: str) -> str:
    """Names come from data: none of them begins a line of a log that a CI service reads commands from."""
    return " ".join(text.split())


def print_summary(done: Sequence[tuple[Plan, Record, GateResult]]) -> None:
    """Each audit's gate code and where to look."""
    console = _console()
    console.print()
    for plan, record, result in done:
        index: Any = record.folder / "reports" / "index.html"
        console.print(Text(f"gate {result.code}  {plan.card_text('name')}: {index}"), soft_wrap=True)
