"""An application with one route for each dependency, behind everything that stands before the node's real routes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from fastapi import FastAPI
from sqlalchemy import Engine

from dicom_node.api import problems
from dicom_node.api.access.callers import Admin, Editor, Signer, Viewer
from dicom_node.api.access.guard import guard, open_gate
from dicom_node.api.access.headers import NodeApi
from dicom_node.api.access.origins import encrypted
from dicom_node.audit.trail import open_trail
from dicom_node.settings import Settings

TOKEN = "a-token-for-tests"


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


def guarded_app(settings: Settings, engine: Engine, clock: Clock) -> FastAPI:
    made = NodeApi(encrypted=encrypted(settings.api))
    problems.install(made)
    guard(made, open_gate(settings, engine, TOKEN, open_trail(settings, engine, "api", clock), clock))

    @made.get("/api/view/{study_uid}")
    def view(by: Viewer, study_uid: str) -> str:
        return by.subject

    @made.post("/api/edit")
    def edit(by: Editor) -> str:
        return by.name

    @made.post("/api/sign")
    def sign(by: Signer) -> str:
        return by.name

    @made.get("/api/admin")
    def administer(by: Admin) -> str:
        return by.kind

    return made
