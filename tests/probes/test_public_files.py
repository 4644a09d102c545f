"""Files that others publish, in probes: what was read last is returned until a byte of it changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from probandum.errors import DataError
from probandum_probes.public_files import read_once

READS: list[str] = []


@read_once
def read(paths: Sequence[Path], *, upper: bool = False) -> str:
    """All files together; notes that it was called."""
    texts = "".join(path.read_text("utf-8") for path in paths)
    READS.append(texts)
    if not texts:
        raise DataError("nothing is there")
    return texts.upper() if upper else texts


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    """No test sees the reads of another."""
    READS.clear()


def test_files_are_taken_apart_again_only_where_a_byte_changed(tmp_path: Path) -> None:
    """The same bytes are read once, also under a list; other bytes of the same length are read anew."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a", "utf-8")
    two.write_text("b", "utf-8")

    assert ["ab", "ab", "ab"] == [read((one, two)), read([one, two]), read((one, two))]
    assert ["ab"] == READS
    two.write_text("c", "utf-8")
    assert "ac" == read((one, two))
    assert ["ab", "ac"] == READS


def test_other_options_are_another_reading(tmp_path: Path) -> None:
    """What is read under one option is not returned under another, and only the last reading is kept."""
    (tmp_path / "one").write_text("a", "utf-8")

    assert ["a", "A", "a"] == [read([tmp_path / "one"], upper=upper) for upper in (False, True, False)]
    assert 3 == len(READS)


def test_what_is_wrong_with_a_file_is_said_every_time(tmp_path: Path) -> None:
    """An error is not kept, and a file that is not there is the reader's to name."""
    (tmp_path / "one").write_text("", "utf-8")

    for _ in range(2):
        with pytest.raises(DataError, match=r"^nothing is there$"):
            read([tmp_path / "one"])
        with pytest.raises(FileNotFoundError):
            read([tmp_path / "absent"])
    assert 2 == len(READS)
