"""``probandum card``: asked in a pipe and in a terminal, stopped and taken up, and what it prints."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import Ended, entered
from paths import ROOT
from probandum import card_file, card_writing, questioning
from probandum.dossier import publisher
from probandum.errors import UsageError
from probandum.law import catalogue

PROGRAM = [sys.executable, "-c", "from probandum.cli import main; main()"]
WHO = "A. Example, compliance"
#: Answers to every question of a card, one a line, the conditions last.
ANSWERS = [
    WHO,
    "Credit scorer",
    "2.10",
    "Decides on consumer credit applications",
    "yes",
    "none",
    "provider and deployer",
    "Example Bank AG",
    "Example Bank AG",
    "Example Bank AG",
    "none",
    "none",
    "5b",
    "yes",
    "none",
    "none",
    "No pre-trained model",
    "Income and debts; none special",
    "500 loans",
    "Granted loans only",
    "By the bank",
    "1 is repaid",
    "A clerk can override",
    "Weights are shown",
]

Wizard = Callable[..., Ended]


@pytest.fixture
def wizard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wizard:
    """``probandum card new WORDS`` in a folder of its own, with lines in a pipe."""
    import io

    def run(lines: list[str], *words: object) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return entered(tmp_path, "card", "new", *words)

    return run


def values(folder: Path, name: str = "card.yaml") -> dict[str, Any]:
    """What stands in a card."""
    found: dict[str, Any] = yaml.safe_load((folder / name).read_text("utf-8"))
    return found


# asked in a pipe


def test_a_card_is_asked_for_from_first_to_last(wizard: Wizard, tmp_path: Path) -> None:
    """Every question answered: each answer stands in its place, and the outcome and what comes next are said."""
    conditions = ["no"] * 20
    ended = wizard([*ANSWERS, *conditions])
    card = values(tmp_path)

    assert 0 == ended.code, ended.err
    assert {"by": WHO, "date": card["declared"]["date"]} == card["declared"]
    assert ("2.10", "5(b)", True, "none") == tuple(
        card[key] for key in ("version", "annex_iii", "profiling", "art_6_3")
    )
    assert {"name": "Example Bank AG"} == card["provider"]
    assert "1 is repaid" == card["data"]["label_meaning"]
    assert set(card["roles"].values()) == {False} and len(card["roles"]) > 5
    assert "card.yaml: nothing is left to ask" in ended.out
    assert "Proposed: high-risk, by Art. 6(2) with Annex III 5(b)." in ended.out
    assert [] == [each for each in questioning.questions(card) if not questioning.answered(card, each)]


def test_every_question_says_why_it_is_asked(wizard: Wizard) -> None:
    """The reasons of the law pack, the 25 uses and hints stand before the answers, and ? gives provisions and dates."""
    ended = wizard([*ANSWERS[:12], "?", "none"])
    text = " ".join(ended.out.split())

    assert all(" ".join(each.why.split()) in text for each in catalogue().questions[:8] if each.when == "always")
    assert all(f"{case.point:<5} {case.title}" in ended.out for case in catalogue().use_cases.values())
    assert "Hint, no finding: the purpose has the word “credit” of 5(b)" in text
    assert "AI Act, Art. 6(2), 2027-12-02 (first set for 2026-08-02):" in text
    assert "it stands in the card as annex_iii" in text


def test_what_is_skipped_stays_a_gap_and_is_asked_again(wizard: Wizard, tmp_path: Path) -> None:
    """An empty line writes nothing; the end of the pipe loses nothing; the same command asks what is left."""
    first = wizard([WHO, "Desk", "", "", "", "", "provider"])
    card = values(tmp_path)
    second = wizard(["", "1.0", "Ranks loans"])

    assert {"name", "declared", "role"} == set(card)
    assert 0 == first.code and "stopped: card.yaml keeps what was answered; the same command goes on" in first.out
    assert "What is the system called?" not in second.out
    assert ("1.0", "Ranks loans") == (values(tmp_path)["version"], values(tmp_path)["purpose"])


def test_back_asks_again_and_shows_what_stands_there(wizard: Wizard, tmp_path: Path) -> None:
    """< goes to the question before; a new answer replaces the old one, an empty line keeps it."""
    ended = wizard([WHO, "<", "Desk", "1.0", "<", "2.0", "<", "", "Ranks loans"])

    assert "this is the first question" in ended.out
    assert "it says: 1.0" in ended.out and "it says: 2.0" in ended.out
    assert ("Desk", "2.0", "Ranks loans") == tuple(values(tmp_path)[key] for key in ("name", "version", "purpose"))


def test_questions_follow_from_answers(wizard: Wizard) -> None:
    """No exception and no profiling is asked about where no use is listed, no section where there is no product."""
    unlisted = wizard([*ANSWERS[:12], "none"], "a.yaml")
    claimed = wizard(
        [*ANSWERS[:11], "machinery", "B", "yes", "no", "4(a), 5(b)", "no", "a, d", "Prepares only"], "b.yaml"
    )

    assert "Art. 4(4) GDPR" not in unlisted.out and "In which section" not in unlisted.out
    assert "In which section of Annex I" in claimed.out
    assert "why does the output not materially influence decisions?" in claimed.out


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["9(z)"], "unknown Annex III point '9(z)'"),
        (["none, 5(b)"], "none cannot stand beside 5(b)"),
        (["${HOME}"], "stands for a variable of the environment"),
        (["5(b)\x1b[2J"], "control characters"),
        ([","], "expected points such as 5(b)"),
    ],
)
def test_an_answer_that_cannot_be_read_is_asked_for_again(
    wizard: Wizard, tmp_path: Path, answers: list[str], said: str
) -> None:
    """The mistake is told under the question, nothing is written, and the next line answers."""
    ended = wizard([*ANSWERS[:12], *answers, "4(a)"])

    assert said in " ".join(ended.out.split())
    assert "4(a)" == values(tmp_path)["annex_iii"]


@pytest.mark.parametrize(
    "text", ["no", "TODO", "1.5", "2026-11-01", "a: b", "# x", "'", '"', "- x", "&a", "*a", "é ü 漢", "{a"]
)
def test_words_that_yaml_would_take_for_something_else_stay_words(wizard: Wizard, tmp_path: Path, text: str) -> None:
    """An answer in words comes back as it was given."""
    wizard([WHO, "Desk", text, text])
    card = card_file.read(tmp_path / "card.yaml").card

    assert (text, text) == (card["version"], card["purpose"])


def test_a_long_answer_may_stand_in_several_lines(wizard: Wizard, tmp_path: Path) -> None:
    """A backslash at the end of a line carries it on."""
    wizard([WHO, "Desk", "1", "Ranks \\", "loans"])

    assert "Ranks loans" == values(tmp_path)["purpose"]


def test_who_answers_later_is_named_with_the_answer(wizard: Wizard, tmp_path: Path) -> None:
    """Another person's answers carry that name and date; those of the first lean on declared."""
    wizard([WHO, "Desk", "1"])
    wizard(["Ranks loans"], "--by", "B. Example, product")
    card = values(tmp_path)

    assert {"value": "Ranks loans", "by": "B. Example, product"} == {
        key: card["purpose"][key] for key in ("value", "by")
    }
    assert WHO == card["declared"]["by"]


