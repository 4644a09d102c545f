"""Rows cut into two halves by the plan's seed: one to look for something or to fit it, one to see whether it holds."""

from __future__ import annotations

import numpy as np

from probandum.probe import Ask
from probandum.subject import Bools, as_text


def first_half(ask: Ask) -> Bools:
    """Which rows are in the first half; rows of one person, or of one id, stay together."""
    subject = ask.subject
    persons = subject.persons
    if subject.cluster is None and subject.row_id is not None:
        _, persons = np.unique(as_text(subject.table[subject.row_id]), return_inverse=True)
    count = int(persons.max()) + 1 if len(persons) else 0
    chosen = np.zeros(count, dtype=bool)
    chosen[ask.rng("halves").permutation(count)[: count // 2]] = True
    return np.asarray(chosen[persons])
