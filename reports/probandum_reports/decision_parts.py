"""Parts of the explanation of one decision: what was decided and told, what counted, what would have changed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from probandum.document import Cell, Fact, Figure, Gap, Inline, Listing, Node, Table, Text
from probandum.dossier import Dossier
from probandum.reasons import Factor
from probandum_reports import facts
from probandum_reports.decision_words import DecisionWords
from probandum_reports.messages import noted, said
from probandum_reports.waterfalls import rows_of

_PROVIDER = "the controller, under columns in the card"


class Parts(Protocol):
    """What a part of an explanation reads."""

    dossier: Dossier

    def named_gap(self, what: str, requirement: str, supplier: str) -> Gap:
        """A gap in what a card says of columns or outcomes."""
        ...


class DecisionParts:
    """Builds each part from one dossier with a decision."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.dossier = parts.dossier
        self.words = DecisionWords(parts.dossier)
        self._facts = self.words.facts()
        self._reasons = {f"reasons.{key}": label for key, label, _ in self.words.reasons()}

    def fact(self, path: str, label: str | None = None) -> Fact:
        """What was worked out under ``path``."""
        return Fact(path=f"decision:{path}", value=self._facts[path], label=label, origin="measured")

    def has(self, path: str) -> bool:
        """Whether there is anything under ``path``."""
        return path in self._facts

    def in_short(self) -> Iterable[Node]:
        """The decision, what counted most, one thing that would have changed it; first whether a person must look."""
        yield from self._held_back()
        paths = ["short", *(path for path in self._facts if path.startswith("reasons.Strongly")), "alternative.0"]
        found = [self.fact(path, self._reasons.get(path)) for path in paths if self.has(path)]
        yield Listing(entries=tuple((each,) for each in found))

    def _held_back(self) -> Iterable[Node]:
        if self.words.decision.held_back:
            yield Text(
                text=(
                    "Held back: another value of a protected attribute alone would have given another decision. A "
                    "person must look at that before this explanation is sent."
                ),
                style="warning",
            )
            yield Listing(entries=tuple((self.fact(f"flip.{name}"),) for name in self._changing()))

    def _changing(self) -> list[str]:
        return [each.attribute for each in self.words.decision.flips if each.changing]

    def outcome(self) -> Iterable[Node]:
        """The decision, the estimate and the limit."""
        labels = {
            "outcome": "The decision",
            "estimate": "What the system estimated",
            "threshold": "What that is held against",
            "recorded": "Whether it is the audited decision",
        }
        rows: list[tuple[Cell, ...]] = [
            (said(label), self.fact(path)) for path, label in labels.items() if self.has(path)
        ]
        yield Table(caption="What was decided", header=("Field", "Statement"), rows=tuple(rows))
        if self.words.decision.favourable is None:
            yield self._parts.named_gap(
                "which decision is good for the person (decision.favourable of the plan)",
                "gdpr:15:1:h",
                "the controller",
            )

    def told(self) -> Iterable[Node]:
        """What the system was told, with the source of each where it is declared."""
        words = self.words
        if words.decision.text:
            text = "The system was given one text. Its words stand in the annex, each with its part."
            if words.in_passages:
                text = "The system was given one text. Its passages stand in the annex, each with its part."
            yield Text(text=text)
            return
        rows: list[tuple[Cell, ...]] = []
        unsaid: list[str] = []
        for each in self._in_order():
            name = each.told.name
            source = facts.card_fact(self.dossier.card, f"columns.{name}.source")
            if source is None:
                unsaid.append(words.name(name))
            rows.append((words.name(name), self.fact(f"told.{name}"), source or said("not declared")))
        header: tuple[str, ...] = ("What", "As the system was told it", "Where it comes from, and of when")
        width = 2 if len(unsaid) == len(rows) else 3
        yield Table(caption="What the system was told", header=header[:width], rows=tuple(row[:width] for row in rows))
        if unsaid:
            what = noted("source and date of {names}, and whether you gave it, it was observed or inferred")
            if len(unsaid) == len(words.decision.factors):
                what = noted("source and date of all of these, and whether you gave it, it was observed or inferred")
            yield self._parts.named_gap(said(what, names=_listed(unsaid)), "gdpr:15:1:h", _PROVIDER)
        unnamed = [each.told.name for each in self._in_order() if not words.declared(each.told.name, "name")]
        if unnamed:
            what = said("names in plain words of {columns}", columns=_listed(unnamed))
            yield self._parts.named_gap(what, "gdpr:12:1", _PROVIDER)

    def _in_order(self) -> list[Factor]:
        """The factors as the data have their columns, or the text its words."""
        if self.words.decision.text:
            return self.words.in_order()
        found = list(self.words.decision.factors)
        asked = self.dossier.plan.get("ask", {}).get("data") or {}
        order = {name: place for place, name in enumerate(asked.get("features") or ())}
        return sorted(found, key=lambda each: order.get(each.told.name, len(order)))

    def reasons(self) -> Iterable[Node]:
        """What counted, by strength; the picture; what is left out."""
        decision = self.words.decision
        if not decision.named:
            yield Text(
                text=(
                    "A reliable individual explanation is not available: nothing pointed the same way each time the "
                    "calculation was repeated. A person explains the decision from the file."
                ),
                style="warning",
            )
            yield Listing(entries=((self.fact("left_out"),),))
            return
        yield Listing(entries=tuple((self.fact(path, label),) for path, label in self._reasons.items()))
        flagged = [path for path in self._facts if path.startswith("flagged.")]
        if flagged:
            yield Text(
                text=(
                    "Among these is what states a protected attribute. It is shown, since it was an input and had a "
                    "part; section 9 says what another value alone would have done."
                ),
                style="warning",
            )
            yield Listing(entries=tuple((self.fact(path),) for path in flagged))
        yield self._figure()
        yield Listing(entries=((self.fact("left_out"),),))
        yield Text(
            text=(
                "Strongly: at least half as much as what counted most; somewhat: at least a fifth; slightly: less. "
                "Things that go together share their part between them. This is an account of the calculation and "
                "simpler than it."
            ),
            style="note",
        )

    def _figure(self) -> Figure:
        """The way from the middle of other cases to this one."""
        words = self.words
        names = rows_of(words)
        rows: list[tuple[Cell, ...]] = [(names[0], self.fact("start"))]
        rows += [(name, self.fact(f"step.{number}")) for number, name in enumerate(names[1:-1])]
        rows.append((names[-1], self.fact("share")))
        caption = said("How the calculation got from other cases to this one")
        if words.decision.text:
            caption = said("How the calculation got from every word masked to this one")
        alt = "Steps to this case, the strongest first: {steps}. The table repeats every value."
        header = "Its part, how often it was the same, and the estimate then"
        if words.varies:
            alt = (
                "Steps to this case, the strongest first with its 95 % interval: {steps}. The table repeats every "
                "value."
            )
            header = "Its part, how often it was the same, and the estimate then with its 95 % interval"
        return Figure(
            kind="waterfall",
            caption=caption,
            alt=said(alt, steps="; ".join(names)),
            findings=(),
            twin=Table(
                caption=said("{caption}, as a table", caption=caption), header=("Step", header), rows=tuple(rows)
            ),
        )

    def alternatives(self) -> Iterable[Node]:
        """What would have given another decision, each asked again, and whether it can be changed."""
        decision = self.words.decision
        if not decision.alternatives:
            yield Listing(entries=((self.fact("why_none", "None was found"),),))
            return
        found = tuple((self.fact(f"alternative.{number}"),) for number in range(len(decision.alternatives)))
        yield Listing(entries=found)
        note = said(
            "Each was asked of the same model again, with everything else as it was. It describes this calculation "
            "and promises nothing of a later decision. Other changes may do the same."
        )
        if decision.text:
            note = f"{note} {said('How natural the changed text reads was not measured.')}"
        elif self._compared():
            note = f"{note} {said('What the plan names as a protected attribute was left as it is.')}"
        yield Text(text=note, style="note")
        if decision.text:
            return
        names = dict.fromkeys(shift.name for each in decision.alternatives for shift in each.shifts)
        rows = []
        for name in names:
            stated = facts.card_fact(self.dossier.card, f"columns.{name}.change")
            what = said("whether a person can change {name}, or have it corrected", name=self.words.name(name))
            gap = self._parts.named_gap(what, "gdpr:15:1:h", _PROVIDER)
            rows.append((self.words.name(name), stated or gap))
        yield Table(
            caption="What of this can be changed",
            header=("What", "free, rises, falls (one way alone) or correctable (it may be wrong in our data)"),
            rows=tuple(rows),
        )

    def _compared(self) -> bool:
        """Whether the audit compares groups by any attribute."""
        return any(path.startswith("attribute.") for path in self._facts)

    def sureness(self) -> Iterable[Node]:
        """What is known of how sure this is."""
        paths = [path for path in ("near", "stability", "alone") if self.has(path)]
        yield Listing(entries=tuple((self.fact(path),) for path in paths))
        if not self.has("near"):
            yield self._parts.named_gap(
                "how often decisions with an estimate like this one turn out to be right",
                "gdpr:15:1:h",
                "the controller",
            )

    def attributes(self) -> Iterable[Node]:
        """Of each attribute that the audit compares whether the system was told it, and what it alone does."""
        entries: list[tuple[Inline, ...]] = [
            (self.fact(path),) for path in self._facts if path.startswith(("attribute.", "flip."))
        ]
        if entries:
            yield Listing(entries=tuple(entries))
        else:
            yield self._parts.named_gap(
                "which protected attributes are no input, and who checked it", "gdpr:22:4", "the controller"
            )
        yield Text(
            text=(
                "That something is no input does not say that it had no influence: what goes along with it may carry "
                "it. The audit's own findings say more."
            ),
            style="note",
        )


def front(dossier: Dossier) -> tuple[Fact, ...]:
    """The cover: whose system, which case, when."""
    words = DecisionParts(_Plain(dossier))
    card = [("name", "System"), ("version", "Version"), ("deployer", "Deployer"), ("controller", "Controller")]
    found = [facts.card_fact(dossier.card, path, label=label) for path, label in card]
    found += [words.fact("row", "Case"), words.fact("outcome", "Decision")]
    return tuple(fact for fact in found if fact is not None) + facts.aged_law(dossier) + facts.notices(dossier)


class _Plain:
    """Parts of a cover, which has no gaps."""

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier

    def named_gap(self, what: str, requirement: str, supplier: str) -> Gap:
        """None stands there."""
        raise NotImplementedError


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


BUILTINS: Mapping[str, Callable[[DecisionParts], Iterable[Node]]] = {
    "decision_in_short": DecisionParts.in_short,
    "decision_outcome": DecisionParts.outcome,
    "decision_told": DecisionParts.told,
    "decision_reasons": DecisionParts.reasons,
    "decision_alternatives": DecisionParts.alternatives,
    "decision_sureness": DecisionParts.sureness,
    "decision_attributes": DecisionParts.attributes,
}
