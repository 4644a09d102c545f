"""Controls of counterfactuals of texts: texts that stay as they are, and keywords whose smallest edits are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from probandum.evidence import Capability, Floats, Request
from probandum.probe import Ask, Probe
from probandum_probes.explain.counterfactual.search import MOST_ASKED
from probandum_probes.explain.counterfactual.texts import ExploredTexts, TextSearch
from probandum_probes.explain.counterfactual.words import deciding_texts
from probandum_probes.explain.texts import TextWorld, read_texts
from probandum_probes.ruled import ByRule, logistic

#: Texts that a control looks at.
TEXTS = 60
#: Words of the planted texts, and those that alone make their answer.
PLAIN = ("bread", "cloud", "garden", "ladder", "river", "soup", "train", "window")
KEYWORDS = ("alpha", "beta", "gamma")
#: Log-odds that each keyword adds, and those of a text without any.
WEIGHT, START = 2.0, -1.0


class ByKeywords(ByRule):
    """A rule that answers "1" where a text holds any of the planted keywords, the surer the more it holds."""

    answers = Capability.CLASSIFY

    def probability(self, request: Request) -> Floats:
        """By the number of keywords."""
        many = np.array([sum(word in KEYWORDS for word in text.split()) for text in request.texts])
        return logistic(START + WEIGHT * many)


def unchanged_texts(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Texts that stay as they are turn no answer: their validity is 0."""
    search: TextSearch = probe.of_texts  # type: ignore[attr-defined]
    world = TextWorld.open(ask, read_texts(search.texts), inputs=TEXTS)
    again = deciding_texts(ask)(world.texts).argmax(axis=1)
    turned = int((again != [instance.label for instance in world.instances]).sum())
    return not turned, f"of {len(world)} texts that stay as they are {turned} are answered otherwise"


def known_keywords(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A text with k keywords takes k changed words, one without any takes one: a keyword of another text.

    k is 0 to as many words as may change together. Where words of others are not tried, texts without a keyword have no
    edit, and none may be found.
    """
    search: TextSearch = probe.of_texts  # type: ignore[attr-defined]
    planted = planted_texts(ask.rng("known keywords"), search.changes)
    rule = ByKeywords(ask)
    world = TextWorld.open(rule, planted, inputs=len(planted))
    found: ExploredTexts = probe.explored_texts(  # type: ignore[attr-defined]
        rule, world, planted, replace(search, asks=MOST_ASKED)
    )
    off = 0
    for text, own in zip(found.world.texts, found.found.of_text, strict=True):
        many = sum(word in KEYWORDS for word in text.split())
        needed = many or (1 if search.others else 0)
        off += (len(own[0].edits) if own and own[0].valid else 0) != needed
    return not off, f"of {len(planted)} texts whose smallest edits are known {off} come out otherwise"


def planted_texts(rng: np.random.Generator, most: int) -> tuple[str, ...]:
    """Texts of eight words, of which 0 to ``most`` are keywords, in any place; no two are alike."""
    made: dict[str, None] = {}
    while len(made) < TEXTS:
        words = rng.permutation(PLAIN)
        many = len(made) % (most + 1)
        words[rng.permutation(len(words))[:many]] = rng.permutation(KEYWORDS)[:many]
        made[" ".join(words)] = None
    return tuple(made)
