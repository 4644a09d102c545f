"""The smallest changes of rows that flip a decision, asked of the system itself in whole rounds.

    found = counterfactuals(answers, rows, seen, Constraints(immutable=("sex",), increase_only=("age",)))
    for each in found.of_row(0):
        print(each.changes, each.cost, each.valid)
    print(found.why[0])  # None, or why there is none

``answers`` says of a table of rows, in one round, what is decided and how near it was; ``deciding(ask)`` of
``counterfactual_answers`` makes one of an audited system. ``rows`` are those to be changed, any of them and at least
one; ``seen`` the rows that say which values exist. Nothing is drawn by chance: the same answers give the same changes.

How it goes, for all rows in step:

1. Every single change to a value of the grid is asked: quantiles of numbers, values that were seen of codes and texts.
   Then every value that was seen of a number and costs less than the single change that is found, or all of them where
   none is; of more than 200 of a row and feature 200, spread evenly. So a single change is the smallest of those to
   values that were seen, also where a decision turns and turns back; of several features together nobody knows it.
2. Of each feature the value that brings a row nearest to the other decision is kept; from the ``width`` best of these,
   by how near they come and by how near for their cost, every change of one feature more is asked; likewise a third.
   A row goes on as long as it has fewer changes than are wanted. What contains a change that flips is never tried.
3. What flips is made smaller, one feature after the other in every order: a number is bisected (in tenths) between
   where it was and where it flips, along what its column is a multiple of; codes go to the nearest value that still
   flips, and a feature that need not change goes back.
4. Of each row those that change the fewest features come first, then those that cost least.
5. What is found is asked again, in a round of its own: only what flips again is ``valid``. What stands beside a row in
   a round moves the last bits of an answer, so that a flip counts only a margin beyond the edge of the decision, unless
   it is ``exact``; what lies on it is asked again alone.

That none was found says nothing of changes of more features, or of values between those that were tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from probandum.errors import UsageError
from probandum.evidence import Floats, Table
from probandum.subject import Bools, Codes
from probandum_probes.explain.counterfactual.answers import Answers
from probandum_probes.explain.counterfactual.beam import Beam
from probandum_probes.explain.counterfactual.space import NEARER, Constraints, Space, changed
from probandum_probes.explain.worlds import MOST_INPUTS

#: Inputs a row that are asked at most.
MOST_ASKED = 20_000
#: Numbers of changed rows that are held at once: some hundred megabytes with all that is made of them.
MOST_CELLS = 2**23


class Change(NamedTuple):
    """What one feature was, and what it would have to be."""

    feature: str
    before: float | str
    after: float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """Changes that flip the decision on one row; ``valid``: they did so when they were asked again."""

    changes: tuple[Change, ...]
    cost: float
    valid: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """All changed rows, those of one row side by side and the smallest first.

    ``of``: which row each was made of. ``before``, ``after``: both as tables. ``changed``: shape (changed rows,
    features). ``costs``, ``valid``: shape (changed rows,). ``asked``: inputs that each row took, shape (rows,).
    ``why``: of each row why it has no change that flips it, None where it has one.
    """

    of: Codes
    before: Table
    after: Table
    changed: Bools
    costs: Floats
    valid: Bools
    asked: Codes
    why: tuple[str | None, ...]

    def of_row(self, row: int) -> list[Counterfactual]:
        """The changes of one row in words and numbers, the smallest first."""
        names = tuple(self.before)
        return [
            Counterfactual(
                changes=tuple(
                    Change(names[at], self.before[names[at]][place].item(), self.after[names[at]][place].item())
                    for at in np.flatnonzero(self.changed[place])
                ),
                cost=float(self.costs[place]),
                valid=bool(self.valid[place]),
            )
            for place in np.flatnonzero(self.of == row)
        ]


def counterfactuals(
    answers: Answers,
    rows: Table,
    seen: Table,
    constraints: Constraints | None = None,
    *,
    wanted: int = 3,
    most_changes: int = 3,
    width: int = 4,
    most: int = MOST_ASKED,
    exact: bool = False,
    what: str = "constraints",
) -> Found:
    """Up to ``wanted`` smallest changes of each row, of up to ``most_changes`` features, after ``most`` inputs at most.

    ``seen`` has the columns of ``rows``. ``exact``: decisions on their very edge flip, too, as those of a system may
    that gives few values. DataError, beginning with ``what``, where constraints do not fit them; UsageError where the
    single changes of a row alone are more than ``most``.

    >>> from probandum_probes.explain.counterfactual.answers import Answered
    >>> seen = Table({"income": np.arange(0.0, 100.0), "age": np.arange(0.0, 100.0)})
    >>> def granted(rows: Table) -> Answered:
    ...     score = rows["income"] + 10 * rows["age"] - 690
    ...     return Answered(score >= 0, score)
    >>> found = counterfactuals(granted, seen.take([60]), seen, Constraints(immutable=("age",)))
    >>> found.of_row(0)[0].changes
    (Change(feature='income', before=60.0, after=90.0),)
    """
    space = Space.of(seen, rows, constraints or Constraints(), what=what)
    _, values = space.grid()
    if len(values) > most:
        raise UsageError(
            f"single changes of {len(space.features)} features are {len(values)} asks a row; {most} are granted",
            remedy="grant more asks, or make more features immutable",
        )
    encoded = space.encoded(rows)
    level = max(1, 2 * width * len(values), NEARER * len(space.thinned))
    at_once = max(1, min(MOST_INPUTS // level, MOST_CELLS // (level * len(space.features))))
    parts = [
        Beam(
            space=space,
            answers=answers,
            rows=encoded[start : start + at_once],
            wanted=wanted,
            most=most,
            exact=exact,
        )
        for start in range(0, len(encoded), at_once)
    ]
    for part in parts:
        part.run(most_changes, width)
    kept = [part.kept() for part in parts]
    of = np.concatenate([number * at_once + each for number, (each, _) in enumerate(kept)])
    after = np.concatenate([each for _, each in kept])
    before = encoded[of]
    wanted_sides = np.concatenate([part.towards for part in parts])
    valid = np.zeros(0, dtype=bool)
    if len(of):
        valid = _again(answers, space.table(after), wanted_sides[of])
    costs = space.costs(before, after)
    return Found(
        of=of,
        before=space.table(before),
        after=space.table(after),
        changed=changed(before, after),
        costs=costs.sum(axis=1),
        valid=valid,
        asked=np.concatenate([part.asked for part in parts]),
        why=tuple(why for part in parts for why in part.reasons(most_changes)),
    )


def _again(answers: Answers, rows: Table, towards: Floats) -> Bools:
    """Which changed rows flip once more: in a round of all of them, and where they lie on the edge each alone, too."""
    answer = answers(rows)
    flipped = np.asarray(answer.favourable == (towards > 0))
    doubtful = np.zeros(0, dtype=np.int64) if answer.edge is None else np.flatnonzero(flipped & answer.edge)
    for row in doubtful.tolist():
        flipped[row] = bool(answers(rows.take([row])).favourable[0]) == (towards[row] > 0)
    return flipped
