"""The index. Constraint names are fixed so that SQLite's batch migrations can drop them.

Times are seconds since the epoch (UTC): SQLite and PostgreSQL agree on them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives a rowid only to INTEGER keys.
_Key = BigInteger().with_variant(Integer, "sqlite")

# PatientID alone collides between hospitals: its issuer belongs to the key.
patient = Table(
    "patient",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("issuer", Text, nullable=False),
    Column("patient_id", Text, nullable=False),
    UniqueConstraint("issuer", "patient_id"),
)

study = Table(
    "study",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("patient", _Key, ForeignKey("patient.id"), nullable=False, index=True),
    Column("study_date", String(8), nullable=False),
    Column("study_time", String(16), nullable=False),
    Column("study_id", Text, nullable=False),
    Column("accession_number", Text, nullable=False),
    Column("referring_physician", Text, nullable=False),
    # As the study's first instance has them: a patient's name changes, an old study keeps its own.
    Column("patient_name", Text, nullable=False),
    Column("patient_birth_date", String(8), nullable=False),
    Column("patient_sex", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("priority", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_received", Double, nullable=False),
    Column("last_received", Double, nullable=False),
    # Counts the instances that a model could read: work that saw fewer of them is overtaken (`studies.Work`).
    Column("images", Integer, nullable=False),
    # Counts the readings asked for by a person (`retry`): part of the workflow's key.
    Column("round", Integer, nullable=False),
    Index("ix_study_state_last_received", "state", "last_received"),
    Index("ix_study_patient_study_date", "patient", "study_date"),
    Index("ix_study_last_received_uid", "last_received", "uid"),
)

series = Table(
    "series",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("study", String(64), ForeignKey("study.uid"), nullable=False, index=True),
    Column("modality", String(16), nullable=False),
    Column("number", Integer),
    Column("description", Text, nullable=False),
)

association = Table(
    "association",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("calling_ae", String(16), nullable=False),
    Column("called_ae", String(16), nullable=False),
    Column("host", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("ended", Double),
    Column("outcome", String(16), nullable=False),
    # Set with its entry in the audit trail: what a killed listener left without one is found by it.
    Column("audited", Boolean, nullable=False, default=False, index=True),
)

instance = Table(
    "instance",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("sop_instance_uid", String(64), nullable=False),
    # Of the data set without file meta: two senders write different meta around the same object.
    Column("sha256", String(64), nullable=False),
    Column("series", String(64), ForeignKey("series.uid"), nullable=False, index=True),
    Column("sop_class_uid", String(64), nullable=False),
    Column("transfer_syntax_uid", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received", Double, nullable=False),
    Column("association", String(36), nullable=False, index=True),
    Column("instance_number", Integer, nullable=False),
    # The first content received under a UID is the one that is read; others are kept beside it and reported.
    Column("conflicting", Boolean, nullable=False),
    UniqueConstraint("sop_instance_uid", "sha256"),
)

reading = Table(
    "reading",
    metadata,
    # The key of the work that made it (`studies.Work.key`): a step that runs twice stores one reading.
    Column("id", String(96), primary_key=True),
    Column("study", String(64), ForeignKey("study.uid"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("images", Integer, nullable=False),
    Column("model_digest", String(64), nullable=False),
    # What was read, so that later questions are about exactly the same images.
    Column("study_input", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("created", Double, nullable=False),
    UniqueConstraint("study", "version"),
)

report = Table(
    "report",
    metadata,
    Column("sop_instance_uid", String(64), primary_key=True),
    Column("study", String(64), ForeignKey("study.uid"), nullable=False, index=True),
    Column("reading", String(96), ForeignKey("reading.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sop_class_uid", String(64), nullable=False),
    Column("series_instance_uid", String(64), nullable=False),
    Column("predecessor", String(64)),
    Column("path", Text, nullable=False),
    Column("created", Double, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("report", String(64), ForeignKey("report.sop_instance_uid"), nullable=False),
    Column("peer", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt", Double, nullable=False),
    # Chosen at the first association and kept, so that a peer never holds two classes of one report.
    Column("sent_sop_class_uid", String(64)),
    Column("reason", Text, nullable=False),
    Column("delivered", Double),
    UniqueConstraint("report", "peer"),
    Index("ix_delivery_state_next_attempt", "state", "next_attempt"),
)

# What people did with a report, in order: a version is its reading and the acts up to it.
act = Table(
    "act",
    metadata,
    Column("reading", String(96), ForeignKey("reading.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("study", String(64), ForeignKey("study.uid"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("person_id", Text, nullable=False),
    Column("person_name", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("created", Double, nullable=False),
    # When its documents were put into the outbox; never for an edit, which stays in the node.
    Column("composed", Double),
    UniqueConstraint("study", "version"),
)

# What a radiologist saw before the draft was shown, where the node is set so.
own_read = Table(
    "own_read",
    metadata,
    Column("reading", String(96), ForeignKey("reading.id"), primary_key=True),
    Column("person_id", String(256), primary_key=True),
    Column("document", Text, nullable=False),
    Column("created", Double, nullable=False),
)

answer = Table(
    "answer",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("study", String(64), ForeignKey("study.uid"), nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_by_name", Text, nullable=False),
    Column("created", Double, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("name", String(64), nullable=False),
    Column("study", String(64), nullable=False, index=True),
    Column("fields", Text, nullable=False),
)

# The audit trail (PS3.15 A.5): a chain of hashes, append-only by trigger.
audit = Table(
    "audit",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("message", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

# How far a collector of audit messages has come ("host:port").
audit_position = Table(
    "audit_position",
    metadata,
    Column("collector", String(255), primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", Double, nullable=False),
)

# A browser's login. The key is the SHA-256 of the cookie's secret: who reads this table cannot use it.
session = Table(
    "session",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("principal", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("expires", Double, nullable=False, index=True),
)

# Answers to requests that create something, so that a repeat does not create it twice.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer),
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created", Double, nullable=False, index=True),
)
