"""A report as a message: a FHIR transaction or an HL7 v2 message, to one receiver.

Such a receiver keeps one report a study and writes what comes over what it has. So versions go out in their order,
and what is sent again is the newest: an old draft never writes over a signed report.
"""

from __future__ import annotations

from pydicom import dcmread

from dicom_node.archive import outbox
from dicom_node.archive.acts import signatures
from dicom_node.archive.outbox import Delivery
from dicom_node.archive.readings import Report, reports_of
from dicom_node.errors import PeerUnreachable
from dicom_node.report.version import Version
from dicom_node.reporting.history import open_report
from dicom_node.settings import Deliver, FhirServer, Hl7Receiver
from dicom_node.workflow.node import Node
from dicom_node.workflow.stops import stop_point


def send_message(node: Node, receiver: FhirServer | Hl7Receiver, delivery: Delivery) -> None:
    """Raises `PeerUnreachable` (try again), `PeerRefused` and `NotReportable` (a person must look)."""
    _wait_for_earlier(node, delivery)
    report = newest(node, delivery)
    version = _version(node, report)
    pdf = printed(node, report) if receiver.pdf else b""
    stop_point("deliver.middle")
    if isinstance(receiver, FhirServer):
        _post(node.settings.deliver, receiver, version, pdf)
    else:
        _send(node.settings.deliver, receiver, version, pdf)


def _wait_for_earlier(node: Node, delivery: Delivery) -> None:
    rows = outbox.of_study(node.engine, delivery.study_uid)
    earlier = [one for one in rows if one.peer == delivery.peer and one.version < delivery.version]
    if any(one.state == "pending" for one in earlier):
        raise PeerUnreachable(
            "an earlier version of this report is still on its way", where=delivery.peer, way_out="It goes first."
        )


def newest(node: Node, delivery: Delivery) -> Report:
    """What the receiver should have by now: the narrative in its newest version, whose row stands for the whole report.

    Never that of a draft after a signature: for the receiver it is another report.
    """
    narratives = [one for one in reports_of(node.engine, delivery.study_uid) if one.kind == "narrative"]
    sent = next(one for one in narratives if one.sop_instance_uid == delivery.report)
    signed = {
        one.reading_id: signatures(node.engine, delivery.study_uid, _first(narratives, one.reading_id))
        for one in narratives
    }
    return [one for one in narratives if signed[one.reading_id] == signed[sent.reading_id]][-1]


def _first(narratives: list[Report], reading_id: str) -> int:
    """The version of a reading's draft."""
    return min(one.version for one in narratives if one.reading_id == reading_id)


def printed(node: Node, report: Report) -> bytes:
    """The page that was printed with this version; b"" where none was."""
    siblings = [one for one in reports_of(node.engine, report.study_uid) if one.kind == "pdf"]
    for one in siblings:
        if (one.reading_id, one.version) == (report.reading_id, report.version):
            kept = dcmread(node.root / one.path)
            return bytes(kept.EncapsulatedDocument[: kept.EncapsulatedDocumentLength])
    return b""


def _version(node: Node, report: Report) -> Version:
    return open_report(node.desk, report.reading_id).as_of(report.version).report


def _post(settings: Deliver, server: FhirServer, version: Version, pdf: bytes) -> None:
    from dicom_node.deliver.fhir import Endpoint, post_transaction
    from dicom_node.report.fhir import fhir_bundle, fhir_json

    bundle = fhir_bundle(version, pdf=pdf, patient_id_system=server.patient_id_system)
    endpoint = Endpoint(server.url, server.token, settings.connect_timeout, settings.response_timeout)
    post_transaction(endpoint, fhir_json(bundle))


def _send(settings: Deliver, receiver: Hl7Receiver, version: Version, pdf: bytes) -> None:
    from dicom_node.deliver.mllp import Listener, transmit
    from dicom_node.report.hl7 import Routing, oru_r01

    routing = Routing(receiver.sending_facility, receiver.application, receiver.facility)
    listener = Listener(receiver.host, receiver.port, settings.connect_timeout, settings.response_timeout)
    transmit(listener, oru_r01(version, routing, pdf=pdf))
