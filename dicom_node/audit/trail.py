"""The trail as the roles use it: facts in, entries of the chain out.

Three kinds of facts, by what happens when the entry cannot be written:

- Acts on a report, questions, readings asked for: the method raises `AuditUnavailable` and the act must not happen,
  for it could not be accounted for later. Best in the act's own transaction (`within`): neither without the other.
- Reads: the entry is lost, loudly (`audit.lost` in the log, with everything but the patient), and the read goes on.
  A trail that cannot be written must not keep a physician from an image.
- What came from outside, log-ins, denials, starts and stops: the same, for they are over when they are told.

Reads are one entry for a caller and a study within `READ_WINDOW`, written at the first: what a crash takes is the
repetition, never the fact. Denials likewise within `DENIAL_WINDOW`, so that a flood of them does not fill the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from dicom_node.archive.tables import patient, study
from dicom_node.audit import chain, codes, events
from dicom_node.audit.codes import Code
from dicom_node.audit.events import Subject
from dicom_node.audit.message import Action, Message, to_xml
from dicom_node.audit.participants import Application, AuditSource, Who, source_of
from dicom_node.audit.recent import Recent
from dicom_node.errors import AuditUnavailable
from dicom_node.settings import Settings

READ_WINDOW: Final = 600.0
DENIAL_WINDOW: Final = 60.0

Clock = Callable[[], float]
Build = Callable[[Connection, float], Message]


class AuditTrail:
    """Thread-safe. Blocks for a commit (milliseconds; up to the database's own timeout when another writes)."""

    def __init__(
        self,
        engine: Engine,
        source: AuditSource,
        clock: Clock = time.time,
        *,
        recent: Recent | None = None,
        connection: Connection | None = None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._clock = clock
        self._recent = recent or Recent()
        self._connection = connection
        self._log: Any = structlog.get_logger()

    def within(self, connection: Connection) -> AuditTrail:
        """The trail inside a transaction that is open: to be told last before its commit, for others then wait.

        On SQLite never use the outer trail meanwhile in the same thread: it would wait for this transaction.
        """
        return AuditTrail(self._engine, self._source, self._clock, recent=self._recent, connection=connection)

    # Acts: `AuditUnavailable`

    def report_edited(self, who: Who, study_uid: str, report_uid: str) -> None:
        self._act(who, study_uid, codes.REPORT_EDITED, report_uid)

    def report_signed(self, who: Who, study_uid: str, report_uid: str) -> None:
        self._act(who, study_uid, codes.REPORT_SIGNED, report_uid)

    def report_rejected(self, who: Who, study_uid: str, report_uid: str) -> None:
        self._act(who, study_uid, codes.REPORT_REJECTED, report_uid)

    def report_addended(self, who: Who, study_uid: str, report_uid: str) -> None:
        self._act(who, study_uid, codes.REPORT_ADDENDED, report_uid)

    def own_read_kept(self, who: Who, study_uid: str, report_uid: str) -> None:
        self._act(who, study_uid, codes.OWN_READ_KEPT, report_uid)

    def read_again(self, who: Who, study_uid: str) -> None:
        self._act(who, study_uid, codes.READ_AGAIN)

    def priority_set(self, who: Who, study_uid: str) -> None:
        self._act(who, study_uid, codes.PRIORITY_SET)

    def asked(self, who: Who, study_uid: str, question: str) -> None:
        """To be told before the model is asked."""
        self._must(lambda db, at: events.asked(self._source, at, who, question, subject(db, study_uid)))

    def sent(self, to: Application, study_uid: str, sop_classes: Sequence[str]) -> None:
        """DICOM objects of ours that a peer confirmed."""
        self._must(lambda db, at: events.sent(self._source, at, to, subject(db, study_uid, sop_classes)))

    def messaged(self, to: Application, study_uid: str) -> None:
        """A report that a FHIR server or HL7 receiver confirmed."""
        self._must(lambda db, at: events.messaged(self._source, at, to, subject(db, study_uid)))

    def _act(self, who: Who, study_uid: str, act: Code, report_uid: str = "") -> None:
        self._must(lambda db, at: events.accessed(self._source, at, who, subject(db, study_uid), act, "U", report_uid))

    # Reads: one in `READ_WINDOW`

    def study_opened(self, who: Who, study_uid: str) -> None:
        self._read(who, study_uid, codes.STUDY_OPENED)

    def instances_accessed(self, who: Who, study_uid: str) -> None:
        """For every request of an image: those within the window cost a look into memory."""
        self._read(who, study_uid, codes.IMAGES_READ)

    def report_read(self, who: Who, study_uid: str, report_uid: str) -> None:
        self._read(who, study_uid, codes.REPORT_READ, report_uid)

    def queried(self, who: Who, text: str) -> None:
        """A search over studies, as it was asked."""
        key = (codes.QUERY, who, text)
        self._once(key, READ_WINDOW, lambda _, at: events.queried(self._source, at, who, text), who)

    def audit_read(self, who: Who) -> None:
        self._once((codes.AUDIT_LOG_USED, who), READ_WINDOW, lambda _, at: self._used(at, who), who)

    def exported(self, who: Who, study_uid: str, what: str) -> None:
        """A person takes away what the node made: `what` says in what form ("PDF", "files")."""

        def build(db: Connection, at: float) -> Message:
            return events.taken_away(self._source, at, who, what, subject(db, study_uid))

        self._once((codes.EXPORT, who, study_uid, what), READ_WINDOW, build, who, study_uid)

    def imported(self, who: Who, study_uid: str, origin: str) -> None:
        """Files from outside, of one study; `origin` says from where."""

        def build(db: Connection, at: float) -> Message:
            return events.imported(self._source, at, who, origin, subject(db, study_uid))

        self._once((codes.IMPORT, who, study_uid, origin), READ_WINDOW, build, who, study_uid)

    def stored(self, who: Who, study_uid: str, sop_classes: Sequence[str] = ()) -> None:
        """Instances of one study that a caller of the API stored (STOW-RS); once a request."""
        self._try(
            lambda db, at: events.stored(self._source, at, who, subject(db, study_uid, sop_classes)), who, study_uid
        )

    def _read(self, who: Who, study_uid: str, act: Code, report_uid: str = "") -> None:
        action: Action = "R"

        def build(db: Connection, at: float) -> Message:
            return events.accessed(self._source, at, who, subject(db, study_uid), act, action, report_uid)

        self._once((act, who, study_uid, report_uid), READ_WINDOW, build, who, study_uid)

    def _used(self, at: float, who: Who) -> Message:
        return events.audit_log_used(self._source, at, who)

    # Security, start and stop

    def login(self, who: Who, ok: bool) -> None:
        """`who` as established, or as claimed when it failed. Failures of one claim: one in `DENIAL_WINDOW`."""
        if ok:
            self._try(lambda _, at: events.authentication(self._source, at, who, codes.LOGIN, True), who)
            return
        key = (codes.LOGIN, who)
        self._once(
            key, DENIAL_WINDOW, lambda _, at: events.authentication(self._source, at, who, codes.LOGIN, False), who
        )

    def logout(self, who: Who) -> None:
        self._try(lambda _, at: events.authentication(self._source, at, who, codes.LOGOUT, True), who)

    def denied(self, who: Who, what: str, study_uid: str = "") -> None:
        """`what`: the route's template and what it needs, never the address as asked. One in `DENIAL_WINDOW`."""
        key = (codes.SECURITY_ALERT, who, what)
        self._once(key, DENIAL_WINDOW, lambda _, at: events.denied(self._source, at, who, what, study_uid), who)

    def application_started(self) -> None:
        self._try(lambda _, at: events.application_activity(self._source, at, started=True))

    def application_stopped(self) -> None:
        self._try(lambda _, at: events.application_activity(self._source, at, started=False))

    # What all of them do

    def _must(self, build: Build) -> None:
        try:
            self._append(build)
        except (SQLAlchemyError, OSError) as error:
            self._log.error("audit.unavailable", cause=type(error).__name__)
            raise AuditUnavailable(
                "the audit trail takes no entry, so this was not done",
                way_out="See that the database has room and answers, then try again.",
            ) from error

    def _try(self, build: Build, who: Who | None = None, study_uid: str = "") -> bool:
        try:
            self._append(build)
        except (SQLAlchemyError, OSError) as error:
            user = who.user_id if who else self._source.process.user_id
            self._log.error("audit.lost", user=user, study=study_uid, cause=type(error).__name__)
            return False
        return True

    def _once(self, key: Hashable, seconds: float, build: Build, who: Who, study_uid: str = "") -> None:
        if self._recent.claim(key, self._clock(), seconds) and not self._try(build, who, study_uid):
            self._recent.release(key)

    def _append(self, build: Build) -> None:
        if self._connection is not None:
            self._write(self._connection, build)
            return
        with self._engine.begin() as connection:
            self._write(connection, build)

    def _write(self, connection: Connection, build: Build) -> None:
        now = self._clock()
        chain.append(connection, now, to_xml(build(connection, now)))


def open_trail(settings: Settings, engine: Engine, role: str, clock: Clock = time.time) -> AuditTrail:
    """The trail of one process. One a process: it remembers what it told lately."""
    return AuditTrail(engine, source_of(settings, role), clock)


def subject(connection: Connection, study_uid: str, sop_classes: Sequence[str] = ()) -> Subject:
    """The study's patient as the archive files it."""
    query = select(patient.c.patient_id, patient.c.issuer).join(study, study.c.patient == patient.c.id)
    row = connection.execute(query.where(study.c.uid == study_uid)).first()
    classes = {uid: sop_classes.count(uid) for uid in sop_classes}
    return Subject(study_uid, row.patient_id if row else "", row.issuer if row else "", classes)
