"""Who asks: a person or a machine, what it may do, and since when one knows it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["viewer", "radiologist", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "radiologist", "admin")

TOKEN_SUBJECT = "token"  # noqa: S105
LOCAL_PREFIX = "local:"

PERSON_NAME_CHARACTERS = 64
"""Of one component group of a PN (PS3.5 section 6.2)."""


class Principal(BaseModel):
    """An authenticated caller."""

    model_config = ConfigDict(frozen=True)

    subject: str
    """The provider's `sub`, `local:<name>` of a self-declared person, or `token`."""
    name: str
    """A DICOM person name, `Family^Given` (PS3.5 section 6.2.1); empty for the machine token."""
    organisation: str
    roles: frozenset[Role]
    kind: Literal["person", "machine"]
    authenticated: datetime
    """When the person logged in; for a machine, when it asked."""
    through: Literal["token", "local-session", "oidc-session", "oidc-bearer"]


def machine(organisation: str, now: datetime) -> Principal:
    """The bearer of the node's token: may read, ask and look at the audit trail; never edits or signs."""
    return Principal(
        subject=TOKEN_SUBJECT,
        name="",
        organisation=organisation,
        roles=frozenset({"viewer", "admin"}),
        kind="machine",
        authenticated=now,
        through="token",
    )


def self_declared(name: str, organisation: str, now: datetime) -> Principal:
    """A person who holds the node's token and says who they are: one machine without an identity provider."""
    return Principal(
        subject=LOCAL_PREFIX + name,
        name=name,
        organisation=organisation,
        roles=frozenset(ROLES),
        kind="person",
        authenticated=now,
        through="local-session",
    )


def reserved(subject: str) -> bool:
    """Names that only this node gives: no account at a provider may pass for them."""
    return subject == TOKEN_SUBJECT or subject.startswith(LOCAL_PREFIX)


def person_name(family: str, given: str = "") -> str:
    """A PN from its parts: delimiters inside a part become spaces, an overlong given name is cut first."""
    parts = (_part(family), _part(given))
    return "^".join(part for part in parts if part)[:PERSON_NAME_CHARACTERS].rstrip("^ ")


def _part(text: str) -> str:
    kept = "".join(" " if character in "^=\\" or not character.isprintable() else character for character in text)
    return " ".join(kept.split())
