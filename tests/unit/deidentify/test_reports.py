"""Reports and films without their patient (D2, D3, D4), in every state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from pydicom.dataset import Dataset

from dicom_node.deidentify import Wording
from dicom_node.deidentify.nested import all_elements
from dicom_node.deidentify.options import DateHandling
from dicom_node.deidentify.wording import MARKER
from dicom_node.report import to_part10
from dicom_node.report.sr_lint import lint
from tests.unit.deidentify.studies import (
    DATES,
    IDENTIFIERS,
    KEY,
    PEOPLE,
    deidentifier,
    film,
    objects,
    parsed,
)

REGISTERED = "1.2.840.10008."
OURS = ("Reader", "Müller", "Klinik", "reader-1", "a-user-code", "last year", "not of the chest")


@pytest.fixture(scope="module")
def originals() -> dict[str, Dataset]:
    return {"film": parsed(film()), **objects()}


@pytest.fixture(scope="module")
def made(originals: dict[str, Dataset]) -> dict[str, Dataset]:
    one = deidentifier(*originals.values())
    return {name: one.deidentified(source) for name, source in originals.items()}


@pytest.fixture(scope="module")
def shifted(originals: dict[str, Dataset]) -> dict[str, Dataset]:
    one = deidentifier(*originals.values(), dates="shifted")
    return {name: one.deidentified(source) for name, source in originals.items()}


def uids(dataset: Dataset) -> Iterator[str]:
    for element in all_elements(dataset):
        if element.VR == "UI" and not str(element.value).startswith(REGISTERED):
            yield str(element.value)


def texts(dataset: Dataset) -> list[str]:
    return [str(it.value) for it in all_elements(dataset) if it.keyword == "TextValue"]


def codes(dataset: Dataset) -> list[tuple[str, ...]]:
    """Concepts and coded values of the content tree, in order."""
    kept = (it for it in all_elements(dataset) if it.keyword in {"ConceptNameCodeSequence", "ConceptCodeSequence"})
    return [(it.keyword, it.value[0].CodeValue, it.value[0].CodeMeaning) for it in kept if it.value]


def test_no_original_name_identifier_date_or_uid_is_left_in_any_byte(
    originals: dict[str, Dataset], made: dict[str, Dataset]
) -> None:
    known = {uid for source in originals.values() for uid in uids(source)}
    searched = (*PEOPLE, *IDENTIFIERS, *DATES, *OURS, "19500102", "20261123", "SER-99887", *known)
    assert len(known) > 30
    for name, dataset in made.items():
        raw = to_part10(dataset)
        assert [it for it in searched if it.encode() in raw] == [], name


def test_every_reference_resolves_under_the_new_uids(originals: dict[str, Dataset], made: dict[str, Dataset]) -> None:
    own = {KEY.uid(source.SOPInstanceUID) for source in originals.values()}
    assert own == {dataset.SOPInstanceUID for dataset in made.values()}
    for name, dataset in made.items():
        named = {str(it.value) for it in all_elements(dataset) if it.keyword == "ReferencedSOPInstanceUID"}
        assert named <= own, name
        assert named or name == "film"


def test_codes_numbers_and_regions_are_untouched(originals: dict[str, Dataset], made: dict[str, Dataset]) -> None:
    for name, source in originals.items():
        before, after = codes(source), codes(made[name])
        assert before == after
        for keyword in ("NumericValue", "GraphicData", "ReferencedFrameNumber", "ValueType", "RelationshipType"):
            of = [[it.value for it in all_elements(ds) if it.keyword == keyword] for ds in (source, made[name])]
            assert of[0] == of[1], name


def test_the_model_s_sentences_stay_and_a_person_s_words_do_not(made: dict[str, Dataset]) -> None:
    narrative = texts(made["draft, narrative"])
    assert "There is a pleural effusion. (consistent with right pleural effusion, 91 %)" in narrative
    assert "Not assessed: pulmonary fibrosis, diaphragmatic hernia." in narrative
    assert any(line.startswith("Drafted by medvlm-cxr (version") for line in narrative)
    addended = texts(made["addended, narrative"])
    assert addended.count("Addendum verified by ANONYMIZED.") == 1
    assert addended[-3:] == ["Addendum by ANONYMIZED.", MARKER, MARKER]
    assert "Rejected by ANONYMIZED." in texts(made["rejected, narrative"])
    assert MARKER in texts(made["rejected, narrative"])


def test_the_state_is_still_said_first(made: dict[str, Dataset]) -> None:
    assert made["draft, findings"].SeriesDescription == "NOT VERIFIED - AI-generated draft"
    assert made["signed, findings"].SeriesDescription == "VERIFIED by ANONYMIZED"
    assert made["signed, findings"].VerifyingObserverSequence[0].VerifyingObserverName == "ANONYMIZED"
    assert made["signed, findings"].VerificationFlag == "VERIFIED"


def test_the_lint_finds_only_what_the_profile_takes(made: dict[str, Dataset]) -> None:
    for name, dataset in made.items():
        if name == "film":
            continue
        # Participants go by the table, and the codes of CID 7050 are none of ours.
        taken = ("ParticipantSequence", "DeidentificationMethodCodeSequence")
        assert [it for it in lint(dataset, [made["film"]]) if not it.where.startswith(taken)] == [], name


def test_what_was_done_is_declared(made: dict[str, Dataset], shifted: dict[str, Dataset]) -> None:
    for dataset in made.values():
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
        assert [it.CodeValue for it in dataset.DeidentificationMethodCodeSequence] == [
            *("113100", "113103", "113104", "113105")
        ]
    for dataset in shifted.values():
        assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
        assert dataset.DeidentificationMethodCodeSequence[-1].CodeValue == "113107"


def test_one_patient_has_one_pseudonym_and_no_birth_date(made: dict[str, Dataset]) -> None:
    assert {str(it.PatientName) for it in made.values()} == {it.PatientID for it in made.values()}
    assert len({it.PatientID for it in made.values()}) == 1
    assert {str(it.PatientBirthDate) for it in made.values()} <= {"", "None"}


def test_shifted_dates_keep_their_order_and_distance(
    originals: dict[str, Dataset], shifted: dict[str, Dataset]
) -> None:
    days = set()
    for name, source in originals.items():
        for keyword in ("StudyDate", "ContentDate", "InstanceCreationDate", "VerificationDateTime"):
            for before, after in zip(_dates(source, keyword), _dates(shifted[name], keyword), strict=True):
                days.add((after - before).days)
    assert days == {KEY.days("|PID-4711-X")}
    assert -3650 <= days.pop() < 0


def test_shifted_dates_leave_no_original_date(shifted: dict[str, Dataset]) -> None:
    for name, dataset in shifted.items():
        assert [it for it in DATES if it.encode() in to_part10(dataset)] == [], name


def test_kept_dates_keep_all_but_the_birth_date(originals: dict[str, Dataset]) -> None:
    kept = deidentifier(*originals.values(), dates="kept").deidentified(originals["signed, findings"])
    assert kept.StudyDate == "20261123"
    assert not kept.PatientBirthDate


def _dates(dataset: Dataset, keyword: str) -> list[date]:
    found = (str(it.value) for it in all_elements(dataset) if it.keyword == keyword)
    return [date(int(it[:4]), int(it[4:6]), int(it[6:8])) for it in found]


def test_the_words_of_a_foreign_report_are_replaced_whatever_they_say(originals: dict[str, Dataset]) -> None:
    foreign = originals["draft, narrative"].copy()
    one = deidentifier(dates="removed", wording=Wording()).deidentified(foreign)
    free = [it for it in texts(one) if it not in {"MedVLM", "medvlm-cxr"}]
    assert set(free) <= {MARKER, "ANONYMIZED"}


def test_a_film_keeps_what_names_nobody(made: dict[str, Dataset]) -> None:
    left = made["film"]
    assert left.StudyDescription == "Chest PA"
    assert left.SeriesDescription == "Thorax stehend"
    assert left.Manufacturer == "Sonographic"
    assert left.Rows == 2500
    for absent in ("ImageComments", "RequestAttributesSequence", "InstitutionName", "PatientAge"):
        assert absent not in left
    assert not [it for it in left if it.tag.is_private or it.tag.group >= 0x5000]
    device = left.ContributingEquipmentSequence[0]
    assert "Krankenhaus" not in device.Manufacturer
    assert device.DerivationCodeSequence[0].SecondaryReviewerName == "ANONYMIZED"


@pytest.mark.parametrize("dates", ["removed", "shifted"])
def test_a_patient_s_own_content_items_go(dates: DateHandling) -> None:
    tree, item = Dataset(), Dataset()
    item.ValueType, item.DateTime = "DATETIME", "19500102"
    item.ConceptNameCodeSequence = [Dataset()]
    item.ConceptNameCodeSequence[0].CodeValue = "121031"
    item.ConceptNameCodeSequence[0].CodingSchemeDesignator = "DCM"
    tree.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    tree.ContentSequence = [item]
    assert len(deidentifier(dates=dates).deidentified(tree).ContentSequence) == 0


def test_what_was_de_identified_before_can_be_again(made: dict[str, Dataset]) -> None:
    again = deidentifier(*made.values())
    for name, once in made.items():
        twice = again.deidentified(once)
        assert texts(twice) == texts(once), name
        assert twice.get("SeriesDescription") == once.get("SeriesDescription")
        assert len(twice.DeidentificationMethodCodeSequence) == 4


def test_odd_character_sets_come_out_as_utf_8_without_the_name() -> None:
    source = film(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう", Manufacturer="山田製作所")
    made = deidentifier(source).deidentified(parsed(source))
    assert made.SpecificCharacterSet == "ISO_IR 192"
    assert not re.search("山田|やまだ|Yamada", to_part10(made).decode("utf-8", "replace"))
