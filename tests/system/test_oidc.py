"""The whole node over HTTPS with a real OpenID provider: logging in as a browser does, reading, signing, leaving."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from dicom_node.api.access.headers import CONTENT_SECURITY_POLICY
from tests.certificates import Authority
from tests.openid_provider.process import AUDIENCE, NODE, NODE_SECRET, OpenidProvider, openid_provider
from tests.peers import free_port, wait_for_port
from tests.running_node import RunningNode, running_node

ACCOUNTS = {
    "robin": {"family_name": "Reader", "given_name": "Robin", "roles": ["radiologist"]},
    "vera": {"family_name": "Viewer", "roles": ["viewer"]},
    "guest": {"family_name": "Guest", "roles": []},
}
FRESH_SECONDS = 3.0
SIGN = "/api/v1/reports/1.2.3:1:0/sign"


@dataclass
class Hospital:
    node: RunningNode
    provider: OpenidProvider
    address: str
    authority: Path

    def browser(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.address, verify=str(self.authority), headers={"Sec-Fetch-Site": "same-origin"}
        )

    def log_in(self, browser: httpx.Client, login: str, again: bool = False) -> httpx.Response:
        """One browser, all the way round: the node, the provider's form, the node."""
        away = browser.get("/auth/login", params={"next": "/read/1.2.3", "again": again})
        back = self.provider.log_in(browser, away.headers["location"], login)
        return browser.get(back)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    folder = tmp_path_factory.mktemp("hospital")
    authority = Authority(folder / "authority")
    pair = authority.issue("node")
    port = free_port()
    address = f"https://127.0.0.1:{port}"
    with openid_provider(folder / "provider", address, ACCOUNTS) as provider:
        settings: dict[str, Any] = {
            "api__port": port,
            "api__tls_certificate": str(pair.certificate),
            "api__tls_key": str(pair.key),
            "api__fresh_login_minutes": FRESH_SECONDS / 60,
            "oidc__issuer": provider.issuer,
            "oidc__client_id": NODE,
            "oidc__client_secret": NODE_SECRET,
            "oidc__audience": AUDIENCE,
            "oidc__scopes": ["openid", "profile", "roles"],
        }
        with running_node(folder / "node", roles=("api",), **settings) as node:
            wait_for_port(port, node._processes["api"])
            yield Hospital(node, provider, address, authority.certificate)


def test_a_person_logs_in_over_https_reads_and_logs_out(hospital: Hospital) -> None:
    with hospital.browser() as browser:
        assert browser.get("/api/v1/studies").status_code == 401
        arrived = hospital.log_in(browser, "vera")
        assert (arrived.status_code, arrived.headers["location"]) == (303, "/read/1.2.3")
        cookie = next(value for value in arrived.headers.get_list("set-cookie") if "medvlm_session" in value)
        assert cookie.startswith("__Host-medvlm_session=")
        assert "HttpOnly; Path=/; SameSite=strict; Secure" in cookie
        assert browser.get("/api/v1/studies").status_code == 200
        assert browser.get("/auth/me").json()["principal"]["name"] == "Viewer"
        assert browser.post(SIGN, json={}).json()["code"] == "forbidden"
        assert browser.post("/auth/logout").json()["end_session"].startswith(hospital.provider.issuer)
        assert browser.get("/api/v1/studies").status_code == 401


def test_who_has_no_role_reads_nothing(hospital: Hospital) -> None:
    with hospital.browser() as browser:
        hospital.log_in(browser, "guest")
        assert browser.get("/auth/me").json()["principal"]["roles"] == []
        answer = browser.get("/api/v1/studies")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_signature_needs_a_login_of_the_last_minutes(hospital: Hospital) -> None:
    with hospital.browser() as browser:
        hospital.log_in(browser, "robin")
        time.sleep(FRESH_SECONDS + 1.1)  # auth_time counts whole seconds
        answer = browser.post(SIGN, json={}, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["code"]) == (403, "login_not_fresh")
        hospital.log_in(browser, "robin", again=True)
        answer = browser.post(SIGN, json={}, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")  # past the gate: no such report


def test_an_access_token_opens_the_api_and_no_other(hospital: Hospital) -> None:
    with hospital.browser() as program:
        good = {"Authorization": f"Bearer {hospital.provider.token()}"}
        assert program.get("/api/v1/studies", headers=good).status_code == 200
        other = {"Authorization": f"Bearer {hospital.provider.token('RS256', aud='another')}"}
        assert program.get("/api/v1/studies", headers=other).status_code == 401


def test_nothing_secret_is_in_the_nodes_log(hospital: Hospital) -> None:
    with hospital.browser() as browser:
        hospital.log_in(browser, "robin")
        browser.get("/api/v1/studies", headers={"Authorization": "Bearer a-wrong-token"})
        secrets = [*browser.cookies.values(), "a-wrong-token", NODE_SECRET]
    log = hospital.node.log("api")
    assert "access.denied" in log
    assert [secret for secret in secrets if secret in log] == []


def test_the_headers_hold_browsers_to_the_policy_and_to_https(hospital: Hospital) -> None:
    with hospital.browser() as browser:
        for path in ("/api/v1/studies", "/dicomweb/studies", "/nowhere", "/openapi.json", "/"):
            headers = browser.get(path).headers
            assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert headers["strict-transport-security"] == "max-age=31536000"


def test_plain_http_gets_nothing_where_https_is_spoken(hospital: Hospital) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(hospital.address.replace("https", "http"))


def test_a_node_with_a_wrong_certificate_ends_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "rubbish.pem").write_text("rubbish")
    files: dict[str, Any] = {
        "api__tls_certificate": str(tmp_path / "rubbish.pem"),
        "api__tls_key": str(tmp_path / "rubbish.pem"),
    }
    with running_node(tmp_path, roles=(), **files) as node:
        assert node.start("api").wait(60) == 2
        assert "api.tls" in node.log("api") or "certificate and its key cannot be used" in node.log("api")
