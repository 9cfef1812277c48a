"""Outputs in a file of JSON lines that only grows: one line an output, forced to disk batch by batch.

Only offsets are kept in memory. A process that is killed loses the batch it was writing: a torn last line is cut off
when the file is opened next. Outputs with an error are not found again, so that a resumed run asks anew.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from validation.outputs import Output


class OutputStore:
    """One writer at a time; reading and writing from several threads is safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._lock = threading.Lock()
        self._offsets: dict[str, int] = {}
        self._errors: dict[str, int] = {}
        self._index()

    def __contains__(self, key: str) -> bool:
        return key in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def append(self, outputs: Sequence[Output]) -> None:
        """All of them are on disk when this returns."""
        with self._lock:
            place = self._file.seek(0, os.SEEK_END)
            for output in outputs:
                (self._errors if output.error else self._offsets)[output.key] = place
                place += self._file.write(output.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def get(self, key: str) -> Output | None:
        """None where it was never made."""
        place = self._offsets.get(key, self._errors.get(key))
        if place is None:
            return None
        with self._lock:
            self._file.seek(place)
            line = self._file.readline()
        return Output.model_validate_json(line)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> OutputStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _index(self) -> None:
        self._file.seek(0)
        place = 0
        for line in self._file:
            whole = _whole(line)
            if whole is None:
                break
            key, failed = whole
            (self._errors if failed else self._offsets)[key] = place
            place += len(line)
        self._file.truncate(place)


def _whole(line: bytes) -> tuple[str, bool] | None:
    """Key, and whether it is an error; None for a line that was being written when the process ended."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
        return str(row["key"]), bool(row["error"])
    except (ValueError, KeyError):
        return None


class StoredOutputs:
    """`validation.outputs.Said` from a store: an output is read from disk whenever it is asked for."""

    def __init__(self, store: OutputStore, keys: Mapping[tuple[str, str], str]) -> None:
        self._store, self._keys = store, keys
        probes: dict[str, set[str]] = {}
        for probe, case_id in keys:
            probes.setdefault(case_id, set()).add(probe)
        self._probes = {case_id: frozenset(each) for case_id, each in probes.items()}

    def get(self, probe: str, case_id: str) -> Output | None:
        key = self._keys.get((probe, case_id))
        output = self._store.get(key) if key else None
        # The same images may have been shown under another name before.
        return output and output.model_copy(update={"case_id": case_id, "probe": probe})

    def probes(self, case_id: str) -> frozenset[str]:
        return self._probes.get(case_id, frozenset())
