"""The index with a million instances: what the page, the worker and the commands ask of it.

`python -m benchmarks.index_million` fills a temporary SQLite index and writes `results/index_million.{json,md}`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks.receive import RESULTS
from dicom_node.archive import tables
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.studies import find_study, instances_of, list_studies, quiet_studies

CT = "1.2.840.10008.5.1.4.1.1.2"
SLICES = 300
"""Every third study is a CT of so many slices, the others are two films."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=51)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/index.sqlite", flush=False)
        migrate(engine)
        studies = fill(engine, arguments.instances)
        results = {name: timed(query, arguments.rounds) for name, query in queries(engine, studies).items()}
        size = Path(folder, "index.sqlite").stat().st_size
    write({"instances": arguments.instances, "studies": studies, "mebibytes": size >> 20, "milliseconds": results})


def fill(engine: Engine, instances: int) -> int:
    """Rows of `instances` instances; returns how many studies they belong to."""
    made, number = 0, 0
    with engine.begin() as connection:
        while made < instances:
            rows: dict[str, list[dict[str, Any]]] = {"patient": [], "study": [], "series": [], "instance": []}
            for _ in range(300):
                count = SLICES if number % 3 == 0 else 2
                add(rows, number, count)
                made, number = made + count, number + 1
            for name, values in rows.items():
                connection.execute(tables.metadata.tables[name].insert(), values)
    return number


def add(rows: dict[str, list[dict[str, Any]]], number: int, count: int) -> None:
    uid, received = f"1.2.3.{number}", float(number)
    rows["patient"].append({"id": number + 1, "issuer": "", "patient_id": str(number)})
    rows["study"].append(
        {"uid": uid, "patient": number + 1, "study_date": "20260102", "accession_number": "", "description": ""}
        | {"state": "delivered" if number % 500 else "receiving", "reason": "", "round": 0}
        | {"first_received": received, "last_received": received, "images": count}
    )
    rows["series"].append({"uid": f"{uid}.1", "study": uid, "modality": "CT", "description": ""})
    rows["instance"] += [
        {"sop_instance_uid": f"{uid}.1.{n}", "sha256": f"{number:032x}{n:032x}", "series": f"{uid}.1"}
        | {"sop_class_uid": CT, "transfer_syntax_uid": "1.2.840.10008.1.2.1", "path": f"objects/x/{number}.{n}.dcm"}
        | {"size": 526_000, "received": received, "association": "a", "instance_number": n, "conflicting": False}
        for n in range(count)
    ]


def queries(engine: Engine, studies: int) -> dict[str, Callable[[], object]]:
    middle = f"1.2.3.{studies // 2 // 3 * 3}"
    return {
        "the first page of studies": lambda: list_studies(engine, limit=50),
        "a page in the middle": lambda: list_studies(engine, before=(studies / 2, middle), limit=50),
        "a page of one state": lambda: list_studies(engine, states=("receiving",), limit=50),
        "one study": lambda: find_study(engine, middle),
        "the instances of a CT": lambda: instances_of(engine, middle),
        "studies that are quiet": lambda: quiet_studies(engine, before=100.0),
    }


def timed(query: Callable[[], object], rounds: int) -> dict[str, float]:
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        query()
        seconds.append(time.perf_counter() - begin)
    return {"median": round(1000 * statistics.median(seconds), 2), "max": round(1000 * max(seconds), 2)}


def write(results: dict[str, Any]) -> None:
    lines = ["| query | median, ms | max, ms |", "|---|---|---|"]
    lines += [f"| {name} | {row['median']} | {row['max']} |" for name, row in results["milliseconds"].items()]
    lines += [
        "",
        f"{results['instances']} instances, {results['studies']} studies, {results['mebibytes']} MiB, SQLite.",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "index_million.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "index_million.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
