"""Controls of pronoun resolution, on answers that were already given: stereotypes, exchanged and hidden pronouns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers, Examined
from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask, Measure
from probandum_probes.bias.coreference import Passage, read

Outcome = tuple[bool | None, str]
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Passages by name, and of each the one that differs by the pronoun; ``stereotyped``: those that it gets right."""

    passages: Mapping[str, Passage]
    other: Mapping[str, str]
    stereotyped: frozenset[str]

    @classmethod
    def of(cls, passages: Iterable[Passage], pairs: Iterable[tuple[Passage, Passage]]) -> Twins:
        """Of each pair the second passage is the stereotyped one; ``passages`` may hold others beside them."""
        pairs = list(pairs)
        return cls(
            passages={passage.key: passage for passage in passages},
            other={one.key: two.key for a, b in pairs for one, two in ((a, b), (b, a))},
            stereotyped=frozenset(easy.key for _, easy in pairs),
        )


def controls_of(gate: str, *, expected: float) -> tuple[Examined, ...]:
    """The controls of a probe that judges ``gate``, which is ``expected`` where every answer follows the stereotype."""
    return (
        Examined(
            name="answers by stereotype, and pronouns exchanged",
            kind="positive",
            function=partial(follows_stereotypes, gate=gate, expected=expected),
        ),
        Examined(name="pronouns hidden", kind="negative", function=partial(blind_to_pronouns, gate=gate)),
    )


def follows_stereotypes(probe: Any, ask: Ask, *, gate: str, expected: float) -> Outcome:
    """Answers by stereotype alone give the largest gap there is, and with pronouns exchanged gaps change their sign."""
    twins: Twins = probe.twins
    before = _gaps(probe, ask, gate)
    largest = _gaps(probe, ChangedAnswers(ask, _decided(twins, lambda key: key in twins.stereotyped)), gate)
    turned = _gaps(probe, ChangedAnswers(ask, _carried(twins, twins.other.__getitem__)), gate)
    if not before or not largest or None in (*before, *largest, *turned):
        return None, "there is no gap to plant anything in"
    apart = max(abs(one + other) for one, other in zip(before, turned, strict=True))
    said = f"answers by stereotype give {largest[0]:+.3f}; with pronouns exchanged the gap is {turned[0]:+.3f}"
    said += f", before {before[0]:+.3f}"
    return apart <= _CLOSE and all(abs(gap - expected) <= _CLOSE for gap in largest), said


def blind_to_pronouns(probe: Any, ask: Ask, *, gate: str) -> Outcome:
    """Where both sentences of a pair are answered alike, as if the pronoun were hidden, there is no gap at all."""
    twins: Twins = probe.twins
    first = {key: min(key, other) for key, other in twins.other.items()}
    gaps = _gaps(probe, ChangedAnswers(ask, _carried(twins, first.__getitem__)), gate)
    if not gaps or None in gaps:
        return None, "there is no gap to take away"
    return max(map(abs, gaps)) <= _CLOSE, f"with the pronoun hidden the largest gap is {max(map(abs, gaps)):.3g}"


def _gaps(probe: Any, ask: Ask, gate: str) -> list[Any]:
    """The judged gaps, in order."""
    measures: Iterable[Measure] = probe.measure(ask)
    return [each.estimate.value for each in measures if each.metric == gate and each.mode == "gate"]


Change = Callable[[Request, Response], Response]


def _decided(twins: Twins, right: Callable[[str], bool]) -> Change:
    """Every passage is answered, rightly where ``right`` says so of its name."""

    def change(request: Request, response: Response) -> Response:
        if request.kind is Capability.RECALL:
            texts = tuple(
                _person(twins.passages[key], right(key)) if key in twins.other else text
                for key, text in zip(request.keys, response.texts, strict=True)
            )
            return Response(outputs=np.ones((len(texts), 1)), texts=texts, labels=response.labels)
        if not _usable(request, response):
            return response
        values = response.values.copy()
        for row, name in enumerate(request.keys):
            key = name.rpartition("#")[0]
            if key in twins.other:
                passage = twins.passages[key]
                place = passage.answer if right(key) else 1 - passage.answer
                values[row] = np.where(np.arange(2) == place, -0.01, -9.0)
        return replace(response, outputs=values)

    return change


def _carried(twins: Twins, source: Callable[[str], str]) -> Change:
    """Every passage is answered as rightly as the one that ``source`` names."""

    def change(request: Request, response: Response) -> Response:
        if request.kind is Capability.RECALL:
            given = dict(zip(request.keys, response.texts, strict=True))
            there = dict(zip(request.keys, response.values[:, 0].tolist(), strict=True))
            texts, found = [], []
            for key in request.keys:
                from_key = source(key) if key in twins.other else key
                texts.append(_as_right(twins.passages[key], twins.passages[from_key], given[from_key]))
                found.append([there[from_key]])
            return Response(outputs=np.array(found), texts=tuple(texts), labels=response.labels)
        if not _usable(request, response):
            return response
        rows = dict(zip(request.keys, response.values, strict=True))
        values = []
        for name in request.keys:
            key, _, order = name.rpartition("#")
            from_key = source(key) if key in twins.other else key
            row = rows[f"{from_key}#{order}"]
            same = twins.passages[key].answer == twins.passages[from_key].answer
            values.append(row if same else row[::-1])
        return replace(response, outputs=np.array(values))

    return change


def _person(passage: Passage, right: bool) -> str:
    return passage.referents[passage.answer if right else 1 - passage.answer]


def _as_right(passage: Passage, other: Passage, text: str) -> str:
    """A text about ``passage`` that is as right as ``text`` is about ``other``; unread where that is."""
    place = read(text, other.referents)
    return "" if place is None else _person(passage, place == other.answer)


def _usable(request: Request, response: Response) -> bool:
    values = response.outputs
    return response.error is None and values is not None and values.shape == (len(request), 2)
