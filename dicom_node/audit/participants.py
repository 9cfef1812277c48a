"""Who takes part in an event: a caller, a process, and the node as the source of the message."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from typing import Final

from dicom_node.settings import Settings


@dataclass(frozen=True)
class Who:
    """A person or machine that asks the node for something.

    user_id: as in the node's own log; PS3.15 A.5.2.1 wants loginName@domain-name of a person.
    roles: names of `codes.PERSON_ROLES`; others are left out.
    network: IP address or host name that the request came from.
    """

    user_id: str
    name: str = ""
    roles: tuple[str, ...] = ()
    network: str = ""


ANONYMOUS: Final = Who("anonymous")


@dataclass(frozen=True)
class Application:
    """A process: a DICOM application, a FHIR server, an HL7 receiver. `uri` where it has one."""

    user_id: str
    ae_title: str = ""
    network: str = ""
    uri: str = ""


@dataclass(frozen=True)
class AuditSource:
    """The system that tells (AuditSourceIdentification), and the process of it that took part."""

    source_id: str
    site: str
    process: Application


def source_of(settings: Settings, role: str) -> AuditSource:
    """This node, with the process of that role."""
    title = settings.listener.ae_title
    return AuditSource(
        source_id=settings.audit.source_id or title,
        site=settings.audit.site,
        process=Application(f"dicom-node {role}", title, socket.gethostname()),
    )


def at_the_shell() -> Who:
    """Who runs a command on this machine."""
    host = socket.gethostname()
    return Who(f"{getpass.getuser()}@{host}", network=host)
