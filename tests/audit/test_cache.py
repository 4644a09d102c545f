"""The shared cache: answers by system and pack, errors never; many processes, a limit, damage in one line."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from commands import entered
from paths import ROOT
from probandum import api, cache, codec
from probandum.cache import AnswerCache
from probandum.errors import UsageError
from probandum.evidence import Response
from records import write_sklearn_plan

#: A process that keeps packs of its own and one that all keep, and finds every one again.
WRITER = """\
import sys
import numpy as np
from pathlib import Path
from probandum.cache import AnswerCache
from probandum.evidence import Response

path, number = Path(sys.argv[1]), int(sys.argv[2])
said = []
kept = AnswerCache({"sha256": "a"}, path=path, notice=said.append)
for pack in range(20):
    for name in (f"{number}/{pack}", f"all/{pack}"):
        kept.put(name, [Response(outputs=np.full(200, pack + 0.5))])
        found = kept.get(name)
        assert found is not None and found.responses[0].values.tolist() == [pack + 0.5] * 200, name
assert said == [], said
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test keeps answers."""
    return tmp_path / "cache" / "answers.sqlite"


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No limit of the machine's own."""
    monkeypatch.delenv("PROBANDUM_CACHE_LIMIT", raising=False)
    yield


def kilobyte(value: float = 0.5) -> list[Response]:
    """An answer of about a thousand bytes."""
    return [Response(outputs=np.full(240, value))]


def test_a_pack_is_found_again_by_the_same_system_alone(path: Path) -> None:
    """Another digest of weights is another system."""
    kept = AnswerCache({"sha256": "a"}, path=path)
    kept.put("pack", [Response(outputs=np.array([0.1, 1 / 3]))])
    found = AnswerCache({"sha256": "a"}, path=path).get("pack")

    assert found is not None
    assert [0.1, 1 / 3] == found.responses[0].values.tolist()
    assert datetime.now(UTC).date().isoformat() == found.answered
    assert None is AnswerCache({"sha256": "b"}, path=path).get("pack")
    assert None is kept.get("another pack")


def test_an_error_is_not_kept(path: Path) -> None:
    """It may be gone at the next ask."""
    kept = AnswerCache({}, path=path)
    kept.put("pack", [Response(error="no memory")])

    assert None is kept.get("pack")


def test_what_was_kept_first_stays(path: Path) -> None:
    """Two processes that ask the same at once agree on one answer and its day."""
    one, two = AnswerCache({}, path=path), AnswerCache({}, path=path)
    one.put("pack", kilobyte(0.25))
    two.put("pack", kilobyte(0.75))

    found = two.get("pack")

    assert found is not None
    assert 0.25 == found.responses[0].values[0]


def test_files_are_their_owners_alone(path: Path) -> None:
    """Answers may speak of persons: the file, the logs beside it and the folder."""
    kept = AnswerCache({}, path=path)
    kept.put("pack", kilobyte())

    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert {"answers.sqlite", "answers.sqlite-wal", "answers.sqlite-shm"} == {f.name for f in path.parent.iterdir()}
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)


def test_several_processes_keep_answers_at_once(path: Path) -> None:
    """Six that begin together, with a file that none of them has made yet; nothing is lost and nobody fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "audit")}
    command = [sys.executable, "-c", WRITER, str(path)]
    running = [
        subprocess.Popen([*command, str(number)], env=environment, stderr=subprocess.PIPE) for number in range(6)
    ]
    ended = [process.communicate()[1].decode() for process in running]

    assert [""] * 6 == ended
    assert [6 * 20 + 20] == [each.packs for each in cache.holdings(path)]


def test_what_was_used_least_recently_makes_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten answers of a kilobyte where ten have room; the first is used again, so that the second goes."""
    size = len(codec.encode(kilobyte()))
    monkeypatch.setenv("PROBANDUM_CACHE_LIMIT", str(10 * size / 1e6))
    kept = AnswerCache({}, path=path)
    for pack in range(10):
        kept.put(f"{pack}", kilobyte())
    assert kept.get("0") is not None
    kept.put("10", kilobyte())

    there = [pack for pack in range(11) if kept.get(f"{pack}") is not None]

    assert [0, 3, 4, 5, 6, 7, 8, 9, 10] == there
    assert 9 * size == sum(each.bytes for each in cache.holdings(path))


