"""Reports over the API: what a radiologist sees and decides, and that nobody's edit is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from dicom_node.archive.tables import act as act_row
from medvlm.contract import Box
from tests.builders import dx_film
from tests.clinical_desk import ADDED, ClinicalDesk, act, clinical_desk, decided, edit

ADDITION = {"verdict": "added", "tracking_uid": ADDED, "name": "consolidation", "laterality": "right"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClinicalDesk]:
    with clinical_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
def browser(desk: ClinicalDesk) -> Iterator[TestClient]:
    with desk.person() as browser:
        yield browser


@pytest.fixture
def report(desk: ClinicalDesk) -> dict[str, Any]:
    return desk.report(desk.draft(dx_film()))


def test_a_draft_is_shown_with_every_finding_undecided_and_what_was_not_assessed(report: dict[str, Any]) -> None:
    assert (report["state"], report["version"], report["hidden"]) == ("draft", 1, False)
    assert report["banner"] == "AI-generated draft. Not verified."
    assert report["undecided"] == [found["tracking_uid"] for found in report["findings"]]
    assert [one["name"] for one in report["not_assessed"]] == ["hernia"]
    assert report["narrative"]["impression"][0]["text"] == "There is a pleural effusion."
    assert {one["kind"] for one in report["documents"]} == {"findings", "narrative"}
    assert report["may"] == {"edit": False, "sign": False, "reject": False, "addend": False}, (
        "a machine decides nothing"
    )


def test_the_etag_is_the_version(desk: ClinicalDesk, report: dict[str, Any]) -> None:
    assert desk.client.get(f"/api/v1/reports/{report['id']}").headers["etag"] == '"1"'


def test_decisions_are_shown_beside_what_the_model_stated(browser: TestClient, report: dict[str, Any]) -> None:
    changed = {"verdict": "changed", "presence": "indeterminate", "laterality": "left"}
    saved = edit(browser, report, [*decided(report, effusion=changed), ADDITION])
    assert saved.status_code == 200
    assert saved.headers["etag"] == '"2"'
    found = {one["name"]: one for one in saved.json()["findings"]}
    assert (found["effusion"]["presence"], found["effusion"]["laterality"]) == ("indeterminate", "left")
    assert found["effusion"]["model"] == {"presence": "present", "laterality": "unspecified", "evidence": []}
    assert (found["effusion"]["by"], found["effusion"]["person"], found["effusion"]["probability"]) == (
        "person",
        "Reader^One",
        None,
    )
    assert (found["cardiomegaly"]["by"], found["cardiomegaly"]["decision"]) == ("model", "accepted")
    assert (found["consolidation"]["decision"], found["consolidation"]["by"]) == ("added", "person")
    assert saved.json()["undecided"] == []


def test_a_rejected_finding_stays_listed_and_leaves_the_narrative(browser: TestClient, report: dict[str, Any]) -> None:
    saved = edit(browser, report, decided(report, effusion={"verdict": "rejected"})).json()
    assert next(one for one in saved["findings"] if one["name"] == "effusion")["decision"] == "rejected"
    assert "effusion" not in str(saved["narrative"])


def test_a_persons_side_stands_in_the_narrative(browser: TestClient, report: dict[str, Any]) -> None:
    saved = edit(browser, report, [*decided(report), ADDITION]).json()
    assert any("(right)" in line["text"] for line in saved["narrative"]["impression"])


def test_saving_fewer_decisions_takes_them_back(browser: TestClient, report: dict[str, Any]) -> None:
    first = edit(browser, report, [*decided(report), ADDITION]).json()
    second = edit(browser, first, first["decisions"][:1]).json()
    assert [one["name"] for one in second["findings"]] == ["effusion", "cardiomegaly"]
    assert [one["decision"] for one in second["findings"]] == ["accepted", None]


def test_saving_what_stands_makes_no_version(browser: TestClient, report: dict[str, Any]) -> None:
    first = edit(browser, report, decided(report)).json()
    again = edit(browser, first, first["decisions"])
    assert (again.status_code, again.json()["version"]) == (200, first["version"])


def test_an_edit_without_the_version_it_was_made_on_is_refused(browser: TestClient, report: dict[str, Any]) -> None:
    for headers in ({}, {"If-Match": "*"}):
        answer = browser.put(f"/api/v1/reports/{report['id']}", json={"decisions": []}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")


def test_the_second_of_two_editors_gets_the_conflict_and_the_current_version(
    desk: ClinicalDesk, browser: TestClient, report: dict[str, Any]
) -> None:
    assert edit(browser, report, decided(report)).status_code == 200
    with desk.person("Reader^Two") as other:
        late = edit(other, report, decided(report, effusion={"verdict": "rejected"}))
    assert (late.status_code, late.json()["code"], late.json()["current"]) == (412, "stale_version", '"2"')
    assert desk.report(report["study_uid"])["findings"][0]["decision"] == "accepted"


@pytest.mark.parametrize("tag", ['W/"1"', '"01"', "1", '"1", "2"', '"x"'])
def test_a_tag_that_is_none_of_ours_is_stale(browser: TestClient, report: dict[str, Any], tag: str) -> None:
    answer = browser.put(f"/api/v1/reports/{report['id']}", json={"decisions": []}, headers={"If-Match": tag})
    assert answer.status_code == 412


def test_signing_waits_until_every_finding_is_decided(browser: TestClient, report: dict[str, Any]) -> None:
    early = act(browser, report, "sign")
    assert (early.status_code, early.json()["code"]) == (409, "undecided_findings")
    assert early.json()["undecided"] == report["undecided"]


def test_a_signed_report_names_who_signed_and_takes_addenda_only(browser: TestClient, report: dict[str, Any]) -> None:
    saved = edit(browser, report, decided(report)).json()
    signed = act(browser, saved, "sign").json()
    assert (signed["state"], signed["signed_by"]["name"]) == ("signed", "Reader^One")
    assert signed["may"] == {"edit": False, "sign": False, "reject": False, "addend": True}
    assert edit(browser, signed, []).json()["code"] == "illegal_transition"
    added = act(browser, signed, "addenda", text="Unchanged since 2024.").json()
    assert [(one["text"], one["person"]) for one in added["addenda"]] == [("Unchanged since 2024.", "Reader^One")]


def test_a_rejected_draft_repeats_nothing_in_its_narrative(browser: TestClient, report: dict[str, Any]) -> None:
    rejected = act(browser, report, "reject", reason="Wrong patient").json()
    assert (rejected["state"], rejected["narrative"]["findings"]) == ("rejected", [])


def test_a_machine_may_neither_edit_nor_sign(desk: ClinicalDesk, report: dict[str, Any]) -> None:
    for answer in (edit(desk.client, report, []), act(desk.client, report, "sign"), act(desk.client, report, "reject")):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_history_says_who_changed_what(browser: TestClient, report: dict[str, Any]) -> None:
    first = edit(browser, report, [*decided(report, effusion={"verdict": "rejected"}), ADDITION]).json()
    second = edit(browser, first, decided(report)).json()
    act(browser, second, "sign")
    told = browser.get(f"/api/v1/reports/{report['id']}/versions").json()["versions"]
    assert [(one["version"], one["kind"]) for one in told] == [(1, "draft"), (2, "edit"), (3, "edit"), (4, "sign")]
    assert told[1]["changes"] == [
        "Pleural effusion rejected",
        "Cardiomegaly accepted",
        "Consolidation added as present, right",
    ]
    assert told[2]["changes"] == ["Pleural effusion accepted", "Taken back: Consolidation added as present, right"]


def test_an_earlier_version_is_as_it_was(browser: TestClient, report: dict[str, Any]) -> None:
    edit(browser, report, decided(report))
    then = browser.get(f"/api/v1/reports/{report['id']}/versions/1").json()
    assert (then["version"], then["decisions"], then["may"]["edit"]) == (1, [], False)
    assert browser.get(f"/api/v1/reports/{report['id']}/versions/9").status_code == 404


def test_a_newer_reading_supersedes_the_draft(desk: ClinicalDesk, browser: TestClient, report: dict[str, Any]) -> None:
    desk.read_again(report["study_uid"])
    newest, older = browser.get(f"/api/v1/studies/{report['study_uid']}/reports").json()["reports"]
    assert (older["id"], older["superseded_by"]) == (report["id"], newest["id"])
    assert edit(browser, older, []).json()["code"] == "report_superseded"


def test_what_would_leave_is_shown_before_signing(browser: TestClient, report: dict[str, Any]) -> None:
    saved = edit(browser, report, decided(report)).json()
    shown = browser.get(f"/api/v1/reports/{report['id']}/outgoing").json()
    assert "Verified by" in shown["html"]
    assert 'src="http' not in shown["html"]
    assert shown["receivers"] == [{"name": "pacs", "kind": "dicom", "objects": ["findings", "narrative"]}]
    assert shown["undecided"] == saved["undecided"] == []


def test_a_document_is_the_dicom_file_of_this_report_alone(desk: ClinicalDesk, report: dict[str, Any]) -> None:
    path = f"/api/v1/reports/{report['id']}/documents/{report['documents'][0]['sop_instance_uid']}"
    file = desk.client.get(path)
    assert (file.headers["content-type"], file.content[128:132]) == ("application/dicom", b"DICM")
    other = desk.report(desk.draft(dx_film(study="other")))
    assert desk.client.get(path.replace(report["id"], other["id"])).status_code == 404


def test_an_act_that_cannot_be_audited_does_not_happen(
    desk: ClinicalDesk, browser: TestClient, report: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicom_node.audit import chain

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(chain, "append", full)
    answer = edit(browser, report, decided(report))
    assert (answer.status_code, answer.json()["code"]) == (503, "audit_unavailable")
    with desk.engine.connect() as connection:
        assert connection.execute(select(act_row)).all() == []


def test_a_repeated_signature_is_answered_and_not_made_twice(browser: TestClient, report: dict[str, Any]) -> None:
    saved = edit(browser, report, decided(report)).json()
    path, tag = f"/api/v1/reports/{report['id']}/sign", {"If-Match": '"2"', "Idempotency-Key": "sign-1"}
    first = browser.post(path, json={}, headers=tag)
    again = browser.post(path, json={}, headers=tag)
    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert again.json() == first.json()
    assert (again.headers["etag"], again.headers["idempotency-replayed"]) == (first.headers["etag"], "true")
    assert saved["version"] == 2


def test_a_finding_with_a_box_elsewhere_is_refused_and_nothing_is_saved(
    desk: ClinicalDesk, browser: TestClient, report: dict[str, Any]
) -> None:
    box = Box(sop_instance_uid="1.2.3", x0=0, y0=0, x1=5, y1=5).model_dump()
    answer = edit(browser, report, [*decided(report), ADDITION | {"evidence": [box]}])
    assert (answer.status_code, answer.json()["code"]) == (409, "not_reportable")
    assert desk.report(report["study_uid"])["version"] == 1


class TestRevealAfterOwnRead:
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[ClinicalDesk]:
        with clinical_desk(tmp_path, api={"reveal": "after_own_read"}) as desk:
            yield desk

    def test_nothing_of_the_model_leaves_before_the_own_read(
        self, browser: TestClient, desk: ClinicalDesk, report: dict[str, Any]
    ) -> None:
        uid, path = report["study_uid"], f"/api/v1/reports/{report['id']}"
        edit_path = browser.put(path, json={"decisions": []}, headers={"If-Match": '"1"'})
        hidden = browser.get(path).json()
        assert (hidden["hidden"], hidden["findings"], hidden["undecided"], hidden["documents"]) == (True, [], [], [])
        assert hidden["narrative"] == {"findings": [], "impression": [], "own": False}
        asked = browser.post(f"/api/v1/studies/{uid}/questions", json={"text": "Is there an effusion?"})
        refused = [
            edit_path,
            asked,
            browser.get(f"/api/v1/studies/{uid}/questions"),
            browser.get(f"/api/v1/studies/{uid}/suggestions"),
            browser.get(f"{path}/outgoing"),
            browser.get(f"{path}/documents/{report['documents'][0]['sop_instance_uid']}"),
        ]
        assert {(one.status_code, one.json()["code"]) for one in refused} == {(409, "own_read_first")}
        answers = [
            browser.get(f"/api/v1/studies/{uid}/reports").text,
            browser.get(f"{path}/versions/1").text,
            browser.get(f"{path}/versions").text,
            browser.get(f"/api/v1/studies/{uid}").text,
            browser.get("/api/v1/studies").text,
        ]
        assert not any("ffusion" in text for text in answers)

    def test_the_own_read_opens_the_draft_and_what_was_written_first_stays(
        self, browser: TestClient, report: dict[str, Any]
    ) -> None:
        path = f"/api/v1/reports/{report['id']}/own-read"
        shown = browser.post(path, json={"findings": [{"name": "effusion", "presence": "absent"}], "text": "Clear."})
        assert (shown.json()["hidden"], len(shown.json()["findings"])) == (False, 2)
        again = browser.post(path, json={"findings": [], "text": "An effusion after all."}).json()
        assert again["own_read"]["text"] == "Clear."

    def test_another_persons_own_read_opens_nothing(
        self, desk: ClinicalDesk, browser: TestClient, report: dict[str, Any]
    ) -> None:
        browser.post(f"/api/v1/reports/{report['id']}/own-read", json={})
        with desk.person("Reader^Two") as other:
            assert desk.report(report["study_uid"], other)["hidden"]

    def test_what_is_signed_is_shown(self, desk: ClinicalDesk, browser: TestClient, report: dict[str, Any]) -> None:
        browser.post(f"/api/v1/reports/{report['id']}/own-read", json={})
        act(browser, edit(browser, report, decided(report)).json(), "sign")
        with desk.person("Reader^Two") as other:
            assert not desk.report(report["study_uid"], other)["hidden"]
