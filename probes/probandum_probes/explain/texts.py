"""Texts as words that can be removed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from probandum import codec
from probandum.errors import DataError, UsageError
from probandum.evidence import Capability, Floats, PerToken, Request
from probandum.probe import Ask
from probandum.resources import dataset
from probandum.subject import Codes
from probandum_probes.explain.worlds import (
    Attributed,
    Instance,
    Removal,
    World,
    answered,
    class_scores,
    packed,
    spread,
)

#: A word with the blanks around it, so that the pieces of a text, joined, are the text.
_PIECE = re.compile(r"\s*\S+\s*")
#: What of a word is no punctuation around it.
_CORE = re.compile(r"\w(?:.*\w)?", re.DOTALL)
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
    reference = "mask"

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
        left = np.where(removal.kept, np.array(whole, dtype=object), np.array(gone, dtype=object))
        versions = tuple(map("".join, left.tolist()))
        base = self.instances[removal.instance].key
        operator = removal.operator if removal.operator == "delete" else f"{removal.operator} {MASK}"
        request = Request(kind=Capability.CLASSIFY, inputs=versions, masks=packed(base, removal, operator))
        return request, np.arange(len(versions))[:, None]

    def attributed(self, method: str, instances: Sequence[int], **parameters: int | str) -> list[Attributed]:
        """What the model says of the tokens of some texts, added up by word, in one round; one block a class."""
        if Capability.ATTRIBUTE not in self.ask.capabilities:
            raise UsageError(
                f"{method}: this system gives no attributions of tokens",
                remedy="the target transformers does, of text classifiers that take embeddings",
            )
        labels = sorted({self.instances[place].label for place in instances})
        asked = {label: [place for place in instances if self.instances[place].label == label] for label in labels}
        answers = self.ask(
            [
                Request(
                    kind=Capability.ATTRIBUTE,
                    inputs=tuple(self.texts[place] for place in places),
                    parameters={"method": method, "class": self.ask.labels[label], **parameters},
                )
                for label, places in asked.items()
            ]
        )
        found: dict[int, Attributed] = {}
        for (label, places), answer in zip(asked.items(), answers, strict=True):
            values = answered(answer, f"texts of class {self.ask.labels[label]}")
            base = answer.labels.index("base") if "base" in answer.labels else None
            for place, row, tokens in zip(places, values, answer.per_token, strict=True):
                found[place] = Attributed(
                    by_piece(self._pieces[place], tokens), None if base is None else float(row[base])
                )
        return [found[place] for place in instances]


def by_piece(cut: Sequence[str], tokens: PerToken) -> Floats:
    """Numbers of tokens added up by piece. A token that reaches into several is shared by its characters, blanks apart.

    >>> kind = PerToken(tokens=("You", " are", "!"), starts=(0, 3, 7), ends=(3, 7, 8), values=(1.0, 2.0, 4.0))
    >>> by_piece(("You ", "are!"), kind).tolist()
    [1.0, 6.0]
    """
    text = "".join(cut)
    piece_of = np.repeat(np.arange(len(cut)), [len(piece) for piece in cut])
    told = np.array([not character.isspace() for character in text])
    found = np.zeros(len(cut))
    for start, end, value in zip(tokens.starts, tokens.ends, tokens.values, strict=True):
        own = piece_of[start:end][told[start:end]]
        own = own if len(own) else piece_of[start:end]
        np.add.at(found, own, value / len(own))
    return found


def pieces(text: str) -> tuple[str, ...]:
    """A text as its features: words with their blanks, or runs of words where it has more than 40.

    >>> pieces("  You are kind. ")
    ('  You ', 'are ', 'kind. ')
    """
    words = words_of(text)
    if len(words) <= MOST_FEATURES:
        return words
    return tuple("".join(words[place] for place in run) for run in np.array_split(np.arange(len(words)), MOST_FEATURES))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, all of them, with their blanks.

    >>> words_of("You are  kind. ")
    ('You ', 'are  ', 'kind. ')
    """
    return tuple(_PIECE.findall(text))


def core(piece: str) -> str:
    """A word without blanks and punctuation around it; what is nothing but punctuation stays.

    >>> core("(don't!) "), core("-- ")
    ("don't", '--')
    """
    found = _CORE.search(piece)
    return piece.strip() if found is None else found.group()


def reworded(piece: str, word: str) -> str:
    """Another word between the blanks and the punctuation of a piece.

    >>> reworded("kind! ", "late")
    'late! '
    """
    own = core(piece)
    start = piece.index(own)
    return piece[:start] + word + piece[start + len(own) :]


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
