"""The objects before the tools that others judge them by: dicom3tools, dcmtk, PixelMed, dcmqi, highdicom."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from dicom_node.report import findings_sr, narrative_sr, to_part10
from tests.integration.report_documents import read_header, reading_of, written
from tests.unit.report.drafts import box, crowded_reading, draft, finding, header, reading
from tests.unit.report.mutants import REFERENCE, Mutant
from tests.unit.report.versions import every_object, every_state
from tests.validators import (
    beside_python,
    complaints,
    dciodvfy_builds,
    dcmtk,
    needs_pixelmed,
    pixelmed,
    run,
    unused,
)

TREES = ("findings", "narrative", "kos")
"""The kinds of object that have a content tree."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> dict[str, Path]:
    return written(tmp_path_factory.mktemp("documents"))


@pytest.fixture(scope="module")
def trees(documents: dict[str, Path]) -> dict[str, Path]:
    """The objects with a content tree."""
    return {name: path for name, path in documents.items() if "1.2.840" in name or name.endswith(TREES)}


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> dict[str, Path]:
    """The structured reports and key objects of every state, and a region whose finding has no code."""
    folder = tmp_path_factory.mktemp("states")
    made = {
        f"{state} {kind}": dataset
        for state, version in every_state().items()
        for kind, dataset in every_object(version).items()
        if kind in TREES
    }
    uncoded = finding("pleural_thickening", "present", 0.7, "right", (box(),))
    made["uncoded region"] = findings_sr(draft(reading=reading(findings=(uncoded,))))
    files = {name: folder / f"{name}.dcm" for name in made}
    for name, path in files.items():
        path.write_bytes(to_part10(made[name]))
    return files


@pytest.fixture(scope="module")
def dciodvfy_says(documents: dict[str, Path]):
    """By build: what it says of every document."""

    @cache
    def said(build: str) -> dict[str, list[str]]:
        return {name: run([build, "-new", str(path)]) for name, path in documents.items()}

    return said


@pytest.fixture(scope="module")
def through_xml(states: dict[str, Path], tmp_path_factory) -> dict[str, tuple[list[str], Path]]:
    """What dsr2xml and xml2dsr say, and the copy that they make."""
    there, back, folder = dcmtk("dsr2xml"), dcmtk("xml2dsr"), tmp_path_factory.mktemp("xml")
    made = {}
    for name, path in states.items():
        xml, copy = folder / f"{path.stem}.xml", folder / path.name
        said = run([there, "+U8", str(path), str(xml)]) + run([back, str(xml), str(copy)])
        made[name] = (said, copy)
    return made


@pytest.fixture(scope="module")
def pixelmed_says(states: dict[str, Path]) -> dict[str, list[str]]:
    needs_pixelmed()
    said = pixelmed(states.values())
    return {name: said[path] for name, path in states.items()}


