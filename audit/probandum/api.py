"""The verbs of the command line as functions: audit, judge, gate, report, verify.

record = probandum.audit("audit.yaml")
record.findings
probandum.gate(record).code
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from probandum import (
    baselines,
    chaining,
    estimating,
    explaining,
    gating,
    importing,
    locking,
    places,
    preparing,
    purging,
    reporting,
    running,
    sealing,
    suite_checks,
    telling,
    verifying,
)
from probandum.chaining import Again
from probandum.comparing import Measured
from probandum.comparing import compare as comparison_of
from probandum.comparison import Comparison
from probandum.concluding import again, conclude
from probandum.dates import as_of_day
from probandum.declaring import Said
from probandum.dossier import WHOLE, Review, publisher
from probandum.drafting import Draft, draft
from probandum.errors import MissingDependency, RecordError, UsageError
from probandum.estimating import Forecast
from probandum.export import annotate
from probandum.finding import Finding, Limit
from probandum.gating import GateResult
from probandum.importing import Imported
from probandum.interrogating import interrogate
from probandum.limiting import refuse_limits, specs_of
from probandum.plan import MODES, Plan
from probandum.plugins import load_plugins
from probandum.purging import Purge
from probandum.record import Record, write_bytes
from probandum.reporting import Judgement
from probandum.running import Observer
from probandum.signing import load_private, load_public
from probandum.speech import ENGLISH
from probandum.suggesting import suggest
from probandum.tradeoffs import TradeOffs
from probandum.trading import trade_offs as traded
from probandum.verifying import Step

#: Documents in five formats, and the audit as a whole in two.
FORMATS = ("html", "pdf", "docx", "md", "json", *WHOLE)
#: What an explanation of one decision is written in.
EXPLANATION_FORMATS = ("text", "html", "docx", "json")


def init(
    what: str | None = None,
    *,
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
    data: str | None = None,
    favourable: object = None,
    label: str | None = None,
    positive: object = None,
    groups: Sequence[str] = (),
    folder: str | Path = ".",
) -> Draft:
    """A first audit file for the system ``what`` (a path, a URL, ``module:function``), to be written into ``folder``.

    The system is loaded and asked about itself; guesses and questions stand in the text. ``target`` and ``options``:
    its kind and keys, where ``what`` does not say. UsageError where it is unclear, TargetError where it does not load.
    """
    said = Said(favourable=favourable, label=label, positive=positive, groups=tuple(groups))
    found = interrogate(what, type=target, options=options or {}, data=data, said=said, folder=Path(folder))
    return draft(found, suggest(found, documents=publisher().known()))


def load_plan(plan: Plan | str | Path) -> Plan:
    """A plan as it is, or read from its file; PlanError lists every problem in it."""
    return plan if isinstance(plan, Plan) else Plan.load(Path(plan))


def check_plan(plan: Plan | str | Path) -> Plan:
    """The plan, after everything was checked that needs no model: keys, probes, options, targets, rows, documents."""
    checked = _checked_plan(plan)
    if checked is plan:  # one that came from a file was checked where it was read
        preparing.check(checked, documents=publisher().known())
    baselines.refuse_unsound(checked)
    return checked


def estimate(
    plan: Plan | str | Path,
    *,
    tier: str | None = None,
    calibrated: bool | None = None,
    since_start: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> Forecast:
    """What ``plan`` will ask and take: requests and tokens by dry runs, seconds by timing a small sample for real.

    ``calibrated``: whether a sample is timed, by default unless the system is an endpoint. ``since_start``: count what
    this process took until now as the start of an audit. ``note`` is told what is done meanwhile.
    """
    chosen = load_plan(plan).at_tier(tier)
    return estimating.forecast(chosen, calibrated=calibrated, since_start=since_start, note=note)


def hopeless_limits(plan: Plan | str | Path) -> tuple[str, ...]:
    """Limits of ``plan`` that cannot PASS as planned, as far as that is known without a system; one line each."""
    return estimating.hopeless_limits(load_plan(plan))


def never_asked(plan: Plan | str | Path) -> tuple[str, ...]:
    """The suites of ``plan`` that its target can never answer, one line each with its place."""
    return tuple(suite_checks.never_asked(load_plan(plan)))


def cannot_write(plan: Plan | str | Path) -> str | None:
    """Why `audit` does not begin where this runs: its documents need a package that is not installed; else None."""
    checked = load_plan(plan)
    try:
        refuse_unwritten(checked, load=False)
    except MissingDependency as error:
        return f"{checked.located('documents')}: {'; '.join(error.lines())}; `probandum audit` does not begin without"
    return None


def refuse_unwritten(plan: Plan, *, load: bool = True) -> None:
    """MissingDependency where :func:`audit` could not write the documents of ``plan`` here, before anything is asked.

    ``load``: load the packages that this needs, and do not only look for them.
    """
    load_plugins()
    if plan.documents:
        publisher().refuse_missing(FORMATS, load=load)


def lock(plan: Plan | str | Path, *, key: str | Path | None = None) -> Path:
    """Write down what ``plan`` asks and judges by, before anything is asked; returns the lock's path."""
    checked = check_plan(plan)
    files = preparing.named_files(checked, preparing.source_digests(checked, preparing.prepare(checked).values()))
    now = datetime.datetime.now(datetime.UTC)
    return locking.write_lock(checked, files, key=None if key is None else Path(key), made=now)


