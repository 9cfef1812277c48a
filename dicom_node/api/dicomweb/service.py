"""What the DICOMweb routes stand on, and one request as they see it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy import Engine

from dicom_node.api.access.callers import anyone, viewer
from dicom_node.api.access.origins import origin_of
from dicom_node.api.access.principal import Principal
from dicom_node.api.dicomweb.frames import FramePlaces
from dicom_node.api.dicomweb.metadata import SeriesTexts
from dicom_node.api.dicomweb.pixels import Pixels
from dicom_node.api.dicomweb.receiving import Receiver
from dicom_node.api.node import ApiNode, witness
from dicom_node.archive.series_metadata import SeriesMetadata
from dicom_node.archive.served import Audience, Served, served
from dicom_node.audit.participants import Who
from dicom_node.audit.trail import AuditTrail
from dicom_node.errors import NotFound
from dicom_node.settings import Api, Settings

PREFIX: Final = "/dicomweb"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class Service:
    """One a process."""

    settings: Settings
    engine: Engine
    metadata: SeriesMetadata
    texts: SeriesTexts
    places: FramePlaces
    pixels: Pixels
    receiver: Receiver

    @property
    def root(self) -> Path:
        return self.settings.archive.root

    @classmethod
    def of(cls, settings: Settings, engine: Engine) -> Service:
        root = settings.archive.root
        metadata = SeriesMetadata(root)
        return cls(
            settings=settings,
            engine=engine,
            metadata=metadata,
            texts=SeriesTexts(metadata),
            places=FramePlaces(engine, root, metadata),
            pixels=Pixels(),
            receiver=Receiver(settings),
        )


@dataclass(frozen=True)
class Ask:
    """One request. `url` is the address of the DICOMweb service as the client knows it."""

    service: Service
    request: Request
    trail: AuditTrail
    who: Who
    audience: Audience
    url: str

    def instances(
        self, study_uid: str, series_uid: str | None = None, sop_instance_uid: str | None = None
    ) -> tuple[Served, ...]:
        """At least one. Raises `NotFound`, also for a UID that lies elsewhere. Noted in the audit trail."""
        found = served(self.service.engine, study_uid, series_uid, sop_instance_uid, self.audience)
        if not found:
            raise NotFound("no such study, series or instance", way_out="Search for it: GET /dicomweb/studies.")
        self.trail.instances_accessed(self.who, study_uid)
        return found

    def remembered(self, study_uid: str, series_uid: str, sop_instance_uid: str) -> Served:
        """As `instance`, without a look into the index where a frame of the series was asked for before."""
        found = self.service.places.remembered(study_uid, series_uid, sop_instance_uid)
        if found is None:
            return self.instance(study_uid, series_uid, sop_instance_uid)
        self.trail.instances_accessed(self.who, study_uid)
        return found

    def instance(self, study_uid: str, series_uid: str, sop_instance_uid: str) -> Served:
        return self.instances(study_uid, series_uid, sop_instance_uid)[0]


def attached(service: Service) -> Callable[[Request], Awaitable[None]]:
    """A dependency that hands the service to the routes of its router."""

    async def attach(request: Request) -> None:
        request.state.dicomweb = service

    return attach


def ask(request: Request) -> Ask:
    """The request as the routes see it, its caller established: all in the thread that calls, where a chain of
    dependencies would change threads for each link, which a viewer that loads a thousand frames waits for.

    Raises what `access.Viewer` raises, and HTTPException 400 for a UID that is none.
    """
    by = viewer(request, anyone(request, _bearer(request), None))
    for name, value in request.path_params.items():
        if name.endswith("_uid") and not _UID.fullmatch(value):
            raise HTTPException(400, "A UID in the address is none: digits and dots, at most 64 characters.")
    service: Service = request.state.dicomweb
    node: ApiNode = request.app.state.node
    return Ask(
        service=service,
        request=request,
        trail=node.audit,
        who=witness(request, by),
        audience=_audience(service.settings, by),
        url=address(request, service.settings.api) + PREFIX,
    )


def address(request: Request, settings: Api) -> str:
    """The origin by which the client reached the node.

    dicomweb-client leaves the port out of `Host`, against RFC 9110 section 7.2: where no proxy is known to stand in
    between, the connection's own port is meant.
    """
    asked = origin_of(request, settings)
    _, port = request.scope.get("server") or ("", None)
    behind = settings.public_url or settings.trusted_proxies
    if behind or not port or urlsplit(asked).port or port == DEFAULT_PORTS[request.url.scheme]:
        return asked
    return f"{asked}:{port}"


def _audience(settings: Settings, by: Principal) -> Audience:
    """A radiologist whose own reading comes first sees no draft before it."""
    waits = settings.api.reveal == "after_own_read" and by.kind == "person" and "radiologist" in by.roles
    return Audience(by.subject if waits else None)


def _bearer(request: Request) -> HTTPAuthorizationCredentials | None:
    scheme, credentials = get_authorization_scheme_param(request.headers.get("Authorization"))
    return HTTPAuthorizationCredentials(scheme=scheme, credentials=credentials) if scheme.lower() == "bearer" else None


Asked = Annotated[Ask, Depends(ask)]
"""The request of a caller with any role."""
