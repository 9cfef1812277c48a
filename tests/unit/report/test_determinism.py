"""The same draft is the same object, in every process and in every SOP class."""

from __future__ import annotations

import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.uid import BasicTextSRStorage, Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from dicom_node.report import FALLBACKS, NotReportable, as_sop_class, findings_sr, narrative_sr, to_part10
from tests.unit.report.drafts import CREATED, EQUIPMENT, MODEL, draft, finding, reading

BUILD = """
import hashlib
from dicom_node.report import findings_sr, narrative_sr, to_part10
from tests.unit.report.drafts import draft
for build in (findings_sr, narrative_sr):
    print(hashlib.sha256(to_part10(build(draft()))).hexdigest())
"""


def test_two_builds_in_two_processes_are_byte_equal() -> None:
    root = Path(__file__).resolve().parents[3]
    runs = [
        subprocess.run(
            [sys.executable, "-c", BUILD], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].split()) == 2


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
