"""Versions of a report for tests: each state, and every object of a version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from pydicom.dataset import Dataset

from dicom_node.report import Draft, findings_sr, narrative_sr
from dicom_node.report.encapsulated_pdf import encapsulated_pdf
from dicom_node.report.key_image import banner, key_image, key_images, marks
from dicom_node.report.key_objects import key_object_selection
from dicom_node.report.life_cycle import Accept, Add, Addend, Change, Edit, Person, Reject, Remove, Sign
from dicom_node.report.presentation_state import presentation_states
from dicom_node.report.secondary_capture import secondary_capture
from dicom_node.report.version import Version
from tests.unit.report.drafts import CREATED, box, draft

READER = Person(id="reader-1", name="Reader^Any^^Dr", organisation="Department of Radiology")
SECOND = Person(id="a-user-code-longer-than-sixteen", name="Müller^Jörg", organisation="Klinik Süd", role="resident")
PDF = b"%PDF-1.7 a page"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def edit(made: Draft, at: float = 1, person: Person = SECOND) -> Edit:
    """Each kind of decision, as far as the draft has findings: accept, change, remove; add with and without box."""
    stand = made.reading.findings
    image = made.sources[0].SOPInstanceUID
    own = (box(10, 20, 60, 90, sop_instance_uid=image),) if made.sources[0].get("Rows") else ()
    decided = (
        *(Accept(tracking_uid=it.tracking_uid) for it in stand[:1]),
        *(
            Change(tracking_uid=it.tracking_uid, presence="indeterminate", laterality="left", evidence=it.evidence)
            for it in stand[1:2]
        ),
        *(Remove(tracking_uid=it.tracking_uid) for it in stand[3:4]),
        Add(tracking_uid="2.25.71", name="consolidation", laterality="right", evidence=own),
        Add(tracking_uid="2.25.72", name="nodule", presence="indeterminate"),
    )
    return Edit(person=person, at=CREATED + minutes(at), decisions=decided)


def sign(at: float = 2, person: Person = READER) -> Sign:
    return Sign(person=person, at=CREATED + minutes(at))


def addend(at: float = 3, person: Person = READER) -> Addend:
    return Addend(person=person, at=CREATED + minutes(at), text="Compared with the film of last year.\nNo change.")


def reject(at: float = 4, person: Person = READER) -> Reject:
    return Reject(person=person, at=CREATED + minutes(at), reason="The film is not of the chest.")


def every_state(made: Draft | None = None) -> dict[str, Version]:
    """One version in each state."""
    start = Version(made or draft())
    edited = start.then(edit(start.draft))
    signed = edited.then(sign())
    versions = (start, edited, signed, signed.then(addend()), edited.then(reject()))
    return {version.state: version for version in versions}


def companions(version: Version) -> Iterator[tuple[str, Dataset]]:
    """Every companion object that the version has, with its kind. Pixels are a grey ramp."""
    for part, state in enumerate(presentation_states(version)):
        yield f"gsps {part}", state
    if (selection := key_object_selection(version)) is not None:
        yield "kos", selection
    yield "pdf", encapsulated_pdf(version, PDF)
    ramp = np.add.outer(np.arange(125), np.arange(100)).astype(np.uint8)
    for part, shown in enumerate(key_images(version)):
        picture = key_image(ramp, (shown.image.rows, shown.image.columns), marks(version, shown), banner(version))
        yield f"capture {part}", secondary_capture(version, shown.image, picture, part)


def every_object(version: Version) -> dict[str, Dataset]:
    """The structured reports and every companion."""
    return {"findings": findings_sr(version), "narrative": narrative_sr(version)} | dict(companions(version))
