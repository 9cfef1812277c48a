"""Files through the whole flow without a PACS: the same archive, steps and objects as when they come by network.

The archive is a temporary folder; the model server is a child process on loopback.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.files import FileStore, file_meta
from dicom_node.archive.instance_header import read_header
from dicom_node.archive.instance_rows import Received
from dicom_node.archive.intake import Intake
from dicom_node.archive.readings import find_reading, reports_of
from dicom_node.archive.studies import find_study, list_studies
from dicom_node.deliver.scu import payload
from dicom_node.deliver.send import files_below
from dicom_node.errors import CannotUnderstand, ModelFailed, NodeError
from dicom_node.roles import model_arguments
from dicom_node.settings import Settings
from dicom_node.show import print_reading
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from medvlm.client import RemoteModel
from medvlm.contract import InScope, Reading
from medvlm.errors import ModelUnavailable

SERVER_SECONDS = 120.0
COPY_BYTES = 1 << 20
MOST_STUDIES = 100_000


@dataclass(frozen=True)
class ReadStudy:
    """What became of one study. `reading` is None when it failed, for the reason in words."""

    study_uid: str
    state: str
    reason: str
    reading: Reading | None
    reports: tuple[Path, ...]


@dataclass(frozen=True)
class ReadOutcome:
    studies: tuple[ReadStudy, ...]
    unread: tuple[tuple[Path, str], ...]

    @property
    def exit_status(self) -> int:
        if not self.studies:
            return 2
        if self.unread or any(study.state == "failed" for study in self.studies):
            return 3
        return 0 if any(study.state == "drafted" for study in self.studies) else 1


def read_paths(settings: Settings, paths: Iterable[Path], out: Path) -> ReadOutcome:
    """Read every study among the files. Raises `NoSuchPath`."""
    files = [file for path in paths for file in files_below(path)]
    with tempfile.TemporaryDirectory(prefix="dicom-node-read-") as folder:
        inside = settings.model_copy(
            update={
                "archive": settings.archive.model_copy(update={"url": folder, "flush": False}),
                "database": settings.database.model_copy(update={"url": ""}),
            }
        )
        unread = ingest(inside, files)
        with model_server(inside) as model:
            node = Node(inside, open_engine(inside.database_url, flush=False), model)
            uids = [study.uid for study in list_studies(node.engine, limit=MOST_STUDIES)]
            return ReadOutcome(tuple(read_study(node, uid, out) for uid in sorted(uids)), unread)


def ingest(settings: Settings, files: Iterable[Path]) -> tuple[tuple[Path, str], ...]:
    """Put the files into the archive as the listener does. Returns those that it would refuse, and why."""
    engine = open_engine(settings.database_url, flush=False)
    migrate(engine)
    store = FileStore(settings.archive.root, flush=False, reserve_bytes=settings.archive.reserve_bytes)
    intake = Intake(engine, store)
    unread = []
    for file in files:
        try:
            admit(file, store, intake)
        except NodeError as error:
            unread.append((file, str(error)))
    return tuple(unread)


def admit(path: Path, store: FileStore, intake: Intake) -> None:
    """Raises `CannotUnderstand` for what is no DICOM object with an identity."""
    item, now = payload(path), time.time()
    with path.open("rb") as stream, store.open() as file:
        stream.seek(item.offset)
        file.write_meta(file_meta(item.sop_class_uid, item.sop_instance_uid, item.transfer_syntax_uid, "FILE"))
        while piece := stream.read(COPY_BYTES):
            file.write(memoryview(piece))
        with file.data_set() as written:
            header = read_header(written, item.transfer_syntax_uid)
        if header is None:
            raise CannotUnderstand("the data set ends before its header does", where=path.name)
        intake.admit(Received(header, store.keep(file, now), item.transfer_syntax_uid, now))


def read_study(node: Node, uid: str, out: Path) -> ReadStudy:
    """The workflow's steps, one after the other, in this process."""
    work = find_study(node.engine, uid).work
    assembled = assemble(node, work)
    if assembled is not None and read(node, work, assembled):
        compose(node, work)
    study, kept = find_study(node.engine, uid), find_reading(node.engine, work)
    reading = kept.reading if kept else None
    if study.state == "failed" and reading and isinstance(reading.scope, InScope):
        reading = None  # it could not be reported: the study's reason says why
    written = []
    count: Counter[str] = Counter()
    for report in reports_of(node.engine, uid):
        count[report.kind] += 1
        number = f"-{count[report.kind]}" if count[report.kind] > 1 else ""
        target = out / uid / f"{report.kind}{number}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        written.append(Path(shutil.copyfile(node.root / report.path, target)))
    return ReadStudy(uid, study.state, study.reason, reading, tuple(written))


@contextmanager
def model_server(settings: Settings) -> Iterator[RemoteModel]:
    """A model server of our own on a free loopback port, ended with the block. Raises `ModelFailed`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    own = settings.model_copy(update={"model": settings.model.model_copy(update={"url": url})})
    process = subprocess.Popen([sys.executable, "-m", "medvlm.cli", *model_arguments(own)])
    model = RemoteModel(url, settings.workflow.read_timeout)
    try:
        _wait_for(model, process)
        yield model
    finally:
        model.close()
        process.terminate()
        process.wait()


def _wait_for(model: RemoteModel, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            model.card()
            return
        except ModelUnavailable:
            time.sleep(0.1)
    raise ModelFailed("the model server did not start", way_out="Its own words stand above; try `medvlm draft FILE`.")


def show(outcome: ReadOutcome, *, as_json: bool) -> None:
    console = Console()
    for study in outcome.studies:
        if as_json:
            print(study.reading.model_dump_json() if study.reading else _failed(study))
            continue
        console.print(f"[bold]{study.study_uid}[/bold]  {study.state}")
        if study.reading:
            print_reading(console, study.reading)
        elif study.reason:
            console.print(study.reason)
        for path in study.reports:
            console.print(f"  {path}", soft_wrap=True)
    for path, words in outcome.unread:
        print(f"{path}: {words}", file=sys.stderr)


def _failed(study: ReadStudy) -> str:
    return json.dumps({"study_uid": study.study_uid, "error": study.state, "detail": study.reason})
