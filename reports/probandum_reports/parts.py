"""Parts that every document has and that follow from the record alone: cover, cautions, verdicts, run, annex."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from probandum.document import Cell, Fact, Gap, Listing, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict
from probandum.totalling import SECOND
from probandum_reports import (
    basis,
    classification,
    coverage,
    energy_parts,
    facts,
    proposals,
    risks,
    saying,
    standing,
    summing_up,
)
from probandum_reports.citing import cited
from probandum_reports.documents import FactLine, Template
from probandum_reports.messages import said
from probandum_reports.nodes import fields, walk
from probandum_reports.selecting import asked, matches
from probandum_reports.tables import in_full, limits, name
from probandum_reports.view import View
from probandum_reports.waivers import DECLARED, not_blocking, standings


class Parts(Protocol):
    """What a builtin part reads."""

    dossier: Dossier
    template: Template

    @property
    def view(self) -> View:
        """The findings in words."""
        ...

    def limit_gap(self, what: str, requirement: str, supplier: str) -> Gap:
        """A gap in what a limit says of itself."""
        ...

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "", card: str | None = None) -> Gap:
        """A gap that is one field wherever it is shown; ``card`` fills it."""
        ...

    def unassessed(self, what: str, requirement: str, supplier: str) -> Fact | Gap:
        """That nothing was measured of it, or what a named person says in its place."""
        ...

    def stated(self, card: str, what: str) -> Fact | Gap:
        """What the card says at a path; where it says nothing, one gap wherever it is shown."""
        ...

    def filled(self, line: FactLine, *, human: bool = False) -> Fact | Gap:
        """What the card says on a line that stands in no section, or the gap in its place."""
        ...


#: What of the cover stands above a short document, whose first section says the rest.
_BRIEF = (
    "name",
    "version",
    "as_of",
    "law",
    "law.gdpr",
    "digest.record",
    "digest.judgement",
    "digest.model",
    "digest.data",
    "seal",
)


def laws(requirements: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The texts of the law that a document answers, each as the fact of the run that names it and its label.

    The first of its ``requirements`` asks for it; the act of that one comes first.

    >>> laws(["gdpr:30:1:a", "ai-act:annex-iv:1:a"]), laws(["ai-act:art-27:1:a"])
    ((('law.gdpr', 'Law'), ('law', 'Law, of the AI Act')), (('law', 'Law'),))
    """
    acts = dict.fromkeys(each.partition(":")[0] for each in requirements)
    known = [act for act in acts if act in _LAWS] or ["ai-act"]
    first, *others = known
    return ((_LAWS[first][0], "Law"), *(_LAWS[act] for act in others))


#: By the act that ids of requirements begin with: the fact that says which text of it is meant, and its label.
_LAWS = {"ai-act": ("law", "Law, of the AI Act"), "gdpr": ("law.gdpr", "Law, of the GDPR")}


def front(dossier: Dossier, requirements: Sequence[str], *, brief: bool = False) -> tuple[Fact, ...]:
    """The cover: what was audited, when, under which text of the law, and how the files are sealed.

    ``requirements``: what the document answers. ``brief``: only what tells one record and its system from every other.
    """
    card = [("name", "System"), ("version", "Version"), ("provider", "Provider"), ("annex_iii", "Annex III point")]
    run = [
        *laws(requirements),
        ("as_of", "As of"),
        ("started", "Tested from"),
        ("tool", "Tool"),
        ("digest.record", "Record"),
        ("digest.judgement", "Judgement"),
        ("digest.model", "Model"),
        ("digest.data", "Data"),
        ("seal", "Seal"),
    ]
    found = [facts.card_fact(dossier.card, path, label=label) for path, label in card]
    found += [facts.run_fact(dossier, path, label=label) for path, label in run]
    known = tuple(fact for fact in found if fact is not None)
    if brief:
        return tuple(fact for fact in known if fact.path.removeprefix("run.") in _BRIEF)
    return known + facts.notices(dossier)


def _notices(parts: Parts) -> Iterable[Node]:
    """What a reader must know before anything else; that a record is unsigned, a short document says in its head."""
    warned, brief = [*facts.notices(parts.dossier), *facts.cautions(parts.dossier)], parts.template.brief
    if aged := facts.aged_law(parts.dossier):
        yield Listing(entries=(aged,))
    if warned and not brief:
        yield Text(text="Read this first: facts about the audited system that limit what follows.", style="warning")
    if warned:
        yield Listing(entries=tuple((fact,) for fact in warned))
    if any(each.ended for each in standings(parts.dossier)):
        yield Text(
            text="A waiver that the gate counted has ended since; the table of waivers says which.", style="warning"
        )
    if not (brief or parts.dossier.seal.get("signed")):
        yield Text(
            text="This record is unsigned: its digests show that the files belong together, and not who wrote them.",
            style="warning",
        )
    yield from _scope(parts)


