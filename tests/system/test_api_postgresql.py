"""The API over PostgreSQL: the same statements, the same answers."""

from __future__ import annotations

from pathlib import Path

from dicom_node.archive.changes import Watch
from tests.builders import dx_film
from tests.clinical_desk import act, clinical_desk, decided, edit
from tests.peers import needs_postgresql, postgresql_server


@needs_postgresql
def test_a_draft_is_found_asked_about_decided_and_signed_on_postgresql(tmp_path: Path) -> None:
    with postgresql_server() as url, clinical_desk(tmp_path, database={"url": url}) as desk:
        watch = Watch(desk.engine, lambda: 1e9)
        watch.look()
        uid = desk.draft(dx_film(PatientName="Müller^Anna"))
        assert watch.look() == {uid}
        found = desk.client.post("/api/v1/studies/search", json={"text": "MÜLLER", "modality": "DX"}).json()["studies"]
        assert [one["study_uid"] for one in found] == [uid]
        key = {"Idempotency-Key": "one"}
        asked = [
            desk.client.post(f"/api/v1/studies/{uid}/questions", json={"text": "Edema?"}, headers=key) for _ in "ab"
        ]
        assert asked[0].json() == asked[1].json()
        with desk.person() as browser:
            report = desk.report(uid, browser)
            saved = edit(browser, report, decided(report))
            assert edit(browser, report, []).status_code == 412
            assert act(browser, saved.json(), "sign").json()["state"] == "signed"
        assert watch.look() == {uid}
        (row,) = desk.client.get("/api/v1/studies?limit=1").json()["studies"]
        assert (row["report"]["state"], row["deliveries"]["pending"]) == ("signed", 2)
        assert 'medvlm_studies{state="drafted"} 1.0' in desk.client.get("/metrics").text
        assert desk.client.get("/api/v1/audit?limit=1").json()["records"][0]["who"] == "token"
