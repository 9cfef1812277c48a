"""The fingerprints of many files, several at once: decoding is what takes the time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from validation.disjointness.fingerprint import PLAIN, Framing, Signs, fingerprints
from validation.disjointness.pixels import NoImage, grey_values

Told = Callable[[int], None]
BATCH = 512


def all_fingerprints(
    paths: Sequence[Path], wanted: tuple[Framing, ...] = (PLAIN,), told: Told = lambda done: None
) -> Iterator[Signs | None]:
    """In the order of the paths, framings × BITS; None for a file that cannot be compared."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), BATCH):
            # A part at a time: nobody wants the images of an archive in memory.
            for done, signs in enumerate(pool.map(partial(_look, wanted=wanted), paths[start : start + BATCH]), 1):
                told(start + done)
                yield signs


def _look(path: Path, wanted: tuple[Framing, ...]) -> Signs | None:
    try:
        return fingerprints(grey_values(path), wanted)
    except NoImage:
        return None
