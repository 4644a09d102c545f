"""By which digests one tells the audited model, and the data of its test, from every other, each in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from probandum.dossier import Dossier
from probandum.export.subjects import files_of
from probandum_reports.messages import counted, said

#: How the files of weights are called among those of a model.
_WEIGHTS = (".safetensors", ".bin", ".gguf", ".onnx", ".pt", ".npz", ".h5")


def model(dossier: Dossier) -> str:
    """The files of the model with their digests: the one that it was converted from, or its weights, or all."""
    identity: Mapping[str, Any] = dossier.environment.get("target", {}).get("identity", {})
    while "recorded_identity" in identity:  # what answered in the end, where a record was replayed
        identity = identity["recorded_identity"] or {}
    origin = identity.get("converted_from")
    files = [*files_of(origin if isinstance(origin, Mapping) else identity)]
    recorded = {str(each["sha256"]) for each in dossier.environment.get("data") or ()}
    if files and {f"sha256:{digest}" for _, digest in files} <= recorded:
        return said("none: answers were recorded before, and the recording is the data")
    weights = [each for each in files if PurePosixPath(each[0]).suffix in _WEIGHTS]
    if weights and len(weights) < len(files):
        return counted(
            len(files) - len(weights),
            "{files}, and {n} further file that the record names",
            "{files}, and {n:,} further files that the record names",
            files=_listed(weights),
        )
    return _listed(files) or said("none: the system shows no file of its model")


def data(dossier: Dossier) -> str | None:
    """The files of the data with their digests and rows; of probes that bring their own, what was asked as recorded.

    None where the record says nothing of its files.
    """
    files = dossier.environment.get("data")
    if files is None:
        return None
    named = []
    for each in files:
        file = f"{each['file']} {each['sha256']}"
        rows = each["rows"]
        named.append(file if rows is None else f"{file}, {counted(rows, '{n} row', '{n:,} rows')}")
    asked = dossier.digests.get("observations")
    if not named and asked is not None:
        return said("the probes' own, as asked: {digest}", digest=f"observations.jsonl.zst {asked}")
    return "; ".join(named) or said("none: no file of data was named")


def _listed(files: Sequence[tuple[str, str]]) -> str:
    """Names with their digests.

    >>> _listed([("m.skops", "ab"), ("words.skops", "cd")])
    'm.skops sha256:ab; words.skops sha256:cd'
    """
    return "; ".join(f"{name} sha256:{digest}" for name, digest in files)
