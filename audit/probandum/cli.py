"""The command line: parsing and printing only; the work is in :mod:`probandum.api`.

Every error a user can meet is one line on standard error and its exit code; ``--debug`` shows the traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from probandum.errors import PlanError, ProbandumError, UsageError

if TYPE_CHECKING:
    from probandum.gating import GateResult
    from probandum.plan import Plan
    from probandum.record import Record

app = typer.Typer(
    name="probandum",
    help="Audit deployed models for bias, explainability and energy use; gate merges; write documents.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
plan_app = typer.Typer(help="Check an audit file, or print its JSON Schema.", no_args_is_help=True)
law_app = typer.Typer(help="The dated catalogue of requirements.", no_args_is_help=True)
app.add_typer(plan_app, name="plan")
app.add_typer(law_app, name="law")

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="The audit file.", show_default=False)]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `audit` wrote.", show_default=False)]
PublicKey = Annotated[Path | None, typer.Option("--key", help="The public key that must have signed the record.")]
SigningKey = Annotated[
    Path | None, typer.Option("--key", envvar="PROBANDUM_KEY", help="An ed25519 private key to sign with.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
Tier = Annotated[str | None, typer.Option(help="pr, nightly or release; the default is the plan's gate.mode.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="The date that documents state.")]
Sarif = Annotated[Path | None, typer.Option(help="Write SARIF 2.1.0 here, for code scanning.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML here.")]
Gitlab = Annotated[Path | None, typer.Option(help="Write a GitLab code quality report here.")]
Summary = Annotated[Path | None, typer.Option(help="Write a summary of one screen here, in Markdown.")]
Annotations = Annotated[bool, typer.Option("--annotations", help="Print annotations of a GitHub workflow.")]


def main() -> None:
    """The command ``probandum``: exit code 0 to 4 as the gate's table says."""
    try:
        app(standalone_mode=True)
    except ProbandumError as error:
        if "--debug" in sys.argv:
            raise
        prefix = "" if isinstance(error, PlanError) else "error: "  # an editor opens file:line:column at the start
        for line in error.lines():
            print(f"{prefix}{line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted: what was recorded is kept; the same command resumes it", file=sys.stderr)
        sys.exit(130)


@app.command()
def audit(
    plans: Annotated[list[Path], typer.Argument(metavar="PLAN...", help="One or more audit files.")],
    out: Annotated[Path | None, typer.Option(help="The record's folder (one plan only).")] = None,
    tier: Tier = None,
    key: SigningKey = None,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="End with 0 whatever the gate says.")] = False,
    sarif: Sarif = None,
    junit: Junit = None,
    gitlab: Gitlab = None,
    summary: Summary = None,
    annotations: Annotations = False,
    debug: Debug = False,
) -> None:
    """Run, judge, gate and document; ends with the gate's code, the gravest of several plans."""
    from probandum import api, showing

    files = {"sarif": sarif, "junit": junit, "gitlab": gitlab, "summary": summary}
    for name, value in {"out": out, **files}.items():
        if value is not None and len(plans) > 1:
            what = "folder" if name == "out" else "file"
            raise UsageError(f"--{name} names one {what}, and {len(plans)} plans were given", remedy="give one plan")
    codes, done = [], []
    with _told(out or plans[0], files, annotations):
        loaded = [api.check_plan(plan) for plan in plans]  # the problems of all plans come before hours of work
    for plan in loaded:
        with _told(out or plan.path, files, annotations, plan=plan):
            with showing.watching(plan) as observer:
                record = api.audit(plan, out=out, tier=tier, key=key, observer=observer)
            result = api.gate(record)
        showing.print_findings(record, result)
        _print(_written(record, result, files, annotations))
        codes.append(result.code)
        done.append((plan, record, result))
    showing.print_summary(done)
    raise typer.Exit(0 if exit_zero else next((code for code in (2, 4, 1, 3) if code in codes), 0))


@app.command()
def judge(
    run: RunFolder,
    plan: Annotated[Path | None, typer.Option(help="Judge under this plan's limits.")] = None,
    tier: Tier = None,
    as_of: AsOf = None,
    key: SigningKey = None,
    debug: Debug = False,
) -> None:
    """Judge a record again under other limits; asks nothing, and keeps the older judgements."""
    from probandum import api, showing
    from probandum.record import Record

    record = Record.open(run)
    api.judge(record, plan=plan, tier=tier, as_of=as_of, key=key)
    showing.print_findings(record, api.gate(record))


@app.command()
def gate(
    run: RunFolder,
    key: PublicKey = None,
    sarif: Sarif = None,
    junit: Junit = None,
    gitlab: Gitlab = None,
    summary: Summary = None,
    annotations: Annotations = False,
    debug: Debug = False,
) -> None:
    """Verify a record and decide: 0 pass, 1 a limit is broken, 3 inconclusive, 4 not to be trusted."""
    from probandum import api, showing

    files = {"sarif": sarif, "junit": junit, "gitlab": gitlab, "summary": summary}
    with _told(run, files, annotations):
        result = api.gate(run, key=key)
    showing.print_gate(result)
    _print(_written(run, result, files, annotations))
    raise typer.Exit(result.code)


