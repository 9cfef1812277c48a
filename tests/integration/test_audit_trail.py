"""The trail over a real SQLite file: the chain, what a failed entry means, and what associations brought."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from structlog.testing import capture_logs

from dicom_node.archive import tables
from dicom_node.archive.database import migrate, open_engine
from dicom_node.audit import chain
from dicom_node.audit.chain import Entry, Head
from dicom_node.audit.keeping import Keeper, keeping
from dicom_node.audit.participants import ANONYMOUS, Application, AuditSource, Who
from dicom_node.audit.reading import Summary, summary
from dicom_node.audit.receptions import GIVEN_UP_SECONDS, Receptions
from dicom_node.audit.trail import DENIAL_WINDOW, READ_WINDOW, AuditTrail
from dicom_node.errors import AuditUnavailable
from dicom_node.settings import Audit

SOURCE = AuditSource("MEDVLM", "", Application("dicom-node api", "MEDVLM", "node"))
READER = Who("reader@hospital.example", "Reader^Anna", ("radiologist",), "10.0.0.7")
CT, DX = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1.1"


@dataclass
class Trail:
    engine: Engine
    now: float = 1_790_000_000.0
    trail: AuditTrail = field(init=False)

    def __post_init__(self) -> None:
        self.trail = AuditTrail(self.engine, SOURCE, lambda: self.now)

    def entries(self) -> tuple[Entry, ...]:
        return chain.entries(self.engine)

    def told(self) -> list[Summary]:
        return [summary(entry) for entry in self.entries()]

    def tamper(self, *statements: str) -> None:
        """As somebody with the file in hand can."""
        with self.engine.begin() as connection:
            for trigger in ("audit_no_update", "audit_no_delete", "audit_in_order"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
            for statement in statements:
                connection.execute(text(statement))

    def break_index(self) -> None:
        self.tamper("ALTER TABLE audit RENAME TO elsewhere")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Trail]:
    engine = open_engine(f"sqlite:///{tmp_path}/index.sqlite")
    migrate(engine)
    file_study(engine, "1.2.3", "PAT-1")
    yield Trail(engine)
    engine.dispose()


def file_study(engine: Engine, study_uid: str, patient_id: str, issuer: str = "") -> None:
    with engine.begin() as connection:
        found = connection.execute(
            text("SELECT id FROM patient WHERE patient_id = :id AND issuer = :issuer"),
            {"id": patient_id, "issuer": issuer},
        ).scalar()
        key = (
            found
            or connection.execute(
                tables.patient.insert().values(issuer=issuer, patient_id=patient_id)
            ).inserted_primary_key[0]
        )  # type: ignore[index]
        texts = {c.name: "" for c in tables.study.c if c.name not in ("uid", "patient")}
        numbers = {"first_received": 0.0, "last_received": 0.0, "images": 0, "round": 0}
        connection.execute(tables.study.insert().values(texts | numbers | {"uid": study_uid, "patient": key}))


# The chain


def test_each_entry_carries_the_hash_of_the_one_before(node: Trail) -> None:
    for _ in range(3):
        node.trail.login(READER, ok=True)
    first, second, third = node.entries()
    assert [first.n, second.n, third.n] == [1, 2, 3]
    assert (first.previous, second.previous, third.previous) == (chain.GENESIS, first.hash, second.hash)
    assert chain.verify(node.engine).ok


@pytest.mark.parametrize("statement", ["UPDATE audit SET at = 0", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_delete_an_entry(node: Trail, statement: str) -> None:
    node.trail.login(READER, ok=True)
    with pytest.raises(SQLAlchemyError, match="append-only"), node.engine.begin() as connection:
        connection.execute(text(statement))


TAMPERED = {
    "a changed message": (["UPDATE audit SET message = replace(message, 'reader', 'other') WHERE n = 3"], 3, "changed"),
    "a changed time": (["UPDATE audit SET at = at + 0.001 WHERE n = 3"], 3, "changed"),
    "a removed entry": (["DELETE FROM audit WHERE n = 3"], 4, "entries 3 to 3 are missing"),
    "a removed entry, closed up": (
        ["DELETE FROM audit WHERE n = 3", "UPDATE audit SET n = n - 1 WHERE n > 3"],
        3,
        "does not follow",
    ),
    "two entries exchanged": (
        [
            "UPDATE audit SET n = 99 WHERE n = 2",
            "UPDATE audit SET n = 2 WHERE n = 3",
            "UPDATE audit SET n = 3 WHERE n = 99",
        ],
        2,
        "does not follow",
    ),
    "a copy inserted": (
        [
            "UPDATE audit SET n = n + 100 WHERE n > 2",
            "INSERT INTO audit SELECT 3, at, message, previous, hash FROM audit WHERE n = 2",
            "UPDATE audit SET n = n - 99 WHERE n > 100",
        ],
        3,
        "does not follow",
    ),
    "a hash that is none": (["UPDATE audit SET hash = 'x' WHERE n = 3"], 3, "changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_verification_finds(node: Trail, name: str) -> None:
    statements, n, words = TAMPERED[name]
    for _ in range(5):
        node.trail.login(READER, ok=True)
    node.tamper(*statements)
    verdict = chain.verify(node.engine)
    assert verdict.broken is not None
    assert verdict.broken.n == n
    assert words in verdict.broken.what


def test_a_cut_tail_is_found_by_a_head_that_was_noted(node: Trail) -> None:
    for _ in range(5):
        node.trail.login(READER, ok=True)
    noted = chain.head(node.engine)
    assert noted is not None
    node.tamper("DELETE FROM audit WHERE n > 3")
    assert chain.verify(node.engine).ok
    broken = chain.verify(node.engine, noted).broken
    assert broken is not None
    assert broken.what == "entries 4 to 5 are missing at the end"


def test_a_cut_tail_is_found_by_what_a_collector_has(node: Trail) -> None:
    for _ in range(5):
        node.trail.login(READER, ok=True)
    noted = chain.head(node.engine)
    assert noted is not None
    with node.engine.begin() as connection:
        row = {"collector": "arr:6514", "n": noted.n, "hash": noted.hash, "at": 0.0}
        connection.execute(tables.audit_position.insert().values(row))
    assert chain.verify(node.engine).ok
    node.tamper("DELETE FROM audit WHERE n > 3")
    assert not chain.verify(node.engine).ok


def test_a_chain_written_anew_is_found_by_a_head_that_was_noted(node: Trail) -> None:
    node.trail.login(READER, ok=True)
    noted = chain.head(node.engine)
    node.tamper("DELETE FROM audit")
    node.trail.login(replace(READER, user_id="other@hospital.example"), ok=True)
    node.trail.login(READER, ok=True)
    assert chain.verify(node.engine).ok
    assert chain.verify(node.engine, noted).broken is not None


def test_the_noted_head_of_a_chain_that_grew_still_holds(node: Trail) -> None:
    node.trail.login(READER, ok=True)
    noted = chain.head(node.engine)
    node.trail.login(READER, ok=True)
    assert chain.verify(node.engine, noted).ok
    assert not chain.verify(node.engine, Head(1, "0" * 64)).ok


def test_threads_append_without_gaps_or_forks(node: Trail) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: node.trail.login(READER, ok=True), range(80)))
    verdict = chain.verify(node.engine)
    assert (verdict.entries, verdict.ok) == (80, True)


# Acts and reads


ACTS: dict[str, Callable[[AuditTrail], None]] = {
    "Report edited": lambda trail: trail.report_edited(READER, "1.2.3", "r"),
    "Report signed": lambda trail: trail.report_signed(READER, "1.2.3", "r"),
    "Report rejected": lambda trail: trail.report_rejected(READER, "1.2.3", "r"),
    "Report addended": lambda trail: trail.report_addended(READER, "1.2.3", "r"),
    "Own read kept": lambda trail: trail.own_read_kept(READER, "1.2.3", "r"),
    "Reading asked for again": lambda trail: trail.read_again(READER, "1.2.3"),
    "Priority set": lambda trail: trail.priority_set(READER, "1.2.3"),
    "Question to the model": lambda trail: trail.asked(READER, "1.2.3", "Is there a fracture?"),
}
READS: dict[str, Callable[[AuditTrail], None]] = {
    "Study opened": lambda trail: trail.study_opened(READER, "1.2.3"),
    "Images read": lambda trail: trail.instances_accessed(READER, "1.2.3"),
    "Report read": lambda trail: trail.report_read(READER, "1.2.3", "r"),
    "Query": lambda trail: trail.queried(READER, "state=drafted"),
    "Audit Log Used": lambda trail: trail.audit_read(READER),
    "Export": lambda trail: trail.exported(READER, "1.2.3", "PDF"),
    "Import": lambda trail: trail.imported(READER, "1.2.3", "files"),
}


@pytest.mark.parametrize("name", ACTS)
def test_every_act_is_an_entry_of_its_own(node: Trail, name: str) -> None:
    ACTS[name](node.trail)
    ACTS[name](node.trail)
    assert [(one.kind, one.who, one.patient_id) for one in node.told()] == [(name, READER.user_id, "PAT-1")] * 2


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_cannot_be_told_is_refused(node: Trail, name: str) -> None:
    node.break_index()
    with pytest.raises(AuditUnavailable):
        ACTS[name](node.trail)


def test_an_act_and_its_entry_are_committed_together_or_not_at_all(node: Trail) -> None:
    def sign(fail: bool = False, reason: str = "signed") -> None:
        with node.engine.begin() as connection:
            connection.execute(text(f"UPDATE study SET reason = '{reason}'"))  # noqa: S608
            node.trail.within(connection).report_signed(READER, "1.2.3", "r")
            if fail:
                raise LookupError

    with pytest.raises(LookupError):
        sign(fail=True)
    assert node.entries() == ()
    sign()
    node.break_index()
    with pytest.raises(AuditUnavailable):
        sign(reason="signed twice")
    with node.engine.connect() as connection:
        assert connection.execute(text("SELECT reason FROM study")).scalar() == "signed"


@pytest.mark.parametrize("name", READS)
def test_a_read_is_told_once_in_the_window_and_again_after_it(node: Trail, name: str) -> None:
    for _ in range(300):
        READS[name](node.trail)
    assert [one.kind or one.event for one in node.told()] == [name]
    node.now += READ_WINDOW
    READS[name](node.trail)
    assert len(node.entries()) == 2


def test_readers_and_studies_are_told_apart(node: Trail) -> None:
    for who in (READER, replace(READER, user_id="second@hospital.example"), replace(READER, network="10.0.0.8")):
        for study in ("1.2.3", "1.2.4"):
            node.trail.instances_accessed(who, study)
    assert len(node.entries()) == 6


@pytest.mark.parametrize("name", READS)
def test_a_read_that_cannot_be_told_goes_on_and_the_log_says_so_without_the_patient(node: Trail, name: str) -> None:
    node.break_index()
    with capture_logs() as log:
        READS[name](node.trail)
    (said,) = log
    assert (said["event"], said["log_level"], said["user"]) == ("audit.lost", "error", READER.user_id)
    assert "PAT-1" not in str(said)


def test_a_read_that_could_not_be_told_is_told_once_the_trail_is_back(node: Trail) -> None:
    node.break_index()
    node.trail.study_opened(READER, "1.2.3")
    node.tamper("ALTER TABLE elsewhere RENAME TO audit")
    node.trail.study_opened(READER, "1.2.3")
    assert [one.kind for one in node.told()] == ["Study opened"]


def test_a_flood_of_denials_or_of_wrong_tokens_is_one_entry_a_minute(node: Trail) -> None:
    for _ in range(100):
        node.trail.denied(replace(ANONYMOUS, network="10.0.0.9"), "GET /studies: needs viewer")
        node.trail.login(replace(ANONYMOUS, network="10.0.0.9"), ok=False)
    assert [(one.event, one.outcome) for one in node.told()] == [
        ("Security Alert", "serious failure"),
        ("User Authentication", "minor failure"),
    ]
    node.now += DENIAL_WINDOW
    node.trail.denied(replace(ANONYMOUS, network="10.0.0.9"), "GET /studies: needs viewer")
    assert len(node.entries()) == 3


# What associations brought


def receive(
    node: Trail, association: str, *instances: tuple[str, str], ended: float | None, outcome: str = "released"
) -> None:
    """`instances` are (study, SOP class)."""
    with node.engine.begin() as connection:
        connection.execute(
            tables.association.insert().values(
                id=association,
                calling_ae="MODALITY",
                called_ae="MEDVLM",
                host="10.0.0.5",
                started=node.now,
                ended=ended,
                outcome=outcome,
            )
        )
        for number, (study, sop_class) in enumerate(instances):
            series = f"{study}.1"
            if not connection.execute(text("SELECT 1 FROM series WHERE uid = :uid"), {"uid": series}).scalar():
                connection.execute(
                    tables.series.insert().values(uid=series, study=study, modality="CT", description="")
                )
            connection.execute(
                tables.instance.insert().values(
                    sop_instance_uid=f"{series}.{association}.{number}",
                    sha256=f"{number}",
                    series=series,
                    sop_class_uid=sop_class,
                    transfer_syntax_uid="1.2.840.10008.1.2.1",
                    path="p",
                    size=1,
                    received=node.now,
                    association=association,
                    instance_number=number,
                    conflicting=False,
                )
            )


def receptions(node: Trail) -> Receptions:
    return Receptions(node.engine, SOURCE, lambda: node.now)


def test_an_association_is_one_message_for_each_patient_however_many_instances(node: Trail) -> None:
    file_study(node.engine, "1.2.4", "PAT-1")
    file_study(node.engine, "1.2.5", "PAT-2", "H2")
    receive(node, "a", *[("1.2.3", CT)] * 300, ("1.2.4", DX), ("1.2.5", DX), ended=node.now - 5)
    assert receptions(node).tell() == 1
    assert [(one.event, one.who, one.patient_id, one.study_uids) for one in node.told()] == [
        ("DICOM Instances Transferred", "MODALITY@10.0.0.5", "PAT-1", ("1.2.3", "1.2.4")),
        ("DICOM Instances Transferred", "MODALITY@10.0.0.5", "PAT-2^^^H2", ("1.2.5",)),
    ]
    assert f'UID="{CT}" NumberOfInstances="300"' in node.entries()[0].message
    assert receptions(node).tell() == 0


def test_an_association_that_stored_nothing_is_no_message(node: Trail) -> None:
    receive(node, "echo", ended=node.now)
    receptions(node).tell()
    assert node.entries() == ()


def test_an_association_that_broke_off_is_told_as_such(node: Trail) -> None:
    receive(node, "a", ("1.2.3", CT), ended=node.now, outcome="lost")
    receptions(node).tell()
    assert [one.outcome for one in node.told()] == ["minor failure"]


def test_what_a_killed_listener_received_is_told_once_nothing_more_can_come(node: Trail) -> None:
    receive(node, "a", ("1.2.3", CT), ended=None, outcome="open")
    told = receptions(node)
    node.now += GIVEN_UP_SECONDS - 1
    assert told.tell() == 0
    node.now += 2
    assert told.tell() == 1
    assert [(one.outcome, one.study_uids) for one in node.told()] == [("minor failure", ("1.2.3",))]


def test_two_listeners_tell_each_association_once(node: Trail) -> None:
    for number in range(60):
        receive(node, f"a-{number}", ("1.2.3", CT), ended=node.now)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: receptions(node).tell(), range(4)))
    assert sum(told) == len(node.entries()) == 60
    assert chain.verify(node.engine).ok


def test_an_ended_association_is_told_in_the_background_and_at_the_latest_at_the_stop(node: Trail) -> None:
    running = receptions(node)
    running.start()
    receive(node, "a", ("1.2.3", CT), ended=node.now)
    running.ended()
    threading.Timer(0.1, running.ended).start()
    running.stop()
    assert len(node.entries()) == 1


# The worker's part


def test_the_heads_hash_goes_to_the_log_at_the_start_and_daily(node: Trail) -> None:
    node.trail.login(READER, ok=True)
    keeper = Keeper(node.engine, None, lambda: node.now)
    with capture_logs() as log:
        for _ in range(24 * 2 + 1):
            keeper.look()
            node.now += 3600
    assert [(said["event"], said["n"], said["hash"]) for said in log] == [("audit.head", 1, node.entries()[0].hash)] * 3


def test_keeping_goes_on_after_the_index_failed(node: Trail) -> None:
    node.trail.login(READER, ok=True)
    keeper = Keeper(node.engine, None, lambda: node.now)
    node.break_index()
    with capture_logs() as log:
        keeper.look()
        node.tamper("ALTER TABLE elsewhere RENAME TO audit")
        keeper.look()
    assert [said["event"] for said in log] == ["audit.keeping.failed", "audit.head"]


def test_a_stopping_worker_tells_the_last_head(node: Trail, tmp_path: Path) -> None:
    with capture_logs() as log, keeping(node.engine, Audit()):
        node.trail.login(READER, ok=True)
    assert [said["n"] for said in log if said["event"] == "audit.head"] == [1]
