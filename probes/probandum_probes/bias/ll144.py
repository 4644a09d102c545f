"""The tables of New York City's Local Law 144: rates and impact ratios of an automated employment decision tool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.plan_names import Names
from probandum.probe import Ask, Measure, probe
from probandum.subject import UNKNOWN, Bools, Grouping, Outcomes, Subject
from probandum_probes.bias.counting import decisions, stated
from probandum_probes.bias.ll144_controls import permuted_categories, published_example
from probandum_probes.bias.weighted import refuse_recurring
from probandum_probes.estimates import exactly, from_counts

#: A category under this share of the rows may be left out of the ratios, with a justification.
SMALL_SHARE = 0.02
#: How a tool is reported: by whom it selects, or by whom it scores above the median.
_RATE = {"selection": "selection-rate", "scoring": "scoring-rate"}
_RATIO = {"selection": "selection-impact-ratio", "scoring": "scoring-impact-ratio"}


@probe(
    "bias.ll144",
    version=1,
    requirements=["ai-act:art-10:2:f", "ai-act:annex-iv:2:g", "ai-act:annex-iv:3", "gdpr:35:7:c"],
    needs=Capability.PREDICT,
    metrics={
        "selection-rate": "share",
        "selection-impact-ratio": "ratio",
        "scoring-rate": "share",
        "scoring-impact-ratio": "ratio",
        "not-stated": "share",
        "at-the-median": "share",
    },
    attributes="plan",
    honours=("weight", "cluster"),  # what the rule says of them is said, and no table is made of others
    judged=(),
)
class LocalLaw144:
    """The tables of New York City's Local Law 144: rates and impact ratios by sex, by race or ethnicity, and crossed.

    Reported, not judged: the law sets no pass mark. Per category ``selection-rate`` = favourable / rows, and
    ``scoring-rate`` = rows with a score strictly above the median of all rows, known or not, / rows; who lies at the
    median is not above it, and ``at-the-median`` counts them. ``selection-impact-ratio`` and
    ``scoring-impact-ratio`` = the category's rate / the highest rate of a category, which itself has the ratio 1. The
    intervals (Wilson, Koopman) are ours: the law asks for the values alone. The category with the highest rate is
    known after looking only, which no interval here corrects for.

    ``not-stated``: rows that state no category, counted and in no ratio. Categories under 2 % of the rows may be left
    out of the ratios, with a justification: where ``exclusion`` holds one they are, and it stands beside each of them
    with its share; count and rate are shown all the same. Without one none is left out.

    The rule counts the people who were assessed, each once, and no weights. Where the plan declares ``cluster`` each
    person must have one row, and a person with two is an ERROR, since which decision is theirs is for nobody here to
    say; so is a plan that declares ``weight``, whose table would be one of other people.

    ``sex`` and ``race`` name the attributes of the plan. ``tool``: ``selection``, ``scoring``, or ``both`` where the
    decision rests on a score. The higher a score, the better for the person: where a high score means the unfavourable
    decision it counts from the other end.

    6 RCNY 5-300 and 5-301.
    """

    controls = (
        Examined(name="permuted categories", kind="negative", function=permuted_categories),
        Examined(name="the rule's own example", kind="positive", function=published_example),
    )

    def __init__(
        self,
        *,
        sex: Annotated[str, Names("attribute")] = "sex",
        race: Annotated[str, Names("attribute")] = "race",
        tool: Literal["selection", "scoring", "both"] = "both",
        exclusion: str = "",
    ) -> None:
        if sex == race:
            raise DataError(f"suites.bias.ll144: sex and race are both {sex!r}", remedy="name two attributes")
        self.sex = sex
        self.race = race
        self.tool = tool
        self.exclusion = exclusion

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, and fill the tables; DataError for weights, and for a person with two rows."""
        if ask.subject.weight is not None:
            raise DataError(
                f"the plan declares the weight {ask.subject.weight!r} of the rows, and 6 RCNY 5-301 counts the people "
                "who were assessed: the table of a weighted sample is not the one that it asks for",
                remedy="audit everybody who was assessed, without weight, in a plan of its own",
            )
        refuse_recurring(
            ask.subject,
            what="6 RCNY 5-301 counts each person who was assessed once",
            remedy="keep the row of the decision that counts for each person, in a plan of its own",
        )
        subject, answer = decisions(ask)
        outcomes = subject.outcomes(answer)
        tools = ("selection", "scoring") if self.tool == "both" else (self.tool,)
        if "selection" in tools:
            for grouping in self.groupings(subject):
                yield from self._table("selection", grouping, outcomes.favourable)
        if "scoring" in tools:
            yield from self._scored(subject, outcomes)
        for grouping in self.groupings(subject):
            yield _not_stated(grouping)
        for name in (self.sex, self.race):
            if name not in subject.groupings:
                why = f"the plan declares no groups {name!r}, so that this table and the crossed one are missing"
                where = Groups(attribute=name, group="all")
                yield _absent("selection-impact-ratio", why, where, n=len(subject), unit="ratio")

    def groupings(self, subject: Subject) -> list[Grouping]:
        """Sex, race or ethnicity, and both crossed, as far as they are declared."""
        known = [each for name, each in subject.groupings.items() if name in (self.sex, self.race)]
        return [*known, known[0].cross(known[1])] if len(known) == 2 else known

    def _scored(self, subject: Subject, outcomes: Outcomes) -> Iterator[Measure]:
        """The tables of a tool that scores."""
        score = towards_favour(outcomes)
        if score is None:
            why = "the system's decisions come without scores"
            yield _absent("scoring-rate", why, None, n=len(subject), unit="share")
            return
        median = float(np.median(score))
        for grouping in self.groupings(subject):
            yield from self._table("scoring", grouping, score > median)
        counts = ((int((score == median).sum()), len(score)),)
        yield Measure(metric="at-the-median", estimate=from_counts("wilson", counts), mode="disclosure")

    def _table(self, tool: str, grouping: Grouping, chosen: Bools) -> Iterator[Measure]:
        """One table: the rate of each category, and its ratio to the highest."""
        rows = _rows(grouping, chosen, self.exclusion)
        for row in rows:
            yield Measure(
                metric=_RATE[tool],
                groups=Groups(attribute=grouping.attribute, group=row.name),
                estimate=from_counts("wilson", (row.counts,), design=row.small),
                mode="disclosure",
            )
        kept = [row for row in rows if not row.excluded]
        if not kept:
            return
        highest = max(kept, key=lambda row: (row.rate, row.counts[1]))
        for row in rows:
            where = Groups(attribute=grouping.attribute, group=row.name, reference=highest.name)
            yield _ratio(_RATIO[tool], where, row, highest, self.exclusion)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One category: chosen persons and all, and what is said of it where it is small."""

    name: str
    counts: tuple[int, int]
    small: str | None
    excluded: bool

    @property
    def rate(self) -> float:
        return self.counts[0] / self.counts[1]


def _rows(grouping: Grouping, chosen: Bools, exclusion: str) -> list[_Row]:
    """The categories that somebody states to be in."""
    width, total = len(grouping.names), len(chosen)
    sizes = np.bincount(grouping.codes, minlength=width)
    many = np.bincount(grouping.codes[chosen], minlength=width)
    found = []
    for index in stated(grouping, sizes):
        share = sizes[index] / total
        under = f"{share:.2%} of the rows, under {SMALL_SHARE:.0%}".replace("%", " %") if share < SMALL_SHARE else None
        counts = int(many[index]), int(sizes[index])
        excluded = under is not None and bool(exclusion)
        found.append(_Row(name=grouping.names[index], counts=counts, small=under, excluded=excluded))
    return found


def _ratio(metric: str, where: Groups, row: _Row, highest: _Row, exclusion: str) -> Measure:
    """A category's rate over the highest."""
    n = row.counts[1] + highest.counts[1]
    if row.excluded:
        return _absent(metric, f"left out: {row.small}. Justification: {exclusion}", where, n=n, unit="ratio")
    if highest.counts[0] == 0:
        return _absent(metric, "nobody in any category was chosen, so there is no ratio", where, n=n, unit="ratio")
    if row.name == highest.name:
        alone = row.counts[1]
        design = "the highest rate itself" + (f"; {row.small}" if row.small else "")
        estimate = exactly(1.0, n=alone, unit="ratio", design=design)
    else:
        estimate = from_counts("koopman", (row.counts, highest.counts), unit="ratio", design=row.small)
    return Measure(metric=metric, groups=where, estimate=estimate, mode="disclosure")


