"""Groups that two or three attributes cross: their rates and gaps, and what small groups can and cannot show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, Verdict
from probandum.plan_names import Crossed
from probandum.probe import Ask, Measure, probe
from probandum.subject import Grouping, Subject
from probandum.units import so_many
from probandum_probes.bias import additive
from probandum_probes.bias.counting import (
    ERRORS,
    SELECTION,
    SMALLEST_EXPECTED,
    SMALLEST_GROUP,
    Cells,
    Rate,
    count,
    crossings,
    decisions,
    stated,
)
from probandum_probes.bias.design_controls import no_gap, planted_gap
from probandum_probes.bias.rates import JUDGED, METRICS, measures_of, unsaid, unsaid_all
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.estimates import exactly, extreme, from_counts, from_draws

#: The ratio of the four-fifths rule, of which a posterior probability is told.
FOUR_FIFTHS = 0.8
#: Quantiles of a posterior that are kept.
_QUANTILES = 399
_PRIOR = "of a posterior whose prior is estimated from these groups, its error included"


@probe(
    "bias.intersections",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={
        **METRICS,
        "shrunk-selection-rate": "share",
        "probability-below-four-fifths": "share",
        "differential-fairness": "nat",
        "lowest-selection-rate": "share",
        "highest-error-rate": "share",
        "groups-too-small": "share",
    },
    facets=("crossing",),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=JUDGED,
)
class Intersections:
    """Shares of favourable decisions and of errors where attributes cross, and how far small groups can be trusted.

    Of every crossing of two attributes (``order: 3``: also of three) the rates, differences and ratios of
    ``bias.group-rates``, with its intervals, its smallest groups and its controls; these alone are judged. Holm's
    correction runs over all of them. With a reference of every attribute groups are compared with where these
    references cross, else in every ordered pair.

    What else is said of a crossing ranks and shows and is never judged, since shrinkage hides small groups that are
    harmed. ``shrunk-selection-rate``: the mean of a posterior beta distribution (beta-binomial empirical Bayes), whose
    prior lies about one common rate, and from 8 groups on about what the attributes say one by one. Its credible
    interval, and the probability below, do not take that prior for known: they are drawn over how much groups may
    differ (a uniform prior on the intraclass correlation) and over the error of what was fitted, and still claim no
    coverage. ``probability-below-four-fifths``: the posterior probability that a group's rate is below 0.8 of the
    reference's, without one of the group's with the highest shrunk rate. ``lowest-selection-rate`` and
    ``highest-error-rate``: the group that the shrunk rates rank last, with its own unshrunk rate and interval; it was
    picked after looking.
    ``differential-fairness``: the largest ``|log p_g - log p_h|`` over groups and both outcomes, in nats, neutral 0,
    with p = (x + 1/2) / (n + 1); a point value, biased upwards in small groups. ``groups-too-small``: the share of
    groups with fewer than 30 rows, or with fewer than 5 favourable or unfavourable decisions expected at the rate of
    all rows.

    Groups in which a row does not state an attribute are shown and left out of all that ranks. Where the plan declares
    ``weight`` or ``cluster`` of its rows, what is judged honours them as ``bias.group-rates`` does, and what ranks is
    not applicable: shrinkage counts rows.
    ``sample``: ask about so many rows only, drawn with the plan's seed.

    Kearns et al. 2018 (why crossings); Foulds et al. 2020 (differential fairness).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_gap),
        Examined(name="planted gap", kind="positive", function=planted_gap),
    )

    def __init__(self, *, order: Annotated[Literal[2, 3], Crossed(2)] = 2, sample: int | None = None) -> None:
        refuse_sample("bias.intersections", sample)
        self.order = order
        self.sample = sample

    def groupings(self, subject: Subject) -> list[Grouping]:
        """The crossings whose groups are compared."""
        return crossings(subject, self.order)

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, cross, count, and compare."""
        subject, answer = decisions(sampled_rows(ask, self.sample))
        crossed = self.groupings(subject)
        if not crossed:
            why = f"the plan declares {so_many(len(subject.groupings), 'attributes')}, and a crossing takes two"
            yield from unsaid_all(JUDGED, why, None, Verdict.NOT_APPLICABLE, n=len(subject))
            return
        outcomes = subject.outcomes(answer)
        yield from measures_of(crossed, subject, outcomes)
        if subject.design:
            why = "shrinkage counts rows of equal weight, one a person, and the plan declares otherwise"
            yield unsaid("shrunk-selection-rate", why, None, Verdict.NOT_APPLICABLE, n=len(subject))
            return
        for grouping in crossed:
            cells = count(grouping, outcomes)
            yield _too_small(grouping, cells)
            known = stated(grouping, cells.sum(axis=1))
            if len(known) < 2 or cells[known].sum() <= len(known):
                continue
            selected = _Ranked(SELECTION, grouping, cells, known)
            yield from selected.shown(ask.rng("posterior", grouping.attribute))
            yield selected.differential()
            yield selected.last("lowest-selection-rate", min)
            if outcomes.positive is not None:
                yield _Ranked(ERRORS, grouping, cells, known).last("highest-error-rate", max)


class _Ranked:
    """One rate of the groups of a crossing that everybody in them states, shrunk."""

    def __init__(self, rate: Rate, grouping: Grouping, cells: Cells, known: list[int]) -> None:
        self.grouping, self.known = grouping, known
        counts = rate.counts(cells)[known]
        self.events, self.trials = counts[:, 0].tolist(), counts[:, 1].tolist()
        self._places = [list(grouping.place(index).values()) for index in known]
        self.posterior = additive.shrunk(self.events, self.trials, self._places)

    def shown(self, rng: np.random.Generator) -> Iterator[Measure]:
        """The shrunk rate of each group, and the probability that it lies below four fifths of another's."""
        rates = self.posterior.rates
        steps = np.arange(1, _QUANTILES + 1) / (_QUANTILES + 1)
        drawn = additive.posterior_draws(self.events, self.trials, self._places, rng)
        quantiles = np.quantile(drawn, steps, axis=0)
        best = self._best()
        for place, index in enumerate(self.known):
            draws = quantiles[:, place].tolist()
            estimate = from_draws("posterior", rates[place], draws, n=self.trials[place], unit="share", design=_PRIOR)
            yield Measure(
                metric="shrunk-selection-rate", groups=self._groups(index), estimate=estimate, mode="indicator"
            )
            if place == best:
                continue
            below = float((drawn[:, place] < FOUR_FIFTHS * drawn[:, best]).mean())
            pair = Groups(
                attribute=self.grouping.attribute,
                group=self.grouping.names[index],
                reference=self.grouping.names[self.known[best]],
            )
            n = self.trials[place] + self.trials[best]
            told = exactly(below, n=n, unit="share", design=_PRIOR)
            yield Measure(metric="probability-below-four-fifths", groups=pair, estimate=told, mode="indicator")

    def differential(self) -> Measure:
        """How far the rates of all groups lie apart, in one number."""
        widest = stats.differential_fairness(self.events, self.trials)
        design = "a largest distance, biased upwards in small groups"
        return Measure(
            metric="differential-fairness",
            facets={"crossing": self.grouping.attribute},
            estimate=extreme(widest, n=sum(self.trials), unit="nat", design=design),
            mode="indicator",
        )

    def last(self, metric: str, worst: Callable[..., float]) -> Measure:
        """The group that shrunk rates rank last, with the rate that was counted in it."""
        rates = self.posterior.rates
        place = rates.index(worst(rates))
        design = f"picked as the last of {len(rates)} groups by shrunk rates, so that chance alone draws it out"
        counts = ((self.events[place], self.trials[place]),)
        return Measure(
            metric=metric,
            groups=self._groups(self.known[place]),
            estimate=from_counts("wilson", counts, design=design),
            mode="indicator",
        )

    def _best(self) -> int:
        """The place of the declared reference, else of the group with the highest shrunk rate."""
        if self.grouping.reference in [self.grouping.names[index] for index in self.known]:
            return self.known.index(self.grouping.names.index(str(self.grouping.reference)))
        return self.posterior.rates.index(max(self.posterior.rates))

    def _groups(self, index: int) -> Groups:
        return Groups(attribute=self.grouping.attribute, group=self.grouping.names[index])


def _too_small(grouping: Grouping, cells: Cells) -> Measure:
    """How many groups of a crossing are too small to be judged."""
    known = stated(grouping, cells.sum(axis=1))
    selected, rows = SELECTION.counts(cells).sum(axis=0).tolist()
    rarer = min(selected, rows - selected) / rows
    sizes = cells[known].sum(axis=1)
    small = int(((sizes < SMALLEST_GROUP) | (sizes * rarer < SMALLEST_EXPECTED)).sum())
    design = f"{small} of {len(known)} groups that somebody is in"
    told = (
        exactly(small / len(known), n=int(sizes.sum()), unit="share", design=design)
        if known
        else Estimate.missing("nobody states all of these attributes", n=rows, unit="share")
    )
    return Measure(metric="groups-too-small", facets={"crossing": grouping.attribute}, estimate=told, mode="disclosure")