def _scope(parts: Parts) -> Iterable[Node]:
    """That what the document hangs on binds nobody by the card, or that this is open; nothing where it binds."""
    binds, told = standing.standing(parts.dossier.card, *parts.template.scope)
    if told and not binds:
        rest = (
            "Nothing is therefore asked for here: what people would fill in is left out, and below stand what was "
            "measured and what the card states anyway."
        )
        yield Text(text=f"{told} {said(rest)}", style="warning")
    elif told:
        yield Text(text=told, style="warning")


_MEANING: Mapping[Verdict, str] = {
    Verdict.FAIL: "there is evidence that the limit is broken",
    Verdict.ERROR: "it could not be measured, or a control of the probe did not behave: no evidence either way",
    Verdict.INCONCLUSIVE: "the data do not decide; this is never a pass",
    Verdict.PASS: "there is evidence that the limit is kept",
    Verdict.NOT_APPLICABLE: "no limit applies, or the system cannot answer what is asked",
}


def _verdicts(parts: Parts) -> Iterable[Node]:
    rows: list[tuple[Cell, ...]] = []
    for verdict, meaning in _MEANING.items():
        count = facts.run_fact(parts.dossier, f"counts.{verdict.value}")
        rows.append((saying.verdict(verdict), count or "0", said(meaning)))
    for path, label, meaning in (
        ("findings", "All", "every quantity of the record: the sum of the rows above"),
        ("judged", "Of all: judged", "a limit of the plan was applied"),
        ("unjudged", "Of all: covered and not judged", "a limit covers it, and the data do not allow to apply it"),
    ):
        rows.append((said(label), facts.run_fact(parts.dossier, path) or "0", said(meaning)))
    yield Table(caption="Findings by verdict", header=("Verdict", "Findings", "Meaning"), rows=tuple(rows))
    yield Text(
        text=(
            "Each pass line taken alone has a five per cent error; only the pass of the suite, for which each of its "
            "parts must pass, is controlled. The correction over all tests of a family makes a fail harder to reach. "
            "How often this model was tried, as far as the record knows, stands with the test run. A statistical "
            "disparity is not a legal finding."
        ),
        style="note",
    )


#: Codes of the gate in the order in which a reader wants their causes, and how many causes are listed.
_FIRST, _CAUSES = (2, 4, 1, 3, 0), 100


def _causes(parts: Parts) -> Iterable[Node]:
    entries: list[tuple[Any, ...]] = []
    causes = sorted(enumerate(parts.dossier.gate.get("causes", ())), key=lambda each: _FIRST.index(each[1]["code"]))
    for index, cause in causes[:_CAUSES]:
        if cause.get("finding"):
            entries.append((Number(finding=cause["finding"]),))
        elif (fact := facts.run_fact(parts.dossier, f"causes.{index}")) is not None:
            entries.append((fact,))
    if entries:
        yield Text(text="What the gate stopped at:")
        yield Listing(entries=tuple(entries))
        yield from _more(len(causes), parts)
    else:
        yield Text(text="The gate found nothing to stop at.")
    noted = [finding for finding in parts.dossier.findings if not_blocking(finding, parts.dossier)]
    if noted:
        yield Text(text="Inconclusive, and not blocking, since the gate decided over a merge:")
        yield Listing(entries=tuple((Number(finding=finding.id),) for finding in noted[:_CAUSES]))
        yield from _more(len(noted), parts)


def _more(count: int, parts: Parts) -> Iterable[Node]:
    """That a list goes on, where it does."""
    if count > _CAUSES:
        if parts.template.every_finding:
            more = said("{n} of {all:,} are listed here; the annex holds every finding.", n=_CAUSES, all=count)
        else:
            more = said("{n} of {all:,} are listed here; the record holds every finding.", n=_CAUSES, all=count)
        yield Text(text=more, style="note")


def _waivers(parts: Parts) -> Iterable[Node]:
    """Who accepts what, in force or not: a waiver that accepts nothing is told too, since somebody relies on it."""
    rows: list[tuple[Cell, ...]] = []
    for each in standings(parts.dossier):
        waiver, place = each.waiver, f"waiver:{each.waiver.finding}"
        of: Cell = waiver.finding
        if each.finding is not None:
            of = Number(finding=waiver.finding, label=name(parts.view.shown(waiver.finding)))
        stated = (
            Fact(path=f"{place}.{what}", value=each.said(what), by=waiver.owner, on=waiver.set_on) for what in DECLARED
        )
        rows.append((of, *stated, Fact(path=f"{place}.state", value=each.state, origin="measured")))
    if rows:
        header = ("Finding", "Accepted by", "Reason", "Until", "No worse than", "How it stands")
        yield Table(caption="Waivers: findings that a person accepts for a while", header=header, rows=tuple(rows))
    else:
        yield Text(text="No finding is waived.")


