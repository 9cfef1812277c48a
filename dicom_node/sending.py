"""`dicom-node send`: files to a peer with a progress bar, and in words what was not stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from dicom_node.deliver.scu import Remote
from dicom_node.deliver.send import SendOutcome, files_below, send

ALL_STORED, NOTHING_TO_SEND, PARTLY_FAILED = 0, 2, 3


def send_and_show(paths: Sequence[Path], remote: Remote) -> int:
    """Send files and folders. Returns the exit status. Raises `NoSuchPath`."""
    files = [file for path in paths for file in files_below(path)]
    if not files:
        Console(stderr=True).print("There is no file to send.")
        return NOTHING_TO_SEND
    began = time.perf_counter()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Sending to {escape(remote.place)}", total=len(files))
        outcomes = send(files, remote, lambda outcome: bar.advance(task))
    return _show(outcomes, remote, time.perf_counter() - began)


def _show(outcomes: Sequence[SendOutcome], remote: Remote, seconds: float) -> int:
    console = Console(highlight=False)
    failed = [outcome for outcome in outcomes if not outcome.ok]
    for outcome in failed:
        console.print(f"{outcome.path}: {outcome.words}", markup=False, soft_wrap=True)
    stored = f"{len(outcomes) - len(failed)} of {len(outcomes)} stored at {remote.place} in {seconds:.1f} s"
    console.print(stored, markup=False, soft_wrap=True)
    return PARTLY_FAILED if failed else ALL_STORED
