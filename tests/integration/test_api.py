"""The API as a whole: who gets in, what is refused at the door, and problems as problems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from dicom_node.api.access.callers import token_of
from tests.clinical_desk import clinical_desk

PROBLEM = "application/problem+json"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with clinical_desk(tmp_path, api={"max_body_bytes": 2000}) as desk:
        yield desk.client


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/studies",
        "/api/v1/studies/1.2",
        "/api/v1/studies/1.2/events",
        "/api/v1/reports/1.2:1:0",
        "/api/v1/models",
        "/api/v1/audit",
        "/metrics",
    ],
)
def test_nothing_is_told_without_the_token(client: TestClient, path: str) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)


def test_the_health_of_the_process_needs_no_token(client: TestClient) -> None:
    assert client.get("/api/v1/health/live", headers={"Authorization": ""}).json() == {"status": "live"}
    assert client.get("/api/v1/health/ready", headers={"Authorization": ""}).json() == {"status": "ready"}


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    answer = client.post("/api/v1/studies/1.2/questions", content=b"x" * 5000)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


@pytest.mark.parametrize("path", ["studies/..%2f..%2fetc/reports", "reports/..%2f..%2fapi-token", "studies/1.2.x"])
def test_a_path_in_place_of_a_uid_is_refused(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == PROBLEM


def test_a_refused_body_is_not_repeated(client: TestClient) -> None:
    answer = client.post("/api/v1/studies/search", json={"text": "x", "state": ["Doe^Jane"], "Doe": 1})
    assert answer.status_code == 422
    assert "Jane" not in answer.text


def test_an_unforeseen_error_is_a_problem_that_says_nothing_of_its_cause(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicom_node.api.routes import models

    def broken() -> None:
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr(models, "terms", broken)
    with TestClient(client.app, base_url=client.base_url, headers=client.headers, raise_server_exceptions=False) as own:
        answer = own.get("/api/v1/vocabulary")
    assert (answer.status_code, answer.headers["content-type"], answer.json()["code"]) == (
        500,
        PROBLEM,
        "internal_error",
    )
    assert "Doe" not in answer.text


def test_the_token_is_made_once_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    first = token_of("", tmp_path)
    assert token_of("", tmp_path) == first
    assert len(first) >= 32
    assert (tmp_path / "api-token").stat().st_mode & 0o077 == 0
    assert token_of("configured", tmp_path) == "configured"
