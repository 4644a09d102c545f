"""Texts as words that can be removed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from probandum import codec
from probandum.errors import DataError
from probandum.evidence import Capability, Request
from probandum.probe import Ask
from probandum.resources import dataset
from probandum.subject import Codes
from probandum_probes.explain.worlds import Instance, Removal, World, answered, class_scores, packed, spread

#: A word with the blanks around it, so that the pieces of a text, joined, are the text.
_PIECE = re.compile(r"\s*\S+\s*")
#: A text of more words is cut into this many runs of neighbouring words.
MOST_FEATURES = 40
#: What stands for a masked word: no word itself, so that models of whole words see nothing there.
MASK = "..."


class TextWorld(World):
    """Texts, cut at blanks into words. ``delete`` takes a word out, ``mask`` puts three dots in its place.

    Texts without a word are left out, and counted.
    """

    operators = ("delete", "mask")
    occlusions = operators

    def __init__(self, ask: Ask, instances: Sequence[Instance], texts: Sequence[str], *, left_out: int = 0) -> None:
        super().__init__(ask, instances, left_out=left_out)
        self.texts = tuple(texts)
        self._pieces = [pieces(text) for text in texts]
        self._masked = [tuple(masked(piece) for piece in cut) for cut in self._pieces]

    @classmethod
    def open(cls, ask: Ask, texts: Sequence[str], *, inputs: int) -> TextWorld:
        """``inputs`` of the texts, each predicted class in its share; all of them where there are fewer."""
        usable = [text for text in texts if text.strip()]
        if not usable:
            raise DataError("no text holds a word", remedy="name a file with one text a line")
        probabilities = answered(ask([Request(kind=Capability.CLASSIFY, inputs=tuple(usable))])[0], "texts")
        labels = probabilities.argmax(axis=1)
        chosen = spread(labels, usable, inputs, ask.rng("inputs"))
        scores = class_scores(probabilities[chosen], labels[chosen])
        names = ask.labels or tuple(str(index) for index in range(probabilities.shape[1]))
        instances = [
            Instance(
                key=codec.digest(usable[place].encode()),
                features=tuple(piece.strip() for piece in pieces(usable[place])),
                label=int(labels[place]),
                stratum=names[int(labels[place])],
                probability=float(probability),
                score=float(score),
            )
            for place, probability, score in zip(chosen, *scores, strict=True)
        ]
        return cls(ask, instances, [usable[place] for place in chosen], left_out=len(texts) - len(usable))

    def first(self, count: int) -> TextWorld:
        """The same world with its first ``count`` texts only."""
        return TextWorld(self.ask, self.instances[:count], self.texts[:count], left_out=self.left_out)

    def pieces(self, instance: int) -> tuple[str, ...]:
        """The features of a text with the blanks around them."""
        return self._pieces[instance]

    def request(self, removal: Removal) -> tuple[Request, Codes]:
        """The texts that are left."""
        whole = self._pieces[removal.instance]
        gone = ("",) * len(whole) if removal.operator == "delete" else self._masked[removal.instance]
        versions = tuple(
            "".join(piece if stays else substitute for piece, substitute, stays in zip(whole, gone, kept, strict=True))
            for kept in removal.kept.tolist()
        )
        base = self.instances[removal.instance].key
        operator = removal.operator if removal.operator == "delete" else f"{removal.operator} {MASK}"
        request = Request(kind=Capability.CLASSIFY, inputs=versions, masks=packed(base, removal, operator))
        return request, np.arange(len(versions))[:, None]


def pieces(text: str) -> tuple[str, ...]:
    """A text as its features: words with their blanks, or runs of words where it has more than 40.

    >>> pieces("  You are kind. ")
    ('  You ', 'are ', 'kind. ')
    """
    words = _PIECE.findall(text)
    if len(words) <= MOST_FEATURES:
        return tuple(words)
    return tuple("".join(words[place] for place in run) for run in np.array_split(np.arange(len(words)), MOST_FEATURES))


def masked(piece: str) -> str:
    """Three dots between the blanks of a piece.

    >>> masked(" kind. ")
    ' ... '
    """
    word = piece.strip()
    start = piece.index(word)
    return piece[:start] + MASK + piece[start + len(word) :]


def read_texts(path: Path | None) -> tuple[str, ...]:
    """The texts of a UTF-8 file, one a line, each once; by default those of the data set moderation_texts."""
    source = path if path is not None else dataset("moderation_texts") / "texts.txt"
    try:
        lines = source.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{source.name}: not UTF-8 text", remedy="save the file in UTF-8") from None
    except OSError as error:
        raise DataError(f"{source}: {error.strerror or error}", remedy="check suites.*.texts in the plan") from None
    return tuple(dict.fromkeys(line for line in lines if line))
