"""What a probe is: a class that asks in rounds and turns answers into estimates. It never judges.

    @probe(
        "bias.name-swap",
        version=1,
        requirements=["ai-act:art-10:2:f"],
        needs=Capability.CHOOSE,
        metrics={"log-odds-difference": "logit difference"},
    )
    class NameSwap:
        \"\"\"One sentence that users read.\"\"\"

        controls = (...,)

        def measure(self, ask: Ask) -> Iterator[Measure]: ...

Constructor keywords are the options under ``suites:`` in the audit file. A probe measures what it declares and
nothing else, so that a limit on anything else is found before the system is asked. Metrics whose names depend on
options stand in the attribute ``own_metrics`` of the instance, by unit as in the decorator; so do ``own_facets`` and
the ``own_attributes`` whose groups it compares beside those declared. Options that name columns, features or attributes
of the plan say so in their annotations (``probandum.plan_names.Names``), so that a name that nothing has is found when
the plan is checked.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np

from probandum.errors import DataError, ProbeError, UnknownName
from probandum.evidence import Capability, Items, Reading, Request, Response
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.keywords import check_keywords
from probandum.resources import file_at
from probandum.row_items import Counted, RowItems
from probandum.shapes import Shape, Shapeless
from probandum.siting import Site
from probandum.steadiness import Halves, Varied
from probandum.stopping import Stopper
from probandum.subject import Subject
from probandum.target import refuse_second
from probandum.units import estimated_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One quantity a probe found, before any limit is applied.

    ``metric`` is the part after the probe's name. ``facets`` are other coordinates of the finding, such as
    the explainer. ``sub_reason`` with ``verdict`` says what the data forbid to conclude, whatever the limit
    (a small group is INCONCLUSIVE, a constant model NOT_APPLICABLE, a contradiction ERROR); ``why`` says it
    in words. ``evidence`` are request digests; left empty, the runner fills in all that the probe asked so
    far. ``mode``: only ``gate`` measures are ever judged. ``items`` is what two records are compared by; of rows, one
    measure of the probe carries ``rows`` for all, and ``counted`` says what each of them counts there. ``halves``: the
    same quantity by either half of the ways to ask, a pair for each manner of halving them, and ``varied``: without
    each of them; where these contradict a verdict nothing is concluded (``probandum.steadiness``).
    """

    metric: str
    estimate: Estimate
    groups: Groups | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    mode: Literal["gate", "disclosure", "indicator"] = "gate"
    verdict: Verdict | None = None
    sub_reason: SubReason | None = None
    why: str | None = None
    items: Items | None = None
    rows: RowItems | None = None
    counted: Counted | None = None
    halves: tuple[Halves, ...] = ()
    varied: Varied | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOutcome:
    """Whether a control behaved: ``held`` None means it could not tell, and its probe then cannot PASS."""

    name: str
    kind: Literal["positive", "negative"]
    held: bool | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """All that one probe left in the record: what it measured, whether its controls held, what it took.

    ``status`` not_applicable: the target cannot answer what the probe asks; error: the probe broke. Both say
    ``why``, and neither has measures. ``sub_reason`` budget: the plan's budget ended the asking before the probe was
    done; what it measured all the same holds at any time one stops. ``sub_reason`` unanswered: a server did not answer
    all of it, and the same command asks it again. ``planned``: inputs that it was the first to ask
    for, controls included. ``author``: the package of a third party that it came with, whose words are its summary and
    what its controls say.
    """

    probe: str
    version: int
    status: Literal["measured", "not_applicable", "error"]
    why: str | None = None
    sub_reason: SubReason | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    controls: tuple[ControlOutcome, ...] = ()
    requirements: tuple[str, ...] = ()
    summary: str = ""
    author: str = ""
    planned: int = 0

    def quoted(self, text: str) -> str:
        """Words of the probe: as they stand, or as its author's where it is a third party's.

        >>> ProbeResult(probe="a.b", version=1, status="measured", author="acme").quoted("All is well.")
        '“All is well.”, says the author of the probe acme'
        """
        return f"“{text}”, says the author of the probe {self.author}" if self.author and text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a design can be expected to find of a metric where nothing is amiss, before anything is asked.

    A probe may say it in a method ``expected(metric, groups)``, None where it cannot; ``groups``: to which attribute,
    group, reference or facet a limit is narrowed. ``best``: the value; ``error``: its standard error, with ``df``
    degrees of freedom; ``assuming``: on what published spread that rests.
    """

    best: float
    error: float
    df: float
    assuming: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedShare:
    """How many ``trials`` a share is counted over at most, which a probe may say in ``expected``, too.

    ``what`` they are, such as sentences.
    """

    trials: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLittle:
    """``why`` there is too little for any verdict on a metric, which a probe may say in ``expected``, too."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One metered stretch of work: its reading, and what was done in it."""

    reading: Reading
    requests: int
    input_tokens: int | None
    output_tokens: int | None


