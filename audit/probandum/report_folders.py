"""The folder that reports are written into: what stands there already, and where new ones are made beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from probandum import sealing
from probandum.dossier import Dossier
from probandum.errors import RecordError, UsageError
from probandum.record import PART, Record, make_folder

#: How many of those that would go are named.
_FEW = 3


def with_those_there(
    folder: Path, told: Dossier, documents: Sequence[str], formats: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Documents and formats with those that stand sealed in ``folder``; UsageError where these would not stay so."""
    try:
        there = sealing.report_facts(folder)
    except RecordError:
        return tuple(documents), tuple(formats)
    lost = [each for each in there.documents if each not in documents]
    unwritten = [each for each in there.formats if each not in formats]
    if not (lost or unwritten):
        return tuple(documents), tuple(formats)
    now = {
        "record": told.digests["record"],
        "judgement": told.digests["judgement"],
        "as_of": told.as_of,
        "language": told.language,
        "final": told.final,
    }
    words = {
        "record": "of another record",
        "judgement": "of another judgement",
        "as_of": f"as of {there.as_of}",
        "language": f"in the language {there.language}",
        "final": "written as final" if there.final else "not written as final",
    }
    if other := [words[name] for name, value in now.items() if getattr(there, name) != value]:
        raise UsageError(
            f"{folder}: holds documents {' and '.join(other)}, of which {_named(lost, unwritten)} would go",
            remedy="write them all, choose another --out, or let them go with --replace",
        )
    return tuple(dict.fromkeys((*there.documents, *documents))), tuple(dict.fromkeys((*there.formats, *formats)))


def _named(documents: Sequence[str], formats: Sequence[str]) -> str:
    """The first documents and how many more, and the formats of which every file is meant.

    >>> _named(["dpia", "fria", "lia", "ropa"], ["html"]), _named([], ["html", "md"])
    ('dpia, fria, lia and 1 more, and every file in html', 'every file in html, md')
    """
    more = f" and {len(documents) - _FEW} more" if len(documents) > _FEW else ""
    told = [f"{', '.join(documents[:_FEW])}{more}"] if documents else []
    return ", and ".join(told + ([f"every file in {', '.join(formats)}"] if formats else []))


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A folder inside ``folder`` for files that are still being written; nothing is left of it at the end."""
    there = folder.exists()
    make_folder(folder)
    made = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=PART))
    try:
        yield made
    finally:
        shutil.rmtree(made)
        if not there and not any(folder.iterdir()):
            folder.rmdir()


def refuse_other_folder(record: Record, folder: Path) -> None:
    """UsageError where ``folder`` is no place for reports."""
    remedy = "choose another --out"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: not a folder", remedy=remedy)
    if folder.resolve() == record.reports.resolve():
        return
    if folder.resolve().is_relative_to(record.folder.resolve()):
        raise UsageError(f"{folder}: lies inside the record and is not its reports/", remedy=remedy)
    if any((folder / name).exists() for name in (sealing.SUMS, sealing.STATEMENT)):
        try:
            sealing.report_facts(folder)
        except RecordError:
            raise UsageError(f"{folder}: holds digests or a seal of something else", remedy=remedy) from None
