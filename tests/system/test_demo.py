"""The demo from outside: the sample, the second AE, the commands that send, and the whole run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ImplicitVRLittleEndian, RLELossless
from pynetdicom import AE, evt

from dicom_node.deliver.scu import Remote, echo, payload
from dicom_node.deliver.send import send
from dicom_node.demo.pacs import Pacs, pacs
from dicom_node.demo.sample import Sample, SampleUnavailable, sample
from tests.peers import dcmtk, free_port, needs_dcmtk, process, wait_for_port

COMMAND = Path(sys.executable).with_name("dicom-node")


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Sample:
    assert request.config.cache
    try:
        return sample(request.config.cache.mkdir("demo-sample"), print)
    except SampleUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Pacs]:
    with pacs(tmp_path / "pacs") as running:
        yield running


def remote(port: int, called: str = "PACS", seconds: float = 10.0) -> Remote:
    return Remote("127.0.0.1", port, called, "SENDER", response_timeout=seconds)


def data_set(path: Path) -> bytes:
    return path.read_bytes()[payload(path).offset :]


def standard_values(made: Dataset) -> dict[int, object]:
    """Private elements lose their VR in implicit, and with it their type."""
    return {int(element.tag): element.value for element in made if not element.tag.is_private}


def image(path: Path, number: int = 1) -> Path:
    """A small secondary capture with an odd private element, which a careless re-encoding would change."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", f"1.2.3.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = "1.2.3", "1.2.3.0", "OT"
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = 4, 4, 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.private_block(0x0011, "A MAKER", create=True).add_new(1, "FD", 0.1)
    made.PixelData = np.arange(16, dtype=np.uint8).tobytes()
    made.ensure_file_meta()
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    made.save_as(path, enforce_file_format=True)
    return path


@contextmanager
def scp(on_store: object, syntaxes: list[str]) -> Iterator[int]:
    entity = AE(ae_title="PACS")
    entity.add_supported_context("1.2.840.10008.5.1.4.1.1.7", syntaxes)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def test_what_arrives_is_byte_for_byte_what_lay_in_the_file(peer: Pacs, tmp_path: Path) -> None:
    paths = [image(tmp_path / f"{number}.dcm", number) for number in range(3)]
    outcomes = send(paths, remote(peer.port))
    assert [outcome.path for outcome in outcomes] == paths
    assert all(outcome.ok for outcome in outcomes)
    assert [data_set(each.path) for each in peer.received] == [data_set(path) for path in paths]
    assert {each.study_uid for each in peer.received} == {"1.2.3"}


def test_a_peers_words_never_name_a_file(peer: Pacs, tmp_path: Path) -> None:
    made = dcmread(image(tmp_path / "a.dcm"))
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "../../x"
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert send([tmp_path / "a.dcm"], remote(peer.port))[0].ok
    assert [each.path.parent for each in peer.received] == [peer.folder]
    assert re.fullmatch(r"[0-9a-f]{32}\.dcm", peer.received[0].path.name)


def test_native_data_is_re_encoded_for_a_peer_that_takes_only_implicit(tmp_path: Path) -> None:
    got: list[Dataset] = []

    def keep(event: evt.Event) -> int:
        got.append(event.dataset)
        return 0

    with scp(keep, [ImplicitVRLittleEndian]) as port:
        (outcome,) = send([image(tmp_path / "a.dcm")], remote(port))
    assert outcome.ok
    assert standard_values(got[0]) == standard_values(dcmread(tmp_path / "a.dcm"))


def test_compressed_data_is_refused_in_words_when_the_peer_does_not_take_it_and_the_rest_goes_on(
    peer: Pacs, tmp_path: Path
) -> None:
    compressed = dcmread(image(tmp_path / "a.dcm"))
    compressed.compress(RLELossless, generate_instance_uid=False)
    compressed.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    first, second = send([tmp_path / "a.dcm", image(tmp_path / "b.dcm", 2)], remote(peer.port))
    assert not first.ok
    assert "RLE Lossless" in first.words
    assert second.ok


@pytest.mark.timeout(30)
def test_a_peer_that_aborts_leaves_every_file_with_an_outcome(tmp_path: Path) -> None:
    def abort_second(event: evt.Event) -> int:
        if event.request.AffectedSOPInstanceUID == "1.2.3.1":
            event.assoc.abort()
        return 0

    paths = [image(tmp_path / f"{number}.dcm", number) for number in range(4)]
    with scp(abort_second, ["1.2.840.10008.1.2.1"]) as port:
        outcomes = send(paths, remote(port))
    assert [outcome.ok for outcome in outcomes] == [True, False, False, False]
    assert "lost" in outcomes[-1].words


@pytest.mark.timeout(30)
def test_a_peer_that_never_answers_is_given_up_after_the_response_timeout(tmp_path: Path) -> None:
    over = threading.Event()

    def sleep(event: evt.Event) -> int:
        over.wait(20)
        return 0

    with scp(sleep, ["1.2.840.10008.1.2.1"]) as port:
        (outcome,) = send([image(tmp_path / "a.dcm")], remote(port, seconds=0.5))
        over.set()
    assert outcome.status is None
    assert "lost" in outcome.words


