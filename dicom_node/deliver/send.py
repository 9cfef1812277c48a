"""Files to a peer, as they are: what `dicom-node send` and the demo do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pynetdicom.association import Association
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS, code_to_category

from dicom_node.deliver.scu import Payload, Proposal, Remote, associate, c_store, is_stored, payload
from dicom_node.errors import CannotUnderstand, NodeError, NoSuchPath, PeerUnreachable

MOST_CONTEXTS = 128  # context ids are the odd numbers of one byte (PS3.8 9.3.2.2)


@dataclass(frozen=True)
class SendOutcome:
    """What became of one file. `status` is the peer's (PS3.4 Table B.2-1), None when it was never asked."""

    path: Path
    status: int | None
    words: str

    @property
    def ok(self) -> bool:
        return self.status is not None and is_stored(self.status)


Progress = Callable[[SendOutcome], None]


def files_below(path: Path) -> list[Path]:
    """The file itself, or every file of a folder in order. Raises `NoSuchPath`."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if path.is_file():
        return [path]
    raise NoSuchPath("there is no such file or folder", where=str(path))


def send(paths: Sequence[Path], remote: Remote, progress: Progress = lambda outcome: None) -> tuple[SendOutcome, ...]:
    """Store each file at the peer, over as few associations as 128 contexts each allow.

    Only contexts that a file needs are proposed. Outcomes stand in the order of `paths`; `progress` gets each
    as it becomes known. Never raises for a file or a peer: the outcome says it in words.
    """
    items: list[Payload] = []
    known: dict[Path, SendOutcome] = {}

    def settle(outcome: SendOutcome) -> None:
        known[outcome.path] = outcome
        progress(outcome)

    for path in dict.fromkeys(paths):
        try:
            items.append(payload(path))
        except CannotUnderstand as error:
            settle(SendOutcome(path, None, str(error)))
    for batch, proposals in batches(items):
        for outcome in _send_batch(batch, proposals, remote):
            settle(outcome)
    return tuple(known[path] for path in paths)


def batches(items: Sequence[Payload]) -> Iterator[tuple[list[Payload], tuple[Proposal, ...]]]:
    """The files by association: every kind of object in one of them, none with more than 128 contexts."""
    kinds: dict[tuple[Proposal, ...], list[Payload]] = {}
    for item in items:
        kinds.setdefault(item.proposals, []).append(item)
    batch: list[Payload] = []
    contexts: tuple[Proposal, ...] = ()
    for proposals, members in kinds.items():
        widened = tuple(dict.fromkeys(contexts + proposals))
        if len(widened) > MOST_CONTEXTS:
            yield batch, contexts
            batch, widened = [], proposals
        batch, contexts = batch + members, widened
    if batch:
        yield batch, contexts


def _send_batch(batch: Sequence[Payload], proposals: Sequence[Proposal], remote: Remote) -> Iterator[SendOutcome]:
    left = list(batch)
    try:
        with associate(remote, proposals) as association:
            while left:
                outcome = _send_one(association, left[0])
                yield outcome
                left.pop(0)
    except NodeError as error:
        yield from (SendOutcome(item.path, None, str(error)) for item in left)


def _send_one(association: Association, item: Payload) -> SendOutcome:
    """Raises `PeerUnreachable` when there is no association left to go on with."""
    try:
        status = c_store(association, item)
    except PeerUnreachable:
        raise
    except NodeError as error:
        return SendOutcome(item.path, None, str(error))
    return SendOutcome(item.path, status, in_words(status))


def in_words(status: int) -> str:
    """A storage status for people: `0xA700 Failure: Refused: Out of Resources`."""
    meaning = STORAGE_SERVICE_CLASS_STATUS.get(status, ("", ""))[1]
    number = "" if status == 0 else f"0x{status:04X} "
    return f"{number}{code_to_category(status)}" + (f": {meaning}" if meaning else "")
