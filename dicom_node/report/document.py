"""What a document is made from, and which kinds of document there are."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import ClassVar

from pydicom.dataset import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    EnhancedSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
)

from dicom_node.errors import Edge, NodeError
from medvlm.contract import Reading, Refusal


class NotReportable(NodeError, ValueError):
    """The draft cannot become a document: it is refused, has no image, or does not fit its images."""

    code: ClassVar[str] = "not_reportable"
    edge: ClassVar[Edge] = Edge(dimse=0xC000, http=409, exit=2)


@dataclass(frozen=True)
class Equipment:
    """The node that writes the document (PS3.3 C.7.5.1). `uid_root` is the namespace of every UID it makes."""

    manufacturer: str
    model_name: str
    software_version: str
    station_name: str
    device_serial_number: str
    uid_root: uuid.UUID


@dataclass(frozen=True)
class Predecessor:
    """An earlier document of the study that this one replaces (PS3.3 C.17.2, Predecessor Documents Sequence)."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True)
class Draft:
    """What the model drafted of a study, in one of its versions.

    `sources` are the headers of the images used, as received, without pixel data; the first one gives patient and
    study. `version` counts the versions of the study's report from 1, those that people made with them.
    `predecessors` are the documents that this draft replaces: never a verified one. They may be of any kind: a
    document names only those of its own kind. `after_signed` counts the reports of the study that people had signed
    before: a receiver that keeps one report a study must not write this draft over them.
    """

    reading: Reading
    sources: tuple[Dataset, ...]
    version: int
    predecessors: tuple[Predecessor, ...]
    equipment: Equipment
    after_signed: int = 0


@dataclass(frozen=True)
class DocumentKind:
    """A kind of object: its SOP classes, the richest first, its root template ("" without one) and its series."""

    name: str
    sop_class_uids: tuple[str, ...]
    template: str
    series_number: int


FINDINGS = DocumentKind("findings", (Comprehensive3DSRStorage, ComprehensiveSRStorage), "1500", 900)
NARRATIVE = DocumentKind("narrative", (EnhancedSRStorage, BasicTextSRStorage), "2000", 901)
GSPS = DocumentKind("gsps", (GrayscaleSoftcopyPresentationStateStorage,), "", 902)
KOS = DocumentKind("kos", (KeyObjectSelectionDocumentStorage,), "2010", 903)
PDF = DocumentKind("pdf", (EncapsulatedPDFStorage,), "", 904)
CAPTURE = DocumentKind("capture", (SecondaryCaptureImageStorage,), "", 905)


@dataclass(frozen=True)
class State:
    """What the flags of PS3.3 C.17.2 say of a document's life, and the words that go with them."""

    name: str
    completion: str
    verification: str
    preliminary: str
    description: str
    series_description: str


BANNER = "AI-generated draft. Not verified."
EVALUATION_ONLY = "For evaluation, not for clinical use."

# Viewers cut a series description after some 20 characters: the warning comes first.
DRAFT = State("draft", "PARTIAL", "UNVERIFIED", "PRELIMINARY", BANNER, "NOT VERIFIED - AI-generated draft")


def require_reportable(draft: Draft) -> None:
    """Raises `NotReportable` for a refused reading: what was not read is not written about."""
    if isinstance(draft.reading.scope, Refusal):
        raise NotReportable(
            f"the reading is refused as {draft.reading.scope.code} and has no document",
            where=draft.reading.study_uid,
            way_out="Show the refusal's reason instead.",
        )
    if draft.version < 1:
        raise NotReportable(f"version {draft.version} of a draft", way_out="Versions count from 1.")
