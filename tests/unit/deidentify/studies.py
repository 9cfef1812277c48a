"""A study whose headers are full of people, identifiers and dates, at every depth."""

from __future__ import annotations

from io import BytesIO

import pydicom
from pydicom.dataset import Dataset

from dicom_node.deidentify import Deidentifier, Key, Options, Wording, identity_of
from dicom_node.deidentify.options import DateHandling
from dicom_node.export.own_words import own_words
from dicom_node.report import Draft, to_part10
from dicom_node.report.version import Version
from tests.unit.report.drafts import draft, header
from tests.unit.report.versions import every_object, every_state

KEY = Key(bytes(range(32)))

PEOPLE = ("Zwiebelmann", "Ottokar", "Quastenflosser", "Überweiser", "Ludmilla")
IDENTIFIERS = ("PID-4711-X", "ACC-0815-Y", "ORDER-3141", "Krankenhaus Sankt Beispiel")
DATES = ("20261123", "19500102", "20250704")


def film(**values: object) -> Dataset:
    """A film's header: names in nested sequences, private elements, an overlay."""
    elements: dict[str, object] = {
        "PatientName": "Zwiebelmann^Ottokar",
        "PatientID": "PID-4711-X",
        "AccessionNumber": "ACC-0815-Y",
        "ReferringPhysicianName": "Überweiser^Ludmilla",
        "InstitutionName": "Krankenhaus Sankt Beispiel",
        "StudyDescription": "Chest PA Zwiebelmann",
        "SeriesDescription": "Thorax stehend 20261123",
        "ImageComments": "Herr Zwiebelmann, geb. 02.01.1950",
        "AcquisitionDate": "20261123",
        "Manufacturer": "Sonographic",
        "DeviceSerialNumber": "SER-99887",
        "BurnedInAnnotation": "NO",
        "ImageType": ["ORIGINAL", "PRIMARY"],
    }
    source = header(**(elements | values))
    request = Dataset()
    request.RequestedProcedureID = "ORDER-3141"
    request.ReasonForTheRequestedProcedure = "Zwiebelmann hustet seit 04.07.2025"
    source.RequestAttributesSequence = [request]
    device = Dataset()
    device.Manufacturer = "Archive of Krankenhaus Sankt Beispiel"
    device.ContributionDateTime = "20261123101500.123+0100"
    device.StationName = "ROOM7"
    step = Dataset()
    step.OperatorsName = "Quastenflosser^Ludmilla"
    step.SecondaryReviewerName = "Quastenflosser^Ludmilla"
    device.DerivationCodeSequence = [step]
    source.ContributingEquipmentSequence = [device]
    block = source.private_block(0x0011, "ZWIEBEL", create=True)
    block.add_new(1, "LO", "Zwiebelmann")
    source.add_new(0x60000010, "US", 2)
    source.add_new(0x60001500, "LO", "Zwiebelmann")
    source.add_new(0x60003000, "OW", b"\1\2")
    return source


def report(source: Dataset | None = None) -> Draft:
    return draft(sources=(source or film(),))


def parsed(made: Dataset) -> Dataset:
    """As a receiver reads it from its bytes."""
    return pydicom.dcmread(BytesIO(to_part10(made)))


def deidentifier(*datasets: Dataset, dates: DateHandling = "removed", wording: Wording | None = None) -> Deidentifier:
    known = wording or own_words([report().reading])
    return Deidentifier(Options(dates), KEY, "|PID-4711-X", identity_of(datasets), known)


def objects() -> dict[str, Dataset]:
    """Every structured report, key object selection and presentation state in every state."""
    return {
        f"{state}, {kind}": parsed(made)
        for state, version in _states().items()
        for kind, made in every_object(version).items()
        if kind.split()[0] in {"findings", "narrative", "kos", "gsps"}
    }


def _states() -> dict[str, Version]:
    return every_state(report())
