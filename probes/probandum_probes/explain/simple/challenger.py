"""explain.challenger: what does the system's own complexity buy over a model that people can read?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability, Floats, Response, Table
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import NUMERIC, Bools, Codes, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import decisions
from probandum_probes.bias.predicting import FOLDS, folds
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.estimates import from_counts, from_interval
from probandum_probes.explain.simple.challenger_controls import label_told, same_model
from probandum_probes.explain.simple.challenger_model import challenger

_ID = "explain.challenger"
#: Rows of either label that a comparison needs, and that it needs for a figure to rest on.
FEWEST, ENOUGH = 15, 50
#: Probabilities nearer to 0 or 1 are taken as this: one that was sure and wrong costs 35 nats, and no more.
SUREST = 1e-15
SYSTEM, CHALLENGER = "system", "challenger"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rivals:
    """P(positive) of every row by the system and by the challenger, beside what came true."""

    positive: Bools
    system: Floats
    challenger: Floats
    fold: Codes
    threshold: float
    design: str

    @property
    def n(self) -> int:
        """All rows."""
        return len(self.positive)

    def area(self, scores: Floats) -> stats.Area:
        """The mean of the AUCs of all folds: scores of two folds are of two models."""
        value, influence = 0.0, np.zeros(self.n)
        for number in range(FOLDS):
            held = self.fold == number
            one = stats.area(scores, self.positive & held, ~self.positive & held)
            value += one.value / FOLDS
            influence += one.influence / FOLDS
        return stats.Area(value=value, influence=influence, above=self.positive, below=~self.positive)

    def right(self, scores: Floats) -> Bools:
        """Which rows are decided as they came true."""
        return np.asarray((scores >= self.threshold) == self.positive)

    def loss(self, scores: Floats) -> Floats:
        """-log P of what came true, in nats."""
        truth = np.where(self.positive, scores, 1 - scores)
        found: Floats = -np.log(np.clip(truth, SUREST, 1.0))
        return found


@probe(
    _ID,
    version=1,
    requirements=["ai-act:annex-iv:2:b", "ai-act:annex-iv:3", "ai-act:art-13:3:b:iv"],
    needs=Capability.PREDICT,
    metrics={
        "auc-gain": "share difference",
        "accuracy-gain": "share difference",
        "log-loss-gain": "nat difference",
        "auc": "share",
        "accuracy": "share",
        "log-loss": "nat",
    },
    facets=("model",),
    judged=(),
)
class Challenger:
    """What a system's own complexity buys over a model that people can read, fitted to the same rows and labels.

    The challenger is explainable boosting (Nori et al. 2019), a sum of curves of one feature and of ``interactions``
    pairs at most, the mean of ``bags`` runs, from the library InterpretML. Every row is foretold by one of five that
    have not seen it. Of the system and of the challenger, ``model``: ``auc`` (the mean of the folds), ``accuracy`` at
    the plan's threshold, and ``log-loss``. Gains, paired by row: ``auc-gain`` and ``accuracy-gain`` are the system's
    less the challenger's, ``log-loss-gain`` the challenger's loss less the system's, so that above 0 the system does
    better in all three (DeLong's, Tango's and Student's intervals).

    Reported and never judged: where nothing is bought, people may ask why they cannot have the model that they can
    read. The challenger learns from the rows of the audit alone; the system has learnt from others, often more of them,
    and where it has seen these its figures are too good. A label may itself be biased, and then both foretell that.

    It takes probabilities and a label, and 15 rows of either label; a figure to rest on needs 50 rows. ``sample``: so
    many rows at most, drawn with the plan's seed.
    """

    controls = (
        Examined(name="the challenger against itself", kind="negative", function=same_model),
        Examined(name="a system that is told the label", kind="positive", function=label_told),
    )

    def __init__(self, *, interactions: int = 3, bags: int = 2, sample: int | None = 20_000) -> None:
        for name, number, least in (("interactions", interactions, 0), ("bags", bags, 1)):
            if number < least:
                raise UsageError(f"suites.{_ID}.{name}: {number}; expected at least {least}")
        refuse_sample(_ID, sample)
        self.interactions = interactions
        self.bags = bags
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all rows once, fit the challenger, and compare."""
        rivals = self._rivals(sampled_rows(ask, self.sample))
        if isinstance(rivals, str):
            yield Measure(
                metric="auc-gain",
                estimate=Estimate.missing(rivals, n=len(ask.subject), unit="share"),
                mode="disclosure",
                verdict=Verdict.NOT_APPLICABLE,
                sub_reason=SubReason.NO_CAPABILITY,
                why=rivals,
            )
            return
        yield from _compared(rivals)

    def _rivals(self, ask: Ask) -> _Rivals | str:
        """Both sides, or why there are none."""
        if ask.subject.numeric or NUMERIC in ask.labels:
            return "the system decides a number; the challenger foretells a class"
        subject, answer = decisions(ask)
        found = _probabilities(subject, answer)
        if isinstance(found, str):
            return found
        positive, scores = found
        features = features_of(subject)
        if not features:
            return "no feature is read, so that there is nothing to learn from"
        fold = folds(positive, ask.rng("folds"))
        table: Table = subject.table.select(features)
        said = challenger(
            table,
            positive,
            fold,
            seed=int(ask.rng("challenger").integers(2**31)),
            interactions=self.interactions,
            bags=self.bags,
        )
        threshold = (
            0.5 if subject.decision is None or subject.decision.threshold is None else subject.decision.threshold
        )
        bags = "1 bag" if self.bags == 1 else f"{self.bags} bags"
        design = f"explainable boosting, {self.interactions} pairs at most, {bags}, {FOLDS} folds"
        return _Rivals(positive=positive, system=scores, challenger=said, fold=fold, threshold=threshold, design=design)


def _probabilities(subject: Subject, answer: Response) -> tuple[Bools, Floats] | str:
    """What came true and P(positive) of each row, or why there is none."""
    if subject.decision is None or subject.positive is None:
        return "the plan names no label, so that nothing can be learnt"
    outcomes = subject.outcomes(answer)
    if outcomes.score is None:
        return "the system's decisions come without scores"
    if not (outcomes.score.min() >= 0 and outcomes.score.max() <= 1):
        return "the system's scores are no probabilities"
    fewer = int(min(subject.positive.sum(), (~subject.positive).sum()))
    if fewer < FEWEST:
        return f"{fewer} rows have the rarer label; a comparison needs {FEWEST}"
    return subject.positive, outcomes.score


def _compared(rivals: _Rivals) -> Iterator[Measure]:
    """Three gains, then what they are made of."""
    n, sides = rivals.n, {SYSTEM: rivals.system, CHALLENGER: rivals.challenger}
    areas = {name: rivals.area(scores) for name, scores in sides.items()}
    right = {name: rivals.right(scores) for name, scores in sides.items()}
    losses = {name: rivals.loss(scores) for name, scores in sides.items()}
    ahead = stats.auc_difference_interval(areas[SYSTEM], areas[CHALLENGER])
    better, worse = (int((right[one] & ~right[two]).sum()) for one, two in ((SYSTEM, CHALLENGER), (CHALLENGER, SYSTEM)))
    saved = stats.mean_interval(losses[CHALLENGER] - losses[SYSTEM])
    told = rivals.design
    yield _shown("auc-gain", from_interval(ahead, n=n, unit="share", design=told))
    yield _shown("accuracy-gain", from_counts("tango", ((better, worse), (n, n)), n=n, design=told))
    yield _shown("log-loss-gain", from_interval(saved, n=n, unit="nat", design=told))
    for name in sides:
        yield _shown("auc", from_interval(areas[name].interval(), n=n, unit="share", design=told), model=name)
        hits = from_counts("wilson", [(int(right[name].sum()), n)], design=told)
        yield _shown("accuracy", hits, model=name)
        mean = stats.mean_interval(losses[name])
        yield _shown("log-loss", from_interval(mean, n=n, unit="nat", design=told), model=name)


def _shown(metric: str, estimate: Estimate, **facets: str) -> Measure:
    few = estimate.n < ENOUGH
    return Measure(
        metric=metric,
        estimate=estimate,
        facets=facets,
        mode="disclosure",
        verdict=Verdict.INCONCLUSIVE if few else None,
        sub_reason=SubReason.UNDERPOWERED if few else None,
        why=f"{estimate.n} rows; a figure to rest on needs {ENOUGH}" if few else None,
    )
