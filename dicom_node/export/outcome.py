"""What became of an export, for the manifest, the shell and programs. It names nothing by its original identifiers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dicom_node.deidentify import Refused
from dicom_node.deidentify.burned_in import Reason

ALL_WRITTEN, PARTLY_WRITTEN = 0, 3


@dataclass(frozen=True)
class Written:
    """`path` is below the export's folder."""

    path: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class LeftOut:
    """An instance that stayed, under the UID that it would have had."""

    sop_class_uid: str
    sop_instance_uid: str
    reason: Reason
    words: str

    @classmethod
    def of(cls, sop_class_uid: str, sop_instance_uid: str, refused: Refused) -> LeftOut:
        return cls(sop_class_uid, sop_instance_uid, refused.reason, refused.words)


@dataclass(frozen=True)
class Exported:
    """`method` lists the codes of CID 7050, none for files as stored. `dangling` counts instances that the files
    refer to and that were left out."""

    folder: Path
    study_uid: str
    method: tuple[tuple[str, str], ...]
    written: tuple[Written, ...]
    left_out: tuple[LeftOut, ...]
    dangling: int = 0

    @property
    def exit_status(self) -> int:
        return PARTLY_WRITTEN if self.left_out else ALL_WRITTEN

    def as_dict(self) -> dict[str, object]:
        return {
            "study_uid": self.study_uid,
            "deidentified": bool(self.method),
            "method": [{"code": code, "scheme": "DCM", "meaning": meaning} for code, meaning in self.method],
            "files": [vars(it) for it in self.written],
            "left_out": [vars(it) for it in self.left_out],
            "references_to_what_was_left_out": self.dangling,
        }
