"""The same node over PostgreSQL: index, workflow and delivery."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from dicom_node.archive.database import migrate, open_engine
from dicom_node.demo.pacs import pacs
from tests.builders import dx_film
from tests.peers import MAY_SKIP, free_port, wait_for_port
from tests.running_node import running_node

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nonexistent"))
needs_postgresql = pytest.mark.skipif(
    MAY_SKIP and not (BINARIES / "initdb").exists(), reason="PostgreSQL is not installed"
)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A cluster of its own on a free loopback port; its URL. PostgreSQL refuses to run as root."""
    folder.mkdir()
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        for parent in (folder, *folder.parents):
            if parent.owner() == "root" and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()
    subprocess.run(
        [*as_user, BINARIES / "initdb", "-D", data, "-A", "trust", "-U", "node", "-E", "UTF8", "--locale=C"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [*as_user, BINARIES / "postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", folder]
    with (folder.parent / "postgresql.log").open("wb") as log:
        server = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=folder)
    try:
        wait_for_port(port, server)
        subprocess.run([BINARIES / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "node", "medvlm"], check=True)
        yield f"postgresql://node@127.0.0.1:{port}/medvlm"
    finally:
        server.terminate()
        server.wait()


@needs_postgresql
def test_a_film_goes_through_and_a_late_one_supersedes_on_postgresql(tmp_path: Path) -> None:
    with (
        postgresql(tmp_path / "postgresql") as url,
        pacs(tmp_path / "pacs") as peer,
        running_node(tmp_path / "node", {"pacs": (peer.ae_title, peer.port)}, database__url=url) as node,
    ):
        first, late = dx_film(study="on postgresql"), dx_film(study="on postgresql", number=2)
        node.send(first)
        node.wait_for(first.StudyInstanceUID, "delivered")
        node.send(first, late)
        node.wait_for_deliveries(first.StudyInstanceUID, "delivered", 4)
        assert node.versions(first.StudyInstanceUID) == [1, 2]
        assert len({one.sop_instance_uid for one in peer.of_study(first.StudyInstanceUID)}) == 4
        engine: Engine = open_engine(url)
        migrate(engine)  # a second start finds nothing to do
