"""Errors as `application/problem+json` (RFC 9457). A body never repeats what the caller sent."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from dicom_node.errors import NodeError
from dicom_node.reporting.acting import StaleVersion, Undecided
from medvlm.client import NotStarted
from medvlm.errors import MedvlmError, UnknownFinding

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong (RFC 9457 section 3.1). `type` ends in a stable code; `detail` says the way out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/stale_version",
                    "title": "Precondition Failed",
                    "status": 412,
                    "detail": "the report has changed since it was read. Read it again, then decide.",
                    "code": "stale_version",
                    "current": '"7"',
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    current: str | None = Field(None, description="The resource's ETag now, where an edit came too late.")
    undecided: tuple[str, ...] | None = Field(
        None, description="Tracking UIDs of the findings to decide on, where a signature came too early."
    )


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer, for the OpenAPI document."""
    body = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": body} for status in statuses}


def problem(code: str, status: int, detail: str, **members: Any) -> Problem:
    title = HTTPStatus(status).phrase
    return Problem(type=f"/problems/{code}", title=title, status=status, detail=detail, code=code, **members)


def response(
    code: str, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    return answer(problem(code, status, detail, **members), headers)


def answer(made: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = made.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, status_code=made.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def of_error(error: Exception) -> Problem:
    """Any error in words for the caller; one that nobody foresaw goes to the log and says so."""
    match error:
        case NodeError():
            return problem(error.code, error.edge.http, str(error), **_members(error))
        case NotStarted():
            return problem(error.code, HTTPStatus.SERVICE_UNAVAILABLE, error.sentence)
        case UnknownFinding():
            return problem(error.code, HTTPStatus.UNPROCESSABLE_ENTITY, error.sentence)
        case MedvlmError():
            return problem(error.code, HTTPStatus.BAD_GATEWAY, error.sentence)
        case HTTPException():
            code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
            return problem(code, error.status_code, str(error.detail))
    log.error("api.error", kind=type(error).__name__, exc_info=error)
    return problem("internal_error", HTTPStatus.INTERNAL_SERVER_ERROR, "The node's log says more.")


def _members(error: NodeError) -> dict[str, Any]:
    match error:
        case StaleVersion():
            return {"current": f'"{error.current}"'}
        case Undecided():
            return {"undecided": error.tracking_uids}
    return {}


def install(app: FastAPI) -> None:
    @app.exception_handler(NodeError)
    @app.exception_handler(MedvlmError)
    @app.exception_handler(HTTPException)
    @app.exception_handler(Exception)
    def known(_request: Request, error: Exception) -> JSONResponse:
        return answer(of_error(error), getattr(error, "headers", None))

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        where = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors())
        return response("invalid_request", HTTPStatus.UNPROCESSABLE_ENTITY, where)


def _place(location: tuple[int | str, ...]) -> str:
    """Where in the request. A member's name that is not known is the caller's own word: it is not repeated."""
    return ".".join(str(part) for part in location)
