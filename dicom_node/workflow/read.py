"""Step 2: ask the model server for the reading and keep it."""

from __future__ import annotations

import structlog

from dicom_node.archive.readings import find_reading, store_reading
from dicom_node.archive.studies import StudyState, Work, is_current, move
from dicom_node.errors import ModelFailed
from dicom_node.workflow.node import Node
from dicom_node.workflow.stops import stop_point
from medvlm.client import ModelRefused, NotStarted, StoppedWhileAnswering
from medvlm.contract import Reading, Refusal, StudyInput

log = structlog.get_logger()

WAIT_FOR_SERVER_SECONDS = 1.0


def read(node: Node, work: Work, assembled: str) -> bool:
    """True when there is a draft to compose; a refusal or a failure ends the study here, with its reason."""
    stop_point("read.start")
    kept = find_reading(node.engine, work)
    if kept is None:
        if not is_current(node.engine, work):
            return False
        study = StudyInput.model_validate_json(assembled)
        try:
            made = ask_model(node, study)
        except ModelFailed as error:
            move(node.engine, work, "failed", str(error))
            log.warning("study.failed", study=work.study_uid, reason=error.code)
            return False
        stop_point("read.middle")
        kept = store_reading(node.engine, work, study, made, node.clock())
    stop_point("read.end")
    return _goes_on(node, work, kept.reading)


def _goes_on(node: Node, work: Work, reading: Reading) -> bool:
    if not isinstance(reading.scope, Refusal):
        return True
    # What no decoder can read is not a judgement of the model's: mended, it can be read after all.
    state: StudyState = "failed" if reading.scope.code == "unreadable" else "refused"
    move(node.engine, work, state, reading.scope.reason)
    log.info(f"study.{state}", study=work.study_uid, code=reading.scope.code)
    return False


def ask_model(node: Node, study: StudyInput) -> Reading:
    """The reading. Waits for a server that is not there; gives up on a study that stops it again and again.

    Raises `ModelFailed`.
    """
    stopped = 0
    while True:
        try:
            return node.model.open(study).draft()
        except NotStarted:
            node.sleep(WAIT_FOR_SERVER_SECONDS)
        except StoppedWhileAnswering as error:
            stopped += 1
            if stopped >= node.settings.workflow.read_attempts:
                raise ModelFailed(
                    f"the model server stopped {stopped} times while reading this study",
                    way_out="Look at its log, then `dicom-node retry`.",
                ) from error
            node.sleep(WAIT_FOR_SERVER_SECONDS)
        except ModelRefused as error:
            raise ModelFailed(error.what, way_out="Then `dicom-node retry`.") from error
