"""The codes of the documents' frame: template rows, headings, units, qualifiers. The vocabulary has the findings'.

A row: value, scheme, meaning, source, grade (A = in a public file of the standard, B = in one public source of
standing). Nothing else than these rows, and the vocabulary's, leaves in a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from medvlm.contract import Laterality, Presence
from medvlm.vocabulary import Code, Grade, terms


def _code(scheme: str, value: str, meaning: str, source: str, grade: Grade = "A") -> Code:
    return Code(value=value, scheme=scheme, meaning=meaning, source=f"PS3.16 {source}", grade=grade)


# Document titles
IMAGING_MEASUREMENT_REPORT = _code("DCM", "126000", "Imaging Measurement Report", "CID 7021")
DIAGNOSTIC_IMAGING_REPORT = _code("LN", "18748-4", "Diagnostic Imaging Report", "CID 7000")

# Language, observer, procedure
LANGUAGE = _code("DCM", "121049", "Language of Content Item and Descendants", "TID 1204")
ENGLISH_US = _code("RFC5646", "en-US", "English (United States)", "CID 5000")
OBSERVER_TYPE = _code("DCM", "121005", "Observer Type", "TID 1002")
DEVICE = _code("DCM", "121007", "Device", "CID 270")
DEVICE_OBSERVER_UID = _code("DCM", "121012", "Device Observer UID", "TID 1004")
DEVICE_OBSERVER_NAME = _code("DCM", "121013", "Device Observer Name", "TID 1004")
DEVICE_OBSERVER_MANUFACTURER = _code("DCM", "121014", "Device Observer Manufacturer", "TID 1004")
DEVICE_OBSERVER_MODEL = _code("DCM", "121015", "Device Observer Model Name", "TID 1004")
DEVICE_OBSERVER_SERIAL = _code("DCM", "121016", "Device Observer Serial Number", "TID 1004")
PERSON = _code("DCM", "121006", "Person", "CID 270")
PERSON_OBSERVER_NAME = _code("DCM", "121008", "Person Observer Name", "TID 1003")
PERSON_OBSERVER_ORGANIZATION = _code("DCM", "121009", "Person Observer's Organization Name", "TID 1003")
PERSON_OBSERVER_ROLE = _code("DCM", "121010", "Person Observer's Role in the Organization", "TID 1003")
PROCEDURE_REPORTED = _code("DCM", "121058", "Procedure reported", "TID 1500, CID 6052")
XR = _code("LN", "43468-8", "XR unspecified body region", "CID 100")
CT = _code("LN", "25045-6", "CT unspecified body region", "CID 100")
MR = _code("LN", "25056-3", "MRI unspecified body region", "CID 100")

# Image library
IMAGE_LIBRARY = _code("DCM", "111028", "Image Library", "TID 1600")
IMAGE_LIBRARY_GROUP = _code("DCM", "126200", "Image Library Group", "TID 1600")
SOURCE = _code("SCT", "260753009", "Source", "TID 320, TID 1600")
MODALITY = _code("DCM", "121139", "Modality", "TID 1602")
PIXEL_DATA_ROWS = _code("DCM", "110910", "Pixel Data Rows", "TID 1602")
PIXEL_DATA_COLUMNS = _code("DCM", "110911", "Pixel Data Columns", "TID 1602")

# Measurement groups
IMAGING_MEASUREMENTS = _code("DCM", "126010", "Imaging Measurements", "TID 1500")
MEASUREMENT_GROUP = _code("DCM", "125007", "Measurement Group", "TID 1410")
TRACKING_IDENTIFIER = _code("DCM", "112039", "Tracking Identifier", "TID 1410")
TRACKING_UID = _code("DCM", "112040", "Tracking Unique Identifier", "TID 1410")
FINDING = _code("DCM", "121071", "Finding", "TID 1410, CID 7002")
FINDING_SITE = _code("SCT", "363698007", "Finding Site", "TID 1410")
LATERALITY = _code("SCT", "272741003", "Laterality", "CID 210")
ALGORITHM_NAME = _code("DCM", "111001", "Algorithm Name", "TID 4019")
ALGORITHM_VERSION = _code("DCM", "111003", "Algorithm Version", "TID 4019")
ALGORITHM_PARAMETERS = _code("DCM", "111002", "Algorithm Parameters", "TID 4019")
ALGORITHM_FAMILY = _code("DCM", "111000", "Algorithm Family", "TID 4019")
ARTIFICIAL_INTELLIGENCE = _code("DCM", "123110", "Artificial Intelligence", "CID 7162")
CERTAINTY = _code("DCM", "111012", "Certainty of Finding", "CID 6048")
PRESENCE = _code("DCM", "121052", "Presence of property", "Annex D")
GEOMETRIC_PURPOSE = _code("DCM", "130400", "Geometric purpose of region", "TID 1410")
BOUNDED_BY = _code("SCT", "75958009", "Bounded by", "CID 219")
IMAGE_REGION = _code("DCM", "111030", "Image Region", "TID 1410")

# Report-level evaluations
QUALITATIVE_EVALUATIONS = _code("UMLS", "C0034375", "Qualitative Evaluations", "TID 1500", "B")
OTHER_FINDING = _code("SCT", "404684003", "Finding", "CID 3769")
NORMAL = _code("SCT", "17621005", "Normal", "CID 222")
ABNORMAL = _code("SCT", "263654008", "Abnormal", "CID 222")
NORMALITY_UNDETERMINED = _code("SCT", "371934000", "Normality Undetermined", "CID 222")
COMMENT = _code("DCM", "121106", "Comment", "CID 12101")

# Narrative: section titles (CID 7001, LOINC) and elements (CID 7002)
SUMMARY = _code("LN", "55112-7", "Summary", "CID 7001")
PROCEDURE_DESCRIPTIONS = _code("LN", "55111-9", "Current Procedure Descriptions", "CID 7001")
FINDINGS_SECTION = _code("LN", "59776-5", "Findings", "CID 7001")
IMPRESSIONS_SECTION = _code("LN", "19005-8", "Impressions", "CID 7001")
RECOMMENDATIONS_SECTION = _code("LN", "18783-1", "Recommendations", "CID 7001")
ADDENDUM_SECTION = _code("LN", "55107-7", "Addendum", "CID 7001")
CONCLUSION = _code("DCM", "121077", "Conclusion", "CID 7002")
PROCEDURE_DESCRIPTION = _code("DCM", "121065", "Procedure Description", "CID 7002")
IMPRESSION = _code("DCM", "121073", "Impression", "CID 7002")
RECOMMENDATION = _code("DCM", "121075", "Recommendation", "CID 7002")

# Key objects
OF_INTEREST = _code("DCM", "113000", "Of Interest", "CID 7010")
KEY_OBJECT_DESCRIPTION = _code("DCM", "113012", "Key Object Description", "TID 2010")

# Units
PERCENT = _code("UCUM", "%", "Percent", "CID 7181")
PIXELS = _code("UCUM", "{pixels}", "Pixels", "TID 1602", "B")

# Header
SOURCE_OF_DERIVED_IMAGE = _code("DCM", "121322", "Source image for image processing operation", "CID 7202")
PROCESSING_EQUIPMENT = _code("DCM", "109102", "Processing Equipment", "CID 7005")
REPLACED_REPORT = _code("DCM", "121360", "Replaced report", "CID 7009")
ADDENDED_REPORT = _code("DCM", "121361", "Addended report", "CID 7009")
PRELIMINARY_REPORT = _code("DCM", "121362", "Preliminary report", "CID 7009")
PARTIAL_REPORT = _code("DCM", "121363", "Partial report", "CID 7009")

ROLES: Mapping[str, Code] = MappingProxyType(
    {
        "radiologist": _code("SCT", "309343006", "Physician", "CID 7452"),
        "resident": _code("SCT", "405277009", "Resident", "CID 7452"),
        "technologist": _code("SCT", "159016003", "Radiologic Technologist", "CID 7452"),
    }
)
"""Person Observer's Role in the Organization, by a person's role here."""

PRESENCES: Mapping[Presence, Code] = MappingProxyType(
    {
        "present": _code("SCT", "52101004", "Present", "CID 240"),
        "absent": _code("SCT", "272519000", "Absent", "CID 240"),
        "indeterminate": _code("SCT", "373068000", "Undetermined", "CID 240"),
    }
)

LATERALITIES: Mapping[Laterality, Code] = MappingProxyType(
    {
        "right": _code("SCT", "24028007", "Right", "CID 244"),
        "left": _code("SCT", "7771000", "Left", "CID 244"),
        "bilateral": _code("SCT", "51440002", "Bilateral", "CID 244"),
    }
)

MODALITIES: Mapping[str, Code] = MappingProxyType(
    {
        row.value: row
        for row in (
            _code("DCM", "CR", "Computed Radiography", "CID 29"),
            _code("DCM", "DX", "Digital Radiography", "CID 29"),
            _code("DCM", "RG", "Radiographic imaging", "CID 29"),
            _code("DCM", "RF", "Radiofluoroscopy", "CID 29"),
            _code("DCM", "XA", "X-Ray Angiography", "CID 29"),
            _code("DCM", "MG", "Mammography", "CID 29"),
            _code("DCM", "CT", "Computed Tomography", "CID 29"),
            _code("DCM", "MR", "Magnetic Resonance", "CID 29"),
            _code("DCM", "US", "Ultrasound", "CID 29"),
            _code("DCM", "NM", "Nuclear Medicine", "CID 29"),
            _code("DCM", "PT", "Positron emission tomography", "CID 29"),
            _code("DCM", "XC", "External-camera Photography", "CID 29"),
        )
    }
)
OTHER_MODALITY = _code("DCM", "OT", "Other", "CID 32")

PROCEDURES: Mapping[str, Code] = MappingProxyType({"CT": CT, "MR": MR})
"""Procedure reported by modality; a radiograph where the modality is not listed."""


def code_rows() -> tuple[Code, ...]:
    """Every row of the tables, as often as it is written. Rows of grade C are kept out: they leave as text."""
    frame = [row for row in globals().values() if isinstance(row, Code)]
    maps = [*PRESENCES.values(), *ROLES.values(), *LATERALITIES.values(), *MODALITIES.values()]
    vocabulary = [row for term in terms().values() for row in (term.code, term.site) if row]
    return tuple(row for row in (*vocabulary, *frame, *maps) if row.grade != "C")


@cache
def code_table() -> Mapping[tuple[str, str], Code]:
    """Every code that a document may hold, by (value, scheme)."""
    return MappingProxyType({(row.value, row.scheme): row for row in code_rows()})
