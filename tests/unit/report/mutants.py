"""A good report with one defect each, and the rule of the lint that must say so.

M1 to M17 are the reference set: five of them fall to a public validator too (`public` names it), twelve to the lint
alone. The others make sure that no rule is without a defect that it alone finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydicom.dataset import Dataset

from dicom_node.report import codes, findings_sr
from dicom_node.report.content import coded
from dicom_node.report.life_cycle import Reject, Sign
from dicom_node.report.version import Version
from medvlm.vocabulary import Code
from tests.unit.report.drafts import CREATED, draft, header, predecessor
from tests.unit.report.trees import named, walk
from tests.unit.report.versions import READER

PublicTool = Literal["", "dciodvfy", "dcentvfy", "dsrdump"]


def a_draft() -> Dataset:
    return findings_sr(draft(sources=(header(PatientName="Müller^Jörg"),)))


def a_second_draft() -> Dataset:
    first = predecessor(a_draft().SOPClassUID)
    return findings_sr(draft(sources=(header(PatientName="Müller^Jörg"),), version=2, predecessors=(first,)))


def signed() -> Dataset:
    act = Sign(person=READER, at=CREATED + timedelta(hours=1))
    return findings_sr(Version(draft(sources=(header(PatientName="Müller^Jörg"),)), (act,)))


def rejected() -> Dataset:
    act = Reject(person=READER, at=CREATED + timedelta(hours=1), reason="Wrong side.")
    return findings_sr(Version(draft(sources=(header(PatientName="Müller^Jörg"),)), (act,)))


@dataclass(frozen=True)
class Mutant:
    """`rules`: all that the lint says about it, no more and no less."""

    name: str
    spoil: Callable[[Dataset], object]
    rules: frozenset[str]
    public: PublicTool = ""
    good: Callable[[], Dataset] = a_draft

    def made(self) -> Dataset:
        document = self.good()
        self.spoil(document)
        return document


def group(document: Dataset) -> Dataset:
    return named(document, "125007")[0]


def drop(parent: Dataset, value: str) -> None:
    """Remove the direct children with this concept name."""
    parent.ContentSequence = [it for it in parent.ContentSequence if name(it) != value]


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def region(document: Dataset) -> Dataset:
    return named(document, "111030")[0]


def set_region(document: Dataset, points: list[float]) -> None:
    region(document).GraphicData = points


def set_finding(document: Dataset, **changes: str) -> None:
    code = next(it for it in group(document).ContentSequence if name(it) == "121071").ConceptCodeSequence[0]
    for keyword, value in changes.items():
        setattr(code, keyword, value)


def flags(document: Dataset, **changes: str) -> None:
    for keyword, value in changes.items():
        setattr(document, keyword, value)


def certainty(document: Dataset) -> Dataset:
    return named(document, "111012")[0].MeasuredValueSequence[0]


def recode(item: Dataset, keyword: str, code: Code) -> None:
    setattr(item, keyword, [coded(code)])


def predecessors(document: Dataset) -> Dataset:
    return document.PredecessorDocumentsSequence[0]


def the_same_tracking_uid(document: Dataset) -> None:
    first, second = named(document, "112040")[:2]
    second.UID = first.UID


def the_same_observation_uid(document: Dataset) -> None:
    first, second = named(document, "125007")[:2]
    second.ObservationUID = first.ObservationUID


def reversed_items(parent: Dataset) -> None:
    parent.ContentSequence = list(reversed(parent.ContentSequence))


def no_participant(document: Dataset, kind: str) -> None:
    document.ParticipantSequence = [it for it in document.ParticipantSequence if it.ParticipationType != kind]


def no_words_for_others(document: Dataset) -> None:
    for item in walk(document):
        if name(item) == "404684003":
            drop(item, "121106")


def repeats_findings(document: Dataset) -> None:
    listed = named(document, "C0034375")[0]
    listed.ContentSequence = [*named(a_draft(), "C0034375")[0].ContentSequence[:1], *listed.ContentSequence]


def mutant(
    label: str,
    rule: str,
    spoil: Callable[[Dataset], object],
    public: PublicTool = "",
    good: Callable[[], Dataset] = a_draft,
) -> Mutant:
    return Mutant(label, spoil, frozenset(rule.split()), public, good)


REFERENCE = (
    mutant("M1 patient ID not the source's", "identity_differs", lambda it: flags(it, PatientID="P-2"), "dcentvfy"),
    mutant("M2 study not the source's", "study_differs", lambda it: flags(it, StudyInstanceUID="2.25.9")),
    mutant(
        "M3 referenced instance not in evidence",
        "evidence_missing",
        lambda it: flags(region(it).ContentSequence[0].ReferencedSOPSequence[0], ReferencedSOPInstanceUID="2.25.9"),
        "dciodvfy",
    ),
    mutant("M4 no tracking UID", "tracking_uid_missing", lambda it: drop(group(it), "112040")),
    mutant("M5 tracking UID used twice", "tracking_uid_repeated", the_same_tracking_uid),
    mutant("M6 algorithm version absent", "algorithm_incomplete", lambda it: drop(group(it), "111003")),
    mutant("M7 item order reversed", "item_order", lambda it: reversed_items(group(it))),
    mutant(
        "M8 valid code, wrong meaning",
        "code_outside_table",
        lambda it: set_finding(it, CodeValue="267036007"),
    ),
    mutant("M9 check digit wrong", "check_digit_wrong", lambda it: set_finding(it, CodeValue="60046009")),
    mutant(
        "M10 region outside the image",
        "region_outside",
        lambda it: set_region(it, [1900, 10, 2100, 10, 2100, 20, 1900, 20, 1900, 10]),
    ),
    mutant("M11 box not closed", "region_open", lambda it: set_region(it, [10, 10, 20, 10, 20, 20, 10, 20])),
    mutant(
        "M12 verified without observer, and partial",
        "verifier_missing flags_contradict banner_after_signature",
        lambda it: flags(it, VerificationFlag="VERIFIED"),
        "dciodvfy",
    ),
    mutant(
        "M13 final and complete, unverified",
        "flags_contradict",
        lambda it: flags(it, CompletionFlag="COMPLETE", PreliminaryFlag="FINAL"),
    ),
    mutant("M14 no character set", "character_set", lambda it: it.pop("SpecificCharacterSet"), "dciodvfy"),
    mutant("M15 certainty of 191 %", "certainty_out_of_range", lambda it: flags(certainty(it), NumericValue="191")),
    mutant(
        "M16 region inferred from",
        "item_illegal",
        lambda it: flags(region(it), RelationshipType="INFERRED FROM"),
        "dsrdump",
    ),
    mutant("M17 no source participant", "source_participant_missing", lambda it: no_participant(it, "SOURCE")),
)

FURTHER = (
    mutant("name of another", "identity_differs", lambda it: flags(it, PatientName="Mueller^Joerg")),
    mutant("birth date of another", "identity_differs", lambda it: flags(it, PatientBirthDate="19500103")),
    mutant("accession number of another", "identity_differs", lambda it: flags(it, AccessionNumber="A-2")),
    mutant(
        "evidence of another study",
        "study_differs",
        lambda it: flags(it.CurrentRequestedProcedureEvidenceSequence[0], StudyInstanceUID="2.25.9"),
    ),
    mutant("no evidence", "evidence_missing", lambda it: it.pop("CurrentRequestedProcedureEvidenceSequence")),
    mutant("the root's items reversed", "item_order banner_missing", reversed_items),
    mutant("no tracking identifier", "tracking_uid_missing", lambda it: drop(group(it), "112039")),
    mutant("no observation UID", "observation_uid_wrong", lambda it: group(it).pop("ObservationUID")),
    mutant("observation UID used twice", "observation_uid_wrong", the_same_observation_uid),
    mutant("algorithm name absent", "algorithm_incomplete", lambda it: drop(group(it), "111001")),
    mutant("empty text", "value_missing", lambda it: flags(named(it, "121106")[-1], TextValue="")),
    mutant("no template", "template_missing", lambda it: it.pop("ContentTemplateSequence")),
    mutant("no template of a group", "template_missing", lambda it: group(it).pop("ContentTemplateSequence")),
    mutant("another title", "template_missing", lambda it: recode(it, "ConceptNameCodeSequence", codes.NORMAL)),
    mutant("empty meaning", "code_incomplete", lambda it: set_finding(it, CodeMeaning="")),
    mutant("meaning of another code", "code_meaning_wrong", lambda it: set_finding(it, CodeMeaning="Pneumothorax")),
    mutant("denied code", "code_denied", lambda it: set_finding(it, CodeValue="309529002", CodeMeaning="Mass")),
    mutant(
        "emphysema's code as embolism",
        "code_denied",
        lambda it: set_finding(it, CodeValue="87433001", CodeMeaning="Pulmonary embolism"),
    ),
    mutant(
        "retired designator",
        "code_denied",
        lambda it: set_finding(it, CodeValue="G-C0E3", CodingSchemeDesignator="SRT", CodeMeaning="Finding Site"),
    ),
    mutant(
        "presence that is none",
        "code_out_of_place",
        lambda it: recode(named(it, "121052")[0], "ConceptCodeSequence", codes.NORMAL),
    ),
    mutant("other finding without words", "finding_unnamed", no_words_for_others),
    mutant("group without a region", "region_missing", lambda it: drop(group(it), "111030")),
    mutant(
        "region in three dimensions",
        "region_missing item_illegal",
        lambda it: flags(region(it), ValueType="SCOORD3D"),
    ),
    mutant("region without an image", "region_unplaced", lambda it: region(it).pop("ContentSequence")),
    mutant(
        "region on a frame that is not there",
        "region_unplaced",
        lambda it: flags(region(it).ContentSequence[0].ReferencedSOPSequence[0], ReferencedFrameNumber=2),
    ),
    mutant("odd number of coordinates", "region_open", lambda it: set_region(it, [10, 10, 20, 10, 20])),
    mutant("no unit", "unit_not_ucum", lambda it: certainty(it).pop("MeasurementUnitsCodeSequence")),
    mutant(
        "certainty in pixels",
        "certainty_out_of_range",
        lambda it: recode(certainty(it), "MeasurementUnitsCodeSequence", codes.PIXELS),
    ),
    mutant(
        "verifying observer of a draft",
        "flags_contradict",
        lambda it: flags(it, VerifyingObserverSequence=signed().VerifyingObserverSequence),
    ),
    mutant(
        "no contributing equipment",
        "contributing_equipment_missing",
        lambda it: it.pop("ContributingEquipmentSequence"),
    ),
    mutant(
        "equipment without its UID",
        "contributing_equipment_missing",
        lambda it: it.ContributingEquipmentSequence[0].pop("DeviceUID"),
    ),
    mutant("no device observer UID", "observer_uid_missing", lambda it: drop(it, "121012")),
    mutant(
        "another device in the tree",
        "device_uid_differs",
        lambda it: flags(named(it, "121012")[0], UID="2.25.9"),
    ),
    mutant(
        "warning cut off by viewers",
        "banner_missing",
        lambda it: flags(it, SeriesDescription="AI-generated draft. NOT VERIFIED"),
    ),
    mutant("no banner with the flag", "banner_missing", lambda it: it.pop("CompletionFlagDescription")),
    mutant("no banner in the content", "banner_missing", lambda it: drop(it, "121106")),
    mutant("no UID", "uid_invalid", lambda it: flags(named(it, "112040")[0], UID="2.25.01")),
    mutant(
        "own predecessor",
        "predecessor_self",
        lambda it: flags(
            predecessors(it).ReferencedSeriesSequence[0].ReferencedSOPSequence[0],
            ReferencedSOPInstanceUID=it.SOPInstanceUID,
        ),
        good=a_second_draft,
    ),
    mutant(
        "predecessor in another study",
        "predecessor_study",
        lambda it: flags(predecessors(it), StudyInstanceUID="2.25.9"),
        good=a_second_draft,
    ),
    mutant(
        "predecessor without a purpose",
        "predecessor_purpose",
        lambda it: (
            predecessors(it).ReferencedSeriesSequence[0].ReferencedSOPSequence[0].pop("PurposeOfReferenceCodeSequence")
        ),
        good=a_second_draft,
    ),
    mutant(
        "signed by nobody in particular",
        "verifier_missing",
        lambda it: flags(it.VerifyingObserverSequence[0], VerifyingOrganization=""),
        good=signed,
    ),
    mutant("nobody attests", "state_incomplete", lambda it: no_participant(it, "ATTEST"), good=signed),
    mutant(
        "signed without a draft",
        "state_incomplete",
        lambda it: it.pop("PredecessorDocumentsSequence"),
        good=signed,
    ),
    mutant(
        "signed, and replaces what it should verify",
        "state_incomplete",
        lambda it: recode(
            predecessors(it).ReferencedSeriesSequence[0].ReferencedSOPSequence[0],
            "PurposeOfReferenceCodeSequence",
            codes.REPLACED_REPORT,
        ),
        good=signed,
    ),
    mutant("signed, model gone", "source_participant_missing", lambda it: no_participant(it, "SOURCE"), good=signed),
    mutant(
        "signed, series still unverified",
        "banner_after_signature",
        lambda it: flags(it, SeriesDescription="NOT VERIFIED - AI-generated draft"),
        good=signed,
    ),
    mutant(
        "signed, by whom is not said",
        "signature_unsaid",
        lambda it: flags(named(it, "121106")[0], TextValue="Verified."),
        good=signed,
    ),
    mutant("rejection repeats findings", "state_incomplete", repeats_findings, good=rejected),
    mutant(
        "rejection replaces nothing",
        "state_incomplete",
        lambda it: it.pop("PredecessorDocumentsSequence"),
        good=rejected,
    ),
)
