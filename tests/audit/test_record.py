"""The audit folder: what a killed run leaves is read up to its last whole pack, and files come whole or not at all."""

from __future__ import annotations

import contextlib
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probandum import api, codec
from probandum.errors import RecordError, UsageError
from probandum.evidence import Capability, Observation, Reading, Request, Response, Table
from probandum.journal import RunJournal, WindowEntry, compared_entries, journal_entries
from probandum.packing import describe
from probandum.probe import Window
from probandum.record import Record, make_folder, pack_journal, start_record, write_bytes
from records import write_plan

WINDOW = Window(reading=Reading(seconds=1.0, meter="m", grade="B"), requests=2, input_tokens=None, output_tokens=None)


def pack(name: str, size: int) -> list[Observation]:
    """A pack of answers."""
    answers = [Response(outputs=np.array([[index / 7, 1 - index / 7]]), labels=("a", "b")) for index in range(size)]
    asked = [Request(kind=Capability.CLASSIFY, inputs=(f"{name} {index}",)) for index in range(size)]
    return [
        Observation(
            request=asked[index].digest,
            response=answer.digest,
            probe="bias.a",
            attempt=1,
            seconds=0.1,
            placement="local",
            pack=name,
            index=index,
            size=size,
            asked=describe(asked[index]),
            answer=answer,
        )
        for index, answer in enumerate(answers)
    ]


def written(path: Path) -> list[int]:
    """A journal of two packs, a window and a pack; where each of the four ends."""
    journal = RunJournal(path)
    ends = []
    for step in (pack("one", 2), pack("two", 3), None, pack("three", 1)):
        if step is None:
            journal.write_window("w", WINDOW)
        else:
            journal.write(step)
        ends.append(path.stat().st_size)
    journal.close()
    return ends


def test_a_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    """Packs whole and in order, windows by their key, arrays to the bit."""
    written(tmp_path / "journal.jsonl")
    journal = RunJournal(tmp_path / "journal.jsonl")
    found = journal.recorded("two")
    journal.close()

    assert found is not None
    assert [codec.encode(each) for each in pack("two", 3)] == [codec.encode(each) for each in found]
    assert WINDOW == journal.window("w")
    assert None is journal.recorded("four")
    assert None is journal.window("v")


def test_cut_at_any_byte_a_journal_holds_the_packs_that_were_whole(tmp_path: Path) -> None:
    """A power cut loses the pack that was being written, never one before it, and nothing is half read."""
    path = tmp_path / "journal.jsonl"
    ends = written(path)
    whole = path.read_bytes()
    for cut in [
        *range(0, len(whole), 7),
        *(end + shift for end in ends for shift in (-1, 0, 1) if end + shift <= len(whole)),
    ]:
        path.write_bytes(whole[:cut])
        before = len(journal_entries(path))
        journal = RunJournal(path)
        kept = [journal.recorded("one"), journal.recorded("two"), journal.window("w"), journal.recorded("three")]
        journal.close()

        assert [end <= cut for end in ends] == [each is not None for each in kept]
        assert max([0, *(end for end in ends if end <= cut)]) == path.stat().st_size
        assert before == len(journal_entries(path))


def test_a_run_goes_on_behind_what_was_whole(tmp_path: Path) -> None:
    """The pack that was lost is written again, and the journal reads like one that was never cut."""
    path = tmp_path / "journal.jsonl"
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    journal = RunJournal(path)
    journal.write(pack("three", 1))
    journal.close()

    assert whole == path.read_bytes()


def test_without_resuming_a_journal_starts_empty(tmp_path: Path) -> None:
    """``cache: off`` reuses nothing."""
    written(tmp_path / "journal.jsonl")
    journal = RunJournal(tmp_path / "journal.jsonl", resume=False)
    journal.close()

    assert None is journal.recorded("one")
    assert [] == journal_entries(tmp_path / "journal.jsonl")


def test_damage_in_the_middle_is_named_with_its_line(tmp_path: Path) -> None:
    """A kill cannot have done that."""
    path = tmp_path / "journal.jsonl"
    written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b'{"answer":1}\n', *lines[2:]]))

    with pytest.raises(RecordError, match=r"journal\.jsonl:2: "):
        RunJournal(path)


