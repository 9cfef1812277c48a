"""The worklist and a study over the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from tests.builders import ct_slice, dx_film, instance, sr_document
from tests.clinical_desk import ClinicalDesk, clinical_desk, decided, edit


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClinicalDesk]:
    with clinical_desk(tmp_path, api={"rate_per_minute": 100_000}) as desk:
        yield desk


def uids(client: TestClient, path: str) -> list[str]:
    return [one["study_uid"] for one in client.get(f"/api/v1/studies{path}").json()["studies"]]


def test_studies_come_page_by_page_without_loss_or_repeat(desk: ClinicalDesk) -> None:
    sent = desk.receive(*(dx_film(study=name) for name in "abcde"))
    seen: list[str] = []
    url = "/api/v1/studies?limit=2"
    while url:
        page = desk.client.get(url)
        seen += [study["study_uid"] for study in page.json()["studies"]]
        url = page.links.get("next", {}).get("url", "")
    assert sorted(seen) == sorted(sent)


def test_studies_are_filtered_by_state_and_modality(desk: ClinicalDesk) -> None:
    film, ct = desk.receive(dx_film(study="film"), ct_slice(study="ct"))
    desk.read(film)
    assert uids(desk.client, "?state=drafted") == [film]
    assert uids(desk.client, "?modality=CT") == [ct]
    assert uids(desk.client, "?state=drafted&modality=CT") == []


def test_a_row_says_who_and_what_and_how_far(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film(PatientName="Müller^Anna", ReferringPhysicianName="Refers^Dr"))
    (row,) = desk.client.get("/api/v1/studies").json()["studies"]
    assert (row["patient_name"], row["patient_id"], row["patient_sex"]) == ("Müller^Anna", "PAT-1", "F")
    assert (row["study_date"], row["accession_number"], row["modalities"]) == ("20260102", "ACC-1", ["DX"])
    assert row["report"] == {"id": f"{uid}:1:0", "state": "draft", "version": 1, "undecided": 2}
    assert row["deliveries"] == {"pending": 2, "delivered": 0, "parked": 0}


def test_a_row_follows_the_decisions(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    report = desk.report(uid)
    with desk.person() as browser:
        edit(browser, report, decided(report)[:1])
    (row,) = desk.client.get("/api/v1/studies").json()["studies"]
    assert (row["report"]["state"], row["report"]["version"], row["report"]["undecided"]) == ("edited", 2, 1)


@pytest.mark.parametrize("text", ["müller", "MÜLLER", "anna müll", "PAT-7", "ACC-9", "thorax"])
def test_a_study_is_found_by_words_of_its_patient(desk: ClinicalDesk, text: str) -> None:
    found = dx_film(
        study="found",
        PatientName="Müller^Anna",
        patient_id="PAT-7",
        AccessionNumber="ACC-9",
        StudyDescription="Thorax p.a.",
    )
    desk.receive(found, dx_film(study="other", PatientName="Meier^Bert"))
    answer = desk.client.post("/api/v1/studies/search", json={"text": text}).json()["studies"]
    assert [one["patient_name"] for one in answer] == ["Müller^Anna"]


@pytest.mark.parametrize("text", ["%", "_", "100%"])
def test_a_wildcard_in_a_search_is_a_character(desk: ClinicalDesk, text: str) -> None:
    desk.receive(dx_film())
    assert desk.client.post("/api/v1/studies/search", json={"text": text}).json()["studies"] == []


def test_a_study_lists_its_series_and_frames(desk: ClinicalDesk) -> None:
    enhanced = instance("1.2.840.10008.5.1.4.1.1.2.1", modality="CT", series="multi", number=1, NumberOfFrames=7)
    slices = [ct_slice(number=number, series="axial") for number in (2, 1)]
    (uid,) = desk.receive(*slices, enhanced, sr_document())
    series = desk.client.get(f"/api/v1/studies/{uid}").json()["series"]
    shown = {one["modality"] + str(len(one["instances"])): one["instances"] for one in series}
    assert [one["number"] for one in shown["CT2"]] == [1, 2]
    assert [one["frames"] for one in shown["CT2"]] == [1, 1]
    assert shown["CT1"][0]["frames"] == 7
    assert (shown["SR1"][0]["is_image"], shown["SR1"][0]["frames"]) == (False, 0)


def test_priors_are_of_the_same_patient_and_issuer_newest_first(desk: ClinicalDesk) -> None:
    one, old, older, *_ = desk.receive(
        dx_film(study="now", StudyDate="20260102"),
        dx_film(study="old", StudyDate="20240101"),
        dx_film(study="older", StudyDate="20200101"),
        dx_film(study="namesake", IssuerOfPatientID="ELSEWHERE"),
        dx_film(study="another", patient_id="PAT-2"),
    )
    assert [prior["study_uid"] for prior in desk.client.get(f"/api/v1/studies/{one}").json()["priors"]] == [old, older]


def test_studies_without_a_patient_id_are_nobodys_priors(desk: ClinicalDesk) -> None:
    one, _ = desk.receive(dx_film(study="a", patient_id=""), dx_film(study="b", patient_id=""))
    assert desk.client.get(f"/api/v1/studies/{one}").json()["priors"] == []


def test_a_refusal_is_shown_with_its_reason(desk: ClinicalDesk) -> None:
    uid = desk.draft(ct_slice(study="ct"))
    study = desk.client.get(f"/api/v1/studies/{uid}").json()
    assert (study["state"], study["refusal"]["code"]) == ("refused", "unsupported_modality")


def test_a_study_is_put_first(desk: ClinicalDesk) -> None:
    (uid,) = desk.receive(dx_film())
    changed = desk.client.put(f"/api/v1/studies/{uid}/priority", json={"priority": "stat"})
    assert (changed.status_code, changed.json()["priority"]) == (200, "stat")
    assert desk.client.put("/api/v1/studies/1.2.3/priority", json={"priority": "stat"}).status_code == 404


def test_a_study_is_read_again_once_for_a_repeated_request(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    for _ in range(2):
        answer = desk.client.post(f"/api/v1/studies/{uid}/readings", headers={"Idempotency-Key": "again"})
        assert (answer.status_code, answer.json()) == (202, {"study_uid": uid})
    desk.read(uid)
    assert [report["version"] for report in desk.client.get(f"/api/v1/studies/{uid}/reports").json()["reports"]] == [
        2,
        1,
    ]


def test_a_page_of_the_worklist_costs_the_same_few_queries_for_many_studies(desk: ClinicalDesk) -> None:
    asked: list[str] = []
    event.listen(desk.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    def cost() -> int:
        desk.client.get("/api/v1/studies?limit=200")
        asked.clear()
        desk.client.get("/api/v1/studies?limit=200")
        return len(asked)

    desk.draft(dx_film(study="first"))
    one = cost()
    for number in range(8):
        desk.draft(dx_film(study=number))
    assert cost() == one


@pytest.mark.parametrize("cursor", ["x", "bnVsbA==", "WzEsMl0=", "ünl", "W05hTiwgIngiXQ=="])
def test_a_cursor_that_no_page_gave_is_refused(desk: ClinicalDesk, cursor: str) -> None:
    answer = desk.client.get("/api/v1/studies", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize("path", ["", "/reports", "/questions", "/suggestions", "/events"])
def test_an_unknown_study_is_a_problem_with_a_way_out(desk: ClinicalDesk, path: str) -> None:
    answer = desk.client.get(f"/api/v1/studies/1.2.3{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not_found")
    assert "dicom-node studies" in answer.json()["detail"]


def test_metrics_count_by_template_and_state_and_hold_nothing_of_a_patient(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    desk.client.get(f"/api/v1/studies/{uid}")
    desk.client.get("/no/such/PAT-1")
    told = desk.client.get("/metrics").text
    assert 'medvlm_http_requests_total{method="GET",route="/api/v1/studies/{study_uid}",status="200"} 1.0' in told
    assert 'medvlm_studies{state="drafted"} 1.0' in told
    assert 'medvlm_deliveries{state="pending"} 2.0' in told
    assert uid not in told
    assert "PAT-1" not in told
    assert desk.client.get("/metrics", headers={"Authorization": ""}).status_code == 401


def test_the_audit_trail_is_read_newest_first_by_administrators_only(desk: ClinicalDesk) -> None:
    uid = desk.draft(dx_film())
    desk.client.get(f"/api/v1/studies/{uid}")
    page = desk.client.get("/api/v1/audit?limit=1")
    assert page.links["next"]["url"].startswith("/api/v1/audit?")
    records = desk.client.get("/api/v1/audit?limit=200").json()["records"]
    assert [one["n"] for one in records] == sorted((one["n"] for one in records), reverse=True)
    assert any(uid in one["study_uids"] and one["who"] == "token" for one in records)
