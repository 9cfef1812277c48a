"""The patient that an image's own header names, to be looked for in its pixels."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from medvlm.safeguards.burned_in.identity import KnownPatient


def header_patient(path: Path) -> KnownPatient:
    """Name and Patient ID; nobody where the header cannot be read.

    Not the birth date: knowing it makes other dates harmless, and the day of a study is none where patients are to
    stay unknown.
    """
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["PatientName", "PatientID"], force=True)
        return KnownPatient(str(header.get("PatientName") or ""), str(header.get("PatientID") or ""))
    except Exception:  # hostile bytes: a picture has no header at all
        return KnownPatient()
