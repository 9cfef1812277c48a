"""A clinician's question on a study: asked of the model about exactly what was read, kept with its answer."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from dicom_node.archive.answers import StoredAnswer, store_answer
from dicom_node.archive.readings import latest_reading
from dicom_node.archive.studies import find_study
from dicom_node.errors import ModelFailed, StudyNotReady
from medvlm.client import RemoteModel
from medvlm.contract import Answer, Question


def ask(engine: Engine, model: RemoteModel, study_uid: str, question: Question, asked_by: str) -> StoredAnswer:
    """Raises `NotFound`, `StudyNotReady`, `ModelFailed`, or the model server's own error."""
    study = find_study(engine, study_uid)
    kept = latest_reading(engine, study_uid)
    if kept is None:
        raise StudyNotReady(
            f"the study has not been read (it is {study.state})", way_out="Ask again when it is drafted."
        )
    final = None
    for part in model.open(kept.study_input).ask(question):
        final = part if isinstance(part, Answer) else final
    if final is None:
        raise ModelFailed("the model ended without an answer", way_out="Ask again.")
    return store_answer(engine, study_uid, question, final, asked_by, time.time())
