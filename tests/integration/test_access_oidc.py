"""Logging in at a real OpenID provider, and its access tokens: what is believed, and everything that is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from dicom_node.archive.database import migrate, open_engine
from dicom_node.audit import chain
from tests.guarded_app import TOKEN, Clock
from tests.openid_provider.node import ACCOUNTS, ORIGIN, node_of
from tests.openid_provider.process import (
    OpenidProvider,
    openid_provider,
)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenidProvider]:
    with openid_provider(tmp_path_factory.mktemp("provider"), ORIGIN, ACCOUNTS) as provider:
        yield provider


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'index.sqlite'}", flush=False)
    migrate(engine)
    return engine


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(provider: OpenidProvider, engine: Engine, clock: Clock) -> TestClient:
    return node_of(provider, engine, clock)


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    """The part of the browser that faces the provider, with the provider's cookies."""
    with httpx.Client() as client:
        yield client


def log_in(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client, login: str, path: str = "/auth/login"
) -> str:
    """Where the browser ends."""
    away = node.get(path)
    assert away.status_code == 303
    back = provider.log_in(browser, away.headers["location"], login)
    return str(node.get(back).headers["location"])


def test_a_radiologist_logs_in_reads_and_signs(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client
) -> None:
    assert node.get("/auth/me").json()["login"] == "oidc"
    assert log_in(node, provider, browser, "robin", "/auth/login?next=/read/1.2.3") == "/read/1.2.3"
    me = node.get("/auth/me").json()["principal"]
    assert (me["subject"], me["name"], me["organisation"]) == ("robin", "Reader^Robin", "Ward 3")
    assert (me["kind"], me["through"], me["roles"]) == ("person", "oidc-session", ["radiologist"])
    assert node.post("/api/sign").json() == "Reader^Robin"
    assert node.get("/api/admin").status_code == 403


@pytest.mark.parametrize(
    ("login", "allowed"), [("vera", {"view"}), ("ada", {"view", "admin"}), ("nobody", set()), ("roleless", set())]
)
def test_the_providers_roles_decide(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client, login: str, allowed: set[str]
) -> None:
    assert log_in(node, provider, browser, login) == "/"
    answers = {
        "view": node.get("/api/view/1.2"),
        "edit": node.post("/api/edit"),
        "sign": node.post("/api/sign"),
        "admin": node.get("/api/admin"),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 200} == allowed
    assert {answer.status_code for name, answer in answers.items() if name not in allowed} == {403}
    assert node.get("/auth/me").json()["principal"]["subject"] == login


def test_roles_and_names_that_only_userinfo_tells_count(
    tmp_path: Path, engine: Engine, clock: Clock, browser: httpx.Client
) -> None:
    with openid_provider(tmp_path, ORIGIN, ACCOUNTS, claims_in_id_token=False) as provider:
        node = node_of(provider, engine, clock)
        log_in(node, provider, browser, "robin")
        assert node.post("/api/sign").json() == "Reader^Robin"


def test_a_public_client_logs_in_with_pkce_alone(
    tmp_path: Path, engine: Engine, clock: Clock, browser: httpx.Client
) -> None:
    public = {"client_secret": None, "token_endpoint_auth_method": "none", "id_token_signed_response_alg": "ES256"}
    with openid_provider(tmp_path, ORIGIN, ACCOUNTS, client=public) as provider:
        node = node_of(provider, engine, clock, client_secret="")
        log_in(node, provider, browser, "robin")
        assert node.post("/api/sign").status_code == 200


