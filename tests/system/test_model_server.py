"""A model server that dies: one study fails with its reason, the others go on."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from pydicom.uid import NuclearMedicineImageStorage

from tests.builders import dx_film, instance
from tests.running_node import CHECKOUT, RunningNode, running_node


def restarting(node: RunningNode, over: threading.Event) -> None:
    """The scripted model, started again whenever it ends (`dicom-node serve` does so with every role)."""
    port = str(node.settings["model__url"]).rpartition(":")[2]
    while not over.is_set():
        server = subprocess.Popen([sys.executable, "-m", "tests.scripted_model", port], cwd=CHECKOUT)
        while server.poll() is None and not over.wait(0.1):
            pass
        server.kill()
        server.wait()


def test_a_study_that_kills_the_model_server_fails_and_the_next_one_is_read(tmp_path: Path) -> None:
    deadly = instance(NuclearMedicineImageStorage, modality="NM", study="deadly")
    film = dx_film(study="harmless")
    with running_node(tmp_path / "node", roles=("listener", "worker"), workflow__read_attempts=2) as node:
        over = threading.Event()
        server = threading.Thread(target=restarting, args=(node, over))
        server.start()
        try:
            node.send(deadly)
            failed = node.wait_for(deadly.StudyInstanceUID, "failed")
            node.send(film)
            node.wait_for(film.StudyInstanceUID, "drafted")
        finally:
            over.set()
            server.join()
    assert "stopped 2 times while reading this study" in failed.reason
    assert "dicom-node retry" in failed.reason


def test_a_study_waits_for_a_model_server_that_is_not_there_yet(tmp_path: Path) -> None:
    film = dx_film(study="early")
    with running_node(tmp_path / "node", roles=("listener", "worker")) as node:
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "reading")
        node.start("scripted-model")
        node.wait_for(film.StudyInstanceUID, "drafted")