class Ask(Protocol):
    """How a probe reaches the audited system. Calling it with a round answers every request, in order.

    The runner behind it removes duplicates (never of ``fresh`` requests), packs, retries, records, resumes
    and meters. Rounds should be as large as they can be.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the target can answer."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The target's class names, in the order of its answers' columns."""
        ...

    @property
    def remote(self) -> bool:
        """Whether the system computes elsewhere, so that windows have its time and no joules."""
        ...

    @property
    def weights_here(self) -> bool:
        """Whether the weights of the system's model are on this machine, so that it surely computes here."""
        ...

    @property
    def site(self) -> Site:
        """What turns joules of the machine into emissions, as far as the plan declares it."""
        ...

    @property
    def subject(self) -> Subject:
        """The rows under audit; DataError where the plan names no data."""
        ...

    @property
    def metered(self) -> bool:
        """Whether windows have joules, so that they are worth being long."""
        ...

    @property
    def shape(self) -> Shape | Shapeless:
        """What one pass of the system's model multiplies, or why that is not known."""
        ...

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """Answers to a whole round, in its order."""
        ...

    def rng(self, *names: str) -> np.random.Generator:
        """A generator seeded by the plan's seed, the probe and ``names``: the same in every run."""
        ...

    def window(
        self,
        requests: Sequence[Request],
        *,
        repeats: int,
        seconds: float,
        warm_up: int,
        against: Sequence[Request] = (),
    ) -> Iterator[Window]:
        """``repeats`` metered windows of at least ``seconds`` each over fresh asks of ``requests``.

        ``against``: other work, whose windows alternate with these, so that what drifts meets both alike; then twice
        as many come, by turns.
        """
        ...

    def rest(self) -> Sequence[Window]:
        """Metered windows with the system loaded and nothing asked, in the order of time; none where no meter reads."""
        ...

    def stopper(self, metric: str, *, place: Mapping[str, str] | None = None, quantities: int = 1) -> Stopper:
        """The plan's limit on ``metric`` as a rule for when to stop asking.

        ``place``: the coordinates of the finding, such as attribute, group and reference. ``quantities``: how many
        streams of the metric the probe measures, since a FAIL is corrected over all of them.
        """
        ...


class Control(Protocol):
    """A check that the probe sees an effect that is there (positive) or none that is not (negative)."""

    @property
    def name(self) -> str:
        """A short name that reports print."""
        ...

    @property
    def kind(self) -> Literal["positive", "negative"]:
        """Which of the two it is."""
        ...

    def run(self, probe: Probe, ask: Ask) -> ControlOutcome:
        """Run ``probe`` on a changed world and say whether it saw what it must see."""
        ...


class Probe(Protocol):
    """What ``@probe`` asks of a class."""

    spec: ClassVar[ProbeSpec]
    controls: ClassVar[tuple[Control, ...]]

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask, and yield estimates."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """What is known of a probe without running it.

    ``metrics``: all that it can measure, by unit (see ``probandum.units``). ``facets``: coordinates of its findings
    beside the groups. ``attributes``: whose groups it compares, ``"plan"`` for those under the plan's ``groups:`` and
    their crossings, names for attributes of its own, None where only a run can tell. ``honours``: which of weight and
    cluster, where the plan declares them of its rows, the probe takes into account; it gets no rows with another.
    ``judged``: those of the metrics that a limit may be set on, None where on all; the others are only shown.
    ``followed``: those of which a change may be judged, since what they are made of is kept; None where of all.
    ``meters``: whether it asks for energy windows, so that the parts are metered at rest before the system is loaded.
    """

    id: str
    version: int
    summary: str
    requirements: tuple[str, ...]
    needs: frozenset[Capability]
    metrics: Mapping[str, str]
    facets: tuple[str, ...] = ()
    attributes: Literal["plan"] | tuple[str, ...] | None = None
    honours: tuple[str, ...] = ()
    judged: tuple[str, ...] | None = None
    followed: tuple[str, ...] | None = None
    meters: bool = False
    cls: type[Any]

    @property
    def family(self) -> str:
        """The part before the first dot: bias, explain, energy ..."""
        return self.id.partition(".")[0]

    def shows(self, metric: str) -> bool:
        """Whether a metric is shown and never judged; what options add to the metrics may be."""
        return self.judged is not None and metric in self.cls.spec.metrics and metric not in self.judged

    def follows(self, metric: str) -> bool:
        """Whether a change of a metric may be judged; of what options add to the metrics it may."""
        return self.followed is None or metric not in self.cls.spec.metrics or metric in self.followed


P = TypeVar("P", bound=type[Any])


@dataclass(frozen=True, slots=True)
class _Registry:
    specs: dict[str, ProbeSpec] = field(default_factory=dict)


_PROBES = _Registry()


def probe(
    id: str,
    *,
    version: int,
    requirements: Iterable[str],
    needs: Capability | Iterable[Capability],
    metrics: Mapping[str, str],
    facets: Iterable[str] = (),
    attributes: Literal["plan"] | tuple[str, ...] | None = None,
    honours: tuple[str, ...] = (),
    judged: tuple[str, ...] | None = None,
    followed: tuple[str, ...] | None = None,
    meters: bool = False,
) -> Callable[[P], P]:
    """Register a probe class. ``needs``: the target must answer one of these kinds; the others as in ``ProbeSpec``.

    TypeError where the class has no docstring, no controls or a metric without a plain name and a unit: a probe
    without all of them is not evidence. ValueError where another class has the id: which of the two audits would
    depend on the order of imports.
    """

    def register(cls: P) -> P:
        if not cls.__doc__:
            raise TypeError(f"probe {id} has no docstring; its first sentence is the summary users read")
        kinds = {control.kind for control in getattr(cls, "controls", ())}
        if kinds != {"positive", "negative"}:
            raise TypeError(f"probe {id} needs one positive and one negative control, has {sorted(kinds) or 'none'}")
        for metric, unit in metrics.items():
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", metric) or not unit:
                raise TypeError(f"probe {id} declares {metric!r} in {unit!r}; expected a kebab-case name and a unit")
        for what, named in (("judged", judged), ("followed", followed)):
            if unknown := [metric for metric in named or () if metric not in metrics]:
                raise TypeError(f"probe {id} has {unknown[0]!r} {what}, which it does not declare")
        refuse_second(f"probe {id}", _PROBES.specs[id].cls if id in _PROBES.specs else None, cls)
        wanted = [needs] if isinstance(needs, Capability) else needs
        spec = ProbeSpec(
            id=id,
            version=version,
            summary=" ".join(cls.__doc__.split("\n\n")[0].split()),
            requirements=tuple(requirements),
            needs=frozenset(wanted),
            metrics=dict(metrics),
            facets=tuple(facets),
            attributes=attributes,
            honours=honours,
            judged=judged,
            followed=followed,
            meters=meters,
            cls=cls,
        )
        cls.spec = spec
        _PROBES.specs[id] = spec
        return cls

    return register


def further_files(probe: Probe) -> tuple[Path, ...]:
    """Files that the files of its options name, such as a judge's words; a probe says them in a method ``files``."""
    files: Callable[[], tuple[Path, ...]] | None = getattr(probe, "files", None)
    return () if files is None else files()


