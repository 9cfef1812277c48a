"""What a study calls its people, its patient and itself: what no text of an export may repeat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from dicom_node.deidentify.dates import values_of
from dicom_node.deidentify.dummies import WORD
from dicom_node.deidentify.nested import all_elements

IDENTIFIERS = frozenset(
    (
        *("PatientID", "OtherPatientIDs", "AccessionNumber", "StudyID", "RequestedProcedureID", "AdmissionID"),
        *("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest", "ServiceEpisodeID"),
        *("IssuerOfPatientID", "InstitutionName", "InstitutionalDepartmentName", "VerifyingOrganization"),
        *("PatientTelephoneNumbers", "PatientAddress", "ScheduledProcedureStepID", "PerformedProcedureStepID"),
    )
)
"""Keywords whose values name a patient, an order or a place, beside the persons of VR PN."""

LEAST_NAME = 2
LEAST_IDENTIFIER = 3
"""Signs. Shorter ones occur in any text."""

_UID = re.compile(r"\d+(?:\.\d+){4,}", re.ASCII)
_REGISTERED = "1.2.840.10008."


@dataclass(frozen=True)
class Identity:
    """`names` are single words, `identifiers` runs of words, both folded; `days` are eight digits."""

    names: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()

    def occurs_in(self, text: str) -> bool:
        """Whether a name, an identifier, a date in any notation, or a UID of somebody's own stands in the text."""
        plain = folded(text)
        if not self.names.isdisjoint(plain.split()) or any(it in plain for it in self.names if not it.isascii()):
            return True
        if any(f" {it} " in f" {plain} " for it in self.identifiers):
            return True
        if any(not uid.startswith(_REGISTERED) for uid in _UID.findall(text)):
            return True
        return any(day in digits for digits in _notations(text) for day in self.days)


def identity_of(datasets: Iterable[Dataset]) -> Identity:
    """Persons, identifiers and dates at any depth of the data sets."""
    names: set[str] = set()
    identifiers: set[str] = set()
    days: set[str] = set()
    for element in (it for dataset in datasets for it in all_elements(dataset)):
        if element.VR == "PN":
            names.update(word for value in values_of(element) for word in folded(value).split())
        elif element.keyword in IDENTIFIERS:
            identifiers.update(map(folded, values_of(element)))
        elif element.VR in {"DA", "DT"}:
            days.update(value[:8] for value in values_of(element) if re.match(r"\d{8}", value))
    return Identity(
        # Our own dummy names nobody: data may come de-identified.
        frozenset(name for name in names - {WORD} if len(name) >= LEAST_NAME),
        frozenset(it for it in identifiers - {WORD} if len(it) >= LEAST_IDENTIFIER),
        frozenset(days),
    )


def folded(text: str) -> str:
    """Runs of letters and digits in capitals, without accents, with single spaces between."""
    plain = unicodedata.normalize("NFKD", text).replace("ß", "ss").replace("ø", "o").replace("Ø", "O")
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", letters)).upper()


def _notations(text: str) -> Iterator[str]:
    """The text's digits, and its dates as YYYYMMDD where the day or the month stands first."""
    yield re.sub(r"[\s./-]", "", text)
    for first, second, year in re.findall(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", text, re.ASCII):
        yield f"{year}{int(second):02}{int(first):02}"
        yield f"{year}{int(first):02}{int(second):02}"
