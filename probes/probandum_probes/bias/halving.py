"""Persons kept whole: rows cut into two halves by the plan's seed, and groups dealt out anew.

One half is to look for something or to fit it, one to see whether it holds; no person is in both.
"""

from __future__ import annotations

import numpy as np

from probandum.probe import Ask
from probandum.subject import Bools, Codes, Subject, as_text


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


def order_of_persons(subject: Subject, rng: np.random.Generator) -> Codes:
    """Of each row the row whose groups it takes where these are dealt out anew among persons.

    Rows of one person then take those of one row of another; where each row is a person it is a permutation.
    """
    persons = subject.persons
    first = np.unique(persons, return_index=True)[1]
    return np.asarray(first[rng.permutation(len(first))][persons])
