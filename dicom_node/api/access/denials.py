"""Why a caller is turned away, each with the way in. The words never hold what the caller sent.

Denied
├── Unauthenticated       nobody is known: no credential, or a wrong or expired one
├── Forbidden             known, but without the role
│   └── CrossSite         a page of another origin sent this with the person's cookie
├── LoginNotFresh         known and with the role, but the login is too old for this act
├── TooManyRequests       slower
└── ProviderUnavailable   the OpenID provider cannot be asked
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from dicom_node.errors import Edge, NodeError

NOT_AUTHORIZED = 0x0124
"""Refused: not authorized (PS3.7 Annex C)."""


class Denied(NodeError):
    """Root. `headers` go with the answer."""

    headers: Mapping[str, str] = MappingProxyType({})


class Unauthenticated(Denied):
    code = "unauthenticated"
    edge = Edge(dimse=NOT_AUTHORIZED, http=401, exit=3)
    headers: Mapping[str, str] = MappingProxyType({"WWW-Authenticate": 'Bearer realm="medvlm"'})


class Forbidden(Denied):
    code: ClassVar[str] = "forbidden"
    edge = Edge(dimse=NOT_AUTHORIZED, http=403, exit=3)


class CrossSite(Forbidden):
    code = "cross_site"


class LoginNotFresh(Denied):
    code = "login_not_fresh"
    edge = Edge(dimse=NOT_AUTHORIZED, http=403, exit=3)


class TooManyRequests(Denied):
    code = "too_many_requests"
    edge = Edge(dimse=0xA700, http=429, exit=3)

    def __init__(self, what: str, *, seconds: int) -> None:
        super().__init__(what, way_out=f"Try again in {seconds} s.")
        self.headers = MappingProxyType({"Retry-After": str(seconds)})


class ProviderUnavailable(Denied):
    code = "provider_unavailable"
    edge = Edge(dimse=0xA700, http=503, exit=3)
    headers: Mapping[str, str] = MappingProxyType({"Retry-After": "10"})
