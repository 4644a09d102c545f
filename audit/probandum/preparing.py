"""Preparing: everything of a plan that is checked and named before a model is loaded, and what its target is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from probandum import codec
from probandum.errors import DataError, MissingDependency, PlanError, UsageError
from probandum.limiting import limit_problems
from probandum.plan import Plan
from probandum.plan_checks import Problem, threshold_problems
from probandum.plugins import load_plugins
from probandum.probe import Probe, declared, known_probes, make_probe
from probandum.record import Record
from probandum.subject import Subject
from probandum.tables import make_subject, missing_column, read_header, read_table
from probandum.target import Target, TargetContext, known_targets, target_sources, wrong_keywords
from probandum.targets import load_builtin
from probandum.targets.loading import file_digest
from probandum.wall_log import read_log


def load(path: Path, *, documents: Iterable[str] | None = None) -> Plan:
    """The plan in ``path``, checked as far as that needs no model; PlanError with every problem of all kinds at once.

    ``documents``: those that can be written, where their names are to be checked.
    """
    load_plugins()
    load_builtin()
    plan, problems = Plan.read(path, targets=known_targets())
    if plan is not None:
        problems += _checked(plan, documents)[1]
    if plan is None or problems:
        raise PlanError(list(dict.fromkeys(problems)))
    return plan


def prepare(plan: Plan) -> dict[str, Probe]:
    """The plan's probes, after everything was checked that needs no model; PlanError with every problem otherwise."""
    load_plugins()
    load_builtin()
    probes, problems = _checked(plan)
    if problems:
        raise PlanError(problems)
    return probes


def _checked(plan: Plan, documents: Iterable[str] | None = None) -> tuple[dict[str, Probe], list[str]]:
    """The probes that could be made, and every problem, each with its place."""
    known = known_probes()
    problems: list[str] = []
    try:
        plan.check_names(probes=known, targets=known_targets(), documents=documents)
    except PlanError as error:
        problems += error.problems
    probes: dict[str, Probe] = {}
    for name in [name for name in plan.suites if name in known]:
        try:
            probes[name] = make_probe(name, plan.suites[name] or {}, folder=plan.folder)
        except UsageError as error:
            text = error.message.removeprefix(f"suites.{name}.").removeprefix(f"suites.{name}: ")
            place = plan.located(*plan.suite_place(name))
            problems.append(f"{place}: {'; '.join([text, *filter(None, [error.remedy])])}")
    problems += limit_problems(plan, {name: declared(each) for name, each in probes.items()})
    problems += _log_problems(plan)
    problems += _batching_problems(plan)
    cls = known_targets().get(plan.target_type)
    if cls is not None:
        wrong = [*threshold_problems(plan.file, cls), *_missing_files(plan, cls), *_missing_columns(plan, cls)]
        problems += [line for each in wrong for line in plan.problem(each)]
    return probes, problems


def _missing_files(plan: Plan, cls: type[Target]) -> Iterator[Problem]:
    """Files of the target that are not there; those of rows are looked into elsewhere."""
    options = plan.target_options
    if any(wrong_keywords(cls, options, skip=1)) or cls.named_columns(options):
        return
    context = context_of(plan)
    try:
        sources = target_sources(plan.target_type, context, options)
    except UsageError as error:
        yield ("target",), "; ".join(error.lines()).removeprefix("target: ")
        return
    named = {context.resolve(value): key for key, value in options.items() if isinstance(value, str)}
    for path in sources:
        if not path.is_file():
            place = ("target", named[path]) if path in named else ("target",)
            yield place, f"no file {path}; paths start at the plan's folder"