def test_nobody_answers_without_a_name(wizard: Wizard, tmp_path: Path) -> None:
    """The first line is a name; without one nothing is asked and no file is made."""
    ended = wizard(["", "?"])

    assert 2 == ended.out.count("a name is needed")
    assert "nothing was answered" in ended.out
    assert not (tmp_path / "card.yaml").exists()


def test_facts_of_a_document_are_asked_for_too(wizard: Wizard, tmp_path: Path) -> None:
    """With --document what it reads is asked behind the rest, but for what only named people may state."""
    ended = wizard([*ANSWERS, *["no"] * 15, "None"], "--document", "annex_iv")

    assert "Documents" in ended.out
    assert "signatures" not in values(tmp_path)
    assert 2 == wizard([], "--document", "annex_v").code


def test_a_moment_of_processing_that_takes_place_is_asked_for_its_fields(wizard: Wizard, tmp_path: Path) -> None:
    """At once, beside the sentence that says so, which stays; of one that is denied no field is asked."""
    said = "name: Desk\ndeclared: {by: A, date: 2026-11-01}\ncontroller: C\nropa: {label: none, train: Once a year}\n"
    (tmp_path / "card.yaml").write_text(said, "utf-8")
    asked = wizard(["A", *[""] * 300], "--document", "ropa").out
    train = next(
        each
        for each in questioning.questions(values(tmp_path), publisher().asked(values(tmp_path))["ropa"])
        if each.path == "ropa.train.purposes"
    )
    made = questioning.statements(train, "Scoring", values(tmp_path), by="B", on="2026-11-02")
    card_writing.put(tmp_path / "card.yaml", made)
    card = values(tmp_path)

    assert "The purposes of training?" in asked and "The purposes of testing for bias?" in asked
    assert "The purposes of labelling data?" not in asked and "The purposes of collecting data?" not in asked
    assert ("Once a year", "Scoring") == (card["ropa"]["train"]["value"], card["ropa"]["train"]["purposes"]["value"])
    assert "ropa.train.retention" in {each.path for each in publisher().asked(card)["ropa"]}


