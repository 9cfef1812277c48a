"""Errors of `validation`.

    SuiteError
    ├── BadReadings        the file of readings is missing, damaged, or holds more than one model
    ├── BadLabels          the file of labels is missing, damaged, or does not fit the readings
    └── BadCriteria        the file of criteria is missing, damaged, or asks for what does not exist

Each means that the validation could not run. Every error carries what was wrong, where (file and line or key) and
the way out; none carries patient data, so a study or a patient is named by its line only.
"""

from __future__ import annotations

from typing import ClassVar


class SuiteError(Exception):
    """Root of the tree. `code` is stable and machine-readable."""

    code: ClassVar[str] = "suite_error"

    def __init__(self, what: str, *, where: str, way_out: str) -> None:
        self.what = what
        self.where = where
        self.way_out = way_out
        super().__init__(f"{what} ({where}). {way_out}")


class BadReadings(SuiteError):
    code = "bad_readings"


class BadLabels(SuiteError):
    code = "bad_labels"


class BadCriteria(SuiteError):
    code = "bad_criteria"
