"""Every error a user can meet, as one tree. Each class carries the exit code of the command line.

    ProbandumError                4   base; never raised itself
    ├── UsageError                2   the command or the plan is wrong; nothing was run
    │   ├── PlanError             2   one or more lines ``file:line:column: path: message``
    │   ├── Unfinished            2   documents that are not to be filed yet, one line each
    │   ├── DataError             2   a data file that is missing, empty or lacks a named column
    │   └── UnknownName           2   no probe, target, metric or document of that name
    ├── UnsafeRefused             2   an unsafe thing was asked for without its explicit flag
    ├── MissingDependency         2   an optional package is not installed
    ├── TargetError               4   the audited system could not be loaded or did not answer
    │   ├── TooLittleMemory       4   what it was asked does not fit the device at once
    │   ├── Unreachable           4   its connection was lost, or its last check broke; the run can be resumed
    │   ├── Unasked               4   an ask that was not sent, since another of its round was not answered
    │   └── Exchanged             4   another system answers than the one that the run began with
    ├── ProbeError                4   a probe broke
    ├── BudgetSpent               4   the plan's budget ended the asking
    ├── Crashed                   4   the toolkit broke where nobody foresaw it
    └── RecordError               4   a record is damaged, truncated, or fails verification
        ├── Unrecorded            4   an answer could not be written down; the run ends, and can be resumed
        └── Misrecorded           4   a journal holds another line than a run of the plan writes there

A message is one line: what, where, expected, got. ``remedy`` says what to do next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

#: What would break a line, move the cursor of a terminal, or turn round what stands beside it.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: ``file:line:column:``, as a problem of a plan begins.
_PLACED = re.compile(r"(.+?):(\d+):(\d+): ")


def whole(text: str) -> str:
    """``text`` with halves of characters, which no file or terminal takes, written as Python does.

    >>> whole("half " + chr(0xD83D))
    'half \\\\ud83d'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """``text`` with what would break its line written as Python does, since people's values stand in it.

    >>> one_line("no file a\\nb")
    'no file a\\\\nb'
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class ProbandumError(Exception):
    """Base of all errors that the command line prints as one line, without a traceback."""

    exit_code = 4

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        message = whole(message)
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def lines(self) -> list[str]:
        """The lines a person reads: one a problem, the remedy behind the last."""
        return [one_line("; ".join(filter(None, [self.message, self.remedy])))]


class UsageError(ProbandumError, ValueError):
    """The command, its arguments or the plan are wrong; nothing was run."""

    exit_code = 2


class PlanError(UsageError):
    """One or more problems in audit files, all reported at once: each once, in the order of its file."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = _in_order(map(one_line, problems))
        super().__init__("\n".join(self.problems))

    def lines(self) -> list[str]:
        """One line a problem, each starting ``file:line:column:``."""
        return list(self.problems)


class Unfinished(UsageError):
    """Documents that were asked for as final, and have open fields or no reviewer; one line each."""

    def __init__(self, documents: Sequence[str]) -> None:
        self.documents = tuple(map(one_line, documents))
        super().__init__("\n".join(self.documents))

    def lines(self) -> list[str]:
        """One line a document."""
        return list(self.documents)


def _in_order(problems: Iterable[str]) -> tuple[str, ...]:
    """Problems by line and column within each file, the files in the order in which they are first named.

    >>> _in_order(["a.yaml:10:1: x", "b.yaml:1:1: z", "a.yaml:9:2: y", "a.yaml:10:1: x"])
    ('a.yaml:9:2: y', 'a.yaml:10:1: x', 'b.yaml:1:1: z')
    """
    files: dict[str, int] = {}
    places: dict[str, tuple[int, int, int]] = {}
    for problem in problems:
        placed = _PLACED.match(problem)
        file, line, column = placed.groups() if placed else (problem, 0, 0)
        places[problem] = (files.setdefault(file, len(files)), int(line), int(column))
    return tuple(sorted(places, key=places.__getitem__))


class DataError(UsageError):
    """A data file is missing, unreadable, empty, or lacks a column that the plan names."""


class UnknownName(UsageError, LookupError):
    """A name that no registry knows; the message suggests the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(f"unknown {kind} {name!r}{did_you_mean(name, names)}", remedy=f"known: {', '.join(names)}")


class UnsafeRefused(ProbandumError, PermissionError):
    """Loading code-executing files, or the like, without the flag that says so."""

    exit_code = 2


class MissingDependency(ProbandumError, ImportError):
    """An optional package is needed and not installed."""

    exit_code = 2

    def __init__(self, package: str, *, needed_for: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed, and {needed_for} needs it",
            remedy=f"install it with: pip install 'probandum[{extra}]'",
        )


class TargetError(ProbandumError, RuntimeError):
    """The audited system could not be loaded, or did not answer."""


class TooLittleMemory(TargetError):
    """What was to be computed does not fit the device; smaller parts of it may."""


class Unreachable(TargetError):
    """The connection to the audited system was lost, or it cannot say in the end whether it is still the same.

    What it did not answer is asked when the run is resumed.
    """


class Unasked(TargetError):
    """An ask that was not sent, or not sent again, since another one of its round was not answered."""


class Exchanged(TargetError):
    """Another system answers than the one that the run began with: no record is sealed of two."""


class ProbeError(ProbandumError, RuntimeError):
    """A probe broke; its findings are ERROR, never a pass."""


class BudgetSpent(ProbandumError, RuntimeError):
    """The budget of the plan is spent: nothing more is asked, and what was left unasked is never a pass."""


class Crashed(ProbandumError, RuntimeError):
    """A defect of the toolkit, or of what it was made to run: nothing that it did not finish is a result."""


class RecordError(ProbandumError, ValueError):
    """A record is damaged, truncated, of another plan, or fails verification."""


class Unrecorded(RecordError):
    """An answer could not be written down, as on a full disk: to go on would lose it."""


class Misrecorded(RecordError):
    """A line of a journal is not where or what a run of the plan writes: no probe's fault, and the run ends."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion to append to a message, or nothing.

    >>> did_you_mean("at_mots", ["at_least", "at_most"])
    ", did you mean 'at_most'?"
    >>> did_you_mean("zzz", ["at_most"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def meant_or_known(name: str, known: Iterable[str]) -> str:
    """What to append to a message on an unknown name: the one that was meant, or all there are.

    >>> meant_or_known("zzz", ["b", "a"])
    '; known: a, b'
    """
    names = sorted(known)
    return did_you_mean(name, names) or f"; known: {', '.join(names)}"
