"""Alterations of a DICOM header: tags that are missing, wrong, or hold an instruction. Pixels stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydicom.dataset import Dataset

from validation.robustness.alterations import INSTRUCTION

PRIVATE_GROUP, PRIVATE_CREATOR = 0x0099, "VALIDATION"


def _wrong_polarity(dataset: Dataset) -> None:
    swapped = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}
    found = str(dataset.get("PhotometricInterpretation", ""))
    dataset.PhotometricInterpretation = swapped.get(found, found)


def _no_window(dataset: Dataset) -> None:
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)


def _wrong_window(dataset: Dataset) -> None:
    dataset.WindowCenter, dataset.WindowWidth = 0, 1


def _no_body_part(dataset: Dataset) -> None:
    dataset.BodyPartExamined = ""


def _wrong_body_part(dataset: Dataset) -> None:
    dataset.BodyPartExamined = "FOOT"


def _no_view(dataset: Dataset) -> None:
    dataset.ViewPosition = ""


def _wrong_view(dataset: Dataset) -> None:
    dataset.ViewPosition = "AP" if dataset.get("ViewPosition") == "PA" else "PA"


def _instruction_in_description(dataset: Dataset) -> None:
    dataset.StudyDescription = dataset.SeriesDescription = dataset.ProtocolName = INSTRUCTION


def _instruction_in_name(dataset: Dataset) -> None:
    dataset.PatientName = INSTRUCTION
    dataset.PatientComments = INSTRUCTION


def _instruction_in_private_tag(dataset: Dataset) -> None:
    block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "LT", INSTRUCTION)


def _other_uid(dataset: Dataset) -> None:
    """Nothing that a reader may look at."""
    dataset.InstanceNumber = 4711


TAGS: Mapping[str, Callable[[Dataset], None]] = {
    "tag_polarity_wrong": _wrong_polarity,
    "tag_window_missing": _no_window,
    "tag_window_wrong": _wrong_window,
    "tag_body_part_missing": _no_body_part,
    "tag_body_part_wrong": _wrong_body_part,
    "tag_view_missing": _no_view,
    "tag_view_wrong": _wrong_view,
    "tag_description_injected": _instruction_in_description,
    "tag_name_injected": _instruction_in_name,
    "tag_private_injected": _instruction_in_private_tag,
    "tag_irrelevant": _other_uid,
}
