"""CPU time and size of the documents: findings SR with 30 regions, both documents of an everyday draft. Prints JSON.

python -m benchmarks.report [REPETITIONS]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from dicom_node.report import findings_sr, narrative_sr, to_part10
from tests.unit.report.drafts import crowded_reading, draft


def measure(build: Callable[[], bytes], repetitions: int) -> dict[str, float]:
    """Milliseconds of CPU, median and slowest, and the bytes written. A first run, not counted, loads the tables."""
    size = len(build())
    taken = []
    for _ in range(repetitions):
        start = time.process_time()
        build()
        taken.append(1000 * (time.process_time() - start))
    return {"cpu_ms_median": round(statistics.median(taken), 2), "cpu_ms_max": round(max(taken), 2), "bytes": size}


def main(repetitions: int = 15) -> None:
    crowded, everyday = draft(reading=crowded_reading(30)), draft()
    acts = {
        "findings_30_regions": lambda: to_part10(findings_sr(crowded)),
        "findings_everyday": lambda: to_part10(findings_sr(everyday)),
        "narrative_everyday": lambda: to_part10(narrative_sr(everyday)),
    }
    json.dump({name: measure(act, repetitions) for name, act in acts.items()}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
