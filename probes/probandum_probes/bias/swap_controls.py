"""Controls of swap probes: a planted effect is found at its size, and names or words that mean nothing stay quiet.

All work on answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist
from typing import Any

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Measure
from probandum_probes.bias.contrasts import contrast
from probandum_probes.bias.swap_answers import Answers
from probandum_probes.bias.swap_design import PLACEBO
from probandum_probes.bias.swap_estimates import compared, left_of_persons

Outcome = tuple[bool | None, str]

#: Logits that the positive control of names plants.
PLANTED_LOGIT = 0.5
#: Share of a term's texts that its positive control gives to the class.
PLANTED_SHARE = 0.1
#: Fewest names, or words, a half.
FEWEST_IN_HALF = 2
_ALPHA_FAIL = 0.05
_FALSE_ALARM = 0.01
_CLOSE = 1e-6


def finds_planted_names(probe: Any, ask: Ask) -> Outcome:
    """Half a logit for one group: the difference moves by just that, and is found where it must be."""
    pair = probe.pairs[0]
    signs = probe.requests(ask).signs

    def planted(request: Request, response: Response) -> Response:
        values = response.outputs
        if response.error is not None or values is None or values.shape != (len(request), 2):
            return response
        mass = np.logaddexp(values[:, 0], values[:, 1])
        odds = values[:, 0] - values[:, 1]
        odds = odds + signs[request.digest] * PLANTED_LOGIT * np.array(
            [group == pair.group for group in request.groups]
        )
        shifted = np.column_stack([mass - np.logaddexp(0.0, -odds), mass - np.logaddexp(0.0, odds)])
        return Response(outputs=shifted, refused=response.refused)

    before = estimate_of(probe.measure(ask), "log-odds-difference", pair)
    after = estimate_of(probe.measure(ChangedAnswers(ask, planted)), "log-odds-difference", pair)
    return found(before, after, planted=PLANTED_LOGIT, hypotheses=4 * len(probe.pairs), unit="logit")


def quiet_within_groups(probe: Any, ask: Ask) -> Outcome:
    """Each group's names, split in two by chance, differ by nothing; nor do two groups of codes that mean nobody."""
    answers = probe.asked(ask).answers
    groups = [(each, group) for each in answers if each.attribute.slots > 1 for group in each.attribute.groups]
    codes = [each for each in answers if each.attribute.name == PLACEBO]
    level = 1 - _FALSE_ALARM / (len(groups) + len(codes) + 1)
    said = []
    for each, group in groups:
        interval = halves_apart(each, group, ask.rng("halves", group), level)
        if interval is None:
            return None, f"too few valid answers about {group} to split its names in two"
        said.append(f"{group} {interval.low:+.3f} to {interval.high:+.3f} logit")
        if not interval.low - _CLOSE <= 0 <= interval.high + _CLOSE:
            return False, f"two random halves of the names of {group} differ: {said[-1]}"
    for each in codes:
        group, reference = each.attribute.groups
        pair = Groups(attribute=PLACEBO, group=group, reference=reference)
        apart = compared(each, each.log_odds, pair, level=level).interval
        if apart is None:
            return None, "too few valid answers about codes in place of names"
        said.append(f"codes {apart.low:+.3f} to {apart.high:+.3f} logit")
        if not apart.low - _CLOSE <= 0 <= apart.high + _CLOSE:
            return False, f"two groups of codes that mean nobody differ: {said[-1]}"
    if not said:
        return None, "there are no names to split, and no codes"
    return True, f"random halves of one group: {'; '.join(said)}"


def halves_apart(answers: Answers, group: str, rng: np.random.Generator, level: float) -> stats.Interval | None:
    """How far two random halves of a group's persons lie apart; None where there are too few.

    Where each person met other cases and ways, Welch's interval of what is left of them less all groups' mean.
    """
    shuffled = rng.permutation(answers.attribute.columns(group))
    half = len(shuffled) // 2
    if answers.attribute.paired:
        left, counts = left_of_persons(answers, group)
        known = rng.permutation(left[counts > 0])
        half = len(known) // 2
        if half < FEWEST_IN_HALF:
            return None
        if np.ptp(known) <= _CLOSE:
            return stats.bounds("exact", level=level, value=0.0)
        return stats.welch_interval(known[:half], known[half:], level=level)
    rows, a, b = stats.kept(answers.sound, shuffled[:half], shuffled[half:])
    if min(len(a), len(b), len(rows)) < FEWEST_IN_HALF:
        return None
    return contrast(answers.over_ways(answers.log_odds)[rows], answers.sound[rows], a, b, level=level)