def audit(
    plan: Plan | str | Path,
    *,
    out: str | Path | None = None,
    tier: str | None = None,
    key: str | Path | None = None,
    documents: bool = True,
    observer: Observer | None = None,
) -> Record:
    """Run, judge and document; returns the sealed record.

    ``out``: the record's folder, by default ``runs/<system>-<key>``. ``tier``: pr, nightly or release; it asks what
    the plan's ``tiers`` say, and decides the gate's mode. ``key``: an ed25519 private key to sign with. A run that was
    interrupted, or that a smaller budget ended, is taken up in the same folder. MissingDependency, before anything is
    asked, where a package that the documents need is not installed.
    """
    checked = _checked_plan(plan, documents=documents).at_tier(tier)
    if tier is not None and observer is not None:
        observer.note(checked.tier_in_words())
    signing = None if key is None else Path(key)
    if signing is not None:
        load_private(signing)  # a wrong key is found before hours of work, not after
    folder = None if out is None else Path(out)
    load_plugins()
    if documents:
        checked.check_names(documents=publisher().known())
        refuse_unwritten(checked)
    spots = places.spots(checked.yaml)  # before the run: the file may change while it goes on
    baselines.refuse_unsound(checked, folder)
    record = running.run(checked, folder, key=signing, observer=observer)
    conclude(
        record,
        checked.limits,
        checked.waivers,
        card=checked.card,
        digests=checked.digests,
        spots=spots,
        mode=checked.mode,
        comparisons=baselines.comparisons(checked, record),
        key=signing,
    )
    if documents:
        if observer is not None:
            observer.note("writing documents")
        reporting.write(record, checked.documents, FORMATS, folder=record.reports, key=signing)
    return record


def judge(
    record: Record | str | Path,
    *,
    plan: Plan | str | Path | None = None,
    limits: Sequence[Limit] | None = None,
    tier: str | None = None,
    as_of: str | None = None,
    key: str | Path | None = None,
) -> tuple[Finding, ...]:
    """Judge a sealed record again, under another plan's limits or ``limits``; nothing is asked.

    The new judgement stands beside the older ones and becomes the record's ``findings.json``. UsageError where
    ``plan`` asks other questions than the record answers. RecordError where the record is damaged; without ``plan``,
    which takes limits and card of the latest judgement again, also where the sealed estimates do not give that, unless
    another version of the toolkit made it. ``as_of``: the ISO date that decides which waivers are in force, by default
    the day the record began, and not before it. ``key``: the ed25519 private key to sign with; a signed record needs
    the one that signed it.
    """
    opened, signing = _open(record), None if key is None else Path(key)
    if plan is None:
        _refuse_damaged(opened, signing, upto=5, again=lambda folder: _once_more(opened, folder))
    else:
        _refuse_damaged(opened, signing, upto=5)
        checked = load_plan(plan).at_tier(opened.plan["tier"])  # asked there; ``tier`` decides the gate's mode alone
        if checked.digests["ask"] != opened.plan["digests"]["ask"]:
            raise UsageError(
                f"{checked.path}: asks other questions than {opened.folder} answers", remedy="run the audit again"
            )
        if limits is None:
            load_plugins()
            refuse_limits(checked, specs_of(opened.results))
        return conclude(
            opened,
            checked.limits if limits is None else limits,
            checked.waivers,
            card=checked.card,
            digests=checked.digests,
            spots=places.spots(checked.yaml),
            mode=_mode(tier, otherwise=checked.mode),
            comparisons=baselines.comparisons(checked, opened),
            as_of=as_of,
            key=signing,
        )
    before = Judgement(opened, chaining.latest(opened).name)
    return conclude(
        opened,
        before.limits if limits is None else limits,
        before.waivers,
        card=before.card,
        digests=before.digests,
        spots=before.spots,
        mode=_mode(tier, otherwise=before.mode),
        comparisons=baselines.kept(before.folder),
        as_of=as_of,
        key=signing,
    )


