"""The words that say what the flags say, where a viewer shows them first."""

from __future__ import annotations

from collections.abc import Iterator

from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.life_cycle import OBSERVERS, stage
from dicom_node.report.sr_lint.problem import Fault
from dicom_node.report.sr_lint.subject import Subject, sequence

BANNER = "AI-generated draft"
NOT_VERIFIED = "Not verified."
REJECTED = "Draft rejected"
WARNING = "NOT VERIFIED"
SHOWN_OF_A_SERIES_DESCRIPTION = 20
"""Characters that viewers show before they cut."""


def unverified_is_said_first(subject: Subject) -> Iterator[Fault]:
    if subject.value("VerificationFlag") == "VERIFIED":
        return
    if WARNING not in subject.value("SeriesDescription").upper()[:SHOWN_OF_A_SERIES_DESCRIPTION]:
        yield Fault("the series description does not begin with the warning", "SeriesDescription")
    if not _warns(subject, subject.value("CompletionFlagDescription")):
        yield Fault("the description of the flag does not say that nothing is verified", "CompletionFlagDescription")
    if not _warns(subject, next(iter(subject.texts), "")):
        yield Fault("the first text does not say that nothing is verified", "1 first TEXT")


def signed_does_not_say_unverified(subject: Subject) -> Iterator[Fault]:
    if subject.value("VerificationFlag") != "VERIFIED":
        return
    said = {
        "SeriesDescription": subject.value("SeriesDescription").upper().startswith(WARNING),
        "CompletionFlagDescription": _is_banner(subject.value("CompletionFlagDescription")),
        "1 TEXT": any(map(_is_banner, subject.texts)),
    }
    for where, wrong in said.items():
        if wrong:
            yield Fault("a verified document still says that it is not", where)


def signature_is_said_first(subject: Subject) -> Iterator[Fault]:
    """Viewers do not show the flags: the first words name the person who verified."""
    opening = next(iter(subject.texts), "")
    for observer in sequence(subject.document, OBSERVERS):
        families = {group.split("^")[0] for group in read_text(observer, "VerifyingObserverName").split("=")} - {""}
        if subject.value("VerificationFlag") == "VERIFIED" and not any(name in opening for name in families):
            yield Fault("the first text does not name the person who verified", "1 first TEXT")


def _warns(subject: Subject, words: str) -> bool:
    return _is_banner(words) or (stage(subject) == "rejected" and words.startswith(REJECTED))


def _is_banner(words: str) -> bool:
    return words.startswith(BANNER) and NOT_VERIFIED in words
