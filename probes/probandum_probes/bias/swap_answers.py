"""What was answered about the persons of a swap, and how the same prompt was answered again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum import stats
from probandum.evidence import Capability, Floats, Request, Response
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.bias.swap_crossing import Together, asked_together
from probandum_probes.bias.swap_design import Attribute, Case, Way, key
from probandum_probes.bias.swap_texts import spellings

#: An answer counts where at least this much probability lies on the two options.
LEAST_MASS = 0.5
#: How often the noise floor asks a prompt in all, and of how many prompts (measurement F5).
REPEATS, REPEATED = 3, 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What was answered about the persons of one attribute: ``log_odds`` of the favourable answer in nats.

    ``log_odds``, ``valid`` and ``asked`` have the shape (case, person, way); what was not asked is not valid.
    """

    cases: tuple[Case, ...]
    ways: tuple[Way, ...]
    attribute: Attribute
    log_odds: Floats
    valid: Bools
    asked: Bools

    @property
    def shares(self) -> Floats:
        """P(favourable) among the two answers, per way."""
        return np.asarray(0.5 * (1.0 + np.tanh(self.log_odds / 2)))

    @property
    def sound(self) -> Bools:
        """Where more than half of the ways that were asked were answered validly, shape (case, person)."""
        return np.asarray(self.valid.sum(axis=2) > self.asked.sum(axis=2) / 2)

    def scale(self, values: Floats) -> float:
        """The largest of the valid ``values``, in size: what is smaller than 1e-9 of it is rounding."""
        return float(np.abs(values[self.valid]).max(initial=0.0))

    def over_ways(self, values: Floats, chosen: Any = slice(None)) -> Floats:
        """The mean of ``values`` over the chosen ways; an invalid one is what the additive fit of its way gives."""
        valid = self.valid[:, :, chosen]
        if valid[self.sound].all():
            return np.asarray(values[:, :, chosen].mean(axis=2))
        means = np.zeros(valid.shape[:2])
        some = self.sound & valid.any(axis=2)
        means[some] = stats.filled(values[:, :, chosen][some], valid[some]).mean(axis=1)
        return means


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """One round: answers by attribute, and the log-odds of the prompts that were asked again.

    ``again`` has the shape (prompt, time) and holds those that were answered validly each time.
    """

    answers: tuple[Answers, ...]
    again: Floats

    @property
    def noise(self) -> float:
        """The variance, in square logits, of the answers to one prompt: 0 where the system is deterministic."""
        return float(self.variances.mean()) if len(self.again) else 0.0

    @property
    def variances(self) -> Floats:
        """The same of each prompt; answers are taken less the first one, so that equal ones give exactly 0."""
        return np.asarray((self.again - self.again[:, :1]).var(axis=1, ddof=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Asking:
    """A round as it is asked: requests in order, each with its case, its way and its persons; then those repeated."""

    requests: list[Request]
    places: list[Together]
    again: list[tuple[int, list[int]]]
    signs: dict[str, float]


def asking(
    ask: Ask, cases: Sequence[Case], ways: Sequence[Way], attributes: Sequence[Attribute], asked: Sequence[Any]
) -> Asking:
    """Requests for all that is ``asked``, by attribute of the shape (case, person, way), and some of them again.

    ``signs``: 1 where the first option is the favourable answer, else -1, by the digest of the request.
    """
    requests, places = [], []
    for case, way, who in asked_together(asked):
        persons = [attributes[place].persons[column] for place, column in who]
        requests.append(
            Request(
                kind=Capability.CHOOSE,
                inputs=tuple(cases[case].prompt(person, ways[way]) for person in persons),
                options=tuple(spellings(answer) for answer in cases[case].answers(ways[way])),
                prefix=cases[case].start,
                keys=tuple(key(cases[case], person) for person in persons),
                groups=tuple(person.group for person in persons),
            )
        )
        places.append((case, way, who))
    again = repeated(ask, requests)
    copies = [again_of(requests[place], rows, repeat=repeat) for repeat in range(1, REPEATS) for place, rows in again]
    signs = {
        request.digest: 1.0 if ways[way].order == 0 else -1.0
        for request, (_, way, _) in zip(requests, places, strict=True)
    }
    origins = [place for _ in range(1, REPEATS) for place, _ in again]
    signs |= {copy.digest: signs[requests[place].digest] for copy, place in zip(copies, origins, strict=True)}
    return Asking(requests=[*requests, *copies], places=places, again=again, signs=signs)


def repeated(ask: Ask, requests: Sequence[Request]) -> list[tuple[int, list[int]]]:
    """Which prompts the noise floor asks again: the request and its rows, drawn with the plan's seed."""
    sizes = np.array([len(request) for request in requests])
    chosen = np.sort(ask.rng("repeated").permutation(int(sizes.sum()))[:REPEATED])
    of = np.searchsorted(sizes.cumsum(), chosen, side="right")
    rows = chosen - (sizes.cumsum() - sizes)[of]
    return [(int(place), rows[of == place].tolist()) for place in np.unique(of)]


def again_of(request: Request, rows: Sequence[int], *, repeat: int) -> Request:
    """Some rows of a request, asked once more: ``repeat`` and the keys tell it from the first time, whose items rest on
    that alone.
    """
    return Request(
        kind=request.kind,
        inputs=tuple(request.texts[row] for row in rows),
        options=request.options,
        prefix=request.prefix,
        parameters=request.parameters,
        repeat=repeat,
        keys=tuple(f"{request.keys[row]}, asked again" for row in rows),
        groups=tuple(request.groups[row] for row in rows),
    )


def answered(
    ask: Ask, cases: Sequence[Case], ways: Sequence[Way], attributes: Sequence[Attribute], asked: Sequence[Any]
) -> Round:
    """Everything asked in one round, and read."""
    plan = asking(ask, cases, ways, attributes, asked)
    read = [read_response(request, answer) for request, answer in zip(plan.requests, ask(plan.requests), strict=True)]
    tables = [(np.zeros(each.shape), np.zeros(each.shape, dtype=np.bool_)) for each in asked]
    for (case, way, who), (odds, valid) in zip(plan.places, read, strict=False):
        sign = 1.0 if ways[way].order == 0 else -1.0  # in order 1 the unfavourable answer stands first
        for (place, column), value, counts in zip(who, odds, valid, strict=True):
            tables[place][0][case, column, way] = sign * value
            tables[place][1][case, column, way] = counts
    answers = tuple(
        Answers(cases=tuple(cases), ways=tuple(ways), attribute=attribute, log_odds=table, valid=valid, asked=each)
        for attribute, (table, valid), each in zip(attributes, tables, asked, strict=True)
    )
    return Round(answers=answers, again=_again(plan, read))


def _again(plan: Asking, read: Sequence[tuple[Floats, Bools]]) -> Floats:
    """Log-odds of the first option by prompt and time, of prompts that were answered validly each time."""
    kept: list[Floats] = []
    later = len(plan.requests) - (REPEATS - 1) * len(plan.again)
    for place, (request, rows) in enumerate(plan.again):
        times = [(read[request][0][rows], read[request][1][rows])]
        times += [read[later + time * len(plan.again) + place] for time in range(REPEATS - 1)]
        odds, valid = np.array([each for each, _ in times]), np.array([each for _, each in times])
        kept += list(odds.T[valid.all(axis=0)])
    return np.array(kept).reshape(-1, REPEATS)


def read_response(request: Request, response: Response) -> tuple[Floats, Bools]:
    """Log-odds of the first option, and where they count, shape (prompts,); nothing counts of a broken answer."""
    values, count = response.outputs, len(request)
    if response.error is not None or values is None or values.shape != (count, 2):
        return np.zeros(count), np.zeros(count, dtype=np.bool_)
    finite = np.isfinite(values).all(axis=1)
    first, second = np.where(finite[:, None], values, 0.0).T
    valid = finite & (np.logaddexp(first, second) >= math.log(LEAST_MASS))
    valid[list(response.refused)] = False
    return first - second, valid
