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
    Column("accession_number", Text, nullable=False),
    Column("description", Text, nullable=False),
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
    Column("association", String(36), nullable=False),
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

answer = Table(
    "answer",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("study", String(64), ForeignKey("study.uid"), nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
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
