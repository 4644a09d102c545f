"""What one decision rests on, in values: what counted, what would have changed it, how sure that is; and who finds out.

Explainers are the probes package's, so a :class:`Reasoner` registers there, as a publisher does in the reports package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from probandum.errors import MissingDependency
from probandum.probe import Ask

#: How strong a factor is beside the strongest one. A choice of this toolkit: no law says it.
Band = Literal["strong", "medium", "weak"]
#: The share of the strongest factor from which on a factor is strong, or medium.
STRONG, MEDIUM = 0.5, 0.2
#: Repeated calculations, each over rows of its own; the level of their intervals; and in which share of them a factor
#: must point the same way.
RUNS, LEVEL, AGREEMENT = 10, 0.95, 0.95
#: The noise of the five strongest, a share of their size, up to which a ranking is told; the most calculations for it.
MOST_NOISE, MOST_RUNS = 0.1, 60
#: How many factors a person is named: no place is begun behind as many, those that state an attribute apart.
MOST_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A mean over repeated calculations with its interval; low equals high where nothing varies."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that the system was told: ``value`` as the data write it, under its column's ``name``.

    ``attributes``: the attributes whose groups the plan compares and that this column states.
    """

    name: str
    value: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What one column, or one word, did to the answer.

    ``weight``: its Shapley value in log-odds of the decision that was taken, positive toward it. ``agreement``: the
    share of calculations in which its sign is the mean's. ``kept``: sign and rank are stable. ``place``: 1 for what
    counted most; what cannot be told apart in size shares a place; 0 where it is not kept. ``bands``: the weakest and
    the strongest band that its spread allows. ``named``: a person is named it on the first page: it is kept, and more
    than weak or states an attribute. ``idle``: it had no weight in any calculation.
    """

    told: Told
    weight: Spread
    agreement: float
    kept: bool
    place: int
    bands: tuple[Band, Band]
    named: bool = False
    idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What one column was, and what it would have to be; of a text a word by its place, ``after`` empty without it."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Changes under which the model decides otherwise, asked of it once more after they were found.

    ``label``: what it then decides, ``probability`` that of the class that reports show, of a text that of ``label``.
    ``unusual``: the changed row lies further from every row of the data than 95 % of these lie from each other; of
    texts nobody looks at that.
    """

    shifts: tuple[Shift, ...]
    label: str
    probability: float
    unusual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """What becomes of the decision if the column that states an attribute alone is changed.

    ``tried``: the other values that were asked, rising. ``changing``: those with which another decision is taken.
    """

    attribute: str
    name: str
    tried: tuple[str, ...]
    changing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """So many of so many, with a Wilson interval."""

    events: int
    of: int
    share: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Rows with an estimate near this one's, from ``low`` to ``high``: how many turned out as the estimate says."""

    low: float
    high: float
    came_true: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Which answer holds the decision: the digest of the request, the input's place in it, and its probabilities."""

    request: str
    place: int
    probabilities: tuple[float, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """One decision explained.

    ``row`` names the input as the data do. ``label`` is what was decided; ``favourable``: whether that is good for the
    person, None where the plan does not say. ``shown`` is the class whose ``probability`` reports show and that
    ``threshold`` is set on. ``score`` and ``base``: log-odds of ``label`` for this input, and the mean over the rows
    that it is compared with; ``rest``: what all that is not named adds together. ``method``: the explainer, and
    ``kind`` what its numbers are; ``background``: how many rows each of ``runs`` calculations compares with.
    ``noise``: mean standard error over mean size of the five strongest factors; above ``MOST_NOISE`` nothing is kept.
    ``residual``: how far attributions and base miss the score at most, a share of their distance. ``alone``: decisions
    that stay as they are if only what is kept stays and all else is taken from other rows. ``asked``: inputs asked for
    the search of ``alternatives``; ``why_none`` where there is none. ``fixed``: columns that it could not change.
    ``requests``: how many blocks the model was asked, ``evidence`` the digest of their digests. ``recorded``: the
    digest of the recorded answer that the decision equals; None where the record holds none. ``weighted``: other rows
    are drawn by how many persons they stand for.
    """

    row: str
    answer: Answered
    label: str
    favourable: bool | None
    shown: str
    probability: float
    threshold: float | None
    score: float
    base: Spread
    rest: Spread
    factors: tuple[Factor, ...]
    method: str
    kind: str
    runs: int
    background: int
    noise: float
    residual: float
    alone: Counted | None
    alternatives: tuple[Alternative, ...]
    why_none: str | None
    asked: int
    fixed: tuple[str, ...]
    flips: tuple[Flip, ...]
    near: Near | None
    requests: int
    evidence: str
    text: bool = False
    recorded: str | None = None
    weighted: bool = False

    @property
    def kept(self) -> tuple[Factor, ...]:
        """The factors whose sign and rank are stable, the strongest first."""
        return tuple(each for each in self.factors if each.kept)

    @property
    def named(self) -> tuple[Factor, ...]:
        """Those of them that a person is named, the strongest first."""
        return tuple(each for each in self.factors if each.named)

    @property
    def left_out(self) -> tuple[Factor, ...]:
        """Those that had some weight and are not stable."""
        return tuple(each for each in self.factors if not each.kept and not each.idle)

    @property
    def held_back(self) -> bool:
        """Whether another value of a protected attribute alone gives another decision, which a person must look at."""
        return any(each.changing for each in self.flips)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which decision is to be explained, what states an attribute, and what may change in the search for another one.

    ``row``: an id of the data, or a number from 1 as it is typed or printed (``7``, ``row 7``, ``text 7``).
    ``attributes``: those whose groups the plan compares, with the column that states each. ``texts``: the file with one
    text a line, of a text classifier. ``ways``: which columns stay as they are (``fixed``), and which numbers go one
    way alone. ``neutral``: words that the plan lets stand in the place of any word of a text; None where it names none.
    """

    row: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    texts: Path | None = None
    ways: Mapping[str, Literal["fixed", "rises", "falls"]] = field(default_factory=dict)
    neutral: tuple[str, ...] | None = None


class Reasoner(Protocol):
    """Works out what one decision rests on; the probes package registers one."""

    def reasons(self, ask: Ask, wanted: Wanted) -> Reasons:
        """What the decision on ``wanted.row`` rests on; UsageError where there is no such row.

        TargetError where the system cannot be asked about changed inputs.
        """
        ...


@dataclass(slots=True)
class _Registry:
    reasoner: Reasoner | None = field(default=None)


_REGISTRY = _Registry()


def register_reasoner(reasoner: Reasoner) -> None:
    """Make ``reasoner`` the one that explains decisions."""
    _REGISTRY.reasoner = reasoner


def reasoner() -> Reasoner:
    """The registered reasoner; MissingDependency where no probes package is installed."""
    if _REGISTRY.reasoner is None:
        raise MissingDependency("the probes package", needed_for="explaining a decision", extra="all")
    return _REGISTRY.reasoner


def place_of(row: str, names: Sequence[str], *, ids: bool, called: str) -> int | None:
    """Where the row stands that a person calls ``row``, from 0; None where there is none, or several have the name.

    With ``ids`` the names are ids of the data. A number from 1 is a place, unless some id is a number; ``called``:
    the word before it where an explanation names the row.

    >>> place_of("b", ["a", "b"], ids=True, called="row"), place_of("row 1", ["a", "b"], ids=False, called="row")
    (1, 0)
    >>> place_of("1", ["a", "b"], ids=True, called="row"), place_of("1", ["7", "8"], ids=True, called="row")
    (0, None)
    """
    found = [place for place, name in enumerate(names) if name == row] if ids else []
    if found:
        return found[0] if len(found) == 1 else None
    number = row.removeprefix(f"{called} ")
    if not number.isdecimal() or (ids and any(name.isdecimal() for name in names)):
        return None
    place = int(number) - 1
    return place if 0 <= place < len(names) else None
