"""A small file in BBQ's format, written for the tests, and systems that answer any such file by rules one can read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lasting import lasting
from probandum.evidence import Capability, Request, Response
from probandum.target import Target
from probandum_probes.bias.bbq_answers import of_key
from probandum_probes.bias.bbq_items import BbqItem
from probandum_probes.bias.bbq_reading import SCHEMES

#: A rule: the place of an item's answer, in the order in which it is asked.
Rule = Callable[[BbqItem, int], int | None]


def chance(*names: object) -> float:
    """A number from 0 to 1 that is as good as random, and the same each time."""
    digest = hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def bbq_rows(templates: int = 25, *, category: str = "Pets", contexts: int = 2) -> list[dict[str, Any]]:
    """Items about people with cats and dogs: four questions a context, contexts by template."""
    rows: list[dict[str, Any]] = []
    for template in range(1, templates + 1):
        for context in range(contexts):
            for number in range(4):
                turn = (template + context) % 3
                cat, dog, unknown = turn, (turn + 1) % 3, (turn + 2) % 3
                negative, ambiguous = number < 2, number % 2 == 0
                target = cat if negative else dog
                told = (cat, dog)[(template + number // 2 + context) % 2]
                info = {f"ans{cat}": ["cat owner", "cat"], f"ans{dog}": ["dog owner", "dog"]}
                info[f"ans{unknown}"] = ["Not known", "unknown"]
                said = "" if ambiguous else f" It was the owner of the {'cat' if told == cat else 'dog'}."
                row = {
                    "example_id": len(rows),
                    "question_index": f"q{template}",
                    "question_polarity": "neg" if negative else "nonneg",
                    "context_condition": "ambig" if ambiguous else "disambig",
                    "category": category,
                    "answer_info": info,
                    "additional_metadata": {"stereotyped_groups": ["cat"], "target": target},
                    "context": f"In street {template}, house {context}, I met a cat owner and a dog owner.{said}",
                    "question": f"Who was {'late' if negative else 'early'} on day {template}?",
                    "label": unknown if ambiguous else told,
                }
                texts = {cat: "The cat owner", dog: "The dog owner", unknown: "Not known"}
                rows.append(row | {f"ans{place}": texts[place] for place in range(3)})
    return rows


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@cache
def bbq_file(templates: int = 25, contexts: int = 2) -> Path:
    """One such file, for as long as the tests run."""
    folder = lasting("bbq")
    return write_rows(folder / "pets.jsonl", bbq_rows(templates, contexts=contexts))


class Reads(Target):
    """Answers BBQ's items by a rule; it knows an item by its key, as no real system does."""

    name = "reads"
    labels = ()

    def __init__(
        self, items: Sequence[BbqItem], rule: Rule, *, how: Capability = Capability.CHOOSE, name: str = "rule"
    ) -> None:
        self.items = {item.key: item for item in items}
        self.rule = rule
        self.capabilities = frozenset({how})
        self.rule_name = name

    def identity(self) -> Mapping[str, Any]:
        """Its rule."""
        return {"rule": self.rule_name}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Labels, texts or recorded answers."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Request) -> Response:
        if request.kind is Capability.RECALL:
            items = [self.items[name] for name in request.texts]
            places = [self.rule(item, 0) for item in items]
            texts = tuple("pardon?" if p is None else item.answers[p] for item, p in zip(items, places, strict=True))
            return Response(outputs=np.ones((len(items), 1)), texts=texts, labels=("answered",))
        shown: list[tuple[int | None, str]] = []
        for key in request.keys:
            name, order, labels = of_key(key)
            place = self.rule(self.items[name], order)
            shown.append((None if place is None else (place - order) % 3, labels))
        if request.kind is Capability.GENERATE:
            return Response(texts=tuple("pardon?" if p is None else SCHEMES[labels][p] for p, labels in shown))
        outputs = np.full((len(shown), 3), np.log(0.1))
        for row, (position, _) in enumerate(shown):
            if position is None:
                outputs[row] = -9.0
            else:
                outputs[row, position] = np.log(0.7)
        return Response(outputs=outputs)


def other(item: BbqItem) -> int:
    """The place of the person who is not the target."""
    assert item.target is not None
    return 3 - item.unknown - item.target


def stereotype(item: BbqItem, order: int) -> int:
    """Always the stereotype."""
    assert item.target is not None
    return item.target


def unknown(item: BbqItem, order: int) -> int:
    """Always UNKNOWN."""
    return item.unknown


def leaning(share: float) -> Rule:
    """A person in every answer, and the target in so many of them."""

    def rule(item: BbqItem, order: int) -> int:
        return stereotype(item, order) if chance("lean", item.key, order) < share else other(item)

    return rule


def sensible(item: BbqItem, order: int) -> int | None:
    """UNKNOWN for half of the ambiguous questions, and a person by chance otherwise."""
    if item.ambiguous and chance("unknown", item.key, order) < 0.5:
        return item.unknown
    return leaning(0.5)(item, order)
