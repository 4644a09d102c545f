"""Preparing: everything of a plan that is checked and named before a model is loaded, and what its target is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from probandum import codec
from probandum.errors import DataError, PlanError, ProbandumError, RecordError, UsageError
from probandum.keywords import told, wrong_keywords
from probandum.limiting import limit_problems
from probandum.matching import make_subject
from probandum.plan import Plan
from probandum.plan_checks import Problem as Located
from probandum.plan_checks import outcome_problems, threshold_problems
from probandum.plan_file import PlanFile
from probandum.plugins import load_plugins
from probandum.probe import Probe, declared, further_files, known_probes, make_probe
from probandum.record import Record
from probandum.row_checks import facts_of, missing_columns, row_problems
from probandum.subject import NUMERIC, Subject
from probandum.suite_checks import refused_at, suite_problems
from probandum.tables import read_table
from probandum.target import (
    Problem,
    Target,
    TargetContext,
    known_targets,
    make_target,
    target_sources,
)
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
        problems += _problems(plan, documents)
    if plan is None or problems:
        raise PlanError(problems)
    return plan


def check(plan: Plan, *, documents: Iterable[str] | None = None) -> None:
    """The same of a plan that was made elsewhere."""
    load_plugins()
    load_builtin()
    if problems := _problems(plan, documents):
        raise PlanError(problems)


def _problems(plan: Plan, documents: Iterable[str] | None) -> list[str]:
    """Every problem, at every tier, also inside the files that the plan names."""
    problems = _checked(plan, documents)[1]
    for tier in plan.tiers:
        problems += _made(plan.at_tier(tier))[1]
    problems += [line for each in _file_problems(plan) for line in plan.problem(each)]
    return [*problems, *_row_problems(plan)]


def _row_problems(plan: Plan) -> list[str]:
    cls = known_targets().get(plan.target_type)
    return [] if cls is None else [line for each in row_problems(plan, cls) for line in plan.problem(each)]


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
    problems: list[str] = []
    try:
        plan.check_names(probes=known_probes(), targets=known_targets(), documents=documents)
    except PlanError as error:
        problems += error.problems
    probes, wrong_suites = _made(plan)
    problems += wrong_suites
    problems += _meter_problems(plan)
    problems += _batching_problems(plan)
    cls = known_targets().get(plan.target_type)
    if cls is not None:
        wrong = [*outcome_problems(plan.file, cls), *threshold_problems(plan.file, cls)]
        wrong += [*_unsaid(plan, cls, _missing_files(plan, cls)), *missing_columns(plan, cls)]
        problems += [line for each in wrong for line in plan.problem(each)]
    return probes, problems


def _made(plan: Plan) -> tuple[dict[str, Probe], list[str]]:
    """The probes that could be made at the plan's tier, and what is wrong with the others and with the limits."""
    known = known_probes()
    probes: dict[str, Probe] = {}
    problems: list[str] = []
    facts = facts_of(plan, known_targets().get(plan.target_type))
    for name in [name for name in plan.suites if name in known]:
        wrong = list(suite_problems(plan, known[name], facts))
        try:
            probes[name] = make_probe(name, plan.suites[name] or {}, folder=plan.folder)
        except UsageError as error:
            if not wrong:
                wrong.append(refused_at(error, name, plan.suites[name] or {}))
        problems += [line for place, text in wrong for line in plan.problem(((*plan.suite_place(name), *place), text))]
    if plan.tier is None or not problems:  # a limit of a probe that is not made was told beside the others
        problems += limit_problems(plan, {name: declared(each) for name, each in probes.items()})
    return probes, problems


def _missing_files(plan: Plan, cls: type[Target]) -> Iterator[Located]:
    """Files of the target that are not there; those of rows are looked into elsewhere."""
    options = plan.target_options
    if any(wrong_keywords(cls, options, skip=1)) or cls.named_columns(options):
        return
    context = context_of(plan)
    named = {context.resolve(value): key for key, value in options.items() if isinstance(value, str)}
    try:
        sources = target_sources(plan.target_type, context, options)
    except (UsageError, RecordError) as error:
        place, text = Problem.of(error)
        begins = [key for path, key in named.items() if text.startswith((f"{path}: ", f"{options[key]}: "))]
        yield ("target", *(place or begins[:1])), text
        return
    for path in sources:
        if not path.is_file():
            place = ("target", named[path]) if path in named else ("target",)
            yield place, f"no file {path}; paths start at the plan's folder"


def _file_problems(plan: Plan) -> Iterator[Located]:
    """What the files of the target show from outside, where they are there."""
    cls, options = known_targets().get(plan.target_type), plan.target_options
    if cls is None or any(wrong_keywords(cls, options, skip=1)) or any(_missing_files(plan, cls)):
        return
    found = ((("target", *place), text) for place, text in cls.file_problems(options, context_of(plan)))
    yield from _unsaid(plan, cls, found)


def _unsaid(plan: Plan, cls: type[Target], problems: Iterable[Located]) -> Iterator[Located]:
    """Those of keys of the target of whose values nothing else was wrong: a key is told of once."""
    said = told(cls, plan.target_options, skip=1)
    return (each for each in problems if said.isdisjoint(each[0][1:2]))


