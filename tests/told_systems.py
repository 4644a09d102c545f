"""What the documents of a real system say, less what another machine may measure otherwise: for golden documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

#: Rows of a table from which on it is a register: what stands in it is tested where it is built.
REGISTER = 40
_EVIDENCE = re.compile(r" \(\[evidence\]\((?:[^()\\]|\\.)*\)\)")
_DIGEST = re.compile(r"(?<=sha256:)[0-9a-f]+|(?<=record )[0-9a-f]{12}\b")
_DECIMAL = re.compile(r"[−-]?(?<![\d.])\d+\.\d{2,}(?![\d.])(?:e[−-]?\d+)?")
_RECORDED = "*(recorded by the run)*"


def skeleton(text: str) -> str:
    """A document in Markdown without values: every word stays, a table of findings keeps its header and their number.

    >>> skeleton("| What | Result |\\n| --- | --- |\\n| a | 1 ([evidence](x.html#a)) |\\n| b | 2 ([evidence](y)) |\\n")
    '| What | Result |\\n| --- | --- |\\n| 2 findings |\\n'
    """
    lines: list[str] = []
    for table, found in groupby(text.splitlines(), lambda line: line.startswith("|")):
        together = list(found)
        lines += _table(together) if table else together
    return "".join(f"{_without(line)}\n" for line in lines)


def _without(line: str) -> str:
    """A line without what the run recorded, digests and figures."""
    if _RECORDED in line:
        between = " | " if line.startswith("|") else " · "
        line = between.join(_blank(part) if _RECORDED in part else part for part in line.split(between))
    return _DECIMAL.sub("#", _DIGEST.sub("#", _EVIDENCE.sub("", line)))


def _blank(part: str) -> str:
    """What stands before a recorded value, and that one stands there."""
    return f"{part.partition(': ')[0]}: #" if ": " in part and not part.startswith("#") and "|" not in part else "#"


def _table(lines: list[str]) -> Iterator[str]:
    head, rows = lines[:2], lines[2:]
    yield from head
    if any("([evidence](" in row for row in rows):
        yield f"| {len(rows)} findings |"
    elif len(rows) >= REGISTER:
        yield f"| {len(rows)} rows |"
    else:
        yield from rows
