"""Open-i, Indiana University chest X-rays: `ecgen-radiology/N.xml` and PNG files named as `parentImage@id`.

Each report is a case with its images. Labels are the `MeSH/major` terms that two annotators gave to the report; a
finding that they do not name counts as absent, and reports without terms or of an image of bad quality are left out.
Sides come from the same terms.

Traps: XXXX stands for words taken out, clinical ones among them; sections may be empty; which image is frontal is not
said; there is no patient across reports, so that each report counts as a patient (said in the notes).

Source: Demner-Fushman et al., J Am Med Inform Assoc 2016;23:304; CC BY-NC-ND 4.0, in each file.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from medvlm.contract import FindingName, Laterality
from validation.cases import Case, DataSet
from validation.datasets.assembly import Labels, Tally, data_set, files_by_name, first_folder, one_side, unreadable

LICENCE = "CC BY-NC-ND 4.0"
NOTES = (
    "One report counts as one patient: the set names no patient.",
    "A finding that the report's index terms do not name counts as absent.",
    "Which image of a report is frontal is not said: all of them are given.",
)
FINDINGS = {
    "Pulmonary Atelectasis": "atelectasis",
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Consolidation": "consolidation",
    "Pulmonary Edema": "edema",
    "Pleural Effusion": "effusion",
    "Pulmonary Emphysema": "emphysema",
    "Emphysema": "emphysema",
    "Pulmonary Fibrosis": "fibrosis",
    "Hernia, Hiatal": "hernia",
    "Infiltrate": "infiltration",
    "Mass": "mass",
    "Nodule": "nodule",
    "Opacity": "airspace_opacity",
    "Airspace Disease": "airspace_opacity",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
    "Hydropneumothorax": "pneumothorax",
}
QUALIFIED = {("Thickening", "pleura"): "pleural_thickening", ("Cardiac Shadow", "enlarged"): "cardiomegaly"}
"""Terms that name a finding only together with a qualifier."""
NOT_LABELLED = ("no indexing", "technical quality of image unsatisfactory")


def read(root: Path) -> DataSet:
    """Raises `BadDataSet`."""
    folder = first_folder(root, "ecgen-radiology", "reports", ".")
    images = {path.stem: path for path in files_by_name(root, (".png", ".dcm")).values()}
    tally = Tally()
    cases = []
    for path in sorted(folder.glob("*.xml")):
        found = _case(_parsed(path), images)
        if isinstance(found, str):
            tally.rows[found] += 1
        else:
            cases.append(found)
    return data_set("open_i", cases, tally, LICENCE, NOTES)


def _case(report: ET.Element, images: dict[str, Path]) -> Case | str:
    """The case, or why there is none."""
    terms = [(each.text or "").strip() for each in report.iter("major")]
    named = [each.get("id", "") for each in report.iter("parentImage")]
    found = tuple(images[each] for each in named if each in images)
    if not named:
        return "report without an image"
    if not found:
        return "image is not on this disk"
    if not any(terms) or any(term.lower().startswith(NOT_LABELLED) for term in terms):
        return "report without index terms"
    identity = report.find("uId")
    case_id = identity.get("id", "") if identity is not None else ""
    return Case(
        case_id=case_id,
        patient=case_id,
        images=found,
        labels=_labels(terms),
        sides=_sides(terms),
        report=_text(report),
    )


def _labels(terms: list[str]) -> Labels:
    labels: Labels = dict.fromkeys((*FINDINGS.values(), *QUALIFIED.values()), 0)
    labels.update(dict.fromkeys(_named(terms), 1))
    labels["abnormality"] = 0 if {term.strip() for term in terms if term} == {"normal"} else 1
    return labels


def _named(terms: list[str]) -> dict[FindingName, list[str]]:
    """Each finding that the terms name, with the qualifiers of all of its terms: "Pleural Effusion/left/small"."""
    found: dict[FindingName, list[str]] = {}
    for head, *qualifiers in ([part.strip() for part in term.split("/")] for term in terms):
        names = [FINDINGS.get(head), *(QUALIFIED.get((head, each)) for each in qualifiers)]
        for name in names:
            if name:
                found.setdefault(name, []).extend(qualifiers)
    return found


def _sides(terms: list[str]) -> dict[FindingName, Laterality]:
    found = {name: one_side(words) for name, words in _named(terms).items()}
    return {name: side for name, side in found.items() if side != "unspecified"}


def _text(report: ET.Element) -> str:
    """Findings and impression, under their names."""
    parts = [(each.get("Label", ""), (each.text or "").strip()) for each in report.iter("AbstractText")]
    return "\n".join(f"{label}: {text}" for label, text in parts if label in {"FINDINGS", "IMPRESSION"} and text)


def _parsed(path: Path) -> ET.Element:
    try:
        content = path.read_bytes()
        if b"<!ENTITY" in content or b"<!DOCTYPE" in content:
            raise unreadable(path, ValueError("the file declares entities"))
        return ET.fromstring(content)  # noqa: S314 — no entities, see above
    except (OSError, ET.ParseError) as error:
        raise unreadable(path, error) from error
