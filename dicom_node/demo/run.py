"""`dicom-node demo`: the node, a second AE as PACS, a real radiograph and a real CT, and what came of them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydicom import dcmread
from rich.console import Console
from sqlalchemy import Engine

from dicom_node.api.access.callers import token_of
from dicom_node.api.access.origins import page_address
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.readings import latest_reading
from dicom_node.archive.studies import Study, find_study
from dicom_node.deliver.scu import Remote, echo
from dicom_node.deliver.send import files_below, send
from dicom_node.demo.pacs import Pacs, Received, pacs
from dicom_node.demo.sample import sample
from dicom_node.demo.story import Delivered, FindingRow, Refused, Said, StudyOutcome, show
from dicom_node.errors import NodeError, NotFound, PortTaken
from dicom_node.log import configure
from dicom_node.roles import until_signal
from dicom_node.settings import Settings
from dicom_node.supervise import supervise
from medvlm.client import RemoteModel
from medvlm.contract import Refusal
from medvlm.errors import MedvlmError

START_SECONDS = 120.0
RESULT_SECONDS = 300.0
QUIET_SECONDS = 2.0
SETTLED = ("delivered", "refused", "failed")


@dataclass(frozen=True)
class Sent:
    """One study as sent: in words, and when its last instance was stored."""

    study_uid: str
    words: str
    at: datetime


def run(settings: Settings, files: tuple[Path, ...], *, stay: bool) -> int:
    """Returns the exit status: 0 when every study has its result, 3 when one failed or none came."""
    console = Console()
    home = settings.archive.root.parent / "demo"
    with _alone(home), _stopping() as stop:
        paths = _chosen(files, home, console)
        running = home / "run"
        shutil.rmtree(running, ignore_errors=True)
        running.mkdir(parents=True)
        with pacs(running / "pacs", ae_title="PACS") as peer, (running / "node.log").open("wb") as log:
            own = _settings(settings, running, peer)
            with _node(own, log, stop):
                return _story(own, paths, peer, console, stop, stay)


def _story(
    settings: Settings, paths: Sequence[Path], peer: Pacs, console: Console, stop: threading.Event, stay: bool
) -> int:
    with console.status("Starting the node: listener, model, worker, API"):
        _until_ready(settings, stop)
    sent = _send_all(settings, paths, console)
    engine = open_engine(settings.database_url)
    migrate(engine)
    with console.status("Reading and delivering"):
        _until_settled(engine, sent, stop)
    outcomes = tuple(_outcome(engine, one, peer) for one in sent)
    token = token_of(settings.api.token, settings.archive.root)
    console.print()
    show(console, outcomes, page_address(settings.api, token))
    if stay and not stop.is_set():
        console.print("The node stays up. Ctrl-C ends it.")
        stop.wait()
    return 0 if outcomes and all(one.state in ("delivered", "refused") for one in outcomes) else 3


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One demo at a time in one folder."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PortTaken("a demo is running here already", where=str(home), way_out="End it with Ctrl-C.") from None
        yield


@contextlib.contextmanager
def _stopping() -> Iterator[threading.Event]:
    stop = until_signal()
    yield stop


def _chosen(files: tuple[Path, ...], home: Path, console: Console) -> tuple[Path, ...]:
    if files:
        return tuple(file for path in files for file in files_below(path))
    chosen = sample(home, console.print)
    return (chosen.radiograph, *chosen.ct)


def _settings(settings: Settings, running: Path, peer: Pacs) -> Settings:
    """The user's settings, but for a fresh archive, our PACS, a short quiet time, and ports that are free."""

    def changed(section: str, **values: object) -> object:
        before = getattr(settings, section)
        return type(before).model_validate(before.model_dump() | values)

    pacs_peer = {"name": "pacs", "ae_title": peer.ae_title, "host": "127.0.0.1", "port": peer.port}
    return settings.model_copy(
        update={
            "archive": changed("archive", url=str(running / "archive")),
            "database": changed("database", url=""),
            "listener": changed("listener", port=_free(settings.listener.port), calling_ae_titles=()),
            "model": changed("model", url=f"http://127.0.0.1:{_free(8100)}"),
            "api": changed("api", port=_free(settings.api.port)),
            "workflow": changed("workflow", quiet_seconds=min(QUIET_SECONDS, settings.workflow.quiet_seconds)),
            "deliver": changed("deliver", peers=(pacs_peer,)),
        }
    )


