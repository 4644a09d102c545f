"""How a text may be edited: a word is deleted, or a plain word or one that stands there in other texts replaces it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from probandum.evidence import Capability, Floats, Request
from probandum.probe import Ask
from probandum.subject import Codes
from probandum_probes.explain.texts import core, reworded, words_of
from probandum_probes.explain.worlds import answered, class_scores, in_rounds

#: Words that say nothing by themselves, for texts in English.
NEUTRAL = ("something",)
#: Words of other texts that are tried in each place, and how many are looked at for it.
OTHERS, MOST_WORDS = 4, 2000

#: Asks for the class probabilities of all texts, shape (texts, classes), in whole rounds.
TextAnswers = Callable[[Sequence[str]], Floats]


class Edit(NamedTuple):
    """One word changed: the ``place`` it has in its text, from 0, and the ``word`` that stands there instead.

    The word is empty where it is deleted. ``kind`` orders edits, the plainest first: deleted, a neutral word, another.
    """

    place: int
    word: str
    kind: int


def deciding_texts(ask: Ask) -> TextAnswers:
    """How the audited system answers texts; ProbeError where one is not answered."""

    def answers(texts: Sequence[str]) -> Floats:
        found = []
        for part in in_rounds([1] * len(texts)):
            request = Request(kind=Capability.CLASSIFY, inputs=tuple(texts[part.start : part.stop]))
            found.append(answered(ask([request])[0], "texts"))
        return np.concatenate(found)

    return answers


def edited(words: Sequence[str], edits: Sequence[Edit]) -> str:
    """The text that edits make of its words.

    >>> edited(words_of("You are an idiot!"), [Edit(2, "", 0), Edit(3, "angel", 2)])
    'You are angel!'
    """
    left = list(words)
    for edit in edits:
        left[edit.place] = reworded(left[edit.place], edit.word) if edit.word else ""
    return "".join(left)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wording:
    """What may stand in the place of words.

    ``neutral``: words for any place. ``words``: those of other texts, and ``alone`` the class probabilities of a text
    that is one of them alone, shape (words, classes): what speaks against an answer is tried first. ``seen``: which of
    them stand in each place, from 0. ``others``: how many of these are tried there.
    """

    neutral: tuple[str, ...]
    words: tuple[str, ...]
    alone: Floats
    seen: Mapping[int, Codes]
    others: int

    @classmethod
    def of(
        cls,
        answers: TextAnswers,
        texts: Sequence[str],
        seen: Sequence[str],
        *,
        neutral: Sequence[str] = NEUTRAL,
        others: int = OTHERS,
    ) -> Wording:
        """Words of ``seen`` texts in the places that ``texts`` have; these words are asked alone, in one round."""
        longest = max(len(words_of(text)) for text in texts)
        many = Counter((place, core(word)) for text in seen for place, word in enumerate(words_of(text)[:longest]))
        often: Counter[str] = Counter()
        for (_, word), count in many.items():
            often[word] += count
        known = sorted(often, key=lambda word: (-often[word], word))[:MOST_WORDS] if others else []
        number = {word: at for at, word in enumerate(known)}
        stands: dict[int, list[int]] = {}
        for place, word in sorted(many):
            if word in number:
                stands.setdefault(place, []).append(number[word])
        return cls(
            neutral=tuple(neutral),
            words=tuple(known),
            alone=answers(known) if known else np.zeros((0, 1)),
            seen={place: np.array(numbers) for place, numbers in stands.items()},
            others=others,
        )

    def edits(self, words: Sequence[str], label: int) -> list[Edit]:
        """Every edit of one word of a text that is answered by the class ``label``, the plainest first."""
        own = [core(word).casefold() for word in words]
        deleted = [Edit(place, "", 0) for place in range(len(words))]
        plain = [
            Edit(place, word, 1) for place, mine in enumerate(own) for word in self.neutral if word.casefold() != mine
        ]
        taken = {word.casefold() for word in self.neutral}
        toward = class_scores(self.alone, np.array(label)).log_odds
        others = []
        for place, mine in enumerate(own):
            stand = self.seen.get(place, np.zeros(0, dtype=np.int64))
            ordered = stand[np.argsort(toward[stand], kind="stable")].tolist()
            fitting = (self.words[at] for at in ordered if self.words[at].casefold() not in {mine, *taken})
            others += [Edit(place, word, 2) for word in islice(fitting, self.others)]
        return [*deleted, *plain, *others]
