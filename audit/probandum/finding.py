"""What an audit says: Estimate, Limit, Verdict, Finding.

A quantity is only ever said as an :class:`Estimate`, which carries its interval, its n and its method and
refuses NaN and infinities; what cannot be said is ``value=None`` with the reason in ``why``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Literal, NamedTuple


class Verdict(StrEnum):
    """What a limit says of an estimate; ``INCONCLUSIVE`` is a verdict of its own and never counts as a pass."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    ERROR = "ERROR"


#: Composition: FAIL > ERROR > INCONCLUSIVE > PASS; NOT_APPLICABLE is the identity.
_RANK = {
    Verdict.NOT_APPLICABLE: 0,
    Verdict.PASS: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.ERROR: 3,
    Verdict.FAIL: 4,
}


def join(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a suite: commutative, associative, idempotent; NOT_APPLICABLE of nothing.

    >>> join([Verdict.PASS, Verdict.INCONCLUSIVE]).value
    'INCONCLUSIVE'
    >>> join([]).value
    'NOT_APPLICABLE'
    """
    return reduce(lambda a, b: a if _RANK[a] >= _RANK[b] else b, verdicts, Verdict.NOT_APPLICABLE)


class SubReason(StrEnum):
    """Why a verdict is not PASS or FAIL, or what is special about it."""

    SMALL_GROUP = "small_group"
    UNDERPOWERED = "underpowered"
    BUDGET = "budget"
    NEAR_THRESHOLD = "near_threshold"
    UNDERDESIGNED = "underdesigned"
    NOT_COMPARABLE = "not_comparable"
    CROWDED = "crowded"
    NO_LIMIT = "no_limit"
    NO_DATA = "no_data"
    NO_CAPABILITY = "no_capability"
    NO_DYNAMIC_RANGE = "no_dynamic_range"
    BAND_UNINFORMATIVE = "band_uninformative"
    CONTROL_FAILED = "control_failed"
    CONTROL_INCONCLUSIVE = "control_inconclusive"
    CRASHED = "crashed"
    INVALID_ANSWERS = "invalid_answers"
    UNANSWERED = "unanswered"
    EXPLANATION_CONTRADICTION = "explanation_contradiction"
    GRADE_D = "grade_d"
    TRIVIAL = "trivial"
    AGAINST_LABELS = "against_labels"
    PROMPT_UNSTABLE = "prompt_unstable"


def notation(numbers: Iterable[float], *, significant: int | None = None) -> str:
    """How numbers that are said together are written, as a format specification: the largest decides for all.

    Three decimals, more for a small number, and powers of ten where it is under 0.0001; or so many
    ``significant`` digits, which suits physical quantities.

    >>> format(0.832, notation([0.832])), format(0.00042, notation([0.00042])), format(8.15e-14, notation([8.15e-14]))
    ('0.832', '0.00042', '8.2e-14')
    >>> format(12.3456, notation([12.3456], significant=3)), format(1234.0, notation([1234.0], significant=3))
    ('12.3', '1,234')
    """
    largest = max((abs(number) for number in numbers), default=0.0)
    place = math.floor(math.log10(largest)) if largest else 0
    if place < -4:
        return f".{(significant or 2) - 1}e"
    if significant is not None:
        return f",.{max(0, significant - 1 - place) if largest else 0}f"
    return f",.{max(3, 1 - place)}f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The outcomes of a sequential probe in the order in which they were drawn, and how they were drawn.

    ``values`` lie within ``span``, in the unit of the estimate; ``binary``: at its two ends only. ``population``
    is the number of items of a finite set from which they were drawn without replacement, None where each was
    drawn anew. The order must be random (a seeded permutation): what is said of the stream rests on it.
    """

    values: tuple[float, ...]
    span: tuple[float, float] = (0.0, 1.0)
    binary: bool = True
    population: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no such draw can give."""
        low, high = self.span
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"span is {self.span}; expected two finite numbers, the lower one first")
        for value in self.values:
            if not low <= value <= high:
                raise ValueError(f"the stream holds {value}; expected values from {low} to {high}")
            if self.binary and low < value < high:
                raise ValueError(f"the binary stream holds {value}; expected {low} or {high} only")
        if not self.values:
            raise ValueError("the stream is empty; expected at least 1 outcome")
        if self.population is not None and self.population < len(self.values):
            raise ValueError(f"population is {self.population}; expected at least the {len(self.values)} drawn")


#: Methods of values without an interval: what was worked out and not estimated; the largest or smallest of several
#: estimates, which is biased by being picked, as is a bootstrap of it; and what rests on a sample, such as a p-value,
#: and of which none is computed.
EXACT, EXTREME, POINT = "exact", "extreme", "point"
POINTS = (EXACT, EXTREME, POINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A quantity with its two-sided interval at ``level``, or None with the reason.

    ``unit`` is one of share, ratio, logit, joule, watt-hour ... (shares of 1, never per cent). ``n`` is the
    number of observations behind the value, ``n_effective`` the number that counts once clusters are
    honoured. ``design`` says in words how they were drawn; clusters are named as ``probandum.sampling`` reads them.
    What a judge needs to give a bound at another level, or a p-value at another limit, is one of
    ``counts`` (pairs of events and trials), ``moments`` (value, standard error, degrees of freedom), ``draws``
    (sorted resampled values) or ``stream`` (ordered outcomes); which one is decided by ``method`` (see
    ``probandum.stats.bounds``). Of a change, ``moved`` counts the items that raised the quantity, that lowered it,
    and all that were compared: exact where answers are deterministic, whatever the interval says of other items.
    Of a difference of two rates that rests on moments, ``rates`` are the group's, the reference's and the pooled one:
    what a PASS may leave between them depends on these.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    n: int
    n_effective: float | None = None
    unit: str
    method: str | None = None
    design: str | None = None
    counts: tuple[tuple[int, int], ...] | None = None
    moments: tuple[float, float, float] | None = None
    draws: tuple[float, ...] | None = None
    stream: Stream | None = None
    moved: tuple[int, int, int] | None = None
    rates: tuple[float, float, float] | None = None
    why: str | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that are none, and a missing value without its reason."""
        numbers = [self.value, self.low, self.high, self.level, self.n_effective]
        numbers += [*(self.moments or ()), *(self.draws or ()), *(self.rates or ())]
        for number in numbers:
            if number is not None and not math.isfinite(number):
                raise ValueError(f"an estimate holds finite numbers only, got {number}")
        if self.n < 0:
            raise ValueError(f"n is {self.n}; expected 0 or more")
        if self.value is None:
            if not self.why:
                raise ValueError("an estimate without a value says why")
        elif self.low is None or self.high is None or self.method is None:
            raise ValueError("an estimate with a value has an interval and a method")
        elif self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")

    @property
    def bounded(self) -> bool:
        """Whether an interval belongs to the value; where none does, ``low`` and ``high`` are the value itself."""
        return self.value is not None and self.method not in POINTS

    def spread(self, how: str) -> str:
        """The interval by a format specification, in brackets behind a blank; '' where none belongs to the value.

        >>> Estimate(value=0.5, low=0.4, high=0.6, n=9, unit="share", method="wilson").spread(".1f")
        ' (0.4 to 0.6)'
        """
        return f" ({self.low:{how}} to {self.high:{how}})" if self.bounded else ""

    @classmethod
    def missing(cls, why: str, *, n: int = 0, unit: str) -> Estimate:
        """An estimate that cannot be given, with the reason a reader will see."""
        return cls(value=None, n=n, unit=unit, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which group is compared; ``reference`` None for a figure of one group alone."""

    attribute: str
    group: str
    reference: str | None = None

    def __str__(self) -> str:
        pair = self.group if self.reference is None else f"{self.group}~{self.reference}"
        return f"{self.attribute}={pair}"


Direction = Literal["at_most", "at_least", "band"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A declared limit: whose it is, since when, and why stands beside its number.

    ``at_most``/``at_least``: the quantity lies on the good side of ``threshold``, widened by ``margin``.
    ``band``: ``|quantity - around| <= threshold (+ margin)``. ``groups`` narrows the limit to some of the
    metric's findings (keys attribute, group, reference, or a facet such as explainer).
    """

    metric: str
    direction: Direction
    threshold: float
    around: float = 0.0
    margin: float = 0.0
    alpha: float | None = None
    source: str = "project"
    citation: str | None = None
    set_by: str | None = None
    set_on: str | None = None
    reason: str | None = None
    line: int | None = None
    family: str = "audit"
    groups: Mapping[str, str] = field(default_factory=dict)

    def fits(self, metric: str, place: Mapping[str, str]) -> bool:
        """Whether it is meant for the quantity ``metric`` with the coordinates ``place``."""
        return self.metric == metric and all(place.get(key) == value for key, value in self.groups.items())

    def edges(self) -> tuple[float | None, float | None]:
        """The lowest and the highest value that is tolerated, margin included; None where there is no such end.

        >>> Limit(metric="p/m", direction="band", threshold=0.25, around=1.0, margin=0.25).edges()
        (0.5, 1.5)
        """
        return _edges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A limit on one estimate, and how it was applied: one-sided bounds at 1 - alpha, p-values before and after Holm.

    ``effective``: what a PASS must stay within. Where the data forbid a verdict the limit covers the estimate and is
    not applied: ``effective``, bounds and p-values are None, and ``hypotheses`` is 0.
    """

    direction: Direction
    threshold: float
    around: float
    margin: float
    effective: float | None
    alpha_fail: float
    alpha_pass: float
    lower: float | None
    upper: float | None
    p_fail: float | None
    p_adjusted: float | None
    hypotheses: int
    family: str
    source: str
    citation: str | None
    set_by: str | None
    set_on: str | None
    reason: str | None
    line: int | None

    def edges(self) -> tuple[float | None, float | None]:
        """The lowest and the highest value that the limit tolerates, as :meth:`Limit.edges`."""
        return _edges(self)

    @property
    def applied(self) -> bool:
        """Whether a number was held against it."""
        return self.effective is not None

    @property
    def broken_alone(self) -> bool:
        """Whether its own test finds it broken, and the correction for the others of its family takes the FAIL away."""
        if self.p_fail is None or self.p_adjusted is None:
            return False
        return self.p_fail < self.alpha_fail <= self.p_adjusted


def _edges(limit: Limit | Judgement) -> tuple[float | None, float | None]:
    if limit.direction == "at_most":
        return None, limit.threshold + limit.margin
    if limit.direction == "at_least":
        return limit.threshold - limit.margin, None
    half = limit.threshold + limit.margin
    return limit.around - half, limit.around + half


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Someone's recorded, dated and bounded acceptance of one finding. ``line``: where it stands in its plan."""

    finding: str
    owner: str
    reason: str
    set_on: str
    expires: str
    worst: float | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One quantity, judged. ``id`` holds no value and no run: waivers, baselines and fingerprints use it.

    ``limit`` is the one that covers it, applied or not. ``n_needed``: about how many observations a verdict at this
    value needs, of the estimate's design with more of all that it samples (clusters, rows and columns).
    """

    id: str
    probe: str
    metric: str
    groups: Groups | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    estimate: Estimate
    limit: Judgement | None = None
    verdict: Verdict
    sub_reason: SubReason | None = None
    why: str | None = None
    detectable: float | None = None
    n_needed: int | None = None
    mode: Literal["gate", "disclosure", "indicator"] = "gate"
    controls: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    waiver: Waiver | None = None

    @property
    def judged(self) -> bool:
        """Whether a limit was applied to its number; one that covers it alone makes no judgement."""
        return self.limit is not None and self.limit.applied


class MetricName(NamedTuple):
    """The parts of a metric's full name; ``change``: its difference from a baseline."""

    probe: str
    metric: str
    change: bool


def parse_metric(name: str) -> MetricName:
    """The parts of ``probe/metric`` or ``probe/metric/change``; ValueError for anything else.

    >>> parse_metric("bias.group-rates/impact-ratio/change")
    MetricName(probe='bias.group-rates', metric='impact-ratio', change=True)
    """
    probe, *rest = name.split("/")
    if not probe or len(rest) not in (1, 2) or not rest[0] or rest[1:] not in ([], ["change"]):
        raise ValueError(f"metric {name!r}: expected probe/metric, such as bias.group-rates/impact-ratio")
    return MetricName(probe=probe, metric=rest[0], change=len(rest) == 2)


_DEMANDS: Mapping[Direction, str] = {"at_most": "at most", "at_least": "at least", "band": "within"}


def limit_words(limit: Limit | Judgement) -> str:
    """A limit as a sentence says it.

    >>> limit_words(Limit(metric="p/m", direction="band", threshold=0.05)), limit_words(
    ...     Limit(metric="p/m", direction="at_least", threshold=0.8)
    ... )
    ('within 0.05 of 0', 'at least 0.8')
    """
    around = f" of {limit.around:g}" if limit.direction == "band" else ""
    return f"{_DEMANDS[limit.direction]} {limit.threshold:g}{around}"


def limit_in_short(limit: Limit | Judgement) -> str:
    """A limit as a table says it: the middle of a band only where it is not 0.

    >>> limit_in_short(Limit(metric="p/m", direction="band", threshold=0.05))
    'within ±0.05'
    """
    sign = "±" if limit.direction == "band" else ""
    around = f" of {limit.around:g}" if limit.around else ""
    return f"{_DEMANDS[limit.direction]} {sign}{limit.threshold:g}{around}"


def finding_id(metric: str, groups: Groups | None, facets: Mapping[str, str]) -> str:
    """The identity of a finding: its metric, then groups and facets as a query.

    >>> finding_id("bias.group-rates/tpr", Groups(attribute="sex", group="F", reference="M"), {})
    'bias.group-rates/tpr?sex=F~M'
    """
    parts = [str(groups)] if groups is not None else []
    parts += [f"{key}={value}" for key, value in sorted(facets.items())]
    return f"{metric}?{'&'.join(parts)}" if parts else metric