def test_what_nobody_is_bound_to_state_is_neither_counted_nor_asked_for(wizard: Wizard, tmp_path: Path) -> None:
    """Of a document of a duty that binds nobody a review is left."""
    (tmp_path / "card.yaml").write_text(
        "name: Desk\ndeclared: {by: A, date: 2026-11-01}\nannex_iii: none\nannex_i: none\ngpai: none\n", "utf-8"
    )
    said = entered(tmp_path, "card", "check", "card.yaml").out

    assert re.search(r"^gpai_form: \d of \d facts stated, 0 missing, 1 for named people$", said, re.MULTILINE)
    assert re.search(r"^fria: \d of \d facts stated, 0 missing, 1 for named people$", said, re.MULTILINE)
    assert "acceptable use" not in wizard(["A", *[""] * 300], "--document", "annex_xi_xii").out


def test_a_card_in_a_plan_is_answered_in_the_plan(wizard: Wizard, tmp_path: Path) -> None:
    """Below system, with every comment where it was."""
    text = "version: 1\nsystem:\n  name: Desk  # ours\ntarget: {type: log, path: x.csv}  # the log\nsuites: {}\n"
    (tmp_path / "audit.yaml").write_text(text, "utf-8")
    wizard([WHO, "3"], "audit.yaml")
    found = values(tmp_path, "audit.yaml")

    assert "3" == found["system"]["version"]
    assert "# ours" in (tmp_path / "audit.yaml").read_text("utf-8")


def test_a_card_that_a_plan_names_is_answered_where_it_stands(wizard: Wizard, tmp_path: Path) -> None:
    """The plan stays as it is; a link to a card stays a link."""
    (tmp_path / "audit.yaml").write_text("version: 1\nsystem: desk.yaml\n", "utf-8")
    (tmp_path / "real.yaml").write_text("name: Desk\r\n", "utf-8", newline="")
    (tmp_path / "desk.yaml").symlink_to("real.yaml")
    wizard([WHO, "3"], "audit.yaml")
    entered(tmp_path, "card", "confirm", "audit.yaml", "--by", "B", "--as", "none")

    assert "version: 1\nsystem: desk.yaml\n" == (tmp_path / "audit.yaml").read_text("utf-8")
    assert (tmp_path / "desk.yaml").is_symlink()
    assert ("3", "B") == (
        values(tmp_path, "real.yaml")["version"],
        values(tmp_path, "real.yaml")["classification"]["confirmed"]["by"],
    )
    assert b"name: Desk\r\n" in (tmp_path / "real.yaml").read_bytes()


def test_a_broken_card_is_left_alone(wizard: Wizard, tmp_path: Path) -> None:
    """What cannot be read is told with its place, and not written over."""
    (tmp_path / "card.yaml").write_text("name: [\n", "utf-8")
    ended = wizard([WHO])

    assert 2 == ended.code and ended.err.startswith("card.yaml:2:1: broken YAML")
    assert "name: [\n" == (tmp_path / "card.yaml").read_text("utf-8")


