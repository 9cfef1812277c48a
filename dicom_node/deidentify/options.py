"""What an export keeps, and how the data set says so (PS3.15 E.3, PS3.16 CID 7050)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

DateHandling = Literal["removed", "shifted", "kept"]

BASIC = ("113100", "Basic Application Confidentiality Profile")
CLEAN_GRAPHICS = ("113103", "Clean Graphics Option")
CLEAN_STRUCTURED_CONTENT = ("113104", "Clean Structured Content Option")
CLEAN_DESCRIPTORS = ("113105", "Clean Descriptors Option")
FULL_DATES = ("113106", "Retain Longitudinal Temporal Information Full Dates Option")
MODIFIED_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")

METHOD = "PS3.15 E.1-1 in every nested item; only known words of free text"
"""De-identification Method (0012,0063), VR LO, beside the codes."""

LONGITUDINAL = {"removed": "REMOVED", "shifted": "MODIFIED", "kept": "UNMODIFIED"}
"""Longitudinal Temporal Information Modified (0028,0303), PS3.3 C.7.1.1."""


@dataclass(frozen=True)
class Options:
    """Structured content, graphics and descriptors are always cleaned: without that the profile empties every report.

    `dates` are removed (the profile's own rule), moved by a number of days that is the same for all of a patient, or
    kept.
    """

    dates: DateHandling = "removed"

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """The profile and its options as (value, meaning) of scheme DCM."""
        of_dates = {"removed": (), "shifted": (MODIFIED_DATES,), "kept": (FULL_DATES,)}[self.dates]
        return (BASIC, CLEAN_GRAPHICS, CLEAN_STRUCTURED_CONTENT, CLEAN_DESCRIPTORS, *of_dates)


def declare(dataset: Dataset, options: Options) -> None:
    """Write into `dataset` what was done to it (PS3.15 E.1.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = [_code(*it) for it in options.codes]
    dataset.LongitudinalTemporalInformationModified = LONGITUDINAL[options.dates]


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item
