"""Running: from a checked plan to a sealed record. Observes and estimates; judging comes after.

Everything that can be wrong with the plan is found before the model is loaded; nothing of a record that
stands already is touched until its key is known to be the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from probandum import codec, purging
from probandum.asking import Asker, ProbeAsk, replayed_window
from probandum.budget import Purse
from probandum.cache import AnswerCache
from probandum.energy import NoMeter, make_meter, read_log
from probandum.environment import describe_run, refuse_other_machine
from probandum.errors import (
    BudgetSpent,
    DataError,
    PlanError,
    ProbandumError,
    TargetError,
    Unreachable,
    Unrecorded,
    UsageError,
)
from probandum.evidence import Items, Reading
from probandum.finding import SubReason, finding_id
from probandum.judging import ALPHA_FAIL
from probandum.limiting import limit_problems
from probandum.locking import lock_path, refuse_other_questions
from probandum.plan import Plan
from probandum.plugins import load_plugins
from probandum.probe import (
    ControlOutcome,
    Measure,
    Probe,
    ProbeResult,
    ProbeSpec,
    Window,
    declared,
    known_probes,
    make_probe,
    refuse_undeclared,
)
from probandum.record import Record, RunJournal, pack_journal, reopen, start_record, write_bytes, write_json
from probandum.sealing import ask_facts, contents, seal
from probandum.second_opinion import AuditMeter
from probandum.signing import load_private
from probandum.stopping import Rules
from probandum.subject import Subject
from probandum.tables import make_subject, read_table
from probandum.target import Target, TargetContext, known_targets, make_target, target_sources
from probandum.targets import load_builtin
from probandum.targets.loading import file_digest
from probandum.verifying import refuse_damaged, refuse_unsealed


class Observer(Protocol):
    """Someone who watches a run, such as a progress bar."""

    def started(self, probe: str, number: int, of: int) -> None:
        """A probe begins."""
        ...

    def progress(self, probe: str, done: int, of: int) -> None:
        """``done`` of ``of`` inputs of the probe's present round are answered."""
        ...

    def finished(self, result: ProbeResult, seconds: float) -> None:
        """A probe is done, well or not."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know."""
        ...


class Silent:
    """Watches nothing."""

    def started(self, probe: str, number: int, of: int) -> None:
        """Nothing."""

    def progress(self, probe: str, done: int, of: int) -> None:
        """Nothing."""

    def finished(self, result: ProbeResult, seconds: float) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


def prepare(plan: Plan) -> dict[str, Probe]:
    """The plan's probes, after everything was checked that needs no model; PlanError with every problem otherwise."""
    load_plugins()
    load_builtin()
    known = known_probes()
    problems: list[str] = []
    try:
        plan.check_names(probes=known, targets=known_targets())
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
    if problems:
        raise PlanError(problems)
    return probes


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


def default_folder(plan: Plan, key: str) -> Path:
    """``runs/<system>-<key>`` below the working folder."""
    return Path("runs") / f"{plan.slug}-{key.removeprefix('sha256:')[:8]}"


def run(plan: Plan, folder: Path | None = None, *, key: Path | None = None, observer: Observer | None = None) -> Record:
    """Carry the plan out into ``folder`` and seal it; a sealed record of the same key is returned as it is.

    A run that was interrupted resumes: nothing is asked again whose answer was recorded. So does one whose budget
    ended the asking, once the plan's budget is larger. UsageError where another plan's record stands in ``folder``.
    """
    watch = observer or Silent()
    probes = prepare(plan)
    sources = source_digests(plan)
    refuse_other_questions(plan, named_files(plan, sources))
    name = record_key(plan, sources)
    out = folder if folder is not None else default_folder(plan, name)
    found = Record(out)
    if found.sealed and found.plan.get("key") == name:
        refuse_damaged(found, key=None if key is None else load_private(key).public_key())
        if not plan.budget.allows_more(found.spending):
            watch.note(_standing(found))
            found.journal.unlink(missing_ok=True)
            return found
        if (purge := purging.read(found)) is not None:
            raise UsageError(f"{out}: {purge.said}; the asking cannot go on from there", remedy="choose another --out")
        watch.note(f"{out}: {found.spending.ended}; the budget is larger now, and the asking goes on")
        reopen(found, plan_source=plan.source, plan=_facts(plan, name))
    refuse_unsealed(found)
    if (found.ask / "plan.json").is_file():
        start_record(out, plan_source=b"", plan={"key": name}, environment={})  # refuses another plan's record
    target = make_target(plan.target_type, context_of(plan, notice=watch.note), plan.target_options)
    try:
        return _carry_out(plan, probes, target, out, name, key, watch)
    finally:
        target.close()


