"""The command ``probandum tradeoffs``: what variants of a system give up for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probandum.cli_plan import Debug


def trade_offs(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="A record for each variant, the first first.")],
    quality: Annotated[str, typer.Option(metavar="ID", help="What must not get worse: the id of a finding.")],
    cost: Annotated[
        str, typer.Option(metavar="ID", help="What is to be saved; seconds where no meter read joules.")
    ] = "energy.inference/joules-per-request",
    lower: Annotated[bool, typer.Option("--lower-is-better", help="Of the quality, such as of an error.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Draw it here, as a page.")] = None,
    debug: Debug = False,
) -> None:
    """Energy against quality and gaps between groups over variants of a system; dominated at 95 % on both axes."""
    from probandum import api, telling
    from probandum.errors import one_line
    from probandum.export.trade_offs import lines

    for run in runs:
        telling.refuse_inside(run, {"html": html})
    found = api.trade_offs(runs, cost=cost, quality=quality, higher=not lower)
    for line in lines(found):
        print(one_line(line) if line else "")
    for path in api.write_trade_offs(found, html=html):
        print(path)
