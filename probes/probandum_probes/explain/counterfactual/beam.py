"""The search for changed rows that flip a decision: single changes of all rows first, then one feature more each.

See ``counterfactual_search`` for the whole procedure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from probandum.evidence import Floats
from probandum.row_items import Digests, combined, digests_of
from probandum.subject import Bools, Codes
from probandum_probes.explain.counterfactual.answers import Answers
from probandum_probes.explain.counterfactual.shrinking import shrunk
from probandum_probes.explain.counterfactual.space import Space, changed
from probandum_probes.explain.counterfactual.states import States, Tried, firsts, rank, telling

#: Sets of several features a row that are made smaller beyond those wanted.
SPARE = 8


@dataclass(slots=True, kw_only=True, eq=False)
class Beam:
    """The search for some rows, and what it has found until now; ``exact``: decisions on their edge are as others."""

    space: Space
    answers: Answers
    rows: Floats
    wanted: int
    most: int
    exact: bool = False
    towards: Floats = field(init=False)
    asked: Codes = field(init=False)
    spent: Bools = field(init=False)
    score: Floats = field(init=False)
    own: Digests = field(init=False)
    of: Codes = field(init=False)
    found: Floats = field(init=False)

    def __post_init__(self) -> None:
        first = self.answers(self.space.table(self.rows))
        self.towards = np.where(first.favourable, -1.0, 1.0)
        self.score = self.towards * first.score
        self.own = combined([digests_of(column) for column in self.rows.T])
        self.asked = np.ones(len(self.rows), dtype=np.int64)
        self.spent = np.zeros(len(self.rows), dtype=bool)
        self.of = np.zeros(0, dtype=np.int64)
        self.found = np.zeros((0, self.rows.shape[1]))

    def run(self, most_changes: int, width: int) -> None:
        """Single changes, then those of one feature more, for rows that have fewer than are wanted."""
        states = States.start(self.rows, self.score, self.own)
        for changes in range(1, most_changes + 1):
            states = self._going_on(states)
            tried = self._expanded(states) if len(states.of) else None
            if tried is None:
                return
            self._keep(tried, single=changes == 1)
            if changes == 1:
                self._keep_nearer()
            states = self._best(tried, width)

    def _ask(self, of: Codes, rows: Floats, keys: Digests) -> tuple[Bools, Floats]:
        """Whether changed rows flip, and how near they come; those of one key are alike and are asked once."""
        _, first, places = np.unique(keys, return_index=True, return_inverse=True)
        answer = self.answers(self.space.table(rows if len(first) == len(rows) else rows[first]))
        if len(first) == len(rows):
            places = np.arange(len(rows))
        self.asked += np.bincount(of[first], minlength=len(self.rows))
        towards = self.towards[of]
        flipped = answer.favourable[places] == (towards > 0)
        if answer.edge is not None and not self.exact:
            flipped &= ~answer.edge[places]
        return flipped, towards * answer.score[places]

    def _ask_changed(self, of: Codes, rows: Floats) -> tuple[Bools, Floats]:
        """The same of rows whose keys are not known."""
        keys = self.own[of]
        place, feature = np.nonzero(changed(self.rows[of], rows))
        np.add.at(keys, place, telling(feature, rows[place, feature]))
        return self._ask(of, rows, keys)

    def _going_on(self, states: States) -> States:
        """States of rows that have fewer changes than are wanted; as many as what is left to ask reaches for."""
        many = np.bincount(self.of, minlength=len(self.rows))
        states = states.take(many[states.of] < self.wanted)
        _, values = self.space.grid()
        fits = self.asked[states.of] + (rank(states.of) + 1) * len(values) <= self.most
        self.spent[states.of[~fits]] = True
        return states.take(fits)

    def _expanded(self, states: States) -> Tried | None:
        """Every state with every value of one feature more, none that contains a change that flips; None if none is."""
        places, values = self.space.grid()
        state, value = np.nonzero(self._free(states)[:, places])
        place = places[value]
        own = self.rows[states.of[state], place]
        moved = self.space.directed(own, values[value], place)
        if not moved.any():
            return None
        state, place, own, new = state[moved], place[moved], own[moved], values[value[moved]]
        at = states.at[state]
        at[np.arange(len(state)), place] = new
        flipped, score = self._ask(states.of[state], at, states.keys[state] + telling(place, new))
        return Tried(
            states=states,
            state=state,
            place=place,
            value=new,
            upwards=new > own,
            flipped=flipped,
            score=score,
            cost=states.cost[state] + self.space.costs(own, new, place),
        )

    def _free(self, states: States) -> Bools:
        """Which feature may be changed next in each state: not changed yet, and no change that flips lies within."""
        free = ~states.used
        known, place = changed(self.rows[self.of], self.found), rank(self.of)
        for number in range(int(place.max()) + 1 if len(place) else 0):
            inside = np.ones(self.rows.shape, dtype=bool)
            missing = np.zeros(len(self.rows), dtype=bool)
            chosen = place == number
            inside[self.of[chosen]], missing[self.of[chosen]] = known[chosen], True
            left = inside[states.of] & ~states.used
            last = missing[states.of] & (left.sum(axis=1) == 1)
            free &= ~(last[:, None] & left)
        return free

    def _keep(self, tried: Tried, *, single: bool) -> None:
        """Make the cheapest sets of features that flip as small as they can be, and remember them."""
        flips = np.flatnonzero(tried.flipped)
        if not len(flips):
            return
        of, own, costs = tried.of[flips], tried.groups[flips], tried.cost[flips]
        cheapest = firsts(own, costs)
        cheapest = cheapest[np.lexsort((costs[cheapest], of[cheapest]))]
        if single:  # as small as the value before it, which does not flip, it may be; none that others undercut stays
            bar = np.full(len(self.rows), np.inf)
            at_bar = cheapest[rank(of[cheapest]) == self.wanted - 1]
            bar[of[at_bar]] = costs[at_bar]
            chosen = cheapest[tried.least(flips[cheapest]) <= bar[of[cheapest]]]
        else:  # from the far end of all, each can be made small while the others stay
            chosen = cheapest[rank(of[cheapest]) < self.wanted + SPARE]
            farthest = firsts(own, -tried.score[flips])
            chosen = farthest[np.isin(own[farthest], own[chosen])]
        of, at = self._smaller(tried.made(flips[chosen]))
        self.of, self.found = self._minimal(np.concatenate([self.of, of]), np.concatenate([self.found, at]))

    def _keep_nearer(self) -> None:
        """Single changes to all values that were seen and are nearer than what was found, in one round.

        So no stretch between two values of the grid is passed over that turns the decision and goes back. Of a feature
        that turns nothing yet values are tried up to the cheapest change of the row. They take at most half of what is
        left to ask, the nearest first.
        """
        costs = self.space.costs(self.rows[self.of], self.found)
        bars = np.full(len(self.rows), np.inf)
        np.minimum.at(bars, self.of, costs.sum(axis=1))
        nearest = np.repeat(bars[:, None], self.rows.shape[1], axis=1)
        place = costs.argmax(axis=1) if len(costs) else self.of
        nearest[self.of, place] = costs[np.arange(len(costs)), place]
        state, place, value = self.space.nearer(self.rows, nearest)
        own = self.rows[state, place]
        cost = self.space.costs(own, value, place)
        order = np.lexsort((cost, state))
        order = order[rank(state[order]) < ((self.most - self.asked) // 2)[state[order]]]
        if not len(order):
            return
        state, place, value, own, cost = state[order], place[order], value[order], own[order], cost[order]
        at = self.rows[state]
        at[np.arange(len(state)), place] = value
        flipped, score = self._ask(state, at, self.own[state] + telling(place, value))
        states = States.start(self.rows, self.score, self.own)
        tried = Tried(
            states=states,
            state=state,
            place=place,
            value=value,
            upwards=value > own,
            flipped=flipped,
            score=score,
            cost=cost,
        )
        self._keep(tried, single=True)

    def _smaller(self, starts: States) -> tuple[Codes, Floats]:
        """Each start made smaller, its features in every order."""
        count = int(starts.used[0].sum())
        features = np.nonzero(starts.used)[1].reshape(-1, count)
        orders = np.array(list(permutations(range(count))))
        of = np.repeat(starts.of, len(orders))
        at = np.repeat(starts.at, len(orders), axis=0)
        steps = features[:, orders].reshape(-1, count)
        for step in range(count):
            at = shrunk(self.space, self._ask_changed, of, self.rows[of], at, steps[:, step])
        return of, at

    def _minimal(self, of: Codes, found: Floats) -> tuple[Codes, Floats]:
        """Of each row and set of features the cheapest, none that contains another, the fewest changes first."""
        differs = changed(self.rows[of], found)
        costs = self.space.costs(self.rows[of], found).sum(axis=1)
        order = np.lexsort((costs, differs.sum(axis=1), of))
        kept: list[int] = []
        for place in order.tolist():
            mine = (each for each in reversed(kept) if of[each] == of[place])
            if not any((differs[each] <= differs[place]).all() for each in mine):
                kept.append(place)
        return of[kept], found[kept]

    def _best(self, tried: Tried, width: int) -> States:
        """The states to go on from: of every set that does not flip its nearest, of these the best of each row."""
        flips = np.zeros(int(tried.groups.max()) + 1, dtype=bool)
        flips[tried.groups[tried.flipped]] = True
        nearest = firsts(tried.groups, -tried.score, tried.cost)
        nearest = nearest[~flips[tried.groups[nearest]]]
        of = tried.of[nearest]
        gain = tried.score[nearest] - self.score[of]
        chosen = np.zeros(len(nearest), dtype=bool)
        for rising in (gain, gain / tried.cost[nearest]):
            order = np.lexsort((-rising, of))
            chosen[order[rank(of[order]) < width]] = True
        order = np.lexsort((-gain, of))
        return tried.made(nearest[order[chosen[order]]])

    def kept(self) -> tuple[Codes, Floats]:
        """As many changed rows of each row as are wanted."""
        first = rank(self.of) < self.wanted
        return self.of[first], self.found[first]

    def reasons(self, most_changes: int) -> list[str | None]:
        """Of each row why nothing was found, None where something was."""
        many = np.bincount(self.of, minlength=len(self.rows))
        free = len(np.unique(self.space.grid()[0]))
        found: list[str | None] = []
        for has, asked, spent in zip(many.tolist(), self.asked.tolist(), self.spent.tolist(), strict=True):
            if has:
                found.append(None)
            elif not free:
                found.append("no feature may change")
            else:
                least = min(most_changes, free)
                ended = f", when the budget of {self.most} was spent" if spent else ""
                found.append(
                    f"no change of up to {least} of {free} features flips the decision, of {asked} rows asked{ended}"
                )
        return found
