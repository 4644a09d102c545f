"""Token sequences laid out as a tree, so that what prompts have in common is computed once.

A sequence is a context and the continuation to be scored after it. All sequences of a pack become one trie,
depth first: the nodes that follow node ``i`` and stand under it are ``i + 1 .. ends[i] - 1``. The layout is a
pure function of the sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A continuation of at least one token after a context of at least one."""

    context: Tokens
    continuation: Tokens

    def __post_init__(self) -> None:
        """A token is scored by what stands before it, so that neither part may be empty."""
        if not self.context or not self.continuation:
            raise ValueError("a context and a continuation of at least one token each are needed")

    @property
    def tokens(self) -> Tokens:
        """The context and the continuation behind it."""
        return self.context + self.continuation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trie:
    """Nodes in depth-first order, and what is asked of them.

    ``tokens``, ``depths``, ``ends``: shape (nodes,). ``targets``: shape (asked, 2), each the node whose
    prediction is asked for and the token that follows it. ``of[i]``: which targets make up sequence i.
    """

    tokens: Ints
    depths: Ints
    ends: Ints
    targets: Ints
    of: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence, without its last, which predicts nothing that is asked."""
        return int(self.depths.max(initial=-1)) + 1

    def leaves(self) -> Ints:
        """The nodes under which none stands."""
        return np.flatnonzero(self.ends == np.arange(len(self)) + 1)

    def paths(self) -> Iterator[Ints]:
        """The tokens from the root to each leaf, in the order of :meth:`leaves`."""
        current = np.zeros(self.longest, dtype=np.int64)
        for node, (token, depth, end) in enumerate(zip(self.tokens, self.depths, self.ends, strict=True)):
            current[depth] = token
            if end == node + 1:
                yield current[: depth + 1].copy()


def plant(sequences: Sequence[Scored]) -> Trie:
    """The trie of ``sequences``.

    >>> trie = plant([Scored(context=(5, 6), continuation=(7, 8)), Scored(context=(5, 6), continuation=(9,))])
    >>> trie.tokens.tolist(), trie.ends.tolist(), trie.targets.tolist()
    ([5, 6, 7], [3, 3, 3], [[1, 7], [2, 8], [1, 9]])
    >>> [indexes.tolist() for indexes in trie.of]
    [[0, 1], [2]]
    """
    wholes = [sequence.tokens for sequence in sequences]
    tokens: list[int] = []
    depths: list[int] = []
    ends: list[int] = []
    path: list[int] = []
    targets: dict[tuple[int, int], int] = {}
    of: list[Ints] = [np.zeros(0, dtype=np.int64)] * len(sequences)
    for index in sorted(range(len(sequences)), key=wholes.__getitem__):
        whole = wholes[index]
        shared, most = 0, min(len(path), len(whole) - 1)
        while shared < most and tokens[path[shared]] == whole[shared]:
            shared += 1
        _close(path, shared, ends, len(tokens))
        for depth in range(shared, len(whole) - 1):
            path.append(len(tokens))
            tokens.append(whole[depth])
            depths.append(depth)
            ends.append(0)
        first = len(sequences[index].context)
        asked = [(path[depth - 1], whole[depth]) for depth in range(first, len(whole))]
        of[index] = np.array([targets.setdefault(target, len(targets)) for target in asked], dtype=np.int64)
    _close(path, 0, ends, len(tokens))
    return Trie(
        tokens=np.array(tokens, dtype=np.int64),
        depths=np.array(depths, dtype=np.int64),
        ends=np.array(ends, dtype=np.int64),
        targets=np.array(list(targets), dtype=np.int64).reshape(-1, 2),
        of=tuple(of),
    )


def _close(path: list[int], kept: int, ends: list[int], end: int) -> None:
    """Leave the nodes of ``path`` beyond the first ``kept``: their subtrees end at ``end``."""
    for node in path[kept:]:
        ends[node] = end
    del path[kept:]