def test_a_list_of_roles_goes_on_as_a_mapping(wizard: Wizard, tmp_path: Path) -> None:
    """What the list settles stays settled beside the next answer."""
    text = "name: D\nversion: '1'\nprovider: {name: P}\nroles: [provider-interactive-ai]\n"
    (tmp_path / "card.yaml").write_text(text, "utf-8")
    question = next(each for each in questioning.questions(values(tmp_path)) if each.path == "roles.provider-genai")
    made = questioning.statements(question, False, values(tmp_path), by="A", on="2026-11-01")

    assert {"provider-interactive-ai": True, "provider-genai": False} == made["roles"].value


def test_answers_are_read_as_the_card_holds_them() -> None:
    """One name is text, several are a list, none is none; a party is a name."""
    kinds = {each.kind: each for each in catalogue().questions}

    assert ("5(b)", ["4(a)", "5(b)"], "none") == tuple(
        questioning.read(kinds["points"], text) for text in ("5b", "4(a), 5(b), 4a", "None")
    )
    assert (["a", "d"], "f") == (
        questioning.read(kinds["conditions"], "(a), D"),
        questioning.read(kinds["practices"], "5(1)(f)"),
    )
    assert (True, False) == (questioning.read(kinds["truth"], "Y"), questioning.read(kinds["truth"], "no"))
    with pytest.raises(UsageError, match="expected yes or no, got 'perhaps'"):
        questioning.read(kinds["truth"], "perhaps")


# asked in a terminal, and stopped


class Terminal:
    """A program at a terminal of its own: what it shows, and what a person types."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(slave)

    def shows(self, text: str, seconds: float) -> bool:
        """Read until ``text`` is shown; whether it was."""
        end = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < end:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._master, 4096).decode("utf-8", "replace")
                except OSError:
                    break
        return text in self.shown

    def until(self, text: str) -> None:
        """Read until ``text`` is shown."""
        assert self.shows(text, 30.0), self.shown

    def type(self, text: str) -> None:
        """Type, and forget what was shown before."""
        self.shown = ""
        os.write(self._master, text.encode())

    def interrupt(self, text: str) -> None:
        """What Ctrl-C does, until ``text`` is shown: one that comes just before a line is read is seen by the next."""
        for _ in range(10):
            self._process.send_signal(signal.SIGINT)
            if self.shows(text, 3.0):
                return

        raise AssertionError(self.shown)

    def ended(self) -> int:
        """The exit code."""
        code = self._process.wait(30)
        os.close(self._master)
        return code


def test_a_terminal_asks_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    """At a terminal: typed answers are in the file at once, Ctrl-C ends with 130, and the same command goes on."""
    terminal = Terminal(tmp_path, "card", "new")
    terminal.until("name and function")
    terminal.type(f"{WHO}\n")
    terminal.until("called?")
    terminal.type("Desk X\x7f\x7f\n")  # a correction within the line
    terminal.until("Which version")
    terminal.type("half an ans")
    terminal.until("half an ans")
    terminal.interrupt("the same command goes on")

    assert 130 == terminal.ended()
    assert {"name": "Desk", "declared": values(tmp_path)["declared"]} == values(tmp_path)

    again = Terminal(tmp_path, "card", "new")
    again.until(f"[{WHO}]")
    again.type("\n")
    again.until("Which version")
    again.type("2.10\n")
    again.until("meant to decide")
    again.interrupt("the same command goes on")

    assert 130 == again.ended()
    assert "2.10" == values(tmp_path)["version"]


def test_bytes_that_are_no_text_end_it_in_one_line(tmp_path: Path) -> None:
    """A pipe of another encoding: code 2, one line, and what was answered before is kept."""
    ended = subprocess.run(
        [*PROGRAM, "card", "new"],
        cwd=tmp_path,
        input=f"{WHO}\nDesk\n".encode() + b"\xff\xfe\xfa\n",
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:strict"},
        check=False,
    )

    assert 2 == ended.returncode
    assert ended.stderr.decode().startswith("error: standard input: not UTF-8 text")
    assert 1 == len(ended.stderr.decode().splitlines())


# what the other verbs print


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A card that says what classifies."""
    text = "name: Desk\nversion: '1'\npurpose: Decides on consumer credit\nprovider: {name: P}\ndeployer: {name: D}\n"
    text += "controller: {name: C}\nart_5: none\nannex_i: none\nannex_iii: 5(b)\nprofiling: true\n"
    (tmp_path / "card.yaml").write_text(text, "utf-8")
    return tmp_path


