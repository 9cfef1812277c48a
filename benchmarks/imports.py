"""What starting costs: the listener's import and the command line, beside `import torch`, which they must not load.

`python -m benchmarks.imports [--rounds N]` writes `results/imports.json` and `results/imports.md`.

Every command is a fresh interpreter. Rounds are interleaved and one before them is dropped, so that each finds its
files in the page cache. CPU is user and system time of the process and of those that it started.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
BAR = 0.7
TORCH = "import torch"
COMMANDS = {
    TORCH: [sys.executable, "-c", "import torch"],
    "import dicom_node.receive": [sys.executable, "-c", "import dicom_node.receive"],
    "import dicom_node.receive.listener": [sys.executable, "-c", "import dicom_node.receive.listener"],
    "dicom-node --help": [str(Path(sysconfig.get_path("scripts")) / "dicom-node"), "--help"],
}


@dataclass(frozen=True)
class Cost:
    """Seconds of one process."""

    cpu: float
    wall: float


def cost(command: list[str]) -> Cost:
    """Raises `RuntimeError` when the command fails: a failure is fast."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall)


def measure(rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, command in COMMANDS.items():
            costs[name].append(cost(command))
    return {name: each[1:] for name, each in costs.items()}


def judge(costs: dict[str, list[Cost]]) -> dict[str, dict[str, float]]:
    """Medians in seconds, and the ratio of each to that of `import torch`."""
    medians = {
        name: (statistics.median(one.cpu for one in each), statistics.median(one.wall for one in each))
        for name, each in costs.items()
    }
    torch_cpu, torch_wall = medians[TORCH]
    return {
        name: {
            "cpu_seconds": round(cpu, 3),
            "wall_seconds": round(wall, 3),
            "cpu_ratio": round(cpu / torch_cpu, 2),
            "wall_ratio": round(wall / torch_wall, 2),
        }
        for name, (cpu, wall) in medians.items()
    }


def table(results: dict[str, dict[str, float]], load: float) -> str:
    lines = ["| | CPU, s | wall, s | CPU / torch | wall / torch |", "|---|---|---|---|---|"]
    for name, row in results.items():
        lines.append(f"| `{name}` | " + " | ".join(f"{value}" for value in row.values()) + " |")
    return "\n".join([*lines, "", f"Bar: below {BAR}. Medians; load average of the machine before: {load:.1f}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds, load = parser.parse_args().rounds, os.getloadavg()[0]
    results = judge(measure(rounds))
    print(table(results, load))
    RESULTS.mkdir(exist_ok=True)
    document = {"rounds": rounds, "load_average": round(load, 1), "medians": results}
    (RESULTS / "imports.json").write_text(json.dumps(document, indent=2) + "\n")
    (RESULTS / "imports.md").write_text(table(results, load))


if __name__ == "__main__":
    main()
