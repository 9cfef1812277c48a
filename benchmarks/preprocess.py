"""Preprocessing of a CT series against pydicom's bare decode of the same slices, side by side, medians.

    python benchmarks/preprocess.py FOLDER [--rounds 9]

FOLDER holds one series. "bare" is `dcmread(path).pixel_array` for every slice: no rescale, no order, no geometry,
no isolation. "study" is `load_study`: headers, decoding in the child process, rescale to HU, geometry checked.
The decoder is long-lived in the product, so it is started before the clock; its start is printed on its own.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from pydicom import dcmread

from medvlm.contract import ImageSource, StudyInput
from medvlm.imaging import Decoder, load_study


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.rglob("*.dcm"))
    study = StudyInput(study_uid="1.2.3", images=tuple(ImageSource(uri=str(path)) for path in paths))
    with Decoder() as decoder:
        start = seconds(lambda: load_study(StudyInput(study_uid="1.2.3", images=study.images[:1]), None, decoder))
        bare, whole = [], []
        for _ in range(arguments.rounds):
            bare.append(seconds(lambda: [dcmread(path).pixel_array for path in paths]))
            whole.append(seconds(lambda: load_study(study, None, decoder)))
    ratios = [one / other for one, other in zip(whole, bare, strict=True)]
    print(f"{len(paths)} slices, {arguments.rounds} rounds, medians")
    print(f"decoder start and first slice  {start * 1000:8.0f} ms")
    print(f"pydicom bare decode            {statistics.median(bare) * 1000:8.0f} ms")
    print(f"load_study                     {statistics.median(whole) * 1000:8.0f} ms")
    print(f"ratio                          {statistics.median(ratios):8.2f}  (goal: at most 1.5)")


if __name__ == "__main__":
    main()
