"""Token sequences in batches of equal length: without padding nothing is assumed of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from probandum.targets.tries import Ints, Tokens


def equal_rows(rows: Sequence[Tokens], tokens: int, *, most: int | None = None) -> Iterator[Ints]:
    """The places of ``rows`` in batches of one length with at most ``tokens`` tokens, or ``most`` rows; never none.

    >>> [batch.tolist() for batch in equal_rows([(1, 2), (3,), (4, 5), (6, 7)], 4)]
    [[1], [0, 2], [3]]
    """
    lengths = np.array([len(row) for row in rows])
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        size = max(1, min(tokens // int(length), len(same) if most is None else most))
        yield from np.split(same, range(size, len(same), size))
