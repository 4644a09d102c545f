"""The commands ``probandum plan``: check, estimate, lock, schema. Parsing and printing only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probandum.errors import PlanError

if TYPE_CHECKING:
    from probandum.estimating import Forecast, ProbeForecast, Range

app = typer.Typer(help="Check an audit file, say what it will ask, or print its JSON Schema.", no_args_is_help=True)

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="The audit file.", show_default=False)]
SigningKey = Annotated[
    Path | None, typer.Option("--key", envvar="PROBANDUM_KEY", help="An ed25519 private key to sign with.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
Tier = Annotated[
    str | None,
    typer.Option(help="pr, nightly or release: what the plan's tiers ask, and the gate's mode; default gate.mode."),
]


@app.command("check")
def check(
    plans: Annotated[list[Path], typer.Argument(metavar="PLAN...", help="One or more audit files.")],
    debug: Debug = False,
) -> None:
    """Check audit files without running anything; every problem in one go."""
    from probandum import api
    from probandum.units import counted

    problems: list[str] = []
    for plan in plans:
        try:
            checked = api.check_plan(plan)
        except PlanError as error:
            problems += error.problems
            continue
        suites, limits = counted(len(checked.suites), "probe"), counted(len(checked.limits), "limit")
        print(f"{plan}: fits; {suites}, {limits}, ask {checked.digests['ask'][:19]}…")
        for line in api.never_asked(checked):
            print(line)
        if (why := api.cannot_write(checked)) is not None:
            print(why)
        for tier in (None, *checked.tiers):
            chosen = checked.at_tier(tier)
            if tier is not None:
                print(f"{plan}: {chosen.tier_in_words()}")
            for line in api.hopeless_limits(chosen):
                print(f"{plan}: {'' if tier is None else f'tier {tier}: '}{line}")
    if problems:
        raise PlanError(problems)


@app.command("estimate")
def estimate(
    plan: PlanFile,
    tier: Tier = None,
    calibrate: Annotated[
        bool | None,
        typer.Option("--calibrate/--no-calibrate", help="Time a few packs for real, as by default where it runs here."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Say what an audit will ask and take: requests and tokens by dry runs, seconds by timing a small sample."""
    from probandum import api

    checked = api.check_plan(plan).at_tier(tier)
    print(f"{plan}: {checked.tier_in_words() or 'asks what the plan asks'}")

    def note(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    for line in _lines(api.estimate(checked, calibrated=calibrate, since_start=True, note=note)):
        print(line)


@app.command("lock")
def lock(plan: PlanFile, key: SigningKey = None, debug: Debug = False) -> None:
    """Fix what an audit asks and judges by before it runs: PLAN.lock.json, signed where a key is given."""
    from probandum import api

    print(api.lock(plan, key=key))


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of audit files, for editors."""
    import json

    from probandum.plan_file import json_schema

    print(json.dumps(json_schema(), indent=2))


def _lines(found: Forecast) -> Iterator[str]:
    """A forecast as the terminal shows it."""
    width = max(len(each.probe) for each in found.probes)
    for each in found.probes:
        yield f"  {each.probe:<{width}}  {'; '.join(_facts(each))}"
    tokens = "" if found.tokens_in is None else f", {_count(found.tokens_in)} tokens read"
    yield f"requests: {_count(found.requests)}{tokens}, energy windows apart"
    if found.again:
        yield (
            f"  and {found.again:,} of them once more in the end, to see that the server is the same system still; a "
            "budget counts these too, and what is asked beyond them where an answer is another or the run interrupted"
        )
    if not all(each.requests.exact for each in found.probes):
        yield "  a range: the probe's questions follow from the answers; from two dry runs with other answers"
    if any(each.requests.exact and each.tokens_in is not None and not each.tokens_in.exact for each in found.probes):
        yield "  a range of tokens: of so many requests one pack in eight is counted, and the rest by letters"
    yield from _costs(found)
    yield from _budget(found)
    yield from found.hopeless
    if found.limits > len(found.hopeless):
        yield f"{found.limits - len(found.hopeless)} of {found.limits} limits: whether they PASS depends on the answers"


def _facts(each: ProbeForecast) -> Iterator[str]:
    if each.why is not None:
        yield f"will measure nothing: {each.why}"
    yield f"{_count(each.requests)} requests"
    if each.requests.high and each.tokens_in is None:
        yield "tokens not known: this system does not count them beforehand"
    elif each.tokens_in is not None and each.tokens_in.high:
        yield f"{_count(each.tokens_in)} tokens read, {each.tokens_out or 0:,} written at most"
    if each.windows:
        about = "" if each.window_inputs is None else f", about {each.window_inputs:,} requests answered in them"
        yield f"{each.windows} energy windows of {each.window_seconds:g} s in all{about}"
    if each.cost is not None:
        by = f", by {each.timed:,} answered for real" if each.timed else ""
        yield f"{each.cost.cpu_seconds:.1f} CPU-seconds{by}"


def _costs(found: Forecast) -> Iterator[str]:
    if found.cost is None or found.clock is None or found.reading is None:
        yield "seconds and energy: not known without calibration, which --calibrate asks for"
        return
    from probandum.units import counted

    windows = " and the energy windows' work" if any(each.windows for each in found.probes) else ""
    yield (
        f"CPU-seconds: about {found.cost.cpu_seconds:.0f}, up to the seal and without documents; "
        f"{counted(found.timed, 'request')}{windows} answered for real in {found.took:.1f} s, scaled by tokens or "
        "inputs"
    )
    low, high = found.clock
    crowd = f" ({found.crowd:.1f} processes a core)" if found.crowd > 1 else ""
    yield f"seconds by the clock: {low:.0f} to {high:.0f}: from an idle machine to one twice as busy as this one{crowd}"
    if found.joules is None:
        reasons = dict.fromkeys(found.reading.why[part] for part in ("gpu", "cpu", "dram") if part in found.reading.why)
        yield f"energy: not known; {'; '.join(reasons)}"
    else:
        least, most = (joules / 3600 for joules in found.joules)
        yield f"energy: {least:.3g} to {most:.3g} Wh, at the mean power of the calibration; meter {found.reading.meter}"


def _budget(found: Forecast) -> Iterator[str]:
    from probandum.budget import UNITS

    for resource, (needed, enough) in found.suffices().items():
        limit = found.budget.limits()[resource]
        said = {True: "suffices", False: "DOES NOT SUFFICE", None: "cannot be compared"}[enough]
        most = "" if enough is None else f": at most {needed:,.6g} are needed"
        yield f"budget of {limit:,g} {UNITS[resource]}: {said}{most}"


def _count(found: Range) -> str:
    return f"{found.value:,}" if found.exact else f"about {found.value:,} ({found.low:,} to {found.high:,})"
