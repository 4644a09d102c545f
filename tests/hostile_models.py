"""Models that no file should hold: each does something, when it is unpickled or asked, that an audit must survive."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Model:
    """A classifier of two classes that does ``act(path)`` before it answers."""

    classes_ = np.array([0, 1])
    n_features_in_ = 1

    def __init__(self, act: Callable[[str], object], path: Path) -> None:
        self.act, self.path = act, str(path)

    def predict_proba(self, rows: Any) -> Any:
        """One half each, where ``act`` returns."""
        found = self.act(self.path)
        return found if isinstance(found, np.ndarray) else np.full((len(rows), 2), 0.5)


class OnLoad:
    """Whose unpickling is ``act(path)``."""

    def __init__(self, act: Callable[[str], object], path: Path) -> None:
        self.act, self.path = act, str(path)

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return self.act, (self.path,)


def exit_(path: str) -> None:
    """End the process."""
    os._exit(7)


def leave(path: str) -> None:
    """End the process as a program would."""
    sys.exit("enough")


def segfault(path: str) -> None:
    """End as broken native code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(path: str) -> None:
    """Never answer."""
    Path(path).write_text(str(os.getpid()), "utf-8")
    time.sleep(600)


def chatter(path: str) -> None:
    """Print, by Python and past it."""
    sys.stdout.write("hello")
    sys.stdout.flush()
    os.write(1, b"hello")


def forge(path: str) -> None:
    """Write into the pipe to the audit, wherever it is."""
    for place in range(3, 20):
        try:
            os.write(place, (2**40).to_bytes(8, "little") + b"no frame")
        except OSError:
            continue


def misshape(path: str) -> Any:
    """Answer in another shape."""
    return np.ones((1, 2, 3))


def environment(path: str) -> None:
    """Tell what the environment holds."""
    Path(path).write_text("\n".join(f"{name}={value}" for name, value in os.environ.items()), "utf-8")


def attempts(path: str) -> None:
    """Reach out in every way that a program has, and note what came of it."""
    ways: Sequence[Callable[[], object]] = (
        lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: subprocess.run(["true"], check=True),
        lambda: os.system("true"),
        os.fork,
    )
    noted = []
    for way in ways:
        try:
            way()
        except PermissionError as error:
            noted.append(str(error))
        else:
            noted.append("it worked")
    Path(path).write_text("\n".join(noted), "utf-8")


def work(_: str) -> None:
    """Take a fifth of a second of the processor."""
    begun = time.process_time()
    while time.process_time() - begun < 0.2:
        pass
