"""What every route stands on, made once with the application."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import Depends, Request
from sqlalchemy import Engine

from dicom_node.api.access.gate import network_of, who_of
from dicom_node.api.access.principal import Principal
from dicom_node.api.feed import Feed
from dicom_node.audit.participants import Who
from dicom_node.audit.trail import AuditTrail
from dicom_node.reporting.desk import Desk, equipment
from dicom_node.settings import Settings
from medvlm.client import ModelCard
from medvlm.contract import ImageSource, Model


class ModelServer(Model, Protocol):
    """A model that says what it is and shows what it was given."""

    def card(self) -> ModelCard: ...

    def preview(self, source: ImageSource) -> bytes: ...


@dataclass(frozen=True)
class ApiNode:
    settings: Settings
    engine: Engine
    model: ModelServer
    audit: AuditTrail
    feed: Feed
    clock: Callable[[], float] = field(default=time.time)

    @property
    def root(self) -> Path:
        return self.settings.archive.root

    @property
    def desk(self) -> Desk:
        return Desk(self.engine, self.root, equipment(self.settings), self.clock)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


def _node(request: Request) -> ApiNode:
    node: ApiNode = request.app.state.node
    return node


Node = Annotated[ApiNode, Depends(_node)]


def witness(request: Request, by: Principal) -> Who:
    """The caller in the audit trail's words."""
    return who_of(by, network_of(request))
