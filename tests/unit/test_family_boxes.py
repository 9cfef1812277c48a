"""Five conventions for a box: read, mapped to source pixels and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medvlm.contract import ImageSource
from medvlm.families.box_text import write_box
from medvlm.families.boxes import Located, Shown, contract_box, from_source, read_located, to_source
from medvlm.families.chexagent import CHEXAGENT
from medvlm.families.maira import MAIRA
from medvlm.families.medgemma import MEDGEMMA
from medvlm.families.pictures import whole_steps
from medvlm.families.profile import BoxConvention
from medvlm.families.qwen_vl import QWEN3_VL, QWEN25_VL

CONVENTIONS = {family.name: family.boxes for family in (MEDGEMMA, MAIRA, CHEXAGENT, QWEN25_VL, QWEN3_VL)}
sides = st.integers(64, 4000)


def shown(width: int, height: int) -> Shown:
    return Shown(width, height, *whole_steps(width, height, 28, 1280 * 28 * 28))


def inner(convention: BoxConvention, film: Shown) -> tuple[float, float, float, float]:
    """The part of the film that the family sees."""
    if convention.frame != "centre_crop":
        return 0.0, 0.0, float(film.width), float(film.height)
    side = min(film.width, film.height)
    left, top = (film.width - side) / 2, (film.height - side) / 2
    return left, top, left + side, top + side


@pytest.mark.parametrize("name", CONVENTIONS)
@given(st.data())
def test_a_place_comes_back_to_half_a_source_pixel(name: str, data: st.DataObject) -> None:
    convention = CONVENTIONS[name]
    assert convention is not None
    film = shown(data.draw(sides), data.draw(sides))
    x0, y0, x1, y1 = (data.draw(st.floats(0, 1)) for _ in range(4))
    place = (x0 * film.width, y0 * film.height, x1 * film.width, y1 * film.height)
    back = to_source(from_source(place, convention, film), convention, film)
    assert back == pytest.approx(place, abs=0.01)


@pytest.mark.parametrize("name", CONVENTIONS)
@given(st.data())
def test_a_written_box_is_read_within_half_a_step_of_the_scale(name: str, data: st.DataObject) -> None:
    convention = CONVENTIONS[name]
    assert convention is not None
    film = shown(data.draw(sides), data.draw(sides))
    left, top, right, bottom = inner(convention, film)
    a, b = sorted((data.draw(st.floats(0, 0.45)), data.draw(st.floats(0.55, 1))))
    c, d = sorted((data.draw(st.floats(0, 0.45)), data.draw(st.floats(0.55, 1))))
    width, height = right - left, bottom - top
    place = (left + a * width, top + c * height, left + b * width, top + d * height)
    text = write_box("effusion", from_source(place, convention, film), convention)
    (read,) = read_located(text, convention, film).located
    step = (
        film.width / film.resized_width
        if convention.frame == "resized"
        else max(film.width, film.height) / convention.scale
    )
    step = max(step, film.height / film.resized_height) if convention.frame == "resized" else step
    assert read.label == "effusion"
    assert read.corners == pytest.approx(place, abs=0.5 * step + 0.01)


@given(st.integers(64, 1000), st.integers(64, 1000), st.integers(0, 450), st.integers(550, 1000))
def test_thousandths_of_an_image_of_a_thousand_pixels_are_good_to_half_a_pixel(
    width: int, height: int, low: int, high: int
) -> None:
    film = Shown(width, height)
    place = (low / 1000 * width, low / 1000 * height, high / 1000 * width, high / 1000 * height)
    for convention in (MEDGEMMA.boxes, QWEN3_VL.boxes):
        assert convention is not None
        text = write_box("heart", from_source(place, convention, film), convention)
        (read,) = read_located(text, convention, film).located
        assert read.corners == pytest.approx(place, abs=0.51)


def test_medgemma_writes_y_first_in_a_padded_square() -> None:
    film = Shown(1000, 500)  # 250 rows of padding above and below
    text = 'Final Answer: ```json[{"box_2d": [250, 100, 500, 200], "label": "nodule"}]```'
    assert read_located(text, MEDGEMMA.boxes, film).located == (Located("nodule", (100.0, 0.0, 200.0, 250.0)),)


def test_medgemma_may_write_unit_scale_as_its_paper_says() -> None:
    film = Shown(1000, 1000)
    text = '[{"box_2d": [0.25, 0.1, 0.5, 0.2], "label": "nodule"}]'
    assert read_located(text, MEDGEMMA.boxes, film).located[0].corners == (100.0, 250.0, 200.0, 500.0)


def test_maira_counts_bin_centres_of_the_central_square() -> None:
    film = Shown(300, 100)
    read = read_located("<obj>effusion<box><x0><y10><x49><y99></box></obj>", MAIRA.boxes, film)
    assert read.located == (Located("effusion", (100.5, 10.5, 149.5, 99.5)),)
    assert [warning.code for warning in read.warnings] == ["frame_cropped"]


def test_maira_gives_a_phrase_several_boxes_and_another_none() -> None:
    text = (
        "<obj>Opacities in both bases.<box><x10><y60><x30><y80></box><box><x60><y60><x80><y80></box></obj>"
        "<obj>The heart is normal.</obj>"
    )
    read = read_located(text, MAIRA.boxes, Shown(100, 100))
    assert [one.label for one in read.located] == ["Opacities in both bases."] * 2
    assert (read.words, read.warnings) == ("Opacities in both bases. The heart is normal.", ())


def test_chexagent_writes_hundredths_of_the_image() -> None:
    text = "There is <|ref|>a nodule<|/ref|><|box|>(10,20),(30,40)<|/box|> seen."
    read = read_located(text, CHEXAGENT.boxes, Shown(2000, 1000))
    assert read.located == (Located("a nodule", (200.0, 200.0, 600.0, 400.0)),)
    assert read.words == "There is a nodule seen."


def test_qwen_2_5_counts_pixels_of_the_resized_image_and_qwen_3_thousandths() -> None:
    text = '```json\n[{"bbox_2d": [28, 56, 280, 560], "label": "heart"}]\n```'
    assert read_located(text, QWEN25_VL.boxes, Shown(2000, 2000, 1000, 1000)).located[0].corners == (56, 112, 560, 1120)
    assert read_located(text, QWEN3_VL.boxes, Shown(2000, 2000, 1000, 1000)).located[0].corners == (56, 112, 560, 1120)
    assert read_located(text, QWEN3_VL.boxes, Shown(1000, 1000, 500, 500)).located[0].corners == (28, 56, 280, 560)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ("[-1, 0, 10, 10]", "box_outside_frame"),
        ("[0, 0, 10, 1001]", "box_outside_frame"),
        ("[10, 10, 10, 20]", "box_without_area"),
        ("[20, 10, 10, 20]", "box_without_area"),
        ("[0, 0, 1000, 1000]", "box_outside_image"),
        ("[1, 2, 3]", "box_not_readable"),
        ('["a", 2, 3, 4]', "box_not_readable"),
        ("[NaN, 2, 3, 4]", "box_not_readable"),
        ("[true, 2, 3, 4]", "box_not_readable"),
        ("[1e999, 2, 3, 4]", "box_not_readable"),
    ],
)
def test_a_box_that_does_not_fit_is_dropped_with_a_warning(values: str, code: str) -> None:
    read = read_located(f'[{{"box_2d": {values}, "label": "x"}}]', MEDGEMMA.boxes, Shown(1000, 500))
    assert (read.located, [warning.code for warning in read.warnings]) == ((), [code])


def test_the_last_block_is_the_answer_and_what_stands_before_it_is_reasoning() -> None:
    text = (
        'First ```json[{"box_2d": [1, 1, 2, 2], "label": "wrong"}]``` then '
        '```json[{"box_2d": [100, 100, 200, 200], "label": "right"}]```'
    )
    assert [one.label for one in read_located(text, MEDGEMMA.boxes, Shown(1000, 1000)).located] == ["right"]


@pytest.mark.parametrize("name", CONVENTIONS)
@given(st.text(alphabet='<>|/objxyrefbox[]{}()0123456789,:"` -_', max_size=300))
def test_no_answer_breaks_the_reader(name: str, text: str) -> None:
    convention = CONVENTIONS[name]
    assert convention is not None
    film = Shown(300, 200, 308, 196)
    for located in read_located(text, convention, film).located:
        box = contract_box(located, ImageSource(uri="x", sop_instance_uid="1.2"))
        assert 0 <= box.x0 < box.x1 <= 300
        assert 0 <= box.y0 < box.y1 <= 200


@pytest.mark.parametrize("text", ["[" * 20_000, "```" + " " * 19_000, "<obj>" * 4_000, "<|ref|>" + " " * 19_000])
def test_a_hostile_answer_takes_no_time(text: str) -> None:
    for convention in CONVENTIONS.values():
        assert convention is not None
        assert read_located(text, convention, Shown(100, 100)).located == ()
