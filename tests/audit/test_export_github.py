"""Annotations of a workflow and the summary of a step: within limits, and nothing that data could say in them."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import result_of
from outcomes import HOSTILE, every_kind, hostile, many, measured, outcome_of, told
from probandum.accounting import Account
from probandum.export import annotate, markdown
from probandum.export.outcome import Outcome
from probandum.export.writing import line
from probandum.finding import SubReason, Verdict
from probandum.gating import GateResult


def commands(outcome: Outcome) -> list[tuple[str, dict[str, str], str]]:
    """Kind, properties and message of each line, unescaped as the runner does it; AssertionError where one is none."""
    made = []
    for command in annotate(outcome):
        found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", command)
        assert found is not None, command
        properties = dict(pair.split("=", 1) for pair in found[2].split(","))
        made.append((found[1], {key: unescaped(value) for key, value in properties.items()}, unescaped(found[3])))
    return made


def unescaped(text: str) -> str:
    """What the runner makes of an escaped text."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def summary(outcome: Outcome) -> str:
    """The summary as text."""
    return markdown.render(outcome).decode("utf-8")


def test_annotations_are_errors_warnings_and_notices_at_their_lines() -> None:
    """Errors first; a pass is none."""
    found = [(kind, where["title"], where["line"]) for kind, where, _ in commands(every_kind())]

    assert [
        ("error", "gate", "1"),
        ("error", "bias.control/passed", "1"),
        ("error", "bias.broken/run", "1"),
        ("error", "bias.fake/failed", "11"),
        ("warning", "bias.fake/open", "12"),
        ("notice", "bias.fake/failed", "11"),
    ] == found


def test_what_a_limit_covers_and_nobody_judged_is_told_at_the_limit() -> None:
    """A group too small for a verdict is annotated where its limit stands, and counted in the summary."""
    small = replace(
        measured("open"), verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="W has 10 rows"
    )
    outcome = outcome_of(result_of(small, measured("passed")))
    ((kind, where, message),) = commands(outcome)

    assert ("warning", "bias.fake/open", "12") == (kind, where["title"], where["line"])
    assert "limit at most 0.5; W has 10 rows" in message
    assert "; of all 2, 1 has a limit that could not be applied" in summary(outcome)


def test_ten_of_a_kind_at_most_and_the_rest_is_counted() -> None:
    """The runner drops the eleventh without a word."""
    made = commands(many(3000))

    assert 10 == len(made)
    assert "and 2,991 more errors; the summary and the reports hold them" == made[-1][2]
    assert 10 == len(commands(many(10)))


def test_hostile_names_are_no_commands() -> None:
    """One line each, and the runner reads back what was meant."""
    outcome = hostile()
    made = commands(outcome)

    assert all(len(line.splitlines()) == 1 for line in annotate(outcome))
    assert {"a b,c:d%0A\n::error::.yaml"} == {where["file"] for _, where, _ in made if "file" in where}
    assert any("100%0A::set-output name=x::y" in message for _, _, message in made)


@given(st.text(max_size=60), st.text(min_size=1, max_size=30))
def test_any_name_is_one_command(group: str, system: str) -> None:
    """Whatever the data hold."""
    assert 1 == len(commands(outcome_of(result_of(measured("failed", group)), system=system)))


def test_the_summary_says_how_it_ended_what_did_not_pass_and_what_was_asked() -> None:
    """One screen: a heading, counts, the gate's own reasons, a table, the accounting."""
    account = Account(
        probe="bias.fake",
        state="error",
        planned=900,
        attempted=800,
        assessed=790,
        errored=5,
        refused=3,
        unparsable=2,
    )
    lines = summary(every_kind(accounts=(account,))).splitlines()

    assert "## Audit of Credit scorer 2.1: gate 4, the audit could not be carried out or trusted" == lines[0]
    assert "2 FAIL, 2 ERROR, 1 INCONCLUSIVE, 1 PASS, 1 not judged; mode release; as of 2026-11-25; " in lines[2]
    assert lines[2].endswith("record 0123abcd, unsigned.")
    assert "- Error\\: bias.absent was planned and left no finding" == lines[4]
    assert (
        "| FAIL | bias.fake/failed | 0.9 (0.8798 to 0.9171) | 1,000 | at most 0.5 | audits/credit audit.yaml\\:11 |"
        in lines
    )
    assert any(line.startswith("| FAIL, waived until 2026-12-01 | bias.fake/failed?sex=W |") for line in lines)
    assert "| bias.fake (error) | 900 | 800 | 790 | 5 | 3 | 2 |" in lines
    assert len(lines) < 40


def test_the_summary_of_thousands_of_findings_is_one_screen() -> None:
    """The rest is counted and found in the record."""
    text = summary(many(6000))

    assert "And 5,988 more findings that did not pass" in text
    assert len(text.splitlines()) < 40
    assert len(text) < 10_000


def test_the_summary_stays_below_a_mebibyte_whatever_it_holds() -> None:
    """More than a step may write is dropped whole by GitHub."""
    long = "|<&\\" * 300_000
    accounts = [
        Account(
            probe=f"{n}{long}", state="missing", planned=0, attempted=0, assessed=0, errored=0, refused=0, unparsable=0
        )
        for n in range(200)
    ]
    result = GateResult(code=4, mode=long, causes=(), counts={}, judged=0)
    made = outcome_of(result_of(*(measured("failed", f"{n}{long}") for n in range(20))), accounts=tuple(accounts))

    assert len(markdown.render(made)) <= markdown.MOST_BYTES
    assert len(markdown.render(told([], result=result, system=long, as_of=long))) <= markdown.MOST_BYTES


class _Tags(HTMLParser):
    """The HTML elements of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)


def test_hostile_names_are_no_markup_in_the_summary() -> None:
    """No element, no link, no column of a table that is not ours."""
    text = summary(hostile())
    tags = _Tags()
    tags.feed(text)
    rows = [line for line in text.splitlines() if line.startswith("|")]

    assert {"details", "summary"} >= tags.found
    assert "](https" not in text and "](x)" not in text
    assert {7} == {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}


@given(st.text(max_size=60))
def test_any_name_keeps_the_table_whole(group: str) -> None:
    """Every row has the columns of its head."""
    rows = [line for line in summary(outcome_of(result_of(measured("failed", group)))).splitlines() if line[:1] == "|"]

    assert {7} == {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}


@pytest.mark.parametrize("text", HOSTILE)
def test_escaping_keeps_the_text(text: str) -> None:
    """What a reader sees is what the data hold, on one line."""
    markup = markdown.escaped(text).replace("@<!-- -->", "@")
    shown = html.unescape(re.sub(r"\\([\\`*_{}\[\]()#+!|~:@$.])", r"\1", markup))

    assert line(text) == shown
