"""What would leave if the report were signed now: the page, and who gets what."""

from __future__ import annotations

from dicom_node.api.access.principal import Principal
from dicom_node.api.bodies.reports import Outgoing, Receiver
from dicom_node.api.node import ApiNode
from dicom_node.api.persons import person_of
from dicom_node.api.views.report import display, waiting_findings
from dicom_node.report.life_cycle import TRANSITIONS, Sign
from dicom_node.report.version import Version
from dicom_node.reporting.history import OpenReport
from dicom_node.settings import Deliver, FhirServer, Hl7Receiver, Peer
from medvlm.contract import ImageSource
from medvlm.errors import MedvlmError


def outgoing(node: ApiNode, by: Principal, opened: OpenReport) -> Outgoing:
    """Raises `NotReportable`."""
    from dicom_node.report.html import report_html
    from dicom_node.report.presentation import present

    version = _as_signed(node, by, opened)
    view = present(version, key_image=_key_image(node, opened, version))
    return Outgoing(
        title=view.title,
        html=report_html(view),
        receivers=receivers(node.settings.deliver),
        undecided=waiting_findings(opened),
        not_assessed=tuple(display(name) for name in opened.kept.reading.not_assessed),
    )


def receivers(settings: Deliver) -> tuple[Receiver, ...]:
    return tuple(_receiver(one) for one in settings.receivers)


def _receiver(one: Peer | FhirServer | Hl7Receiver) -> Receiver:
    if isinstance(one, Peer):
        return Receiver(name=one.name, kind="dicom", objects=one.objects)
    message = ("report", "pdf") if one.pdf else ("report",)
    return Receiver(name=one.name, kind="fhir" if isinstance(one, FhirServer) else "hl7", objects=message)


def _as_signed(node: ApiNode, by: Principal, opened: OpenReport) -> Version:
    """The version after a signature by whoever asks; the report as it is where it cannot be signed."""
    signs = by.kind == "person" and "radiologist" in by.roles
    if not signs or (opened.report.state, "sign") not in TRANSITIONS:
        return opened.report
    latest = max([node.now, opened.report.at])
    signature = Sign(person=person_of(node.settings, by), at=latest)
    return opened.with_acts((*opened.acts, signature), opened.version + 1)


def _key_image(node: ApiNode, opened: OpenReport, version: Version) -> bytes:
    """The first image with its boxes, as the printed report has it; b"" where the model server cannot show it."""
    from dicom_node.report.images import source_images
    from dicom_node.report.key_image import Shown, grey, key_image, marks, png

    first = source_images(version.draft)[0]
    source = _source(opened, first.sop_instance_uid)
    if source is None:
        return b""
    try:
        shown = node.model.preview(source)
    except MedvlmError:
        return b""
    return png(key_image(grey(shown), (first.rows, first.columns), marks(version, Shown(first, 1))))


def _source(opened: OpenReport, sop_instance_uid: str) -> ImageSource | None:
    known = (*opened.kept.study_input.images, *opened.kept.reading.images)
    return next((one for one in known if one.sop_instance_uid == sop_instance_uid), None)
