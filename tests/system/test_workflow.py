"""From the association to the PACS, from outside: one set of results each, in every order of arrival."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import KeyObjectSelectionDocumentStorage, SegmentationStorage

from dicom_node.demo.pacs import Pacs, pacs
from tests.builders import ct_slice, dx_film, instance, sr_document, uid, write
from tests.peers import dcmtk, needs_dcmtk, needs_orthanc, orthanc
from tests.running_node import RunningNode, running_node


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    with pacs(tmp_path_factory.mktemp("pacs")) as running:
        yield running


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, peer: Pacs) -> Iterator[RunningNode]:
    with running_node(tmp_path_factory.mktemp("node"), {"pacs": (peer.ae_title, peer.port)}) as running:
        yield running


def test_a_film_comes_back_as_findings_and_narrative_that_say_they_are_drafts(node: RunningNode, peer: Pacs) -> None:
    film = dx_film(study="one film")
    node.send(film)
    node.wait_for(film.StudyInstanceUID, "delivered")
    reports = [dcmread(received.path) for received in peer.of_study(film.StudyInstanceUID)]
    assert sorted(one.ContentTemplateSequence[0].TemplateIdentifier for one in reports) == ["1500", "2000"]
    assert {(one.CompletionFlag, one.VerificationFlag, one.PreliminaryFlag) for one in reports} == {
        ("PARTIAL", "UNVERIFIED", "PRELIMINARY")
    }
    assert {one.PatientID for one in reports} == {film.PatientID}


def test_two_studies_interleaved_on_one_association_give_two_readings(node: RunningNode, peer: Pacs) -> None:
    films = [
        dx_film(study=study, series=study, number=number)
        for number in (1, 2)
        for study in ("left study", "right study")
    ]
    node.send(*films)
    for study_uid in {film.StudyInstanceUID for film in films}:
        assert node.wait_for(study_uid, "delivered").instances == 2
        assert len(peer.of_study(study_uid)) == 2


def test_a_late_instance_gives_a_second_draft_that_supersedes_the_first(node: RunningNode, peer: Pacs) -> None:
    first, late = (dx_film(study="late", number=number) for number in (1, 2))
    node.send(first)
    node.wait_for(first.StudyInstanceUID, "delivered")
    node.send(late)
    node.wait_for_deliveries(first.StudyInstanceUID, "delivered", 4)
    assert node.versions(first.StudyInstanceUID) == [1, 2]
    reports = [dcmread(received.path) for received in peer.of_study(first.StudyInstanceUID)]
    earlier = {one.SOPInstanceUID for one in reports if "PredecessorDocumentsSequence" not in one}
    named = {
        item.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for one in reports
        for item in one.get("PredecessorDocumentsSequence", [])
    }
    assert named == earlier
    assert len(earlier) == 2


def test_objects_without_pixels_neither_start_nor_break_a_reading(node: RunningNode, peer: Pacs) -> None:
    film = dx_film(study="mixed")
    others = [
        instance(KeyObjectSelectionDocumentStorage, modality="KO", study="mixed", series="ko"),
        instance(SegmentationStorage, modality="SEG", study="mixed", series="seg"),
        sr_document(study="mixed"),
    ]
    node.send(others[0], film, *others[1:])
    node.wait_for(film.StudyInstanceUID, "delivered")
    node.send(sr_document(study="mixed", number=2))
    # A later study goes through: whatever the second report could have started would have started before it.
    node.send(dx_film(study="after mixed"))
    node.wait_for(uid("after mixed"), "delivered")
    assert node.wait_for(film.StudyInstanceUID, "delivered").instances == 5
    assert node.versions(film.StudyInstanceUID) == [1]


def test_a_draft_that_the_pacs_routes_back_to_the_node_is_not_read(node: RunningNode, peer: Pacs) -> None:
    film = dx_film(study="routed back")
    node.send(film)
    node.wait_for(film.StudyInstanceUID, "delivered")
    node.send(*(dcmread(received.path) for received in peer.of_study(film.StudyInstanceUID)))
    after = node.study(film.StudyInstanceUID)
    assert after is not None
    assert (after.instances, after.state) == (3, "delivered")


def test_a_study_of_two_patients_fails_and_nothing_of_it_leaves(node: RunningNode, peer: Pacs) -> None:
    one = dx_film(study="mixed up", patient_id="P1")
    other = dx_film(study="mixed up", number=2, patient_id="P2")
    node.send(one, other)
    failed = node.wait_for(one.StudyInstanceUID, "failed")
    assert "more than one patient" in failed.reason
    assert "P1" not in failed.reason
    assert peer.of_study(one.StudyInstanceUID) == ()


def test_a_study_that_the_model_was_not_validated_for_is_refused_in_words(node: RunningNode, peer: Pacs) -> None:
    piece = ct_slice(study="a volume")
    node.send(piece)
    assert node.wait_for(piece.StudyInstanceUID, "refused").reason == "CT is not assessed."
    assert peer.of_study(piece.StudyInstanceUID) == ()


def test_a_resent_study_is_not_read_again(node: RunningNode, peer: Pacs) -> None:
    film = dx_film(study="twice")
    node.send(film)
    node.wait_for(film.StudyInstanceUID, "delivered")
    node.send(film)
    again = node.study(film.StudyInstanceUID)
    assert again is not None
    assert (again.state, again.instances) == ("delivered", 1)


@needs_dcmtk
@needs_orthanc
def test_orthanc_gets_reports_that_dcmtk_and_dciodvfy_accept(tmp_path: Path) -> None:
    with (
        orthanc(tmp_path / "orthanc") as pacs_server,
        running_node(tmp_path / "node", {"orthanc": (pacs_server.ae_title, pacs_server.port)}) as node,
    ):
        film = dx_film(study="to orthanc")
        sent = dcmtk("dcmsend", "-aec", "MEDVLM", "127.0.0.1", node.port, write(film, tmp_path / "in"))
        assert sent.returncode == 0, sent.stdout
        node.wait_for(film.StudyInstanceUID, "delivered")
        stored = pacs_server.get("instances")
        assert len(stored) == 2
        for name in stored:
            file = tmp_path / f"{name}.dcm"
            file.write_bytes(pacs_server.file(name))
            dump = subprocess.run(["dsrdump", "+U8", file], capture_output=True, text=True, check=True)
            assert "AI-generated draft" in dump.stdout
            validator = shutil.which("dciodvfy")
            assert validator is not None
            said = subprocess.run([validator, "-new", file], capture_output=True, text=True, check=False)
            assert [line for line in said.stderr.splitlines() if line.startswith("Error")] == []
