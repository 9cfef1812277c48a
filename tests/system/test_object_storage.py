"""Every object in every state at a real archive: by C-STORE and by STOW-RS (PS3.18 10.5), and the same bytes back."""

from __future__ import annotations

from pathlib import Path

import httpx

from dicom_node.deliver.scu import Remote
from dicom_node.deliver.send import send
from dicom_node.report import to_part10
from tests.peers import DICOMWEB, HOST, Orthanc, needs_dicomweb, needs_orthanc, orthanc
from tests.unit.report.versions import every_object, every_state

BOUNDARY = "object"


def objects() -> dict[str, bytes]:
    """Every object of every state by its SOP Instance UID."""
    made = (it for version in every_state().values() for it in every_object(version).values())
    return {it.SOPInstanceUID: to_part10(it) for it in made}


def stored(peer: Orthanc) -> dict[str, bytes]:
    names = {name: peer.get(f"instances/{name}/tags?simplify")["SOPInstanceUID"] for name in peer.get("instances")}
    return {uid: peer.file(name) for name, uid in names.items()}


def data_set(file: bytes) -> bytes:
    """Without file meta information, which an archive writes anew (PS3.10 7.1)."""
    length = int.from_bytes(file[140:144], "little")
    return file[144 + length :]


@needs_orthanc
def test_an_archive_stores_every_object_by_c_store_and_gives_it_back_unchanged(tmp_path: Path) -> None:
    sent, paths = objects(), []
    for number, content in enumerate(sent.values()):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(content)
    with orthanc(tmp_path / "orthanc") as peer:
        outcomes = send(paths, Remote(HOST, peer.port, peer.ae_title, "MEDVLM"))
        assert {it.status for it in outcomes} == {0}
        assert {uid: data_set(file) for uid, file in stored(peer).items()} == {
            uid: data_set(file) for uid, file in sent.items()
        }


@needs_dicomweb
def test_an_archive_stores_every_object_by_stow_rs(tmp_path: Path) -> None:
    sent = objects()
    with orthanc(tmp_path / "orthanc", plugins=(DICOMWEB,)) as peer:
        for content in sent.values():
            head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
            answer = httpx.post(
                f"{peer.url}/dicom-web/studies",
                content=head + content + f"\r\n--{BOUNDARY}--\r\n".encode(),
                headers={
                    "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
                    "Accept": "application/dicom+json",
                },
                timeout=30,
            )
            assert answer.status_code == 200, answer.text
        assert set(stored(peer)) == set(sent)
