"""Findings as Comprehensive 3D SR (PS3.16 TID 1500): regions in measurement groups, the rest at report level.

A measurement group without coordinates blanks the whole SR in a widespread viewer. So only findings with a region
have a group (TID 1410); the others stand in the report-level container "Qualitative Evaluations".
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from dicom_node.report import codes, uids
from dicom_node.report.content import code, container, image, num, text
from dicom_node.report.context import model_line, not_assessed_line, observation_context, warning_lines
from dicom_node.report.document import BANNER, DRAFT, EVALUATION_ONLY, FINDINGS, Draft, require_reportable
from dicom_node.report.groups import finding_site, measurement_group, whole_image_group
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.modules import document
from dicom_node.report.reclass import as_sop_class
from dicom_node.report.regions import Region, regions, regions_left_out
from dicom_node.report.words import percent
from medvlm.contract import Finding
from medvlm.vocabulary import term

CERTAINTY_EXPLAINED = "Certainty of Finding is the calibrated probability that the finding is present."


def findings_sr(draft: Draft, sop_class_uid: str = Comprehensive3DSRStorage) -> Dataset:
    """The findings of a draft; `sop_class_uid` may also be Comprehensive SR: the same tree under its own UID.

    Raises `NotReportable` for a refused reading, images without identity, and another SOP class.
    """
    require_reportable(draft)
    images = source_images(draft)
    tree = container(None, codes.IMAGING_MEASUREMENT_REPORT, _content(draft, images), FINDINGS.template)
    return as_sop_class(document(draft, FINDINGS, DRAFT, tree), sop_class_uid, draft.equipment)


def _content(draft: Draft, images: tuple[SourceImage, ...]) -> list[Dataset]:
    placed = regions(draft, images)
    drawn = {region.finding for region in placed}
    others = [finding for finding in draft.reading.findings if finding not in drawn]
    return [
        *observation_context(draft, images[0]),
        # Before anything else that a viewer might print.
        text("CONTAINS", codes.COMMENT, f"{BANNER} {EVALUATION_ONLY}"),
        _image_library(images),
        *_measurements(draft, images, placed),
        _qualitative_evaluations(draft, others, images),
    ]


def _image_library(images: tuple[SourceImage, ...]) -> Dataset:
    """TID 1600: viewers look the images up here."""
    group = container("CONTAINS", codes.IMAGE_LIBRARY_GROUP, map(_library_entry, images))
    return container("CONTAINS", codes.IMAGE_LIBRARY, [group])


def _library_entry(source: SourceImage) -> Dataset:
    modality = codes.MODALITIES.get(source.modality, codes.OTHER_MODALITY)
    extent = ((codes.PIXEL_DATA_ROWS, source.rows), (codes.PIXEL_DATA_COLUMNS, source.columns))
    descriptors = [
        code("HAS ACQ CONTEXT", codes.MODALITY, modality),
        *(num("HAS ACQ CONTEXT", name, str(count), codes.PIXELS) for name, count in extent if count),
    ]
    return image("CONTAINS", codes.SOURCE, source.sop_class_uid, source.sop_instance_uid, children=descriptors)


def _measurements(draft: Draft, images: tuple[SourceImage, ...], placed: tuple[Region, ...]) -> list[Dataset]:
    groups = [measurement_group(draft, region) for region in placed] or whole_image_group(draft, images[0])
    return [container("CONTAINS", codes.IMAGING_MEASUREMENTS, groups)] if groups else []


def _qualitative_evaluations(draft: Draft, findings: list[Finding], images: tuple[SourceImage, ...]) -> Dataset:
    """TID 1500, row "Qualitative Evaluations": findings without a region, and what is said in words."""
    words = [
        CERTAINTY_EXPLAINED,
        not_assessed_line(draft),
        *warning_lines(draft),
        *regions_left_out(draft, images),
        model_line(draft),
    ]
    comments = [text("CONTAINS", codes.COMMENT, line) for line in words if line]
    return container(
        "CONTAINS", codes.QUALITATIVE_EVALUATIONS, [*(_evaluation(draft, it) for it in findings), *comments]
    )


def _evaluation(draft: Draft, finding: Finding) -> Dataset:
    """Finding code = present, absent or undetermined. A finding without a confirmed code is named in words."""
    known = term(finding.name)
    properties = [num("HAS PROPERTIES", codes.CERTAINTY, percent(finding.probability), codes.PERCENT)]
    if known.code is None:
        properties.append(text("HAS PROPERTIES", codes.COMMENT, known.display))
    evaluation = code(
        "CONTAINS",
        known.code or codes.OTHER_FINDING,
        codes.PRESENCES[finding.presence],
        [*finding_site(finding), *properties],
    )
    evaluation.ObservationUID = uids.observation_uid(draft, finding)
    return evaluation
