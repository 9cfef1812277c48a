"""What is put to a model: a case as a probe has it, with the questions to ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.cases import Case
from validation.outputs import PLAIN
from validation.robustness.alterations import Alteration


@dataclass(frozen=True)
class Put:
    """A question as it is put; `id` finds its answer among the output's."""

    id: str
    text: str


@dataclass(frozen=True)
class Asking:
    """`images` (with `alteration`), context and prior are shown under the name of `case`; `draft` asks for a reading.

    `images` are those of another case where a probe swaps them.
    """

    case: Case
    probe: str = PLAIN
    images: tuple[Path, ...] = ()
    alteration: Alteration | None = None
    questions: tuple[Put, ...] = ()
    draft: bool = True

    @property
    def shown(self) -> tuple[Path, ...]:
        return self.images or self.case.images
