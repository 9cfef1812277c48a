"""Presentation states, key objects, the page and the pictures: what they show, where, and how they say what it is."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicom_node.report import Draft, to_part10
from dicom_node.report.encapsulated_pdf import encapsulated_pdf
from dicom_node.report.images import source_images
from dicom_node.report.key_image import Mark, Shown, banner, grey, key_image, key_images, marks, png
from dicom_node.report.key_objects import key_object_selection
from dicom_node.report.presentation_state import presentation_states
from dicom_node.report.secondary_capture import secondary_capture
from dicom_node.report.sr_lint import lint
from dicom_node.report.version import Version
from medvlm.contract import InScope
from tests.unit.report.drafts import IMAGE_UID, box, draft, finding, header, reading
from tests.unit.report.trees import texts
from tests.unit.report.versions import PDF, SECOND, companions, every_state, sign

SECOND_UID = "2.25.1009"
UNMARKED = reading(findings=(finding("cardiomegaly", "absent", 0.1),))


def two_images(**changes: object) -> Draft:
    """A region on each of two images; `changes` to the header of the second."""
    shown = (
        finding("effusion", "present", 0.91, "right", (box(),)),
        finding("mass", "indeterminate", 0.4, evidence=(box(sop_instance_uid=SECOND_UID),)),
    )
    sources = (header(), header(**({"SOPInstanceUID": SECOND_UID} | changes)))
    return draft(reading=reading(findings=shown), sources=sources)


def one(made: Draft | Version) -> Dataset:
    (state,) = presentation_states(made)
    return state


@pytest.mark.parametrize("state", ["draft", "edited", "signed", "addended", "rejected"])
def test_every_companion_of_every_state_passes_the_lint_and_is_of_the_study(state: str) -> None:
    version = every_state()[state]
    for kind, made in companions(version):
        assert lint(made, version.draft.sources) == (), kind
        assert made.PatientID == "P-1"
        assert made.StudyInstanceUID == version.draft.reading.study_uid
        assert made.SpecificCharacterSet == "ISO_IR 192"
        assert made.SeriesDescription.startswith("VERIFIED" if version.is_verified else "NOT VERIFIED")


def test_every_object_of_every_version_has_a_uid_of_its_own_and_one_series_a_kind() -> None:
    made = [(kind, it) for version in every_state().values() for kind, it in companions(version)]
    uids = [it.SOPInstanceUID for _, it in made]
    assert len(set(uids)) == len(uids)
    series = {(kind.split()[0], it.SeriesInstanceUID) for kind, it in made}
    assert len(series) == len({kind for kind, _ in series}) == len({uid for _, uid in series})


def test_the_same_version_gives_the_same_bytes() -> None:
    first, second = ([to_part10(it) for _, it in companions(every_state()["signed"])] for _ in range(2))
    assert first == second


# Presentation state


def test_a_box_of_a_presentation_state_is_the_region_of_the_report_without_a_shift() -> None:
    annotation = one(draft()).GraphicAnnotationSequence[0]
    (shape,) = annotation.GraphicObjectSequence
    assert shape.GraphicAnnotationUnits == "PIXEL"
    assert shape.GraphicData == [300, 1400, 700, 1400, 700, 2100, 300, 2100, 300, 1400]
    assert shape.NumberOfGraphicPoints == 5
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID == IMAGE_UID


def test_labels_name_finding_side_certainty_and_origin() -> None:
    def labels(version: Version) -> list[str]:
        return [it.TextObjectSequence[0].UnformattedTextValue for it in one(version).GraphicAnnotationSequence]

    versions = every_state()
    assert labels(versions["draft"]) == [
        "1 Pleural effusion, right, 91 % (AI draft)",
        "2 Airspace opacity, left, 46 % (AI draft)",
    ]
    assert labels(versions["edited"])[2] == "3 Consolidation, right (not verified)"
    assert labels(versions["signed"])[2] == "3 Consolidation, right"


@given(
    st.floats(0, 1990),
    st.floats(0, 2490),
    st.floats(1, 2000),
    st.floats(1, 2500),
    st.sampled_from([(2500, 2000), (8, 8)]),
)
@settings(max_examples=50, deadline=None)
def test_box_and_label_stay_inside_the_image(x: float, y: float, w: float, h: float, extent: tuple[int, int]) -> None:
    rows, columns = extent
    made = draft(
        reading=reading(findings=(finding("mass", evidence=(box(x, y, x + w, y + h),)),)),
        sources=(header(Rows=rows, Columns=columns),),
    )
    for state in presentation_states(made):
        for annotation in state.GraphicAnnotationSequence:
            (words,) = annotation.TextObjectSequence
            corners = [*words.BoundingBoxTopLeftHandCorner, *words.BoundingBoxBottomRightHandCorner]
            for values in (corners, annotation.GraphicObjectSequence[0].GraphicData):
                assert all(0 <= value <= columns for value in values[::2])
                assert all(0 <= value <= rows for value in values[1::2])


def test_a_presentation_state_repeats_the_image_s_own_grayscale_pipeline() -> None:
    source = header(
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter=["2000", "100"],
        WindowWidth=["4000", "50"],
        RescaleSlope="2",
        RescaleIntercept="-5",
        ShutterShape="RECTANGULAR",
        ShutterLeftVerticalEdge=10,
        ShutterRightVerticalEdge=1990,
        ShutterUpperHorizontalEdge=20,
        ShutterLowerHorizontalEdge=2490,
        PixelSpacing=["0.1", "0.2"],
    )
    state = one(draft(sources=(source,)))
    assert state.PresentationLUTShape == "INVERSE"
    assert (state.RescaleSlope, state.RescaleIntercept) == (2, -5)
    assert (state.SoftcopyVOILUTSequence[0].WindowCenter, state.SoftcopyVOILUTSequence[0].WindowWidth) == (2000, 4000)
    assert (state.ShutterLeftVerticalEdge, state.ShutterPresentationValue) == (10, 0)
    (area,) = state.DisplayedAreaSelectionSequence
    assert area.DisplayedAreaBottomRightHandCorner == [2000, 2500]
    assert area.PresentationPixelSpacing == [0.1, 0.2]


def test_an_image_without_a_window_gets_none_and_no_number_is_invented() -> None:
    state = one(draft(sources=(header(WindowCenter="5", WindowWidth="0", RescaleSlope="", ShutterShape="ODD"),)))
    assert "SoftcopyVOILUTSequence" not in state
    assert "RescaleSlope" not in state
    assert "ShutterShape" not in state
    assert state.PresentationLUTShape == "IDENTITY"
    assert state.DisplayedAreaSelectionSequence[0].PresentationPixelAspectRatio == [1, 1]


def test_images_with_one_pipeline_share_a_presentation_state_and_others_have_their_own() -> None:
    assert len(presentation_states(two_images())) == 1
    first, second = presentation_states(two_images(PhotometricInterpretation="MONOCHROME1"))
    assert (first.PresentationLUTShape, second.PresentationLUTShape) == ("IDENTITY", "INVERSE")
    (annotation,) = second.GraphicAnnotationSequence
    assert annotation.TextObjectSequence[0].UnformattedTextValue.startswith("2 ")
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_a_region_of_a_multi_frame_image_names_its_frame() -> None:
    shown = finding("mass", evidence=(box(frame=3),))
    made = draft(reading=reading(findings=(shown,)), sources=(header(NumberOfFrames=5),))
    assert one(made).GraphicAnnotationSequence[0].ReferencedImageSequence[0].ReferencedFrameNumber == 3
    selection = key_object_selection(made)
    assert selection is not None
    assert selection.ContentSequence[-1].ReferencedSOPSequence[0].ReferencedFrameNumber == 3


@pytest.mark.parametrize("changes", [{"reading": UNMARKED}])
def test_without_a_region_there_is_nothing_to_point_at(changes: dict[str, object]) -> None:
    assert presentation_states(draft(**changes)) == ()
    assert key_object_selection(draft(**changes)) is None


def test_a_body_part_is_stated_or_laterality_is_empty() -> None:
    assert one(draft(sources=(header(BodyPartExamined="THORAX"),))).BodyPartExamined == "THORAX"
    assert one(draft()).BodyPartExamined == "CHEST"
    unknown = one(draft(reading=reading(scope=InScope())))
    assert "BodyPartExamined" not in unknown
    assert unknown.Laterality == ""


# Key objects


def test_key_objects_are_the_marked_images_without_a_concept_name() -> None:
    selection = key_object_selection(two_images())
    assert selection is not None
    assert selection.ConceptNameCodeSequence[0].CodeMeaning == "Of Interest"
    images = [it for it in selection.ContentSequence if it.ValueType == "IMAGE"]
    assert [it.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for it in images] == [IMAGE_UID, SECOND_UID]
    assert not any("ConceptNameCodeSequence" in it for it in images)
    (words,) = texts(selection)
    assert words.startswith("AI-generated draft. Not verified.")
    assert words.endswith("Marked: Pleural effusion, Mass.")


# Page


def test_the_page_is_kept_whole_and_names_what_it_was_made_from() -> None:
    document = encapsulated_pdf(draft(), PDF)
    assert document.EncapsulatedDocument.rstrip(b"\0") == PDF
    assert len(document.EncapsulatedDocument) % 2 == 0
    assert document.EncapsulatedDocumentLength == len(PDF)
    assert document.VerificationFlag == "UNVERIFIED"
    assert document.BurnedInAnnotation == "YES"
    assert [it.ReferencedSOPInstanceUID for it in document.SourceInstanceSequence][-1] == IMAGE_UID
    assert encapsulated_pdf(every_state()["signed"], PDF).VerificationFlag == "VERIFIED"


# Key image and capture


def ramp(rows: int = 250, columns: int = 200) -> np.ndarray:
    return np.full((rows, columns), 128, np.uint8)


def test_a_box_is_drawn_where_it_is_at_any_size_of_the_picture() -> None:
    version = Version(draft())
    shown = key_images(version)[0]
    picture = key_image(ramp(), (2500, 2000), marks(version, shown)[:1])
    changed = np.argwhere((picture != 128).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert (left, top, right + 1, bottom + 1) == pytest.approx((30, 140, 70, 210), abs=1)


def test_what_is_there_has_a_thicker_line_than_what_is_undecided() -> None:
    def drawn(firm: bool) -> int:
        picture = key_image(ramp(1000, 1000), (1000, 1000), [Mark(1, "", (100, 100, 900, 900), firm)])
        return int((picture[500] != 128).any(axis=1).sum())

    assert drawn(True) > 2 * drawn(False) - 4
    assert drawn(False) > 0


def test_the_banner_is_burned_in_above_the_image_and_covers_none_of_it() -> None:
    version = Version(draft(reading=UNMARKED))
    assert banner(version).startswith("AI-generated draft. Not verified.\n")
    picture = key_image(ramp(), (2500, 2000), marks(version, key_images(version)[0]), banner(version))
    band = picture.shape[0] - 250
    assert band > 0
    assert (picture[band:] == 128).all()
    assert (picture[:band] == (255, 255, 255)).all(axis=2).any()


def test_a_name_that_the_font_cannot_write_is_not_drawn_as_boxes() -> None:
    edited = every_state()["edited"]
    assert "The signed report names the person" in banner(edited.then(sign(person=SECOND)))
    assert "Reader, Dr Any" in banner(edited.then(sign()))


def test_a_picture_goes_through_png_unchanged() -> None:
    assert (grey(png(np.repeat(ramp()[..., None], 3, axis=2))) == ramp()).all()


def test_a_capture_holds_its_pixels_and_says_that_text_is_burned_in() -> None:
    version = Version(draft())
    shown = key_images(version)[0]
    picture = key_image(ramp(125, 101), (2500, 2000), marks(version, shown), banner(version))
    document = pydicom.dcmread(BytesIO(to_part10(secondary_capture(version, shown.image, picture))))
    assert (document.pixel_array == picture).all()
    assert document.BurnedInAnnotation == "YES"
    assert document.ImageType == ["DERIVED", "SECONDARY"]
    assert document.SourceImageSequence[0].ReferencedSOPInstanceUID == IMAGE_UID
    assert "LossyImageCompression" not in document


def test_a_capture_of_a_lossy_image_says_so() -> None:
    version = Version(draft(sources=(header(LossyImageCompression="01"),)))
    picture = np.zeros((4, 4, 3), np.uint8)
    assert secondary_capture(version, key_images(version)[0].image, picture).LossyImageCompression == "01"
    with pytest.raises(ValueError, match="rows, columns, 3"):
        secondary_capture(version, key_images(version)[0].image, picture[..., 0])


def test_one_key_image_a_marked_frame_and_the_first_where_none_is() -> None:
    version = Version(two_images())
    first, second = source_images(version.draft)
    assert key_images(version) == (Shown(first, 1), Shown(second, 1))
    assert [mark.number for mark in marks(version, Shown(second, 1))] == [2]
    unmarked = Version(draft(reading=UNMARKED))
    assert key_images(unmarked) == (Shown(source_images(unmarked.draft)[0], 1),)
