"""dicomweb-client, as scripts of a hospital use it, fetches and stores everything on a running node."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.builders import bytes_of, ct_slice, dx_film, uid
from tests.clinical_desk import TOKEN, clinical_desk
from tests.peers import wait_for_port
from tests.running_node import RunningNode, running_node

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Served:
    running: RunningNode
    client: DICOMwebClient
    film: Dataset
    slices: tuple[Dataset, ...]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("client")
    film, slices = dx_film(study="film"), tuple(ct_slice(study="ct", number=number) for number in (1, 2, 3))
    with clinical_desk(folder) as desk:
        desk.draft(film)
        desk.receive(*slices)
    settings = {"archive__url": str(folder / "archive"), "api__token": TOKEN}
    with running_node(folder / "node", roles=("api",), **settings) as running:
        wait_for_port(int(running.settings["api__port"]))
        yield Served(running, DICOMwebClient(f"{running.api_url}/dicomweb", headers=HEADERS), film, slices)


def identity(of: Dataset) -> tuple[str, str, str]:
    return str(of.StudyInstanceUID), str(of.SeriesInstanceUID), str(of.SOPInstanceUID)


def test_it_finds_studies_series_and_instances(node: Served) -> None:
    found = node.client.search_for_studies(search_filters={"PatientID": "PAT-1"}, fields=["StudyDescription"])
    assert {one["0020000D"]["Value"][0] for one in found} == {str(uid("film")), str(uid("ct"))}
    assert node.client.search_for_studies(search_filters={"PatientID": "NOBODY"}) == []
    assert len(node.client.search_for_series(str(uid("film")))) == 3
    assert len(node.client.search_for_series(search_filters={"Modality": "CT"})) == 1
    assert len(node.client.search_for_instances(str(uid("ct")))) == 3
    assert len(node.client.search_for_studies(limit=1)) == 1
    assert len(node.client.search_for_studies(limit=1, get_remaining=True)) == 2


def test_it_fetches_every_instance_of_a_study_reports_too(node: Served) -> None:
    fetched = node.client.retrieve_study(str(uid("film")))
    assert sorted(one.Modality for one in fetched) == ["DX", "SR", "SR"]
    assert next(one for one in fetched if one.Modality == "DX") == node.film
    assert len(node.client.retrieve_series(*identity(node.slices[0])[:2])) == 3
    assert node.client.retrieve_instance(*identity(node.film)) == node.film


def test_it_reads_metadata_at_each_level(node: Served) -> None:
    study, series, instance = identity(node.slices[1])
    assert len(node.client.retrieve_study_metadata(study)) == 3
    of_series = node.client.retrieve_series_metadata(study, series)
    assert node.client.retrieve_instance_metadata(study, series, instance) == of_series[1]
    assert Dataset.from_json(of_series[1], lambda *_: b"").Rows == 16


def test_it_gets_frames_and_bulk_data(node: Served) -> None:
    wanted = identity(node.film)
    as_wanted = [("application/octet-stream", str(ExplicitVRLittleEndian))]
    for media_types in (None, as_wanted):
        (frame,) = node.client.retrieve_instance_frames(*wanted, [1], media_types)
        assert frame == node.film.PixelData
    url = node.client.retrieve_instance_metadata(*wanted)["7FE00010"]["BulkDataURI"]
    assert node.client.retrieve_bulkdata(url) == [node.film.PixelData]


def test_it_gets_pictures(node: Served) -> None:
    wanted = identity(node.film)
    picture = node.client.retrieve_instance_rendered(*wanted, media_types=("image/png",))
    assert np.asarray(Image.open(io.BytesIO(picture))).shape == (64, 48)
    assert node.client.retrieve_instance_frames_rendered(*wanted, [1], media_types=("image/jpeg",))[:2] == b"\xff\xd8"


def test_it_stores_what_it_can_fetch_again(node: Served) -> None:
    new = [ct_slice(study="new", number=number) for number in (1, 2)]
    told = node.client.store_instances(new)
    assert len(told.ReferencedSOPSequence) == 2
    assert "FailedSOPSequence" not in told
    back = node.client.retrieve_series(str(uid("new")), str(uid("new", "series")))
    assert sorted(back, key=lambda one: one.InstanceNumber) == new


def test_what_was_confirmed_survives_a_kill(node: Served) -> None:
    new = ct_slice(study="killed")
    node.client.store_instances([new])
    node.running.kill("api")
    node.running.start("api")
    wait_for_port(int(node.running.settings["api__port"]))
    assert node.client.retrieve_instance(*identity(new)) == new


def test_a_large_instance_is_never_in_memory_as_a_whole(node: Served) -> None:
    film = dx_film(study="large", shape=(64, 64))
    size = 160 << 20
    film.Rows, film.Columns = 8192, size // 2 // 8192
    film.PixelData = bytes(size)
    node.client.search_for_studies(limit=1)
    before = resident_bytes(node.running)
    node.client.store_instances([film])
    assert resident_bytes(node.running) - before < size // 3
    assert sum(map(len, node.client.iter_instance_frames(*identity(film), [1]))) == size


def resident_bytes(node: RunningNode) -> int:
    """The most that the API's process ever held."""
    status = Path(f"/proc/{node._processes['api'].pid}/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+([0-9]+) kB", status)[1])  # type: ignore[index]


def test_no_value_of_a_broken_instance_is_in_the_log(node: Served) -> None:
    slice_ = ct_slice(study="broken", PatientName="Secret^Name", ExposureTime=31415)
    file = bytes_of(slice_).replace(b"20260102", b"SecretDA").replace(b"31415 ", b"Secret")
    head = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
    stored = httpx.post(
        f"{node.running.api_url}/dicomweb/studies",
        content=head + file + b"\r\n--x--\r\n",
        headers=HEADERS | {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'},
    )
    assert stored.status_code == 200
    found = node.client.retrieve_instance_metadata(*identity(slice_))
    assert found["00080021"] == {"vr": "DA", "Value": ["SecretDA"]}
    assert found["00181150"] == {"vr": "IS", "Value": ["Secret"]}
    node.client.search_for_series(str(uid("broken")), fields=["all"])
    node.client.retrieve_instance_rendered(*identity(slice_))
    assert "Secret" not in node.running.log("api")
