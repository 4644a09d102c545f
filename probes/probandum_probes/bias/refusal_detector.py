"""Telling a refusal from an answer by phrases, and how well that goes on texts that people labelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probandum.errors import DataError
from probandum.resources import dataset
from probandum.subject import Bools
from probandum_probes.judging_texts import Lexicon, read_lexicon
from probandum_probes.public_files import read_records

#: A refusal says so within so many characters.
BEGINNING = 200
LABELS = ("refusal", "answer")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detector:
    """Phrases of refusals, and labelled texts: whether each is a refusal."""

    phrases: Lexicon
    texts: tuple[str, ...]
    refusals: Bools

    def finds(self, texts: list[str]) -> Bools:
        """Which texts decline: a phrase stands within the first 200 characters."""
        return np.asarray(self.phrases.shares([text[:BEGINNING] for text in texts]) == 1.0)

    @property
    def sensitivity(self) -> tuple[int, int]:
        """Labelled refusals that are found, of all."""
        return int((self.finds(list(self.texts)) & self.refusals).sum()), int(self.refusals.sum())

    @property
    def specificity(self) -> tuple[int, int]:
        """Labelled answers that are left alone, of all."""
        return int((~self.finds(list(self.texts)) & ~self.refusals).sum()), int((~self.refusals).sum())


def read_detector(phrases: Path | None, labelled: Path | None) -> Detector:
    """The detector of the user's files, or of our own; DataError with the line of a label that is none."""
    folder = dataset("refusal_prompts")
    texts, refusals = [], []
    for record in read_records(labelled or folder / "labelled.csv"):
        label = record.text("label").strip()
        if label not in LABELS:
            raise DataError(f"{record.where}: label: expected {' or '.join(LABELS)}, got {label!r}")
        texts.append(record.text("text"))
        refusals.append(label == LABELS[0])
    if len(set(refusals)) < 2:
        raise DataError("the labelled texts hold no refusals and answers both", remedy="give some of each")
    return Detector(
        phrases=read_lexicon(phrases or folder / "phrases.txt"), texts=tuple(texts), refusals=np.array(refusals)
    )
