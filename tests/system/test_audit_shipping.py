"""The trail's way to an audit record repository: Debian's rsyslog over TLS, and a peer that misbehaves."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from dicom_node.archive.database import migrate, open_engine
from dicom_node.audit import chain
from dicom_node.audit.collector import Collector, collector_of
from dicom_node.audit.participants import Application, AuditSource, Who
from dicom_node.audit.shipping import Shipper, waiting
from dicom_node.audit.syslog import Origin
from dicom_node.audit.trail import AuditTrail
from dicom_node.errors import BadSettings, PeerUnreachable
from dicom_node.settings import Audit
from tests.certificates import Authority, Pair
from tests.peers import HOST, free_port, needs_postgresql, postgresql_server
from tests.rsyslog import needs_rsyslog, rsyslog

SOURCE = AuditSource("MEDVLM", "", Application("dicom-node api", "MEDVLM", "node"))
READER = Who("reader@hospital.example", "Reader^Änne", (), "10.0.0.7")


@dataclass
class Node:
    engine: Engine
    settings: Audit
    now: float = 1_790_000_000.0
    shipper: Shipper = field(init=False)

    def __post_init__(self) -> None:
        self.trail = AuditTrail(self.engine, SOURCE, lambda: self.now)
        self.restart()

    @property
    def collector(self) -> Collector:
        made = collector_of(self.settings)
        assert made is not None
        return made

    def restart(self) -> None:
        self.shipper = Shipper(self.engine, self.collector, Origin("node.example"), lambda: self.now)

    def tell(self, count: int) -> None:
        for _ in range(count):
            self.trail.login(READER, ok=True)

    def later(self) -> None:
        """After every wait."""
        self.now += 1000


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def own(authority: Authority) -> Pair:
    return authority.issue("repository")


@pytest.fixture
def node(tmp_path: Path, authority: Authority) -> Iterator[Node]:
    engine = open_engine(f"sqlite:///{tmp_path}/index.sqlite")
    migrate(engine)
    settings = Audit(syslog_host=HOST, syslog_port=free_port(), syslog_ca=str(authority.certificate))
    yield Node(engine, settings)
    engine.dispose()


@needs_rsyslog
def test_every_message_reaches_the_repository_in_order_and_whole(
    node: Node, tmp_path: Path, authority: Authority, own: Pair
) -> None:
    node.tell(450)
    with rsyslog(tmp_path / "arr", node.settings.syslog_port, authority.certificate, own) as repository:
        assert node.shipper.ship() == 450
        lines = repository.wait_for(450)
        assert node.shipper.ship() == 0
    assert repository.numbers() == list(range(1, 451))
    assert lines[0].startswith("<85>1 2026-09-21T14:13:20.000Z node.example dicom-node - DICOM+RFC3881 ")
    assert lines[0].endswith(chain.entries(node.engine, limit=1)[0].message)
    assert "Reader^Änne" in lines[0]


@needs_rsyslog
def test_what_was_told_while_the_repository_was_away_follows_in_order(
    node: Node, tmp_path: Path, authority: Authority, own: Pair
) -> None:
    place = (tmp_path / "arr", node.settings.syslog_port, authority.certificate, own)
    node.tell(3)
    with rsyslog(*place) as repository:
        node.shipper.ship()
        repository.wait_for(3)
    node.tell(4)
    for _ in range(3):
        assert node.shipper.ship() == 0
        node.later()
    node.restart()  # the position outlives the process
    node.tell(2)
    with rsyslog(*place) as repository:
        assert node.shipper.ship() == 6
        repository.wait_for(9)
    assert repository.numbers() == list(range(1, 10))


@needs_rsyslog
def test_a_message_beyond_32_kib_arrives_whole(node: Node, tmp_path: Path, authority: Authority, own: Pair) -> None:
    long = "<AuditMessage>" + "ä" * 50_000 + "</AuditMessage>"
    with node.engine.begin() as connection:
        chain.append(connection, node.now, long)
    with rsyslog(tmp_path / "arr", node.settings.syslog_port, authority.certificate, own) as repository:
        node.shipper.ship()
        (line,) = repository.wait_for(1)
    assert line.endswith(long)


@needs_rsyslog
def test_a_repository_that_asks_for_our_certificate_gets_it(
    node: Node, tmp_path: Path, authority: Authority, own: Pair
) -> None:
    ours = authority.issue("node")
    node.tell(1)
    place = (tmp_path / "arr", node.settings.syslog_port, authority.certificate, own)
    with rsyslog(*place, asks_certificate=True) as repository:
        assert node.shipper.ship() == 0
        node.settings = node.settings.model_copy(update={"certificate": str(ours.certificate), "key": str(ours.key)})
        node.later()
        node.restart()
        assert node.shipper.ship() == 1
        repository.wait_for(1)


@pytest.mark.parametrize("wrong", ["another authority", "expired", "no TLS at all"])
def test_nothing_is_told_to_a_repository_that_is_not_the_one(node: Node, tmp_path: Path, wrong: str) -> None:
    stranger = Authority(tmp_path / "stranger")
    own = stranger.issue("repository")
    if wrong == "expired":
        own = stranger.issue("repository", days=-1)
        node.settings = node.settings.model_copy(update={"syslog_ca": str(stranger.certificate)})
    node.restart()
    node.tell(1)
    with peer(node.settings.syslog_port, None if wrong == "no TLS at all" else own) as seen, capture_logs() as log:
        assert node.shipper.ship() == 0
    assert [said["event"] for said in log] == ["audit.collector.away"]
    assert b"AuditMessage" not in b"".join(seen)


def test_a_batch_that_a_dying_repository_did_not_read_is_sent_again(
    node: Node, authority: Authority, own: Pair
) -> None:
    node.tell(1)
    with node.engine.begin() as connection:
        chain.append(connection, node.now, "x" * (8 << 20))  # more than buffers on the way hold
    with peer(node.settings.syslog_port, own, read_at_most=1000):
        assert node.shipper.ship() == 0
    node.later()
    with peer(node.settings.syslog_port, own) as seen:
        assert node.shipper.ship() == 2
    assert b"".join(seen).count(b"DICOM+RFC3881") == 2


def test_a_small_batch_left_unread_is_sent_again_too(node: Node, own: Pair) -> None:
    node.tell(1)
    with peer(node.settings.syslog_port, own, read_at_most=0):
        assert node.shipper.ship() == 0
    node.later()
    with peer(node.settings.syslog_port, own):
        assert node.shipper.ship() == 1


@pytest.mark.parametrize("orderly", [True, False])
def test_a_repository_that_hangs_up_before_it_reads_has_not_taken_the_batch(
    node: Node, own: Pair, orderly: bool
) -> None:
    """Its end of the stream comes before our messages, and looks like the one that comes after them."""

    def frames() -> Iterator[bytes]:
        time.sleep(0.3)
        yield b"x" * 1000

    with (
        peer(node.settings.syslog_port, own, read_at_most=0, orderly=orderly),
        pytest.raises(PeerUnreachable),
    ):
        node.collector.deliver(frames())


def test_tries_grow_rarer_while_nobody_answers(node: Node) -> None:
    node.tell(1)
    waits = []
    with capture_logs() as log:
        for _ in range(4000):
            node.shipper.ship()
            node.now += 1
    waits = [said["seconds"] for said in log if said["event"] == "audit.collector.away"]
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert waits[-1] == 300


def test_a_trail_cut_after_shipping_is_noticed_and_new_entries_still_leave(node: Node, own: Pair) -> None:
    node.tell(5)
    with peer(node.settings.syslog_port, own) as seen:
        node.shipper.ship()
        with node.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER audit_no_delete"))
            connection.execute(text("DELETE FROM audit WHERE n > 3"))
        with capture_logs() as log:
            node.shipper.ship()
        node.tell(1)
        node.shipper.ship()
    assert [said["event"] for said in log] == ["audit.tampered"]
    assert b"".join(seen).count(b"DICOM+RFC3881") == 6


def test_what_waits_for_the_repository_is_counted_and_the_way_to_it_tried(node: Node, own: Pair) -> None:
    node.tell(3)
    with pytest.raises(PeerUnreachable):
        node.collector.reach()
    with peer(node.settings.syslog_port, own):
        node.collector.reach()
        assert waiting(node.engine, node.collector) == 3
        node.shipper.ship()
        assert waiting(node.engine, node.collector) == 0


@needs_postgresql
def test_of_two_workers_one_ships(tmp_path: Path, authority: Authority, own: Pair) -> None:
    settings = Audit(syslog_host=HOST, syslog_port=free_port(), syslog_ca=str(authority.certificate))
    with postgresql_server() as url, peer(settings.syslog_port, own) as seen:
        engine = open_engine(url)
        migrate(engine)
        first, second = Node(engine, settings), Node(engine, settings)
        first.tell(500)
        with ThreadPoolExecutor(2) as pool:
            assert sum(pool.map(lambda worker: worker.shipper.ship(), (first, second))) == 500
        engine.dispose()
    assert b"".join(seen).count(b"DICOM+RFC3881") == 500


def test_a_certificate_that_cannot_be_loaded_is_a_bad_setting(node: Node, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="audit"):
        collector_of(node.settings.model_copy(update={"syslog_ca": str(tmp_path / "none.pem")}))


class peer:  # noqa: N801 (used as a context)
    """A TLS (or plain) server that reads all, or dies after so many bytes; yields what it read."""

    def __init__(
        self, port: int, own: Pair | None, read_at_most: int | None = None, orderly: bool | None = None
    ) -> None:
        self._own = own
        self._most = read_at_most
        self._orderly = orderly
        self._seen: list[bytes] = []
        self._listening = socket.create_server((HOST, port))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> list[bytes]:
        self._thread.start()
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listening.accept()[0]
            except OSError:
                return
            with connection:
                try:
                    self._read(connection)
                except (OSError, ssl.SSLError):
                    continue

    def _read(self, connection: socket.socket) -> None:
        connection.settimeout(2)
        if self._own:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._own.certificate, self._own.key)
            connection = context.wrap_socket(connection, server_side=True)
        if self._orderly is not None and isinstance(connection, ssl.SSLSocket):
            connection.settimeout(0)
            if self._orderly:
                with contextlib.suppress(OSError):
                    connection.unwrap()
            connection.close()
            return
        if self._most is not None:
            self._seen.append(connection.recv(self._most) if self._most else b"")
            threading.Event().wait(0.2)  # what follows arrives, and stays unread
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            connection.close()
            return
        while got := connection.recv(1 << 16):
            self._seen.append(got)
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap().close()
