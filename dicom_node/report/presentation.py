"""What a person reads in a report, before it has a look: the lines of the page, from a version.

HTML, PDF, FHIR's narrative and the HL7 message say the same because they say these lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

from dicom_node.report import uids
from dicom_node.report.context import addendum_lines, not_assessed_line, opening, warning_lines
from dicom_node.report.document import EVALUATION_ONLY, FINDINGS, NARRATIVE, Draft, require_reportable
from dicom_node.report.header import clean_header
from dicom_node.report.images import SourceImage, source_images
from dicom_node.report.modules import model_parts
from dicom_node.report.moments import clock
from dicom_node.report.narrative import NO_FINDINGS, NO_IMPRESSION, with_certainty
from dicom_node.report.person_names import name_text
from dicom_node.report.regions import Region, regions, regions_left_out
from dicom_node.report.statements import Content, Line, Statement, content
from dicom_node.report.version import Version, version_of
from dicom_node.report.words import certainty_words, clean_name, rounded_percent
from medvlm.contract import Presence
from medvlm.patient_age import age_in_years
from medvlm.vocabulary import term

Standing = Literal["unverified", "verified", "rejected"]
"""How far a reader may rely on the report: what the banner's look follows."""

SEX = {"M": "male", "F": "female", "O": "other"}
NONE_GIVEN = "–"
LONGEST_LEGEND = 8
"""Lines under the key image; with more, the table's numbers are the legend."""


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True)
class SentenceView:
    """A sentence of the narrative; `certainty` is the note in brackets behind it, "" where there is none.

    `excludes` where all that it speaks of is absent.
    """

    text: str
    certainty: str = ""
    excludes: bool = False

    @property
    def whole(self) -> str:
        return f"{self.text} {self.certainty}".strip()


@dataclass(frozen=True)
class FindingRow:
    """One finding. `marks` number its boxes on the key image; `certainty` and `percent` are the model's, "" without;
    `person` is who changed or added it."""

    marks: tuple[int, ...]
    name: str
    presence: Presence
    certainty: str
    percent: str
    person: str


@dataclass(frozen=True)
class KeyImage:
    """A PNG of one source image with its numbered boxes, and what stands under it."""

    png: bytes
    legend: tuple[Fact, ...]
    alt: str


@dataclass(frozen=True)
class ReportView:
    """The page, top to bottom. `running` stands at the foot of every printed page."""

    standing: Standing
    banner: str
    evaluation: str
    acts: tuple[str, ...]
    title: str
    patient: tuple[Fact, ...]
    study: tuple[Fact, ...]
    running: str
    key_image: KeyImage | None
    findings: tuple[SentenceView, ...]
    impression: tuple[SentenceView, ...]
    addenda: tuple[tuple[str, ...], ...]
    rows: tuple[FindingRow, ...]
    not_assessed: str
    warnings: tuple[str, ...]
    origin: tuple[Fact, ...]


def present(report: Draft | Version, *, key_image: bytes = b"") -> ReportView:
    """The page of a version. `key_image` is a PNG of the first source's first frame with its boxes numbered from 1
    in the order of `regions`; empty without one.

    The page of a rejected report repeats none of its findings. Raises `NotReportable` as the documents do.
    """
    version = version_of(report)
    draft = version.draft
    require_reportable(draft)
    images, header, said = source_images(draft), clean_header(draft.sources[0]), content(version)
    placed, told = regions(version, images), version.state != "rejected"
    first, *rest = opening(version)
    return ReportView(
        standing="verified" if version.is_verified else "unverified" if told else "rejected",
        banner=first,
        evaluation=EVALUATION_ONLY,
        acts=tuple(line for line in rest if line != EVALUATION_ONLY),
        title=str(header.get("StudyDescription", "")) or "Imaging study",
        patient=_patient(header),
        study=_study(header, images),
        running=_running(header),
        key_image=_key_image(key_image, placed, images[0]) if key_image and told else None,
        findings=_sentences(said.findings, said, NO_FINDINGS) if told else (),
        impression=_sentences(said.impression, said, NO_IMPRESSION) if told else (),
        addenda=tuple(tuple(addendum_lines(act)) for act in said.addenda),
        rows=tuple(_row(finding, placed) for finding in _by_presence(said.statements)),
        not_assessed=not_assessed_line(version) if told else "",
        warnings=tuple(_warnings(version, images)) if told else (),
        origin=_origin(version),
    )


def sided_name(finding: Statement) -> str:
    """For example: Right pleural effusion."""
    display = term(finding.name).display
    if finding.laterality == "unspecified":
        return display
    return f"{finding.laterality.capitalize()} {display[:1].lower()}{display[1:]}"


