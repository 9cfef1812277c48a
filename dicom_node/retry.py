"""What a person asks for after mending a cause: read again, send again."""

from __future__ import annotations

import time

from dicom_node.archive import outbox
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.studies import find_study, read_again
from dicom_node.audit.participants import at_the_shell
from dicom_node.audit.trail import open_trail
from dicom_node.settings import Settings


def retry(settings: Settings, uid: str) -> str:
    """Says what was started. Raises `NotFound`, and `AuditUnavailable` when it could not be accounted for."""
    engine = open_engine(settings.database_url)
    migrate(engine)
    study = find_study(engine, uid)
    waiting = outbox.release(engine, uid, time.time())
    if waiting:
        return f"{waiting} deliveries are tried again at once."
    if study.state in ("refused", "failed", "drafted", "delivered"):
        open_trail(settings, engine, "retry").read_again(at_the_shell(), uid)
        read_again(engine, uid)
        return "The study is read again."
    return f"The study is {study.state}: its work is under way."
