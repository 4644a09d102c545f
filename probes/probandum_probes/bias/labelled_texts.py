"""Texts with a label and the identities that they mention: files of the user's, and comments of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probandum.errors import DataError, PlanError, UnknownName
from probandum.resources import dataset
from probandum.subject import Bools, spelled
from probandum.yaml_source import read_yaml
from probandum_probes.bias.swap_texts import Seed, read_terms
from probandum_probes.public_files import PublicRecord, read_once, read_records


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledTexts:
    """Texts with their labels; ``members``: by identity, which texts mention it; one text may mention several.

    ``clusters``: of every text the sentence or source that it shares with others; empty where each stands alone.
    """

    texts: tuple[str, ...]
    positive: Bools
    members: Mapping[str, Bools]
    clusters: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Sequence[int]) -> LabelledTexts:
        """The named rows, in that order."""
        places = np.array(rows, dtype=np.int64)
        return LabelledTexts(
            texts=tuple(self.texts[row] for row in rows),
            positive=self.positive[places],
            members={name: inside[places] for name, inside in self.members.items()},
            clusters=tuple(self.clusters[row] for row in rows) if self.clusters else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a file of labelled texts calls its fields.

    ``positive``: the label of a text that should be found; None where labels are numbers, of which 0.5 and more are
    positive. ``identities``: fields that say with a number, of which 0.5 and more are a yes, whether a text mentions
    an identity. ``terms``: words that are looked for in the text instead. ``cluster``: what dependent texts share.
    """

    text: str
    label: str
    positive: str | None
    identities: tuple[str, ...]
    terms: tuple[str, ...]
    cluster: str | None


@read_once
def read_labelled(path: Path, columns: Columns) -> LabelledTexts:
    """The texts of a file; DataError with file and line for a label, number or field that cannot be meant."""
    if not columns.identities and not columns.terms:
        raise DataError(
            f"{path.name}: nothing says which identities the texts mention",
            remedy="name the columns under identities:, or words to look for under terms:",
        )
    records = read_records(path)
    texts = tuple(record.text(columns.text) for record in records)
    members = {name: np.array([_share(each, name) >= 0.5 for each in records]) for name in columns.identities}
    for term in columns.terms:
        if term in members:
            raise DataError(f"{term!r} is named twice, as a column and as a word")
        found = re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
        members[term] = np.array([found.search(text) is not None for text in texts])
    return LabelledTexts(
        texts=texts,
        positive=_positive(records, columns),
        members=members,
        clusters=() if columns.cluster is None else tuple(each.text(columns.cluster) for each in records),
    )


def _positive(records: Sequence[PublicRecord], columns: Columns) -> Bools:
    if columns.positive is None:
        return np.array([_share(each, columns.label) >= 0.5 for each in records])
    labels = [each.text(columns.label) for each in records]
    wanted = spelled(columns.positive, set(labels))
    if wanted not in labels:
        raise UnknownName("label", columns.positive, sorted(set(labels)))
    return np.array([label == wanted for label in labels])


def _share(record: PublicRecord, name: str) -> float:
    """A field that is a number from 0 to 1, or true or false."""
    value = record.values.get(name)
    if isinstance(value, bool):
        return float(value)
    text = record.text(name).strip()
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise DataError(
            f"{record.where}: {name}: expected a number from 0 to 1, got {text!r}",
            remedy="leave out rows that nobody labelled, or name the positive label under positive:",
        )
    return number


def own_comments() -> LabelledTexts:
    """The comments of our own, each with every word for who a person is; a sentence is one cluster."""
    source = read_yaml(dataset("identity_comments") / "comments.yaml")
    terms = read_terms(dataset("identity_terms") / "terms.csv")
    words = tuple(dict.fromkeys(word for term in terms if not term.placebo for word in (term.reference, term.text)))
    texts, positive, clusters = [], [], []
    for key, rude in (("rude", True), ("harmless", False)):
        sentences = source.values.get(key)
        if not isinstance(sentences, list):
            raise PlanError([source.problem((), f"expected a list under {key!r}")])
        for sentence in sentences:
            seed = Seed(text=str(sentence), cluster=str(sentence))
            texts += [seed.sentence(word) for word in words]
            positive += [rude] * len(words)
            clusters += [seed.cluster] * len(words)
    rows = np.arange(len(texts)) % len(words)
    return LabelledTexts(
        texts=tuple(texts),
        positive=np.array(positive),
        members={word: rows == place for place, word in enumerate(words)},
        clusters=tuple(clusters),
    )
