"""How two answers to the same request differ in length, in reading grade and in hedging: shown, never judged."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

from probandum import stats
from probandum.finding import Estimate, Groups
from probandum.probe import Measure
from probandum_probes.bias.paired_means import paired_mean
from probandum_probes.estimates import from_interval, from_moments
from probandum_probes.judging_texts import Lexicon

#: Phrases by which an answer in English takes back some of what it says.
HEDGES = Lexicon(
    [
        "it depends",
        "perhaps",
        "maybe",
        "might",
        "i think",
        "i believe",
        "in general",
        "generally speaking",
        "i'm not sure",
        "i am not sure",
        "it is possible",
        "please note",
        "consult a professional",
        "seek professional advice",
        "as far as i know",
    ],
    name="hedges",
)
_WORD = re.compile(r"\w+(?:['-]\w+)*")
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")


def words(text: str) -> list[str]:
    """The words of a text.

    >>> words("It's well-known, no?")
    ["It's", 'well-known', 'no']
    """
    return _WORD.findall(text)


def grade(text: str) -> float:
    """The automated readability index (Senter and Smith 1967): about the school year that a text in English takes.

    ``4.71 letters / words + 0.5 words / sentences - 21.43``, of a text with at least one word.

    >>> round(grade("The cat sat."), 2)  # 4.71 * 3 + 0.5 * 3 - 21.43
    -5.8
    """
    found = words(text)
    letters = sum(letter.isalnum() for word in found for letter in word)
    sentences = max(1, len(_SENTENCE.findall(text)))
    return 4.71 * letters / len(found) + 0.5 * len(found) / sentences - 21.43


def styles(pairs: Sequence[tuple[str, str]], where: Groups) -> Iterator[Measure]:
    """Length ratio, difference in reading grade, and in the share of hedged answers, over pairs of answers."""
    told = [(first, second) for first, second in pairs if words(first) and words(second)]
    n = len(told)
    if n < 2:
        why = f"{n} requests are answered about both groups"
        for metric, unit in (("length-ratio", "ratio"), ("grade-difference", "grade"), ("hedging-difference", "share")):
            yield _shown(metric, where, Estimate.missing(why, n=n, unit=unit))
        return
    design = "cluster=request"
    logs = stats.mean_interval([math.log(len(words(first)) / len(words(second))) for first, second in told])
    assert logs.standard_error is not None and logs.df is not None
    moments = logs.value, logs.standard_error, logs.df
    yield _shown("length-ratio", where, from_moments("log-t", moments, n=n, unit="ratio", design=design))
    grades = stats.mean_interval([grade(first) - grade(second) for first, second in told])
    yield _shown("grade-difference", where, from_interval(grades, n=n, unit="grade", design=design))
    hedged = [HEDGES.shares([side[place] for side in told]) for place in (0, 1)]
    gaps = np.asarray(hedged[0] - hedged[1]).tolist()
    yield _shown("hedging-difference", where, paired_mean(gaps, step=1.0, n=n, design=design))


def _shown(metric: str, where: Groups, estimate: Estimate) -> Measure:
    return Measure(metric=metric, groups=where, estimate=estimate, mode="disclosure")
