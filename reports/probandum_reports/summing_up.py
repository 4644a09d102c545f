"""An audit in short: how the gate ended, what did not pass, what changed, what nobody measured, and what to decide.

The words on the gate are those of ``gate --summary``, so that a document and a step's summary say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate
from typing import Protocol

from probandum import codec
from probandum.document import Cell, Fact, Figure, Gap, Listing, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.export.markdown import verdict_counts
from probandum.finding import Finding, Verdict
from probandum.gating import GateResult, headline, strictness
from probandum_reports import facts, saying, supplying, tallies
from probandum_reports.citing import cited
from probandum_reports.documents import Template
from probandum_reports.messages import noted, said
from probandum_reports.sayings import Shown
from probandum_reports.selecting import answered, select
from probandum_reports.tables import declared, gravity, name
from probandum_reports.threats import Selection, Selector
from probandum_reports.view import View

#: How many findings management reads, and how many changes a merge request has beside what did not pass.
_GRAVEST, _CHANGES = 5, 3
#: How many lines a screen has for rows and cautions; what the edges of a row take, and the least that a row has.
_SCREEN, _EDGES, _ROW = 21, 0.5, 2.75
#: How many letters a line has: of a name, of interval and n, of a limit with whose it is, of a caution, of a gate.
_NAME, _RANGE, _LIMIT, _CAUTION, _GATE = 44, 58, 65, 150, 80
#: Differences of a score that is the probability of one class.
_SHIFTS = "bias.term-swap/signed-shift"
#: Changes against a baseline.
_OF_CHANGES = (Selector(metrics=("*/change",)),)
_NOT_PASSED = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)
#: What a person decides, by the verdict that asks for it.
_DECISIONS: Mapping[Verdict, tuple[str, str, str]] = {
    Verdict.FAIL: (
        "Broken limits",
        "broken_limits",
        "what becomes of broken limits: mend, accept for a while by a waiver, or stop",
    ),
    Verdict.ERROR: (
        "What could not be measured",
        "errors",
        "what becomes of errors: mend and audit again, or go on without that evidence",
    ),
    Verdict.INCONCLUSIVE: (
        "What the data do not decide",
        "inconclusive",
        "what becomes of inconclusive findings: more data, another design, a waiver, or stop",
    ),
}


class Parts(Protocol):
    """What these parts read."""

    dossier: Dossier
    template: Template

    @property
    def view(self) -> View:
        """The findings in words."""
        ...


def outcome(parts: Parts) -> Iterable[Node]:
    """How the gate ended, findings by verdict, and how often this model was tried."""
    told = {
        "Gate": _fact("gate", resolve(parts.dossier, "gate")),
        "Findings": _fact("counts", resolve(parts.dossier, "counts")),
        "Mode": _fact("mode", resolve(parts.dossier, "mode")),
        "Attempts on this model": facts.run_fact(parts.dossier, "attempts"),
    }
    known = {label: fact for label, fact in told.items() if fact is not None}
    yield Table(caption="How the audit ended", header=tuple(known), rows=(tuple(known.values()),))


def gravest(parts: Parts) -> Iterable[Node]:
    """The five gravest findings that did not pass, with interval and limit."""
    caption = said("The gravest findings, {n} at most", n=_GRAVEST)
    yield from _worst(parts, lambda found: found[:_GRAVEST], caption)


def not_passed(parts: Parts) -> Iterable[Node]:
    """The gravest findings that did not pass, as many as one screen holds beside cautions and changes."""
    room = _room(parts) - sum(map(_height, _changes_shown(parts)))
    yield from _worst(parts, lambda found: _on_screen(found, room), "Findings that did not pass")


def _worst(parts: Parts, choose: Callable[[list[Shown]], list[Shown]], caption: str) -> Iterable[Node]:
    shown = [parts.view.shown(each.id) for each in parts.dossier.findings if each.verdict in _NOT_PASSED]
    found = sorted(shown, key=_rank)
    if not found:
        judged = any(each.judged for each in parts.dossier.findings)
        none = "No finding failed, erred or stayed inconclusive."
        yield Text(text=none if judged else "No finding was judged, so that none could fail.")
        return
    listed = choose(found)
    yield _table(listed, caption, "Limit, whose it is; why undecided")
    yield from _more(parts, listed, found)


def _room(parts: Parts) -> float:
    """How many lines one screen has for rows, below its cautions and how the gate ended."""
    dossier = parts.dossier
    told = (*facts.notices(dossier), *facts.cautions(dossier), *facts.aged_law(dossier))
    cautions = sum(_lines(f"{each.value} {each.by or ''} {each.on or ''}", _CAUTION) for each in told)
    attempts = facts.run_fact(dossier, "attempts")
    score = 1 + _EDGES if _class(dossier) else 0
    return _SCREEN - cautions - score - (0 if attempts is None else max(_lines(attempts.value, _GATE) - 2, 0))


def _height(shown: Shown) -> float:
    """How many lines the row of a finding takes."""
    result = 1 + _lines(f"{shown.interval}, {shown.n}", _RANGE)
    return max(_ROW, _EDGES + max(result, _lines(name(shown), _NAME), _lines(shown.held_against, _LIMIT)))


def _lines(text: str, letters: int) -> int:
    return -(-len(text) // letters)


def _on_screen(found: list[Shown], room: float) -> list[Shown]:
    """The first of them that so many lines hold, and one however few they are."""
    heights = accumulate(map(_height, found))
    return found[: max(sum(height <= room for height in heights), 1)]


def _more(parts: Parts, listed: Sequence[Shown], found: Sequence[Shown]) -> Iterable[Node]:
    """That there are more than are listed, and how a difference is to be read, where there are."""
    told = []
    if len(found) > len(listed):
        more = "{n} of {all:,} are listed; the index of the audit leads to all."
        told.append(said(more, n=len(listed), all=len(found)))
    if any(_differs(each.finding) for each in listed):
        told.append(said("A difference below 0 says that what is named first has the lower value."))
    if told:
        yield Text(text=" ".join(told), style="note")
    if any(each.finding.metric == _SHIFTS for each in listed) and (label := _class(parts.dossier)):
        told_by = said("A score is the probability of this class, and the higher, the likelier")
        yield Listing(entries=((replace(_fact("class", label), label=told_by),),))


def _class(dossier: Dossier) -> str:
    """The class whose probability the scores of texts are, where the plan names it; else ''."""
    settings = dossier.plan.get("suites", {}).get(_SHIFTS.partition("/")[0], {})
    return str(settings.get("class_name") or "")


def _differs(finding: Finding) -> bool:
    """Whether a finding tells by its sign which of two lies higher."""
    compared = finding.groups is not None and finding.groups.reference is not None
    words = any("~" in value for value in finding.facets.values())
    return (compared or words) and finding.estimate.value is not None and finding.estimate.unit != "ratio"


def _rank(shown: Shown) -> tuple[bool, tuple[int, float]]:
    """What somebody accepts comes behind what nobody does."""
    return shown.finding.waiver is not None, gravity(shown)


def _table(members: Sequence[Shown], caption: str, limit: str) -> Table:
    rows = tuple((name(each), Number(finding=each.finding.id), _held_against(each)) for each in members)
    return Table(caption=caption, header=("Quantity", "Result", limit), rows=rows)


def _held_against(shown: Shown) -> Fact:
    """The limit, whose it is, and why nothing is decided."""
    if shown.finding.limit is not None:
        return declared(shown, "held_against")
    return Fact(path=f"finding:{shown.finding.id}.held_against", value=shown.held_against, origin="measured")


def changes(parts: Parts) -> Iterable[Node]:
    """How far quantities lie from a baseline, the gravest first; a gap where nothing was compared."""
    found = _changes(parts)
    if not found:
        yield _unassessed(parts, "change against a baseline", _supplier(parts, _OF_CHANGES))
        return
    listed = _changes_shown(parts)
    yield _table(listed, "Changes against the baseline", "Limit on the change, whose it is; why undecided")
    yield from _more(parts, listed, found)


def _changes(parts: Parts) -> list[Shown]:
    """Every change against a baseline, the gravest first."""
    found = [parts.view.shown(each.id) for each in parts.dossier.findings if each.metric.endswith("/change")]
    return sorted(found, key=_rank)


def _changes_shown(parts: Parts) -> list[Shown]:
    """Those of them that stand on the screen, in half of its room at most."""
    return _on_screen(_changes(parts)[:_CHANGES], _room(parts) / 2)


def tally(parts: Parts) -> Iterable[Node]:
    """A chart of the verdicts by family, with its table."""
    families = tallies.families(parts.dossier.findings)
    if not any(map(answered, parts.dossier.findings)):
        yield Text(text="No figures: this audit gave no number and no verdict.")
        return
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (saying.family(family), *(tallies.fact(family, verdict, counts[verdict]) for verdict in tallies.ORDER))
        for family, counts in families.items()
    )
    header = ("Measured", *(saying.verdict(verdict) for verdict in tallies.ORDER))
    caption = said("Findings by what they are about")
    if all(each.verdict is Verdict.NOT_APPLICABLE for each in parts.dossier.findings):
        yield Text(text="No finding has a verdict, so that there is nothing to draw.")
        yield Table(caption=caption, header=header, rows=rows)
        return
    yield Figure(
        kind="tally",
        caption=caption,
        alt="Bars, one a family of probes, of how many findings with a verdict failed, erred, stayed inconclusive and "
        "passed; how many carry no verdict stands beside them. The table below repeats every count.",
        findings=(),
        twin=Table(caption=said("{caption}, as a table", caption=caption), header=header, rows=rows),
        reading=tallies.reading(parts.dossier.findings),
    )


@cache
def _after() -> Mapping[str, Selection]:
    """What a reader of a summary asks after, and the findings that tell."""
    return {
        "differences between groups of persons": (Selector(families=("bias",)),),
        noted("explanations"): (Selector(families=("explain",)),),
        noted("accuracy"): (Selector(families=("performance",)), Selector(measures=("perf.overall_metrics",))),
        "robustness against noise, shifts and attacks": (Selector(families=("robust",)),),
        "leakage of training data": (Selector(families=("privacy",)),),
        "drift of data and performance": (Selector(families=("drift",)),),
        "human oversight in use": (Selector(families=("oversight",)),),
        "energy of inference": (Selector(metrics=("energy.*/*joules*", "energy.*/*watt-hours*")),),
    }


def not_measured(parts: Parts) -> Iterable[Node]:
    """What readers ask after and no probe gave a number for."""
    findings = parts.dossier.findings
    known = [each for each in findings if each.estimate.value is not None]
    missing = [words for words, selection in _after().items() if not select(known, selection)]
    if missing:
        yield Listing(entries=tuple((_unassessed(parts, each, _supplier(parts, _after()[each])),) for each in missing))
    if not missing:
        yield Text(text="All that this summary asks after has a number.")


def _supplier(parts: Parts, selection: Selection) -> str:
    return supplying.supplier(parts.dossier, selection, parts.template.requirement)


def to_decide(parts: Parts) -> Iterable[Node]:
    """What only a named person decides: on each kind of finding that did not pass, and on going on."""
    seen = {each.verdict for each in parts.dossier.findings if each.waiver is None}
    asked = [_DECISIONS[verdict] for verdict in _NOT_PASSED if verdict in seen]
    asked.append(("Going on", "going_on", "whether the system is released, kept, changed or withdrawn, and why"))
    rows = tuple((said(label), _decided(parts, f"decisions.{key}", what)) for label, key, what in asked)
    yield Table(caption="What to decide", header=("On", "Decision"), rows=rows)


def _decided(parts: Parts, card: str, what: str) -> Fact | Gap:
    fact = facts.card_fact(parts.dossier.card, card, human=True)
    return fact or Gap(
        what=what,
        citation=cited(parts.template.requirement),
        supplier=parts.template.supplier,
        field_id=card,
        origin="human",
        card=card,
    )


def _unassessed(parts: Parts, what: str, supplier: str) -> Fact | Gap:
    """That nothing was measured, or what a named person says in its place."""
    card = f"not_assessed.{what.replace(',', '').replace(' ', '_').lower()}"
    label = said("Not assessed by this audit, {what}", what=said(what))
    fact = facts.card_fact(parts.dossier.card, card, label=label, human=True)
    return fact or Gap(
        what=said("not assessed: {what}", what=said(what)),
        citation=cited(parts.template.requirement),
        supplier=supplier,
        field_id=card,
        card=card,
    )


def resolve(dossier: Dossier, what: str) -> str:
    """What the gate decided, in the words of ``gate --summary``: ``gate`` its code and meaning, ``counts`` findings.

    ``mode``: how strictly it decided. ``class``: the class whose probability scores of texts are.
    """
    if what == "class":
        return _class(dossier)
    result = codec.decode(GateResult, codec.encode(dossier.gate), what="gate.json")
    return {"gate": headline(result), "mode": strictness(result), "counts": verdict_counts(result)}[what]


def _fact(what: str, words: str) -> Fact:
    return Fact(path=f"outcome:{what}", value=words, origin="measured")
