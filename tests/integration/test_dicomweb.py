"""DICOMweb over a real archive with real drafts: what is found, what is sent, in which form, and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGExtended12Bit

from dicom_node.api.access.callers import anyone
from dicom_node.api.access.principal import machine
from dicom_node.archive.readings import reports_of
from dicom_node.archive.series_metadata import SeriesMetadata
from dicom_node.archive.served import served
from dicom_node.archive.studies import find_study
from dicom_node.offline import ingest
from dicom_node.workflow.describe import describe
from dicom_node.workflow.node import Node
from tests.builders import bytes_of, ct_slice, dx_film, sr_document, uid
from tests.clinical_desk import ADDRESS, ClinicalDesk, clinical_desk
from tests.data import shared_data
from tests.peers import needs_postgresql, postgresql_server

ROOT = "/dicomweb"
AS_STORED = "multipart/related; type=application/octet-stream; transfer-syntax=*"
NATIVE = 'multipart/related; type="application/octet-stream"'
FILES = 'multipart/related; type="application/dicom"'
EXPLICIT = f'{FILES}; transfer-syntax="{ExplicitVRLittleEndian}"'

needs_data = pytest.mark.skipif(shared_data() is None, reason="the shared images are not at hand")


@dataclass(frozen=True)
class Part:
    type: str
    transfer_syntax: str
    content: bytes


def parts(answer: Any) -> list[Part]:
    """The parts of a multipart answer."""
    assert answer.status_code == 200, answer.text
    message = BytesParser().parsebytes(
        b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.content
    )
    assert message.get_content_type() == "multipart/related"
    found = []
    boundary = b"--" + str(message.get_param("boundary")).encode()
    for raw in answer.content.split(boundary)[1:-1]:
        head, _, content = raw.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        header = BytesParser().parsebytes(head + b"\r\n\r\n")
        syntax = str(header.get_param("transfer-syntax", ""))
        content = content.removesuffix(b"\r\n")
        assert int(header["Content-Length"]) == len(content)
        found.append(Part(header.get_content_type(), syntax, content))
    return found


def address(of: Dataset) -> str:
    return f"{ROOT}/studies/{of.StudyInstanceUID}/series/{of.SeriesInstanceUID}/instances/{of.SOPInstanceUID}"


def series_address(of: Dataset) -> str:
    return address(of).rpartition("/instances/")[0]


def body_of(files: Sequence[bytes], boundary: str = "between") -> tuple[bytes, dict[str, str]]:
    """A STOW-RS body and its headers."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(head + file + b"\r\n" for file in files) + f"--{boundary}--\r\n".encode()
    return body, {"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}'}


def store(client: TestClient, *files: bytes, study: str = "") -> Any:
    body, headers = body_of(files)
    return client.post(f"{ROOT}/studies{study}", content=body, headers=headers)


def value(found: dict[str, Any], tag: str) -> Any:
    return found[tag]["Value"][0]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClinicalDesk]:
    with clinical_desk(tmp_path) as opened:
        yield opened


# Searching


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def three(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicalDesk]:
    """A film of one patient, a CT of two series of another, a film of a third with umlauts and ideographs: to read."""
    with ExitStack() as stack:
        database = {"database": {"url": stack.enter_context(postgresql_server())}} if request.param != "sqlite" else {}
        desk = stack.enter_context(clinical_desk(tmp_path_factory.mktemp("three"), **database))
        _receive_three(desk)
        yield desk


def _receive_three(desk: ClinicalDesk) -> None:
    desk.receive(
        dx_film(study="film", PatientName="Alpha^Anna", PatientID="A-1", StudyDate="20260110", AccessionNumber="X1"),
        *(ct_slice(study="ct", series=series, number=number, PatientName="Beta^Bert", PatientID="B-1",
                   StudyDate="20250505", SeriesNumber=series, SeriesDescription=f"Axial {series}")
          for series in (1, 2) for number in (1, 2, 3)),
        dx_film(study="umlaut", PatientName="Käse^Jürgen=山田^太郎", PatientID="C_1", StudyDate="20240101",
                StudyDescription="Thorax pa"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("", {"film", "ct", "umlaut"}),
        ("PatientID=A-1", {"film"}),
        ("00100020=B-1", {"ct"}),
        ("PatientID=C_1", {"umlaut"}),
        ("PatientID=C?1", {"umlaut"}),
        ("PatientID=*-1", {"film", "ct"}),
        ("PatientName=alpha*", {"film"}),
        ("PatientName=ALPHA^ANNA", {"film"}),
        ("PatientName=Alpha", set()),
        ("PatientName=KÄSE*", {"umlaut"}),
        ("PatientName=*太郎", {"umlaut"}),
        ("PatientName=%25", set()),
        ("PatientName=", {"film", "ct", "umlaut"}),
        ("StudyDate=20260110", {"film"}),
        ("StudyDate=20250101-20251231", {"ct"}),
        ("StudyDate=-20250505", {"ct", "umlaut"}),
        ("StudyDate=20250505-", {"ct", "film"}),
        ("StudyTime=1015", {"film", "ct", "umlaut"}),
        ("StudyTime=10-11", {"film", "ct", "umlaut"}),
        ("StudyTime=11-", set()),
        ("ModalitiesInStudy=CT", {"ct"}),
        ("00080061=CT,DX", {"film", "ct", "umlaut"}),
        ("ModalitiesInStudy=CT%5CMR", {"ct"}),
        ("StudyDescription=*orax*", {"umlaut"}),
        ("StudyDescription=thorax pa", set()),
        ("AccessionNumber=X1&PatientID=B-1", set()),
        ("PatientID=B-1&fuzzymatching=false", {"ct"}),
    ],
)
def test_studies_are_found_by_every_key_as_the_standard_matches(
    three: ClinicalDesk, query: str, studies: set[str]
) -> None:
    answer = three.client.get(f"{ROOT}/studies?{query}")
    assert answer.status_code == (200 if studies else 204)
    found = answer.json() if studies else []
    assert {value(one, "0020000D") for one in found} == {str(uid(name)) for name in studies}


