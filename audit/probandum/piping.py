"""Piping: what is printed to a pipe that its reader has closed is dropped, and the command goes on to its true end.

`probandum audit PLAN | head -1` must neither kill hours of work nor end with another code than the gate's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


class _Dropping:
    """A stream that drops what nobody reads any more; whatever else it is asked, the stream behind it answers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write ``text``, or drop it; how many characters it has."""
        try:
            self._stream.write(text)
        except BrokenPipeError:
            self._drop()
        return len(text)

    def flush(self) -> None:
        """Send what was written on its way, or drop it."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._drop()

    def end(self) -> None:
        """Flush for the last time; what cannot be written is dropped, so that the interpreter finds nothing left."""
        try:
            self.flush()
        except OSError:
            self._drop()
            raise

    def _drop(self) -> None:
        """Let the stream end nowhere, with all that it still holds: the interpreter flushes it once more at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._stream.flush()


@contextmanager
def dropping() -> Iterator[None]:
    """Standard output and error that outlive their readers; all of it is sent on its way when the block ends.

    OSError where that fails for another reason, such as a full disk; what is left is dropped then, too.
    """
    before = sys.stdout, sys.stderr
    streams = [None if stream is None else _Dropping(stream) for stream in before]  # closed from the start: >&-
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in streams:
            if stream is not None:
                stream.end()
