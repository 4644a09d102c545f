"""Seals: a list of digests and a statement account for every file of a folder, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from probandum import codec
from probandum.errors import RecordError
from probandum.record import write_bytes
from probandum.sealing import (
    STATEMENT,
    SUMS,
    agree,
    break_seal,
    contents,
    linked,
    report_facts,
    same,
    seal,
    signature,
    signed,
    statement_digest,
)
from probandum.signing import key_id, keygen, load_public

FACTS: dict[str, Any] = {"mode": "release", "places": ["a", 1, None]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in a folder below, under a seal."""
    made = tmp_path / "sealed"
    write_bytes(made / "a.txt", b"a")
    write_bytes(made / "b" / "c.txt", b"c")
    seal(made, contents(made), predicate="test", facts=FACTS, key=None)
    return made


def found(folder: Path) -> list[Path]:
    """What stands in the folder beside its seal."""
    return [path for path in contents(folder) if path.name not in (SUMS, STATEMENT)]


def test_a_seal_lists_files_and_facts(folder: Path) -> None:
    """Names in order, the facts as they are, and a digest that names the whole."""
    assert ["a.txt", "b/c.txt"] == [line.split("  ")[1] for line in (folder / SUMS).read_text().splitlines()]
    assert (True, "2 files") == agree(folder, found(folder))
    assert (True, f"statement {statement_digest(folder)[:19]}…") == same(folder, "test", FACTS)
    assert {"signed": False, "key_id": None} == signature(folder)


def test_the_same_files_give_the_same_seal(folder: Path) -> None:
    """Byte for byte, and in any order of the files."""
    before = {path.name: path.read_bytes() for path in (folder / SUMS, folder / STATEMENT)}
    digest = seal(folder, reversed(found(folder)), predicate="test", facts=FACTS, key=None)

    assert before == {path.name: path.read_bytes() for path in (folder / SUMS, folder / STATEMENT)}
    assert digest == statement_digest(folder)


@pytest.mark.parametrize("name", ["more", ".hidden", "b/more"])
@pytest.mark.parametrize("kind", ["file", "folder", "link", "dead link"])
def test_whatever_a_list_does_not_name_is_found(folder: Path, tmp_path: Path, name: str, kind: str) -> None:
    """A file, a hidden one, a folder without a file, and a link to a folder or to nothing."""
    (tmp_path / "elsewhere").mkdir()
    if kind == "file":
        (folder / name).write_text("")
    elif kind == "folder":
        (folder / name).mkdir()
    else:
        (folder / name).symlink_to(tmp_path / ("elsewhere" if kind == "link" else "nowhere"))

    assert (False, f"{name!r} is not listed") == agree(folder, found(folder))


def test_what_is_listed_and_missing_or_changed_is_found(folder: Path) -> None:
    """A folder in a file's place is a missing file."""
    (folder / "a.txt").write_bytes(b"b")
    changed = agree(folder, found(folder))
    (folder / "a.txt").unlink()
    missing = agree(folder, found(folder))
    (folder / "a.txt").mkdir()

    assert not changed[0] and changed[1].startswith("a.txt: expected ca978112ca1b…, found 3e23e8160039…")
    assert (False, "a.txt is listed and missing") == missing == agree(folder, found(folder))


def test_a_link_in_a_listed_files_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """Even where the same bytes lie at its end."""
    (folder / "a.txt").rename(tmp_path / "a.txt")
    (folder / "a.txt").symlink_to(tmp_path / "a.txt")

    assert (False, linked("a.txt")) == agree(folder, found(folder))


@pytest.mark.parametrize(
    ("predicate", "facts", "message"),
    [
        ("test", {**FACTS, "mode": "merge"}, 'the statement says mode "release", and the files "merge"'),
        ("test", {"mode": "release"}, 'the statement says places ["a",1,null], and the files null'),
        ("test", {**FACTS, "more": 1}, "the statement says more null, and the files 1"),
        ("other", FACTS, "the statement names other files, other digests or another kind"),
    ],
)
def test_a_statement_says_these_facts_and_no_others(
    folder: Path, predicate: str, facts: dict[str, Any], message: str
) -> None:
    """One fact more, less or other is another statement."""
    assert (False, message) == same(folder, predicate, facts)


def test_a_list_of_digests_that_the_statement_does_not_know_is_found(folder: Path) -> None:
    """Whoever mends the list after changing a file still has the statement against him."""
    statement = (folder / STATEMENT).read_bytes()
    (folder / "a.txt").write_bytes(b"forged")
    seal(folder, found(folder), predicate="test", facts=FACTS, key=None)
    (folder / STATEMENT).write_bytes(statement)

    assert agree(folder, found(folder))[0]
    assert (False, "the statement names other files, other digests or another kind") == same(folder, "test", FACTS)


def test_a_signature_is_checked_with_the_key_that_is_given(folder: Path, tmp_path: Path) -> None:
    """Unsigned, not checked, right and wrong are four answers."""
    ours, theirs = (load_public(keygen(tmp_path / name)) for name in ("ours", "theirs"))
    unsigned = signed(folder, None), signed(folder, ours)
    seal(folder, found(folder), predicate="test", facts=FACTS, key=tmp_path / "ours")

    assert (None, False) == (unsigned[0][0], unsigned[1][0])
    assert (None, f"it names key {key_id(ours)}, not checked: give the public key with --key") == signed(folder, None)
    assert (True, f"signed by key {key_id(ours)}") == signed(folder, ours)
    wrong = f"the signature was not made with key {key_id(theirs)} (it names {key_id(ours)})"
    assert (False, wrong) == signed(folder, theirs)
    assert {"signed": True, "key_id": key_id(ours)} == signature(folder)


def test_a_broken_seal_takes_its_own_files_with_it_and_no_others(folder: Path, tmp_path: Path) -> None:
    """What was not listed stays, and a damaged list reaches nothing outside the folder."""
    (folder / "mine.txt").write_text("")
    (tmp_path / "outside.txt").write_text("")
    sums = (folder / SUMS).read_text()
    (folder / SUMS).write_text(f"{'0' * 64}  ../outside.txt\n{sums}")
    break_seal(folder)

    assert ["mine.txt"] == [path.name for path in folder.iterdir()]
    assert (tmp_path / "outside.txt").is_file()


def test_a_seal_that_is_no_list_is_taken_off_alone(folder: Path) -> None:
    """Nobody knows what it covered."""
    (folder / SUMS).write_text("nothing")
    break_seal(folder)

    assert ["a.txt", "b"] == sorted(path.name for path in folder.iterdir())


def test_another_statement_is_none_over_reports(folder: Path) -> None:
    """The kind is part of what is said; facts of another form are refused too."""
    with pytest.raises(RecordError, match="not a statement over reports"):
        report_facts(folder)
    seal(folder, found(folder), predicate="reports", facts=FACTS, key=None)
    with pytest.raises(RecordError, match="record"):
        report_facts(folder)


def test_a_list_of_digests_has_one_form(folder: Path) -> None:
    """Another order, or a line without a digest, is no list."""
    lines = (folder / SUMS).read_text().splitlines(keepends=True)
    for text, message in (("".join(reversed(lines)), "not in canonical form"), ("a.txt\n", "not a list of digests")):
        (folder / SUMS).write_text(text)
        with pytest.raises(RecordError, match=message):
            agree(folder, found(folder))
    assert codec.digest(b"a").endswith(lines[0][:64])
