"""Files of the hub that a plan names, against a hub on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub_server import COMMIT, serving
from probandum.errors import DataError
from probandum.hub_files import hub_file

_ASK = """
import pathlib, sys
from probandum.errors import ProbandumError
from probandum.resources import file_at
try:
    print(file_at(pathlib.Path("elsewhere"), sys.argv[1]).read_text(), end="")
except ProbandumError as error:
    print(error.lines()[0])
"""


def asked_for(folder: Path, hub: str, address: str) -> str:
    """What a process of its own finds at an address, in a hub cache of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = {**kept, "HF_HOME": str(folder / "cache"), "HF_ENDPOINT": hub}
    done = subprocess.run(
        [sys.executable, "-c", _ASK, address], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.slow
def test_a_file_is_fetched_once(tmp_path: Path) -> None:
    """It comes from the hub at its commit, and after that from the cache without a word to the hub."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "pairs.csv").write_text("a,b\n1,2\n")
    with serving(served) as (hub, asked):
        address = f"hf://datasets/us/tiny/pairs.csv@{COMMIT}"
        first = asked_for(tmp_path, hub, address)
        after = len(asked)
        second = asked_for(tmp_path, hub, address)
        missing = asked_for(tmp_path, hub, f"hf://datasets/us/tiny/other.csv@{COMMIT}")

    assert "a,b\n1,2\n" == first == second
    assert 0 < after
    assert all(path.endswith("other.csv") for path in asked[after:])
    assert missing.startswith(f"hf://datasets/us/tiny/other.csv@{COMMIT} could not be fetched: ")
    assert 1 == missing.count("\n")


@pytest.mark.parametrize(
    "address",
    ["hf://datasets/us/tiny/pairs.csv@main", "hf://datasets/us/pairs.csv", f"hf://us/tiny/pairs.csv@{COMMIT}"],
)
def test_an_address_is_whole(address: str) -> None:
    """A branch is no commit, and an address without one is refused before anything is asked."""
    with pytest.raises(DataError, match="no address of a file"):
        hub_file(address)
