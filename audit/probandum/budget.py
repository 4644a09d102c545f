"""Budgets: where asking ends, whatever is left to ask, and what was spent until then.

A request is one prompt, text or row. An energy window asks as much as fits into its seconds: it counts by these and by
its tokens, and not in requests. What was recorded counts as spent, also by an interrupted run; answers from a
shared cache cost nothing. Of a pack that broke the answers that came are recorded and count as all do; tokens for no
whole answer count as long as the run goes on. What is asked again, to see that a server is still the same system
(``reasking``), counts as all does, and as much is kept for it as the check in the end will take; what is asked to meet
a server counts nowhere here. Requests are counted before a pack is asked, and never exceeded by one; tokens, seconds
and euro are known once it was answered, so that the last pack, or the last energy window, may overrun them. Of a
server, tokens and euro are held before a pack against what questions took so far, and before anything is asked again
against what the same questions took the first time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from probandum.errors import BudgetSpent
from probandum.evidence import Observation, Request, Response
from probandum.probe import Window

Resource = Literal["requests", "tokens", "seconds", "money_eur"]
#: What each resource is counted in, as people read it.
UNITS: Mapping[Resource, str] = {
    "requests": "requests",
    "tokens": "tokens",
    "seconds": "seconds of answering",
    "money_eur": "euro",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What tokens cost, in euro a million."""

    input_eur_per_million_tokens: float
    output_eur_per_million_tokens: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Euro for so many tokens.

        >>> Price(input_eur_per_million_tokens=2.0, output_eur_per_million_tokens=10.0).of(500_000, 100_000)
        2.0
        """
        read = input_tokens * self.input_eur_per_million_tokens
        return (read + output_tokens * self.output_eur_per_million_tokens) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What asking took. ``seconds``: of answering, energy windows included. ``counted``: whether every token was.

    Where not, the tokens are those that are known, and no budget of tokens or money can be kept.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    counted: bool = True

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            requests=self.requests + other.requests,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            seconds=round(self.seconds + other.seconds, 6),
            counted=self.counted and other.counted,
        )

    @classmethod
    def on(cls, answers: Iterable[tuple[int, Response]], *, seconds: float) -> Spent:
        """On a pack, from the inputs of each request and its answer.

        What broke costs what the system says that it took, and nothing where it says nothing.
        """
        found = list(answers)
        return cls(
            requests=sum(inputs for inputs, _ in found),
            input_tokens=sum(answer.input_tokens or 0 for _, answer in found),
            output_tokens=sum(answer.output_tokens or 0 for _, answer in found),
            seconds=seconds,
            counted=all(map(_counted, (answer for _, answer in found))),
        )

    @classmethod
    def in_vain(cls, tokens: tuple[int, int]) -> Spent:
        """On a pack that broke, beyond its answers: ``tokens`` were read and written for no whole answer."""
        read, written = tokens
        return cls(input_tokens=read, output_tokens=written)

    @classmethod
    def on_window(cls, window: Window) -> Spent:
        """On an energy window, whose requests are not counted."""
        return cls(
            input_tokens=window.input_tokens or 0,
            output_tokens=window.output_tokens or 0,
            seconds=window.reading.seconds,
            counted=window.requests == 0 or None not in (window.input_tokens, window.output_tokens),
        )

    @classmethod
    def on_again(cls, window: Window) -> Spent:
        """On questions that were asked again, whose requests are."""
        return replace(cls.on_window(window), requests=window.requests)

    @classmethod
    def on_recorded(cls, pack: Sequence[Observation]) -> Spent:
        """On a recorded pack; nothing where it came from a cache."""
        if pack[0].cached_on is not None:
            return cls()
        return cls.on(((int(each.asked["n"]), each.answer) for each in pack), seconds=pack[0].seconds)


def _counted(answer: Response) -> bool:
    """Whether it is known what an answer took: a half of its tokens is not; an error may say nothing of them."""
    known = [count is not None for count in (answer.input_tokens, answer.output_tokens)]
    return all(known) or (answer.error is not None and not any(known))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where asking ends; None is nowhere."""

    requests: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    money_eur: float | None = None
    price: Price | None = None

    def amount(self, resource: Resource, spent: Spent) -> float:
        """How much of a resource ``spent`` is; euro only where there is a price."""
        if resource == "tokens":
            return spent.input_tokens + spent.output_tokens
        if resource == "money_eur":
            assert self.price is not None
            return self.price.of(spent.input_tokens, spent.output_tokens)
        return spent.requests if resource == "requests" else spent.seconds

    def limits(self) -> dict[Resource, float]:
        """What is limited, and how far."""
        found: dict[Resource, float | None] = {
            "requests": self.requests,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "money_eur": self.money_eur,
        }
        return {resource: most for resource, most in found.items() if most is not None}

    def allows_more(self, than: Spending) -> bool:
        """Whether an audit that a budget ended could go on under this one."""
        if than.ended_by is None:
            return False
        most, before = self.limits().get(than.ended_by), than.budget.limits().get(than.ended_by)
        return most is None or (before is not None and most > before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a record says of its budget. ``ended``: why asking ended early, None where nothing was left unasked."""

    budget: Budget
    spent: Spent
    money_eur: float | None = None
    ended_by: Resource | None = None
    ended: str | None = None


@dataclass(slots=True, kw_only=True)
class Purse:
    """What is left of a budget while a run goes on; once it is spent, it stays so.

    ``again``: what asking again in the end takes, of so many requests; as much of the budget is kept for it.
    """

    budget: Budget = field(default_factory=Budget)
    spent: Spent = field(default_factory=Spent)
    ended_by: Resource | None = None
    ended: str | None = None
    again: Callable[[int], Spent] = lambda requests: Spent()

    def refuse(self, requests: Sequence[Request]) -> None:
        """BudgetSpent where asking ``requests`` would exceed the budget, or it is spent."""
        if self.ended is None:
            self._look(sum(len(request) for request in requests))
        if self.ended is not None:
            raise BudgetSpent(self.ended, remedy="run it again with a larger execution.budget: what was asked is kept")

    def beyond(self, more: Spent) -> str | None:
        """Why ``more`` is beyond the budget, though nothing is kept any more; None where it is not.

        Once the asking has ended, seconds are spent, and tokens that nobody counts are not held against anything.
        """
        found = self._over(more, kept=Spent(), ended=self.ended is not None)
        return None if found is None else found[1]

    def pay(self, spent: Spent) -> None:
        """Take note of what was asked."""
        self.spent += spent

    def spending(self) -> Spending:
        """What the record says."""
        money = None if self.budget.price is None else round(self.budget.amount("money_eur", self.spent), 6)
        return Spending(budget=self.budget, spent=self.spent, money_eur=money, ended_by=self.ended_by, ended=self.ended)

    def _look(self, more: int) -> None:
        """End the asking where ``more`` requests are beyond the budget, less what is kept to ask again in the end."""
        so_far = self.spent.requests
        now, then = self.again(so_far), self.again(so_far + more)
        seconds = self.spent.seconds * now.requests / so_far if so_far else 0.0
        each = more / now.requests if now.requests else 0.0
        read, written = math.ceil(now.input_tokens * each), math.ceil(now.output_tokens * each)
        coming = Spent(requests=more, input_tokens=read, output_tokens=written)
        found = self._over(coming, kept=replace(then, seconds=seconds))
        if found is not None:
            self.ended_by, self.ended = found

    def _over(self, more: Spent, *, kept: Spent, ended: bool = False) -> tuple[Resource, str] | None:
        """What does not reach for ``more``, and for what is ``kept``, and why."""
        for resource, most in self.budget.limits().items():
            amount, coming, again = (self.budget.amount(resource, each) for each in (self.spent, more, kept))
            said = f"the budget of {most:,g} {UNITS[resource]}"
            if resource in ("tokens", "money_eur") and not self.spent.counted:
                if not ended:
                    why = "the system does not say of every answer how many tokens it read and wrote"
                    return resource, f"{said} cannot be kept: {why}"
            elif amount + coming + again > most and resource == "requests":
                also = f", and {again:,} to ask again in the end" if again else ""
                return resource, f"{said} does not reach: {amount:,g} were made, and {coming:,} are asked for{also}"
            elif amount + again >= most and not (resource == "seconds" and ended):
                also = f", and {again:,.6g} to ask again in the end" if again else ""
                return resource, f"{said} is spent: {amount:,.6g} so far{also}"
            elif amount + coming + again > most:
                also = f", and {again:,.6g} to ask again in the end" if again else ""
                return resource, f"{said} does not reach: {amount:,.6g} so far, about {coming:,.6g} more{also}"
        return None
