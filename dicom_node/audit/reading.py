"""An entry in words, for tables and the API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dicom_node.audit.chain import Entry
from dicom_node.audit.codes import PATIENT_NUMBER, REPORT_NUMBER, STUDY_INSTANCE_UID

OUTCOMES: Final = {"0": "success", "4": "minor failure", "8": "serious failure", "12": "major failure"}


@dataclass(frozen=True)
class Summary:
    """`at` in seconds since the epoch. `who`: the requestor, else the first participant."""

    n: int
    at: float
    event: str
    kind: str
    action: str
    outcome: str
    who: str
    name: str
    network: str
    others: tuple[str, ...]
    study_uids: tuple[str, ...]
    report_uid: str
    patient_id: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def summary(entry: Entry) -> Summary:
    """Of a message of our own."""
    root = ElementTree.fromstring(entry.message)  # noqa: S314 (our own message, without a document type)
    event = root.find("EventIdentification")
    if event is None:
        raise ValueError("no event")
    parties = root.findall("ActiveParticipant")
    who = _requestor(parties)
    return Summary(
        n=entry.n,
        at=entry.at,
        event=_meaning(event, "EventID"),
        kind=_meaning(event, "EventTypeCode"),
        action=event.get("EventActionCode", ""),
        outcome=OUTCOMES.get(event.get("EventOutcomeIndicator", ""), ""),
        who=who.get("UserID", ""),
        name=who.get("UserName", ""),
        network=who.get("NetworkAccessPointID", ""),
        others=tuple(party.get("UserID", "") for party in parties if party is not who),
        study_uids=_ids(root, STUDY_INSTANCE_UID.value),
        report_uid=next(iter(_ids(root, REPORT_NUMBER.value)), ""),
        patient_id=next(iter(_ids(root, PATIENT_NUMBER.value)), ""),
    )


def _requestor(parties: list[Element]) -> Element:
    asking = [party for party in parties if party.get("UserIsRequestor") == "true"]
    return (asking or parties)[0]


def _meaning(parent: Element, name: str) -> str:
    code = parent.find(name)
    return "" if code is None else code.get("originalText", "")


def _ids(root: Element, id_type: str) -> tuple[str, ...]:
    return tuple(
        one.get("ParticipantObjectID", "")
        for one in root.findall("ParticipantObjectIdentification")
        if (kind := one.find("ParticipantObjectIDTypeCode")) is not None and kind.get("csd-code") == id_type
    )
