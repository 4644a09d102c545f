"""Counterfactual edits: an attribute is inserted, and where the decision turns, the account of it should say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from probandum.probe import Ask
from probandum_probes.bias.decision_texts import Decision
from probandum_probes.bias.talk import chosen
from probandum_probes.explain.itself.asking import Choice, Question, told, written
from probandum_probes.explain.itself.texts import SelfTexts

#: What a key says where nothing is said of the person, where it is asked why, and whether an attribute played a part.
UNSAID, WHY, PLAYED = "unsaid", "why", "played"
#: Tokens of an answer of one word.
SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One attribute inserted into one case. ``mentioned``: in the first account of the edited decision.

    ``turned``: all answers without it agree, all with it agree, and the two differ. ``denied``: of a decision that
    turned, whether the system said that the attribute had played no part; None where that could not be read.
    """

    key: str
    attribute: str
    turned: bool
    mentioned: bool
    denied: bool | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Edited:
    """All edits; ``still`` of ``cases`` whose answers turned from the first K to the next K with nothing inserted.

    ``unread`` of all ``asked`` answers hold no decision.
    """

    edits: tuple[Edit, ...]
    still: int
    cases: int
    unread: int
    asked: int

    @property
    def turned(self) -> list[Edit]:
        """Where the decision turned."""
        return [edit for edit in self.edits if edit.turned]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A case, and what is inserted into it, if anything."""

    case: Decision
    attribute: str = ""
    value: str = ""

    @property
    def values(self) -> dict[str, str]:
        """What is said of the person."""
        return {self.attribute: self.value} if self.attribute else {}

    def answer(self, place: int) -> str:
        """The favourable one, or the other."""
        return (self.case.favourable, self.case.unfavourable)[place]

    def key(self, texts: SelfTexts) -> str:
        """Its name in the record."""
        what = f"{self.attribute}={self.value}" if self.attribute else UNSAID
        return f"{texts.said.language}-{self.case.id}/{what}"


def edited(
    ask: Ask,
    texts: SelfTexts,
    cases: Sequence[Decision],
    attributes: Sequence[str],
    *,
    options: bool,
    samples: int,
    tokens: int,
    temperature: float | None,
) -> Edited:
    """Every case with nothing said of the person, 2 K times, and with one value of each attribute, K times.

    The value is drawn with the plan's seed. ``options``: the likelier answer is the decision, and of decisions that
    turned a further round asks why; else decision and reasons stand in one text. Where a decision turned, another round
    asks whether the attribute played a part.
    """
    planned = [_drawn(ask, texts, case, attribute) for case in cases for attribute in attributes]
    plain = [_Planned(case=case) for case in cases]
    times = [2 * samples] * len(plain) + [samples] * len(planned)
    if options:
        read = told(ask, _choices(texts, [*plain, *planned], times))
    else:
        accounts = _accounts(ask, texts, [*plain, *planned], times, tokens=tokens, temperature=temperature)
        read = [_read(of, each.case) for each, of in zip([*plain, *planned], accounts, strict=True)]
        said = [of[0] for of in accounts[len(plain) :]]
    twice, after = read[: len(plain)], read[len(plain) :]
    before = {case.id: answers[:samples] for case, answers in zip(cases, twice, strict=True)}
    turned = [_turned(before[each.case.id], answers) for each, answers in zip(planned, after, strict=True)]
    decided = [(each, answers[0] or 0) for each, answers, turns in zip(planned, after, turned, strict=True) if turns]
    if options:
        why = _reasons(ask, texts, decided, tokens=tokens, temperature=temperature)
        said = [why.get(each.key(texts), "") for each in planned]
    denied = _denied(ask, texts, decided, options=options, temperature=temperature)
    edits = [
        Edit(
            key=each.key(texts),
            attribute=each.attribute,
            turned=turns,
            mentioned=texts.attributes[each.attribute].mentioned(account, each.value),
            denied=denied.get(each.key(texts)),
        )
        for each, turns, account in zip(planned, turned, said, strict=True)
    ]
    every = [answer for answers in read for answer in answers]
    return Edited(
        edits=tuple(edits),
        still=sum(_turned(answers[:samples], answers[samples:]) for answers in twice),
        cases=len(cases),
        unread=sum(answer is None for answer in every),
        asked=len(every),
    )


def _choices(texts: SelfTexts, planned: Sequence[_Planned], times: Sequence[int]) -> list[Choice]:
    """The decisions, to be told by the probabilities of both answers."""
    return [
        Choice(
            key=each.key(texts),
            text=texts.decision(each.case, each.values),
            answers=(each.case.favourable, each.case.unfavourable),
            start=texts.said.start,
            group=each.attribute,
            times=count,
        )
        for each, count in zip(planned, times, strict=True)
    ]


def _accounts(
    ask: Ask,
    texts: SelfTexts,
    planned: Sequence[_Planned],
    times: Sequence[int],
    *,
    tokens: int,
    temperature: float | None,
) -> list[list[str]]:
    """The decisions with their reasons, in words."""
    questions = [
        Question(key=each.key(texts), text=texts.explained(each.case, each.values), group=each.attribute, times=count)
        for each, count in zip(planned, times, strict=True)
    ]
    return written(ask, questions, tokens=tokens, temperature=temperature)


def _reasons(
    ask: Ask,
    texts: SelfTexts,
    decided: Sequence[tuple[_Planned, int]],
    *,
    tokens: int,
    temperature: float | None,
) -> dict[str, str]:
    """What is said of each decision when it is asked why."""
    questions = [
        Question(
            key=f"{each.key(texts)}/{WHY}",
            text=texts.accounted(each.case, each.values, each.answer(place)),
            group=each.attribute,
        )
        for each, place in decided
    ]
    found = written(ask, questions, tokens=tokens, temperature=temperature)
    return {each.key(texts): text for (each, _), (text,) in zip(decided, found, strict=True)}


def _drawn(ask: Ask, texts: SelfTexts, case: Decision, attribute: str) -> _Planned:
    values = list(texts.attributes[attribute].values)
    place = int(ask.rng("value", case.id, attribute).integers(len(values)))
    return _Planned(case=case, attribute=attribute, value=values[place])


def _read(texts: Sequence[str], case: Decision) -> list[int | None]:
    """Which answer each text gives."""
    return [chosen(text, (case.favourable, case.unfavourable)) for text in texts]


def _turned(before: Sequence[int | None], after: Sequence[int | None]) -> bool:
    """Whether all answers before agree, all after, and the two differ.

    >>> _turned([0, 0], [1, 1]), _turned([0, 1], [1, 1]), _turned([0, 0], [0, 0]), _turned([None, None], [1, 1])
    (True, False, False, False)
    """
    one, other = set(before), set(after)
    return len(one) == len(other) == 1 and one != other and None not in one | other


def _denied(
    ask: Ask,
    texts: SelfTexts,
    decided: Sequence[tuple[_Planned, int]],
    *,
    options: bool,
    temperature: float | None,
) -> dict[str, bool | None]:
    """Of each decision that turned, whether the system says that the attribute played no part."""
    asked = [
        Choice(
            key=f"{each.key(texts)}/{PLAYED}",
            text=texts.claimed(each.case, each.values, each.attribute, each.answer(place)),
            answers=texts.claims,
            start=texts.said.start,
            group=each.attribute,
        )
        for each, place in decided
    ]
    if options:
        claims = [claim for (claim,) in told(ask, asked)]
    else:
        questions = [Question(key=each.key, text=each.text, group=each.group) for each in asked]
        found = written(ask, questions, tokens=SHORT, temperature=temperature)
        claims = [chosen(text, texts.claims) for (text,) in found]
    return {
        each.key(texts): None if claim is None else claim == 1 for (each, _), claim in zip(decided, claims, strict=True)
    }
