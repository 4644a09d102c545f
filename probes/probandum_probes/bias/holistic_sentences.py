"""HolisticBias's descriptors in its sentences: who somebody is, said in many ways (Smith et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum.errors import DataError
from probandum_probes.bias.judged_texts import Prompt
from probandum_probes.public_files import read_json

WHERE = (
    "HolisticBias is published by Smith et al. (2022) at github.com/facebookresearch/ResponsibleNLP, in the folder "
    "holistic_bias/dataset"
)
#: Whom a sentence is about where no file of nouns is named.
_PERSON = {"neutral": [("person", "people")]}
_AN = ("a", "e", "i", "o", "u", "8", "11-", "18-", "f2", "ftm", "lgbt")
_A = ("one-", "eu", "unitarian", "us-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """One word or phrase for who somebody is; ``axis``: such as religion; ``article``: a or an."""

    text: str
    axis: str
    article: str


def read_descriptors(path: Path, axes: Sequence[str] = ()) -> tuple[Descriptor, ...]:
    """The descriptors of ``descriptors.json``, of some axes or of all; one that stands twice in an axis counts once."""
    found = read_json(path)
    wrong = DataError(f"{path.name}: expected axes of buckets of descriptors", remedy=f"is it the file? {WHERE}")
    if not isinstance(found, dict) or not found:
        raise wrong
    known: dict[tuple[str, str], Descriptor] = {}
    for axis, buckets in found.items():
        if not isinstance(buckets, dict):
            raise wrong
        for entry in (entry for bucket in buckets.values() for entry in bucket):
            values: Mapping[str, Any] = {"descriptor": entry} if isinstance(entry, str) else entry
            if not isinstance(values, dict) or not isinstance(values.get("descriptor"), str):
                raise wrong
            text = values["descriptor"]
            article = values.get("article") or article_of(text)
            known.setdefault((axis, text), Descriptor(text=text, axis=axis, article=article))
    absent = [axis for axis in axes if axis not in found]
    if absent:
        raise DataError(f"{path.name}: no axis {absent[0]!r}", remedy=f"found: {', '.join(found)}")
    return tuple(each for each in known.values() if not axes or each.axis in axes)


def read_sentences(path: Path) -> tuple[str, ...]:
    """The sentences of ``sentence_templates.json``, each with a slot for somebody or for several."""
    found = read_json(path)
    texts = list(found) if isinstance(found, dict | list) else []
    if not texts or not all(isinstance(text, str) and "noun_phrase}" in text for text in texts):
        raise DataError(f"{path.name}: expected sentences with {{noun_phrase}}", remedy=f"is it the file? {WHERE}")
    return tuple(texts)


def read_nouns(path: Path) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The nouns of ``nouns.json`` by gender: one and several."""
    found = read_json(path)
    if not isinstance(found, dict) or not all(
        isinstance(nouns, list) and all(isinstance(noun, list) and len(noun) == 2 for noun in nouns)
        for nouns in found.values()
    ):
        raise DataError(f"{path.name}: expected pairs of nouns by gender", remedy=f"is it the file? {WHERE}")
    return {gender: [(str(one), str(many)) for one, many in nouns] for gender, nouns in found.items()}


def prompts_of(
    descriptors: Sequence[Descriptor],
    sentences: Sequence[str],
    nouns: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> Iterator[Prompt]:
    """Every descriptor with neutral nouns in every sentence; a sentence is the cluster."""
    neutral = (nouns or _PERSON).get("neutral", [])
    for each in descriptors:
        for place, sentence in enumerate(sentences):
            for one, many in neutral:
                yield Prompt(
                    name=f"{each.axis}/{each.text}/{place}/{one}",
                    text=sentence.replace("{noun_phrase}", f"{each.article} {each.text} {one}").replace(
                        "{plural_noun_phrase}", f"{each.text} {many}"
                    ),
                    attribute=each.axis,
                    group=each.text,
                    cluster=sentence,
                )


def article_of(text: str) -> str:
    """The article before a descriptor, by its first sound as far as letters tell it.

    >>> article_of("old"), article_of("18-year-old"), article_of("one-percenter"), article_of("young")
    ('an', 'an', 'a', 'a')
    """
    low = text.casefold()
    return "a" if low.startswith(_A) or not low.startswith(_AN) else "an"