def _free(wanted: int) -> int:
    """The wanted port, or a free one where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _node(settings: Settings, log: IO[bytes], stop: threading.Event) -> Iterator[None]:
    """All roles as processes, their events in the log file."""
    configure(settings.log, "supervisor", log.name)
    over = threading.Event()
    keeper = threading.Thread(target=supervise, args=([], environment(settings), over, log))
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def environment(settings: Settings) -> dict[str, str]:
    """Settings as the environment variables that the roles read."""
    document = settings.model_dump(mode="json")
    return {
        f"DICOM_NODE_{section}__{key}".upper(): value if isinstance(value, str) else json.dumps(value)
        for section, keys in document.items()
        for key, value in keys.items()
    }


def _until_ready(settings: Settings, stop: threading.Event) -> None:
    until = time.monotonic() + START_SECONDS
    model = RemoteModel(settings.model.url, 10)
    while time.monotonic() < until and not stop.is_set():
        with contextlib.suppress(MedvlmError):
            model.card()
            if echo(_remote(settings)).ok:
                return
        stop.wait(0.2)
    log = settings.archive.root.parent / "node.log"
    raise NodeError("the node did not start in time", where=str(log), way_out="That log says why.")


def _remote(settings: Settings) -> Remote:
    own = settings.listener
    return Remote("127.0.0.1", own.port, own.ae_title, "SENDER")


def _send_all(settings: Settings, paths: Sequence[Path], console: Console) -> tuple[Sent, ...]:
    """One study after the other. Raises nothing for a file: what is not stored is said."""
    sent = []
    for study_uid, files in _by_study(paths, console).items():
        with console.status(f"Sending {len(files)} instances"):
            outcomes = send(files, _remote(settings))
        for refused in (one for one in outcomes if not one.ok):
            console.print(f"{refused.path.name}: {refused.words}", style="yellow")
        if any(one.ok for one in outcomes):
            sent.append(Sent(study_uid, _in_words(files), datetime.now(UTC)))
    return tuple(sent)


def _by_study(paths: Sequence[Path], console: Console) -> dict[str, list[Path]]:
    studies: dict[str, list[Path]] = {}
    for path in paths:
        try:
            uid = str(dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)
        except Exception as error:  # whatever a file of the user's makes the parser raise
            console.print(f"{path.name}: not sent, it cannot be read as DICOM ({type(error).__name__})", style="yellow")
            continue
        studies.setdefault(uid, []).append(path)
    return studies


def _in_words(files: Sequence[Path]) -> str:
    modality = str(dcmread(files[0], stop_before_pixels=True, specific_tags=["Modality"]).get("Modality", ""))
    return f"{len(files)} {modality} {'image' if len(files) == 1 else 'images'}"


def _until_settled(engine: Engine, sent: Sequence[Sent], stop: threading.Event) -> None:
    until = time.monotonic() + RESULT_SECONDS
    while time.monotonic() < until and not stop.is_set():
        if all((study := _study(engine, one)) is not None and study.state in SETTLED for one in sent):
            return
        stop.wait(0.2)


def _study(engine: Engine, sent: Sent) -> Study | None:
    try:
        return find_study(engine, sent.study_uid)
    except NotFound:
        return None


def _outcome(engine: Engine, sent: Sent, peer: Pacs) -> StudyOutcome:
    study = _study(engine, sent)
    return StudyOutcome(
        study_uid=sent.study_uid,
        sent=sent.words,
        state=study.state if study else "not indexed",
        sent_at=sent.at,
        said=_said(engine, study) if study else None,
        delivered=tuple(Delivered(_kind(one), one.path, one.at) for one in peer.of_study(sent.study_uid)),
    )


def _said(engine: Engine, study: Study) -> Said:
    if study.state in ("refused", "failed"):
        return Refused(study.reason)
    kept = latest_reading(engine, study.uid)
    if kept is None or isinstance(kept.reading.scope, Refusal):
        return None
    return tuple(FindingRow(one.name, one.presence, one.probability, one.laterality) for one in kept.reading.findings)


def _kind(received: Received) -> str:
    findings = str(
        dcmread(received.path, specific_tags=["ConceptNameCodeSequence"]).ConceptNameCodeSequence[0].CodeValue
    )
    return "findings SR" if findings == "126000" else "draft report SR"
