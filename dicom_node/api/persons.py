"""The person of a login as reports name the person."""

from __future__ import annotations

import hashlib

from dicom_node.api.access.principal import Principal
from dicom_node.report.life_cycle import Person
from dicom_node.settings import Settings

LONGEST_ID = 64
NOT_STATED = "Organisation not stated"


def person_of(settings: Settings, by: Principal) -> Person:
    """A provider's subject may be longer than a report's field: its digest names the same person."""
    subject = by.subject
    identifier = subject if len(subject) <= LONGEST_ID else hashlib.sha256(subject.encode()).hexdigest()
    organisation = by.organisation.strip() or settings.api.organisation.strip() or NOT_STATED
    return Person(id=identifier, name=by.name, organisation=organisation)
