"""The result objects of a version: structured reports always, their companions where a peer gets them.

What draws and prints is imported only when a peer wants a picture or a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog
from pydicom import Dataset

from dicom_node.archive.readings import ReportKind, StoredReading
from dicom_node.report.findings import findings_sr
from dicom_node.report.key_objects import key_object_selection
from dicom_node.report.narrative import narrative_sr
from dicom_node.report.presentation_state import presentation_states
from dicom_node.report.version import Version
from dicom_node.reporting.desk import STRUCTURED
from dicom_node.settings import Deliver
from dicom_node.workflow.node import Node
from medvlm.client import NotStarted
from medvlm.contract import ImageSource
from medvlm.errors import MedvlmError

log = structlog.get_logger()

PREVIEW_ATTEMPTS = 30
WAIT_FOR_SERVER_SECONDS = 1.0

Composer = Callable[[Node, StoredReading, Version], tuple[Dataset, ...]]


def wanted(settings: Deliver) -> tuple[ReportKind, ...]:
    """The kinds to make: the structured reports, which the archive keeps, and what any peer gets besides."""
    asked = {kind for peer in settings.peers for kind in peer.objects}
    asked |= {"pdf" for one in settings.messengers if one.pdf}
    return (*STRUCTURED, *(kind for kind in COMPOSERS if kind in asked and kind not in STRUCTURED))


def objects(node: Node, kept: StoredReading, version: Version, kind: ReportKind) -> tuple[Dataset, ...]:
    """The objects of one kind; none where there is nothing for it to show. Raises `NotReportable`."""
    return COMPOSERS[kind](node, kept, version)


def _findings(_node: Node, _kept: StoredReading, version: Version) -> tuple[Dataset, ...]:
    return (findings_sr(version),)


def _narrative(_node: Node, _kept: StoredReading, version: Version) -> tuple[Dataset, ...]:
    return (narrative_sr(version),)


def _gsps(_node: Node, _kept: StoredReading, version: Version) -> tuple[Dataset, ...]:
    return presentation_states(version)


def _kos(_node: Node, _kept: StoredReading, version: Version) -> tuple[Dataset, ...]:
    selection = key_object_selection(version)
    return (selection,) if selection is not None else ()


def _captures(node: Node, kept: StoredReading, version: Version) -> tuple[Dataset, ...]:
    from dicom_node.report.key_image import banner, grey, key_image, key_images, marks
    from dicom_node.report.secondary_capture import secondary_capture

    made = []
    for part, shown in enumerate(key_images(version)):
        png = preview(node, kept, shown.image.sop_instance_uid, shown.frame)
        if not png:
            log.warning("object.omitted", study=kept.reading.study_uid, kind="capture", reason="no picture")
            continue
        extent = (shown.image.rows, shown.image.columns)
        picture = key_image(grey(png), extent, marks(version, shown), banner(version))
        made.append(secondary_capture(version, shown.image, picture, part))
    return tuple(made)


def _pdf(node: Node, kept: StoredReading, version: Version) -> tuple[Dataset, ...]:
    from dicom_node.report.encapsulated_pdf import encapsulated_pdf
    from dicom_node.report.html import report_html
    from dicom_node.report.images import source_images
    from dicom_node.report.key_image import Shown, grey, key_image, marks, png
    from dicom_node.report.pdf import render_pdf
    from dicom_node.report.presentation import present

    first = source_images(version.draft)[0]
    shown = preview(node, kept, first.sop_instance_uid, 1)
    picture = b""
    if shown:
        picture = png(key_image(grey(shown), (first.rows, first.columns), marks(version, Shown(first, 1))))
    page = report_html(present(version, key_image=picture))
    return (encapsulated_pdf(version, render_pdf(page, version.at)),)


COMPOSERS: Mapping[ReportKind, Composer] = MappingProxyType(
    {
        "findings": _findings,
        "narrative": _narrative,
        "gsps": _gsps,
        "kos": _kos,
        "pdf": _pdf,
        "capture": _captures,
    }
)


def preview(node: Node, kept: StoredReading, sop_instance_uid: str, frame: int) -> bytes:
    """A PNG of one frame as displayed, from the model server; b"" where it cannot show it: no report waits for that."""
    known = {image.sop_instance_uid: image for image in (*kept.study_input.images, *kept.reading.images)}
    source = known.get(sop_instance_uid)
    if source is None:
        return b""
    for _ in range(PREVIEW_ATTEMPTS):
        try:
            return node.model.preview(_framed(source, frame))
        except NotStarted:
            node.sleep(WAIT_FOR_SERVER_SECONDS)
        except MedvlmError as error:
            log.warning("preview.failed", study=kept.reading.study_uid, reason=error.code)
            return b""
    return b""


def _framed(source: ImageSource, frame: int) -> ImageSource:
    return source.model_copy(update={"frame": frame}) if frame > 1 or source.frame else source