def finds_planted_term(probe: Any, ask: Ask) -> Outcome:
    """A tenth of what one term lacks to certainty: its shift moves by just that, and is found where it must be.

    The term with the lowest score has the most room.
    """
    before = list(probe.measure(ask))
    scores = {t: estimate_of(before, "score", Groups(attribute="term", group=t.text)) for t in probe.identity}
    known = {term: each.value for term, each in scores.items() if each is not None and each.value is not None}
    if not known:
        return None, "there is no estimate to plant anything in"
    term = min(known, key=lambda term: known[term])
    place = probe.place(ask)

    def planted(request: Request, response: Response) -> Response:
        values = response.outputs
        if response.error is not None or values is None or request.groups[0] != term.text:
            return response
        shifted = values * (1 - PLANTED_SHARE)
        shifted[:, place] += PLANTED_SHARE
        return Response(outputs=shifted, labels=response.labels, refused=response.refused)

    pair = Groups(attribute="term", group=term.text, reference=term.reference)
    return found(
        estimate_of(before, "signed-shift", pair),
        estimate_of(probe.measure(ChangedAnswers(ask, planted)), "signed-shift", pair),
        planted=PLANTED_SHARE * (1 - known[term]),
        hypotheses=3 * len(probe.identity) + 1,
        unit=f"on {term.text!r}",
    )


def quiet_placebos(probe: Any, ask: Ask) -> Outcome:
    """Neutral words, split in two by chance, are scored alike."""
    scores = probe.asked(ask)
    words = [word for term in probe.placebos for word in (term.text, term.reference)]
    half = len(words) // 2
    if scores.broken is not None or half < FEWEST_IN_HALF:
        return None, scores.broken or f"{len(words)} placebos; {2 * FEWEST_IN_HALF} are needed"
    shuffled = [words[place] for place in ask.rng("halves").permutation(len(words))]
    grid = scores.grid({word: scores.values[word] for word in shuffled})
    interval = stats.two_way_interval(grid[:, :half], grid[:, half:], level=1 - _FALSE_ALARM / 2)
    said = f"two random halves of {len(words)} neutral words differ by {interval.low:+.4f} to {interval.high:+.4f}"
    return interval.low - _CLOSE <= 0 <= interval.high + _CLOSE, said


def estimate_of(measures: Iterable[Measure], metric: str, groups: Groups | None) -> Estimate | None:
    """What the probe says of one pair; None where it says nothing."""
    return next((m.estimate for m in measures if m.metric == metric and m.groups == groups and not m.facets), None)


def found(before: Estimate | None, after: Estimate | None, *, planted: float, hypotheses: int, unit: str) -> Outcome:
    """Whether an estimate moved by what was planted, and whether its one-sided bound, moved so, leaves zero.

    It must leave zero where the effect is at least z(5 % over all ``hypotheses``) + z(1 %) standard errors; where
    it is smaller, and was not found, the control cannot tell.
    """
    if before is None or after is None or before.value is None or after.value is None or after.moments is None:
        return None, "there is no estimate to plant anything in"
    moved = after.value - before.value
    _, error, df = after.moments
    said = f"planted {planted:+.3f} {unit}, the estimate moved by {moved:+.3f} (standard error {error:.3f})"
    if abs(moved - planted) > _CLOSE:
        return False, said
    if abs(planted) <= _CLOSE:
        return None, "there is no room for an effect"
    alpha = _ALPHA_FAIL / hypotheses
    side = stats.bounds("t", level=1 - 2 * alpha, moments=(abs(moved), error, df))
    if side.low > 0:
        return True, said
    must = abs(planted) >= (_z(alpha) + _z(0.01)) * error
    return (False if must else None), f"{said}; such an effect is lost in the noise"


def _z(alpha: float) -> float:
    return -NormalDist().inv_cdf(alpha)
