"""A scripted model examined: asked, stored and judged as in a real run, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.unit.validation.scripted import IDENTITY, ScriptedModel
from validation.cases import Case
from validation.outputs import Said
from validation.probing import Probing
from validation.protocol import Protocol
from validation.protocol_data import Data
from validation.protocol_run import examination_of
from validation.results import Figure
from validation.runner.execute import Place, Worker, execute
from validation.runner.store import OutputStore, StoredOutputs
from validation.tasks.catalogue import all_askings, judge_all
from validation.tasks.examination import Examination

TASKS = ("detection", "draft", "questions", "grounding", "refusal", "faithfulness")
CRITERIA: tuple[dict[str, Any], ...] = (
    {"id": "discrimination", "metric": "auroc", "finding": "effusion", "bound": "lower", "threshold": 0.75},
    {"id": "laterality", "metric": "wrong_side_rate", "bound": "upper", "threshold": 0.05},
    {"id": "miss", "metric": "critical_miss_rate", "bound": "upper", "threshold": 0.2},
    {"id": "change", "metric": "auroc_changed", "finding": "effusion", "bound": "lower", "threshold": 0.7},
    {
        "id": "calibration",
        "metric": "calibration_slope_distance",
        "finding": "effusion",
        "bound": "upper",
        "threshold": 0.6,
    },
    {"id": "coverage", "metric": "coverage", "bound": "lower", "threshold": 0.9},
    {"id": "views", "metric": "auroc_worst_subgroup", "finding": "effusion", "bound": "lower", "threshold": 0.65},
    {"id": "looks", "metric": "swap_difference", "finding": "effusion", "bound": "lower", "threshold": 0.2},
)


def protocol(tasks: Sequence[str] = TASKS, cases: int = 60, **changes: Any) -> Protocol:
    document = {
        "schema": "medvlm-protocol/1",
        "id": "scripted",
        "purpose": "development",
        "intended_use": "To test the suite.",
        "model": {"weights": IDENTITY.weights_digest},
        "data": [{"name": "films", "adapter": "plain_folder", "digest": "0" * 64}],
        "tasks": tuple(tasks),
        "subgroups": {"attributes": ["sex", "view"]},
        "statistics": {"seed": 7, "draws": 400},
        "probing": Probing(
            cases=cases, robustness_cases=40, levels={"rotation": (2, 90)}, must_work={"rotation": (2,)}
        ),
        "criteria": [{**each, "reason": "to test it"} for each in CRITERIA],
    }
    return Protocol.model_validate({**document, **changes})


def examined(
    model: ScriptedModel, cases: tuple[Case, ...], folder: Path, wanted: Protocol, workers: int = 1
) -> tuple[Examination, Said]:
    """The store stays open for as long as its outputs are looked at."""
    examination = examination_of(wanted, Data(cases), model.assessed)
    store = OutputStore(folder / "outputs.jsonl")
    place = Place(folder / "work", wanted.statistics.seed)
    keys = execute(all_askings(wanted.tasks, examination), [Worker(model)] * workers, model.identity, store, place)
    return examination, StoredOutputs(store, keys)


def figures(wanted: Protocol, examination: Examination, said: Said) -> dict[tuple[str, str, str], Figure]:
    found = judge_all(wanted.tasks, examination, said).figures
    return {(each.metric, each.finding, each.subgroup): each for each in found}
