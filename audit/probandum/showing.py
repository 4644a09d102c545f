"""What the terminal shows: progress while a run goes on, then findings, the gate, and where the files are.

With a terminal there is a bar a probe; without one, or in a log, plain lines. NO_COLOR is honoured. How much time is
left is said of the present round alone, since only a probe knows whether it will ask another, and only once the system
answered enough of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from probandum import sampling
from probandum.aligning import folded, laid_out, led
from probandum.comparison import Comparison
from probandum.export import comparison as told
from probandum.export.writing import legal
from probandum.finding import Estimate, Finding, Verdict, limit_in_short, notation
from probandum.gating import GateResult, meaning
from probandum.pacing import Pace, roughly
from probandum.plan import Plan
from probandum.probe import ProbeResult
from probandum.record import Record
from probandum.running import Observer
from probandum.waiving import standing

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.ERROR: "bold magenta",
}

_HEADER = ("verdict", "finding", "estimate", "limit", "n needed")
#: Seconds between two lines of a log that say how far a round is.
_EVERY = 60.0


class _Left(ProgressColumn):
    """The time left in a probe's present round, counted down between its packs."""

    def render(self, task: Task) -> Text:
        seconds = None if task.finished else task.fields["pace"].seconds_left()
        said = "" if seconds is None else f"~{roughly(seconds)} in round"
        return Text(said, style="dim", no_wrap=True, overflow="ellipsis")


class _Done(ProgressColumn):
    """How many inputs of how many are answered."""

    def render(self, task: Task) -> Text:
        of = "?" if task.total is None else f"{int(task.total):,}"
        return Text(f"{int(task.completed):>{len(of)},}/{of}", style="progress.download")


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
        count = len(result.measures)
        quantities = "1 quantity" if count == 1 else f"{count:,} quantities"
        said = quantities if result.status == "measured" else f"{result.status}: {result.why}"
        text = f"    {result.probe}: {said}, {seconds:.1f} s"
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def watching(plan: Plan) -> Iterator[Observer]:
    """An observer that shows the run of ``plan``."""
    console = Console()
    system = " ".join(filter(None, [plan.card_text("name"), plan.card_text("version")]))
    console.print(Text(f"Auditing {system}", style="bold"), soft_wrap=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description:<30}"), BarColumn(20), _Done(), TimeElapsedColumn(), _Left())
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress)


