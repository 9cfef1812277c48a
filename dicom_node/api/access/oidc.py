"""Logging in at an OpenID provider: authorization code with PKCE, state and nonce; and its access tokens.

Sources: OpenID Connect Core 1.0, RP-Initiated Logout 1.0; RFC 7636 (PKCE); RFC 9207 (issuer in the answer);
RFC 9700 (best practice). `joserfc` checks the signatures.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import httpx
import structlog

from dicom_node.api.access import oidc_claims
from dicom_node.api.access.oidc_claims import Claims, TokenRefused
from dicom_node.api.access.oidc_keys import Metadata, Published, unavailable
from dicom_node.api.access.principal import Principal
from dicom_node.errors import BadSettings
from dicom_node.settings import Api, Oidc

log = structlog.get_logger()

TIMEOUT_SECONDS = 5.0
CALLBACK = "/auth/callback"
PAGES = re.compile(r"^/(read/[0-9.]{1,64})?$")


@dataclass(frozen=True)
class Attempt:
    """A login under way. Its browser alone holds the secret, in a cookie; what the provider sees is derived from it."""

    secret: str = field(repr=False)
    following: str

    @classmethod
    def begin(cls, following: str) -> Attempt:
        """`following` is the page to come back to: one of ours, else the worklist."""
        return cls(secrets.token_urlsafe(32), following if PAGES.fullmatch(following) else "/")

    @classmethod
    def of_cookie(cls, value: str) -> Attempt | None:
        secret, _, study_uid = value.partition(".")
        following = f"/read/{study_uid}" if study_uid else "/"
        return cls(secret, following) if len(secret) == 43 and PAGES.fullmatch(following) else None

    @property
    def cookie(self) -> str:
        return f"{self.secret}.{self.following.removeprefix('/read/').strip('/')}"

    @property
    def state(self) -> str:
        return self._derived("state")

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """S256 (RFC 7636 section 4.2)."""
        return _unpadded(hashlib.sha256(self.verifier.encode()).digest())

    def _derived(self, purpose: str) -> str:
        return _unpadded(hashlib.sha256(f"{purpose} {self.secret}".encode()).digest())


class Provider:
    """The hospital's identity provider, as this node's settings name it. Safe for threads."""

    def __init__(self, oidc: Oidc, api: Api, clock: Callable[[], float] = time.time) -> None:
        """Raises `BadSettings` if the authorities' file cannot be read. The provider is first asked when needed."""
        self._oidc, self._api, self._clock = oidc, api, clock
        self._http = httpx.Client(verify=_trust(oidc.ca_certificates), timeout=TIMEOUT_SECONDS)
        self._published = Published(oidc.issuer, self._http, clock)

    def login_address(self, attempt: Attempt, origin: str, *, again: bool) -> str:
        """Where the browser goes to log in. `again` asks for the password even of who is logged in there.

        `max_age` makes `auth_time` a must in the answer (OpenID Connect Core section 3.1.2.1).
        """
        longest = self._api.fresh_login_minutes if again else self._api.session_minutes
        query = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": origin + CALLBACK,
            "scope": " ".join(self._oidc.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            "max_age": str(int(longest * 60)),
        } | ({"prompt": "login"} if again else {})
        address = self._published.metadata().authorization_endpoint
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    def complete(self, attempt: Attempt, answer: Mapping[str, str], origin: str) -> Principal:
        """The person whom the provider's answer names. Raises `TokenRefused` or `ProviderUnavailable`."""
        metadata = self._published.metadata()
        _check_answer(attempt, answer, metadata)
        tokens = self._tokens(metadata, attempt, answer["code"], origin)
        claims = oidc_claims.id_token(
            str(tokens.get("id_token", "")), self._published.key, self._oidc, attempt.nonce, self._clock()
        )
        claims = self._with_userinfo(claims, metadata, str(tokens.get("access_token", "")))
        return self._recent(oidc_claims.person(claims, self._oidc, self._api.organisation, "oidc-session"))

    def of_access_token(self, text: str, now: datetime) -> Principal | None:
        """The caller with this bearer token; nobody if it is not to be believed. Raises `ProviderUnavailable`.

        Only people authenticate: a token without `auth_time` is a program's (RFC 9068 section 2.2.1).
        """
        if not self._oidc.audience:
            return None
        try:
            claims = oidc_claims.access_token(text, self._published.key, self._oidc, now.timestamp())
        except TokenRefused as error:
            log.info("oidc.refused", why=str(error))
            return None
        if oidc_claims.logged_in(claims) is None:
            return oidc_claims.machine(claims, self._oidc, self._api.organisation, now)
        return oidc_claims.person(claims, self._oidc, self._api.organisation, "oidc-bearer")

    def logout_address(self, origin: str) -> str | None:
        """Where the browser goes to log out there too, if the provider offers it (RP-Initiated Logout section 2)."""
        address = self._published.metadata().end_session_endpoint
        if address is None:
            return None
        query = {"client_id": self._oidc.client_id, "post_logout_redirect_uri": f"{origin}/"}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    def _tokens(self, metadata: Metadata, attempt: Attempt, code: str, origin: str) -> Claims:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": origin + CALLBACK,
            "code_verifier": attempt.verifier,
        }
        client, secret = self._oidc.client_id, self._oidc.client_secret
        basic = None
        if secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            basic = httpx.BasicAuth(quote_plus(client), quote_plus(secret))  # RFC 6749 section 2.3.1
        else:
            form |= {"client_id": client} | ({"client_secret": secret} if secret else {})
        try:
            answer = self._http.post(metadata.token_endpoint, data=form, auth=basic or httpx.USE_CLIENT_DEFAULT)
            tokens = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable(type(error).__name__) from None
        if answer.is_server_error:
            raise unavailable(f"status {answer.status_code}")
        if not answer.is_success or not isinstance(tokens, dict):
            raise TokenRefused("the provider did not take the code")
        return tokens

    def _with_userinfo(self, claims: Claims, metadata: Metadata, access: str) -> Claims:
        """Some providers tell roles and names only there (OpenID Connect Core section 5.3)."""
        if metadata.userinfo_endpoint is None or oidc_claims.found(claims, self._oidc.roles_claim) is not None:
            return claims
        try:
            answer = self._http.get(metadata.userinfo_endpoint, headers={"Authorization": f"Bearer {access}"})
            more = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise unavailable(type(error).__name__) from None
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:  # section 5.3.2
            raise TokenRefused("sub: userinfo is of somebody else")
        return {**more, **claims}

    def _recent(self, found: Principal) -> Principal:
        """The provider was told how old a login may be; believe it only if it says so itself."""
        age = self._clock() - found.authenticated.timestamp()
        if age > self._api.session_minutes * 60 + oidc_claims.SKEW_SECONDS:
            raise TokenRefused("auth_time: older than max_age")
        return found


def _check_answer(attempt: Attempt, answer: Mapping[str, str], metadata: Metadata) -> None:
    if not secrets.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise TokenRefused("state: answers another login")
    expected = metadata.issuer if metadata.authorization_response_iss_parameter_supported else answer.get("iss")
    if answer.get("iss") != expected or answer.get("iss", metadata.issuer) != metadata.issuer:
        raise TokenRefused("iss: another provider answered")
    if "code" not in answer:
        raise TokenRefused("the provider did not log the person in")


def _trust(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(Path(file)) if file else None)
    except OSError:  # SSLError is one
        raise BadSettings(
            "oidc.ca_certificates cannot be read", where=file, way_out="It is a PEM file with certificates."
        ) from None


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