def test_the_reasoning_is_printed_step_by_step_with_the_law(whole: Path) -> None:
    """Each step: what the card says and where, what follows, provisions with dates; the outcome and who confirmed."""
    ended = entered(whole, "card", "classify", "card.yaml", "--as-of", "2026-11-29")
    numbers = [int(found) for found in re.findall(r"^(\d+)\. ", ended.out, re.MULTILINE)]

    assert 0 == ended.code
    assert list(range(1, len(numbers) + 1)) == numbers and len(numbers) > 12
    assert "   card      annex_iii: 5(b)\n" in ended.out
    assert "   not said  art_6_3\n" in ended.out
    assert (
        "   law       AI Act, Art. 6(3), third subparagraph: from 2027-12-02 (first set for 2026-08-02)\n" in ended.out
    )
    assert "formally since 2026-08-02; practical, a reading: 2027-12-02 [not settled]" in " ".join(ended.out.split())
    assert ended.out.endswith(
        "Proposed: high-risk, by Art. 6(2) with Annex III 5(b).\n"
        "Confirmed: by nobody; probandum card confirm FILE --by NAME\n"
    )
    assert all(len(line) <= 130 for line in ended.out.splitlines())


def test_the_readme_shows_what_is_printed() -> None:
    """Each piece of the README's example stands in the output."""
    text = (ROOT / "README.md").read_text("utf-8")
    command = "probandum card classify examples/credit/audit.yaml --as-of 2026-11-29"
    (shown,) = re.findall(rf"\$ {re.escape(command)}\n(.*?)```", text, re.DOTALL)
    printed = entered(ROOT, *command.split()[1:]).out

    assert all(piece in printed for piece in shown.split("[...]\n"))


def test_an_old_pack_warns_first(whole: Path) -> None:
    """More than 180 days after the pack was checked."""
    old = entered(whole, "card", "classify", "card.yaml", "--as-of", "2027-05-23")

    assert old.out.startswith("warning: the law pack was checked on 2026-11-23, 181 days before 2027-05-23")


def test_a_named_person_confirms_or_corrects(whole: Path) -> None:
    """The proposal's words or one's own, with name and date, in the card; documents and verbs name the person."""
    taken = entered(whole, "card", "confirm", "card.yaml", "--by", "B. Example, head of compliance")
    first = values(whole)["classification"]["confirmed"]
    entered(
        whole, "card", "confirm", "card.yaml", "--by", "C. Example", "--as", "Outside Annex III: a pilot on test data"
    )
    second = values(whole)["classification"]["confirmed"]
    shown = entered(whole, "card", "classify", "card.yaml").out

    assert 0 == taken.code
    assert ("High-risk, by Art. 6(2) with Annex III 5(b).", "B. Example, head of compliance") == (
        first["value"],
        first["by"],
    )
    assert "Outside Annex III: a pilot on test data" == second["value"]
    assert "Confirmed: “Outside Annex III: a pilot on test data”, by C. Example on " in shown


@pytest.mark.parametrize("name", ["none", "Nobody", "unknown", "TBD", "tool"])
def test_nobody_confirms_nothing(whole: Path, name: str) -> None:
    """Neither by the command nor in the file: the field stays open, and a check says what is missing."""
    before = (whole / "card.yaml").read_text("utf-8")
    refused = entered(whole, "card", "confirm", "card.yaml", "--by", name)
    assert (2, before) == (refused.code, (whole / "card.yaml").read_text("utf-8"))
    assert "expected a name, and a class" in refused.err

    said = f"classification: {{confirmed: {{value: High-risk, by: {name}, date: 2026-11-01}}}}\n"
    (whole / "card.yaml").write_text(before + said, "utf-8")
    assert "Confirmed: by nobody" in entered(whole, "card", "classify", "card.yaml").out
    assert (
        "classification.confirmed: counts for nothing without who" in entered(whole, "card", "check", "card.yaml").out
    )