def quantity(estimate: Estimate) -> str:
    """Value, interval and n in one short text.

    >>> quantity(Estimate(value=0.75, low=0.61, high=0.9, n=400, unit="ratio", method="koopman"))
    '0.750 (0.610 to 0.900), n = 400'
    >>> quantity(Estimate(value=8.1e-14, low=8.1e-14, high=8.1e-14, n=100, unit="score", method="exact"))
    '8.1e-14, n = 100'
    >>> quantity(Estimate.missing("no positives", unit="share"))
    'no value: no positives'
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"no value: {estimate.why}"
    how = notation((estimate.value, estimate.low, estimate.high))
    return f"{estimate.value:{how}}{estimate.spread(how)}, {sampling.counted(estimate)}"


def print_findings(record: Record, result: GateResult) -> None:
    """The judged findings as a table, errors among them; the rest is counted."""
    console = Console()
    shown = [finding for finding in standing(record.findings, result.idle) if _worth_a_row(finding)]
    rows = [_HEADER, *map(_row, shown)]
    console.print()
    if shown:
        header, *made = laid_out(rows, name=1, right={len(_HEADER) - 1}, width=_width(console))
        _print(console, header, "bold")
        for finding, row, lines in zip(shown, rows[1:], made, strict=True):
            first = Text(lines[0])
            first.stylize(_STYLES[finding.verdict], 0, len(row[0]))
            console.print(first, soft_wrap=True)
            _print(console, lines[1:])
    rest = len(record.findings) - len(shown)
    if rest:
        more = (
            "1 more quantity without a limit stands" if rest == 1 else f"{rest:,} more quantities without a limit stand"
        )
        text = f"{more} in {record.folder / 'findings.json'}"
        console.print(Text(text, "dim"), soft_wrap=True)
    print_gate(result, console=console)


def _row(finding: Finding) -> tuple[str, ...]:
    said = quantity(finding.estimate) if finding.estimate.value is not None else finding.why or ""
    return (
        finding.verdict.value + (" (waived)" if finding.waiver else ""),
        _one_line(finding.id),
        _one_line(said),
        "" if finding.limit is None else limit_in_short(finding.limit),
        sampling.needed(finding).removeprefix("n = "),
    )


def _worth_a_row(finding: Finding) -> bool:
    """Disclosed quantities fill pages: the terminal shows what was judged, and counts the rest."""
    return finding.verdict is not Verdict.NOT_APPLICABLE


def print_steps(steps: Iterable[tuple[str, str]], *, caution: str | None = None) -> None:
    """Lines of a report, each a lead and what it leads to; what does not fit goes on below the first, not the lead.

    ``caution``: what nobody may overlook behind them.
    """
    console = Console()
    for lead, text in steps:
        _print(console, folded(f"{lead}{_one_line(text)}", _width(console), indent=len(lead)))
    if caution is not None:
        _print(console, folded(_one_line(caution), _width(console), indent=0), "yellow")


def print_comparison(comparison: Comparison) -> None:
    """What differs between two audits, then what changed, then what has no number."""
    console = Console()
    width = _width(console)
    for text in (*told.heading(comparison), told.conclusion(comparison)):
        _print(console, folded(_one_line(text), width, indent=2))
    for difference in sorted(comparison.differences, key=lambda each: not each.bars):
        text, style = ("not comparable, ", "bold magenta") if difference.bars else ("differs, ", "yellow")
        _print(console, folded(f"  {text}{_one_line(difference.text)}", width, indent=4), style)
    rows = [tuple(_one_line(cell) for cell in row) for row in told.rows(comparison)]
    split = [(*row[0].partition("/")[::2], *row[1:]) for row in rows]  # the probe, then what stands in the table
    table = [
        tuple(name[:1].lower() + name[1:] for name in told.HEADER),
        *((f"  {name}", *cells) for _, name, *cells in split),
    ]
    header, *made = laid_out(table, name=0, right=range(1, len(told.HEADER)), width=width)
    if rows:
        console.print()
        _print(console, header, "bold")
    before = ""
    for (probe, *_), lines in zip(split, made, strict=True):
        if probe != before:
            _print(console, [probe], "bold")
        before = probe
        _print(console, lines)
    for reason, names in (*told.unsaid(comparison), *told.crowded(comparison)):
        text = f"{_one_line(reason)} ({len(names):,}, the first {_one_line(names[0])})"
        _print(console, led("  -  ", text, width), "dim")


def print_gate(result: GateResult, *, console: Console | None = None) -> None:
    """The gate's code, every cause, and what did not pass and does not block."""
    console = console or Console()
    width = _width(console)
    style = {0: "green", 1: "bold red", 3: "yellow", 4: "bold magenta"}[result.code]
    _print(console, [f"gate {result.code}: {meaning(result)}"], style)
    if result.unjudged:
        _print(console, [f"     held against a limit: {result.judged:,}, covered and not judged: {result.unjudged:,}"])
    for cause in result.causes:
        _print(console, led(f"  {cause.code}  ", _one_line(cause.text), width))
    caused = {cause.finding for cause in result.causes}  # these say what became of their waivers
    for idle in result.idle:
        if idle.waiver.finding not in caused:
            _print(console, led("  -  ", _one_line(idle.said), width), "yellow")
    for note in result.notes:
        _print(console, led("  -  ", _one_line(note), width), "dim")
    if result.stale is not None:
        _print(console, led("  -  ", _one_line(result.stale), width), "yellow")
    if result.unchecked is not None:
        _print(console, led("  -  ", _one_line(result.unchecked), width), "yellow")
    if result.attempts is not None and not result.attempts.first:
        _print(console, led("     ", _one_line(result.attempts.said), width), "yellow")
    for text in result.assurances:
        _print(console, led("     ", _one_line(text), width), "dim")


def _width(console: Console) -> int | None:
    """How wide a line may be; in a log as wide as it is, so that a finding can be searched for."""
    return console.width if console.is_terminal else None


def _print(console: Console, lines: Sequence[str], style: str = "") -> None:
    for line in lines:
        console.print(Text(line, style), soft_wrap=True)


def _one_line(text: str) -> str:
    """Names come from data: none of them begins a line of a log that a CI service reads commands from, or moves a
    terminal's cursor.
    """
    return " ".join(legal(text).split())


def print_summary(done: Sequence[tuple[Plan, Record, GateResult]]) -> None:
    """Each audit's gate code and where to look."""
    console = Console()
    console.print()
    for plan, record, result in done:
        index = record.reports / "index.html"
        console.print(Text(f"gate {result.code}  {plan.card_text('name')}: {index}"), soft_wrap=True)
