"""The commands ``probandum cache``: what answers are kept beyond their runs, and forgetting them."""

from __future__ import annotations

from typing import Annotated

import typer

from probandum.cli_plan import Debug

app = typer.Typer(help="Answers that are kept beyond their runs (execution.cache: shared).")


@app.callback(invoke_without_command=True)
def show(context: typer.Context, debug: Debug = False) -> None:
    """Where answers are kept, how much, and of which systems; the last used first."""
    if context.invoked_subcommand is not None:
        return
    from probandum import cache

    path, kept = cache.cache_path(), cache.holdings()
    size = sum(each.bytes for each in kept)
    print(f"{path}: {_size(size)} of at most {_size(cache.limit_bytes())} (PROBANDUM_CACHE_LIMIT)")
    for each in kept:
        days = each.first if each.first == each.last else f"{each.first} to {each.last}"
        digest = each.system.removeprefix("sha256:")[:12]
        name = " ".join(each.name.split())
        print(f"{digest}  {_packs(each.packs)}, {_size(each.bytes)}, answered {days}: {name}")


@app.command("clear")
def clear(
    older_than: Annotated[
        int | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Only answers given more days ago.")
    ] = None,
    system: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Only of the system whose digest begins so.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Forget answers; without options all of them, a damaged file too."""
    from probandum import cache

    print(f"{_packs(cache.clear(older_than_days=older_than, system=system))} forgotten")


def _packs(count: int) -> str:
    return f"{count:,} pack{'' if count == 1 else 's'}"


def _size(size: int) -> str:
    """Bytes in kilobytes or megabytes, of a thousand and a million bytes.

    >>> _size(12_345), _size(2_000_000_000)
    ('12.3 kB', '2,000.0 MB')
    """
    return f"{size / 1e3:,.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"
