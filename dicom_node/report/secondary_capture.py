"""A picture of the key image for a peer that shows nothing else: colour Secondary Capture (PS3.3 A.8.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.body_part import body_part
from dicom_node.report.content import coded
from dicom_node.report.document import CAPTURE, Draft, require_reportable
from dicom_node.report.header import read_text
from dicom_node.report.images import SourceImage
from dicom_node.report.modules import (
    general_equipment,
    instance_number,
    made_at,
    merged,
    patient_and_study,
    reference,
    series,
    sop_common,
)
from dicom_node.report.version import Version, version_of
from dicom_node.report.words import one_line


def secondary_capture(
    report: Draft | Version, shown: SourceImage, picture: npt.NDArray[np.uint8], part: int = 0
) -> Dataset:
    """`picture` is the key image of `shown`, uint8 (rows, columns, 3) RGB with banner and boxes in its pixels
    (`key_image.key_image`); `part` counts the key images of the version from 0.

    Raises `NotReportable` as the documents do, `ValueError` for another shape.
    """
    version = version_of(report)
    require_reportable(version.draft)
    source = next(it for it in version.draft.sources if read_text(it, "SOPInstanceUID") == shown.sop_instance_uid)
    return merged(
        patient_and_study(version),
        series(version, CAPTURE, "OT"),
        body_part(source, version.draft.reading),
        general_equipment(version.draft),
        _general_image(version, shown, source, part),
        _pixels(picture),
        sop_common(version, CAPTURE, part),
    )


def _general_image(version: Version, shown: SourceImage, source: Dataset, part: int) -> Dataset:
    """SC Equipment (C.8.6.1), General Image (C.7.6.1)."""
    made, module = made_at(version), Dataset()
    module.ConversionType = "WSD"
    module.InstanceNumber = instance_number(version, part)
    module.PatientOrientation = ""
    module.ContentDate = made.date
    module.ContentTime = made.time
    module.ImageType = ["DERIVED", "SECONDARY"]
    module.BurnedInAnnotation = "YES"
    module.ImageComments = one_line(version.flags.description, 64)
    module.DerivationDescription = "Image as displayed, with banner and numbered boxes of findings"
    named = reference(shown.sop_class_uid, shown.sop_instance_uid)
    named.PurposeOfReferenceCodeSequence = [coded(codes.SOURCE_OF_DERIVED_IMAGE)]
    module.SourceImageSequence = [named]
    if read_text(source, "LossyImageCompression") == "01":
        module.LossyImageCompression = "01"
    return module


def _pixels(picture: npt.NDArray[np.uint8]) -> Dataset:
    """Image Pixel (C.7.6.3): RGB, 8 bit, colour by pixel."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError("a picture is uint8 of shape (rows, columns, 3)")
    module, raw = Dataset(), np.ascontiguousarray(picture).tobytes()
    module.SamplesPerPixel = 3
    module.PhotometricInterpretation = "RGB"
    module.PlanarConfiguration = 0
    module.Rows, module.Columns = picture.shape[:2]
    module.BitsAllocated = module.BitsStored = 8
    module.HighBit = 7
    module.PixelRepresentation = 0
    module.PixelData = raw + b"\0" * (len(raw) % 2)
    return module
