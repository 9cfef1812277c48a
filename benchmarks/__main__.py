"""`python -m benchmarks [NAME…]`: the named measures, or all, one after the other, each in a process of its own.

A process of its own keeps what one measure imported or left in memory out of the next.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dicom_node.demo.sample import sample

SAMPLE = Path("data/demo")  # where `dicom-node demo` keeps it


def _series() -> tuple[str, ...]:
    """The folder of the sample's CT series; fetched once."""
    return (str(sample(SAMPLE, print).ct[0].parent),)


def _nothing() -> tuple[str, ...]:
    return ()


# Name of the module: what gives its arguments.
MEASURES: dict[str, Callable[[], tuple[str, ...]]] = {
    "imports": _nothing,
    "report": _nothing,
    "encode_once": _nothing,
    "preprocess": _series,
    "study_to_report": _nothing,
    "receive": _nothing,
    "receive_memory": _nothing,
    "index_million": _nothing,
    "ct_over_dicomweb": _nothing,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures of the product.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(MEASURES)}; default: all")
    names = parser.parse_args().names or list(MEASURES)
    unknown = sorted(set(names) - set(MEASURES))
    if unknown:
        parser.error(f"no measure is called {', '.join(unknown)}; known: {', '.join(MEASURES)}")
    return max(_run(name, MEASURES[name]()) for name in names)


def _run(name: str, arguments: tuple[str, ...]) -> int:
    print(f"== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
