"""Who may do what: tokens, sessions, roles, and every answer that turns a caller away, over a real index."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from dicom_node.api.access.callers import token_of
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.tables import session
from dicom_node.audit import chain
from dicom_node.settings import load
from tests.guarded_app import TOKEN, Clock, guarded_app

ORIGIN = "http://127.0.0.1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PERSON = {"token": TOKEN, "name": "Reader^Robin"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'index.sqlite'}", flush=False)
    migrate(engine)
    return engine


def application(engine: Engine, clock: Clock, **api: object) -> FastAPI:
    return guarded_app(load(api=api), engine, clock)


@pytest.fixture
def client(engine: Engine, clock: Clock) -> Iterator[TestClient]:
    with TestClient(application(engine, clock), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def person(client: TestClient) -> TestClient:
    """A browser in which a person has logged in."""
    client.headers["Origin"] = ORIGIN
    assert client.post("/auth/session", json=PERSON).status_code == 201
    return client


def refusal(answer: object) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    return answer.status_code, answer.json()["type"].rpartition("/")[2]  # type: ignore[attr-defined]


def trail(engine: Engine) -> str:
    """Every message, with what stands in base64 in it as text too."""
    messages = "\n".join(entry.message for entry in chain.entries(engine))
    packed = re.findall(r'value="([A-Za-z0-9+/]{8,}=*)"', messages)
    return "\n".join([messages, *(base64.b64decode(one).decode() for one in packed)])


def test_the_token_may_read_and_administer_but_never_edit_or_sign(client: TestClient) -> None:
    assert client.get("/api/view/1.2", headers=BEARER).json() == "token"
    assert client.get("/api/admin", headers=BEARER).json() == "machine"
    assert refusal(client.post("/api/edit", headers=BEARER)) == (403, "forbidden")
    assert refusal(client.post("/api/sign", headers=BEARER)) == (403, "forbidden")


@pytest.mark.parametrize(
    "header", ["", "Bearer wrong", "Bearer", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "Bearer \u00e9"]
)
def test_nobody_gets_in_without_the_token(client: TestClient, header: str) -> None:
    answer = client.get("/api/view/1.2", headers={b"Authorization": header.encode("latin-1")})
    assert refusal(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "dXNlcjpwYXNz" not in answer.text


def test_a_person_who_logged_in_may_do_everything(person: TestClient) -> None:
    assert person.get("/api/view/1.2").json() == "local:Reader^Robin"
    assert person.post("/api/edit").json() == "Reader^Robin"
    assert person.post("/api/sign").json() == "Reader^Robin"
    assert person.get("/api/admin").json() == "person"


def test_who_is_logged_in_is_told_without_a_refusal(client: TestClient, clock: Clock) -> None:
    assert client.get("/auth/me").json()["principal"] is None
    client.post("/auth/session", json=PERSON | {"organisation": "Ward 3"})
    me = client.get("/auth/me").json()
    assert me["login"] == "token"
    assert me["principal"]["organisation"] == "Ward 3"
    assert sorted(me["principal"]["roles"]) == ["admin", "radiologist", "viewer"]
    assert me["fresh_until"] < me["expires"]


def test_the_cookie_is_for_this_page_alone_and_not_what_the_index_keeps(client: TestClient, engine: Engine) -> None:
    cookie = client.post("/auth/session", json=PERSON).headers["set-cookie"]
    assert cookie.startswith("medvlm_session=")
    assert "HttpOnly; Path=/; SameSite=strict" in cookie
    assert "Max-Age" not in cookie
    secret = cookie.partition("=")[2].partition(";")[0]
    with engine.connect() as connection:
        kept = connection.execute(select(session)).one()
    assert secret not in str(tuple(kept))
    assert TOKEN not in str(tuple(kept))


def test_behind_https_the_cookie_is_secure_and_pinned_to_the_host(engine: Engine, clock: Clock) -> None:
    made = application(engine, clock, public_url="https://reading.example")
    with TestClient(made, base_url="https://reading.example", headers={"Origin": "https://reading.example"}) as client:
        cookie = client.post("/auth/session", json=PERSON).headers["set-cookie"]
        assert cookie.startswith("__Host-medvlm_session=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        assert client.post("/api/edit").status_code == 200


def test_every_login_gets_a_new_secret_and_ends_the_session_before(person: TestClient) -> None:
    before = person.cookies["medvlm_session"]
    person.post("/auth/session", json=PERSON)
    assert person.cookies["medvlm_session"] != before
    person.cookies.clear()
    answer = person.get("/api/view/1.2", headers={"Cookie": f"medvlm_session={before}"})
    assert refusal(answer) == (401, "unauthenticated")


def test_logging_out_ends_the_session_on_the_server(person: TestClient) -> None:
    secret = person.cookies["medvlm_session"]
    assert person.post("/auth/logout").json() == {"end_session": None}
    assert "medvlm_session" not in person.cookies
    assert person.get("/api/view/1.2", headers={"Cookie": f"medvlm_session={secret}"}).status_code == 401


def test_a_session_ends_when_nothing_is_asked(person: TestClient, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 29 * 60
        assert person.get("/api/view/1.2").status_code == 200
    clock.now += 30 * 60
    assert person.get("/api/view/1.2").status_code == 401


def test_a_session_ends_after_its_time_however_busy(person: TestClient, clock: Clock) -> None:
    for _ in range(12 * 60 // 20 - 1):
        clock.now += 20 * 60
        assert person.get("/api/view/1.2").status_code == 200
    clock.now += 20 * 60
    assert person.get("/api/view/1.2").status_code == 401


def test_signing_needs_a_fresh_login_and_says_the_way_out(person: TestClient, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 20 * 60 + 1
        assert person.post("/api/edit").status_code == 200
    answer = person.post("/api/sign")
    assert refusal(answer) == (403, "login_not_fresh")
    assert "/auth/session" in answer.json()["detail"]
    person.post("/auth/session", json=PERSON)
    assert person.post("/api/sign").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8081"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "null"},
        {},
    ],
)
def test_another_site_cannot_act_with_the_cookie(person: TestClient, headers: dict[str, str]) -> None:
    del person.headers["Origin"]
    assert refusal(person.post("/api/edit", headers=headers)) == (403, "cross_site")
    assert refusal(person.post("/auth/logout", headers=headers)) == (403, "cross_site")


def test_the_pages_own_fetch_acts_by_fetch_metadata_too(person: TestClient) -> None:
    del person.headers["Origin"]
    assert person.post("/api/edit", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_another_site_cannot_log_a_browser_in(client: TestClient) -> None:
    answer = client.post("/auth/session", json=PERSON, headers={"Sec-Fetch-Site": "cross-site"})
    assert refusal(answer) == (403, "cross_site")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["", "^", " ", "\x00", "N" * 65])
def test_a_person_without_a_name_is_not_logged_in(client: TestClient, name: str) -> None:
    answer = client.post("/auth/session", json={"token": TOKEN, "name": name})
    assert answer.status_code == 422
    assert TOKEN not in answer.text


def test_wrong_tokens_have_to_wait_and_a_session_goes_on(engine: Engine, clock: Clock) -> None:
    with TestClient(application(engine, clock, login_failures_per_minute=3), base_url=ORIGIN) as client:
        client.post("/auth/session", json=PERSON)
        for _ in range(2):
            assert (
                client.post("/auth/session", json=PERSON | {"token": "no"}, headers={"Origin": ORIGIN}).status_code
                == 401
            )
        assert client.get("/api/view/1.2", headers={"Authorization": "Bearer no"}).status_code == 401
        answer = client.get("/api/view/1.2", headers=BEARER)
        assert refusal(answer) == (429, "too_many_requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert client.get("/api/view/1.2").status_code == 200


def test_one_callers_haste_is_not_anothers(engine: Engine, clock: Clock) -> None:
    with TestClient(application(engine, clock, rate_per_minute=5), base_url=ORIGIN) as client:
        answers = [client.get("/api/view/1.2", headers=BEARER) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert client.get("/auth/me").status_code == 200


def test_the_frames_of_a_ct_are_not_counted_with_the_rest(engine: Engine, clock: Clock) -> None:
    made = application(engine, clock, rate_per_minute=5)
    made.get("/dicomweb/frame")(lambda: "pixels")
    with TestClient(made, base_url=ORIGIN, headers=BEARER) as client:
        assert {client.get("/dicomweb/frame").status_code for _ in range(300)} == {200}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000", "192.0.2.7", "node.example"]
)
def test_the_node_answers_to_its_names_and_to_addresses(engine: Engine, clock: Clock, host: str) -> None:
    with TestClient(application(engine, clock, allowed_hosts=["node.example"]), base_url=ORIGIN) as client:
        assert client.get("/auth/me", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "a@127.0.0.1"]
)
def test_a_name_that_another_site_points_here_gets_nothing(client: TestClient, host: str) -> None:
    answer = client.get("/auth/me", headers={"Host": host})
    assert refusal(answer) == (421, "unknown_host")


def test_every_refusal_and_login_is_in_the_audit_trail_without_secrets(person: TestClient, engine: Engine) -> None:
    person.post("/auth/session", json=PERSON | {"token": "a-wrong-one"})
    person.post("/auth/logout")
    person.get("/api/view/1.2.3")
    person.post("/api/edit", headers=BEARER)
    person.get("/api/view/1.2.3", headers={"Authorization": "Bearer a-wrong-one"})
    told = trail(engine)
    assert "GET /api/view/{study_uid}: unauthenticated, needs any role" in told
    assert "POST /api/edit: forbidden, needs a radiologist in person" in told
    assert "GET /api/view/{study_uid}: unauthenticated, needs a right credential" in told
    assert told.count('"110114"') == 3  # a login, one that failed, a logout
    assert "local:Reader^Robin" in told
    assert TOKEN not in told
    assert "a-wrong-one" not in told


def test_a_path_in_place_of_a_study_does_not_reach_the_audit_trail(client: TestClient, engine: Engine) -> None:
    client.get("/api/view/DOE^JANE")
    assert "DOE" not in trail(engine)
    assert "/api/view/{study_uid}" in trail(engine)


def test_the_token_is_made_once_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    first = token_of("", tmp_path)
    assert token_of("", tmp_path) == first
    assert len(first) >= 32
    assert (tmp_path / "api-token").stat().st_mode & 0o077 == 0
    assert token_of("configured", tmp_path) == "configured"
