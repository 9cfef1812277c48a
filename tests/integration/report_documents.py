"""The objects that are put before the validators: every draft over every header at hand, every state of a report."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.data import get_charset_files, get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    XRayAngiographicImageStorage,
)

from dicom_node.report import Draft, findings_sr, narrative_sr, to_part10
from dicom_node.report.version import Version
from medvlm.contract import Reading
from tests.data import shared_data
from tests.unit.report.drafts import box, crowded_reading, draft, finding, header, narrative, predecessor, reading
from tests.unit.report.versions import companions, every_object, every_state

DOCUMENTS = (
    (findings_sr, Comprehensive3DSRStorage),
    (findings_sr, ComprehensiveSRStorage),
    (narrative_sr, EnhancedSRStorage),
    (narrative_sr, BasicTextSRStorage),
)

IDENTITY = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
    "SOPInstanceUID": "2.25.31",
    "StudyInstanceUID": "2.25.32",
    "SeriesInstanceUID": "2.25.33",
}


ABSENT = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate"),
    *("StudyTime", "ReferringPhysicianName", "StudyDescription", "Modality", "Rows", "Columns"),
)


def identified(source: Dataset) -> Dataset:
    """The header with whatever identity it lacks: files about character sets have none."""
    for keyword, uid in IDENTITY.items():
        if not source.get(keyword):
            setattr(source, keyword, uid)
    return source


def read_header(path: Path | str) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return identified(pydicom.dcmread(path, stop_before_pixels=True, force=True))


def reading_of(source: Dataset) -> Reading:
    """A reading that fits the image: a region in its middle, if it has an extent."""
    columns, rows = int(source.get("Columns") or 0), int(source.get("Rows") or 0)
    middle = box(columns / 4, rows / 4, columns / 2, rows / 2, sop_instance_uid=source.SOPInstanceUID) if rows else None
    shown = (
        finding("effusion", "present", 0.91, "right", (middle,) if middle else ()),
        finding("pleural_thickening", "indeterminate", 0.4),
    )
    return reading(study_uid=source.StudyInstanceUID, findings=shown, narrative=narrative(shown))


def odd_headers() -> dict[str, Dataset]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "plain": header(),
            "bare": header(**dict.fromkeys(ABSENT)),
            "empty name": header(PatientName=""),
            "sex U": header(PatientSex="U"),
            "bad dates": header(PatientBirthDate="19500230", StudyDate="UNKNOWN", StudyTime="noon"),
            "long name": header(PatientName="A" * 70),
            "long description": header(StudyDescription="B" * 90),
            "multi-frame": header(SOPClassUID=XRayAngiographicImageStorage, Modality="XA", NumberOfFrames=3),
            "umlaut": header(PatientName="Müller^Jörg", TimezoneOffsetFromUTC="+0100"),
            "kanji": header(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう"),
        }


def library_headers() -> dict[str, Dataset]:
    """Files that ship with pydicom: modalities and character sets."""
    names = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "eCT_Supplemental.dcm")
    images = {name: get_testdata_file(name, download=False) for name in names}
    charsets = {Path(path).name: path for path in get_charset_files("chr[GJKRX]*.dcm")}
    return {name: read_header(path) for name, path in (images | charsets).items() if path}


def film_headers() -> dict[str, Dataset]:
    folder = shared_data()
    films = [*(folder / "dicom").glob("*chest*.dcm"), folder / "dicom" / "dx_thorax_small.dcm"] if folder else []
    return {path.name: read_header(path) for path in films if path.is_file()}


def sources() -> dict[str, Dataset]:
    return odd_headers() | library_headers() | film_headers()


def drafts() -> Iterator[tuple[str, Draft]]:
    for name, source in sources().items():
        yield name, draft(reading=reading_of(source), sources=(source,))
    yield "realistic", draft()
    yield "nothing drawn", draft(reading=reading(findings=(finding("abnormality", "absent", 0.04),)))
    yield "no finding", draft(reading=reading(findings=()))
    yield "crowded", draft(reading=crowded_reading())
    yield (
        "second version",
        draft(version=2, predecessors=tuple(predecessor(uid, n) for n, (_, uid) in enumerate(DOCUMENTS))),
    )


def written(folder: Path) -> dict[str, Path]:
    """Every draft in every SOP class and with its companions, every object in every state, as files."""
    made = {
        f"{name}, {sop_class_uid}": build(of, sop_class_uid)
        for name, of in drafts()
        for build, sop_class_uid in DOCUMENTS
    }
    made |= {
        f"{state}, {kind}": dataset
        for state, version in every_state().items()
        for kind, dataset in every_object(version).items()
    }
    made |= {f"{name}, {kind}": dataset for name, of in drafts() for kind, dataset in companions(Version(of))}
    files = {name: folder / f"{number}.dcm" for number, name in enumerate(made)}
    for name, path in files.items():
        path.write_bytes(to_part10(made[name]))
    return files