def _standing(record: Record) -> str:
    """What a person should know of a sealed record in which nothing more is asked."""
    ended = record.spending.ended
    if ended is not None:
        return f"{record.folder}: {ended}; it is judged again, and nothing is asked until execution.budget is larger"
    return f"{record.folder} holds this audit already; it is judged again, and nothing is asked"


def _facts(plan: Plan, name: str) -> dict[str, Any]:
    """What a record says of its plan."""
    return {
        "key": name,
        "suites": {probe: options or {} for probe, options in plan.suites.items()},
        "tier": plan.tier,
        "digests": dict(plan.digests),
        **plan.parts(),
        "lines": dict(plan.lines),
    }


def _carry_out(
    plan: Plan, probes: Mapping[str, Probe], target: Target, out: Path, name: str, key: Path | None, watch: Observer
) -> Record:
    subject = subject_of(plan, target)
    replayed = _replayed(plan, target)
    meter = NoMeter("readings are replayed") if replayed is not None else make_meter(plan.energy, plan.folder)
    facts = describe_run(plan, target)
    if apart := target.batching.get("apart"):
        said = f"what else stands in a batch moves numbers by about {apart:.1g} {target.batching['unit']}"
        watch.note(f"{said}; execution.batch_invariant: true asks each input alone")
    cache = _cache(plan, target, facts, watch)  # first: where it cannot be written, no record is begun
    record = start_record(out, plan_source=plan.source, plan=_facts(plan, name), environment=facts)
    refuse_other_machine(record, facts)
    if lock_path(plan.path).is_file() and not record.lock.is_file():
        write_bytes(record.lock, lock_path(plan.path).read_bytes())
    journal = RunJournal(record.journal, resume=plan.execution.cache != "off")
    try:
        if (smaller := journal.smaller_batches()) is not None:
            target.use_smaller_batches(smaller)
        asker = Asker(
            target,
            seed=plan.seed,
            subject=subject,
            journal=journal,
            cache=cache,
            meter=meter,
            replayed=replayed,
            purse=Purse(budget=plan.budget, spent=journal.spent()),
            rules=Rules(limits=plan.limits, alpha_fail=ALPHA_FAIL[plan.mode]),
            progress=watch.progress,
        )
        audit_meter = AuditMeter(plan.energy)
        audit_meter.start()
        results, readings = [], {}
        for number, (probe_name, instance) in enumerate(probes.items(), 1):
            watch.started(probe_name, number, len(probes))
            began = time.perf_counter()
            result, readings[probe_name] = _metered(instance, asker, journal, replayed)
            results.append(result)
            watch.finished(result, time.perf_counter() - began)
        readings["audit"] = _kept(journal, "audit", audit_meter.stop(), replayed, asker.purse)
        if asker.purse.ended is not None:
            watch.note(f"{asker.purse.ended}; with a larger execution.budget the same command goes on from here")
        _refuse_changed(target, record, journal)
        _say_smaller_batches(target, record)
        _write(record, results, readings, asker)
        pack_journal(record.journal, record.ask / "observations.jsonl.zst")
        record.sweep()
        seal(record.folder, contents(record.ask), predicate="ask", facts=ask_facts(record), key=key)
    finally:
        journal.close()
        if cache is not None:
            cache.close()
    record.journal.unlink(missing_ok=True)
    return record


def _refuse_changed(target: Target, record: Record, journal: RunJournal) -> None:
    """TargetError where another system answers than the one that the run began with; what it answered is dropped."""
    why = target.check()
    if why is not None:
        journal.close()
        record.journal.unlink(missing_ok=True)
        raise TargetError(f"{why}; answers may be of two systems and were dropped", remedy="audit one system at a time")


