"""Every object de-identified, or left out with its reason; the rest goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from dicom_node.deidentify import Deidentifier, Identity, Key, Options, Refused, Wording, identity_of, refusal
from dicom_node.deidentify.nested import all_elements
from dicom_node.export.collect import Stored
from dicom_node.export.outcome import LeftOut, Written
from dicom_node.export.pixels import TextReader, text_refusal
from dicom_node.report.files import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_node.report.header import read_text

LEAST_NEEDLE = 6
"""Signs of an identifier that is looked for in the bytes of a file: shorter ones occur in pixels by chance, and ones
without a digit ("UNKNOWN", "PATIENT") are also words of the standard."""


@dataclass(frozen=True)
class Cleaner:
    """One study's. `needles` are identifiers of the patient, the study and its series, which no file may hold."""

    deidentifier: Deidentifier
    reader: TextReader
    needles: tuple[str, ...]

    @property
    def key(self) -> Key:
        return self.deidentifier.key

    def cleaned(self, stored: Iterable[Stored], folder: Path) -> Iterator[Written | LeftOut]:
        """Written below `folder` as SERIES/INSTANCE.dcm, under their new UIDs."""
        for one in stored:
            uid = self.key.uid(one.sop_instance_uid)
            made = self._part10(one)
            if isinstance(made, Refused):
                yield LeftOut.of(_class_in_words(one), uid, made)
                continue
            target = folder / self.key.uid(one.series_uid) / f"{uid}.dcm"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made)
            yield Written(str(target.relative_to(folder)), one.sop_class_uid, uid)

    def _part10(self, one: Stored) -> bytes | Refused:
        if one.second:
            return Refused("second_content")
        source = read(one)
        if source is None:
            return Refused("unreadable")
        refused = refusal(source) or text_refusal(one, source, self.reader)
        if refused:
            return refused
        try:
            made = part10(self.deidentifier.deidentified(source), transfer_syntax(source))
        except Exception:
            # Headers of the world raise whatever a parser trips over: what cannot be walked does not leave.
            return Refused("unreadable")
        needles = (*self.needles, one.sop_instance_uid)
        return Refused("still_identifies") if any(holds(made, it) for it in needles) else made


def cleaner(stored: Sequence[Stored], options: Options, key: Key, wording: Wording, reader: TextReader) -> Cleaner:
    headers = [header for one in stored if (header := read(one, pixels=False)) is not None]
    patient = next((name for header in headers if (name := _patient(header))), stored[0].study_uid if stored else "")
    identity: Identity = identity_of(headers)
    return Cleaner(Deidentifier(options, key, patient, identity, wording), reader, _needles(stored, headers))


def read(one: Stored, *, pixels: bool = True) -> Dataset | None:
    """None for a file that is gone or no DICOM object."""
    try:
        return dcmread(one.path, stop_before_pixels=not pixels, force=True)
    except Exception:
        # As where it is written: a parser raises whatever it trips over.
        return None


def transfer_syntax(source: Dataset) -> UID:
    meta = getattr(source, "file_meta", Dataset())
    return UID(meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))


def part10(dataset: Dataset, syntax: UID) -> bytes:
    """The file in the source's transfer syntax. Preamble and file meta are new: both may hold a sender's data."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def holds(content: bytes, identifier: str) -> bool:
    """Whether the identifier stands there, not as a part of a longer number: new UIDs are long ones."""
    plain = identifier.encode()  # looked for first: far faster than the expression
    return plain in content and re.search(rb"(?<![0-9.])" + re.escape(plain) + rb"(?![0-9])", content) is not None


def dangling(folder: Path, written: Sequence[Written], left_out: Sequence[LeftOut]) -> int:
    """How many of the instances that were left out the files refer to."""
    absent, named = {it.sop_instance_uid for it in left_out}, set()
    for one in written if left_out else ():
        header = dcmread(folder / one.path, stop_before_pixels=True)
        named |= {str(it.value) for it in all_elements(header) if it.keyword == "ReferencedSOPInstanceUID"}
    return len(absent & named)


def _patient(header: Dataset) -> str:
    identifier = read_text(header, "PatientID")
    return f"{read_text(header, 'IssuerOfPatientID')}|{identifier}" if identifier else ""


def _needles(stored: Iterable[Stored], headers: Iterable[Dataset]) -> tuple[str, ...]:
    uids = {uid for one in stored for uid in (one.study_uid, one.series_uid)}
    said = {read_text(header, keyword) for header in headers for keyword in ("PatientID", "AccessionNumber")}
    return tuple(it for it in sorted(uids | said) if len(it) >= LEAST_NEEDLE and re.search(r"\d", it))


def _class_in_words(one: Stored) -> str:
    """A private class may be named after its owner."""
    return one.sop_class_uid if one.sop_class_uid.startswith("1.2.840.10008.") else "private"
