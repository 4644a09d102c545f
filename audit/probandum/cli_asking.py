"""Asking a person for the facts of a card at a terminal or through a pipe: what is shown, and what is typed.

Every answer is in the file before the next question is asked.
"""

from __future__ import annotations

import contextlib
import datetime
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from probandum.errors import UsageError

if TYPE_CHECKING:
    from probandum.document import CardField
    from probandum.law import Question

#: How wide a line of text is.
WIDTH = 100
_BACK, _MORE = "<", "?"


def ask_all(
    file: Path,
    card: Mapping[str, object],
    by: str | None,
    fields: Callable[[Mapping[str, object]], Sequence[CardField]],
) -> int:
    """Ask what the card does not say; how many questions were skipped. ``fields``: what documents ask of a card."""
    from probandum import card_file, card_writing, questioning
    from probandum.stating import names_somebody

    if by is not None and not names_somebody(by):
        raise UsageError(f"--by: {by!r} names nobody", remedy="name who answers, such as --by 'A. Example, compliance'")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    _editing()
    print(f"{file}: Enter skips, {_BACK} goes back, {_MORE} says more, Ctrl-C stops; every answer is written at once")
    by = by or _who(card)
    behind: list[str] = []
    skipped: dict[str, None] = {}
    again: str | None = None
    topic = ""
    while True:
        asked = questioning.questions(card, fields(card))
        open_ones = [each for each in asked if each.path not in skipped and not questioning.answered(card, each)]
        question = next((each for each in asked if each.path == again), None) or next(iter(open_ones), None)
        again = None
        if question is None:
            return len(skipped)
        if question.topic != topic:
            topic = question.topic
            print(f"\n{topic}")
        value = _ask(question, card, len(open_ones))
        if value == _BACK:
            if behind:
                again = behind.pop()
                skipped.pop(again, None)
            else:
                print("  this is the first question")
            continue
        behind.append(question.path)
        if value is None:
            if not questioning.answered(card, question):
                skipped[question.path] = None
            continue
        made = questioning.statements(question, value, card, by=by, on=today)
        into = card_file.read(file) if file.exists() else None
        card_writing.put(into.path if into else file, made, under=into.under if into else ())
        card = card_file.read(file).card


def _ask(question: Question, card: Mapping[str, object], left: int) -> object:
    """One answer as the card holds it; None where it is skipped, ``<`` to go back."""
    from probandum import questioning

    print()
    wrapped(f"{question.ask} ({left} open)")
    wrapped(question.why, indent="  ")
    for line in questioning.choices(question, card):
        wrapped(line, indent="  ")
    stands = questioning.answered(card, question)
    if stands:
        wrapped(f"it says: {stands}", indent="  ")
    while True:
        text = _line(f"  {questioning.how(question)}> ")
        if text == _BACK:
            return _BACK
        if text == _MORE:
            _more(question)
        elif text:
            try:
                return questioning.read(question, text)
            except UsageError as error:
                wrapped(error.lines()[0], indent="  ")
        elif question.path == "name" and not stands:
            print("  a card has a name at least")
        else:
            return None


def _more(question: Question) -> None:
    """The provisions behind a question, with their dates."""
    from probandum.law import catalogue

    law = catalogue()
    for id in question.requirements:
        entry = law.get(id)
        mark = " [not settled]" if entry.verify else ""
        wrapped(f"{entry.cited}, {entry.dates.said()}: {entry.summary}{mark}", indent="  ")
    print(f"  it stands in the card as {question.path}")


def _who(card: Mapping[str, object]) -> str:
    """Who answers: who did before, unless somebody else does now."""
    from probandum.stating import names_somebody, stated, words

    before = stated(card, "declared.by")
    known = "" if before is None else words(before.value)
    while True:
        text = _line(f"Who answers, name and function{f' [{known}]' if known else ''}> ")
        if text in (_BACK, _MORE) or not names_somebody(text or known):
            print("  documents name who declared what: a name is needed")
            continue
        return text or known


def _line(prompt: str) -> str:
    """A line of standard input, of several where each but the last ends in a backslash."""
    try:
        text = input(prompt)
        while text.endswith("\\"):
            text = f"{text[:-1]} {input('  ...> ')}"
    except UnicodeDecodeError:
        raise UsageError("standard input: not UTF-8 text", remedy="write UTF-8") from None
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError("standard input: not UTF-8 text", remedy="write UTF-8")
    return text.strip()


def _editing() -> None:
    """Let people move within a line, where a terminal is read."""
    if sys.stdin.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401


def wrapped(text: str, *, indent: str = "", after: str = "") -> None:
    """Print a text in lines of a terminal's width."""
    lead = indent + " " * (len(text) - len(text.lstrip()))
    print(
        textwrap.fill(
            text.strip(),
            WIDTH,
            initial_indent=lead,
            subsequent_indent=after or f"{lead}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
