"""Features that stand in for an attribute: whether they tell it, and how much of the score gap runs through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum.finding import Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import Grouping, Outcomes, Subject
from probandum.units import so_many
from probandum_probes.bias.carried import carriers, features_of
from probandum_probes.bias.counting import SMALLEST_GROUP, decisions, once, refuse_no_groups
from probandum_probes.bias.predicting import CrossFitted
from probandum_probes.bias.proxy_carrying import carrying, selection_of, unexplained
from probandum_probes.bias.proxy_controls import proxy_only, shuffled_attribute
from probandum_probes.bias.proxy_places import Place
from probandum_probes.bias.proxy_telling import Told, telling, told_alone, told_together, untold
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.removal import Removal, without_proxies
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.score_gaps import Explained, explained
from probandum_probes.bias.scored import RowValues, pairs_of, sizes_of
from probandum_probes.bias.weighted import PersonValues, values_of


@probe(
    "bias.proxies",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={
        "attribute-auc": "share",
        "feature-auc": "share",
        "cramers-v": "correlation",
        "distance-correlation": "correlation",
        "association-p": "p-value",
        "selection-difference": "share difference",
        "score-gap": "logit difference",
        "feature-contribution": "logit difference",
        "attribute-share": "share",
        "proxy-share": "share",
        "selection-difference-removed": "share difference",
        "accuracy-removed": "share difference",
    },
    facets=("feature",),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("proxy-share",),
)
class Proxies:
    """Whether features tell an attribute that they do not name, and how much of the gap in scores runs through them.

    (a) Shown, and never a FAIL, since lawful features tell much about people. ``attribute-auc``: how well gradient-
    boosted trees on all features but those that carry the attribute itself tell a group g from its reference h,
    in five held-out folds (mean of their AUCs, DeLong), neutral 0.5; ``feature-auc``: the same of one feature, by the
    group's share in the other folds among rows with its value, or in its bin (20 of a number). ``cramers-v`` of texts,
    ``distance-correlation`` of numbers (500 rows), both from 0 to 1, neutral 0 and biased upwards in small samples
    (bootstrap about the value); ``association-p``: the p-value of 999 permutations of it, adjusted over the features
    after Benjamini and Hochberg.

    (b) ``score-gap``: mean log-odds of the favourable decision in g less those in h, over ``inputs`` explained rows of
    each group; ``feature-contribution``: what a feature adds to it, the difference of its mean interventional Shapley
    values over 30 rows; these add up to the gap. ``proxy-share`` = the part of the gap that features with an AUC of
    0.6 and more add, ``attribute-share`` the part of those that carry the attribute itself (bootstrap over rows);
    below 0 or above 1 where others pull the other way. ``proxy-share`` alone may be judged, and only where selection
    rates differ: not where they lie within 0.05 of each other (or a fifth of the larger rate), nor where their
    difference or the gap is not told from 0, or the two point in opposite directions, nor under 500 rows, or 30 in
    either group.

    (c) Shown: ``selection-difference-removed`` and ``accuracy-removed``: what the selection difference g - h, beside
    it as ``selection-difference``, and the share of right decisions gain once all proxies are dealt out anew among the
    rows together (``removal: permuted``), or typical in all of them (``typical``); paired.

    Where the plan declares ``weight`` or ``cluster`` of its rows, every figure is of the population and every number
    counts persons: folds, resamples and permutations keep the rows of a person together, intervals are linearised over
    persons (CR2), and rows of more weight stand more often for a value that is not known.

    What carries the attribute itself bears its name, has one value in each group, or is a number whose ranges in the
    groups do not overlap. Without a declared reference each two groups are compared once. Recorded decisions allow (a)
    alone. ``sample``: ask about so many rows only, drawn with the plan's seed. Of more than 20,000 rows of two groups
    so many tell the AUCs.

    Definitions: DeLong, DeLong and Clarke-Pearson 1988; Cramer 1946; Szekely, Rizzo and Bakirov 2007; Lundberg and Lee
    2017.
    """

    controls = (
        Examined(name="shuffled attribute", kind="negative", function=shuffled_attribute),
        Examined(name="decisions by a proxy alone", kind="positive", function=proxy_only),
    )

    def __init__(self, *, inputs: int = 100, removal: Removal = "permuted", sample: int | None = None) -> None:
        refuse_sample("bias.proxies", sample)
        if inputs < 2:
            raise UsageError(f"suites.bias.proxies.inputs: {inputs}; expected at least 2")
        if removal not in ("permuted", "typical"):
            raise UsageError(f"suites.bias.proxies.removal: {removal!r}; expected permuted or typical")
        self.inputs = inputs
        self.removal = removal
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions, then about the rows to be explained, then about rows without their proxies."""
        ask = sampled_rows(ask, self.sample)
        subject, answer = decisions(ask)
        refuse_no_groups(subject)
        features = features_of(subject)
        outcomes = subject.outcomes(answer)
        why_not = unexplained(subject, answer, features)
        known = explained(ask, answer, features, self.inputs) if why_not is None else why_not
        compared = {name: once(pairs_of(grouping)) for name, grouping in subject.groupings.items()}
        kept = values_of(subject, 2 * self.inputs * sum(map(len, compared.values())))
        for name, grouping in subject.groupings.items():
            own = carriers(replace(subject, features=features), grouping) if features else ()
            if not compared[name]:
                only = Groups(attribute=name, group=grouping.names[int(sizes_of(grouping).argmax())])
                why = f"{name} has no two groups to compare"
                yield unsaid("proxy-share", why, only, Verdict.INCONCLUSIVE, n=len(subject))
            for pair in compared[name]:
                place = Place(subject=subject, grouping=grouping, pair=pair, features=features, own=own)
                yield from self._compared(ask, place, outcomes, known, kept)

    def told(
        self, subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask
    ) -> Told:
        """Part (a) of two groups: how well the features ``names`` tell them apart."""
        together = self.together(subject, grouping, pair, names, ask)
        areas, associations = told_alone(subject, grouping, pair, names, ask)
        return Told(together=together, alone=areas, associations=associations)

    def together(
        self, subject: Subject, grouping: Grouping, pair: tuple[int, int], names: tuple[str, ...], ask: Ask
    ) -> CrossFitted:
        """All of them at once."""
        return told_together(subject, grouping, pair, names, ask)

    def _compared(
        self, ask: Ask, place: Place, outcomes: Outcomes, known: Explained | str, kept: RowValues | PersonValues
    ) -> Iterator[Measure]:
        """All three parts of one comparison."""
        sizes, names = place.sizes, [place.grouping.names[side] for side in place.pair]
        smaller = min(sizes)
        if smaller < SMALLEST_GROUP:
            name = names[sizes.index(smaller)]
            why = f"{name} has {so_many(smaller, place.who)}; a verdict needs {SMALLEST_GROUP}"
            reason = SubReason.SMALL_GROUP
            yield unsaid("proxy-share", why, place.where, Verdict.INCONCLUSIVE, n=place.n, reason=reason)
            return
        proxies: tuple[str, ...] = ()
        if place.others:
            told = self.told(ask.subject, place.grouping, place.pair, place.others, ask)
            proxies = told.proxies
            yield from telling(place, told)
        else:
            yield untold(place)
        selection = selection_of(place, outcomes)
        yield Measure(metric="selection-difference", groups=place.where, estimate=selection, mode="disclosure")
        if isinstance(known, str):
            reason = SubReason.NO_CAPABILITY
            yield unsaid("proxy-share", known, place.where, Verdict.NOT_APPLICABLE, n=place.n, reason=reason)
        else:
            yield from carrying(ask, place, outcomes, known, self.inputs, proxies, kept)
        yield from without_proxies(ask, place, outcomes, proxies, self.removal)
