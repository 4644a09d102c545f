"""explain.reliance: how far explanations rest on an attribute or its proxies, and what each feature adds to a gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from probandum.controls import Examined
from probandum.errors import DataError, UsageError
from probandum.evidence import Capability, Floats, Response
from probandum.finding import Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.units import so_many
from probandum_probes.bias.carried import Carriers, features_of, named_carriers
from probandum_probes.bias.counting import SMALLEST_GROUP, decisions, once, refuse_no_groups
from probandum_probes.bias.proxy_carrying import unexplained
from probandum_probes.bias.proxy_places import PROXY, Place
from probandum_probes.bias.proxy_telling import areas_alone
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.score_gaps import Explained, explained
from probandum_probes.bias.scored import pairs_of, sizes_of
from probandum_probes.bias.weighted import values_of
from probandum_probes.explain.explaining import Explainer, known_explainers, make_explainer
from probandum_probes.explain.named_explainers import OneExplainer, Samples
from probandum_probes.explain.reliance.comparison import Comparison
from probandum_probes.explain.reliance.controls import known_weights, noise_column
from probandum_probes.explain.reliance.gap import CONTRIBUTION, ERROR, decomposed
from probandum_probes.explain.reliance.noise import noise_masses
from probandum_probes.explain.reliance.shares import OVER_NOISE, PROTECTED, shares
from probandum_probes.explain.rows import BACKGROUND

_WHERE = "suites.explain.reliance"


@probe(
    "explain.reliance",
    version=1,
    requirements=(*DECISIONS, "ai-act:art-13:3:b:iv", "ai-act:art-86:1"),
    needs=Capability.PREDICT,
    metrics={
        OVER_NOISE: "share difference",
        PROTECTED: "share",
        "noise-mass-share": "share",
        "proxy-mass-share": "share",
        "attribute-flip-rate": "share",
        "score-gap": "logit difference",
        CONTRIBUTION: "logit difference",
        ERROR: "logit",
    },
    facets=("feature",),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("protected-mass-over-noise", "feature-contribution"),
)
class Reliance:
    """How far explanations rest on an attribute or on its proxies, and what each feature adds to the gap in scores.

    ``protected-mass-share``: sum of mean |phi| over the features that carry the attribute itself / the same over all
    features, rows of a group g and its reference h, from 0 to 1 (a ratio of means; bootstrap over rows);
    ``proxy-mass-share``: the same of the features that alone tell g from h with a cross-fitted AUC of 0.6 and more.
    ``noise-mass-share``: the 95th percentile of the share that a column of noise gets: the attribute's own columns
    dealt out anew 199 times, beside all features, with weights learnt from as many outcomes as there are rows, drawn by
    the system's probabilities. ``protected-mass-over-noise``, which may be judged, is the first less the last; where
    it is below 0 although clearly more than one decision in a hundred flips with the attribute, there is no verdict,
    since noise reaches the more the fewer rows there are.

    ``score-gap``: mean log-odds of the favourable decision in g less those in h, by the system's own answers;
    ``feature-contribution``: what a feature adds to it, the difference of its mean interventional Shapley values over
    one background (Welch); ``additivity-error``: what all of them together miss of the gap. Contributions may be judged
    where selection rates of g and h do not lie within 0.05 of each other (or a fifth of the larger rate).

    ``attribute-flip-rate``: decisions that change when the attribute alone is changed (see ``bias.attribute-flip``).
    Attributions of under a hundredth of what such a change moves, though decisions flip, are an ERROR
    (``explanation_contradiction``): explanations can be made to hide an attribute. So is an additivity error beyond
    single precision. A system that hides what it does from changed rows shows in neither.

    The favourable class is explained in every row, whatever was decided on it. ``inputs``: so many rows of each group;
    a verdict needs 200 of both. ``background``: so many rows stand for a value that is not known. ``explainer``: one
    that asks about changed rows and claims that attributions add up; noise of its sampling adds to mean |phi|.
    ``columns``: which features carry an attribute, as in ``bias.attribute-flip``. Correlated features share what is
    said of them as the system uses them, not as the data tie them. Lundberg and Lee 2017; Slack et al. 2020.
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
        inputs: int = 150,
        background: int = BACKGROUND,
        columns: Carriers | None = None,
    ) -> None:
        for name, number in (("inputs", inputs), ("background", background)):
            if number < 2:
                raise UsageError(f"{_WHERE}.{name}: {number}; expected at least 2")
        if not _fits(type(make_explainer(explainer, samples=samples))):
            fitting = [name for name, cls in known_explainers().items() if _fits(cls)]
            raise UsageError(f"{_WHERE}.explainer: {explainer} does not fit", remedy=f"these do: {', '.join(fitting)}")
        for attribute, names in (columns or {}).items():
            if isinstance(names, str) or not names:
                raise DataError(f"{_WHERE}.columns.{attribute}: {names!r}", remedy="expected a list of features")
        self.explainer = explainer
        self.samples = samples
        self.inputs = inputs
        self.background = background
        self.columns = {attribute: tuple(names) for attribute, names in (columns or {}).items()}

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions, about the rows to be explained, and about rows whose attribute is flipped."""
        subject, answer = decisions(ask)
        refuse_no_groups(subject)
        features = features_of(subject)
        if (why := unexplained(subject, answer, features)) is not None:
            reason = SubReason.NO_CAPABILITY
            yield unsaid(OVER_NOISE, why, None, Verdict.NOT_APPLICABLE, n=len(subject), reason=reason)
            return
        named, what = replace(subject, features=features), f"{_WHERE}.columns"
        own = {
            name: named_carriers(named, grouping, self.columns, what=what)
            for name, grouping in subject.groupings.items()
        }
        outcomes, known = subject.outcomes(answer), self.explained(ask, answer, features)
        assert outcomes.score is not None  # the system gives probabilities
        compared = {name: once(pairs_of(grouping)) for name, grouping in subject.groupings.items()}
        kept = values_of(subject, 2 * self.inputs * len(features) * sum(map(len, compared.values())))
        for name, grouping in subject.groupings.items():
            places = [
                Place(subject=subject, grouping=grouping, pair=pair, features=features, own=own[name])
                for pair in compared[name]
            ]
            if not places:
                only = Groups(attribute=name, group=grouping.names[int(sizes_of(grouping).argmax())])
                why = f"{name} has no two groups to compare"
                yield unsaid(OVER_NOISE, why, only, Verdict.INCONCLUSIVE, n=len(subject))
                continue
            noise: Floats = noise_masses(ask, own[name], outcomes.score) if own[name] else np.zeros(1)
            for place in places:
                if (small := _small(place)) is not None:
                    yield small
                    continue
                areas = areas_alone(subject, grouping, place.pair, place.others, ask)
                found = Comparison(
                    place=place,
                    outcomes=outcomes,
                    known=known,
                    inputs=self.inputs,
                    proxies=tuple(feature for feature, area in areas.items() if area.value >= PROXY),
                    kept=kept,
                    how=f"{self.explainer}, a background of {len(known.background)} rows",
                )
                yield from shares(ask, found, noise)
                yield from decomposed(found)

    def explained(self, ask: Ask, answer: Response, features: tuple[str, ...]) -> Explained:
        """Attributions of the rows under audit by the explainer under test."""
        explainer = make_explainer(self.explainer, samples=self.samples)
        return explained(ask, answer, features, self.inputs, explainer=explainer, background=self.background)


def _fits(cls: type[Explainer]) -> bool:
    """Whether attributions of rows add up, and come from answers to changed rows alone."""
    return Capability.PREDICT in cls.explains and cls.complete and cls.masks


def _small(place: Place) -> Measure | None:
    """The measure of two groups of which one is too small to say anything of; None where neither is."""
    sizes = place.sizes
    if min(sizes) >= SMALLEST_GROUP:
        return None
    group = place.grouping.names[place.pair[sizes.index(min(sizes))]]
    why = f"{group} has {so_many(min(sizes), place.who)}; a verdict needs {SMALLEST_GROUP}"
    return unsaid(OVER_NOISE, why, place.where, Verdict.INCONCLUSIVE, n=place.n, reason=SubReason.SMALL_GROUP)