_RUN = {
    "tool": "Tool",
    "plugins": "Plugins",
    "started": "Run began",
    "attempts": "Attempts on this model",
    "seed": "Seed",
    "machine": "Machine",
    "packages": "Libraries",
    "device": "Device",
    "precision": "Precision",
    "target.type": "Kind of target",
    "target.endpoints": "Addresses that the audit connected to",
    "data": "Test data",
    "decision": "How a score becomes a decision",
    "groups": "Groups compared",
    "suites": "Probes",
    "digest.ask": "Digest of what was asked",
    "digest.judge": "Digest of the limits",
    "digest.declare": "Digest of the declarations",
    "digest.model": "Digest of the model",
    "digest.data": "Digest of the data",
    "digest.record": "Digest of the sealed record",
    "digest.judgement": "Digest of the judgement",
    "seal": "Seal",
}


def _run(parts: Parts) -> Iterable[Node]:
    found = [(label, facts.run_fact(parts.dossier, path)) for path, label in _RUN.items()]
    rows = tuple((said(label), fact) for label, fact in found if fact is not None)
    yield Table(caption="The test run", header=("Field", "Recorded"), rows=rows)


def _controls(parts: Parts) -> Iterable[Node]:
    rows: list[tuple[Cell, ...]] = []
    for result in parts.dossier.results:
        both = [
            fact
            for kind in ("positive", "negative")
            if (fact := facts.run_fact(parts.dossier, f"controls.{result.probe}.{kind}")) is not None
        ]
        state = facts.run_fact(parts.dossier, f"probe.{result.probe}")
        rows.append((result.probe, state or "", *(both if len(both) == 2 else (said("none"), said("none")))))
    header = ("Probe", "State", "Positive control", "Negative control")
    yield Table(caption="Probes and their controls", header=header, rows=tuple(rows))


def _probes(parts: Parts) -> Iterable[Node]:
    rows: list[tuple[Cell, ...]] = []
    for result in parts.dossier.results:
        found = [facts.run_fact(parts.dossier, f"{what}.{result.probe}") for what in ("summary", "options")]
        rows.append((result.probe, *(fact or said("none") for fact in found)))
    header = ("Probe", "What it measures", "Options")
    yield Table(caption="What the probes measure", header=header, rows=tuple(rows))


def _inputs(parts: Parts) -> Iterable[Node]:
    """What became of every input, so that none is left out in silence."""
    found = [(each.probe, facts.run_fact(parts.dossier, f"inputs.{each.probe}")) for each in parts.dossier.accounts]
    rows = tuple((probe, fact) for probe, fact in found if fact is not None)
    if not rows:
        return
    yield Table(caption="What became of every input", header=("Probe", "Inputs"), rows=rows)
    yield Text(
        text=(
            "An input is a prompt, a text or a row, counted under the probe that asked for it first, controls included."
            " Planned but not attempted: the system broke before it answered. Unparsable: the answer was empty."
        ),
        style="note",
    )


_SECOND = "The whole audit, by a second opinion"


def _audit_energy(parts: Parts) -> Iterable[Node]:
    """What the audit took together, in kWh and CO2e, and its readings probe by probe."""
    names = {"energy": said("The whole audit"), "co2e": said("CO2e of the whole audit")}
    names |= {f"reading.{each}": said(_SECOND) if each == SECOND else each for each in parts.dossier.readings}
    found = [(name, facts.run_fact(parts.dossier, path)) for path, name in names.items()]
    rows = tuple((name, fact) for name, fact in found if fact is not None)
    if parts.dossier.readings:
        yield Table(caption="Energy of the audit itself", header=("Part", "Reading"), rows=rows)
    else:
        what = "the energy of the audit itself"
        yield parts.unassessed(what, parts.template.requirement, "the auditor, on a machine with a meter")


def _all_findings(parts: Parts) -> Iterable[Node]:
    """Every finding of the record, so that none depends on a section's selector; and the probes that found nothing."""
    by_probe: dict[str, list[Finding]] = {}
    for finding in filter(asked, parts.dossier.findings):
        by_probe.setdefault(finding.probe, []).append(finding)
    for probe, findings in by_probe.items():
        yield from in_full(parts.view, findings, caption=said("All findings of {probe}", probe=probe))
    if not by_probe:
        yield Text(text="The record holds no finding with a number or a verdict.")
    silent = dict.fromkeys(each.probe for each in parts.dossier.findings if not asked(each))
    found = [(probe, facts.run_fact(parts.dossier, f"probe.{probe}")) for probe in silent]
    rows = tuple((probe, fact) for probe, fact in found if fact is not None)
    if rows:
        yield Table(caption="Probes that do not apply to this system", header=("Probe", "State"), rows=rows)