def test_the_request_carries_what_protects_it_and_nothing_of_the_person(node: TestClient) -> None:
    away = node.get("/auth/login?next=/read/1.2.3")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(away.headers["location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{ORIGIN}/auth/callback"
    assert asked["max_age"] == str(720 * 60)
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert "1.2.3" not in away.headers["location"]
    cookie = away.headers["set-cookie"]
    assert "HttpOnly; Max-Age=600; Path=/; SameSite=lax" in cookie
    for given in (asked["state"], asked["nonce"], asked["code_challenge"]):
        assert given not in cookie


@pytest.mark.parametrize("page", ["//evil.example", "https://evil.example", "/read/../x", "/\\evil.example", "read"])
def test_a_login_leads_back_to_this_page_alone(node: TestClient, page: str) -> None:
    assert node.get("/auth/login", params={"next": page}).status_code == 422


def test_signing_after_the_login_went_stale_says_the_way_out_and_works_after_it(
    provider: OpenidProvider, engine: Engine, clock: Clock, browser: httpx.Client
) -> None:
    node = node_of(provider, engine, clock)
    log_in(node, provider, browser, "robin")
    for _ in range(3):
        clock.now += 20 * 60 + 1
        assert node.post("/api/edit").status_code == 200
    refused = node.post("/api/sign")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/login_not_fresh")
    assert "/auth/login?again=true" in refused.json()["detail"]
    clock.now = time.time()
    again = node.get("/auth/login?again=true&next=/read/1.2.3").headers["location"]
    assert "prompt=login" in again
    form = browser.get(again, follow_redirects=True)
    assert 'name="password"' in form.text  # although the provider still knows the person
    assert node.get(provider.log_in(browser, again, "robin")).headers["location"] == "/read/1.2.3"
    assert node.post("/api/sign").status_code == 200


def test_an_answer_for_another_browser_or_of_another_login_is_refused(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client
) -> None:
    back = provider.log_in(browser, node.get("/auth/login").headers["location"], "robin")
    node.cookies.clear()
    assert node.get(back).headers["location"] == "/#login=login_expired"
    node.get("/auth/login")
    assert node.get(back).headers["location"] == "/#login=login_refused"
    assert node.get("/auth/me").json()["principal"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"state": ["forged"]},
        {"code": ["forged"]},
        {"iss": ["https://evil.example"]},
        {"iss": []},
        {"code": [], "error": ["access_denied"]},
    ],
)
def test_an_answer_that_was_tampered_with_logs_nobody_in(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client, change: dict[str, list[str]]
) -> None:
    back = urlsplit(provider.log_in(browser, node.get("/auth/login").headers["location"], "robin"))
    answer = node.get("/auth/callback", params=parse_qs(back.query) | change)
    assert answer.headers["location"] == "/#login=login_refused"
    assert node.get("/auth/me").json()["principal"] is None


def test_a_code_is_good_once(node: TestClient, provider: OpenidProvider, browser: httpx.Client) -> None:
    away = node.get("/auth/login")
    cookie = node.cookies["medvlm_login"]
    back = provider.log_in(browser, away.headers["location"], "robin")
    assert node.get(back).headers["location"] == "/"
    again = node.get(back, headers={"Cookie": f"medvlm_login={cookie}"})
    assert again.headers["location"] == "/#login=login_refused"


def test_with_a_provider_nobody_can_declare_themselves(node: TestClient) -> None:
    answer = node.post("/auth/session", json={"token": TOKEN, "name": "Reader^Robin"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert node.get("/api/view/1.2", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_logging_out_leads_through_the_provider(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client
) -> None:
    log_in(node, provider, browser, "robin")
    address = node.post("/auth/logout").json()["end_session"]
    assert address.startswith(f"{provider.issuer}/session/end?")
    assert "token" not in address
    assert browser.get(address).status_code == 200
    assert node.get("/api/view/1.2").status_code == 401


def test_a_provider_that_calls_itself_otherwise_is_not_used(
    engine: Engine, clock: Clock, provider: OpenidProvider
) -> None:
    node = node_of(provider, engine, clock, issuer=provider.issuer.replace("127.0.0.1", "localhost"))
    assert node.get("/auth/login").headers["location"] == "/#login=provider_unavailable"


def test_logins_are_in_the_audit_trail_without_codes_or_tokens(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client, engine: Engine
) -> None:
    back = provider.log_in(browser, node.get("/auth/login").headers["location"], "robin")
    node.get(back)
    node.get(back)
    messages = [entry.message for entry in chain.entries(engine)]
    assert any('UserID="robin"' in message for message in messages)
    assert parse_qs(urlsplit(back).query)["code"][0] not in "".join(messages)
