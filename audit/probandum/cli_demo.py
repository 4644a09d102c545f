"""The command ``probandum demo``: the embedded audits, written into a folder of the user's own and run there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from probandum.cli_plan import Debug


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where plans, models, records and documents go.")] = Path(
        "probandum-demo"
    ),
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="credit, moderation or assistant; may be repeated.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write the embedded audits into a folder and run those whose packages are installed; a second run resumes.

    Ends with 0 where they were carried out, whatever their gates say: the systems break limits on purpose. 2 where
    packages are missing for one named with --only, or for all; 4 where one could not be carried out or trusted.
    """
    from probandum import api, demonstrating, showing

    chosen = demonstrating.chosen(only or [])
    for example in chosen:
        for line in demonstrating.write(example, out):
            print(line)
        print(f"{demonstrating.plan_of(example, out)}: {example.about}")
    lacks = {example.name: demonstrating.lacking(example) for example in chosen}
    unready = [f"not run: {name}, {lack}" for name, lack in lacks.items() if lack is not None]
    for line in unready:
        print(line)
    ready = [example for example in chosen if lacks[example.name] is None]
    if not ready or (only and unready):
        raise typer.Exit(2)
    done = []
    for example in ready:
        plan = api.check_plan(demonstrating.plan_of(example, out))
        with showing.watching(plan) as observer:
            record = api.audit(plan, out=out / "runs" / example.name, observer=observer)
        result = api.gate(record)
        showing.print_findings(record, result)
        done.append((plan, record, result))
    showing.print_summary(done)
    for line in unready:
        print(line)
    raise typer.Exit(4 if any(result.code == 4 for _, _, result in done) else 0)