def figures(nodes: Sequence[Node]) -> Iterable[Node]:
    """What the figures of a document are, where it shows any, and what an audit covers."""
    shown = any(isinstance(node, Number) for node in walk(nodes))
    text = (
        "Every figure above is a finding of the record named here, and leads to its evidence. The audit tested what "
        "its probes ask, and no more of the system's behaviour."
        if shown
        else "This document shows no finding of the audit named here."
    )
    yield Text(text=text, style="note")


def limits_shown(parts: Parts, nodes: Sequence[Node]) -> Iterable[Node]:
    """Whose the limits are on the findings that a document shows."""
    shown = {node.finding for node in walk(nodes) if isinstance(node, Number)}
    found = [finding for finding in parts.dossier.findings if finding.id in shown]
    yield from limits(parts.view, found, parts.limit_gap)


_READ = {
    "ratio": "the ratio or its inverse, whichever is smaller, at least",
    "gap": "the larger end of the interval, either way, at most",
    "low_is_good": "the upper end of the interval, at most",
    "high_is_good": "the lower end of the interval, at least",
    "hits": "any hit, whatever the share",
}
#: What stands in place of numbers where hits are counted.
_HITS = ("no hit, its upper bound stated", "for a person, where no hit identifies anybody", "any hit")


def _bands(parts: Parts) -> Iterable[Node]:
    """The toolkit's bands by which findings of the record are read, in columns that say whose they are."""
    levels = tuple(said("{level} (toolkit default, no legal authority)", level=level) for level in (2, 3, 4))
    rows: list[tuple[Cell, ...]] = []
    for threat in parts.template.threats():
        for band in threat.bands:
            if not any(matches(each.metric, band.metrics) for each in parts.dossier.findings):
                continue
            numbers = (saying.number(band.limited), saying.number(band.significant), said("beyond"))
            cells = tuple(map(said, _HITS)) if band.kind == "hits" else numbers
            rows.append((threat.id, said(band.name), said(_READ[band.kind]), *cells))
    header = ("Threat", "Metric", "How it is read", *levels)
    if rows:
        yield Table(caption="Bands from which evidence proposes a likelihood", header=header, rows=tuple(rows))
    else:
        yield Text(text="No finding of this record is of a metric that has a band.", style="note")


def _matrix(parts: Parts) -> Iterable[Node]:
    likely = (said("Likelihood {number}, {word}", number=number, word=word) for number, word in risks.LEVELS.items())
    rows = tuple((f"{number}, {risks.LEVELS[number]}", *map(said, levels)) for number, levels in risks.MATRIX.items())
    header = ("Severity", *likely)
    yield Table(caption="Levels of risk, a convention of this toolkit and not law", header=header, rows=rows)


def open_items(nodes: Sequence[Node]) -> Node:
    """Every gap of a tree, once a field, or that there is none."""
    rows = tuple((said(gap.what), gap.citation, said(gap.supplier)) for gap in fields(nodes).values())
    if not rows:
        return Text(text="Nothing is open.")
    return Table(caption="Open items", header=("What", "Asked by", "Who can supply it"), rows=rows)


def _no_basis(parts: Parts) -> Iterable[Node]:
    """That what the document rests on falls away where the Act is said not to speak of the system."""
    if facts.denied(parts.dossier):
        told = "This document rests on {provision}. Where the Act does not apply, that is no basis for any processing."
        yield Text(text=said(told, provision=cited(parts.template.requirement)), style="warning")


BUILTINS: Mapping[str, Callable[[Parts], Iterable[Node]]] = {
    "notices": _notices,
    "no_basis": _no_basis,
    "verdicts": _verdicts,
    "causes": _causes,
    "label": basis.beside,
    "states": coverage.states,
    "waivers": _waivers,
    "run": _run,
    "controls": _controls,
    "probes": _probes,
    "inputs": _inputs,
    "audit_energy": _audit_energy,
    "bands": _bands,
    "matrix": _matrix,
    "classification": classification.steps,
    "all_findings": _all_findings,
    "energy_factors": energy_parts.factors,
    "energy_meters": energy_parts.meters,
    "gate": summing_up.outcome,
    "gravest": summing_up.gravest,
    "not_passed": summing_up.not_passed,
    "changes": summing_up.changes,
    "tally": summing_up.tally,
    "not_measured": summing_up.not_measured,
    "to_decide": summing_up.to_decide,
    **proposals.BUILTINS,
}
