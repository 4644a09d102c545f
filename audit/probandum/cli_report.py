"""The commands ``probandum report``: write documents, read filled ones back into the card, record who reviewed one."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from probandum.cli_plan import Debug, SigningKey

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `audit` wrote.", show_default=False)]
#: How many letters of a statement the terminal shows.
_SHOWN = 300
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="As seen on this day, such as 2026-11-23.")]


class _Writing(TyperGroup):
    """Writes where the first word is the name of no other command: ``report RUN`` is ``report write RUN``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["write", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Writing,
    help="Write the documents of a record: `report RUN` is `report write RUN`. Read filled ones back; sign a review.",
    no_args_is_help=True,
)


@app.command("write")
def write(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option(help="Write here instead of RUN/reports.")] = None,
    document: Annotated[
        list[str] | None, typer.Option(help="This document beside those that stand there, or all; may be repeated.")
    ] = None,
    format: Annotated[
        list[str] | None, typer.Option(help="html, pdf, docx, md, json, cyclonedx or in-toto; may be repeated.")
    ] = None,
    language: Annotated[str, typer.Option(help="The language to write in; it needs a message catalogue.")] = "en",
    final: Annotated[
        bool, typer.Option("--final", help="Call them final; refused while a field is open or nobody signed.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Only these: other documents and formats that stand there go.")
    ] = False,
    as_of: AsOf = None,
    key: SigningKey = None,
    debug: Debug = False,
) -> None:
    """Write the documents of a record again, sealed; the same record gives the same bytes.

    Documents and formats that stand there sealed are written again with them, or it is refused where they cannot be.
    """
    from probandum import api, sealing
    from probandum.law.age import staleness

    for path in api.report(
        run,
        documents=document,
        formats=format or api.FORMATS,
        out=out,
        as_of=as_of,
        key=key,
        language=language,
        final=final,
        keep=not replace,
    ):
        print(path)
    if (warning := staleness(sealing.report_facts(out or run / "reports").as_of)) is not None:
        print(warning, file=sys.stderr)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.docx", help="A filled document.", show_default=False)],
    plan: Annotated[
        Path | None,
        typer.Argument(metavar="[PLAN]", help="The audit file with the card; default where the record says it lay."),
    ] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who states it, where a field does not say so itself.")] = "",
    date: Annotated[str | None, typer.Option(metavar="DATE", help="On which day; default today (UTC).")] = None,
    card: Annotated[Path | None, typer.Option(help="The file that holds the card, where it is no audit file.")] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="The record; default the one with its digest here, in runs/, or around FILE.docx."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put what the document says in the place of what the card says.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Read the filled fields of a Word file back into the card, with who said it and when.

    Only fields may have changed. Compared with the record are every locked value and lock, all other text that a reader
    sees (hidden, white, tiny and struck words count as missing), headers, footers and notes, rows that Track Changes
    deletes, data that controls are bound to, and every picture, point by point, with its alternative text. Not compared
    are layout, fonts, colours that can be read, comments and macros, which nothing here runs. In the card, comments and
    layout stay.
    """
    from probandum import api
    from probandum.errors import one_line
    from probandum.stating import words
    from probandum.units import counted

    found = api.import_filled(file, plan=plan, card=card, run=run, by=by, date=date, replace=replace)
    for path, said in found.written.items():
        instead = " (replaced)" if path in found.replaced else ""
        who = "" if said.plain else f" ({said.by}, {said.date})"
        print(one_line(f"{path}: {textwrap.shorten(words(said.value), _SHOWN, placeholder=' …')}{who}{instead}"))
    stood = f", {len(found.standing)} stood there already" if found.standing else ""
    fields = f"{counted(len(found.written), 'field')} of {found.document} written{stood}, {found.empty} still empty"
    print(f"{_near(found.card)}: {fields}")
    if found.written:
        tier = "" if found.tier is None else f" --tier {found.tier}"
        plan_file = "PLAN" if found.plan is None else _near(found.plan)
        again = f"probandum audit {plan_file} --out {_near(found.record)}{tier}"
        print(f"the documents say so after: {again} (asks nothing again)")


def _near(path: Path) -> Path:
    """A path as it is seen from the working folder, where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@app.command("sign")
def sign(
    run: RunFolder,
    document: Annotated[str, typer.Option(metavar="ID", help="The document that was reviewed.", show_default=False)],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who reviewed it.", show_default=False)],
    function: Annotated[str, typer.Option(metavar="TEXT", help="Their function.", show_default=False)],
    date: Annotated[str | None, typer.Option(metavar="DATE", help="On which day; default today (UTC).")] = None,
    key: SigningKey = None,
    debug: Debug = False,
) -> None:
    """Record who reviewed which document when, apart from every seal; no signature of a responsible person.

    It holds for what the document says now. `report RUN` shows it from then on, and `verify` tells when it is stale.
    """
    from probandum import api

    made = api.sign(run, document=document, by=by, function=function, date=date, key=key)
    for name, digest in sorted(made.files.items()):
        print(f"{name}  sha256:{digest}")
    signed = "unsigned, as the record is" if made.signer is None else f"signed by key {made.signer}"
    print(f"{document}: reviewed by {made.name}, {made.function}, on {made.date}; {signed}")
    print("a record of review, and no signature of a responsible person in the sense of Annex IV(2)(g)")
    print(f"the documents show it after: probandum report {run} [--final]")
