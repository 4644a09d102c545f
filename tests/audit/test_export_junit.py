"""JUnit XML: its structure, an independent reader, properties, hostile names."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from fakes import result_of
from outcomes import HOSTILE, every_kind, hostile, many, measured, outcome_of
from probandum.export import junit
from probandum.export.outcome import Outcome

#: Attributes and children of each element, as test reports of Jenkins, GitLab and pytest know them; ! means required.
_SHAPE = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"!name", "!tests", "!failures", "!errors", "skipped", "time", "timestamp"}, {"testcase"}),
    "testcase": ({"!name", "!classname", "time"}, {"properties", "failure", "error", "skipped"}),
    "properties": (set(), {"property"}),
    "property": ({"!name", "!value"}, set()),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
}


def misshapen(data: bytes) -> list[str]:
    """What a strict reader would refuse: unknown elements and attributes, missing ones, sums that do not add up."""
    said = []
    root = ET.fromstring(data)
    said += [] if root.tag == "testsuites" else ["root"]
    for element in root.iter():
        attributes, children = _SHAPE[element.tag]
        required = {name[1:] for name in attributes if name.startswith("!")}
        known = required | {name for name in attributes if not name.startswith("!")}
        said += [f"{element.tag}.{name}" for name in set(element.attrib) - known | required - set(element.attrib)]
        said += [f"{element.tag}/{child.tag}" for child in element if child.tag not in children]
    for suite in root.iter("testsuite"):
        cases = list(suite.iter("testcase"))
        counts = {"tests": len(cases)}
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            counts[name] = sum(case.find(tag) is not None for case in cases)
        said += [f"{name} is not {count}" for name, count in counts.items() if int(suite.attrib[name]) != count]
    return said


def cases(outcome: Outcome) -> dict[str, ET.Element]:
    """Test cases by suite and name."""
    root = ET.fromstring(junit.render(outcome))
    return {f"{case.get('classname')}/{case.get('name')}": case for case in root.iter("testcase")}


def test_every_kind_of_finding_has_its_element() -> None:
    """A broken limit is a failure; inconclusive and waived are skipped under their own type, and not passes."""
    found = {}
    for name, case in cases(every_kind()).items():
        verdict = [child for child in case if child.tag != "properties"]
        found[name] = (verdict[0].tag, verdict[0].get("type")) if verdict else ("passed", None)

    assert {
        "gate/bias.absent was planned and left no finding": ("error", "error"),
        "bias.fake/passed": ("passed", None),
        "bias.fake/failed": ("failure", "fail"),
        "bias.fake/open": ("skipped", "inconclusive"),
        "bias.fake/failed?sex=W": ("skipped", "waived"),
        "bias.control/passed": ("error", "control_failed"),
        "bias.broken/run": ("error", "crashed"),
    } == found


def test_the_structure_is_what_readers_know() -> None:
    """Known elements and attributes only, required ones there, sums that add up."""
    assert [] == misshapen(junit.render(every_kind(seconds={"bias.fake": 1.5})))


def test_the_check_of_the_structure_can_say_no() -> None:
    """A count that is wrong, an attribute that nobody knows, a name that lacks."""
    data = junit.render(every_kind())

    assert ["failures is not 1"] == misshapen(data.replace(b'failures="1" errors="0"', b'failures="0" errors="0"'))
    assert "testcase.class" in misshapen(data.replace(b"classname=", b"class="))
    assert "property.name" in misshapen(data.replace(b'property name="id"', b"property"))


def test_an_independent_reader_counts_the_same(tmp_path: Path) -> None:
    """junitparser reads what was written."""
    path = tmp_path / "junit.xml"
    path.write_bytes(junit.render(every_kind(seconds={"bias.fake": 1.5})))
    read = JUnitXml.fromfile(str(path))
    suites = {suite.name: (suite.tests, suite.failures, suite.errors, suite.skipped) for suite in read}

    assert (7, 1, 3) == (read.tests, read.failures, read.errors)
    assert {
        "gate": (1, 0, 1, 0),
        "bias.fake": (4, 1, 0, 2),
        "bias.control": (1, 0, 1, 0),
        "bias.broken": (1, 0, 1, 0),
    } == suites


def test_a_case_carries_its_numbers_as_properties() -> None:
    """Estimate, interval, n, limit, controls, and where the limit stands."""
    case = cases(every_kind())["bias.fake/failed"]
    found = {each.get("name"): each.get("value") for each in case.iter("property")}

    assert "0.9" == found["estimate"]
    assert found["interval"] is not None and found["interval"].endswith(" at 0.95")
    assert "1000" == found["n"]
    assert "at_most 0.5" == found["limit"]
    assert "held" == found["control.positive"]
    assert "audits/credit audit.yaml:11" == found["location"]


def test_hostile_names_come_back_as_text() -> None:
    """Control characters are written out, markup is escaped, and nothing is lost of what XML can hold."""
    data = junit.render(hostile())
    names = list(cases(hostile()))

    assert [] == misshapen(data)
    assert any("<script>alert(1)</script> & ]]> <!--" in name for name in names)
    assert any(r"nul \x00 escape \x1b[31m bell \x07" in name for name in names)
    assert 3 * len(HOSTILE) + 1 == len(names)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4, unique=True), st.text(max_size=40))
def test_any_name_is_well_formed(groups: list[str], system: str) -> None:
    """Whatever the data hold."""
    made = outcome_of(result_of(*(measured("failed", group) for group in groups)), system=system)

    assert [] == misshapen(junit.render(made))


def test_thousands_of_findings_are_all_there() -> None:
    """A test report leaves nothing out."""
    assert 6000 == len(cases(many(6000)))
