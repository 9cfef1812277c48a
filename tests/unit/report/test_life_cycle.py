"""A report's life: who may do what when, what each state says, and that every version names the one before."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage, ComprehensiveSRStorage

from dicom_node.report import Predecessor, findings_sr, narrative_sr, to_part10
from dicom_node.report.context import not_assessed
from dicom_node.report.document import NotReportable
from dicom_node.report.life_cycle import TRANSITIONS, Add, Change, Edit, IllegalTransition, Person, Remove, Sign
from dicom_node.report.sr_lint import lint
from dicom_node.report.statements import content
from dicom_node.report.version import Version
from medvlm.contract import Narrative, Sentence
from medvlm.errors import UnknownFinding
from tests.unit.report.drafts import CREATED, STUDY_UID, box, draft, predecessor
from tests.unit.report.trees import named, texts, walk
from tests.unit.report.versions import READER, SECOND, addend, edit, every_state, minutes, reject, sign

BUILDERS = (findings_sr, narrative_sr)
STATES = ("draft", "edited", "signed", "addended", "rejected")
FLAGS = {
    "draft": ("PARTIAL", "UNVERIFIED", "PRELIMINARY"),
    "edited": ("PARTIAL", "UNVERIFIED", "PRELIMINARY"),
    "signed": ("COMPLETE", "VERIFIED", "FINAL"),
    "addended": ("COMPLETE", "VERIFIED", "FINAL"),
    "rejected": ("COMPLETE", "UNVERIFIED", "PRELIMINARY"),
}
PURPOSES = {"edited": "121360", "signed": "121362", "addended": "121361", "rejected": "121360"}
PARTICIPANTS = {
    "draft": ["SOURCE DEV"],
    "edited": ["SOURCE DEV", "ENT PSN"],
    "signed": ["SOURCE DEV", "ENT PSN", "ATTEST PSN"],
    "addended": ["SOURCE DEV", "ENT PSN", "ATTEST PSN", "ATTEST PSN"],
    "rejected": ["SOURCE DEV", "ENT PSN", "ENT PSN"],
}
ACTS = {"edit": lambda at: edit(draft(), at), "sign": sign, "addend": addend, "reject": reject}


def predecessors(document: Dataset) -> list[Dataset]:
    return [
        reference
        for study in document.get("PredecessorDocumentsSequence", ())
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    ]


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_flags_participants_and_predecessor(build, state: str) -> None:
    version = every_state()[state]
    document = build(version)
    assert (document.CompletionFlag, document.VerificationFlag, document.PreliminaryFlag) == FLAGS[state]
    taking_part = [f"{it.ParticipationType} {it.ObserverType}" for it in document.ParticipantSequence]
    assert taking_part == PARTICIPANTS[state]
    purposes = [it.PurposeOfReferenceCodeSequence[0].CodeValue for it in predecessors(document)]
    assert purposes == ([PURPOSES[state]] if state in PURPOSES else [])
    assert ("VerifyingObserverSequence" in document) == version.is_verified
    assert lint(document, version.draft.sources) == ()


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("state", STATES)
def test_what_is_not_verified_says_so_first_and_what_is_verified_says_by_whom(build, state: str) -> None:
    document = build(every_state()[state])
    first = texts(document)[0]
    if state in {"signed", "addended"}:
        assert "Reader, Dr Any" in document.SeriesDescription
        assert document.SeriesDescription.startswith("VERIFIED")
        assert "Reader, Dr Any, Department of Radiology, 2026-11-23 " in first
        assert "Not verified" not in "".join([*texts(document), document.CompletionFlagDescription])
    else:
        assert "NOT VERIFIED" in document.SeriesDescription[:20]
        assert first.startswith("Draft rejected" if state == "rejected" else "AI-generated draft. Not verified.")
        assert document.CompletionFlagDescription == first.split(" For evaluation")[0]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("act", ACTS)
def test_only_the_transitions_of_the_table_are_possible(state: str, act: str) -> None:
    version = every_state()[state]
    if (state, act) in TRANSITIONS:
        assert version.then(ACTS[act](9)).state == TRANSITIONS[state, act]
    else:
        with pytest.raises(IllegalTransition, match=state):
            version.then(ACTS[act](9))


@pytest.mark.parametrize("person", [None, "medvlm-cxr", {"name": "Reader^Any"}])
def test_only_a_person_signs(person) -> None:
    with pytest.raises(ValidationError):
        Sign(person=person, at=CREATED)


@pytest.mark.parametrize(
    "values", [{"name": "^^"}, {"name": " "}, {"id": ""}, {"organisation": " "}, {"role": "model"}]
)
def test_a_person_has_a_name_a_code_an_organisation_and_a_role(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Person(**(READER.model_dump() | values))


def test_a_signature_needs_its_time_zone_and_cannot_lie_before_what_it_signs() -> None:
    with pytest.raises(ValidationError):
        Sign(person=READER, at=datetime(2026, 11, 23))
    with pytest.raises(IllegalTransition, match="before"):
        Version(draft()).then(edit(draft(), at=5)).then(sign(at=4))


def test_the_verifying_observer_is_who_signed_when_and_where() -> None:
    (observer,) = findings_sr(every_state()["signed"]).VerifyingObserverSequence
    assert str(observer.VerifyingObserverName) == "Reader^Any^^Dr"
    assert observer.VerifyingOrganization == "Department of Radiology"
    assert observer.VerificationDateTime == "20261123093215.250000+0000"
    (code,) = observer.VerifyingObserverIdentificationCodeSequence
    assert (code.CodeValue, code.CodeMeaning) == ("reader-1", "Reader, Dr Any")


def test_an_addendum_is_verified_by_who_added_it_and_the_signer_stays_named() -> None:
    version = every_state()["signed"].then(addend(person=SECOND))
    document = narrative_sr(version)
    (observer,) = document.VerifyingObserverSequence
    assert str(observer.VerifyingObserverName) == "Müller^Jörg"
    attesting = [str(it.PersonName) for it in document.ParticipantSequence if it.ParticipationType == "ATTEST"]
    assert attesting == ["Reader^Any^^Dr", "Müller^Jörg"]
    (section,) = named(document, "55107-7")
    assert section.ConceptNameCodeSequence[0].CodingSchemeDesignator == "LN"
    assert texts(section)[1:] == ["Compared with the film of last year.", "No change."]


def test_a_user_code_too_long_for_its_element_is_kept_whole() -> None:
    entered = findings_sr(every_state()["edited"]).ParticipantSequence[1]
    (code,) = entered.PersonIdentificationCodeSequence
    assert code.LongCodeValue == SECOND.id
    assert "CodeValue" not in code


@pytest.mark.parametrize("build", BUILDERS)
def test_a_rejection_repeats_no_finding(build) -> None:
    document = build(every_state()["rejected"])
    words = " ".join(texts(document))
    assert "effusion" not in words
    assert named(document, "125007") == named(document, "59776-5") == []
    assert "Rejected by Reader, Dr Any" in words
    assert "Reason: The film is not of the chest." in words


def test_every_version_names_the_one_before_and_none_itself() -> None:
    versions = every_state()
    for build in BUILDERS:
        chain = [build(versions[state]) for state in ("draft", "edited", "signed", "addended")]
        for earlier, later in pairwise(chain):
            (reference,) = predecessors(later)
            assert reference.ReferencedSOPInstanceUID == earlier.SOPInstanceUID
            assert reference.ReferencedSOPClassUID == earlier.SOPClassUID
            assert later.PredecessorDocumentsSequence[0].StudyInstanceUID == STUDY_UID
            assert later.SeriesInstanceUID == earlier.SeriesInstanceUID
            assert later.InstanceNumber == earlier.InstanceNumber + 1


@pytest.mark.parametrize(
    ("build", "other"), [(findings_sr, ComprehensiveSRStorage), (narrative_sr, BasicTextSRStorage)]
)
def test_the_copy_in_another_class_names_the_copy_before(build, other: str) -> None:
    versions = every_state()
    (reference,) = predecessors(build(versions["signed"], other))
    assert reference.ReferencedSOPInstanceUID == build(versions["edited"], other).SOPInstanceUID
    assert reference.ReferencedSOPClassUID == other
    assert predecessors(build(versions["signed"]))[0].ReferencedSOPClassUID != other


def test_documents_that_another_release_stored_are_named_as_they_are() -> None:
    document = findings_sr(Version(draft()))
    stored = Predecessor(document.SOPClassUID, document.SOPInstanceUID, "2.25.404")
    signed = findings_sr(Version(draft()).then(sign(), stored=(stored, predecessor("1.2.3"))))
    (study,) = signed.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == "2.25.404"
    assert [it.ReferencedSOPInstanceUID for it in series.ReferencedSOPSequence] == [document.SOPInstanceUID]


def of_tracking(document: Dataset, tracking_uid: str) -> Dataset:
    return next(it for it in named(document, "125007") if tracking_uid == named(it, "112040")[0].UID)


def test_a_finding_that_a_person_added_names_the_person_and_no_algorithm() -> None:
    group = of_tracking(findings_sr(every_state()["signed"]), "2.25.71")
    assert str(named(group, "121008")[0].PersonName) == "Müller^Jörg"
    assert named(group, "121010")[0].ConceptCodeSequence[0].CodeMeaning == "Resident"
    assert named(group, "111001") == named(group, "111012") == []


def test_a_changed_finding_stays_the_same_lesion_of_the_model_without_its_certainty() -> None:
    changed = draft().reading.findings[1].tracking_uid
    before, after = (of_tracking(findings_sr(every_state()[state]), changed) for state in ("draft", "signed"))
    assert named(before, "121008") == []
    assert named(after, "121008") != []
    assert named(after, "111001") != []
    assert named(after, "111012") == []
    assert named(after, "121052")[0].ConceptCodeSequence[0].CodeMeaning == "Undetermined"
    assert before.ObservationUID == after.ObservationUID


def test_a_removed_finding_leaves_the_document_and_stays_in_the_version_before() -> None:
    versions = every_state()
    name = "Mass"
    of_draft, of_signed = (
        [it for it in walk(findings_sr(versions[state])) if it.ConceptNameCodeSequence[0].CodeMeaning == name]
        for state in ("draft", "signed")
    )
    assert (len(of_draft), len(of_signed)) == (1, 0)


def test_sentences_follow_the_decisions() -> None:
    (section,) = named(narrative_sr(every_state()["signed"]), "59776-5")
    lines = texts(section)
    assert not any("mass" in line.lower() for line in lines)
    assert "A pleural effusion cannot be excluded. (left)" in lines
    assert "There is consolidation. (right)" in lines
    assert "There is no pneumothorax." in lines


def test_a_person_s_sentences_stand_as_written_without_a_certainty_of_the_model_s() -> None:
    own = Narrative(findings=(Sentence(text="Small effusion on the right.", findings=("effusion",)),))
    written = Version(draft()).then(Edit(person=READER, at=CREATED + minutes(1), narrative=own))
    (section,) = named(narrative_sr(written), "59776-5")
    assert texts(section)[0] == "Small effusion on the right."
    untouched = Edit(person=READER, at=CREATED + minutes(1), narrative=draft().reading.narrative)
    (section,) = named(narrative_sr(Version(draft()).then(untouched)), "59776-5")
    assert texts(section)[1].endswith("91 %)")


@pytest.mark.parametrize(
    ("decision", "error"),
    [
        (Remove(tracking_uid="2.25.404"), NotReportable),
        (Change(tracking_uid="2.25.404", presence="absent"), NotReportable),
        (Add(tracking_uid=draft().reading.findings[0].tracking_uid, name="mass"), NotReportable),
        (Add(tracking_uid="2.25.9", name="pneumothorax"), NotReportable),
        (Add(tracking_uid="2.25.9", name="unheard_of"), UnknownFinding),
    ],
    ids=["removes nothing", "changes nothing", "taken UID", "contradicts", "not in the vocabulary"],
)
def test_a_decision_that_does_not_fit_is_refused_in_words(decision, error: type[Exception]) -> None:
    with pytest.raises(error):
        findings_sr(Version(draft()).then(Edit(person=READER, at=CREATED, decisions=(decision,))))


def test_a_box_of_a_person_s_on_a_foreign_image_is_refused() -> None:
    added = Add(tracking_uid="2.25.9", name="mass", evidence=(box(sop_instance_uid="2.25.404"),))
    with pytest.raises(NotReportable, match="not among the sources"):
        findings_sr(Version(draft()).then(Edit(person=READER, at=CREATED, decisions=(added,))))


def test_after_an_edit_the_whole_image_group_is_the_editor_s() -> None:
    made = draft()
    nothing = tuple(Remove(tracking_uid=it.tracking_uid) for it in made.reading.findings)
    version = Version(made).then(Edit(person=READER, at=CREATED, decisions=nothing))
    (group,) = named(findings_sr(version), "125007")
    assert named(group, "111001") == []
    assert str(named(group, "121008")[0].PersonName) == "Reader^Any^^Dr"
    assert lint(findings_sr(version), made.sources) == ()


@st.composite
def histories(draw) -> Version:
    """Any sequence of legal transitions."""
    version = Version(draft(version=draw(st.integers(1, 3))))
    for step in range(draw(st.integers(0, 6))):
        possible = [act for state, act in TRANSITIONS if state == version.state]
        if not possible:
            break
        act = draw(st.sampled_from(possible))
        decided = draw(st.booleans())
        person = draw(st.sampled_from([READER, SECOND]))
        if act == "edit":
            added = Add(tracking_uid=f"2.25.8{step}", name=draw(st.sampled_from(["nodule", "mass"])))
            made = Edit(person=person, at=CREATED + minutes(step), decisions=(added,) if decided else ())
        else:
            made = {"sign": sign, "addend": addend, "reject": reject}[act](step, person)
        version = version.then(made)
    return version


@settings(max_examples=25, deadline=None)
@given(histories())
def test_any_history_reads_back_to_the_first_draft(last: Version) -> None:
    chain = [last]
    while (before := chain[-1].previous) is not None:
        chain.append(before)
    documents = [narrative_sr(version) for version in chain]
    by_uid = {document.SOPInstanceUID: document for document in documents}
    assert len(by_uid) == len(chain)
    followed = [documents[0]]
    while named_before := predecessors(followed[-1]):
        followed.append(by_uid[named_before[0].ReferencedSOPInstanceUID])
    assert followed == documents
    assert followed[-1].SOPInstanceUID == narrative_sr(last.draft).SOPInstanceUID
    assert [it.InstanceNumber for it in followed] == list(range(last.number, last.draft.version - 1, -1))
    assert all(lint(document, last.draft.sources) == () for document in followed)
    assert content(chain[-1]).statements == content(Version(last.draft)).statements


def test_the_same_history_is_the_same_object_and_another_signer_another() -> None:
    first, second = (every_state()["signed"] for _ in range(2))
    assert to_part10(findings_sr(first)) == to_part10(findings_sr(second))
    edited = every_state()["edited"]
    assert (
        findings_sr(edited.then(sign(person=SECOND))).SOPInstanceUID
        != findings_sr(edited.then(sign(person=READER))).SOPInstanceUID
    )


def test_what_a_person_stated_is_no_longer_called_not_assessed() -> None:
    start = Version(draft())
    add = Add(tracking_uid="2.25.73", name="fibrosis", laterality="left")
    edited = start.then(Edit(person=READER, at=CREATED + minutes(1), decisions=(add,)))
    assert not_assessed(start) == ("fibrosis", "hernia")
    assert not_assessed(edited) == ("hernia",)
    assert "Not assessed: diaphragmatic hernia." in texts(narrative_sr(edited))
    assert "Not assessed: diaphragmatic hernia." in texts(findings_sr(edited))


def test_the_side_of_what_a_person_stated_stands_in_the_impression_too() -> None:
    start = Version(draft())
    add = Add(tracking_uid="2.25.73", name="fibrosis", laterality="left")
    edited = start.then(Edit(person=READER, at=CREATED + minutes(1), decisions=(add,)))
    said = texts(narrative_sr(edited))
    assert [line for line in said if "fibrosis" in line.lower() and "(left)" not in line] == []
    assert sum("fibrosis" in line.lower() for line in said) == 2
