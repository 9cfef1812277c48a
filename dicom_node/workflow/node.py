"""What every step needs, made once at the edge."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from dicom_node.report.document import Equipment
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
        own = self.settings.equipment
        return Equipment(
            manufacturer="medvlm",
            model_name="medvlm node",
            software_version=version("medvlm"),
            station_name=own.station_name,
            device_serial_number=own.serial_number,
            uid_root=own.uid_namespace,
        )
