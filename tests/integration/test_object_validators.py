"""Companions read back by others: presentation states by dcmtk, key objects and findings by highdicom."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from dicom_node.report import findings_sr, to_part10
from dicom_node.report.presentation_state import presentation_states
from tests.unit.report.drafts import box, draft, finding, header, reading
from tests.unit.report.versions import every_object, every_state
from tests.validators import dcmtk, run

PIXELS = {
    **{"SamplesPerPixel": 1, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0},
    **{"WindowCenter": "2000", "WindowWidth": "1500", "RescaleSlope": "1", "RescaleIntercept": "-100"},
}


def test_dcmtk_loads_the_presentation_state_of_every_state(tmp_path: Path) -> None:
    for state, version in every_state().items():
        for number, made in enumerate(presentation_states(version)):
            path = tmp_path / f"{state}-{number}.dcm"
            path.write_bytes(to_part10(made))
            said = "\n".join(run([dcmtk("dcmpschk"), str(path)]))
            # It calls a date-time with an offset wrong whose value fits the very format that it prints.
            wrong = set(re.findall(r"Affected attribute: (\w+)", said)) - {"ContributionDateTime"}
            assert ("Testing" in said, wrong) == (True, set()), said


@pytest.mark.parametrize(
    "polarity",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME2"},
    ],
)
def test_dcmtk_shows_an_image_through_its_presentation_state_as_it_shows_it_by_itself(
    polarity: dict[str, str], tmp_path: Path
) -> None:
    image, state = tmp_path / "image.dcm", tmp_path / "state.dcm"
    source = header(Rows=100, Columns=120, **PIXELS, **polarity)
    source.PixelData = (np.add.outer(np.arange(100), np.arange(120)) * 18).astype("<u2").tobytes()
    image.write_bytes(to_part10(source))
    drawn = reading(findings=(finding("mass", evidence=(box(10, 10, 50, 40),)),))
    (made,) = presentation_states(draft(reading=drawn, sources=(source,)))
    state.write_bytes(to_part10(made))
    alone, through = tmp_path / "alone.pgm", tmp_path / "through.pgm"
    assert run([dcmtk("dcmp2pgm"), str(image), str(alone)]) == []
    assert run([dcmtk("dcmp2pgm"), "-p", str(state), str(image), str(through)]) == []
    assert through.read_bytes() == alone.read_bytes()
    assert len(set(through.read_bytes())) > 50  # grey, not black or white


@pytest.mark.parametrize("state", ["draft", "signed"])
def test_highdicom_resolves_the_images_of_the_key_objects(state: str) -> None:
    version = every_state()[state]
    document = pydicom.dcmread(BytesIO(to_part10(every_object(version)["kos"])))
    selection = highdicom.ko.KeyObjectSelectionDocument.from_dataset(document)
    image = version.draft.sources[0]
    assert selection.resolve_reference(image.SOPInstanceUID) == (
        image.StudyInstanceUID,
        image.SeriesInstanceUID,
        image.SOPInstanceUID,
    )


def test_highdicom_reads_the_verified_findings_with_the_person_s_own() -> None:
    document = pydicom.dcmread(BytesIO(to_part10(findings_sr(every_state()["signed"]))))
    report = highdicom.sr.Comprehensive3DSR.from_dataset(document)
    groups = report.content.get_planar_roi_measurement_groups()
    assert "2.25.71" in [group.tracking_uid for group in groups]