def declared(probe: Probe) -> ProbeSpec:
    """What is known of ``probe`` with its options: its spec, and the metrics, facets and attributes that they add."""
    spec = probe.spec
    own: Mapping[str, str] = getattr(probe, "own_metrics", {})
    attributes = spec.attributes
    if isinstance(attributes, tuple):
        attributes = tuple(dict.fromkeys((*attributes, *getattr(probe, "own_attributes", ()))))
    facets = tuple(dict.fromkeys((*spec.facets, *getattr(probe, "own_facets", ()))))
    return replace(spec, metrics={**spec.metrics, **own}, facets=facets, attributes=attributes)


def refuse_undeclared(probe: Probe, measures: Iterable[Measure]) -> None:
    """ProbeError where a probe measured what it does not declare: a metric, a unit of it, or a facet."""
    spec = declared(probe)
    for each in measures:
        if each.metric not in spec.metrics:
            raise ProbeError(f"{spec.id} measured {each.metric}, which it does not declare")
        unit = estimated_in(spec.metrics[each.metric])
        if each.estimate.unit != unit:
            raise ProbeError(f"{spec.id} measured {each.metric} in {each.estimate.unit}, and declares it in {unit}")
        for facet in each.facets:
            if facet not in spec.facets:
                raise ProbeError(f"{spec.id} measured {each.metric} by {facet}, a facet that it does not declare")


def known_probes() -> dict[str, ProbeSpec]:
    """All registered probes by id."""
    return dict(sorted(_PROBES.specs.items()))


def make_probe(id: str, options: Mapping[str, Any], *, folder: Path = Path()) -> Probe:
    """An instance of the probe ``id`` with its options checked against the constructor's annotations.

    An option annotated as ``Path``, or as several, is a file of the user's: it is taken relative to ``folder`` and
    must exist, or is a file of the hub at a pinned commit (``hf://``), which is fetched once.
    """
    if id not in _PROBES.specs:
        raise UnknownName("probe", id, _PROBES.specs)
    cls = _PROBES.specs[id].cls
    check_keywords(cls, options, what=f"suites.{id}")
    hints = typing.get_type_hints(cls.__init__)
    made: Probe = cls(**{key: _converted(id, key, value, hints.get(key), folder) for key, value in options.items()})
    return made


def _converted(probe: str, key: str, value: object, hint: Any, folder: Path) -> object:
    """Lists as tuples, and the names of files as paths."""
    if isinstance(value, list):
        return tuple(_converted(probe, key, each, hint, folder) for each in value)
    if isinstance(value, str) and _takes_files(hint):
        path = file_at(folder, value)
        if not path.is_file():
            raise DataError(f"suites.{probe}.{key}: no file {path}", remedy="paths start at the plan's folder")
        return path
    return value


def _takes_files(hint: Any) -> bool:
    """Whether ``Path`` stands anywhere in an annotation.

    >>> _takes_files(Path | Sequence[Path] | None), _takes_files(Sequence[str])
    (True, False)
    """
    return hint is Path or any(_takes_files(each) for each in typing.get_args(hint))
