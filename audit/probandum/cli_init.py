"""The command ``probandum init``. Parsing and printing only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from probandum.errors import UsageError

_STDOUT = "-"


def init(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[SYSTEM]",
            help="A log or table of decisions (.csv, .parquet), a model (.skops, .onnx, .gguf, XGBoost's .ubj or "
            ".json, LightGBM's text, a folder with config.json), package.module:function, or a URL.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="TYPE", help="The kind of target, where SYSTEM does not say.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the target, in YAML; may be repeated."),
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="FILE", help="The rows that a model is asked about.")] = None,
    favourable: Annotated[str | None, typer.Option(help="The decision that is good for the person.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of what turned out.")] = None,
    positive: Annotated[str | None, typer.Option(help="The outcome that the system tries to detect.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column whose groups are compared; may be repeated.")
    ] = None,
    out: Annotated[str, typer.Option(metavar="FILE", help="The audit file to write; - prints it.")] = "audit.yaml",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Look at a system and its data, and write a first audit file; what only a person can say is left to one."""
    from probandum import api
    from probandum.record import naming

    path = Path(out)
    folder = Path() if out == _STDOUT else path.parent
    if out != _STDOUT and (path.exists() or path.is_symlink()):
        raise UsageError(f"{out}: exists already, and nothing is overwritten", remedy="choose another file with --out")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", remedy="make it, or choose another file with --out")
    made = api.init(
        what,
        target=target,
        options=_options(set_ or []),
        data=data,
        favourable=favourable,
        label=label,
        positive=positive,
        groups=group or [],
        folder=folder,
    )
    told = sys.stderr if out == _STDOUT else sys.stdout
    print("\n".join(made.told), file=told)
    if out == _STDOUT:
        print(made.text, end="")
    else:
        with naming(path), path.open("x", encoding="utf-8") as file:
            file.write(made.text)
    for question in made.questions:
        print(f"decide    {question}", file=told)
    print(f"written   {out}" if out != _STDOUT else "written   to standard output", file=told)
    if out != _STDOUT:
        print(f"next      probandum {'plan check' if made.questions else 'audit'} {out}")


def _options(given: list[str]) -> dict[str, Any]:
    """``key=value`` as YAML reads the value; UsageError where it is none."""
    import yaml

    options: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        try:
            options[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(
                f"--set {each}: no YAML value", remedy="write text with special characters in quotes"
            ) from None
        if not equals or not key.isidentifier() or key in ("type", "price"):
            raise UsageError(f"--set {each}: expected KEY=VALUE, a key of the target", remedy="such as kind=predict")
    return options