def test_studies_are_found_by_a_list_of_uids(three: ClinicalDesk) -> None:
    wanted = f"{uid('film')},{uid('ct')}"
    assert len(three.client.get(f"{ROOT}/studies?StudyInstanceUID={wanted}").json()) == 2
    repeated = f"StudyInstanceUID={uid('film')}&StudyInstanceUID={uid('ct')}"
    assert len(three.client.get(f"{ROOT}/studies?{repeated}").json()) == 2


def test_a_found_study_says_what_it_holds_and_where_it_is(three: ClinicalDesk) -> None:
    (found,) = three.client.get(f"{ROOT}/studies?PatientID=B-1").json()
    assert value(found, "00080061") == "CT"
    assert (value(found, "00201206"), value(found, "00201208")) == (2, 6)
    assert value(found, "00081190") == f"{ADDRESS}{ROOT}/studies/{uid('ct')}"
    assert found["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Beta^Bert"}]}
    assert found["00080090"] == {"vr": "PN"}
    assert value(found, "00081030") == "Test study"


def test_a_name_is_told_in_its_component_groups(three: ClinicalDesk) -> None:
    (found,) = three.client.get(f"{ROOT}/studies?PatientID=C_1").json()
    assert found["00100010"]["Value"] == [{"Alphabetic": "Käse^Jürgen", "Ideographic": "山田^太郎"}]


def test_pages_of_studies_have_no_gap_and_say_that_more_can_be_had(three: ClinicalDesk) -> None:
    first = three.client.get(f"{ROOT}/studies?limit=2")
    rest = three.client.get(f"{ROOT}/studies?limit=2&offset=2")
    assert "There are 1 additional results" in first.headers["warning"]
    assert "warning" not in rest.headers
    assert len({value(one, "0020000D") for one in first.json() + rest.json()}) == 3


def test_a_limit_beyond_all_bounds_is_no_harm(three: ClinicalDesk) -> None:
    assert len(three.client.get(f"{ROOT}/studies?limit={10**30}").json()) == 3
    assert three.client.get(f"{ROOT}/studies?offset={10**39}").status_code == 204


def test_what_is_not_done_about_fuzzy_matching_is_said(three: ClinicalDesk) -> None:
    assert "Only literal matching" in three.client.get(f"{ROOT}/studies?fuzzymatching=true").headers["warning"]


