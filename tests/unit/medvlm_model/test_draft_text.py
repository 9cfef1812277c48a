"""Drafts against codes: an independent reader agrees, and what nothing stands behind is warned of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medvlm.contract import Finding, Laterality, Narrative, Presence, Sentence
from medvlm.engine.calibration import FindingCalibration
from medvlm.engine.narrative import narrative
from medvlm.safeguards.coherence import CONTAINED_IN, coherent
from medvlm.safeguards.draft_text import check_draft, stated_presence, stated_side
from medvlm.vocabulary import terms
from tests.sentence_parser import parse

MAP = FindingCalibration(slope=1, intercept=0, present_from=0.6, absent_to=0.3, prevalence=0.4, wordings=("?",))
PRESENCES: tuple[Presence, ...] = ("present", "absent", "indeterminate")


def _found(name: str, presence: Presence, laterality: Laterality = "unspecified") -> Finding:
    return Finding(
        name=name, presence=presence, probability=0.5, calibration="c", laterality=laterality, tracking_uid="2.25.1"
    )


@st.composite
def questionnaires(draw: st.DrawFn) -> tuple[Finding, ...]:
    """Findings of any probabilities, as the questionnaire words them, for any part of the vocabulary."""
    names = draw(st.lists(st.sampled_from(sorted(terms())), unique=True, min_size=1))
    probability = st.floats(0, 1, allow_nan=False)
    return tuple(_found(name, MAP.presence(draw(probability))) for name in terms() if name in names)


@given(questionnaires())
def test_an_independent_reader_finds_every_sentence_in_agreement_with_the_codes(findings: tuple[Finding, ...]) -> None:
    mended, _ = coherent(findings)
    coded = {finding.name: finding.presence for finding in mended}
    draft = narrative(mended)
    assert len(draft.findings) == len(coded)
    for sentence in (*draft.findings, *draft.impression):
        (name,) = sentence.findings
        assert parse(sentence.text) == {name: coded[name]}


@given(questionnaires())
def test_no_draft_denies_the_wider_finding_beside_a_case_of_it(findings: tuple[Finding, ...]) -> None:
    mended, warnings = coherent(findings)
    read = {name: said for sentence in narrative(mended).findings for name, said in parse(sentence.text).items()}
    present = {name for name, said in read.items() if said == "present"}
    for name in present & set(CONTAINED_IN):
        assert read.get(CONTAINED_IN[name]) != "absent"
    if present:
        assert read.get("abnormality") != "absent"
    changed = [one.name for one, other in zip(findings, mended, strict=True) if one != other]
    assert len(changed) == len(warnings)


@given(questionnaires())
def test_the_products_own_drafts_raise_no_warning(findings: tuple[Finding, ...]) -> None:
    mended, _ = coherent(findings)
    assert check_draft(narrative(mended), mended, has_prior=False) == ()


@pytest.mark.parametrize("presence", PRESENCES)
def test_every_statement_of_the_vocabulary_is_read_as_what_it_states(presence: Presence) -> None:
    for name, said in terms().items():
        for text in getattr(said, presence):
            assert parse(text) == {name: presence}, text
            assert stated_presence(text) == presence, text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("The cardiac silhouette is not enlarged and there is no effusion.", {"cardiomegaly", "effusion"}),
        ("The film is not abnormal.", {"abnormality"}),
        ("The ribs are intact.", set()),
    ],
)
def test_the_independent_reader_reads_sentences_that_nobody_listed(text: str, read: set[str]) -> None:
    assert parse(text) == dict.fromkeys(read, "absent")


@given(st.sampled_from(sorted(terms())), st.sampled_from(PRESENCES), st.sampled_from(PRESENCES))
def test_a_sentence_against_its_code_is_warned_of(name: str, said: Presence, coded: Presence) -> None:
    draft = Narrative(findings=(Sentence(text=getattr(terms()[name], said)[-1], findings=(name,)),))
    codes = [warning.code for warning in check_draft(draft, (_found(name, coded),), has_prior=False)]
    assert codes == ([] if said == coded else ["text_disagrees"])


def _codes(text: str, *findings: Finding, has_prior: bool = False) -> list[str]:
    draft = Narrative(findings=(Sentence(text=text, findings=tuple(finding.name for finding in findings)),))
    return [warning.code for warning in check_draft(draft, findings, has_prior)]


def test_a_sentence_about_a_finding_without_a_code_is_warned_of() -> None:
    draft = Narrative(findings=(Sentence(text="There is a mass.", findings=("mass",)),))
    assert [warning.code for warning in check_draft(draft, (), has_prior=False)] == ["text_without_code"]


@pytest.mark.parametrize(
    ("text", "laterality", "codes"),
    [
        ("There is a left pleural effusion.", "right", ["side_disagrees"]),
        ("There is a right-sided pleural effusion.", "right", []),
        ("There are bilateral pleural effusions.", "left", ["side_disagrees"]),
        ("There is pleural effusion on the left and on the right.", "bilateral", []),
        ("There is a left pleural effusion.", "bilateral", []),
        ("There is a left pleural effusion.", "unspecified", ["side_without_code"]),
        ("There is a pleural effusion.", "right", []),
    ],
)
def test_a_side_in_the_text_has_to_be_the_findings_side(text: str, laterality: Laterality, codes: list[str]) -> None:
    assert _codes(text, _found("effusion", "present", laterality)) == codes


def test_a_denied_side_needs_no_code() -> None:
    assert _codes("There is no left pleural effusion.", _found("effusion", "absent")) == []


@pytest.mark.parametrize(("text", "side"), [("Upright film.", "unspecified"), ("Both lungs.", "bilateral")])
def test_a_side_is_read_as_a_whole_word(text: str, side: Laterality) -> None:
    assert stated_side(text) == side


@pytest.mark.parametrize(
    "text",
    [
        "Unchanged pleural effusion.",
        "There is a new pleural effusion.",
        "The pleural effusion is worse.",
        "Compared with the prior, there is a pleural effusion.",
        "The pleural effusion has increased.",
        "Again seen is a pleural effusion.",
    ],
)
def test_a_course_is_warned_of_where_there_is_no_prior_and_only_there(text: str) -> None:
    found = _found("effusion", "present")
    assert _codes(text, found) == ["prior_not_there"]
    assert _codes(text, found, has_prior=True) == []


@pytest.mark.parametrize(
    "text",
    ["There is a 3 cm mass.", "There is a mass of 1.5 x 2 cm.", "A mass measures 12mm.", "A mass of two centimetres."],
)
def test_a_measure_that_nobody_made_is_warned_of(text: str) -> None:
    assert _codes(text, _found("mass", "present")) == ["measure_not_made"]


def test_a_repeated_sentence_and_a_loop_are_warned_of() -> None:
    said = Sentence(text="There is a mass.", findings=("mass",))
    loop = Sentence(text="There is a mass and there is a mass and there is a mass.", findings=("mass",))
    found = (_found("mass", "present"),)
    assert [one.code for one in check_draft(Narrative(findings=(said, said)), found, False)] == ["text_repeats"]
    assert [one.code for one in check_draft(Narrative(findings=(loop,)), found, False)] == ["text_repeats"]
    assert check_draft(Narrative(findings=(said,), impression=(said,)), found, False) == ()
