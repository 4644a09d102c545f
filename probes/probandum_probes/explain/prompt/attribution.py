"""Decision prompts taken apart sentence by sentence: how much of the answer rests on who the person is?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Floats, Items
from probandum.finding import SubReason
from probandum.probe import Ask, Measure, ProbeSpec, probe
from probandum_probes.bias.barring import Bar, judged, shown, too_small, unsaid
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.estimates import from_clusters, from_counts, from_draws, from_moments
from probandum_probes.explain.prompt.answers import Sampling
from probandum_probes.explain.prompt.controls import finds_a_planted_cue, quiet_without_the_placebo
from probandum_probes.explain.prompt.texts import (
    PLACEBO,
    OwnPrompts,
    SegmentedPrompt,
    ShippedPrompts,
    read_prompts,
)
from probandum_probes.explain.prompt.values import (
    EXCHANGES,
    Attributed,
    Attribution,
    attributed,
    by_part,
    exchange_p,
    with_any,
)

#: Fewer prompts are no sample of decisions.
FEWEST = 10
#: From these shares on the system was not asked a question that it answers: of answers in words, and of probability.
MOST_UNPARSED, MOST_INVALID = 0.05, 0.1
#: How many prompts of ours are shown segment by segment.
SHOWN = 3
_UNIT = {Capability.CHOOSE: "logit", Capability.GENERATE: "share"}
_METRIC = {Capability.CHOOSE: "log-odds-attribution", Capability.GENERATE: "probability-attribution"}


@probe(
    "explain.prompt-attribution",
    version=1,
    requirements=(*DECISIONS, "ai-act:art-13:3:b:iv", "ai-act:art-86:1"),
    needs=(Capability.CHOOSE, Capability.GENERATE),
    metrics={
        "attribution-share": "share",
        "leave-one-out-share": "share",
        "share-over-placebo": "share difference",
        "placebo-p-value": "p-value",
        "log-odds-attribution": "logit difference",
        "probability-attribution": "share difference",
        "noise-share": "share",
        "invalid-share": "share",
    },
    facets=["part", "prompt", "segment"],
    judged=(),
)
@dataclass(kw_only=True, eq=False)
class PromptAttribution:
    """How much of a decision rests on each sentence of its prompt, and on name and nationality against a placebo.

    Y is the log-odds of the favourable answer, log p(favourable) - log p(unfavourable) after the scripted start of the
    answer; of a system that only writes it is the share of favourable decisions among K samples of each version.
    Segments are left out; the setting and the question, which say what is decided, never. Of each segment s of d:

    Shapley value phi_s = sum over subsets S without s of |S|! (d - |S| - 1)! / d! (Y(S and s) - Y(S)), exact from all
    2^d versions up to 10 segments, else from 200 permutations in antithetic pairs; and leave one out, Y(x) - Y(x less
    s), which gives nothing to two segments that each suffice. Two segments of which both are needed share evenly.

    ``attribution-share`` of a part of the prompts = mean |phi| of its segments / mean of the sum of |phi|, from 0 to 1,
    a ratio of means since a prompt may have no attribution at all; ``leave-one-out-share`` the same by leaving out.
    ``share-over-placebo`` of each protected part = its share less that of the placebo, a sentence about as long that
    has nothing to do with the case, beside the protected ones by chance; neutral 0. Bootstrap over prompts; fewer than
    10 are INCONCLUSIVE. ``placebo-p-value``: one-sided, that a part carries no more than the placebo, from 9,999 draws
    in which the placebo changes places with the segments of the part. ``log-odds-attribution``
    (``probability-attribution`` of samples): the mean phi of each part, and phi of every segment of the first prompts,
    with the interval that A/A noise and sampling leave it.
    ``noise-share``: the mean |phi| that this noise alone would give, of all. ``invalid-share``: answers without a
    decision, or with less than half of the probability on both; 5 % (10 % of probabilities) are an ERROR. A prompt with
    a version that was not answered at all is left out. Nothing of this gates.

    ``prompts``: a file of your own (``prompts:``, each with id, favourable, unfavourable, question and segments of
    text, part and protected; ``language`` and ``start`` above them). By default the decisions of bias.name-swap in
    ``language`` (en, de), about one name each, whose nationality is said. ``sample``: so many prompts. ``samples``,
    ``tokens``, ``temperature``: of a system that only writes. ``segments_of``: how many prompts are shown segment by
    segment: 3, and none of a file of your own unless you say so, since their texts stay in the findings when questions
    are deleted.

    Shapley 1953; Lundberg and Lee 2017; Mitchell et al. 2022 on antithetic permutations.
    """

    controls: ClassVar = (
        Examined(name="planted cue", kind="positive", function=finds_a_planted_cue),
        Examined(name="a system that never sees the placebo", kind="negative", function=quiet_without_the_placebo),
    )

    spec: ClassVar[ProbeSpec]

    prompts: Path | None = None
    language: str = "en"
    sample: int | None = 20
    samples: int = 5
    tokens: int = 16
    temperature: float | None = None
    segments_of: int | None = None

    def __post_init__(self) -> None:
        refuse_sample(self.spec.id, self.sample)
        if self.samples < 2 or self.tokens < 1:
            raise DataError(
                f"suites.{self.spec.id}: {self.samples} samples of {self.tokens} tokens",
                remedy="expected 2 samples at least, to see noise, of 1 token at least",
            )
        self.source: OwnPrompts | ShippedPrompts
        self.source = ShippedPrompts.of(self.language) if self.prompts is None else read_prompts(self.prompts)
        if len(self.source) < 2:
            raise DataError(f"{self.prompts}: 1 prompt is no sample", remedy="give 2 at least")

    def drawn(self, ask: Ask) -> tuple[SegmentedPrompt, ...]:
        """The prompts that are asked."""
        return self.source.drawn(ask, self.sample)

    def attributed(self, ask: Ask) -> Attributed:
        """Everything asked in one round, and taken apart."""
        kind = Capability.CHOOSE if Capability.CHOOSE in ask.capabilities else Capability.GENERATE
        sampling = Sampling(samples=self.samples, tokens=self.tokens, temperature=self.temperature)
        return attributed(ask, kind, self.drawn(ask), sampling)

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Shares by part, and values by segment."""
        found = self.attributed(ask)
        yield shown("invalid-share", from_counts("clopper-pearson", ((found.lost, found.asked),)))
        parts = _parts(self.drawn(ask))
        protected = [part for part, of in parts.items() if of]
        why = _broken(found)
        if why is not None:
            for part in parts:
                yield unsaid("attribution-share", why, facets={"part": part}, mode="disclosure")
            for part in protected:
                yield unsaid("share-over-placebo", why, facets={"part": part}, mode="disclosure")
            return
        yield from _values(ask, found, list(parts))
        count = self.segments_of if self.segments_of is not None else SHOWN if self.prompts is None else 0
        for each in found.found[:count]:
            yield from _segments(found.kind, each)
        some = with_any(found.found, [each.shapley for each in found.found])
        if len(some) < 2:
            why = f"{len(some)} of {found.prompts} prompts have attributions that are not all 0"
            for part in protected:
                yield unsaid(
                    "share-over-placebo",
                    why,
                    reason=SubReason.NO_DYNAMIC_RANGE,
                    facets={"part": part},
                    mode="disclosure",
                )
            return
        few = too_small(f"{len(found.found)} prompts; {FEWEST} are needed" if len(found.found) < FEWEST else None)
        yield from _shares(ask, found, parts, few)


