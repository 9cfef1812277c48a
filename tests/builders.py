"""Instances with sane headers, made in memory. Invented patients only; pixels are noise or given."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

ROOT = "1.2.826.0.1.3680043.10.543."


def uid(*names: object) -> UID:
    """A UID that is the same for the same names."""
    return generate_uid(prefix=ROOT, entropy_srcs=[repr(name) for name in names])


def instance(
    sop_class_uid: str,
    *,
    modality: str,
    study: object = "study",
    series: object = "series",
    number: int = 1,
    patient_id: str = "PAT-1",
    sop_instance_uid: str | None = None,
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    **elements: Any,
) -> Dataset:
    """An instance without pixels. `study` and `series` name UIDs (see `uid`); `elements` are keywords and win."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class_uid
    ds.SOPInstanceUID = sop_instance_uid or uid(study, series, number)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = "20260102"
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = "101500"
    ds.AccessionNumber = "ACC-1"
    ds.Modality = modality
    ds.Manufacturer = "Test"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Test study"
    ds.SeriesDescription = "Test series"
    ds.PatientName = "Test^Patient"
    ds.PatientID = patient_id
    ds.PatientBirthDate = "19600101"
    ds.PatientSex = "F"
    ds.StudyInstanceUID = uid(study)
    ds.SeriesInstanceUID = uid(study, series)
    ds.StudyID = "1"
    ds.SeriesNumber = 1
    ds.InstanceNumber = number
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    ds.file_meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def ct_slice(
    *,
    number: int = 1,
    shape: tuple[int, int] = (16, 16),
    pixels: np.ndarray[Any, Any] | None = None,
    spacing: float = 0.7,
    thickness: float = 1.0,
    position: Sequence[float] | None = None,
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    seed: int = 0,
    **elements: Any,
) -> Dataset:
    """One axial CT slice at z = `number` x `thickness` mm: 16 bit, signed, in Hounsfield units."""
    if pixels is None:
        pixels = np.random.default_rng((seed, number)).integers(-1000, 1000, shape, dtype=np.int16)
    settings: dict[str, Any] = {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "FrameOfReferenceUID": uid(elements.get("study", "study"), "frame"),
        "PositionReferenceIndicator": "",
        "ImagePositionPatient": [float(v) for v in (position or (-100, -100, number * thickness))],
        "ImageOrientationPatient": [float(v) for v in orientation],
        "SliceThickness": thickness,
        "PixelSpacing": [spacing, spacing],
        "KVP": 120,
        "AcquisitionNumber": 1,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "HU",
    }
    ds = instance(CTImageStorage, modality="CT", number=number, **settings | elements)
    return _with_pixels(ds, pixels, signed=True)


def dx_film(
    *,
    shape: tuple[int, int] = (64, 48),
    pixels: np.ndarray[Any, Any] | None = None,
    bits: int = 12,
    photometric: str = "MONOCHROME2",
    view: str = "PA",
    body_part: str = "CHEST",
    seed: int = 0,
    **elements: Any,
) -> Dataset:
    """One radiograph for presentation, `bits` stored of 16, full-range window."""
    if pixels is None:
        pixels = np.random.default_rng(seed).integers(0, 1 << bits, shape, dtype=np.uint16)
    settings: dict[str, Any] = {
        "ImageType": ["ORIGINAL", "PRIMARY", ""],
        "BodyPartExamined": body_part,
        "ViewPosition": view,
        "PatientOrientation": ["L", "F"],
        "ImageLaterality": "U",
        "PresentationIntentType": "FOR PRESENTATION",
        "PresentationLUTShape": "IDENTITY" if photometric == "MONOCHROME2" else "INVERSE",
        "ImagerPixelSpacing": [0.15, 0.15],
        "PixelSpacing": [0.15, 0.15],
        "BurnedInAnnotation": "NO",
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "US",
        "WindowCenter": float(1 << (bits - 1)),
        "WindowWidth": float(1 << bits),
    }
    ds = instance(DigitalXRayImageStorageForPresentation, modality="DX", **settings | elements)
    return _with_pixels(ds, pixels, bits=bits, photometric=photometric)


def sr_document(**elements: Any) -> Dataset:
    """A structured report with nothing in it but its identity: no image."""
    return instance(ComprehensiveSRStorage, **{"modality": "SR", "series": "sr"} | elements)


def bytes_of(ds: Dataset) -> bytes:
    """The whole file, preamble and file meta included."""
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def data_set_of(file: bytes) -> bytes:
    """The data set of a file without preamble and file meta."""
    length = int.from_bytes(file[140:144], "little")
    return file[144 + length :]


def write(ds: Dataset, folder: Path) -> Path:
    """Save under its SOP Instance UID."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    path.write_bytes(bytes_of(ds))
    return path


def _with_pixels(
    ds: Dataset,
    pixels: np.ndarray[Any, Any],
    *,
    bits: int = 16,
    signed: bool = False,
    photometric: str = "MONOCHROME2",
) -> Dataset:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, bits, bits - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = np.ascontiguousarray(pixels).tobytes()
    ds["PixelData"].VR = "OW"
    return ds
