"""What stands between a request and the node: the credentials it knows, and the trail of those turned away."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from fastapi import Request

from dicom_node.api.access.denials import Denied, Unauthenticated
from dicom_node.api.access.oidc import Provider
from dicom_node.api.access.principal import Principal, machine
from dicom_node.api.access.rate_limit import PerMinute
from dicom_node.api.access.sessions import Sessions
from dicom_node.audit.participants import Who
from dicom_node.audit.trail import AuditTrail
from dicom_node.settings import Api

log = structlog.get_logger()
JWT = "eyJ"  # `{"` in base64url (RFC 7519 section 3.1)
UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class Gate:
    """One a process; the application keeps it as `state.gate`."""

    settings: Api
    token: str = field(repr=False)
    sessions: Sessions
    provider: Provider | None
    failures: PerMinute
    trail: AuditTrail
    clock: Callable[[], float]

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def holds_token(self, given: str, network: str) -> bool:
        """Whether this is the node's token. Wrong ones count against `network`: raises `TooManyRequests`."""
        self.failures.check(network)
        return secrets.compare_digest(given.encode(), self.token.encode())

    def of_bearer(self, given: str, network: str) -> Principal:
        """Raises `Unauthenticated`, `TooManyRequests` or `ProviderUnavailable`."""
        if self.provider is not None and given.startswith(JWT):
            found = self.provider.of_access_token(given, self.now)
            if found is None:  # not counted: nobody guesses a signature, and tokens expire every day
                raise _wrong()
            return found
        if not self.holds_token(given, network):
            raise self.wrong(network)
        return machine(self.settings.organisation, self.now)

    def wrong(self, network: str) -> Unauthenticated:
        """A wrong credential, counted."""
        self.failures.take(network)
        return _wrong()

    def turn_away(self, request: Request, principal: Principal | None, error: Denied, needs: str) -> Denied:
        """The denial, after it went to the audit trail: the route's template and what it needs, never the path."""
        route = getattr(request.scope.get("route"), "path", "an unknown route")
        study_uid = str(request.path_params.get("study_uid", ""))
        self.trail.denied(
            who_of(principal, network_of(request)),
            f"{request.method} {route}: {error.code}, needs {needs}",
            study_uid if UID.fullmatch(study_uid) else "",
        )
        log.info("access.denied", route=route, code=error.code)
        return error


def _wrong() -> Unauthenticated:
    return Unauthenticated("the token is wrong or has expired", way_out="The node printed its own at its first start.")


def network_of(request: Request) -> str:
    """The caller's address, for limits and the audit trail."""
    return request.client.host if request.client else ""


def who_of(principal: Principal | None, network: str) -> Who:
    """The audit trail's words for a caller."""
    if principal is None:
        return Who("anonymous", network=network)
    roles = tuple(sorted(principal.roles)) + (("machine",) if principal.kind == "machine" else ())
    return Who(principal.subject, name=principal.name, roles=roles, network=network)
