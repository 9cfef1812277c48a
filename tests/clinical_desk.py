"""A node's API over a real index with real drafts, for tests: what arrives is read at once, by the workflow's steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from pydicom import Dataset
from sqlalchemy import Engine

from dicom_node.api.app import app
from dicom_node.archive.database import migrate, open_engine
from dicom_node.archive.studies import find_study, read_again
from dicom_node.offline import ingest
from dicom_node.settings import Settings, load
from dicom_node.workflow.assemble import assemble
from dicom_node.workflow.compose import compose
from dicom_node.workflow.node import Node
from dicom_node.workflow.read import read
from medvlm.client import ModelCard
from tests.builders import write
from tests.scripted_model import IDENTITY, ScriptedModel

TOKEN = "a-token-for-tests"
ADDRESS = "http://127.0.0.1"
PEER = {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": 104}
ADDED = "2.25.329800735698586629295641978511506172918"


class ServedModel(ScriptedModel):
    """As the model server's client shows it."""

    def card(self) -> ModelCard:
        return ModelCard(identity=IDENTITY, assessed=self.assessed)


@dataclass
class ClinicalDesk:
    folder: Path
    settings: Settings
    engine: Engine
    model: Any
    client: TestClient

    def receive(self, *films: Dataset) -> list[str]:
        """Study Instance UIDs, each once."""
        assert ingest(self.settings, [write(film, self.folder / "files") for film in films]) == ()
        return list(dict.fromkeys(str(film.StudyInstanceUID) for film in films))

    def draft(self, *films: Dataset) -> str:
        """A study received and read: its UID."""
        (uid,) = self.receive(*films)
        self.read(uid)
        return uid

    def read(self, uid: str) -> None:
        node = Node(self.settings, self.engine, self.model)
        work = find_study(self.engine, uid).work
        assembled = assemble(node, work)
        assert assembled is not None
        if read(node, work, assembled):
            compose(node, work)

    def read_again(self, uid: str) -> None:
        read_again(self.engine, uid)
        self.read(uid)

    def report(self, uid: str, by: TestClient | None = None) -> dict[str, Any]:
        """The newest report of a study."""
        return (by or self.client).get(f"/api/v1/studies/{uid}/reports").json()["reports"][0]

    @contextmanager
    def person(self, name: str = "Reader^One") -> Iterator[TestClient]:
        """A radiologist's browser: a session, and the header by which the page's own requests are known."""
        with TestClient(self.client.app, base_url=ADDRESS, headers={"Origin": ADDRESS}) as browser:
            opened = browser.post("/auth/session", json={"token": TOKEN, "name": name})
            assert opened.status_code == 201, opened.text
            yield browser


@contextmanager
def clinical_desk(folder: Path, model: Any = None, **settings: Any) -> Iterator[ClinicalDesk]:
    """`client` carries the machine's token. `settings` are sections as dicts."""
    chosen = {"archive": {"url": str(folder / "archive"), "flush": False}, "deliver": {"peers": [PEER]}} | settings
    loaded = load(**chosen)
    engine = open_engine(loaded.database_url, flush=False)
    migrate(engine)
    served = model or ServedModel()
    built = app(loaded, engine, served, TOKEN)
    with TestClient(built, base_url=ADDRESS, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield ClinicalDesk(folder, loaded, engine, served, client)


def decided(report: dict[str, Any], **verdicts: dict[str, Any]) -> list[dict[str, Any]]:
    """A decision for each of the model's findings: accepted, but for those given by name."""
    return [
        {"verdict": "accepted", "tracking_uid": found["tracking_uid"]}
        | ({"tracking_uid": found["tracking_uid"]} | verdicts[found["name"]] if found["name"] in verdicts else {})
        for found in report["findings"]
        if found["decision"] != "added"
    ]


def edit(browser: TestClient, report: dict[str, Any], decisions: list[dict[str, Any]], **more: Any) -> Any:
    """The answer of a save on the version that was shown."""
    return browser.put(
        f"/api/v1/reports/{report['id']}",
        json={"decisions": decisions, "narrative": None} | more,
        headers={"If-Match": f'"{report["version"]}"'},
    )


def act(browser: TestClient, report: dict[str, Any], kind: str, **body: Any) -> Any:
    """The answer of `sign`, `reject` or `addenda` on the version that was shown."""
    return browser.post(
        f"/api/v1/reports/{report['id']}/{kind}", json=body, headers={"If-Match": f'"{report["version"]}"'}
    )
