"""explain.global: which features a system's answers rest on as a whole, along which lines, and what is no sum."""

from __future__ import annotations

from collections.abc import Iterator

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import NUMERIC
from probandum_probes.explain.explaining import Explainer, known_explainers, make_explainer
from probandum_probes.explain.named_explainers import OneExplainer, Samples
from probandum_probes.explain.quality.base import unable
from probandum_probes.explain.whole.controls import known_weights, noise_column
from probandum_probes.explain.whole.effects import effects
from probandum_probes.explain.whole.importance import attributed, interacting
from probandum_probes.explain.whole.permuting import permuted
from probandum_probes.explain.whole.world import GlobalWorld

_WHERE = "suites.explain.global"
#: Permutations of a column, and the others that an interval over both needs two of.
FEWEST_REPEATS = 30


@probe(
    "explain.global",
    version=1,
    requirements=["ai-act:annex-iv:3", "ai-act:art-13:3:b:iv", "gdpr:13:2:f", "gdpr:14:2:g"],
    needs=Capability.PREDICT,
    metrics={
        "mean-absolute-shap": "logit",
        "mean-shap": "logit",
        "importance-rank": "rank",
        "permutation-importance": "nat",
        "permutation-shift": "logit",
        "conditional-permutation-importance": "nat",
        "conditional-permutation-shift": "logit",
        "accumulated-local-effect": "logit difference",
        "accumulated-rise": "logit difference",
        "partial-dependence": "logit",
        "interaction-share": "score",
        "non-additive-share": "score",
    },
    facets=("feature", "at"),
    judged=(),
)
class GlobalExplanation:
    """Which features a system's answers rest on as a whole, along which lines, and how much of them is no sum.

    All of it explains f, the log-odds of one class in all rows: of the favourable decision where there are two classes.
    ``mean-absolute-shap``: mean |phi| over rows and seeds (noise of sampling adds to it), with a bootstrap over both
    and over parts of the background; ``mean-shap``: mean phi over rows and background. Where attributions over parts do
    not average to the whole, intervals leave its draw out and say so. ``importance-rank``: the place of a feature by
    mean |phi|, only where its interval overlaps with no other; else it is said between which places it lies.

    ``permutation-importance``: by how much the log loss rises where a column is dealt out anew among the rows (Breiman
    2001; needs a label); ``permutation-shift``: mean |f before - f after|, |w| E|x - x'| of a linear system. Intervals
    rest on rows and on ``repeats``. Features go together where their association with another one is over .5
    (Spearman's correlation; of texts epsilon or Cramer's V): then ``conditional-permutation-importance`` and
    ``-shift``, too, the column dealt out within rows that are alike in its two closest partners (numbers by quarters;
    Strobl et al. 2008).

    ``accumulated-local-effect`` (ALE; Apley and Zhu 2020) at the edges of quantile bins of each number, ``at`` a value,
    centred at 0 over the rows, and ``accumulated-rise``, from the lowest edge to the highest. ``partial-dependence``:
    mean f where all rows have the value ``at``, only of features that stand alone, since it builds unlikely rows. No
    value is named that fewer than ten rows reach, of under a hundred rows a tenth.

    ``interaction-share`` of a feature: H squared of Friedman and Popescu 2008, the share of the variance of f that is
    no sum of what the feature does alone and of what all others do; ``non-additive-share``: the share that is no sum
    over features (as Molnar, Casalicchio and Bischl 2019). 0 of an additive system, over 1 where parts cancel out.
    Intervals of both are over rows, with the background as drawn.

    Reported and never judged: what a system rests on is for people to weigh, and ``explain.reliance`` judges protected
    features. ``inputs``: explained rows, over a background of 100; ``seeds``: runs of an explainer that draws;
    ``rows``: rows that are permuted and moved. A figure to rest on needs 50 rows. Importance is the system's, not the
    world's.
    """

    controls = (
        Examined(name="column of noise", kind="negative", function=noise_column),
        Examined(name="known weights", kind="positive", function=known_weights),
    )

    def __init__(
        self,
        *,
        explainer: OneExplainer = "shap.permutation",
        samples: Samples = None,
        inputs: int = 100,
        seeds: int = 3,
        rows: int = 300,
        repeats: int = FEWEST_REPEATS,
        bins: int = 6,
    ) -> None:
        least = {"inputs": (inputs, 2), "seeds": (seeds, 2), "rows": (rows, 2), "bins": (bins, 2)}
        for name, (number, fewest) in {**least, "repeats": (repeats, FEWEST_REPEATS)}.items():
            if number < fewest:
                raise UsageError(f"{_WHERE}.{name}: {number}; expected at least {fewest}")
        if not _fits(type(make_explainer(explainer, samples=samples))):
            fitting = [name for name, cls in known_explainers().items() if _fits(cls)]
            raise UsageError(f"{_WHERE}.explainer: {explainer} does not fit", remedy=f"these do: {', '.join(fitting)}")
        self.explainer = explainer
        self.samples = samples
        self.inputs = inputs
        self.seeds = seeds
        self.rows = rows
        self.repeats = repeats
        self.bins = bins

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Attributions, permutations, effects and interactions of all features, each in as few rounds as can be."""
        why = unable(ask) or _numbers(ask)
        if why is not None:
            yield Measure(
                metric="mean-absolute-shap",
                estimate=Estimate.missing(why, unit="logit"),
                mode="disclosure",
                verdict=Verdict.NOT_APPLICABLE,
                sub_reason=SubReason.NO_CAPABILITY,
                why=why,
            )
            return
        world = GlobalWorld.open(ask, inputs=self.inputs, rows=self.rows)
        yield from attributed(world, make_explainer(self.explainer, samples=self.samples), self.seeds)
        yield from interacting(world)
        yield from permuted(world, self.repeats)
        yield from effects(world, self.bins)


def _numbers(ask: Ask) -> str | None:
    """Why a system that decides numbers has no log-odds; None of any other."""
    if ask.subject.numeric or NUMERIC in ask.labels:
        return "the system decides a number; these figures explain the log-odds of a class"
    return None


def _fits(cls: type[Explainer]) -> bool:
    """Whether it gives Shapley values of rows."""
    return Capability.PREDICT in cls.explains and cls.complete
