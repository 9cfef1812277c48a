"""Errors of `validation`.

    SuiteError
    ├── BadReadings        the file of readings is missing, damaged, or holds more than one model
    ├── BadLabels          the file of labels is missing, damaged, or does not fit the readings
    ├── BadCriteria        the file of criteria is missing, damaged, or asks for what does not exist
    ├── BadProtocol        the protocol is missing, damaged, breaks its schema, or is not what was locked
    ├── BadDataSet         a data set is not there, or not in its published layout
    ├── ModelLost          the model server stopped and did not come back, or never started
    ├── BadRun             the record of a run is missing or damaged
    ├── NotComparable      two runs are of different data, or lack what a comparison needs
    ├── BadExport          the signed reports are missing, damaged, or too few to judge by
    ├── NodeUnreachable    the node does not answer, or refuses
    ├── BadManifest        the manifest of the training data is missing, damaged, or not the one named
    ├── NotDisjoint        the data hold patients whom the model was trained on
    └── BadPlan            no number of cases will do what is asked of a sample

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


class BadProtocol(SuiteError):
    code = "bad_protocol"


class BadDataSet(SuiteError):
    code = "bad_data_set"


class ModelLost(SuiteError):
    code = "model_lost"


class BadRun(SuiteError):
    code = "bad_run"


class NotComparable(SuiteError):
    code = "not_comparable"


class BadExport(SuiteError):
    code = "bad_export"


class NodeUnreachable(SuiteError):
    code = "node_unreachable"


class BadManifest(SuiteError):
    code = "bad_manifest"


class NotDisjoint(SuiteError):
    code = "not_disjoint"


class BadPlan(SuiteError):
    code = "bad_plan"
