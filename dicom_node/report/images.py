"""The images that a document speaks of, as its references need them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from dicom_node.report.document import Draft, NotReportable
from dicom_node.report.header import read_count, read_text
from medvlm.contract import Box


@dataclass(frozen=True)
class SourceImage:
    """Identity and extent of one image; `rows` and `columns` are 0 where the header does not say."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    modality: str
    rows: int
    columns: int
    frames: int

    def frame(self, number: int) -> int | None:
        """The frame to be named in a reference: None for a single-frame image."""
        return number if self.frames > 1 else None

    def clip(self, box: Box) -> Box | None:
        """The part of the box inside the image; None where there is none (PS3.3 C.18.6: 0-0 to columns-rows)."""
        if not (self.rows and self.columns):
            return box
        x1, y1 = min(box.x1, self.columns), min(box.y1, self.rows)
        return box.model_copy(update={"x1": x1, "y1": y1}) if box.x0 < x1 and box.y0 < y1 else None


def source_images(draft: Draft) -> tuple[SourceImage, ...]:
    """The draft's images, each once, in the order given.

    Raises `NotReportable` where there is none, where one lacks its identity, and where one is of another study.
    """
    images = tuple({image.sop_instance_uid: image for image in map(_source_image, draft.sources)}.values())
    if not images:
        raise NotReportable("a document needs the header of at least one image", where=draft.reading.study_uid)
    for image in images:
        if image.study_instance_uid != draft.reading.study_uid:
            raise NotReportable(
                "the reading and the image are of different studies",
                where=image.sop_instance_uid,
                way_out="Compose the document from the images that were read.",
            )
    return images


def _source_image(source: Dataset) -> SourceImage:
    return SourceImage(
        study_instance_uid=_uid(source, "StudyInstanceUID"),
        series_instance_uid=_uid(source, "SeriesInstanceUID"),
        sop_class_uid=_uid(source, "SOPClassUID"),
        sop_instance_uid=_uid(source, "SOPInstanceUID"),
        modality=read_text(source, "Modality"),
        rows=read_count(source, "Rows"),
        columns=read_count(source, "Columns"),
        frames=read_count(source, "NumberOfFrames") or 1,
    )


def _uid(source: Dataset, keyword: str) -> str:
    value = read_text(source, keyword)
    if not re.fullmatch(r"[0-9.]{1,64}", value, re.ASCII):
        raise NotReportable(
            f"the image header has no valid {keyword}",
            where=read_text(source, "SOPInstanceUID")[:64],
            way_out="An image without identity cannot be referenced: have the sender mend it.",
        )
    return value