def test_a_changed_answer_ends_a_confirmation(whole: Path) -> None:
    """The card keeps for which answers a class was confirmed: with others it is confirmed by nobody."""
    card = whole / "card.yaml"
    entered(whole, "card", "confirm", "card.yaml", "--by", "B. Example")
    confirmed = card.read_text("utf-8")
    card.write_text(confirmed.replace("annex_iii: 5(b)\nprofiling", "annex_iii: none\nprofiling"), "utf-8")
    changed = [entered(whole, "card", verb, "card.yaml").out for verb in ("classify", "check")]
    entered(whole, "card", "confirm", "card.yaml", "--by", "C. Example")
    again = entered(whole, "card", "classify", "card.yaml").out

    for said in changed:
        assert "onfirmed: by nobody as it stands; “High-risk, by Art. 6(2) with Annex III 5(b)”, by B. Example" in said
        assert "was for another annex_iii" in said
    assert "C. Example" in again and "by nobody" not in again
    assert "none" == values(whole)["classification"]["answers"]["annex_iii"]


def test_an_answer_that_is_gone_is_gone_from_a_confirmation_too(whole: Path) -> None:
    """What was answered before is taken away; a card that is confirmed again and again gains no line."""
    card = whole / "card.yaml"
    entered(whole, "card", "confirm", "card.yaml", "--by", "B. Example")
    once = card.read_text("utf-8")
    for _ in range(3):
        entered(whole, "card", "confirm", "card.yaml", "--by", "B. Example")
    assert once == card.read_text("utf-8")

    card.write_text(once.replace("\nprofiling: true\n", "\n"), "utf-8")
    assert "was for another profiling" in entered(whole, "card", "check", "card.yaml").out
    entered(whole, "card", "confirm", "card.yaml", "--by", "B. Example")

    assert values(whole)["classification"]["answers"]["profiling"] is None
    assert "by B. Example on" in entered(whole, "card", "check", "card.yaml").out


def test_a_card_is_begun_in_a_folder_that_is_there(wizard: Wizard, tmp_path: Path) -> None:
    """A slip in a path makes no folder, and asks nothing."""
    ended = wizard([WHO, "Desk"], "nowhere/card.yaml")

    assert 2 == ended.code and "nowhere/card.yaml: there is no folder nowhere" in ended.err
    assert not (tmp_path / "nowhere").exists() and "called?" not in ended.out


def test_a_statement_of_a_day_to_come_is_a_caution(whole: Path) -> None:
    """With its place, wherever a statement has a date."""
    with (whole / "card.yaml").open("a", encoding="utf-8") as card:
        card.write("declared: {by: A, date: 2026-01-01}\nhardware: {value: x, by: A, date: 2999-01-01}\n")
    told = [line for line in entered(whole, "card", "check", "card.yaml").out.splitlines() if "lies ahead" in line]

    assert [
        "caution: card.yaml:12:29: hardware.date: 2999-01-01 lies ahead: nobody has stated anything on that day yet"
    ] == (told)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", " "), "expected a name"),
        (("--by", "A\x1b"), "expected a name"),
        (("--by", "A", "--as", " "), "expected a name"),
    ],
)
def test_nobody_confirms_without_a_name(whole: Path, words: tuple[str, ...], said: str) -> None:
    """A blank name, or one with control characters, writes nothing."""
    before = (whole / "card.yaml").read_bytes()
    ended = entered(whole, "card", "confirm", "card.yaml", *words)

    assert 2 == ended.code and said in ended.err
    assert before == (whole / "card.yaml").read_bytes()


