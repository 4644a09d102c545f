"""Running: from a checked plan to a sealed record. Observes and estimates; judging comes after.

Everything that can be wrong with the plan is found before the model is loaded; nothing of a record that
stands already is touched until its key is known to be the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from probandum import codec, purging
from probandum.asking import Asker
from probandum.attempts import earlier_beside, system_of
from probandum.budget import Purse
from probandum.cache import AnswerCache
from probandum.energy import Meter, NoMeter, make_meter
from probandum.environment import describe_run, refuse_other_machine
from probandum.errors import (
    DataError,
    Exchanged,
    UsageError,
)
from probandum.evidence import Items, Reading
from probandum.finding import SubReason, finding_id
from probandum.gaps import gaps_in
from probandum.journal import RunJournal
from probandum.judging import ALPHA_FAIL
from probandum.locking import lock_path, refuse_other_questions
from probandum.measuring import measure
from probandum.plan import Plan
from probandum.preparing import data_files, named_files, prepare, record_key, source_digests, subject_of, target_of
from probandum.probe import (
    Probe,
    ProbeResult,
    Window,
)
from probandum.reasking import Reasking
from probandum.record import Record, pack_journal, reopen, start_record, write_bytes, write_json
from probandum.rereading import WHOLE_PROBE
from probandum.resting import at_rest
from probandum.sealing import ask_facts, contents, refuse_other_key, seal
from probandum.second_opinion import AuditMeter
from probandum.signing import load_private
from probandum.siting import site_of
from probandum.stopping import Rules
from probandum.target import Target, known_targets
from probandum.totalling import PARTLY, SECOND, total
from probandum.verifying import DAMAGED, refuse_damaged, refuse_unsealed
from probandum.windowing import replayed_window

#: What to do where another system answers in a run that was interrupted.
_GO_ON_WITH = "resume with the system that the run began with, or audit this one in another --out"


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


def default_folder(plan: Plan, key: str) -> Path:
    """``runs/<system>-<key>`` below the working folder."""
    return Path("runs") / f"{plan.slug}-{key.removeprefix('sha256:')[:8]}"


def run(plan: Plan, folder: Path | None = None, *, key: Path | None = None, observer: Observer | None = None) -> Record:
    """Carry the plan out into ``folder`` and seal it; a sealed record of the same key is returned as it is.

    A run that was interrupted resumes: nothing is asked again whose answer was recorded. So does one whose server did
    not answer all that it was asked, and one whose budget ended the asking, once the plan's budget is larger.
    UsageError where another plan's record stands in ``folder``.
    """
    watch = observer or Silent()
    probes = prepare(plan)
    watch.note("hashing the files that the plan names")
    sources = source_digests(plan, probes.values())
    refuse_other_questions(plan, named_files(plan, sources))
    name = record_key(plan, sources)
    out = folder if folder is not None else default_folder(plan, name)
    found, goes_on = Record(out), None
    if found.sealed and found.plan.get("key") == name:
        found.sweep()
        public = None if key is None else load_private(key).public_key()
        refuse_damaged(found, key=public, upto=5, remedy=f"{DAMAGED}; choose another --out")
        refuse_other_key(found, key)
        unanswered = [each.probe for each in found.results if each.sub_reason is SubReason.UNANSWERED]
        if not unanswered and not plan.budget.allows_more(found.spending):
            watch.note(_standing(found))
            found.journal.unlink(missing_ok=True)
            return found
        if (purge := purging.read(found)) is not None:
            raise UsageError(f"{out}: {purge.said}; the asking cannot go on from there", remedy="choose another --out")
        goes_on = f"{found.spending.ended}; the budget is larger now"
        if unanswered:
            goes_on = f"the system did not answer all of {', '.join(unanswered)}"
    else:
        refuse_unsealed(found)
    if goes_on is None and (found.ask / "plan.json").is_file():
        start_record(out, plan_source=b"", plan={"key": name}, environment={})  # refuses another plan's record
    meter = NoMeter("readings are replayed") if plan.energy.replay else make_meter(plan.energy, plan.folder)
    bare = _bare(plan, probes, meter, watch)
    watch.note(f"loading the system (target {plan.target_type})")
    target = target_of(plan, notice=watch.note)
    try:
        if goes_on is not None:  # only now that the system is there: until then the sealed record stands
            watch.note(f"{out}: {goes_on}, and the asking goes on")
            reopen(found, plan_source=plan.source, plan=_facts(plan, name))
        return _carry_out(plan, probes, target, sources, meter, bare, out, name, key, watch)
    finally:
        target.close()


def _bare(plan: Plan, probes: Mapping[str, Probe], meter: Meter, watch: Observer) -> Reading | None:
    """What the metered parts take before the system is loaded; None where nothing will be metered."""
    seconds = plan.conduct.idle_seconds
    remote = known_targets()[plan.target_type].remote
    if remote or not meter.reads or not seconds or not any(probe.spec.meters for probe in probes.values()):
        return None
    watch.note(f"metering {seconds:g} s at rest, before the system is loaded")
    return next(iter(at_rest(meter, seconds, 1)), None)


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
    plan: Plan,
    probes: Mapping[str, Probe],
    target: Target,
    sources: Mapping[Path, str],
    meter: Meter,
    bare: Reading | None,
    out: Path,
    name: str,
    key: Path | None,
    watch: Observer,
) -> Record:
    subject = subject_of(plan, target)
    replayed = _replayed(plan, target)
    facts = describe_run(plan, target)
    if apart := target.batching.get("apart"):
        said = f"what else stands in a batch moves numbers by about {apart:.1g} {target.batching['unit']}"
        watch.note(f"{said}; execution.batch_invariant: true asks each input alone")
    cache = _cache(plan, target, facts, watch)  # first: where it cannot be written, no record is begun
    earlier = earlier_beside(out, facts["target"]["identity"])
    data = data_files(plan, target, sources, rows=None if subject is None else len(subject))
    told = {**facts, "earlier": earlier, "plan": _way(out, plan.path), "data": data}  # a run that resumes keeps its own
    if subject is not None and (gaps := gaps_in(subject.table, subject.gaps)) is not None:
        told["missing"] = gaps
        watch.note(gaps.said)
    record = start_record(out, plan_source=plan.source, plan=_facts(plan, name), environment=told)
    refuse_other_machine(record, facts, passing=target.passing)
    if lock_path(plan.path).is_file() and not record.lock.is_file():
        write_bytes(record.lock, lock_path(plan.path).read_bytes())
    journal = RunJournal(record.journal, probes=probes, resume=plan.execution.cache != "off")
    try:
        if (smaller := journal.smaller_batches()) is not None:
            target.use_smaller_batches(smaller)
        purse = Purse(budget=plan.budget, spent=journal.spent())
        reasking = None
        if target.remote:
            reasking = Reasking(target, seed=plan.seed, purse=purse, journal=journal)
            purse.again = reasking.takes
        asker = Asker(
            target,
            seed=plan.seed,
            subject=subject,
            journal=journal,
            cache=cache,
            meter=meter,
            replayed=replayed,
            purse=purse,
            rules=Rules(limits=plan.limits, alpha_fail=ALPHA_FAIL[plan.mode]),
            site=site_of(plan.energy),
            reasking=reasking,
            progress=watch.progress,
            conduct=plan.conduct,
            bare=bare,
        )
        audit_meter = AuditMeter(plan.energy)
        audit_meter.start()
        results, readings = [], {}
        under_way = journal.under_way
        for number, (probe_name, instance) in enumerate(probes.items(), 1):
            watch.started(probe_name, number, len(probes))
            began = time.perf_counter()
            try:
                partly = under_way and journal.window(f"{WHOLE_PROBE}{probe_name}") is None
                under_way = under_way and not partly
                result, readings[probe_name] = _metered(instance, asker, journal, replayed, partly=partly)
            except Exchanged as error:  # found before anything new was asked
                raise Exchanged(f"{error.message}; what was recorded is kept", remedy=_GO_ON_WITH) from None
            results.append(result)
            watch.finished(result, time.perf_counter() - began)
        opinion = audit_meter.stop()
        if journal.resumes or asker.asked_elsewhere:
            opinion = _dropped(opinion)
        readings[SECOND] = _kept(journal, SECOND, opinion, replayed, asker)
        readings = {each: reading if each == SECOND else asker.resting(reading) for each, reading in readings.items()}
        if asker.purse.ended is not None:
            watch.note(f"{asker.purse.ended}; with a larger execution.budget the same command goes on from here")
        if asker.unanswered:
            left = ", ".join(asker.unanswered)
            watch.note(f"the system did not answer all of {left}; the same command asks what was not answered")
        _refuse_changed(target, reasking, record, journal)
        _say_what_was_learnt(target, () if reasking is None else reasking.cautions, record)
        _write(record, results, readings, asker)
        write_json(record.ask / "energy.json", total(readings, asker.site))
        pack_journal(record.journal, record.ask / "observations.jsonl.zst")
        record.sweep()
        seal(record.folder, contents(record.ask), predicate="ask", facts=ask_facts(record), key=key)
    finally:
        journal.close()
        if cache is not None:
            cache.close()
    record.journal.unlink(missing_ok=True)
    return record


def _refuse_changed(target: Target, reasking: Reasking | None, record: Record, journal: RunJournal) -> None:
    """Exchanged where another system answers than the one that the run began with; what it answered is dropped."""
    try:
        why = target.check()
        if why is None and reasking is not None:
            reasking.refuse_other()
    except Exchanged as error:
        why = error.message
    if why is not None:
        journal.close()
        record.journal.unlink(missing_ok=True)
        raise Exchanged(f"{why}; answers may be of two systems and were dropped", remedy="audit one system at a time")


def _say_what_was_learnt(target: Target, cautions: Sequence[str], record: Record) -> None:
    """Add to the record what the run taught of its system: cautions, and that memory held smaller batches only."""
    told = record.environment
    learnt = [each for each in (*target.cautions, *cautions) if each not in told["target"]["cautions"]]
    begun, now = told["target"]["identity"], codec.builtins(target.identity()) if target.passing else {}
    learnt += [
        f"When the run was taken up, {name} of the system were {now.get(name)}, not {begun.get(name)}."
        for name in target.passing
        if begun.get(name) != now.get(name)
    ]
    if learnt or target.smaller_batches is not None:
        told["target"]["cautions"] += learnt
        if target.smaller_batches is not None:
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
    how |= {"missing": plan.kept.says}
    return AnswerCache(
        {"identity": facts["target"]["identity"], "machine": facts["machine"], "execution": execution, **how},
        name=f"{plan.card_text('name')} {plan.card_text('version')} ({target.name})",
        notice=watch.note,
    )


def _way(folder: Path, file: Path) -> str:
    """How one gets from a record to its audit file, beside which model and data lie.

    >>> _way(Path("runs/scorer"), Path("examples/credit/audit.yaml"))
    '../../examples/credit/audit.yaml'
    """
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


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
    if system_of(record.environment["target"]["identity"]) != system_of(codec.builtins(target.identity())):
        raise DataError(
            f"energy.replay: {record.folder} is the record of another model",
            remedy="replay the record of the same plan and model",
        )
    return record.windows()


def _metered(
    probe: Probe, asker: Asker, journal: RunJournal, replayed: Mapping[str, Window] | None, *, partly: bool
) -> tuple[ProbeResult, Reading]:
    """One probe with its controls, and what it took; a reading of an earlier, interrupted run is kept.

    ``partly``: whether it was under way when the run was interrupted, so that this reading is of its rest alone.
    """
    before = asker.asked_before, asker.asked_elsewhere
    token = asker.meter.begin()
    result = measure(probe, asker)
    result = replace(result, planned=asker.planned[result.probe])
    reading = asker.meter.end(token)
    if partly or (asker.asked_before, asker.asked_elsewhere) != before:
        reading = _dropped(reading)
    return result, _kept(journal, f"{WHOLE_PROBE}{result.probe}", reading, replayed, asker)


def _dropped(reading: Reading) -> Reading:
    """A reading without its joules: they are of a part of the work, and would be taken for those of all of it."""
    why = reading.why if reading.joules is None else dict.fromkeys(("gpu", "cpu", "dram"), PARTLY)
    return Reading(seconds=reading.seconds, meter=reading.meter, grade="D", why=why, notes=(PARTLY,))


def _kept(
    journal: RunJournal, name: str, reading: Reading, replayed: Mapping[str, Window] | None, asker: Asker
) -> Reading:
    """``reading``, or the one that the journal holds under ``name`` from before an interruption, or a replayed one.

    Once a budget has ended the asking, or a server did not answer, readings are not kept for the run that goes on.
    """
    if asker.purse.ended is not None or asker.unanswered:
        return reading
    window = journal.window(name)
    if window is None:
        window = Window(reading=reading, requests=0, input_tokens=None, output_tokens=None)
        if replayed is not None:
            window = replayed_window(replayed, name, name)
        journal.write_window(name, window)
    return window.reading


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
