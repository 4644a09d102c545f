"""What the two ways to ask a server of the Open Inference Protocol share: what it states, what it is asked, answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from probandum.errors import TargetError
from probandum.targets.oip_tensors import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorStated:
    """A tensor of a model's metadata; -1 in its shape is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a server states of itself and of a model; much of it may be empty.

    ``serving``: the version that its repository says is ready, where it has one and says so of one alone.
    """

    server: Mapping[str, Any]
    model: str
    versions: tuple[str, ...] = ()
    platform: str = ""
    serving: str | None = None
    inputs: tuple[TensorStated, ...] = ()
    outputs: tuple[TensorStated, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One batch: its tensors, the output wanted (None: whatever the server gives), parameters, and how many rows."""

    inputs: tuple[Tensor, ...]
    rows: int
    output: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one batch, and which model and version the server says gave it; empty where it does not."""

    outputs: tuple[Tensor, ...]
    model: str = ""
    version: str = ""


class Server(Protocol):
    """A server that holds one model."""

    #: Where connections are opened to.
    addresses: tuple[str, ...]

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Call ``keep`` about once a second while a round is under way."""
        ...

    @property
    def came(self) -> Sequence[Answer | None]:
        """What was answered to each batch of the last round so far; None where nothing was."""
        ...

    @property
    def attempts(self) -> int:
        """The most tries that one batch of the last round took."""
        ...

    def stated(self) -> Stated:
        """What it states now; TargetError where it is not there, or has no such model."""
        ...

    def infer(self, batches: Sequence[Asked]) -> list[Answer]:
        """One answer a batch, in order. ValueError: it refuses an input. TargetError: it does not answer as it must.

        Where one is not answered nothing more is sent, and what is under way is waited for: it may be paid for.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def serving_version(models: Iterable[tuple[str, str, str]], model: str, version: str | None) -> str | None:
    """The one version of ``model`` that is ready, by name, version and state of all models; None where unclear.

    MLServer writes the state ``State.READY`` over gRPC.

    >>> serving_version([("credit", "3", "READY"), ("credit", "2", "UNKNOWN"), ("age", "9", "READY")], "credit", None)
    '3'
    """
    ready = {found for name, found, state in models if name == model and state.rpartition(".")[2] == "READY" and found}
    if version is not None:
        ready &= {version}
    return ready.pop() if len(ready) == 1 else None


def other_than(then: Stated, now: Stated) -> bool:
    """Whether two statements contradict each other.

    What a server need not say, of itself and of its versions, says nothing where one of them leaves it out.

    >>> one, silent = Stated(server={"version": "1"}, model="a"), Stated(server={}, model="a", serving="3")
    >>> other_than(one, silent), other_than(one, Stated(server={"version": "2"}, model="a"))
    (False, True)
    """
    server = now.server if then.server and now.server else then.server
    serving = now.serving if then.serving and now.serving else then.serving
    return replace(now, server=server, serving=serving) != then


def broken(where: str, why: str) -> TargetError:
    """A server that answers outside the protocol: it says nothing about any input."""
    return TargetError(f"{where}: {why}", remedy="see that target.url is a server of the Open Inference Protocol, v2")
