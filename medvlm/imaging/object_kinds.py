"""Which storage classes hold slices of a volume, and which hold no image at all (PS3.4 B.5)."""

from __future__ import annotations

from pydicom import uid

VOLUME_CLASSES: frozenset[str] = frozenset(
    {
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.MRImageStorage,
        uid.EnhancedMRImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.EnhancedPETImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage,
    }
)

_STORAGE = "1.2.840.10008.5.1.4.1.1."

# Storage classes by the start of their UID.
_NO_IMAGE_CLASSES = (
    (_STORAGE + "9.", "a waveform"),
    (_STORAGE + "11.", "a presentation state"),
    (_STORAGE + "30", "a parametric map"),
    (_STORAGE + "66.", "a segmentation, registration or surface"),
    (_STORAGE + "67", "a real world value mapping"),
    (_STORAGE + "78.", "an ophthalmic measurement"),
    (_STORAGE + "88.", "a report or a key object selection"),
    (_STORAGE + "104.", "an encapsulated document"),
    (_STORAGE + "481.2", "a radiotherapy dose"),
    (_STORAGE + "481.3", "a radiotherapy structure set"),
    (_STORAGE + "481.4", "a radiotherapy record"),
    (_STORAGE + "481.5", "a radiotherapy plan"),
    (_STORAGE + "481.6", "a radiotherapy record"),
    (_STORAGE + "481.7", "a radiotherapy record"),
    (_STORAGE + "481.8", "a radiotherapy plan"),
    (_STORAGE + "481.9", "a radiotherapy record"),
    (_STORAGE + "481.1", "a radiotherapy object"),
    (_STORAGE + "66", "raw data"),
)

# RT Image (481.1 itself) is an image.
_IMAGES_AFTER_ALL = frozenset({uid.RTImageStorage})

# Modality, for objects whose class does not tell.
_NO_IMAGE_MODALITIES = {
    "SR": "a report",
    "KO": "a key object selection",
    "PR": "a presentation state",
    "ECG": "a waveform",
    "HD": "a waveform",
    "SEG": "a segmentation",
    "REG": "a registration",
    "RWV": "a real world value mapping",
    "DOC": "an encapsulated document",
    "RTDOSE": "a radiotherapy dose",
    "RTPLAN": "a radiotherapy plan",
    "RTSTRUCT": "a radiotherapy structure set",
    "RTRECORD": "a radiotherapy record",
}


def not_an_image(sop_class_uid: str, modality: str) -> str | None:
    """What the object is, in words, when it holds no image; None for images."""
    if sop_class_uid in _IMAGES_AFTER_ALL:
        return None
    for start, words in _NO_IMAGE_CLASSES:
        if sop_class_uid.startswith(start):
            return words
    return _NO_IMAGE_MODALITIES.get(modality)