def gate(
    record: Record | str | Path,
    *,
    key: str | Path | None = None,
    signed_with: str | Path | None = None,
    as_of: str | None = None,
) -> GateResult:
    """Decide over a sealed record; ``key`` is the public key that must have signed it.

    Without it no signature is checked, and the result says so. ``signed_with``: the private key in its place, for
    whoever has just signed with it. ``as_of``: the ISO date on which waivers must still be in force, by default today
    (UTC); not before the day the record began.
    """
    opened = _open(record)
    public = None if key is None else load_public(Path(key))
    if signed_with is not None:
        public = load_private(Path(signed_with)).public_key()
    return gating.gate(opened, again=partial(again, opened), key=public, as_of=as_of)


def compare(base: Record | str | Path, new: Record | str | Path) -> Comparison:
    """What changed from ``base`` to ``new``, two sealed records; RecordError where one of them is damaged.

    It judges nothing: differences between the two audits are named, and each change has its interval.
    """
    return comparison_of(_measured(base), _measured(new))


def trade_offs(runs: Sequence[Record | str | Path], *, cost: str, quality: str, higher: bool = True) -> TradeOffs:
    """What variants of a system give up for what, from a sealed record of each; the others are beside the first.

    ``cost`` and ``quality``: ids of findings that all of them measure; ``higher``: whether more of the quality is
    better. RecordError where one is damaged, lacks a figure, or cannot be compared.
    """
    return traded([_measured(each) for each in runs], cost=cost, quality=quality, higher=higher)


def _measured(run: Record | str | Path) -> Measured:
    record = _open(run)
    broken = next((step for step in verifying.verify(record, again=partial(again, record)) if step.held is False), None)
    if broken is not None:
        raise RecordError(f"{record.folder}: {broken.said}", remedy="a damaged record is compared with nothing")
    return Measured(record, sealing.statement_digest(record.folder))


def write_comparison(
    comparison: Comparison, *, md: str | Path | None = None, html: str | Path | None = None
) -> list[Path]:
    """Write a comparison as Markdown, as a page, or both; returns the files.

    As in documents, groups of fewer than ten persons are not shown.
    """
    if md is None and html is None:
        return []
    load_plugins()
    return telling.write_comparison(
        comparison, md=None if md is None else Path(md), html=None if html is None else Path(html)
    )


def write_trade_offs(found: TradeOffs, *, html: str | Path | None = None) -> list[Path]:
    """Draw trade-offs as a page; returns the files. As in documents, groups of fewer than ten persons are not shown."""
    if html is None:
        return []
    load_plugins()
    return telling.write_trade_offs(found, html=Path(html))


def export(
    record: Record | str | Path,
    result: GateResult,
    *,
    plan: Plan | None = None,
    sarif: str | Path | None = None,
    junit: str | Path | None = None,
    gitlab: str | Path | None = None,
    summary: str | Path | None = None,
) -> list[str]:
    """Write what CI services read of a gate's ``result``; returns the annotations of a GitHub workflow.

    Also where there is no record, or one that is not to be trusted: the files then say so. ``plan`` says in that case
    which system was meant. UsageError where a file would lie inside the record.
    """
    files = {"sarif": sarif, "junit": junit, "gitlab": gitlab, "summary": summary}
    telling.refuse_inside(record, files)
    told = telling.outcome(record, result, plan)
    telling.write(told, files)
    return annotate(told)


