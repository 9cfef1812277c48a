"""The documents before the tools that others judge them by: dciodvfy, dcentvfy, dcmtk, highdicom."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_charset_files, get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage, Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from dicom_node.report import Draft, findings_sr, narrative_sr, to_part10
from medvlm.contract import Reading
from tests.data import shared_data
from tests.unit.report.drafts import (
    box,
    crowded_reading,
    draft,
    finding,
    header,
    narrative,
    predecessor,
    reading,
)

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


@cache
def allowed(tool: str) -> re.Pattern[str]:
    """The lines that a tool may print; every row of the list needs its reason."""
    rows = tomllib.loads(Path(__file__).with_name("report_validators_allowed.toml").read_text("utf-8"))["allowed"]
    assert all(row["reason"] for row in rows)
    return re.compile("|".join(f"(?:{row['line']})" for row in rows if row["tool"] == tool))


def complaints(tool: str, command: list[str]) -> list[str]:
    """What the tool says against the document, less what is allowed, and its exit status if it is not 0."""
    run = subprocess.run(command, capture_output=True, check=False, timeout=60)
    said = run.stderr.decode("utf-8", "replace").splitlines()
    if tool != "dcmtk":  # whose standard output is the document
        said += run.stdout.decode("utf-8", "replace").splitlines()
    rest = [line for line in said if line.strip() and not allowed(tool).fullmatch(line.strip())]
    return rest + ([f"exit status {run.returncode}"] if run.returncode else [])


def dciodvfy_builds() -> list[str]:
    """The build installed with this Python and the system's: a second opinion."""
    found = [str(Path(sys.executable).with_name("dciodvfy")), "/usr/bin/dciodvfy", shutil.which("dciodvfy") or ""]
    return list(dict.fromkeys(path for path in found if path and Path(path).is_file()))


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> dict[str, Path]:
    """Every draft in every SOP class, as files."""
    folder = tmp_path_factory.mktemp("documents")
    files = {}
    for number, (name, made) in enumerate(drafts()):
        for build, sop_class_uid in DOCUMENTS:
            path = folder / f"{number}-{sop_class_uid}.dcm"
            path.write_bytes(to_part10(build(made, sop_class_uid)))
            files[f"{name}, {sop_class_uid}"] = path
    return files


