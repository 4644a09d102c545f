"""The audit as CycloneDX and as an in-toto statement, each read by a library that knows nothing of this toolkit."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from dossiers import YOUNG, make_dossier, make_results, make_windows
from probandum import api, codec
from probandum.dossier import WHOLE, Dossier
from probandum.evidence import Reading
from probandum.export import cyclonedx, in_toto
from probandum.finding import Estimate, Verdict
from probandum.law import bind, catalogue
from probandum.probe import Measure, ProbeResult, Window
from probandum.record import Record
from probandum.signing import keygen
from probandum.withholding import withheld
from probandum_reports.claims import claim
from records import broken, with_small_groups, write_plan

_MODEL = "f" * 64


def bill(dossier: Dossier) -> dict[str, Any]:
    """The bill of materials as its readers get it."""
    made: dict[str, Any] = json.loads(cyclonedx.render(dossier))
    return made


def problem(bom: Mapping[str, Any]) -> object:
    """What the CycloneDX project's own library finds wrong; None where it holds."""
    return JsonStrictValidator(SchemaVersion.V1_7).validate_str(json.dumps(bom))


def card(bom: Mapping[str, Any]) -> dict[str, Any]:
    """The model card of a bill of materials."""
    found: dict[str, Any] = bom["metadata"]["component"]["modelCard"]
    return found


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(each)


def metered(*, grade: str = "B", wh: float | None = 0.0114, grams: float | None = 0.0043) -> Dossier:
    """A dossier whose requests were metered; None: what the meter, or the grid, did not say."""
    keys = tuple(make_windows())

    def measure(metric: str, value: float | None, unit: str, **facets: str) -> Measure:
        estimate = (
            Estimate.missing("no meter read it", unit=unit)
            if value is None
            else Estimate(value=value, low=value / 2, high=value * 2, n=3, unit=unit, method="exact")
        )
        return Measure(metric=metric, estimate=estimate, facets=facets, mode="disclosure", evidence=keys)

    probe = ProbeResult(
        probe="energy.inference",
        version=1,
        status="measured",
        measures=(
            measure("watt-hours-per-1000-requests", wh, "watt-hour"),
            measure("grams-co2e-per-1000-requests", grams, "gram", grid="range"),
        ),
        requirements=("ai-act:annex-iv:2:c",),
        summary="Joules of a request.",
    )
    reading = Reading(cpu_joules=41.0, seconds=3.2, meter="rapl", grade=grade)
    window = Window(reading=reading, requests=1000, input_tokens=None, output_tokens=None)
    return make_dossier(results=[*make_results()[:-1], probe], windows=dict.fromkeys(keys, window))


@pytest.fixture(scope="module")
def bom() -> dict[str, Any]:
    """The bill of materials of a dossier with findings of every verdict."""
    return bill(make_dossier())


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record with a group of six persons, signed, and reports in the formats of the audit as a whole."""
    folder = tmp_path_factory.mktemp("signed")
    plan = write_plan(folder)
    with_small_groups(folder / "log.csv")
    keygen(folder / "key")
    record = api.audit(plan, out=folder / "run", key=folder / "key", documents=False)
    api.report(record, documents=[], formats=["in-toto", "cyclonedx"], key=folder / "key")
    return folder


def test_an_independent_library_reads_the_bill_of_materials(bom: dict[str, Any]) -> None:
    """The strict schema of CycloneDX 1.7 holds, and it is strict: a unit that it does not know is refused."""
    wrong = bill(metered())
    assert None is problem(bom)
    assert None is problem(wrong)

    (entry,) = card(wrong)["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    entry["activityEnergyCost"]["unit"] = "Wh"
    assert None is not problem(wrong)


def test_every_number_is_that_of_the_finding_that_it_names(bom: dict[str, Any]) -> None:
    """Type and slice give the id; value and interval are the finding's to the last digit, and none is left out."""
    dossier = make_dossier()
    hidden = withheld(dossier.findings, dossier.plan["ask"]["groups"])
    told = {}
    for each in card(bom)["quantitativeAnalysis"]["performanceMetrics"]:
        name = "?".join(filter(None, [each["type"], each.get("slice")]))
        told[name] = (each["value"], *each.get("confidenceInterval", {}).values())
    known = {
        each.id: tuple(map(repr, (each.estimate.value, each.estimate.low, each.estimate.high)))[
            : 3 if each.estimate.bounded else 1
        ]
        for each in dossier.findings
        if each.estimate.value is not None and each.id not in hidden
    }

    assert known == told
    assert {1, 3} == set(map(len, told.values()))


