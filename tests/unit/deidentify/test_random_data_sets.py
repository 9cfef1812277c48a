"""Whatever is nested in whatever: no value of an attribute that the table takes survives."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import Comprehensive3DSRStorage, CTImageStorage, DigitalXRayImageStorageForPresentation

from dicom_node.deidentify import Wording
from dicom_node.deidentify.dates import values_of
from dicom_node.deidentify.nested import all_elements
from dicom_node.deidentify.options import DateHandling
from dicom_node.deidentify.profile import rows
from tests.unit.deidentify.studies import deidentifier

SECRETS: dict[str, list[object]] = {
    **{key: ["ZWIEBELMANN", "Zwiebel mann", "4711X"] for key in ("LO", "LT", "SH", "ST", "UC", "UT", "AE", "CS")},
    **{"PN": ["Zwiebelmann^Ottokar", "=山田^太郎"], "DA": ["20261123", "19500102"], "TM": ["101112.345"]},
    **{"DT": ["20261123101112+0100", "1950"], "AS": ["077Y"], "UI": ["1.2.276.0.4711", "2.25.4711"]},
    **{"DS": ["4711.5"], "IS": ["4711"], "UR": ["http://zwiebelmann.example/4711"]},
    **{key: [b"ZWIEBELMANN!"] for key in ("OB", "OW", "UN")},
    **{"FD": [4711.5], "FL": [4711.5], "US": [4711], "UL": [4711], "SS": [4711], "SL": [4711]},
}
TAKEN = [
    tag
    for tag, row in rows().items()
    if tag.isalnum() and "x" not in tag and tag != "private" and "K" not in row.basic and tag[:4] != "0002"
]
SEQUENCES = [tag for tag in TAKEN if dictionary_VR(int(tag, 16)) == "SQ"] + ["0040a370", "0018a001", "00089215"]
VALUES = [tag for tag in TAKEN if dictionary_VR(int(tag, 16)).split(" or ")[0] in SECRETS]


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 3) -> Dataset:
    made = Dataset()
    for tag in draw(st.lists(st.sampled_from(VALUES), max_size=6, unique=True)):
        vr = dictionary_VR(int(tag, 16)).split(" or ")[0]
        made.add(DataElement(Tag(int(tag, 16)), vr, draw(st.sampled_from(SECRETS[vr]))))
    if draw(st.booleans()):
        made.private_block(0x0029, "ZWIEBEL", create=True).add_new(2, "LO", "ZWIEBELMANN")
    if depth:
        for tag in draw(st.lists(st.sampled_from(SEQUENCES), max_size=3, unique=True)):
            items = draw(st.lists(data_sets(depth=depth - 1), max_size=2))
            made.add(DataElement(Tag(int(tag, 16)), "SQ", items))
    return made


@given(
    source=data_sets(),
    kind=st.sampled_from((Comprehensive3DSRStorage, CTImageStorage, DigitalXRayImageStorageForPresentation, "1.2.3")),
    dates=st.sampled_from(("removed", "shifted")),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_value_that_the_table_takes_survives_at_any_depth(source: Dataset, kind: str, dates: DateHandling) -> None:
    source.SOPClassUID = kind
    secrets = {str(it) for values in SECRETS.values() for it in values}
    made = deidentifier(source, dates=dates, wording=Wording()).deidentified(source)
    for element in all_elements(made):
        assert not element.tag.is_private
        of_day = element.VR == "TM" and dates == "shifted"
        assert of_day or element.VR == "SQ" or secrets.isdisjoint(values_of(element)), element.keyword


@given(source=data_sets())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_source_is_not_touched(source: Dataset) -> None:
    source.SOPClassUID = CTImageStorage
    before = source.to_json(suppress_invalid_tags=True)
    deidentifier(source, wording=Wording()).deidentified(source)
    assert source.to_json(suppress_invalid_tags=True) == before
