"""Access tokens of a real OpenID provider: what is believed, and everything that is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from sqlalchemy import Engine

from dicom_node.archive.database import migrate, open_engine
from tests.guarded_app import TOKEN, Clock
from tests.openid_provider.node import ACCOUNTS, ORIGIN, node_of
from tests.openid_provider.process import (
    AUDIENCE,
    PROGRAM,
    PROGRAM_ADDRESS,
    SERVICE,
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


def bearer(node: TestClient, path: str, token: str) -> httpx.Response:
    method = "GET" if path.startswith("/api/view") else "POST"
    return node.request(method, path, headers={"Authorization": f"Bearer {token}"})  # type: ignore[return-value]


def test_a_person_signs_with_an_access_token_of_the_hospitals_own_program(
    node: TestClient, provider: OpenidProvider, browser: httpx.Client
) -> None:
    verifier = "v" * 43
    asked = {
        "client_id": PROGRAM,
        "response_type": "code",
        "redirect_uri": PROGRAM_ADDRESS,
        "scope": "openid profile roles",
        "resource": AUDIENCE,
        "code_challenge": _unpadded(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    back = provider.log_in(browser, str(httpx.URL(f"{provider.issuer}/auth", params=asked)), "robin")
    form = {
        "grant_type": "authorization_code",
        "client_id": PROGRAM,
        "redirect_uri": PROGRAM_ADDRESS,
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "code_verifier": verifier,
        "resource": AUDIENCE,
    }
    tokens = httpx.post(f"{provider.issuer}/token", data=form).raise_for_status().json()
    answer = bearer(node, "/api/sign", tokens["access_token"])
    assert (answer.status_code, answer.json()) == (200, "Reader^Robin")
    assert bearer(node, "/api/view/1.2", tokens["id_token"]).status_code == 401


def test_a_service_without_a_person_never_acts_as_a_radiologist(node: TestClient, provider: OpenidProvider) -> None:
    form = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": "read"}
    tokens = httpx.post(f"{provider.issuer}/token", data=form, auth=(SERVICE, "another")).raise_for_status().json()
    assert bearer(node, "/api/view/1.2", tokens["access_token"]).status_code == 200
    assert bearer(node, "/api/edit", tokens["access_token"]).status_code == 403


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_the_provider_is_believed(node: TestClient, provider: OpenidProvider, algorithm: str) -> None:
    assert bearer(node, "/api/edit", provider.token(algorithm)).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "of another provider": {"iss": "https://evil.example"},
    "without an issuer": {"iss": None},
    "for another audience": {"aud": "https://other.example"},
    "for several others": {"aud": ["a", "b"]},
    "without an audience": {"aud": None},
    "expired": {"exp": time.time() - 61},
    "that never expires": {"exp": None},
    "with an end that is no number": {"exp": "tomorrow"},
    "not valid yet": {"nbf": time.time() + 600},
    "of nobody": {"sub": None},
    "of a subject without end": {"sub": "s" * 256},
    "of the node's own token": {"sub": "token"},
    "of a self-declared person": {"sub": "local:Reader^Robin"},
    "that is an ID token": {"nonce": "n"},
    "that is a refresh token": {"typ": "Refresh"},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG.keys())
def test_no_token_is_believed(node: TestClient, provider: OpenidProvider, claims: dict[str, Any]) -> None:
    answer = bearer(node, "/api/view/1.2", provider.token("RS256", **claims))
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")


def test_expired_tokens_of_one_program_do_not_make_its_neighbours_wait(
    node: TestClient, provider: OpenidProvider
) -> None:
    old = provider.token("RS256", exp=time.time() - 61)
    assert {bearer(node, "/api/view/1.2", old).status_code for _ in range(20)} == {401}
    assert bearer(node, "/api/view/1.2", TOKEN).status_code == 200


def test_a_minute_of_skew_is_borne(node: TestClient, provider: OpenidProvider) -> None:
    assert bearer(node, "/api/view/1.2", provider.token("RS256", exp=time.time() - 30)).status_code == 200


def test_an_unsigned_token_is_not_believed(node: TestClient, provider: OpenidProvider) -> None:
    payload = provider.token().split(".")[1]
    header = _unpadded(b'{"alg":"none","typ":"at+jwt"}')
    assert bearer(node, "/api/view/1.2", f"{header}.{payload}.").status_code == 401
    signed = provider.token().split(".")
    assert bearer(node, "/api/view/1.2", f"{header}.{payload}.{signed[2]}").status_code == 401


def test_a_public_key_is_no_secret_to_sign_with(node: TestClient, provider: OpenidProvider) -> None:
    """RFC 8725 section 2.1: HS256 with the published RSA key as the secret."""
    public = provider.keys["RS256"]
    assert isinstance(public, RSAKey)
    for secret in (public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()):
        header = _unpadded(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": public.kid}).encode())
        signed = f"{header}.{provider.token().split('.')[1]}"
        signature = _unpadded(hmac.digest(secret, signed.encode(), "sha256"))
        assert bearer(node, "/api/view/1.2", f"{signed}.{signature}").status_code == 401


def test_a_strangers_key_is_not_believed_whatever_its_id(node: TestClient, provider: OpenidProvider) -> None:
    for kid in (provider.keys["RS256"].kid, "unknown"):
        stranger = RSAKey.generate_key(2048, {"kid": str(kid)})
        assert bearer(node, "/api/view/1.2", provider.token("RS256", stranger)).status_code == 401


def test_new_keys_are_believed_at_once_and_the_old_ones_no_longer(node: TestClient, provider: OpenidProvider) -> None:
    old = provider.token()
    assert bearer(node, "/api/view/1.2", old).status_code == 200
    provider.rotate("second")
    assert bearer(node, "/api/view/1.2", provider.token()).status_code == 200
    assert bearer(node, "/api/view/1.2", old).status_code == 401


def test_a_provider_that_is_away_is_said_and_the_token_of_the_node_still_works(
    engine: Engine, clock: Clock, provider: OpenidProvider
) -> None:
    node = node_of(provider, engine, clock, issuer="http://127.0.0.1:1")
    assert node.get("/auth/login").headers["location"] == "/#login=provider_unavailable"
    answer = bearer(node, "/api/view/1.2", provider.token())
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/provider_unavailable")
    assert bearer(node, "/api/view/1.2", TOKEN).status_code == 200


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
