"""The API and the first page over a real index: what a clinician's software and browser get."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from dicom_node.api.access import token_of
from dicom_node.api.app import app
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import store_reading
from dicom_node.archive.studies import Work, find_study, move
from dicom_node.offline import ingest
from dicom_node.page.routes import router
from dicom_node.settings import Settings, load
from medvlm.contract import StudyInput
from tests.builders import dx_film, write
from tests.scripted_model import ScriptedModel

TOKEN = "a-token-for-tests"


class PreviewingModel(ScriptedModel):
    def card(self) -> None:
        return None

    def preview(self, source: object) -> bytes:
        return b"\x89PNG"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(archive={"url": str(tmp_path / "archive"), "flush": False}, api={"max_body_bytes": 2000})


@pytest.fixture
def engine(settings: Settings) -> Engine:
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    return engine


@pytest.fixture
def client(settings: Settings, engine: Engine) -> Iterator[TestClient]:
    built = app(settings, engine, PreviewingModel(), TOKEN, (router,))  # type: ignore[arg-type]
    with TestClient(built, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def received(settings: Settings, tmp_path: Path, *studies: str) -> list[str]:
    films = [dx_film(study=study) for study in studies]
    assert ingest(settings, [write(film, tmp_path / "files") for film in films]) == ()
    return [str(film.StudyInstanceUID) for film in films]


def read(engine: Engine, uid: str) -> None:
    work: Work = find_study(engine, uid).work
    study = StudyInput(study_uid=uid, images=({"uri": "file:///x", "sop_class_uid": "1.2"},))  # type: ignore[arg-type]
    store_reading(engine, work, study, ScriptedModel().open(study).draft(), time.time())
    move(engine, work, "drafted")


@pytest.mark.parametrize("path", ["/api/v1/studies", "/api/v1/studies/1.2", "/api/v1/models", "/studies/1.2"])
def test_nothing_is_told_without_the_token(client: TestClient, path: str) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_health_of_the_process_needs_no_token(client: TestClient) -> None:
    assert client.get("/api/v1/health/live", headers={"Authorization": ""}).json() == {"status": "live"}


def test_studies_come_page_by_page_without_loss_or_repeat(
    client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    sent = received(settings, tmp_path, *"abcde")
    seen: list[str] = []
    url = "/api/v1/studies?limit=2"
    while url:
        page = client.get(url)
        seen += [study["study_uid"] for study in page.json()["studies"]]
        url = page.links.get("next", {}).get("url", "")
    assert sorted(seen) == sorted(sent)


def test_studies_are_filtered_by_state(client: TestClient, settings: Settings, engine: Engine, tmp_path: Path) -> None:
    uid, _ = received(settings, tmp_path, "one", "other")
    read(engine, uid)
    found = client.get("/api/v1/studies?state=drafted").json()["studies"]
    assert [study["study_uid"] for study in found] == [uid]


def test_a_question_is_answered_and_kept_with_who_asked(
    client: TestClient, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    (uid,) = received(settings, tmp_path, "asked")
    read(engine, uid)
    answer = client.post(f"/api/v1/studies/{uid}/questions", json={"text": "Is there an effusion?"})
    assert answer.status_code == 201
    assert answer.json()["answer"]["text"] == "Yes."
    assert answer.json()["asked_by"] == "token"
    assert client.get(f"/api/v1/studies/{uid}/questions").json()["answers"] == [answer.json()]


def test_a_question_on_a_study_not_read_yet_is_a_conflict(
    client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    (uid,) = received(settings, tmp_path, "unread")
    answer = client.post(f"/api/v1/studies/{uid}/questions", json={"text": "Is there an effusion?"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/study_not_ready")


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "q" * 1001}, {"text": "a", "more": 1}, []])
def test_a_body_of_another_shape_is_refused_and_not_repeated(client: TestClient, body: object) -> None:
    answer = client.post("/api/v1/studies/1.2/questions", json=body)
    assert answer.status_code == 422
    assert "qqqq" not in answer.text


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    answer = client.post("/api/v1/studies/1.2/questions", content=b"x" * 5000)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.parametrize("path", ["studies/1.2.3", "studies/1.2.3/reports", "studies/1.2.3/questions"])
def test_an_unknown_study_is_a_problem_with_a_way_out(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not_found"
    assert "dicom-node studies" in answer.json()["detail"]


def test_a_path_in_place_of_a_uid_is_refused(client: TestClient) -> None:
    assert client.get("/api/v1/studies/..%2f..%2fetc/reports").status_code in (404, 422)


def test_the_link_with_the_token_opens_a_session_and_leaves_the_address_bar(client: TestClient) -> None:
    opened = client.get(f"/?token={TOKEN}", headers={"Authorization": ""}, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_the_page_of_a_draft_says_what_it_is(
    client: TestClient, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    (uid,) = received(settings, tmp_path, "shown")
    read(engine, uid)
    page = client.get(f"/studies/{uid}")
    for words in ("AI-generated, not verified", "For evaluation, not for clinical use", "Pleural effusion", "80 %"):
        assert words in page.text
    assert "Not assessed" in page.text
    assert client.get(f"/studies/{uid}/image.png").headers["content-type"] == "image/png"


def test_text_from_a_header_is_shown_as_text(client: TestClient, settings: Settings, tmp_path: Path) -> None:
    film = dx_film(study="script", StudyDescription="<script>alert(1)</script>")
    ingest(settings, [write(film, tmp_path / "files")])
    page = client.get("/", headers={"Cookie": f"medvlm_session={TOKEN}"})
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]  # default-src 'none' forbids them all


def test_the_form_asks_and_shows_the_answer(
    client: TestClient, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    (uid,) = received(settings, tmp_path, "form")
    read(engine, uid)
    page = client.post(f"/studies/{uid}", data={"question": "Is there an effusion?"})
    assert "Is there an effusion?" in page.text
    assert "Yes." in page.text


def test_every_problem_is_declared_in_the_openapi_document(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, item in document["paths"].items():
        if "health/live" not in path:
            declared = {status for route in item.values() for status in route["responses"]}
            assert declared & {"401", "503"}, path
    assert document["components"]["schemas"]["Problem"]


def test_the_token_is_made_once_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    first = token_of("", tmp_path)
    assert token_of("", tmp_path) == first
    assert len(first) >= 32
    assert (tmp_path / "api-token").stat().st_mode & 0o077 == 0
    assert token_of("configured", tmp_path) == "configured"
