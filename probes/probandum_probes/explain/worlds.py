"""What explainers explain: inputs cut into features, and what the system says once some are removed.

The explained quantity f is the log-odds of one class, log p - log(1 - p), and the class is fixed at the one
the system gave the whole input: what the question "why this answer?" is about.
"""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from probandum.errors import ProbeError, UsageError
from probandum.evidence import Floats, Masks, Request, Response
from probandum.probe import Ask
from probandum.row_items import text_digest
from probandum.subject import Bools, Codes

#: Probabilities nearer to 0 than this are taken as this, so that log-odds stay finite.
SMALLEST = 1e-15
#: The most inputs a round: eight packs of rows, some hundred megabytes of columns.
MOST_INPUTS = 2**19


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One input. ``key`` names it across runs; ``features`` are its words, or the names of its columns.

    ``label`` is the column of the class that is explained, ``stratum`` its name; ``probability`` and ``score``
    are that class's probability and log-odds for the whole input. ``content`` tells inputs of one key apart, where
    the key says a place only.
    """

    key: str
    features: tuple[str, ...]
    label: int
    stratum: str
    probability: float
    score: float
    content: str = ""

    def __len__(self) -> int:
        return len(self.features)

    def seed(self, seed: int) -> int:
        """A seed of 31 bits for this instance, so that an explanation does not depend on what else is explained."""
        material = f"{seed}\x1f{self.key}".encode()
        return int.from_bytes(hashlib.sha256(material).digest()[:4], "big") >> 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Removal:
    """Versions of one instance: ``kept``, shape (versions, features), says which features stay in each.

    ``operator`` names what takes the place of the others; ``seed`` is that of whoever drew the masks.
    """

    instance: int
    operator: str
    kept: Bools
    seed: int = 0


class Scores(NamedTuple):
    """Probability and log-odds of the explained class, shape (versions,) each."""

    probability: Floats
    log_odds: Floats


class Attributed(NamedTuple):
    """What the system itself says of one instance: a number a feature, and the value that they start from, if any."""

    attributions: Floats
    base: float | None


class World(ABC):
    """The instances of one probe and the system that answers for them.

    ``operators`` are the ways in which features can be removed at the price of one input a version, ``occlusions``
    those that leaving one out averages over, and ``reference`` the one by which Shapley values remove features.
    ``left_out`` counts inputs that cannot be explained, such as texts without a word.
    """

    operators: tuple[str, ...]
    occlusions: tuple[str, ...]
    reference: str

    def __init__(self, ask: Ask, instances: Sequence[Instance], *, left_out: int = 0) -> None:
        self.ask = ask
        self.instances = tuple(instances)
        self.left_out = left_out

    def __len__(self) -> int:
        return len(self.instances)

    @abstractmethod
    def first(self, count: int) -> World:
        """The same world with its first ``count`` instances only."""

    def pieces(self, instance: int) -> tuple[str, ...]:
        """The features of an instance as they stand in it."""
        return self.instances[instance].features

    @abstractmethod
    def request(self, removal: Removal) -> tuple[Request, Codes]:
        """The block that asks for all versions, and which of its inputs stand for each, shape (versions, inputs)."""

    def inputs(self, operator: str) -> int:
        """How many inputs stand for one version, at most."""
        return 1

    def varying(self, instance: int) -> Bools:
        """Which features change at all where ``reference`` removes them, shape (features,)."""
        return np.ones(len(self.instances[instance]), dtype=bool)

    def attributed(self, method: str, instances: Sequence[int], **parameters: int | str) -> list[Attributed]:
        """What the system itself says of some instances by ``method``; UsageError where it cannot."""
        raise UsageError(f"{method}: this system cannot be asked for attributions")

    def scores(self, removals: Sequence[Removal]) -> list[Scores]:
        """What the system says of every version; equal versions of a removal are asked once.

        From one round, or from as few as hold no more than ``MOST_INPUTS`` each. Where several inputs stand for a
        version, its score is their mean.
        """
        sizes = [len(removal.kept) * self.inputs(removal.operator) for removal in removals]
        return [scores for part in in_rounds(sizes) for scores in self._round(removals[part.start : part.stop])]

    def _round(self, removals: Sequence[Removal]) -> list[Scores]:
        alike = [distinct(removal.kept) for removal in removals]
        asked = [
            self.request(replace(each, kept=each.kept[first])) for each, (first, _) in zip(removals, alike, strict=True)
        ]
        answers = self.ask([request for request, _ in asked])
        found = []
        for removal, answer, (_, inputs), (_, places) in zip(removals, answers, asked, alike, strict=True):
            instance = self.instances[removal.instance]
            raw = class_scores(answered(answer, instance.key), np.array(instance.label))
            found.append(self._averaged(removal, Scores(*(part[inputs] for part in raw)), places))
        return found

    def _averaged(self, removal: Removal, each: Scores, places: Codes) -> Scores:
        """Scores of the versions at ``places``, each the mean of those of the inputs that stand for it."""
        return Scores(*(part.mean(axis=1)[places] for part in each))

    def value(self, instance: int, operator: str, kept: Bools, *, seed: int = 0) -> Floats:
        """The log-odds of versions of one instance, in a round of its own."""
        return self.scores([Removal(instance=instance, operator=operator, kept=kept, seed=seed)])[0].log_odds


def in_rounds(sizes: Sequence[int]) -> list[range]:
    """Runs of neighbours that hold at most ``MOST_INPUTS`` inputs each, or one that is larger alone.

    >>> in_rounds([MOST_INPUTS, 1, 2])
    [range(0, 1), range(1, 3)]
    """
    starts, held = [0], 0
    for place, size in enumerate(sizes):
        if held and held + size > MOST_INPUTS:
            starts.append(place)
            held = 0
        held += size
    return [range(start, end) for start, end in pairwise([*starts, len(sizes)])]


def distinct(kept: Bools, *more: Codes) -> tuple[Codes, Codes]:
    """Where each different row of masks stands first, and which of these each row equals, shape (rows,).

    ``more``: numbers below 256, shape (rows,) each, by which rows of equal masks differ.

    >>> first, places = distinct(np.array([[True, False], [False, True], [True, False]]))
    >>> first.tolist(), places.tolist()
    ([1, 0], [1, 0, 1])
    """
    packed = np.column_stack([np.packbits(kept, axis=-1), *more]).astype(np.uint8)
    width = -(-packed.shape[1] // 8) * 8
    padded = np.zeros((len(packed), width), dtype=np.uint8)
    padded[:, width - packed.shape[1] :] = packed
    keys = padded.view(">u8").astype(np.uint64) if width == 8 else padded.view(np.dtype((np.void, width)))
    _, first, places = np.unique(keys.reshape(-1), return_index=True, return_inverse=True)
    return first, places.reshape(-1)


def class_scores(probabilities: Floats, labels: Codes) -> Scores:
    """Probability and log-odds of the class ``labels[i]``, or of one for all, in rows of class probabilities.

    The other classes are summed instead of taking 1 - p, which would lose all digits where p is near 1.

    >>> class_scores(np.array([[0.2, 0.8]]), np.array(1)).log_odds.round(6).tolist()  # log 4
    [1.386294]
    """
    picked = np.broadcast_to(labels, len(probabilities))
    chosen = np.zeros(probabilities.shape, dtype=bool)
    chosen[np.arange(len(picked)), picked] = True
    own = probabilities[chosen]
    others = np.where(chosen, 0.0, probabilities).sum(axis=1)
    return Scores(own, np.log(np.maximum(own, SMALLEST)) - np.log(np.maximum(others, SMALLEST)))


def answered(response: Response, name: str) -> Floats:
    """The class probabilities of a response; ProbeError naming the input where there are none."""
    if response.error is not None or response.outputs is None or response.refused:
        raise ProbeError(f"{name}: the system did not answer a changed input: {response.error or 'it refused'}")
    return response.outputs


def packed(base: str, removal: Removal, operator: str) -> Masks:
    """The masks of a block as the journal keeps them; ``operator`` says what takes the place of what is gone."""
    kept = base64.b64encode(np.packbits(removal.kept, axis=-1).tobytes()).decode("ascii")
    return Masks(base=base, operator=operator, seed=removal.seed, width=removal.kept.shape[1], kept=kept)


def spread(classes: Codes, names: Sequence[str], count: int, rng: np.random.Generator) -> Codes:
    """``count`` places, each class in its own share, in random order; all places where there are fewer.

    Every input has a random number of its own, which follows from its name and ``rng``, and of each class those with
    the lowest are taken (permanent random numbers, Ohlsson 1995). So the first few places are a fair sample too, and a
    system that puts some inputs into other classes is asked about nearly the same ones.
    """
    salt = int(rng.integers(2**63))
    order = np.argsort(np.array([text_digest(f"{salt} {name}") for name in names], dtype=np.uint64), kind="stable")
    found, sizes = np.unique(classes, return_counts=True)
    taken = min(count, len(classes))
    shares = sizes * taken / len(classes)
    wanted = np.floor(shares).astype(np.int64)
    wanted[np.argsort(wanted - shares, kind="stable")[: taken - int(wanted.sum())]] += 1  # the largest remainders
    chosen = [order[classes[order] == each][:number] for each, number in zip(found, wanted, strict=True)]
    return np.asarray(order[np.isin(order, np.concatenate(chosen))])
