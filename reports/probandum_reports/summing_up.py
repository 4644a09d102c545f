"""An audit in short: how the gate ended, what did not pass, what changed, what nobody measured, and what to decide.

The words on the gate are those of ``gate --summary``, so that a document and a step's summary say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Protocol

from probandum import codec
from probandum.document import Cell, Fact, Figure, Gap, Listing, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.export.markdown import verdict_counts
from probandum.finding import Verdict
from probandum.gating import GateResult, headline
from probandum_reports import facts, saying, tallies
from probandum_reports.citing import cited
from probandum_reports.documents import Template
from probandum_reports.sayings import Shown
from probandum_reports.selecting import answered, select
from probandum_reports.tables import declared, gravity, name
from probandum_reports.threats import Selection, Selector
from probandum_reports.view import View

#: How many findings management reads; how many that did not pass and changes stand on one screen, and of these changes.
_GRAVEST, _SCREEN, _CHANGES = 5, 8, 3
#: How many letters of a name stand in one line of a screen, and how many lines a figure with its verdict takes.
_LETTERS, _LINES = 46, 2
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


#: How strictly the gate decides, by its mode.
_MODES = {
    "release": "release: what is inconclusive blocks, unless somebody accepts it",
    "merge": "merge: what is inconclusive blocks nothing, and a broken limit needs stronger evidence",
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
    yield from _worst(parts, lambda found: found[:_GRAVEST], f"The gravest findings, {_GRAVEST} at most")


def not_passed(parts: Parts) -> Iterable[Node]:
    """The gravest findings that did not pass, as many as one screen holds beside the changes."""
    most = _SCREEN - min(len(_changes(parts)), _CHANGES)
    yield from _worst(parts, lambda found: _on_screen(found, most), "Findings that did not pass")


def _worst(parts: Parts, choose: Callable[[list[Shown]], list[Shown]], caption: str) -> Iterable[Node]:
    shown = [parts.view.shown(each.id) for each in parts.dossier.findings if each.verdict in _NOT_PASSED]
    found = sorted(shown, key=_rank)
    if not found:
        judged = any(each.judged for each in parts.dossier.findings)
        said = "No finding failed, erred or stayed inconclusive."
        yield Text(text=said if judged else "No finding was judged, so that none could fail.")
        return
    listed = choose(found)
    yield _table(listed, caption, "Limit, and whose it is")
    yield from _more(listed, found)


def _on_screen(found: list[Shown], most: int) -> list[Shown]:
    """The first of them, ``most`` at most, and fewer where long names take more lines than so many have by rights."""
    room = _LINES * (most + 1)
    for place, each in enumerate(found[:most]):
        room -= max(_LINES, -(-len(name(each)) // _LETTERS))
        if room < 0:
            return found[: max(place, 1)]
    return found[:most]


def _more(listed: Sequence[Shown], found: Sequence[Shown]) -> Iterable[Node]:
    """That there are more than are listed, where there are."""
    if len(found) > len(listed):
        said = f"{len(listed)} of {len(found):,} are listed; the index of the audit leads to all."
        yield Text(text=said, style="note")


def _rank(shown: Shown) -> tuple[bool, tuple[int, float]]:
    """What somebody accepts comes behind what nobody does."""
    return shown.finding.waiver is not None, gravity(shown)


def _table(members: Sequence[Shown], caption: str, limit: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for each in members:
        none = "none" if each.finding.limit is None else "not applied"
        rows.append((name(each), Number(finding=each.finding.id), declared(each, "whose") if each.limit else none))
    return Table(caption=caption, header=("Quantity", "Result", limit), rows=tuple(rows))


def changes(parts: Parts) -> Iterable[Node]:
    """How far quantities lie from a baseline, the gravest first; a gap where nothing was compared."""
    found = _changes(parts)
    if not found:
        yield _unassessed(parts, "change against a baseline", "the auditor, by naming gate.baseline in the plan")
        return
    found.sort(key=_rank)
    listed = _on_screen(found, _CHANGES)
    yield _table(listed, "Changes against the baseline", "Limit on the change, and whose it is")
    yield from _more(listed, found)


def _changes(parts: Parts) -> list[Shown]:
    return [parts.view.shown(each.id) for each in parts.dossier.findings if each.metric.endswith("/change")]


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
    caption = "Findings by what they are about"
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
        twin=Table(caption=f"{caption}, as a table", header=header, rows=rows),
        reading=tallies.reading(families),
    )


@cache
def _after() -> Mapping[str, Selection]:
    """What a reader of a summary asks after, and the findings that tell."""
    return {
        "differences between groups of persons": (Selector(families=("bias",)),),
        "explanations": (Selector(families=("explain",)),),
        "accuracy": (Selector(families=("performance",)), Selector(measures=("perf.overall_metrics",))),
        "robustness against noise, shifts and attacks": (Selector(families=("robust",)),),
        "leakage of training data": (Selector(families=("privacy",)),),
        "drift of data and performance": (Selector(families=("drift",)),),
        "human oversight in use": (Selector(families=("oversight",)),),
        "energy of inference": (Selector(metrics=("energy.*/*joules*", "energy.*/*watt-hours*")),),
    }


def not_measured(parts: Parts) -> Iterable[Node]:
    """What readers ask after and no probe gave a number for."""
    known = [each for each in parts.dossier.findings if each.estimate.value is not None]
    missing = [words for words, selection in _after().items() if not select(known, selection)]
    said = {words: _unassessed(parts, words, "the auditor, by adding a suite") for words in missing}
    stated = [each for each in said.values() if isinstance(each, Fact)]
    if stated:
        yield Listing(entries=tuple((each,) for each in stated))
    if silent := [words for words, each in said.items() if isinstance(each, Gap)]:
        yield Gap(
            what=f"not assessed: {'; '.join(silent)}",
            citation=cited(parts.template.requirement),
            supplier="the auditor, by adding suites and what they need",
            field_id="not-assessed",
        )
    if not missing:
        yield Text(text="All that this summary asks after has a number.")


def to_decide(parts: Parts) -> Iterable[Node]:
    """What only a named person decides: on each kind of finding that did not pass, and on going on."""
    seen = {each.verdict for each in parts.dossier.findings if each.waiver is None}
    asked = [_DECISIONS[verdict] for verdict in _NOT_PASSED if verdict in seen]
    asked.append(("Going on", "going_on", "whether the system is released, kept, changed or withdrawn, and why"))
    rows = tuple((label, _decided(parts, f"decisions.{key}", what)) for label, key, what in asked)
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
    fact = facts.card_fact(parts.dossier.card, card, label=f"Not assessed by this audit, {what}", human=True)
    return fact or Gap(
        what=f"not assessed: {what}",
        citation=cited(parts.template.requirement),
        supplier=supplier,
        field_id=card,
        card=card,
    )


def resolve(dossier: Dossier, what: str) -> str:
    """What the gate decided, in the words of ``gate --summary``: ``gate`` its code and meaning, ``counts`` findings.

    ``mode``: how strictly it decided.
    """
    result = codec.decode(GateResult, codec.encode(dossier.gate), what="gate.json")
    said = {"gate": headline(result), "mode": _MODES.get(result.mode, result.mode), "counts": verdict_counts(result)}
    return said[what]


def _fact(what: str, words: str) -> Fact:
    return Fact(path=f"outcome:{what}", value=words, origin="measured")
