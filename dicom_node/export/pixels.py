"""Is there text in the pixels? The model server reads it; without an answer the image counts as unread."""

from __future__ import annotations

from typing import Protocol

from pydicom.dataset import Dataset

from dicom_node.deidentify import Refused
from dicom_node.deidentify.burned_in import is_film
from dicom_node.export.collect import Stored
from dicom_node.report.header import read_count
from medvlm.client import BurnedInText
from medvlm.contract import ImageSource
from medvlm.errors import MedvlmError


class TextReader(Protocol):
    def burned_in(self, source: ImageSource) -> BurnedInText:
        """Raises `MedvlmError` where the image cannot be read."""
        ...


def text_refusal(one: Stored, header: Dataset, reader: TextReader) -> Refused | None:
    """Of a film: its first, middle and last frame are looked at."""
    if not is_film(header):
        return None
    frames = read_count(header, "NumberOfFrames") or 1
    for frame in sorted({1, (frames + 1) // 2, frames}):
        source = ImageSource(
            uri=one.path.as_uri(),
            sop_class_uid=one.sop_class_uid,
            sop_instance_uid=one.sop_instance_uid,
            frame=frame if frames > 1 else None,
        )
        try:
            if reader.burned_in(source).signs:
                return Refused("text_in_pixels")
        except MedvlmError:
            return Refused("not_looked_at")
    return None
