"""What the terminal shows: progress while a run goes on, then findings, the gate, and where the files are.

With a terminal there is a bar a probe; without one, or in a log, plain lines. NO_COLOR is honoured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from probandum.finding import Estimate, Finding, Verdict, limit_in_short, notation
from probandum.gating import GateResult, meaning
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

    def started(self, probe: str, number: int, of: int) -> None:
        self._base = 0
        self._task = self._progress.add_task(f"{number}/{of} {probe}", total=None)

    def progress(self, probe: str, done: int, of: int) -> None:
        if self._task is None or of == 0:
            return
        self._progress.update(self._task, completed=self._base + done, total=self._base + of)
        if done == of:
            self._base += of

    def finished(self, result: ProbeResult, seconds: float) -> None:
        if self._task is not None:
            total = max(self._base, 1)
            mark = "" if result.status == "measured" else f" ({result.status.replace('_', ' ')})"
            self._progress.update(self._task, completed=total, total=total, description=f"{result.probe}{mark}")

    def note(self, text: str) -> None:
        self._progress.console.print(text, style="dim")


class _Lines:
    """One line a probe, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def started(self, probe: str, number: int, of: int) -> None:
        self._console.print(f"{number}/{of} {probe} ...", highlight=False, soft_wrap=True)

    def progress(self, probe: str, done: int, of: int) -> None:
        """A log needs no bar."""

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
    columns = (TextColumn("{task.description:<34}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
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
    return f"{estimate.value:{how}} ({estimate.low:{how}} to {estimate.high:{how}}), n = {estimate.n}"


def print_findings(record: Record, result: GateResult) -> None:
    """The judged findings as a table, errors among them; the rest is counted."""
    console = _console()
    shown = [finding for finding in record.findings if _worth_a_row(finding)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("finding", overflow="fold")
    table.add_column("estimate", overflow="fold")
    table.add_column("limit", no_wrap=True)
    table.add_column("n needed", justify="right")
    for finding in shown:
        table.add_row(
            Text(finding.verdict.value + (" (waived)" if finding.waiver else ""), style=_STYLES[finding.verdict]),
            Text(_one_line(finding.id)),
            Text(_one_line(quantity(finding.estimate) if finding.estimate.value is not None else finding.why or "")),
            "" if finding.limit is None else limit_in_short(finding.limit),
            "" if finding.n_needed is None else f"{finding.n_needed:,}",
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


def print_gate(result: GateResult, *, console: Console | None = None) -> None:
    """The gate's code, every cause, and what did not pass and does not block."""
    console = console or _console()
    style = {0: "green", 1: "bold red", 3: "yellow", 4: "bold magenta"}[result.code]
    console.print(Text(f"gate {result.code}: {meaning(result)}", style=style))
    for cause in result.causes:
        console.print(Text(f"  {cause.code}  {_one_line(cause.text)}"), soft_wrap=not console.is_terminal)
    for note in result.notes:
        console.print(Text(f"  -  {_one_line(note)}", style="dim"), soft_wrap=not console.is_terminal)


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
