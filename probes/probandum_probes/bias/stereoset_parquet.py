"""StereoSet's examples in Parquet, as the hub has them in a folder for each part, in the form of ``dev.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from probandum.errors import DataError
from probandum_probes.public_files import PublicRecord, read_nested

#: What the numbers of gold_label mean there.
_LABELS = ("anti-stereotype", "stereotype", "unrelated")
#: What stands in the context of an example of the part intrasentence, for the word that fills it.
_GAP = "BLANK"
_INSIDE, _BEHIND = "intrasentence", "intersentence"


def parquet_entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Each example with its part and where it stands; DataError where a row is none.

    The part is that in the name of the file or of its folder; where there is none, examples whose context has a gap to
    fill are of the part intrasentence.
    """
    named = [part for part in (_INSIDE, _BEHIND) if part in f"{path.parent.name}/{path.name}"]
    for record in read_nested(path):
        part = named[0] if len(named) == 1 else _INSIDE if _GAP in str(record.values.get("context")) else _BEHIND
        yield part, {**record.values, "sentences": list(_sentences(record))}, record.where


def _sentences(record: PublicRecord) -> Iterator[Mapping[str, Any]]:
    """The sentences of a row, from lists side by side."""
    found = record.values.get("sentences")
    lists = [found.get(name) for name in ("id", "sentence", "gold_label")] if isinstance(found, Mapping) else []
    if not lists or not all(isinstance(each, Sequence) and len(each) == len(lists[0] or ()) for each in lists):
        raise DataError(
            f"{record.where}: sentences: expected lists of id, sentence and gold_label, one place a sentence",
            remedy="validation-*.parquet of McGill-NLP/stereoset, in intrasentence/ and intersentence/, has this form",
        )
    for name, text, label in zip(*lists, strict=True):
        known = isinstance(label, int) and 0 <= label < len(_LABELS)
        yield {"id": name, "sentence": text, "gold_label": _LABELS[label] if known else str(label)}