def test_a_number_without_an_interval_has_none() -> None:
    """An extreme of two gaps is a number alone: no width of nought stands beside it, which would read as certainty."""
    dossier = make_dossier()
    (ratio,) = [each for each in dossier.findings if each.id == f"bias.group-rates/impact-ratio?age={YOUNG}~over 25"]
    alone = Estimate(value=0.1766, low=0.1766, high=0.1766, n=500, unit="share", method="extreme")
    made = bill(
        replace(dossier, findings=(replace(ratio, estimate=alone, limit=None, verdict=Verdict.NOT_APPLICABLE),))
    )
    (metric,) = _metrics(made)
    (young,) = card(made)["considerations"]["fairnessAssessments"]

    assert "0.1766" == metric["value"]
    assert "confidenceInterval" not in metric
    assert ": NOT_APPLICABLE; 0.1766, n = 500" in young["harms"]
    assert None is problem(made)


def test_what_was_not_measured_is_absent_and_says_why(bom: dict[str, Any]) -> None:
    """A finding without a value is evidence with its reason, and nowhere a number."""
    (name,) = [each.id for each in make_dossier().findings if each.metric == "bias.group-rates/ppv-difference"]
    (evidence,) = [each for each in bom["declarations"]["evidence"] if each["propertyName"] == name]
    said = json.loads(evidence["data"][0]["contents"]["attachment"]["content"])

    assert "no row of this group was labelled positive" in evidence["description"]
    assert None is said["estimate"]["value"]
    assert name not in {f"{each['type']}?{each.get('slice')}" for each in _metrics(bom)}


