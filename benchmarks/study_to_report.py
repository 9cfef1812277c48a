"""From the last C-STORE response of a radiograph to both SRs at the PACS, less the quiet time.

`python -m benchmarks.study_to_report [FILM] [--studies N] [--model NAME]` writes `results/study_to_report.json` and
`.md`. FILM is a DICOM radiograph; without one, the sample of `dicom-node demo`.

A node of processes (model server, listener, worker) and a second AE as PACS, all on loopback. The film is sent as N
studies, each with UIDs of its own, one after the other; one study before them is told apart, since it finds
nothing warm. Poll time, flushing and the rest are the product's defaults. "scripted" is a model that answers at
once: what the node alone takes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from dicom_node.deliver.scu import Remote, associate, c_store, payload
from dicom_node.demo.pacs import Pacs, Received, pacs
from dicom_node.demo.sample import sample
from dicom_node.settings import Workflow
from medvlm.client import RemoteModel
from medvlm.errors import MedvlmError
from tests.builders import write
from tests.running_node import RunningNode, running_node

RESULTS = Path(__file__).parent / "results"
SAMPLE = Path("data/demo")  # where `dicom-node demo` keeps it
QUIET_SECONDS = 1.0
START_SECONDS = 120.0
REPORT_SECONDS = 120.0
DOCUMENTS = 2
MODELS = {"scripted": "scripted-model", "embedded": "model"}


def as_new_study(film: Dataset) -> Dataset:
    """The same film under new UIDs, in place."""
    film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID = (generate_uid() for _ in range(3))
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    return film


def store(path: Path, port: int) -> datetime:
    """Send one file; the moment at which its response came. Raises `RuntimeError` when it was not stored."""
    item = payload(path)
    with associate(Remote("127.0.0.1", port, "MEDVLM", "MODALITY"), item.proposals) as association:
        status = c_store(association, item)
        answered = datetime.now(UTC)
    if status:
        raise RuntimeError(f"the node answered 0x{status:04X}")
    return answered


def seconds_to_reports(node: RunningNode, peer: Pacs, film: Dataset) -> float:
    """Less the quiet time. Raises `RuntimeError` when the SRs did not come."""
    study_uid = str(as_new_study(film).StudyInstanceUID)
    answered = store(write(film, node.folder / "sent"), node.port)

    def both(received: tuple[Received, ...]) -> bool:
        return sum(one.study_uid == study_uid for one in received) >= DOCUMENTS

    if not peer.wait_for(both, REPORT_SECONDS):
        study = node.study(study_uid)
        raise RuntimeError(f"no two SRs after {REPORT_SECONDS} s: {study and (study.state, study.reason)}")
    arrived = max(one.at for one in peer.of_study(study_uid))
    return (arrived - answered).total_seconds() - QUIET_SECONDS


@contextmanager
def ready_node(folder: Path, peer: Pacs, model_role: str) -> Iterator[RunningNode]:
    """Listener, worker and model server, once the model answers."""
    with running_node(
        folder,
        {"pacs": (peer.ae_title, peer.port)},
        ("listener", "worker"),
        workflow__quiet_seconds=QUIET_SECONDS,
        workflow__poll_seconds=Workflow().poll_seconds,
    ) as node:
        _wait_for_model(node, node.start(model_role), model_role)
        yield node


def _wait_for_model(node: RunningNode, process: subprocess.Popen[bytes], role: str) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(MedvlmError):
            RemoteModel(node.settings["model__url"], 10).card()
            return
        time.sleep(0.2)
    raise RuntimeError(f"the model server did not start:\n{node.log(role)}")


def _after_a_pause(act: Callable[[], float], seed: int) -> float:
    """The worker looks at fixed moments: a study sent as soon as the last is done would always meet the same one."""
    time.sleep(random.Random(seed).uniform(0, Workflow().poll_seconds))
    return act()


def measure(film: Dataset, studies: int, model_role: str) -> dict[str, float]:
    """Seconds."""
    with tempfile.TemporaryDirectory() as scratch, pacs(Path(scratch) / "pacs") as peer:
        load = os.getloadavg()[0]
        with ready_node(Path(scratch) / "node", peer, model_role) as node:
            first, *others = [
                _after_a_pause(lambda: seconds_to_reports(node, peer, film), k) for k in range(studies + 1)
            ]
    return {
        "median": round(statistics.median(others), 3),
        "min": round(min(others), 3),
        "max": round(max(others), 3),
        "first": round(first, 3),
        "load_average": round(load, 1),
    }


def table(results: dict[str, dict[str, float]], studies: int) -> str:
    lines = [
        "| model | median, s | min, s | max, s | first study, s | load average before |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {name} | " + " | ".join(str(value) for value in row.values()) + " |" for name, row in results.items()]
    said = f"Last C-STORE response to both SRs at the PACS, less {QUIET_SECONDS} s quiet time; {studies} studies."
    return "\n".join([*lines, "", said, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", nargs="?", type=Path, help="a DICOM radiograph; default: the demo's sample")
    parser.add_argument("--studies", type=int, default=15)
    parser.add_argument("--model", choices=MODELS, action="append", help="default: each")
    arguments = parser.parse_args()
    film = dcmread(arguments.film or sample(SAMPLE, print).radiograph)
    size = f"{film.Modality} {film.Columns}x{film.Rows}"
    results = {}
    for name in arguments.model or MODELS:
        results[name] = measure(film, arguments.studies, MODELS[name])
        print(table({name: results[name]}, arguments.studies), flush=True)
    if not arguments.model:
        RESULTS.mkdir(exist_ok=True)
        document = {"film": size, "studies": arguments.studies, "quiet_seconds": QUIET_SECONDS, "seconds": results}
        (RESULTS / "study_to_report.json").write_text(json.dumps(document, indent=2) + "\n")
        (RESULTS / "study_to_report.md").write_text(table(results, arguments.studies))


if __name__ == "__main__":
    main()
