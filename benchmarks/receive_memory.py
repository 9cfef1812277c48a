"""Resident memory of the listener while it receives 2 GB.

`python -m benchmarks.receive_memory` writes `results/receive_memory.json` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.receive import RESULTS, Batch
from tests.peers import Node, listener


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=2 << 30)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    results = {"resident_mib": resident(arguments.bytes, arguments.folder)}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "receive_memory.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def resident(total: int, folder: Path | None) -> list[float]:
    """MiB after each 300 slices of 0.5 MB, until `total` bytes have arrived; first before any."""
    with tempfile.TemporaryDirectory(dir=folder) as work, listener(Path(work)) as node:
        batch = Batch(Path(work) / "send", 300, 512, 2)
        samples, received = [_resident(node)], 0
        while received < total:
            batch.renew(len(samples))
            batch.send(node.port, node.ae_title)
            received += batch.count * batch.bytes_each
            samples.append(_resident(node))
        return samples


def _resident(node: Node) -> float:
    pages = int(Path(f"/proc/{node.process.pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1)


if __name__ == "__main__":
    main()
