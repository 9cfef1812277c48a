"""The same node over PostgreSQL: index, workflow and delivery."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from dicom_node.archive.database import migrate, open_engine
from dicom_node.demo.pacs import pacs
from tests.builders import dx_film
from tests.peers import needs_postgresql, postgresql_server
from tests.running_node import running_node


@needs_postgresql
def test_a_film_goes_through_and_a_late_one_supersedes_on_postgresql(tmp_path: Path) -> None:
    with (
        postgresql_server() as url,
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
