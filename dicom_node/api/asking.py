"""A clinician's question: which images it is about, the model's words as they come, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Engine

from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.questions import Ask
from dicom_node.api.node import ApiNode
from dicom_node.archive import worklist
from dicom_node.archive.answers import STOPPED, AskedQuestion, Asker, StoredAnswer, store_answer
from dicom_node.archive.readings import StoredReading, latest_reading
from dicom_node.archive.sop_classes import is_image
from dicom_node.archive.studies import Instance, instances_of
from dicom_node.errors import Edge, ModelFailed, NodeError, StudyNotReady
from medvlm.contract import Answer, AnswerText, Cancel, ImageSource, ModelIdentity, StudyInput, Warning


class BadQuestion(NodeError):
    """It is about something that this study does not hold."""

    code = "bad_question"
    edge = Edge(dimse=0xC000, http=422, exit=2)


@dataclass(frozen=True)
class Prepared:
    """A question that may be asked: checked, with exactly the images that it is about."""

    study_uid: str
    question: AskedQuestion
    about: StudyInput
    model: ModelIdentity


def prepare(node: ApiNode, study_uid: str, asked: Ask) -> Prepared:
    """Raises `NotFound`, `StudyNotReady` and `BadQuestion`."""
    study = worklist.entry(node.engine, study_uid)
    kept = latest_reading(node.engine, study_uid)
    if kept is None:
        raise StudyNotReady(
            f"the study has not been read (it is {study.state})", way_out="Ask again when it is drafted."
        )
    about = kept.study_input
    if asked.series_uid is not None:
        about = about.model_copy(update={"images": _series(node, kept, asked.series_uid)})
    if asked.prior_uid is not None:
        about = about.model_copy(update={"prior": _prior(node, study, asked.prior_uid)})
    _require_region(node.engine, study_uid, asked)
    question = AskedQuestion(
        text=asked.text, region=asked.region, series_uid=asked.series_uid, prior_uid=asked.prior_uid
    )
    return Prepared(study_uid, question, about, kept.reading.model)


def _series(node: ApiNode, kept: StoredReading, series_uid: str) -> tuple[ImageSource, ...]:
    """The series' images: as they were read where they were, else as they were received."""
    held = [one for one in _images(node.engine, kept.reading.study_uid) if one.series_uid == series_uid]
    if not held:
        raise BadQuestion("this study has no such series with images", way_out="The study lists its series.")
    read = {image.sop_instance_uid: image for image in kept.study_input.images}
    return tuple(read.get(one.sop_instance_uid) or _source(node, one) for one in held)


def _prior(node: ApiNode, study: worklist.Entry, prior_uid: str) -> StudyInput:
    """As it was read where it was. Never another patient's."""
    if prior_uid not in {one.uid for one in worklist.priors(node.engine, study, limit=1000)}:
        raise BadQuestion("this is no other study of the same patient", way_out="The study lists its priors.")
    kept = latest_reading(node.engine, prior_uid)
    if kept is not None:
        return kept.study_input.model_copy(update={"prior": None})
    images = tuple(_source(node, one) for one in _images(node.engine, prior_uid))
    return StudyInput(study_uid=prior_uid, images=images)


def _require_region(engine: Engine, study_uid: str, asked: Ask) -> None:
    if asked.region is None:
        return
    shown = {one.sop_instance_uid for one in _images(engine, study_uid)}
    if asked.region.sop_instance_uid not in shown:
        raise BadQuestion("the region lies on no image of this study", way_out="Mark it on one of its images.")


def _images(engine: Engine, study_uid: str) -> Iterator[Instance]:
    return (one for one in instances_of(engine, study_uid) if not one.conflicting and is_image(one.sop_class_uid))


def _source(node: ApiNode, one: Instance) -> ImageSource:
    uri = (node.root / one.path).as_uri()
    return ImageSource(uri=uri, sop_class_uid=one.sop_class_uid, sop_instance_uid=one.sop_instance_uid)


def ask(node: ApiNode, prepared: Prepared, by: Principal, said: Callable[[str], None], cancel: Cancel) -> StoredAnswer:
    """The kept answer; `said` hears its text as it is written.

    What was said is kept as a stopped answer where `cancel` ended it, and where it broke off before the error goes on.
    Raises `ModelFailed` or the model server's own error.
    """
    written: list[str] = []
    try:
        given = _last(node, prepared, written, said, cancel)
    except Exception:
        if written:
            _keep(node, prepared, by, _cut_short(prepared, written, "It broke off: the model failed."))
        raise
    if given is None and not cancel():
        raise ModelFailed("the model ended without an answer", way_out="Ask again.")
    return _keep(node, prepared, by, given or _cut_short(prepared, written, "It was stopped by who asked."))


def _last(
    node: ApiNode, prepared: Prepared, written: list[str], said: Callable[[str], None], cancel: Cancel
) -> Answer | None:
    given = None
    for part in node.model.open(prepared.about).ask(prepared.question, cancel):
        if isinstance(part, AnswerText):
            written.append(part.text)
            said(part.text)
        else:
            given = part
    return given


def _cut_short(prepared: Prepared, written: list[str], why: str) -> Answer:
    warning = Warning(code=STOPPED, words=f"This answer is not whole. {why}")
    return Answer(kind="open", text="".join(written), model=prepared.model, warnings=(warning,))


def _keep(node: ApiNode, prepared: Prepared, by: Principal, given: Answer) -> StoredAnswer:
    asker = Asker(by.subject, by.name)
    return store_answer(node.engine, prepared.study_uid, prepared.question, given, asker, node.clock())
