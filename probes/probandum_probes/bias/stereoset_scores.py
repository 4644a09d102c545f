"""Examples in the published format of StereoSet, and a score for each of their three sentences: asked, or recorded."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from probandum.errors import DataError, did_you_mean
from probandum.evidence import Capability, Floats, Request, Response
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.bias.stereoset_parquet import parquet_entries
from probandum_probes.bias.text_answers import likelihood
from probandum_probes.public_files import read_json, recalled

#: The order in which the scores of an example stand.
LABELS = ("stereotype", "anti-stereotype", "unrelated")
PARTS = ("intrasentence", "intersentence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example: three sentences about a target term. ``sentences`` and ``names`` (their ids) stand as LABELS do.

    ``context`` stands before the sentence where the part is intersentence; elsewhere the sentence is whole.
    """

    key: str
    part: str
    term: str
    category: str
    context: str
    sentences: tuple[str, str, str]
    names: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Triples:
    """The scores of every example, shape (examples, 3), NaN where there is none.

    ``incomplete``: why some are missing; ``invalid``: more than one in twenty hold no score.
    """

    examples: tuple[Example, ...]
    values: Floats
    incomplete: str | None = None
    invalid: bool = False

    @property
    def sound(self) -> Bools:
        """Which examples have all three."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def of(self, part: str | None, category: str | None) -> Triples:
        """The sound examples of one part and category; None for all of them."""
        kept = [
            place
            for place, example in enumerate(self.examples)
            if part in (None, example.part) and category in (None, example.category) and self.sound[place]
        ]
        return Triples(
            examples=tuple(self.examples[place] for place in kept),
            values=self.values[kept].reshape(-1, 3),
            incomplete=self.incomplete,
        )


def by_term(examples: Sequence[Example], values: Any) -> Floats:
    """The mean of ``values``, one an example, over the examples of each target term."""
    terms: dict[str, list[float]] = {}
    for example, value in zip(examples, values, strict=True):
        terms.setdefault(example.term, []).append(float(value))
    return np.array([float(np.mean(each)) for each in terms.values()])


def read_examples(data: Path | Sequence[Path]) -> tuple[Example, ...]:
    """The examples of files such as ``dev.json``, or in Parquet; DataError names what is wrong and where."""
    examples: dict[str, Example] = {}
    for path in [data] if isinstance(data, Path) else data:
        read = parquet_entries if path.suffix.lower() == ".parquet" else _json_entries
        for part, entry, where in read(path):
            example = _example(entry, part, where)
            if example.key in examples:
                raise DataError(f"{where}: an example with the id {example.key!r} stands above already")
            examples[example.key] = example
    return tuple(examples.values())


def _json_entries(path: Path) -> Iterator[tuple[str, Any, str]]:
    found = read_json(path)
    parts = found.get("data") if isinstance(found, dict) else None
    if not isinstance(parts, dict) or not any(isinstance(parts.get(part), list) for part in PARTS):
        raise DataError(
            f'{path.name}: expected {{"data": {{"intrasentence": [...], "intersentence": [...]}}}}',
            remedy="dev.json of the repository moinnadeem/StereoSet has this form",
        )
    if not any(parts.get(part) for part in PARTS):
        raise DataError(f"{path.name}: holds no example")
    for part in PARTS:
        for number, entry in enumerate(parts.get(part) or (), 1):
            yield part, entry, f"{path.name}: {part} {number}"


def _example(entry: Any, part: str, where: str) -> Example:
    sentences = entry.get("sentences") if isinstance(entry, dict) else None
    if not isinstance(sentences, list):
        raise DataError(f"{where}: expected an object with id, target, bias_type, context and sentences")
    by_label: dict[str, tuple[str, str]] = {}
    for sentence in sentences:
        label = _text(sentence, "gold_label", where)
        if label not in LABELS or label in by_label:
            what = "occurs twice" if label in by_label else f"is unknown{did_you_mean(label, LABELS)}"
            raise DataError(
                f"{where}: the gold_label {label!r} {what}", remedy=f"expected one each: {', '.join(LABELS)}"
            )
        by_label[label] = _text(sentence, "sentence", where), _text(sentence, "id", where)
    absent = [label for label in LABELS if label not in by_label]
    if absent:
        raise DataError(
            f"{where}: no sentence is labelled {absent[0]}", remedy=f"expected one each: {', '.join(LABELS)}"
        )
    first, second, third = (by_label[label] for label in LABELS)
    return Example(
        key=_text(entry, "id", where),
        part=part,
        term=_text(entry, "target", where),
        category=_text(entry, "bias_type", where),
        context=_text(entry, "context", where),
        sentences=(first[0], second[0], third[0]),
        names=(first[1], second[1], third[1]),
    )


def _text(entry: Any, name: str, where: str) -> str:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: {name}: expected text, got {value!r}")
    return value


def asked(ask: Ask, examples: Sequence[Example], *, normalised: bool, start: str) -> Triples:
    """What a language model scores, in one round: nats, or nats a token where ``normalised``.

    A causal model is asked for whole texts from their start; the likelihood of a sentence behind a context is that of
    both less that of the context, and so is its number of tokens. A masked model is asked for the pseudo-log-likelihood
    of the sentence, behind its context, in nats. ``start`` stands before the texts of a causal model.
    """
    masked = Capability.GENERATE not in ask.capabilities
    requests = [request for example in examples for request in _requests(example, masked=masked, start=start)]
    answers = iter(ask(requests))
    totals, tokens = np.full((len(examples), 3), np.nan), np.ones((len(examples), 3))
    errors: list[str] = []
    for place, example in enumerate(examples):
        own = [next(answers) for _ in _requests(example, masked=masked, start=start)]
        errors += [answer.error for answer in own if answer.error is not None]
        before = _read(own[3]) if len(own) > 3 else np.array([0.0, 1.0])
        for side, answer in enumerate(own[:3]):
            totals[place, side], read = _read(answer) - before
            if normalised and not masked:
                tokens[place, side] = read if read > 0 and not start else math.nan
    values = totals / tokens
    broken, of = int((~np.isfinite(totals).all(axis=1)).sum()), len(examples)
    said = (
        [f"{broken} of {of} examples have no score" + (f", such as: {errors[0]}" if errors else "")] if broken else []
    )
    if not np.isfinite(tokens).all():
        said.append("nobody tells how many tokens are the sentence's; normalised: false does without them")
    return Triples(
        examples=tuple(examples), values=values, incomplete="; ".join(said) or None, invalid=broken > of / 20
    )


def _requests(example: Example, *, masked: bool, start: str) -> Iterator[Request]:
    """One a sentence; of a causal model behind a context also the context, which is taken off."""
    behind = example.part == "intersentence"
    for label, sentence in zip(LABELS, example.sentences, strict=True):
        before = f"{example.context} " if behind else ""
        prompt, text = (before, sentence) if masked else (start, before + sentence)
        yield likelihood(prompt, text, f"{example.key}/{label}")
    if behind and not masked:
        yield likelihood(start, example.context, f"{example.key}/context")


def _read(answer: Response) -> Floats:
    """Log-likelihood and tokens read, the token that starts a text among them; NaN for what is not there."""
    values = answer.outputs
    usable = answer.error is None and not answer.refused and values is not None and np.size(values) == 1
    total = float(np.ravel(values)[0]) if usable and values is not None else math.nan
    return np.array([total, math.nan if answer.input_tokens is None else float(answer.input_tokens)])


def recorded(ask: Ask, examples: Sequence[Example]) -> Triples:
    """What stands recorded: a number under the id of each sentence, or a ranking under that of the example."""
    names = [name for example in examples for name in (example.key, *example.names)]
    answers: Mapping[str, str | None] = dict(zip(names, recalled(ask, names), strict=True))
    values = np.full((len(examples), 3), np.nan)
    missing = broken = 0
    for place, example in enumerate(examples):
        ranking, numbers = answers[example.key], [answers[name] for name in example.names]
        if ranking is None and None in numbers:
            missing += 1
            continue
        scores = _ranked(ranking) if ranking is not None else _numbers([text or "" for text in numbers])
        if scores is None:
            broken += 1
        else:
            values[place] = scores
    said = [f"{missing} of {len(examples)} examples have no recorded answer"] if missing else []
    said += [f"{broken} of {len(examples)} examples have an answer that holds no score"] if broken else []
    return Triples(
        examples=tuple(examples),
        values=values,
        incomplete="; ".join(said) or None,
        invalid=broken > len(examples) / 20,
    )


def _ranked(answer: str) -> tuple[float, ...] | None:
    """Scores from a ranking, the most likely first; None where it is none of the three.

    >>> _ranked("unrelated > stereotype > anti-stereotype"), _ranked("stereotype")
    ((1.0, 0.0, 2.0), None)
    """
    words = [word for word in re.split(r"[\s,;>]+", answer.strip().lower()) if word]
    if sorted(words) != sorted(LABELS):
        return None
    return tuple(float(len(LABELS) - 1 - words.index(label)) for label in LABELS)


def _numbers(answers: Sequence[str]) -> list[float] | None:
    try:
        numbers = [float(text) for text in answers]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