@pytest.mark.parametrize("tool", dciodvfy_builds() or [pytest.param("", marks=pytest.mark.skip("no dciodvfy"))])
def test_dciodvfy_has_nothing_against_any_document(tool: str, documents: dict[str, Path]) -> None:
    found = {name: complaints("dciodvfy", [tool, "-new", str(path)]) for name, path in documents.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("tool", ["dsrdump", "dsr2html"])
def test_dcmtk_reads_every_content_tree(tool: str, documents: dict[str, Path]) -> None:
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")
    found = {name: complaints("dcmtk", [tool, "+U8", str(path)]) for name, path in documents.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_dcentvfy_finds_patient_and_study_equal_to_the_image_s(tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("dcentvfy")
    if not tool.is_file():
        pytest.skip("no dcentvfy")
    original = get_testdata_file("CT_small.dcm", download=False)
    source = read_header(original)
    paths = [tmp_path / "findings.dcm", tmp_path / "narrative.dcm"]
    for path, build in zip(paths, (findings_sr, narrative_sr), strict=True):
        path.write_bytes(to_part10(build(draft(reading=reading_of(source), sources=(source,)))))
    command = [str(tool), original, *map(str, paths)]
    assert complaints("dcentvfy", command) == []

    source.PatientID = "another"
    paths[0].write_bytes(to_part10(findings_sr(draft(reading=reading_of(source), sources=(source,)))))
    assert any("PatientID" in line for line in complaints("dcentvfy", command))


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (findings_sr, highdicom.sr.Comprehensive3DSR),
        (lambda made: findings_sr(made, ComprehensiveSRStorage), highdicom.sr.ComprehensiveSR),
        (narrative_sr, highdicom.sr.EnhancedSR),
    ],
)
def test_highdicom_reads_the_document_back(build, kind) -> None:
    document = pydicom.dcmread(BytesIO(to_part10(build(draft()))))
    assert kind.from_dataset(document).SOPInstanceUID == document.SOPInstanceUID


def test_highdicom_reads_a_document_without_any_region() -> None:
    document = pydicom.dcmread(BytesIO(to_part10(findings_sr(draft(reading=reading(findings=()))))))
    (group,) = highdicom.sr.Comprehensive3DSR.from_dataset(document).content.get_planar_roi_measurement_groups()
    assert group.tracking_identifier == "Whole image"


def test_highdicom_gives_every_region_back() -> None:
    made = draft()
    document = pydicom.dcmread(BytesIO(to_part10(findings_sr(made))))
    groups = highdicom.sr.Comprehensive3DSR.from_dataset(document).content.get_planar_roi_measurement_groups()
    drawn = [it for it in made.reading.findings if it.evidence]
    assert [group.tracking_uid for group in groups] == [it.tracking_uid for it in drawn]
    for group, shown in zip(groups, drawn, strict=True):
        (place,) = shown.evidence
        assert np.array_equal(group.roi.value[[0, 2]], [[place.x0, place.y0], [place.x1, place.y1]])
        assert group.get_measurements()[0].value == pytest.approx(100 * shown.probability, abs=0.1)
        assert group.finding_sites[0].laterality.meaning.lower() == shown.laterality


def test_the_tree_of_a_group_is_the_one_that_highdicom_writes() -> None:
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        ImageRegion,
        Measurement,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        SourceImageForRegion,
        TrackingIdentifier,
    )
    from pydicom.sr.coding import Code

    made = draft()
    shown = next(it for it in made.reading.findings if it.evidence)
    (place,) = shown.evidence
    corners = [(place.x0, place.y0), (place.x1, place.y0), (place.x1, place.y1), (place.x0, place.y1)]
    (oracle,) = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=shown.tracking_uid, identifier="Pleural effusion"),
        finding_type=Code("60046008", "SCT", "Pleural effusion"),
        finding_sites=[FindingSite(Code("3120008", "SCT", "Pleura"), laterality=Code("24028007", "SCT", "Right"))],
        algorithm_id=AlgorithmIdentification(
            name="medvlm-cxr",
            version="0.1.0",
            parameters=[f"weights {'ab' * 16}; profile default; calibration platt-2026-11"],
            family=Code("123110", "DCM", "Artificial Intelligence"),
        ),
        measurements=[
            Measurement(Code("111012", "DCM", "Certainty of Finding"), 91.0, unit=Code("%", "UCUM", "Percent"))
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(Code("121052", "DCM", "Presence of property"), Code("52101004", "SCT", "Present"))
        ],
        referenced_region=ImageRegion(
            highdicom.sr.GraphicTypeValues.POLYLINE,
            np.array([*corners, corners[0]], float),
            SourceImageForRegion(made.sources[0].SOPClassUID, made.sources[0].SOPInstanceUID),
        ),
        geometric_purpose=Code("75958009", "SCT", "Bounded by"),
    )
    root = findings_sr(made)
    measurements = next(it for it in root.ContentSequence if it.ConceptNameCodeSequence[0].CodeValue == "126010")
    assert outline(measurements.ContentSequence[0]) == outline(oracle)


def outline(content: Dataset) -> tuple[object, ...]:
    """Relationship, type, name and value of an item, and of all below it."""
    value = content.get("TextValue") or content.get("UID") or content.get("GraphicData")
    if "ConceptCodeSequence" in content:
        value = content.ConceptCodeSequence[0].CodeValue
    if "MeasuredValueSequence" in content:
        value = float(content.MeasuredValueSequence[0].NumericValue)
    return (
        content.get("RelationshipType"),
        content.ValueType,
        content.ConceptNameCodeSequence[0].CodeValue,
        list(value) if content.ValueType == "SCOORD" else value,
        tuple(outline(child) for child in content.get("ContentSequence", ())),
    )
