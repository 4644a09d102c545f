"""The command ``probandum explain``: one decision explained, printed, or written for its owner alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from probandum.cli_plan import Debug
from probandum.errors import UsageError


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `audit` wrote.", show_default=False)],
    row: Annotated[
        str, typer.Option(metavar="N", help="The row: its id in the data, or its number from 1.", show_default=False)
    ],
    format: Annotated[str, typer.Option(help="text, html, docx or json.")] = "text",
    out: Annotated[Path | None, typer.Option(help="Write here, readable by you alone, instead of printing.")] = None,
    plan: Annotated[Path | None, typer.Option(help="The audit file, where it was moved since the audit.")] = None,
    debug: Debug = False,
) -> None:
    """Explain one decision to the person: stable factors, what would have changed it, asked of the same model.

    A draft for a person to complete and review; 4 where another model stands there than the one that decided.
    """
    from probandum import api

    if format == "docx" and out is None:
        raise UsageError("a Word file is not printed", remedy="name a file with --out")
    data = api.explain(run, row, plan=plan, format=format, out=out)
    if out is None:
        sys.stdout.write(data.decode())
    else:
        print(out)
