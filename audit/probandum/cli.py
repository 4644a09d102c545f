"""The command line: parsing and printing only; the work is in :mod:`probandum.api`.

Every error a user can meet is one line on standard error and its exit code; ``--debug`` shows the traceback.
"""

from __future__ import annotations

import atexit
import errno
import gc
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from probandum.cli_cache import app as cache_app
from probandum.cli_card import app as card_app
from probandum.cli_demo import demo
from probandum.cli_explain import explain
from probandum.cli_init import init
from probandum.cli_law import app as law_app
from probandum.cli_plan import Debug, SigningKey, Tier
from probandum.cli_plan import app as plan_app
from probandum.cli_report import AsOf, RunFolder
from probandum.cli_report import app as report_app
from probandum.cli_schedule import schedule
from probandum.cli_trading import trade_offs
from probandum.errors import Crashed, PlanError, ProbandumError, RecordError, UsageError
from probandum.piping import dropping

if TYPE_CHECKING:
    from probandum.gating import GateResult
    from probandum.plan import Plan
    from probandum.record import Record

#: What typer makes of Ctrl-C; no verb ends so.
_INTERRUPTED = 130

app = typer.Typer(
    name="probandum",
    help="Audit deployed models for bias, explainability and energy use; gate merges; write documents.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("init")(init)
app.command("explain")(explain)
app.command("demo")(demo)
app.command("schedule")(schedule)
app.command("tradeoffs")(trade_offs)
app.add_typer(plan_app, name="plan")
app.add_typer(card_app, name="card")
app.add_typer(law_app, name="law")
app.add_typer(report_app, name="report")
app.add_typer(cache_app, name="cache")

PublicKey = Annotated[Path | None, typer.Option("--key", help="The public key that must have signed the record.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="End with 0 whatever the gate says.")]
Sarif = Annotated[Path | None, typer.Option(help="Write SARIF 2.1.0 here, for code scanning.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML here.")]
Gitlab = Annotated[Path | None, typer.Option(help="Write a GitLab code quality report here.")]
Summary = Annotated[Path | None, typer.Option(help="Write a summary of one screen here, in Markdown.")]
Annotations = Annotated[bool, typer.Option("--annotations", help="Print annotations of a GitHub workflow.")]


def main() -> None:
    """The command ``probandum``: exit code 0 to 4 as the gate's table says, 130 where Ctrl-C or SIGTERM ended it.

    A defect is 4, never the 1 of a broken limit, and so is output that a full disk does not hold. Output that nobody
    reads any more changes no code.
    """
    atexit.register(gc.freeze)  # what is left when the process ends needs no looking through
    with suppress(ValueError):  # signals reach the main thread alone, and this may be another one
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a job that is stopped was answered is kept
    try:
        with dropping():
            code = _ended()
    except OSError as error:
        print(f"error: standard output: {error.strerror or error}", file=sys.stderr)
        code = RecordError.exit_code
    sys.exit(code)


def _ended() -> int:
    """Carry out the command; its exit code, with the reason on standard error."""
    try:
        code: int = app(standalone_mode=False) or 0
    except typer.TyperException as error:
        print(_usage(error), file=sys.stderr)
        return error.exit_code
    except (Exception, SystemExit) as error:  # no verb raises SystemExit: a library did, or the function under audit
        failed = _failure(error)
        prefix = "" if isinstance(failed, PlanError) else "error: "  # an editor opens file:line:column at the start
        if "--debug" in sys.argv:
            traceback.print_exc()
        print("\n".join(f"{prefix}{line}" for line in failed.lines()), file=sys.stderr)
        return failed.exit_code
    if code == _INTERRUPTED:
        resumes = ": what was recorded is kept; the same command resumes it" if sys.argv[1:2] == ["audit"] else ""
        print(f"interrupted{resumes}", file=sys.stderr)
    return code


def _failure(error: BaseException) -> ProbandumError:
    """What ended a command, as an error with its exit code."""
    if isinstance(error, ProbandumError):
        return error
    if isinstance(error, OSError):
        return _unusable(error)
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return Crashed(f"probandum broke: {said}", remedy="give the same command with --debug, and report what it shows")


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the words of a command, in one line; the whole help where there were none."""
    said, context = error.format_message(), getattr(error, "ctx", None)
    if context is not None and said == context.get_help():
        return said
    command = "probandum" if context is None else context.command_path
    return f"error: {' '.join(said.split()).rstrip('.')}; see {command} --help"


def _unusable(error: OSError) -> ProbandumError:
    """A file or folder that cannot be used, where nobody knew better what it was for."""
    where = "input and output" if error.filename is None else str(error.filename)
    said = f"{where}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return RecordError(said, remedy="make room and give the same command again")
    return UsageError(said, remedy="check the path, and who may read and write there")


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"probandum {version('probandum')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What stands before a command."""


@app.command()
def audit(
    plans: Annotated[list[Path], typer.Argument(metavar="PLAN...", help="One or more audit files.")],
    out: Annotated[Path | None, typer.Option(help="The record's folder (one plan only).")] = None,
    tier: Tier = None,
    key: SigningKey = None,
    exit_zero: ExitZero = False,
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
    with _told(out or plans[0], files, annotations, plans=plans):
        loaded = _checked(plans)
        for plan in loaded:
            api.refuse_unwritten(plan)
    for plan in loaded:
        with _told(out or plan.path, files, annotations, plans=[plan.path]):
            with showing.watching(plan) as observer:
                record = api.audit(plan, out=out, tier=tier, key=key, observer=observer)
            result = api.gate(record, signed_with=key)
        showing.print_findings(record, result)
        _print(_written(record, result, files, annotations))
        codes.append(result.code)
        done.append((plan, record, result))
    showing.print_summary(done)
    raise typer.Exit(0 if exit_zero else next((code for code in (2, 4, 1, 3) if code in codes), 0))


def _readable(plans: Sequence[Path]) -> Plan | None:
    """The only plan, where it can be read: what is told of its mistakes names the system."""
    from probandum.plan import Plan

    with suppress(UsageError, OSError):
        return Plan.load(plans[0]) if len(plans) == 1 else None
    return None


def _checked(plans: list[Path]) -> list[Plan]:
    """Every plan; PlanError with the problems of all of them, before hours of work."""
    from probandum import api

    loaded: list[Plan] = []
    wrong: list[UsageError] = []
    for path in plans:
        try:
            loaded.append(api.check_plan(path))
        except UsageError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise PlanError([line for error in wrong for line in error.lines()])
    return loaded


@app.command()
def judge(
    run: RunFolder,
    plan: Annotated[Path | None, typer.Option(help="Judge under this plan's limits.")] = None,
    tier: Tier = None,
    as_of: AsOf = None,
    key: SigningKey = None,
    exit_zero: ExitZero = False,
    debug: Debug = False,
) -> None:
    """Judge a record again under other limits; asks nothing, keeps the older judgements, ends with the gate's code."""
    from probandum import api, showing
    from probandum.record import Record

    record = Record.open(run)
    api.judge(record, plan=plan, tier=tier, as_of=as_of, key=key)
    result = api.gate(record, signed_with=key, as_of=as_of)
    showing.print_findings(record, result)
    raise typer.Exit(0 if exit_zero else result.code)


@app.command()
def gate(
    run: RunFolder,
    key: PublicKey = None,
    as_of: AsOf = None,
    sarif: Sarif = None,
    junit: Junit = None,
    gitlab: Gitlab = None,
    summary: Summary = None,
    annotations: Annotations = False,
    debug: Debug = False,
) -> None:
    """Verify a record and decide: 0 pass, 1 a limit is broken, 3 inconclusive, 4 not to be trusted.

    A waiver that ended before DATE, by default today, accepts nothing.
    """
    from probandum import api, showing

    files = {"sarif": sarif, "junit": junit, "gitlab": gitlab, "summary": summary}
    with _told(run, files, annotations):
        result = api.gate(run, key=key, as_of=as_of)
    showing.print_gate(result)
    _print(_written(run, result, files, annotations))
    raise typer.Exit(result.code)


@app.command()
def compare(
    base: Annotated[Path, typer.Argument(metavar="BASELINE", help="The record to compare with.", show_default=False)],
    new: RunFolder,
    md: Annotated[Path | None, typer.Option("--md", help="Write the comparison here, in Markdown.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write it here, as a page.")] = None,
    debug: Debug = False,
) -> None:
    """What changed from one record to another, with paired intervals; judges nothing, and 4 where not comparable."""
    from probandum import api, showing

    comparison = api.compare(base, new)
    showing.print_comparison(comparison)
    _print(api.write_comparison(comparison, md=md, html=html))
    raise typer.Exit(0 if comparison.comparable else 4)


@app.command()
def verify(
    run: RunFolder,
    key: PublicKey = None,
    render: Annotated[bool, typer.Option("--render", help="Render the reports again and compare their bytes.")] = False,
    debug: Debug = False,
) -> None:
    """Check every digest and seal of a record, step by step; 4 where one does not hold."""
    from probandum import api, showing

    steps = api.verify(run, key=key, render=render)
    states = {True: "ok", False: "BROKEN", None: "-"}
    lines = ((f"{each.number}. {states[each.held]:<7}", f"{each.title}: {each.detail}") for each in steps)
    showing.print_steps(lines, caution=api.unchecked(run) if key is None else None)
    raise typer.Exit(4 if any(step.held is False for step in steps) else 0)


@app.command()
def purge(
    run: RunFolder,
    raw: Annotated[bool, typer.Option("--raw", help="Delete raw questions and answers; it cannot be undone.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who has them deleted.")] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why.")] = None,
    key: SigningKey = None,
    debug: Debug = False,
) -> None:
    """Delete what was asked and answered from a record; digests stay, a statement says so, and it still verifies."""
    from probandum import api, purging
    from probandum.record import Record

    if not raw:
        raise UsageError(f"{run}: nothing was deleted", remedy="say --raw to delete raw questions and answers for good")
    stood = purging.read(Record.open(run))
    made = api.purge(run, by=by, reason=reason, key=key)
    if made == stood:
        print(f"{run}: already purged, and nothing more was deleted or noted: {made.said}")
    else:
        print(f"{run}: {made.said}")
    print(f"{run}: items.json and rows.json keep the keys and values of items, without which nothing can be compared")


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
    from probandum.signing import keygen as make

    public = make(path)
    print(f"{path}  keep it secret: pass it with --key or PROBANDUM_KEY\n{public}  give it to those who verify")


@app.command()
def doctor() -> None:
    """What this machine can do, and what to install for the rest."""
    from probandum import doctor, showing

    showing.print_steps(doctor.examine())


@contextmanager
def _told(
    record: Path, files: Mapping[str, Path | None], annotations: bool, *, plans: Sequence[Path] = ()
) -> Iterator[None]:
    """Where the work ends in an error, the exports say so: a CI service that reads them must not see nothing."""
    from probandum.gating import failed
    from probandum.telling import refuse_inside

    refuse_inside(record, files)  # before hours of work
    try:
        yield
    except Exception as error:
        _print(_written(record, failed(_failure(error)), files, annotations, plan=_readable(plans)))
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
