"""`/api/v1/models` and `/api/v1/vocabulary`: what the model is, and what can be named."""

from __future__ import annotations

from fastapi import APIRouter

from dicom_node.api.access.callers import Viewer
from dicom_node.api.node import Node
from dicom_node.api.problems import declared
from medvlm.client import ModelCard
from medvlm.vocabulary import Term, terms

router = APIRouter(prefix="/api/v1", tags=["models"], responses=declared(401, 403, 422, 429))


@router.get("/models", operation_id="get_model", responses=declared(502, 503))
def model(_by: Viewer, node: Node) -> ModelCard:
    """The model that reads, and the findings it was validated for."""
    return node.model.card()


@router.get("/vocabulary", operation_id="get_vocabulary")
def vocabulary(_by: Viewer) -> dict[str, Term]:
    """Every finding that a report can name, with its code, source and grade."""
    return terms()
