"""The process that holds a model whose loading cannot be trusted, and answers for it; :mod:`apart` starts it.

Unpickling runs whatever code is in a file, and libraries in C end the process on some damaged files. Here both run
without the environment of the audit, without sockets, without new processes, and end when the audit ends. These are
traps inside one process, not walls around it: native code gets around them, and files are read and written with the
rights of whoever runs the audit. Where the kernel lets a plain process have a network of its own, it gets an empty
one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from probandum.evidence import Floats
    from probandum.targets.fitted import Fitted
    from probandum.targets.framing import Asked, Load

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_AF_UNIX = 1
#: What the libraries of boosted trees import where it is there, and scoring a matrix has no use for: without them
#: a model is loaded in a quarter of the time.
_UNNEEDED: tuple[Any, ...] = ("sklearn", "pandas", "dask", "matplotlib", "pyarrow")
_NETWORK = (
    "socket.__new__",
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
)
_PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")


def main(parent: int) -> None:
    """Serve until the parent is gone."""
    asked, answers = _pipes()
    _leave_network()
    _end_with(parent)
    sys.addaudithook(_trap)
    _serve(asked, answers)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes to the audit; what the model's code reads is nothing, and what it prints goes to stderr."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return asked, answers


def _end_with(parent: int) -> None:
    """Die with the audit, however it ends; on other systems than Linux the next read of the pipe ends it."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before
        os._exit(1)


def _leave_network() -> None:
    """An empty network of its own, where the kernel gives one to a plain process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _trap(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse sockets but those of the local file system, and processes but the count of cores that joblib makes."""
    if event in _NETWORK:
        family = arguments[1] if event == "socket.__new__" else getattr(arguments[0], "family", None)
        if family != _AF_UNIX:
            raise PermissionError(f"a model has no network: {event}")
    elif event in _PROCESSES and not (event == "subprocess.Popen" and str(arguments[0]) == "lscpu"):
        raise PermissionError(f"a model starts no processes: {event}")


def _serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Load what the first frame holds, then answer one frame after the other."""
    import msgspec

    from probandum.errors import TargetError
    from probandum.targets.framing import Answered, Asked, Load, Loaded, framed, read_frame
    from probandum.targets.loading import said

    first = read_frame(asked)
    if first is None:
        return
    load = msgspec.msgpack.decode(first, type=Load)
    try:
        held = _loaded(load)
    except (Exception, SystemExit) as error:  # what a model says of itself is its own code too
        why = error.message if isinstance(error, TargetError) else f"{load.parts[0].name}: {said(error)}"
        _send(answers, framed(Loaded(error=why)))
        return
    _send(answers, framed(Loaded(facts=held.facts, cpu_seconds=time.process_time())))
    while (body := read_frame(asked)) is not None:
        try:
            answer = Answered.of(_answered(held, msgspec.msgpack.decode(body, type=Asked)))
        except (Exception, SystemExit) as error:
            answer = Answered(error=said(error))
        answer.cpu_seconds = time.process_time()
        _send(answers, framed(answer))


def _answered(held: Fitted, asked: Asked) -> Floats:
    """Probabilities, or attributions where a method is named."""
    from probandum.evidence import Table

    inputs = asked.inputs()
    if asked.method and isinstance(inputs, Table):
        return held.attributions(asked.method, inputs, asked.background)
    return held.probabilities(inputs)


def _loaded(asked: Load) -> Fitted:
    """The model of the kind that its first file is of."""
    from probandum.targets.boosters import LightGBMHeld, XGBoostHeld
    from probandum.targets.fitted import load

    first = asked.parts[0]
    if first.kind in ("xgboost", "lightgbm"):
        sys.modules.update(dict.fromkeys(_UNNEEDED))  # None there means: not to be imported
    if first.kind == "xgboost":
        return XGBoostHeld(first, asked.threads, missing=asked.missing)
    if first.kind == "lightgbm":
        return LightGBMHeld(first, asked.threads, missing=asked.missing)
    return load(asked.parts, missing=asked.missing)


def _send(pipe: BinaryIO, frame: bytes) -> None:
    pipe.write(frame)
    pipe.flush()
