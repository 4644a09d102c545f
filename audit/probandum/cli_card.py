"""The commands ``probandum card``: new, check, classify, confirm, schema. Parsing, asking and printing only."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from probandum.cli_asking import WIDTH, ask_all, wrapped
from probandum.cli_plan import Debug
from probandum.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from probandum.document import CardField
    from probandum.law.steps import Proposal

app = typer.Typer(
    help="Declare what people know of a system, and see what the law proposes to make of it.", no_args_is_help=True
)

CardPath = Annotated[Path, typer.Argument(metavar="FILE", help="A card, or an audit file.", show_default=False)]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="As seen on this day, such as 2026-11-23.")]
Documents = Annotated[
    list[str] | None, typer.Option("--document", metavar="ID", help="Such as annex_iv; may be repeated.")
]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Name and function of who answers.")]


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The card to begin or to go on with.")] = Path(
        "card.yaml"
    ),
    by: By = None,
    document: Documents = None,
    debug: Debug = False,
) -> None:
    """Ask for the facts of a card, one by one, with the reasons; every answer is written at once.

    Enter skips a question, which stays a gap; < goes back; ? says more; Ctrl-C stops. The same command goes on.
    """
    from probandum import card_file
    from probandum.law.classifying import classify

    chosen = _chosen(document or (), _asked())
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.parent}", remedy="make it first, or name another file")
    card = card_file.read(file).card if file.exists() else {}
    try:
        left = ask_all(file, card, by, lambda card: _fields(chosen, card))
    except (KeyboardInterrupt, EOFError) as ended:
        kept = f"{file} keeps what was answered" if file.exists() else "nothing was answered"
        print(f"\nstopped: {kept}; the same command goes on")
        raise typer.Exit(130 if isinstance(ended, KeyboardInterrupt) else 0) from None
    read = card_file.read(file)
    print(f"\n{file}: {'nothing is left to ask' if not left else f'{left} skipped, which stay gaps'}")
    wrapped(classify(read.card).outcome)
    print(f"next      probandum card classify {file}    the reasoning")
    print(f"          probandum card confirm {file} --by NAME    by the person who answers for the class")


@app.command("check")
def check(file: CardPath, document: Documents = None, debug: Debug = False) -> None:
    """Say what a card holds, what documents miss in it, and which keys nothing reads."""
    import datetime

    from probandum import card_file
    from probandum.dossier import publisher
    from probandum.law import catalogue
    from probandum.law.classifying import classify
    from probandum.units import counted

    read = card_file.read(file)
    asked = _asked()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    for line in (
        *card_file.strangers(read, asked),
        *card_file.unsigned(read, asked),
        *card_file.ahead(read, today),
        *card_file.standing_in(read),
        *card_file.claiming(read, publisher().claim),
    ):
        print(f"caution: {line}")
    print(f"{file}: fits")
    asked_of = _asked(read.card)
    for name in _chosen(document, asked) if document else asked:
        fields = asked_of[name]
        missing = card_file.unsaid(read.card, fields)
        people = sum(each.human for each in missing)
        print(
            f"{name}: {len(fields) - len(missing)} of {counted(len(fields), 'fact')} stated, "
            f"{len(missing) - people} missing, {people} for named people"
        )
        for each in missing if document else ():
            mark = "a named person" if each.human else each.supplier
            print(f"  {each.path}  {each.what}  ({catalogue().get(each.requirement).cited}; {mark})")
    if not document:
        print("what is missing: --document ID")
    proposal = classify(read.card)
    wrapped(proposal.outcome)
    for text in proposal.unsettled:
        wrapped(f"open: {text}", indent="  ")
    print(f"confirmed: {_confirmed(proposal)}")


@app.command("classify")
def classify(file: CardPath, as_of: AsOf = None, debug: Debug = False) -> None:
    """Print the proposed classification, step by step, with the law; never a verdict."""
    import datetime

    from probandum import card_file
    from probandum.dates import as_of_day
    from probandum.law.age import staleness
    from probandum.law.classifying import classify as proposed

    day = datetime.datetime.now(datetime.UTC).date().isoformat() if as_of is None else as_of_day(as_of).isoformat()
    read = card_file.read(file)
    if (warning := staleness(day)) is not None:
        print(warning)
    for line in _told(proposed(read.card), day):
        print(line)


def _told(proposal: Proposal, day: str) -> Iterator[str]:
    """A proposal in lines; what stands behind a word repeats the word for its first line alone."""
    from probandum.law import catalogue

    law = catalogue()
    yield f"Proposed classification as of {day}, to be confirmed by a named person."
    yield f"{law.pack.statement}; pack checked on {law.pack.as_of}."
    yield law.pack.disclaimer
    for number, step in enumerate(proposal.steps, 1):
        yield f"\n{number}. {step.question}"
        yield from _column("card", [f"{path}: {text}" for path, text in step.answers])
        yield from _column("not said", step.silent)
        yield from _column("follows", step.reasoning)
        yield from _column("law", step.cited(law, day, proposal.applying))
        yield from _column("open", step.unsettled)
        yield from _column("otherwise", step.changes)
    yield f"\n{proposal.outcome}"
    yield f"Confirmed: {_confirmed(proposal)}"


def _column(word: str, texts: Sequence[str]) -> Iterator[str]:
    """Texts beside a word, each on lines of its own."""
    before = f"   {word:<10}"
    for text in texts:
        yield textwrap.fill(
            text,
            WIDTH,
            initial_indent=before,
            subsequent_indent=" " * 15,
            break_long_words=False,
            break_on_hyphens=False,
        )
        before = " " * 13


def _confirmed(proposal: Proposal) -> str:
    from probandum.stating import words

    found = proposal.confirmed
    if proposal.overtaken is not None:
        before, others = proposal.overtaken
        said = (
            f"“{words(before.value).rstrip('.')}”, by {before.by} on {before.on}, was for another {', '.join(others)}"
        )
        return f"by nobody as it stands; {said}; probandum card confirm FILE --by NAME"
    if found is None:
        return "by nobody; probandum card confirm FILE --by NAME"
    return f"“{words(found.value).rstrip('.')}”, by {found.by} on {found.on}"


@app.command("confirm")
def confirm(
    file: CardPath,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Name and function of who answers for the class.")],
    as_: Annotated[
        str | None, typer.Option("--as", metavar="TEXT", help="The class in that person's own words, if another.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write down that a named person takes the proposed class, or another, as theirs, and for which answers.

    Where one of these answers changes, the class is confirmed by nobody until somebody confirms it again.
    """
    import datetime
    import re

    from probandum import card_file, card_writing
    from probandum.dossier import publisher
    from probandum.law.classifying import classify as proposed
    from probandum.law.confirming import CONFIRMED, kept
    from probandum.law.contradicting import contradictions
    from probandum.plugins import load_plugins
    from probandum.splicing import Statement
    from probandum.stating import names_somebody, plainly

    read = card_file.read(file)
    outcome = proposed(read.card).outcome
    said, who = " ".join((outcome if as_ is None else as_).split()), " ".join(by.split())
    if as_ is None and outcome.startswith("Open"):
        raise UsageError(f"{file}: {outcome}", remedy="answer that first, or give the class with --as")
    against = [text for texts in contradictions(plainly(read.card)).values() for text in texts]
    if as_ is None and against:
        raise UsageError(f"{file}: {' '.join(against)}", remedy="correct the card first, or give the class with --as")
    if not names_somebody(who) or not said or not (who + said).isprintable():
        raise UsageError("expected a name, and a class, in plain text", remedy="such as --by 'A. Example, compliance'")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    value = re.sub(r"Proposed: (\w)", lambda begun: begun[1].upper(), said) if as_ is None else said
    made = {CONFIRMED: Statement(value=value[:1].upper() + value[1:], by=who, date=today)}
    answers = {path: Statement(value=answer) for path, answer in kept(read.card).items()}
    card_writing.put(read.path, made | answers, under=read.under)
    load_plugins()
    for line in (*against, *card_file.claiming(card_file.read(file), publisher().claim)):
        print(f"caution: {line}")
    print(f"{read.path}: confirmed by {who} on {today}: {made[CONFIRMED].value}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of cards, for editors."""
    import json

    from probandum import card_file

    print(json.dumps(card_file.schema(_asked()), indent=2, ensure_ascii=False))


def _asked(card: Mapping[str, Any] | None = None) -> Mapping[str, Sequence[CardField]]:
    """What every document reads from a card; of one at hand what it states, or is asked as it stands."""
    from probandum.dossier import publisher
    from probandum.plugins import load_plugins

    load_plugins()
    return publisher().asked(card)


def _chosen(documents: Sequence[str], asked: Mapping[str, Sequence[CardField]]) -> list[str]:
    for name in documents:
        if name not in asked:
            raise UnknownName("document", name, asked)
    return list(dict.fromkeys(documents))


def _fields(documents: Sequence[str], card: Mapping[str, Any]) -> list[CardField]:
    """What documents ask of a card beyond the questions that every card is asked."""
    asked = _asked(card)
    return [field for name in documents for field in asked[name]]
