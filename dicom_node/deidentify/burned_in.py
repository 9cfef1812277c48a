"""Instances that may carry a patient in their pixels or in a form that cannot be cleaned: they stay (PS3.15 E.3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

from dicom_node.deidentify.dates import values_of

Reason = Literal[
    "burned_in",
    "may_be_burned_in",
    "captured",
    "text_in_pixels",
    "not_looked_at",
    "recognizable",
    "document",
    "unknown_class",
    "unreadable",
    "second_content",
    "still_identifies",
]

WORDS: dict[Reason, str] = {
    "burned_in": "its header says that text is burned into the pixels",
    "may_be_burned_in": "images of its kind often carry the patient in their pixels, and its header does not deny it",
    "captured": "it is a picture of a screen or a secondary image, on which names are common",
    "text_in_pixels": "text was read in its pixels that is no usual film marking",
    "not_looked_at": "its pixels could not be looked at for text",
    "recognizable": "its header says that a face can be recognized",
    "document": "an encapsulated document carries the patient in its text",
    "unknown_class": "its kind is not of the standard, so that nothing is known of what it holds",
    "unreadable": "it cannot be parsed",
    "second_content": "it is a second content under the UID of another instance",
    "still_identifies": "an original identifier was still found in it",
}

OFTEN_BURNED_IN = frozenset({"US", "IVUS", "SC", "XA", "RF", "ES", "XC", "GM", "OP", "OT", "FD"})
"""Modalities whose images carry text unless Burned In Annotation denies it."""

SCANNED = frozenset({"DV", "DF", "SD", "SI", "DRW", "SYN", "WSD"})
"""Conversion Type (0008,0064): not made by the modality itself (PS3.3 C.8.6.1)."""

CAPTURED = frozenset({"SECONDARY", "SCREEN", "SCREENSHOT", "SCREENSAVE"})
"""Words of Image Type (0008,0008)."""

FILMS = frozenset({"CR", "DX", "RG", "MG", "IO", "PX"})
"""Modalities of which every image is looked at: radiographs carry markers, and now and then names."""

STANDARD = "1.2.840.10008."


@dataclass(frozen=True)
class Refused:
    """Why an instance does not leave."""

    reason: Reason

    @property
    def words(self) -> str:
        return WORDS[self.reason]


def refusal(dataset: Dataset) -> Refused | None:
    """What the header says against an instance; None where nothing does."""
    if not _text(dataset, "SOPClassUID").startswith(STANDARD):
        return Refused("unknown_class")
    if "EncapsulatedDocument" in dataset:
        return Refused("document")
    reason = _of_pixels(dataset) if "Rows" in dataset else None
    return Refused(reason) if reason else None


def is_film(dataset: Dataset) -> bool:
    return "Rows" in dataset and _text(dataset, "Modality") in FILMS


def _of_pixels(dataset: Dataset) -> Reason | None:
    annotation = _text(dataset, "BurnedInAnnotation")
    if annotation == "YES":
        return "burned_in"
    if _text(dataset, "RecognizableVisualFeatures") == "YES":
        return "recognizable"
    if CAPTURED & {word for it in _texts(dataset, "ImageType") for word in it.replace("_", " ").split()}:
        return "captured"
    doubtful = _text(dataset, "Modality") in OFTEN_BURNED_IN or _text(dataset, "ConversionType") in SCANNED
    return "may_be_burned_in" if doubtful and annotation != "NO" else None


def _text(dataset: Dataset, keyword: str) -> str:
    return next(iter(_texts(dataset, keyword)), "")


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    try:
        return [it.upper() for it in values_of(dataset[keyword])] if keyword in dataset else []
    except Exception:
        # Parsing happens on access and raises whatever it trips over: then the header says nothing.
        return []
