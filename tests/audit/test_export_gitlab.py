"""GitLab code quality: the fields it needs, fingerprints that differ, hostile names."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from outcomes import HOSTILE, every_kind, hostile, many
from probandum.export import gitlab
from probandum.export.outcome import Outcome

#: What GitLab reads of an issue, as its documentation lists it.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues(outcome: Outcome) -> list[dict[str, Any]]:
    """The report as GitLab reads it."""
    made: list[dict[str, Any]] = json.loads(gitlab.render(outcome))
    return made


@pytest.mark.parametrize("outcome", [every_kind(), hostile(), many(3000)], ids=["kinds", "hostile", "many"])
def test_every_issue_has_what_gitlab_reads(outcome: Outcome) -> None:
    """And a fingerprint of its own: GitLab drops all but the first of equal ones."""
    made = issues(outcome)
    prints = [issue["fingerprint"] for issue in made]

    assert [] == [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(made)]
    assert len(prints) == len(set(prints))


def test_the_schema_of_this_test_can_say_no() -> None:
    """Without its line an issue is shown nowhere."""
    made = issues(every_kind())
    del made[0]["location"]["lines"]

    assert 1 == len(list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(made)))


def test_severity_follows_the_verdict_and_a_pass_is_no_issue() -> None:
    """What is not to be trusted weighs most."""
    found = sorted((issue["check_name"], issue["severity"]) for issue in issues(every_kind()))

    assert [
        ("bias.broken/run", "critical"),
        ("bias.control/passed", "critical"),
        ("bias.fake/failed", "info"),
        ("bias.fake/failed", "major"),
        ("bias.fake/open", "minor"),
        ("gate", "critical"),
    ] == found


def test_hostile_names_are_one_line_of_text() -> None:
    """Nothing in a description ends its line."""
    made = issues(hostile())

    assert 2 * len(HOSTILE) + 1 == len(made)
    assert [] == [issue for issue in made if set("\n\r\x00\x1b") & set(issue["description"])]
