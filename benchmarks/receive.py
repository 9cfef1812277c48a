"""Receiving side by side: the node, DCMTK's storescp and Orthanc, from DCMTK's dcmsend on loopback.

`python -m benchmarks.receive [--rounds N]` writes `results/receive.json` and `results/receive.md` beside this file.

Rounds are interleaved and the first is dropped; each has new UIDs (Orthanc skips what it holds, and so does the node).
TCP_NODELAY=1 is set for every DCMTK process and for Orthanc: without it Nagle costs some 48 ms an instance. A bare
flush is what `fsync` alone takes on a file of the same size, written and renamed as the node does, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.builders import ROOT, bytes_of, ct_slice
from tests.peers import HOST, dcmtk_environment, listener, orthanc, storescp

RESULTS = Path(__file__).parent / "results"
MARK = "7777777"
Port = int


class Batch:
    """Slices on disk whose UIDs can be made new in place: `count` files of `size` x `size` in `folders` folders."""

    def __init__(self, root: Path, count: int, size: int, folders: int) -> None:
        self.count = count
        self.folders = [root / str(part) for part in range(folders)]
        self._places: list[tuple[Path, list[int]]] = []
        for folder in self.folders:
            folder.mkdir(parents=True)
        for number in range(count):
            self._write(self.folders[number % folders] / f"{number:05d}.dcm", number, size)
        self.bytes_each = self._places[0][0].stat().st_size

    def renew(self, turn: int) -> None:
        mark = f"{turn:07d}".replace("0", "9").encode()
        for path, places in self._places:
            with path.open("r+b") as file:
                for place in places:
                    file.seek(place)
                    file.write(mark)

    def send(self, port: Port, called: str) -> float:
        """Seconds until the last of the concurrent `dcmsend` has ended; raises when one instance failed."""
        begin = time.perf_counter()
        running = [
            subprocess.Popen(
                ["dcmsend", "-aec", called, HOST, str(port), "--scan-directories", str(folder)],
                env=dcmtk_environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for folder in self.folders
        ]
        codes = [process.wait() for process in running]
        seconds = time.perf_counter() - begin
        if any(codes):
            raise RuntimeError(f"dcmsend to {called} failed: {codes}")
        return seconds

    def _write(self, path: Path, number: int, size: int) -> None:
        slice_ = ct_slice(number=number, shape=(size, size), sop_instance_uid=f"{ROOT}{MARK}.{number + 1}")
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID = f"{ROOT}{MARK}.0.1", f"{ROOT}{MARK}.0.2"
        raw = bytes_of(slice_)
        path.write_bytes(raw)
        self._places.append((path, _all(raw, MARK.encode())))


def _all(raw: bytes, what: bytes) -> list[int]:
    found, at = [], raw.find(what)
    while at >= 0:
        found.append(at)
        at = raw.find(what, at + 1)
    return found


def bare_flushes(folder: Path, count: int, size: int) -> float:
    """Seconds that `count` fsyncs take, each on a new file of `size` bytes that just got its final name."""
    content, seconds = os.urandom(size), 0.0
    for number in range(count):
        part, final = folder / f"{number}.part", folder / f"{number}.dcm"
        with part.open("wb", buffering=0) as file:
            file.write(content)
            part.rename(final)
            begin = time.perf_counter()
            os.fsync(file.fileno())
            seconds += time.perf_counter() - begin
        final.unlink()
    return seconds


def measure(batch: Batch, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds a round of each receiver, and of the same number of bare flushes."""
    with ExitStack() as stack:
        enter = stack.enter_context
        flushed = enter(listener(_new(folder / "node")))
        unflushed = enter(listener(_new(folder / "node-unflushed"), archive__flush=False))
        peers: dict[str, Callable[[], float]] = {
            "node": lambda: batch.send(flushed.port, "MEDVLM"),
            "node, flushing off": lambda: batch.send(unflushed.port, "MEDVLM"),
        }
        if len(batch.folders) == 1:
            scp = enter(storescp(folder / "storescp"))
        else:
            scp = enter(storescp(folder / "storescp", "--fork"))
        pacs = enter(orthanc(folder / "orthanc"))
        peers["storescp"] = lambda: batch.send(scp, "STORESCP")
        peers["Orthanc"] = lambda: batch.send(pacs.port, "ORTHANC")
        # Beside the node in each round, for the disk's mood changes.
        peers["bare flushes"] = lambda: bare_flushes(_new(folder / "flushes"), batch.count, batch.bytes_each)
        order = ("bare flushes", "node", "node, flushing off", "storescp", "Orthanc")
        seconds: dict[str, list[float]] = {name: [] for name in order}
        for turn in range(rounds + 1):
            batch.renew(turn + 1)
            for name in order:
                os.sync()  # what others left in the page cache would be flushed at the durable receiver's cost
                seconds[name].append(peers[name]())
    return {name: times[1:] for name, times in seconds.items()}


CASES = {
    "300 slices of 512x512": (300, 512, 1),
    "300 slices of 512x512, four associations": (300, 512, 4),
    "2,000 slices of 64x64": (2000, 64, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--folder", type=Path, help="where to write; its disk is what is measured")
    parser.add_argument("--verbose", action="store_true", help="print each round")
    arguments = parser.parse_args()
    results = {}
    for name in arguments.case or CASES:
        count, size, folders = CASES[name]
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            batch = Batch(Path(folder) / "send", count, size, folders)
            seconds = measure(batch, Path(folder), arguments.rounds)
        results[name] = judge(seconds)
        if arguments.verbose:
            print(json.dumps({who: [round(value, 3) for value in times] for who, times in seconds.items()}, indent=1))
        print(table({name: results[name]}), flush=True)
    if not arguments.case:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "receive.json").write_text(json.dumps(results, indent=2) + "\n")
        (RESULTS / "receive.md").write_text(table(results))


def judge(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Medians, and medians of each round's ratios: a disk that others slow down slows all of a round."""
    node, unflushed, flushes = seconds["node"], seconds["node, flushing off"], seconds["bare flushes"]
    added = [flushed - rest for flushed, rest in zip(node, unflushed, strict=True)]
    return {
        "median_seconds": {name: round(statistics.median(times), 3) for name, times in seconds.items()},
        "least_seconds": {name: round(min(times), 3) for name, times in seconds.items()},
        "ratios": {
            "node, flushing off / storescp": _ratio(unflushed, seconds["storescp"]),
            "node / Orthanc": _ratio(node, seconds["Orthanc"]),
            "added by flushing / bare flushes": _ratio(added, flushes),
        },
    }


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2)


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = []
    for name, result in results.items():
        lines += [f"### {name}", "", "| | median, s | least, s |", "|---|---|---|"]
        least = result["least_seconds"]
        lines += [f"| {who} | {value} | {least[who]} |" for who, value in result["median_seconds"].items()]
        lines += ["", *(f"- {what}: {value}" for what, value in result["ratios"].items()), ""]
    return "\n".join(lines)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
