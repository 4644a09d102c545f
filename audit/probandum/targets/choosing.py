"""Log-probabilities of answer options from what a server says of tokens.

From the most probable first tokens of an answer, or from the log-probabilities of a prompt that holds the answer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from probandum.targets.dialect import Answer, Top
from probandum.targets.prompting import Unanswerable, disjoint

#: How far an option's log-probability may be open, in nats: what tokens that were not listed could add to it.
OPEN_NATS = 0.1
#: The same where echoed prompts can say it exactly.
OPEN_NATS_BEFORE_ECHO = 0.01
#: The shortest beginning of a word that is taken for its first token.
_LETTERS = 3


class Open(Unanswerable):
    """What was listed does not say how probable an option is."""


def by_first_token(top: Top, options: Sequence[Sequence[str]], *, whole: bool = False) -> list[float]:
    """The log-probability in nats of each option, as that of the first tokens that begin one of its variants.

    The first token of a variant is the longest listed one that begins it; ``whole``: only one that is all of it.
    What is not listed is bounded, not zero: each variant without a listed token may have the probability of the last
    listed one, all of them together what the listed ones leave of 1. Open where that could move an option by
    more than ``OPEN_NATS`` (``whole``: ``OPEN_NATS_BEFORE_ECHO``), or where a token begins two options.

    >>> top = ((" yes", math.log(0.6)), (" no", math.log(0.39)), (" or", math.log(0.001)))
    >>> [round(math.exp(value), 9) for value in by_first_token(top, [[" yes", " Yes"], [" no"]])]
    [0.6, 0.39]
    """
    listed = {token: math.exp(value) for token, value in top}
    outside = max(0.0, 1.0 - sum(listed.values()))
    least = min(listed.values(), default=1.0)
    firsts = [[_first(listed, variant, whole) for variant in variants] for variants in options]
    sets = [{token for token in found if token is not None} for found in firsts]
    for place, tokens in enumerate(sets):
        if shared := tokens.intersection(itertools.chain(*sets[:place], *sets[place + 1 :])):
            raise Open(f"the first token {min(shared)!r} begins more than one option")
    values = []
    for variants, found, tokens in zip(options, firsts, sets, strict=True):
        mass = sum(listed[token] for token in sorted(tokens))
        missing = min(outside, least * sum(token is None for token in found))
        blank = sum(value for token, value in listed.items() if token not in tokens and _could_begin(token, variants))
        if mass == 0 or math.log1p((missing + blank) / mass) > (OPEN_NATS_BEFORE_ECHO if whole else OPEN_NATS):
            raise Open(
                f"the {len(listed)} most probable tokens leave the option {variants[0]!r} open: "
                f"{mass:.2g} of the probability is listed, and up to {missing + blank:.2g} more may be its own"
            )
        values.append(math.log(mass))
    return values


def by_echo(echoed: Sequence[tuple[str, Answer]]) -> float:
    """The log-probability in nats of an option, from one echoed prompt for each of its variants.

    Variants are summed as events that exclude each other: one that continues another is part of it.
    """
    found = dict(echoed_tail(answer, text) for text, answer in echoed)
    values = [found[tokens] for tokens in disjoint(list(found))]
    most = max(values)
    return most + math.log(math.fsum(math.exp(value - most) for value in values))


def echoed_tail(answer: Answer, text: str) -> tuple[tuple[str, ...], float]:
    """The tokens of ``text`` at the end of an echoed prompt, and the sum of their log-probabilities in nats.

    The last token of the answer is the one that was written behind the prompt. Unanswerable where a token reaches
    across the beginning of ``text``.
    """
    end = len(answer.tokens) - (1 if answer.output_tokens is None else answer.output_tokens)
    start, tail = end, ""
    while start > 0 and len(tail) < len(text):
        start -= 1
        tail = answer.tokens[start] + tail
    if tail != text:
        raise Unanswerable(
            f"the answer {text!r} cannot be told from the prompt in tokens; start it with a space, "
            "or end the prompt with one"
        )
    values = [value for value in answer.logprobs[start:end] if value is not None]
    if len(values) < end - start:
        raise Unanswerable(f"the server gives no log-probability of {text!r}")
    return answer.tokens[start:end], math.fsum(values)


def _first(listed: dict[str, float], variant: str, whole: bool) -> str | None:
    """The longest listed token that begins ``variant``, where it tells enough of it."""
    found = [token for token in listed if token and variant.startswith(token)]
    token = max(found, key=len, default=None)
    if token is None or token == variant:
        return token
    ends_word = not variant[len(token)].isalnum() or not token[-1].isalnum()
    tells = token.strip() and (ends_word or sum(map(str.isalnum, token)) >= _LETTERS)
    return token if tells and not whole else None


def _could_begin(token: str, variants: Sequence[str]) -> bool:
    """Whether an answer that begins with ``token`` could become one of ``variants`` in a spelling of several tokens."""
    return token != "" and any(variant.startswith(token) for variant in variants)
