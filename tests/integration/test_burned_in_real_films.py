"""Side markers of real films, as they were seen by eye: all are L, at image right, most of lead and backwards.

Skipped where the shared films are not at hand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medvlm.contract import ImageSource
from medvlm.embedded import WEIGHTS
from medvlm.imaging.images import Radiograph, RadiographTags
from medvlm.safeguards.burned_in.reading import BurnedIn, read_burned_in, warnings_of
from medvlm.safeguards.burned_in.side_marker import load_side_marker
from medvlm.safeguards.burned_in.text_reader import load_text_reader
from tests.data import shared_data

DATA = shared_data()
pytestmark = pytest.mark.skipif(DATA is None, reason="the shared films are not at hand")

_OF_PATIENT = {
    **{1: (0, 1, 2), 2: (0,), 3: (0, 1, 2, 3, 4, 5, 6, 7), 5: (0, 3, 4, 5, 6, 7), 6: (0,), 7: (0,), 8: (0,)},
    **{1297: (0,), 8270: (15,), 12359: (2,), 17951: (1,), 20172: (0,), 27426: (0,)},
}
LEAD = tuple(f"{patient:08}_{film:03}" for patient, films in _OF_PATIENT.items() for film in films)
"""One L of lead (00000005_006: three) in the upper right corner; 00000003_000 and 00020172_000 cut by the edge,
00000007_000 grown together with initials, 00027426_000 faint. All but 00012359_002 read backwards."""

PRINTED = {
    "00000004_000": {"AP", "PORTABLE"},
    "00000005_001": {"AP", "PORTABLE"},
    "00000005_002": set(),
    "00012359_002": {"PORTABLE"},
    "00029855_001": {"AP", "PORTABLE"},
}
"""Films with a printed L in a ring at image right (but 00012359_002, whose L is of lead), and their words."""

LEAST_READ, LEAST_TOLD = 20, 5
"""Of 31 films, of 11 mirrored copies; what is cut, faint, small or upside down stays unknown."""

SIDE = {"side_marker_contradicts_display", "film_may_be_mirrored"}


def film(path: Path, mirrored: bool = False) -> Radiograph:
    pixels = np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255.0
    tags = RadiographTags(*("",) * 7, samples_per_pixel=1, burned_in_annotation="", sex="", age_years=None)
    pixels = np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels
    return Radiograph(ImageSource(uri=path.name), pixels, tags, (), colour=False)


@pytest.fixture(scope="module")
def readings() -> dict[tuple[str, bool], BurnedIn]:
    """(film, mirrored) -> what was read."""
    assert DATA is not None
    reader, net = load_text_reader(), load_side_marker(WEIGHTS)
    folder = DATA / "cxr_large"
    names = sorted({*LEAD, *PRINTED})
    wanted = [(name, False) for name in names] + [(name, True) for name in names[::3]]
    return {
        (name, mirrored): read_burned_in(film(folder / f"{name}.jpg", mirrored), reader, net)
        for name, mirrored in wanted
    }


def codes(burned_in: BurnedIn) -> set[str]:
    return {warning.code for warning in warnings_of(burned_in, "")}


def test_no_film_shown_rightly_is_said_to_be_wrong(readings: dict[tuple[str, bool], BurnedIn]) -> None:
    assert not [name for (name, mirrored), read in readings.items() if not mirrored and SIDE & codes(read)]


def test_no_letter_is_read_that_does_not_stand_there(readings: dict[tuple[str, bool], BurnedIn]) -> None:
    shown_rightly = {name: read for (name, mirrored), read in readings.items() if not mirrored}
    assert not [name for name, read in shown_rightly.items() if any(one.letter != "L" for one in read.side_markers)]


def test_markers_are_read_on_most_films(readings: dict[tuple[str, bool], BurnedIn]) -> None:
    read = [name for (name, mirrored), one in readings.items() if not mirrored and one.side_markers]
    assert len(read) >= LEAST_READ


def test_most_mirrored_films_are_told(readings: dict[tuple[str, bool], BurnedIn]) -> None:
    told = [name for (name, mirrored), read in readings.items() if mirrored and SIDE & codes(read)]
    assert len(told) >= LEAST_TOLD


def test_printed_words_are_read(readings: dict[tuple[str, bool], BurnedIn]) -> None:
    assert {name: set(readings[name, False].projections) for name in PRINTED} == PRINTED


def test_films_without_a_name_are_not_held_back(readings: dict[tuple[str, bool], BurnedIn]) -> None:
    assert not [name for (name, mirrored), read in readings.items() if not mirrored and read.possible_identity]