def _say_smaller_batches(target: Target, record: Record) -> None:
    """Add to the record what the run taught of its own machine: memory held smaller batches than the plan says."""
    if target.smaller_batches is not None:
        told = record.environment
        told["target"]["cautions"] = list(target.cautions)
        told["batching"] = {**told["batching"], "smaller": target.smaller_batches}
        write_json(record.ask / "environment.json", told)


def _cache(plan: Plan, target: Target, facts: Mapping[str, Any], watch: Observer) -> AnswerCache | None:
    """The shared cache, where the plan wants it and the target's identity allows it.

    Answers are those of this system as it is asked: by its keys, with these features and decision, computed so.
    """
    if plan.execution.cache != "shared":
        return None
    if not target.shareable:
        watch.note(f"execution.cache: shared: target {target.name} states no digest of weights; nothing is shared")
        return None
    asked = plan.parts()["ask"]
    execution = {key: value for key, value in asked["execution"].items() if key not in ("seed", "cache")}
    how = {"target": asked["target"], "decision": asked.get("decision"), "features": list(plan.features)}
    return AnswerCache(
        {"identity": facts["target"]["identity"], "machine": facts["machine"], "execution": execution, **how},
        name=f"{plan.card_text('name')} {plan.card_text('version')} ({target.name})",
        notice=watch.note,
    )


def _replayed(plan: Plan, target: Target) -> Mapping[str, Window] | None:
    """The windows of the record that ``energy.replay`` names; DataError where it is of other work or another system."""
    if plan.energy.replay is None:
        return None
    record = Record.open(plan.resolve(plan.energy.replay))
    then, now = record.plan["ask"], plan.parts()["ask"]
    differ = [key for key in {**then, **now} if key not in ("target", "energy") and then.get(key) != now.get(key)]
    if differ:
        raise DataError(
            f"energy.replay: {record.folder} is the record of another plan, with other {differ[0]}",
            remedy="replay the record of the same plan",
        )
    if _system(record.environment["target"]["identity"]) != _system(codec.builtins(target.identity())):
        raise DataError(
            f"energy.replay: {record.folder} is the record of another model",
            remedy="replay the record of the same plan and model",
        )
    return record.windows()


