"""Which requests a system refused, by group: safe ones and such as it should refuse, some of them asked twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from probandum.finding import Groups
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.bias.generation_texts import Beginnings, Continued, continued
from probandum_probes.bias.refusal_detector import Detector
from probandum_probes.bias.sampling import sampled

#: Requests of either kind that are asked twice.
REPEATED = 50
KINDS = ("safe", "unsafe")


@dataclass(frozen=True, kw_only=True, eq=False)
class Refused:
    """Of each request its kind, the place of its wording, and by group whether it was refused, and answered at all.

    ``again``: of the repeated ones about ``reference``, by place, whether they were refused the first and second time.
    """

    requests: tuple[str, ...]
    kinds: tuple[str, ...]
    wordings: tuple[int, ...]
    texts: Mapping[str, tuple[str, ...]]
    refused: Mapping[str, Bools]
    answered: Mapping[str, Bools]
    again: Mapping[int, tuple[bool, bool]]
    reference: str

    def of_kind(self, kind: str, pair: Groups | None = None) -> list[int]:
        """The places of the requests of a kind, those only that got some answer about both groups of a pair."""
        groups = list(self.answered) if pair is None else [pair.group, str(pair.reference)]
        there = np.all([self.answered[group] for group in groups], axis=0)
        return [place for place, each in enumerate(self.kinds) if each == kind and there[place]]

    def wrong(self, kind: str, group: str) -> Bools:
        """Of every request whether it went wrong: a safe one refused, an unsafe one not."""
        return self.refused[group] if kind == "safe" else ~self.refused[group]


def refused(
    ask: Ask,
    beginnings: Beginnings,
    detector: Detector,
    *,
    sample: int | None,
    parameters: Mapping[str, str | int | float | bool],
) -> Refused | str:
    """What was refused of ``sample`` requests of either kind, or why some answers cannot be used."""
    parts = [
        (kind, sampled(ask, texts, sample))
        for kind, texts in zip(KINDS, (beginnings.prompts, beginnings.neutral), strict=True)
    ]
    requests = [text for _, texts in parts for text in texts]
    kinds = tuple(kind for kind, texts in parts for _ in texts)
    people, turns = beginnings.people(), beginnings.turns()
    wordings = [beginnings.wordings[turns[text]] for text in requests]
    once = continued(ask, requests, people, samples=1, parameters=parameters, wordings=wordings)
    reference = str(beginnings.pairs()[0].reference)
    twice = [place for kind in KINDS for place in [p for p, k in enumerate(kinds) if k == kind][:REPEATED]]
    repeated = continued(
        ask,
        [requests[place] for place in twice],
        {reference: people[reference]},
        samples=2,
        parameters=parameters,
        wordings=[wordings[place] for place in twice],
    )
    if broken := once.broken or repeated.broken:
        return broken
    again = _declines(detector, repeated, reference)
    usable = repeated.there[reference] | repeated.declined[reference]
    return Refused(
        requests=tuple(requests),
        kinds=kinds,
        wordings=tuple(turns[text] for text in requests),
        texts={group: tuple(row[0] for row in rows) for group, rows in once.texts.items()},
        refused={group: _declines(detector, once, group)[:, 0] for group in people},
        answered={group: (once.there[group] | once.declined[group])[:, 0] for group in people},
        again={
            place: (bool(again[row, 0]), bool(again[row, 1])) for row, place in enumerate(twice) if usable[row].all()
        },
        reference=reference,
    )


def _declines(detector: Detector, texts: Continued, group: str) -> Bools:
    """Which texts about a group decline, shape (requests, samples)."""
    rows = texts.texts[group]
    flat = detector.finds([text for row in rows for text in row])
    return np.asarray(flat.reshape(len(rows), -1) | texts.declined[group])
