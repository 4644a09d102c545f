"""The fixed prompts that a text system is asked to take its energy: shipped ones, or a file of the plan's own."""

from __future__ import annotations

from pathlib import Path

from probandum.errors import DataError
from probandum.resources import dataset


def prompts(path: Path | None) -> tuple[str, ...]:
    """One prompt a line of ``path``, or of the shipped file; DataError where it is no text or holds none."""
    path = path or dataset("energy_prompts") / "prompts.txt"
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text") from None
    texts = tuple(line.strip() for line in lines if line.strip())
    if not texts:
        raise DataError(f"{path}: no text in it", remedy="expected one prompt a line")
    return texts
