"""Selection rates compared among people who are alike in factors that somebody declares legitimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np

from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability
from probandum.finding import Groups, Verdict
from probandum.keywords import Distinct, Needed
from probandum.plan_names import Names, Stratifying
from probandum.probe import Ask, Measure, probe
from probandum.row_items import RowItems
from probandum.subject import Bools, Grouping, Subject
from probandum_probes.bias.adjusted import ADJUSTED, IN_STRATUM, JUDGED, RATIO, Comparison, column_of
from probandum_probes.bias.adjusted_persons import PersonComparison, PersonsWithin
from probandum_probes.bias.adjusted_rows import RowComparison
from probandum_probes.bias.conditional_design import permuted_within, planted_within
from probandum_probes.bias.counting import OUTCOME, cell_of, decisions, refuse_no_groups
from probandum_probes.bias.factors import strata_of
from probandum_probes.bias.rates import unsaid_all
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import RowValues, pairs_of
from probandum_probes.bias.strata import Within
from probandum_probes.bias.weighted import PersonValues, values_of
from probandum_probes.bias.worth import persons_compared

_FACTORS = "name columns, such as given: [education]"
_WHY = "say in a sentence why the factors are legitimate, and no outcome of discrimination themselves"


@probe(
    "bias.conditional-parity",
    version=1,
    requirements=DECISIONS,
    needs=Capability.PREDICT,
    metrics={
        "crude-difference": "share difference",
        ADJUSTED: "share difference",
        "crude-ratio": "ratio",
        RATIO: "ratio",
        "crude-odds-ratio": "ratio",
        "adjusted-odds-ratio": "ratio",
        "breslow-day": "p-value",
        "woolf": "p-value",
        "sign-reversal": "share",
        "compared-share": "share",
        IN_STRATUM: "share difference",
    },
    facets=("stratum",),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("adjusted-difference", "adjusted-ratio", "stratum-difference"),
)
class ConditionalParity:
    """How far selection rates lie apart among people who are alike in factors that somebody declares legitimate.

    ``given`` names the factors: columns of the rows, or attributes that the plan declares; their values are crossed
    to strata, numbers in ``bins`` bins with about as many rows each. An attribute that is a factor itself is compared
    within the others. ``reason`` says in writing why these factors may decide, and has no default: a factor that is
    itself the outcome of discrimination hides what it was meant to explain, and whether it justifies a difference is
    a question of law which no audit answers.

    Of each group g and reference h, crude and adjusted side by side, over the rows of all strata in which both have 10
    rows: ``crude-difference`` (Newcombe) and ``adjusted-difference`` = sum w_s (rate of g - rate of h in s) / sum w_s,
    w_s = n_g n_h / (n_g + n_h) (Miettinen and Nurminen), from -1 to 1, neutral 0; ``crude-ratio`` (Koopman) and
    ``adjusted-ratio``, ``crude-odds-ratio`` and ``adjusted-odds-ratio`` (Mantel-Haenszel; Greenland and Robins 1985;
    Robins, Breslow and Greenland 1986), neutral 1. ``adjusted-difference``, ``adjusted-ratio`` and
    ``stratum-difference``, the difference in one stratum (Newcombe), may be judged; the others are shown.

    ``sign-reversal`` is 1 where crude and adjusted difference point in opposite directions and both 95 % intervals
    exclude 0 (Simpson's paradox), else 0. ``breslow-day`` (with Tarone's correction) and ``woolf``: p-values of the
    hypothesis that one odds ratio fits all strata; where they are small, one adjusted figure stands for strata that
    differ, and ``stratum-difference`` says which. ``compared-share``: how many of the two groups' rows lie in a stratum
    that is compared.

    Where no stratum has both decisions the factors alone decide: a difference of 0 then holds whatever the system does
    to either group, so that it is INCONCLUSIVE(trivial).

    A verdict on an adjusted figure needs 80 % of each group's rows in such strata and, in all of them together or in
    the one that is judged, 30 rows of both groups and 5 favourable and 5 unfavourable decisions expected at the pooled
    rate. Over 200,000 rows in all comparisons together no items are kept, and a limit on a change of an adjusted figure
    needs a sample. ``sample``: ask about so many rows only, drawn with the plan's seed.

    Where the plan declares ``weight``, ``cluster`` or both of its rows, rates are shares of the population, and w_s is
    of weights in place of rows. A score interval, and the variances of Mantel-Haenszel's ratios, are those of
    independent rows: in their place all figures are linearised over persons, CR2 (Pustejovsky and Tipton 2018) with
    Satterthwaite's degrees of freedom, ratios on their logarithm, and w_s counts as estimated. n counts persons, and
    all smallest numbers persons of equal weight (Kish 1965), by weight where they are shares; a verdict also needs 5
    persons of either decision in each group, in strata where decisions differ. ``breslow-day`` and ``woolf`` know
    neither weights nor persons and are left out, saying so.
    """

    controls = (
        Examined(name="groups permuted within strata", kind="negative", function=permuted_within),
        Examined(name="gap planted within strata", kind="positive", function=planted_within),
    )

    def __init__(
        self,
        *,
        given: Annotated[Sequence[Annotated[str, Names("column"), Stratifying()]], Distinct(), Needed(_FACTORS)] = (),
        reason: Annotated[str, Needed(_WHY)] = "",
        bins: int = 4,
        sample: int | None = None,
    ) -> None:
        if bins < 2:
            raise DataError(f"suites.bias.conditional-parity.bins: {bins}", remedy="expected at least 2")
        refuse_sample("bias.conditional-parity", sample)
        self.given = tuple(given)
        self.reason = reason
        self.bins = bins
        self.sample = sample

    def within(self, subject: Subject, grouping: Grouping) -> Grouping | None:
        """The strata in which an attribute's groups are compared; None where it is the only factor."""
        factors = tuple(name for name in self.given if name != grouping.attribute)
        return strata_of(subject, factors, self.bins, what=_GIVEN) if factors else None

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, count in every stratum, and compare."""
        if not self.given:
            raise DataError(f"{_GIVEN}: no factor is declared", remedy=_FACTORS)
        if not self.reason.strip():
            raise DataError(
                "suites.bias.conditional-parity.reason: nobody says why these factors may decide",
                remedy=_WHY,
            )
        subject, answer = decisions(sampled_rows(ask, self.sample))
        refuse_no_groups(subject)
        outcomes = subject.outcomes(answer)
        groupings = list(subject.groupings.values())
        strata = {each.attribute: self.within(subject, each) for each in groupings}
        columns = {column_of(name): each.codes for name, each in strata.items() if each is not None}
        codes = {each.attribute: each.codes for each in groupings}
        rows: RowItems | None = None
        if not subject.design:  # what is counted of rows says nothing of weights and persons
            rows = subject.row_items({OUTCOME: cell_of(outcomes), **codes, **columns})
        figures = (3 if subject.design else 2) * persons_compared(subject, groupings)
        kept = values_of(subject, figures)
        for grouping in groupings:
            for each in _compared(subject, grouping, strata[grouping.attribute], outcomes.favourable, kept):
                yield replace(each, rows=rows)
                rows = None  # one measure carries them for all


_GIVEN = "suites.bias.conditional-parity.given"


def _compared(
    subject: Subject, grouping: Grouping, strata: Grouping | None, favourable: Bools, kept: RowValues | PersonValues
) -> Iterator[Measure]:
    """All comparisons of one attribute."""
    only = Groups(attribute=grouping.attribute, group=grouping.names[int(np.bincount(grouping.codes).argmax())])
    n = len(grouping.codes)
    if strata is None:
        why = f"{grouping.attribute} is the only factor, and within its groups there are no others"
        yield from unsaid_all(JUDGED, why, only, Verdict.NOT_APPLICABLE, n=n)
        return
    pairs = pairs_of(grouping)
    if not pairs:
        why = f"{grouping.attribute} has no two groups to compare"
        yield from unsaid_all(JUDGED, why, only, Verdict.INCONCLUSIVE, n=n)
    for pair in pairs:
        yield from _comparison(subject, grouping, strata, pair, favourable, kept).all()


def _comparison(
    subject: Subject,
    grouping: Grouping,
    strata: Grouping,
    pair: tuple[int, int],
    favourable: Bools,
    kept: RowValues | PersonValues,
) -> Comparison:
    """By counts of rows, or where the plan declares weights or persons by these."""
    if isinstance(kept, RowValues):
        counts = Within.of(grouping, strata, pair, favourable)
        return RowComparison(
            grouping=grouping, strata=strata, pair=pair, counts=counts, favourable=favourable, named=kept
        )
    persons = PersonsWithin.of(subject, grouping, strata, pair, favourable)
    return PersonComparison(
        grouping=grouping,
        strata=strata,
        pair=pair,
        subject=subject,
        counts=persons,
        favourable=favourable,
        named=kept,
    )