def verify(record: Record | str | Path, *, key: str | Path | None = None, render: bool = False) -> list[Step]:
    """Every step of the verification of a record, also those after a failure.

    ``key``: the public key that must have signed it. ``render``: the reports are rendered again and compared; that
    takes as long as writing them, and needs the packages that they were written with.
    """
    opened = _open(record)
    public = None if key is None else load_public(Path(key))
    if render:
        load_plugins()
    rendering = partial(reporting.render, opened) if render else None
    return verifying.verify(opened, key=public, again=partial(again, opened), render=rendering)


def unchecked(record: Record | str | Path) -> str | None:
    """What to say of a signed record whose verification was given no public key; None where nothing is signed."""
    return sealing.unchecked(_open(record).folder, None)


@reporting.uncollected()
def report(
    record: Record | str | Path,
    *,
    documents: Sequence[str] | None = None,
    formats: Sequence[str] = FORMATS,
    out: str | Path | None = None,
    as_of: str | None = None,
    key: str | Path | None = None,
    language: str = ENGLISH,
    final: bool = False,
    keep: bool = False,
) -> list[Path]:
    """Write documents from a sealed record, by default into its ``reports/``; the index comes first.

    They get digests and a statement of their own beside them, signed where ``key`` names an ed25519 private key; those
    of a signed record, wherever they are written, need the key that signed it, and UsageError where it is not given.
    ``as_of``: the ISO date that they state, by default the judgement's; not before the day the record began.
    ``language``: one of those whose message catalogues are shipped; UsageError for another. ``final``: they call
    themselves so; Unfinished where one has an open field, or no reviewer of what it says. ``keep``: other documents and
    formats that stand there sealed are written again, too; UsageError where they would not come out so once more.
    RecordError where the record is damaged, or its present judgement is not what the sealed estimates give.
    """
    opened, signing = _open(record), None if key is None else Path(key)
    _refuse_damaged(opened, signing, upto=6, again=partial(again, opened))
    if as_of is not None:
        as_of_day(as_of, started=str(opened.environment["started"]))
    load_plugins()
    chosen = opened.plan["declare"]["documents"] if documents is None else documents
    folder = opened.reports if out is None else Path(out)
    return reporting.write(
        opened,
        chosen,
        formats,
        folder=folder,
        as_of=as_of,
        key=signing,
        language=language,
        final=final,
        keep=keep,
    )


def sign(
    record: Record | str | Path,
    *,
    document: str,
    by: str,
    function: str,
    date: str | None = None,
    key: str | Path | None = None,
) -> Review:
    """Record that somebody reviewed a document of a sealed record, as it stands in its reports; changes none of them.

    ``function``: what they are in their organisation. ``date``: the ISO date, by default today (UTC). ``key``: the
    ed25519 private key that signed the record, where one did. It is a record of review, and no signature of a person.
    UsageError where the reports do not hold the document, or tell another judgement; RecordError where one is damaged.
    """
    opened, signing = _open(record), None if key is None else Path(key)
    _refuse_damaged(opened, signing, upto=8, again=partial(again, opened))
    load_plugins()
    return reporting.sign(opened, document=document, name=by, function=function, date=date, key=signing)


def import_filled(
    file: str | Path,
    *,
    by: str = "",
    date: str | None = None,
    plan: str | Path | None = None,
    card: str | Path | None = None,
    run: str | Path | None = None,
    replace: bool = False,
) -> Imported:
    """Write the filled fields of a Word file that a record wrote into the card, with who said it and when.

    ``by`` and ``date`` (an ISO date, by default today, UTC) hold for fields that do not say so themselves; ``by`` is
    needed where there is one. ``plan`` or ``card``: the file that holds the card, by default the audit file where the
    record says that it lay. ``run``: the record, by default found by the digest that the file names: around it, or in
    ``runs``. ``replace``: also in the place of what the card says already. DataError where more than fields was
    changed, or the document is of another record, judgement or template; UsageError where the card says something else
    already, or nobody states what a field says, and nothing is written.
    """
    load_plugins()
    path, named, own = Path(file), None if plan is None else Path(plan), None if card is None else Path(card)
    beside = [Path.cwd(), *(each.absolute().parent for each in (named, own) if each is not None)]
    opened = importing.record_of(path, run=None if run is None else Path(run), beside=beside)
    return importing.import_filled(
        path, again=partial(again, opened), record=opened, by=by, date=date, plan=named, card=own, replace=replace
    )


