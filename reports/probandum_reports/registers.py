"""Registers on paper: of a very long one the first rows are set, and below them stands where all of them are."""

from __future__ import annotations

from dataclasses import replace

from probandum.document import Table
from probandum_reports.messages import said

#: Rows of a register that are set: each takes a typesetter a quarter of a megabyte, and nobody leafs through hundreds
#: of pages.
LONGEST = 600


def shortened(table: Table, *, elsewhere: str) -> tuple[Table, str]:
    """The table as it is set on paper, and what stands under a register that has more rows; nothing under others.

    ``elsewhere``: where all rows stand.
    """
    whole = len(table.rows)
    if table.style != "dense" or whole <= LONGEST:
        return table, ""
    cut = said(
        "Of {whole:,} rows the first {printed} are printed. All of them stand in {elsewhere}.",
        whole=whole,
        printed=LONGEST,
        elsewhere=elsewhere,
    )
    return replace(table, rows=table.rows[:LONGEST]), cut