def test_a_product_without_a_section_is_not_confirmed(tmp_path: Path) -> None:
    """Which part of the Act applies hangs on it."""
    text = "name: Robot\nannex_iii: none\nannex_i: machinery\nsafety_component: true\nthird_party_assessment: true\n"
    (tmp_path / "card.yaml").write_text(text, "utf-8")
    refused = entered(tmp_path, "card", "confirm", "card.yaml", "--by", "A")
    (tmp_path / "card.yaml").write_text(f"{text}annex_i_section: B\n", "utf-8")

    assert 2 == refused.code and "the card does not say annex_i_section" in refused.err
    assert 0 == entered(tmp_path, "card", "confirm", "card.yaml", "--by", "A").code


def test_what_contradicts_itself_is_not_confirmed(tmp_path: Path) -> None:
    """The check of the law tells it as the card's does; who gives the class in other words is cautioned."""
    text = "name: Robot\nannex_iii: none\nannex_i: machinery\nsafety_component: true\nthird_party_assessment: true\n"
    (tmp_path / "card.yaml").write_text(f"{text}annex_i_section: A\n", "utf-8")
    against = "The card contradicts itself: annex_i_section says A, and the law on machinery stands in Section B."
    refused = entered(tmp_path, "card", "confirm", "card.yaml", "--by", "A")
    left = "classification" in values(tmp_path)
    checked = entered(tmp_path, "law", "check", "card.yaml")
    other = entered(tmp_path, "card", "confirm", "card.yaml", "--by", "A", "--as", "High-risk, by Section B")

    assert 2 == refused.code and against in refused.err and not left
    assert against in checked.out
    assert 0 == other.code and f"caution: {against}" in other.out


def test_a_denial_is_confirmed_for_its_reasons_and_by_whom_it_is_made(tmp_path: Path) -> None:
    """With other reasons, or of another person, the class is confirmed by nobody; the check of the law tells all."""
    text = "name: Rules\nin_scope: {value: false, by: A. Example, date: 2026-11-20}\nin_scope_reasons: Fixed rules\n"
    card = tmp_path / "card.yaml"
    card.write_text(text, "utf-8")
    told = entered(tmp_path, "law", "check", "card.yaml").out
    entered(tmp_path, "card", "confirm", "card.yaml", "--by", "B. Example")
    confirmed = card.read_text("utf-8")
    found = []
    for before, after in (("in_scope_reasons: Fixed rules\n", "in_scope_reasons: Hosted abroad\n"), ("A. Ex", "C. Ex")):
        card.write_text(confirmed.replace(before, after, 1), "utf-8")
        found.append(entered(tmp_path, "card", "check", "card.yaml").out)

    assert told.startswith(
        "By A. Example on 2026-11-20, the AI Act does not speak of this system. The reasons, not examined here: Fixed "
        "rules.\n"
    )
    assert "was for another in_scope_reasons" in found[0]
    assert "was for another in_scope;" in found[1]


def test_a_class_behind_a_prohibited_practice_is_written_in_sentences(whole: Path) -> None:
    """What the person takes as theirs is the proposal without the word, and begins each sentence large."""
    card = whole / "card.yaml"
    card.write_text(card.read_text("utf-8").replace("art_5: none", "art_5: f"), "utf-8")
    entered(whole, "card", "confirm", "card.yaml", "--by", "A")

    assert (
        "with effect from 2025-02-02. High-risk, by Art. 6(2)" in values(whole)["classification"]["confirmed"]["value"]
    )


def test_a_class_of_no_words_is_refused_also_where_the_outcome_is_open(tmp_path: Path) -> None:
    """An empty class stands for none, and not for the proposal."""
    (tmp_path / "card.yaml").write_text("name: Desk\n", "utf-8")

    assert 2 == entered(tmp_path, "card", "confirm", "card.yaml", "--by", "A", "--as", "").code
    assert {"name"} == set(values(tmp_path))


