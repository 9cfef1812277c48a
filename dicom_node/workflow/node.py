"""What every step needs, made once at the edge."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from dicom_node.report.document import Equipment
from dicom_node.reporting.desk import Desk, equipment
from dicom_node.settings import Settings
from medvlm.contract import ImageSource, Model


class ModelServer(Model, Protocol):
    """A model that also shows what it was given."""

    def preview(self, source: ImageSource) -> bytes:
        """A PNG of one image as displayed. Raises `medvlm.errors.MedvlmError`."""
        ...


@dataclass(frozen=True)
class Node:
    settings: Settings
    engine: Engine
    model: ModelServer
    clock: Callable[[], float] = field(default=time.time)
    sleep: Callable[[float], None] = field(default=time.sleep)

    @property
    def root(self) -> Path:
        return self.settings.archive.root

    @property
    def equipment(self) -> Equipment:
        return equipment(self.settings)

    @property
    def desk(self) -> Desk:
        return Desk(self.engine, self.root, self.equipment, self.clock)
