"""The `api` role."""

from __future__ import annotations

from collections.abc import Sequence

import uvicorn
from fastapi import APIRouter

from dicom_node.api.access import tls
from dicom_node.api.access.callers import token_of
from dicom_node.api.app import app
from dicom_node.archive.database import migrate, open_engine
from dicom_node.settings import Settings
from medvlm.client import RemoteModel

STOP_SECONDS = 3


def serve(settings: Settings, pages: Sequence[APIRouter]) -> None:
    """Until SIGTERM or SIGINT. Raises `BadSettings` if the certificate cannot be used."""
    encryption = tls.context(settings.api)
    engine = open_engine(settings.database_url)
    migrate(engine)
    model = RemoteModel(settings.model.url)
    token = token_of(settings.api.token, settings.archive.root)
    uvicorn.run(
        app(settings, engine, model, token, pages),
        host=settings.api.host,
        port=settings.api.port,
        log_level="warning",
        access_log=False,  # its lines hold URLs
        server_header=False,
        proxy_headers=bool(settings.api.trusted_proxies),
        forwarded_allow_ips=list(settings.api.trusted_proxies),
        # A stream of events never ends by itself: at a stop it is cut, and its reader comes back.
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=(lambda _config, _default: encryption) if encryption else None,
    )
