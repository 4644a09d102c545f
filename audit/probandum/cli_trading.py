"""The command ``probandum tradeoffs``: what variants of a system give up for what."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from probandum.cli_plan import Debug
from probandum.errors import UsageError
from probandum.finding import Estimate, notation

if typing.TYPE_CHECKING:  # what is imported here would slow every command down
    from probandum.trading import Beside, TradeOffs


def trade_offs(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="A record for each variant, the first first.")],
    quality: Annotated[str, typer.Option(metavar="ID", help="What must not get worse: the id of a finding.")],
    cost: Annotated[
        str, typer.Option(metavar="ID", help="What is to be saved; seconds where no meter read joules.")
    ] = "energy.inference/joules-per-request",
    lower: Annotated[bool, typer.Option("--lower-is-better", help="Of the quality, such as of an error.")] = False,
    debug: Debug = False,
) -> None:
    """Energy against quality and gaps between groups over variants of a system; dominated at 95 % on both axes."""
    from probandum import api

    if len(runs) < 2:
        raise UsageError("trade-offs are between variants, and one record was given", remedy="name two records or more")
    for line in said(api.trade_offs(runs, cost=cost, quality=quality, higher=not lower)):
        print(line)


def said(found: TradeOffs) -> Iterator[str]:
    """All variants, those beside the first with what moved, and the front at the end."""
    yield f"cost     {found.cost}, less is better"
    yield f"quality  {found.quality}, {'more' if found.higher else 'less'} is better"
    for each in found.variants:
        stands = f"dominated by {', '.join(each.dominated)}" if each.dominated else "not dominated"
        yield ""
        yield f"{each.run}  {each.differs or 'the first'}: {stands}"
        yield f"  cost     {_figure(each.cost)} {each.cost.unit}"
        yield f"  quality  {_figure(each.quality)}"
        if each.beside is not None:
            yield from _beside(each.beside, higher=found.higher)
    yield ""
    yield f"front    {', '.join(each.run for each in found.front)}"


def _beside(beside: Beside, *, higher: bool) -> Iterator[str]:
    from probandum.trading import MARGIN, no_worse

    cost, quality = beside.cost, beside.quality
    kept = "shown" if no_worse(quality, higher=higher) else "not shown"
    yield f"  beside the first: cost {_signed(cost, '.1%')}, quality {_signed(quality, '.4f')}"
    yield f"  worse by less than {MARGIN:g}: {kept}"
    yield f"  {len(beside.gaps)} of {beside.compared} differences between groups moved beyond chance"
    for gap in beside.gaps:
        yield f"    {gap.of}: {_signed(gap.estimate, '.4f')}"


def _figure(estimate: Estimate) -> str:
    numbers = [each for each in (estimate.value, estimate.low, estimate.high) if each is not None]
    written = [format(each, notation(numbers)) for each in numbers]
    return f"{written[0]} ({written[1]} to {written[2]})"


def _signed(change: Estimate, form: str) -> str:
    written = [format(each, f"+{form}") for each in (change.value, change.low, change.high) if each is not None]
    return f"{written[0]} ({written[1]} to {written[2]})"
