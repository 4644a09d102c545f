"""Quantised GGUF files, converted once a machine into what transformers loads in seconds.

The weights are dequantised to float32 and written, with the tokenizer, into the user's cache under the digest of
the file. What then runs is not the quantised model's own arithmetic, and the target says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import TargetError, UsageError
from probandum.record import make_folder
from probandum.resources import cache_folder
from probandum.targets.hugging import transformers
from probandum.targets.loading import file_digest, need, said
from probandum.versions import installed

_MAGIC = b"GGUF"
#: The file beside converted weights that says where they come from.
ORIGIN = "origin.json"
#: Part of the folder's name: raised when the conversion itself changes.
_CONVERSION = 1
_PLAIN = ("F32", "F16", "BF16", "F64")
#: How the names of folders begin that are still being written, and the file that their writer holds.
_PART, _LOCK = "making-", "gguf-lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where converted weights come from. ``quantisation``: the kinds of blocks, by the weights they hold.

    ``files`` are the digests of what the conversion wrote.
    """

    file: str
    sha256: str
    quantisation: tuple[str, ...]
    files: Mapping[str, str]
    versions: Mapping[str, str]

    def precision(self, dtype: str) -> str:
        """What weights of this origin are when they run as ``dtype``.

        >>> made = Origin(file="m.gguf", sha256="", quantisation=("Q4_1", "Q8_0"), files={}, versions={})
        >>> made.precision("float32")
        'float32 dequantised from Q4_1, Q8_0'
        """
        return f"{dtype} dequantised from {', '.join(self.quantisation)}"


def converted(path: Path, notice: Callable[[str], None] = lambda text: None) -> tuple[Path, Origin]:
    """The folder with the weights of a GGUF file in float32, made on the first call (about a minute), and its origin.

    One process converts at a time, and a second one waits and takes what the first made. UsageError where the
    user's cache cannot be written.
    """
    digest = _checked_digest(path)
    folder = cache_folder() / f"gguf-{_CONVERSION}" / digest.removeprefix("sha256:")
    try:
        if not (folder / ORIGIN).is_file():
            notice(f"{path.name}: converting to float32 in {folder.parent}, once on this machine (about a minute)")
            with _alone(folder.parent):
                _make(path, digest, folder)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder.parent}: {path.name} cannot be converted there: {error.strerror or error}",
            remedy="set PROBANDUM_CACHE to a folder that can be written, with room for four bytes a weight",
        ) from None
    return folder, codec.decode(Origin, (folder / ORIGIN).read_bytes(), what=str(folder / ORIGIN))


@contextlib.contextmanager
def _alone(conversions: Path) -> Iterator[None]:
    """The folder of all conversions, made, and no other process converting in it; waits for one that is."""
    make_folder(conversions)
    with os.fdopen(os.open(conversions.parent / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system gives it up with the process, also one that is killed
        yield


def _make(path: Path, digest: str, folder: Path) -> None:
    """Convert into a neighbour of ``folder`` and rename it, unless another process was first.

    Whatever else stands half-made beside it was left by a process that was killed, since nobody else is converting.
    """
    for left in folder.parent.glob(f"{_PART}*"):
        shutil.rmtree(left)
    if (folder / ORIGIN).is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)  # one without its origin cannot be checked
    made = Path(tempfile.mkdtemp(prefix=_PART, dir=folder.parent))
    try:
        _convert(path, digest, made)
        for each in made.rglob("*"):  # the libraries write with the modes of whoever runs them
            each.chmod(0o700 if each.is_dir() else 0o600)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def no_gguf(path: Path) -> str | None:
    """What to say of a file that does not begin as a GGUF file; None where it does."""
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    return None if start == _MAGIC else f"{path.name}: no GGUF file: it starts with {start!r}"


def _checked_digest(path: Path) -> str:
    digest = file_digest(path)
    if text := no_gguf(path):
        raise TargetError(text, remedy="check the path in the plan")
    return digest


def _convert(path: Path, digest: str, folder: Path) -> None:
    """Write weights, tokenizer and origin of the file into ``folder``."""
    library = transformers()
    torch = need("torch", needed_for=path.name, extra="hf")
    for package in ("gguf", "accelerate"):
        need(package, needed_for=path.name, extra="hf")
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(path.parent),
        "gguf_file": path.name,
        "local_files_only": True,
        "trust_remote_code": False,
    }
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # the library's progress bar has no switch
            loaded = library.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
            tokenizer = library.AutoTokenizer.from_pretrained(**where)
        kinds = _quantisation(path)
    except Exception as error:  # a damaged file fails in as many ways as it has parts
        raise TargetError(f"{path.name}: cannot be read as GGUF: {said(error)}") from None
    config = loaded.config
    if hasattr(config, "quantization_config"):  # marks the weights as not to be saved
        del config.quantization_config
    model = library.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except OSError:
        raise
    except Exception as error:  # the library of the weights' format has errors of its own for a full disk
        raise OSError(said(error)) from None
    origin = Origin(
        file=path.name,
        sha256=digest,
        quantisation=kinds,
        files={file.name: file_digest(file) for file in sorted(folder.iterdir())},
        versions=installed(("torch", "transformers", "gguf")),
    )
    (folder / ORIGIN).write_bytes(codec.pretty(origin))


def _quantisation(path: Path) -> tuple[str, ...]:
    """The kinds of quantised blocks, by falling number of weights; the precision where nothing is quantised."""
    reader = need("gguf", needed_for=path.name, extra="hf").GGUFReader(path)
    weights: Counter[str] = Counter()
    for tensor in reader.tensors:
        weights[tensor.tensor_type.name] += int(tensor.n_elements)
    kinds = [kind for kind, _ in weights.most_common()]
    return tuple(kind for kind in kinds if kind not in _PLAIN) or tuple(kinds[:1])
