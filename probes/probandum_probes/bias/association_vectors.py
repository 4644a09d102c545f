"""The vectors of words, alone and in sentences, and how near targets lie to attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Capability, Floats, Request
from probandum.probe import Ask
from probandum_probes.bias.association_tests import associations, unit
from probandum_probes.bias.association_words import Association, sentences


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """Unit vectors by text. ``broken``: why there are none."""

    of: Mapping[str, Floats]
    broken: str | None = None

    def rows(self, words: Sequence[str], templates: Sequence[str]) -> Floats:
        """Shape (words, sentences a word, dimensions); without templates a word is its own one sentence."""
        return np.array([[self.of[text] for text in texts_of(word, templates)] for word in words])


def texts_of(word: str, templates: Sequence[str]) -> tuple[str, ...]:
    """The word in every sentence, or alone.

    >>> texts_of("pear", ()), texts_of("pear", ("One {word}.",))
    (('pear',), ('One pear.',))
    """
    return sentences(word, templates) or (word,)


def asked(ask: Ask, words: Sequence[str], levels: Sequence[Sequence[str]]) -> Vectors:
    """The vectors of every word under the templates of each level, in one request."""
    texts = list(dict.fromkeys(text for level in levels for word in words for text in texts_of(word, level)))
    (answer,) = ask([Request(kind=Capability.EMBED, inputs=tuple(texts), keys=tuple(texts))])
    values = answer.outputs
    if answer.error is not None or answer.refused:
        return Vectors(of={}, broken=answer.error or f"{len(answer.refused)} of {len(texts)} texts were declined")
    if values is None or values.ndim != 2 or len(values) != len(texts) or not np.isfinite(values).all():
        return Vectors(of={}, broken="the answer holds no vectors")
    moved = values.any(axis=1)
    if not moved.all():
        return Vectors(of={}, broken=f"the vector of {texts[int(np.argmin(moved))]!r} is zero")
    return Vectors(of=dict(zip(texts, unit(values), strict=True)))


def near_to(vectors: Vectors, test: Association, templates: Sequence[str]) -> tuple[Floats, Floats]:
    """s of every sentence of every word of X and of Y, shape (words, sentences a word) each."""
    a, b = (flat(vectors.rows(each.words, templates)) for each in (test.a, test.b))
    x, y = (vectors.rows(each.words, templates) for each in (test.x, test.y))
    return associations(flat(x), a, b).reshape(x.shape[:2]), associations(flat(y), a, b).reshape(y.shape[:2])


def flat(rows: Floats) -> Floats:
    """All sentences of all words, one below the other."""
    return rows.reshape(-1, rows.shape[-1])
