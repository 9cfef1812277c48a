"""Measurement groups of TID 1410: a finding, its region on an image, its certainty."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset

from dicom_node.report import codes, uids
from dicom_node.report.content import Relationship, code, container, image, num, polyline, text, uidref
from dicom_node.report.images import SourceImage
from dicom_node.report.modules import model_parts
from dicom_node.report.persons import person_observer
from dicom_node.report.regions import Region
from dicom_node.report.statements import Statement
from dicom_node.report.version import Version
from dicom_node.report.words import percent
from medvlm.contract import Box, Reading
from medvlm.vocabulary import Code, Term, term

TEMPLATE = "1410"


def measurement_group(version: Version, region: Region) -> Dataset:
    """The group of one box, in the order of the template. What a person added names that person and no algorithm."""
    finding, draft = region.finding, version.draft
    known = term(finding.name)
    group = container(
        "CONTAINS",
        codes.MEASUREMENT_GROUP,
        [
            text("HAS OBS CONTEXT", codes.TRACKING_IDENTIFIER, region.label),
            uidref("HAS OBS CONTEXT", codes.TRACKING_UID, uids.tracking_uid(draft, finding, region.index)),
            *observer(finding),
            _finding(known),
            *finding_site(finding),
            *(_algorithm(draft.reading) if finding.by_model else []),
            *certainty("CONTAINS", finding),
            code("CONTAINS", codes.PRESENCE, codes.PRESENCES[finding.presence]),
            *_region(region.image, region.box),
        ],
        TEMPLATE,
    )
    group.ObservationUID = uids.observation_uid(draft, finding, region.index)
    return group


def whole_image_group(version: Version, source: SourceImage, stand: tuple[Statement, ...]) -> list[Dataset]:
    """One group over the whole image, for a report without any region: readers of TID 1500 expect a group.

    It carries no certainty of its own, since none was calibrated for it. None where the image's extent is unknown.
    After an edit it is the editor's: what stands is no longer the model's alone.
    """
    if not (source.rows and source.columns):
        return []
    box = Box(sop_instance_uid=source.sop_instance_uid, x0=0, y0=0, x1=source.columns, y1=source.rows)
    editors, draft = version.editors, version.draft
    group = container(
        "CONTAINS",
        codes.MEASUREMENT_GROUP,
        [
            text("HAS OBS CONTEXT", codes.TRACKING_IDENTIFIER, "Whole image"),
            uidref("HAS OBS CONTEXT", codes.TRACKING_UID, uids.whole_image_uid(draft, source.sop_instance_uid)),
            *(person_observer(editors[-1]) if editors else []),
            code("CONTAINS", codes.FINDING, normality(stand)),
            *([] if editors else _algorithm(draft.reading)),
            *_region(source, box),
        ],
        TEMPLATE,
    )
    return [group]


def normality(stand: Iterable[Statement]) -> Code:
    """Normal only where abnormality was asked for and is absent, and nothing else is present or undecided."""
    findings = tuple(stand)
    presences = {finding.presence for finding in findings}
    asked = any(finding.name == "abnormality" for finding in findings)
    if "present" in presences:
        return codes.ABNORMAL
    return codes.NORMAL if asked and presences == {"absent"} else codes.NORMALITY_UNDETERMINED


def observer(finding: Statement) -> list[Dataset]:
    """The person who changed or added the finding; nothing where the document's observer, the model, stated it."""
    return person_observer(finding.person) if finding.person else []


def in_words(finding: Statement) -> list[Dataset]:
    """The name of a finding without a confirmed code."""
    known = term(finding.name)
    return [] if known.code else [text("HAS PROPERTIES", codes.COMMENT, known.display)]


def certainty(relationship: Relationship, finding: Statement) -> list[Dataset]:
    """The model's calibrated certainty of the presence stated; none where a person decided."""
    if finding.probability is None:
        return []
    return [num(relationship, codes.CERTAINTY, percent(finding.probability), codes.PERCENT)]


def _finding(known: Term) -> Dataset:
    """The finding's code; a finding without a confirmed one is named in words below the slot for others."""
    if known.code:
        return code("CONTAINS", codes.FINDING, known.code)
    return code("CONTAINS", codes.FINDING, codes.OTHER_FINDING, [text("HAS PROPERTIES", codes.COMMENT, known.display)])


def finding_site(finding: Statement) -> list[Dataset]:
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
