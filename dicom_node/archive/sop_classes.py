"""Which storage SOP classes are images, and which UIDs are storage at all (PS3.4 Annex B, PS3.6 Annex A)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydicom.uid import UID

ENHANCED_US_VOLUME: Final = "1.2.840.10008.5.1.4.1.1.6.2"
DICOM_ROOT: Final = "1.2.840.10008."

# The standard's own names say it, but for these: pixels without the word "Image" (PS3.3 A.59).
IMAGES_BY_UID: Final = frozenset({ENHANCED_US_VOLUME})


@lru_cache(maxsize=1024)
def is_image(sop_class_uid: str) -> bool:
    """True for classes whose instances a model could read: neither SR, KO, PR, SEG, RT nor waveforms."""
    return sop_class_uid in IMAGES_BY_UID or "Image Storage" in UID(sop_class_uid).name


@lru_cache(maxsize=1024)
def is_storage(sop_class_uid: str) -> bool:
    """True for the standard's storage classes (retired ones too), classes newer than the dictionary, private ones.

    Storage lies below `...5.1.4.1.1` and in a few places of `...5.1.4` (PS3.6 Table A-1); whatever the standard
    names and that is no storage (FIND, MOVE, print, storage commitment, DICOMDIR) is not.
    """
    if not sop_class_uid.startswith(DICOM_ROOT):
        return True
    uid = UID(sop_class_uid)
    if sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1."):
        return uid.name == sop_class_uid or "Storage" in uid.name
    return sop_class_uid.startswith("1.2.840.10008.5.1.4.") and "Storage" in uid.name
