"""Attributes of a header as plain values. A header may hold anything, so nothing here raises for a strange value."""

from __future__ import annotations

from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from medvlm.patient_age import age_in_years

READ = (
    # what the object is
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "InstanceNumber", "Modality", "ImageType"),
    *("PatientSex", "PatientAge", "PatientBirthDate", "StudyDate", "BodyPartExamined", "ViewPosition"),
    *("Laterality", "ImageLaterality"),
    *("PresentationIntentType", "BurnedInAnnotation"),
    # how its pixels are stored
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    # how they are shown
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "VOILUTSequence", "LUTDescriptor", "LUTData"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PresentationLUTShape"),
    *("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData"),
    *("SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData"),
    "SegmentedBluePaletteColorLookupTableData",
    # where they are
    *("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "PlanePositionSequence"),
    *("PlaneOrientationSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence"),
    *("FrameContentSequence", "FrameAcquisitionNumber", "StackID", "TemporalPositionIndex"),
    # what tells slices at one place apart
    *("AcquisitionNumber", "TemporalPositionIdentifier", "TriggerTime", "EchoNumbers", "EchoTime", "DiffusionBValue"),
    *("ContentTime", "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", "MREchoSequence"),
    *("EffectiveEchoTime", "MRDiffusionSequence"),
)
"""Every attribute that is looked at; all else in a header is skipped unread, names and private blocks included."""

TAGS = {keyword: BaseTag(tag_for_keyword(keyword) or 0) for keyword in READ}


def value(dataset: Dataset, keyword: str) -> Any:
    """The value, or None where it is absent, empty or cannot be converted to its value representation."""
    tag = TAGS[keyword]  # pydicom's own look-up by keyword costs ten times as much
    if tag not in dataset:
        return None
    try:
        found = dataset[tag].value
    except Exception:
        return None  # pydicom converts on access and raises whatever the conversion raises
    return None if found is None or found == "" else found


def text(dataset: Dataset, keyword: str) -> str:
    found = value(dataset, keyword)
    return found.strip(" \0") if isinstance(found, str) else ""


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    found = value(dataset, keyword)
    if found is None:
        return ()
    return tuple(str(part) for part in (found if isinstance(found, MultiValue) else [found]))


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """All values as finite numbers; empty when any of them is none."""
    found = value(dataset, keyword)
    try:
        parts = [float(part) for part in (found if isinstance(found, MultiValue | list | tuple) else [found])]
    except (TypeError, ValueError, OverflowError):
        return ()
    return tuple(parts) if all(abs(part) < float("inf") for part in parts) else ()


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value as a finite number."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def integer(dataset: Dataset, keyword: str, absent: int) -> int:
    found = number(dataset, keyword)
    return absent if found is None else int(found)


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; empty when it is absent or no sequence."""
    found = value(dataset, keyword)
    try:
        return tuple(item for item in found or () if isinstance(item, Dataset))
    except TypeError:
        return ()


def first_item(dataset: Dataset, keyword: str) -> Dataset:
    found = items(dataset, keyword)
    return found[0] if found else Dataset()


def age_years(dataset: Dataset) -> float | None:
    """Patient's Age (0010,1010), else from Patient's Birth Date and Study Date."""
    return age_in_years(text(dataset, "PatientAge"), text(dataset, "PatientBirthDate"), text(dataset, "StudyDate"))
