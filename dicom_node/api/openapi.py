"""The OpenAPI document. `python -m dicom_node.api.openapi` writes the snapshot beside this file.

A client's types are generated from the snapshot; a test holds it equal to what the application says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dicom_node.api.bodies.node import ReportChanged
from dicom_node.api.bodies.questions import TextPart
from dicom_node.api.problems import Problem

SNAPSHOT = Path(__file__).with_name("openapi.json")
BESIDE_ROUTES: tuple[type[BaseModel], ...] = (Problem, TextPart, ReportChanged)
"""Of problems and of events in streams: no route names them as its answer."""

DESCRIPTION = """Drafts of radiology reports: studies as they arrive, what the model found, what radiologists decided.

Drafts are AI-generated and not verified. For evaluation, not for clinical use.

Errors are `application/problem+json` (RFC 9457) with a stable `code`. An edit sends the `ETag` it was made on as
`If-Match`. What creates something takes an `Idempotency-Key`. Pages lead on by `Link: rel="next"`.
"""

HEADERS: dict[str, tuple[str, frozenset[str]]] = {
    "ETag": (
        "The version in quotes: what `If-Match` sends.",
        frozenset({"get_report", "edit_report", "sign_report", "reject_report", "add_addendum", "keep_own_read"}),
    ),
    "Link": ('`rel="next"`: the next page, where there is one.', frozenset({"list_studies", "list_audit_records"})),
}

TAGS = [
    {"name": "studies", "description": "The worklist and what a study holds."},
    {"name": "reports", "description": "Drafts, decisions, signatures, addenda, and their history."},
    {"name": "questions", "description": "Asking the model about a study."},
    {"name": "events", "description": "Server-sent events: studies and reports as they change."},
    {"name": "models", "description": "The model, and the findings that can be named."},
    {"name": "audit", "description": "The audit trail (PS3.15 A.5)."},
    {"name": "node", "description": "The node in numbers."},
    {"name": "health", "description": "For whoever watches the process."},
]


def documented(original: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The application's document with the models that no route names."""
    document = original()
    _, made = models_json_schema(
        [(model, "serialization") for model in BESIDE_ROUTES], ref_template="#/components/schemas/{model}"
    )
    for item in document["paths"].values():
        for route in item.values():
            _require_if_match(route)
            _name_headers(route)
    document.setdefault("components", {}).setdefault("schemas", {}).update(made["$defs"])
    return document


def _require_if_match(route: dict[str, Any]) -> None:
    """It is required. FastAPI would answer 422 for its absence, where RFC 6585 section 3 has 428."""
    for parameter in route.get("parameters", ()):
        if parameter["name"] == "if-match":
            parameter["required"] = True
            parameter["schema"] = {"type": "string", "pattern": '^"[1-9][0-9]{0,8}"$', "title": "If-Match"}


def _name_headers(route: dict[str, Any]) -> None:
    """ETag of a report, Link of a page."""
    for name, (words, routes) in HEADERS.items():
        if route["operationId"] in routes:
            route["responses"]["200"]["headers"] = {name: {"description": words, "schema": {"type": "string"}}}


def written(app: FastAPI) -> str:
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    from sqlalchemy import create_engine

    from dicom_node.api.app import app
    from dicom_node.settings import Settings
    from medvlm.client import RemoteModel

    settings = Settings()
    SNAPSHOT.write_text(written(app(settings, create_engine("sqlite://"), RemoteModel(settings.model.url), "none")))


if __name__ == "__main__":
    main()
