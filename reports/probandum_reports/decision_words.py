"""One explained decision in sentences, by path: what every format prints, so that none says anything of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from probandum.attempts import model_of
from probandum.reasons import MOST_NOISE, Alternative, Factor, Flip, Shift, Spread
from probandum.units import counted
from probandum_reports.decision_names import NO_PART, DecisionNames
from probandum_reports.decision_numbers import percents, ranged, share_of, signed, spread_of


class DecisionWords(DecisionNames):
    """The sentences about the decision of a dossier."""

    @cached_property
    def steps(self) -> list[tuple[Factor | None, float, float, Spread]]:
        """The way from the mean of other rows to this answer: factor, where it begins and ends, and the end's spread.

        All in log-odds of the class that is shown. The named factors, the strongest first; None: all others together.
        """
        decision, at = self.decision, self.turn * self.decision.base.value
        found: list[tuple[Factor | None, float, float, Spread]] = []
        moves: list[tuple[Factor | None, Spread]] = [(each, each.weight) for each in decision.named]
        if len(decision.named) < len(decision.factors):
            moves.append((None, decision.rest))
        for factor, move in moves:
            ends = sorted(at + self.turn * edge for edge in (move.low, move.high))
            end = at + self.turn * move.value
            found.append((factor, at, end, Spread(value=end, low=ends[0], high=ends[1])))
            at = end
        return found

    @property
    def begins(self) -> str:
        """Where the way to the answer begins."""
        return "Every word masked" if self.decision.text else "The middle of other cases"

    @property
    def varies(self) -> bool:
        """Whether any step has an interval with a width."""
        return any(after.high > after.low for _, _, _, after in self.steps)

    @property
    def others(self) -> str:
        """What stands for all factors that are not named."""
        decision = self.decision
        return f"{counted(len(decision.factors) - len(decision.named), f'other {self.thing}')} together"

    # Sentences.

    def reasons(self) -> Iterator[tuple[str, str]]:
        """The named factors by strength and direction: ``Strongly against you`` and what it is."""
        grouped: dict[str, list[Factor]] = {}
        for each in self.decision.named:
            grouped.setdefault(self.part(each), []).append(each)
        for part, members in grouped.items():
            yield part[:1].upper() + part[1:], "; ".join(self._together(members))

    def _together(self, members: Sequence[Factor]) -> Iterator[str]:
        """Items one by one; those that cannot be told apart in size say so."""
        places: dict[int, list[Factor]] = {}
        for each in members:
            places.setdefault(each.place, []).append(each)
        for alike in places.values():
            said = ", ".join(self.item(each) for each in alike)
            yield said if len(alike) == 1 else f"{said} (which of these {len(alike)} counted more cannot be told)"

    def left_out(self) -> str:
        """How many factors are not named, and why."""
        decision = self.decision
        kept, idle = len(decision.kept) - len(decision.named), sum(each.idle for each in decision.factors)
        parts = [
            (len(decision.left_out), "left out: direction or rank changed from one calculation to the next"),
            (kept, "stable, and not among the strongest; the annex has them all"),
            (idle, f"{NO_PART} in it"),
        ]
        said = [f"{counted(count, self.thing)} {'is' if count == 1 else 'are'} {why}" for count, why in parts if count]
        return ". ".join(each[:1].upper() + each[1:] for each in said) or "Nothing is left out"

    def alternative(self, each: Alternative) -> str:
        """A change and its result, in one sentence."""
        (share,) = percents([each.probability])
        result = self.outcome(each.label)
        if self.decision.text:
            edits = " and ".join(self._edit(shift) for shift in each.shifts)
            said = f"{edits[:1].upper()}{edits[1:]}, and everything else the same, the result would have been: {result}"
            return f"{said} (estimate of that answer {share})."
        changes = " and ".join(
            f"{self.name(shift.name)} had been {self.value(shift.name, shift.after, quoted=True)} instead of "
            f"{self.value(shift.name, shift.before, quoted=True)}"
            for shift in each.shifts
        )
        rare = " Hardly any row of the data is like that." if each.unusual else ""
        said = f"If {changes}, and everything else the same, the result would have been: {result}"
        return f"{said} (estimate {share}).{rare}"

    def _edit(self, shift: Shift) -> str:
        """A word of a text that is deleted or replaced."""
        if not shift.after:
            return f"without the word “{shift.before}” ({shift.name})"
        return f"with “{shift.after}” in place of “{shift.before}” ({shift.name})"

    def flip(self, flip: Flip) -> str:
        """What another value of an attribute alone would have done."""
        name, tried = self.name(flip.name), len(flip.tried)
        if not flip.changing:
            return f"With another {name} alone the decision stays the same ({counted(tried, 'value')} tried)"
        said = f"With another {name} alone the decision would have been another one"
        return f"{said}: {', '.join(self._runs_of(flip))} ({len(flip.changing)} of {counted(tried, 'value')} tried)"

    def _runs_of(self, flip: Flip) -> Iterator[str]:
        """The values that change the decision; neighbours among those tried as one stretch."""
        changing = set(flip.changing)
        run: list[str] = []
        for value in (*flip.tried, ""):
            if value in changing:
                run.append(value)
            elif run:
                first, last = (self.value(flip.name, each) for each in (run[0], run[-1]))
                unit = self.declared(flip.name, "unit")
                begins = first.removesuffix(f" {unit}") if unit else first
                yield first if len(run) == 1 else f"{begins} to {last}" if len(run) > 2 else f"{begins}, {last}"
                run = []

    def _attributes(self) -> Iterator[tuple[str, str]]:
        """Of each attribute that the audit compares groups by whether the system was told it."""
        told = {} if self.decision.text else {each.told.name: each for each in self.decision.factors}
        for attribute, group in (self.dossier.plan.get("ask", {}).get("groups") or {}).items():
            factor = told.get(str((group or {}).get("column") or attribute))
            if factor is None:
                yield attribute, f"{self.name(attribute)} is not among what the system was told"
            elif factor.kept:
                yield attribute, f"{self.name(factor.told.name)} is an input; its part here: {self.part(factor)}"
            else:
                part = "it had no part in any calculation" if factor.idle else "its part here was not stable"
                yield attribute, f"{self.name(factor.told.name)} is an input; {part}"

    def near(self) -> str | None:
        """What became of cases with estimates near this one."""
        near = self.decision.near
        if near is None:
            return None
        low, high = percents([near.low, near.high])
        own = f"turned out as “{self.label(self.decision.shown)}”"
        true = " ".join(str(self.outcomes.get("came_true") or own).split())
        cases, spread = near.came_true.of, spread_of(near.came_true)
        return f"Of {cases} cases with the nearest estimates ({low} to {high}), {near.came_true.events} {true} {spread}"

    def alone(self) -> str | None:
        """How far what is kept carries the decision."""
        alone = self.decision.alone
        if alone is None:
            return None
        return (
            "If only the stable factors stay, and everything else is taken from other cases in turn, the decision "
            f"stays the same in {alone.events} of {alone.of} {spread_of(alone)}"
        )

    def stability(self) -> str:
        """How often the calculation was repeated, and how alike it came out."""
        decision = self.decision
        if decision.runs == 1:
            return "The calculation has no chance in it: repeated, it gives the same"
        said = (
            f"The calculation was made {decision.runs} times, each time beside {decision.background} other cases drawn "
            f"anew{self._by_weight}"
        )
        if not decision.named:
            return said
        same = round(min(each.agreement for each in decision.named) * decision.runs)
        often = "each time" if same == decision.runs else f"in {same} of them at least"
        return f"{said}. What is named here pointed the same way {often}"

    @property
    def _by_weight(self) -> str:
        """How other cases are drawn that stand for more persons than one."""
        return ", by how many persons each stands for" if self.decision.weighted else ""

    def quoted(self) -> tuple[str, ...]:
        """What columns and values are called, which are words of others, the longest first."""
        found = {self.name(each.told.name) for each in self.decision.factors}
        found |= {each.told.name for each in self.decision.factors}
        found |= {self.item(each) for each in self.decision.factors}
        return tuple(sorted(found, key=lambda name: (-len(name), name)))

    # All of it.

    def facts(self) -> dict[str, str]:
        """Everything that a document may say of the decision, by path."""
        decision = self.decision
        (share,) = percents([decision.probability], beside=decision.threshold)
        outcome = self.outcome(decision.label)
        found: dict[str, str | None] = {
            "row": decision.row,
            "outcome": outcome[:1].upper() + outcome[1:],
            "estimate": f"{share}: {self.shown}",
            "share": share,
            "left_out": self.left_out(),
            "stability": self.stability(),
            "alone": self.alone(),
            "near": self.near(),
            "why_none": None if decision.why_none is None else _sentence(decision.why_none),
            "method": f"{decision.method}: {decision.kind}",
            "runs": f"{decision.runs}, each over {decision.background} rows drawn with the plan's seed{self._by_weight}"
            if decision.background
            else f"{decision.runs}, without chance",
            "noise": f"{decision.noise:.3f} of the size of the five strongest; up to {MOST_NOISE:g} a ranking is told",
            "residual": f"{decision.residual:.1e} of the distance between start and score, at most",
            "requests": f"{decision.requests:,} blocks of inputs",
            "evidence": decision.evidence,
            "searched": f"{decision.asked:,} changed inputs asked",
            "fixed": ", ".join(self.name(each) for each in decision.fixed) or "none",
            "score": signed(decision.score),
            "base": ranged(decision.base),
            "rest": ranged(decision.rest),
            "model": ", ".join(str(value) if key == "sha256" else f"{key} {value}" for key, value in self._model()),
        }
        if decision.threshold is not None:
            at, own = percents([decision.threshold, decision.probability])[0], self.outcome(decision.shown)
            found["threshold"] = f"{at}: from there on, {own}"
        recorded = decision.recorded
        found["recorded"] = (
            "the record holds no answer to this input to compare with"
            if recorded is None
            else f"the same as the audit recorded: {recorded}"
        )
        for number, each in enumerate(decision.factors):
            told = each.told
            found[f"told.{told.value if decision.text else told.name}"] = (
                told.name if decision.text else self.value(told.name, told.value)
            )
            found[f"factor.{number}"] = f"{ranged(each.weight)}, {self._sure(each)}; {self._state(each)}"
            if each.named and each.told.attributes:
                stated = " and ".join(each.told.attributes)
                found[f"flagged.{number}"] = f"{self.item(each)} states {stated}, whose groups the audit compares"
        for number, (factor, _, _, after) in enumerate(self.steps):
            value, low, high = self._after(after)
            then = value if low == high else f"{value} ({low} to {high})"
            part = self.direction(decision.rest.value)
            if factor is not None:
                part = f"{self.part(factor)}, {self._sure(factor)}"
            found[f"step.{number}"] = f"{part}; then {then}"
        found["short"] = self._short(found)
        found |= {f"reasons.{part}": said for part, said in self.reasons()}
        found |= {f"alternative.{number}": self.alternative(each) for number, each in enumerate(decision.alternatives)}
        found |= {f"attribute.{name}": said for name, said in self._attributes()}
        found |= {f"flip.{each.attribute}": self.flip(each) for each in decision.flips}
        (start,) = percents([share_of(self.turn * decision.base.value)])
        found["start"] = start
        return {path: text for path, text in found.items() if text is not None}

    def _short(self, found: Mapping[str, str | None]) -> str:
        """The decision and what it rests on in numbers, in one sentence."""
        said = f"{found['outcome']}: the system's estimate is {found['share']}"
        if self.decision.threshold is None:
            return said
        return f"{said}, and the decision turns at {str(found['threshold']).partition(':')[0]}"

    def _after(self, spread: Spread) -> list[str]:
        return percents([share_of(edge) for edge in (spread.value, spread.low, spread.high)])

    def _sure(self, factor: Factor) -> str:
        runs = self.decision.runs
        if runs == 1:
            return "without chance"
        return f"in {round(factor.agreement * runs)} of {counted(runs, 'calculation')}"

    def _state(self, factor: Factor) -> str:
        if factor.idle:
            return "no part in any calculation"
        return f"stable, place {factor.place}" if factor.kept else "not stable: not told to the person"

    def _model(self) -> Iterator[tuple[str, Any]]:
        """What tells the model from every other one: as a rule the digest of its file."""
        told = model_of(self.dossier.environment.get("target", {}).get("identity", {}))
        return ((key.replace("_", " "), value) for key, value in told.items())


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
