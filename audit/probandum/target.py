"""The audited system: what it must offer, and how a class becomes one.

A target is one file: a class with the decorator ``@target("name")`` whose keyword arguments are the keys
under ``target:`` in the audit file. It says what it can do, says what it is, and answers rounds.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from probandum.confiding import secret_places
from probandum.errors import ProbandumError, UnknownName, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.keywords import Place, check_keywords
from probandum.resources import file_at
from probandum.shapes import Shape, Shapeless


class Problem(NamedTuple):
    """What is wrong with a target's options, and where below ``target:``."""

    place: Place
    text: str

    @classmethod
    def of(cls, error: ProbandumError, part: str = "target") -> Problem:
        """An error about ``part`` of the plan: at the key below it that the message begins with, where it does.

        >>> Problem.of(UsageError("target.labels: 3 names for 2 classes"))
        Problem(place=('labels',), text='3 names for 2 classes')
        """
        text = "; ".join(error.lines())
        begins = re.match(rf"{re.escape(part)}(?:\.([^\s:]+))?: ", text)
        if begins is None:
            return cls((), text)
        return cls(tuple(begins[1].split(".", 1)) if begins[1] else (), text[begins.end() :])


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetContext:
    """What the runner tells every target: where relative paths start, and how to compute.

    ``features`` are the columns, in order, that a tabular model takes; ``threads`` 0 means as many as
    ``OMP_NUM_THREADS`` says, else as the machine has usable; ``batch_tokens`` bounds the tokens of one forward pass;
    with ``batch_invariant`` each input is answered as if it were asked alone, to the bit. ``notice`` tells the person
    who waits why loading takes long. ``favourable``, ``positive`` and ``threshold`` are the plan's decision, for a
    target that answers decisions in place of probabilities; ``favourable`` None: none is declared; ``assumed``: no
    positive value is. ``numeric``: the plan declares one number a row instead. ``missing``: rows may lack values, NaN
    among numbers and the empty text among texts, and the model is given these as missing ones.
    """

    folder: Path
    features: tuple[str, ...] = ()
    device: str = "auto"
    dtype: str = "auto"
    threads: int = 0
    batch_tokens: int = 8192
    batch_invariant: bool = False
    notice: Callable[[str], None] = lambda text: None
    favourable: str | None = None
    positive: str = "1"
    assumed: bool = False
    threshold: float | None = None
    numeric: bool = False
    missing: bool = False

    def resolve(self, path: str) -> Path:
        """``path`` as the plan means it: see ``probandum.resources.file_at``."""
        return file_at(self.folder, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What was answered of one request: ``place``, which request of the round; ``inputs``: which of its inputs."""

    place: int
    inputs: range
    response: Response


class Target:
    """Base of all targets.

    ``capabilities`` is what this instance can answer. A subclass loads its model in ``__init__`` (raising
    TargetError or DataError in one line) and implements :meth:`identity` and :meth:`answer`.
    """

    name: ClassVar[str] = ""
    #: Facts every report must show, such as that code-executing files were loaded.
    cautions: tuple[str, ...] = ()
    capabilities: frozenset[Capability] = frozenset()
    #: Why it cannot answer a kind of request that one might expect of it; reports print it beside what was not asked.
    why_not: Mapping[Capability, str] = types.MappingProxyType({})
    #: Class names in the order of the columns of classify and predict answers.
    labels: tuple[str, ...] = ()
    #: Whether it can answer each input as if it were asked alone, to the bit (``execution.batch_invariant``).
    batch_invariant: ClassVar[bool] = False
    #: What a batch does to numbers: ``invariant``, and how far they were ``apart`` from single passes, in ``unit``.
    batching: Mapping[str, Any] = types.MappingProxyType({})
    #: The tokens of a pass that it went down to where memory did not hold as many as the plan says; None: it did.
    smaller_batches: int | None = None
    #: Keys of the identity whose values may change while the system stays the same.
    passing: tuple[str, ...] = ()
    #: Whether the identity is a digest of the weights, so that answers may be shared between runs.
    shareable: bool = False
    #: Whether it can answer one number a row in place of class probabilities (``decision.outcome: numeric``).
    numeric: ClassVar[bool] = False
    #: Columns of :meth:`table` that hold answers; the others are what was asked about.
    answers: tuple[str, ...] = ()
    #: Whether its answers stand in a file, so that asking it costs nothing.
    recorded: bool = False
    #: Whether the system computes elsewhere, so that no meter of this machine reads what it takes.
    remote: ClassVar[bool] = False
    #: How many inputs it is asked about at the same time where it computes elsewhere: a pack may hold as many.
    side_by_side: int = 1
    #: How many inputs of one block it takes in one request there, so that as many cost as much as one.
    at_once: int = 1
    #: What one pass of its model multiplies, or why that is not known.
    shape: Shape | Shapeless = Shapeless(why="the system does not tell the shape of its model")
    #: Whether it was found to answer the same question in the same words each time; None: nobody asked.
    steady: bool | None = None
    #: Addresses that this target opens connections to, because the plan named them; none for local models.
    endpoints: tuple[str, ...] = ()

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The files that ``options`` name, found without loading the model: their bytes key the record."""
        path = options.get("path")
        return (context.resolve(path),) if isinstance(path, str) else ()

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterable[Problem]:
        """What is wrong with ``options`` beyond their types, found before anything is loaded or asked.

        ``context``: where paths start, and the columns that the plan names, where it does; nothing else of it.
        """
        return ()

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterable[Problem]:
        """What is wrong with the files that ``options`` name, as far as it shows from outside.

        Nothing is loaded, imported or fetched, and what loading shows is left to it. The files are there, and
        ``options`` have the types that the constructor takes.
        """
        return ()

    @classmethod
    def own_classes(cls, options: Mapping[str, Any], context: TargetContext) -> tuple[str, ...]:
        """What the model's file calls its classes, found without loading it; none where the file does not show it.

        ``options`` are what the constructor takes; DataError or OSError where the file cannot be read.
        """
        return ()

    @classmethod
    def row_problems(cls, options: Mapping[str, Any], table: Table, file: str) -> Iterable[Problem]:
        """What is wrong with ``options`` beside the rows that they bring: those of its own ``file``, as far as they
        are sound; a column of :meth:`named_columns` that the table lacks has been told.
        """
        return ()

    @classmethod
    def named_columns(cls, options: Mapping[str, Any]) -> Mapping[Place, str]:
        """The columns that ``options`` name of the rows in its own file ``path``, by place; none without such rows."""
        return {}

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """The kinds of request that it answers with ``options`` at most; None where only loading it tells."""
        return None

    @classmethod
    def gives_probabilities(cls, options: Mapping[str, Any]) -> bool:
        """Whether what it answers of rows are class probabilities, so that a threshold lies between 0 and 1."""
        return not cls.recorded

    def samples(self, request: Request) -> bool:
        """Whether it may answer ``request`` otherwise the next time, by chance, as far as that is known."""
        return self.steady is False

    def identity(self) -> Mapping[str, Any]:
        """What was audited: digests of weights and code, precision, versions; JSON values only."""
        raise NotImplementedError

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request, in order. How inputs are packed depends on ``requests`` alone.

        An input that cannot be answered makes its whole response an ``error``; only a broken target raises.
        """
        raise NotImplementedError

    def tokens(self, requests: Sequence[Request]) -> list[int | None]:
        """How many tokens each request would make it read, without asking the model; None where it cannot say."""
        return [None] * len(requests)

    def writes(self, requests: Sequence[Request]) -> list[int | None]:
        """How many tokens each request may make it write, at most; None where neither it nor the request says."""
        return [written_at_most(request) for request in requests]

    @property
    def cpu_seconds_apart(self) -> float:
        """CPU-seconds taken so far by processes of its own, which this process's clock does not count."""
        return 0.0

    def table(self) -> Table | None:
        """The rows of a target that brings its own data, such as a log of decisions; None otherwise."""
        return None

    @property
    def attempts(self) -> int:
        """The most tries that an ask of the last round took, where asking may fail and be repeated."""
        return 1

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Call ``keep`` about once a second while a round is under way, where what came so far stands in ``kept``."""

    @property
    def kept(self) -> Sequence[Piece]:
        """What was answered of the last round, so far or until it broke: it is recorded, and asked no second time."""
        return ()

    @property
    def took(self) -> tuple[int, int]:
        """Tokens read and written by all that was answered in the last round, even one that broke, as far as known."""
        return 0, 0

    def check(self) -> str | None:
        """Why this is not the system that it was when it was loaded; None where nothing says so.

        Asked when the asking is over; TargetError where the system does not answer any more.
        """
        return None

    def use_smaller_batches(self, tokens: int) -> None:
        """Take at most ``tokens`` a pass, as an interrupted run of this audit had to in the end."""

    def synchronise(self) -> None:
        """Wait until the device has done what was asked, so that an energy window ends where work ends."""

    def close(self) -> None:
        """Give memory back."""


def kind_of(options: Mapping[str, Any], *, usual: Capability | None = None) -> frozenset[Capability] | None:
    """The one kind that the option ``kind`` names, ``usual`` where it is left out; None where it names none.

    >>> kind_of({"kind": "predict"}), kind_of({"kind": "predicts"})
    (frozenset({<Capability.PREDICT: 'predict'>}), None)
    """
    kind = options.get("kind") or usual
    return frozenset({Capability(kind)}) if kind in set(Capability) else None


def written_at_most(request: Request) -> int | None:
    """The tokens that a request allows its answers; None where it does not say.

    >>> written_at_most(Request(kind=Capability.GENERATE, inputs=("a", "b"), parameters={"max_new_tokens": 8}))
    16
    """
    if request.kind is not Capability.GENERATE:
        return 0
    most = request.parameters.get("max_new_tokens")
    return len(request) * most if isinstance(most, int) else None


T = TypeVar("T", bound=type[Target])


@dataclass(frozen=True, slots=True)
class _Registry:
    classes: dict[str, type[Target]] = field(default_factory=dict)


_TARGETS = _Registry()


def target(name: str) -> Callable[[T], T]:
    """Register a class under the name that ``target: {type: name}`` uses; ValueError where another class has it."""

    def register(cls: T) -> T:
        refuse_second(f"target {name}", _TARGETS.classes.get(name), cls)
        cls.name = name
        _TARGETS.classes[name] = cls
        return cls

    return register


def refuse_second(what: str, known: type | None, cls: type) -> None:
    """ValueError where ``known`` has the name already and is another class; a module imported again may repeat it."""
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"{what} is registered already, by {known.__module__}.{known.__qualname__}")


def known_targets() -> dict[str, type[Target]]:
    """All registered target classes by name."""
    return dict(_TARGETS.classes)


def make_target(name: str, context: TargetContext, options: Mapping[str, Any]) -> Target:
    """An instance of the target ``name``; UnknownName or UsageError where name or a key is not known."""
    cls = _class(name)
    check_keywords(cls, options, what="target", skip=1)
    for place, text in (*secret_places(options), *cls.problems(options, context)):
        raise UsageError(f"target.{'.'.join(map(str, place))}: {text}")
    return cls(context, **options)  # type: ignore[call-arg]


def target_sources(name: str, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files behind a target whose keys have the types that it takes; nothing is loaded."""
    return _class(name).sources(context, options)


def _class(name: str) -> type[Target]:
    try:
        return _TARGETS.classes[name]
    except KeyError:
        raise UnknownName("target type", name, _TARGETS.classes) from None