def _missing_columns(plan: Plan, cls: type[Target]) -> Iterator[Problem]:
    """What is wrong with the file of the rows, by its header alone: missing, empty, or without a column of the plan."""
    data, options = plan.file.data, plan.target_options
    columns: dict[tuple[str | int, ...], str | None] = {}
    if data is not None:
        path, at = plan.resolve(data.path), ("data", "path")
        columns |= {("data", "label"): data.label, ("data", "id"): data.id}
        columns |= {("data", "features", index): name for index, name in enumerate(data.features)}
    elif (named := cls.named_columns(plan.file.target.model_extra or {})) and isinstance(options.get("path"), str):
        path, at = plan.resolve(options["path"]), ("target", "path")
        columns |= {("target", *place): name for place, name in named.items()}
    else:
        return
    for name, group in plan.file.groups.items():
        columns[("groups", name) if group.column is None else ("groups", name, "column")] = group.column or name
    try:
        header = read_header(path)
    except (DataError, MissingDependency) as error:
        yield at, "; ".join(error.lines())
        return
    for place, column in columns.items():
        if column is not None and (text := missing_column(column, header)) is not None:
            yield place, text


def _log_problems(plan: Plan) -> list[str]:
    """What is wrong with the log of the plan's own meter; one that is not there yet is missed when the run begins."""
    if plan.energy.log is None or not (path := plan.resolve(plan.energy.log)).exists():
        return []
    try:
        read_log(path)
    except DataError as error:
        return [f"{plan.located('energy', 'log')}: {'; '.join(error.lines()).removeprefix('energy.log: ')}"]
    return []


def _batching_problems(plan: Plan) -> list[str]:
    """Whether the plan wants of its target what only some can promise."""
    cls = known_targets().get(plan.target_type)
    if not plan.execution.batch_invariant or cls is None or cls.batch_invariant or cls.recorded:
        return []
    able = ", ".join(name for name, each in known_targets().items() if each.batch_invariant)
    place = plan.located("execution", "batch_invariant")
    return [f"{place}: target {plan.target_type} cannot promise it; leave it out, or use {able}"]


def source_digests(plan: Plan) -> dict[Path, str]:
    """The digest of every file that the *ask* part names, in the order of their paths."""
    return {path: file_digest(path) for path in sorted({*_sources(plan)}, key=str)}


def _sources(plan: Plan) -> Iterable[Path]:
    """Every file that the *ask* part names."""
    yield from target_sources(plan.target_type, context_of(plan), plan.target_options)
    if plan.data_path is not None:
        yield plan.data_path
    if plan.energy.replay is not None:
        yield Record.open(plan.resolve(plan.energy.replay)).observed
    for options in plan.suites.values():
        for value in (options or {}).values():
            if isinstance(value, str) and (path := plan.resolve(value)).is_file():
                yield path


def record_key(plan: Plan, sources: Mapping[Path, str]) -> str:
    """What a record stands for: the *ask* part of the plan and the bytes of every file that it names."""
    return codec.digest_of([plan.digests["ask"], [digest.removeprefix("sha256:") for digest in sources.values()]])


def named_files(plan: Plan, sources: Mapping[Path, str]) -> dict[str, str]:
    """The digests by the name that a lock gives a file: its path from the plan's folder, or outside it its name."""
    folder = plan.folder.resolve()
    return {
        path.resolve().relative_to(folder).as_posix() if path.resolve().is_relative_to(folder) else path.name: digest
        for path, digest in sources.items()
    }


def context_of(plan: Plan, *, notice: Callable[[str], None] = lambda text: None) -> TargetContext:
    """What the plan tells its target of how to compute."""
    execution = plan.execution
    decision = plan.decision
    chosen = {} if decision is None else {"favourable": decision.favourable, "positive": decision.positive}
    return TargetContext(
        folder=plan.folder,
        features=plan.features,
        device=execution.device,
        dtype=execution.dtype,
        threads=0 if execution.threads == "auto" else int(execution.threads),
        batch_tokens=execution.batch_tokens,
        batch_invariant=execution.batch_invariant,
        notice=notice,
        threshold=None if decision is None else decision.threshold,
        **chosen,
    )


def subject_of(plan: Plan, target: Target) -> Subject | None:
    """The rows under audit: those of the target, or of ``data.path``; None where the plan names none."""
    table = target.table()
    classes = target.labels if table is None and "favourable" not in target.labels else ()
    if table is None and plan.data_path is not None:
        table = read_table(plan.data_path, columns=plan.columns)
    if table is None:
        return None
    return make_subject(
        table=table,
        groups=plan.groups,
        features=plan.features,
        label=plan.label,
        row_id=plan.row_id,
        decision=plan.decision,
        classes=classes,
        answers=target.answers,
    )
