"""Verification and storage as a requestor (PS3.4 Annex A and B): one association, one object, one status.

Bytes go out as they lie in the file. Only uncompressed little-endian data is re-encoded, and only when the
peer does not take the file's own transfer syntax; a compressed object is never decompressed on the way.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import split_dataset
from pynetdicom.sop_class import Verification
from pynetdicom.status import VERIFICATION_SERVICE_CLASS_STATUS, code_to_category

from dicom_node.errors import CannotUnderstand, PeerRefused, PeerUnreachable

CONVERTIBLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
FALLBACK = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""What such an object is re-encoded to for a peer that does not take its own syntax, best first."""

REJECTED_TRANSIENT = 2  # PS3.8 Table 9-21, Result
WARNINGS_OF_STORAGE = range(0xB000, 0xC000)  # PS3.4 Table B.2-1: stored, with a remark
LARGEST_PDU = 131072


@dataclass(frozen=True)
class Remote:
    """A peer and how we call it. Times in seconds."""

    host: str
    port: int
    called_ae: str
    calling_ae: str
    connect_timeout: float = 10.0
    response_timeout: float = 30.0

    @property
    def place(self) -> str:
        return f"{self.called_ae}@{self.host}:{self.port}"


@dataclass(frozen=True)
class Proposal:
    """One presentation context (PS3.8 9.3.2.2)."""

    sop_class_uid: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class Payload:
    """An object in a file: who it is, how it is encoded, and where its data set begins (bytes)."""

    path: Path
    offset: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str

    @property
    def is_convertible(self) -> bool:
        return self.transfer_syntax_uid in CONVERTIBLE

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Its own syntax alone in one context, so that the peer cannot prefer another; then what we can convert to."""
        own = Proposal(self.sop_class_uid, (self.transfer_syntax_uid,))
        others = tuple(str(syntax) for syntax in FALLBACK if syntax != self.transfer_syntax_uid)
        return (own, Proposal(self.sop_class_uid, others)) if self.is_convertible else (own,)


@dataclass(frozen=True)
class EchoOutcome:
    """`status` is None when no answer came; `words` say what happened."""

    ok: bool
    status: int | None
    milliseconds: float
    words: str


def payload(path: Path) -> Payload:
    """What stands at `path`. Raises `CannotUnderstand` when it is no DICOM object with an identity."""
    try:
        syntax, offset = _encoding(path)
        head = dcmread(path, force=True, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
        identity = str(head.get("SOPClassUID", "")), str(head.get("SOPInstanceUID", ""))
    except (OSError, ValueError, EOFError, AttributeError, NotImplementedError, struct.error) as error:
        raise CannotUnderstand("the file cannot be read as DICOM", where=str(path), way_out="Leave it out.") from error
    if not all(identity):
        raise CannotUnderstand("the file holds no DICOM object with a UID", where=str(path), way_out="Leave it out.")
    return Payload(path, offset, *identity, syntax or _guessed_syntax(head))


def _encoding(path: Path) -> tuple[str, int]:
    """Transfer syntax and start of the data set; ("", 0) for a file without file meta."""
    try:
        meta, offset = split_dataset(path)
    except InvalidDicomError:
        return "", 0
    return str(meta.get("TransferSyntaxUID", "")), offset


def _guessed_syntax(head: Dataset) -> str:
    """The syntax of a file without file meta (PS3.10 7.1 forbids it; old exports have it)."""
    implicit, little = head.original_encoding
    return str(ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


@contextmanager
def associate(remote: Remote, proposals: Sequence[Proposal]) -> Iterator[Association]:
    """An established association, released at the end and aborted on an error.

    Raises `PeerUnreachable` (try again later) or `PeerRefused` (a person must look).
    """
    association = _request(remote, proposals)
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    association.release()


def _request(remote: Remote, proposals: Sequence[Proposal]) -> Association:
    entity = AE(ae_title=remote.calling_ae)
    entity.connection_timeout = remote.connect_timeout
    entity.acse_timeout = remote.response_timeout
    entity.dimse_timeout = remote.response_timeout
    entity.network_timeout = remote.response_timeout
    association = entity.associate(
        remote.host,
        remote.port,
        contexts=[build_context(each.sop_class_uid, list(each.transfer_syntaxes)) for each in proposals],
        ae_title=remote.called_ae,
        max_pdu=LARGEST_PDU,
        evt_handlers=[(evt.EVT_CONN_OPEN, without_delay)],
    )
    if not association.is_established:
        raise _why_not(association, remote)
    return association


def without_delay(event: Any) -> None:
    """Handler of EVT_CONN_OPEN: no Nagle, which costs some 40 ms an object against delayed acknowledgement."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _why_not(association: Association, remote: Remote) -> PeerUnreachable | PeerRefused:
    if association.is_rejected:
        answer = association.acceptor.primitive
        if answer.result == REJECTED_TRANSIENT:
            return PeerUnreachable(f"the peer is busy: {answer.reason_str}", where=remote.place, way_out="Try later.")
        way_out = "Make both AE titles known to each other."
        return PeerRefused(f"the peer rejected us: {answer.reason_str}", where=remote.place, way_out=way_out)
    if association.rejected_contexts:
        return PeerRefused("the peer takes none of these SOP classes", where=remote.place, way_out="Ask its keeper.")
    way_out = "Check that it runs, and its host, port and firewall."
    return PeerUnreachable("the peer does not answer", where=remote.place, way_out=way_out)


