"""One run of a locked protocol: data sets read and checked, a model asked, outputs kept, figures, verdicts.

Outputs are stored before any figure is made, so that a run that was stopped goes on where it was, and the same
outputs can be judged again, also as a cheat would have said them (`validation.cheats`).
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from medvlm.contract import FindingName, ModelIdentity
from validation.asking import Asking
from validation.errors import BadProtocol, BadRun
from validation.outputs import PLAIN, Said
from validation.protocol import Protocol, protocol_hash, verdicts
from validation.protocol_data import Data
from validation.results import Run
from validation.runner.execute import Place, Told, Worker, execute
from validation.runner.store import OutputStore, StoredOutputs
from validation.statistics.clustered_bootstrap import Resampling
from validation.tasks.catalogue import all_askings, judge_all
from validation.tasks.examination import Examination, finding_of, reading_of, refusal_of

LIBRARIES = ("medvlm", "numpy", "scipy", "scikit-learn", "pydicom", "pillow", "pydantic")
OUTPUTS, SCORES, WORK = "outputs/outputs.jsonl", "scores.jsonl", "work"


@dataclass(frozen=True)
class Asked:
    """A model that has been asked everything: its identity, what it assesses, and what it said."""

    identity: ModelIdentity
    examination: Examination
    said: Said


def examination_of(protocol: Protocol, data: Data, assessed: Sequence[FindingName]) -> Examination:
    points: dict[FindingName, tuple[float, ...]] = {}
    for each in protocol.criteria:
        if each.at is not None and each.at not in points.get(each.finding, ()):
            points[each.finding] = (*points.get(each.finding, ()), each.at)
    statistics = protocol.statistics
    return Examination(
        cases=data.cases,
        assessed=tuple(assessed),
        resampling=Resampling(draws=statistics.draws, level=statistics.level, seed=statistics.seed),
        probing=protocol.probing,
        subgroups=protocol.subgroups.attributes,
        age_bands=protocol.subgroups.age_bands,
        small=protocol.subgroups.small,
        points=points,
    )


def must_be_locked(protocol: Protocol, path: Path, started: datetime) -> None:
    """Raises `BadProtocol`."""
    if protocol.lock is None:
        way_out = f"Lock it before results exist: medvlm-validate lock {path}"
        raise BadProtocol("the protocol is not locked", where=str(path), way_out=way_out)
    if protocol.lock.locked > started:
        way_out = "Check the clock of this machine."
        raise BadProtocol("the lock is younger than this run", where=str(path), way_out=way_out)


def must_be_the_model(protocol: Protocol, found: ModelIdentity) -> None:
    """Raises `BadProtocol` where the model that answers is not the one that the protocol names."""
    wanted = protocol.model
    for what, expected, actual in (
        ("weights", wanted.weights, found.weights_digest),
        ("adapter", wanted.adapter, found.adapter_digest),
        ("profile", wanted.profile, found.profile),
        ("calibration", wanted.calibration, found.calibration),
    ):
        if expected != actual:
            raise BadProtocol(
                f"the model is not the one that the protocol names: its {what} are {actual or 'none'}",
                where=f"model.{what}",
                way_out="Serve the model that the protocol names, or write and lock a new protocol.",
            )


def ask_all(
    protocol: Protocol, data: Data, workers: Sequence[Worker], store: OutputStore, out: Path, told: Told
) -> Asked:
    """Everything asked and stored. Raises `ModelLost`, `BadProtocol`."""
    identity = workers[0].model.identity
    must_be_the_model(protocol, identity)
    examination = examination_of(protocol, data, workers[0].model.assessed)
    # A run that was killed may have left altered films behind.
    shutil.rmtree(out / WORK, ignore_errors=True)
    place = Place(out / WORK, protocol.statistics.seed)
    keys = execute(_asked_for(protocol, examination), workers, identity, store, place, told)
    return Asked(identity, examination, StoredOutputs(store, keys))


def askings_in_all(protocol: Protocol, data: Data, assessed: Sequence[FindingName]) -> int:
    return sum(1 for _ in _asked_for(protocol, examination_of(protocol, data, assessed)))


def _asked_for(protocol: Protocol, examination: Examination) -> Iterator[Asking]:
    return all_askings(protocol.tasks, examination)


def judged_run(
    protocol: Protocol, data: Data, asked: Asked, started: datetime, now: Callable[[], datetime], notes: Sequence[str]
) -> Run:
    """Figures and verdicts of what was said."""
    judged = judge_all(protocol.tasks, asked.examination, asked.said)
    return Run(
        protocol=protocol.model_dump(mode="json", by_alias=True),
        protocol_hash=protocol_hash(protocol),
        model=asked.identity,
        data=data.digests,
        started=started,
        finished=now(),
        seed=protocol.statistics.seed,
        versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        machine={"cores": str(os.cpu_count()), "processor": platform.machine(), "system": platform.system()},
        figures=judged.figures,
        criteria=verdicts(protocol, judged.figures),
        curves=judged.curves,
        failures=judged.failures,
        counts=_counts(data, asked),
        disjointness=data.disjointness,
        notes=(*notes, *_own_notes(protocol), *data.notes, *judged.notes),
    )


def _counts(data: Data, asked: Asked) -> dict[str, int]:
    """input = examined + everything excluded; refused and failed are parts of examined."""
    outputs = [asked.said.get(PLAIN, case.case_id) for case in data.cases]
    return {
        "input": len(data.cases) + sum(data.excluded.values()),
        **{f"excluded: {reason}": count for reason, count in data.excluded.items()},
        "examined": len(data.cases),
        "patients": len({case.patient for case in data.cases}),
        "refused": sum(refusal_of(output) is not None for output in outputs),
        "failed": sum(output is not None and bool(output.error) for output in outputs),
    }


def _own_notes(protocol: Protocol) -> Iterator[str]:
    if protocol.replaces and protocol.replaces.after_results:
        old = protocol.replaces
        yield f"changed after results: this protocol replaces {old.id} ({old.sha256[:12]}): {old.reason}"


def write_scores(asked: Asked, path: Path) -> None:
    """One line a case and finding with label and probability: what a comparison of two runs needs."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8") as file:
        for case in asked.examination.in_scope:
            output = asked.said.get(PLAIN, case.case_id)
            if reading_of(output) is None:
                continue
            for name, label in case.labels.items():
                if (found := finding_of(output, name)) is not None:
                    row = {"task": "detection", "finding": name, "case_id": case.case_id, "patient": case.patient}
                    file.write(json.dumps({**row, "truth": label, "probability": found.probability}) + "\n")
    beside.replace(path)


def earlier_results(out: Path, protocol: Protocol) -> tuple[str, ...]:
    """What has to be said where the folder holds results of another protocol. Raises `BadRun` for damaged ones."""
    path = out / "results.json"
    if not path.exists():
        return ()
    try:
        found = json.loads(path.read_text("utf-8"))["protocol_hash"]
    except (OSError, ValueError, KeyError) as error:
        raise BadRun("the results of an earlier run are damaged", where=str(path), way_out="Move them away.") from error
    if found == protocol_hash(protocol):
        return ()
    return (f"changed after results: this folder held results of another protocol ({found[:12]})",)