def _broken(found: Attributed) -> str | None:
    """Why the answers allow no figure; None where they do."""
    most = MOST_INVALID if found.kind is Capability.CHOOSE else MOST_UNPARSED
    if found.lost >= most * found.asked:
        what = "have too little probability on either answer" if found.kind is Capability.CHOOSE else "hold no decision"
        return f"{found.lost} of {found.asked} answers {what}"
    if len(found.found) < 2:
        return f"of {len(found.found)} of {found.prompts} prompts every version was answered"
    return None


def _parts(prompts: Sequence[SegmentedPrompt]) -> dict[str, bool]:
    """The parts in the order of the prompts, the placebo last, and whether each is protected."""
    found: dict[str, bool] = {}
    for prompt in prompts:
        for segment in prompt.segments:
            found[segment.part] = found.get(segment.part, False) or segment.protected
    return {**{part: of for part, of in found.items() if part != PLACEBO}, PLACEBO: False}


def _shares(ask: Ask, found: Attributed, parts: dict[str, bool], few: Bar | None) -> Iterator[Measure]:
    for metric, values in (
        ("attribution-share", [each.shapley for each in found.found]),
        ("leave-one-out-share", [each.left_out for each in found.found]),
    ):
        some = with_any(found.found, values)
        if len(some) < 2:
            continue
        chosen = [found.found[place] for place in some]
        sizes = [np.abs(values[place]) for place in some]
        every = np.array([own.sum() for own in sizes])
        of = {part: by_part(chosen, sizes, part) for part in parts}
        for part, own in of.items():
            yield _ratio(ask, found, chosen, metric, part, own, every, few)
        if metric == "leave-one-out-share":
            continue
        for part in (part for part, protected in parts.items() if protected):
            yield _ratio(ask, found, chosen, "share-over-placebo", part, of[part] - of[PLACEBO], every, few)
            yield _p_value(ask, chosen, sizes, part)
        noise = np.array([np.sqrt(2 / np.pi) * found.found[place].errors.sum() for place in some])
        draws = stats.ratio_of_means_draws(noise, every, rng=ask.rng("bootstrap", "noise-share"))
        estimate = from_draws(
            "bootstrap",
            min(1.0, float(noise.mean() / every.mean())),
            tuple(min(1.0, draw) for draw in draws),
            n=len(chosen),
            unit="share",
            design=_design(found, chosen),
        )
        yield shown("noise-share", estimate)


