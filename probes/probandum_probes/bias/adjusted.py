"""Crude and adjusted figures of a group and its reference: in all strata together, and in each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from probandum.evidence import Floats, Items
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Grouping
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.rates import unsaid, unsaid_all
from probandum_probes.estimates import exactly, point

ADJUSTED = "adjusted-difference"
IN_STRATUM = "stratum-difference"
RATIO = "adjusted-ratio"
#: What a limit may judge.
JUDGED = (ADJUSTED, RATIO, IN_STRATUM)

Form = Literal["difference", "ratio", "odds-ratio"]
_TRIVIAL = (
    "the factors alone decide: no stratum has both decisions, so that nothing is compared within any; ask whether the "
    "factors may decide at all, or are the decision in other words"
)


def column_of(attribute: str) -> str:
    """The column of row items that holds the strata in which an attribute is compared."""
    return f"strata of {attribute}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(ABC):
    """A group and its reference, in all strata together and in each."""

    grouping: Grouping
    strata: Grouping
    pair: tuple[int, int]

    @property
    @abstractmethod
    def n(self) -> int:
        """Everybody in both groups, compared or not."""

    @property
    @abstractmethod
    def kept(self) -> tuple[int, ...]:
        """The codes of the strata that are compared."""

    @property
    @abstractmethod
    def none(self) -> str:
        """Why there is no such stratum."""

    @property
    @abstractmethod
    def common(self) -> tuple[float, float]:
        """The rates of group and reference over all strata, each by what it weighs."""

    @property
    @abstractmethod
    def share(self) -> tuple[float, str]:
        """How much of both groups is compared at all, and that in words."""

    @abstractmethod
    def small(self) -> str | None:
        """Why no adjusted figure gets a verdict; None where it may."""

    @abstractmethod
    def decided(self) -> bool:
        """Whether every stratum has one decision only, the same for both groups, so that nothing is compared."""

    @abstractmethod
    def crude(self, form: Form) -> Estimate:
        """Over all strata as one; ValueError where there is none."""

    @abstractmethod
    def adjusted(self, form: Form) -> Estimate:
        """Within strata; ValueError where there is none."""

    @abstractmethod
    def influence(self, form: Form) -> Floats:
        """What each row adds to an adjusted figure about its value."""

    @abstractmethod
    def items(self, estimate: Estimate, influence: Floats) -> Items | None:
        """Of an adjusted figure."""

    @abstractmethod
    def tested(self, test: Literal["breslow-day", "woolf"]) -> Estimate:
        """Whether one odds ratio fits all strata; ValueError where nobody can say."""

    @abstractmethod
    def in_stratum(self, place: int) -> Measure:
        """The difference in one of the strata that are compared."""

    def all(self) -> Iterator[Measure]:
        """Every measure of the comparison."""
        yield self._share()
        if not self.kept:
            reason = SubReason.SMALL_GROUP
            yield from unsaid_all(JUDGED, self.none, self.where, Verdict.INCONCLUSIVE, n=self.n, reason=reason)
            return
        crude = self._shown("crude-difference", lambda: self.crude("difference"), unit="share")
        adjusted = self._difference(crude.estimate)
        yield from (crude, adjusted, self._reversal(crude.estimate, adjusted.estimate))
        yield self._shown("crude-ratio", lambda: self.crude("ratio"), unit="ratio")
        yield self._ratio()
        yield self._shown("crude-odds-ratio", lambda: self.crude("odds-ratio"), unit="ratio")
        yield self._shown("adjusted-odds-ratio", lambda: self.adjusted("odds-ratio"), unit="ratio")
        yield self._shown("breslow-day", lambda: self.tested("breslow-day"), unit="p-value")
        yield self._shown("woolf", lambda: self.tested("woolf"), unit="p-value")
        for place in range(len(self.kept)):
            yield self.in_stratum(place)

    @property
    def where(self) -> Groups:
        """The two groups by name."""
        return groups_of(self.grouping, *self.pair)

    @property
    def names(self) -> tuple[str, str]:
        """Those of the group and of its reference."""
        return self.where.group, str(self.where.reference)

    @property
    def within(self) -> str:
        """The strata that are compared, in words."""
        count = len(self.kept)
        return f"within {count} {'stratum' if count == 1 else 'strata'} of {self.strata.attribute}"

    def _shown(self, metric: str, estimate: Callable[[], Estimate], *, unit: str) -> Measure:
        """A figure beside what is judged, or why there is none."""
        try:
            found = estimate()
        except ValueError as error:
            found = Estimate.missing(str(error), n=self.n, unit=unit)
        return Measure(metric=metric, groups=self.where, estimate=found, mode="disclosure")

    def _share(self) -> Measure:
        share, told = self.share
        estimate = exactly(share, n=self.n, unit="share", design=told)
        if not self.n:
            estimate = Estimate.missing("nobody is in these groups", unit="share")
        return Measure(metric="compared-share", groups=self.where, estimate=estimate, mode="disclosure")

    def _judged(self, metric: str, estimate: Estimate, form: Form) -> Measure:
        reason, why = SubReason.SMALL_GROUP, self.small()
        if why is None and self.decided():
            reason, why = SubReason.TRIVIAL, _TRIVIAL
        return Measure(
            metric=metric,
            groups=self.where,
            estimate=estimate,
            verdict=None if why is None else Verdict.INCONCLUSIVE,
            sub_reason=None if why is None else reason,
            why=why,
            items=self.items(estimate, self.influence(form)),
        )

    def _difference(self, crude: Estimate) -> Measure:
        try:
            estimate = self.adjusted("difference")
        except ValueError as error:
            small = self.small()
            reason = SubReason.NO_DYNAMIC_RANGE if small is None else SubReason.SMALL_GROUP
            why = small or str(error)
            return unsaid(ADJUSTED, why, self.where, Verdict.INCONCLUSIVE, n=self.n, reason=reason)
        if crude.value is not None:
            more = str(estimate.design).removeprefix(self.within)
            estimate = replace(estimate, design=f"{self.within}; crude {crude.value:+.3f}{more}")
        return self._judged(ADJUSTED, estimate, "difference")

    def _ratio(self) -> Measure:
        group, reference = self.common
        verdict, reason = Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE
        if reference == 0:
            why = f"nobody in {self.where.reference} was selected"
            verdict, reason = Verdict.NOT_APPLICABLE, SubReason.NO_DATA
        elif group == 0:
            why = f"nobody in {self.where.group} was selected, and a ratio of 0 has no interval here"
        else:
            try:
                estimate = self.adjusted("ratio")
            except ValueError:
                why = "the factors alone decide: no stratum has both decisions, so that the ratio has no interval"
            else:
                return self._judged(RATIO, estimate, "ratio")
        missing = Estimate.missing(f"{why}; {ADJUSTED} says what can be said", n=self.n, unit="ratio")
        return Measure(
            metric=RATIO,
            groups=self.where,
            estimate=missing,
            verdict=verdict,
            sub_reason=reason,
            why=missing.why,
        )

    def _reversal(self, crude: Estimate, adjusted: Estimate) -> Measure:
        """Whether what is true of all rows is the opposite of what is true within the strata."""
        if crude.value is None or adjusted.value is None:
            missing = Estimate.missing("one of the two differences has no number", n=self.n, unit="share")
            return Measure(metric="sign-reversal", groups=self.where, estimate=missing, mode="disclosure")
        reversed_, why = _opposite(crude, adjusted)
        estimate = point(float(reversed_), n=self.n, unit="share", design=self.within)
        return Measure(
            metric="sign-reversal",
            groups=self.where,
            estimate=estimate,
            mode="disclosure",
            verdict=None if why is None else Verdict.NOT_APPLICABLE,
            sub_reason=None if why is None else SubReason.NO_LIMIT,
            why=why,
        )


def _opposite(crude: Estimate, adjusted: Estimate) -> tuple[bool, str | None]:
    """Whether two differences certainly point in opposite directions, and what to say where they do so at all."""
    assert crude.value is not None and adjusted.value is not None
    if crude.value * adjusted.value >= 0:
        return False, None
    said = f"crude {crude.value:+.4f} and adjusted {adjusted.value:+.4f} point in opposite directions"
    if _excludes_0(crude) and _excludes_0(adjusted):
        return True, f"{said}, and no 95 % interval holds 0: what is true of all rows is reversed within the strata"
    return False, f"{said}, and chance may do that: a 95 % interval holds 0"


def _excludes_0(estimate: Estimate) -> bool:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low > 0 or estimate.high < 0
