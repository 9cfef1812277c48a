"""The battery: each cheat judged by a protocol's own criteria, and whether the one made for it caught it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from validation.cheats import outputs
from validation.outputs import Said
from validation.protocol import Protocol, verdicts
from validation.results import CriterionResult, Outcome
from validation.tasks.catalogue import judge_all
from validation.tasks.examination import Examination


@dataclass(frozen=True)
class Cheat:
    """`caught_by` is the metric of the criterion made for it."""

    name: str
    caught_by: str
    made: Callable[[Said, Examination], Said]


HONEST = "honest"
CHEATS = (
    Cheat("permuted_images", "auroc", outputs.permuted_images),
    Cheat("flipped_laterality", "wrong_side_rate", outputs.flipped_laterality),
    Cheat("always_normal", "critical_miss_rate", outputs.always_normal),
    Cheat("parrot", "auroc_changed", outputs.parrot),
    Cheat("over_confident", "calibration_slope_distance", outputs.over_confident),
    Cheat("refuse_all", "coverage", outputs.refuse_all),
    Cheat("view_reader", "auroc_worst_subgroup", outputs.view_reader),
    Cheat("image_ignored", "swap_difference", outputs.image_ignored),
)


@dataclass(frozen=True)
class Tried:
    """A cheat's verdicts. `caught`: a criterion of its metric was not met; None where the protocol has none."""

    cheat: str
    caught_by: str
    criteria: tuple[CriterionResult, ...]

    @property
    def caught(self) -> bool | None:
        own = [each for each in self.criteria if each.metric == self.caught_by]
        return any(each.outcome == "not met" for each in own) if own else None

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        return {each.id: each.outcome for each in self.criteria}


def try_cheats(
    protocol: Protocol, examination: Examination, honest: Said, cheats: Sequence[Cheat] = CHEATS
) -> Iterator[Tried]:
    """The honest model first, then each cheat."""
    yield Tried(HONEST, "", _judged(protocol, examination, honest))
    for cheat in cheats:
        yield Tried(cheat.name, cheat.caught_by, _judged(protocol, examination, cheat.made(honest, examination)))


def _judged(protocol: Protocol, examination: Examination, said: Said) -> tuple[CriterionResult, ...]:
    return verdicts(protocol, judge_all(protocol.tasks, examination, said).figures)
