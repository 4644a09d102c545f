"""The commands ``probandum law``: list, show, timeline, check. Parsing and printing only.

A pack that is old by the day that is asked about warns first; without a day, by today's and on standard error.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from probandum.cli_plan import Debug

app = typer.Typer(help="The dated catalogue of requirements.", no_args_is_help=True)

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="As seen on this day, such as 2026-11-23.")]


@app.command("list")
def listing(
    prefix: Annotated[str, typer.Argument(help="Only ids that start so.")] = "",
    as_of: AsOf = None,
    debug: Debug = False,
) -> None:
    """Every requirement, form field, standard and remark, one a line, id first."""
    from probandum.law import show

    _print(show.listing(prefix, as_of=as_of), as_of)


@app.command("show")
def shown(
    id: Annotated[str, typer.Argument(help="The id of an entry.")], as_of: AsOf = None, debug: Debug = False
) -> None:
    """One entry whole."""
    from probandum.law import show
    from probandum.plugins import load_plugins
    from probandum.probe import known_probes

    load_plugins()
    measured = {name: spec.metrics for name, spec in known_probes().items()}
    _print(show.entry(id, measured=measured, as_of=as_of), as_of)


@app.command("timeline")
def timeline(as_of: AsOf = None, debug: Debug = False) -> None:
    """The dates on which provisions apply."""
    from probandum.law import show

    _print(show.timeline(as_of), as_of)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A card, or an audit file.", show_default=False)],
    as_of: AsOf = None,
    debug: Debug = False,
) -> None:
    """What binds a system, judging by its card alone, and from when."""
    from probandum import card_file
    from probandum.law import show

    day = _today() if as_of is None else as_of
    _print(show.check(card_file.read(file).card, day), day)


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _print(lines: Iterable[str], as_of: str | None) -> None:
    """The lines, which warn themselves where a day is given; without one, a warning where the pack is old today."""
    from probandum.law.age import staleness

    if as_of is None and (warning := staleness(_today())) is not None:
        print(warning, file=sys.stderr)
    for line in lines:
        print(line)
