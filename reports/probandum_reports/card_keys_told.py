"""What rules of the law pack say of a card's silence, without the names of its keys, which readers of documents lack.

Who writes the card is told the keys by ``probandum law check`` and ``probandum card``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: In English, as the sentences are in which the law pack names them.
_TOLD: Mapping[str, str] = {
    "annex_iii": "the point of Annex III",
    "annex_i_section": "the section of Annex I",
    "annex_i": "which law of Annex I covers it, if any",
    "art_6_3": "whether an exception of Art. 6(3) is relied on",
    "art_5": "whether a practice of Art. 5(1) is part of it",
    "profiling": "whether persons are profiled",
    "safety_component": "whether it is the product or its safety component",
    "third_party_assessment": "whether a third party assesses the product",
    "in_scope": "whether it is an AI system within the scope of the Act",
    "in_scope_reasons": "why the Act does not speak of it",
    "placed_on_market": "when it came onto the market or into service",
    "gpai": "who provides a general-purpose model, if anybody",
}
_KEY = "|".join(sorted(_TOLD, key=len, reverse=True))
_KEYS = rf"(?:{_KEY})(?:(?:, | and )(?:{_KEY}))*\b"
#: Keys after "does not say", or alone in brackets; the names of roles, which are keys whatever they are called.
_PLACES = re.compile(
    rf"(?<=does not say ){_KEYS}|(?<=does not say )\({_KEYS}\)|(?<=\(){_KEYS}(?=\))| \(roles\.[a-z0-9-]+\)"
)


def in_words(text: str) -> str:
    """``text`` with words in place of keys.

    >>> in_words("open (the card does not say annex_iii and gpai); nobody has said it (roles.deployer-genai).")
    'open (the card does not say the point of Annex III and who provides a general-purpose model, if anybody); nobody \
has said it.'
    >>> in_words("Whether a practice is at hand: the card does not say (art_5). A hint on profiling.")
    'Whether a practice is at hand: the card does not say whether a practice of Art. 5(1) is part of it. A hint on \
profiling.'
    """
    return _PLACES.sub(lambda found: _words(found[0]), text)


def called(key: str) -> str:
    """What a key of the card asks, in words.

    >>> called("art_6_3"), called("intended_users")
    ('whether an exception of Art. 6(3) is relied on', 'intended users')
    """
    return _TOLD.get(key) or key.rpartition(".")[2].replace("_", " ").replace("-", " ")


def _words(found: str) -> str:
    return "" if found.startswith(" (roles.") else re.sub(_KEY, lambda key: _TOLD[key[0]], found.strip("()"))
