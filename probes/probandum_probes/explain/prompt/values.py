"""What each segment of a prompt adds to the answer: Shapley values, and what leaving one out takes away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Capability, Floats
from probandum.probe import Ask
from probandum.subject import Bools, Codes
from probandum_probes.explain.explainers.exact import shapley_weights, versions
from probandum_probes.explain.explainers.permutation import steps_of, there_and_back
from probandum_probes.explain.prompt.answers import Sampling, Versions, answered
from probandum_probes.explain.prompt.texts import SegmentedPrompt
from probandum_probes.explain.quality.comparing import cleaned
from probandum_probes.explain.worlds import distinct

#: Up to so many segments all versions are asked; beyond, 200 permutations in antithetic pairs.
MOST_EXACT, PAIRS = 10, 100
#: In the unit of Y: a prompt whose attributions add up to no more has none.
NEGLIGIBLE = 1e-9
#: How often the placebo changes places with segments of a part by chance.
EXCHANGES = 9_999


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """What was found of one prompt, shape (segments,) each, in the unit of Y.

    ``shapley`` and ``left_out``: what each segment adds, averaged over all subsets of the others, and beside all
    others, without what rounding leaves of 0; ``errors`` and ``left_out_errors``: their standard errors, from A/A
    noise and, where permutations were sampled, from these. ``df``: degrees of freedom of ``errors``. ``versions``: how
    many were asked.
    """

    prompt: SegmentedPrompt
    shapley: Floats
    errors: Floats
    left_out: Floats
    left_out_errors: Floats
    df: float
    versions: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Attributed:
    """All prompts whose every version has an answer; ``lost`` of all ``asked`` answers hold no decision."""

    kind: Capability
    found: tuple[Attribution, ...]
    prompts: int
    lost: int
    asked: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """The versions of one prompt: all of them, or along permutations (``ranks``), then each without one segment."""

    kept: Bools
    ranks: Codes | None

    @classmethod
    def of(cls, width: int, rng: np.random.Generator) -> _Plan:
        if width <= MOST_EXACT:
            return cls(kept=versions(width), ranks=None)
        ranks = np.array([rng.permutation(width) for _ in range(PAIRS)])
        along = there_and_back(ranks)
        return cls(kept=np.concatenate([along, ~np.eye(width, dtype=np.bool_)]), ranks=ranks)


def attributed(ask: Ask, kind: Capability, prompts: Sequence[SegmentedPrompt], sampling: Sampling) -> Attributed:
    """Every segment of every prompt, in one round."""
    plans = [_Plan.of(len(prompt), ask.rng("permutations", prompt.id)) for prompt in prompts]
    answers = answered(ask, kind, prompts, [plan.kept for plan in plans], sampling)
    noise_df = float(2 * len(prompts)) if kind is Capability.CHOOSE else None
    found = [
        _exact(prompt, each, noise_df) if plan.ranks is None else _sampled(prompt, each, plan, plan.ranks)
        for prompt, plan, each in zip(prompts, plans, answers, strict=True)
        if each.known.all()
    ]
    return Attributed(
        kind=kind,
        found=tuple(found),
        prompts=len(prompts),
        lost=sum(each.lost for each in answers),
        asked=sum(each.asked for each in answers),
    )


def _exact(prompt: SegmentedPrompt, found: Versions, noise_df: float | None) -> Attribution:
    """From all versions: the variance of a weighted sum of answers that were given one by one."""
    width = len(prompt)
    weights = shapley_weights(width)
    whole = 2**width - 1
    without = whole - 2 ** np.arange(width)
    return Attribution(
        prompt=prompt,
        shapley=cleaned(found.values @ weights),
        errors=np.sqrt(found.variances @ weights**2),
        left_out=cleaned(found.values[whole] - found.values[without]),
        left_out_errors=np.sqrt(found.variances[whole] + found.variances[without]),
        df=noise_df or float(2**width),
        versions=2**width,
    )


def _sampled(prompt: SegmentedPrompt, found: Versions, plan: _Plan, ranks: Codes) -> Attribution:
    """From permutations there and back: pairs differ by the permutation and by A/A noise alike."""
    width = len(prompt)
    along = found.values[:-width]
    pairs = steps_of(along, ranks)
    return Attribution(
        prompt=prompt,
        shapley=cleaned(pairs.mean(axis=0)),
        errors=pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs)),
        left_out=cleaned(along[width] - found.values[-width:]),
        left_out_errors=np.sqrt(found.variances[width] + found.variances[-width:]),
        df=float(len(pairs) - 1),
        versions=len(distinct(plan.kept)[0]),
    )


def by_part(found: Sequence[Attribution], values: Sequence[Floats], part: str) -> Floats:
    """The sum over the segments of a part, prompt by prompt."""
    return np.array([float(own[each.prompt.places(part)].sum()) for each, own in zip(found, values, strict=True)])


def with_any(found: Sequence[Attribution], values: Sequence[Floats]) -> list[int]:
    """Which prompts have attributions that are not all 0."""
    return [place for place, own in enumerate(values) if float(np.abs(own).sum()) > NEGLIGIBLE]


def exchange_p(pools: Sequence[Floats], rng: np.random.Generator) -> tuple[int, int]:
    """One-sided p-value that the first of each pool is no smaller than the others: of chance picks one a pool.

    ``pools``: sizes of the placebo and, behind it, of the segments of a part, one array a prompt. Numerator and
    denominator: 1 + draws whose picks add up to as little as the placebos, of 10,000.

    >>> exchange_p([np.array([0.5, 0.5])], np.random.default_rng(1))
    (10000, 10000)
    """
    observed = sum(float(pool[0]) for pool in pools)
    drawn = sum((pool[rng.integers(len(pool), size=EXCHANGES)] for pool in pools), np.zeros(EXCHANGES))
    return 1 + int((drawn <= observed + NEGLIGIBLE).sum()), EXCHANGES + 1
