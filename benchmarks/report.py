"""CPU time and size of the documents, checked by the lint as before every delivery. Prints JSON.

Findings SR with 30 regions, both documents of an everyday draft; each with and without the lint.

python -m benchmarks.report [REPETITIONS]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from pydicom.dataset import Dataset

from dicom_node.report import Draft, findings_sr, narrative_sr, to_part10
from dicom_node.report.presentation_state import presentation_states
from dicom_node.report.sr_lint import require_clean
from tests.unit.report.drafts import crowded_reading, draft
from tests.unit.report.versions import every_state


def measure(build: Callable[[], bytes], repetitions: int) -> dict[str, float]:
    """Milliseconds of CPU, median and slowest, and the bytes written. A first run, not counted, loads the tables."""
    size = len(build())
    taken = []
    for _ in range(repetitions):
        start = time.process_time()
        build()
        taken.append(1000 * (time.process_time() - start))
    return {"cpu_ms_median": round(statistics.median(taken), 2), "cpu_ms_max": round(max(taken), 2), "bytes": size}


def checked(document: Dataset, made: Draft) -> Dataset:
    require_clean(document, made.sources)
    return document


def main(repetitions: int = 15) -> None:
    crowded, everyday, signed = draft(reading=crowded_reading(30)), draft(), every_state()["signed"]
    acts = {
        "findings_30_regions": lambda: to_part10(findings_sr(crowded)),
        "findings_30_regions_checked": lambda: to_part10(checked(findings_sr(crowded), crowded)),
        "findings_everyday": lambda: to_part10(findings_sr(everyday)),
        "findings_everyday_checked": lambda: to_part10(checked(findings_sr(everyday), everyday)),
        "narrative_everyday": lambda: to_part10(narrative_sr(everyday)),
        "gsps_30_regions": lambda: to_part10(presentation_states(crowded)[0]),
        "findings_signed": lambda: to_part10(findings_sr(signed)),
        "narrative_signed": lambda: to_part10(narrative_sr(signed)),
        "narrative_everyday_checked": lambda: to_part10(checked(narrative_sr(everyday), everyday)),
    }
    json.dump({name: measure(act, repetitions) for name, act in acts.items()}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
