"""A data set as the bytes of a DICOM file (PS3.10)."""

from __future__ import annotations

from io import BytesIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

IMPLEMENTATION_CLASS_UID = UID("2.25.239548442164804289198897576643785350981")
IMPLEMENTATION_VERSION_NAME = "MEDVLM"
"""Ours and fixed: pydicom's own would change the bytes with every release of it."""


def to_part10(dataset: Dataset) -> bytes:
    """Explicit VR little endian with file meta information. The same data set gives the same bytes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    whole = Dataset()
    whole.update(dataset)
    whole.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, whole, enforce_file_format=True)
    return buffer.getvalue()
