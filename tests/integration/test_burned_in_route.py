"""The model server says whether text in an image's pixels may name a person, and never what it says."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw, ImageFont

from medvlm.client import BurnedInText, RemoteModel
from medvlm.contract import ImageSource
from medvlm.errors import BadModelFolder, MedvlmError
from medvlm.imaging.locate import locate
from medvlm.imaging.preview import displayed
from medvlm.safeguards.burned_in.header_patient import header_patient
from medvlm.safeguards.burned_in.identity import KnownPatient
from medvlm.safeguards.burned_in.reading import identity_signs
from medvlm.safeguards.burned_in.text_reader import TextReader, load_text_reader
from medvlm.serve import app
from tests.builders import dx_film, write
from tests.scripted_model import ScriptedModel


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return load_text_reader()


def film(folder: Path, *words: str) -> ImageSource:
    """A DICOM film of 512 pixels with words in its pixels."""
    picture = Image.new("L", (512, 512), 40)
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(words):
        pen.text((30, 40 + 100 * number), line, fill=230, font=ImageFont.load_default(28))
    made = dx_film(pixels=np.asarray(picture, dtype=np.uint16) << 4, number=len(words), PatientName="Wu^Li")
    return ImageSource(uri=write(made, folder).as_uri(), sop_instance_uid=made.SOPInstanceUID)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), False),
        (("PORTABLE", "AP ERECT"), False),
        (("ZWIEBELMANN OTTOKAR",), True),
        (("PORTABLE", "12/03/1950"), True),
    ],
)
def test_words_that_no_film_carries_are_signs_of_a_person(
    reader: TextReader, tmp_path: Path, words: tuple[str, ...], named: bool
) -> None:
    source = film(tmp_path, *words)
    known = header_patient(locate(source.uri, tmp_path))
    assert bool(identity_signs(displayed(source, tmp_path), reader, known)) == named


def test_the_route_answers_with_signs_and_never_with_words(reader: TextReader, tmp_path: Path) -> None:
    def burned_in(source: ImageSource) -> BurnedInText:
        return BurnedInText(signs=tuple(sorted(identity_signs(displayed(source, tmp_path), reader))))

    client = TestClient(app(ScriptedModel(), ScriptedModel().preview, burned_in))
    answer = client.post("/v1/burned-in", json=film(tmp_path, "ZWIEBELMANN OTTOKAR").model_dump())
    assert answer.json() == {"signs": ["unknown_word"]}
    outside = client.post("/v1/burned-in", json=ImageSource(uri="file:///etc/hostname").model_dump())
    assert outside.status_code == 422


def test_a_server_that_cannot_read_text_answers_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(app(ScriptedModel(), ScriptedModel().preview))
    remote = RemoteModel("http://127.0.0.1:1")

    def request(method: str, path: str, **body: object) -> httpx.Response:
        return client.request(method, path, **body)  # type: ignore[arg-type]

    monkeypatch.setattr(remote._http, "request", request)
    with pytest.raises(MedvlmError) as refused:
        remote.burned_in(ImageSource(uri="file:///any"))
    assert not isinstance(refused.value, BadModelFolder)


def test_the_patient_is_taken_from_the_header_and_a_file_without_one_names_nobody(tmp_path: Path) -> None:
    assert header_patient(locate(film(tmp_path).uri, tmp_path)).name == "Wu^Li"
    (tmp_path / "no.dcm").write_bytes(b"no header")
    assert header_patient(tmp_path / "no.dcm") == KnownPatient()
    assert header_patient(tmp_path / "gone.dcm") == KnownPatient()
