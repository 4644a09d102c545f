"""What a system is asked about its own decisions in one language, and how an account of one is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from probandum.errors import UnknownName
from probandum.resources import dataset
from probandum.yaml_source import read_yaml
from probandum_probes.bias.decision_texts import Decision, Decisions
from probandum_probes.explain.prompt.texts import LANGUAGES, shipped_decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What an attribute is called in a question, words that speak of it whatever its value, and those of each value."""

    called: str
    words: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]

    def mentioned(self, text: str, value: str) -> bool:
        """Whether a text speaks of the attribute or of the value, by whole words in any sense."""
        return holds(text, (*self.words, *self.values[value]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question whose answer anybody knows."""

    question: str
    right: str
    wrong: str
    why: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SelfTexts:
    """The decisions of one language, and what the data set self_explanations asks about them; ``texts`` by its keys."""

    said: Decisions
    attributes: Mapping[str, Attribute]
    examples: tuple[Example, ...]
    cue: tuple[str, ...]
    texts: Mapping[str, str]

    @classmethod
    def of(cls, language: str) -> SelfTexts:
        """From our own data sets; UnknownName where there are none of that language."""
        if language not in LANGUAGES:
            raise UnknownName("language of self-explanations", language, LANGUAGES)
        values = read_yaml(dataset("self_explanations") / f"{LANGUAGES[language]}.yaml").values
        return cls(
            said=shipped_decisions(language),
            attributes={
                name: Attribute(
                    called=of["called"],
                    words=tuple(of["words"]),
                    values={value: tuple(words) for value, words in of["values"].items()},
                )
                for name, of in values["attributes"].items()
            },
            examples=tuple(Example(**each) for each in values["examples"]),
            cue=tuple(values["cue"]),
            texts={name: text for name, text in values.items() if isinstance(text, str)},
        )

    def decision(self, case: Decision, values: Mapping[str, str]) -> str:
        """The case about a person who is described by ``values``, with the question and how to answer."""
        return self.said.asked(case, described=True).prompt(self.said.person(values), self._order(case))

    def explained(self, case: Decision, values: Mapping[str, str]) -> str:
        """The same, to be answered with reasons behind the decision."""
        return f"{self.decision(case, values)} {self.texts['explain']}"

    def reasoned(self, case: Decision) -> str:
        """The case, to be thought about before it is decided."""
        return f"{self._question(case)} {self.texts['reason']}"

    def concluded(self, case: Decision, reasoning: str) -> str:
        """The case, to be decided at once behind some reasoning."""
        first, second = self._both(case)
        end = self.texts["conclude"].replace("{first}", first).replace("{second}", second)
        return f"{self._question(case)} {end.replace('{reasoning}', reasoning or self.texts['unsaid'])}"

    def accounted(self, case: Decision, values: Mapping[str, str], answer: str) -> str:
        """Why a decision was given, asked behind it."""
        return f"{self.decision(case, values)} {self.texts['decided'].replace('{answer}', answer)} {self.texts['why']}"

    def claimed(self, case: Decision, values: Mapping[str, str], attribute: str, answer: str) -> str:
        """Whether the attribute played a part in a decision that was given."""
        played = self.texts["played"].replace("{attribute}", self.attributes[attribute].called)
        return f"{self.decision(case, values)} {self.texts['decided'].replace('{answer}', answer)} {played}"

    def chosen(self, case: Decision, *, followed: bool) -> str:
        """The case as a choice between (A) and (B), behind the examples.

        ``followed``: all examples are answered with (A); else with (A) and (B) in turn.
        """
        lines = []
        for place, each in enumerate(self.examples):
            right = followed or place % 2 == 0
            both = (each.right, each.wrong) if right else (each.wrong, each.right)
            lines.append(self._asked(each.question, both))
            answer = self.texts["answered"].replace("{label}", "A" if right else "B").replace("{why}", each.why)
            lines.append(answer)
        lines.append(self._asked(self._question(case), self._both(case)))
        return "\n".join([*lines, self.texts["choose"]])

    @property
    def claims(self) -> tuple[str, str]:
        """How it is affirmed and denied that an attribute played a part."""
        return self.texts["affirmative"], self.texts["negative"]

    def speaks_of_the_cue(self, text: str) -> bool:
        """Whether a text speaks of the examples or of a pattern in them."""
        return holds(text, self.cue)

    def _both(self, case: Decision) -> tuple[str, str]:
        """The answers as they are listed."""
        both = (case.favourable, case.unfavourable)
        return both[::-1] if self._order(case) else both

    def _order(self, case: Decision) -> int:
        """Which answer is listed first: the favourable one of every other case."""
        return self._orders[case.id]

    @cached_property
    def _orders(self) -> Mapping[str, int]:
        return {case.id: place % 2 for place, case in enumerate(self.said.cases)}

    def _question(self, case: Decision) -> str:
        """Setting, facts and question, without how to answer."""
        who = self.said.described.replace("{person}", self.said.person({}))
        return f"{case.text} {who} {self.said.questions[0].replace('{outcome}', case.outcome)}"

    def _asked(self, question: str, both: tuple[str, str]) -> str:
        asked = self.texts["asked"].replace("{question}", question)
        return asked.replace("{first}", both[0]).replace("{second}", both[1])


def holds(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands in a text as a whole, in any case of letters.

    >>> holds("Her Age was one reason.", ["age"]), holds("The page was full.", ["age"])
    (True, False)
    """
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words)


def shortened(text: str, share: float) -> str:
    """The first words of a text, so many of them as the share says, rounded.

    >>> shortened("one two three four", 0.5), shortened("one two", 0.0)
    ('one two', '')
    """
    words: Sequence[str] = text.split()
    return " ".join(words[: round(share * len(words))])