def c_store(association: Association, what: Path | Payload | Dataset) -> int:
    """Store one object. Returns the DIMSE status (PS3.4 Table B.2-1).

    Raises `CannotUnderstand` for a bad file, `PeerRefused` when the peer took no context for it,
    `PeerUnreachable` when the association was lost or the answer did not come.
    """
    if isinstance(what, Dataset):
        return _store_dataset(association, what)
    item = what if isinstance(what, Payload) else payload(what)
    context_id = _own_context(association, item)
    if context_id is not None:
        return _store_bytes(association, item, context_id)
    if not item.is_convertible:
        raise _no_context(association, item.sop_class_uid, item.transfer_syntax_uid)
    return _store_dataset(association, _decoded(item))


def accepted(association: Association, sop_class_uid: str) -> tuple[str, ...]:
    """The transfer syntaxes that the peer took for this SOP class, in the order of the contexts."""
    contexts = (each for each in association.accepted_contexts if each.abstract_syntax == sop_class_uid)
    return tuple(str(each.transfer_syntax[0]) for each in contexts)


def is_stored(status: int) -> bool:
    return status == 0 or status in WARNINGS_OF_STORAGE


def _own_context(association: Association, item: Payload) -> int | None:
    wanted = (item.sop_class_uid, item.transfer_syntax_uid)
    for each in association.accepted_contexts:
        if (each.abstract_syntax, each.transfer_syntax[0]) == wanted:
            return int(each.context_id)
    return None


def _decoded(item: Payload) -> Dataset:
    dataset = dcmread(item.path, force=True)
    dataset.file_meta.TransferSyntaxUID = UID(item.transfer_syntax_uid)
    return dataset


def _store_bytes(association: Association, item: Payload, context_id: int) -> int:
    request = C_STORE()
    request.MessageID = 1
    request.Priority = 0
    request.AffectedSOPClassUID = item.sop_class_uid
    request.AffectedSOPInstanceUID = item.sop_instance_uid
    # pynetdicom streams a file as it lies only under a process-wide switch; this is what the switch sets.
    request._dataset_path = (item.path, item.offset)
    response = _exchange(association, request, context_id)
    if response is None or not response.is_valid_response:
        raise _lost(association)
    return int(response.Status)


def _exchange(association: Association, request: C_STORE, context_id: int) -> Any:
    """One request and its response, as `Association.send_c_store` does it: its reactor must pause meanwhile."""
    association._reactor_checkpoint.clear()
    try:
        while association.is_established and not association._is_paused:
            time.sleep(0.0001)
        if not association.is_established:
            return None
        association.dimse.send_msg(request, context_id)
        return association.dimse.get_msg(block=True)[1]
    finally:
        association._reactor_checkpoint.set()


def _store_dataset(association: Association, dataset: Dataset) -> int:
    try:
        answer = association.send_c_store(dataset)
    except ValueError as error:
        raise _no_context(association, str(dataset.SOPClassUID), str(dataset.file_meta.TransferSyntaxUID)) from error
    except RuntimeError as error:
        raise _lost(association) from error
    if "Status" not in answer:
        raise _lost(association)
    return int(answer.Status)


def _no_context(association: Association, sop_class_uid: str, syntax_uid: str) -> PeerRefused:
    what = f"the peer takes no {UID(sop_class_uid).name} in {UID(syntax_uid).name}"
    return PeerRefused(what, where=_place(association), way_out="Convert it first, or ask the peer's keeper.")


def _lost(association: Association) -> PeerUnreachable:
    return PeerUnreachable("the association was lost", where=_place(association), way_out="Try again.")


def _place(association: Association) -> str:
    acceptor = association.acceptor
    return f"{acceptor.ae_title}@{acceptor.address}:{acceptor.port}"


def echo(remote: Remote) -> EchoOutcome:
    """C-ECHO (PS3.4 Annex A). Never raises for what the peer does."""
    began = time.perf_counter()
    try:
        with associate(remote, [Proposal(str(Verification), FALLBACK)]) as association:
            answer = association.send_c_echo()
    except (PeerUnreachable, PeerRefused) as error:
        return EchoOutcome(False, None, _since(began), str(error))
    status = answer.get("Status")
    if status is None:
        return EchoOutcome(False, None, _since(began), f"the association was lost ({remote.place}).")
    category, meaning = code_to_category(status), VERIFICATION_SERVICE_CLASS_STATUS.get(status, ("", ""))[1]
    return EchoOutcome(status == 0, status, _since(began), " ".join(filter(None, (category, meaning))))


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
