"""Which pronouns a language model expects behind the beginning of a sentence: the sets, and the asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Capability, Floats, Request
from probandum.probe import Ask
from probandum_probes.bias.occupation_texts import Template
from probandum_probes.bias.text_answers import unusable

#: The pronouns of each set, in every case; their probabilities are summed.
SETS = (
    (" she", " her", " hers", " herself"),
    (" he", " him", " his", " himself"),
    (" they", " them", " their", " theirs", " themselves", " themself"),
)
SHE, HE, THEY = range(3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pronouns:
    """Log-probabilities in nats of the three sets, shape (templates, nouns, 3), occupations before neutral nouns.

    ``broken``: why there are none.
    """

    templates: tuple[Template, ...]
    logs: Floats
    occupations: int
    broken: str | None = None

    @property
    def odds(self) -> Floats:
        """m = log p(she-set) - log p(he-set), shape (templates, nouns)."""
        return np.asarray(self.logs[..., SHE] - self.logs[..., HE])

    @property
    def working(self) -> Floats:
        """m of occupations."""
        return self.odds[:, : self.occupations]

    @property
    def neutral(self) -> Floats:
        """m of neutral nouns."""
        return self.odds[:, self.occupations :]

    @property
    def shares(self) -> Floats:
        """The probability of each set among the three, of occupations."""
        logs = self.logs[:, : self.occupations]
        return np.asarray(np.exp(logs - np.logaddexp.reduce(logs, axis=2, keepdims=True)))


def key(template: Template, noun: str) -> str:
    """What one prompt is called."""
    return f"{template.id}/{noun}"


def asked(ask: Ask, templates: Sequence[Template], occupations: Sequence[str], neutral: Sequence[str]) -> Pronouns:
    """The probabilities of the three sets behind every beginning, all in one round; one request a template."""
    nouns = (*occupations, *neutral)
    requests = [
        Request(
            kind=Capability.CHOOSE,
            inputs=tuple(template.prompt(noun) for noun in nouns),
            options=SETS,
            parameters={"chat_template": False},
            keys=tuple(key(template, noun) for noun in nouns),
            groups=("occupation",) * len(occupations) + ("neutral",) * len(neutral),
        )
        for template in templates
    ]
    responses = ask(requests)
    checked = (
        unusable(*pair, inputs="prompts", what="probabilities of the three sets of pronouns", columns=len(SETS))
        for pair in zip(requests, responses, strict=True)
    )
    why = next(filter(None, checked), None)
    logs = np.zeros((0, len(nouns), len(SETS))) if why else np.array([response.values for response in responses])
    return Pronouns(templates=tuple(templates), logs=logs, occupations=len(occupations), broken=why)
