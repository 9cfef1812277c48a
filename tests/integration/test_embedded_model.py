"""The shipped weights on real films: figures, refusals, reload. Skipped where the shared films are not at hand."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from medvlm.contract import ImageSource, InScope, Refusal, StudyContext, StudyInput
from medvlm.embedded import WEIGHTS
from medvlm.engine import EmbeddedModel, load_embedded
from medvlm.engine.encoding import both_ways
from medvlm.engine.network import WEIGHTS_FILE
from medvlm.train.films import FINDINGS, Films, read_films
from medvlm.train.outsiders import read_strangers
from medvlm.train.statistics import auroc
from tests.data import shared_data

DATA = shared_data()
needs_films = pytest.mark.skipif(DATA is None, reason="the shared films are not at hand")
SOME = 240


@pytest.fixture(scope="module")
def model() -> EmbeddedModel:
    return load_embedded(None)


def opened(model: EmbeddedModel, path: Path):  # type: ignore[no-untyped-def]
    return model.open(StudyInput(study_uid="1.2.3", images=(ImageSource(uri=str(path)),))).draft()


@pytest.fixture(scope="module")
def films() -> Films:
    """Every sixth film of split `test`, which was never trained on."""
    assert DATA is not None
    return read_films(DATA, "test", 128).at(np.arange(0, 1525, 6)[:SOME])


@pytest.fixture(scope="module")
def answers(model: EmbeddedModel, films: Films) -> np.ndarray:
    """z (films, findings) by the first wording."""
    from medvlm.vocabulary import terms

    questions = [terms()[name].ask[0] for name in FINDINGS]
    pictures = films.pixels.astype(np.float32) / 255
    return np.array([model.network.log_odds(model.network.encode(p).prefix, questions) for p in pictures])


def test_the_folder_reloads_bit_for_bit_through_the_stock_classes(tmp_path: Path) -> None:
    first = AutoModelForImageTextToText.from_pretrained(WEIGHTS, dtype=torch.float32).eval()
    first.save_pretrained(tmp_path)
    second = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(WEIGHTS)
    grey = np.linspace(0, 255, 128 * 128 * 3).reshape(128, 128, 3).astype(np.uint8)
    inputs = processor(text="<user><image>Is there effusion?<assistant>", images=grey, return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(first(**inputs).logits, second(**inputs).logits)
        assert first.generate(**inputs, max_new_tokens=4, do_sample=False).shape[1] > inputs["input_ids"].shape[1]


def test_the_stock_processor_shows_nearly_the_pixels_that_the_engine_shows(model: EmbeddedModel) -> None:
    """Both enlarge by bicubic interpolation, with other coefficients; the engine adds the mirror image."""
    processor = AutoProcessor.from_pretrained(WEIGHTS)
    grey = np.asarray(Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)).resize((128, 128)))
    stock = processor.image_processor(images=np.stack([grey] * 3, -1), return_tensors="pt")["pixel_values"]
    ours = model.network.encode(grey.astype(np.float32) / 255).features
    with torch.no_grad():
        theirs = both_ways(model.network._tower, stock)
    assert float(torch.cosine_similarity(ours.flatten(), theirs.flatten(), 0)) > 0.99


def test_the_card_names_the_weights_that_are_shipped() -> None:
    digest = hashlib.sha256((WEIGHTS / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert digest in (WEIGHTS.parent / "MODEL_CARD.md").read_text("utf-8")
    assert digest in (WEIGHTS.parent / "DATA_CARD.md").read_text("utf-8")


def test_the_weights_are_small_enough_to_be_shipped() -> None:
    assert (WEIGHTS / WEIGHTS_FILE).stat().st_size < 14_000_000


@needs_films
@pytest.mark.parametrize(("name", "least"), [("abnormality", 0.6), ("effusion", 0.7)])
def test_the_questionnaire_tells_films_apart(answers: np.ndarray, films: Films, name: str, least: float) -> None:
    k = FINDINGS.index(name)
    assert auroc(films.labels[:, k] > 0.5, answers[:, k]) > least


@needs_films
def test_with_images_dealt_out_to_other_patients_nothing_is_left(answers: np.ndarray, films: Films) -> None:
    rng = np.random.default_rng(0)
    common = [FINDINGS.index(name) for name in ("abnormality", "effusion", "atelectasis", "infiltration")]
    areas = [
        auroc(films.labels[:, k] > 0.5, answers[rng.permutation(len(answers)), k]) for k in common for _ in range(20)
    ]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.03)


@needs_films
def test_few_real_films_are_refused(model: EmbeddedModel, films: Films) -> None:
    pictures = films.pixels.astype(np.float32) / 255
    refused = [
        model.scope_head.refuse(model.network.encode(picture).features, known_adult=False) for picture in pictures
    ]
    assert sum(refusal is not None for refusal in refused) <= 0.06 * len(refused)


@needs_films
def test_pictures_out_of_scope_that_were_never_trained_on_are_refused(model: EmbeddedModel) -> None:
    assert DATA is not None
    apart = read_strangers(DATA, "test", 128)
    with (DATA / "out_of_scope" / "labels.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["kind"], row["image"]))[1::2]
    assert [row["kind"] for row in rows] == [kind for kind in apart.kinds if kind != "child"]
    read = [
        row["image"] for row in rows if isinstance(opened(model, DATA / "out_of_scope" / row["image"]).scope, InScope)
    ]
    assert read == []


@needs_films
@pytest.mark.parametrize(
    "name",
    ["cr_hip_j2k", "cr_lower_leg_j2k", "cr_lower_leg_jpegls_near", "mg_cc_overlay_out_of_bounds", "ct_small",
     "ct_abdomen_j2k", "sc_ct_ankle", "enhanced_ct_2frames", "mr_small", "mr_overlay", "enhanced_mr_rle", "us_j2k",
     "us_multiframe_jpeg", "us_rle_palette", "nm_wholebody_j2k", "nm_wholebody_jpeg_lossless", "sc_rgb",
     "sc_colour_photo_j2k", "pt_breast", "rtdose", "seg_binary", "sr_basic_text", "ko_of_interest"],
)  # fmt: skip
def test_dicom_files_that_show_no_chest_radiograph_give_no_draft(model: EmbeddedModel, name: str) -> None:
    assert DATA is not None
    reading = opened(model, DATA / "dicom" / f"{name}.dcm")
    assert isinstance(reading.scope, Refusal)
    assert reading.scope.reason
    assert reading.findings == ()
    assert reading.narrative.findings == ()


@needs_films
@pytest.mark.parametrize("name", ["cr_chest_pa_j2k", "cr_chest_pa_mono1_10bit", "sc_chest_pa_jpeg"])
def test_real_frontal_chest_radiographs_are_read(model: EmbeddedModel, name: str) -> None:
    assert DATA is not None
    reading = opened(model, DATA / "dicom" / f"{name}.dcm")
    assert isinstance(reading.scope, InScope)
    assert {finding.name for finding in reading.findings} == set(model.assessed)


@needs_films
def test_the_thorax_of_an_animal_is_refused_even_when_its_header_calls_it_an_adults(model: EmbeddedModel) -> None:
    assert DATA is not None
    source = ImageSource(uri=str(DATA / "dicom" / "dx_thorax_small.dcm"))
    study = StudyInput(study_uid="1.2.3", images=(source,), context=StudyContext(age_years=50))
    assert isinstance(model.open(study).draft().scope, Refusal)


@needs_films
def test_an_inverted_film_is_refused_for_its_polarity(model: EmbeddedModel) -> None:
    assert DATA is not None
    scope = opened(model, DATA / "dicom" / "sc_chest_pa_mono1_jpeg.dcm").scope
    assert isinstance(scope, Refusal)
    assert scope.code == "inverted_polarity"


@needs_films
def test_a_full_size_portable_film_is_read_as_ap(model: EmbeddedModel) -> None:
    assert DATA is not None
    scope = opened(model, DATA / "cxr_large" / "00029855_001.png").scope
    assert scope == InScope(view="AP")
