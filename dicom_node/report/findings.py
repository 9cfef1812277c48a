"""Findings as Comprehensive 3D SR (PS3.16 TID 1500): regions in measurement groups, the rest at report level.

A measurement group without coordinates blanks the whole SR in a widespread viewer. So only findings with a region
have a group (TID 1410); the others stand in the report-level container "Qualitative Evaluations".
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from dicom_node.report import codes, uids
from dicom_node.report.content import code, container, image, num, text
from dicom_node.report.context import (
    addendum_lines,
    model_line,
    not_assessed_line,
    observation_context,
    opening,
    warning_lines,
)
from dicom_node.report.document import FINDINGS, Draft, require_reportable
from dicom_node.report.groups import certainty, finding_site, in_words, measurement_group, observer, whole_image_group
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.reclass import as_sop_class
from dicom_node.report.regions import Region, regions, regions_left_out
from dicom_node.report.statements import Content, Statement, content
from dicom_node.report.structured import document
from dicom_node.report.version import Version, version_of
from medvlm.vocabulary import term

CERTAINTY_EXPLAINED = "Certainty of Finding is the calibrated probability that the finding is present."


def findings_sr(report: Draft | Version, sop_class_uid: str = Comprehensive3DSRStorage) -> Dataset:
    """The findings that stand; `sop_class_uid` may also be Comprehensive SR: the same tree under its own UID.

    A rejected report holds none. Raises `NotReportable` for a refused reading, images without identity, a decision
    on a finding that does not stand, and another SOP class.
    """
    version = version_of(report)
    require_reportable(version.draft)
    images = source_images(version.draft)
    tree = container(None, codes.IMAGING_MEASUREMENT_REPORT, _content(version, images), FINDINGS.template)
    return as_sop_class(document(version, FINDINGS, tree), sop_class_uid, version.draft.equipment)


def _content(version: Version, images: tuple[SourceImage, ...]) -> list[Dataset]:
    said = content(version)
    placed = regions(version, images)
    return [
        *observation_context(version.draft, images[0]),
        # Before anything else that a viewer might print.
        text("CONTAINS", codes.COMMENT, " ".join(opening(version))),
        _image_library(images),
        *(_measurements(version, images, placed, said) if version.state != "rejected" else []),
        _qualitative_evaluations(version, images, placed, said),
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


def _measurements(
    version: Version, images: tuple[SourceImage, ...], placed: tuple[Region, ...], said: Content
) -> list[Dataset]:
    drawn = [measurement_group(version, region) for region in placed]
    groups = drawn or whole_image_group(version, images[0], said.statements)
    return [container("CONTAINS", codes.IMAGING_MEASUREMENTS, groups)] if groups else []


def _qualitative_evaluations(
    version: Version, images: tuple[SourceImage, ...], placed: tuple[Region, ...], said: Content
) -> Dataset:
    """TID 1500, row "Qualitative Evaluations": findings without a region, and what is said in words."""
    drawn = {region.finding.tracking_uid for region in placed}
    others = [finding for finding in said.statements if finding.tracking_uid not in drawn]
    comments = [text("CONTAINS", codes.COMMENT, line) for line in _comments(version, images, said) if line]
    return container(
        "CONTAINS", codes.QUALITATIVE_EVALUATIONS, [*(_evaluation(version, it) for it in others), *comments]
    )


def _comments(version: Version, images: tuple[SourceImage, ...], said: Content) -> list[str]:
    if version.state == "rejected":
        return [model_line(version.draft)]
    return [
        CERTAINTY_EXPLAINED if any(it.probability is not None for it in said.statements) else "",
        not_assessed_line(version),
        *warning_lines(version.draft),
        *regions_left_out(version, images),
        model_line(version.draft),
        *(" ".join(addendum_lines(act)) for act in said.addenda),
    ]


def _evaluation(version: Version, finding: Statement) -> Dataset:
    """Finding code = present, absent or undetermined. A finding without a confirmed code is named in words."""
    known = term(finding.name)
    evaluation = code(
        "CONTAINS",
        known.code or codes.OTHER_FINDING,
        codes.PRESENCES[finding.presence],
        [*observer(finding), *finding_site(finding), *certainty("HAS PROPERTIES", finding), *in_words(finding)],
    )
    evaluation.ObservationUID = uids.observation_uid(version.draft, finding)
    return evaluation