@pytest.mark.parametrize(
    "query",
    [
        "PatientAge=*",
        "NoSuchKeyword=1",
        "0010002G=1",
        "StudyDate=2026",
        "StudyDate=20260101-20260102-20260103",
        "StudyInstanceUID=1.2.x",
        "Modality=CT",
        "limit=-1",
        "limit=ten",
        "includefield=Nonsense",
        "PatientID=A&PatientID=B",
        "PatientID=%00",
    ],
)
def test_a_query_that_cannot_be_answered_as_asked_is_refused(three: ClinicalDesk, query: str) -> None:
    answer = three.client.get(f"{ROOT}/studies?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_more_attributes_come_on_request(three: ClinicalDesk) -> None:
    url = f"{ROOT}/studies?PatientID=A-1"
    assert "00101010" not in three.client.get(url).json()[0]
    assert "00080070" in three.client.get(f"{url}&includefield=Manufacturer").json()[0]
    assert "00080070" in three.client.get(f"{url}&includefield=00080070,00081030").json()[0]
    every = three.client.get(f"{ROOT}/studies/{uid('film')}/series?includefield=all").json()[0]
    assert value(every, "00080070") == "Test"
    assert value(every, "00180015") == "CHEST"


def test_series_of_a_study_are_found_by_their_own_keys(three: ClinicalDesk) -> None:
    url = f"{ROOT}/studies/{uid('ct')}/series"
    assert len(three.client.get(url).json()) == 2
    (second,) = three.client.get(f"{url}?SeriesNumber=2").json()
    assert value(second, "0008103E") == "Axial 2"
    assert value(second, "00201209") == 3
    assert value(second, "00081190").endswith(f"/series/{uid('ct', 2)}")
    assert three.client.get(f"{url}?SeriesDescription=axial*&Modality=MR").status_code == 204
    assert len(three.client.get(f"{url}?SeriesDescription=Axial 1").json()) == 1


def test_series_and_instances_are_found_without_naming_a_study(three: ClinicalDesk) -> None:
    found = three.client.get(f"{ROOT}/series?Modality=CT&PatientID=B-1").json()
    assert {value(one, "0020000E") for one in found} == {str(uid("ct", 1)), str(uid("ct", 2))}
    assert {value(one, "00100020") for one in found} == {"B-1"}
    (one,) = three.client.get(f"{ROOT}/instances?SOPInstanceUID={uid('ct', 2, 3)}").json()
    assert value(one, "0020000E") == str(uid("ct", 2))
    assert len(three.client.get(f"{ROOT}/instances").json()) == 8
    limited = three.client.get(f"{ROOT}/instances?limit=3&offset=1")
    assert len(limited.json()) == 3
    assert "additional results" in limited.headers["warning"]


def test_instances_tell_their_size_and_order(three: ClinicalDesk) -> None:
    found = three.client.get(f"{ROOT}/studies/{uid('ct')}/series/{uid('ct', 1)}/instances").json()
    assert [value(one, "00200013") for one in found] == [1, 2, 3]
    assert {(value(one, "00280010"), value(one, "00280011")) for one in found} == {(16, 16)}
    assert "00281050" not in found[0]
    (third,) = three.client.get(f"{ROOT}/studies/{uid('ct')}/instances?InstanceNumber=3&SeriesNumber=2").json()
    assert value(third, "00080018") == str(uid("ct", 2, 3))


@pytest.mark.parametrize("accept", ["application/dicom+xml", "text/html", "multipart/related; type=application/dicom"])
def test_searches_and_metadata_are_json_alone(three: ClinicalDesk, accept: str) -> None:
    for path in ("/studies", f"/studies/{uid('film')}/metadata"):
        assert three.client.get(f"{ROOT}{path}", headers={"Accept": accept}).status_code == 406


@pytest.mark.parametrize("accept", ["application/dicom+json", "application/dicom+json, application/json", "*/*"])
def test_searches_answer_dicom_json(three: ClinicalDesk, accept: str) -> None:
    answer = three.client.get(f"{ROOT}/studies", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/dicom+json"
    assert answer.headers["cache-control"] == "no-store"


# Metadata


def test_metadata_is_the_data_set_with_its_bulk_data_by_address(desk: ClinicalDesk) -> None:
    slices = [ct_slice(number=number) for number in (1, 2, 3)]
    desk.receive(*slices)
    answer = desk.client.get(f"{series_address(slices[0])}/metadata")
    for found, sent in zip(answer.json(), slices, strict=True):
        assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{ADDRESS}{address(sent)}/bulkdata/7FE00010"}
        del found["7FE00010"]
        back = Dataset.from_json(found)
        assert back.pop("AvailableTransferSyntaxUID").value == ExplicitVRLittleEndian
        del sent.PixelData
        assert back == sent


def test_instance_and_study_metadata_are_the_same_as_the_series(three: ClinicalDesk) -> None:
    study, series = f"{ROOT}/studies/{uid('ct')}", f"{ROOT}/studies/{uid('ct')}/series/{uid('ct', 1)}"
    of_series = three.client.get(f"{series}/metadata").json()
    assert three.client.get(f"{series}/instances/{uid('ct', 1, 2)}/metadata").json() == [of_series[1]]
    of_study = three.client.get(f"{study}/metadata").json()
    assert len(of_study) == 6
    assert of_study[:3] == of_series
    plain = three.client.get(f"{study}/metadata", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == of_study


def test_metadata_follows_an_instance_that_comes_late(desk: ClinicalDesk) -> None:
    first, late = ct_slice(number=1), ct_slice(number=2)
    desk.receive(first)
    url = f"{series_address(first)}/metadata"
    before = desk.client.get(url)
    known = {"If-None-Match": before.headers["etag"]}
    assert desk.client.get(url, headers=known).status_code == 304
    desk.receive(late)
    after = desk.client.get(url, headers=known)
    assert (after.status_code, len(after.json())) == (200, 2)


def test_metadata_is_served_from_its_file_without_opening_an_instance(desk: ClinicalDesk) -> None:
    slices = [ct_slice(number=number) for number in range(1, 6)]
    desk.receive(*slices)
    instances = served(desk.engine, str(slices[0].StudyInstanceUID))
    SeriesMetadata(desk.settings.archive.root).write(instances)
    for one in instances:
        (desk.settings.archive.root / one.path).unlink()
    assert len(desk.client.get(f"{series_address(slices[0])}/metadata").json()) == 5


def test_one_unreadable_instance_does_not_cost_the_series(desk: ClinicalDesk) -> None:
    slices = [ct_slice(number=number) for number in (1, 2)]
    desk.receive(*slices)
    (desk.settings.archive.root / served(desk.engine, str(uid("study")))[0].path).write_bytes(b"torn")
    found = desk.client.get(f"{series_address(slices[0])}/metadata").json()
    assert [value(one, "00080018") for one in found] == [str(one.SOPInstanceUID) for one in slices]
    assert "00280010" in found[1]


def test_the_worker_writes_the_metadata_before_it_reads(desk: ClinicalDesk) -> None:
    film = dx_film()
    desk.receive(film)
    describe(Node(desk.settings, desk.engine, desk.model), find_study(desk.engine, str(film.StudyInstanceUID)).work)
    (json_file,) = desk.settings.archive.root.glob("metadata/*/*/*.json.gz")
    written = json_file.stat().st_mtime_ns
    assert len(desk.client.get(f"{series_address(film)}/metadata").json()) == 1
    assert json_file.stat().st_mtime_ns == written


# Instances and frames


def test_an_instance_comes_back_bit_for_bit(desk: ClinicalDesk) -> None:
    film = dx_film()
    desk.receive(film)
    (part,) = parts(desk.client.get(address(film), headers={"Accept": FILES}))
    assert (part.type, part.transfer_syntax) == ("application/dicom", ExplicitVRLittleEndian)
    assert dcmread(io.BytesIO(part.content)) == film
    single = desk.client.get(address(film), headers={"Accept": "application/dicom"})
    assert single.content == part.content


def test_a_study_and_a_series_come_with_all_their_instances(three: ClinicalDesk) -> None:
    study, series = f"{ROOT}/studies/{uid('ct')}", f"{ROOT}/studies/{uid('ct')}/series/{uid('ct', 1)}"
    assert len(parts(three.client.get(study))) == 6
    assert len(parts(three.client.get(series, headers={"Accept": FILES}))) == 3
    assert three.client.get(series, headers={"Accept": "application/dicom"}).status_code == 406


def test_implicit_little_endian_is_converted_where_explicit_is_asked_for(desk: ClinicalDesk) -> None:
    film = dx_film(transfer_syntax_uid=ImplicitVRLittleEndian)
    desk.receive(film)
    (stored,) = parts(desk.client.get(address(film), headers={"Accept": FILES}))
    (converted,) = parts(desk.client.get(address(film), headers={"Accept": EXPLICIT}))
    assert (stored.transfer_syntax, converted.transfer_syntax) == (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
    back = dcmread(io.BytesIO(converted.content))
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(back.pixel_array, film.pixel_array)


@pytest.mark.parametrize("accept", [AS_STORED, NATIVE, "*/*", 'multipart/related; type="*/*"', "multipart/related"])
def test_native_frames_are_the_pixels(desk: ClinicalDesk, accept: str) -> None:
    film = dx_film()
    desk.receive(film)
    (part,) = parts(desk.client.get(f"{address(film)}/frames/1", headers={"Accept": accept}))
    assert (part.type, part.transfer_syntax) == ("application/octet-stream", ExplicitVRLittleEndian)
    assert part.content == film.PixelData


def test_frames_are_served_by_their_stored_places(desk: ClinicalDesk) -> None:
    pixels = np.arange(4 * 6 * 8, dtype=np.uint16).reshape(4, 6, 8)
    film = dx_film(pixels=pixels[0])
    film.NumberOfFrames, film.PixelData = 4, pixels.tobytes()
    desk.receive(film)
    found = parts(desk.client.get(f"{address(film)}/frames/4,1", headers={"Accept": AS_STORED}))
    assert [part.content for part in found] == [pixels[3].tobytes(), pixels[0].tobytes()]
    assert desk.client.get(f"{address(film)}/frames/5").status_code == 404
    for wrong in ("0", "-1", "1,", "x", "1;2", "9" * 40):
        assert desk.client.get(f"{address(film)}/frames/{wrong}").status_code == 400


def test_frames_of_single_bits_begin_at_their_first_bit(desk: ClinicalDesk) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (3, 5, 3), dtype=np.uint8)
    mask = dx_film(pixels=np.zeros((5, 3), np.uint16))
    mask.NumberOfFrames, mask.BitsAllocated, mask.BitsStored, mask.HighBit = 3, 1, 1, 0
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    mask.PixelData = packed + b"\0" * (len(packed) % 2)
    mask["PixelData"].VR = "OB"
    desk.receive(mask)
    for number in (1, 2, 3):
        (part,) = parts(desk.client.get(f"{address(mask)}/frames/{number}"))
        unpacked = np.unpackbits(np.frombuffer(part.content, np.uint8), count=15, bitorder="little")
        assert np.array_equal(unpacked.reshape(5, 3), bits[number - 1])


def test_an_instance_cut_short_has_no_frame(desk: ClinicalDesk) -> None:
    film = dx_film()
    film.PixelData = film.PixelData[: len(film.PixelData) // 2]
    desk.receive(film)
    assert desk.client.get(f"{address(film)}/frames/1").status_code == 404
    assert desk.client.get(f"{address(film)}/metadata").status_code == 200


def test_an_instance_whose_file_is_gone_is_not_found_again_until_it_is_back(desk: ClinicalDesk) -> None:
    film = dx_film()
    desk.receive(film)
    url = f"{address(film)}/frames/1"
    assert desk.client.get(url).status_code == 200
    (file,) = desk.settings.archive.root.glob("objects/*/*.dcm")
    content = file.read_bytes()
    file.unlink()
    assert [desk.client.get(url).status_code for _ in range(2)] == [404, 404]
    for below in ("", "/bulkdata/00091001"):
        assert desk.client.get(address(film) + below).status_code == 404
    assert "00280010" not in desk.client.get(f"{address(film)}/metadata").json()[0]
    file.write_bytes(content)
    assert desk.client.get(url).status_code == 200
    assert "00280010" in desk.client.get(f"{address(film)}/metadata").json()[0]


@pytest.mark.parametrize(
    "accept", ["image/jp2", "multipart/related; type=image/jpeg", "text/html", f"{NATIVE}; transfer-syntax=1.2.3"]
)
def test_frames_in_a_form_that_cannot_be_had_are_refused(desk: ClinicalDesk, accept: str) -> None:
    film = dx_film()
    desk.receive(film)
    assert desk.client.get(f"{address(film)}/frames/1", headers={"Accept": accept}).status_code == 406


REAL = (
    ("cr_chest_pa_mono1_10bit.dcm", "application/octet-stream"),
    ("mr_small_big_endian.dcm", "application/octet-stream"),
    ("sc_ct_ankle.dcm", "application/octet-stream"),
    ("enhanced_ct_2frames.dcm", "application/octet-stream"),
    ("sc_chest_pa_jpeg.dcm", "image/jpeg"),
    ("xa_jpeg_extended.dcm", "image/jpeg"),
    ("nm_wholebody_jpeg_lossless.dcm", "image/jpeg"),
    ("enhanced_mr_jpegls.dcm", "image/jls"),
    ("cr_lower_leg_jpegls_near.dcm", "image/jls"),
    ("ct_abdomen_j2k_lossless.dcm", "image/jp2"),
    ("ct_abdomen_j2k.dcm", "image/jp2"),
    ("us_multiframe_jpeg.dcm", "image/jpeg"),
    ("us_rle_palette.dcm", "image/dicom-rle"),
    ("sc_rgb.dcm", "application/octet-stream"),
)


def real(name: str) -> Path:
    data = shared_data()
    assert data is not None
    return data / "dicom" / name


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicalDesk]:
    """The real images: to read."""
    with clinical_desk(tmp_path_factory.mktemp("images")) as desk:
        assert ingest(desk.settings, [real(name) for name, _ in REAL]) == ()
        yield desk


@needs_data
@pytest.mark.parametrize(("name", "media_type"), REAL)
def test_frames_of_every_syntax_go_out_as_stored_and_as_plain_pixels(
    images: ClinicalDesk, name: str, media_type: str
) -> None:
    desk, path = images, real(name)
    image = dcmread(path)
    (stored,) = parts(desk.client.get(f"{address(image)}/frames/1", headers={"Accept": AS_STORED}))
    assert stored.type == media_type
    (plain,) = parts(desk.client.get(f"{address(image)}/frames/1", headers={"Accept": NATIVE}))
    assert (plain.type, plain.transfer_syntax) == ("application/octet-stream", ExplicitVRLittleEndian)
    if media_type == "application/octet-stream":
        assert stored.transfer_syntax == ExplicitVRLittleEndian
        assert stored.content == plain.content
    else:
        assert stored.transfer_syntax == image.file_meta.TransferSyntaxUID
    bits, samples = (
        image.BitsAllocated,
        2 if image.PhotometricInterpretation == "YBR_FULL_422" else image.SamplesPerPixel,
    )
    assert len(plain.content) == image.Rows * image.Columns * samples * bits // 8
    if samples == 1 and image.file_meta.TransferSyntaxUID != JPEGExtended12Bit:
        expected = pixel_array(path, index=0, raw=True)
        dtype = f"<{'i' if image.PixelRepresentation else 'u'}{bits // 8}"
        assert np.array_equal(np.frombuffer(plain.content, dtype).reshape(expected.shape), expected)


@needs_data
@pytest.mark.parametrize("name", ["sc_chest_pa_jpeg.dcm", "mr_small_big_endian.dcm", "xa_jpeg_extended.dcm"])
def test_whole_instances_are_converted_where_a_decoder_exists(images: ClinicalDesk, name: str) -> None:
    image = dcmread(real(name))
    (part,) = parts(images.client.get(address(image), headers={"Accept": EXPLICIT}))
    back = dcmread(io.BytesIO(part.content))
    assert back.file_meta.TransferSyntaxUID == part.transfer_syntax == ExplicitVRLittleEndian
    assert back.SOPInstanceUID == image.SOPInstanceUID
    assert back.pixel_array.shape == (image.Rows, image.Columns)
    if name.startswith("mr"):
        assert np.array_equal(back.pixel_array, image.pixel_array)


@needs_data
def test_multi_frame_frames_are_told_apart(images: ClinicalDesk) -> None:
    path = real("enhanced_mr_jpegls.dcm")
    found = parts(images.client.get(f"{address(dcmread(path))}/frames/10,3", headers={"Accept": NATIVE}))
    for part, index in zip(found, (9, 2), strict=True):
        expected = pixel_array(path, index=index)
        assert np.array_equal(np.frombuffer(part.content, "<u2").reshape(expected.shape), expected)


# Pictures


def picture(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_a_window_decides_what_is_black_and_white(desk: ClinicalDesk) -> None:
    ramp = np.tile(np.arange(256, dtype=np.int16) * 16 - 1024, (8, 1))
    one = ct_slice(pixels=ramp)
    desk.receive(one)
    url = f"{address(one)}/rendered?window=40,400"
    shown = np.asarray(picture(desk.client.get(url, headers={"Accept": "image/png"})))
    expected = np.clip((ramp - 39.5) / 399 + 0.5, 0, 1) * 255
    assert np.abs(shown - expected).max() <= 1
    for shape in ("linear-exact", "sigmoid"):
        assert desk.client.get(f"{url},{shape}").headers["content-type"] == "image/jpeg"


def test_inverted_polarity_is_shown_as_it_is_read(desk: ClinicalDesk) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint16) * 64, (4, 1))
    films = {name: dx_film(study=name, pixels=ramp, photometric=name) for name in ("MONOCHROME1", "MONOCHROME2")}
    desk.receive(*films.values())
    ends = {}
    for name, film in films.items():
        shown = np.asarray(picture(desk.client.get(f"{address(film)}/rendered", headers={"Accept": "image/png"})))
        ends[name] = (int(shown[0, 0]), int(shown[0, -1]))
    assert ends["MONOCHROME2"][0] < 5 < 250 < ends["MONOCHROME2"][1]
    assert ends["MONOCHROME1"][1] < 5 < 250 < ends["MONOCHROME1"][0]


def test_a_viewport_and_a_region_are_kept_in_proportion(desk: ClinicalDesk) -> None:
    film = dx_film(shape=(64, 48))
    desk.receive(film)
    assert picture(desk.client.get(f"{address(film)}/rendered?viewport=96,96")).size == (72, 96)
    assert picture(desk.client.get(f"{address(film)}/rendered?viewport=20,20,0,0,10,5")).size == (20, 10)
    assert picture(desk.client.get(f"{address(film)}/thumbnail")).size == (96, 128)
    assert desk.client.get(f"{address(film)}/rendered?viewport=20,20,99,99,10,5").status_code == 406


@pytest.mark.parametrize(
    "query", ["window=1", "window=1,0", "window=a,b", "window=1,2,curve", "viewport=0,1", "viewport=99999,99999",
              "viewport=1,1,1", "viewport=9,9,0,0,0,0", "quality=0", "quality=101"]
)  # fmt: skip
def test_a_picture_that_cannot_be_meant_is_refused(desk: ClinicalDesk, query: str) -> None:
    film = dx_film()
    desk.receive(film)
    assert desk.client.get(f"{address(film)}/rendered?{query}").status_code == 400


@needs_data
def test_palette_colour_is_rendered_in_colour(images: ClinicalDesk) -> None:
    image = dcmread(real("us_rle_palette.dcm"))
    shown = np.asarray(picture(images.client.get(f"{address(image)}/rendered", headers={"Accept": "image/png"})))
    assert shown.shape == (600, 800, 3)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 50


def test_a_study_of_reports_has_no_thumbnail(desk: ClinicalDesk) -> None:
    report = sr_document()
    desk.receive(report)
    assert desk.client.get(f"{ROOT}/studies/{report.StudyInstanceUID}/thumbnail").status_code == 404
    assert desk.client.get(f"{address(report)}/rendered").status_code == 404


# Bulk data


def test_bulk_data_is_had_by_its_address_at_any_depth(desk: ClinicalDesk) -> None:
    item = Dataset()
    item.add_new(0x00091002, "OB", b"\x01\x02" * 1000)
    film = dx_film()
    film.add_new(0x00090010, "LO", "TEST")
    film.add_new(0x00091001, "SQ", [Dataset(), item])
    film.PixelPaddingValue = 0
    desk.receive(film)
    (found,) = desk.client.get(f"{address(film)}/metadata").json()
    deep = found["00091001"]["Value"][1]["00091002"]["BulkDataURI"]
    assert desk.client.get(deep).content == b"\x01\x02" * 1000
    (part,) = parts(desk.client.get(deep, headers={"Accept": NATIVE}))
    assert part.content == b"\x01\x02" * 1000
    (whole,) = parts(desk.client.get(found["7FE00010"]["BulkDataURI"], headers={"Accept": NATIVE}))
    assert whole.content == film.PixelData
    for wrong in ("00091002", "00091001/3/00091002", "00100010", "..%2f..%2fx", "00091001", "7FE00010/1"):
        assert desk.client.get(f"{address(film)}/bulkdata/{wrong}").status_code == 404


# The node's own results


def test_drafts_are_part_of_their_study_with_their_whole_content(desk: ClinicalDesk) -> None:
    uid_ = desk.draft(dx_film())
    (found,) = desk.client.get(f"{ROOT}/studies?StudyInstanceUID={uid_}").json()
    assert found["00080061"]["Value"] == ["DX", "SR"]
    assert (value(found, "00201206"), value(found, "00201208")) == (3, 3)
    assert len(desk.client.get(f"{ROOT}/studies?ModalitiesInStudy=SR").json()) == 1
    series = desk.client.get(f"{ROOT}/studies/{uid_}/series?Modality=SR").json()
    assert all("NOT VERIFIED" in value(one, "0008103E") for one in series)
    for one in series:
        (metadata,) = desk.client.get(f"{ROOT}/studies/{uid_}/series/{value(one, '0020000E')}/metadata").json()
        assert len(metadata["0040A730"]["Value"]) > 1
        assert "BulkDataURI" not in json.dumps(metadata)


def test_a_result_is_served_as_it_is_delivered(desk: ClinicalDesk) -> None:
    uid_ = desk.draft(dx_film())
    for report in reports_of(desk.engine, uid_):
        url = f"{ROOT}/studies/{uid_}/series/{report.series_instance_uid}/instances/{report.sop_instance_uid}"
        (part,) = parts(desk.client.get(url, headers={"Accept": FILES}))
        assert part.content == (desk.settings.archive.root / report.path).read_bytes()


def test_every_version_is_there_and_the_newest_describes_the_series(desk: ClinicalDesk) -> None:
    uid_ = desk.draft(dx_film())
    desk.read_again(uid_)
    series = desk.client.get(f"{ROOT}/studies/{uid_}/series?Modality=SR").json()
    assert sorted(value(one, "00201209") for one in series) == [2, 2]
    newest = {one.series_instance_uid: one for one in reports_of(desk.engine, uid_)}
    for one in series:
        file = dcmread(desk.settings.archive.root / newest[value(one, "0020000E")].path)
        assert value(one, "0008103E") == file.SeriesDescription


def test_a_result_that_a_peer_sends_back_is_not_there_twice(desk: ClinicalDesk) -> None:
    uid_ = desk.draft(dx_film())
    for report in reports_of(desk.engine, uid_):
        assert store(desk.client, (desk.settings.archive.root / report.path).read_bytes()).status_code == 200
    (found,) = desk.client.get(f"{ROOT}/studies?StudyInstanceUID={uid_}").json()
    assert (value(found, "00201206"), value(found, "00201208")) == (3, 3)
    assert len(parts(desk.client.get(f"{ROOT}/studies/{uid_}"))) == 3


def test_a_draft_waits_for_the_own_read_where_the_node_is_set_so(tmp_path: Path) -> None:
    with clinical_desk(tmp_path, api={"reveal": "after_own_read"}) as desk:
        uid_ = desk.draft(dx_film())
        study = f"{ROOT}/studies/{uid_}"
        (report, *_) = reports_of(desk.engine, uid_)
        file = f"{study}/series/{report.series_instance_uid}/instances/{report.sop_instance_uid}"
        with desk.person() as reader:
            assert reader.get(f"{ROOT}/studies").json()[0]["00080061"]["Value"] == ["DX"]
            assert reader.get(f"{study}/series?Modality=SR").status_code == 204
            assert len(parts(reader.get(study))) == 1
            for hidden in (file, f"{file}/metadata", file.rpartition("/instances/")[0] + "/metadata"):
                assert reader.get(hidden).status_code == 404
            assert reader.get(f"{ROOT}/studies?ModalitiesInStudy=SR").status_code == 204
            assert desk.client.get(file).status_code == 200
            kept = reader.post(f"/api/v1/reports/{report.reading_id}/own-read", json={"findings": [], "text": "Clear."})
            assert kept.status_code in (200, 201), kept.text
            assert reader.get(file).status_code == 200
            assert len(parts(reader.get(study))) == 3


# Storing


def test_what_is_stored_can_be_had_at_once_and_is_durable(desk: ClinicalDesk) -> None:
    film = dx_film()
    answer = store(desk.client, bytes_of(film))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    (kept,) = answer.json()["00081199"]["Value"]
    assert value(kept, "00081155") == film.SOPInstanceUID
    (part,) = parts(desk.client.get(value(kept, "00081190")))
    assert dcmread(io.BytesIO(part.content)) == film
    assert value(answer.json(), "00081190").endswith(str(film.StudyInstanceUID))


def test_the_same_instance_again_is_no_second_one(desk: ClinicalDesk) -> None:
    film = bytes_of(dx_film())
    assert [store(desk.client, film).status_code for _ in range(2)] == [200, 200]
    assert len(list(desk.settings.archive.root.glob("objects/*/*.dcm"))) == 1


def test_another_content_under_a_known_uid_is_told_and_never_served(desk: ClinicalDesk) -> None:
    film, other = dx_film(), dx_film(PatientName="Other^Person")
    answers = [store(desk.client, bytes_of(one)) for one in (film, other)]
    assert [one.status_code for one in answers] == [200, 409]
    (failed,) = answers[1].json()["00081198"]["Value"]
    assert value(failed, "00081197") == 0x0111
    (part,) = parts(desk.client.get(address(film)))
    assert dcmread(io.BytesIO(part.content)).PatientName == film.PatientName
    assert len(parts(desk.client.get(f"{ROOT}/studies/{film.StudyInstanceUID}"))) == 1


def test_of_a_mixed_body_the_good_parts_are_kept(desk: ClinicalDesk) -> None:
    good, bad = ct_slice(number=1), ct_slice(number=2)
    answer = store(desk.client, bytes_of(good), b"no DICOM at all" * 20, bytes_of(bad)[:200])
    assert answer.status_code == 202
    assert len(answer.json()["00081198"]["Value"]) == 2
    assert len(parts(desk.client.get(series_address(good)))) == 1
    assert list(desk.settings.archive.root.glob("incoming/*")) == []


def test_instances_of_another_study_than_the_address_names_are_refused(desk: ClinicalDesk) -> None:
    film = dx_film()
    assert store(desk.client, bytes_of(film), study="/1.2.3").status_code == 409
    assert desk.client.get(f"{ROOT}/studies").status_code == 204
    assert store(desk.client, bytes_of(film), study=f"/{film.StudyInstanceUID}").status_code == 200


def test_syntaxes_and_classes_that_are_not_kept_are_refused_with_their_reason(desk: ClinicalDesk) -> None:
    deflated = bytes_of(dx_film()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"[:20], 1)
    find = dx_film(sop_instance_uid="1.2.3")
    find.SOPClassUID = find.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.2.2.1"
    for file, reason in ((deflated, 0xC122), (bytes_of(find), 0x0122)):
        answer = store(desk.client, file)
        assert answer.status_code == 409
        assert value(answer.json()["00081198"]["Value"][0], "00081197") == reason


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', b"--x--\r\n", 415),
        ('multipart/related; type="application/dicom"', b"--x--\r\n", 400),
        ('multipart/related; type="application/dicom"; boundary=x', b"", 400),
        ('multipart/related; type="application/dicom"; boundary=x', b"nonsense", 400),
        ('multipart/related; type="application/dicom"; boundary=x', b"--x\r\nContent-Type: a", 400),
        ('multipart/related; type="application/dicom"; boundary=x', b"--x\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 400),
    ],
)
def test_a_body_that_is_no_store_request_is_refused(
    desk: ClinicalDesk, content_type: str, body: bytes, status: int
) -> None:
    answer = desk.client.post(f"{ROOT}/studies", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert list(desk.settings.archive.root.glob("incoming/*")) == []


def test_a_body_beyond_the_limit_is_refused_and_leaves_nothing_half_received(tmp_path: Path) -> None:
    with clinical_desk(tmp_path, api={"max_store_bytes": 20_000}) as desk:
        big = dx_film(shape=(400, 400))
        assert store(desk.client, bytes_of(big)).status_code == 413
        assert list(desk.settings.archive.root.glob("incoming/*")) == []
        assert desk.client.get(f"{ROOT}/studies").status_code == 204


def test_an_instance_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with clinical_desk(tmp_path, listener={"max_instance_bytes": 20_000}) as desk:
        answer = store(desk.client, bytes_of(dx_film(shape=(400, 400))), bytes_of(dx_film(study="small")))
        assert answer.status_code == 202


def test_a_nearly_full_disk_is_said_as_such(tmp_path: Path) -> None:
    full = {"url": str(tmp_path / "archive"), "flush": False, "reserve_bytes": 1 << 60}
    with clinical_desk(tmp_path, archive=full) as desk:
        answer = store(desk.client, bytes_of(dx_film()))
        assert answer.status_code == 507
        assert value(answer.json()["00081198"]["Value"][0], "00081197") == 0xA700


def test_storing_is_for_machines_and_administrators(desk: ClinicalDesk) -> None:
    body, headers = body_of([bytes_of(dx_film())])
    stranger = TestClient(desk.client.app, base_url=ADDRESS)
    assert stranger.post(f"{ROOT}/studies", content=body, headers=headers).status_code == 401
    only_looks = machine("", datetime.now(UTC)).model_copy(update={"roles": frozenset({"viewer"})})
    desk.client.app.dependency_overrides[anyone] = lambda: only_looks  # type: ignore[attr-defined]
    assert desk.client.post(f"{ROOT}/studies", content=body, headers=headers).status_code == 403
    assert desk.client.get(f"{ROOT}/studies").status_code == 204


# Edges


def test_nothing_is_told_without_a_credential(desk: ClinicalDesk) -> None:
    film = dx_film()
    desk.receive(film)
    stranger = TestClient(desk.client.app, base_url=ADDRESS)
    for path in (f"{ROOT}/studies", address(film), f"{address(film)}/frames/1", f"{series_address(film)}/metadata"):
        assert stranger.get(path).status_code == 401
        assert stranger.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_uid_under_another_study_or_series_is_not_found(three: ClinicalDesk) -> None:
    film, slice_ = (
        (uid("film"), uid("film", "series"), uid("film", "series", 1)),
        (uid("ct"), uid("ct", 1), uid("ct", 1, 1)),
    )
    right = f"{ROOT}/studies/{film[0]}/series/{film[1]}/instances/{film[2]}"
    assert three.client.get(f"{right}/frames/1").status_code == 200
    for study, series, instance in (
        (slice_[0], film[1], film[2]),
        (film[0], slice_[1], film[2]),
        (film[0], film[1], slice_[2]),
    ):
        url = f"{ROOT}/studies/{study}/series/{series}/instances/{instance}"
        for below in ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010"):
            assert three.client.get(url + below).status_code == 404
    assert three.client.get(f"{ROOT}/studies/{slice_[0]}/series/{film[1]}/metadata").status_code == 404
    assert three.client.get(f"{ROOT}/studies/{slice_[0]}/series/{film[1]}/instances").status_code == 204


@pytest.mark.parametrize("wrong", ["..%2f..%2fapi-token", "..", "1.2;x", "1'OR'1", "%00", "9" * 65, "a.b"])
def test_what_is_no_uid_reaches_neither_files_nor_index(desk: ClinicalDesk, wrong: str) -> None:
    for url in (f"{ROOT}/studies/{wrong}", f"{ROOT}/studies/1.2/series/{wrong}/metadata"):
        answer = desk.client.get(url)
        assert answer.status_code in (400, 404)
        assert wrong not in answer.text or wrong == ".."


def test_no_error_repeats_what_was_asked(three: ClinicalDesk) -> None:
    for query in ("PatientName=Alpha^Anna&limit=x", "Alpha^Anna=1", "StudyDate=Alpha", "includefield=AlphaAnna"):
        answer = three.client.get(f"{ROOT}/studies?{query}")
        assert answer.status_code == 400
        assert "Alpha" not in answer.text


def test_methods_are_told_and_heads_have_no_body(desk: ClinicalDesk) -> None:
    film = dx_film()
    desk.receive(film)
    assert desk.client.options(f"{ROOT}/studies").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert desk.client.options(f"{address(film)}/metadata").headers["allow"] == "GET, HEAD, OPTIONS"
    head = desk.client.head(f"{series_address(film)}/metadata")
    assert (head.status_code, head.headers["content-type"]) == (200, "application/dicom+json")
    assert desk.client.delete(f"{ROOT}/studies/{film.StudyInstanceUID}").status_code == 405


def test_reads_and_searches_are_in_the_audit_trail(desk: ClinicalDesk) -> None:
    film = dx_film(PatientName="Alpha^Anna")
    desk.receive(film)
    desk.client.get(f"{ROOT}/studies?PatientName=Alpha*")
    for _ in range(3):
        desk.client.get(f"{address(film)}/frames/1")
    store(desk.client, bytes_of(dx_film(study="new")))
    trail = desk.client.get("/api/v1/audit").text
    assert "110112" in trail
    assert str(film.StudyInstanceUID) in trail
    assert str(uid("new")) in trail