@pytest.mark.parametrize("build", dciodvfy_builds() or [pytest.param("", marks=pytest.mark.skip("no dciodvfy"))])
def test_dciodvfy_has_nothing_against_any_object_in_any_state(build: str, dciodvfy_says) -> None:
    found = {name: complaints("dciodvfy", lines) for name, lines in dciodvfy_says(build).items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("tool", ["dsrdump", "dsr2html"])
def test_dcmtk_reads_every_content_tree(tool: str, trees: dict[str, Path]) -> None:
    program = dcmtk(tool)
    said = {name: run([program, "+U8", str(path)], document_on_stdout=True) for name, path in trees.items()}
    found = {name: complaints("dcmtk", lines) for name, lines in said.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_dcmtk_gives_every_content_tree_back_from_xml(through_xml, states: dict[str, Path]) -> None:
    for name, (lines, copy) in through_xml.items():
        assert complaints("dcmtk", lines) == [], name
        assert outline(pydicom.dcmread(copy)) == outline(pydicom.dcmread(states[name])), name


def test_pixelmed_finds_the_template_and_completes_every_state(pixelmed_says, states: dict[str, Path]) -> None:
    for name, lines in pixelmed_says.items():
        template = pydicom.dcmread(states[name]).ContentTemplateSequence[0].TemplateIdentifier
        assert any(line.startswith(f"Found Root Template TID_{template} ") for line in lines), name
        assert lines[-1] == "IOD validation complete", name


def test_pixelmed_has_nothing_against_any_state(pixelmed_says) -> None:
    found = {name: complaints("pixelmed", lines) for name, lines in pixelmed_says.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_every_line_of_the_allow_list_is_needed(dciodvfy_says, pixelmed_says, through_xml, tmp_path: Path) -> None:
    """A line that no tool says any more is mended, or was a mistake: it goes."""
    of_dciodvfy = [line for build in dciodvfy_builds() for lines in dciodvfy_says(build).values() for line in lines]
    of_pixelmed = [line for lines in pixelmed_says.values() for line in lines]
    of_dcmtk = [line for lines, _ in through_xml.values() for line in lines]
    left = {
        "dciodvfy": unused("dciodvfy", of_dciodvfy),
        "pixelmed": unused("pixelmed", of_pixelmed),
        "dcmtk": unused("dcmtk", of_dcmtk),
        "dcentvfy": unused("dcentvfy", run(dcentvfy_of_a_study(tmp_path))),
    }
    assert {tool: messages for tool, messages in left.items() if messages} == {}


def dcentvfy_of_a_study(folder: Path, **changes: str) -> list[str]:
    """The command over a CT image and its reports, which were made of a header with these changes."""
    original = get_testdata_file("CT_small.dcm", download=False)
    source = read_header(original)
    for keyword, value in changes.items():
        setattr(source, keyword, value)
    made = draft(reading=reading_of(source), sources=(source,))
    paths = [folder / "findings.dcm", folder / "narrative.dcm"]
    for path, build in zip(paths, (findings_sr, narrative_sr), strict=True):
        path.write_bytes(to_part10(build(made)))
    return [str(beside_python("dcentvfy")), original, *map(str, paths)]


@pytest.mark.skipif(not beside_python("dcentvfy").is_file(), reason="no dcentvfy")
def test_dcentvfy_finds_patient_and_study_equal_to_the_image_s(tmp_path: Path) -> None:
    assert complaints("dcentvfy", run(dcentvfy_of_a_study(tmp_path))) == []
    of_another = complaints("dcentvfy", run(dcentvfy_of_a_study(tmp_path, PatientID="another")))
    assert any("PatientID" in line for line in of_another)


@pytest.mark.parametrize("mutant", [it for it in REFERENCE if it.public], ids=lambda it: it.name)
def test_five_of_the_seventeen_mutants_fall_to_a_public_tool(mutant: Mutant, tmp_path: Path) -> None:
    """The lint finds these too (`test_sr_lint`); the other twelve it finds alone."""
    good, bad, image = (tmp_path / name for name in ("good.dcm", "bad.dcm", "image.dcm"))
    good.write_bytes(to_part10(mutant.good()))
    bad.write_bytes(spoiled(mutant))
    image.write_bytes(to_part10(header(PatientName="Müller^Jörg")))
    tool = dcmtk("dsrdump") if mutant.public == "dsrdump" else str(beside_python(mutant.public))
    if not Path(tool).is_file():
        pytest.skip(f"no {mutant.public}")
    before, after = ([tool, *([str(image)] if mutant.public == "dcentvfy" else []), str(it)] for it in (good, bad))
    assert errors(run(after)) - errors(run(before))


def errors(lines: list[str]) -> set[str]:
    return {line for line in lines if line.startswith(("Error", "E:"))}


def spoiled(mutant: Mutant) -> bytes:
    """The mutant's file. Without a character set the name keeps its UTF-8 bytes, which no library would write."""
    if "character_set" not in mutant.rules:
        return to_part10(mutant.made())
    element = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192"
    whole = to_part10(mutant.good())
    assert whole.count(element) == 1
    return whole.replace(element, b"")


def test_dcmqi_reads_the_groups_of_the_reading(tmp_path: Path) -> None:
    tool = beside_python("tid1500reader")
    if not tool.is_file():
        pytest.skip("no tid1500reader: pip install dcmqi")
    made = draft(reading=crowded_reading())
    path, out = tmp_path / "findings.dcm", tmp_path / "findings.json"
    path.write_bytes(to_part10(findings_sr(made)))
    subprocess.run([tool, "--inputDICOM", path, "--outputMetadata", out], check=True, capture_output=True, timeout=60)
    groups = json.loads(out.read_text("utf-8"))["Measurements"]
    drawn = [it for it in made.reading.findings if it.evidence]
    assert [group["TrackingUniqueIdentifier"] for group in groups] == [it.tracking_uid for it in drawn]
    by_uid = {named_value(group, "112040").UID: group for group in measurement_groups(findings_sr(made))}
    for group, shown in zip(groups, drawn, strict=True):
        own = by_uid[shown.tracking_uid]
        (certainty,) = group["measurementItems"]
        assert float(certainty["value"]) == pytest.approx(100 * shown.probability, abs=0.1)
        assert certainty["units"]["CodeValue"] == "%"
        assert group["Finding"]["CodeValue"] == named_value(own, "121071").ConceptCodeSequence[0].CodeValue
        assert group["FindingSite"]["CodeValue"] == named_value(own, "363698007").ConceptCodeSequence[0].CodeValue
        assert group["Laterality"]["CodeMeaning"].lower() == shown.laterality
        assert group["measurementAlgorithmIdentification"]["AlgorithmVersion"] == made.reading.model.version


def measurement_groups(root: Dataset) -> list[Dataset]:
    return list(named_value(root, "126010").ContentSequence)


def named_value(parent: Dataset, value: str) -> Dataset:
    return next(it for it in parent.ContentSequence if it.ConceptNameCodeSequence[0].CodeValue == value)


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
    value = next(
        (content[word].value for word in ("TextValue", "UID", "PersonName", "GraphicData") if word in content), ""
    )
    if "ReferencedSOPSequence" in content:
        value = content.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    if "ConceptCodeSequence" in content:
        value = content.ConceptCodeSequence[0].CodeValue
    if "MeasuredValueSequence" in content:
        value = float(content.MeasuredValueSequence[0].NumericValue)
    return (
        content.get("RelationshipType"),
        content.ValueType,
        [name.CodeValue for name in content.get("ConceptNameCodeSequence", ())],
        list(value) if content.ValueType == "SCOORD" else value,
        tuple(outline(child) for child in content.get("ContentSequence", ())),
    )
