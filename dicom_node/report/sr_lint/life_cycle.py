"""The flags of a document's life, and what each state demands (PS3.3 C.17.2).

flags                             state             demands
PARTIAL  UNVERIFIED PRELIMINARY   draft, edited     edited: predecessor, a person who entered
COMPLETE VERIFIED   FINAL         signed, addended  predecessor, verifying observer, a person who attests
COMPLETE UNVERIFIED PRELIMINARY   rejected          predecessor replaced, no finding repeated
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from pydicom.dataset import Dataset

from dicom_node.report import codes
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.predecessors import CID_7009, PREDECESSORS, purposes
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import CodeKey, Subject, key, sequence

Stage = Literal["draft", "signed", "rejected"]

STAGES: Mapping[tuple[str, str, str], Stage] = MappingProxyType(
    {
        ("PARTIAL", "UNVERIFIED", "PRELIMINARY"): "draft",
        ("COMPLETE", "VERIFIED", "FINAL"): "signed",
        ("COMPLETE", "UNVERIFIED", "PRELIMINARY"): "rejected",
    }
)
"""(Completion, Verification, Preliminary Flag) -> stage. Every other combination contradicts itself."""

PURPOSES: Mapping[Stage, frozenset[CodeKey]] = MappingProxyType(
    {
        "draft": frozenset({key(codes.REPLACED_REPORT)}),
        "signed": frozenset({key(codes.PRELIMINARY_REPORT), key(codes.ADDENDED_REPORT)}),
        "rejected": frozenset({key(codes.REPLACED_REPORT)}),
    }
)
"""What a predecessor may be to a document in that stage (CID 7009)."""

OBSERVERS = "VerifyingObserverSequence"
PARTICIPANTS = "ParticipantSequence"


def stage(subject: Subject) -> Stage | None:
    flags = (subject.value("CompletionFlag"), subject.value("VerificationFlag"), subject.value("PreliminaryFlag"))
    return STAGES.get(flags)


def flags_agree(subject: Subject) -> Iterator[Fault]:
    if stage(subject) is None:
        yield Fault(
            "no state of a report has these flags together", "CompletionFlag, VerificationFlag, PreliminaryFlag"
        )
    if subject.value("VerificationFlag") != "VERIFIED" and sequence(subject.document, OBSERVERS):
        yield Fault("an unverified document names a verifying observer", OBSERVERS)


def the_verifier_is_named(subject: Subject) -> Iterator[Fault]:
    if subject.value("VerificationFlag") != "VERIFIED":
        return
    observers = sequence(subject.document, OBSERVERS)
    if not observers:
        yield Fault("a verified document names no verifying observer", OBSERVERS)
    for observer in observers:
        for keyword in ("VerifyingObserverName", "VerifyingOrganization", "VerificationDateTime"):
            if not read_text(observer, keyword):
                yield Fault(f"the verifying observer has no {keyword}", OBSERVERS)


def the_state_is_complete(subject: Subject) -> Iterator[Fault]:
    reached = stage(subject)
    if reached and any(it in CID_7009 and it not in PURPOSES[reached] for it in purposes(subject.document)):
        yield Fault("the purpose of a predecessor is that of another state", PREDECESSORS)
    if reached == "draft" and persons(subject, "ENT") and not purposes(subject.document):
        yield Fault("an edited document names no predecessor", PREDECESSORS)
    if reached == "signed":
        if not persons(subject, "ATTEST"):
            yield Fault("a signed document has no person who attests", PARTICIPANTS)
        if not purposes(subject.document):
            yield Fault("a signed document names no predecessor", PREDECESSORS)
    if reached == "rejected":
        yield from _rejected(subject)


def _rejected(subject: Subject) -> Iterator[Fault]:
    if not purposes(subject.document):
        yield Fault("a rejection does not replace the draft", PREDECESSORS)
    for item in subject.everywhere(codes.MEASUREMENT_GROUP, codes.IMPRESSIONS_SECTION, codes.FINDINGS_SECTION):
        yield Fault("a rejection repeats findings", item.where)
    for listed in subject.everywhere(codes.QUALITATIVE_EVALUATIONS):
        yield from (
            Fault("a rejection repeats findings", it.where) for it in listed.children if it.value_type == "CODE"
        )


def persons(subject: Subject, participation: str) -> tuple[Dataset, ...]:
    """The people who took part in that way (PS3.3 C.17.2: ATTEST signed, ENT typed in)."""
    return participants(subject, participation, "PSN")


def participants(subject: Subject, participation: str, observer: str) -> tuple[Dataset, ...]:
    return tuple(
        it
        for it in sequence(subject.document, PARTICIPANTS)
        if (read_text(it, "ParticipationType"), read_text(it, "ObserverType")) == (participation, observer)
    )
