"""Wordings of what is asked: which item stands in which, and the two halves of them that must not contradict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.probe import Ask
from probandum.steadiness import Halves, Varied
from probandum.subject import Bools, Codes

#: Where the item stands in a wording.
TEXT = "{text}"
#: Permutations of the wordings: p-values from 0.001 on; but first so many, and no more where a tenth have as much.
DRAWS, FIRST_DRAWS = 999, 99
#: What the halves of items are called that all stand in one wording.
_ITEMS = ("every other item", "the rest")


def worded(wording: str, text: str) -> str:
    """An item as it is asked.

    >>> worded("Hello. {text} Thank you.", "What is a quince?")
    'Hello. What is a quince? Thank you.'
    """
    return wording.replace(TEXT, text)


def half_of_wordings(ask: Ask, wordings: Sequence[int]) -> Bools | None:
    """Which of these were asked in one half of the wordings, drawn with the plan's seed; None with fewer than two."""
    known = sorted(set(wordings))
    if len(known) < 2:
        return None
    first = ask.rng("wordings").permutation(known)[: len(known) // 2]
    return np.isin(np.array(wordings), first)


def half_of_items(ask: Ask, wordings: Sequence[int]) -> tuple[Bools, tuple[str, str]]:
    """The same with what both halves are called; every other item where all stand in one wording or one in a half."""
    half = half_of_wordings(ask, wordings)
    if half is None or min(half.sum(), (~half).sum()) < 2:
        return np.asarray(np.arange(len(wordings)) % 2 == 0), _ITEMS
    return half, Halves._field_defaults["names"]


def varied(
    ask: Ask, wordings: Sequence[int], values: Floats, without: Callable[[Bools], Estimate], *, what: str = "wording"
) -> Varied | None:
    """The quantity ``without`` each wording, and whether the mean of ``values`` differs by it; None with one wording.

    One value an item, each of which is asked in one wording.
    """
    codes = np.array(wordings)
    if len(set(wordings)) < 2:
        return None
    p = differing(values, np.ones(len(values)), codes, ask.rng("wordings", "permuted"))
    return Varied(what=what, p=p, without=each_left_out(wordings, without))


def each_left_out(wordings: Sequence[int], without: Callable[[Bools], Estimate]) -> dict[str, Estimate]:
    """The quantity over what was not asked in a wording, by the number of that wording from 1 on."""
    codes = np.array(wordings)
    return {str(wording + 1): without(codes != wording) for wording in sorted(set(wordings))}


def differing(
    sums: Floats, weights: Floats, wordings: Codes, rng: np.random.Generator, strata: Codes | None = None
) -> float:
    """The p-value that items differ by wording no more than by chance; each stands in one wording.

    With the mean m_w = sum of sums / sum of weights over the items in wording w, W_w that sum of weights, and m over
    all, the statistic is ``sum W_w (m_w - m)^2``. The wordings are permuted over the items, within ``strata`` where
    there are some; p = (1 + permutations with as much) / (1 + permutations).

    Where that is 0.1 or more after 99 permutations no more are made.

    >>> rng = np.random.default_rng(1)
    >>> differing(np.array([1.0] * 6 + [0.0] * 24), np.ones(30), np.arange(30) // 6, rng)
    0.001
    >>> differing(np.zeros(30), np.ones(30), np.arange(30) // 6, rng)
    1.0
    """
    within = np.zeros(len(sums), dtype=np.int64) if strata is None else strata
    totals, of = (np.bincount(within, weights=each) for each in (sums, weights))
    left = sums - weights * np.divide(totals, of, out=np.zeros(len(of)), where=of > 0)[within]
    known = np.unique(wordings)
    if len(known) < 2 or not np.abs(left).max(initial=0.0) > 1e-12:
        return 1.0
    order = np.argsort(within, kind="stable")
    within, left, heavy, dealt = within[order], left[order], weights[order], wordings[order]
    seen = _between(dealt[None, :], known, left, heavy)[0] * (1 - 1e-9)
    made = as_much = 0
    for draws in (FIRST_DRAWS, DRAWS - FIRST_DRAWS):
        permuted = np.argsort(rng.random((draws, len(left))) + within, axis=1)
        as_much += int((_between(dealt[permuted], known, left, heavy) >= seen).sum())
        made += draws
        if 10 * (1 + as_much) >= 1 + made:
            break
    return (1 + as_much) / (1 + made)


def _between(worlds: Codes, known: Codes, left: Floats, weights: Floats) -> Floats:
    """The statistic in each world, shape (worlds,); ``worlds``: the wording of each item, shape (worlds, items)."""
    found = np.zeros(len(worlds))
    for wording in known:
        inside = (worlds == wording).astype(np.float64)
        weight = inside @ weights
        found += np.divide((inside @ left) ** 2, weight, out=np.zeros(len(worlds)), where=weight > 0)
    return found


def by_wording(wordings: Sequence[int]) -> dict[str, list[int]]:
    """The places of what was asked in each wording, by its number from 1 on; none where there is but one.

    >>> by_wording([0, 2, 0]), by_wording([1, 1])
    ({'1': [0, 2], '3': [1]}, {})
    """
    found: dict[str, list[int]] = {str(wording + 1): [] for wording in sorted(set(wordings))}
    for place, wording in enumerate(wordings):
        found[str(wording + 1)].append(place)
    return found if len(found) > 1 else {}
