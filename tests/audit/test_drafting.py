"""The text of a first audit file: every choice with its comment, and YAML that reads as it was meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from hypothesis import given
from hypothesis import strategies as st

from probandum import api
from probandum.declaring import Choice, Declared, Grouped, Said, declared_of_log
from probandum.drafting import _flow, draft
from probandum.evidence import Capability, Table
from probandum.interrogating import Interview
from probandum.plan import Plan
from probandum.profiling import Profile
from probandum.suggesting import Default, Suggestion, Suite
from records import write_log

TEXT = """\
# An audit of loans, drafted by `probandum init` after a look at the log target. Guesses are called so. A person decides
# what is TODO, and says what stands behind # where documents would print a gap.
version: 1

system:
  name: loans                             # as it is called here; a guess
  # version: "1.0"                        # the version under audit, in quotes
  # purpose: ...                          # what it decides or does, for whom
  # provider: {name: ...}                 # who develops it; deployer and controller likewise
  # annex_iii: 5(b)                       # the point of Annex III of the AI Act that the use falls under, or none

target:
  type: log                               # 3 recorded decisions; 3 columns
  path: loans.csv
  decision: granted                       # a guess, by its name; no 1, yes 2
  favourable: TODO                        # which decision is good for the person, no or yes? No default
  # label: ...                            # the column of what turned out; without it there are no error rates

groups:                                   # each pair of groups is compared; with reference: GROUP, all with that one
  age: {bins: [0, 34, 120]}               # looks like age, by its name: 0 to 34 2, over 34 to 120 1; the inner edge is
                                          # the median, a guess; fewer than 30, so no verdict: 0 to 34, over 34 to 120
  # birthday:                             # looks like age; one value only

suites:
  # Shares per group.
  bias.shares: {deep: true, least: 0.5}
  # Shares of words.
  # bias.words: {}                        # it needs words

limits:                                   # defaults and no law: confirm, change or drop each, with set_by and set_on
  - metric: bias.shares/difference
    band: 0.05                            # a PASS takes 1,713 rows a group, were the rate 0.5; here 1: too few
    source: convention
    reason: Five points; a default, to be confirmed by a person

execution: {seed: 0}                      # the root of every random choice
# energy: {country: DEU}                  # whose grid powers the machine; without it no emissions are stated
gate: {mode: release}                     # what stays inconclusive blocks; merge: it annotates
documents: [annex_iv]
"""
TOLD = """\
system    log: 3 recorded decisions; 3 columns
rows      3 in loans.csv; columns: age
decision  granted: a guess, by its name; no 1, yes 2
group     age: 0 to 34 2, over 34 to 120 1
left out  birthday: looks like age; one value only
suites    bias.shares
limits    1 of the defaults, to be confirmed by a person"""


def test_the_text_is_a_pure_function_of_what_was_found() -> None:
    """Byte by byte, with comments in one column and no line beyond 120."""
    declared = Declared(
        decision=Choice(value="granted", why="a guess, by its name; no 1, yes 2"),
        favourable=Choice(why="which decision is good for the person, no or yes? No default", decided=False),
        groups={
            "age": Grouped(
                spec={"bins": [0, 34, 120]},
                sizes={"0 to 34": 2, "over 34 to 120": 1},
                why="looks like age, by its name",
            )
        },
        left_out={"birthday": "looks like age; one value only"},
    )
    found = Interview(
        type="log",
        name="loans",
        options={"path": "loans.csv"},
        about=("3 recorded decisions", "3 columns"),
        capabilities=frozenset({Capability.PREDICT}),
        recorded=True,
        profile=Profile(file="loans.csv", table=Table({"age": np.array([20.0, 34.0, 35.0])}), columns={"age": None}),  # type: ignore[dict-item]
        declared=declared,
    )
    suggestion = Suggestion(
        suites=(
            Suite(id="bias.shares", summary="Shares per group.", options={"deep": True, "least": 0.5}),
            Suite(id="bias.words", summary="Shares of words.", options={}, why_not="it needs words"),
        ),
        limits=(
            Default(
                keys={
                    "metric": "bias.shares/difference",
                    "band": 0.05,
                    "source": "convention",
                    "reason": "Five points",
                },
                direction="band",
                remark="a PASS takes 1,713 rows a group, were the rate 0.5; here 1: too few",
            ),
        ),
        documents=("annex_iv",),
        fewest=30,
    )
    made = draft(found, suggestion)

    assert TEXT == made.text
    assert TOLD == "\n".join(made.told)
    assert ("line 16, favourable: which decision is good for the person, no or yes? No default",) == made.questions
    assert 120 >= max(map(len, made.text.splitlines()))


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF)))
def test_any_text_is_read_again_as_itself(text: str) -> None:
    """As a value, in a list and as a key, whatever a column of a file is called."""
    said = f"a: {_flow(text)}\nb: {_flow([text])}\nc: {_flow({text: 1})}\n{_flow(text) or '?'}: 2\n"

    assert {"a": text, "b": [text], "c": {text: 1}, text: 2} == {"a": text, **yaml.safe_load(said), text: 2}


def test_a_hostile_file_stays_in_its_comment(tmp_path: Path) -> None:
    """Line breaks and controls in values and names neither end a comment nor reach the terminal."""
    rows = '"sex\nlimits: []","approved\x1b[31m"\nF,"yes\n# no"\nM,no\nF,no\n'
    (tmp_path / "log.csv").write_bytes(rows.encode())
    found = declared_of_log(Profile.read(tmp_path / "log.csv"), Said(), {})
    made = api.init(str(tmp_path / "log.csv"), folder=tmp_path)

    assert "approved\x1b[31m" == (found.decision and found.decision.value)
    assert all(line.isprintable() for line in made.told)
    assert {"metric", "at_least", "source", "citation", "reason"} == set(yaml.safe_load(made.text)["limits"][0])


def test_answered_questions_make_a_plan_that_fits(tmp_path: Path) -> None:
    """All that the check found was the question, with its place, and nothing else is wrong once it is answered."""
    write_log(tmp_path)
    made = api.init(str(tmp_path / "log.csv"), folder=tmp_path)
    path = tmp_path / "audit.yaml"
    path.write_text(made.text.replace("favourable: TODO", "favourable: 1"), "utf-8")

    assert 1 == len(made.questions)
    assert ["bias.group-rates"] == [name for name in api.check_plan(path).suites if name == "bias.group-rates"]
    assert 4 <= len(Plan.load(path).limits)


def test_a_log_without_groups_asks_for_them(tmp_path: Path) -> None:
    """No audit is drafted that compares nobody in silence."""
    (tmp_path / "log.csv").write_text("town,approved\n" + "Ulm,1\nBonn,0\n", "utf-8")
    made = api.init(str(tmp_path / "log.csv"), favourable=1, folder=tmp_path)

    assert ("line 19, groups: whose groups are compared? The columns: town, approved",) == made.questions


def test_a_question_is_asked_whole(tmp_path: Path) -> None:
    """One that goes on below its line, such as which of many columns it is, is printed to its end."""
    names = [f"measured_column_{number}" for number in range(9)]
    (tmp_path / "log.csv").write_text(f"{','.join(names)}\n" + "3,1,4,1,5,9,2,6,5\n2,7,1,8,2,8,1,8,2\n", "utf-8")
    made = api.init(str(tmp_path / "log.csv"), folder=tmp_path)
    (asked,) = [question for question in made.questions if ", decision: " in question]

    assert asked.endswith("measured_column_6, measured_column_7 or ...?")
    assert all(name in asked for name in names[:8])
