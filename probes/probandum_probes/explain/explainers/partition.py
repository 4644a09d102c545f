"""Owen values of words, over the shap library's own tree of neighbouring words."""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from probandum.errors import MissingDependency
from probandum.evidence import Capability, Floats
from probandum.subject import Bools
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import Removal, World


@explainer("shap.partition", explains=Capability.CLASSIFY)
class Partition(Explainer):
    """Owen values of the words over the library's own tree of neighbouring words; absent words are three dots.

    ``samples`` versions at most: beyond them, words that stand close share what their group is worth. Which versions
    are looked at follows from answers, so all instances go down their trees in step: a round a level, and one before
    the first. The values are those of shap.explainers.Partition under the same seed with ``batch_size`` at
    ``samples``. Owen 1977; Lundberg and Lee 2017.
    """

    kind = "Owen values"
    complete = True
    constructed = True
    default_samples = 500

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance: only the order of equally important groups depends on it."""
        shap = _shap()
        seeds = [instance.seed(seed) for instance in world.instances]
        ends = world.scores(
            [
                Removal(instance=index, operator=world.reference, kept=_ends(len(instance)), seed=own)
                for index, (instance, own) in enumerate(zip(world.instances, seeds, strict=True))
            ]
        )
        descents = [
            _Descent(_words_tree(shap, world.pieces(index)), each.log_odds, budget=self.samples - 2, seed=own)
            for index, (each, own) in enumerate(zip(ends, seeds, strict=True))
        ]
        while waiting := [(index, masks) for index, each in enumerate(descents) if len(masks := each.wanted())]:
            scores = world.scores(
                [
                    Removal(instance=index, operator=world.reference, kept=masks, seed=seeds[index])
                    for index, masks in waiting
                ]
            )
            for (index, _), found in zip(waiting, scores, strict=True):
                descents[index].take(found.log_odds)
        return [
            Explanation(
                attributions=each.attributions(), base=float(end.log_odds[0]), evaluations=2 + each.spent, seed=own
            )
            for each, end, own in zip(descents, ends, seeds, strict=True)
        ]


class _Node(NamedTuple):
    """A group of words in a context: ``context`` (words,) is what else is kept, ``without`` and ``within`` f there."""

    context: Bools
    without: float
    within: float
    place: int
    weight: float


class _Descent:
    """The search of one text down its tree, with the budget of ``budget`` versions and as many at once.

    A group in a context is split where its share of the answer is largest; its halves are looked at with the other
    half absent and present. ``tree``: what is joined, shape (words - 1, 4), as scipy's linkage.
    """

    def __init__(self, tree: Floats, ends: Floats, *, budget: int, seed: int) -> None:
        self._width = len(tree) + 1
        self._children = tree[:, :2].astype(np.int64)
        self._sizes = np.concatenate([np.ones(self._width), tree[:, 3] if len(tree) else []])
        self._kept = _members(self._children)
        self._budget = budget
        self._rng = np.random.RandomState(seed)
        self._worth = np.zeros(2 * self._width - 1)
        self._batch: list[_Node] = []
        whole = _Node(np.zeros(self._width, dtype=bool), float(ends[0]), float(ends[1]), 2 * self._width - 2, 1.0)
        self._queue: list[tuple[float, float, _Node]] = [(0.0, 0.0, whole)]
        self.spent = 0

    def wanted(self) -> Bools:
        """The versions to look at next, two a group, shape (versions, words); none where the search has ended."""
        left = self._budget - self.spent
        masks: list[Bools] = []
        self._batch = []
        while self._queue and (left <= 0 or len(masks) < left):
            node = heapq.heappop(self._queue)[2]
            if node.place < self._width or left <= 0:  # a word, or the budget is spent: the group keeps its worth
                self._worth[node.place] += (node.within - node.without) * node.weight
                continue
            self._batch.append(node)
            masks += [node.context | self._kept[child] for child in self._halves(node)]
        self.spent += len(masks)
        return np.array(masks, dtype=bool).reshape(-1, self._width)

    def take(self, values: Floats) -> None:
        """f of the versions that were wanted."""
        for node, (first, second) in zip(self._batch, values.reshape(-1, 2).tolist(), strict=True):
            left, right = self._halves(node)
            weight = node.weight / 2
            self._push(_Node(node.context, node.without, first, left, weight))
            self._push(_Node(node.context, node.without, second, right, weight))
            self._push(_Node(node.context | self._kept[right], second, node.within, left, weight))
            self._push(_Node(node.context | self._kept[left], first, node.within, right, weight))

    def attributions(self) -> Floats:
        """What each word is worth, once the search has ended: a group's own worth is shared by its words alike."""
        worth = self._worth.copy()
        for place in range(2 * self._width - 2, self._width - 1, -1):
            for child in self._children[place - self._width]:
                worth[child] += worth[place] * self._sizes[child] / self._sizes[place]
        return worth[: self._width]

    def _halves(self, node: _Node) -> tuple[int, int]:
        left, right = self._children[node.place - self._width].tolist()
        return left, right

    def _push(self, node: _Node) -> None:
        """Ties go by chance, as in the library, which draws a number for each."""
        priority = -abs(node.within - node.without) * node.weight
        heapq.heappush(self._queue, (priority, self._rng.randn(), node))


def _ends(width: int) -> Bools:
    return np.array([[False] * width, [True] * width])


def _members(children: Sequence[Sequence[int]] | np.ndarray) -> Bools:
    """Which words are in each node of a tree, shape (2 words - 1, words); the words themselves come first.

    >>> _members([[0, 1]]).astype(int).tolist()
    [[1, 0], [0, 1], [1, 1]]
    """
    members = list(np.eye(len(children) + 1, dtype=bool))
    for left, right in children:
        members.append(members[left] | members[right])
    return np.array(members)


def _words_tree(shap: ModuleType, words: tuple[str, ...]) -> Floats:
    """The library's tree of a text (which neighbours to join first), shape (words - 1, 4)."""
    if len(words) == 1:
        return np.zeros((0, 4))

    def tokenizer(text: str, return_offsets_mapping: bool = True) -> dict[str, Any]:
        ends = np.cumsum([len(word) for word in words]).tolist() if text else []
        return {"input_ids": list(words) if text else [], "offset_mapping": list(zip([0, *ends], ends, strict=False))}

    tree: Floats = shap.maskers.Text(tokenizer).clustering("".join(words))
    return tree


def _shap() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the library's own imports deprecate among themselves
            import shap
    except ImportError:
        raise MissingDependency("shap", needed_for="the explainer shap.partition", extra="explain") from None
    module: ModuleType = shap
    return module
