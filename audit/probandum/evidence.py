"""What is asked and what came back: Table, Request, Response, Observation, Items, Reading.

A request is always a block: n >= 1 inputs with one digest and an array answer. Its digest covers what the
system sees and nothing else, so that the same ask has the same digest in every audit.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from probandum import codec

Floats = npt.NDArray[np.float64]
Column = npt.NDArray[Any]

_TEXTS_AT_ONCE = 65536

#: How an estimate follows from its items.
Form = Literal["mean", "share", "two-way", "ratio", "largest", "windows"]

#: What the answer to an attribute request says of each input, by the request's parameter ``method``. ``explained``: the
#: place of the class or option; ``score``: its log-odds in nats; ``base``: the same where the text is replaced by the
#: baseline; ``residual``: the numbers of all tokens and ``base``, less ``score``. Attention explains no class: of it
#: there is the share that the text's own tokens get. It shows where a model looks, and is no attribution.
ATTRIBUTED: Mapping[str, tuple[str, ...]] = {
    "gradient-x-input": ("explained", "score"),
    "integrated-gradients": ("explained", "score", "base", "residual"),
    "attention-rollout": ("attended",),
    "attention-last-layer": ("attended",),
}
#: The same of rows, for models that compute Shapley values of their columns: behind these names in ``labels`` stand the
#: columns, each with its value in ``outputs``. The parameter ``class`` names the class. ``tree-interventional``: the
#: first rows of the block, as many as the parameter ``background`` says, stand for a column that is not known, and
#: only those behind them are answered; ``tree-path-dependent``: the rows that the trees were trained on do, as the
#: trees count them.
ATTRIBUTED_ROWS: Mapping[str, tuple[str, ...]] = {
    "tree-interventional": ("explained", "score", "base", "residual"),
    "tree-path-dependent": ("explained", "score", "base", "residual"),
}

#: The placement of an observation whose answer this run was given, in batches as the plan has them.
LOCAL = "local"
#: How the placement of an observation begins whose answer stood in the shared cache; the day of the answer follows.
CACHED = "cache, answered "
#: How it begins where the system was asked in smaller batches than the plan says; their tokens follow.
SMALLER = "local, batches of tokens: "


class Capability(StrEnum):
    """What a target can answer; also the kind of a request."""

    CHOOSE = "choose"  # log-probabilities of answer options after a prompt
    SCORE = "score"  # log-likelihood of a continuation after a prompt
    GENERATE = "generate"  # text after a prompt
    CLASSIFY = "classify"  # class probabilities of a text
    PREDICT = "predict"  # class probabilities, or recorded decisions, of table rows
    EMBED = "embed"  # one vector of a text
    RECALL = "recall"  # the answer that stands recorded under an item's name
    ATTRIBUTE = "attribute"  # a number for each token or column: what it did to the answer, or the attention on it
    RANDOMISE = "randomise"  # what it classifies, or attributes, once weights from the output on are drawn anew


class Table:
    """Rows as named one-dimensional columns of equal length; numeric columns are float64, others text."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = dict(columns)
        bent = next((name for name, column in self.columns.items() if column.ndim != 1), None)
        if bent is not None:
            raise ValueError(f"column {bent!r} has shape {self.columns[bent].shape}, expected one dimension")
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns differ in length: {sorted(lengths)}")
        self._rows = lengths.pop() if lengths else 0

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def take(self, rows: npt.ArrayLike) -> Table:
        """The rows named by an index array or a boolean mask, in that order."""
        picked = np.asarray(rows)
        return Table({name: column[picked] for name, column in self.columns.items()})

    def select(self, names: Sequence[str]) -> Table:
        """The named columns, in that order; KeyError names the first that is absent."""
        absent = next((name for name in names if name not in self.columns), None)
        if absent is not None:
            raise KeyError(f"the rows lack the column {absent!r}")
        return Table({name: self.columns[name] for name in names})

    def matrix(self) -> Floats:
        """All columns side by side, shape (rows, columns); ValueError where one holds text."""
        return np.column_stack([np.asarray(column, dtype=np.float64) for column in self.columns.values()])

    @classmethod
    def from_matrix(cls, values: Floats, names: Sequence[str]) -> Table:
        """The inverse of :meth:`matrix`."""
        return cls({name: np.ascontiguousarray(values[:, index]) for index, name in enumerate(names)})

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, kinds and values in column order; the values themselves are never recorded."""
        sha = hashlib.sha256()
        for name, column in self.columns.items():
            if column.dtype.kind in "fiub":
                data = one_nan(column).tobytes()
                sha.update(codec.encode([name, "f8", len(data)]))
            else:
                data = _encoded_texts(column)
                sha.update(codec.encode([name, "text", len(data)]))
            sha.update(data)
        return f"sha256:{sha.hexdigest()}"


def _encoded_texts(column: Column) -> bytes:
    """A column as canonical JSON of its texts, a part at a time, so that the texts are never all in memory.

    >>> _encoded_texts(np.array(["a", "b"]))
    b'["a","b"]'
    """
    starts = range(0, len(column), _TEXTS_AT_ONCE)
    parts = (codec.encode(list(map(str, column[start : start + _TEXTS_AT_ONCE].tolist()))) for start in starts)
    return b"[" + b",".join(part[1:-1] for part in parts) + b"]"


def one_nan(column: Column) -> Floats:
    """Numbers as little-endian doubles in which every NaN has the same bits, whichever library made it.

    >>> one_nan(np.array([1.0, -np.nan])).tobytes() == one_nan(np.array([1.0, np.nan])).tobytes()
    True
    """
    numbers = np.ascontiguousarray(column, dtype="<f8")
    gaps = np.isnan(numbers)
    return np.where(gaps, np.nan, numbers) if gaps.any() else numbers


class PlaceNames(Sequence[str]):
    """What rows without names of their own are called; a name is made where it is read.

    >>> PlaceNames(3)[1], list(PlaceNames(2))
    ('row-1', ['row-0', 'row-1'])
    """

    def __init__(self, rows: int) -> None:
        self._places = range(rows)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(f"row-{place}" for place in self._places[index])
        return f"row-{self._places[index]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """How a block of perturbed inputs follows from one base, so that the record need not repeat them.

    ``kept`` is the packed mask matrix (``numpy.packbits`` along the last axis, base64); ``width`` its columns.
    """

    base: str
    operator: str
    seed: int
    width: int
    kept: str

    def part(self, start: int, end: int) -> Masks:
        """Of the inputs from ``start`` up to ``end``.

        >>> Masks(base="b", operator="drop", seed=1, width=9, kept="AACAAP8A").part(1, 3).kept
        'gAD/AA=='
        """
        row = -(-self.width // 8)
        kept = base64.b64decode(self.kept)[start * row : end * row]
        return replace(self, kept=base64.b64encode(kept).decode("ascii"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """A block of n >= 1 inputs that are asked alike.

    ``inputs``: prompts or texts, or a :class:`Table` of rows. ``options`` (choose): each answer as its
    surface variants, whose probabilities are summed; ``prefix``: the scripted start of the answer;
    ``continuations`` (score): one a prompt. ``repeat`` tells identical asks apart; ``fresh`` asks are never
    de-duplicated and never answered from a cache. ``keys`` and ``groups`` say which item and which group an
    input stands for; the system never sees them and the digest leaves them out. So it is with ``block`` and ``start``
    of a part of a larger block that is asked on its own: the digest of the block, and where in it the part begins.
    """

    kind: Capability
    inputs: tuple[str, ...] | Table
    options: tuple[tuple[str, ...], ...] = ()
    prefix: str = ""
    continuations: tuple[str, ...] = ()
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    masks: Masks | None = None
    repeat: int = 0
    fresh: bool = False
    keys: Sequence[str] = ()
    groups: tuple[str, ...] = ()
    block: str = ""
    start: int = 0

    def __post_init__(self) -> None:
        """Refuse an empty block and keys or groups that do not line up with the inputs."""
        if len(self.inputs) == 0:
            raise ValueError("a request holds at least one input")
        for name in ("keys", "groups", "continuations"):
            if getattr(self, name) and len(getattr(self, name)) != len(self.inputs):
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {len(self.inputs)} inputs")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def answers(self) -> int:
        """How many inputs are answered: all, or of attributions of rows those behind the background."""
        background = self.parameters.get("background", 0) if self.kind is Capability.ATTRIBUTE else 0
        return len(self) - (background if isinstance(background, int) else 0)

    @property
    def by_token(self) -> bool:
        """Whether each input is answered by numbers for its tokens: an attribute request of texts, randomised or not.

        >>> Request(kind=Capability.RANDOMISE, inputs=("a",), parameters={"method": "gradient-x-input"}).by_token
        True
        """
        if isinstance(self.inputs, Table):
            return False
        return self.kind is Capability.ATTRIBUTE or (self.kind is Capability.RANDOMISE and "method" in self.parameters)

    @property
    def places(self) -> range:
        """Where its inputs lie in the block that it is a part of, or is."""
        return range(self.start, self.start + len(self))

    @property
    def texts(self) -> tuple[str, ...]:
        """The inputs of a text request; TypeError for a block of rows."""
        if isinstance(self.inputs, Table):
            raise TypeError(f"a {self.kind} request of rows has no texts")
        return self.inputs

    @property
    def table(self) -> Table:
        """The inputs of a row request; TypeError for a block of texts."""
        if not isinstance(self.inputs, Table):
            raise TypeError(f"a {self.kind} request of texts has no rows")
        return self.inputs

    @cached_property
    def digest(self) -> str:
        """What identifies this ask: everything the system sees, and ``repeat``."""
        seen = self.inputs.digest if isinstance(self.inputs, Table) else list(self.inputs)
        return codec.digest_of(
            [
                self.kind,
                seen,
                self.options,
                self.prefix,
                self.continuations,
                dict(self.parameters),
                self.repeat,
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PerToken:
    """One number for each token of one text, in the order of the text.

    ``tokens``: as the vocabulary spells them. ``starts``, ``ends``: the characters of the text that each covers, from
    0 and without the end; a character of several bytes may be several tokens.
    """

    tokens: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """All run side by side."""
        if not len(self.tokens) == len(self.starts) == len(self.ends) == len(self.values):
            raise ValueError("tokens, starts, ends and values differ in length")


@dataclass(frozen=True, kw_only=True, eq=False)
class Response:
    """The answer to one request, in the order of its inputs.

    ``outputs``: choose (n, options) and score (n,) in nats; classify and predict (n, classes) as
    probabilities, or (n, columns) of a decision log with the names in ``labels``; embed (n, dimensions); attribute
    (n, columns), what is said of each input as a whole, with the names in ``labels``. ``per_token`` (attribute, of
    texts): one an input. ``texts``: generate and recall; recall has (n, 1) outputs beside them, 1 where
    an answer is recorded. ``refused``: indexes of inputs that the system declined. ``error``: why there is no
    answer at all.
    """

    outputs: np.ndarray | None = None
    per_token: tuple[PerToken, ...] = ()
    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    refused: tuple[int, ...] = ()
    error: str | None = None

    @property
    def values(self) -> Floats:
        """``outputs`` where there must be some; ValueError naming the target's error otherwise."""
        if self.outputs is None:
            raise ValueError(self.error or "the response holds no array")
        return self.outputs

    @cached_property
    def digest(self) -> str:
        """What identifies this answer."""
        return codec.digest_of(
            [
                self.outputs,
                self.per_token,
                self.texts,
                self.labels,
                self.input_tokens,
                self.output_tokens,
                self.refused,
                self.error,
            ]
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """One ask and its answer, as the journal keeps it: one line.

    ``asked`` holds what was sent (texts, or the digest of rows and their keys), ``pack`` the digest of the
    pack it was answered in, ``index`` and ``size`` its place there. Once the payload was purged, ``asked`` holds its
    kind, its number of inputs, their ``outcomes`` and the block that it is a part of alone, and ``answer`` only tokens.
    """

    request: str
    response: str
    probe: str
    attempt: int
    seconds: float
    placement: str
    pack: str
    index: int
    size: int
    asked: Mapping[str, Any]
    answer: Response

    @property
    def named(self) -> str:
        """What findings call it: the digest of the ask, or of the block that it is a part of."""
        return str(self.asked.get("block", self.request))

    @property
    def places(self) -> range:
        """Where its inputs lie in what findings call it."""
        start = int(self.asked.get("start", 0))
        return range(start, start + int(self.asked["n"]))

    @property
    def cached_on(self) -> str | None:
        """The ISO day on which another run was given this answer; None where this run asked."""
        return self.placement.removeprefix(CACHED) if self.placement.startswith(CACHED) else None

    @property
    def smaller_batches(self) -> int | None:
        """The tokens of a pass that memory left room for; None where it held as many as the plan says."""
        return int(self.placement.removeprefix(SMALLER)) if self.placement.startswith(SMALLER) else None

    @property
    def purged(self) -> bool:
        """Whether its question and answer were deleted."""
        return "outcomes" in self.asked

    @property
    def outcomes(self) -> tuple[int, int, int, int, int]:
        """Attempted, assessed, errored, refused and unparsable inputs of this ask."""
        if self.purged:
            attempted, assessed, errored, refused, unparsable = map(int, self.asked["outcomes"])
            return attempted, assessed, errored, refused, unparsable
        n, answer = int(self.asked["n"]), self.answer
        if answer.error is not None:
            return n, 0, n, 0, 0
        declined = set(answer.refused)
        if answer.outputs is not None:
            empty = 0
        elif answer.texts:
            empty = sum(not text.strip() for index, text in enumerate(answer.texts) if index not in declined)
        else:
            empty = n - len(declined)
        return n, n - len(declined) - empty, 0, len(declined), empty

    def without_payload(self) -> Observation:
        """What is left of it when its question and answer are deleted: digests, counts, tokens, time and place."""
        answer = Response(input_tokens=self.answer.input_tokens, output_tokens=self.answer.output_tokens)
        kept = {name: self.asked[name] for name in ("kind", "n", "block", "start") if name in self.asked}
        kept["outcomes"] = list(self.outcomes)
        return replace(self, asked=kept, answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """One value per item, and how the estimate follows from them: what paired comparison and triage need later.

    ``form``: ``mean`` over clusters of the mean of their items; ``share``, the mean of 0/1 values; ``two-way``, the
    mean of side +1 less that of side -1 over ``clusters`` crossed with ``crossed``; ``ratio``, the mean of values over
    that of ``weights``; ``largest``; ``windows``, the geometric mean of independent repeats. ``clusters`` name the
    sampled unit that an item lies in (a template, a person); without them each item is one of its own. ``contents``
    tell items of one key apart: a row that was changed is another item.
    """

    keys: tuple[str, ...]
    strata: tuple[str, ...]
    values: tuple[float, ...]
    unit: str
    form: Form = "mean"
    clusters: tuple[str, ...] = ()
    crossed: tuple[str, ...] = ()
    sides: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    contents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """All run side by side, and each form has what it needs."""
        if not len(self.keys) == len(self.strata) == len(self.values):
            raise ValueError("keys, strata and values differ in length")
        needed = {"two-way": ("clusters", "crossed", "sides"), "ratio": ("weights",)}.get(self.form, ())
        for name in ("clusters", "crossed", "sides", "weights", "contents"):
            held = getattr(self, name)
            if len(held) not in ((len(self.keys),) if name in needed else (0, len(self.keys))):
                raise ValueError(f"{name} has {len(held)} entries for {len(self.keys)} items of the form {self.form}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The energy of one window. An absent quantity is None, with the reason in ``why``; never 0.

    ``grade``: A external meter, B hardware counter, C sampled power, D estimated from a model of the machine.
    ``covers`` names the parts that the joules include; ``idle_watts`` is their power with the model loaded and
    nothing asked, ``bare_watts`` before it was loaded; ``others`` says which other processes were seen meanwhile, and
    ``others_share`` how much of all processor time was theirs.
    """

    gpu_joules: float | None = None
    cpu_joules: float | None = None
    dram_joules: float | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    seconds: float
    idle_watts: float | None = None
    bare_watts: float | None = None
    meter: str
    grade: str
    covers: tuple[str, ...] = ()
    resolution_joules: float | None = None
    others: tuple[str, ...] = ()
    others_share: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def joules(self) -> float | None:
        """The sum of the parts that were read; None where none was."""
        parts = [part for part in (self.gpu_joules, self.cpu_joules, self.dram_joules) if part is not None]
        return sum(parts) if parts else None

    @property
    def net_joules(self) -> float | None:
        """The joules beyond idle power, ``joules - idle_watts * seconds``; None where either is not known.

        >>> Reading(gpu_joules=900.0, idle_watts=100.0, seconds=3.0, meter="NVML", grade="B").net_joules
        600.0
        """
        if self.joules is None or self.idle_watts is None:
            return None
        return self.joules - self.idle_watts * self.seconds
