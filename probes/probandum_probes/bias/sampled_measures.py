"""What repeated answers in words say: differences, discordance beyond the noise, and what was lost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from probandum.evidence import Floats, Items
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Measure
from probandum.subject import Bools
from probandum_probes.bias import swap_estimates
from probandum_probes.bias.barring import Mode, judged, shown, unsaid
from probandum_probes.bias.contrasts import crossed_mean, kept_cells
from probandum_probes.bias.swap_design import PLACEBO, key
from probandum_probes.bias.swap_measures import (
    Lost,
    by_part,
    invalid_shares,
    over_cases,
    shares_by_answering,
    too_few,
)
from probandum_probes.bias.talk import NOT_ASKED, REFUSED, UNPARSABLE, Talk
from probandum_probes.estimates import from_clusters, from_moments

#: From this share of answers without a decision on, the system was not asked a question that it answers.
MOST_UNPARSED = 0.05


def compared_talk(ask: Ask, found: Talk, pair: Groups, *, scored: bool, stream: Estimate | None) -> Iterator[Measure]:
    """All that is said of one comparison; placebos are shown and never judged."""
    answers = found.answers
    mode: Mode = "disclosure" if pair.attribute == PLACEBO else "gate"
    metric, unit, values = (
        ("score-difference", "point", found.score) if scored else ("favourable-difference", "share", found.favourable)
    )
    why = _lost(found).untrusted(pair, most=MOST_UNPARSED)
    whole = swap_estimates.compared(answers, values, pair)
    if why is not None or whole.interval is None:
        said = why or "fewer than two scenarios or names were answered"
        wanted: tuple[tuple[str, str, Mode], ...] = (
            (metric, unit, mode),
            ("excess-discordance", "share", mode),
            ("swap-effect", "share", "disclosure"),
        )
        for name, of, how in wanted:
            yield unsaid(name, said, pair, mode=how, unit=of)
        return
    few = too_few(answers, pair, whole) if stream is None else None
    yield judged(
        metric,
        swap_estimates.estimated(whole, answers, unit) if stream is None else stream,
        few,
        pair,
        mode=mode,
        items=swap_estimates.items_of(answers, values, pair, unit) if stream is None else _one_by_one(found, pair),
        halves=swap_estimates.halves_of(answers, values, pair, ask, unit),
    )
    excess, items = discordance(found, pair)
    yield judged("excess-discordance", excess, few, pair, mode=mode, items=items)
    yield shown("swap-effect", _root(excess), pair)
    yield from by_part(metric, unit, values, answers, pair, whole.cases)


def _one_by_one(found: Talk, pair: Groups) -> Items | None:
    """The differences of a stream as items that are no part of any cluster; without a decision is not favourable."""
    slots, attribute = found.attribute.slots, found.attribute
    a, b = (attribute.columns(group)[:slots] for group in (pair.group, str(pair.reference)))
    shares = (found.outcomes == 1).mean(axis=3)
    both = found.asked[:, a] & found.asked[:, b]
    gaps = shares[:, a] - shares[:, b]
    cells = list(zip(*map(np.ndarray.tolist, np.nonzero(both)), strict=True))
    names = attribute.groups[pair.group]
    return Items(
        keys=tuple(f"{key(found.cases[case], names[slot])}/{found.ways[way]}" for case, slot, way in cells),
        strata=(str(pair),) * len(cells),
        values=tuple(float(gaps[cell]) for cell in cells),
        unit="share",
    )


def excess(one: Floats, two: Floats) -> Floats:
    """D(a,b) - (D(a,a) + D(b,b)) / 2 from counts of outcomes in the last axis, over as many answers to each prompt.

    D(a,a) is that of two different answers: 1 - sum p^2, times K / (K - 1).

    >>> two_of_each = np.array([2.0, 2.0])  # D(a,a) = 1/2 * 4/3
    >>> round(float(excess(two_of_each, np.array([4.0, 0.0]))), 4)  # 1/2 - (2/3 + 0) / 2
    0.1667
    """
    apart = 1.0 - (_shares(one) * _shares(two)).sum(axis=-1)
    return np.asarray(apart - (flips(one) + flips(two)) / 2)


def flips(counts: Floats) -> Floats:
    """How often two different answers to one prompt differ, unbiased; 0 of a prompt with one answer or none.

    >>> float(flips(np.array([1.0, 1.0]))), float(flips(np.array([3.0, 0.0])))
    (1.0, 0.0)
    """
    n = counts.sum(axis=-1)
    return np.asarray(np.where(n > 1, (1.0 - (_shares(counts) ** 2).sum(axis=-1)) * n / np.maximum(n - 1, 1), 0.0))


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1))


def discordance(found: Talk, pair: Groups) -> tuple[Estimate, Items | None]:
    """Excess discordance of a pair over the cells in which both were asked, with its items."""
    slots, attribute = found.attribute.slots, found.attribute
    a, b = (attribute.columns(group)[:slots] for group in (pair.group, str(pair.reference)))
    both = found.asked[:, a] & found.asked[:, b]
    values = np.where(both, excess(found.counts(a), found.counts(b)), 0.0)
    number = both.sum(axis=2)
    means = np.divide(values.sum(axis=2), number, out=np.zeros(number.shape), where=number > 0)
    rows, columns = kept_cells(number > 0, number > 0)
    if len(rows) < 2:
        return Estimate.missing("fewer than two scenarios were answered", unit="share"), None
    used = np.ix_(rows, columns)
    valid = number[used] > 0
    n = int(2 * number[used].sum() * found.outcomes.shape[3])
    design = swap_estimates.design_of(found.answers)
    estimate = from_clusters(crossed_mean(means[used], valid), n=n, unit="share", design=design)
    groups = attribute.groups[pair.group], attribute.groups[str(pair.reference)]
    cells = [(int(row), int(column)) for row in rows for column in columns if number[row, column]]
    return estimate, Items(
        keys=tuple(f"{key(found.cases[r], groups[0][c])} ~ {groups[1][c].label}" for r, c in cells),
        strata=(str(pair),) * len(cells),
        values=tuple(float(means[cell]) for cell in cells),
        unit="share",
        clusters=tuple(found.cases[row].id for row, _ in cells),
    )


def _root(excess: Estimate) -> Estimate:
    """sqrt(max(0, excess)), which for two outcomes is the size of the difference; its error is to first order.

    Its bounds stay within 0 and 1.
    """
    if excess.value is None or excess.moments is None:
        return Estimate.missing(str(excess.why), n=excess.n, unit="share")
    _, error, df = excess.moments
    root = math.sqrt(max(0.0, excess.value))
    slope = 2 * max(root, math.sqrt(error))
    moments = (min(root, 1.0), error / slope if slope else 0.0, df)
    return from_moments("share-t", moments, n=excess.n, n_effective=df + 1, unit="share", design=str(excess.design))


def noise_flip(talks: Sequence[Talk]) -> Measure:
    """How often two answers to one prompt differ, over all prompts; scenarios are the clusters."""
    sums, counts = np.zeros(len(talks[0].cases)), np.zeros(len(talks[0].cases))
    for found in talks:
        flipped = flips(found.counts(slice(None)))
        sums += np.where(found.asked, flipped, 0.0).sum(axis=(1, 2))
        counts += found.asked.sum(axis=(1, 2))
    answers = int(counts.sum()) * talks[0].outcomes.shape[3]
    return shown("noise-flip", over_cases(sums, counts, n=answers, what="asked", share=True))


def varied(found: Talk) -> Iterator[Measure]:
    """Shares of the variance of p; that of repeated answers is what K answers leave in p."""
    answered = found.parsed.sum(axis=3)
    several = answered > 1
    p = found.favourable
    noise = float((p * (1 - p) / np.maximum(answered - 1, 1))[several].mean()) if several.any() else 0.0
    for part, share in swap_estimates.variance_shares(found.answers, noise).items():
        yield shown("variance-share", share, facets={"component": part})


def lost(talks: Sequence[Talk]) -> Iterator[Measure]:
    """Answers without a decision, and those that the system declined to give, by group and by what is answered with."""
    for metric, code in (("unparsable-share", UNPARSABLE), ("refused-share", REFUSED)):
        losses = [_lost(found, code) for found in talks]
        for each in losses:
            yield from invalid_shares(each, metric)
        yield from shares_by_answering(losses, metric)


def _lost(found: Talk, code: int | None = None) -> Lost:
    """Answers without a decision, or those with the outcome ``code`` only."""
    asked: Bools = np.asarray(found.outcomes != NOT_ASKED)
    bad = asked & ~found.parsed if code is None else found.outcomes == code
    return Lost(answers=found.answers, bad=np.asarray(bad), asked=asked)