@pytest.mark.parametrize(
    "request_",
    [
        Request(kind=Capability.PREDICT, inputs=Table({"a": np.array([1.5, -0.0])}), keys=("x", "y")),
        Request(
            kind=Capability.CHOOSE,
            inputs=("ä\n",),
            options=(("yes", " yes"), ("no",)),
            prefix="My",
            parameters={"b": 1.0, "a": True},
            repeat=3,
        ),
        Request(kind=Capability.SCORE, inputs=("a", "b"), continuations=("c", "d"), groups=("g", "h")),
    ],
    ids=["rows", "choose", "score"],
)
def test_a_question_agrees_with_its_digest_as_it_stands_in_a_journal(tmp_path: Path, request_: Request) -> None:
    """Rows by the digest of their table, texts whole; another kind, or another repeat, does not agree."""
    answer = Response(outputs=np.full((len(request_), 2), 1e-300), refused=(0,), input_tokens=3)
    (entry,) = pack("one", 1)
    entry = replace(entry, request=request_.digest, asked=describe(request_), answer=answer, response=answer.digest)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(codec.encode(entry) + b"\n")

    (back,) = compared_entries(path)
    assert codec.encode(entry) == codec.encode(back)
    for other in ({"kind": "embed"}, {"repeat": 4}, {"prefix": "Your"}):
        path.write_bytes(codec.encode(replace(entry, asked={**entry.asked, **other})) + b"\n")
        with pytest.raises(RecordError, match=r"journal\.jsonl:1: the question is not the one whose digest stands"):
            list(compared_entries(path))


answers = st.builds(
    lambda rows, texts, tokens, error: Response(
        outputs=np.array(rows), texts=tuple(texts), input_tokens=tokens, refused=(1,), error=error
    ),
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1, max_size=4
    ),
    st.lists(st.text('aé0123456789"', max_size=5), max_size=3),
    st.integers(0, 9999),
    st.none() | st.text("0123456789", max_size=4),
)


