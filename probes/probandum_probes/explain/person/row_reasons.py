"""What the decision on one row rests on: attributions over several backgrounds, and what is asked beside them.

Each run has a background of its own, so that also an explainer without chance is asked what it says beside other rows.
Rows that stand for more persons than others are drawn the more often, and rows of the same person are no other cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.errors import ProbeError, TargetError, UsageError
from probandum.evidence import Capability, Request, Table
from probandum.probe import Ask
from probandum.reasons import (
    MOST_NOISE,
    MOST_RUNS,
    RUNS,
    Alternative,
    Answered,
    Counted,
    Reasons,
    Shift,
    Told,
    Wanted,
    place_of,
)
from probandum.subject import Bools, Codes, Subject, as_text
from probandum_probes.explain.counterfactual.answers import Answered as Searched
from probandum_probes.explain.counterfactual.search import Found, counterfactuals
from probandum_probes.explain.counterfactual.space import Constraints
from probandum_probes.explain.explaining import Explanation, make_explainer, residual
from probandum_probes.explain.person.row_circumstances import counted, flips, near, unusual
from probandum_probes.explain.person.standing import factors_of, noise, spread
from probandum_probes.explain.quality.base import unable
from probandum_probes.explain.rows import BACKGROUND, Decided, RowWorld, decided
from probandum_probes.explain.worlds import Removal, answered, class_scores

#: Columns up to which every version of a row is asked: 256 of them, over a background, in each run.
EXACT = 8
#: Permutations a run where the values are sampled.
PERMUTATIONS = 10
#: The largest share of the score that attributions may miss, in single precision.
LARGEST_RESIDUAL = 1e-4
#: Other rows that what is kept is combined with.
OTHERS = 200
#: Alternatives that are looked for, and how many columns each may change: more is no advice.
WANTED, MOST_CHANGES = 3, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowReasons:
    """One row of the subject and the system that decided on it."""

    ask: Ask
    whole: Decided
    place: int
    wanted: Wanted

    @classmethod
    def of(cls, ask: Ask, wanted: Wanted) -> RowReasons:
        """The row that is wanted; UsageError where there is none, TargetError where it cannot be explained."""
        if why := unable(ask):
            raise TargetError(why)
        if ask.subject.numeric:
            raise TargetError("the system decides a number: what is explained is a decision between classes")
        place = _found(ask.subject, wanted.row)
        return cls(ask=ask, whole=Decided.by(ask), place=place, wanted=wanted)

    def reasons(self) -> Reasons:
        """Everything at once."""
        subject, whole = self.ask.subject, self.whole
        label = int(whole.labels[self.place])
        labels = whole.answer.labels
        name, worlds, runs = self._runs()
        instance = worlds[0].instances[0]
        missed = _missed(worlds, runs)
        stacked = np.stack([each.attributions for each in runs])
        factors, rest = factors_of(self._told(), stacked)
        kept = np.isin(list(whole.features), [each.told.name for each in factors if each.kept])
        decision = subject.decision
        binary = len(labels) == 2
        shown = decision.positive if decision is not None and binary and decision.positive in labels else labels[label]
        threshold = None if decision is None else decision.threshold
        alternatives, why_none, asked = self._alternatives(label, labels.index(shown))
        return Reasons(
            row=self._name(),
            answer=Answered(
                request=whole.request.digest,
                place=self.place,
                probabilities=tuple(whole.answer.values[self.place].tolist()),
                labels=labels,
            ),
            label=labels[label],
            favourable=None if decision is None else decision.favourable == labels[label],
            shown=shown,
            probability=float(whole.answer.values[self.place, labels.index(shown)]),
            threshold=(0.5 if threshold is None else threshold) if binary else None,
            score=instance.score,
            base=spread(np.array([each.base or 0.0 for each in runs])),
            rest=rest,
            factors=factors,
            method=name,
            kind=make_explainer(name).kind,
            runs=len(runs),
            background=len(worlds[0].background),
            noise=noise(stacked),
            residual=missed,
            alone=self._alone(kept),
            alternatives=alternatives,
            why_none=why_none,
            asked=asked,
            fixed=self._fixed(),
            flips=tuple(flips(self.ask, whole, self.place, self._stated())),
            near=near(self.ask, whole, self.place, shown),
            requests=0,
            evidence="",
            weighted=subject.weight is not None,
        )

    # What the system was told.

    def _name(self) -> str:
        keys = self.whole.keys
        return keys[self.place] if self.ask.subject.row_id is not None else f"row {self.place + 1}"

    def _told(self) -> list[Told]:
        stated = self._stated()
        return [
            Told(name=name, value=self._value(name), attributes=tuple(a for a, column in stated if column == name))
            for name in self.whole.features
        ]

    def _value(self, name: str) -> str:
        return str(as_text(self.whole.features[name][self.place : self.place + 1])[0])

    def _stated(self) -> list[tuple[str, str]]:
        """Attributes of the plan whose column is a feature, with that column."""
        return [each for each in self.wanted.attributes.items() if each[1] in self.whole.features]

    # What counted.

    def _runs(self) -> tuple[str, list[RowWorld], list[Explanation]]:
        """The first explainer that can explain the system, and what it says over each background.

        Where the strongest factors are too noisy to be ranked, as many runs follow as should suffice. One whose
        attributions miss what they explain, as those of trees may where a row lies on the edge of a split, gives way
        to the next; ProbeError where none is left.
        """
        worlds = [self._world(run) for run in range(RUNS)]
        width = len(tuple(self.whole.features))
        names = ["shap.tree"] if Capability.ATTRIBUTE in self.ask.capabilities else []
        names += ["shap.linear", "shap.exact" if width <= EXACT else "shap.permutation"]
        misses: list[str] = []
        for name in names:
            samples = PERMUTATIONS * (2 * width + 1) if name == "shap.permutation" else None
            explainer = make_explainer(name, samples=samples)
            try:
                runs = explainer.explain(worlds[0], seed=self._seed(0))
                while len(runs) < len(worlds):
                    runs += explainer.explain(worlds[len(runs)], seed=self._seed(len(runs)))
                    if len(runs) == len(worlds):
                        worlds += [self._world(run) for run in range(len(runs), _needed(runs))]
            except UsageError:  # the system is of another kind, as its answers show
                continue
            except ProbeError:  # the library of trees found for itself that its values miss the score
                if name != "shap.tree":
                    raise
                misses.append(f"{name} said so itself")
                continue
            if (missed := _missed(worlds, runs)) <= LARGEST_RESIDUAL:
                return name, worlds, runs
            misses.append(f"{name} by {missed:.2g}")
        if misses:
            raise ProbeError(
                f"attributions miss what they explain ({', '.join(misses)} of it): nothing is said of this decision"
            )
        raise TargetError("no explainer can ask this system about changed rows")

    def _world(self, run: int) -> RowWorld:
        rows = np.arange(len(self.whole.labels))
        drawn = self._drawn(rows, BACKGROUND, self.ask.rng("background", str(run)))
        return RowWorld.among(self.ask, self.whole, np.array([self.place]), background=drawn)

    def _seed(self, run: int) -> int:
        return int(self.ask.rng("seeds", str(run)).integers(2**31))

    def _drawn(self, rows: Codes, most: int, rng: np.random.Generator) -> Codes:
        """Some of ``rows``, each once; where they stand for others ``most`` by their weights, some more than once."""
        weights = self.ask.subject.weights[rows]
        if self.ask.subject.weight is None or not weights.any():
            return np.sort(rng.permutation(rows)[:most])
        return np.sort(rng.choice(rows, size=most, p=weights / weights.sum()))

    def _alone(self, kept: Bools) -> Counted | None:
        """How often the decision stays if only what is kept stays, and all else comes from a row of another person.

        None where nothing is kept, or there is no other person.
        """
        persons = self.ask.subject.persons
        rows = np.flatnonzero(persons != persons[self.place])
        if not kept.any() or not len(rows):
            return None
        drawn = self._drawn(rows, OTHERS, self.ask.rng("others"))
        world = RowWorld.among(self.ask, self.whole, np.array([self.place]), background=drawn)
        request, places = world.request(Removal(instance=0, operator="background", kept=kept[None]))
        (answer,) = self.ask([request])
        answered(answer, "rows")
        same = decided(self.ask.subject, answer)[places[0]] == self.whole.labels[self.place]
        return counted(int(same.sum()), len(same))

    # What would have changed it.

    def _fixed(self) -> tuple[str, ...]:
        """Columns that the search may not change: those declared so, and those that state an attribute."""
        ways = self.wanted.ways
        fixed = {column for _, column in self._stated()} | {name for name, way in ways.items() if way == "fixed"}
        return tuple(name for name in self.whole.features if name in fixed)

    def _alternatives(self, label: int, shown: int) -> tuple[tuple[Alternative, ...], str | None, int]:
        features, fixed = self.whole.features, self._fixed()
        ways = {name: way for name, way in self.wanted.ways.items() if name in features and name not in fixed}
        constraints = Constraints(
            immutable=fixed,
            increase_only=tuple(name for name, way in ways.items() if way == "rises"),
            decrease_only=tuple(name for name, way in ways.items() if way == "falls"),
        )
        row = features.take([self.place])
        found = counterfactuals(
            lambda rows: self._otherwise(rows, label),
            row,
            features,
            constraints,
            wanted=WANTED,
            most_changes=MOST_CHANGES,
            what="system.columns",
        )
        valid = np.flatnonzero(found.valid)
        if not len(valid):
            return (), found.why[0] or "what was found did not hold when it was asked again", int(found.asked[0])
        again = Request(kind=Capability.PREDICT, inputs=found.after.take(valid), fresh=True)
        (answer,) = self.ask([again])
        labels = decided(self.ask.subject, answer)
        rare = unusual(self.ask, features, found.after, constraints)
        made = [
            Alternative(
                shifts=tuple(self._shifts(found, place)),
                label=answer.labels[int(labels[at])],
                probability=float(answered(answer, "a changed row")[at, shown]),
                unusual=bool(rare[place]),
            )
            for at, place in enumerate(valid.tolist())
            if labels[at] != label
        ]
        return tuple(made), None if made else "what was found did not hold when it was asked again", int(found.asked[0])

    def _otherwise(self, rows: Table, label: int) -> Searched:
        """Whether another decision is taken on rows, and how near it is."""
        (answer,) = self.ask([Request(kind=Capability.PREDICT, inputs=rows)])
        scores = class_scores(answered(answer, "a changed row"), np.array(label))
        return Searched(decided(self.ask.subject, answer) != label, -scores.log_odds)

    def _shifts(self, found: Found, place: int) -> list[Shift]:
        return [
            Shift(name=name, before=self._value(name), after=str(as_text(found.after[name][place : place + 1])[0]))
            for name, changed in zip(found.after, found.changed[place], strict=True)
            if changed
        ]


def _found(subject: Subject, row: str) -> int:
    """The place of the row that a person calls ``row``; UsageError where there is no such one."""
    ids, keys = subject.row_id is not None, subject.keys()
    place = place_of(row, keys, ids=ids, called="row")
    if place is None:
        known = f"rows are counted from 1 to {len(subject):,}"
        known = f"ids of {len(subject):,} rows stand in column {subject.row_id!r}" if ids else known
        twice = ids and keys.count(row) > 1
        raise UsageError(f"--row {row}: {'several rows are' if twice else 'no row is'} called so", remedy=known)
    return place


def _needed(runs: Sequence[Explanation]) -> int:
    """How many runs make the noise small enough, since it falls as one over their root; no more than are granted."""
    found = noise(np.stack([each.attributions for each in runs]))
    return min(MOST_RUNS, math.ceil(len(runs) * (found / MOST_NOISE) ** 2))


def _missed(worlds: Sequence[RowWorld], runs: Sequence[Explanation]) -> float:
    """How far attributions miss what they explain at most, as a share of it."""
    score = worlds[0].instances[0].score
    return max(residual(each.attributions, each.base or 0.0, score) for each in runs)
