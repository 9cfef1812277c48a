"""Errors as `application/problem+json` (RFC 9457). A body never repeats what the caller sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from dicom_node.errors import NodeError
from medvlm.client import NotStarted
from medvlm.errors import MedvlmError

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457 section 3.1."""

    type: str = Field(examples=["/problems/not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no such study."])


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer, for the OpenAPI document."""
    body = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": body} for status in statuses}


def response(code: str, status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    problem = Problem(type=f"/problems/{code}", title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(problem.model_dump(), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    @app.exception_handler(NodeError)
    def node_error(_request: Request, error: NodeError) -> JSONResponse:
        return response(error.code, error.edge.http, str(error))

    @app.exception_handler(MedvlmError)
    def model_error(_request: Request, error: MedvlmError) -> JSONResponse:
        status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, NotStarted) else HTTPStatus.BAD_GATEWAY
        return response(error.code, status, error.sentence)

    @app.exception_handler(HTTPException)
    def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return response(code, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        where = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        return response("invalid_request", HTTPStatus.UNPROCESSABLE_ENTITY, where)

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("api.error", route=request.scope.get("path_format", ""), kind=type(error).__name__, exc_info=error)
        return response("internal_error", HTTPStatus.INTERNAL_SERVER_ERROR, "The node's log says more.")