def towards_favour(outcomes: Outcomes) -> Floats | None:
    """The scores, turned round where the decision that says "positive" is not the favourable one; None without any.

    DataError where favourable decisions lie neither towards high scores nor towards low ones.
    """
    score = outcomes.score
    if score is None:
        return None
    if np.array_equal(outcomes.favourable, outcomes.detected):
        return score
    if np.array_equal(outcomes.favourable, ~outcomes.detected):
        return -score
    raise DataError(
        "favourable decisions are neither those that say the positive value nor the others",
        remedy="say tool: selection, or declare target.detected",
    )


def _not_stated(grouping: Grouping) -> Measure:
    """How many rows state no category."""
    sizes = np.bincount(grouping.codes, minlength=len(grouping.names))
    total = int(sizes.sum())
    known = int(sizes[stated(grouping, sizes)].sum())
    return Measure(
        metric="not-stated",
        groups=Groups(attribute=grouping.attribute, group=UNKNOWN),
        estimate=from_counts("wilson", ((total - known, total),)),
        mode="disclosure",
    )


def _absent(metric: str, why: str, where: Groups | None, *, n: int, unit: str) -> Measure:
    """A cell of a table that holds no number, with its reason."""
    return Measure(
        metric=metric,
        groups=where,
        estimate=Estimate.missing(why, n=n, unit=unit),
        mode="disclosure",
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=SubReason.NO_DATA,
        why=why,
    )
