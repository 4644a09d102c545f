"""explain.surrogate: does a model that people can read say what the system says, and in every group?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability, Floats, Response
from probandum.finding import SubReason
from probandum.probe import Ask, Measure, probe
from probandum.subject import NUMERIC, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import decisions, once
from probandum_probes.bias.proxy_carrying import unexplained
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import pairs_of
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import values_of
from probandum_probes.explain.simple.surrogate_controls import linear_system, random_system
from probandum_probes.explain.simple.surrogate_fidelity import Compared
from probandum_probes.explain.simple.surrogate_measures import AGREEMENT, FIT, GAP, fidelity, unsaid
from probandum_probes.explain.simple.surrogate_models import FOLDS, encoded, folds, held_out, readable
from probandum_probes.explain.worlds import class_scores

_WHERE = "suites.explain.surrogate"
#: A tree of so many steps has a thousand leaves.
DEEPEST = 10


@probe(
    "explain.surrogate",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "gdpr:15:1:h"],
    needs=Capability.PREDICT,
    metrics={
        FIT: "score",
        AGREEMENT: "score",
        "group-r-squared": "score",
        GAP: "score difference",
    },
    facets=("surrogate",),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("r-squared", "kappa", "r-squared-difference"),
)
class Surrogate:
    """Whether a model that people can read, a sum over features or a small tree, says what the system says.

    ``r-squared`` = 1 - SSE / SST of the system's log-odds of the positive class, as a surrogate foretells them of rows
    that it has not seen (five folds): 1 is a perfect fit, 0 that of the mean, and it may be negative. ``kappa``:
    Cohen's kappa of the surrogate's decisions and the system's, 0 by chance. ``surrogate``: ``linear``, least squares
    over numbers and over the values of texts (the 50 most frequent), and ``tree``, a regression tree of ``depth`` steps
    with five rows in a leaf at least. It is fitted to what the system says, never to what came true.

    ``group-r-squared``: the same within each group, about the group's own mean; ``r-squared-difference``: that of a
    group less that of its reference. A surrogate that fits one group worse misleads about it (Balagopalan et al. 2022;
    Dai et al. 2022). How LIME's local lines fit in each group is measured by ``explain.faithfulness``.

    Intervals are a bootstrap over rows, or persons, with the surrogates as they are. A verdict needs 500 of them; a
    difference also 100 in each group, and kappa 5 decided either way. Where the lower bound of ``r-squared`` lies below
    the limit, nobody should show the surrogate as the explanation of the system: that says nothing against the system,
    which may just be no sum and no small tree. ``sample``: so many rows at most, drawn with the plan's seed.
    """

    controls = (
        Examined(name="random target", kind="negative", function=random_system),
        Examined(name="linear system", kind="positive", function=linear_system),
    )

    def __init__(self, *, depth: int = 4, sample: int | None = 20_000) -> None:
        if not 1 <= depth <= DEEPEST:
            raise UsageError(
                f"{_WHERE}.depth: {depth}; expected 1 to {DEEPEST} steps, since nobody reads a deeper tree"
            )
        refuse_sample("explain.surrogate", sample)
        self.depth = depth
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all rows once, fit, and compare."""
        ask = sampled_rows(ask, self.sample)
        subject = ask.subject
        if subject.numeric or NUMERIC in ask.labels:
            yield unsaid(FIT, "the system decides a number; these surrogates foretell log-odds of a class")
            return
        subject, answer = decisions(ask)
        features = features_of(subject)
        if (why := unexplained(subject, answer, features)) is not None:
            yield unsaid(FIT, why)
            return
        scores, cut = _scored(subject, answer)
        standing = subject.weights > 0
        if np.ptp(scores[standing]) == 0:
            why = "every row has the same score: there is nothing to foretell"
            yield unsaid(FIT, why, reason=SubReason.NO_DYNAMIC_RANGE)
            return
        matrix, fold = encoded(subject.table.select(features)), folds(ask, subject)
        pairs = [pair for each in subject.groupings.values() for pair in once(pairs_of(each))]
        kept = values_of(subject, len(subject) * 2 * (2 + len(pairs)))
        for name, fit in readable(self.depth).items():
            said = held_out(fit, matrix, scores, subject.weights, fold)
            compared = Compared(
                system=scores, surrogate=said, cut=cut, weights=subject.weights, persons=subject.persons
            )
            what = f"tree of depth {self.depth}" if name == "tree" else name
            rng = ask.rng("bootstrap", name)
            yield from fidelity(subject, compared, kept, rng, surrogate=name, design=_design(subject, what))


def _scored(subject: Subject, answer: Response) -> tuple[Floats, float]:
    """Log-odds of the positive class, the last where none is declared, and from where on it is detected."""
    decision, threshold, label = subject.decision, 0.5, len(answer.labels) - 1
    if decision is not None:
        threshold = 0.5 if decision.threshold is None else decision.threshold
        label = answer.labels.index(decision.positive) if decision.positive in answer.labels else label
    scores = class_scores(answer.values, np.array(label)).log_odds
    if not 0 < threshold < 1:
        return scores, -math.inf if threshold <= 0 else math.inf
    return scores, math.log(threshold / (1 - threshold))


def _design(subject: Subject, what: str) -> str:
    said = f"{what}, {FOLDS} folds; bootstrap over {'persons' if subject.design else 'rows'}"
    return f"{said}; {design_in_words(subject)}" if subject.design else said
