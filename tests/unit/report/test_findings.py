"""Findings SR: regions in groups, everything else at report level, nothing lost and nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_node.report import NotReportable, findings_sr
from tests.unit.report.drafts import IMAGE_UID, box, crowded_reading, draft, finding, header, narrative, reading
from tests.unit.report.trees import named, texts

GROUP, EVALUATIONS, REGION, COMMENT = "125007", "C0034375", "111030", "121106"


def of(*findings, **changes):
    """The findings SR of a draft with these findings."""
    return findings_sr(draft(reading=reading(findings=findings, narrative=narrative(findings)), **changes))


def test_a_box_becomes_a_closed_rectangle_without_a_shift() -> None:
    document = of(finding("effusion", evidence=(box(10, 20, 30.5, 40),)))
    (region,) = named(document, REGION)
    assert region.GraphicType == "POLYLINE"
    assert list(region.GraphicData) == [10, 20, 30.5, 20, 30.5, 40, 10, 40, 10, 20]
    (source,) = region.ContentSequence
    assert source.RelationshipType == "SELECTED FROM"
    assert source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == IMAGE_UID
    assert "ReferencedFrameNumber" not in source.ReferencedSOPSequence[0]


def test_a_region_of_a_multi_frame_image_names_its_frame() -> None:
    document = of(finding("effusion", evidence=(box(frame=3),)), sources=(header(NumberOfFrames=5),))
    assert named(document, REGION)[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 3


edges = st.tuples(st.floats(0, 2000, width=32), st.floats(0, 2500, width=32))


@settings(max_examples=50, deadline=None)
@given(edges, edges)
def test_every_region_lies_inside_its_image(corner, size) -> None:
    evidence = box(corner[0], corner[1], corner[0] + size[0] + 1, corner[1] + size[1] + 1)
    for region in named(of(finding("effusion", evidence=(evidence,))), REGION):
        columns, rows = region.GraphicData[0::2], region.GraphicData[1::2]
        assert 0 <= min(columns) < max(columns) <= 2000
        assert 0 <= min(rows) < max(rows) <= 2500


def test_a_region_outside_the_image_is_left_out_in_words_and_the_finding_stays() -> None:
    document = of(finding("effusion", evidence=(box(3000, 10, 3100, 20),)))
    assert any("lies outside the image" in line for line in texts(document))
    assert [it.ConceptNameCodeSequence[0].CodeValue for it in evaluations(document)] == ["60046008"]


def test_several_boxes_of_a_finding_are_several_groups_with_their_own_tracking_uid() -> None:
    document = of(finding("nodule", evidence=(box(10, 10, 20, 20), box(50, 50, 60, 60))))
    groups = named(document, GROUP)
    tracked = [named(group, "112040")[0].UID for group in groups]
    assert tracked[0] == finding("nodule").tracking_uid
    assert len(set(tracked)) == len({group.ObservationUID for group in groups}) == 2
    assert [named(group, "112039")[0].TextValue for group in groups] == ["Nodule 1", "Nodule 2"]


def test_a_finding_is_either_in_a_group_or_at_report_level() -> None:
    document = findings_sr(draft())
    grouped = [named(group, "121071")[0].ConceptCodeSequence[0].CodeMeaning for group in named(document, GROUP)]
    listed = [it.ConceptNameCodeSequence[0].CodeMeaning for it in evaluations(document)]
    assert grouped == ["Pleural effusion", "Opacity"]
    assert listed == ["Abnormal", "Mass", "Finding", "Cardiomegaly", "Pneumothorax"]


def test_every_group_has_coordinates_and_a_tracking_uid() -> None:
    document = findings_sr(draft(reading=crowded_reading()))
    groups = named(document, GROUP)
    assert len(groups) == 30
    assert all(len(named(group, REGION)) == len(named(group, "112040")) == 1 for group in groups)


def test_what_is_absent_is_not_drawn() -> None:
    document = of(finding("effusion", "absent", 0.02, evidence=(box(),)))
    assert len(evaluations(document)) == 1
    (group,) = named(document, GROUP)
    assert named(group, "112039")[0].TextValue == "Whole image"


@pytest.mark.parametrize(
    ("findings", "meaning"),
    [
        ((finding("abnormality", "absent", 0.05), finding("mass", "absent", 0.05)), "Normal"),
        ((finding("mass", "absent", 0.05),), "Normality Undetermined"),
        ((finding("abnormality", "absent", 0.05), finding("mass", "indeterminate", 0.4)), "Normality Undetermined"),
        ((finding("abnormality", "absent", 0.3), finding("mass", "present", 0.9)), "Abnormal"),
        ((), "Normality Undetermined"),
    ],
)
def test_without_any_region_one_group_stands_for_the_whole_image(findings, meaning: str) -> None:
    (group,) = named(of(*findings), GROUP)
    assert named(group, "121071")[0].ConceptCodeSequence[0].CodeMeaning == meaning
    assert list(named(group, REGION)[0].GraphicData) == [0, 0, 2000, 0, 2000, 2500, 0, 2500, 0, 0]
    assert named(group, "111012") == []


def test_an_image_of_unknown_extent_has_no_whole_image_group() -> None:
    document = of(finding("mass"), sources=(header(Rows=None),))
    assert named(document, GROUP) == []
    assert len(evaluations(document)) == 1


@pytest.mark.parametrize(
    ("presence", "value"), [("present", "52101004"), ("absent", "272519000"), ("indeterminate", "373068000")]
)
def test_presence_and_certainty_are_the_reading_s(presence, value: str) -> None:
    (evaluation,) = evaluations(of(finding("mass", presence, 0.1234)))
    assert evaluation.ConceptCodeSequence[0].CodeValue == value
    (certainty,) = named(evaluation, "111012")
    assert float(certainty.MeasuredValueSequence[0].NumericValue) == pytest.approx(12.34, abs=0.1)


def test_a_finding_without_a_code_goes_out_in_words() -> None:
    (evaluation,) = evaluations(of(finding("pleural_thickening")))
    assert evaluation.ConceptNameCodeSequence[0].CodeValue == "404684003"
    assert named(evaluation, COMMENT)[0].TextValue == "Pleural thickening"


@pytest.mark.parametrize(("side", "code"), [("right", "24028007"), ("left", "7771000"), ("bilateral", "51440002")])
def test_a_side_is_stated_where_the_reading_has_one(side, code: str) -> None:
    (stated,) = named(of(finding("effusion", laterality=side)), "272741003")
    assert stated.ConceptCodeSequence[0].CodeValue == code


def test_no_side_is_guessed() -> None:
    assert named(of(finding("effusion")), "272741003") == []


def test_the_first_words_are_the_warning_and_the_rest_is_said() -> None:
    lines = texts(findings_sr(draft()))
    assert lines[0] == "AI-generated draft. Not verified. For evaluation, not for clinical use."
    assert "Not assessed: pulmonary fibrosis, diaphragmatic hernia." in lines
    assert "Warning: The image has fewer pixels than the model was trained on." in lines


def test_a_region_on_an_unknown_image_is_refused() -> None:
    with pytest.raises(NotReportable, match="not among the sources"):
        of(finding("effusion", evidence=(box(sop_instance_uid="2.25.404"),)))


def evaluations(document):
    """The coded evaluations of the report level."""
    (listed,) = named(document, EVALUATIONS)
    return [it for it in listed.ContentSequence if it.ValueType == "CODE"]
