"""The transformers library, made quiet and kept offline, and models of a hub that are here already."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from probandum.errors import DataError, TargetError
from probandum.targets.loading import need, said

#: What a model folder is read from: never code, never a pickle.
PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken")
_HUB = "https://huggingface.co"


def transformers(*, download: bool = False) -> Any:
    """The library, without telemetry, progress bars and chatter; offline unless ``download``.

    Threads that wait are put to sleep: on a machine with other work, spinning ones slow a pass down tenfold.
    """
    for name in ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    if not download:
        os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    need("torch", needed_for="target transformers", extra="hf")
    library = need("transformers", needed_for="target transformers", extra="hf")
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    return library


def endpoint() -> str:
    """The address of the hub."""
    return os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")


def hub_folder(model: str, revision: str | None, *, download: bool) -> Path:
    """The folder of a hub model in the user's hub cache; its name is the commit.

    Nothing is fetched unless ``download``. DataError where it is not here, TargetError where fetching fails.
    """
    transformers(download=download)
    hub = importlib.import_module("huggingface_hub")
    try:
        found = hub.snapshot_download(
            model, revision=revision, local_files_only=not download, allow_patterns=list(PATTERNS)
        )
    except Exception as error:  # the hub has an exception for each way of not being there
        if download:
            raise TargetError(f"target.model: {model} could not be fetched from {endpoint()}: {said(error)}") from None
        raise DataError(
            f"target.model: {model!r} is no folder, no .gguf file and no model in the hub cache",
            remedy="check the path, or say download: true to fetch it once",
        ) from None
    return Path(found)
