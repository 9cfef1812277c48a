"""The decoder process: what kills it costs one image."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from medvlm.contract import ImageSource, StudyInput
from medvlm.errors import DecoderDied, UnreadableImage
from medvlm.imaging import DecodeLimits, Decoder, load_study
from tests.unit.imaging.synthetic import film, written

DYING = (sys.executable, str(Path(__file__).with_name("dying_decoder.py")))


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("segfault", "died on this image (signal 11)"),
        ("hang", "ran out of time"),
        ("nonsense", "died on this image"),
        ("lies", "died on this image"),
        ("pickle", "died on this image"),
    ],
)
def test_a_decoder_that_dies_hangs_or_lies_is_reported_in_words(how: str, words: str) -> None:
    with Decoder(DecodeLimits(seconds=0.5), (*DYING, how)) as decoder, pytest.raises(DecoderDied) as caught:
        decoder.picture(b"x")
    assert words in caught.value.sentence


def test_a_study_whose_image_kills_the_decoder_keeps_its_other_images(tmp_path: Path) -> None:
    deadly = tmp_path / "deadly.png"
    deadly.write_bytes(png(np.zeros((4, 4), np.uint8)))
    harmless = written(film(np.arange(16, dtype=np.uint8).reshape(4, 4)), tmp_path)
    study = StudyInput(study_uid="1", images=(ImageSource(uri=str(deadly)), harmless))
    with Decoder(command=(*DYING, "segfault")) as decoder:
        images = load_study(study, tmp_path, decoder)
    assert [unread.refusal.code for unread in images.unread] == ["unreadable"]
    assert "the decoder died" in images.unread[0].refusal.reason
    assert len(images.radiographs) == 1


def test_a_new_child_is_started_after_a_death(decoder: Decoder) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert decoder._child is not None
    decoder._child._process.kill()
    decoder._child._process.wait()
    assert (decoder.picture(png(pixels)).pixels == pixels).all()


def test_bytes_that_no_codec_reads_are_refused_and_the_child_lives_on(decoder: Decoder) -> None:
    with pytest.raises(UnreadableImage, match="could not be decoded"):
        decoder.picture(b"\x89PNG\r\n\x1a\n broken")
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert (decoder.picture(png(pixels)).pixels == pixels).all()


def test_a_picture_with_more_pixels_than_allowed_is_refused_before_decoding() -> None:
    with (
        Decoder(DecodeLimits(frame_bytes=4 * 100)) as small,
        pytest.raises(UnreadableImage, match="more pixels than allowed"),
    ):
        small.picture(png(np.zeros((50, 50), np.uint8)))


def test_memory_of_the_child_is_bounded() -> None:
    large = png(np.zeros((8000, 8000, 3), np.uint8))  # 192 MB, and more on the way
    with Decoder(DecodeLimits(address_space=600 << 20)) as tight, pytest.raises(UnreadableImage, match="MemoryError"):
        tight.picture(large)


def test_a_large_result_comes_back_whole_through_the_growing_arena(decoder: Decoder) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (1500, 1400), dtype=np.uint8)
    assert (decoder.picture(png(pixels)).pixels == pixels).all()


@pytest.mark.parametrize(
    "syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless], ids=lambda syntax: uid.UID(syntax).name
)
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_syntaxes_give_back_every_value(
    syntax: uid.UID, signed: bool, tmp_path: Path, decoder: Decoder
) -> None:
    values = np.random.default_rng(1).integers(-2000 if signed else 0, 2000, (64, 80))
    instance = film(values.astype(np.int16 if signed else np.uint16), WindowCenter=0, WindowWidth=8000)
    plain = written(instance, tmp_path)
    expected = load_study(StudyInput(study_uid="1", images=(plain,)), tmp_path, decoder).radiographs[0].pixels
    instance.compress(syntax, generate_instance_uid=True)
    packed = load_study(StudyInput(study_uid="1", images=(written(instance, tmp_path),)), tmp_path, decoder)
    np.testing.assert_allclose(packed.radiographs[0].pixels, expected, atol=1e-6)


def test_threads_that_share_a_decoder_get_their_own_images(decoder: Decoder) -> None:
    pictures = [np.full((40, 30 + i), i, np.uint8) for i in range(24)]
    with ThreadPoolExecutor(6) as pool:
        decoded = list(pool.map(lambda pixels: decoder.picture(png(pixels)).pixels, pictures))
    for expected, got in zip(pictures, decoded, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_the_decoder_knows_nothing_of_the_parents_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDVLM_TOKEN", "secret")
    told = tmp_path / "environment"
    script = f"import os; open({str(told)!r}, 'w').write(' '.join(os.environ))"
    with Decoder(command=(sys.executable, "-c", script)) as curious, pytest.raises(DecoderDied):
        curious.picture(b"x")
    assert "MEDVLM_TOKEN" not in told.read_text()
    assert "PATH" in told.read_text()
