"""A classifier in a process of its own, which is asked over a pipe and can end without ending the audit."""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from probandum.errors import TargetError
from probandum.evidence import Floats, Table
from probandum.targets.answering import Inputs
from probandum.targets.fitted import Part
from probandum.targets.framing import HEADER, LARGEST_FRAME, Answered, Asked, Load, Loaded, framed

T = TypeVar("T", bound=msgspec.Struct)

#: What of the environment the process gets: how to compute, where to put files, and in what language to speak.
_KEPT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PATH",
    "SYSTEMROOT",
    "TMPDIR",
)
_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from probandum.targets.apart_process import main; "
_CHUNK = 2**20


class ModelRaised(Exception):
    """What the model raised when it was asked."""


class Apart:
    """A model, and its vectorizer where it has one, behind a process.

    TargetError where the files cannot be loaded, and whenever the process has ended or takes more than ``timeout``
    seconds for one answer: then it is ended, and so are those that it may have started. ``quiet``: what it prints
    goes nowhere. ``missing``: an empty text among its columns is a gap.
    """

    def __init__(
        self, parts: Sequence[Part], *, timeout: float, threads: int = 0, quiet: bool = False, missing: bool = False
    ) -> None:
        self._name, self._timeout = parts[0].name, timeout
        self._ended: str | None = None
        #: What the process has taken so far, as it says; what an estimate counts, and nothing else.
        self.cpu_seconds = 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", f"{_PROGRAM}main({os.getpid()})", json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            bufsize=0,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            start_new_session=True,  # Ctrl-C ends the audit, and the audit ends this
        )
        self._finalizer = weakref.finalize(self, _end, self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        loaded = self._exchange(Load(parts=tuple(parts), threads=threads, missing=missing), Loaded)
        if loaded.facts is None:
            self.close()
            raise TargetError(loaded.error)
        self._took(loaded.cpu_seconds)
        self.facts = loaded.facts

    def probabilities(self, inputs: Inputs) -> Floats:
        """As the model gives them; ModelRaised where it raises."""
        return self._answered(Asked.of(inputs))

    def attributions(self, method: str, rows: Table, background: int) -> Floats:
        """As the model's library gives them; ModelRaised where it raises."""
        return self._answered(Asked.of(rows, method=method, background=background))

    def _answered(self, asked: Asked) -> Floats:
        answer = self._exchange(asked, Answered)
        self._took(answer.cpu_seconds)
        if answer.error is not None:
            raise ModelRaised(answer.error)
        return answer.array()

    def _took(self, seconds: float) -> None:
        if math.isfinite(seconds):
            self.cpu_seconds = max(self.cpu_seconds, seconds)

    def close(self) -> None:
        """End the process; doing so twice is as doing it once."""
        self._ended = self._ended or "was closed"
        self._finalizer()

    def _exchange(self, message: msgspec.Struct, kind: type[T]) -> T:
        """One message there, and the answer back."""
        if self._ended is not None:
            raise self._gone()
        try:
            body = self._through(framed(message))
            return msgspec.msgpack.decode(body, type=kind)
        except (EOFError, BrokenPipeError):
            self._ended = _how(self._process)
        except TimeoutError:
            self._ended = f"gave no answer in {self._timeout:g} seconds"
        except msgspec.MsgspecError:
            self._ended = "answered what is no answer"
        except BaseException:
            self.close()
            raise
        self._finalizer()
        raise self._gone()

    def _gone(self) -> TargetError:
        return TargetError(f"{self._name}: the process of the model {self._ended}")

    def _through(self, frame: bytes) -> bytes:
        """Write a frame and read one; TimeoutError after the time limit, EOFError where the other end is gone."""
        assert self._process.stdin is not None and self._process.stdout is not None
        into, out = self._process.stdin.fileno(), self._process.stdout.fileno()
        left, got, size = memoryview(frame), bytearray(), None
        deadline = time.monotonic() + self._timeout
        with selectors.DefaultSelector() as pipes:
            pipes.register(out, selectors.EVENT_READ)
            pipes.register(into, selectors.EVENT_WRITE)
            while size is None or len(got) < HEADER.size + size:
                ready = pipes.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimeoutError
                for key, _ in ready:
                    if key.fd == into:
                        left = left[os.write(into, left[:_CHUNK]) :]
                        if not left:
                            pipes.unregister(into)
                        continue
                    part = os.read(out, _CHUNK)
                    if not part:
                        raise EOFError
                    got += part
                if size is None and len(got) >= HEADER.size:
                    (size,) = HEADER.unpack_from(got)
                    if size > LARGEST_FRAME:
                        raise msgspec.ValidationError(f"a frame of {size} bytes")
        return bytes(got[HEADER.size :])


def _how(process: subprocess.Popen[bytes]) -> str:
    """How a process ended that closed its pipes."""
    try:
        code = process.wait(1.0)
    except subprocess.TimeoutExpired:
        return "closed its pipe"
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those of its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
