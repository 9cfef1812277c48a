"""The same draft is the same object, in every process and in every SOP class."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage, Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from dicom_node.report import FALLBACKS, NotReportable, as_sop_class, findings_sr, narrative_sr, to_part10
from tests.unit.report.drafts import CREATED, EQUIPMENT, MODEL, draft, finding, reading
from tests.unit.report.trees import named

BUILD = """
import hashlib
from dicom_node.report import to_part10
from tests.unit.report.versions import every_object, every_state
for state, version in every_state().items():
    for kind, made in every_object(version).items():
        print(state, kind, hashlib.sha256(to_part10(made)).hexdigest())
"""

MADE_OF_THE_MODEL = {
    *("SOPInstanceUID", "DeviceUID", "ObservationUID", "UID", "SoftwareVersions", "ContributionDescription"),
    "TextValue",  # algorithm version and parameters, and the line that names the model
}


def test_every_object_of_every_state_is_byte_equal_in_two_processes() -> None:
    root = Path(__file__).resolve().parents[3]
    runs = [
        subprocess.run(
            [sys.executable, "-c", BUILD], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) > 20


@pytest.mark.parametrize("part", ["version", "weights_digest", "adapter_digest", "profile"])
@pytest.mark.parametrize("build", [findings_sr, narrative_sr])
def test_another_model_changes_what_is_made_of_it_and_nothing_else(build, part: str) -> None:
    changed = draft(reading=reading(model=MODEL.model_copy(update={part: "cd" * 32})))
    one, other = dict(values(build(draft()))), dict(values(build(changed)))
    differing = {place[-1] for place in {*one, *other} if one.get(place) != other.get(place)}
    assert {"SOPInstanceUID", "DeviceUID", "UID"} <= differing <= MADE_OF_THE_MODEL
    tracked = [[it.UID for it in named(build(made), "112040")] for made in (draft(), changed)]
    assert tracked[0] == tracked[1]


def values(dataset: Dataset, place: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], str]]:
    """Every value at any depth by its place."""
    for element in dataset:
        if element.VR != "SQ":
            yield (*place, element.keyword), str(element.value)
            continue
        for number, item in enumerate(element.value):
            yield from values(item, (*place, element.keyword, number))


@pytest.mark.parametrize(
    "changed",
    [
        draft(version=2),
        draft(reading=reading(created=CREATED + timedelta(microseconds=1))),
        draft(reading=reading(model=MODEL.model_copy(update={"adapter_digest": "cd" * 32}))),
        draft(reading=reading(findings=(finding("effusion"),))),
    ],
    ids=["version", "moment", "adapter", "findings"],
)
def test_another_reading_or_version_is_another_instance_in_the_same_series(changed) -> None:
    one, other = findings_sr(draft()), findings_sr(changed)
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.SeriesInstanceUID == other.SeriesInstanceUID


@pytest.mark.parametrize("part", ["version", "weights_digest", "adapter_digest", "profile", "calibration"])
def test_any_change_of_the_model_is_another_device(part: str) -> None:
    changed = draft(reading=reading(model=MODEL.model_copy(update={part: "changed"})))
    one, other = findings_sr(draft()), findings_sr(changed)
    assert one.ContributingEquipmentSequence[0].DeviceUID != other.ContributingEquipmentSequence[0].DeviceUID
    assert one.StudyInstanceUID == other.StudyInstanceUID


def test_another_node_makes_other_uids() -> None:
    other = replace(EQUIPMENT, uid_root=uuid.UUID(int=1))
    assert findings_sr(draft()).SOPInstanceUID != findings_sr(draft(equipment=other)).SOPInstanceUID


@pytest.mark.parametrize(
    ("build", "first", "fallback"),
    [
        (findings_sr, Comprehensive3DSRStorage, ComprehensiveSRStorage),
        (narrative_sr, EnhancedSRStorage, BasicTextSRStorage),
    ],
)
def test_a_fallback_copy_is_the_same_tree_under_its_own_uid(build, first: str, fallback: str) -> None:
    original = build(draft())
    copy = as_sop_class(original, fallback, EQUIPMENT)
    assert FALLBACKS[first] == (fallback,)
    assert copy.SOPClassUID == fallback
    assert copy.SOPInstanceUID != original.SOPInstanceUID
    assert copy.ContentSequence == original.ContentSequence
    assert to_part10(copy) == to_part10(build(draft(), fallback))
    assert original.SOPClassUID == first


def test_a_class_that_cannot_hold_the_tree_is_refused() -> None:
    with pytest.raises(NotReportable, match="cannot hold"):
        findings_sr(draft(), EnhancedSRStorage)


def test_writing_leaves_the_data_set_as_it_was() -> None:
    document = findings_sr(draft())
    assert to_part10(document) == to_part10(document)
    assert not hasattr(document, "file_meta")
