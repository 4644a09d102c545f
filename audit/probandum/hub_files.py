"""Files of the Hugging Face hub that a plan names, each pinned to a commit."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path

from probandum.errors import DataError, MissingDependency, TargetError

SCHEME = "hf://"
_FORM = "hf://datasets/OWNER/NAME/FILE@COMMIT"
_ADDRESS = re.compile(r"hf://datasets/(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[^@]+)@(?P<commit>[0-9a-f]{40})", re.ASCII)


def hub_file(address: str) -> Path:
    """The file at ``hf://datasets/OWNER/NAME/FILE@COMMIT``, from the hub's own cache or fetched once.

    The commit is all 40 digits: a branch would be another file tomorrow. The hub is that of ``HF_ENDPOINT``.
    DataError for an address of another form, TargetError where the file cannot be fetched.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise DataError(f"{address}: no address of a file", remedy=f"expected {_FORM}, all 40 digits of the commit")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        raise MissingDependency("huggingface_hub", needed_for=address, extra="hf") from None
    where = {"repo_id": found["repo"], "filename": found["file"], "revision": found["commit"], "repo_type": "dataset"}
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        return Path(hub.hf_hub_download(**where, endpoint=endpoint))
    except Exception as error:  # the hub has an exception for each way of not being there
        said = " ".join(str(error).split()) or type(error).__name__
        raise TargetError(f"{address} could not be fetched: {said}") from None
