"""The smallest edits of texts that turn an answer, asked of the system itself in whole rounds.

    found = text_counterfactuals(answers, texts, Wording.of(answers, texts, seen))
    for each in found.of_text[0]:
        print(each.edits, each.text, each.valid)
    print(found.why[0])  # None, or why there is none

Nothing is drawn by chance: the same answers give the same edits. How it goes, for all texts in step:

1. Every edit of one word is asked: deleted, replaced by a neutral word, replaced by a word of other texts.
2. Of each word that does not turn the answer alone the edit that comes nearest is kept; to the ``width`` best texts so
   far one more of these is added, likewise for a third word. A text goes on as long as it has fewer sets of words than
   are wanted. No set that contains one that turns the answer is looked at.
3. What turns it is tried with every part of its edits left out, and with words deleted that were replaced; the fewest
   words stay, then the plainest edits. So no part of what is found turns the answer by itself.
4. What is found is asked again, in a round of its own: only what turns the answer again is ``valid``.

That none was found says nothing of more words, or of words that were not tried. No edit leaves a text without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np

from probandum.evidence import Floats
from probandum.subject import Codes
from probandum_probes.explain.counterfactual.search import MOST_ASKED
from probandum_probes.explain.counterfactual.words import Edit, TextAnswers, Wording, edited
from probandum_probes.explain.texts import words_of
from probandum_probes.explain.worlds import class_scores

#: Sets of words a text that are made smaller beyond those wanted.
SPARE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedText:
    """Edits that turn an answer, by their places, and what they make of the text.

    ``label``: the class that is answered when it is asked again. ``valid``: that is another one than of the whole text.
    """

    edits: tuple[Edit, ...]
    text: str
    label: int
    valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTexts:
    """Of each text its edits, the smallest first.

    ``labels``: how the texts are answered as they stand. ``words``: how many each has. ``asked``: texts that each
    took. ``why``: why a text has no edits that turn its answer, None where it has.
    """

    of_text: tuple[tuple[EditedText, ...], ...]
    labels: tuple[int, ...]
    words: tuple[int, ...]
    asked: tuple[int, ...]
    why: tuple[str | None, ...]


class State(NamedTuple):
    """A text under some edits: whether its answer turns, and the log-odds against the answer that it had."""

    of: int
    edits: tuple[Edit, ...]
    turned: bool
    against: float

    @property
    def places(self) -> frozenset[int]:
        """The words that are changed."""
        return frozenset(edit.place for edit in self.edits)

    @property
    def size(self) -> tuple[int, int, float, tuple[Edit, ...]]:
        """What comes first among edits of a text: few words, plain edits, a clear answer, words at the beginning."""
        return len(self.edits), sum(edit.kind for edit in self.edits), -self.against, self.edits


@dataclass(slots=True, kw_only=True, eq=False)
class _Search:
    """The search for some texts, and what it has found until now."""

    answers: TextAnswers
    texts: Sequence[str]
    wording: Wording
    wanted: int
    most: int
    cut: list[tuple[str, ...]] = field(init=False)
    labels: Codes = field(init=False)
    known: dict[str, Floats] = field(default_factory=dict)
    asked: list[int] = field(init=False)
    spent: list[bool] = field(init=False)
    found: list[list[State]] = field(init=False)

    def __post_init__(self) -> None:
        self.cut = [words_of(text) for text in self.texts]
        whole = self.answers(self.texts)
        self.known = dict(zip(self.texts, whole, strict=True))
        self.labels = whole.argmax(axis=1)
        self.asked = [1] * len(self.texts)
        self.spent = [False] * len(self.texts)
        self.found = [[] for _ in self.texts]

    def run(self, most_words: int, width: int) -> None:
        """Edits of one word, then of one word more, for texts that have fewer than are wanted."""
        edits = [self.wording.edits(words, label) for words, label in zip(self.cut, self.labels.tolist(), strict=True)]
        singles = self._asked(((of, (edit,)) for of, own in enumerate(edits) for edit in own), whole=False)
        self._keep(state for state in singles if state.turned)
        nearest = self._nearest(singles)
        states = [state for own in nearest for state in _best(own, width)]
        for _ in range(1, most_words):
            wanted = dict.fromkeys(
                (state.of, tuple(sorted((*state.edits, more.edits[0]))))
                for state in states
                if len(self.found[state.of]) < self.wanted
                for more in nearest[state.of]
                if more.edits[0].place not in state.places
            )
            tried = self._asked((each for each in wanted if self._fresh(*each)), whole=False)
            if not tried:
                return
            self._keep(self._smaller([state for state in tried if state.turned]))
            left: list[list[State]] = [[] for _ in self.texts]
            for state in tried:
                if not state.turned:
                    left[state.of].append(state)
            states = [state for own in left for state in _best(own, width)]

    def _fresh(self, of: int, edits: Sequence[Edit]) -> bool:
        """Whether no set of words that turns the answer lies within these."""
        places = {edit.place for edit in edits}
        return not any(each.places <= places for each in self.found[of])

    def _asked(self, wanted: Iterable[tuple[int, tuple[Edit, ...]]], *, whole: bool) -> list[State]:
        """Every wanted text under its edits, from one round; those that are alike are asked once.

        Where the budget of a text does not reach, the rest is left out; all of that text, if it is to be ``whole``.
        """
        made = [(of, edits, edited(self.cut[of], edits)) for of, edits in wanted]
        made = [each for each in made if each[2].strip()]
        new: dict[int, dict[str, None]] = {}
        for of, _, text in made:
            if text not in self.known:
                new.setdefault(of, {})[text] = None
        short = set()
        for of, texts in new.items():
            room = max(0, self.most - self.asked[of])
            if len(texts) > room:
                self.spent[of] = True
                short.add(of)
                new[of] = {} if whole else dict.fromkeys(list(texts)[:room])
            self.asked[of] += len(new[of])
        asking = list(dict.fromkeys(text for texts in new.values() for text in texts))
        if asking:
            self.known.update(zip(asking, self.answers(asking), strict=True))
        made = [each for each in made if each[2] in self.known and not (whole and each[0] in short)]
        if not made:
            return []
        probabilities = np.array([self.known[text] for _, _, text in made])
        labels = self.labels[[of for of, _, _ in made]]
        against = -class_scores(probabilities, labels).log_odds
        turned = probabilities.argmax(axis=1) != labels
        return [
            State(of, edits, bool(turns), float(score))
            for (of, edits, _), turns, score in zip(made, turned, against, strict=True)
        ]

    def _nearest(self, singles: Sequence[State]) -> list[list[State]]:
        """Of each text and word the edit that comes nearest, but of words that turn the answer alone."""
        found: list[dict[int, State]] = [{} for _ in self.texts]
        turning = {(state.of, state.places) for state in singles if state.turned}
        for state in singles:
            own, place = found[state.of], state.edits[0].place
            if (state.of, state.places) not in turning and (place not in own or state.against > own[place].against):
                own[place] = state
        return [list(own.values()) for own in found]

    def _smaller(self, turned: Sequence[State]) -> list[State]:
        """Of each set of words the smallest edits that turn the answer: words as they were, deleted, or edited."""
        first: list[dict[frozenset[int], State]] = [{} for _ in self.texts]
        for state in sorted(turned, key=lambda state: -state.against):
            first[state.of].setdefault(state.places, state)
        chosen = [state for own in first for state in list(own.values())[: self.wanted + SPARE]]
        parts = [_parts(state.edits) for state in chosen]
        wanted = dict.fromkeys((state.of, part) for state, own in zip(chosen, parts, strict=True) for part in own)
        tried = {(each.of, each.edits): each for each in self._asked(wanted, whole=True)}
        found = []
        for state, own in zip(chosen, parts, strict=True):
            known = [tried[state.of, part] for part in own if (state.of, part) in tried]
            turning = [each for each in known if each.turned]
            if turning:
                found.append(min(turning, key=lambda each: each.size))
        return found

    def _keep(self, turned: Iterable[State]) -> None:
        """Of each set of words the smallest edits; none that contains another set, or makes the same text."""
        for state in turned:
            self.found[state.of].append(state)
        for of, own in enumerate(self.found):
            kept: list[State] = []
            made: set[str] = set()
            for state in sorted(own, key=lambda state: state.size):
                text = edited(self.cut[of], state.edits)
                if text not in made and not any(each.places <= state.places for each in kept):
                    kept.append(state)
                    made.add(text)
            self.found[of] = kept

    def result(self, most_words: int) -> FoundTexts:
        """As many edits of each text as are wanted, each asked again."""
        kept = [own[: self.wanted] for own in self.found]
        texts = [edited(self.cut[state.of], state.edits) for own in kept for state in own]
        again = iter(self.answers(texts).argmax(axis=1).tolist() if texts else ())
        of_text, made = [], iter(texts)
        for own, label in zip(kept, self.labels.tolist(), strict=True):
            found = []
            for state in own:
                text, then = next(made), next(again)
                found.append(EditedText(edits=state.edits, text=text, label=then, valid=then != label))
            of_text.append(tuple(found))
        return FoundTexts(
            of_text=tuple(of_text),
            labels=tuple(self.labels.tolist()),
            words=tuple(len(words) for words in self.cut),
            asked=tuple(self.asked),
            why=tuple(None if own else self._why(of, most_words) for of, own in enumerate(kept)),
        )

    def _why(self, of: int, most_words: int) -> str:
        count = len(self.cut[of])
        ended = f", when the budget of {self.most} was spent" if self.spent[of] else ""
        least = min(most_words, count)
        return f"no edit of up to {least} of {count} words turns the answer, of {self.asked[of]} texts asked{ended}"


def text_counterfactuals(
    answers: TextAnswers,
    texts: Sequence[str],
    wording: Wording,
    *,
    wanted: int = 3,
    most_words: int = 3,
    width: int = 4,
    most: int = MOST_ASKED,
) -> FoundTexts:
    """Up to ``wanted`` sets of words of each text, of up to ``most_words``, after ``most`` texts asked at most.

    Every text holds a word.

    >>> def answers(texts: Sequence[str]) -> Floats:
    ...     rude = np.array([0.9 if "idiot" in text else 0.1 for text in texts])
    ...     return np.column_stack([1 - rude, rude])
    >>> texts = ["You are an idiot!", "You are late."]
    >>> found = text_counterfactuals(answers, texts, Wording.of(answers, texts, texts))
    >>> found.of_text[0][0].edits, found.of_text[0][0].text
    ((Edit(place=3, word='', kind=0),), 'You are an ')
    """
    search = _Search(answers=answers, texts=texts, wording=wording, wanted=wanted, most=most)
    search.run(most_words, width)
    return search.result(most_words)


def _best(states: Sequence[State], width: int) -> list[State]:
    """The states that come nearest to another answer."""
    return sorted(states, key=lambda state: (-state.against, state.edits))[:width]


def _parts(edits: Sequence[Edit]) -> list[tuple[Edit, ...]]:
    """Edits with each word as it was, deleted, or edited.

    >>> len(_parts([Edit(0, "late", 2), Edit(3, "", 0)]))  # 3 times 2 ways, but the one that edits nothing
    5
    """
    ways = [dict.fromkeys((None, Edit(edit.place, "", 0), edit)) for edit in edits]
    made = (tuple(edit for edit in way if edit is not None) for way in product(*ways))
    return [part for part in made if part]
