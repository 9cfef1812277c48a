"""The FHIR twin: R4, in step with the SR, idempotent (T17)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhirclient.models import bundle as r4

from dicom_node.report import NotReportable, codes, uids
from dicom_node.report.document import FINDINGS, NARRATIVE
from dicom_node.report.fhir import fhir_bundle, fhir_json
from dicom_node.report.fhir.bindings import require_bound_codes
from dicom_node.report.fhir.concepts import PRESENCES
from dicom_node.report.life_cycle import Add, Edit
from dicom_node.report.version import Version
from tests.unit.report.drafts import CREATED, draft, header, reading
from tests.unit.report.versions import PDF, READER, every_state, minutes

STATES = ("draft", "edited", "signed", "addended", "rejected")


def posted(version: Version, **options: Any) -> dict[str, Any]:
    return json.loads(fhir_json(fhir_bundle(version, **options)))


def of(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [it["resource"] for it in bundle["entry"] if it["resource"]["resourceType"] == kind]


def codings(concept: dict[str, Any]) -> list[tuple[str, str]]:
    return [(it["system"], it["code"]) for it in concept.get("coding", [])]


@pytest.mark.parametrize("state", STATES)
def test_every_state_parses_back_and_is_r4_to_a_second_library(state: str) -> None:
    bundle = posted(every_state()[state], pdf=PDF)
    assert json.loads(Bundle.model_validate(bundle).model_dump_json(exclude_none=True)) == bundle
    assert r4.Bundle(bundle, strict=True).as_json()["type"] == "transaction"


@pytest.mark.parametrize(
    ("state", "report", "observations"),
    [
        ("draft", "partial", {"preliminary"}),
        ("edited", "partial", {"preliminary", "cancelled"}),  # the editor removed a finding
        ("signed", "final", {"final", "cancelled"}),
        ("addended", "appended", {"final", "cancelled"}),
        ("rejected", "cancelled", {"cancelled"}),
    ],
)
def test_statuses_follow_the_state(state: str, report: str, observations: set[str]) -> None:
    bundle = posted(every_state()[state])
    assert of(bundle, "DiagnosticReport")[0]["status"] == report
    assert {it["status"] for it in of(bundle, "Observation")} == observations


@pytest.mark.parametrize("state", STATES)
def test_every_resource_is_labelled_as_asserted_by_an_ai_and_says_so_in_words(state: str) -> None:
    version = every_state()[state]
    for entry in posted(version)["entry"]:
        assert codings({"coding": entry["resource"]["meta"]["security"]})[0][1] == "AIAST"
    conclusion = of(posted(version), "DiagnosticReport")[0]["conclusion"]
    assert ("not verified" in conclusion.lower()) == (not version.is_verified)


@pytest.mark.parametrize("state", STATES)
def test_report_and_provenance_carry_the_sop_instance_uids(state: str) -> None:
    version = every_state()[state]
    bundle = posted(version)
    wanted = {f"urn:oid:{uids.version_uid(version, kind)}" for kind in (FINDINGS, NARRATIVE)}
    assert {it["value"] for it in of(bundle, "DiagnosticReport")[0]["identifier"]} == wanted
    assert {it["what"]["identifier"]["value"] for it in of(bundle, "Provenance")[0]["entity"]} == wanted


def test_the_certainty_is_the_srs_very_number() -> None:
    text = fhir_json(fhir_bundle(draft(reading=reading()))).decode()
    for finding in reading().findings:
        assert f'"value":{100 * finding.probability:.1f},"unit":"%"' in text


def test_absent_is_each_standards_own_code() -> None:
    (absent,) = (it for it in of(posted(Version(draft())), "Observation") if it["code"]["text"] == "Pneumothorax")
    assert codings(absent["valueCodeableConcept"]) == [("http://snomed.info/sct", "2667000")]
    assert codes.PRESENCES["absent"].value == "272519000"
    assert PRESENCES.keys() == codes.PRESENCES.keys()


def test_a_finding_without_a_confirmed_code_leaves_in_words() -> None:
    names = [it["code"] for it in of(posted(Version(draft())), "Observation")]
    assert {"text": "Pleural thickening"} in names


def test_what_was_not_assessed_has_a_reason_and_no_value() -> None:
    missing = [it for it in of(posted(Version(draft())), "Observation") if "dataAbsentReason" in it]
    assert [it["code"]["text"] for it in missing] == ["Pulmonary fibrosis", "Diaphragmatic hernia"]
    assert all("valueCodeableConcept" not in it for it in missing)


def test_what_a_person_assessed_cancels_that_it_was_not_assessed() -> None:
    start = Version(draft())
    add = Add(tracking_uid="2.25.73", name="fibrosis", laterality="left")
    edited = start.then(Edit(person=READER, at=CREATED + minutes(1), decisions=(add,)))
    missing = {it["code"]["text"]: it for it in of(posted(edited), "Observation") if "dataAbsentReason" in it}
    assert missing["Pulmonary fibrosis"]["status"] == "cancelled"
    assert missing["Diaphragmatic hernia"]["status"] == "preliminary"
    results = {it["reference"] for it in of(posted(edited), "DiagnosticReport")[0]["result"]}
    assert f"urn:uuid:{missing['Pulmonary fibrosis']['id']}" not in results


def test_what_stands_no_more_is_cancelled_without_its_value_and_left_out_of_the_report() -> None:
    before, after = posted(every_state()["draft"]), posted(every_state()["edited"])
    (gone,) = (it for it in of(after, "Observation") if it["status"] == "cancelled")
    assert gone["id"] in {it["id"] for it in of(before, "Observation")}
    assert "valueCodeableConcept" not in gone
    assert f"urn:uuid:{gone['id']}" not in {it["reference"] for it in of(after, "DiagnosticReport")[0]["result"]}


def test_a_rejected_report_repeats_no_finding_as_a_result() -> None:
    bundle = posted(every_state()["rejected"])
    assert "result" not in of(bundle, "DiagnosticReport")[0]
    assert all("valueCodeableConcept" not in it and "component" not in it for it in of(bundle, "Observation"))


def test_ids_stay_from_version_to_version_so_that_a_server_holds_one_report() -> None:
    states = every_state()
    assert len({of(posted(version), "DiagnosticReport")[0]["id"] for version in states.values()}) == 1
    assert len({of(posted(version), "Provenance")[0]["id"] for version in states.values()}) == len(states)


def test_the_same_version_is_the_same_bytes() -> None:
    assert fhir_json(fhir_bundle(draft(), pdf=PDF)) == fhir_json(fhir_bundle(draft(), pdf=PDF))


def test_all_but_the_imaging_study_is_put_and_that_only_made_where_there_is_none() -> None:
    for entry in posted(Version(draft()))["entry"]:
        kind, request = entry["resource"]["resourceType"], entry["request"]
        if kind == "ImagingStudy":
            assert request == {
                "method": "POST",
                "url": kind,
                "ifNoneExist": "identifier=urn:dicom:uid|urn:oid:2.25.1001",
            }
        else:
            assert request == {"method": "PUT", "url": f"{kind}/{entry['resource']['id']}"}


@pytest.mark.parametrize("state", STATES)
def test_every_reference_resolves_in_the_bundle_or_is_by_identifier(state: str) -> None:
    bundle = posted(every_state()[state])
    held = {entry["fullUrl"] for entry in bundle["entry"]}
    assert set(_references(bundle)) <= held


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return [*own, *(it for value in node.values() for it in _references(value))]
    return [it for value in node for it in _references(value)] if isinstance(node, list) else []


def test_the_signer_is_the_author_and_the_model_stays_the_assembler() -> None:
    agents = of(posted(every_state()["signed"]), "Provenance")[0]["agent"]
    said = [(codings(it["type"])[0][1], it["who"].get("display")) for it in agents]
    assert said == [("assembler", None), ("enterer", "Müller, Jörg"), ("author", "Reader, Dr Any")]


def test_the_printed_page_comes_back_byte_for_byte() -> None:
    (form,) = of(posted(Version(draft()), pdf=PDF), "DiagnosticReport")[0]["presentedForm"]
    assert base64.b64decode(form["data"]) == PDF


def test_the_text_for_people_is_escaped() -> None:
    made = draft(sources=(header(StudyDescription="<b>x</b>&"),))
    assert "&lt;b&gt;x&lt;/b&gt;&amp;" in of(posted(Version(made)), "ImagingStudy")[0]["text"]["div"]


def test_a_patient_is_named_by_identifier_and_system_never_made() -> None:
    bundle = posted(Version(draft(sources=(header(IssuerOfPatientID="H"),))), patient_id_system="urn:oid:1.2.3")
    assert of(bundle, "Patient") == []
    identifier = of(bundle, "DiagnosticReport")[0]["subject"]["identifier"]
    assert (identifier["system"], identifier["value"], identifier["assigner"]) == (
        "urn:oid:1.2.3",
        "P-1",
        {"display": "H"},
    )


def test_headers_with_nothing_in_them_still_give_a_bundle() -> None:
    empty = header(PatientName="", PatientID=None, StudyDate="nonsense", AccessionNumber=None, StudyDescription=None)
    assert r4.Bundle(posted(Version(draft(sources=(empty,)))), strict=True)


def test_a_code_outside_its_required_value_set_is_refused() -> None:
    bundle = fhir_bundle(draft())
    report = next(it.resource for it in bundle.entry if it.resource.get_resource_type() == "DiagnosticReport")
    report.status = "draft"  # fhir.resources takes it
    with pytest.raises(NotReportable, match=r"'draft'.*DiagnosticReport.status"):
        require_bound_codes(bundle)
