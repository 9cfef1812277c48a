"""Delivery to peers that are down, full or unwilling (N10)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from pynetdicom import AE, evt
from pynetdicom.sop_class import ComprehensiveSRStorage, EnhancedSRStorage

from dicom_node.archive import outbox
from dicom_node.archive.tables import delivery
from dicom_node.demo.pacs import pacs
from dicom_node.retry import retry
from dicom_node.settings import load
from tests.builders import dx_film
from tests.peers import free_port
from tests.running_node import running_node


@contextlib.contextmanager
def peer_answering(status: int, port: int = 0, classes: tuple[str, ...] = ()) -> Iterator[tuple[int, list[str]]]:
    """A peer that answers every C-STORE with `status`; what it was sent, by SOP class."""
    got: list[str] = []

    def store(event: evt.Event) -> int:
        got.append(str(event.request.AffectedSOPClassUID))
        return status

    entity = AE(ae_title="PACS")
    for sop_class in classes or ("1.2.840.10008.5.1.4.1.1.88.34", str(EnhancedSRStorage)):
        entity.add_supported_context(sop_class)
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        yield server.socket.getsockname()[1], got
    finally:
        server.shutdown()


def test_a_peer_that_comes_back_gets_what_it_missed_also_after_a_crash_of_the_worker(tmp_path: Path) -> None:
    port = free_port()
    film = dx_film(study="peer down")
    with running_node(tmp_path / "node", {"pacs": ("PACS", port)}) as node:
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "drafted")
        node.kill("worker")
        with pacs(tmp_path / "pacs", port) as peer:
            node.start("worker")
            node.wait_for(film.StudyInstanceUID, "delivered")
            assert len(peer.of_study(film.StudyInstanceUID)) == 2


def test_a_full_peer_is_tried_again_and_an_unwilling_one_is_parked_until_a_person_asks(tmp_path: Path) -> None:
    port = free_port()
    film = dx_film(study="parked")
    with running_node(tmp_path / "node", {"pacs": ("PACS", port)}) as node:
        with peer_answering(0xA700, port):
            node.send(film)
            node.wait_for(film.StudyInstanceUID, "drafted")
            rows = node.wait_for_deliveries(film.StudyInstanceUID, "pending", 2)
        with peer_answering(0xC000, port):
            rows = node.wait_for_deliveries(film.StudyInstanceUID, "parked", 2)
            assert all("0xC000" in row.reason for row in rows)
        with pacs(tmp_path / "pacs", port) as peer:
            settings = load(archive={"url": node.settings["archive__url"]})
            assert retry(settings, film.StudyInstanceUID) == "2 deliveries are tried again at once."
            node.wait_for(film.StudyInstanceUID, "delivered")
            assert len(peer.of_study(film.StudyInstanceUID)) == 2


def test_a_peer_without_comprehensive_3d_sr_gets_the_same_tree_once_as_comprehensive_sr(tmp_path: Path) -> None:
    film = dx_film(study="old peer")
    old = (str(ComprehensiveSRStorage), "1.2.840.10008.5.1.4.1.1.88.11")
    with (
        peer_answering(0x0000, classes=old) as (port, got),
        running_node(tmp_path / "node", {"pacs": ("PACS", port)}) as node,
    ):
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "delivered")
    assert sorted(got) == sorted(old)


def test_a_peer_that_takes_only_enhanced_sr_gets_the_narrative_and_the_findings_are_refused_in_words(
    tmp_path: Path,
) -> None:
    film = dx_film(study="enhanced only")
    with (
        peer_answering(0x0000, classes=(str(EnhancedSRStorage),)) as (port, got),
        running_node(tmp_path / "node", {"pacs": ("PACS", port)}) as node,
    ):
        node.send(film)
        until = time.monotonic() + 60
        rows = {}
        while {row.state for row in rows.values()} != {"parked", "delivered"} and time.monotonic() < until:
            time.sleep(0.1)
            rows = {row.kind: row for row in outbox.of_study(node.engine, film.StudyInstanceUID)}
    assert got == [str(EnhancedSRStorage)]
    assert (rows["findings"].state, rows["narrative"].state) == ("parked", "delivered")
    assert "takes none" in rows["findings"].reason


def test_a_peer_that_takes_no_report_gets_nothing_and_says_why(tmp_path: Path) -> None:
    film = dx_film(study="no reports")
    with (
        peer_answering(0x0000, classes=("1.2.840.10008.5.1.4.1.1.1",)) as (port, got),
        running_node(tmp_path / "node", {"pacs": ("PACS", port)}) as node,
    ):
        node.send(film)
        rows = node.wait_for_deliveries(film.StudyInstanceUID, "parked", 2)
    assert got == []
    assert all("takes none" in row.reason for row in rows)


def test_a_second_delivery_is_the_same_bytes(tmp_path: Path) -> None:
    film = dx_film(study="again")
    with pacs(tmp_path / "pacs") as peer, running_node(tmp_path / "node", {"pacs": ("PACS", peer.port)}) as node:
        node.send(film)
        node.wait_for(film.StudyInstanceUID, "delivered")
        first = {it.path.name: it.path.read_bytes() for it in peer.of_study(film.StudyInstanceUID)}
        with node.engine.begin() as connection:
            connection.execute(delivery.update().values(state="pending", next_attempt=0))
        node.wait_for_deliveries(film.StudyInstanceUID, "delivered", 2)
        assert {it.path.name: it.path.read_bytes() for it in peer.of_study(film.StudyInstanceUID)} == first


def test_a_peer_that_rejects_our_ae_title_is_parked_with_the_way_out(tmp_path: Path) -> None:
    film = dx_film(study="rejected")
    entity = AE(ae_title="PACS")
    entity.require_called_aet = True
    entity.add_supported_context(EnhancedSRStorage)
    server = entity.start_server(("127.0.0.1", 0), block=False)
    try:
        with running_node(tmp_path / "node", {"pacs": ("OTHER", server.socket.getsockname()[1])}) as node:
            node.send(film)
            rows = node.wait_for_deliveries(film.StudyInstanceUID, "parked", 2)
            assert all("AE titles known" in row.reason for row in rows)
    finally:
        server.shutdown()
