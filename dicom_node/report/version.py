"""One version of a report: the draft and the acts of people since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from dicom_node.report.document import Draft, Predecessor, State
from dicom_node.report.life_cycle import STATES, Act, Edit, IllegalTransition, Person, StateName, after
from dicom_node.report.person_names import name_text
from dicom_node.report.words import clean_name, one_line


@dataclass(frozen=True)
class Version:
    """A draft and what people did with it, oldest first. Raises `IllegalTransition` for an impossible history.

    `stored` are the documents of the version before as the archive has them. They must be given where another
    release of the node may have written them (its series are other series); without them they are computed.
    `counted` is the version's number in its study, where versions of another reading lie between; without it, it is
    the draft's and the acts'.
    """

    draft: Draft
    acts: tuple[Act, ...] = ()
    stored: tuple[Predecessor, ...] = ()
    counted: int | None = None

    def __post_init__(self) -> None:
        _ = self.state
        for earlier, later in zip(self.acts, self.acts[1:], strict=False):
            if later.at < earlier.at:
                raise IllegalTransition(
                    "an act lies before the one that it follows",
                    where=self.draft.reading.study_uid,
                    way_out="The latest verification decides which report prevails: mend the clock.",
                )

    @cached_property
    def state(self) -> StateName:
        reached: StateName = "draft"
        for act in self.acts:
            reached = after(reached, act)
        return reached

    @property
    def flags(self) -> State:
        """Flags and words of the state, the person's name filled in; both descriptions fit into LO."""
        state = STATES[self.state]
        name = name_text(clean_name(self.acts[-1].person.name)) if self.acts else ""
        return replace(
            state,
            description=one_line(state.description.replace("{person}", name), 64),
            series_description=one_line(state.series_description.replace("{person}", name), 64),
        )

    @property
    def number(self) -> int:
        """Instance Number: grows from version to version."""
        return self.draft.version + len(self.acts) if self.counted is None else self.counted

    @property
    def at(self) -> datetime:
        """When this version came to be: its only clock."""
        return self.acts[-1].at if self.acts else self.draft.reading.created

    @property
    def is_verified(self) -> bool:
        return STATES[self.state].verification == "VERIFIED"

    @property
    def editors(self) -> tuple[Person, ...]:
        """Who edited, each once, the first first."""
        return tuple(dict.fromkeys(act.person for act in self.acts if isinstance(act, Edit)))

    @property
    def previous(self) -> Version | None:
        """The version before; None for the draft."""
        return Version(self.draft, self.acts[:-1]) if self.acts else None

    @property
    def digest(self) -> str:
        """SHA-256 of the acts; "" for the draft."""
        if not self.acts:
            return ""
        written = json.dumps([act.model_dump(mode="json") for act in self.acts], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()

    def then(self, act: Act, stored: tuple[Predecessor, ...] = ()) -> Version:
        """The next version. Raises `IllegalTransition`."""
        return Version(self.draft, (*self.acts, act), stored)


def version_of(report: Draft | Version) -> Version:
    return report if isinstance(report, Version) else Version(report)
