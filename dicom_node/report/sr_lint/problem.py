"""What a rule finds wrong, and what the lint hands on."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Fault:
    """A breach of a rule. `what` names no value of the patient's; `where` is a content path or an attribute."""

    what: str
    where: str


@dataclass(frozen=True)
class Problem:
    """A fault under the stable code of its rule, with the way out."""

    rule: str
    what: str
    where: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what} ({self.where}). {self.way_out}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
