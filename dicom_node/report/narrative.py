"""The draft in sentences as Enhanced SR (PS3.16 TID 2000, LOINC headings of CID 7001)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.uid import EnhancedSRStorage

from dicom_node.report import codes
from dicom_node.report.content import container, text
from dicom_node.report.context import (
    addendum_lines,
    model_line,
    not_assessed_line,
    observation_context,
    opening,
    warning_lines,
)
from dicom_node.report.document import NARRATIVE, Draft, require_reportable
from dicom_node.report.header import clean_header
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.reclass import as_sop_class
from dicom_node.report.statements import Content, Line, Statement, content
from dicom_node.report.structured import document
from dicom_node.report.version import Version, version_of
from dicom_node.report.words import certainty_note
from medvlm.vocabulary import Code

NO_FINDINGS = "No findings were drafted."
NO_IMPRESSION = "No impression was drafted."


def narrative_sr(report: Draft | Version, sop_class_uid: str = EnhancedSRStorage) -> Dataset:
    """The narrative that stands; `sop_class_uid` may also be Basic Text SR: the same tree under its own UID.

    That of a rejected report says so and nothing else. Raises as `findings_sr` does.
    """
    version = version_of(report)
    require_reportable(version.draft)
    images = source_images(version.draft)
    tree = container(None, codes.DIAGNOSTIC_IMAGING_REPORT, _content(version, images), NARRATIVE.template)
    return as_sop_class(document(version, NARRATIVE, tree), sop_class_uid, version.draft.equipment)


def _content(version: Version, images: tuple[SourceImage, ...]) -> list[Dataset]:
    draft, told = version.draft, version.state != "rejected"
    warnings = warning_lines(draft) if told else []
    return [
        *observation_context(draft, images[0], version.editors),
        # What every document says first is the first line that any viewer prints of the content.
        *_section(codes.SUMMARY, codes.CONCLUSION, [*opening(version), *warnings, model_line(draft)]),
        *_section(codes.PROCEDURE_DESCRIPTIONS, codes.PROCEDURE_DESCRIPTION, [_procedure(draft)]),
        *(_report(version, content(version)) if told else []),
    ]


def _report(version: Version, said: Content) -> list[Dataset]:
    findings = [with_certainty(line, said.statements) for line in said.findings] or [NO_FINDINGS]
    impression = [with_side(line, said.statements) for line in said.impression] or [NO_IMPRESSION]
    return [
        *_section(codes.FINDINGS_SECTION, codes.FINDING, [*findings, not_assessed_line(version)]),
        *_section(codes.IMPRESSIONS_SECTION, codes.IMPRESSION, impression),
        *(it for act in said.addenda for it in _section(codes.ADDENDUM_SECTION, codes.COMMENT, addendum_lines(act))),
    ]


def _section(title: Code, element: Code, lines: Iterable[str]) -> list[Dataset]:
    """A headed section with one TEXT a line; none without lines."""
    items = [text("CONTAINS", element, line.strip()) for line in lines if line.strip()]
    return [container("CONTAINS", title, items)] if items else []


def _procedure(draft: Draft) -> str:
    return str(clean_header(draft.sources[0]).get("StudyDescription", ""))


def with_certainty(line: Line, stand: tuple[Statement, ...]) -> str:
    """The sentence, and in brackets how sure the model is of what it says to be there or not excluded.

    A sentence in a person's words has no certainty of the model's; its side is named where the vocabulary wrote it.
    """
    notes = [note for it in stand if it.name in line.findings and (note := _note(line, it))]
    return f"{line.text} ({'; '.join(notes)})" if notes and line.text.strip() else line.text


def with_side(line: Line, stand: tuple[Statement, ...]) -> str:
    """The sentence, and in brackets the side of what a person stated, which the vocabulary's words do not name."""
    return line.text if line.by_model else with_certainty(line, stand)


def _note(line: Line, statement: Statement) -> str:
    if statement.presence == "absent":
        return ""
    if line.by_model and statement.probability is not None:
        return certainty_note(statement.name, statement.laterality, statement.probability)
    return statement.laterality if line.side_in_brackets and statement.laterality != "unspecified" else ""
