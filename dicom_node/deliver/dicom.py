"""A report to a DICOM peer by C-STORE, over the best SOP class that the peer accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydicom import Dataset
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS

from dicom_node.deliver.scu import FALLBACK, Proposal, Remote, accepted, associate, c_store, is_stored
from dicom_node.errors import PeerRefused, PeerUnreachable

DUPLICATE = 0x0111  # PS3.7 C.4.2: the peer holds this UID, and our UIDs come from content
OUT_OF_RESOURCES = range(0xA700, 0xA800)
TRY_AGAIN = {0x0110, 0x0213}  # processing failure, resource limitation


def deliver_report(
    remote: Remote,
    sop_class_uids: Sequence[str],
    document: Callable[[str], Dataset],
    chosen: Callable[[str], None],
) -> None:
    """Store the first of `sop_class_uids` that the peer takes; `document` gives the object in that class.

    `chosen` is told the class before a byte is sent, so that a repeat after a crash sends the same object.
    Raises `PeerUnreachable` (try again) or `PeerRefused` (a person must look).
    """
    with associate(remote, [Proposal(uid, tuple(map(str, FALLBACK))) for uid in sop_class_uids]) as association:
        taken = next((uid for uid in sop_class_uids if accepted(association, uid)), None)
        if taken is None:
            raise PeerRefused("the peer takes none of this report's SOP classes", where=remote.place)
        chosen(taken)
        _check(c_store(association, document(taken)), remote)


def _check(status: int, remote: Remote) -> None:
    if is_stored(status) or status == DUPLICATE:
        return
    meaning = STORAGE_SERVICE_CLASS_STATUS.get(status, ("", "unknown status"))[1]
    words = f"the peer answered 0x{status:04X} {meaning}".rstrip()
    if status in OUT_OF_RESOURCES or status in TRY_AGAIN:
        raise PeerUnreachable(words, where=remote.place, way_out="It is tried again.")
    raise PeerRefused(words, where=remote.place, way_out="Ask the peer's keeper, then `dicom-node retry`.")
