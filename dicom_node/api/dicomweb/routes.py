"""The resources of PS3.18 chapter 10 and what answers each. They are not in the OpenAPI document: the standard is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy import Engine

from dicom_node.api.access.callers import Viewer
from dicom_node.api.dicomweb import retrieving, searching, storing
from dicom_node.api.dicomweb.service import PREFIX, Service, attached
from dicom_node.settings import Settings

STUDY: Final = "/studies/{study_uid}"
SERIES: Final = f"{STUDY}/series/{{series_uid}}"
INSTANCE: Final = f"{SERIES}/instances/{{sop_instance_uid}}"
FRAMES: Final = f"{INSTANCE}/frames/{{numbers}}"

RETRIEVED: Final[dict[str, Callable[..., Any]]] = {
    FRAMES: retrieving.frames,  # first, for routes are tried in this order
    "/studies": searching.studies,
    "/series": searching.series,
    "/instances": searching.instances,
    f"{STUDY}/series": searching.series_of_study,
    f"{STUDY}/instances": searching.instances_of_study,
    f"{SERIES}/instances": searching.instances_of_series,
    STUDY: retrieving.study,
    SERIES: retrieving.series,
    INSTANCE: retrieving.instance,
    f"{STUDY}/metadata": retrieving.study_metadata,
    f"{SERIES}/metadata": retrieving.series_metadata,
    f"{INSTANCE}/metadata": retrieving.instance_metadata,
    f"{INSTANCE}/bulkdata/{{path:path}}": retrieving.bulkdata,
    f"{INSTANCE}/rendered": retrieving.rendered_instance,
    f"{FRAMES}/rendered": retrieving.rendered_frame,
    f"{STUDY}/thumbnail": retrieving.study_thumbnail,
    f"{SERIES}/thumbnail": retrieving.series_thumbnail,
    f"{INSTANCE}/thumbnail": retrieving.instance_thumbnail,
    f"{FRAMES}/thumbnail": retrieving.frame_thumbnail,
}
STORED: Final[dict[str, Callable[..., Any]]] = {"/studies": storing.store, STUDY: storing.store_in_study}


def router(settings: Settings, engine: Engine) -> APIRouter:
    """Everything under `/dicomweb`."""
    made = APIRouter(
        prefix=PREFIX, dependencies=[Depends(attached(Service.of(settings, engine)))], include_in_schema=False
    )
    for path, retrieve in RETRIEVED.items():
        made.add_api_route(path, retrieve, methods=["GET", "HEAD"], response_model=None)
    for path, store in STORED.items():
        made.add_api_route(path, store, methods=["POST"], response_model=None)
    for path in RETRIEVED:
        made.add_api_route(path, _options(path), methods=["OPTIONS"], response_model=None)
    return made


def _options(path: str) -> Callable[..., Awaitable[Response]]:
    """Which methods the resource has (RFC 9110 section 9.3.7)."""
    methods = ("GET", "HEAD", "OPTIONS", *(("POST",) if path in STORED else ()))

    async def options(_by: Viewer) -> Response:
        return Response(status_code=204, headers={"Allow": ", ".join(methods)})

    return options