def _patient(header: Dataset) -> tuple[Fact, ...]:
    born = _day(str(header.PatientBirthDate)) + _age(header)
    sex = SEX.get(str(header.PatientSex), "")
    return (
        Fact("Patient", name_text(str(header.PatientName)) or NONE_GIVEN),
        Fact("Patient ID", str(header.PatientID) or NONE_GIVEN),
        Fact("Born, sex", f"{born}, {sex or NONE_GIVEN}"),
    )


def _age(header: Dataset) -> str:
    age = age_in_years(str(header.get("PatientAge", "")), str(header.PatientBirthDate), str(header.StudyDate))
    if age is None:
        return ""
    # Cut off, not rounded: nobody is 76 before the birthday.
    return f" ({int(age)} years)" if age >= 2 else f" ({int(12 * age)} months)"


def _study(header: Dataset, images: tuple[SourceImage, ...]) -> tuple[Fact, ...]:
    kinds = " ".join(dict.fromkeys(image.modality for image in images if image.modality)) or NONE_GIVEN
    count = f"{len(images)} image" + ("s" if len(images) > 1 else "")
    return (
        Fact("Study", f"{_day(str(header.StudyDate))} {_hour(str(header.StudyTime))}".strip()),
        Fact("Accession", str(header.AccessionNumber) or NONE_GIVEN),
        Fact("Modality", f"{kinds}, {count}"),
        Fact("Referred by", name_text(str(header.ReferringPhysicianName)) or NONE_GIVEN),
    )


def _running(header: Dataset) -> str:
    """A sheet that falls out still says whose it is."""
    parts = (name_text(str(header.PatientName)), str(header.PatientID), _day(str(header.StudyDate)))
    return " · ".join(part for part in parts if part and part != NONE_GIVEN)


def _key_image(png: bytes, placed: tuple[Region, ...], shown: SourceImage) -> KeyImage:
    numbered = [
        (mark, region) for mark, region in enumerate(placed, 1) if region.image == shown and region.box.frame == 1
    ]
    lines = tuple(Fact(str(mark), sided_name(region.finding)) for mark, region in numbered)
    marked = "; ".join(f"{line.label} {line.value}" for line in lines)
    legend = lines if len(lines) <= LONGEST_LEGEND else ()
    return KeyImage(png, legend, f"Key image. Marked regions: {marked}." if marked else "Key image, nothing marked.")


def _sentences(lines: tuple[Line, ...], said: Content, none: str) -> tuple[SentenceView, ...]:
    return tuple(_sentence(line, said.statements) for line in lines) or (SentenceView(none),)


def _sentence(line: Line, stand: tuple[Statement, ...]) -> SentenceView:
    stated = {finding.presence for finding in stand if finding.name in line.findings}
    certainty = with_certainty(line, stand).removeprefix(line.text).strip()
    return SentenceView(line.text.strip(), certainty, excludes=stated == {"absent"})


def _by_presence(stand: tuple[Statement, ...]) -> list[Statement]:
    """What is there first, then what is open, then what is absent; the given order within."""
    order: tuple[Presence, ...] = ("present", "indeterminate", "absent")
    return sorted(stand, key=lambda finding: order.index(finding.presence))


def _row(finding: Statement, placed: tuple[Region, ...]) -> FindingRow:
    probability = finding.probability
    return FindingRow(
        marks=tuple(mark for mark, region in enumerate(placed, 1) if region.finding == finding),
        name=sided_name(finding),
        presence=finding.presence,
        certainty="" if probability is None else certainty_words(probability),
        percent="" if probability is None else f"{rounded_percent(probability)} %",
        person=name_text(clean_name(finding.person.name)) if finding.person else "",
    )


def _warnings(version: Version, images: tuple[SourceImage, ...]) -> list[str]:
    lines = [*warning_lines(version.draft), *regions_left_out(version, images)]
    return [line.removeprefix("Warning: ") for line in lines]


def _origin(version: Version) -> tuple[Fact, ...]:
    draft = version.draft
    model = draft.reading.model
    return (
        Fact("Drafted by", f"{model.name}, {', '.join(model_parts(model, digits=12))}"),
        Fact("Version", f"{version.number}, drafted {clock(draft.reading.created)}"),
        Fact("Device UID", uids.device_uid(draft.equipment, model)),
        Fact("Narrative SR", uids.version_uid(version, NARRATIVE)),
        Fact("Findings SR", uids.version_uid(version, FINDINGS)),
    )


def _day(da: str) -> str:
    """A clean DA as 2026-01-31."""
    return f"{da[:4]}-{da[4:6]}-{da[6:]}" if da else NONE_GIVEN


def _hour(tm: str) -> str:
    """A clean TM as 09:15, or what there is of it."""
    return ":".join(filter(None, (tm[:2], tm[2:4])))
