"""Synthetic instances: a film, a slice, an enhanced series; written as files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from medvlm.contract import ImageSource, StudyInput
from medvlm.imaging import Decoder, StudyImages, load_study

Array = npt.NDArray[Any]
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def image(pixels: Array, sop_class: str, **attributes: Any) -> Dataset:
    """An instance with the pixels as its stored values; keywords set or replace attributes, None removes one."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, uid.generate_uid()
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    for keyword in [keyword for keyword, value in attributes.items() if value is None]:
        delattr(ds, keyword)
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = sop_class, ds.SOPInstanceUID
    return ds


def film(pixels: Array, **attributes: Any) -> Dataset:
    settings = {"Modality": "DX", "PresentationIntentType": "FOR PRESENTATION", **attributes}
    return image(pixels, uid.DigitalXRayImageStorageForPresentation, **settings)


def ct_slice(position: tuple[float, float, float], pixels: Array | None = None, **attributes: Any) -> Dataset:
    defaults: dict[str, Any] = {
        "Modality": "CT",
        "SeriesInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3",
        "FrameOfReferenceUID": "1.2.3.5",
        "ImagePositionPatient": list(position),
        "ImageOrientationPatient": list(AXIAL),
        "PixelSpacing": [0.7, 0.8],
        "SliceThickness": 1.0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "InstanceNumber": 1,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    }
    if pixels is None:
        pixels = np.full((6, 5), round(abs(position[2])) + 1000, dtype=np.uint16)
    return image(pixels, uid.CTImageStorage, **{**defaults, **attributes})


def written(instance: Dataset, folder: Path, **options: Any) -> ImageSource:
    path = folder / f"{instance.SOPInstanceUID}.dcm"
    instance.save_as(path, **{"enforce_file_format": True, **options})
    return ImageSource(uri=str(path))


def loaded(instances: list[Dataset], folder: Path, decoder: Decoder) -> StudyImages:
    images = tuple(written(instance, folder) for instance in instances)
    return load_study(StudyInput(study_uid="1.2.3", images=images), folder, decoder)
