"""What an OpenID provider publishes: its endpoints (OpenID Connect Discovery 1.0) and its keys (RFC 7517)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from dicom_node.api.access.denials import ProviderUnavailable
from dicom_node.api.access.rate_limit import PerMinute
from dicom_node.settings import LOOPBACK

log = structlog.get_logger()

KEPT_SECONDS = 3600.0
"""A key that the provider withdrew is believed for no longer."""
REFETCHES_PER_MINUTE = 6
"""Tokens with invented key ids must not make this node ask the provider without end."""
REST_SECONDS = 5.0
"""A provider that does not answer is not asked again for so long: else its silence would hold every thread."""


def _safe(address: str) -> str:
    url = urlsplit(address)
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
        raise ValueError("not an https address")
    return address


Endpoint = Annotated[str, AfterValidator(_safe)]


class Metadata(BaseModel):
    """The part of the provider's metadata that a login needs (OpenID Connect Discovery 1.0 section 3)."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    jwks_uri: Endpoint
    userinfo_endpoint: Endpoint | None = None
    end_session_endpoint: Endpoint | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False  # RFC 9207


@dataclass
class Published:
    """Asked for when first needed, then kept. Safe for threads. Every method raises `ProviderUnavailable`."""

    issuer: str
    http: httpx.Client
    clock: Callable[[], float]
    refetches: PerMinute = field(default_factory=lambda: PerMinute(REFETCHES_PER_MINUTE, "too many unknown keys"))
    _metadata: Metadata | None = None
    _keys: dict[str, Key] = field(default_factory=dict)
    _fetched: float = 0.0
    _rests_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def metadata(self) -> Metadata:
        with self._lock:
            if self._metadata is None:
                self._metadata = self._discovered()
            return self._metadata

    def key(self, kid: str | None) -> Key | None:
        """The key of this id; without an id, the provider's only key. An unknown id asks the provider again."""
        metadata = self.metadata()
        with self._lock:
            old = self.clock() - self._fetched > KEPT_SECONDS
            if old or (self._found(kid) is None and self.refetches.take("")):
                self._fetch_keys(metadata)
            return self._found(kid)

    def _found(self, kid: str | None) -> Key | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _fetch_keys(self, metadata: Metadata) -> None:
        self._keys = _signing_keys(self._document(metadata.jwks_uri))
        self._fetched = self.clock()

    def _discovered(self) -> Metadata:
        document = self._document(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        try:
            found = Metadata.model_validate(document)
        except ValidationError as error:
            fields = ", ".join(str(item["loc"][0]) for item in error.errors())
            raise unavailable(f"its metadata lack or misstate {fields}") from None
        if found.issuer != self.issuer:  # section 4.3: exactly, or one provider could speak for another
            raise unavailable("it calls itself by another issuer than oidc.issuer")
        return found

    def _document(self, address: str) -> Any:
        if self.clock() < self._rests_until:
            raise unavailable("it did not answer a moment ago")
        try:
            return self.http.get(address).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            self._rests_until = self.clock() + REST_SECONDS
            raise unavailable(type(error).__name__) from None


def unavailable(why: str) -> ProviderUnavailable:
    log.warning("oidc.unavailable", why=why)
    return ProviderUnavailable(f"the OpenID provider cannot be used: {why}", way_out="Try again in a moment.")


def _signing_keys(document: Any) -> dict[str, Key]:
    """The asymmetric keys for signatures by their id. Kinds that we do not know are left out."""
    keys: dict[str, Key] = {}
    for data in document.get("keys", ()) if isinstance(document, dict) else ():
        try:
            key = JWKRegistry.import_key(data)
        except (JoseError, ValueError, TypeError):
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey) and data.get("use", "sig") == "sig":
            keys[str(data.get("kid") or key.thumbprint())] = key
    return keys
