"""`/api/v1/health`: for whoever watches the process. Nothing here needs a login or says anything of a study."""

from __future__ import annotations

from fastapi import APIRouter

from dicom_node.api.bodies.node import Health
from dicom_node.api.node import Node
from dicom_node.api.problems import declared

router = APIRouter(prefix="/api/v1/health", tags=["health"], responses=declared(429))


@router.get("/live", operation_id="is_live")
def live() -> Health:
    """The process answers."""
    return Health(status="live")


@router.get("/ready", operation_id="is_ready", responses=declared(502, 503))
def ready(node: Node) -> Health:
    """The index and the model server answer too."""
    with node.engine.connect().execution_options(reading=True) as connection:
        connection.exec_driver_sql("SELECT 1")
    node.model.card()
    return Health(status="ready")
