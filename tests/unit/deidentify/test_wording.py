"""Which words stay in free text."""

from __future__ import annotations

import pytest

from dicom_node.deidentify import Identity, Wording, identity_of
from dicom_node.deidentify.identity import folded
from dicom_node.deidentify.wording import MARKER
from dicom_node.export.own_words import own_words
from tests.unit.deidentify.studies import film, report

NOBODY = Identity()


@pytest.fixture(scope="module")
def wording() -> Wording:
    return own_words([report().reading])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("There is a pleural effusion.", "There is a pleural effusion."),
        ("There is a pleural effusion. She smokes.", f"There is a pleural effusion. {MARKER}"),
        ("She smokes. There is a pleural effusion.", f"{MARKER} There is a pleural effusion."),
        ("His wife says There is a pleural effusion. and more", f"{MARKER} There is a pleural effusion. {MARKER}"),
        ("There is a pleural effusion.And more", MARKER),
        ("(right)", "(right)"),
        ("(right hand of Zwiebelmann)", MARKER),
        ("Not assessed: mass, hernia of Zwiebelmann.", MARKER),
        (
            "Verified by Any, Dr, X-ray dept. 2, 2026-11-23 09:32 UTC. For evaluation, not for clinical use.",
            "Verified by ANONYMIZED. For evaluation, not for clinical use.",
        ),
        ("Verified by Any", MARKER),
        ("3 Pleural effusion, right, 78 % (AI draft)", "3 Pleural effusion, right, 78 % (AI draft)"),
        ("3 Pleural effusion of Any", MARKER),
        ("first line\nThere is a pleural effusion.", f"{MARKER}\nThere is a pleural effusion."),
        ("", ""),
    ],
)
def test_only_known_sentences_stay_in_text(wording: Wording, text: str, left: str) -> None:
    assert wording.text(text, NOBODY) == left


@pytest.mark.parametrize(
    ("description", "left"),
    [
        ("Chest PA", "Chest PA"),
        ("Thorax p.a. Zwiebelmann 4711", "Thorax"),
        ("XR CHEST/ABDOMEN, 2 views", "XR CHEST/ABDOMEN, 2 views"),
        ("Dr. Zwiebel", ""),
        ("20261123", ""),
        ("VERIFIED by Any Reader", "VERIFIED by ANONYMIZED"),
        ("VERIFIED, addendum by An", "VERIFIED, addendum by ANONYMIZED"),
        ("NOT VERIFIED - AI-generated draft, edited", "NOT VERIFIED - AI-generated draft, edited"),
        ("-", ""),
    ],
)
def test_descriptions_are_cut_down_to_known_words(wording: Wording, description: str, left: str) -> None:
    assert wording.description(description, NOBODY) == left


def test_a_known_word_that_is_the_patient_s_name_does_not_stay(wording: Wording) -> None:
    hand = Identity(names=frozenset({"CHEST"}))
    assert wording.description("Chest PA", hand) == "PA"


def test_a_model_s_sentence_that_names_the_patient_does_not_stay() -> None:
    told = Wording(said=frozenset({"Zwiebelmann has an effusion."}))
    assert told.text("Zwiebelmann has an effusion.", NOBODY) == "Zwiebelmann has an effusion."
    assert told.text("Zwiebelmann has an effusion.", identity_of([film()])) == MARKER


@pytest.mark.parametrize(
    "text",
    [
        *("of ZWIEBELMANN", "zwiebelmann, ottokar", "Uberweiser", "ID PID-4711-X", "PID 4711 X", "born 1950-01-02"),
        *("2.1.1950", "01/02/1950", "20261123", "1.2.276.0.7230010.3.1", "im Krankenhaus Sankt Beispiel"),
    ],
)
def test_a_study_s_own_names_are_found_however_they_are_written(text: str) -> None:
    assert identity_of([film()]).occurs_in(text)


@pytest.mark.parametrize("text", ["Chest PA", "Sonographic", "V 1.2.3", "1.2.840.10008.5.1.4.1.1.1", "500", "Beispiel"])
def test_other_words_are_not_taken_for_them(text: str) -> None:
    assert not identity_of([film()]).occurs_in(text)


def test_names_fold_across_scripts() -> None:
    assert folded("Müller-Lüdenscheidt^Jörg") == "MULLER LUDENSCHEIDT JORG"
    assert identity_of([film(PatientName="=山田^太郎")]).occurs_in("患者は山田です")
