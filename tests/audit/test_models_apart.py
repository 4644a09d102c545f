"""Models in a process of their own: whatever they do, the audit goes on and says so in one line."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hostile_models as hostile
from probandum import codec
from probandum.errors import TargetError
from probandum.evidence import Capability, Request, Response, Table
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin

load_builtin()

ROWS = Request(kind=Capability.PREDICT, inputs=Table({"income": np.ones(3)}))


@contextmanager
def made(folder: Path, model: object, **options: Any) -> Iterator[Target]:
    """The target of a pickle of ``model``, closed in the end."""
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    digest = codec.digest(path.read_bytes())
    context = TargetContext(folder=folder, features=("income",))
    target = make_target("sklearn", context, {"path": path.name, "unsafe_pickle": True, "sha256": digest, **options})
    try:
        yield target
    finally:
        target.close()


def asked(target: Target) -> Response:
    """The answer to three rows."""
    (response,) = target.answer([ROWS])
    return response


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (hostile.exit_, "the process of the model ended with code 7"),
        (hostile.segfault, "the process of the model was ended by SIGSEGV"),
        (hostile.forge, "the process of the model answered what is no answer"),
    ],
)
def test_a_process_that_breaks_is_a_target_that_is_broken(
    tmp_path: Path, act: Callable[[str], object], message: str
) -> None:
    """While it is loaded and while it is asked, in one line, and at every later question again."""
    with made(tmp_path, hostile.Model(act, tmp_path)) as target:
        for _ in range(2):
            with pytest.raises(TargetError, match=f"^model.pkl: {message}$"):
                asked(target)
    with pytest.raises(TargetError, match=f"^model.pkl: {message}$"), made(tmp_path, hostile.OnLoad(act, tmp_path)):
        raise AssertionError("made")


def test_a_process_that_hangs_is_ended(tmp_path: Path) -> None:
    """After the time limit of the plan, and no process of it is left."""
    noted = tmp_path / "pid.txt"
    with made(tmp_path, hostile.Model(hostile.hang, noted), timeout=20.0) as target:
        target._fitted._timeout = 0.5  # type: ignore[attr-defined]
        with pytest.raises(TargetError, match=r"gave no answer in 0\.5 seconds"):
            asked(target)

    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text("utf-8")), 0)


def test_what_a_model_raises_stays_with_its_block(tmp_path: Path) -> None:
    """An attempt to end the process, and an answer of another shape."""
    with made(tmp_path, hostile.Model(hostile.leave, tmp_path)) as target:
        assert "ModelRaised: SystemExit: enough" == asked(target).error
        assert "ModelRaised: SystemExit: enough" == asked(target).error
    with made(tmp_path, hostile.Model(hostile.misshape, tmp_path)) as target:
        assert "got shape (1, 2, 3)" in str(asked(target).error)


def test_what_its_process_takes_is_counted(tmp_path: Path) -> None:
    """Loading and answering, in CPU-seconds that this process does not have."""
    with made(tmp_path, hostile.Model(hostile.work, tmp_path)) as target:
        loaded = target.cpu_seconds_apart
        asked(target)
        after = target.cpu_seconds_apart

    assert 0 < loaded < after - 0.19


def test_what_a_model_prints_is_no_answer(tmp_path: Path) -> None:
    """Its words do not come between the frames."""
    with made(tmp_path, hostile.Model(hostile.chatter, tmp_path)) as target:
        assert [[0.5, 0.5]] * 3 == asked(target).values.tolist()


def test_network_and_processes_are_refused(tmp_path: Path) -> None:
    """By every way that Python has to them; what native code does is not seen."""
    with made(tmp_path, hostile.Model(hostile.attempts, tmp_path / "noted.txt")) as target:
        assert asked(target).error is None

    network, process = "a model has no network: ", "a model starts no processes: "
    assert [
        f"{network}socket.getaddrinfo",
        f"{network}socket.__new__",
        f"{network}socket.getaddrinfo",
        f"{process}subprocess.Popen",
        f"{process}os.system",
        f"{process}os.fork",
    ] == (tmp_path / "noted.txt").read_text("utf-8").splitlines()


def test_the_environment_stays_with_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the audit holds is not there to be read."""
    monkeypatch.setenv("SERVICE_TOKEN", "s3cret")
    with made(tmp_path, hostile.Model(hostile.environment, tmp_path / "noted.txt")) as target:
        asked(target)

    noted = (tmp_path / "noted.txt").read_text("utf-8")
    assert "PATH=" in noted
    assert "s3cret" not in noted


def test_a_pickle_that_is_no_classifier_is_one_line(tmp_path: Path) -> None:
    """As what it is."""
    with pytest.raises(TargetError, match="a dict without class probabilities"), made(tmp_path, {"a": 1}):
        raise AssertionError("made")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent at once")
def test_the_process_ends_with_an_audit_that_is_killed(tmp_path: Path) -> None:
    """By SIGKILL, in the middle of a question."""
    noted = tmp_path / "pid.txt"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(hostile.Model(hostile.hang, noted)))
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); import test_models_apart as t\n"
        "import hostile_models as h\n"
        "with t.made(Path(sys.argv[1]), h.Model(h.hang, Path(sys.argv[1]) / 'pid.txt')) as target: t.asked(target)"
    )
    folders = [str(Path(__file__).parent), str(Path(hostile.__file__).parent)]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), folders[0]],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    )
    deadline = time.monotonic() + 60
    while not noted.is_file() or not noted.read_text("utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int(noted.read_text("utf-8"))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    while _alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that nobody waited for has ended too."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False
