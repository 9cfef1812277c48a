"""Measurement groups of TID 1410: a finding, its region on an image, its certainty."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import code, container, image, num, polyline, text, uidref
from dicom_node.report.document import Draft
from dicom_node.report.images import SourceImage
from dicom_node.report.modules import model_parts
from dicom_node.report.regions import Region
from dicom_node.report.words import percent
from medvlm.contract import Box, Finding, Reading
from medvlm.vocabulary import Code, term

TEMPLATE = "1410"


def measurement_group(draft: Draft, region: Region) -> Dataset:
    """The group of one box, in the order of the template."""
    finding = region.finding
    known = term(finding.name)
    group = container(
        "CONTAINS",
        codes.MEASUREMENT_GROUP,
        [
            text("HAS OBS CONTEXT", codes.TRACKING_IDENTIFIER, region.label),
            uidref("HAS OBS CONTEXT", codes.TRACKING_UID, uids.tracking_uid(draft, finding, region.index)),
            code("CONTAINS", codes.FINDING, known.code or codes.OTHER_FINDING),
            *finding_site(finding),
            *_algorithm(draft.reading),
            num("CONTAINS", codes.CERTAINTY, percent(finding.probability), codes.PERCENT),
            code("CONTAINS", codes.PRESENCE, codes.PRESENCES[finding.presence]),
            *_region(region.image, region.box),
        ],
        TEMPLATE,
    )
    group.ObservationUID = uids.observation_uid(draft, finding, region.index)
    return group


def whole_image_group(draft: Draft, source: SourceImage) -> list[Dataset]:
    """One group over the whole image, for a reading without any region: readers of TID 1500 expect a group.

    It carries no certainty of its own, since none was calibrated for it. None where the image's extent is unknown.
    """
    if not (source.rows and source.columns):
        return []
    box = Box(sop_instance_uid=source.sop_instance_uid, x0=0, y0=0, x1=source.columns, y1=source.rows)
    group = container(
        "CONTAINS",
        codes.MEASUREMENT_GROUP,
        [
            text("HAS OBS CONTEXT", codes.TRACKING_IDENTIFIER, "Whole image"),
            uidref("HAS OBS CONTEXT", codes.TRACKING_UID, uids.whole_image_uid(draft, source.sop_instance_uid)),
            code("CONTAINS", codes.FINDING, normality(draft.reading)),
            *_algorithm(draft.reading),
            *_region(source, box),
        ],
        TEMPLATE,
    )
    return [group]


def normality(reading: Reading) -> Code:
    """Normal only where abnormality was asked for and is absent, and nothing else is present or undecided."""
    presences = {finding.presence for finding in reading.findings}
    asked = any(finding.name == "abnormality" for finding in reading.findings)
    if "present" in presences:
        return codes.ABNORMAL
    return codes.NORMAL if asked and presences == {"absent"} else codes.NORMALITY_UNDETERMINED


def finding_site(finding: Finding) -> list[Dataset]:
    """Finding Site with its laterality, if there is one to be stated."""
    site = term(finding.name).site
    if site is None:
        return []
    side = codes.LATERALITIES.get(finding.laterality)
    below = [code("HAS CONCEPT MOD", codes.LATERALITY, side)] if side else []
    return [code("HAS CONCEPT MOD", codes.FINDING_SITE, site, below)]


def _algorithm(reading: Reading) -> list[Dataset]:
    """TID 4019."""
    model = reading.model
    return [
        text("HAS CONCEPT MOD", codes.ALGORITHM_NAME, model.name),
        text("HAS CONCEPT MOD", codes.ALGORITHM_VERSION, model.version),
        text("HAS CONCEPT MOD", codes.ALGORITHM_PARAMETERS, "; ".join(model_parts(model)[1:])),
        code("HAS CONCEPT MOD", codes.ALGORITHM_FAMILY, codes.ARTIFICIAL_INTELLIGENCE),
    ]


def _region(source: SourceImage, box: Box) -> list[Dataset]:
    """The closed rectangle of a half-open pixel box: no half-pixel shift (PS3.3 C.18.6)."""
    corners = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1), (box.x0, box.y0)]
    selected = image(
        "SELECTED FROM", codes.SOURCE, source.sop_class_uid, source.sop_instance_uid, source.frame(box.frame)
    )
    return [
        code("CONTAINS", codes.GEOMETRIC_PURPOSE, codes.BOUNDED_BY),
        polyline("CONTAINS", codes.IMAGE_REGION, corners, selected),
    ]
