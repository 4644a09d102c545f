"""One explained decision in sentences, by path: what every format prints, so that none says anything of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from probandum.attempts import model_of
from probandum.reasons import MOST_NOISE, Alternative, Factor, Flip, Shift, Spread
from probandum_reports.decision_names import DecisionNames, place_of
from probandum_reports.decision_numbers import percents, ranged, share_of, signed, spread_of, within
from probandum_reports.messages import counted, said
from probandum_reports.saying import joined


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
        return said("Every word masked") if self.decision.text else said("The middle of other cases")

    @property
    def varies(self) -> bool:
        """Whether any step has an interval with a width."""
        return any(after.high > after.low for _, _, _, after in self.steps)

    @property
    def others(self) -> str:
        """What stands for all factors that are not named."""
        count = len(self.decision.factors) - len(self.decision.named)
        if not self.decision.text:
            return counted(count, "{n} other thing together", "{n:,} other things together")
        if self.in_passages:
            return counted(count, "{n} other passage together", "{n:,} other passages together")
        return counted(count, "{n} other word together", "{n:,} other words together")

    # Sentences.

    def reasons(self) -> Iterator[tuple[str, str, str]]:
        """The named factors by strength and direction: as a path ends, ``Strongly against you``, and what it is."""
        grouped: dict[str, list[Factor]] = {}
        for each in self.decision.named:
            grouped.setdefault(self.key(each), []).append(each)
        for key, members in grouped.items():
            yield key, _sentence(self.part(members[0])), "; ".join(self._together(members))

    def _together(self, members: Sequence[Factor]) -> Iterator[str]:
        """Items one by one; those that cannot be told apart in size say so."""
        places: dict[int, list[Factor]] = {}
        for each in members:
            places.setdefault(each.place, []).append(each)
        for alike in places.values():
            items = ", ".join(self.item(each) for each in alike)
            if len(alike) > 1:
                told = "{items} (which of these {n} counted more cannot be told)"
                yield said(told, items=items, n=len(alike))
            else:
                yield items

    def left_out(self) -> str:
        """How many factors are not named, and why."""
        decision = self.decision
        left, kept = len(decision.left_out), len(decision.kept) - len(decision.named)
        idle = sum(each.idle for each in decision.factors)
        parts = {
            counted(
                left,
                "{things} is left out: direction or rank changed from one calculation to the next",
                "{things} are left out: direction or rank changed from one calculation to the next",
                things=self.things(left),
            ): left,
            counted(
                kept,
                "{things} is stable, and not among the strongest; the annex has them all",
                "{things} are stable, and not among the strongest; the annex has them all",
                things=self.things(kept),
            ): kept,
            counted(
                idle,
                "{things} is without any part in it",
                "{things} are without any part in it",
                things=self.things(idle),
            ): idle,
        }
        return ". ".join(_sentence(told) for told, count in parts.items() if count) or said("Nothing is left out")

    def alternative(self, each: Alternative) -> str:
        """A change and its result, in one sentence."""
        (share,) = percents([each.probability])
        result = self.outcome(each.label)
        if self.decision.text:
            told = said(
                "{edits}, and everything else the same, the result would have been: {result} (estimate of that answer "
                "{share}).",
                edits=joined([self._edit(shift) for shift in each.shifts]),
                result=result,
                share=share,
            )
            return _sentence(told)
        changes = [
            said(
                "{name} had been {after} instead of {before}",
                name=self.name(shift.name),
                after=self.value(shift.name, shift.after, quoted=True),
                before=self.value(shift.name, shift.before, quoted=True),
            )
            for shift in each.shifts
        ]
        told = said(
            "If {changes}, and everything else the same, the result would have been: {result} (estimate {share}).",
            changes=joined(changes),
            result=result,
            share=share,
        )
        return f"{told} {said('Hardly any row of the data is like that.')}" if each.unusual else told

    def _edit(self, shift: Shift) -> str:
        """A word of a text that is deleted or replaced."""
        if not shift.after:
            return said("without the word “{word}” ({place})", word=shift.before, place=place_of(shift.name))
        told = "with “{after}” in place of “{before}” ({place})"
        return said(told, after=shift.after, before=shift.before, place=place_of(shift.name))

    def flip(self, flip: Flip) -> str:
        """What another value of an attribute alone would have done."""
        name, tried = self.name(flip.name), len(flip.tried)
        if not flip.changing:
            return counted(
                tried,
                "With another {name} alone the decision stays the same ({n} value tried)",
                "With another {name} alone the decision stays the same ({n:,} values tried)",
                name=name,
            )
        return counted(
            tried,
            "With another {name} alone the decision would have been another one: {values} ({some} of {n} value tried)",
            "With another {name} alone the decision would have been another one: {values} ({some} of {n:,} values "
            "tried)",
            name=name,
            values=", ".join(self._runs_of(flip)),
            some=len(flip.changing),
        )

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
                if len(run) > 2:
                    yield said("{first} to {last}", first=begins, last=last)
                else:
                    yield first if len(run) == 1 else f"{begins}, {last}"
                run = []

    def _attributes(self) -> Iterator[tuple[str, str]]:
        """Of each attribute that the audit compares groups by whether the system was told it."""
        told = {} if self.decision.text else {each.told.name: each for each in self.decision.factors}
        for attribute, group in (self.dossier.plan.get("ask", {}).get("groups") or {}).items():
            factor = told.get(str((group or {}).get("column") or attribute))
            if factor is None:
                yield attribute, said("{name} is not among what the system was told", name=self.name(attribute))
                continue
            name = self.name(factor.told.name)
            if factor.kept:
                yield attribute, said("{name} is an input; its part here: {part}", name=name, part=self.part(factor))
            elif factor.idle:
                yield attribute, said("{name} is an input; it had no part in any calculation", name=name)
            else:
                yield attribute, said("{name} is an input; its part here was not stable", name=name)

    def near(self) -> str | None:
        """What became of cases with estimates near this one."""
        near = self.decision.near
        if near is None:
            return None
        low, high = percents([near.low, near.high])
        own = said("turned out as “{answer}”", answer=self.label(self.decision.shown))
        return said(
            "Of {n} cases with the nearest estimates ({low} to {high}), {some} {came_true} {spread}",
            n=near.came_true.of,
            low=low,
            high=high,
            some=near.came_true.events,
            came_true=" ".join(str(self.outcomes.get("came_true") or own).split()),
            spread=spread_of(near.came_true),
        )

    def alone(self) -> str | None:
        """How far what is kept carries the decision."""
        alone = self.decision.alone
        if alone is None:
            return None
        return said(
            "If only the stable factors stay, and everything else is taken from other cases in turn, the decision "
            "stays the same in {some} of {all} {spread}",
            some=alone.events,
            all=alone.of,
            spread=spread_of(alone),
        )

    def stability(self) -> str:
        """How often the calculation was repeated, and how alike it came out."""
        decision = self.decision
        if decision.runs == 1:
            return said("The calculation has no chance in it: repeated, it gives the same")
        made = "The calculation was made {n} times, each time beside {others} other cases drawn anew"
        if decision.weighted:
            made = (
                "The calculation was made {n} times, each time beside {others} other cases drawn anew, by how many "
                "persons each stands for"
            )
        told = said(made, n=decision.runs, others=decision.background)
        if not decision.named:
            return told
        same = round(min(each.agreement for each in decision.named) * decision.runs)
        if same == decision.runs:
            return f"{told}. {said('What is named here pointed the same way each time')}"
        return f"{told}. {said('What is named here pointed the same way in {n} of them at least', n=same)}"

    def _runs(self) -> str:
        """How many calculations there were, and over which rows."""
        decision = self.decision
        if not decision.background:
            return said("{n}, without chance", n=decision.runs)
        if decision.weighted:
            over = "{n}, each over {rows} rows drawn with the plan's seed, by how many persons each stands for"
            return said(over, n=decision.runs, rows=decision.background)
        return said("{n}, each over {rows} rows drawn with the plan's seed", n=decision.runs, rows=decision.background)

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
            "runs": self._runs(),
            "noise": said(
                "{share} of the size of the five strongest; up to {most} a ranking is told",
                share=f"{decision.noise:.3f}",
                most=f"{MOST_NOISE:g}",
            ),
            "residual": said(
                "{share} of the distance between start and score, at most", share=f"{decision.residual:.1e}"
            ),
            "requests": said("{n:,} blocks of inputs", n=decision.requests),
            "evidence": decision.evidence,
            "searched": said("{n:,} changed inputs asked", n=decision.asked),
            "fixed": ", ".join(self.name(each) for each in decision.fixed) or said("none"),
            "score": signed(decision.score),
            "base": ranged(decision.base),
            "rest": ranged(decision.rest),
            "model": ", ".join(str(value) if key == "sha256" else f"{key} {value}" for key, value in self._model()),
        }
        if decision.threshold is not None:
            at, own = percents([decision.threshold, decision.probability])[0], self.outcome(decision.shown)
            found["threshold"] = said("{share}: from there on, {outcome}", share=at, outcome=own)
        recorded = decision.recorded
        found["recorded"] = (
            said("the record holds no answer to this input to compare with")
            if recorded is None
            else said("the same as the audit recorded: {answer}", answer=recorded)
        )
        for number, each in enumerate(decision.factors):
            told = each.told
            found[f"told.{told.value if decision.text else told.name}"] = (
                told.name if decision.text else self.value(told.name, told.value)
            )
            found[f"factor.{number}"] = f"{ranged(each.weight)}, {self._sure(each)}; {self._state(each)}"
            if each.named and each.told.attributes:
                found[f"flagged.{number}"] = said(
                    "{factor} states {attributes}, whose groups the audit compares",
                    factor=self.item(each),
                    attributes=joined(each.told.attributes),
                )
        for number, (factor, _, _, after) in enumerate(self.steps):
            value, low, high = self._after(after)
            then = value if low == high else within(value, low, high)
            part = self.direction(decision.rest.value)
            if factor is not None:
                part = f"{self.part(factor)}, {self._sure(factor)}"
            found[f"step.{number}"] = said("{part}; then {share}", part=part, share=then)
        found["short"] = self._short(found)
        found |= {f"reasons.{key}": told for key, _, told in self.reasons()}
        found |= {f"alternative.{number}": self.alternative(each) for number, each in enumerate(decision.alternatives)}
        found |= {f"attribute.{name}": told for name, told in self._attributes()}
        found |= {f"flip.{each.attribute}": self.flip(each) for each in decision.flips}
        (start,) = percents([share_of(self.turn * decision.base.value)])
        found["start"] = start
        return {path: text for path, text in found.items() if text is not None}

    def _short(self, found: Mapping[str, str | None]) -> str:
        """The decision and what it rests on in numbers, in one sentence."""
        decision, outcome, share = self.decision, found["outcome"], found["share"]
        if decision.threshold is None:
            return said("{outcome}: the system's estimate is {share}", outcome=outcome, share=share)
        at = percents([decision.threshold, decision.probability])[0]
        told = "{outcome}: the system's estimate is {share}, and the decision turns at {threshold}"
        return said(told, outcome=outcome, share=share, threshold=at)

    def _after(self, spread: Spread) -> list[str]:
        return percents([share_of(edge) for edge in (spread.value, spread.low, spread.high)])

    def _sure(self, factor: Factor) -> str:
        runs = self.decision.runs
        if runs == 1:
            return said("without chance")
        same = round(factor.agreement * runs)
        return counted(runs, "in {some} of {n} calculation", "in {some} of {n:,} calculations", some=same)

    def _state(self, factor: Factor) -> str:
        if factor.idle:
            return said("no part in any calculation")
        return said("stable, place {n}", n=factor.place) if factor.kept else said("not stable: not told to the person")

    def _model(self) -> Iterator[tuple[str, Any]]:
        """What tells the model from every other one: as a rule the digest of its file."""
        told = model_of(self.dossier.environment.get("target", {}).get("identity", {}))
        return ((key.replace("_", " "), value) for key, value in told.items())


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