def explain(
    record: Record | str | Path,
    row: str,
    *,
    plan: str | Path | None = None,
    format: str = "text",
    out: str | Path | None = None,
) -> bytes:
    """One decision of a sealed record explained, for the person whom it is about: text, html, docx or json.

    The model is loaded and asked again; nothing is written but ``out``, which only its owner can read, and folders that
    it needs. ``row``: an id of the data, or a number from 1. ``plan``: the audit file, by default where it lay.
    UsageError where there is no such row. RecordError where the record is damaged, another model or other data stand
    there, or another decision comes out; TargetError where the system cannot be asked about changed inputs, or shows no
    digest of its model.
    """
    opened = _open(record)
    if format not in EXPLANATION_FORMATS:
        raise UsageError(f"no format {format!r}", remedy=f"known: {', '.join(EXPLANATION_FORMATS)}")
    telling.refuse_inside(opened, {"out": out})
    if out is not None and Path(out).is_dir():
        raise UsageError(f"{out}: is a folder", remedy="name a file in it")
    load_plugins()
    _refuse_damaged(opened, None, upto=7, again=partial(again, opened))
    dossier = reporting.dossier(opened)
    found = explaining.explain(opened, row, card=dossier.card, plan=None if plan is None else Path(plan))
    data = publisher().explained(replace(dossier, decision=found), format)
    if out is not None:
        write_bytes(Path(out), data)
    return data


def purge(
    record: Record | str | Path,
    *,
    by: str | None = None,
    reason: str | None = None,
    key: str | Path | None = None,
) -> Purge:
    """Delete the raw questions and answers of a sealed record; digests, counts and readings stay, and items with them.

    A statement in the record says so, signed where ``key`` names an ed25519 private key; a signed record needs its own.
    Reports are written again without them, for the present judgement. RecordError where the record or its present
    judgement is damaged: a purge must not hide that.
    """
    opened = _open(record)
    signing = None if key is None else Path(key)
    public = None if signing is None else load_private(signing).public_key()
    purging.withdraw(opened)
    opened.sweep()
    verifying.refuse_damaged(opened, key=public, upto=7, again=partial(again, opened))
    made = purging.purge(opened, by=by, reason=reason, key=signing)
    facts = purging.delete_raw_pages(opened)
    if facts is not None:
        report(
            opened,
            documents=facts.documents,
            formats=facts.formats,
            as_of=facts.as_of,
            key=signing,
            language=facts.language,
        )
    return made


def _checked_plan(plan: Plan | str | Path, *, documents: bool = True) -> Plan:
    """A plan as it is, or read from its file with every problem at once that is found without its model."""
    if isinstance(plan, Plan):
        return plan
    load_plugins()
    return preparing.load(Path(plan), documents=publisher().known() if documents else None)


def _refuse_damaged(record: Record, key: Path | None, *, upto: int, again: Again | None = None) -> None:
    """UsageError where ``key`` did not sign the record, RecordError where a step up to ``upto`` does not hold."""
    sealing.refuse_other_key(record, key)
    record.sweep()
    public = None if key is None else load_private(key).public_key()
    verifying.refuse_damaged(record, key=public, upto=upto, again=again)


def _once_more(record: Record, folder: Path) -> Mapping[str, bytes]:
    """What this version makes of the judgement in ``folder``; nothing of another's, about to be judged again."""
    return again(record, folder) if chaining.judged_here(folder) else {}


def _mode(tier: str | None, *, otherwise: str) -> str:
    if tier is None:
        return otherwise
    if tier not in MODES:
        raise UsageError(f"no tier {tier!r}", remedy=f"known: {', '.join(MODES)}")
    return MODES[tier]


def _open(record: Record | str | Path) -> Record:
    return record if isinstance(record, Record) else Record.open(record)
