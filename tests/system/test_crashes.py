"""`kill -9` at the start, in the middle and at the end of every step: nothing is lost, nothing is doubled (N9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import dx_film
from tests.peers import Orthanc, needs_orthanc, orthanc
from tests.running_node import RunningNode, running_node

STOPS = [f"{step}.{place}" for step in ("assemble", "read", "compose") for place in ("start", "middle", "end")]
STOPS += ["deliver.start", "deliver.middle", "deliver.end"]


@pytest.fixture(scope="module")
def pacs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, pacs_server: Orthanc) -> Iterator[RunningNode]:
    peers = {"orthanc": (pacs_server.ae_title, pacs_server.port)}
    with running_node(tmp_path_factory.mktemp("node"), peers, roles=("scripted-model", "listener")) as running:
        yield running


@needs_orthanc
@pytest.mark.parametrize("stop", STOPS)
def test_a_worker_killed_there_leaves_exactly_one_set_of_results(
    stop: str, node: RunningNode, pacs_server: Orthanc, tmp_path: Path
) -> None:
    film = dx_film(study=f"killed at {stop}")
    mark = tmp_path / "stopped"
    worker = node.start("worker", DICOM_NODE_STOP_AT=stop, DICOM_NODE_STOP_MARK=str(mark))
    node.send(film)
    assert worker.wait(60) == -9
    assert mark.exists()

    node.start("worker")
    node.wait_for(film.StudyInstanceUID, "delivered")
    node.stop("worker")

    held = pacs_server.get(f"studies/{_orthanc_id(pacs_server, film.StudyInstanceUID)}/instances")
    assert len(held) == 2
    assert node.versions(film.StudyInstanceUID) == [1]


def _orthanc_id(server: Orthanc, study_uid: str) -> str:
    found = [one for one in server.get("studies?expand") if one["MainDicomTags"]["StudyInstanceUID"] == study_uid]
    assert len(found) == 1
    return str(found[0]["ID"])