def _system(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who answered in the end, where a record was replayed."""
    while "recorded_identity" in identity:
        identity = identity["recorded_identity"]
    return identity


def _metered(
    probe: Probe, asker: Asker, journal: RunJournal, replayed: Mapping[str, Window] | None
) -> tuple[ProbeResult, Reading]:
    """One probe with its controls, and what it took; a reading of an earlier, interrupted run is kept."""
    before = asker.asked_before, asker.asked_elsewhere
    token = asker.meter.begin()
    result = measure(probe, asker)
    result = replace(result, planned=asker.planned[result.probe])
    reading = asker.meter.end(token)
    if (asker.asked_before, asker.asked_elsewhere) != before:
        why = "part of the answers came from an interrupted run or a cache"
        reading = Reading(
            seconds=reading.seconds, meter=reading.meter, grade="D", why={"gpu": why, "cpu": why, "dram": why}
        )
    return result, _kept(journal, f"probe:{result.probe}", reading, replayed, asker.purse)


def _kept(
    journal: RunJournal, name: str, reading: Reading, replayed: Mapping[str, Window] | None, purse: Purse
) -> Reading:
    """``reading``, or the one that the journal holds under ``name`` from before an interruption, or a replayed one.

    Once a budget has ended the asking, readings are not kept for the run that goes on.
    """
    if purse.ended is not None:
        return reading
    window = journal.window(name)
    if window is None:
        window = Window(reading=reading, requests=0, input_tokens=None, output_tokens=None)
        if replayed is not None:
            window = replayed_window(replayed, name, name)
        journal.write_window(name, window)
    return window.reading


def measure(probe: Probe, asker: Asker) -> ProbeResult:
    """All that one probe leaves: its measures with their evidence, and its controls.

    A probe that breaks, or that the budget leaves without answers or controls, leaves an error with its reason; one
    that the target cannot answer is not applicable. Unreachable and Unrecorded end the run.
    """
    spec: ProbeSpec = probe.spec
    empty = ProbeResult(
        probe=spec.id,
        version=spec.version,
        status="not_applicable",
        options=_options(probe),
        requirements=spec.requirements,
        summary=spec.summary,
    )
    if not spec.needs & asker.target.capabilities:
        able = ", ".join(sorted(asker.target.capabilities)) or "nothing"
        needs = " or ".join(sorted(spec.needs))
        reasons = [asker.target.why_not[kind] for kind in sorted(spec.needs) if kind in asker.target.why_not]
        why = f"it needs {needs}, and target {asker.target.name} answers {able}"
        return replace(empty, why=": ".join([why, *reasons[:1]]))
    ask = asker.for_probe(spec.id)
    try:
        measures = tuple(_with_evidence(measure, ask) for measure in probe.measure(ask))
        _refuse_repeats(spec.id, measures)
        refuse_undeclared(probe, measures)
        controls = tuple(_control(control, probe, asker) for control in probe.controls) if measures else ()
    except (Unreachable, Unrecorded):  # no fault of the probe: the run ends, and the same command resumes it
        raise
    except BudgetSpent as error:
        return replace(empty, status="error", sub_reason=SubReason.BUDGET, why="; ".join(error.lines()))
    except ProbandumError as error:
        return replace(empty, status="error", why="; ".join(error.lines()))
    except Exception as error:  # a third party's probe may break in any way, and none of them is a pass
        return replace(empty, status="error", why=_said(error))
    if not measures:
        return replace(empty, status="error", why="the probe ended without a measure")
    if spec.id not in asker.cut_short:
        return replace(empty, status="measured", measures=measures, controls=controls)
    if any(each.mode == "gate" and each.estimate.stream is None for each in measures):
        why = f"{asker.purse.ended}; what was answered until then is no estimate that holds when one stops early"
        return replace(empty, status="error", sub_reason=SubReason.BUDGET, why=why)
    return replace(empty, status="measured", sub_reason=SubReason.BUDGET, measures=measures, controls=controls)


def _with_evidence(measure: Measure, ask: ProbeAsk) -> Measure:
    return measure if measure.evidence else replace(measure, evidence=tuple(ask.evidence))


def _refuse_repeats(probe: str, measures: Sequence[Measure]) -> None:
    seen: set[str] = set()
    for each in measures:
        name = finding_id(f"{probe}/{each.metric}", each.groups, each.facets)
        if name in seen:
            raise DataError(f"{probe} measured {name} twice")
        seen.add(name)


def _control(control: Any, probe: Probe, asker: Asker) -> ControlOutcome:
    """A control's outcome; one that breaks has failed, since it showed nothing."""
    try:
        outcome: ControlOutcome = control.run(probe, asker.for_probe(probe.spec.id))
    except (BudgetSpent, Unreachable, Unrecorded):  # a probe without its controls is no evidence
        raise
    except Exception as error:
        return ControlOutcome(name=control.name, kind=control.kind, held=False, detail=f"it broke: {_said(error)}")
    return outcome


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    return error.message if isinstance(error, ProbandumError) else f"{type(error).__name__}: {text}"


def _options(probe: Probe) -> dict[str, Any]:
    """The options a probe runs under, defaults included, as far as they are plain values of its own."""
    import inspect

    names = [name for name in inspect.signature(type(probe)).parameters if hasattr(probe, name)]
    return {name: codec.builtins(_plain(getattr(probe, name))) for name in names}


def _plain(value: object) -> object:
    return value.name if isinstance(value, Path) else value


def _write(record: Record, results: Sequence[ProbeResult], readings: Mapping[str, Reading], asker: Asker) -> None:
    """Estimates, items apart from them, and readings."""
    items: dict[str, Items] = {}
    rows = {result.probe: each.rows for result in results for each in result.measures if each.rows is not None}
    stripped = []
    for result in results:
        for each in result.measures:
            if each.items is not None:
                items[finding_id(f"{result.probe}/{each.metric}", each.groups, each.facets)] = each.items
        bare = tuple(replace(each, items=None, rows=None) for each in result.measures)
        stripped.append(replace(result, measures=bare))
    write_json(record.ask / "estimates.json", stripped)
    write_json(record.ask / "items.json", items)
    write_json(record.ask / "rows.json", rows)
    write_json(record.ask / "readings.json", readings)
    write_json(record.ask / "spending.json", asker.purse.spending())


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
