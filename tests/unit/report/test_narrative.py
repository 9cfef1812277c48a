"""The narrative: warning first, then what was found, how sure, and what was not assessed."""

from __future__ import annotations

import pytest

from dicom_node.report import narrative_sr
from dicom_node.report.words import certainty_words, rounded_percent
from medvlm.contract import Narrative, Sentence
from tests.unit.report.drafts import draft, finding, header, reading
from tests.unit.report.trees import named, texts, walk


def test_the_banner_is_the_first_text_of_the_content() -> None:
    lines = texts(narrative_sr(draft()))
    assert lines[:2] == ["AI-generated draft. Not verified.", "For evaluation, not for clinical use."]


def test_sections_are_loinc_headings_in_the_order_of_the_template() -> None:
    document = narrative_sr(draft())
    sections = [it.ConceptNameCodeSequence[0] for it in document.ContentSequence if it.ValueType == "CONTAINER"]
    assert [(it.CodeMeaning, it.CodingSchemeDesignator) for it in sections] == [
        ("Summary", "LN"),
        ("Current Procedure Descriptions", "LN"),
        ("Findings", "LN"),
        ("Impressions", "LN"),
    ]


def test_what_is_there_is_stated_with_side_and_certainty_in_words() -> None:
    (section,) = named(narrative_sr(draft()), "59776-5")
    lines = texts(section)
    assert lines[1] == "There is a pleural effusion. (consistent with right pleural effusion, 91 %)"
    assert lines[2] == "Airspace opacity cannot be excluded. (possible left airspace opacity, 46 %)"
    assert "There is no pneumothorax." in lines
    assert lines[-1] == "Not assessed: pulmonary fibrosis, diaphragmatic hernia."


def test_warnings_and_the_model_stand_above_the_findings() -> None:
    (summary,) = named(narrative_sr(draft(sources=(header(PatientSex="U"),))), "55112-7")
    lines = texts(summary)
    assert lines[2] == "Warning: The image has fewer pixels than the model was trained on."
    assert lines[3].startswith("Warning: The patient's sex in the image header, 'U',")
    assert lines[4].startswith("Drafted by medvlm-cxr (version 0.1.0, weights abababababab, ")


def test_an_empty_narrative_says_so() -> None:
    document = narrative_sr(draft(reading=reading(narrative=Narrative(), findings=(), not_assessed=(), warnings=())))
    assert texts(document)[-2:] == ["No findings were drafted.", "No impression was drafted."]


def test_a_study_without_description_has_no_procedure_section() -> None:
    assert named(narrative_sr(draft(sources=(header(StudyDescription=None),))), "55111-9") == []


@pytest.mark.parametrize("words", ["", " \n", "a\x00b\x1b[31m", "line\r\nline", "\ud800", "<b>&"])
def test_no_sentence_can_break_the_document(words: str) -> None:
    said = Narrative(findings=(Sentence(text=words, findings=("mass",)), Sentence(text="Last.")))
    document = narrative_sr(draft(reading=reading(narrative=said, findings=(finding("mass"),))))
    assert all(item.TextValue for item in walk(document) if item.ValueType == "TEXT")
    assert not any(letter in "\x00\x1b\ud800" for line in texts(document) for letter in line)


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "consistent with"),
        (0.9, "consistent with"),
        (0.75, "probable"),
        (0.5, "possible"),
        (0.25, "less likely"),
        (0.05, "unlikely"),
        (0.0, "unlikely"),
    ],
)
def test_certainty_has_fixed_words(probability: float, words: str) -> None:
    assert certainty_words(probability) == words


def test_no_sentence_claims_a_hundred_percent() -> None:
    assert [rounded_percent(it) for it in (0.0, 0.994, 1.0)] == ["less than 1", "more than 99", "more than 99"]
