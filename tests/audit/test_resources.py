"""Shipped data: every data set has a card that names its files, digests, origin, licence and limits."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from paths import ROOT
from probandum.errors import DataError
from probandum.resources import cache_folder, dataset, shipped

SETS = sorted(path.name for path in (ROOT / "datasets").iterdir() if path.is_dir())


def card(name: str) -> dict[str, Any]:
    """The card of a data set."""
    path = dataset(name) / "card.yaml"
    assert path.is_file(), f"{name} has no card.yaml"
    values = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(values, dict)
    return values


@pytest.mark.parametrize("name", SETS)
def test_a_card_names_every_file_with_its_digest(name: str) -> None:
    """And nothing else lies beside it; a changed byte is found."""
    files = {path.name: path.read_bytes() for path in dataset(name).iterdir() if path.name != "card.yaml"}

    assert {file: hashlib.sha256(data).hexdigest() for file, data in files.items()} == card(name)["files"]
    assert files


@pytest.mark.parametrize("name", SETS)
def test_a_card_says_whose_the_data_are_and_what_they_cannot_show(name: str) -> None:
    """Origin, licence, rows, format and limits; its name is its folder's."""
    said = card(name)

    assert name == said["name"]
    for key in ("title", "version", "description", "origin", "licence", "rows", "format", "limits"):
        assert said.get(key), f"{name}: {key}"
    assert isinstance(said["version"], str)
    assert all(isinstance(limit, str) for limit in said["limits"])
    assert {"author", "changes"} <= set(said["origin"])


def test_no_python_lies_among_the_data() -> None:
    """Nor would the folder pass for a package."""
    assert [] == [path for path in (ROOT / "datasets").rglob("*") if path.suffix in (".py", ".pyc")]


def test_the_checkouts_own_folders_win() -> None:
    """An edit is seen at once."""
    assert ROOT / "datasets" == shipped("datasets")
    assert ROOT / "templates" == shipped("templates")


def test_an_unknown_data_set_is_one_line() -> None:
    """With the nearest name."""
    with pytest.raises(DataError) as caught:
        dataset("german_credits")

    assert "no data set 'german_credits', did you mean 'german_credit'?" == caught.value.message
    assert f"known: {', '.join(SETS)}" == caught.value.remedy
    with pytest.raises(DataError, match="this installation has no no_such_kind/"):
        shipped("no_such_kind")


def test_the_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Our own variable first, then the desktop's convention, then the home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("PROBANDUM_CACHE", raising=False)

    assert tmp_path / ".cache" / "probandum" == cache_folder()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert tmp_path / "xdg" / "probandum" == cache_folder()
    monkeypatch.setenv("PROBANDUM_CACHE", str(tmp_path / "own"))
    assert tmp_path / "own" == cache_folder()
