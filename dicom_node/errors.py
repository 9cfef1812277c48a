"""Errors of `dicom_node`, and what each becomes at every edge.

    NodeError
    ├── BadSettings             a setting is missing, misspelt or out of range
    ├── NoSuchPath              a file or folder named at the shell is not there
    ├── NotFound                no such study, report or instance
    ├── StudyNotReady           the study is still arriving or being read
    ├── CannotUnderstand        an instance whose data set cannot be parsed or lacks its identity
    ├── WrongClass              the data set's SOP class is not the command's
    ├── BadInstanceUid          the command's SOP Instance UID is no UID
    ├── OutOfResources          disk full, watermark reached, index down
    ├── PeerUnreachable         the peer cannot be reached or is busy: try again
    ├── PeerRefused             the peer will never take this: a person must look
    ├── AuditUnavailable        the audit trail takes no entry: what it should witness does not happen
    ├── PortTaken               another process listens where we should
    ├── ModelFailed             the model server failed on this study
    ├── StaleVersion            somebody else saved the report in between (in `reporting`)
    ├── ReportSuperseded        the study was read again since (in `reporting`)
    ├── Undecided               a signature before every finding is decided (in `reporting`)
    ├── BadKeyFile              a key file for de-identified exports that is none (in `export`)
    ├── FolderTaken             an export would go into a folder that holds something (in `export`)
    ├── IllegalTransition       an act that does not lead on from a report's state (in `report`)
    ├── NotReportable           a reading that cannot become a document (in `report`)
    ├── ReportFailedLint        a result object that fails our own check (in `report.sr_lint`)
    └── SampleUnavailable       the demo's sample cannot be had (in `demo`)

Every error names what was wrong, where, and the way out; none carries patient data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Edge:
    """What an error is outside: DIMSE status (PS3.4 Table B.2-1), HTTP status, exit status of a command."""

    dimse: int
    http: int
    exit: int


class NodeError(Exception):
    """Root of the tree. `code` is stable; `edge` maps it to the outside."""

    code: ClassVar[str] = "node_error"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=500, exit=3)

    def __init__(self, what: str, *, where: str = "", way_out: str = "") -> None:
        self.what = what
        self.where = where
        self.way_out = way_out
        place = f" ({where})" if where else ""
        cure = f" {way_out}" if way_out else ""
        super().__init__(f"{what}{place}.{cure}")


class BadSettings(NodeError):
    code = "bad_settings"
    edge = Edge(dimse=0xA700, http=500, exit=2)


class NoSuchPath(NodeError):
    code = "no_such_path"
    edge = Edge(dimse=0xC000, http=404, exit=2)


class NotFound(NodeError):
    code = "not_found"
    edge = Edge(dimse=0x0112, http=404, exit=2)


class StudyNotReady(NodeError):
    code = "study_not_ready"
    edge = Edge(dimse=0x0110, http=409, exit=3)


class CannotUnderstand(NodeError):
    code = "cannot_understand"
    edge = Edge(dimse=0xC001, http=400, exit=2)


class WrongClass(NodeError):
    code = "wrong_class"
    edge = Edge(dimse=0xA900, http=400, exit=2)


class BadInstanceUid(NodeError):
    code = "bad_instance_uid"
    edge = Edge(dimse=0x0117, http=400, exit=2)


class OutOfResources(NodeError):
    code = "out_of_resources"
    edge = Edge(dimse=0xA700, http=507, exit=3)


class PeerUnreachable(NodeError):
    code = "peer_unreachable"
    edge = Edge(dimse=0xA700, http=502, exit=3)


class PeerRefused(NodeError):
    code = "peer_refused"
    edge = Edge(dimse=0xC000, http=502, exit=3)


class PortTaken(NodeError):
    code = "port_taken"
    edge = Edge(dimse=0xA700, http=500, exit=2)


class ModelFailed(NodeError):
    code = "model_failed"
    edge = Edge(dimse=0x0110, http=502, exit=3)


class AuditUnavailable(NodeError):
    code = "audit_unavailable"
    edge = Edge(dimse=0xA700, http=503, exit=3)