@pytest.mark.parametrize("status", [0xA700, 0xC001])
def test_a_refusal_is_told_and_the_association_goes_on(tmp_path: Path, status: int) -> None:
    with scp(
        lambda event: status if event.request.AffectedSOPInstanceUID == "1.2.3.0" else 0, ["1.2.840.10008.1.2.1"]
    ) as port:
        outcomes = send([image(tmp_path / f"{number}.dcm", number) for number in range(2)], remote(port))
    assert [outcome.status for outcome in outcomes] == [status, 0]


def test_an_echo_tells_who_answered_and_who_did_not(peer: Pacs) -> None:
    assert echo(remote(peer.port)).ok
    wrong = echo(remote(peer.port, called="OTHER"))
    assert (wrong.ok, "Called AE title not recognised" in wrong.words) == (False, True)
    assert "does not answer" in echo(remote(free_port())).words


@needs_dcmtk
def test_dcmtk_stores_to_the_second_ae(peer: Pacs, tmp_path: Path) -> None:
    path = image(tmp_path / "a.dcm")
    done = dcmtk("storescu", "-aec", "PACS", "127.0.0.1", peer.port, path)
    assert done.returncode == 0, done.stdout
    assert len(peer.received) == 1


@needs_dcmtk
def test_dcmtk_gets_what_we_send_byte_for_byte(tmp_path: Path) -> None:
    path, folder, port = image(tmp_path / "a.dcm"), tmp_path / "got", free_port()
    folder.mkdir()
    with process(["storescp", "--prefer-lossless", "-od", folder, port], tmp_path / "storescp.log") as started:
        wait_for_port(port, started)
        (outcome,) = send([path], remote(port))
    assert outcome.ok
    (got,) = folder.iterdir()
    assert data_set(got) == data_set(path)


def test_the_send_and_echo_commands_tell_what_they_did(peer: Pacs, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    image(folder / "a.dcm")
    (folder / "notes.txt").write_text("no image")
    to = f"PACS@127.0.0.1:{peer.port}"
    sent = subprocess.run([COMMAND, "send", "--to", to, folder], capture_output=True, text=True, check=False)
    assert sent.returncode == 3, sent.stderr
    assert "1 of 2 stored at" in sent.stdout
    assert "notes.txt" in sent.stdout
    answered = subprocess.run([COMMAND, "echo", "--to", to], capture_output=True, text=True, check=False)
    assert (answered.returncode, "Success" in answered.stdout) == (0, True)


def test_the_film_of_the_sample_is_a_sound_dx_object_of_a_frontal_chest(real: Sample) -> None:
    film, ct = dcmread(real.radiograph), dcmread(real.ct[0], stop_before_pixels=True)
    grey = film.pixel_array / 4095
    rows, columns = grey.shape
    lungs = [grey[rows // 4 : rows // 2, columns * at // 8 : columns * (at + 1) // 8].mean() for at in (1, 5)]
    spine = grey[rows // 4 : rows // 2, columns // 2 - 10 : columns // 2 + 10].mean()
    heart_level = grey[int(rows * 0.55) : int(rows * 0.6)]
    heart, opposite = (
        heart_level[:, int(columns * a) : int(columns * b)].mean() for a, b in ((0.6, 0.68), (0.3, 0.38))
    )
    assert max(lungs) + 0.3 < spine
    assert opposite + 0.15 < heart
    assert film.PatientID == ct.PatientID
    assert film.StudyInstanceUID != ct.StudyInstanceUID
    assert "10.7937/K9/TCIA.2015.LO9QL9SX" in film.ImageComments


def test_dciodvfy_finds_no_error_in_the_film(real: Sample) -> None:
    program = shutil.which("dciodvfy") or Path(sys.executable).with_name("dciodvfy")
    said = subprocess.run([program, real.radiograph], capture_output=True, text=True, check=False)
    assert "DXImageForPresentation" in said.stderr
    assert not [line for line in said.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.timeout(240)
def test_the_demo_ends_in_a_table_a_draft_at_the_pacs_and_a_refusal(real: Sample, tmp_path: Path) -> None:
    demo = tmp_path / "data" / "demo"
    demo.mkdir(parents=True)
    for path in (real.radiograph, real.ct[0].parent):
        (demo / path.name).symlink_to(path)
    done = subprocess.run(
        [COMMAND, "demo", "--once"], cwd=tmp_path, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 DX image" in done.stdout
    assert "133 CT images" in done.stdout
    assert "Refused:" in done.stdout
    assert re.search(r"http://127\.0\.0\.1:\d+/#token=\S+", done.stdout)
    drafts = [Path(each) for each in re.findall(r"/\S+\.dcm", done.stdout)]
    assert drafts
    for draft in drafts:
        assert dcmread(draft).Modality == "SR"
