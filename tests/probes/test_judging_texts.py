"""Judges of texts that run here: words of a file, and a small classifier of English."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from probandum.errors import DataError
from probandum_probes.judging_texts import Lexicon, Profanity, judge_of, read_lexicon


def test_words_are_found_as_words() -> None:
    """Whole words and phrases, whatever their case and accents; parts of other words are none."""
    judge = Lexicon(["idiot", "son of a gun", "cretin"], name="three")

    assert [1.0, 0.0, 1.0, 1.0, 0.0] == judge.shares(
        ["An IDIOT.", "An idiotic plan.", "You son of a gun", "Quel Crétin !", "secretin"]
    ).tolist()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("words.txt", "# a comment\nidiot\n\n fool \n", ("idiot", "fool")),
        ("words.csv", "word,why\nidiot,insult\nfool,insult\n", ("idiot", "fool")),
        (
            "hurtlex_EN.tsv",
            "lemma\tcategory\tlevel\nidiot\tcds\tconservative\nchicken\tan\tinclusive\n",
            ("idiot",),
        ),
    ],
)
def test_a_lexicon_is_a_list_or_a_table(tmp_path: Path, name: str, text: str, words: tuple[str, ...]) -> None:
    """One word a line, or a field of a table; of HurtLex the conservative level, as HONEST takes it."""
    (tmp_path / name).write_text(text)
    judge = read_lexicon(tmp_path / name)

    assert words == judge.words
    assert f"{len(words)} words of {name}" == judge.name


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("words.txt", b"# nothing\n", r"words\.txt: holds no word"),
        ("words.txt", b"\xff\xfe\xff", r"words\.txt: not UTF-8 text"),
        ("words.csv", b"text\nidiot\n", r"words\.csv:2: no field 'lemma'"),
    ],
)
def test_a_file_without_words_is_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    """A judge that knows no word would find nothing."""
    (tmp_path / name).write_bytes(data)

    with pytest.raises(DataError, match=said):
        read_lexicon(tmp_path / name)


def test_the_classifier_tells_insults_from_thanks() -> None:
    """Without words of the user's the judge is alt-profanity-check, and its version is part of its name."""
    pytest.importorskip("profanity_check")
    judge = judge_of(None)
    insult, thanks = judge.shares([Profanity.worst, "Thank you for the lovely flowers."]).tolist()

    assert judge.name.startswith("alt-profanity-check ")
    assert insult > 0.9
    assert thanks < 0.1
    assert [] == judge.shares([]).tolist()


def test_without_any_judge_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of words, or the package."""
    monkeypatch.setitem(sys.modules, "profanity_check", None)

    with pytest.raises(DataError, match="no judge of texts") as caught:
        judge_of(None)
    assert "lexicon" in "; ".join(caught.value.lines())