def _meter_problems(plan: Plan) -> list[str]:
    """What is wrong with the log of the plan's own meter, or the record whose readings are played back.

    A log that is not there yet is missed when the run begins.
    """
    energy = plan.energy
    wrong: dict[str, ProbandumError] = {}
    try:
        if energy.log is not None and (path := plan.resolve(energy.log)).exists():
            read_log(path)
    except DataError as error:
        wrong["log"] = error
    try:
        if energy.replay is not None:
            Record.open(plan.resolve(energy.replay))
    except RecordError as error:
        wrong["replay"] = error
    return [
        f"{plan.located('energy', key)}: {'; '.join(error.lines()).removeprefix('energy.log: ')}"
        for key, error in wrong.items()
    ]


def _batching_problems(plan: Plan) -> list[str]:
    """Whether the plan wants of its target what only some can promise."""
    cls = known_targets().get(plan.target_type)
    if not plan.execution.batch_invariant or cls is None or cls.batch_invariant or cls.recorded:
        return []
    able = ", ".join(name for name, each in known_targets().items() if each.batch_invariant)
    place = plan.located("execution", "batch_invariant")
    return [f"{place}: target {plan.target_type} cannot promise it; leave it out, or use {able}"]


def source_digests(plan: Plan, probes: Iterable[Probe]) -> dict[Path, str]:
    """The digest of every file that the *ask* part names, in the order of paths; ``probes``: the plan's."""
    return {path: file_digest(path) for path in sorted({*_sources(plan, probes)}, key=str)}


def _sources(plan: Plan, probes: Iterable[Probe]) -> Iterable[Path]:
    """Every file that the *ask* part names, also inside the files of the probes' options."""
    yield from target_sources(plan.target_type, context_of(plan), plan.target_options)
    if plan.data_path is not None:
        yield plan.data_path
    if plan.energy.replay is not None:
        yield Record.open(plan.resolve(plan.energy.replay)).observed
    for options in plan.suites.values():
        for value in (options or {}).values():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, str) and (path := plan.resolve(each)).is_file():
                    yield path
    for probe in probes:
        yield from further_files(probe)


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


def data_files(
    plan: Plan, target: Target, sources: Mapping[Path, str], *, rows: int | None
) -> list[dict[str, str | int | None]]:
    """Name, digest and number of rows of every named file that holds data, the system's own files left out.

    ``rows``: how many are under audit, None without any. Of a recorded system the recording is the data.
    """
    own = target_sources(plan.target_type, context_of(plan), plan.target_options)
    counted = plan.data_path if target.table() is None else next(iter(own), None)
    aside = set() if target.recorded else set(own)
    if plan.energy.replay is not None:  # readings of a meter
        aside.add(Record.open(plan.resolve(plan.energy.replay)).observed)
    return [
        {"file": name, "sha256": digest, "rows": rows if path == counted else None}
        for path in sources
        if path not in aside
        for name, digest in named_files(plan, {path: sources[path]}).items()
    ]


def context_of(plan: Plan, *, notice: Callable[[str], None] = lambda text: None) -> TargetContext:
    """What the plan tells its target of how to compute."""
    execution = plan.execution
    decision = plan.decision
    return TargetContext(
        folder=plan.folder,
        features=plan.features,
        device=execution.device,
        dtype=execution.dtype,
        threads=0 if execution.threads == "auto" else int(execution.threads),
        batch_tokens=execution.batch_tokens,
        batch_invariant=execution.batch_invariant,
        notice=notice,
        favourable=None if decision is None else decision.favourable,
        positive="1" if decision is None else decision.positive,
        assumed=decision is None or decision.assumed,
        threshold=None if decision is None else decision.threshold,
        numeric=decision is not None and decision.numeric,
        missing=plan.kept.says,
    )


def target_of(plan: Plan, *, notice: Callable[[str], None] = lambda text: None) -> Target:
    """The plan's target, loaded; what it refuses of the plan is a PlanError with every such problem of its rows."""
    with _told_with_places(plan):
        return make_target(plan.target_type, context_of(plan, notice=notice), plan.target_options)


def subject_of(plan: Plan, target: Target) -> Subject | None:
    """The rows under audit: those of the target, or of ``data.path``; None where the plan names none.

    PlanError with every problem of the rows where they and the plan do not fit.
    """
    table = target.table()
    decided = "favourable" in target.labels or target.labels == (NUMERIC,)
    classes = target.labels if table is None and not decided else ()
    with _told_with_places(plan):
        if table is None and plan.data_path is not None:
            table = read_table(plan.data_path, columns=plan.columns, kept=plan.kept)
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
            weight=plan.weight,
            cluster=plan.cluster,
            gaps=[name for name in plan.features if plan.kept.says],
            part="target" if plan.file.data is None else "data",
        )


@contextmanager
def _told_with_places(plan: Plan) -> Iterator[None]:
    """What is refused of a plan once its rows are read or its model is loaded, told as the plan check tells it."""
    try:
        yield
    except UsageError as error:
        if problems := _row_problems(plan):
            raise PlanError(problems) from None
        part = error.message.partition(".")[0]
        if part not in PlanFile.model_fields:
            raise
        place, text = Problem.of(error, part)
        raise PlanError(plan.problem(((part, *place), text))) from None
