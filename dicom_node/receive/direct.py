"""The node's own data path: P-DATA goes from the socket into the file, below pynetdicom's events.

pynetdicom's classes negotiate; the loop below does the rest (PS3.8 9.2 in Sta6, PS3.7 8 and 9.3). What a peer may
not do here ends in A-ABORT; what it may, in a response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from pynetdicom.pdu import A_ASSOCIATE_AC
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from dicom_node.archive.files import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_node.archive.instance_header import is_uid
from dicom_node.receive.association import Admitted, Outcome, Request
from dicom_node.receive.command_set import (
    C_CANCEL_RQ,
    C_ECHO_RQ,
    C_STORE_RQ,
    LONGEST,
    RESPONSE,
    SUCCESS,
    UNRECOGNISED_OPERATION,
    Answer,
    BadCommandSet,
    Command,
    parse,
    response,
)
from dicom_node.receive.pdu import (
    PROVIDER,
    USER,
    Abort,
    AbortReason,
    Deadlines,
    PduStream,
    PduType,
    Pdv,
    PeerGone,
    Stopped,
    abort,
    hang_up,
    p_data,
    pdvs,
    release_response,
)
from dicom_node.receive.presentation_contexts import VERIFICATION, negotiate
from dicom_node.receive.storage import Reception, Spare, Storage, TooLong
from dicom_node.settings import Listener


@dataclass(frozen=True)
class Context:
    """An accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


class DirectReceiver:
    """Implements `Receiver`."""

    def __init__(self, settings: Listener, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        self._log: Any = structlog.get_logger()

    def run(self, admitted: Admitted) -> Outcome:
        limits = self._settings
        deadlines = Deadlines(limits.idle_timeout, limits.pdu_timeout)
        results = negotiate(admitted.request.primitive.presentation_context_definition_list)
        stream = PduStream(admitted.connection, limits.max_pdu, deadlines, admitted.stopping.wake)
        last_words, cause = b"", ""
        outcome: Outcome = "lost"
        conversation = Conversation(stream, _accepted(results), self._storage, admitted)
        try:
            stream.send(accept(admitted.request, results, limits.max_pdu))
            last_words, outcome = conversation.run()
        except Abort as error:
            last_words, outcome, cause = abort(PROVIDER, error.reason), "aborted", error.words
        except TooLong:
            last_words, outcome, cause = abort(USER), "aborted", "an instance beyond listener.max_instance_bytes"
        except Stopped:
            last_words, outcome, cause = abort(USER), "stopped", "the node stops"
        except PeerGone as error:
            last_words, cause = abort(PROVIDER), str(error)
        finally:
            conversation.close()
            hang_up(admitted.connection, last_words)
        if cause:
            self._log.info("association.aborted", association=admitted.record.id, cause=cause, outcome=outcome)
        return outcome


class Conversation:
    """The messages of one association, one at a time: no asynchronous operations are offered (PS3.7 D.3.3.3)."""

    def __init__(self, stream: PduStream, contexts: dict[int, Context], storage: Storage, admitted: Admitted) -> None:
        self._stream = stream
        self._contexts = contexts
        self._storage = storage
        self._record = admitted.record
        self._command_bytes = bytearray()
        self._command: Command | None = None
        self._context_id = 0
        self._reception: Reception | None = None
        self._spare = Spare(storage.store)

    def run(self) -> tuple[bytes, Outcome]:
        """Until the peer releases or aborts: the last PDU to send, and how it ended."""
        while True:
            kind, body = self._stream.read(between_messages=self._idle)
            if kind == PduType.P_DATA_TF:
                for pdv in pdvs(body):
                    self._take(pdv)
            elif kind == PduType.ABORT:
                return b"", "aborted"
            elif self._idle:
                return release_response(), "released"
            else:
                raise Abort(AbortReason.UNEXPECTED_PDU, "release in the middle of a message")

    def close(self) -> None:
        self._spare.discard()
        if self._reception is not None:
            with self._reception:
                self._reception = None

    @property
    def _idle(self) -> bool:
        return self._command is None and not self._command_bytes

    def _take(self, pdv: Pdv) -> None:
        if pdv.context_id not in self._contexts:
            raise Abort(AbortReason.INVALID_PARAMETER, f"context {pdv.context_id} was not accepted")
        if not self._idle and pdv.context_id != self._context_id:
            raise Abort(AbortReason.UNEXPECTED_PARAMETER, "a message in two contexts")
        if pdv.is_command == (self._command is not None):
            raise Abort(AbortReason.UNEXPECTED_PARAMETER, "a command where data is due, or data without a command")
        self._context_id = pdv.context_id
        if pdv.is_command:
            self._take_command(pdv)
        else:
            self._take_data(pdv)

    def _take_command(self, pdv: Pdv) -> None:
        self._command_bytes += pdv.data
        if len(self._command_bytes) > LONGEST:
            raise Abort(AbortReason.INVALID_PARAMETER, "a command set beyond 64 kB")
        if not pdv.is_last:
            return
        try:
            command = parse(self._command_bytes)
        except BadCommandSet as error:
            raise Abort(AbortReason.INVALID_PARAMETER, str(error)) from error
        self._command_bytes.clear()
        self._begin(command)

    def _begin(self, command: Command) -> None:
        context = self._contexts[self._context_id]
        if command.field == C_STORE_RQ and context.abstract_syntax != VERIFICATION:
            self._reception = self._storage.begin(command, context.transfer_syntax, self._record, self._spare)
        self._command = command
        if not command.has_data_set:
            self._end()

    def _take_data(self, pdv: Pdv) -> None:
        if self._reception is not None:
            self._reception.write(pdv.data)
        if pdv.is_last:
            self._end()

    def _end(self) -> None:
        """The message is whole: answer it."""
        command, self._command = self._command, None
        if command is None or command.field == C_CANCEL_RQ or command.field & RESPONSE:
            return  # nothing runs that could be cancelled, and the node asked nothing
        answer = self._answer(command)
        echo = command.field == C_STORE_RQ and is_uid(command.sop_instance_uid)
        self._stream.send(p_data(self._context_id, response(command, answer, echo_instance_uid=echo)))
        if command.field == C_STORE_RQ:
            self._spare.prepare()

    def _answer(self, command: Command) -> Answer:
        if self._reception is not None:
            with self._reception as reception:
                self._reception = None
                return reception.finish()
        return Answer(SUCCESS) if command.field == C_ECHO_RQ else Answer(UNRECOGNISED_OPERATION)


def accept(request: Request, results: list[PresentationContext], max_pdu: int) -> bytes:
    """A-ASSOCIATE-AC (PS3.8 9.3.3). No role, asynchronous window or extended negotiation item is returned: the
    defaults hold (PS3.7 D.3.3.3 to D.3.3.5)."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = request.primitive.application_context_name
    primitive.calling_ae_title = request.primitive.calling_ae_title
    primitive.called_ae_title = request.primitive.called_ae_title
    primitive.result = 0
    primitive.presentation_context_definition_results_list = results
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    version = ImplementationVersionNameNotification()
    length.maximum_length_received = max_pdu
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive.user_information = [length, implementation, version]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(primitive)
    encoded: bytes = pdu.encode()
    return encoded


def _accepted(results: list[PresentationContext]) -> dict[int, Context]:
    return {
        result.context_id: Context(str(result.abstract_syntax), str(result.transfer_syntax[0]))
        for result in results
        if result.result == 0
    }