@given(answer=answers, data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_changed_digit_of_an_answer_is_found(
    tmp_path_factory: pytest.TempPathFactory, answer: Response, data: st.DataObject
) -> None:
    """Of a number, a text, a count of tokens or an error, in a journal that is open and in one that is packed."""
    (entry,) = pack("one", 1)
    line = codec.encode(replace(entry, answer=answer, response=answer.digest)) + b"\n"
    held = line.index(b'"asked":')
    places = [place for place in range(held) if line[place : place + 1].isdigit()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([each for each in b"0123456789" if each != line[place]]))
    folder = tmp_path_factory.mktemp("digit")
    journal, stored = folder / "journal.jsonl", folder / "observations.jsonl.zst"

    for lines, found in ((line, False), (line[:place] + bytes([digit]) + line[place + 1 :], True)):
        journal.write_bytes(lines)
        pack_journal(journal, stored)
        for path in (journal, stored):
            with pytest.raises(RecordError, match=":1: ") if found else contextlib.nullcontext():
                list(compared_entries(path))
        with pytest.raises(RecordError, match=":1: ") if found else contextlib.nullcontext():
            RunJournal(journal).close()
        assert lines == journal.read_bytes()


def test_a_run_does_not_go_on_from_what_says_that_it_was_purged(tmp_path: Path) -> None:
    """Neither with an answer beside it, which no purge leaves, nor without one."""
    path = tmp_path / "journal.jsonl"
    (entry,) = pack("one", 1)
    left = entry.without_payload()
    for held, message in (
        (left, "its answer was purged"),
        (replace(left, answer=entry.answer), "still holds an answer"),
    ):
        path.write_bytes(codec.encode(held) + b"\n")
        with pytest.raises(RecordError, match=rf"journal\.jsonl:1: .*{message}"):
            RunJournal(path)


def test_two_runs_cannot_write_one_record(tmp_path: Path) -> None:
    """The second is told; the first goes on."""
    journal = RunJournal(tmp_path / "journal.jsonl")

    with pytest.raises(UsageError, match="another run is writing this record"):
        RunJournal(tmp_path / "journal.jsonl")
    journal.write(pack("one", 1))
    journal.close()
    RunJournal(tmp_path / "journal.jsonl").close()
    assert 0o600 == stat.S_IMODE((tmp_path / "journal.jsonl").stat().st_mode)


def test_a_packed_journal_reads_like_the_open_one(tmp_path: Path) -> None:
    """Entry for entry; a damaged one names its file."""
    record = Record(tmp_path)
    written(record.journal)
    (tmp_path / "ask").mkdir()
    before = [codec.encode(entry) for entry in record.entries()]
    assert record.journal == record.observed
    pack_journal(record.journal, record.ask / "observations.jsonl.zst")
    record.journal.unlink()

    assert before == [codec.encode(entry) for entry in record.entries()]
    assert 6 == len(list(record.observations()))
    assert {"w": WINDOW} == record.windows()
    assert 1 == sum(isinstance(entry, WindowEntry) for entry in record.entries())
    whole = record.observed.read_bytes()
    for cut in range(len(whole) - 4):  # the last four bytes are the checksum of what stands before them
        record.observed.write_bytes(whole[:cut])
        with pytest.raises(RecordError, match=r"observations\.jsonl\.zst"):
            list(record.entries())


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stood there stays where writing fails, and nothing lies beside it."""
    path = tmp_path / "a" / "findings.json"
    write_bytes(path, b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left") as caught:
        patch.setattr("os.fsync", full)
        write_bytes(path, b"two")
    assert str(path) == caught.value.filename
    assert b"one" == path.read_bytes()
    assert [path] == list(path.parent.iterdir())
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_for_its_owner_alone_with_all_above_it(tmp_path: Path) -> None:
    """Mode 700 all the way; folders that stand already keep theirs."""
    (tmp_path / "a").mkdir(mode=0o755)
    for _ in range(2):
        make_folder(tmp_path / "a" / "b" / "c")

        assert [0o755, 0o700, 0o700] == [
            stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c")
        ]


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    """Temporary files and folders go, at any level; a link goes, and what it points at stays."""
    kept = [tmp_path / "a" / "b.part", tmp_path / "a" / ".hidden"]
    for path in (*kept, tmp_path / ".a.json.x.part", tmp_path / "a" / ".y.part" / "inner" / "c"):
        write_bytes(path, b"")
    (tmp_path / ".z.part").symlink_to(tmp_path / "a")
    Record(tmp_path).sweep()

    assert sorted(kept) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert ["a"] == [path.name for path in tmp_path.iterdir()]


def test_a_record_begins_once_and_only_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """The same key goes on; another key, or other files, are refused."""
    begun = start_record(tmp_path / "run", plan_source=b"version: 1\n", plan={"key": "a"}, environment={"seed": 1})
    again = start_record(tmp_path / "run", plan_source=b"other", plan={"key": "a"}, environment={"seed": 2})

    assert {"format": 1, "seed": 1} == again.environment
    assert b"version: 1\n" == (begun.ask / "plan.yaml").read_bytes()
    assert not begun.sealed
    with pytest.raises(UsageError, match="holds the record of another plan, model or data set"):
        start_record(tmp_path / "run", plan_source=b"", plan={"key": "b"}, environment={})
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not empty and not an audit record"):
        start_record(tmp_path / "file", plan_source=b"", plan={"key": "a"}, environment={})


def test_a_record_that_lacks_a_file_is_one_line(tmp_path: Path) -> None:
    """The file and what to do."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    (record.ask / "items.json").unlink()

    with pytest.raises(RecordError) as caught:
        _ = record.items
    assert (
        "items.json: No such file or directory; the record is incomplete; run the audit again to resume it"
        in (caught.value.lines()[0])
    )
    (record.folder / "findings.json").write_text("[]\n")
    with pytest.raises(RecordError, match=r"findings\.json is none of its judgements"):
        record.judgement()