def _p_value(ask: Ask, chosen: Sequence[Attribution], sizes: Sequence[Floats], part: str) -> Measure:
    """Whether the placebo would carry as little, were it any segment of the part."""
    pools = [
        np.array([size[each.prompt.placebo], *size[each.prompt.places(part)]])
        for each, size in zip(chosen, sizes, strict=True)
    ]
    counts = exchange_p(pools, ask.rng("placebo-p-value", part))
    design = f"one-sided; {EXCHANGES:,} random exchanges, and the observed one; not adjusted for several parts"
    estimate = from_counts("clopper-pearson", (counts,), n=len(chosen), unit="p-value", design=design)
    return shown("placebo-p-value", estimate, facets={"part": part})


def _ratio(
    ask: Ask,
    found: Attributed,
    chosen: Sequence[Attribution],
    metric: str,
    part: str,
    some: Floats,
    every: Floats,
    few: Bar | None,
) -> Measure:
    """A ratio of means over prompts, with its items."""
    estimate = from_draws(
        "bootstrap",
        float(some.mean() / every.mean()),
        stats.ratio_of_means_draws(some, every, rng=ask.rng("bootstrap", metric, part)),
        n=len(chosen),
        unit="share",
        design=_design(found, chosen),
    )
    items = Items(
        keys=tuple(each.prompt.id for each in chosen),
        strata=(part,) * len(chosen),
        values=tuple(some.tolist()),
        unit="share",
        form="ratio",
        weights=tuple(every.tolist()),
    )
    return judged(metric, estimate, few, facets={"part": part}, mode="disclosure", items=items)


def _design(found: Attributed, chosen: Sequence[Attribution]) -> str:
    most = max(each.versions for each in chosen)
    left = found.prompts - len(chosen)
    said = f"bootstrap over {len(chosen)} prompts, {most} versions of each at most"
    return f"{said}; {left} without an attribution or an answer left out" if left else said


def _values(ask: Ask, found: Attributed, parts: Sequence[str]) -> Iterator[Measure]:
    """The mean Shapley value of each part."""
    unit = _UNIT[found.kind]
    for part in parts:
        own = by_part(found.found, [each.shapley for each in found.found], part)
        interval = stats.mean_interval(own)
        estimate = from_clusters(interval, n=len(own), unit=unit, design="cluster=prompt")
        yield shown(_METRIC[found.kind], estimate, facets={"part": part})


def _segments(kind: Capability, found: Attribution) -> Iterator[Measure]:
    """The Shapley value of each segment of one prompt."""
    for place, (segment, value, error) in enumerate(
        zip(found.prompt.segments, found.shapley.tolist(), found.errors.tolist(), strict=True), 1
    ):
        estimate = from_moments(
            "t",
            (value, error, found.df),
            n=found.versions,
            unit=_UNIT[kind],
            design=f"{found.versions} versions of the prompt; noise of asking again",
        )
        facets = {"part": segment.part, "prompt": found.prompt.id, "segment": f"{place}: {segment.text}"}
        yield shown(_METRIC[kind], estimate, facets=facets)
