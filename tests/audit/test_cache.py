"""The shared cache: answers by target and pack, errors never."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from probandum.cache import AnswerCache
from probandum.errors import UsageError
from probandum.evidence import Response


def test_a_pack_is_found_again_by_the_same_target_alone(tmp_path: Path) -> None:
    """Another digest of weights is another system."""
    path = tmp_path / "answers.sqlite"
    cache = AnswerCache({"sha256": "a"}, path=path)
    cache.put("pack", [Response(outputs=np.array([0.1, 1 / 3]))])
    found = AnswerCache({"sha256": "a"}, path=path).get("pack")

    assert found is not None
    assert [0.1, 1 / 3] == found.responses[0].values.tolist()
    assert None is AnswerCache({"sha256": "b"}, path=path).get("pack")
    assert None is cache.get("another pack")


def test_an_error_is_not_kept(tmp_path: Path) -> None:
    """It may be gone at the next ask."""
    cache = AnswerCache({}, path=tmp_path / "answers.sqlite")
    cache.put("pack", [Response(error="no memory")])

    assert None is cache.get("pack")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Answers may speak of persons."""
    path = tmp_path / "answers.sqlite"
    AnswerCache({}, path=path)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_damaged_file_is_one_error(tmp_path: Path) -> None:
    """It holds only copies, so it can be removed."""
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"no database" * 200)

    with pytest.raises(UsageError, match=r"answers\.sqlite"):
        AnswerCache({}, path=path)
