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

from probandum import codec
from probandum.asking import Asker, ProbeAsk, replayed_window
from probandum.cache import AnswerCache
from probandum.energy import NoMeter, make_meter
from probandum.environment import describe_run, refuse_other_machine
from probandum.errors import DataError, PlanError, ProbandumError, UsageError
from probandum.evidence import Items, Reading
from probandum.finding import finding_id
from probandum.locking import lock_path, refuse_other_questions
from probandum.plan import Plan
from probandum.plugins import load_plugins
from probandum.probe import ControlOutcome, Measure, Probe, ProbeResult, ProbeSpec, Window, known_probes, make_probe
from probandum.record import Record, RunJournal, pack_journal, start_record, write_bytes, write_json
from probandum.sealing import seal
from probandum.second_opinion import AuditMeter
from probandum.subject import Subject
from probandum.tables import make_subject, read_table
from probandum.target import Target, TargetContext, known_targets, make_target, target_sources
from probandum.targets import load_builtin
from probandum.targets.loading import file_digest


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
    """The plan's probes, after everything was checked that needs no model; PlanError with its line otherwise."""
    load_plugins()
    load_builtin()
    plan.check_names(probes=known_probes(), targets=known_targets())
    probes: dict[str, Probe] = {}
    for name, options in plan.suites.items():
        try:
            probes[name] = make_probe(name, options or {}, folder=plan.folder)
        except UsageError as error:
            text = error.message.removeprefix(f"suites.{name}.").removeprefix(f"suites.{name}: ")
            raise PlanError(
                [f"{plan.located('suites', name)}: {'; '.join([text, *filter(None, [error.remedy])])}"]
            ) from None
    return probes


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

    A run that was interrupted resumes: nothing is asked again whose answer was recorded. UsageError where
    another plan's record stands in ``folder``.
    """
    watch = observer or Silent()
    probes = prepare(plan)
    sources = source_digests(plan)
    refuse_other_questions(plan, named_files(plan, sources))
    name = record_key(plan, sources)
    out = folder if folder is not None else default_folder(plan, name)
    found = Record(out)
    if found.sealed and found.plan.get("key") == name:
        watch.note(f"{out} holds this audit already; it is judged again, and nothing is asked")
        found.journal.unlink(missing_ok=True)
        return found
    if (found.ask / "plan.json").is_file():
        start_record(out, plan_source=b"", plan={"key": name}, environment={})  # refuses another plan's record
    target = make_target(plan.target_type, _context(plan, notice=watch.note), plan.target_options)
    try:
        return _carry_out(plan, probes, target, out, name, key, watch)
    finally:
        target.close()


def _carry_out(
    plan: Plan, probes: Mapping[str, Probe], target: Target, out: Path, name: str, key: Path | None, watch: Observer
) -> Record:
    subject = _subject(plan, target)
    replayed = _replayed(plan, target)
    meter = NoMeter("readings are replayed") if replayed is not None else make_meter(plan.energy, plan.folder)
    facts = describe_run(plan, target)
    parts = {"key": name, "suites": {k: v or {} for k, v in plan.suites.items()}, "digests": dict(plan.digests)}
    record = start_record(
        out, plan_source=plan.source, plan={**parts, **plan.parts(), "lines": dict(plan.lines)}, environment=facts
    )
    refuse_other_machine(record, facts)
    if lock_path(plan.path).is_file() and not record.lock.is_file():
        write_bytes(record.lock, lock_path(plan.path).read_bytes())
    journal = RunJournal(record.journal, resume=plan.execution.cache != "off")
    cache = _cache(plan, target, watch)
    try:
        asker = Asker(
            target,
            seed=plan.seed,
            subject=subject,
            journal=journal,
            cache=cache,
            meter=meter,
            replayed=replayed,
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
        readings["audit"] = _kept(journal, "audit", audit_meter.stop(), replayed)
        _write(record, results, readings, asker)
        pack_journal(record.journal, record.ask / "observations.jsonl.zst")
        files = sorted(path for path in record.ask.rglob("*") if path.is_file())
        seal(record.folder, files, predicate="ask", facts={"key": name, "tool": facts["tool"]}, key=key)
    finally:
        journal.close()
        if cache is not None:
            cache.close()
    record.journal.unlink(missing_ok=True)
    return record


def _cache(plan: Plan, target: Target, watch: Observer) -> AnswerCache | None:
    """The shared cache, where the plan wants it and the target's identity allows it."""
    if plan.execution.cache != "shared":
        return None
    if not target.shareable:
        watch.note(f"execution.cache: shared: target {target.name} states no digest of weights; nothing is shared")
        return None
    return AnswerCache(target.identity())


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
    return result, _kept(journal, f"probe:{result.probe}", reading, replayed)


def _kept(journal: RunJournal, name: str, reading: Reading, replayed: Mapping[str, Window] | None) -> Reading:
    """``reading``, or the one that the journal holds under ``name`` from before an interruption, or a replayed one."""
    window = journal.window(name)
    if window is None:
        window = Window(reading=reading, requests=0, input_tokens=None, output_tokens=None)
        if replayed is not None:
            window = replayed_window(replayed, name, name)
        journal.write_window(name, window)
    return window.reading


def measure(probe: Probe, asker: Asker) -> ProbeResult:
    """All that one probe leaves: its measures with their evidence, and its controls.

    A probe that breaks leaves an error with its reason; one that the target cannot answer is not applicable.
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
        return replace(empty, why=f"it needs {needs}, and target {asker.target.name} answers {able}")
    ask = asker.for_probe(spec.id)
    try:
        measures = tuple(_with_evidence(measure, ask) for measure in probe.measure(ask))
        _refuse_repeats(spec.id, measures)
    except ProbandumError as error:
        return replace(empty, status="error", why=error.message)
    except Exception as error:  # a third party's probe may break in any way, and none of them is a pass
        return replace(empty, status="error", why=_said(error))
    if not measures:
        return replace(empty, status="error", why="the probe ended without a measure")
    controls = tuple(_control(control, probe, asker) for control in probe.controls)
    return replace(empty, status="measured", measures=measures, controls=controls)


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
    stripped = []
    for result in results:
        for each in result.measures:
            if each.items is not None:
                items[finding_id(f"{result.probe}/{each.metric}", each.groups, each.facets)] = each.items
        stripped.append(replace(result, measures=tuple(replace(each, items=None) for each in result.measures)))
    write_json(record.ask / "estimates.json", stripped)
    write_json(record.ask / "items.json", items)
    write_json(record.ask / "readings.json", readings)


def _context(plan: Plan, *, notice: Callable[[str], None] = lambda text: None) -> TargetContext:
    execution = plan.execution
    return TargetContext(
        folder=plan.folder,
        features=plan.features,
        device=execution.device,
        dtype=execution.dtype,
        threads=0 if execution.threads == "auto" else int(execution.threads),
        batch_tokens=execution.batch_tokens,
        notice=notice,
    )


def _subject(plan: Plan, target: Target) -> Subject | None:
    """The rows under audit: those of the target, or of ``data.path``; None where the plan names none."""
    table = target.table()
    classes = target.labels if table is None else ()
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
    )


def _sources(plan: Plan) -> Iterable[Path]:
    """Every file that the *ask* part names."""
    yield from target_sources(plan.target_type, _context(plan), plan.target_options)
    if plan.data_path is not None:
        yield plan.data_path
    if plan.energy.replay is not None:
        yield Record.open(plan.resolve(plan.energy.replay)).observed
    for options in plan.suites.values():
        for value in (options or {}).values():
            if isinstance(value, str) and (path := plan.resolve(value)).is_file():
                yield path
