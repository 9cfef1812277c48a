"""The draft in sentences as Enhanced SR (PS3.16 TID 2000, LOINC headings of CID 7001)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.uid import EnhancedSRStorage

from dicom_node.report import codes
from dicom_node.report.content import container, text
from dicom_node.report.context import model_line, not_assessed_line, observation_context, warning_lines
from dicom_node.report.document import BANNER, DRAFT, EVALUATION_ONLY, NARRATIVE, Draft, require_reportable
from dicom_node.report.header import clean_header
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.modules import document
from dicom_node.report.reclass import as_sop_class
from dicom_node.report.words import certainty_note
from medvlm.contract import Reading, Sentence
from medvlm.vocabulary import Code

NO_FINDINGS = "No findings were drafted."
NO_IMPRESSION = "No impression was drafted."


def narrative_sr(draft: Draft, sop_class_uid: str = EnhancedSRStorage) -> Dataset:
    """The narrative of a draft; `sop_class_uid` may also be Basic Text SR: the same tree under its own UID.

    Raises `NotReportable` for a refused reading, images without identity, and another SOP class.
    """
    require_reportable(draft)
    images = source_images(draft)
    tree = container(None, codes.DIAGNOSTIC_IMAGING_REPORT, _content(draft, images), NARRATIVE.template)
    return as_sop_class(document(draft, NARRATIVE, DRAFT, tree), sop_class_uid, draft.equipment)


def _content(draft: Draft, images: tuple[SourceImage, ...]) -> list[Dataset]:
    narrative = draft.reading.narrative
    findings = [_with_certainty(sentence, draft.reading) for sentence in narrative.findings] or [NO_FINDINGS]
    impression = [sentence.text for sentence in narrative.impression] or [NO_IMPRESSION]
    return [
        *observation_context(draft, images[0]),
        # The banner is the first line that any viewer prints of the content.
        *_section(codes.SUMMARY, codes.CONCLUSION, [BANNER, EVALUATION_ONLY, *warning_lines(draft), model_line(draft)]),
        *_section(codes.PROCEDURE_DESCRIPTIONS, codes.PROCEDURE_DESCRIPTION, [_procedure(draft)]),
        *_section(codes.FINDINGS_SECTION, codes.FINDING, [*findings, not_assessed_line(draft)]),
        *_section(codes.IMPRESSIONS_SECTION, codes.IMPRESSION, impression),
    ]


def _section(title: Code, element: Code, lines: Iterable[str]) -> list[Dataset]:
    """A headed section with one TEXT a line; none without lines."""
    items = [text("CONTAINS", element, line.strip()) for line in lines if line.strip()]
    return [container("CONTAINS", title, items)] if items else []


def _procedure(draft: Draft) -> str:
    return str(clean_header(draft.sources[0]).get("StudyDescription", ""))


def _with_certainty(sentence: Sentence, reading: Reading) -> str:
    """The sentence, and in brackets how sure the model is of what it says to be there or not excluded."""
    stated = set(sentence.findings)
    notes = [certainty_note(it) for it in reading.findings if it.name in stated and it.presence != "absent"]
    return f"{sentence.text} ({'; '.join(notes)})" if notes and sentence.text.strip() else sentence.text