def test_a_class_or_a_purpose_that_claims_what_no_tool_can_say_is_a_caution(whole: Path) -> None:
    """With its place; the statement stays its speaker's own."""
    taken = entered(whole, "card", "confirm", "card.yaml", "--by", "A", "--as", "The system is certified and compliant")
    claimed = entered(whole, "card", "check", "card.yaml")
    entered(whole, "card", "confirm", "card.yaml", "--by", "A")

    assert 0 == claimed.code
    assert 0 == taken.code and "classification.confirmed: says 'certified' of the system" in taken.out
    assert re.search(
        r"caution: card.yaml:\d+:\d+: classification.confirmed: says 'certified' of the system", claimed.out
    )
    assert "of the system" not in entered(whole, "card", "check", "card.yaml").out


def test_others_than_provider_and_deployer_are_asked_about_where_the_role_is_neither(tmp_path: Path) -> None:
    """Or where the provider is outside the Union; elsewhere nobody is asked about them."""
    card = {"name": "Desk", "provider": "P", "annex_iii": "4(a)"}
    others = {"importer", "distributor", "authorised_representative", "processor"}
    abroad = {"roles": {"provider-high-risk-third-country": True}}
    asked = [
        others & {each.path for each in questioning.questions({**card, **more})}
        for more in ({"role": "neither"}, abroad, {"role": "provider"})
    ]

    assert [others, others, set()] == asked


def test_a_denial_of_the_scope_is_asked_for_its_reasons(wizard: Wizard, tmp_path: Path) -> None:
    """The denial names who makes it; reasons that are none, and a day that is none, are asked for again."""
    ended = wizard([*ANSWERS[:4], "no", "none", "TBD", "People wrote each rule", "last May", "2026-03-01"])
    card = values(tmp_path)

    assert (False, WHO) == (card["in_scope"]["value"], card["in_scope"]["by"])
    assert ("People wrote each rule", "2026-03-01") == (card["in_scope_reasons"], str(card["placed_on_market"]))
    assert "expected reasons, got 'none'" in ended.out and "expected reasons, got 'TBD'" in ended.out


def test_what_is_open_cannot_be_confirmed_without_a_class(whole: Path) -> None:
    """Without a proposal the person must say the class."""
    (whole / "card.yaml").write_text("name: Desk\n", "utf-8")
    ended = entered(whole, "card", "confirm", "card.yaml", "--by", "A. Example")

    assert 2 == ended.code
    assert "the card does not say annex_iii and annex_i" in ended.err and "--as" in ended.err


def test_a_check_counts_by_document_and_names_what_is_missing(whole: Path) -> None:
    """All documents in short, or one of them field by field with provision and supplier."""
    short = entered(whole, "card", "check", "card.yaml").out
    long = entered(whole, "card", "check", "card.yaml", "--document", "annex_iv").out

    assert re.search(r"^annex_iv: \d+ of \d+ facts stated, \d+ missing, \d+ for named people$", short, re.MULTILINE)
    assert re.search(r"^dpia: \d+ of", short, re.MULTILINE)
    assert "  hardware  the hardware on which the system is meant to run  (AI Act, Annex IV(1)(e); provider)\n" in long
    assert "(AI Act, Annex IV(2)(g); a named person)" in long
    assert "Proposed: high-risk" in short and "confirmed: by nobody" in short


def test_the_law_is_checked_by_a_card_alone(whole: Path) -> None:
    """``law check`` takes a card, too."""
    ended = entered(whole, "law", "check", "card.yaml", "--as-of", "2026-11-29")

    assert ended.out.startswith("Desk 1: what binds whom by what its card says, as of 2026-11-29\n")
    assert "\nai-act:art-27:1:a  AI Act, Art. 27(1)(a)  deployer D  from 2027-12-02" in ended.out


def test_who_declares_is_somebody(tmp_path: Path) -> None:
    """Neither the command nor the file takes nobody for a name."""
    refused = entered(tmp_path, "card", "new", "new.yaml", "--by", "nobody")
    assert (2, False) == (refused.code, (tmp_path / "new.yaml").exists())
    assert "--by: 'nobody' names nobody" in refused.err

    (tmp_path / "card.yaml").write_text("name: X\ndeclared: {by: none, date: 2026-11-20}\n", "utf-8")
    checked = entered(tmp_path, "card", "check", "card.yaml")
    assert 2 == checked.code
    assert "declared: expected who answers for it, got 'none', which names nobody" in checked.err