def _metrics(bom: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = card(bom)["quantitativeAnalysis"]["performanceMetrics"]
    return found


def test_every_finding_is_evidence_and_every_reference_leads_somewhere(bom: dict[str, Any]) -> None:
    """References are unique, and claims, provisions, evidence and data sets are all in the file."""
    names = list(_under(bom, "bom-ref"))
    used = {
        *(ref for claim in bom["declarations"]["claims"] for ref in (claim["target"], *claim["evidence"])),
        *(line["requirement"] for line in bom["declarations"]["attestations"][0]["map"]),
        *_under(bom["metadata"], "ref"),
        *_under(bom["declarations"], "claims"),
        *_under(bom["declarations"], "counterClaims"),
    }

    assert len(names) == len(set(names))
    assert set() == used - set(names)
    assert [f"finding:{each.id}" for each in make_dossier().findings] == [
        each["bom-ref"] for each in bom["declarations"]["evidence"]
    ]


def _under(value: Any, key: str) -> Iterator[str]:
    """Every text under a key, also in lists."""
    for name, each in value.items() if isinstance(value, dict) else ():
        if name == key:
            yield from [each] if isinstance(each, str) else (one for one in each if isinstance(one, str))
        yield from _under(each, key)
    for each in value if isinstance(value, list) else ():
        yield from _under(each, key)


def test_a_pass_is_a_claim_a_fail_a_counter_claim_and_the_rest_neither(bom: dict[str, Any]) -> None:
    """A claim says what its limit's judgement says, whose limit it is, and the waiver where there is one."""
    findings = {f"claim:{each.id}": each for each in make_dossier().findings}
    for line in bom["declarations"]["attestations"][0]["map"]:
        assert {Verdict.PASS} >= {findings[name].verdict for name in line.get("claims", ())}
        assert {Verdict.FAIL} >= {findings[name].verdict for name in line.get("counterClaims", ())}
    claims = {each["bom-ref"]: each for each in bom["declarations"]["claims"]}
    assert {each.verdict for name, each in findings.items() if name in claims} >= {Verdict.PASS, Verdict.FAIL}
    waived = [name for name, each in findings.items() if each.waiver is not None]
    assert waived
    for name in waived:
        assert "waived by" in claims[name]["reasoning"]


def test_a_provision_applies_when_the_documents_say() -> None:
    """Of a product of Annex I that came before the cut-off: by its own route, and put off."""
    lift = {"annex_iii": "none", "annex_i": "lifts", "annex_i_section": "A", "placed_on_market": "2026-03-01"}
    met = {"safety_component": True, "third_party_assessment": True}
    dossier = make_dossier(card={"name": "S", "provider": "P", **lift, **met})
    applying, dated = bind(dossier.card).applying, {}
    for act in bill(dossier)["definitions"]["standards"]:
        for each in act["requirements"]:
            dated[each["bom-ref"]] = each["properties"][0]["value"]

    assert dated == {id: applying.when(catalogue().get(id), dossier.as_of) for id in dated}
    assert dated["ai-act:annex-iv:2:g"].startswith("from 2028-08-02") and "older system" in dated["ai-act:annex-iv:2:g"]


def test_no_score_no_assessor_and_no_banned_word(bom: dict[str, Any]) -> None:
    """Nobody is said to confirm anything, and the file's own words claim nothing of the system."""
    assert "assessors" not in bom["declarations"]
    assert [] == [*_under(bom, "score")]
    for line in bom["declarations"]["attestations"][0]["map"]:
        assert ["rationale"] == list(line["conformance"])
        assert line["conformance"]["rationale"].startswith("No score")
    assert [] == [text for text in texts(bom) if claim(text)]


def test_the_groups_compared_stand_as_measured_and_not_as_assessed(bom: dict[str, Any]) -> None:
    """Each comparison is named with its finding; what it means for people is theirs to say."""
    (young,) = [each for each in card(bom)["considerations"]["fairnessAssessments"] if YOUNG in each["groupAtRisk"]]

    assert young["harms"].startswith("Not assessed by people")
    assert f"bias.group-rates/impact-ratio?age={YOUNG}~over 25: " in young["harms"]
    assert {"groupAtRisk", "harms"} == young.keys()


def test_a_small_group_shows_in_neither_format(signed: Path) -> None:
    """Neither the group's figures nor those that give it away; the names and the reason stay."""
    bom = json.loads((signed / "run" / "reports" / WHOLE["cyclonedx"]).read_bytes())
    shown = {f"{each['type']}?{each.get('slice')}" for each in _metrics(bom)}
    record = Record.open(signed / "run")
    hidden = withheld(record.findings, ["sex"])
    assert {"bias.group-rates/selection-rate?sex=X", "bias.group-rates/selection-rate?sex=Y"} <= hidden.keys()

    assert set() == shown & hidden.keys()
    for each in bom["declarations"]["evidence"]:
        said = json.loads(each["data"][0]["contents"]["attachment"]["content"])
        if each["propertyName"] in hidden:
            assert (None, 0, None) == (said["estimate"]["value"], said["estimate"]["n"], said["evidence"])
            assert hidden[each["propertyName"]] in each["description"]


def test_energy_stands_in_kwh_and_tonnes_to_the_last_digit() -> None:
    """11.4 mWh for 1,000 requests are 0.0000114 kWh, and 4.3 mg of CO2e are 4.3 billionths of a tonne: never 0."""
    considered = card(bill(metered()))["considerations"]["environmentalConsiderations"]
    (entry,) = considered["energyConsumptions"]
    said = {each["name"]: each["value"] for each in entry["properties"]}

    assert {"value": 0.0114 / 1000, "unit": "kWh"} == entry["activityEnergyCost"]
    assert {"value": 0.0043 / 1e6, "unit": "tCO2eq"} == entry["co2CostEquivalent"]
    assert entry["activityEnergyCost"] == entry["energyProviders"][0]["energyProvided"]
    assert "energy.inference/watt-hours-per-1000-requests" == said["probandum:activityEnergyCost:findingId"]
    assert "energy.inference/grams-co2e-per-1000-requests?grid=range" == said["probandum:co2CostEquivalent:findingId"]
    assert "5.70e-06 to 2.28e-05 kWh at 0.95, n = 3" == said["probandum:activityEnergyCost:interval"]
    assert "measurement grade B" == said["probandum:activityEnergyCost:grade"]


@pytest.mark.parametrize("grade, wh", [("D", 0.0114), ("B", None)])
def test_energy_that_no_meter_read_is_left_out(grade: str, wh: float | None) -> None:
    """An estimate from a model of the machine is no measurement, and what is missing is not 0."""
    dossier = metered(grade=grade, wh=wh)

    assert "environmentalConsiderations" not in card(bill(dossier))["considerations"]
    assert None is problem(bill(dossier))


def test_emissions_that_nobody_can_tell_leave_the_energy_alone() -> None:
    """Without a grid there are no tonnes."""
    (entry,) = card(bill(metered(grams=None)))["considerations"]["environmentalConsiderations"]["energyConsumptions"]

    assert "co2CostEquivalent" not in entry


def test_the_same_audit_gives_the_same_bytes_and_another_day_another_serial_number() -> None:
    """Neither a clock nor chance is in it: the number comes from digests, the time from the day that is stated."""
    one, other = make_dossier(), make_dossier(as_of="2026-11-03")
    assert cyclonedx.render(one) == cyclonedx.render(make_dossier())
    assert in_toto.statement(one) == in_toto.statement(make_dossier())

    assert "2026-11-02T00:00:00Z" == bill(one)["metadata"]["timestamp"]
    assert bill(one)["serialNumber"] != bill(other)["serialNumber"]


def test_a_card_that_says_nothing_leaves_nothing_behind() -> None:
    """A name alone is a bill of materials, and what nobody declared stands nowhere."""
    made = bill(make_dossier(card={"name": "A"}))

    assert None is problem(made)
    assert "description" not in made["metadata"]["component"]
    assert {"name": "probandum:declaredBy", "value": "nobody named"} in made["metadata"]["component"]["properties"]


def _stated(dossier: Dossier) -> dict[str, Any]:
    """An in-toto statement, after the in-toto project's own classes have read it whole."""
    body = in_toto.statement(dossier)
    Statement.copy_from_pb(json_format.Parse(body, statement_pb2.Statement())).validate()
    made: dict[str, Any] = json.loads(body)
    json_format.ParseDict(made["predicate"], test_result_pb2.TestResult())
    return made


def test_an_independent_library_reads_the_statement() -> None:
    """Subjects are the model's files and the record; tests are findings, each with one outcome."""
    dossier = make_dossier()
    target = {**dossier.environment["target"], "identity": {"file": "model.skops", "sha256": f"sha256:{_MODEL}"}}
    made = _stated(replace(dossier, environment={**dossier.environment, "target": target}))
    predicate = made["predicate"]
    outcomes = [*predicate["passedTests"], *predicate["warnedTests"], *predicate["failedTests"]]

    assert {"name": "model.skops", "digest": {"sha256": _MODEL}} == made["subject"][0]
    assert "probandum record" == made["subject"][1]["name"]
    assert len(outcomes) == len(set(outcomes))
    assert {each.id for each in dossier.findings if each.verdict is not Verdict.NOT_APPLICABLE} == set(outcomes)
    assert {each.id for each in dossier.findings if each.verdict is Verdict.PASS} == set(predicate["passedTests"])
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({**predicate, "score": 1}, test_result_pb2.TestResult())


@pytest.mark.parametrize(("code", "result"), [(1, "FAILED"), (3, "FAILED"), (4, "FAILED"), (0, "WARNED")])
def test_whatever_the_gate_stops_is_failed(code: int, result: str) -> None:
    """Also what is inconclusive; where the gate lets something through that did not pass, it is a warning."""
    dossier = make_dossier()

    assert result == _stated(replace(dossier, gate={**dossier.gate, "code": code}))["predicate"]["result"]


def test_passed_is_said_where_all_passes_alone() -> None:
    """No warning, no failure, and a gate that lets it through."""
    dossier = make_dossier()
    passing = tuple(each for each in dossier.findings if each.verdict is Verdict.PASS)
    assert passing
    made = _stated(replace(dossier, findings=passing, gate={**dossier.gate, "code": 0}))

    assert "PASSED" == made["predicate"]["result"]


def test_an_independent_library_checks_the_signature(signed: Path) -> None:
    """The envelope is signed with the record's key, and one changed byte of what it holds breaks that."""
    data = json.loads((signed / "run" / "reports" / WHOLE["in-toto"]).read_bytes())
    public = load_pem_public_key((signed / "key.pub").read_bytes())
    (named,) = [each["keyid"] for each in data["signatures"]]
    key = SSlibKey.from_crypto(public, keyid=named)

    assert [named] == list(Envelope.from_dict(json.loads(json.dumps(data))).verify([key], 1))
    body = base64.b64decode(data["payload"])
    data["payload"] = base64.b64encode(body.replace(b"FAILED", b"PASSED")).decode()
    with pytest.raises(VerificationError):
        Envelope.from_dict(data).verify([key], 1)


def test_they_are_sealed_with_the_reports_and_rendered_again(signed: Path) -> None:
    """The seal holds, the index links to them, and other bytes are found."""
    reports = signed / "run" / "reports"
    assert {"index.html", "evidence", "SHA256SUMS", "statement.dsse.json", *WHOLE.values()} == {
        path.name for path in reports.iterdir()
    }
    assert [] == broken(signed / "run", signed / "key.pub", render=True)
    assert f'href="{WHOLE["cyclonedx"]}"' in (reports / "index.html").read_text("utf-8")

    path = reports / WHOLE["cyclonedx"]
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b'"FAIL', b'"PASS'))
    assert {8, 9} == set(broken(signed / "run", signed / "key.pub", render=True))
    path.write_bytes(kept)


def test_an_unsigned_record_gives_an_envelope_without_a_signature(tmp_path: Path) -> None:
    """It can be read, and nobody can take it for signed."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    api.report(record, documents=[], formats=["in-toto"])
    data = json.loads((record.reports / WHOLE["in-toto"]).read_bytes())

    assert [] == data["signatures"]
    assert in_toto.PREDICATE == json.loads(base64.b64decode(data["payload"]))["predicateType"]
    assert codec.encode(data) == (record.reports / WHOLE["in-toto"]).read_bytes()
    assert [] == broken(record.folder, render=True)
