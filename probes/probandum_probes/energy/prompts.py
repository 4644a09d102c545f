"""The fixed prompts that a text system is asked to take its energy: shipped ones, or a file of the plan's own."""

from __future__ import annotations

from pathlib import Path

from probandum.errors import DataError
from probandum.evidence import Capability, Request
from probandum.probe import Ask
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


def written(ask: Ask, texts: tuple[str, ...], tokens: int, *, whole: bool = False) -> Request:
    """Fresh answers of exactly so many tokens to every text; of at most so many from a server, or where ``whole``."""
    parameters = {"max_new_tokens": tokens}
    if not ask.remote and not whole:  # servers' protocols have nothing to ask for a least length with
        parameters["min_new_tokens"] = tokens
    return Request(kind=Capability.GENERATE, inputs=texts, parameters=parameters, fresh=True)