def test_an_answer_beyond_the_limit_is_not_kept_and_takes_nothing_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else would have to go for it."""
    monkeypatch.setenv("PROBANDUM_CACHE_LIMIT", "0.002")
    kept = AnswerCache({}, path=path)
    kept.put("small", kilobyte())
    kept.put("large", [Response(outputs=np.full(2000, 0.5))])

    assert None is kept.get("large")
    assert None is not kept.get("small")


@pytest.mark.parametrize("said", ["0", "-1", "nan", "inf", "much"])
def test_a_limit_that_is_none_is_one_error(path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """It is a number of megabytes."""
    monkeypatch.setenv("PROBANDUM_CACHE_LIMIT", said)

    with pytest.raises(UsageError, match=f"PROBANDUM_CACHE_LIMIT: '{said}'") as caught:
        AnswerCache({}, path=path)
    assert 2 == caught.value.exit_code


def _other_format(path: Path) -> None:
    AnswerCache({}, path=path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")


def _no_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 200)


@pytest.mark.parametrize("spoil", [_no_database, _other_format])
def test_a_damaged_file_is_one_line_that_says_how_to_go_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, spoil: object
) -> None:
    """Before a record is begun; and the command that it names clears it away."""
    spoil(path)  # type: ignore[operator]
    monkeypatch.setenv("PROBANDUM_CACHE", str(path.parent))
    write_sklearn_plan(path.parent.parent, execution="{cache: shared}")

    ended = entered(path.parent.parent, "audit", "audit.yaml", "--out", "run")

    assert 2 == ended.code
    assert ended.err.startswith(f"error: {path}: ")
    assert ended.err.endswith("; remove it with: probandum cache clear; it holds only copies\n")
    assert not (path.parent.parent / "run").exists()
    assert 2 == entered(path.parent, "cache").code
    assert 2 == entered(path.parent, "cache", "clear", "--older-than", "1").code
    assert "0 packs forgotten\n" == entered(path.parent, "cache", "clear").out
    assert [] == list(path.parent.iterdir())


def test_a_cache_that_breaks_while_a_run_goes_on_is_given_up_and_said(path: Path) -> None:
    """The system is asked instead: an answer that is not the one that was kept is never given."""
    said: list[str] = []
    kept = AnswerCache({}, path=path, notice=said.append)
    kept.put("pack", kilobyte())
    with sqlite3.connect(path) as database:
        database.execute("UPDATE bodies SET responses = replace(responses, '0.5', '0.6')")

    assert None is kept.get("pack")
    kept.put("other", kilobyte())
    assert None is kept.get("other")
    assert 1 == len(said)
    assert "are not those that were kept; this run goes on without it; remove it with: probandum cache clear" in said[0]


def test_the_command_shows_what_is_kept_and_forgets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By system, and by the age of an answer."""
    monkeypatch.setenv("PROBANDUM_CACHE", str(tmp_path / "cache"))
    path = cache.cache_path()
    assert f"{path}: 0.0 kB of at most 2,000.0 MB (PROBANDUM_CACHE_LIMIT)\n" == entered(tmp_path, "cache").out
    assert not path.exists()
    api.audit(write_sklearn_plan(tmp_path, execution="{cache: shared}"), out=tmp_path / "run", documents=False)
    old = AnswerCache({"sha256": "old"}, name="Old scorer")
    old.put("pack", kilobyte())
    last_month = (datetime.now(UTC).date() - timedelta(days=30)).isoformat()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE answers SET answered = ? WHERE system = ?", (last_month, old.system))

    shown = entered(tmp_path, "cache").out.splitlines()

    assert f"{old.system[7:19]}  1 pack, 1.1 kB, answered {last_month}: Old scorer" == shown[1]
    assert "Scorer 1.0 (sklearn)" == shown[2].rpartition(": ")[2]
    assert "0 packs forgotten\n" == entered(tmp_path, "cache", "clear", "--older-than", "30").out
    assert "1 pack forgotten\n" == entered(tmp_path, "cache", "clear", "--older-than", "29").out
    assert None is old.get("pack")
    assert 2 == entered(tmp_path, "cache", "clear", "--system", old.system).code
    digest = cache.holdings()[0].system[7:15]
    assert "1 pack forgotten\n" == entered(tmp_path, "cache", "clear", "--system", digest).out
    assert [] == cache.holdings()


def test_forgotten_answers_leave_no_trace_in_the_file(path: Path) -> None:
    """They are overwritten, since they may speak of persons."""
    kept = AnswerCache({}, path=path)
    kept.put("pack", [Response(texts=("Emily Miller",))])
    kept.close()
    assert b"Emily Miller" in path.read_bytes()

    assert 1 == cache.clear(path)
    assert b"Emily Miller" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
