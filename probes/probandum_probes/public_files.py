"""What a public benchmark is made of: the records of its files, and the answers that were given to its items."""

from __future__ import annotations

from collections.abc import Sequence

from probandum.errors import TargetError
from probandum.evidence import Capability, Request
from probandum.probe import Ask
from probandum.public_records import PublicRecord, read_json, read_records

__all__ = ["PublicRecord", "read_json", "read_records", "recalled"]


def recalled(ask: Ask, items: Sequence[str]) -> list[str | None]:
    """The recorded answer of each item by its name, in order; None where the record has none.

    Only where ``Capability.RECALL`` is among ``ask.capabilities``. TargetError where the target answers nothing at all.
    """
    (response,) = ask([Request(kind=Capability.RECALL, inputs=tuple(items), keys=tuple(items))])
    if response.error is not None:
        raise TargetError(response.error)
    found = response.values[:, 0] == 1
    found[list(response.refused)] = False
    return [text if there else None for text, there in zip(response.texts, found, strict=True)]
