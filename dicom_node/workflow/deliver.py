"""Step 4: one attempt at one delivery of the outbox. What comes of it is written there, with the next time to try."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import structlog
from pydicom import Dataset, dcmread
from sqlalchemy import Connection

from dicom_node.archive import outbox
from dicom_node.archive.outbox import Delivery
from dicom_node.archive.readings import Report, find_report
from dicom_node.audit.participants import Application
from dicom_node.audit.trail import open_trail
from dicom_node.deliver.dicom import deliver_report
from dicom_node.deliver.scu import Remote
from dicom_node.errors import AuditUnavailable, NodeError, PeerRefused
from dicom_node.report.document import NotReportable
from dicom_node.report.files import to_part10
from dicom_node.report.reclass import FALLBACKS, as_sop_class
from dicom_node.report.sr_lint import ReportFailedLint, require_clean
from dicom_node.settings import Deliver, FhirServer, Hl7Receiver, Peer
from dicom_node.workflow.messages import send_message
from dicom_node.workflow.node import Node
from dicom_node.workflow.stops import stop_point

log = structlog.get_logger()

# No delivery counts before it is in the audit trail; the same objects again are the same to the peer.
UNACCOUNTED = "the peer confirmed, but the audit trail took no entry of it"


def deliver(node: Node, delivery_id: int, attempt: int) -> None:
    """Send, unless this attempt was made already (a step may run twice)."""
    stop_point("deliver.start")
    delivery = outbox.find(node.engine, delivery_id)
    if delivery is None or delivery.state != "pending" or delivery.attempts != attempt:
        return
    try:
        send(node, delivery)
    except (PeerRefused, ReportFailedLint, NotReportable) as error:
        outbox.parked(node.engine, delivery, str(error))
        log.error("delivery.parked", study=delivery.study_uid, peer=delivery.peer, reason=str(error))
        return
    except (NodeError, OSError) as error:
        postpone(node, delivery, str(error))
        return
    try:
        outbox.delivered(node.engine, delivery, node.clock(), witness(node, delivery))
    except AuditUnavailable:
        postpone(node, delivery, UNACCOUNTED)
        return
    stop_point("deliver.end")
    log.info("study.delivered", study=delivery.study_uid, peer=delivery.peer, kind=delivery.kind)


def send(node: Node, delivery: Delivery) -> None:
    receiver = find_receiver(node.settings.deliver, delivery.peer)
    if not isinstance(receiver, Peer):
        send_message(node, receiver, delivery)
        return
    report = find_report(node.engine, delivery.report)
    if report is None:
        raise LookupError("the report of this delivery is missing")

    def document(sop_class_uid: str) -> Dataset:
        stop_point("deliver.middle")
        made = dcmread(node.root / report.path)
        if sop_class_uid != report.sop_class_uid:
            made = dcmread(BytesIO(to_part10(as_sop_class(made, sop_class_uid, node.equipment))))
        require_clean(made)  # as it leaves: in this class, from the disk
        return made

    deliver_report(
        remote(node, receiver),
        candidates(report, delivery),
        document,
        lambda sop_class_uid: outbox.choose_class(node.engine, delivery.id, sop_class_uid),
    )


def witness(node: Node, delivery: Delivery) -> Callable[[Connection], None]:
    """Tells the audit trail of a confirmed delivery."""
    trail = open_trail(node.settings, node.engine, "worker", node.clock)
    receiver = find_receiver(node.settings.deliver, delivery.peer)
    sent, report = outbox.find(node.engine, delivery.id), find_report(node.engine, delivery.report)
    chosen = (sent and sent.sent_sop_class_uid) or (report and report.sop_class_uid)

    def tell(connection: Connection) -> None:
        if isinstance(receiver, Peer):
            trail.within(connection).sent(application(receiver), delivery.study_uid, [chosen] if chosen else [])
        else:
            trail.within(connection).messaged(application(receiver), delivery.study_uid)

    return tell


def application(receiver: Peer | FhirServer | Hl7Receiver) -> Application:
    """A receiver as the audit trail names it."""
    if isinstance(receiver, Peer):
        return Application(f"{receiver.ae_title}@{receiver.host}", receiver.ae_title, receiver.host)
    if isinstance(receiver, FhirServer):
        return Application(receiver.name, uri=receiver.url)
    return Application(receiver.name, uri=f"mllp://{receiver.host}:{receiver.port}")


def candidates(report: Report, delivery: Delivery) -> tuple[str, ...]:
    """The class chosen before, alone: another one would be a second object at the peer."""
    if delivery.sent_sop_class_uid:
        return (delivery.sent_sop_class_uid,)
    return (report.sop_class_uid, *FALLBACKS.get(report.sop_class_uid, ()))


def find_receiver(settings: Deliver, name: str) -> Peer | FhirServer | Hl7Receiver:
    """Raises `PeerRefused` when the peer has left the settings."""
    for receiver in settings.receivers:
        if receiver.name == name:
            return receiver
    raise PeerRefused(
        "this peer is no longer in the settings",
        where=f"deliver: {name}",
        way_out="Add it again, then `dicom-node retry`.",
    )


def remote(node: Node, peer: Peer) -> Remote:
    settings = node.settings
    return Remote(
        host=peer.host,
        port=peer.port,
        called_ae=peer.ae_title,
        calling_ae=settings.listener.ae_title,
        connect_timeout=settings.deliver.connect_timeout,
        response_timeout=settings.deliver.response_timeout,
    )


def postpone(node: Node, delivery: Delivery, reason: str) -> None:
    wait = back_off(delivery.attempts, node.settings.deliver)
    outbox.postponed(node.engine, delivery, reason, node.clock() + wait)
    log.warning("delivery.postponed", study=delivery.study_uid, peer=delivery.peer, seconds=wait, reason=reason)


def back_off(attempts: int, settings: Deliver) -> float:
    """Seconds to wait after so many failed attempts: doubling, up to the longest."""
    return min(settings.longest_retry_seconds, settings.first_retry_seconds * 2.0 ** min(attempts, 32))


def postpone_unforeseen(node: Node, delivery_id: int, attempt: int, kind: str) -> None:
    """An error of ours is no reason to lose a delivery: it is stated, and tried again like any other."""
    delivery = outbox.find(node.engine, delivery_id)
    if delivery is not None and delivery.state == "pending" and delivery.attempts == attempt:
        postpone(node, delivery, f"internal error ({kind}): the worker's log says more")
