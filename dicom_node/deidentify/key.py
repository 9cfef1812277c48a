"""The secret of an export: under the same secret the same original gets the same replacement, and nobody can undo it.

HMAC-SHA-256 (RFC 2104), a word of its own for each use.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field

LENGTH = 32
"""Bytes of a secret."""

MOST_DAYS = 3650
"""Dates move into the past by 1 to so many days: none lies in the future, and none stays."""


@dataclass(frozen=True)
class Key:
    """Whoever has it can test whether a known patient is in an export: keep it as the patients' data is kept."""

    secret: bytes = field(repr=False)

    def uid(self, original: str) -> str:
        """2.25.<integer of a UUID> (PS3.5 B.2) in place of a UID."""
        return f"2.25.{uuid.UUID(bytes=self._mac('uid', original)[:16], version=5).int}"

    def pseudonym(self, patient: str) -> str:
        """A name and identifier for a patient, for both of VR PN and LO."""
        return f"ANON-{self._mac('patient', patient).hex()[:16].upper()}"

    def days(self, patient: str) -> int:
        """By how many days every date of a patient moves: below zero."""
        return -1 - int.from_bytes(self._mac("days", patient)[:8], "big") % MOST_DAYS

    def _mac(self, use: str, original: str) -> bytes:
        return hmac.new(self.secret, f"{use}\0{original}".encode(), hashlib.sha256).digest()
