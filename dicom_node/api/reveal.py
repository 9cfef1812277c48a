"""Whether a person may see the draft yet: with `api.reveal = "after_own_read"`, a radiologist reads the images first.

Readers follow what they were shown, wrong suggestions too (Dratsch et al., Radiology 2023). Everything that holds
something of the model's asks here before it leaves: reports and their versions, warnings, answers, suggestions, and
the node's own objects in DICOMweb. What is signed is a radiologist's word and is shown.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from sqlalchemy import Engine, and_, select

from dicom_node.api.access.callers import Viewer
from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.base import StudyUid
from dicom_node.api.node import Node
from dicom_node.archive.tables import own_read, reading
from dicom_node.archive.worklist import Standing, entry
from dicom_node.errors import Edge, NodeError
from dicom_node.settings import Settings
from medvlm.contract import Reading, Refusal


class OwnReadFirst(NodeError):
    """Asked before the person's own read."""

    code = "own_read_first"
    edge = Edge(dimse=0xC000, http=409, exit=2)


def hides(engine: Engine, settings: Settings, by: Principal, made: Reading, reading_id: str, state: str) -> bool:
    """Whether the report of this reading, in this state, is still to be kept from the person."""
    asked_for = settings.api.reveal == "after_own_read" and by.kind == "person" and "radiologist" in by.roles
    if not asked_for or state not in ("draft", "edited") or isinstance(made.scope, Refusal):
        return False
    return not _read(engine, reading_id, by.subject)


def _read(engine: Engine, reading_id: str, person_id: str) -> bool:
    """Whether the person has read the study for this draft, or for a later one."""
    own, draft = reading.alias("own"), reading.alias("draft")
    query = (
        select(own_read.c.reading)
        .join(own, own.c.id == own_read.c.reading)
        .join(draft, and_(draft.c.study == own.c.study, draft.c.version <= own.c.version))
        .where(draft.c.id == reading_id, own_read.c.person_id == person_id)
        .limit(1)
    )
    with engine.connect().execution_options(reading=True) as connection:
        return connection.execute(query).first() is not None


def hides_standing(engine: Engine, settings: Settings, by: Principal, standing: Standing | None) -> bool:
    if standing is None:
        return False
    return hides(engine, settings, by, standing.reading, standing.reading_id, standing.state)


def hides_study(engine: Engine, settings: Settings, by: Principal, study_uid: str) -> bool:
    """Whether what the model made of the study is still to be kept from the person. Raises `NotFound`."""
    return hides_standing(engine, settings, by, entry(engine, study_uid).report)


def own_read_first() -> OwnReadFirst:
    return OwnReadFirst(
        "the draft is shown after your own read", way_out="Write it down: POST /api/v1/reports/{id}/own-read."
    )


def _revealed(node: Node, by: Viewer, study_uid: StudyUid) -> str:
    """Raises `OwnReadFirst`."""
    if hides_study(node.engine, node.settings, by, study_uid):
        raise own_read_first()
    return study_uid


RevealedStudy = Annotated[str, Depends(_revealed)]
"""The Study Instance UID of a route whose answer holds the model's words."""
