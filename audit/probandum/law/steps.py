"""What a proposed classification is made of: questions, what the card answers, and what follows, with the law.

No part of it is a verdict: a step says what the card's answers lead to, what is not settled and what would change it;
a named person confirms or corrects the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from probandum.law.applying import Applying
from probandum.law.loading import Catalogue
from probandum.speech import said
from probandum.stating import Stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question on the way: ``answers`` are what the card states, by path, in words; ``silent`` what it does not.

    ``reasoning``: what follows from the answers, in sentences of the toolkit. ``requirements``: the provisions that it
    rests on. ``unsettled``: what is open, in the law or in the card. ``changes``: what would lead elsewhere.
    """

    id: str
    question: str
    answers: tuple[tuple[str, str], ...]
    silent: tuple[str, ...]
    reasoning: tuple[str, ...]
    requirements: tuple[str, ...]
    unsettled: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def cited(self, law: Catalogue, as_of: str, applying: Applying) -> tuple[str, ...]:
        """The provisions with citation and dates by what the card says; both dates where the later one is a reading."""
        found = ((each, applying.when(each, as_of)) for each in map(law.get, self.requirements))
        return tuple(
            said("{provision}: {dates} [not settled]", provision=entry.cited, dates=dates)
            if entry.verify
            else f"{entry.cited}: {dates}"
            for entry, dates in found
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The steps, what they lead to, and who confirmed it; ``applying``: from when provisions apply.

    ``outcome`` is a sentence about what the card's answers lead to, and never a statement of the law about the system.
    ``overtaken``: a class that was confirmed for other answers, and the keys that say something else now.
    """

    steps: tuple[Step, ...]
    outcome: str
    confirmed: Stated | None
    applying: Applying
    overtaken: tuple[Stated, tuple[str, ...]] | None = None

    @property
    def unsettled(self) -> tuple[str, ...]:
        """All that is open, each once, in the order of the steps."""
        return tuple(dict.fromkeys(text for step in self.steps for text in step.unsettled))

    @property
    def changes(self) -> tuple[str, ...]:
        """All that would lead elsewhere, each once."""
        return tuple(dict.fromkeys(text for step in self.steps for text in step.changes))
