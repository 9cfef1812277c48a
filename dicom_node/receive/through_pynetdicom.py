"""The other data path: pynetdicom's state machine and events, behind a guard.

pynetdicom 3.0 waits for ever on half a PDU and reads as much as a peer announces. So it never sees the peer's socket:
the guard hands it whole PDUs of bounded length, and its answers back. It is the reference for `direct`.
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any, Final

import structlog
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AssociationServer

from dicom_node.archive.files import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_node.receive.association import Admitted, Outcome
from dicom_node.receive.command_set import C_STORE_RQ, LONGEST, Answer, Command
from dicom_node.receive.pdu import (
    PROVIDER,
    USER,
    Abort,
    Deadlines,
    PduStream,
    PduType,
    PeerGone,
    Stopped,
    abort,
    hang_up,
)
from dicom_node.receive.presentation_contexts import is_served, preferred
from dicom_node.receive.storage import Storage, TooLong
from dicom_node.settings import Listener

A_700: Final = 0xA700


class PynetdicomReceiver:
    """Implements `Receiver`."""

    def __init__(self, settings: Listener, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        self._log: Any = structlog.get_logger()
        # Process-wide, as pynetdicom has it: private storage classes, and no data sets in logs.
        _config.UNRESTRICTED_STORAGE_SERVICE = True
        _config.LOG_HANDLER_LEVEL = "none"
        self._ae = AE(settings.ae_title)
        self._ae.maximum_pdu_size = settings.max_pdu
        self._ae.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
        self._ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self._ae.maximum_associations = settings.max_associations + 1
        # Time is the guard's business.
        self._ae.network_timeout = self._ae.dimse_timeout = None

    def run(self, admitted: Admitted) -> Outcome:
        ours, theirs = socket.socketpair()
        handlers = [(evt.EVT_REQUESTED, _prefer_as_requested), (evt.EVT_C_STORE, self._store, [admitted])]
        server = _Portless(self._ae, (admitted.record.host, 0), self._settings.ae_title, [], evt_handlers=handlers)
        ours.sendall(admitted.request.raw)
        server.process_request(theirs, (admitted.record.host, 0))
        guard = Guard(admitted, ours, self._settings)
        last_words, outcome, cause = guard.run()
        if cause:
            self._log.info("association.aborted", association=admitted.record.id, cause=cause, outcome=outcome)
        hang_up(admitted.connection, last_words)
        return outcome

    def _store(self, event: evt.Event, admitted: Admitted) -> Dataset:
        request = event.request
        command = Command(
            C_STORE_RQ,
            request.MessageID,
            str(request.AffectedSOPClassUID or "").strip(" \0"),
            str(request.AffectedSOPInstanceUID or "").strip(" \0"),
            has_data_set=request.DataSet is not None,
        )
        answer = self._receive(command, event, admitted)
        status = Dataset()
        status.Status = answer.status
        if answer.comment:
            status.ErrorComment = answer.comment
        return status

    def _receive(self, command: Command, event: evt.Event, admitted: Admitted) -> Answer:
        with self._storage.begin(command, str(event.context.transfer_syntax), admitted.record) as reception:
            try:
                if command.has_data_set:
                    reception.write(event.request.DataSet.getbuffer())
            except TooLong:
                return Answer(A_700, "an instance beyond listener.max_instance_bytes")
            return reception.finish()


class Guard:
    """Between the peer and pynetdicom: whole PDUs in, whatever pynetdicom says out."""

    def __init__(self, admitted: Admitted, inner: socket.socket, settings: Listener) -> None:
        deadlines = Deadlines(settings.idle_timeout, settings.pdu_timeout)
        self._peer = admitted.connection
        self._inner = inner
        self._stopping = admitted.stopping
        self._stream = PduStream(self._peer, settings.max_pdu, deadlines, admitted.stopping.wake)
        self._longest = settings.max_instance_bytes + LONGEST
        self._unanswered = len(admitted.request.raw)
        self._outcome: Outcome = "lost"

    def run(self) -> tuple[bytes, Outcome, str]:
        """Until either side ends: the last PDU to send, how it ended, and why if it ended badly."""
        answers = threading.Thread(target=self._pass_answers, daemon=True)
        answers.start()
        try:
            return self._pass_requests()
        finally:
            self._inner.shutdown(socket.SHUT_RDWR)
            answers.join()
            self._inner.close()

    def _pass_requests(self) -> tuple[bytes, Outcome, str]:
        try:
            while True:
                kind, body = self._stream.read(between_messages=self._unanswered == 0)
                self._unanswered += len(body)
                if self._unanswered > self._longest:
                    return abort(USER), "aborted", "an instance beyond listener.max_instance_bytes"
                if kind != PduType.P_DATA_TF:
                    self._outcome = "aborted" if kind == PduType.ABORT else "released"
                self._inner.sendall(struct.pack(">BBI", kind, 0, len(body)) + body)
        except Abort as error:
            return abort(PROVIDER, error.reason), "aborted", error.words
        except Stopped:
            return abort(USER), "stopped", "the node stops"
        except PeerGone as error:
            said = b"" if self._outcome != "lost" else abort(PROVIDER)
            return said, self._outcome, str(error) if said else ""
        except OSError:
            return b"", "aborted", "pynetdicom ended the association"

    def _pass_answers(self) -> None:
        try:
            while piece := self._inner.recv(65536):
                self._unanswered = 0
                self._peer.sendall(piece)
                if self._stopping.asked:  # the other thread may wait for the next message already
                    self._outcome = "stopped"
                    self._peer.sendall(abort(USER))
                    break
            self._peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other direction learns it from its own read


class _Portless(AssociationServer):
    """pynetdicom's server without a port: connections are handed to it."""

    def server_bind(self) -> None:
        self.socket.close()

    def server_activate(self) -> None:
        """Nothing listens."""


def _prefer_as_requested(event: evt.Event) -> None:
    """Support what was asked for, in the requestor's order: pynetdicom would take its own."""
    orders: dict[UID, list[str]] = {}
    for context in event.assoc.requestor.requested_contexts:
        if is_served(str(context.abstract_syntax)):
            order = orders.setdefault(context.abstract_syntax, [])
            offered = [str(syntax) for syntax in context.transfer_syntax]
            order += [syntax for syntax in preferred(offered) if syntax not in order]
    event.assoc.acceptor.supported_contexts = [
        _context(abstract_syntax, order) for abstract_syntax, order in orders.items() if order
    ]


def _context(abstract_syntax: UID, transfer_syntaxes: list[str]) -> PresentationContext:
    context = PresentationContext()
    context.abstract_syntax = abstract_syntax
    context.transfer_syntax = [UID(syntax) for syntax in transfer_syntaxes]
    return context
