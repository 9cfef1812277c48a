"""What stays because of its pixels or its form (D6)."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, RawDataStorage

from dicom_node.deidentify.burned_in import FILMS, OFTEN_BURNED_IN, WORDS, is_film, refusal
from tests.unit.deidentify.studies import film, objects


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned_in"),
        ({"BurnedInAnnotation": "NO"}, None),
        ({"BurnedInAnnotation": None}, None),
        *(({"Modality": it, "BurnedInAnnotation": None}, "may_be_burned_in") for it in sorted(OFTEN_BURNED_IN)),
        *(({"Modality": it, "BurnedInAnnotation": "NO"}, None) for it in sorted(OFTEN_BURNED_IN)),
        ({"Modality": "CR", "ConversionType": "DF", "BurnedInAnnotation": None}, "may_be_burned_in"),
        ({"Modality": "CR", "ConversionType": "DI", "BurnedInAnnotation": None}, None),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "captured"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "SCREEN SAVE"]}, "captured"),
        ({"ImageType": ["DERIVED SECONDARY"]}, "captured"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "SCREEN_CAPTURE"]}, "captured"),
        ({"RecognizableVisualFeatures": "YES"}, "recognizable"),
        ({"SOPClassUID": "1.3.12.2.1107.5.9.1"}, "unknown_class"),
        ({"Modality": None, "BurnedInAnnotation": None}, None),
    ],
)
def test_a_header_that_does_not_deny_text_keeps_its_image(header: dict[str, object], reason: str | None) -> None:
    refused = refusal(film(**header))
    assert (refused and refused.reason) == reason


def test_an_encapsulated_document_stays() -> None:
    document = Dataset()
    document.SOPClassUID, document.EncapsulatedDocument = EncapsulatedPDFStorage, b"%PDF-1.7"
    refused = refusal(document)
    assert refused is not None
    assert refused.reason == "document"


def test_reports_leave() -> None:
    assert {refusal(made) for made in objects().values()} == {None}


def test_radiographs_are_looked_at_and_slices_are_not() -> None:
    assert all(is_film(film(Modality=it)) for it in FILMS)
    assert not is_film(film(Modality="CT"))
    raw = Dataset()
    raw.SOPClassUID, raw.Modality = RawDataStorage, "CR"
    assert not is_film(raw)


def test_every_reason_has_words() -> None:
    assert all(words and words[0].islower() and not words.endswith(".") for words in WORDS.values())