@app.command()
def report(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option(help="Write here instead of RUN/reports.")] = None,
    document: Annotated[list[str] | None, typer.Option(help="Only this document; may be repeated.")] = None,
    format: Annotated[list[str] | None, typer.Option(help="html, pdf, docx, md or json; may be repeated.")] = None,
    as_of: AsOf = None,
    debug: Debug = False,
) -> None:
    """Write the documents of a record again; the same record gives the same bytes."""
    from probandum import api

    for path in api.report(run, documents=document, formats=format or api.FORMATS, out=out, as_of=as_of):
        print(path)


@app.command()
def verify(run: RunFolder, key: PublicKey = None, debug: Debug = False) -> None:
    """Check every digest and seal of a record, step by step; 4 where one does not hold."""
    from probandum import api

    steps = api.verify(run, key=key)
    for step in steps:
        state = {True: "ok", False: "BROKEN", None: "-"}[step.held]
        print(f"{step.number}. {state:<7}{step.title}: {step.detail}")
    raise typer.Exit(4 if any(step.held is False for step in steps) else 0)


@app.command()
def probes() -> None:
    """Every probe, one a line."""
    from probandum.plugins import load_plugins
    from probandum.probe import known_probes

    load_plugins()
    for name, spec in known_probes().items():
        print(f"{name}  {spec.summary}")


@app.command()
def keygen(path: Annotated[Path, typer.Argument(help="Where to write the private key.")], debug: Debug = False) -> None:
    """Make an ed25519 key to sign records with; the public half lands in PATH.pub."""
    from probandum.sealing import keygen as make

    public = make(path)
    print(f"{path}  keep it secret: pass it with --key or PROBANDUM_KEY\n{public}  give it to those who verify")


@app.command()
def doctor() -> None:
    """What this machine can do, and what to install for the rest."""
    from probandum.doctor import examine

    for line in examine():
        print(line)


@plan_app.command("check")
def plan_check(
    plans: Annotated[list[Path], typer.Argument(metavar="PLAN...", help="One or more audit files.")],
    debug: Debug = False,
) -> None:
    """Check audit files without running anything; every problem in one go."""
    from probandum import api

    problems: list[str] = []
    for plan in plans:
        try:
            checked = api.check_plan(plan)
        except PlanError as error:
            problems += error.problems
            continue
        suites, limits = len(checked.suites), len(checked.limits)
        print(f"{plan}: fits; {suites} probes, {limits} limits, ask {checked.digests['ask'][:19]}…")
    if problems:
        raise PlanError(problems)


@plan_app.command("lock")
def plan_lock(plan: PlanFile, key: SigningKey = None, debug: Debug = False) -> None:
    """Fix what an audit asks and judges by before it runs: PLAN.lock.json, signed where a key is given."""
    from probandum import api

    print(api.lock(plan, key=key))


@plan_app.command("schema")
def plan_schema() -> None:
    """Print the JSON Schema of audit files, for editors."""
    import json

    from probandum.plan_file import json_schema

    print(json.dumps(json_schema(), indent=2))


@law_app.command("list")
def law_list(prefix: Annotated[str, typer.Argument(help="Only ids that start so.")] = "") -> None:
    """Every requirement, one a line, id first."""
    from probandum.law import show

    _print(show.listing(prefix))


@law_app.command("show")
def law_show(id: Annotated[str, typer.Argument(help="A requirement's id.")], debug: Debug = False) -> None:
    """One requirement whole."""
    from probandum.law import show

    _print(show.entry(id))


@law_app.command("timeline")
def law_timeline() -> None:
    """The dates on which provisions apply."""
    from probandum.law import show

    _print(show.timeline())


@law_app.command("check")
def law_check(plan: PlanFile, as_of: AsOf = None, debug: Debug = False) -> None:
    """What binds the system of an audit file, judging by its card, and from when."""
    import datetime

    from probandum import api
    from probandum.law import show

    date = as_of or datetime.datetime.now(datetime.UTC).date().isoformat()
    _print(show.check(api.load_plan(plan).card, date))


@contextmanager
def _told(
    record: Path, files: Mapping[str, Path | None], annotations: bool, *, plan: Plan | None = None
) -> Iterator[None]:
    """Where the work ends in an error, the exports say so: a CI service that reads them must not see nothing."""
    from probandum.gating import failed

    try:
        yield
    except ProbandumError as error:
        _print(_written(record, failed(error), files, annotations, plan=plan))
        raise


def _written(
    record: Record | Path,
    result: GateResult,
    files: Mapping[str, Path | None],
    annotations: bool,
    *,
    plan: Plan | None = None,
) -> list[str]:
    """Write the exports that were asked for; the annotations to print."""
    from probandum import api

    if not annotations and not any(files.values()):
        return []
    made = api.export(record, result, plan=plan, **files)
    return made if annotations else []


def _print(lines: Any) -> None:
    for line in lines:
        print(line)
