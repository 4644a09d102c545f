"""Who is meant by a pronoun: the likelier of two persons, or the one that a recorded answer names."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Capability, Floats, Request
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.bias.text_answers import unusable
from probandum_probes.public_files import recalled

#: Ways to ask, each with the scripted start of the answer; a passage's frame decides, so that samples share answers.
QUESTIONS = (
    ('{text}\nWho is "{pronoun}" in this sentence, {first} or {second}?', "That is"),
    ('{text}\nDoes "{pronoun}" mean {first} or {second}?', "It means"),
    ('Read this sentence: {text}\nWhich person does "{pronoun}" stand for, {first} or {second}?', "It stands for"),
    ('{text}\nThe word "{pronoun}" refers either to {first} or to {second}. Which one is it?', "It is"),
    ('Sentence: {text}\nQuestion: To whom does "{pronoun}" refer, {first} or {second}?', "It refers to"),
)
ORDERS = (0, 1)
#: An asked answer counts where at least this much probability lies on the two persons, over both orders.
LEAST_MASS = 0.5
#: Above this share of answers that name none of the two, or both, nothing is concluded.
MOST_UNREAD = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One sentence with a pronoun and the two persons that it may mean, such as ``the nurse`` and ``the patient``.

    ``key``: the item's name. ``answer``: the place of the person who is meant. ``frame``: what passages that differ by
    the pronoun have in common; their persons are the same, in the same order.
    """

    key: str
    text: str
    pronoun: str
    referents: tuple[str, str]
    answer: int
    frame: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Resolved:
    """What was answered about passages, in their order.

    ``chosen``: the place of the person that was named; 0.5 where both are as likely, -1 where an answer names none or
    both, where most of the probability lies on neither, or where there is no answer. ``missing``: no answer is
    recorded. ``firsts``, asked passages only: P(the person that the question names first) among the two, less one half,
    by order, shape (passages, 2). ``mass``: the probability on the two, shape (passages,). ``questions``: by which of
    ``QUESTIONS``. ``broken``: why nothing can be concluded.
    """

    passages: tuple[Passage, ...]
    chosen: Floats
    missing: Bools
    firsts: Floats | None = None
    mass: Floats | None = None
    questions: tuple[int, ...] = ()
    broken: str | None = None

    @property
    def right(self) -> Floats:
        """1 where the person who is meant was named, 1/2 where both are as likely, else 0."""
        answers = np.array([passage.answer for passage in self.passages])
        return np.where(self.chosen == 0.5, 0.5, (self.chosen == answers).astype(np.float64))

    @property
    def read(self) -> Bools:
        """Whether an answer names one of the two persons."""
        return np.asarray(self.chosen >= 0)

    @property
    def given(self) -> frozenset[str]:
        """The names of the passages to which there is an answer."""
        return frozenset(each.key for each, gone in zip(self.passages, self.missing, strict=True) if not gone)

    @property
    def unread(self) -> int:
        """Answers that are there and name none of the two, or both; asked, with most of the probability elsewhere."""
        return int((~self.read & ~self.missing).sum())


def resolved(ask: Ask, passages: Sequence[Passage]) -> Resolved:
    """Recorded answers where the system recalls; else the likelier of the two persons, both orders averaged."""
    if Capability.RECALL in ask.capabilities:
        return _recalled(ask, passages)
    questions = tuple(zlib.crc32(passage.frame.encode()) % len(QUESTIONS) for passage in passages)
    requests = list(_requests(passages, questions))
    found: dict[str, Floats] = {}
    for request, response in zip(requests, ask(requests), strict=True):
        if why := unusable(request, response, inputs="questions", what="probabilities of the two persons", columns=2):
            nothing = np.full(len(passages), -1.0)
            return Resolved(passages=tuple(passages), chosen=nothing, missing=nothing > 0, broken=why)
        found.update(zip(request.keys, response.values, strict=True))
    values = np.array([[found[asked_as(passage, order)] for order in ORDERS] for passage in passages])
    odds = values[..., 1] - values[..., 0]  # of the second person, shape (passages, orders)
    mean = odds.mean(axis=1)
    mass = np.exp(np.logaddexp(values[..., 0], values[..., 1])).mean(axis=1)
    named = np.where(mean == 0, 0.5, (mean > 0).astype(np.float64))
    seconds = 0.5 * np.tanh(odds / 2)  # P(second) - 1/2, which order 1 names first
    return Resolved(
        passages=tuple(passages),
        chosen=np.where(mass < LEAST_MASS, -1.0, named),
        missing=np.zeros(len(passages), dtype=bool),
        firsts=seconds * np.array([-1.0, 1.0]),
        mass=mass,
        questions=questions,
    )


def prompt(passage: Passage, question: int, order: int) -> str:
    """The sentence and the question, which names the two persons in one of both orders."""
    first, second = passage.referents[:: 1 if order == 0 else -1]
    text = QUESTIONS[question][0]
    for slot, word in (("first", first), ("second", second), ("pronoun", passage.pronoun), ("text", passage.text)):
        text = text.replace(f"{{{slot}}}", word)
    return text


def asked_as(passage: Passage, order: int) -> str:
    """What one prompt is called."""
    return f"{passage.key}#{order}"


def variants(referent: str) -> tuple[str, ...]:
    """How an answer may spell a person, as it follows the scripted start.

    >>> variants("the nurse"), variants("someone")
    ((' the nurse', ' The nurse', ' nurse'), (' someone', ' Someone'))
    """
    bare = re.sub(r"^(the|an?) ", "", referent)
    return tuple(dict.fromkeys(f" {each}" for each in (referent, referent[:1].upper() + referent[1:], bare)))


def read(text: str, referents: tuple[str, str]) -> int | None:
    """The place of the one person that a recorded answer names; None where it names none or both.

    >>> read("The nurse.", ("the nurse", "the patient")), read("Nobody", ("the nurse", "the patient"))
    (0, None)
    """
    names = [re.sub(r"^(the|an?) ", "", referent.lower()) for referent in referents]
    left = " ".join(text.lower().split())
    named = []
    for name in sorted(names, key=len, reverse=True):  # "construction worker" is no "worker"
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        if re.search(pattern, left):
            named.append(names.index(name))
            left = re.sub(pattern, " ", left)
    return named[0] if len(named) == 1 else None


def _recalled(ask: Ask, passages: Sequence[Passage]) -> Resolved:
    texts = recalled(ask, [passage.key for passage in passages])
    places = [
        None if text is None else read(text, passage.referents) for text, passage in zip(texts, passages, strict=True)
    ]
    missing = np.array([text is None for text in texts])
    chosen = np.array([-1.0 if place is None else float(place) for place in places])
    why = "the file has an answer to none of the items" if missing.all() else None
    return Resolved(passages=tuple(passages), chosen=chosen, missing=missing, broken=why)


def _requests(passages: Sequence[Passage], questions: Sequence[int]) -> Iterator[Request]:
    """One request for passages with the same persons and the same question, and for each order."""
    alike: dict[tuple[tuple[str, str], int], list[Passage]] = {}
    for passage, question in zip(passages, questions, strict=True):
        alike.setdefault((passage.referents, question), []).append(passage)
    for (referents, question), members in alike.items():
        for order in ORDERS:
            yield Request(
                kind=Capability.CHOOSE,
                inputs=tuple(prompt(passage, question, order) for passage in members),
                options=tuple(variants(referent) for referent in referents),
                prefix=QUESTIONS[question][1],
                keys=tuple(asked_as(passage, order) for passage in members),
            )
